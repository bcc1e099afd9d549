"""How a result shows itself at a prompt and in a notebook: six lines, and its main table with a link to its page.

In:   what a result says of itself: lines, a table, the file of its page.
Out:  text for a terminal, HTML for a notebook.
Rule: names that others chose reach neither a terminal nor a page as more than text.
"""

from __future__ import annotations

import html
import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from ser_bench.errors import printable
from ser_bench.utils.formatting import format_score, interval, number_of

if TYPE_CHECKING:
    import pandas as pd

ROWS = 20
"""The first rows of a table that a notebook shows."""
NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
"""Classes of elements in which a notebook typesets no formulas."""


class Shown(ABC):
    """Something with a folder that shows itself."""

    PAGE: ClassVar[str]
    """The file of its folder that a link goes to."""

    folder: Path

    @property
    def page(self) -> Path:
        """Its report."""
        return self.folder / self.PAGE

    @abstractmethod
    def told(self) -> list[str]:
        """What it came to, in five lines; the sixth names its page."""

    @abstractmethod
    def table_shown(self) -> pd.DataFrame:
        """Its main table, for reading."""

    def __repr__(self) -> str:
        return "\n".join(map(printable, [*self.told(), f"report: {self.page}"]))

    def _repr_html_(self) -> str:
        table = self.table_shown().map(lambda cell: printable(cell) if isinstance(cell, str) else cell)
        rows = table.head(ROWS).to_html(index=False, border=0, na_rep="", escape=True, classes=NO_FORMULAS)
        more = f"<p>{number_of(len(table) - ROWS, 'more row')} in the report.</p>" if len(table) > ROWS else ""
        address = html.escape(printable(str(self.page)))
        return f"{rows}{more}<p class='{NO_FORMULAS}'><a href='{_link(self.page)}'>{address}</a></p>"


def scored(table: pd.DataFrame, columns: list[str], value: str = "uar", name: str = "UAR") -> pd.DataFrame:
    """Some columns of a table, and a score with its 95% confidence interval, as text.

    >>> import pandas as pd
    >>> board = pd.DataFrame({"model": ["svm"], "uar": [0.5], "uar_low": [0.4], "uar_high": [0.6]})
    >>> scored(board, ["model"]).values.tolist()
    [['svm', '.500', '[.400, .600]']]
    """
    ends = table[[f"{value}_low", f"{value}_high"]].astype(float).itertuples(index=False, name=None)
    shown = table[columns].copy()
    shown[name] = table[value].astype(float).map(format_score)
    shown["95% CI"] = ["" if low != low else interval(low, high) for low, high in ends]
    return shown


def counted(**numbers: int) -> str:
    """One line of counts, each named by its plural.

    >>> counted(systems=1, clips_skipped=1, comparisons_across_corpora=1_439)
    '1 system, 1 clip skipped, 1,439 comparisons across corpora'
    """
    names = {name: re.sub("s(?=_|$)", "", name, count=1) if number == 1 else name for name, number in numbers.items()}
    return ", ".join(f"{number:,} {names[name].replace('_', ' ')}" for name, number in numbers.items())


def _link(page: Path) -> str:
    """An address that a notebook of the working folder can follow: relative where that is possible."""
    try:
        return quote(Path(os.path.relpath(page)).as_posix())
    except ValueError:  # another drive
        return page.resolve().as_uri()
