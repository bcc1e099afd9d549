"""`contour`: one value per frame, the mean over its MFCC, of a window of each clip: what published networks read as a sequence.

In:   a clip.
Out:  as many values as a window of `seconds` has centred frames: 216 of 2.5 s and 259 of 3 s at 44.1 kHz, 130 of 3 s at 22.05 kHz.
Rule: the window is cut at the file's own rate and then resampled, as ``librosa.load(path, sr=rate, offset=..., duration=...)`` does. No
      clip is too short: frames after its end are 0, as in the published code, and all are where it ends before the window begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.audio.clip import LONGEST_S, SHORTEST_MS, Clip, resample
from ser_bench.errors import WrongCall
from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.extractors.mfcc import LOWEST_RATE, check_coefficients
from ser_bench.features.signal.frames import HOP, frames

if TYPE_CHECKING:
    from ser_bench.features.signal.frames import Frames

MOST_FRAMES = 100_000


@dataclass(frozen=True)
class Contour(Extractor):
    """The window's course, frame by frame, as `librosa.feature.mfcc(...).mean(axis=0)` at its default frame and hop.

    Parameters
    ----------
    n_mfcc : int
    rate : int
        Samples per second.
    seconds, offset : float
        How long the window is, and where in the clip it begins.
    """

    name = "contour"
    description = "one value per frame of a window (of 2.5 s), the mean over its 13 MFCC"
    version = 2
    source = "the Speech Emotion Analyzer project; MFCC as librosa computes them"
    n_mfcc: int = 13
    rate: int = 44_100
    seconds: float = 2.5
    offset: float = 0.0

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)
        check_coefficients(self.name, self.n_mfcc)
        longest = min(LONGEST_S, MOST_FRAMES * HOP // self.rate)
        if not SHORTEST_MS / 1000 <= self.seconds <= longest:
            raise WrongCall(f"contour: seconds={self.seconds}; at {self.rate} Hz it takes {SHORTEST_MS / 1000:g} to {longest}")
        if not 0 <= self.offset <= LONGEST_S:
            raise WrongCall(f"contour: offset={self.offset}; it takes 0 to {LONGEST_S} seconds")

    @property
    def n_samples(self) -> int:
        """How many samples the window has."""
        return round(self.seconds * self.rate)

    @property
    def n_frames(self) -> int:
        """How many frames centred on every 512th sample the window has."""
        return 1 + self.n_samples // HOP

    @property
    def columns(self) -> tuple[str, ...]:
        """Frame by frame."""
        return tuple(f"mfcc.contour.{number:03}" for number in range(1, self.n_frames + 1))

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        heard = clip.once(("window", self.rate, self.seconds, self.offset), lambda: self._window(clip))
        if heard is None:
            return np.zeros(self.n_frames, np.float32)
        course = heard.mfcc(self.n_mfcc).mean(0)
        return np.pad(course, (0, self.n_frames - len(course)))

    def _window(self, clip: Clip) -> Frames | None:
        """The frames of what the window holds of a clip; None for nothing."""
        first = int(self.offset * clip.rate)
        last = first + int(self.seconds * clip.rate)
        samples = clip.samples[first:last]
        if not len(samples):
            return None
        if clip.rate != self.rate:
            samples = resample(samples, clip.rate, self.rate)
        samples = samples[: self.n_samples]
        if last <= len(clip.samples):
            # A rate at which the window is no whole number of samples leaves it one short; zeros beyond the end change no frame.
            samples = np.pad(samples, (0, self.n_samples - len(samples)))
        return frames(Clip(samples, self.rate), self.rate)
