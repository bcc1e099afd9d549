"""Tables that users hand in, read by one set of rules: manifests, user-supplied features, predictions, splits.

In:   a file of CSV, TSV, JSON lines or Parquet, whatever wrote it.
Out:  a DataFrame with its index as columns, no cell of which was interpreted beyond these rules (`docs/tables.md`).
Rule: text stays text ('03' stays '03'); one list of words means missing; whole numbers have no '.0'; what cannot be read is refused
      with the rows or columns named, and no message repeats a long cell.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import WrongCall, quoted, writable
from ser_bench.utils.regular_files import check_regular

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "-", "<na>", "n/a", "na", "nan", "nat", "none", "null")
"""Words for a missing value, in any case."""

DELIMITERS = ",;\t"
UNREADABLE = (bytes, bytearray, memoryview, list, tuple, set, frozenset, dict)

WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
CLOCK = re.compile(r"\d+ days?|(\d+ days?,? )?\+?\d{1,2}:\d{2}:\d{2}([.,]\d+)?|P(\d+D)?T(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?")
"""A moment as a clock, a time delta or ISO 8601 writes it."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file: ``.parquet``, ``.jsonl``, or else delimited text; columns of the latter two are text.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame
        Rows numbered from 0. An index that has a name, or holds text, is a column (`clip` where it has no name); one that only counts
        rows is dropped. Columns of bytes, lists or records are not read: ``attrs["left_out"]`` has their names and types,
        ``attrs["index"]`` the names of columns that were the index.

    Raises
    ------
    WrongCall
        Naming the file and why it cannot be read.
    """
    table = _checked(path, {".parquet": _read_parquet, ".jsonl": _read_json_lines}.get(path.suffix.lower(), _read_delimited))
    if table.empty:
        raise WrongCall(f"{path} has no rows")
    return table


def read_delimited(path: Path, delimiter: str) -> pd.DataFrame:
    """Delimited text as `read_table` reads it, with a delimiter that it would not look for.

    Raises
    ------
    WrongCall
        Naming the file and why it cannot be read.
    """
    return _checked(path, lambda path: _read_delimited(path, delimiter))


def _checked(path: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """What is read of a file, with errors that name it."""
    try:
        check_regular(path)
        table = read(path)
    except FileNotFoundError:
        raise WrongCall(f"{path}: no such file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise _unread(path, error) from None
    _refuse_repeated_columns(path, table.columns)
    return table


def take_table(table: pd.DataFrame, name: Path) -> pd.DataFrame:
    """A table that was handed in as such, under the rules of `read_table`; `name` is what errors call it."""
    if table.columns.nlevels > 1:
        raise WrongCall(
            f"{name}: its columns have {table.columns.nlevels} levels; join the names of each, as mean and pitch to 'pitch.mean'"
        )
    columns = [str(column).strip() for column in table.columns]
    index = [str(level).strip() for level in _index_names(table) if level is not None]
    if unwritable := [column for column in (*index, *columns) if not writable(column)]:
        raise WrongCall(f"{name}: the name of column '{quoted(unwritable[0])}' holds a character that no file of text can; rename it")
    if both := [level for at, level in enumerate(index) if level in (*index[:at], *columns)]:
        raise WrongCall(f"{name}: the index and a column are both called '{quoted(both[0])}'; drop one of the two")
    taken = _index_as_columns(table.copy())
    taken.attrs["left_out"] = {}
    _refuse_repeated_columns(name, taken.columns)
    if held := [column for column, values in taken.items() if _holds_several(values)]:
        raise WrongCall(
            f"{name}: the column '{quoted(held[0])}' holds bytes, lists, arrays or records; give each number a column of its own"
        )
    if taken.empty:
        raise WrongCall(f"{name} has no rows")
    return taken


def _holds_several(values: pd.Series) -> bool:
    """Whether a column's cells are no single values."""
    import numpy as np
    import pandas as pd

    if isinstance(values.dtype, pd.ArrowDtype):
        import pyarrow as pa

        return bool(_unreadable(values.dtype.pyarrow_dtype, pa))
    return bool(values.dtype == object and values.map(lambda cell: isinstance(cell, (*UNREADABLE, np.ndarray))).any())


def cell_text(value: Any) -> str:
    """A cell as text, without surrounding space; a whole number has no ``.0``.

    >>> cell_text(3.0), cell_text(" 3.0 "), cell_text(Path("a.wav"))
    ('3', '3.0', 'a.wav')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing in it.

    >>> is_missing(" NaN "), is_missing("-"), is_missing("none of these")
    (True, True, False)
    """
    return text.strip().lower() in MISSING


def as_text(column: pd.Series, *, keep_words: bool = False) -> pd.Series:
    """A column as text without surrounding space; what is missing is empty.

    Whole numbers lose their ``.0`` where all of a column are whole: a column of them that once held a gap was stored with it.

    Parameters
    ----------
    column : Series
    keep_words : bool
        Keep words such as ``nan``, where they may be a name.

    >>> import pandas as pd
    >>> as_text(pd.Series([3.0, None])).tolist(), as_text(pd.Series(["03", "N/A"])).tolist(), as_text(pd.Series(["3.0", "4"])).tolist()
    (['3', ''], ['03', ''], ['3', '4'])
    """
    import pandas as pd

    if pd.api.types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    missing = column.isna().tolist()
    cells = ["" if gone else cell_text(value) for value, gone in zip(column.astype(object), missing, strict=True)]
    if not keep_words:
        cells = ["" if is_missing(cell) else cell for cell in cells]
    known = [cell for cell in cells if cell]
    if any(cell.endswith(".0") for cell in known) and all(map(WHOLE.fullmatch, known)):
        cells = [re.sub(r"\.0*$", "", cell) for cell in cells]
    return pd.Series(cells, column.index, dtype=object, name=column.name)


def as_numbers(column: pd.Series, path: Path) -> pd.Series:
    """A column as finite floats, as `to_numbers` reads them.

    Raises
    ------
    WrongCall
        Naming the rows that are no numbers, or below zero.
    """
    numbers, text = to_numbers(column), as_text(column)
    wrong = (text != "") & ~numbers.between(0, float("inf"), inclusive="left")
    refuse_rows(wrong, path, f"'{quoted(column.name)}' is not a number from 0 up", text)
    return numbers


def as_counts(column: pd.Series, path: Path) -> pd.Series:
    """A column as whole numbers from 0 up: ``2``, ``2.0`` and ``02`` are one.

    Raises
    ------
    WrongCall
        Naming the rows that are none.
    """
    numbers = as_numbers(column, path)
    refuse_rows(
        numbers.isna() | (numbers % 1 != 0) | (numbers >= 2**53), path, f"'{quoted(column.name)}' is not a whole number", as_text(column)
    )
    return numbers.astype(int)


def to_numbers(column: pd.Series) -> pd.Series:
    """A column as floats, in seconds for durations and clock times; what is missing or no number is not a number.

    >>> import pandas as pd
    >>> to_numbers(pd.Series(["1.5", "0 days 00:00:01.5", "0 days", "1,5", "n/a", "soon"])).tolist()
    [1.5, 1.5, 0.0, 1.5, nan, nan]
    """
    import pandas as pd

    text = as_text(column)
    clock = text.map(lambda cell: bool(CLOCK.fullmatch(cell)))
    commas = ~clock & text.map(lambda cell: bool(DECIMAL_COMMA.fullmatch(cell)))
    numbers = pd.to_numeric(text.mask(commas, text.str.replace(",", ".")), errors="coerce").astype(float)
    if clock.any():
        numbers[clock] = pd.to_timedelta(text[clock].str.replace(r"days?,?", "days", regex=True).str.replace(",", ".")).dt.total_seconds()
    return numbers


def refuse_rows(wrong: Iterable[bool], path: Path, what: str, said: Sequence[str] | pd.Series = ()) -> None:
    """Refuse the rows that are `wrong`, the first three of them by number (row 1 is the first below the header) and what they say."""
    cells = list(said)
    rows = [row for row, bad in enumerate(wrong) if bad]
    if not rows:
        return
    told = ", ".join(str(row + 1) + (f" ('{quoted(cells[row])}')" if cells and cells[row] else "") for row in rows[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    raise WrongCall(f"{path}: {what} in row {told}{more}")


def check_columns(table: pd.DataFrame, required: Iterable[str], path: Path, advice: str = "") -> None:
    """Refuse a table that lacks columns: all of them are named, with what was found instead, and some `advice`.

    Raises
    ------
    WrongCall
    """
    missing = [column for column in required if column not in table]
    if not missing:
        return
    folded = {str(found).lower(): str(found) for found in table.columns}
    near = {column: difflib.get_close_matches(column, folded, n=1) for column in missing}
    hints = ", ".join(f"'{folded[found[0]]}'" for found in near.values() if found)
    names = " and no column ".join(f"'{column}'" for column in missing)
    found = ", ".join(quoted(column) for column in list(table.columns)[:20]) + (", ..." if len(table.columns) > 20 else "")
    unread = "; not read: " + ", ".join(f"{n} ({kind})" for n, kind in left.items()) if (left := table.attrs.get("left_out")) else ""
    raise WrongCall(f"{path}: no column {names}{f': did you mean {hints}?' if hints else ''} (found: {found}{unread}){advice}")


def segment_suffix(start: float, end: float) -> str:
    """What names a segment after its file: ``#1.5-3``; nothing for a whole file.

    >>> segment_suffix(0.0, 1.5), segment_suffix(float("nan"), float("nan"))
    ('#0-1.5', '')
    """
    begin, stop = ("" if moment != moment else f"{moment:.12g}" for moment in (start, end))
    return f"#{begin or 0}-{stop}" if begin or stop else ""


def clip_name(path: str, folder: Path) -> str:
    """A path relative to a folder, with ``/``; an absolute one that lies elsewhere stays as it is.

    >>> clip_name("./a.wav", Path("/corpus")), clip_name("/corpus/b.wav", Path("/corpus")), clip_name("/c.wav", Path("/corpus"))
    ('a.wav', 'b.wav', '/c.wav')
    """
    if Path(path).is_absolute() and not Path(path).is_relative_to(folder):
        return Path(path).as_posix()
    return Path(os.path.relpath(folder / path, folder)).as_posix()


def _unread(path: Path, error: Exception) -> WrongCall:
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    return WrongCall(f"cannot read {path}: {quoted(' '.join(why.split()))}")


def _refuse_repeated_columns(path: Path, columns: Iterable[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise WrongCall(f"{path}: two columns are called '{quoted(column)}'; remove one")
        seen.add(column)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb"):  # pyarrow would take a folder for a data set
        schema = pq.read_schema(path)
    left_out = {field.name: str(field.type).partition("<")[0] for field in schema if _unreadable(field.type, pa)}
    columns = [name for name in schema.names if name not in left_out]
    table = pd.read_parquet(path, columns=columns) if left_out else pd.read_parquet(path)
    table = _index_as_columns(table)
    table.attrs["left_out"] = left_out
    return table


def _unreadable(kind: Any, pa: Any) -> bool:
    if pa.types.is_dictionary(kind):
        return _unreadable(kind.value_type, pa)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return pa.types.is_nested(kind) or any(test(kind) for test in binary)


def _index_names(table: pd.DataFrame) -> list[Any]:
    """What the levels of the index are called; one that does more than count has clips, where it has no name."""
    from pandas.api.types import is_numeric_dtype

    names = list(table.index.names)
    return ["clip"] if names == [None] and not is_numeric_dtype(table.index) else names


def _index_as_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The index as columns, where it says more than a number per row."""
    names = _index_names(table)
    table.index = table.index.set_names(names)
    counted = [name for name in names if name is None]
    table = table.reset_index(level=[at for at, name in enumerate(names) if name is None], drop=True) if counted else table
    table = table.reset_index() if len(counted) < len(names) else table
    table.columns = [str(column).strip() for column in table.columns]
    table.attrs = {"index": [str(name).strip() for name in names if name is not None]}
    return table


def _read_delimited(path: Path, delimiter: str = "") -> pd.DataFrame:
    import pandas as pd

    text = _decode(path.read_bytes())
    delimiter = delimiter or _delimiter(text)
    if re.match(r'"?sep=.', text):
        text = text.partition("\n")[2]
    try:
        rows = _cells(text, delimiter)
    except csv.Error:
        # Only space may stand between a closing quote and the end of its cell.
        rows = _cells(re.sub(rf'"[^\S\r\n{re.escape(delimiter)}]+(?={re.escape(delimiter)}|[\r\n]|$)', '"', text), delimiter)
    if not rows:
        raise ValueError("it is empty")
    header = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=1):
        if any(cell.strip() for cell in row[len(header) :]):
            raise ValueError(f"row {number} has more cells than its {len(header)} columns")
    width = len(header)
    table = pd.DataFrame([(row + [""] * width)[:width] for row in rows[1:]], columns=header, dtype=object)
    return _without_counter(table)


def _cells(text: str, delimiter: str) -> list[list[str]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    return [line for line in lines if any(line)]


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object per line, values as text; lists and objects among them are columns that are not read."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for number, line in enumerate(_decode(path.read_bytes()).split("\n"), start=1):
        if line.strip():
            rows.append(_json_object(line, number))
    if not rows:
        raise ValueError("it is empty")
    left_out = {key: "nested" for row in rows for key, value in row.items() if isinstance(value, list | dict)}
    columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in left_out]
    table = pd.DataFrame([[row.get(key, "") for key in columns] for row in rows], columns=columns, dtype=object)
    table.attrs = {"left_out": left_out, "index": []}
    return table


def _json_object(line: str, number: int) -> dict[str, Any]:
    """The object that a line holds, its numbers as they are written, what is null as nothing."""
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=list)
    except RecursionError:
        raise ValueError(f"line {number}: its brackets are nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"line {number} is not JSON: {error}") from None
    pairs = found if isinstance(found, list) and line.lstrip().startswith("{") else None
    if pairs is None:
        raise ValueError(f'line {number} is no JSON object, such as {{"path": ...}}')
    cells = [(key.strip(), "" if value is None else str(value) if isinstance(value, bool) else value) for key, value in pairs]
    if wrong := next((f"{key}: {cell}" for key, cell in cells if not writable(f"{key}{cell}")), None):
        raise ValueError(f"line {number} holds a character that no file of text can: '{quoted(wrong)}'")
    row = dict(cells)
    if len(row) < len(cells):
        raise ValueError(f"line {number} has a key twice")
    return row


def _without_counter(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that have no name: these hold row numbers, or nothing; where one holds text, it names clips."""
    if "" not in table:
        return table
    unnamed = table.loc[:, [""]]
    rest = table.loc[:, [column for column in table.columns if column]]
    first = unnamed.iloc[:, 0]
    counts = first.str.fullmatch(r"\s*\d*\s*").all()
    return rest if counts or "clip" in rest else rest.assign(clip=first)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8; save it as UTF-8") from None


def _delimiter(text: str) -> str:
    """What separates cells: what a first line ``sep=;`` names, else what splits the header into most cells, a comma first."""
    if named := re.match(r'"?sep=(.)', text):
        return named[1]
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))
