"""The store: tables of rows keyed by content, in Parquet parts that are only ever added, and small ones merged.

In:   rows, each with the key of what it was computed from.
Out:  the same rows, whoever asks, for as long as key and fingerprint are the same.
Rule: a folder's name carries the fingerprint of all that its values depend on, and a row's key comes from the file's
      bytes. So nothing stale can be met, and a moved, renamed or relabelled file computes nothing. Parts appear
      whole, by rename, and are named by a hash of their bytes: one that is torn, damaged or not ours is set aside, and
      said so. No lock is needed: merged rows are there before their parts are gone, and whoever reads looks again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.features.base import fingerprint_of
from ser_bench.utils.atomic import clear_abandoned, damage_of, set_aside, write_text, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

STORE_VERSION = 2
SMALL = 32 << 20
"""Bytes; smaller parts are merged."""
AGAIN = "its clips are computed again"


@dataclass(frozen=True)
class StoredTable:
    """A folder of parts.

    Parameters
    ----------
    folder : Path
    about : dict
        What its values depend on, written beside them.
    schema : pyarrow.Schema
        The first column is `key`.
    """

    folder: Path
    about: dict[str, Any]
    schema: pa.Schema

    @classmethod
    def within(cls, store: Path, name: str, about: dict[str, Any], schema: pa.Schema) -> StoredTable:
        """The table of that name and fingerprint."""
        about = about | {"store": STORE_VERSION}
        return cls(store / f"{name}-{fingerprint_of(about)}", about, schema)

    def parts(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows, part by part, so that no more than one need be in memory; a key may come twice, with the same values."""
        seen: set[str] = set()
        # While parts are read, another process may have merged some: their rows stand in a new one.
        while new := [part for part in self._names() if part.name not in seen]:
            for part in new:
                seen.add(part.name)
                if (rows := self._read_part(part, columns)) is not None:
                    yield rows

    def read(self) -> pa.Table:
        """All rows, one a key."""
        import pyarrow as pa

        return _one_a_key(pa.concat_tables([self._empty(), *self.parts()]))

    def add(self, columns: dict[str, Any]) -> None:
        """Add rows as one part.

        Parameters
        ----------
        columns : dict
            A value per row for each column of the schema.
        """
        import pyarrow as pa

        rows = pa.table(columns, schema=self._empty().schema)
        if not len(rows):
            return
        about = self.folder / "extractor.json"
        if not about.exists() or damage_of(about):
            write_text(about, json.dumps(self.about, indent=2) + "\n", synced=False)
        self._write_part(rows)

    def compact(self) -> None:
        """Merge small parts, one row a key, until there is at most one; clear away what a killed writer left."""
        import pyarrow as pa

        while len(small := [part for part in self._names() if _size(part) < SMALL]) > 1:
            group = small[: 1 + _reaching(SMALL, [_size(part) for part in small])]
            rows = [rows for part in group if (rows := self._read_part(part)) is not None]
            kept = self._write_part(pa.concat_tables(rows)) if rows else None
            for part in group:
                if part != kept:
                    part.unlink(missing_ok=True)
        clear_abandoned(self.folder)

    def clear(self) -> None:
        """Forget all rows."""
        for part in self._names():
            part.unlink(missing_ok=True)

    def _names(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def _empty(self) -> pa.Table:
        # A part says which table it belongs to: one that was copied from another is no part of this.
        return self.schema.empty_table().replace_schema_metadata({"table": self.folder.name})

    def _write_part(self, rows: pa.Table) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        # The same rows are the same bytes, whoever writes them: a race leaves one part.
        sink = pa.BufferOutputStream()
        rows = pa.Table.from_arrays(_one_a_key(rows).columns, schema=self._empty().schema)
        pq.write_table(rows, sink, use_dictionary=False)
        data = sink.getvalue()
        part = self.folder / f"part-{_hash(data)}.parquet"
        write_whole(part, lambda path: path.write_bytes(data))
        return part

    def _read_part(self, part: Path, columns: list[str] | None = None) -> pa.Table | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            data = part.read_bytes()
        except FileNotFoundError:
            return None
        if part.stem != f"part-{_hash(data)}":
            set_aside(part, "its bytes are not those that were written", AGAIN)
            return None
        # On this thread: a scan's own threads can outlive the process's end and abort it.
        rows = pq.ParquetFile(pa.BufferReader(data)).read(columns, use_threads=False)
        if (rows.schema.metadata or {}).get(b"table") != self.folder.name.encode():
            set_aside(part, "it belongs to another table", AGAIN)
            return None
        return rows


def _one_a_key(rows: pa.Table) -> pa.Table:
    """Rows in the order of their keys, one of each: where one says why there are no values and another has them, the latter."""
    import pyarrow as pa

    rows = rows.sort_by([(name, "ascending") for name in ("key", "reason") if name in rows.column_names])
    keys = rows["key"].to_pylist()
    first = [at for at, key in enumerate(keys) if at == 0 or key != keys[at - 1]]
    return rows.take(pa.array(first, pa.int64())).combine_chunks()


def _reaching(goal: int, sizes: list[int]) -> int:
    """Which of the sizes, added up one after the other, reaches the goal first; the last where none does."""
    return next((at for at, total in enumerate(accumulate(sizes)) if total >= goal), len(sizes) - 1)


def _hash(data: Any) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _size(part: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return part.stat().st_size
    return 0
