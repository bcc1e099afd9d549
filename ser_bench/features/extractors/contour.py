"""`contour`: one value per frame, the mean over its MFCC, for as many frames as are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.extractors.mfcc import LOWEST_RATE, check_coefficients
from ser_bench.features.signal.frames import frames

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip


@dataclass(frozen=True)
class Contour(Extractor):
    """A clip's course as published systems feed it to a network: cropped where it is longer, zeros where it ends before."""

    name = "contour"
    description = "one value per frame, the mean over its MFCC, cropped or padded to a fixed length"
    version = 1
    source = "the Speech Emotion Analyzer project; MFCC as librosa computes them"
    n_mfcc: int = 13
    length: int = 216
    rate: int = 44_100

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)
        check_coefficients(self.name, self.n_mfcc)
        if not 1 <= self.length <= 100_000:
            raise WrongCall(f"contour: length={self.length}; it takes 1 to 100000 frames")

    @property
    def columns(self) -> tuple[str, ...]:
        """Frame by frame."""
        return tuple(f"mfcc.contour.{number:03}" for number in range(1, self.length + 1))

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        course = frames(clip, self.rate).mfcc(self.n_mfcc).mean(0)[: self.length]
        return np.pad(course, (0, self.length - len(course)))
