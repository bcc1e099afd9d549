"""`audioemotion26`: the 26 means of the AudioEmotion project, a vector much copied in tutorials.

In:   a clip, at its file's own rate.
Out:  26 means over frames, as the project computes them.
Rule: nothing is corrected, so that what was published with this vector can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.features.base import Extractor
from ser_bench.features.signal.frames import frames

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

N_MFCC = 20


@dataclass(frozen=True)
class AudioEmotion26(Extractor):
    """Means over the clip, at each file's own rate and librosa's default frame and hop; chroma over all twelve classes."""

    name = "audioemotion26"
    description = "means of chroma, RMS, centroid, bandwidth, roll-off, zero-crossing rate, 20 MFCC, at each file's own rate"
    version = 2
    source = "the AudioEmotion project; descriptors as librosa computes them"
    rate = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Six descriptors, then 20 MFCC."""
        spectral = ("chroma.all", "energy.rms", "shape.centroid", "shape.bandwidth", "shape.rolloff", "zero_crossing.rate")
        return tuple(f"{track}.mean" for track in (*spectral, *(f"mfcc.{number:02}" for number in range(1, N_MFCC + 1))))

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        f = frames(clip, None)
        tracks = [f.chroma(), f.rms(), f.centroid(), f.bandwidth(), f.rolloff(), f.zero_crossing_rate()]
        means = [track.mean(dtype=np.float64) for track in tracks]
        return np.array([*means, *f.mfcc(N_MFCC).mean(1, dtype=np.float64)], np.float32)
