"""The leaderboard on a page: what `templates/board.html.j2`, the first table of `report.html`, is filled with.

In:   the rows of one protocol: a block.
Out:  what the template draws: rows, lines to read them against, marks on one axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.leaderboard import DRAWN, is_compared, lines_of, not_significantly_worse
from ser_bench.reports.board_text import (
    notes,
    reference_level,
    reference_words,
    row_cells,
    selection_rows,
    spread_words,
    verdict,
    words_below,
)
from ser_bench.reports.overview import cost_map, heat_map
from ser_bench.utils.formatting import format_score, records

if TYPE_CHECKING:
    import pandas as pd


def show_block(
    title: str, block: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame, link: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """A block of the leaderboard as a page shows it; `link` tells where a row stands opened."""
    first = block.iloc[0]
    compared = is_compared(block)
    rows = [
        {**row, "read": row_cells(row), "not_significantly_worse": compared and not_significantly_worse(row), "href": link(row)}
        for row in records(block)
    ]
    chosen, said = selection_rows(block, resolutions), verdict(block, references, resolutions)
    lines = [
        {**row, "words": reference_words(row), "level": reference_level(row), "drawn": row["kind"] if row["kind"] in DRAWN else ""}
        for row in records(lines_of(block, references))
    ]
    few = "A confidence interval over fewer than six speakers is unreliable." if first["speakers"] < 6 else ""
    return {
        "title": title,
        "corpus": first["corpus"],
        "track": first["track"],
        "rows": rows,
        "few": few,
        "spread": spread_words(block) if block["uar_sd_seeds"].notna().any() else "",
        "notes": [*((words, True) for words in words_below(block, resolutions)), *notes(block)],
        "sentences": said,
        "verdict": " ".join(said),
        "selection_rows": chosen,
        "lines": lines,
        "axis": zoomed([*rows, *chosen], lines),
        "heat": heat_map(block, link),
        "cost": cost_map(block),
    }


def zoomed(rows: list[dict[str, Any]], lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The axis on which a block's intervals are drawn: as far as they reach, to the next twentieth.

    Returns
    -------
    dict
        `span`, its ends; `ticks`, each a share of the axis and its text; `beyond`, the reference lines to the left and
        to the right of it, in words.
    """
    reached = np.array([[row["uar_low"], row["uar_high"]] for row in rows], float).reshape(-1, 2)
    reached = reached[~np.isnan(reached).any(1)]
    low, high = (reached.min(), reached.max()) if len(reached) else (0.0, 1.0)
    low, high = max(np.floor(low * 20 + 1e-9) / 20, 0.0), min(np.ceil(high * 20 - 1e-9) / 20, 1.0)
    step = next(step for step in (0.05, 0.1, 0.2, 0.25) if (high - low) / step <= 5 + 1e-9)
    marks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    known = [line for line in lines if line["drawn"]]
    return {
        "span": (float(low), float(high)),
        "ticks": [(float((mark - low) / (high - low)), format_score(float(mark), 2)) for mark in marks],
        "beyond": tuple(
            ", ".join(f"{line['name']} {format_score(line['uar'])}" for line in part)
            for part in ([line for line in known if line["uar"] < low], [line for line in known if line["uar"] > high])
        ),
    }
