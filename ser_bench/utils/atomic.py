"""Files that appear whole or not at all, and are what was written when they are read; and tables as CSV, which spreadsheets open as well.

In:   texts, tables and arrays, and the file that each goes to.
Out:  that file, whole; and what it holds, read again.
Rule: a file is on the disk before its name is, but for what is made again in a moment. What is torn or damaged is never read as
      something else: Parquet and NumPy files carry a hash of their bytes, others are looked at for an end. It is named and set aside as
      `.broken` by the next write of that file.
      No name is a formula where a table is opened, and every name is itself again where it is read back.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import Damaged, WrongCall

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

BEGUN = r"['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r]"
"""How a cell begins that a spreadsheet would work out, or that would be read back as one written before."""
FORMULA = re.compile(rf"(^|[;\t\r\n])(?={BEGUN})")
GUARDED = re.compile(rf"(^|[;\t\r\n])'(?={BEGUN})")
"""Where such a beginning stands, at a text's own and behind what a spreadsheet may take for the end of a cell: bare, and guarded."""

SEAL = b"blake2b:"
BLANK = SEAL + 32 * b"0"
"""What stands in a file for the hash of its bytes while that is computed."""

ENDS = {
    ".html": b"</html>",
    ".svg": b"</svg>",
    ".pdf": b"%%EOF",
    ".png": b"IEND\xaeB`\x82",
}
"""How whole files end, by their kind."""

UNKNOWN_TO_FILE_SYSTEM = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}

UNFINISHED = ".*-????????"
"""How files are called that are being written."""

SECONDS_TO_LOCK, SECONDS_UNFINISHED = 1.0, 3600.0
"""The age from which a file that nobody holds counts as abandoned; and the same where files cannot be held."""


def write_text(path: Path, text: str, *, synced: bool = True) -> None:
    """Write a text, whole or not at all; `synced` as in `write_whole`."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"), synced=synced)


def write_whole(path: Path, write: Callable[[Path], Any], *, synced: bool = True) -> None:
    """Have `write` make a file beside `path`, then put it there by one rename, once it is on the disk.

    Nothing is left behind where that fails. A damaged file in its place is set aside. Where it is not `synced`, the system writes it to
    the disk in its own time: only for what shows damage when it is read and is made again at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        with _held(unfinished):
            write(unfinished)
            if synced:
                sync(unfinished)
        if why := damage_of(path):
            set_aside(path, why, "it is written again")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    if synced:
        sync(path.parent)


def check_writable(option: str, folder: Path) -> None:
    """Refuse a folder that cannot be written to, now and not after an hour."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WrongCall(f"{option} {folder} cannot be written to: {error.strerror}; choose another folder") from None


def check_place(option: str, path: Path) -> None:
    """`check_writable` for a file."""
    if path.is_dir():
        raise WrongCall(f"{option} {path} is a folder: name a file")
    check_writable(option, path.parent)


def write_csv(table: pd.DataFrame, path: Path, **how: Any) -> None:
    """Write a table as `csv_text`, whole or not at all."""
    write_whole(path, lambda part: part.write_bytes(csv_text(table, **how).encode()))


def csv_text(table: pd.DataFrame, **how: Any) -> str:
    """A table as CSV, its index left out, lists in its cells as JSON, its formulas guarded; options as those of pandas."""
    guarded = without_formulas(with_json(table))
    text = guarded.to_csv(index=False, lineterminator="\n", **how)
    # A carriage return ends a line for every reader and is not quoted of itself.
    return guarded.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC, **how) if "\r" in text else text


def read_csv(path: Path, **how: Any) -> pd.DataFrame:
    """Read a table that `write_csv` wrote; options as those of pandas.

    Raises
    ------
    Damaged
        Where it is not as it was written, as far as that can be seen.
    """
    import pandas as pd

    def parse(data: bytes) -> pd.DataFrame:
        _check_csv(data)
        return pd.read_csv(io.BytesIO(data), **how)

    return _in_texts(_read(path, parse), restored)


def write_parquet(table: pd.DataFrame, path: Path, *, index: bool | None = None) -> None:
    """Write a table as Parquet, whole or not at all, with a hash of its bytes; `index` as pandas takes it."""
    import pyarrow as pa

    write_table(pa.Table.from_pandas(table, preserve_index=index), path)


def write_table(table: pa.Table, path: Path, *, synced: bool = True) -> None:
    """`write_parquet` for a table of pyarrow's; `synced` as in `write_whole`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), "content": BLANK}), sink)
    data = _sealed(sink.getvalue().to_pybytes())
    write_whole(path, lambda part: part.write_bytes(data), synced=synced)


def read_parquet(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table that `write_parquet` wrote, or an older version without a hash; errors as `read_csv`."""
    return read_table(path, columns).to_pandas()


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """`read_parquet` for a table of pyarrow's."""
    return _read(path, lambda data: _parse_parquet(data, columns))


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays in NumPy's format, compressed, whole or not at all, with a hash of the bytes."""
    import zipfile

    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = BLANK
    data = _sealed(buffer.getvalue())
    write_whole(path, lambda part: part.write_bytes(data))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_arrays` wrote, or an older version without a hash; errors as `read_csv`."""
    return _read(path, _parse_arrays)


def damage_of(path: Path) -> str:
    """Why a file of ours cannot be trusted, as far as its kind lets that be seen; empty where there is nothing, or no file."""
    try:
        _read(path, CHECKS.get(path.suffix, _check_end(path.suffix)))
    except OSError:
        return ""
    except Damaged as damaged:
        return damaged.why
    return ""


def set_aside(path: Path, why: str, then: str) -> None:
    """Rename a file that cannot be trusted to `.broken`, and say so in a warning: why, and what comes of it."""
    aside = path.with_suffix(".broken")
    # Another process may have been faster.
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, aside)
    warnings.warn(f"{path} cannot be trusted and was set aside as {aside.name} ({why}); {then}", stacklevel=2)


def clear_abandoned(folder: Path, pattern: str = UNFINISHED) -> list[Path]:
    """Remove what killed processes left in a folder: files and folders of such names that nobody holds. Returns what there was."""
    found = [path for path in folder.glob(pattern) if _abandoned(path)]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return found


@contextlib.contextmanager
def folder_aside(parent: Path, prefix: str) -> Iterator[Path]:
    """A temporary folder, held as long as it is used; those that killed processes left are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    clear_abandoned(parent, f"{prefix}*")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name, hold(Path(name)):
        yield Path(name)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a file or folder, so that `clear_abandoned` leaves it alone until this process lets go or ends."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """A new file, held."""
    path.touch()
    with hold(path):
        yield


def _abandoned(path: Path) -> bool:
    """Whether nobody holds it any more: a process lets go of what it holds when it ends, in whatever way."""
    try:
        age = time.time() - path.stat().st_mtime
        if sys.platform == "win32":
            return age > SECONDS_UNFINISHED
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return age > SECONDS_UNFINISHED
    finally:
        os.close(handle)
    return age > SECONDS_TO_LOCK


def sync(path: Path) -> None:
    """Have the system write a file, or a folder's names, to the disk; where that cannot be asked for, it does so in its own time."""
    if sys.platform == "win32":  # which opens no folder, and syncs no file that is only read
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder may be written to and not be listed
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNKNOWN_TO_FILE_SYSTEM:
            raise
    finally:
        os.close(handle)


def sync_all(paths: Iterable[Path]) -> None:
    """`sync` for many files: one call for whatever the system has not written yet, where there is one."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        sync(path)


def _sealed(data: bytes) -> bytes:
    """The bytes with their hash in the place of `BLANK`."""
    return data.replace(BLANK, SEAL + _hash(data))


def _check_seal(data: bytes) -> None:
    """Raise ValueError for bytes that are not those of `_sealed`; what has no seal is of an older version and passes."""
    at = data.rfind(SEAL)
    if at >= 0:
        begin, end = at + len(SEAL), at + len(BLANK)
        if _hash(data[:at] + BLANK + data[end:]) != data[begin:end]:
            raise ValueError("its bytes are not those that were written")


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).hexdigest().encode()


def _read(path: Path, parse: Callable[[bytes], Any]) -> Any:
    """What is made of a file's bytes; whatever goes wrong with that is damage, but for want of memory."""
    data = path.read_bytes()
    try:
        if not data:
            raise ValueError("it is empty")
        return parse(data)
    except MemoryError:
        raise
    except Exception as error:
        raise Damaged(path, str(error) or type(error).__name__) from None


def _parse_parquet(data: bytes, columns: list[str] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_seal(data)
    # On this thread: a scan's own threads can outlive the process's end and abort it.
    return pq.ParquetFile(pa.BufferReader(data)).read(columns, use_threads=False, use_pandas_metadata=columns is not None)


def _parse_arrays(data: bytes) -> dict[str, np.ndarray]:
    import numpy as np

    _check_seal(data)
    with np.load(io.BytesIO(data)) as kept:
        return dict(kept)


def _check_csv(data: bytes) -> None:
    text = _check_text(data)
    widths = {len(row) for row in csv.reader(io.StringIO(text, newline="")) if row}
    if len(widths) > 1:
        raise ValueError(f"its rows have between {min(widths)} and {max(widths)} fields")


def _check_text(data: bytes) -> str:
    text = data.decode()
    if not text.endswith("\n") or "\0" in text:
        raise ValueError("it breaks off")
    return text


def _check_end(kind: str) -> Callable[[bytes], None]:
    """A check for what has to end in a certain way."""

    def check(data: bytes) -> None:
        if not data.rstrip().endswith(ENDS.get(kind, b"")):
            raise ValueError("it breaks off")

    return check


CHECKS: dict[str, Callable[[bytes], Any]] = {
    ".parquet": _parse_parquet,
    ".npz": _parse_arrays,
    ".csv": _check_csv,
    ".md": _check_text,
    ".json": lambda data: json.loads(_check_text(data)),
    ".toml": lambda data: tomllib.loads(_check_text(data)),
}


def restored(text: str) -> str:
    """A text as it was before `write_csv`.

    >>> restored("'=1+1"), restored("'s"), restored("a;'=1")
    ('=1+1', "'s", 'a;=1')
    """
    return GUARDED.sub(r"\1", text)


def without_formula(text: str) -> str:
    """A text with an apostrophe before it where a spreadsheet would take it for a formula.

    >>> without_formula("=1+1"), without_formula("'=1"), without_formula("'s"), without_formula("a;=1")
    ("'=1+1", "''=1", "'s", "a;'=1")
    """
    return FORMULA.sub(r"\1'", text)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before what a spreadsheet would take for a formula, in texts and heads; `read_csv` takes it away.

    >>> import pandas as pd
    >>> without_formulas(pd.DataFrame({"name": ["=1+1", "'=1", "'s", "a"], "n": [-1, 2, 3, 4]}))["name"].tolist()
    ["'=1+1", "''=1", "'s", 'a']
    """
    return _in_texts(table, without_formula)


def list_as_json(cell: Any) -> Any:
    """A list as JSON, anything else as it is.

    >>> list_as_json(["no room; none", "Zürich"]), list_as_json([]), list_as_json(2)
    ('["no room; none", "Zürich"]', '[]', 2)
    """
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell


def with_json(table: pd.DataFrame) -> pd.DataFrame:
    """The table with JSON in the place of lists.

    >>> import pandas as pd
    >>> with_json(pd.DataFrame({"name": ["a", "b"], "notes": [["no room; none", "Zürich"], []]}))["notes"].tolist()
    ['["no room; none", "Zürich"]', '[]']
    """
    return table.assign(**{name: table[name].map(list_as_json) for name in table.columns if table[name].dtype == object})


def _in_texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    from pandas.api.types import is_numeric_dtype

    words = {name: _changed(table[name], change) for name in table.columns if not is_numeric_dtype(table[name])}
    return table.assign(**words).rename(columns=lambda name: change(name) if isinstance(name, str) else name)


def _changed(column: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """A column with its texts changed. Most have none to change, which is seen in a fraction of the time that pandas takes to map them."""
    import pandas as pd

    texts = [text for text in column.tolist() if isinstance(text, str)] if isinstance(column.dtype, pd.StringDtype) else []
    if texts and all(change(text) == text for text in texts):
        return column
    return column.map(lambda value: change(value) if isinstance(value, str) else value)
