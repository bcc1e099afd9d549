"""Short-time descriptors as librosa defines them, from one spectrum a (rate, frame, hop).

In:   a clip.
Out:  tracks over frames, shape (n_tracks, n_frames), float32.
Rule: every track equals librosa's function of that name at its defaults (centred frames, Hann window, zeros
      beyond both ends), within 1e-4 of its range over the clip; roll-off and the tuning estimate may differ by one bin.
      Clips shorter than a frame need no rule of their own: centring pads them by half a frame on both sides.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ser_bench.audio import Clip

FRAME, HOP = 2048, 512
TINY = float(np.finfo(np.float32).tiny)
CHROMA = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
CONTRAST_BANDS = 7


class Banks(NamedTuple):
    """What depends on rate and frame alone.

    Parameters
    ----------
    window : array, shape (frame,)
    frequencies : array, shape (n_bins,)
        Hz.
    mel : array, shape (n_bins, 128)
    """

    window: np.ndarray
    frequencies: np.ndarray
    mel: np.ndarray


@cache
def banks(rate: int, frame: int) -> Banks:
    """Window, bin frequencies and mel filters, made once a process."""
    import librosa

    window = librosa.filters.get_window("hann", frame)
    mel = np.ascontiguousarray(librosa.filters.mel(sr=rate, n_fft=frame).T)
    return Banks(window, librosa.fft_frequencies(sr=rate, n_fft=frame), mel)


@cache
def chroma_bank(rate: int, frame: int, tuning: float) -> np.ndarray:
    """Chroma filters at a tuning, one of a hundred; shape (n_bins, 12)."""
    import librosa

    return np.ascontiguousarray(librosa.filters.chroma(sr=rate, n_fft=frame, tuning=tuning).T)


@cache
def cosines(n_mfcc: int, n_mels: int) -> np.ndarray:
    """The orthonormal DCT-II that makes MFCC of log mel energies; shape (n_mels, n_mfcc)."""
    from scipy.fft import dct

    return dct(np.eye(n_mels), axis=1, norm="ortho")[:, :n_mfcc].astype(np.float32)


class Frames:
    """All descriptors of a clip at one rate, each computed when asked for; the spectrum once."""

    def __init__(self, samples: np.ndarray, rate: int, frame: int = FRAME, hop: int = HOP) -> None:
        self.samples, self.rate, self.frame, self.hop = samples, rate, frame, hop
        self.banks = banks(rate, frame)

    @property
    def step(self) -> float:
        """Seconds from frame to frame."""
        return self.hop / self.rate

    @cached_property
    def power(self) -> np.ndarray:
        """The power spectrum, shape (n_frames, n_bins)."""
        return self.magnitude**2

    @cached_property
    def magnitude(self) -> np.ndarray:
        """The magnitude spectrum, shape (n_frames, n_bins).

        The transform is done in double precision, as librosa does it: the valleys between a voice's harmonics,
        which contrast measures, drown in the rounding of a single-precision one.
        """
        from scipy.fft import rfft

        spectrum = rfft(self._framed(np.pad(self.samples, self.frame // 2)) * self.banks.window)
        return np.abs(spectrum.astype(np.complex64))

    def chroma(self) -> np.ndarray:
        """`librosa.feature.chroma_stft`: shape (12, n_frames)."""
        raw = self.power @ chroma_bank(self.rate, self.frame, self.tuning)
        highest = raw.max(1, keepdims=True)
        return (raw / np.where(highest < TINY, 1, highest)).T

    def rms(self) -> np.ndarray:
        """`librosa.feature.rms`: shape (1, n_frames)."""
        squares = np.pad(self.samples.astype(np.float64) ** 2, self.frame // 2)
        return np.sqrt(self._sums(squares) / self.frame).astype(np.float32)[None]

    def zero_crossing_rate(self) -> np.ndarray:
        """`librosa.feature.zero_crossing_rate`: shape (1, n_frames)."""
        below = np.pad(self.samples, self.frame // 2, mode="edge") < -1e-10
        crossings = np.zeros(len(below), np.int64)
        crossings[1:] = below[1:] != below[:-1]
        # The first sample of a frame has no predecessor in it.
        first = crossings[: len(crossings) - self.frame + 1 : self.hop]
        return ((self._sums(crossings) - first) / self.frame).astype(np.float32)[None]

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sum of magnitudes, their mean frequency and mean squared frequency; double, since bandwidth is a small difference."""
        f = self.banks.frequencies
        total, first, second = (self.magnitude @ np.stack([np.ones_like(f), f, f * f], axis=1)).T
        total = np.where(total < TINY, 1, total)
        return total, first / total, second / total

    def centroid(self) -> np.ndarray:
        """`librosa.feature.spectral_centroid`, Hz: shape (1, n_frames)."""
        return self._moments[1].astype(np.float32)[None]

    def bandwidth(self) -> np.ndarray:
        """`librosa.feature.spectral_bandwidth`, Hz: shape (1, n_frames)."""
        _, mean, square = self._moments
        return np.sqrt(np.maximum(square - mean * mean, 0)).astype(np.float32)[None]

    def rolloff(self) -> np.ndarray:
        """`librosa.feature.spectral_rolloff`, Hz: shape (1, n_frames)."""
        below = np.cumsum(self.magnitude, axis=1)
        reached = (below >= np.float32(0.85) * below[:, -1:]).argmax(1)
        return self.banks.frequencies[reached].astype(np.float32)[None]

    def contrast(self) -> np.ndarray:
        """`librosa.feature.spectral_contrast`, dB: shape (7, n_frames)."""
        edges = np.concatenate([[0.0], 200.0 * 2.0 ** np.arange(CONTRAST_BANDS)])
        peaks, valleys = zip(*(self._extremes(k, *edges[k : k + 2]) for k in range(CONTRAST_BANDS)), strict=True)
        return decibels(np.stack(peaks)) - decibels(np.stack(valleys))

    def flatness(self) -> np.ndarray:
        """`librosa.feature.spectral_flatness`: shape (1, n_frames)."""
        power = np.maximum(self.power, np.float32(1e-10))
        return (np.exp(np.log(power).mean(1, dtype=np.float64)) / power.mean(1, dtype=np.float64)).astype(np.float32)[None]

    def mfcc(self, n_mfcc: int) -> np.ndarray:
        """`librosa.feature.mfcc`: shape (n_mfcc, n_frames)."""
        mel = decibels(self.power @ self.banks.mel)
        return (mel @ cosines(n_mfcc, mel.shape[1])).T

    @cached_property
    def tuning(self) -> float:
        """`librosa.estimate_tuning` of the power spectrum: the deviation from A440 in fractions of a semitone.

        The peaks of `librosa.piptrack`, but interpolated where there is a peak instead of everywhere.
        """
        f = self.banks.frequencies
        low, high = np.searchsorted(f, [150.0, min(4000.0, self.rate / 2)])
        around = self.power[:, low - 1 : high + 1]
        before, here, after = around[:, :-2], around[:, 1:-1], around[:, 2:]
        loud = here > np.float32(0.1) * self.power.max(1, keepdims=True)
        where = np.nonzero(loud & (here > before) & (here >= after))
        a, b, c = before[where], here[where], after[where]
        bend, rise = a + c - 2 * b, (c - a) / 2
        inside = np.abs(rise) < np.abs(bend)
        shift = np.where(inside, -rise / np.where(inside, bend, 1), 0)
        return _tuning((where[1] + low + shift) * self.rate / self.frame, b + np.float32(0.5) * rise * shift)

    def _framed(self, padded: np.ndarray) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(padded, self.frame)[:: self.hop]

    def _sums(self, padded: np.ndarray) -> np.ndarray:
        """Sums over frames, from one running sum."""
        running = np.concatenate([[0], np.cumsum(padded)])
        return (running[self.frame :] - running[: -self.frame])[:: self.hop].clip(0)

    def _extremes(self, k: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean of the loudest and of the softest bins of a band, as librosa bounds it."""
        f = self.banks.frequencies
        inside = np.flatnonzero((f >= low) & (f <= high))
        first, last = inside[0] - (k > 0), inside[-1] if k < CONTRAST_BANDS - 1 else len(f) - 1
        count = max(int(np.rint(0.02 * (last - first + 1))), 1)
        band = self.magnitude[:, first : last + (k == CONTRAST_BANDS - 1)]
        parted = np.partition(band, (count - 1, band.shape[1] - count), axis=1)
        return parted[:, -count:].mean(1), parted[:, :count].mean(1)


def frames(clip: Clip, rate: int | None, frame: int = FRAME, hop: int = HOP) -> Frames:
    """The clip's frames at a rate (None: its own), made once."""
    rate = rate or clip.rate
    return clip.once(("frames", rate, frame, hop), lambda: Frames(clip.at(rate), rate, frame, hop))


def decibels(power: np.ndarray) -> np.ndarray:
    """`librosa.power_to_db`: at least -100 dB, and no more than 80 dB below the clip's highest."""
    level = np.float32(10) * np.log10(np.maximum(power, np.float32(1e-10)))
    return np.maximum(level, level.max() - np.float32(80))


def _tuning(pitches: np.ndarray, magnitudes: np.ndarray) -> float:
    """The commonest deviation from a semitone among the stronger half of the peaks, to a hundredth; 0 without peaks."""
    pitches = pitches.astype(np.float32)
    magnitudes = magnitudes[pitches > 0]
    pitches = pitches[pitches > 0]
    if not len(pitches):
        return 0.0
    strong = pitches[magnitudes >= np.median(magnitudes)]
    residual = np.mod(12 * np.log2(strong / np.float32(27.5)), 1.0)
    residual[residual >= 0.5] -= 1.0
    counts, edges = np.histogram(residual, np.linspace(-0.5, 0.5, 101))
    return float(edges[counts.argmax()])
