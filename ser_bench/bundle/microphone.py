"""A clip from the microphone.

In:   a number of seconds, and the computer's default input device.
Out:  mono samples and their rate; what was heard is said: peak and RMS, and that it is silence, clipped or has gaps.
Rule: nothing is written to disk. python-sounddevice and the PortAudio library are loaded here alone, and only to record.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_bench.audio.clip import LONGEST_S, MOST_SAMPLES, SHORTEST_MS
from ser_bench.bundle.levels import CLIPPED, Level, decibels, level_of
from ser_bench.errors import WorkFailed, WrongCall, quoted
from ser_bench.utils.formatting import number_of

BLOCK_S = 0.1
"""How much is read at a time, and how often the level is drawn again."""
WIDTH = 30
QUIETEST_DB = -60.0
"""Where the bar of the level begins; it ends at full scale."""
INSTALL = "pip install 'ser-bench[record]'"
PORTAUDIO = "install it (Debian and Ubuntu: apt install libportaudio2; Fedora: dnf install portaudio; macOS: brew install portaudio)"
CLEAR_LINE = "\r\x1b[K"


@dataclass(frozen=True)
class Input:
    """An open input.

    Parameters
    ----------
    name : str
    rate : int
        Samples a second.
    read : callable
        Given a number of frames, waits for them and returns an array of shape (n, channels), and whether some were lost before.
    """

    name: str
    rate: int
    read: Callable[[int], tuple[np.ndarray, bool]]


Opener = Callable[[int | None], AbstractContextManager[Input]]


def record(
    seconds: float, *, rate: int | None = None, say: Callable[[str], object] | None = None, stream: Opener | None = None
) -> tuple[np.ndarray, int]:
    """Record from the microphone.

    Parameters
    ----------
    seconds : float
        From 0.1 to an hour.
    rate : int, optional
        Samples a second; the device's own without.
    say : callable, optional
        What is given each line that is to be said; without, they go to stderr.
    stream : callable, optional
        Opens an `Input` at a rate; without, the default microphone.

    Returns
    -------
    array of float32, shape (n,)
        The mean of all channels, 1 at full scale.
    int
        Samples a second.

    Raises
    ------
    WrongCall
        For another length, and where python-sounddevice or PortAudio is not installed.
    WorkFailed
        Where there is no microphone, or it stops.
    """
    if not SHORTEST_MS / 1000 <= seconds <= LONGEST_S:
        raise WrongCall(f"a recording takes {SHORTEST_MS / 1000:g} to {LONGEST_S} seconds, not {seconds:g}")
    say = say or _to_stderr
    with (stream or microphone)(rate) as source:
        if seconds * source.rate > MOST_SAMPLES:
            raise WrongCall(f"{seconds:g} seconds at {source.rate:,} Hz are more than a clip may have: record fewer")
        say(f"recording {seconds:g} s from {quoted(source.name)} at {source.rate:,} Hz")
        samples, gaps = _listen(source, round(seconds * source.rate))
    for line in about(level_of(samples), gaps):
        say(line)
    return samples, source.rate


def about(level: Level, gaps: int) -> list[str]:
    """What a recording was like, one line per remark.

    >>> for line in about(Level(1.0, 0.1, 0.02), 0):
    ...     print(line)
    heard: peak 0 dB, RMS -20 dB of full scale
    the recording is clipped (2.0% of its samples): speak more softly, or turn the microphone down
    """
    said = [f"heard: peak {decibels(level.peak):.0f} dB, RMS {decibels(level.rms):.0f} dB of full scale"]
    if level.near_silence:
        said.append("the recording is near silence: is the microphone muted, or may this program not use it?")
    if level.clipped >= CLIPPED:
        said.append(f"the recording is clipped ({level.clipped:.1%} of its samples): speak more softly, or turn the microphone down")
    if gaps:
        said.append(f"the recording has {number_of(gaps, 'gap')}: the computer was too busy to take all sound")
    return said


def level_bar(level: Level, left: float) -> str:
    """A line that shows a level: RMS as a bar, the peak as a mark, from -60 dB to full scale; then the seconds that are left.

    >>> level_bar(Level(0.5, 0.1, 0), 1.25)
    '[####################-------|--]  -6 dB, 1.2 s left'
    """
    mark = min(_place(level.peak), WIDTH - 1)
    bar = "#" * _place(level.rms) + "-" * (WIDTH - _place(level.rms))
    return f"[{bar[:mark]}|{bar[mark + 1 :]}] {decibels(level.peak):3.0f} dB, {max(left, 0):.1f} s left"


@contextmanager
def microphone(rate: int | None) -> Iterator[Input]:
    """The default microphone, open; errors as `record`."""
    library = _library()
    try:
        device = library.query_devices(kind="input")
    except (library.PortAudioError, ValueError):
        raise WorkFailed("there is no microphone: connect one, or allow this program to use it; recorded files are read as well") from None
    asked = rate or int(device["default_samplerate"])
    try:
        with library.InputStream(samplerate=asked, channels=1, dtype="float32") as stream:
            yield Input(str(device["name"]), int(stream.samplerate), stream.read)
    except library.PortAudioError as error:
        raise WorkFailed(f"the microphone {quoted(device['name'])} gives no sound at {asked:,} Hz: {quoted(error)}") from None


def _library() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise WrongCall(f"recording needs the package sounddevice: {INSTALL}") from None
    except OSError as error:
        raise WrongCall(f"recording needs the PortAudio library ({quoted(error)}): {PORTAUDIO}") from None
    return sounddevice


def _listen(source: Input, wanted: int) -> tuple[np.ndarray, int]:
    """So many samples, and how often some were lost; on a terminal the level is drawn while they come."""
    samples, done, gaps = np.empty(wanted, np.float32), 0, 0
    draws = sys.stderr.isatty()
    while done < wanted:
        frames, lost = source.read(min(math.ceil(BLOCK_S * source.rate), wanted - done))
        if not len(frames):
            raise WorkFailed(f"the microphone {quoted(source.name)} stopped after {done / source.rate:.1f} s")
        block = frames.mean(axis=1)
        samples[done : done + len(block)] = block
        done, gaps = done + len(block), gaps + bool(lost)
        if draws:
            sys.stderr.write(CLEAR_LINE + level_bar(level_of(block), (wanted - done) / source.rate))
            sys.stderr.flush()
    if draws:
        sys.stderr.write(CLEAR_LINE)
    return samples, gaps


def _place(amplitude: float) -> int:
    """How far an amplitude is along the bar."""
    return min(max(round((1 - decibels(amplitude) / QUIETEST_DB) * WIDTH), 0), WIDTH)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
