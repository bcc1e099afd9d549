"""Audio that lies in Parquet files, unpacked into the cache: ordinary files, so that everything else stays as for any corpus.

In:   a Parquet file (a shard) and its column of audio: bytes, or records of bytes and path.
Out:  per row the file that holds its audio, in a folder of the cache that is named by the shard's content.
Rule: a shard is read a few rows at a time, and unpacked once: a folder appears whole or not at all, so that what was interrupted is made
      again; a changed shard is another folder. A row's own path only suggests a name: nothing is written elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.corpora.files import OTHER_SUFFIXES, SUFFIXES
from ser_bench.errors import WorkFailed, WrongCall, quoted
from ser_bench.utils.atomic import folder_aside, sync_all, write_text

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
ROWS_AT_ONCE = 8
BUFFER = 1 << 20
"""Bytes of a shard that are read at a time."""
LARGEST_GROUP = 1 << 30
"""Bytes of audio in a row group, all of which may have to be in memory at once."""
LONGEST_NAME = 60
MISSING = -1
SECONDS_UNTIL_SETTLED = 2.0
LISTING = ".rows.json"
"""What a folder holds for each row of its shard."""
BEGINNINGS = {b"RIFF": ".wav", b"RF64": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3", b"\xff\xfb": ".mp3", b"\xff\xf3": ".mp3"}


class UnpackedAudio(NamedTuple):
    """A row's audio.

    Parameters
    ----------
    name : str
        The file below the folder of all shards; empty where the row has no bytes and names a file elsewhere.
    size : int
        Bytes; `MISSING` where the row has none.
    path : str
        What the row itself calls its file; only where it has no bytes.
    """

    name: str
    size: int
    path: str


def unpacked_folder(cache: Path) -> Path:
    """Where the audio of all shards is unpacked."""
    return Path(os.path.abspath(cache)) / "unpacked"


def unpack(shard: Path, column: str, cache: Path) -> list[UnpackedAudio]:
    """The audio of each row of a shard, unpacked unless the cache holds it.

    Raises
    ------
    WrongCall
        Where the shard cannot be read.
    WorkFailed
        Where the cache cannot be written, or has no room.
    """
    home = unpacked_folder(cache)
    folder = home / f"{_cleaned(re.sub(r'-of-[0-9]+.*$', '', shard.stem))}-{_content_key(shard, home)}"
    try:
        rows = _listed(folder, home)
        if rows is None:
            _check_room(shard, column, home)
            with folder_aside(home, ".unpacking-") as aside:
                _write(shard, column, aside / folder.name)
                _move(aside / folder.name, folder)
            rows = _listed(folder, home) or []
    except OSError as error:
        raise WorkFailed(f"cannot unpack {shard.name} into {home}: {error.strerror or quoted(error)}; choose another --cache") from None
    return rows


def _check_groups(shard: Path, column: str) -> None:
    """Refuse a shard that cannot be read a little at a time: see `LARGEST_GROUP`."""
    import pyarrow.parquet as pq

    about = pq.read_metadata(shard)
    for group in range(about.num_row_groups):
        size = sum(chunk.total_uncompressed_size for chunk in _chunks(about, group, column))
        if size > LARGEST_GROUP:
            raise WrongCall(
                f"{shard}: a row group has {size / (1 << 30):.1f} GB of audio, where at most {LARGEST_GROUP / (1 << 30):g} GB are read; "
                "write the data set with smaller row groups"
            )


def _chunks(about: pa.parquet.FileMetaData, group: int, column: str) -> Iterator[Any]:
    row_group = about.row_group(group)
    chunks = (row_group.column(at) for at in range(row_group.num_columns))
    return (chunk for chunk in chunks if chunk.path_in_schema == column or chunk.path_in_schema.startswith(f"{column}."))


def _check_room(shard: Path, column: str, home: Path) -> None:
    import pyarrow.parquet as pq

    about = pq.read_metadata(shard)
    size = sum(chunk.total_uncompressed_size for group in range(about.num_row_groups) for chunk in _chunks(about, group, column))
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if size > free:
        raise WorkFailed(
            f"{shard.name} holds {size / 1e9:.1f} GB of audio, and there are {free / 1e9:.1f} GB free in {home}; choose another --cache"
        )


def _write(shard: Path, column: str, folder: Path) -> None:
    """Write each row's audio to a file, and the listing of all rows."""
    _check_groups(shard, column)
    names = _names([path for _, path in _audio(shard, column, paths_only=True)])
    folder.mkdir()
    rows = []
    for number, ((data, path), name) in enumerate(zip(_audio(shard, column), names, strict=True), start=1):
        if data is None:
            rows.append(("" if path else f"row-{number:06d}", MISSING, path))
            continue
        file = folder / (name + _suffix(memoryview(data)[:4].tobytes(), path))
        file.parent.mkdir(exist_ok=True)
        with file.open("xb") as handle:
            handle.write(data)
        rows.append((file.relative_to(folder).as_posix(), len(memoryview(data)), ""))
    sync_all(folder / name for name, size, _ in rows if size != MISSING)
    write_text(folder / LISTING, json.dumps({"version": VERSION, "rows": rows}) + "\n")


def _audio(shard: Path, column: str, *, paths_only: bool = False) -> Iterator[tuple[Any, str]]:
    """The bytes of each row, None where there are none, and its path, a few rows in memory at a time."""
    import pyarrow as pa

    try:
        yield from _cells(shard, column, paths_only)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise WrongCall(f"cannot read {shard}: {quoted(' '.join(str(error).split()))}") from None


def _cells(shard: Path, column: str, paths_only: bool) -> Iterator[tuple[Any, str]]:
    """`_audio`, whatever goes wrong."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(shard, buffer_size=BUFFER, pre_buffer=False) as file:
        kind = file.schema_arrow.field(column).type
        parts = [kind.field(at).name for at in range(kind.num_fields)] if pa.types.is_struct(kind) else []
        wanted = [part for part in ("bytes", "path") if part in parts and not (paths_only and part == "bytes")]
        if paths_only and not wanted:
            yield from ((None, "") for _ in range(file.metadata.num_rows))
            return
        leaves = [f"{column}.{part}" for part in wanted] or [column]
        for batch in file.iter_batches(ROWS_AT_ONCE if not paths_only else 1024, columns=leaves, use_threads=False):
            held = batch.column(0)
            flat = dict(zip([f.name for f in held.type], held.flatten(), strict=True)) if parts else {"bytes": held}
            for at in range(len(batch)):
                data, path = (flat[part][at] if part in flat else None for part in ("bytes", "path"))
                yield (
                    data.as_buffer() if data is not None and data.is_valid else None,
                    str(path.as_py()) if path is not None and path.is_valid else "",
                )


def _names(paths: Sequence[str]) -> list[str]:
    """A name for each row without its suffix, after its own path; in a folder of the row's number where several rows have one name.

    >>> _names(["a/x.wav", "b/x.wav", "../../y.flac", ""])
    ['row-000001/x', 'row-000002/x', 'y', 'row-000004']
    """
    stems = [_cleaned(_stem(path)) if path else f"row-{row:06d}" for row, path in enumerate(paths, start=1)]
    count = Counter(stem.casefold() for stem in stems)
    return [stem if count[stem.casefold()] == 1 else f"row-{row:06d}/{stem}" for row, stem in enumerate(stems, start=1)]


def _stem(path: str) -> str:
    name = re.split(r"[/\\]", path)[-1]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in (*SUFFIXES, *OTHER_SUFFIXES) else name


def _cleaned(name: str) -> str:
    r"""A name that is a file's name everywhere, and no hidden one.

    >>> _cleaned("gio f1/b1"), _cleaned("..\0"), _cleaned("zoë")
    ('gio f1_b1', 'audio', 'zoë')
    """
    return re.sub(r"[^\w .+()-]+", "_", name)[:LONGEST_NAME].strip(" ._") or "audio"


def _suffix(beginning: bytes, path: str) -> str:
    """The suffix of the format that the bytes begin like, else the path's, else one that no audio has."""
    known = next((suffix for start, suffix in BEGINNINGS.items() if beginning.startswith(start)), None)
    own = Path(_cleaned(path)).suffix.lower()
    return known or (own if own in (*SUFFIXES, *OTHER_SUFFIXES) else ".bin")


def _listed(folder: Path, home: Path) -> list[UnpackedAudio] | None:
    """The rows of a folder that was unpacked before; None where there is none, or it is not as it was left (it is removed then)."""
    try:
        kept = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        rows = [UnpackedAudio(f"{folder.name}/{name}" if name else "", int(size), str(path)) for name, size, path in kept["rows"]]
        whole = kept["version"] == VERSION and all((home / row.name).stat().st_size == row.size for row in rows if row.size != MISSING)
    except FileNotFoundError:
        whole = False
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return rows


def _content_key(shard: Path, home: Path) -> str:
    """Twelve hex digits of a shard's bytes; it is not read again while device, inode, size and times are as they were."""
    found = shard.stat()
    state = f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
    memory = home / "seen" / f"{hashlib.blake2b(state.encode(), digest_size=12).hexdigest()}.txt"
    try:
        known = memory.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        known = ""
    if re.fullmatch(r"[0-9a-f]{12}", known):
        return known
    with shard.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=6)).hexdigest()
    # A file as fresh as the clock's tick could be written again without showing it.
    if time.time() - max(found.st_mtime, found.st_ctime) > SECONDS_UNTIL_SETTLED:
        write_text(memory, digest + "\n")
    return digest


def _move(made: Path, folder: Path) -> None:
    try:
        os.rename(made, folder)
    except OSError:
        # Another process was faster; its folder holds the same.
        if not (folder / LISTING).is_file():
            raise
