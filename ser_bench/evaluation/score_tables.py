"""Tables of scores as CSV files: written by `write_scores`, and read with the options that `typed` gives.

In:   a table in memory, or its file.
Out:  the file, or the table as it was, cell for cell.
Rule: four digits everywhere, so that equal scores are equal bytes. A name stays a name, such as a system's called "null". A list is a JSON
      list in its cell; one that an earlier version wrote as a text is read as a list.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.utils import atomic

if TYPE_CHECKING:
    import pandas as pd

NAMES: dict[Hashable, Any] = dict.fromkeys(
    ("corpus", "labels", "features", "model", "track", "cv", "mode", "group", "name", "reason", "chosen"), str
)
"""Columns of words, in any table: a corpus or a system may be called 2023."""
LISTS: Mapping[str, str] = {"notes": "; ", "runs": ", "}
"""Columns whose cells are lists of str, in any table; and what stood between the parts where earlier versions wrote a text."""


def write_scores(table: pd.DataFrame, path: Path) -> None:
    """Write a table of scores, whole or not at all."""
    atomic.write_csv(table, path, float_format="%.4f")


def typed(numbers: Iterable[str], **types: str | type) -> dict[str, Any]:
    """Options of pandas that leave names as they are and make lists of `LISTS`; a blank is none in columns of `numbers` alone."""
    return {
        "dtype": {**NAMES, **types},
        "keep_default_na": False,
        "na_values": dict.fromkeys(numbers, ""),
        "converters": {name: partial(read_list, between=between) for name, between in LISTS.items()},
    }


def read_list(cell: str, between: str) -> list[str]:
    """The list that a cell of a file holds, as JSON or, of an earlier version, as a text.

    >>> read_list('["no room; none", "a copy"]', "; "), read_list("no room; a copy", "; "), read_list("", "; ")
    (['no room; none', 'a copy'], ['no room', 'a copy'], [])
    """
    text = atomic.restored(cell)
    if text == "[]" or text.startswith('["'):
        return list(json.loads(text))
    return text.split(between) if text else []


def with_reasons(table: pd.DataFrame, *, after_notes: bool = False) -> pd.DataFrame:
    """A table of rows, of an earlier version, too, in which the reason of a row that failed stood in the place of its notes.

    Where it stood `after_notes`, as in tables across corpora, it is the last of them.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"status": ["ok", "failed"], "notes": [["a copy"], ["no room", "none"]]})
    >>> with_reasons(table)[["reason", "notes"]].values.tolist()
    [['', ['a copy']], ['no room; none', []]]
    >>> with_reasons(table, after_notes=True)[["reason", "notes"]].values.tolist()
    [['', ['a copy']], ['none', ['no room']]]
    """
    if "reason" in table:
        return table
    rows = list(zip(table["status"] == "failed", table["notes"], strict=True))
    kept = slice(-1) if after_notes else slice(0)
    others: list[Any] = [notes[kept] if failed else notes for failed, notes in rows]
    reasons = [LISTS["notes"].join(notes[len(left) :]) for (_, notes), left in zip(rows, others, strict=True)]
    return table.assign(reason=reasons, notes=others)
