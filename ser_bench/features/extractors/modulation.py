"""`modulation`: how fast the loudness of each part of the spectrum goes up and down, the rhythm of syllables and stress.

In:   a clip, at the extractor's rate.
Out:  the strength of each band's changes at each rate of change.
Rule: the level of a clip cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.signal.frames import frames

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

BANDS = 8
EDGES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Hz, octaves of modulation; the last ends where frames every 32 ms can tell no more."""
LONGEST_SECONDS = 4.096
QUIETEST = 1e-3
LOWEST_RATE = 16_000


@dataclass(frozen=True)
class Modulation(Extractor):
    """In each of eight bands of mel loudness: dB of its modulation in five octaves, and the centroid of its modulation spectrum."""

    name = "modulation"
    description = "modulation spectrum of eight bands: the rhythm of loudness"
    version = 1
    source = "after Greenberg & Kingsbury (1997), the modulation spectrogram, ICASSP"
    rate: int = 16_000

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)

    @property
    def columns(self) -> tuple[str, ...]:
        """Band by band, octave by octave."""
        kinds = [*(f"{low:g}to{high:g}hz" for low, high in pairwise(EDGES)), "centroid"]
        return tuple(f"modulation.band{band}.{kind}" for band in range(1, BANDS + 1) for kind in kinds)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        f = frames(clip, self.rate)
        mel = f.mel
        loudness = mel.reshape(BANDS, -1, mel.shape[1]).mean(1, dtype=np.float64)
        return describe(loudness, f.hop_seconds).astype(np.float32).ravel()


def describe(loudness: np.ndarray, step: float) -> np.ndarray:
    """Modulation of each band.

    Parameters
    ----------
    loudness : array, shape (n_bands, n_frames)
        dB.
    step : float
        Seconds from frame to frame.

    Returns
    -------
    array, shape (n_bands, 6)
        Root mean square of the loudness's swing within each octave in dB re 1 dB (no less than -60), and centroid in Hz (0
        where a band's loudness does not move; its octaves then stand at -60).
    """
    n = loudness.shape[1]
    window = np.hanning(n + 2)[1:-1]
    swing = (loudness - loudness.mean(1, keepdims=True)) * window
    spectrum = np.abs(np.fft.rfft(swing, max(n, round(LONGEST_SECONDS / step)))) ** 2
    hertz = np.fft.rfftfreq(max(n, round(LONGEST_SECONDS / step)), step)
    # By Parseval's theorem, with what the window took away: the mean square of the swing.
    power = 2 * spectrum / (len(hertz) - 1) / 2 / (window**2).sum()
    octaves = [power[:, (hertz >= low) & (hertz < high)].sum(1) for low, high in pairwise(EDGES)]
    heard = (hertz >= EDGES[0]) & (hertz < EDGES[-1])
    total = power[:, heard].sum(1)
    centroid = power[:, heard] @ hertz[heard] / np.where(total > QUIETEST**2, total, np.inf)
    return np.stack([*(20 * np.log10(np.maximum(np.sqrt(octave), QUIETEST)) for octave in octaves), centroid], axis=1)
