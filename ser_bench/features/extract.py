"""Clips -> store -> matrices, in parallel.

In:   a corpus and feature sets.
Out:  an `Extraction`: the usable clips with their keys, the others with their reasons, and matrices.
Rule: a clip is decoded once for all extractors, resampled once a rate, and only for what the store lacks. All feature
      sets of a call stand on the same clips. What a file holds is known by device, inode, size and times, so that an
      unchanged one is not even read.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.audio import Clip, Unusable, decode, key_of, read_bytes
from ser_bench.features.extractor import Extractor, Features
from ser_bench.features.sets import FeatureSet, OwnTable, Part, distinct_parts, parse_features
from ser_bench.features.store import Table
from ser_bench.parallel import in_parallel, keep_memory
from ser_bench.progress import Progress, Silent

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus

AUDIO_VERSION = 1
BATCH = 8
SECONDS_BETWEEN_PARTS = 5.0
HEARD = ("digest", "seconds", "rate", "channels")
"""What is kept of each clip's audio beside its features."""


@dataclass(frozen=True)
class Extraction:
    """What came of extracting.

    Parameters
    ----------
    clips : DataFrame
        The clip table of the usable clips, with `key`, `digest`, `seconds`, `rate` and `channels`.
    skipped : DataFrame
        Columns `clip`, `reason`, `counts` (against the skipping limit).
    warnings : list of str
    matrices : dict of str to Features
        By feature set, rows as `clips`.
    """

    clips: pd.DataFrame
    skipped: pd.DataFrame
    warnings: list[str]
    matrices: dict[str, Features]

    def features(self, feature_set: FeatureSet) -> Features:
        """The matrix of a feature set, rows as `clips`."""
        return self.matrices[feature_set.name]


class Task(NamedTuple):
    """A clip to be decoded, and the extractors that have no row of it yet."""

    key: str
    path: str
    start: float | None
    end: float | None
    extractors: list[Extractor]


class Measured(NamedTuple):
    """What a worker found.

    Parameters
    ----------
    key : str
    unread : str
        Why the file could not be read just now; nothing is kept of that.
    unusable : str
        Why its audio cannot be used.
    heard : tuple
        The values of `HEARD`.
    vectors : dict of str to (str, array)
        By extractor, why it failed (then all values are NaN) and its values.
    """

    key: str
    unread: str = ""
    unusable: str = ""
    heard: tuple[str, float, int, int] = ("", 0.0, 0, 0)
    vectors: dict[str, tuple[str, np.ndarray]] = {}


def extract(corpus: Corpus, features: str, *, cache: str | Path = "features", jobs: int | None = None) -> pd.DataFrame:
    """The features of a corpus's usable clips.

    Parameters
    ----------
    corpus : Corpus
    features : str
        Such as ``"egemaps+mfcc"``.
    cache : str or Path
        The store.
    jobs : int, optional
        Processes; one a core without.

    Returns
    -------
    DataFrame
        Index `clip`; float32 columns, whose groups stand in ``attrs["groups"]``.
    """
    import pandas as pd

    feature_set = parse_features(features)
    extraction = extract_corpus(corpus, [feature_set], cache=Path(cache), jobs=jobs or os.cpu_count() or 1)
    matrix = extraction.features(feature_set)
    table = pd.DataFrame(matrix.values, index=extraction.clips.index, columns=list(matrix.columns))
    table.attrs["groups"] = dict(zip(matrix.columns, matrix.groups, strict=True))
    return table


def extract_corpus(
    corpus: Corpus, feature_sets: list[FeatureSet], *, cache: Path, jobs: int, progress: Progress | None = None
) -> Extraction:
    """Extract what the store lacks of these feature sets, and read them all.

    Raises
    ------
    WorkFailed
        Where a worker process died.
    """
    parts = distinct_parts(feature_sets)
    keys, unreadable = _keys(corpus.clips, cache)
    shelf = Shelf(cache, parts)
    unread = shelf.fill(corpus.clips.loc[list(keys)].assign(key=list(keys.values())), jobs, progress or Silent())
    return _gather(corpus, feature_sets, parts, keys, unreadable, shelf, unread)


def count_missing(corpus: Corpus, feature_sets: list[FeatureSet], *, cache: Path) -> int:
    """How many clips `extract_corpus` would have to decode for these feature sets; unchanged files are not read."""
    keys, _ = _keys(corpus.clips, cache)
    shelf = Shelf(cache, distinct_parts(feature_sets))
    return sum(shelf.lacking(key) is not None for key in set(keys.values()))


class Shelf:
    """The tables of the store that a call needs: one of what is heard, and one an extractor."""

    def __init__(self, cache: Path, parts: list[Part]) -> None:
        self.extractors = {part.label: part for part in parts if isinstance(part, Extractor)}
        self.audio = _audio_table(cache)
        self.tables = {label: _feature_table(cache, extractor) for label, extractor in self.extractors.items()}
        self.heard: dict[str, dict[str, Any]] = {}
        self.failures: dict[str, str] = {}
        self.vectors: dict[str, tuple[dict[str, int], np.ndarray]] = {}
        self.read()

    def read(self) -> None:
        """Read all tables."""
        self.heard = {row["key"]: row for row in self.audio.read().to_pylist()}
        for label, table in self.tables.items():
            rows = table.read()
            flat = rows["values"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            keys = rows["key"].to_pylist()
            position = {key: at for at, key in enumerate(keys)}
            self.failures |= {key: f"{label}: {why}" for key, why in zip(keys, rows["reason"].to_pylist(), strict=True) if why}
            self.vectors[label] = position, flat.reshape(len(rows), len(self.extractors[label].columns))

    def lacking(self, key: str) -> list[str] | None:
        """Extractors without a row of this clip; None where nothing is to be done about it."""
        if key not in self.heard:
            return list(self.extractors)
        if self.heard[key]["reason"]:
            return None
        return [label for label, (position, _) in self.vectors.items() if key not in position] or None

    def fill(self, clips: pd.DataFrame, jobs: int, progress: Progress) -> dict[str, str]:
        """Compute what is lacking and add it; returns why files could not be read, by key."""
        tasks = list(self._tasks(clips))
        if not tasks:
            return {}
        unread: dict[str, str] = {}
        waiting: list[Measured] = []
        written = time.monotonic()
        progress.start("extracting features", len(tasks))
        try:
            for batch in in_parallel(measure, [(tasks[at : at + BATCH],) for at in range(0, len(tasks), BATCH)], jobs):
                waiting += [m for m in batch if not m.unread]
                unread |= {m.key: m.unread for m in batch if m.unread}
                progress.advance(len(batch))
                if time.monotonic() - written > SECONDS_BETWEEN_PARTS:
                    self._add(waiting)
                    waiting, written = [], time.monotonic()
        finally:
            self._add(waiting)
            progress.stop()
        self.read()
        return unread

    def _tasks(self, clips: pd.DataFrame) -> Iterator[Task]:
        spans = clips.reindex(columns=["key", "path", "start", "end"]).drop_duplicates("key")
        for key, path, start, end in spans.itertuples(index=False):
            lacking = self.lacking(key)
            if lacking is not None:
                yield Task(key, path, start, end, [self.extractors[label] for label in lacking])

    def _add(self, measured: list[Measured]) -> None:
        """Add rows to every table, in the order of their keys."""
        measured = sorted(measured, key=lambda m: m.key)
        unheard = [m for m in measured if m.key not in self.heard]
        columns = {name: [m.heard[at] for m in unheard] for at, name in enumerate(HEARD)}
        self.audio.add({"key": [m.key for m in unheard], "reason": [m.unusable for m in unheard], **columns})
        for label, table in self.tables.items():
            rows = [(m.key, *m.vectors[label]) for m in measured if label in m.vectors]
            table.add({name: [row[at] for row in rows] for at, name in enumerate(("key", "reason", "values"))})


def measure(tasks: list[Task]) -> list[Measured]:
    """Decode clips, check them, and run the extractors that are wanted; each clip is decoded once."""
    from threadpoolctl import threadpool_limits

    keep_memory()
    with threadpool_limits(1):
        return [_measure(task) for task in tasks]


def _measure(task: Task) -> Measured:
    try:
        data = read_bytes(task.path)
    except Unusable as error:
        return Measured(task.key, unread=error.reason)
    if key_of(data, task.start, task.end) != task.key:
        return Measured(task.key, unread="the file changed while it was read")
    try:
        clip = decode(data, task.start, task.end)
    except Unusable as error:
        return Measured(task.key, unusable=error.reason)
    vectors = {extractor.label: _vector(extractor, clip) for extractor in task.extractors}
    return Measured(task.key, heard=(clip.digest, clip.seconds, clip.rate, clip.channels), vectors=vectors)


def _vector(extractor: Extractor, clip: Clip) -> tuple[str, np.ndarray]:
    """Why an extractor failed on a clip, or nothing, and its values."""
    nothing = np.full(len(extractor.columns), np.nan, np.float32)
    try:
        # What overflows or divides by zero comes out as a value that is not finite, and is told below.
        with np.errstate(all="ignore"):
            vector = extractor(clip)
    except Exception as error:
        return f"{type(error).__name__}: {error}", nothing
    if np.isfinite(vector).all():
        return "", vector
    return f"{extractor.columns[int(np.argmin(np.isfinite(vector)))]} is not finite", nothing


def _keys(clips: pd.DataFrame, cache: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The content key of every readable clip, and why the others are not; unchanged files are not read."""
    table = _files_table(cache)
    known = dict(zip(*(column.to_pylist() for column in table.read().columns), strict=True))
    keys, unreadable, new = {}, {}, {}
    for clip, path, start, end in clips.reindex(columns=["path", "start", "end"]).itertuples():
        try:
            state = _state(path, start, end)
            if state not in known:
                new[state] = known[state] = key_of(read_bytes(path), start, end)
            keys[clip] = known[state]
        except Unusable as error:
            unreadable[clip] = error.reason
    table.add({"key": list(new), "content": list(new.values())})
    return keys, unreadable


def _state(path: str, start: float, end: float) -> str:
    """What must change when a file does."""
    try:
        s = os.stat(path)
    except OSError:
        read_bytes(path)
        raise
    return f"{s.st_dev}:{s.st_ino}:{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}@{start}-{end}"


def _gather(
    corpus: Corpus,
    feature_sets: list[FeatureSet],
    parts: list[Part],
    keys: dict[str, str],
    unreadable: dict[str, str],
    shelf: Shelf,
    unread: dict[str, str],
) -> Extraction:
    """The clips that every feature set has, the others with their reasons, and the matrices."""
    import pandas as pd

    own = [part for part in parts if isinstance(part, OwnTable)]
    reasons = dict(unreadable)
    for clip, key in keys.items():
        why = unread.get(key) or shelf.heard[key]["reason"] or shelf.failures.get(key, "")
        why = why or next((f"no row in {table.path.name}" for table in own if clip not in table.table.index), "")
        if why:
            reasons[clip] = why
    clips = corpus.clips.drop(index=list(reasons))
    used = [keys[clip] for clip in clips.index]
    clips = clips.assign(key=used, **{name: [shelf.heard[key][name] for key in used] for name in HEARD})
    skipped = pd.DataFrame({"clip": list(reasons), "reason": list(reasons.values()), "counts": True}).sort_values("clip", ignore_index=True)
    matrices = {part.label: _matrix(part, clips, shelf) for part in parts}
    joined = {feature_set.name: feature_set.join([matrices[part.label] for part in feature_set.parts]) for feature_set in feature_sets}
    extra = {table.path.name: len(table.table.index.difference(corpus.clips.index)) for table in own}
    said = [f"{name}: {n} row(s) for clips that are not judged" for name, n in extra.items() if n]
    return Extraction(clips, skipped, [*_told(corpus), *said], joined)


def _told(corpus: Corpus) -> list[str]:
    if not corpus.ignored:
        return []
    return [f"{len(corpus.ignored)} audio file(s) whose names {corpus.name} does not know are left out, such as {corpus.ignored[0]}"]


def _matrix(part: Part, clips: pd.DataFrame, shelf: Shelf) -> Features:
    if isinstance(part, OwnTable):
        values = part.table.loc[clips.index].to_numpy()
        # Rows go by the clip's name, so that which row stands for which sound is part of what it is.
        covered = hashlib.blake2b(digest_size=4)
        for key, at in sorted((key, at) for at, key in enumerate(clips["key"])):
            covered.update(key.encode() + values[at].tobytes())
        return Features(part.label, covered.hexdigest(), part.columns, part.groups, values)
    position, values = shelf.vectors[part.label]
    rows = [position[key] for key in clips["key"]]
    return Features(part.label, part.fingerprint, part.columns, part.groups, values[rows])


def _feature_table(cache: Path, extractor: Extractor) -> Table:
    import pyarrow as pa

    values = pa.list_(pa.float32(), len(extractor.columns))
    schema = pa.schema([("key", pa.string()), ("reason", pa.string()), ("values", values)])
    return Table.within(cache, extractor.name, extractor.describe(), schema)


def _audio_table(cache: Path) -> Table:
    import pyarrow as pa

    types = (pa.string(), pa.float64(), pa.int64(), pa.int64())
    about = {"name": "audio", "version": AUDIO_VERSION, "libraries": _decoders()}
    return Table.within(cache, "audio", about, pa.schema([("key", pa.string()), ("reason", pa.string()), *zip(HEARD, types, strict=True)]))


def _files_table(cache: Path) -> Table:
    import pyarrow as pa

    about = {"name": "files", "version": AUDIO_VERSION}
    return Table.within(cache, "files", about, pa.schema([("key", pa.string()), ("content", pa.string())]))


def _decoders() -> dict[str, str]:
    from importlib.metadata import version

    return {"soundfile": version("soundfile"), "numpy": version("numpy")}
