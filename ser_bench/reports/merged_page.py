"""`leaderboard.html`: several runs on one self-contained page.

In:   a merged leaderboard.
Out:  the page: every block as a run's page shows it, at a glance, and what can be told across corpora.
Rule: a row leads to the page of the run that it is from, where that lies; nothing is fetched by making or by reading it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.files import write_text
from ser_bench.reports import across
from ser_bench.reports.cells import cell_id
from ser_bench.reports.figures import TITLES
from ser_bench.reports.page import show_block
from ser_bench.reports.rendering import render
from ser_bench.reports.tables import blocks, records

if TYPE_CHECKING:
    from ser_bench.reports.merge import Block, Merged


def write_merged_page(merged: Merged, runs: list[str]) -> None:
    """Write the page of a merged leaderboard into its folder, its figures already there."""
    from markupsafe import Markup

    diagram = merged.folder / "figures" / "critical-difference.svg"
    drawn = any(comparison.drawable for comparison in merged.across)
    page = render(
        "merged.html.j2",
        runs=runs,
        kernels=merged.kernels,
        shown=records(merged.leaderboard),
        blocks=[_show(block, merged.folder) for block in merged.blocks],
        across=[_compared(comparison) for comparison in merged.across],
        unsaid=merged.unsaid,
        diagram=Markup(re.sub(r"^.*?(?=<svg)", "", diagram.read_text(encoding="utf-8"), flags=re.S)) if drawn else "",
    )
    write_text(merged.folder / "leaderboard.html", page)


def _show(block: Block, folder: Path) -> dict[str, Any]:
    """A block as a page shows it, its rows leading to the pages of their runs."""

    def link(row: dict[str, Any]) -> str:
        page = Path(row["runs"].split(", ")[0]) / "report.html"
        return f"{Path(os.path.relpath(page, folder)).as_posix()}#{cell_id(row)}" if page.is_file() else ""

    ((title, board),) = blocks(block.board, block.apart)
    first = board.iloc[0]
    brief = ", ".join([first["corpus"], first["labels"], first["cv"], TITLES[first["track"]], *([block.apart] if block.apart else [])])
    return {**show_block(title, board, block.references, block.resolutions, link), "brief": brief}


def _compared(comparison: across.Comparison) -> dict[str, Any]:
    head, rows = across.columns_and_rows(comparison)
    return {"title": comparison.title, "head": head, "rows": rows, "said": comparison.said}
