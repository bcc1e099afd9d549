"""`outline`: an audio fingerprint robust to encoding, resampling, padding and gain. For audits, not for recognition.

How much the amplitude of each of 16 bands from 150 to 3,000 Hz goes up and down at each of 32 frequencies from 0.5 to 16 Hz. When
it does so is not kept: silence before and after changes nothing, and neither does the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ser_bench.features.base import Extractor, check_rate

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

BANDS, LOWEST_HZ, HIGHEST_HZ = 16, 150.0, 3000.0
MODULATIONS = np.arange(1, 33) / 2
"""Hz."""
FRAME_SECONDS, HOP_SECONDS = 0.064, 0.016
FRAMES_AT_A_TIME = 512
LOWEST_RATE = 6_400
FLOOR = 1e-10
COLUMNS = tuple(f"outline.band{band:02}.{hertz:g}hz" for band in range(1, BANDS + 1) for hertz in MODULATIONS)


@dataclass(frozen=True)
class AudioFingerprint(Extractor):
    """The coarse course of a recording: square roots of its bands' modulation spectra, scaled so that the spectra's norm is one."""

    name = "outline"
    description = "for audits: an audio fingerprint robust to encoding, resampling, padding and gain"
    version = 1
    source = "square roots of the modulation spectra of band amplitudes"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "soundfile", "soxr")
    rate: int = 8_000

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)

    @property
    def columns(self) -> tuple[str, ...]:
        """Band by band, Hz of modulation by Hz."""
        return COLUMNS

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip; zeros where there is nothing in the bands."""
        amplitudes, step = band_amplitudes(clip.at(self.rate), self.rate)
        turns = np.outer(MODULATIONS, np.arange(len(amplitudes)) * step)
        spectra = np.abs(np.exp(-2j * np.pi * turns) @ amplitudes).T
        return np.sqrt(spectra / max(float(np.linalg.norm(spectra)), FLOOR)).astype(np.float32).ravel()


def band_amplitudes(samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """How strong each band is from frame to frame, shape (n_frames, 16), and the seconds from frame to frame.

    Frames are of their own and not those of `frames`, whose compiled loops take longer to load than this takes for a small corpus.
    """
    from scipy.fft import rfft, rfftfreq

    frame, hop = round(FRAME_SECONDS * rate), round(HOP_SECONDS * rate)
    edges = rfftfreq(frame, 1 / rate).searchsorted(np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1))
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(samples, frame // 2), frame)[::hop]
    window, amplitudes = np.hanning(frame).astype(np.float32), []
    for begin in range(0, len(framed), FRAMES_AT_A_TIME):
        power = np.abs(rfft(framed[begin : begin + FRAMES_AT_A_TIME] * window)[:, : edges[-1]]) ** 2
        amplitudes.append(np.sqrt(np.add.reduceat(power, edges[:-1], axis=1)))
    return np.concatenate(amplitudes), hop / rate
