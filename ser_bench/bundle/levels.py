"""How loud a clip is, and how much of it is cut off at full scale.

In:   samples.
Out:  peak, root mean square and the proportion of clipped samples; `LEVELS` measures them where features are extracted.
Rule: a clip counts as clipped for flat tops alone: several runs of samples that are all equal to its highest or its lowest one, which
      a sound that merely reaches full scale does not have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ser_bench.features.base import Extractor

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

SHORTEST_RUN = 3
"""Equal samples in a row that are a flat top."""
FEWEST_RUNS = 3
"""Flat tops of a clipped clip; a single one may be the crest of a wave."""
CLIPPABLE = 0.1
"""The peak below which flat tops are those of 16 bits, whose steps a quiet wave is drawn in."""
CLIPPED = 1e-3
"""The proportion of samples in flat tops from which a clip counts as clipped."""
NEAR_SILENCE = 1e-3
"""The peak below which nothing can be heard, 1 at full scale."""
SILENT_RMS = 10 ** (-70 / 20)
"""The root mean square below which nothing but a click can be heard."""
LOWEST_DB = -120.0


class Level(NamedTuple):
    """How loud a clip is, 1 at full scale; `clipped` is the proportion of its samples in flat tops."""

    peak: float
    rms: float
    clipped: float

    @property
    def near_silence(self) -> bool:
        """Whether nothing can be heard, or nothing but a click."""
        return self.peak < NEAR_SILENCE or self.rms < SILENT_RMS


def level_of(samples: np.ndarray) -> Level:
    """The level of a signal.

    Parameters
    ----------
    samples : array of float32, shape (n,)
        At least one, all finite.

    Examples
    --------
    >>> wave = np.sin(np.arange(16_000) / 20).astype(np.float32)
    >>> level_of(wave).clipped, round(level_of(np.clip(2 * wave, -1, 1)).clipped, 2)
    (0.0, 0.67)
    """
    peak = float(np.abs(samples).max())
    rms = math.sqrt(float(np.mean(np.square(samples, dtype=np.float64))))
    if peak < CLIPPABLE:
        return Level(peak, rms, 0.0)
    runs = np.concatenate([_runs(samples == samples.max()), _runs(samples == samples.min())])
    flat = runs[runs >= SHORTEST_RUN]
    return Level(peak, rms, float(flat.sum()) / len(samples) if len(flat) >= FEWEST_RUNS else 0.0)


def decibels(amplitude: float) -> float:
    """An amplitude in decibels of full scale, no lower than `LOWEST_DB`.

    >>> decibels(0.1), decibels(0)
    (-20.0, -120.0)
    """
    return max(20 * math.log10(amplitude), LOWEST_DB) if amplitude > 0 else LOWEST_DB


def _runs(true: np.ndarray) -> np.ndarray:
    """How long each run of true values is."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


@dataclass(frozen=True)
class Levels(Extractor):
    """The level of a clip at its own rate: extracted beside the features that a system decides by, and no part of them."""

    name = "levels"
    version = 1
    source = "peak, root mean square and flat tops of the samples"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "soundfile")
    rate: None = None
    columns = ("level.peak", "level.rms", "level.clipped")

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip, as `Level` has it."""
        return np.array(level_of(clip.samples), np.float32)


LEVELS = Levels()
