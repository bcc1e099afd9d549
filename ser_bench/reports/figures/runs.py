"""Which figures a run has, with their captions: of all its systems, and of the best of each track.

In:   tables of a run folder.
Out:  what `write_figures` takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.diagnostics import Diagnostics
from ser_bench.evaluation.evidence import rows_of
from ser_bench.evaluation.splits import parse_cv
from ser_bench.reports.figures.boards import draw_heat_map, draw_leaderboard, draw_learning, draw_speakers
from ser_bench.reports.figures.saving import Drawing
from ser_bench.reports.figures.systems import draw_confusion, draw_reliability, draw_roc, heading_of_system
from ser_bench.utils.formatting import format_score, interval, records

if TYPE_CHECKING:
    import pandas as pd

HEAT = "heat-map"
OVER = "95% confidence intervals over speakers"


def run_drawings(board: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame, title: str) -> list[Drawing]:
    """The leaderboard, which every run has, and with a style feature sets by models, speakers, and the best system of each track.

    `title` is the corpus as its owners write it.
    """
    data = data_words(board, title)
    return [
        Drawing("leaderboard", f"UAR of each system with {OVER}; {data}.", partial(draw_leaderboard, board, references), always=True),
        Drawing(HEAT, f"UAR of each feature set and model, the best framed; {data}.", partial(draw_heat_map, board)),
        Drawing(
            "speakers",
            f"UAR of each held-out speaker (dots) and of all (bar), by system; {data}.",
            partial(draw_speakers, board, predictions, references),
        ),
        *(
            drawing
            for suffix, row in best_of_tracks(board)
            for drawing in _of_system(row, suffix, Diagnostics(rows_of(row, predictions)), data)
        ),
    ]


def learning_drawings(board: pd.DataFrame, references: pd.DataFrame, learning: pd.DataFrame, title: str) -> list[Drawing]:
    """The learning curves; `title` as in `run_drawings`."""
    words = "the same held-out clips, systems trained on fewer of the training speakers"
    caption = f"UAR by the number of training speakers, with {OVER}: {words}; {data_words(board, title)}."
    return [Drawing("learning-curve", caption, partial(draw_learning, board, learning, references))]


def best_of_tracks(board: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    """The first row of each track that has a score, ranked ones before LEAKY ones, with what the names of its figures end in."""
    scored = board[board["uar"].notna()]
    first = scored.assign(aside=scored["status"] != "ok").sort_values("aside", kind="stable").drop_duplicates("track")
    for place, row in enumerate(records(first)):
        yield f"-{row['track']}" if place else "", row


def data_words(board: pd.DataFrame, title: str) -> str:
    """What a leaderboard was evaluated on, in words."""
    first = board.iloc[0]
    protocols = {parse_cv(cv).words for cv in board["cv"]}
    how = f", {protocols.pop()}" if len(protocols) == 1 else ""
    return f"{title}, {first['clips']:,} clips of {first['speakers']} speakers{how}"


def _of_system(row: Mapping[str, Any], suffix: str, shown: Diagnostics, data: str) -> list[Drawing]:
    heading = heading_of_system(row)
    found = f"UAR {format_score(row['uar'])} {interval(row['uar_low'], row['uar_high'])}"
    system = f"{row['features']} with {row['model']} ({found}{f'; {heading}' if heading else ''}); {data}"
    return [
        Drawing(f"confusion{suffix}", f"Confusion matrix of {system}.", partial(draw_confusion, shown, heading=heading)),
        Drawing(
            f"roc{suffix}",
            f"ROC curve of each class against the others, mean over folds: {system}.",
            partial(draw_roc, shown, heading=heading),
        ),
        Drawing(f"reliability{suffix}", f"Reliability diagram of {system}.", partial(draw_reliability, shown, heading=heading)),
    ]
