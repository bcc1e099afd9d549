"""Clips -> store -> matrices, in parallel.

In:   a corpus and feature sets.
Out:  an `Extraction`: the usable clips with their keys, the others with their reasons, and matrices.
Rule: a clip is decoded once for all extractors, resampled once a rate, and only for what the store lacks. All feature
      sets of a call stand on the same clips. What a file holds is known by device, inode, size and times, so that an
      unchanged one is not even read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.audio import Unusable, decode, key_of, read_bytes
from ser_bench.features.extractor import Extractor, Features
from ser_bench.features.sets import FeatureSet, OwnTable, Part, parse_features
from ser_bench.features.store import Table
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
    """What a worker found: why the clip is unusable or what is heard in it, and a vector or a reason an extractor."""

    key: str
    reason: str
    heard: tuple[str, float, int, int]
    vectors: dict[str, np.ndarray]
    failures: dict[str, str]


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
    parts = list({part.label: part for feature_set in feature_sets for part in feature_set.parts}.values())
    extractors = {part.label: part for part in parts if isinstance(part, Extractor)}
    keys, unreadable = _keys(corpus.clips, cache)
    shelf = Shelf(cache, extractors)
    failures = shelf.fill(corpus.clips.loc[list(keys)].assign(key=list(keys.values())), jobs, progress or Silent())
    return _gather(corpus, feature_sets, parts, keys, unreadable, shelf, failures)


def count_missing(corpus: Corpus, feature_sets: list[FeatureSet], *, cache: Path) -> int:
    """How many clips `extract_corpus` would have to decode for these feature sets; unchanged files are not read."""
    extractors = {p.label: p for feature_set in feature_sets for p in feature_set.parts if isinstance(p, Extractor)}
    keys, _ = _keys(corpus.clips, cache)
    shelf = Shelf(cache, extractors)
    return sum(shelf.lacking(key) is not None for key in set(keys.values()))


class Shelf:
    """The tables of the store that a call needs: one of what is heard, and one an extractor."""

    def __init__(self, cache: Path, extractors: dict[str, Extractor]) -> None:
        self.extractors = extractors
        self.audio = _audio_table(cache)
        self.tables = {label: _feature_table(cache, extractor) for label, extractor in extractors.items()}
        self.heard: dict[str, dict[str, Any]] = {}
        self.vectors: dict[str, tuple[dict[str, int], np.ndarray]] = {}
        self.read()

    def read(self) -> None:
        """Read all tables."""
        self.heard = {row["key"]: row for row in self.audio.read().to_pylist()}
        for label, table in self.tables.items():
            rows = table.read()
            flat = rows["values"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            position = {key: at for at, key in enumerate(rows["key"].to_pylist())}
            self.vectors[label] = position, flat.reshape(len(rows), len(self.extractors[label].columns))

    def lacking(self, key: str) -> list[str] | None:
        """Extractors without a row of this clip; None where nothing is to be done about it."""
        if key not in self.heard:
            return list(self.extractors)
        if self.heard[key]["reason"]:
            return None
        return [label for label, (position, _) in self.vectors.items() if key not in position] or None

    def fill(self, clips: pd.DataFrame, jobs: int, progress: Progress) -> dict[str, str]:
        """Compute what is lacking and add it; returns why extractors failed, by key."""
        tasks = list(self._tasks(clips))
        if not tasks:
            return {}
        failures: dict[str, str] = {}
        waiting: list[Measured] = []
        written = time.monotonic()
        progress.start("extracting features", len(tasks))
        try:
            for batch in _measure_all(tasks, jobs):
                waiting += batch
                failures |= {m.key: "; ".join(f"{label}: {why}" for label, why in m.failures.items()) for m in batch if m.failures}
                progress.advance(len(batch))
                if time.monotonic() - written > SECONDS_BETWEEN_PARTS:
                    self._add(waiting)
                    waiting, written = [], time.monotonic()
        finally:
            self._add(waiting)
            progress.stop()
        self.read()
        return failures

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
        self.audio.add({"key": [m.key for m in unheard], "reason": [m.reason for m in unheard], **columns})
        for label, table in self.tables.items():
            have = [m for m in measured if label in m.vectors]
            table.add({"key": [m.key for m in have], "values": [m.vectors[label] for m in have]})


def measure(tasks: list[Task]) -> list[Measured]:
    """Decode clips, check them, and run the extractors that are wanted; each clip is decoded once."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [_measure(task) for task in tasks]


def _measure(task: Task) -> Measured:
    try:
        data = read_bytes(task.path)
        if key_of(data, task.start, task.end) != task.key:
            raise Unusable("the file changed while it was read")
        clip = decode(data, task.start, task.end)
    except Unusable as error:
        return Measured(task.key, error.reason, ("", 0.0, 0, 0), {}, {})
    vectors, failures = {}, {}
    for extractor in task.extractors:
        try:
            vector = extractor(clip)
        except Exception as error:
            failures[extractor.label] = f"{type(error).__name__}: {error}"
            continue
        if np.isfinite(vector).all():
            vectors[extractor.label] = vector
        else:
            column = extractor.columns[int(np.argmin(np.isfinite(vector)))]
            failures[extractor.label] = f"{column} is not finite"
    return Measured(task.key, "", (clip.digest, clip.seconds, clip.rate, clip.channels), vectors, failures)


def _measure_all(tasks: list[Task], jobs: int) -> Iterator[list[Measured]]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    from ser_bench.errors import WorkFailed

    batches = [tasks[at : at + BATCH] for at in range(0, len(tasks), BATCH)]
    parallel = Parallel(min(jobs, len(batches)), return_as="generator_unordered", inner_max_num_threads=1)
    try:
        yield from parallel(delayed(measure)(batch) for batch in batches)
    except TerminatedWorkerError:
        raise WorkFailed("a worker process died while extracting; what it had finished is kept: run the same command again") from None


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
    failures: dict[str, str],
) -> Extraction:
    """The clips that every feature set has, the others with their reasons, and the matrices."""
    import pandas as pd

    own = [part for part in parts if isinstance(part, OwnTable)]
    reasons = dict(unreadable)
    for clip, key in keys.items():
        why = shelf.heard[key]["reason"] or failures.get(key, "")
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
    said = [f"{name}: {n} row(s) for clips that this corpus does not have" for name, n in extra.items() if n]
    return Extraction(clips, skipped, [*_told(corpus), *said], joined)


def _told(corpus: Corpus) -> list[str]:
    if not corpus.ignored:
        return []
    return [f"{len(corpus.ignored)} audio file(s) whose names {corpus.name} does not know are left out, such as {corpus.ignored[0]}"]


def _matrix(part: Part, clips: pd.DataFrame, shelf: Shelf) -> Features:
    if isinstance(part, OwnTable):
        return Features(part.label, part.fingerprint, part.columns, part.groups, part.table.loc[clips.index].to_numpy())
    position, values = shelf.vectors[part.label]
    rows = [position[key] for key in clips["key"]]
    return Features(part.label, part.fingerprint, part.columns, part.groups, values[rows])


def _feature_table(cache: Path, extractor: Extractor) -> Table:
    import pyarrow as pa

    schema = pa.schema([("key", pa.string()), ("values", pa.list_(pa.float32(), len(extractor.columns)))])
    return Table.within(cache, extractor.name, {**extractor.describe(), "columns": list(extractor.columns)}, schema)


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
