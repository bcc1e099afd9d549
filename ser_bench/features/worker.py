"""One clip through all extractors that lack it: what a worker process does.

In:   tasks: a clip's key and file, how it is preprocessed, and extractors.
Out:  an `ExtractionResult` per task: what its audio is like, and a vector per extractor or why there is none.
Rule: a clip is decoded once for all extractors, and resampled once per rate; whatever happens to it is reported, never raised. Only what
      depends on the sound alone is cached: a lack of memory, or of a library, is this machine's and passes.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ser_bench.audio.clip import Clip, Unusable, decode, key_of, read_bytes
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.errors import quoted
from ser_bench.features.base import Extractor
from ser_bench.utils.parallel import keep_memory, on_one_thread

OF_THE_SOUND = (ArithmeticError, AssertionError, LookupError, ValueError)
"""What an extractor raises that would be raised by the same sound anywhere; anything else is taken to pass."""
NO_MEMORY = "not enough memory to decode it"
DIED = "the process that measured it died, most likely for want of memory"
BATCH = 8
"""Clips that a process is given at a time."""


class Task(NamedTuple):
    """A clip to be decoded, and the extractors that have no row of it yet."""

    key: str
    path: str
    start: float | None
    end: float | None
    preprocessing: Preprocessing
    extractors: list[Extractor]


class AudioInfo(NamedTuple):
    """What is kept of a clip's audio beside its features; `peak` is the largest sample, 1 at full scale."""

    digest: str = ""
    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    note: str = ""
    peak: float = 0.0


class ExtractionResult(NamedTuple):
    """What a worker found.

    Parameters
    ----------
    key : str
    unread : str
        Why there is nothing, or not everything, just now; nothing is kept of that.
    unusable : str
        Why its audio cannot be used.
    heard : AudioInfo
    vectors : dict of str to (str, array)
        By extractor, why it fails on this sound (then all values are NaN) and its values.
    """

    key: str
    unread: str = ""
    unusable: str = ""
    heard: AudioInfo = AudioInfo()
    vectors: dict[str, tuple[str, np.ndarray]] = {}

    @property
    def lasts(self) -> bool:
        """Whether there is something of it to keep."""
        return bool(self.unusable or self.heard.digest)

    @property
    def why_not(self) -> str:
        """Why it cannot be evaluated, or nothing."""
        return self.unread or self.unusable or next((f"{label}: {why}" for label, (why, _) in self.vectors.items() if why), "")


def extract_clips(tasks: list[Task]) -> list[ExtractionResult]:
    """Decode clips, check them, and run the extractors that are wanted, on one thread."""
    keep_memory()
    with on_one_thread():
        return [extract_clip(task) for task in tasks]


def extract_clip(task: Task) -> ExtractionResult:
    """One clip."""
    try:
        data = read_bytes(task.path)
        if key_of(data, task.start, task.end) != task.key:
            return ExtractionResult(task.key, unread="the file changed while it was read")
    except Unusable as error:
        return ExtractionResult(task.key, unread=error.reason)
    return extract_sound(task.key, lambda: decode(data, task.start, task.end), task.preprocessing, task.extractors)


def extract_sound(key: str, sound: Callable[[], Clip], preprocessing: Preprocessing, extractors: Sequence[Extractor]) -> ExtractionResult:
    """A clip that `sound` decodes, or raises `Unusable` for."""
    try:
        clip = preprocessing.window(sound())
        heard = AudioInfo(clip.digest, clip.seconds, clip.rate, clip.channels, clip.note, float(np.abs(clip.samples).max()))
        clip = preprocessing.vary(clip, key)
    except Unusable as error:
        return ExtractionResult(key, unusable=error.reason)
    except MemoryError:
        return ExtractionResult(key, unread=NO_MEMORY)
    vectors, passing = {}, []
    for extractor in extractors:
        try:
            vectors[extractor.label] = _vector(extractor, clip)
        except Exception as error:
            passing.append(f"{extractor.label}: {_fault(error)}")
    return ExtractionResult(key, unread="; ".join(passing), heard=heard, vectors=vectors)


def passes(fault: str) -> bool:
    """Whether what was kept of an extractor's failure is no matter of the sound: stores of earlier versions hold such.

    >>> passes("MemoryError: "), passes("_ArrayMemoryError: Unable to allocate"), passes("ValueError: no"), passes("a.mean is not finite")
    (True, True, False, False)
    """
    name = fault.partition(":")[0].removeprefix("_Array")
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, OF_THE_SOUND)


def _vector(extractor: Extractor, clip: Clip) -> tuple[str, np.ndarray]:
    """Why an extractor fails on a sound, or nothing, and its values; raises what is no matter of the sound."""
    nothing = np.full(len(extractor.columns), np.nan, np.float32)
    try:
        # What overflows or divides by zero comes out as a value that is not finite, and is reported below.
        with np.errstate(all="ignore"):
            vector = np.asarray(extractor(clip), np.float32)
    except OF_THE_SOUND as error:
        return _fault(error), nothing
    if vector.shape != nothing.shape:
        raise TypeError(f"it gives values of shape {vector.shape} where its columns are {len(nothing)}")
    if np.isfinite(vector).all():
        return "", vector
    return f"{extractor.columns[int(np.argmin(np.isfinite(vector)))]} is not finite", nothing


def _fault(error: Exception) -> str:
    return f"{type(error).__name__}: {quoted(error)}".removesuffix(": ")
