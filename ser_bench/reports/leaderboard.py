"""The leaderboard: predictions, judged and ranked.

In:   a run's predictions, and one row a cell that says what it is and what it cost.
Out:  the table that `leaderboard.csv` holds, what it is to be read against, and what its speakers could have shown at all.
Rule: ranks are within a corpus, its labels and a track; LEAKY rows get none, FAILED ones neither. Comparisons with the best
      are among ranked rows alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import files, scores
from ser_bench.errors import WorkFailed

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus

CELL = ["corpus", "features", "model", "track"]
BLOCK = ["corpus", "labels", "track", "cv"]
NAMES: dict[Hashable, Any] = dict.fromkeys(("corpus", "labels", "features", "model", "track", "cv", "mode", "group", "name", "notes"), str)
"""Columns of words, in any table: a corpus or a system may be called 2023."""
SCORES = ["uar", "uar_low", "uar_high", "war", "macro_f1", "auc", "p_vs_best", "uar_sd_seeds"]
COLUMNS = (
    *("rank", "corpus", "labels", "features", "dims", "model", "track", "cv", "speakers", "clips"),
    *("uar", "uar_low", "uar_high", "war", "macro_f1", "auc", "p_vs_best"),
    *("budget", "trials", "seeds", "uar_sd_seeds", "status", "notes", "seconds"),
)


PUBLISHED, LEAKY_ELSEWHERE = "published: ", "published, LEAKY: "
"""How names of references from papers begin; what shared speakers between training and test is told of, and never drawn."""


def rank(predictions: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Judge and rank cells.

    Parameters
    ----------
    predictions : DataFrame
        ``corpus, features, model, track, seed, fold, clip, speaker, emotion, predicted, p.<emotion>...``; none of a failed cell.
    cells : DataFrame
        The leaderboard's columns but scores and rank, a row a cell.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`: per corpus, labels and track the ranked rows, then LEAKY, then FAILED ones. Scores are fractions
        rounded to four digits.

    Raises
    ------
    WorkFailed
        If a cell that did not fail has no predictions, or rows or seeds that are to be compared were judged on different clips.
    """
    import pandas as pd

    grouped = dict(list(predictions.groupby(CELL))) if len(predictions) else {}
    for cell in cells.loc[cells["status"] != "failed", CELL].itertuples(index=False, name=None):
        if cell not in grouped:
            raise WorkFailed(f"{' '.join(cell)} has no predictions, yet did not fail: run it again with --fresh")
    judged = [judge(grouped[cell]) if cell in grouped else {} for cell in cells[CELL].itertuples(index=False, name=None)]
    board = pd.concat([cells.reset_index(drop=True), pd.DataFrame(judged).reindex(columns=[*SCORES, "shares", "judged_on"])], axis=1)
    board["rank"] = pd.NA
    for _, block in board[board["status"] == "ok"].groupby(BLOCK):
        order = block.sort_values(["uar", "war", "features", "model"], ascending=[False, False, True, True]).index
        _check_same_clips(block)
        board.loc[order, "rank"] = np.arange(1, len(order) + 1)
        board.loc[order, "p_vs_best"] = scores.p_vs_best(np.stack(block.loc[order, "shares"].to_list()))
    board[SCORES] = board[SCORES].astype(float).round(4)
    board["rank"] = board["rank"].astype("Int64")
    last = board["status"].map({"ok": 0, "leaky": 1, "failed": 2})
    tracks = board["track"].map({"train": 0, "speaker": 1})
    keys = board.assign(_last=last, _track=tracks, _uar=-board["uar"].fillna(0))
    order = keys.sort_values(["corpus", "labels", "_track", "cv", "_last", "rank", "_uar", "features", "model"]).index
    return board.loc[order, list(COLUMNS)].reset_index(drop=True)


def judge(rows: pd.DataFrame) -> dict[str, object]:
    """The scores of one cell from its predictions over all seeds, and each speaker's contribution to its UAR (`shares`).

    `judged_on` names the clips. `auc` is blank where there are no probabilities.
    """
    emotions = [column.removeprefix("p.") for column in rows.columns if column.startswith("p.")]
    by_seed = [seed.sort_values("clip") for _, seed in rows.groupby("seed")]
    clips = by_seed[0]["clip"].tolist()
    if len(set(clips)) < len(clips) or any(seed["clip"].tolist() != clips for seed in by_seed):
        raise WorkFailed(f"predictions of {' '.join(rows.iloc[0][CELL])}: every seed must judge the same clips, each once")
    truth, speakers = (by_seed[0][column].to_numpy(str) for column in ("emotion", "speaker"))
    predicted = np.stack([seed["predicted"].to_numpy(str) for seed in by_seed])
    by_speaker = scores.speaker_counts(truth, predicted, speakers)
    counts = by_speaker.sum(1)
    uars = scores.uar_of(counts)
    interval = scores.jackknife_of(by_speaker, cross_validated=True)
    present = [f"p.{emotion}" for emotion in emotions if emotion in truth]
    known = len(present) > 0 and rows[present].notna().to_numpy().all()
    classes = [column.removeprefix("p.") for column in present]
    aucs = [scores.auc(truth, seed[present], seed["fold"], classes=classes) for seed in by_seed] if known else [np.nan]
    return {
        "uar": uars.mean(),
        "uar_low": interval.low,
        "uar_high": interval.high,
        "war": scores.war_of(counts).mean(),
        "macro_f1": scores.macro_f1_of(counts).mean(),
        "auc": np.mean(aucs),
        "uar_sd_seeds": uars.std(ddof=1) if len(uars) > 1 else np.nan,
        "shares": scores.contributions_of(by_speaker),
        "judged_on": tuple(clips),
    }


def references(corpus: Corpus, labels: str, clips: pd.DataFrame) -> pd.DataFrame:
    """What a score is to be read against, drawn as lines and never ranked: ``corpus, labels, name, uar, war, source``.

    Chance, always the commonest emotion, and listeners: on these very clips where the corpus tells how many recognised each, else
    as published, if all of the corpus's clips are judged; then also what others have published on these.

    Parameters
    ----------
    corpus : Corpus
    labels : str
        The label scheme.
    clips : DataFrame
        The clips judged.
    """
    import pandas as pd

    from ser_bench.corpora import human_recall

    shares = clips["emotion"].value_counts(normalize=True)
    chance = 1 / len(shares)
    rows = [
        ("chance", chance, chance, f"a guess among {len(shares)} emotions"),
        ("majority", chance, shares.iloc[0], f"always {shares.index[0]}"),
    ]
    heard, facts = human_recall(clips), corpus.facts
    if heard is not None:
        rows.append(("human", heard, np.nan, "mean share of listeners who heard what was meant, over emotions, on these clips"))
    whole = facts is not None and labels == "all" and len(clips) == facts.clips
    if facts and whole:
        if heard is None and facts.human is not None:
            rows.append(("human", facts.human, np.nan, facts.human_source))
        rows += [(f"{LEAKY_ELSEWHERE if p.leaky else PUBLISHED}{p.name}", p.uar, p.war, p.source) for p in facts.published]
    named = [(corpus.name, labels, *row) for row in rows]
    return pd.DataFrame(named, columns=["corpus", "labels", "name", "uar", "war", "source"]).round(4)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table of scores, whole or not at all: four digits everywhere, so that equal scores are equal bytes."""
    files.write_csv(table, path, float_format="%.4f")


def read_board(path: Path) -> pd.DataFrame:
    """Read `leaderboard.csv`; a system called "null" or "NA" keeps its name."""
    dtypes = {**NAMES, "rank": "Int64"}
    return files.read_csv(path, dtype=dtypes, keep_default_na=False, na_values=dict.fromkeys(("rank", *SCORES), ""))


def read_references(path: Path) -> pd.DataFrame:
    """Read `references.csv`, names as they are."""
    return files.read_csv(path, dtype=NAMES, keep_default_na=False, na_values={"uar": "", "war": ""})


def read_resolutions(path: Path) -> pd.DataFrame:
    """Read `resolution.csv`, names as they are."""
    return files.read_csv(path, dtype=NAMES, keep_default_na=False, na_values={"smallest_difference": ""})


def read_learning(path: Path) -> pd.DataFrame:
    """Read `learning.csv`, names as they are; empty where there is none, as of predictions that were made elsewhere."""
    import pandas as pd

    if not path.is_file():
        return pd.DataFrame(columns=[*CELL, "speakers", *SCORES[:3]])
    return files.read_csv(path, dtype=NAMES, keep_default_na=False)


def _check_same_clips(block: pd.DataFrame) -> None:
    first = block.iloc[0]
    for features, model, clips in block[["features", "model", "judged_on"]].itertuples(index=False, name=None):
        if clips != first["judged_on"]:
            odd = min(set(clips) ^ set(first["judged_on"]))
            raise WorkFailed(
                f"{features} {model} and {first['features']} {first['model']} were judged on different clips: '{odd}', for one"
            )


def resolutions(board: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """What differences each block's speakers could have shown: ``corpus, labels, track, cv, speakers, smallest_p, smallest_difference``.

    Parameters
    ----------
    board, predictions : DataFrame
        What `rank` gave and took.

    Returns
    -------
    DataFrame
        `smallest_difference` is that of `scores.smallest_difference`, rounded to four digits, for the ranked rows.
    """
    import pandas as pd

    grouped = dict(list(predictions.groupby(CELL))) if len(predictions) else {}
    rows = []
    for place, block in board[board["status"] == "ok"].groupby(BLOCK, sort=False):
        shares = np.stack([_shares(grouped[cell]) for cell in block[CELL].itertuples(index=False, name=None)])
        n_speakers = shares.shape[1]
        rows.append((*place, n_speakers, scores.smallest_p(n_speakers), round(scores.smallest_difference(shares), 4)))
    return pd.DataFrame(rows, columns=[*BLOCK, "speakers", "smallest_p", "smallest_difference"])


def _shares(rows: pd.DataFrame) -> np.ndarray:
    """Each speaker's contribution to a cell's UAR."""
    ordered = rows.sort_values(["seed", "clip"])
    predicted = ordered["predicted"].to_numpy(str).reshape(ordered["seed"].nunique(), -1)
    one = ordered.iloc[: predicted.shape[1]]
    return scores.contributions(one["emotion"].to_numpy(str), predicted, one["speaker"].to_numpy(str))
