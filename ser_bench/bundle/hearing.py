"""Sounds that were handed in, through the extractors of a fitted system.

In:   sounds: files, bytes of files, samples; how they are heard, and by what.
Out:  each with what was measured of it or why nothing was, in the order in which they were handed in.
Rule: nothing is written, and no store is needed. A sound that cannot be used has the reason that `extract` gives, and costs no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ser_bench.audio.clip import Clip, Unusable, check_usable, decode, read_bytes
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features.base import Extractor
from ser_bench.features.worker import BATCH, DIED, ExtractionResult, extract_sound
from ser_bench.utils.parallel import Workers, in_batches, keep_memory


class Sound(NamedTuple):
    """Something that can be heard: a file, the bytes of one, or samples; or why there is nothing.

    Parameters
    ----------
    name : str
        What it is called in tables.
    path : str
        A file's, where it is one.
    data : bytes, optional
        A file's.
    samples : array of float32, shape (n,), optional
        Mono.
    rate : int
        Of `samples`.
    start, end : float
        Of a window, in seconds; without `end` it is the whole.
    fault : str
        Why there is nothing to be heard.
    piped : bool
        Whether it is still to be read from standard input.
    """

    name: str
    path: str = ""
    data: bytes | None = None
    samples: np.ndarray | None = None
    rate: int = 0
    start: float = 0.0
    end: float = math.nan
    fault: str = ""
    piped: bool = False

    def decoded(self) -> Clip:
        """The sound itself.

        Raises
        ------
        Unusable
        """
        if self.fault:
            raise Unusable(self.fault)
        if self.samples is not None:
            check_usable(self.samples, self.rate)
            return Clip(self.samples, self.rate)
        return decode(self.data if self.data is not None else read_bytes(self.path))

    @property
    def named(self) -> Sound:
        """The same without what is heard."""
        return self._replace(data=None, samples=None)


class Heard(NamedTuple):
    """A sound by its name, and what was measured of it."""

    sound: Sound
    found: ExtractionResult


class Ear(NamedTuple):
    """How sounds are heard, and by which extractors."""

    hearing: Preprocessing
    extractors: list[Extractor]


def hear(sounds: Iterable[Sound], ear: Ear, workers: Workers, batch: int = BATCH) -> Iterator[Heard]:
    """Measure sounds, in their order; as many as are under way at a time are in memory.

    Parameters
    ----------
    sounds : iterable of Sound
    ear : Ear
    workers : Workers
    batch : int
        Sounds that a process is given at a time.
    """
    waiting: dict[int, Sound] = {}
    done: dict[int, ExtractionResult] = {}
    turn = 0

    def handed_out() -> Iterator[tuple[int, Sound, Ear]]:
        for number, sound in enumerate(sounds):
            waiting[number] = sound.named
            yield number, sound, ear

    for number, found in in_batches(measure, handed_out(), workers, batch, _died):
        done[number] = found
        while turn in done:
            yield Heard(waiting.pop(turn), done.pop(turn))
            turn += 1


def measure(calls: list[tuple[int, Sound, Ear]]) -> list[tuple[int, ExtractionResult]]:
    """What a worker does: sounds by their numbers, measured on one thread."""
    from threadpoolctl import threadpool_limits

    keep_memory()
    with threadpool_limits(1):
        return [(number, extract_sound(sound.name, sound.decoded, *ear)) for number, sound, ear in calls]


def _died(call: tuple[int, Sound, Ear]) -> tuple[int, ExtractionResult]:
    return call[0], ExtractionResult(call[1].name, unread=DIED)
