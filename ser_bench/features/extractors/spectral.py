"""`spectral`: statistics of the descriptors that librosa made common.

In:   a clip, at the extractor's rate.
Out:  functionals of each descriptor.
Rule: every descriptor is librosa's at its defaults (`signal.frames`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.signal.frames import CHROMA, CONTRAST_BANDS, FRAME, HOP, check_frames, frames
from ser_bench.features.signal.functionals import ALL, canonical_functionals, name_columns, name_functionals, some_functionals

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

TRACKS = (
    *(f"chroma.{pitch_class}" for pitch_class in CHROMA),
    "energy.rms",
    "shape.centroid",
    "shape.bandwidth",
    "shape.rolloff",
    "zero_crossing.rate",
    *(f"contrast.{band}" for band in range(1, CONTRAST_BANDS + 1)),
    "shape.flatness",
)
LOWEST_RATE = 12_801
"""More than twice where the highest contrast band begins."""


@dataclass(frozen=True)
class Spectral(Extractor):
    """25 descriptors per frame, functionals of each."""

    name = "spectral"
    description = "ten functionals of chroma, RMS, centroid, bandwidth, roll-off, zero-crossing rate, contrast, flatness"
    version = 2
    source = "McFee et al. (2015), librosa: audio and music signal analysis in Python. SciPy"
    rate: int = 16_000
    frame: int = FRAME
    hop: int = HOP
    functionals: str = ALL

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)
        check_frames(self.name, self.rate, self.frame, self.hop)
        object.__setattr__(self, "functionals", canonical_functionals(self.functionals))

    @property
    def columns(self) -> tuple[str, ...]:
        """Track by track, functional by functional."""
        return name_columns(TRACKS, self.functionals)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        f = frames(clip, self.rate, self.frame, self.hop)
        tracks = [f.chroma(), f.rms(), f.centroid(), f.bandwidth(), f.rolloff(), f.zero_crossing_rate(), f.contrast(), f.flatness()]
        return some_functionals(np.concatenate(tracks), f.hop_seconds, name_functionals(self.functionals)).ravel()
