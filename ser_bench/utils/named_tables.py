"""DataFrames that are handed in where a table's file may be named: clips, features, predictions.

In:   a DataFrame, or a dictionary of such, each under its name.
Out:  a `NamedTable`: the rows as `ser_bench.utils.tables` reads them from a file; a run folder keeps it as one.
Rule: a table without a name is called after what it holds, so that the same data have one name in every process, and other data
      another. What is kept in a run folder reads as what was handed in.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from ser_bench.errors import WrongCall, quoted, writable
from ser_bench.utils.atomic import write_parquet
from ser_bench.utils.tables import cell_text, read_table, refuse_rows, take_table

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "dataframes"
"""Where a run folder keeps tables that were handed in; files of users are elsewhere."""
NUMBERS = "?bhilqBHILQfd"
"""NumPy's types of numbers that every file holds as they are."""
LONGEST = 200
"""Bytes of a name, which is a file's as well."""


@dataclass(frozen=True)
class NamedTable:
    """A DataFrame that was handed in.

    Parameters
    ----------
    name : str
    digest : str
        Of its columns, its cells and their order; two of one name and digest are the same.
    frame : DataFrame
        As `tables.read_table` would read it from a file.
    """

    name: str
    digest: str
    frame: pd.DataFrame = field(repr=False, compare=False)

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str = "", where: str = "") -> NamedTable:
        """A DataFrame under a name, or under one that follows from what is in it; `where` is the argument that it stands for.

        Raises
        ------
        WrongCall
            For a table that could not be read from a file.
        """
        called = Path(_called(name) if name else f"{where}: the DataFrame")
        taken = _as_stored(take_table(frame, called), called)
        digest = _digest_of(taken)
        return cls(name or f"table-{digest[:8]}", digest, taken)

    @classmethod
    def kept(cls, path: Path) -> NamedTable:
        """A table that a run folder keeps; errors as `read_table`."""
        table = read_table(path)
        return cls(path.stem, _digest_of(table), table)

    def __str__(self) -> str:
        """What messages call it."""
        return _called(self.name)

    @property
    def file(self) -> str:
        """The file that a run folder keeps it in, relative to that folder, as ``run.toml`` names it."""
        return f"{FOLDER}/{self.name}.parquet"

    def keep(self, folder: Path) -> None:
        """Write it into a run folder."""
        index = self.frame.attrs["index"]
        write_parquet(self.frame.set_index(index) if index else self.frame, folder / self.file)


def is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    """Whether something is a DataFrame, told without importing pandas: whoever has one has imported it."""
    return isinstance(value, getattr(sys.modules.get("pandas"), "DataFrame", ()))


def is_given(value: Any) -> bool:
    """Whether something is a table, or several by name."""
    named = isinstance(value, Mapping) and value and all(isinstance(name, str) and name and is_frame(one) for name, one in value.items())
    return bool(named) or isinstance(value, NamedTable) or is_frame(value)


def given_tables(value: Any, where: str) -> list[NamedTable]:
    """The tables in what `is_given`; `where` is the argument that they stand for."""
    if isinstance(value, NamedTable):
        return [value]
    frames = value if isinstance(value, Mapping) else {"": value}
    return [NamedTable.of(frame, name, where) for name, frame in frames.items()]


def check_names(tables: Iterable[NamedTable]) -> None:
    """Refuse names that no file of a run folder can have, and different tables of one name."""
    seen: dict[str, NamedTable] = {}
    for table in tables:
        name = table.name
        of_file = writable(name) and Path(name).name == name and "\\" not in name and len(name.encode()) <= LONGEST
        if not of_file or not name.strip():
            raise WrongCall(f"'{quoted(name)}' cannot name a DataFrame: take up to {LONGEST} bytes, none of them / or \\")
        if seen.setdefault(table.name, table) != table:
            raise WrongCall(f"two DataFrames are called '{quoted(table.name)}' and differ; give each a name of its own")


def kept_beside(text: str, folder: Path) -> Path | None:
    """The file that a run folder keeps of a table which its ``run.toml`` names; None where that names anything else."""
    path = folder / text
    return path if Path(text).parent == Path(FOLDER) and path.is_file() else None


def _called(name: str) -> str:
    return f"DataFrame '{quoted(name)}'"


def _as_stored(table: pd.DataFrame, called: Path) -> pd.DataFrame:
    """The table as a file would hold it: a column of objects gets the type of all its cells or, where these have several, is text."""
    attrs = table.attrs
    others = [column for column, values in table.items() if getattr(values.dtype, "char", "O") not in NUMBERS]
    table = table.assign(**{str(column): _plain(table[column], called) for column in others}).infer_objects()
    objects = {str(column): values.map(cell_text, na_action="ignore") for column, values in table.items() if values.dtype == object}
    stored = table.assign(**{column: cells.where(cells.notna(), None) for column, cells in objects.items()})
    for column in others:
        _check_kept(stored[column], called, quoted(column))
    stored.attrs = attrs
    return stored


def _plain(values: pd.Series, called: Path) -> pd.Series:
    """A column without what no file has: sparse storage, and categories of several types."""
    import pandas as pd

    if isinstance(values.dtype, pd.SparseDtype):
        return values.astype(values.dtype.subtype)
    if isinstance(values.dtype, pd.CategoricalDtype) and values.cat.categories.dtype == object:
        values = values.astype(object)
    if values.dtype == object:
        wrong = values.map(lambda cell: isinstance(cell, str) and not writable(cell))
        refuse_rows(wrong, called, f"'{quoted(values.name)}' holds a character that no file of text can")
    return values


def _check_kept(values: pd.Series, called: Path, column: str) -> None:
    """Refuse a column that Parquet cannot hold, before anything is computed from it."""
    import pyarrow as pa

    try:
        pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError):
        raise WrongCall(f"{called}: the column '{column}' holds values that Parquet cannot ({values.dtype}); leave it out") from None


def _digest_of(table: pd.DataFrame) -> str:
    from pandas.util import hash_pandas_object

    covered = hashlib.blake2b(json.dumps([table.attrs["index"], [str(column) for column in table]]).encode(), digest_size=16)
    covered.update(hash_pandas_object(table, index=False).to_numpy("<u8").tobytes())
    return covered.hexdigest()
