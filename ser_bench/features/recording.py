"""`recording`: what tells of the microphone, the file and the cut, and hardly of the voice. For audits, not for recognising.

The group `recording` holds what an emotion cannot cause: rate, depth, channels, constant offset, and level and bandwidth of the quietest
frames. The group `delivery` holds what it can cause besides: loudness, length, silence before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ser_bench.features.extractor import Extractor

if TYPE_CHECKING:
    from ser_bench.audio import Clip

FRAME_SECONDS = 0.02
QUIET_SHARE = 0.1
SILENCE_DB = -40.0
FLOOR = 1e-10


@dataclass(frozen=True)
class Recording(Extractor):
    """Properties of a recording, at each file's own rate."""

    name = "recording"
    version = 1
    source = "properties of the file and of its quietest frames"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "soundfile")
    rate: None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Hz, bits, a count, decibels of full scale, seconds."""
        recording = ("rate.hz", "depth.bits", "channels.count", "offset.mean", "noise.level", "noise.bandwidth")
        delivery = ("loudness.rms", "loudness.peak", "duration.seconds", "silence.before", "silence.after")
        return (*(f"recording.{name}" for name in recording), *(f"delivery.{name}" for name in delivery))

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        samples = clip.samples.astype(np.float64)
        length = max(2, round(FRAME_SECONDS * clip.rate))
        framed = samples[: len(samples) // length * length].reshape(-1, length) if len(samples) >= length else samples[None]
        level = 10 * np.log10(np.maximum((framed**2).mean(1), FLOOR))
        quiet = framed[np.argsort(level, kind="stable")[: max(1, round(QUIET_SHARE * len(framed)))]]
        heard = np.flatnonzero(level > level.max() + SILENCE_DB) * length / clip.rate
        recording = (clip.rate, depth(clip.samples), clip.channels, samples.mean(), _decibels(quiet), bandwidth(quiet, clip.rate))
        ends = (heard[0], max(0.0, clip.seconds - heard[-1] - length / clip.rate))
        return np.array([*recording, _decibels(samples), 20 * np.log10(np.abs(samples).max()), clip.seconds, *ends], np.float32)


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
    """The frequency below which 99 % of the frames' power lies, in Hz."""
    power = (np.abs(np.fft.rfft(framed * np.hanning(framed.shape[1]), axis=1)) ** 2).sum(0)[1:]
    reached = np.searchsorted(np.cumsum(power), 0.99 * power.sum())
    return float((reached + 1) * rate / framed.shape[1])


def _decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(max((samples**2).mean(), FLOOR)))
