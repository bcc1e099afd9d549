"""What a clip looks like: its waveform, and its spectrogram on the mel scale.

In:   samples and their rate, or where a clip's audio lies.
Out:  a picture of a few kilobytes that a page can hold: the path of an SVG, and a WebP as a data: URI.
Rule: the same samples make the same bytes. Every picture has the same axis, 0 to 8 kHz, its own length and its own level, so
      that soft speech is seen as well as loud. A clip that cannot be read has none.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.audio.clip import Unusable, read_clip, resample
from ser_bench.features.signal.filters import hann, hertz_to_mel, mel
from ser_bench.features.signal.frames import decibels
from ser_bench.reports.drawing import load_matplotlib
from ser_bench.utils.parallel import on_one_thread

if TYPE_CHECKING:
    from ser_bench.reports.players import AudioLink

RATE = 16_000
FRAME = 1024
SHORTEST_HOP, LONGEST_HOP = 64, 512
WIDTH, HEIGHT = 264, 63
"""Of the spectrogram, in pixels: one and a half to each that it takes on a desk."""
DECIBELS = 70
"""From the loudest that is drawn to the softest."""
QUALITY = 25
"""Of the WebP, of 100: pictures of sixty clips take less than 300 kB."""
FRAMES_AT_ONCE = 1024
BARS, BAR_HEIGHT = 88, 40
"""Of the waveform."""


def frequency_ticks(top: float, bottom: float) -> list[tuple[float, str]]:
    """Where frequencies lie in a spectrogram that is drawn from `top` (8 kHz) to `bottom` (0), and what stands there.

    >>> [text for _, text in frequency_ticks(0.0, 10.0)], frequency_ticks(0.0, 10.0)[0][0]
    (['8 kHz', '2', '1', '0'], 0.0)
    """
    highest = hertz_to_mel(RATE / 2)
    shown = ((8000.0, "8 kHz"), (2000.0, "2"), (1000.0, "1"), (0.0, "0"))
    return [(round(bottom - (bottom - top) * hertz_to_mel(frequency) / highest, 1), text) for frequency, text in shown]


class Picture(NamedTuple):
    """What is drawn of a clip.

    Parameters
    ----------
    waveform : str
        An SVG path of `BARS` upright strokes, one unit apart, from the lowest to the highest sample of each part of the clip; the
        furthest sample reaches an edge, 0 or `BAR_HEIGHT`.
    spectrogram : str
        The address of an image that holds itself, `WIDTH` by `HEIGHT`.
    seconds : float
    """

    waveform: str
    spectrogram: str
    seconds: float


def draw_spectrograms(clips: Iterable[str], sounds: Mapping[str, AudioLink]) -> dict[str, Picture]:
    """The picture of each clip that can be read, each drawn once.

    Parameters
    ----------
    clips : iterable of str
    sounds : mapping of str to AudioLink
        As `listening.sounds` gives them.
    """
    # On several threads products of such small matrices take twice the processor time, and no less of anybody's.
    with on_one_thread():
        drawn = {clip: picture_of(sounds[clip]) for clip in dict.fromkeys(clips) if clip in sounds}
    return {clip: picture for clip, picture in drawn.items() if picture}


def picture_of(sound: AudioLink) -> Picture | None:
    """A clip's picture; None where its file cannot be read any more."""
    try:
        s = os.stat(sound.file)
    except OSError:
        return None
    return _picture_of_span(sound.file, sound.start, sound.end, (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns))


@lru_cache(maxsize=256)
def _picture_of_span(file: Path, start: float | None, end: float | None, state: tuple[int, ...]) -> Picture | None:
    """The picture of a file's span, drawn once for as long as the file is as it was: a run writes its page before and after its curves."""
    try:
        clip = read_clip(file, start, end)
    except Unusable:
        return None
    return draw(clip.samples, clip.rate)


def draw(samples: np.ndarray, rate: int) -> Picture:
    """A picture of samples.

    Parameters
    ----------
    samples : array of float32, shape (n,)
        Those of a usable clip: not all zero, and at least `BARS`.
    rate : int
        Samples a second.
    """
    own = samples / np.abs(samples).max()
    return Picture(_waveform(own), _webp(_levels(own, rate)), len(samples) / rate)


def _levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mel energies as they are drawn: the loudest 255, what is `DECIBELS` below it 0; array of uint8, shape (HEIGHT, WIDTH).

    The last row is the lowest band. What is above half the rate of a file is drawn as silence.
    """
    from PIL import Image

    heard = samples if rate == RATE else resample(samples, rate, RATE)
    levels = _mel(heard, min(max(len(heard) // WIDTH, SHORTEST_HOP), LONGEST_HOP))
    shade = np.clip(255 * (1 + (levels - levels.max()) / DECIBELS), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(shade[::-1]).resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def _mel(samples: np.ndarray, hop: int) -> np.ndarray:
    """Mel energies in decibels, shape (n_bands, n_frames): by NumPy alone, as whoever draws thirty clips would wait for compiled code."""
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(samples, FRAME // 2), FRAME)[::hop]
    window, bank = _window_and_bank()
    energies = []
    for first in range(0, len(framed), FRAMES_AT_ONCE):
        spectra = np.fft.rfft(framed[first : first + FRAMES_AT_ONCE] * window)
        energies.append(np.square(np.abs(spectra)).astype(np.float32) @ bank)
    return decibels(np.concatenate(energies).T)


@cache
def _window_and_bank() -> tuple[np.ndarray, np.ndarray]:
    """The window of a frame, and the mel filters as columns."""
    return hann(FRAME), mel(RATE, FRAME).T


def _waveform(samples: np.ndarray) -> str:
    """Samples between -1 and 1 as `Picture` tells them."""
    parts = np.array_split(samples, BARS)
    tops = [round(BAR_HEIGHT / 2 * (1 - float(part.max()))) for part in parts]
    depths = [round(BAR_HEIGHT / 2 * (1 - float(part.min()))) for part in parts]
    return "".join(f"M{place} {top}v{max(depth - top, 1)}" for place, (top, depth) in enumerate(zip(tops, depths, strict=True)))


def _webp(shade: np.ndarray) -> str:
    """Levels in the colours of magma, which rise evenly in lightness whatever colours an eye tells apart."""
    from PIL import Image

    coloured = load_matplotlib().colormaps["magma"](shade, bytes=True)[..., :3]
    written = io.BytesIO()
    Image.fromarray(coloured).save(written, "WEBP", quality=QUALITY, method=6)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode()
