"""Sounds that were handed in, through the extractors of a fitted system.

In:   sounds: files, bytes of files, samples; how they are preprocessed, and by which extractors they are measured.
Out:  each with what was measured of it or why nothing was, in the order in which they were handed in.
Rule: nothing is written, and no store is needed. A sound that cannot be used has the reason that `extract` gives, and costs no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ser_bench.audio.clip import Clip, Unusable, check_usable, decode, read_bytes
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features.base import Extractor
from ser_bench.features.worker import BATCH, DIED, ExtractionResult, extract_sound
from ser_bench.utils.parallel import Workers, in_batches, keep_memory, on_one_thread


class File(NamedTuple):
    """A file by its path."""

    path: str


class FileBytes(NamedTuple):
    """The bytes of a file."""

    data: bytes


class Samples(NamedTuple):
    """Mono samples, float32 of shape (n,), and how many of them a second has."""

    samples: np.ndarray
    rate: int


class StandardInput(NamedTuple):
    """The bytes of a file that are still to be read from standard input."""


class Unreadable(NamedTuple):
    """Nothing, and why."""

    reason: str


Source = File | FileBytes | Samples | StandardInput | Unreadable
"""Where the samples of a sound come from."""


class Span(NamedTuple):
    """A recording by the name that tables have for it, or a window of one.

    Parameters
    ----------
    name : str
    start : float
        Of a window, in seconds.
    end : float or None
        The same; None for the whole of a recording.
    """

    name: str
    start: float = 0.0
    end: float | None = None


class Sound(NamedTuple):
    """What is to be predicted: a span of a recording, and where its samples come from."""

    span: Span
    source: Source

    def decoded(self) -> Clip:
        """The sound itself.

        Raises
        ------
        Unusable
        """
        match self.source:
            case Samples(samples, rate):
                check_usable(samples, rate)
                return Clip(samples, rate)
            case FileBytes(data):
                return decode(data)
            case File(path):
                return decode(read_bytes(path))
            case Unreadable(reason):
                raise Unusable(reason)
            case StandardInput():
                raise ValueError("standard input is read first, by `inputs.read_whole` or `windows`")


class Extracted(NamedTuple):
    """A span of a recording, and what was measured of it."""

    span: Span
    found: ExtractionResult


class ExtractionSetup(NamedTuple):
    """How sounds are preprocessed, and by which extractors they are measured."""

    preprocessing: Preprocessing
    extractors: list[Extractor]


def extract_sounds(sounds: Iterable[Sound], how: ExtractionSetup, workers: Workers, batch: int = BATCH) -> Iterator[Extracted]:
    """Measure sounds, in their order; as many as are under way at a time are in memory.

    Parameters
    ----------
    sounds : iterable of Sound
    how : ExtractionSetup
    workers : Workers
    batch : int
        Sounds that a process is given at a time.
    """
    waiting: dict[int, Span] = {}
    done: dict[int, ExtractionResult] = {}
    turn = 0

    def handed_out() -> Iterator[tuple[int, Sound, ExtractionSetup]]:
        for number, sound in enumerate(sounds):
            waiting[number] = sound.span
            yield number, sound, how

    for number, found in in_batches(extract_batch, handed_out(), workers, batch, _died):
        done[number] = found
        while turn in done:
            yield Extracted(waiting.pop(turn), done.pop(turn))
            turn += 1


def extract_batch(calls: list[tuple[int, Sound, ExtractionSetup]]) -> list[tuple[int, ExtractionResult]]:
    """What a worker does: sounds by their numbers, measured on one thread."""
    keep_memory()
    with on_one_thread():
        return [(number, extract_sound(sound.span.name, sound.decoded, *how)) for number, sound, how in calls]


def _died(call: tuple[int, Sound, ExtractionSetup]) -> tuple[int, ExtractionResult]:
    return call[0], ExtractionResult(call[1].span.name, unread=DIED)
