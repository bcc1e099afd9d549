"""What a run came to, for people: its page, its figures, its leaderboard as text. They show; scores are made in `evaluation`.

A run's page: `run_page` (`templates/report.html.j2`), which has the leaderboard from `board`, details of each system from `details`, and
further sections from `conditions`, `errors`, `overview`, `paper_text` (with `bibliography`), `parameters`, `players`, `spectrograms`;
`related` finds the audits, ablations and recipes beside it, `made` says whether it is to be made again. `board_text` is the leaderboard
in Markdown and on the terminal.
Other pages: `audit`, `ablation`, `recipe`, `cross`, `planning`, of several runs `merged_page` with `comparison` and
`critical_difference`, and of all that a folder of results holds `index_page`. `corpus_figure` draws what a corpus holds. Pages are made by
`rendering` (templates), figures for papers by the package `figures`; `drawing` has the settings of matplotlib for all pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_bench.evaluation.environment import corpus_title
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.ablation import ablation_rows, publish_ablation
from ser_bench.reports.audit import gap_rows, publish_audit
from ser_bench.reports.board_text import terminal_tables, to_markdown
from ser_bench.reports.conditions import condition_rows, write_conditions
from ser_bench.reports.cross import publish_cross
from ser_bench.reports.figures import write_figures
from ser_bench.reports.figures.runs import learning_drawings, run_drawings
from ser_bench.reports.made import digest_of
from ser_bench.reports.recipe import publish_recipe
from ser_bench.reports.run_page import write_page

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.scoring import RunScores

__all__ = [
    "ablation_rows",
    "condition_rows",
    "gap_rows",
    "publish",
    "publish_ablation",
    "publish_audit",
    "publish_conditions",
    "publish_cross",
    "publish_learning",
    "publish_recipe",
    "terminal_tables",
    "to_markdown",
    "write_page",
]


def publish(folder: RunFolder, scored: RunScores, predictions: pd.DataFrame, *, style: str = "", page: bool = True) -> None:
    """Write a run folder's leaderboard as Markdown, its figures and its page.

    Parameters
    ----------
    folder : RunFolder
        Its tables written.
    scored : RunScores
    predictions : DataFrame
        What they are of.
    style : str
        As `write_figures` takes it.
    page : bool
        Whether the page is written: not where it soon is to show more.
    """
    board, baselines, about = scored.leaderboard, scored.references, folder.read_about()
    folder.write_markdown(to_markdown(board, baselines, scored.resolutions, about=about))
    title = corpus_title(about, str(board["corpus"].iloc[0]))
    source = digest_of(board.to_csv(), baselines.to_csv(), folder.predictions_as_stored(), title)
    write_figures(folder.path, run_drawings(board, baselines, predictions, title), source, style)
    if page:
        write_page(folder)


def publish_learning(folder: RunFolder, board: pd.DataFrame, learning: pd.DataFrame, style: str = "") -> None:
    """Write a run folder's learning curves as a figure where a style is asked for, and its page again, which shows them."""
    baselines, title = folder.read_references(), corpus_title(folder.read_about(), str(board["corpus"].iloc[0]))
    source = digest_of(board.to_csv(), baselines.to_csv(), learning.to_csv(), title)
    write_figures(folder.path, learning_drawings(board, baselines, learning, title), source, style)
    write_page(folder)


def publish_conditions(folder: RunFolder, table: pd.DataFrame, style: str = "") -> None:
    """Write what a run's rows are worth under test conditions as Markdown and as a figure, and its page again, which shows both."""
    write_conditions(folder, table, style)
    write_page(folder)
