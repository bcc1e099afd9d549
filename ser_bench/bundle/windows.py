"""Long recordings, window by window.

In:   a file or a stream of any length; how long windows are, and how far apart they begin.
Out:  a `Sound` per window, in order.
Rule: no more of a recording is in memory than a window and what stands between two of them (of MP3 also the bytes of the file). Each
      window has the samples that a clip cut out there would have. The last window ends with the recording, so that nothing after the
      first is left out but what a hop longer than the window skips.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ser_bench.audio.clip import (
    LONGEST_S,
    POINTER,
    SHORTEST_MS,
    Unusable,
    check_beginning,
    check_rate,
    read_bytes,
    unusable_as,
)
from ser_bench.audio.mpeg import ID3, with_length
from ser_bench.bundle.extraction import File, FileBytes, Samples, Sound, Span, StandardInput, Unreadable
from ser_bench.bundle.inputs import standard_input
from ser_bench.errors import WrongCall
from ser_bench.utils.regular_files import check_regular

if TYPE_CHECKING:
    import soundfile

LARGEST_READ = 1 << 16
"""Samples per channel that are read at a time."""
LARGEST_RECORDING = 1 << 62
MPEG = (b"\xff", ID3)
"""How streams begin that may not say how long they are."""


@dataclass(frozen=True)
class Windows:
    """How long windows are, and how far apart they begin, in seconds.

    Raises
    ------
    WrongCall
        For what no window can be.
    """

    seconds: float
    hop: float

    def __post_init__(self) -> None:
        if not SHORTEST_MS / 1000 <= self.seconds <= LONGEST_S:
            raise WrongCall(f"window: {self.seconds:g} s; it takes {SHORTEST_MS / 1000:g} to {LONGEST_S} s")
        if not 0.01 <= self.hop <= LONGEST_S:
            raise WrongCall(f"hop: {self.hop:g} s; it takes 0.01 to {LONGEST_S} s")

    @classmethod
    def wanted(cls, window: float | None, hop: float | None) -> Windows | None:
        """What was asked for: None without a window; without a hop, windows follow each other."""
        if window is None and hop is not None:
            raise WrongCall("hop: windows begin that far apart, and there are none: name window, too")
        return None if window is None else cls(window, window if hop is None else hop)

    def of(self, sound: Sound, stream: BinaryIO | None = None) -> Iterator[Sound]:
        """The windows of a sound.

        Parameters
        ----------
        sound : Sound
        stream : binary file, optional
            Stands for standard input.

        Yields
        ------
        Sound
            What cannot be read is one with its fault, and nothing follows it.
        """
        match sound.source:
            case Unreadable():
                yield sound
            case Samples(samples, rate):
                yield from _cut(sound.span, rate, self, _from_array(samples))
            case File() | FileBytes() as source:
                yield from self._of_file(sound.span, source)
            case StandardInput():
                yield from self._of_file(sound.span, (stream or standard_input()).fileno())

    def _of_file(self, span: Span, source: File | FileBytes | int) -> Iterator[Sound]:
        import soundfile

        reached = 0.0
        try:
            with _opened(source) as file:
                rate = check_rate(file)
                for window in _cut(span, rate, self, _from_file(file)):
                    reached = window.span.start + self.hop
                    yield window
        except soundfile.LibsndfileError as error:
            yield Sound(span._replace(start=reached), Unreadable(unusable_as(error).reason))
        except Unusable as error:
            yield Sound(span, Unreadable(error.reason))


def _opened(source: File | FileBytes | int) -> soundfile.SoundFile:
    """A file, its bytes or a stream by its descriptor, to be read from its beginning to its end."""
    import soundfile

    class Onward(soundfile.SoundFile):
        """One that is never sought in: soundfile does so after each read, after which MP3 decodes to other samples."""

        def seekable(self) -> bool:
            return False

    if isinstance(source, int):
        return Onward(source, closefd=False)
    if isinstance(source, FileBytes):
        return Onward(io.BytesIO(with_length(source.data)))
    path = source.path
    if _beginning(path).startswith(MPEG):
        return Onward(io.BytesIO(with_length(read_bytes(path))))
    try:
        return Onward(os.fsencode(path) if os.name == "posix" else path)
    except TypeError:  # as soundfile takes a file called .raw for samples without a header
        raise Unusable("not audio that can be decoded: Format not recognised") from None


def _beginning(path: str) -> bytes:
    """The first bytes of a file that may be of any size; errors as `read_bytes`."""
    try:
        check_regular(path, LARGEST_RECORDING)
        with open(path, "rb") as file:
            data = file.read(len(POINTER))
    except (OSError, ValueError):
        data = read_bytes(path)  # which says what is wrong with it
    check_beginning(data)
    return data


Read = Callable[[int], np.ndarray]
"""So many samples more, mono, or what is left."""


def _from_array(samples: np.ndarray) -> Read:
    at = 0

    def read(wanted: int) -> np.ndarray:
        nonlocal at
        at += wanted
        return samples[at - wanted : at]

    return read


def _from_file(file: Any) -> Read:
    def read(wanted: int) -> np.ndarray:
        blocks = [np.empty(0, np.float32)]
        while wanted > 0:
            block = file.read(min(wanted, LARGEST_READ), dtype="float32", always_2d=True)
            if not len(block):
                break
            blocks.append(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1))
            wanted -= len(block)
        return np.concatenate(blocks)

    return read


def _cut(span: Span, rate: int, windows: Windows, read: Read) -> Iterator[Sound]:
    """Windows from `read`, of which `kept` are the samples from `begin` on."""
    length = round(windows.seconds * rate)
    kept, begin, number, covered = np.empty(0, np.float32), 0, 0, -1
    while True:
        first = round(number * windows.hop * rate)
        while begin + len(kept) < first:  # what a hop longer than the window skips
            begin += len(kept)
            kept = read(min(first - begin, LARGEST_READ))
            if not len(kept):
                return
        kept, begin = kept[first - begin :], first
        kept = np.concatenate([kept, more]) if len(more := read(max(length - len(kept), 0))) else kept
        last = first + min(len(kept), length)
        if last <= covered or (not len(kept) and number):
            return
        yield Sound(Span(span.name, first / rate, last / rate), Samples(kept[:length], rate))
        if last < first + length:
            return
        covered, number = last, number + 1
