"""The leaderboard: each row scored (`score_system`) from its predictions, and all ranked (`rank`).

In:   the evidence of a run's cells, and one row per cell that says what it is and what it cost.
Out:  the table that `leaderboard.csv` holds, what it is to be read against, and what its speakers could have shown at all.
Rule: ranks are within a corpus, its labels and a track; LEAKY rows get none, FAILED ones neither. Comparisons with the best
      are among ranked rows alone, and an external system changes no p of other rows unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.config import EMOTION
from ser_bench.errors import WorkFailed
from ser_bench.evaluation.cautions import Outlying, cautions, outlying
from ser_bench.evaluation.evidence import EXTERNAL, ROW_KEY, Block, Evidence, Found, coded, folds_of, gather

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus

BLOCK = ["corpus", "labels", "track", "cv"]
ALPHA = 0.05
"""The p below which systems are significantly different."""
AGAINST = ("behind", "behind_low", "behind_high", "p_vs_best")
"""What a row is behind the best: the fields of `scores.VersusBest`."""
LIKE = ("p_equivalent", "equivalent_within")
"""Whether a row is as good as the best for practical purposes: the fields of `scores.LikeBest`."""
UAR, WAR, F1, AUC = (
    ("uar", "uar_low", "uar_high"),
    ("war", "war_low", "war_high"),
    ("macro_f1", "f1_low", "f1_high"),
    ("auc", "auc_low", "auc_high"),
)
SCORES = [*UAR, "variance_ratio", *WAR, *F1, *AUC, *AGAINST, *LIKE, *Outlying._fields, "uar_sd_seeds"]
WHOLE = ["rank", "outlying_speakers"]
"""Columns of whole numbers that may be blank."""
ALONE = ("uar", "war", "macro_f1", "auc", "uar_sd_seeds")
"""The scores of a row that do not depend on which other rows there are."""
COLUMNS = (
    *("rank", "corpus", "labels", "features", "dims", "model", "track", "cv", "speakers", "clips"),
    *SCORES[:-1],
    *("budget", "trials", "seeds", "uar_sd_seeds", "status", "reason", "notes", "seconds"),
)
"""`reason`: why a row failed, else empty; `notes`, a list of str: what is to be known of a row's scores, each once."""

WORTH = ("smallest_difference", "best", "best_low", "best_high", "selected", "selected_low", "selected_high")
SHOWN = (*BLOCK, "speakers", "smallest_p", *WORTH, "chosen", "rope")
"""The columns of `resolution.csv`."""

LINES = ("corpus", "labels", "track", "kind", "name", "uar", "war", "source")
"""The columns of `references.csv`."""

CHANCE, MAJORITY, HUMAN, PUBLISHED, LEAKY_ELSEWHERE = "chance", "majority", "human", "published", "published, LEAKY"
"""Kinds of references. Those from papers whose training and test sets share speakers are LEAKY: listed, and not drawn."""
DRAWN = (CHANCE, HUMAN, PUBLISHED)
"""Kinds that are drawn: another would lie on one of these, or is LEAKY."""


def rank(found: Found, cells: pd.DataFrame, *, with_external: bool = False, rope: float = scores.ROPE) -> pd.DataFrame:
    """Evaluate and rank cells.

    Parameters
    ----------
    found : mapping of tuple of str to Evidence
        As `evidence_of` gives it.
    cells : DataFrame
        The leaderboard's columns but scores and rank, one row per cell.
    with_external : bool
        As `comparisons` takes it.
    rope : float
        Half the width of the region of practical equivalence that `p_equivalent` is about, in UAR.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`: per corpus, labels and track the ranked rows, then LEAKY, then FAILED ones. Scores are fractions
        rounded to four digits.

    Raises
    ------
    WorkFailed
        If rows that are to be compared were evaluated on different clips.
    """
    import pandas as pd

    cells = cells.reset_index(drop=True)
    done = cells[cells["status"] != "failed"]
    blocks = {place: (rows.index, block_of(rows, found)) for place, rows in done.groupby([*BLOCK, "status"])}
    ratios = {place: float(ratio) for index, block in blocks.values() for place, ratio in zip(index, np.diag(block.ratios), strict=True)}
    names = list(cells[ROW_KEY].itertuples(index=False, name=None))
    scored = [score_system(found[cell], ratios[place]) if cell in found else {} for place, cell in enumerate(names)]
    board = pd.concat([cells, pd.DataFrame(scored).reindex(columns=SCORES)], axis=1)
    cautioned = [cautions_about(found[cell]) if cell in found else [] for cell in names]
    board["notes"] = [list(dict.fromkeys([*told, *more])) for told, more in zip(cells["notes"], cautioned, strict=True)]
    board["rank"] = pd.NA
    for (*_, status), (index, block) in blocks.items():
        if status == "ok":
            _check_same_clips(block)
            _compare(board, index, block, with_external=with_external, rope=rope)
    board[SCORES] = board[SCORES].astype(float).round(4)
    board[WHOLE] = board[WHOLE].astype("Int64")
    return _in_order(board)


def _compare(board: pd.DataFrame, index: pd.Index, block: Block, *, with_external: bool, rope: float) -> None:
    """Write ranks and comparisons with the best into the rows of a block, which are at `index`."""
    import pandas as pd

    order = board.loc[index].sort_values(["uar", "war", "features", "model"], ascending=[False, False, True, True]).index
    board.loc[order, "rank"] = np.arange(1, len(order) + 1)
    for entering, given in comparisons(board.loc[order], with_external=with_external):
        systems = block.of(index.get_indexer(entering).tolist())
        compared = dict(zip((*AGAINST, *LIKE), (*systems.versus_best(), *systems.not_significantly_worse(rope)), strict=True))
        board.loc[given, list(compared)] = pd.DataFrame(compared, entering).loc[given]


def _in_order(board: pd.DataFrame) -> pd.DataFrame:
    """A leaderboard's rows as they are shown."""
    last = board["status"].map({"ok": 0, "leaky": 1, "failed": 2})
    tracks = board["track"].map({"train": 0, "speaker": 1, "none": 2})
    keys = board.assign(_last=last, _track=tracks, _uar=-board["uar"].fillna(0))
    order = keys.sort_values(["corpus", "labels", "_track", "cv", "_last", "rank", "_uar", "features", "model"]).index
    return board.loc[order, list(COLUMNS)].reset_index(drop=True)


def evidence_of(predictions: pd.DataFrame, cells: pd.DataFrame, refits: pd.DataFrame | None) -> Found:
    """The evidence of every cell that did not fail, by corpus, feature set, model and track: what all reports of a run are made from.

    Parameters
    ----------
    predictions : DataFrame
        ``corpus, features, model, track, seed, fold, clip, speaker, voice, emotion, predicted, p.<emotion>..., inner``; none of a failed
        cell.
    cells : DataFrame
        As `rank` takes them.
    refits : DataFrame or None
        ``corpus, features, model, track, seed, fold, without, loss``: what folds lose without each other's speakers in training. Rows
        without them have the widest intervals that overlapping training sets can bring; those of a single fold, whose speakers train no
        model, have nothing to allow for.

    Raises
    ------
    WorkFailed
        If a cell that did not fail has no predictions, or its seeds were evaluated on different clips.
    """
    import pandas as pd

    grouped = dict(list(predictions.groupby(ROW_KEY))) if len(predictions) else {}
    lost = dict(list(refits.groupby(ROW_KEY))) if refits is not None and len(refits) else {}
    found = {}
    for cell in cells.loc[cells["status"] != "failed", ROW_KEY].itertuples(index=False, name=None):
        if cell not in grouped:
            raise WorkFailed(f"{' '.join(cell)} has no predictions, yet did not fail: run it again with --fresh")
        found[cell] = gather(grouped[cell], lost.get(cell, pd.DataFrame()))
    return found


def block_of(rows: pd.DataFrame, found: Found) -> Block:
    """The rows' systems, in their order."""
    return Block([found[cell] for cell in rows[ROW_KEY].itertuples(index=False, name=None)])


def comparisons(block: pd.DataFrame, *, with_external: bool) -> Iterator[tuple[pd.Index, pd.Index]]:
    """The comparisons with the best that are made in a block: which rows enter each, and which of them get their p from it.

    Parameters
    ----------
    block : DataFrame
        Ranked rows.
    with_external : bool
        Whether external systems enter the comparison of every row. Otherwise the other rows are compared among themselves, first,
        and external systems with all rows.
    """
    outside = (block["model"] == EXTERNAL).to_numpy()
    if with_external or outside.all() or not outside.any():
        yield block.index, block.index
    else:
        yield block.index[~outside], block.index[~outside]
        yield block.index, block.index[outside]


def score_system(found: Evidence, ratio: float) -> dict[str, object]:
    """The scores of one cell with their intervals, by its variance ratio.

    AUC is blank where there are no probabilities.
    """
    import pandas as pd

    rows, counts = pd.concat(found.rows), found.counts
    uars = scores.uar_of(counts.sum(1))
    meant = {*rows["emotion"].unique()}
    classes = [column.removeprefix("p.") for column in rows.columns if column.startswith("p.") and column.removeprefix("p.") in meant]
    present = [f"p.{emotion}" for emotion in classes]
    known = len(present) > 0 and rows[present].notna().to_numpy().all()
    (truth,), emotions = coded(rows["emotion"])
    (voices,), (folds,) = (coded(column)[0] for column in (rows["voice"], folds_of(rows)))
    taken = truth, rows[present], voices, folds
    auc = (
        scores.auc_interval(*taken, classes=[emotions.index(name) for name in classes], repeats=len(counts), inflation=ratio)
        if known
        else (np.nan,) * 3
    )
    return {
        **dict(zip(UAR, scores.jackknife_of(counts, inflation=ratio), strict=True)),
        **dict(zip(WAR, scores.war_interval_of(counts, inflation=ratio), strict=True)),
        **dict(zip(F1, scores.macro_f1_interval_of(counts, inflation=ratio), strict=True)),
        **dict(zip(AUC, auc, strict=True)),
        "variance_ratio": ratio,
        "uar_sd_seeds": uars.std(ddof=1) if len(uars) > 1 else np.nan,
        **outlying(counts)._asdict(),
    }


def cautions_about(found: Evidence) -> list[str]:
    """`cautions` about the speakers and classes of one cell."""
    emotions = {name for rows in found.rows for column in ("emotion", "predicted") for name in rows[column].unique()}
    return cautions(found.counts, sorted(emotions))


def references(corpus: Corpus, labels: str, clips: pd.DataFrame, target: str = EMOTION, *, modified: bool = False) -> pd.DataFrame:
    """What a score is to be read against, drawn as lines and never ranked: the columns of `LINES`.

    Chance, always the commonest emotion, and listeners: on these very clips where the corpus tells how many recognised each, else
    as published, if all of the corpus's clips are evaluated; then also what others have published on these, each on the track that it
    was measured on. `track` is blank for what every track may be read against.

    Parameters
    ----------
    corpus : Corpus
    labels : str
        The label scheme.
    clips : DataFrame
        The clips evaluated.
    target : str
        What `emotion` holds.
    modified : bool
        Whether the corpus is not as released: nothing that was published of it holds for these clips then.
    """
    import pandas as pd

    from ser_bench.corpora import human_recall

    shares = clips["emotion"].value_counts(normalize=True)
    chance = chance_level(len(shares))
    rows = [
        (CHANCE, CHANCE, chance, chance, f"{len(shares)} {'emotions' if target == EMOTION else 'classes'}"),
        (MAJORITY, MAJORITY, chance, shares.iloc[0], f"always {shares.index[0]}"),
    ]
    about = target == EMOTION  # what listeners and others did was about emotions
    heard, facts = human_recall(clips) if about else None, corpus.facts
    if heard is not None:
        rows.append((HUMAN, HUMAN, heard, np.nan, "mean listener accuracy per emotion on these clips"))
    whole = facts is not None and about and not modified and labels == "all" and len(clips) == facts.clips
    if facts and whole and heard is None and facts.human is not None:
        rows.append((HUMAN, HUMAN, facts.human, np.nan, facts.human_source))
    named = [(corpus.name, labels, "", *row) for row in rows]
    for p in facts.published if facts and whole else ():
        kind = LEAKY_ELSEWHERE if p.leaky else PUBLISHED
        named.append((corpus.name, labels, p.track, kind, f"{kind}: {p.name}", p.uar, p.war, p.source))
    return pd.DataFrame(named, columns=list(LINES)).round(4)


def with_kinds(lines: pd.DataFrame) -> pd.DataFrame:
    """References as they were written before they had a kind, which then began their names.

    >>> import pandas as pd
    >>> with_kinds(pd.DataFrame({"name": ["chance", "published: A: b", "published, LEAKY: C"]}))["kind"].tolist()
    ['chance', 'published', 'published, LEAKY']
    """
    return lines.assign(kind=[name.partition(": ")[0] for name in lines["name"]])


def lines_of(block: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """The rows of `references` that a block of the leaderboard is to be read against: of its corpus and labels, and of its track or all."""
    first = block.iloc[0]
    same = (references["corpus"] == first["corpus"]) & (references["labels"] == first["labels"])
    return references[same & references["track"].isin([first["track"], ""])]


def is_compared(block: pd.DataFrame) -> bool:
    """Whether a block ranks several rows, so that they are compared with the best of them."""
    return int((block["status"] == "ok").sum()) > 1


def not_significantly_worse(row: Mapping[str, Any]) -> bool:
    """Whether a row is the best, or is not significantly different from it, at `ALPHA`."""
    return bool(row["status"] == "ok" and (np.isnan(row["p_vs_best"]) or row["p_vs_best"] >= ALPHA))


def chance_level(n_classes: int) -> float:
    """The UAR of guessing.

    >>> chance_level(4)
    0.25
    """
    return 1 / n_classes


def by_cost(block: pd.DataFrame) -> pd.DataFrame:
    """The ranked rows of a block that have taken time, the quickest first; on the `front` are those that none as quick beats in UAR.

    >>> import pandas as pd
    >>> by_cost(pd.DataFrame({"status": "ok", "seconds": [9.0, 1.0, 4.0, 0.0], "uar": [0.7, 0.5, 0.4, 0.9]}))["front"].tolist()
    [True, False, True]
    """
    known = block[(block["status"] == "ok") & (block["seconds"] > 0)]
    known = known.sort_values(["seconds", "uar"], ascending=[True, False], kind="stable")
    best_before = np.append(-np.inf, np.maximum.accumulate(known["uar"].to_numpy()))[:-1]
    return known.assign(front=known["uar"] > best_before)


def _check_same_clips(block: Block) -> None:
    first = block.systems[0]
    for system in block.systems:
        if system.clips != first.clips:
            odd = min(set(system.clips) ^ set(first.clips))
            mine, other = (" ".join(name[1:3]) for name in (system.name, first.name))
            raise WorkFailed(f"{mine} and {other} were evaluated on different clips: '{odd}', for one")


def resolutions(board: pd.DataFrame, found: Found, *, with_external: bool = False, rope: float = scores.ROPE) -> pd.DataFrame:
    """What each block's speakers could have shown, and what its best row is worth on new ones: the columns of `SHOWN`.

    Parameters
    ----------
    board : DataFrame
    found : mapping of tuple of str to Evidence
    with_external : bool
    rope : float
        What `rank` gave and took.

    Returns
    -------
    DataFrame
        `smallest_difference` is that of `scores.smallest_difference` for the ranked rows, without external systems where these are
        left out of the other rows' comparison; blank where that leaves a single row. `best` is `scores.corrected_best`, `selected` the
        UAR of using in each fold the row with the best inner score, both with intervals; `chosen` says which rows that were. `rope` is the
        one given. Rounded to four digits.
    """
    import pandas as pd

    rows = []
    for place, block in board[board["status"] == "ok"].groupby(BLOCK, sort=False):
        entering, _ = next(comparisons(block, with_external=with_external))
        systems = block_of(block.loc[entering], found)
        n, best = systems.shares.shape[1], systems.best()
        told = (*best.corrected, *best.selected, best.chosen) if best else (*[np.nan] * 6, "")
        rows.append((*place, n, systems.smallest_p(), systems.smallest_difference(), *told, rope))
    shown = pd.DataFrame(rows, columns=list(SHOWN))
    shown[list(WORTH)] = shown[list(WORTH)].astype(float).round(4)
    return shown
