"""`recording`: what depends on the microphone, the file and the cut, and hardly on the voice. For audits, not for recognition.

The group `recording` holds what an emotion cannot cause: rate, depth, channels, constant offset. The group `spectrum` holds what a
microphone, a room or a filter gives and a voice does, too: levels of bands over the whole clip and in its quietest frames. The group
`delivery` holds what emotions are known to cause besides: loudness, length, silence before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ser_bench.features.base import Extractor

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

FRAME_SECONDS = 0.02
QUIET_SHARE = 0.1
SILENCE_DB = -40.0
FLOOR = 1e-10
EDGES_HZ = (0, 100, 200, 400, 700, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 7000, 8000, 10_000, 12_000, 16_000, 20_000, 96_000)
"""Of the bands of `spectrum`; those above half a file's rate hold nothing."""
OFFSET_STEP = 1e-3
"""Of full scale, in steps of which a constant offset is given: voices of RAVDESS and EMOVO move the mean of a clip by less."""
LOWEST_DB = -90.0
"""Below a clip's level, what a band is no lower than."""


@dataclass(frozen=True)
class Recording(Extractor):
    """Properties of a recording, at each file's own rate."""

    name = "recording"
    description = "for audits: file properties, levels of 20 bands over the whole clip and in its quietest frames, loudness, duration"
    version = 2
    source = "properties of the file and of its quietest frames"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "soundfile")
    rate: None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Hz, bits, a count; decibels of the clip's level, and of full scale; Hz; seconds."""
        recording = ("rate.hz", "depth.bits", "channels.count", "offset.mean")
        bands = tuple(f"{low:05d}hz" for low in EDGES_HZ[:-1])
        spectrum = (*(f"whole.{band}" for band in bands), *(f"quiet.{band}" for band in bands), "quiet.level", "quiet.bandwidth")
        delivery = ("loudness.rms", "loudness.peak", "duration.seconds", "silence.before", "silence.after")
        groups = {"recording": recording, "spectrum": spectrum, "delivery": delivery}
        return tuple(f"{group}.{name}" for group, names in groups.items() for name in names)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        samples = clip.samples.astype(np.float64)
        length = max(2, round(FRAME_SECONDS * clip.rate))
        framed = samples[: len(samples) // length * length].reshape(-1, length) if len(samples) >= length else samples[None]
        level = 10 * np.log10(np.maximum((framed**2).mean(1), FLOOR))
        quiet = framed[np.argsort(level, kind="stable")[: max(1, round(QUIET_SHARE * len(framed)))]]
        heard = np.flatnonzero(level > level.max() + SILENCE_DB) * length / clip.rate
        recording = (clip.rate, depth(clip.samples), clip.channels, round(samples.mean() / OFFSET_STEP) * OFFSET_STEP)
        spectrum = (*band_levels(framed, clip.rate), *band_levels(quiet, clip.rate), _decibels(quiet), bandwidth(quiet, clip.rate))
        ends = (heard[0], max(0.0, clip.seconds - heard[-1] - length / clip.rate))
        delivery = (_decibels(samples), 20 * np.log10(np.abs(samples).max()), clip.seconds, *ends)
        return np.array([*recording, *spectrum, *delivery], np.float32)


def band_levels(framed: np.ndarray, rate: int) -> np.ndarray:
    """The level of each band in decibels of all bands', no lower than `LOWEST_DB`; the lowest band is without its constant part.

    >>> tone = np.sin(2 * np.pi * 800 * np.arange(160) / 8000)[None]
    >>> levels = band_levels(tone, 8000)
    >>> EDGES_HZ[levels.argmax()], bool(levels[-1] == LOWEST_DB)
    (700, True)
    """
    power = (np.abs(np.fft.rfft((framed - framed.mean(1, keepdims=True)) * np.hanning(framed.shape[1]), axis=1)) ** 2).mean(0)
    hertz = np.arange(len(power)) * rate / framed.shape[1]
    bands = np.bincount(np.searchsorted(EDGES_HZ[1:-1], hertz, side="right"), power, minlength=len(EDGES_HZ) - 1)
    return np.maximum(10 * np.log10(np.maximum(bands / max(power.sum(), FLOOR), FLOOR)), LOWEST_DB)


def depth(samples: np.ndarray) -> int:
    """Bits that the samples need: 32 where they are on no grid of 8, 12, 16 or 24.

    >>> depth(np.array([0.5, -0.25], np.float32)), depth(np.array([0.1], np.float32))
    (8, 32)
    """
    for bits in (8, 12, 16, 24):
        scaled = samples.astype(np.float64) * 2 ** (bits - 1)
        if (scaled == np.round(scaled)).all():
            return bits
    return 32


def bandwidth(framed: np.ndarray, rate: int) -> float:
    """The frequency below which 99% of the frames' power lies, in Hz."""
    power = (np.abs(np.fft.rfft(framed * np.hanning(framed.shape[1]), axis=1)) ** 2).sum(0)[1:]
    reached = np.searchsorted(np.cumsum(power), 0.99 * power.sum())
    return float((reached + 1) * rate / framed.shape[1])


def _decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(max((samples**2).mean(), FLOOR)))
