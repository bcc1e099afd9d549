"""Files that appear whole or not at all; and tables as CSV, which spreadsheets open as well.

Rule: no name is a formula where a table is opened, and every name is itself again where it is read back.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that a spreadsheet would work out, or that would be read back as one written before."""


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make a file beside `path`, then put it there by one rename; nothing is left behind where it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        write(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_csv(table: pd.DataFrame, path: Path, **how: Any) -> None:
    """Write a table, whole or not at all, its index left out; options as those of pandas."""
    write_whole(path, lambda part: without_formulas(table).to_csv(part, index=False, lineterminator="\n", **how))


def read_csv(path: Path, **how: Any) -> pd.DataFrame:
    """Read a table that `write_csv` wrote; options as those of pandas."""
    import pandas as pd

    return _in_texts(pd.read_csv(path, **how), restored)


def restored(text: str) -> str:
    """A text as it was before `write_csv`.

    >>> restored("'=1+1"), restored("'s"), restored("=1")
    ('=1+1', "'s", '=1')
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that a spreadsheet would take for a formula; `read_csv` takes it away.

    >>> import pandas as pd
    >>> without_formulas(pd.DataFrame({"name": ["=1+1", "'=1", "'s", "a"], "n": [-1, 2, 3, 4]}))["name"].tolist()
    ["'=1+1", "''=1", "'s", 'a']
    """
    return _in_texts(table, lambda text: f"'{text}" if FORMULA.match(text) else text)


def _in_texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    from pandas.api.types import is_numeric_dtype

    words = [name for name in table.columns if not is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].map(lambda value: change(value) if isinstance(value, str) else value) for name in words})
