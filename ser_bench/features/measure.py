"""One clip through all extractors that lack it: what a worker process does.

In:   tasks: a clip's key and file, how it is heard, and extractors.
Out:  a `Measured` a task: what was heard, and a vector an extractor or why there is none.
Rule: a clip is decoded once for all extractors, and resampled once a rate; whatever happens to it is told, never raised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ser_bench.audio import Clip, Unusable, decode, key_of, read_bytes
from ser_bench.features.extractor import Extractor
from ser_bench.hearing import Hearing
from ser_bench.parallel import keep_memory


class Task(NamedTuple):
    """A clip to be decoded, and the extractors that have no row of it yet."""

    key: str
    path: str
    start: float | None
    end: float | None
    hearing: Hearing
    extractors: list[Extractor]


class Heard(NamedTuple):
    """What is kept of a clip's audio beside its features."""

    digest: str = ""
    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    note: str = ""


class Measured(NamedTuple):
    """What a worker found.

    Parameters
    ----------
    key : str
    unread : str
        Why there is nothing just now; nothing is kept of that.
    unusable : str
        Why its audio cannot be used.
    heard : Heard
    vectors : dict of str to (str, array)
        By extractor, why it failed (then all values are NaN) and its values.
    """

    key: str
    unread: str = ""
    unusable: str = ""
    heard: Heard = Heard()
    vectors: dict[str, tuple[str, np.ndarray]] = {}


def measure(tasks: list[Task]) -> list[Measured]:
    """Decode clips, check them, and run the extractors that are wanted, on one thread."""
    from threadpoolctl import threadpool_limits

    keep_memory()
    with threadpool_limits(1):
        return [measure_one(task) for task in tasks]


def measure_one(task: Task) -> Measured:
    """One clip."""
    try:
        data = read_bytes(task.path)
    except Unusable as error:
        return Measured(task.key, unread=error.reason)
    if key_of(data, task.start, task.end) != task.key:
        return Measured(task.key, unread="the file changed while it was read")
    try:
        clip = task.hearing.window(decode(data, task.start, task.end))
    except Unusable as error:
        return Measured(task.key, unusable=error.reason)
    heard = Heard(clip.digest, clip.seconds, clip.rate, clip.channels, clip.note)
    clip = task.hearing.vary(clip, task.key)
    return Measured(task.key, heard=heard, vectors={extractor.label: _vector(extractor, clip) for extractor in task.extractors})


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
