"""What every file holds, by content: the keys under which the store knows it.

In:   a clip table.
Out:  a content key per clip, or why its file cannot be read.
Rule: a file counts as unchanged while device, inode, size and times are, and is then not even read. A file whose times are
      as fresh as the clock's tick could be written again without showing it: it is read again the next time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.audio.clip import Unusable, key_of, read_bytes
from ser_bench.features.store.table import StoredTable

if TYPE_CHECKING:
    import pandas as pd

FILES_VERSION = 2
SECONDS_UNTIL_SETTLED = 2.0


class Keys(NamedTuple):
    """Content keys by clip, why the other clips' files cannot be read, and files that changed although nothing showed it."""

    known: dict[str, str]
    unreadable: dict[str, str]
    changed: list[str]


def content_keys(clips: pd.DataFrame, cache: Path, *, verify: bool = False) -> Keys:
    """The content key of every clip.

    Parameters
    ----------
    clips : DataFrame
        Columns `path` and, for segments, `start` and `end` (s).
    cache : Path
        The store.
    verify : bool
        Read every file, unchanged or not.
    """
    table = _files_table(cache)
    remembered = dict(zip(*(column.to_pylist() for column in table.read().columns), strict=True))
    keys, unreadable, new, changed = {}, {}, {}, []
    for clip, path, start, end in clips.reindex(columns=["path", "start", "end"]).itertuples():
        try:
            state, settled = _state(path, start, end)
            key = None if verify else remembered.get(state)
            if key is None:
                key = key_of(read_bytes(path), start, end)
                if remembered.get(state, key) != key:
                    changed.append(path)
                if settled:
                    new[state] = key
            keys[clip] = key
        except Unusable as error:
            unreadable[clip] = error.reason
    if changed:
        table.clear()
    else:
        new = {state: key for state, key in new.items() if state not in remembered}
    table.add({"key": list(new), "content": list(new.values())})
    table.compact()
    return Keys(keys, unreadable, changed)


def _state(path: str, start: float, end: float) -> tuple[str, bool]:
    """What must change when a file does, and whether that can be relied on."""
    try:
        s = os.stat(path)
    except OSError:
        read_bytes(path)
        raise
    settled = time.time() - max(s.st_mtime, s.st_ctime) > SECONDS_UNTIL_SETTLED
    return f"{s.st_dev}:{s.st_ino}:{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}@{start}-{end}", settled


def _files_table(cache: Path) -> StoredTable:
    import pyarrow as pa

    about = {"name": "files", "version": FILES_VERSION}
    return StoredTable.within(cache, "files", about, pa.schema([("key", pa.string()), ("content", pa.string())]))
