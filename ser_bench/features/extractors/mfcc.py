"""`mfcc`: statistics of mel-frequency cepstral coefficients and of their first and second deltas.

In:   a clip, at the extractor's rate.
Out:  functionals of each coefficient and delta.
Rule: coefficients are librosa's at its defaults (`signal.frames`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.signal.filters import convolved, derivative
from ser_bench.features.signal.frames import FRAME, HOP, check_frames, frames
from ser_bench.features.signal.functionals import ALL, canonical_functionals, name_columns, name_functionals, some_functionals

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

MELS = 128
WIDTH = 9
LOWEST_RATE = 4_000
GROUPS = ("mfcc", "mfcc_delta", "mfcc_delta2")


@dataclass(frozen=True)
class Mfcc(Extractor):
    """Coefficients as `librosa.feature.mfcc`, deltas as `librosa.feature.delta` in mode 'nearest'; functionals of each."""

    name = "mfcc"
    description = "ten functionals of 20 MFCC and their first and second deltas"
    version = 2
    source = "Davis & Mermelstein (1980), Comparison of parametric representations. IEEE TASSP 28(4); computed as librosa does"
    n_mfcc: int = 20
    rate: int = 16_000
    frame: int = FRAME
    hop: int = HOP
    functionals: str = ALL

    def __post_init__(self) -> None:
        check_coefficients(self.name, self.n_mfcc)
        check_rate(self.name, self.rate, LOWEST_RATE)
        check_frames(self.name, self.rate, self.frame, self.hop)
        object.__setattr__(self, "functionals", canonical_functionals(self.functionals))

    @property
    def columns(self) -> tuple[str, ...]:
        """Coefficients, first deltas, second deltas; each functional by functional."""
        tracks = [f"{group}.{number:02}" for group in GROUPS for number in range(1, self.n_mfcc + 1)]
        return name_columns(tracks, self.functionals)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        f = frames(clip, self.rate, self.frame, self.hop)
        coefficients = f.mfcc(self.n_mfcc)
        tracks = np.concatenate([coefficients, delta(coefficients, 1), delta(coefficients, 2)])
        return some_functionals(tracks, f.hop_seconds, name_functionals(self.functionals)).ravel()


def check_coefficients(name: str, n_mfcc: int) -> None:
    """Refuse a number of coefficients that mel bands cannot give.

    Raises
    ------
    WrongCall
    """
    if not 1 <= n_mfcc <= MELS:
        raise WrongCall(f"{name}: n_mfcc={n_mfcc}; of {MELS} mel bands 1 to {MELS} coefficients can be made")


def delta(tracks: np.ndarray, order: int) -> np.ndarray:
    """Local derivative over nine frames, the ends repeated: `librosa.feature.delta(mode='nearest')`; shape as `tracks`."""
    return convolved(tracks, _derivative(order))


@cache
def _derivative(order: int) -> np.ndarray:
    return derivative(WIDTH, order)
