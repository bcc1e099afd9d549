"""`contour`: one value a frame, the mean over its MFCC, for as many frames as are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.extractor import Extractor
from ser_bench.features.frames import frames
from ser_bench.features.mfcc import HIGHEST_RATE, LOWEST_RATE, MELS

if TYPE_CHECKING:
    from ser_bench.audio import Clip


@dataclass(frozen=True)
class Contour(Extractor):
    """A clip's course as published systems feed it to a network: cropped where it is longer, zeros where it ends before."""

    name = "contour"
    version = 1
    source = "the Speech Emotion Analyzer project; MFCC as librosa computes them"
    n_mfcc: int = 13
    length: int = 216
    rate: int = 44_100

    def __post_init__(self) -> None:
        if not 1 <= self.n_mfcc <= MELS:
            raise WrongCall(f"contour: n_mfcc={self.n_mfcc}; of {MELS} mel bands 1 to {MELS} coefficients can be made")
        if not 1 <= self.length <= 100_000:
            raise WrongCall(f"contour: length={self.length}; it takes 1 to 100000 frames")
        if not LOWEST_RATE <= self.rate <= HIGHEST_RATE:
            raise WrongCall(f"contour: rate={self.rate}; it takes {LOWEST_RATE} to {HIGHEST_RATE} Hz")

    @property
    def columns(self) -> tuple[str, ...]:
        """Frame by frame."""
        return tuple(f"mfcc.contour.{number:03}" for number in range(1, self.length + 1))

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        course = frames(clip, self.rate).mfcc(self.n_mfcc).mean(0)[: self.length]
        return np.pad(course, (0, self.length - len(course)))
