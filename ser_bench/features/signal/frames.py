"""Short-time descriptors as librosa defines them, from one spectrum per (rate, frame, hop).

In:   a clip.
Out:  tracks over frames, shape (n_tracks, n_frames), float32.
Rule: what several tracks need is computed once, and what one pass over the spectrum tells is found in one pass (`kernels`).
      Every track equals librosa's function of that name at its defaults (centred frames, Hann window, zeros
      beyond both ends), within 1e-4 of its range over the clip; roll-off and the tuning estimate may differ by one bin.
      Clips shorter than a frame need no rule of their own: centring pads them by half a frame on both sides.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.signal import filters

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

FRAME, HOP = 2048, 512
MOST_HZ = 100
"""The width of a bin that the lowest octave bands allow."""
LONGEST_FRAME, MOST_OVERLAP = 65_536, 64
FRAMES_AT_A_TIME = 32
"""What is transformed together: enough to be fast, and no more memory for an hour than for a minute."""
TINY = float(np.finfo(np.float32).tiny)
ROLLOFF_SHARE = 0.85
PEAK_SHARE = np.float32(0.1)
DECIBELS = np.float32(10 / np.log(10))
CHROMA = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
CONTRAST_BANDS = 7


class Banks(NamedTuple):
    """What depends on rate and frame alone.

    Parameters
    ----------
    window : array, shape (frame,)
    frequencies : array, shape (n_bins,)
        Hz.
    mel : tuple of arrays, shape (128,), (128,), (128, width of the widest)
        First bin, number of bins and weights of each mel filter.
    """

    window: np.ndarray
    frequencies: np.ndarray
    mel: tuple[np.ndarray, np.ndarray, np.ndarray]


class Shape(NamedTuple):
    """What `kernels.shape` writes, under its names for it."""

    sums: np.ndarray
    reached: np.ndarray
    flatness: np.ndarray


def check_frames(name: str, rate: int, frame: int, hop: int) -> None:
    """Refuse frames in which octave bands cannot be distinguished, and hops that leave sound out or follow each other too closely.

    Raises
    ------
    WrongCall
    """
    shortest = -(-rate // MOST_HZ)
    if not shortest <= frame <= LONGEST_FRAME or frame % 2:
        raise WrongCall(f"{name}: frame={frame}; at {rate} Hz it takes an even number of samples, {shortest} to {LONGEST_FRAME}")
    if not frame // MOST_OVERLAP <= hop <= frame:
        raise WrongCall(f"{name}: hop={hop}; with frames of {frame} it takes {frame // MOST_OVERLAP} to {frame} samples")


@cache
def banks(rate: int, frame: int) -> Banks:
    """Window, bin frequencies and mel filters, made once per process."""
    mel = filters.mel(rate, frame)
    first, width = (mel > 0).argmax(1), (mel > 0).sum(1)
    weights = np.stack([np.pad(row[f : f + w], (0, width.max() - w)) for row, f, w in zip(mel, first, width, strict=True)])
    return Banks(filters.hann(frame), np.fft.rfftfreq(frame, 1 / rate), (first, width, weights))


@cache
def chroma_bank(rate: int, frame: int, tuning: float) -> np.ndarray:
    """`librosa.filters.chroma` at a tuning, one of a hundred; shape (n_bins, 12).

    Gaussian bumps around each pitch class, a semitone wide or as wide as a bin, under a Gaussian over octaves around the fifth.
    """
    semitones = 12 * np.log2(np.arange(1, frame // 2 + 2) * (rate / frame) / 27.5) - tuning
    # The bin at 0 Hz is given a place half an octave from every other.
    semitones = np.concatenate([[semitones[0] - 18], semitones])
    width, semitones = np.maximum(np.diff(semitones), 1), semitones[:-1]
    distance = semitones[:, None] - np.arange(12)
    distance -= 12 * np.floor(distance / 12 + 0.5)
    weights = np.exp(-2 * (distance / width[:, None]) ** 2)
    weights *= (np.exp(-(((semitones / 12 - 5) / 2) ** 2) / 2) / np.linalg.norm(weights, axis=1))[:, None]
    return np.roll(weights, -3, axis=1).astype(np.float32)


@cache
def contrast_bands(rate: int, frame: int) -> list[tuple[int, int, int]]:
    """Of each octave band, as librosa bounds it: first bin, the bin after the last, and how many bins are loudest or softest."""
    f = np.arange(frame // 2 + 1) * (rate / frame)
    edges = np.concatenate([[0.0], 200.0 * 2.0 ** np.arange(CONTRAST_BANDS)])
    bands = []
    for k in range(CONTRAST_BANDS):
        inside = np.flatnonzero((f >= edges[k]) & (f <= edges[k + 1]))
        top = k == CONTRAST_BANDS - 1
        first, last = inside[0] - (k > 0), len(f) - 1 if top else inside[-1]
        bands.append((int(first), int(last + top), max(int(np.rint(0.02 * (last - first + 1))), 1)))
    return bands


@cache
def _cosines(n_mfcc: int) -> np.ndarray:
    return filters.cosines(n_mfcc)


class Frames:
    """All descriptors of a clip at one rate, each computed when asked for; the spectrum once."""

    def __init__(self, samples: np.ndarray, rate: int, frame: int = FRAME, hop: int = HOP) -> None:
        self.samples, self.rate, self.frame, self.hop = samples, rate, frame, hop
        self.banks = banks(rate, frame)

    @property
    def hop_seconds(self) -> float:
        """Seconds from frame to frame."""
        return self.hop / self.rate

    @property
    def power(self) -> np.ndarray:
        """The power spectrum, shape (n_frames, n_bins)."""
        return self._transformed[0]

    def chroma(self) -> np.ndarray:
        """`librosa.feature.chroma_stft`: shape (12, n_frames)."""
        raw = self.power @ chroma_bank(self.rate, self.frame, self.tuning)
        highest = raw.max(1, keepdims=True)
        return (raw / np.where(highest < TINY, np.float32(1), highest)).T

    def rms(self) -> np.ndarray:
        """`librosa.feature.rms`: shape (1, n_frames)."""
        return self._transformed[1][None]

    def zero_crossing_rate(self) -> np.ndarray:
        """`librosa.feature.zero_crossing_rate`: shape (1, n_frames)."""
        return self._transformed[2][None]

    def centroid(self) -> np.ndarray:
        """`librosa.feature.spectral_centroid`, Hz: shape (1, n_frames)."""
        return self._moments[0].astype(np.float32)[None]

    def bandwidth(self) -> np.ndarray:
        """`librosa.feature.spectral_bandwidth`, Hz: shape (1, n_frames)."""
        mean, square = self._moments
        return np.sqrt(np.maximum(square - mean * mean, 0)).astype(np.float32)[None]

    def rolloff(self) -> np.ndarray:
        """`librosa.feature.spectral_rolloff`, Hz: shape (1, n_frames)."""
        return self.banks.frequencies[self._shape.reached].astype(np.float32)[None]

    def contrast(self) -> np.ndarray:
        """`librosa.feature.spectral_contrast`, dB: shape (7, n_frames)."""
        from ser_bench.features.signal import kernels

        blocks, _, lanes = self._lanes.shape
        found = np.empty((2, CONTRAST_BANDS, blocks, lanes), np.float32)
        for number, (first, last, count) in enumerate(contrast_bands(self.rate, self.frame)):
            kernels.extremes(self._lanes, first, last, count, *found[:, number])
        peaks, valleys = found.reshape(2, CONTRAST_BANDS, -1)[:, :, : len(self.power)]
        return decibels(peaks) - decibels(valleys)

    def flatness(self) -> np.ndarray:
        """`librosa.feature.spectral_flatness`: shape (1, n_frames)."""
        return self._shape.flatness[None]

    def mfcc(self, n_mfcc: int) -> np.ndarray:
        """`librosa.feature.mfcc`: shape (n_mfcc, n_frames)."""
        return _cosines(n_mfcc) @ self.mel

    @cached_property
    def tuning(self) -> float:
        """`librosa.estimate_tuning` of the power spectrum: the deviation from A440 in fractions of a semitone.

        The peaks of `librosa.piptrack`, but interpolated where there is a peak instead of everywhere.
        """
        from ser_bench.features.signal import kernels

        low, high = np.searchsorted(self.banks.frequencies, [150.0, min(4000.0, self.rate / 2)])
        bins, heights = np.empty((2, len(self.power) * ((high - low) // 2 + 1)), np.float32)
        n = kernels.spectral_peaks(self.power, low, high, PEAK_SHARE * self.power.max(1), bins, heights)
        return _tuning(bins[:n] * np.float32(self.rate / self.frame), heights[:n])

    @cached_property
    def _transformed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Power spectrum, root mean square and zero-crossing rate of all frames.

        The transform is done in double precision, as librosa does it: the valleys between a voice's harmonics,
        which contrast measures, drown in the rounding of a single-precision one.
        """
        from ser_bench.features.signal import kernels

        n_frames = 1 + len(self.samples) // self.hop
        power = np.empty((n_frames, self.frame // 2 + 1), np.float32)
        rms, crossings = np.empty((2, n_frames), np.float32)
        for begin in range(0, n_frames, FRAMES_AT_A_TIME):
            some = slice(begin, begin + FRAMES_AT_A_TIME)
            framed = np.empty((len(rms[some]), self.frame))
            kernels.window_frames(self.samples, self.banks.window, self.hop, begin, framed, rms[some], crossings[some])
            kernels.power_of(np.fft.rfft(framed), power[some])
        return power, rms, crossings

    @cached_property
    def _shape(self) -> Shape:
        from ser_bench.features.signal import kernels

        n = len(self.power)
        seen = Shape(np.empty((3, n)), np.empty(n, np.int64), np.empty(n, np.float32))
        kernels.shape(self.power, ROLLOFF_SHARE, *seen)
        return seen

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and mean square of frequency, weighted by magnitude; 0 where there is silence."""
        total, first, second = self._shape.sums
        total = np.where(total < TINY, 1, total)
        width = self.rate / self.frame
        return first / total * width, second / total * width**2

    @cached_property
    def _lanes(self) -> np.ndarray:
        """The power spectrum with frames side by side, as `kernels` reads it."""
        from ser_bench.features.signal import kernels

        n_frames, n_bins = self.power.shape
        lanes = np.empty((-(-n_frames // kernels.LANES), n_bins, kernels.LANES), np.float32)
        kernels.side_by_side(self.power, lanes)
        return lanes

    @cached_property
    def mel(self) -> np.ndarray:
        """Mel energies in decibels, shape (128, n_frames)."""
        from ser_bench.features.signal import kernels

        blocks, _, lanes = self._lanes.shape
        energy = np.empty((len(self.banks.mel[0]), blocks, lanes), np.float32)
        kernels.filter_bank(self._lanes, *self.banks.mel, energy)
        return decibels(energy.reshape(len(energy), -1)[:, : len(self.power)])


def frames(clip: Clip, rate: int | None, frame: int = FRAME, hop: int = HOP) -> Frames:
    """The clip's frames at a rate (None: its own), made once."""
    rate = rate or clip.rate
    return clip.once(("frames", rate, frame, hop), lambda: Frames(clip.at(rate), rate, frame, hop))


def decibels(power: np.ndarray) -> np.ndarray:
    """`librosa.power_to_db`: at least -100 dB, and no more than 80 dB below the clip's highest."""
    level = DECIBELS * np.log(np.maximum(power, np.float32(1e-10)))
    return np.maximum(level, level.max() - np.float32(80))


def _tuning(pitches: np.ndarray, magnitudes: np.ndarray) -> float:
    """The commonest deviation from a semitone among the stronger half of the peaks, to a hundredth; 0 without peaks."""
    if not len(pitches):
        return 0.0
    ordered = np.sort(magnitudes)
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    strong = pitches[magnitudes >= median]
    residual = np.mod(12 * np.log2(strong / np.float32(27.5)), 1.0)
    residual[residual >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, 101)
    return float(edges[np.bincount(edges.searchsorted(residual, "right") - 1).argmax()])
