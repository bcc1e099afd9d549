"""Systems compared across corpora, for reading: Markdown, terminal, and the columns of both.

In:   a `Comparison`.
Out:  text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import printable
from ser_bench.evaluation.comparison import SYSTEM, Comparison
from ser_bench.utils.formatting import escaped, format_score, records, table_lines

if TYPE_CHECKING:
    from rich.console import Group

HEADS = {
    "mean_rank": "mean rank",
    "features": "features",
    "model": "model",
    "mean_uar": "mean UAR",
    "best_better": "P first better",
    "equivalent": "P equal",
    "better": "P this better",
    "p": "p vs first",
}


def _columns(comparison: Comparison, *, corpora: bool = True) -> dict[str, str]:
    """The columns shown, in order, and what stands above them."""
    averaged = len(comparison.systems) > 1
    first = ["mean_rank", *SYSTEM, "mean_uar"] if averaged else SYSTEM
    rest = [name for name in comparison.systems.columns if name not in ("mean_rank", *SYSTEM, "mean_uar") and (corpora or name in HEADS)]
    return {name: HEADS.get(name, name.removeprefix("uar.")) for name in [*first, *rest]}


def _cells(row: dict[str, Any], columns: dict[str, str]) -> list[str]:
    def shown(name: str) -> str:
        value = row[name]
        if name in SYSTEM:
            return str(value)
        if np.isnan(value):
            return ""
        return f"{value:.2f}" if name == "mean_rank" else format_score(value)

    return [shown(name) for name in columns]


def columns_and_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """A comparison's table as it is read: what stands above the columns, and the rows."""
    columns = _columns(comparison)
    return list(columns.values()), [_cells(row, columns) for row in records(comparison.systems)]


def to_markdown(comparison: Comparison) -> str:
    """A comparison as Markdown: its table, and what it means."""
    head, rows = columns_and_rows(comparison)
    table = table_lines([escaped(name) for name in head], [[escaped(cell) for cell in row] for row in rows], words=SYSTEM)
    said = [part for sentence in comparison.said for part in (escaped(sentence), "")]
    return "\n".join([f"**{escaped(comparison.title)}.**", "", *table, "", *said])


def terminal_table(comparison: Comparison) -> Group:
    """A comparison for a terminal; of several systems without the UARs of each corpus: those stand in the tables above it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    columns = _columns(comparison, corpora=len(comparison.systems) == 1)
    table = Table(box=None, pad_edge=False)
    for name, head in columns.items():
        table.add_column(Text(printable(head)), justify="left" if name in SYSTEM else "right", no_wrap=name != "features", overflow="fold")
    for row in records(comparison.systems):
        table.add_row(*(Text(printable(cell)) for cell in _cells(row, columns)))
    return Group(Text(printable(comparison.title), style="bold"), table, *(Text(printable(line)) for line in comparison.said))
