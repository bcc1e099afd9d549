"""The leaderboard: predictions, judged and ranked.

In:   a run's predictions, and one row a cell that says what it is and what it cost.
Out:  the table that `leaderboard.csv` holds, and the same for reading: Markdown, terminal.
Rule: ranks are within a corpus, its labels and a track; LEAKY rows get none, FAILED ones neither. Comparisons with the best
      are among ranked rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.errors import WorkFailed

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from ser_bench.corpora import Corpus

CELL = ["corpus", "features", "model", "track"]
BLOCK = ["corpus", "labels", "track", "cv"]
SCORES = ["uar", "uar_low", "uar_high", "war", "macro_f1", "auc", "p_vs_best", "uar_sd_seeds"]
COLUMNS = (
    *("rank", "corpus", "labels", "features", "dims", "model", "track", "cv", "speakers", "clips"),
    *("uar", "uar_low", "uar_high", "war", "macro_f1", "auc", "p_vs_best"),
    *("budget", "trials", "seeds", "uar_sd_seeds", "status", "notes", "seconds"),
)
TRACKS = {
    "train": "scaled by training clips only",
    "speaker": "TRANSDUCTIVE: scaled by each speaker's own clips, the held-out speakers' unlabelled ones too",
}
PROTOCOLS = {
    "loso": "one speaker held out at a time",
    "group": "groups of speakers held out in turn",
    "predefined": "the corpus's own folds",
    "random": "LEAKY: a random split, with the same speakers in training and test",
}
TEXT_INDEPENDENT = ", and what they say is said in no training clip"


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
    interval = scores.jackknife_of(by_speaker)
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
    as published, if all of the corpus's clips are judged.

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
    elif facts and facts.human is not None and len(clips) == facts.clips:
        rows.append(("human", facts.human, np.nan, facts.human_source))
    named = [(corpus.name, labels, *row) for row in rows]
    return pd.DataFrame(named, columns=["corpus", "labels", "name", "uar", "war", "source"]).round(4)


def write_csv(board: pd.DataFrame, path: Path) -> None:
    """Write `leaderboard.csv`: four digits everywhere, so that equal scores are equal bytes."""
    board.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")


def read_board(path: Path) -> pd.DataFrame:
    """Read `leaderboard.csv`; a system called "null" or "NA" keeps its name."""
    import pandas as pd

    return pd.read_csv(path, dtype={"rank": "Int64"}, keep_default_na=False, na_values=dict.fromkeys(("rank", *SCORES), ""))


def read_references(path: Path) -> pd.DataFrame:
    """Read `references.csv`, names as they are."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values={"uar": "", "war": ""})


def _check_same_clips(block: pd.DataFrame) -> None:
    first = block.iloc[0]
    for features, model, clips in block[["features", "model", "judged_on"]].itertuples(index=False, name=None):
        if clips != first["judged_on"]:
            odd = min(set(clips) ^ set(first["judged_on"]))
            raise WorkFailed(
                f"{features} {model} and {first['features']} {first['model']} were judged on different clips: '{odd}', for one"
            )


def blocks(board: pd.DataFrame, apart: str = "") -> Iterator[tuple[str, pd.DataFrame]]:
    """The leaderboard in parts that may be compared within, each with a title that says what it is.

    `apart` is what the titles say besides, where the same corpus, labels and protocol stand in another leaderboard next to it.
    """
    for _, block in board.groupby(BLOCK, sort=False):
        corpus, labels, track, cv = block.iloc[0][BLOCK]
        what = f"{corpus}, labels '{labels}', {block['clips'].iloc[0]:,} clips of {block['speakers'].iloc[0]} speakers"
        yield f"{what}: {protocol_words(cv)} ({cv}), {TRACKS[track]}{apart and f'; {apart}'}", block


def protocol_words(cv: str) -> str:
    """What a protocol does.

    >>> protocol_words("group:6+sentence")
    'groups of speakers held out in turn, and what they say is said in no training clip'
    """
    speakers, _, sentences = cv.partition("+")
    return PROTOCOLS[speakers.partition(":")[0]] + (TEXT_INDEPENDENT if sentences else "")


def to_markdown(board: pd.DataFrame, references: pd.DataFrame, *, apart: str = "") -> str:
    """The leaderboard as Markdown, a table a block, with what its scores are to be read against; `apart` as in `blocks`."""
    head = [
        "| rank | features | model | UAR | 95 % | WAR | macro F1 | AUC | p vs best | seconds |",
        "|---:|---|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    parts = []
    for title, block in blocks(board, apart):
        rows = [[*row_cells(record), f"{record['seconds']:,.0f}"] for record in records(block)]
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in rows]
        noted = [part for note in notes(block) for part in (note, "")]
        parts.append("\n".join([f"**{title}.**", "", *head, *lines, "", legend(block, references), "", *noted]))
    return "\n".join(parts)


def legend(block: pd.DataFrame, references: pd.DataFrame) -> str:
    """How a block's numbers are to be read, in two or three sentences."""
    first = block.iloc[0]
    same = references[(references["corpus"] == first["corpus"]) & (references["labels"] == first["labels"])]
    lines = [f"{name} {uar:.3f} ({source})" for name, uar, source in same[["name", "uar", "source"]].itertuples(index=False)]
    seeds = "one seed" if first["seeds"] == 1 else f"mean of {first['seeds']} seeds \u00b1 standard deviation between them"
    searched = f"Budget {first['budget']}: {first['trials']} trials inside the training speakers of each fold, {seeds}. "
    return (
        "UAR: unweighted average recall, pooled over held-out speakers, with a 95 % interval over speakers (jackknife, Student's t). "
        "p vs best allows for the best having been chosen from the same data. "
        f"{'' if first['budget'] == 'external' else searched}"
        f"Seconds: of one core, for search and fits. UAR to read against: {'; '.join(lines)}."
    )


def notes(block: pd.DataFrame) -> list[str]:
    """What a reader of a block's rows must know, each note with the rows that it is about; a failed row tells its reason itself."""
    about: dict[str, list[str]] = {}
    for row in records(block):
        for note in row["notes"].split("; ") if row["status"] != "failed" and row["notes"] else ():
            about.setdefault(note, []).append(f"{row['features']} {row['model']}")
    return [f"{note} ({', '.join(rows)})." for note, rows in about.items()]


def terminal_tables(board: pd.DataFrame, *, apart: str = "") -> list[Table]:
    """The leaderboard for a terminal, a table a block; `apart` as in `blocks`."""
    from rich.table import Table
    from rich.text import Text

    tables = []
    for title, block in blocks(board, apart):
        # A reason may be long and hold brackets: it stands below the table, and nothing is read as markup.
        reasons = [f"FAILED {r['features']} {r['model']}: {r['notes']}" for r in records(block) if r["status"] == "failed"]
        table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        table.caption, table.caption_justify = Text("\n".join([*reasons, *notes(block)])), "left"
        for name in ("rank", "features", "model", "UAR", "95 %", "WAR", "macro F1", "AUC", "p vs best"):
            table.add_column(
                name, justify="left" if name in {"features", "model", "95 %"} else "right", no_wrap=name != "features", overflow="fold"
            )
        for record in records(block):
            style = {"ok": "", "leaky": "red", "failed": "dim"}[record["status"]]
            cells = row_cells(record | {"notes": ""})
            table.add_row(*(Text(cell.replace("**", "")) for cell in cells), style=style)
        tables.append(table)
    return tables


def records(block: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as mappings from column to value."""
    return [{str(column): value for column, value in row.items()} for row in block.to_dict("records")]


def row_cells(record: dict[str, Any]) -> list[str]:
    """A row as it is read: scores to three digits, without the zero before the point."""

    def number(name: str) -> str:
        return "" if np.isnan(record[name]) else f"{record[name]:.3f}".removeprefix("0")

    status = record["status"]
    spread = "" if np.isnan(record["uar_sd_seeds"]) else f" \u00b1{number('uar_sd_seeds')}"
    place = str(record["rank"]) if status == "ok" else f"**{status.upper()}**"
    interval = record["notes"] if status == "failed" else f"[{number('uar_low')}, {number('uar_high')}]"
    p = "<.001" if record["p_vs_best"] < 0.001 else number("p_vs_best")
    return [place, record["features"], record["model"], number("uar") + spread, interval, *map(number, ("war", "macro_f1", "auc")), p]


def short(value: float) -> str:
    """Three digits, without the zero before the point.

    >>> short(0.5), short(-0.25), short(1.0)
    ('.500', '-.250', '1.000')
    """
    return f"{value:.3f}".replace("0.", ".", 1)


def signed(value: float) -> str:
    """`short` with its sign.

    >>> signed(0.05), signed(-0.25)
    ('+.050', '-.250')
    """
    return f"{'' if value < 0 else '+'}{short(value)}"
