"""The store: tables of rows keyed by content, in Parquet parts that are only ever added.

In:   rows, each with the key of what it was computed from.
Out:  the same rows, whoever asks, for as long as key and fingerprint are the same.
Rule: a folder's name carries the fingerprint of all that its values depend on, and a row's key comes from the file's
      bytes. So nothing stale can be met, and a moved, renamed or relabelled file computes nothing. Parts appear
      whole, by rename; every page has a checksum; a part that is torn or not ours is set aside, and said so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.features.extractor import fingerprint_of
from ser_bench.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Table:
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
    def within(cls, store: Path, name: str, about: dict[str, Any], schema: pa.Schema) -> Table:
        """The table of that name and fingerprint."""
        return cls(store / f"{name}-{fingerprint_of(about)}", about, schema)

    def read(self) -> pa.Table:
        """All rows, one a key; parts that cannot be trusted are set aside."""
        import pyarrow as pa

        tables = [rows for part in sorted(self.folder.glob("part-*.parquet")) if (rows := self._read_part(part)) is not None]
        rows = pa.concat_tables(tables) if tables else self.schema.empty_table()
        first = {key: position for position, key in reversed(list(enumerate(rows["key"].to_pylist())))}
        return rows if len(first) == len(rows) else rows.take(sorted(first.values()))

    def add(self, columns: dict[str, Any]) -> None:
        """Add rows as one part.

        Parameters
        ----------
        columns : dict
            A value a row for each column of the schema.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = pa.table(columns, schema=self.schema)
        if not len(rows):
            return
        about = self.folder / "extractor.json"
        if not about.exists():
            write_whole(about, lambda path: path.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8"))
        # Writers of the same rows write the same name, so that a race leaves one part.
        name = hashlib.blake2b("".join(rows["key"].to_pylist()).encode(), digest_size=8).hexdigest()
        write_whole(self.folder / f"part-{name}.parquet", lambda path: pq.write_table(rows, path, write_page_checksum=True))

    def _read_part(self, part: Path) -> pa.Table | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with part.open("rb") as file:
                rows = pq.read_table(file, page_checksum_verification=True)
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError) as error:
            # What the system refuses (permission, too many files) says nothing about the part.
            if isinstance(error, OSError) and error.errno:
                raise
            _set_aside(part, str(error).splitlines()[0])
            return None
        if not rows.schema.equals(self.schema):
            _set_aside(part, "its columns are not this table's")
            return None
        return rows


def _set_aside(part: Path, why: str) -> None:
    aside = part.with_suffix(".broken")
    # Another process may have been faster.
    with contextlib.suppress(FileNotFoundError):
        part.rename(aside)
    warnings.warn(f"{part} cannot be trusted and was set aside as {aside.name} ({why}); its clips are computed again", stacklevel=5)
