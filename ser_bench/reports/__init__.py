"""What a run came to, for people: leaderboard, figures, page. All is a function of a run's tables, but that the page also shows what lies
beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench import files
from ser_bench.files import write_text
from ser_bench.reports.ablation import ablation_rows, publish_ablation
from ser_bench.reports.audit import gap_rows, publish_audit
from ser_bench.reports.cross import matrices, publish_cross
from ser_bench.reports.figures import write_figures
from ser_bench.reports.leaderboard import rank, references, resolutions, write_csv
from ser_bench.reports.page import write_page
from ser_bench.reports.tables import terminal_tables, to_markdown

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ablation_rows",
    "gap_rows",
    "matrices",
    "publish",
    "publish_ablation",
    "publish_audit",
    "publish_cross",
    "rank",
    "references",
    "terminal_tables",
    "to_markdown",
    "write_csv",
    "write_page",
]


def publish(folder: Path, cells: pd.DataFrame, predictions: pd.DataFrame, read_against: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write a run folder's leaderboard, figures and page; returns the leaderboard, and what its speakers could have shown.

    Parameters
    ----------
    folder : Path
        The run folder, its tables written.
    cells, predictions : DataFrame
        As `rank` takes them.
    read_against : DataFrame
        As `references` gives it.
    """
    board = rank(predictions, cells)
    shown = resolutions(board, predictions)
    write_csv(board, folder / "leaderboard.csv")
    write_csv(shown, folder / "resolution.csv")
    files.write_csv(read_against, folder / "references.csv")
    write_text(folder / "leaderboard.md", to_markdown(board, read_against, shown))
    write_figures(folder / "figures", board, read_against)
    write_page(folder)
    return board, shown
