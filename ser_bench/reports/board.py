"""The leaderboard on a page: what `templates/board.html.j2`, the first table of `report.html`, is filled with.

In:   the rows of one protocol: a block.
Out:  what the template draws: rows, lines to read them against, marks on one axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.leaderboard import PUBLISHED, lines_of
from ser_bench.reports.board_text import not_significantly_worse, notes, reference_words, row_cells, words_below, worth
from ser_bench.reports.overview import cost_map, heat_map
from ser_bench.utils.formatting import records

if TYPE_CHECKING:
    import pandas as pd


def drawn(name: str) -> str:
    """How a reference is drawn; empty for one that is only told of, as it would lie on another or is LEAKY."""
    return name if name in ("chance", "human") else "published" if name.startswith(PUBLISHED) else ""


def show_block(
    title: str, block: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame, link: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """A block of the leaderboard as a page shows it; `link` tells where a row stands opened."""
    first = block.iloc[0]
    rows = [
        {**row, "read": row_cells(row), "not_significantly_worse": not_significantly_worse(row), "href": link(row)}
        for row in records(block)
    ]
    few = "A confidence interval over fewer than six speakers is unreliable." if first["speakers"] < 6 else ""
    return {
        "title": title,
        "corpus": first["corpus"],
        "track": first["track"],
        "rows": rows,
        "few": few,
        "notes": [*words_below(block, resolutions), *notes(block)],
        "worth": worth(block, resolutions),
        "lines": [{**row, "words": reference_words(row), "drawn": drawn(row["name"])} for row in records(lines_of(block, references))],
        "heat": heat_map(block, link),
        "cost": cost_map(block),
    }
