"""What is kept of a clip's sound to find it again: a short time-frequency picture, and its course around every syllable.

In:   samples at 8 kHz.
Out:  a `Fingerprint`: log power in semitone bands every 16 ms, and around each of up to 32 peaks of loudness a vector of 80 numbers.
Rule: the vectors are made so that another speed or pitch is a linear map of them (`variant_maps`): what was done to a copy is tried
      out on vectors, and never on sound. Level and a constant colouring cancel: in every band the mean over the window is left out.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

RATE = 8_000
FRAME, HOP, SPECTRUM = 512, 128, 2048
BANDS, LOWEST_HZ, NARROWEST_HZ = 60, 110.0, 12.0
"""Semitones from A2 to about 3.3 kHz: what telephones and low bit rates leave."""
FLOOR_DB, LIVE_DB, PEAK_DB = 35.0, 25.0, 20.0
"""Below the loud frames: what counts as nothing; where a frame counts as silent; how far a peak may lie below the highest."""
AROUND, SOFTEST_DB, NOISE_DB = 47, 30.0, 4.0
"""Frames on either side, 0.75 s, whose loudest counts; how far below the clip's loud ones it may be; how far live frames exceed noise."""
WINDOW, TURNS, RIPPLES = 39, 4, 10
"""Frames around a peak; how many turns in time, and half turns over the bands, its vector resolves."""
MOST_PEAKS, APART = 32, 3
SPEEDS, SEMITONES = (0.9, 0.95, 1.05, 1.1), (-2.0, -1.0, 1.0, 2.0)
VARIANTS = (
    (1.0, 0.0),
    *((speed, 12 * float(np.log2(speed))) for speed in SPEEDS),
    *((1.0, semitones) for semitones in SEMITONES),
    *((speed, 0.0) for speed in SPEEDS),
)
"""Tempo and semitones of a copy that are tried: as it was, resampled, shifted, stretched. What lies between is near enough to one."""


class Fingerprint(NamedTuple):
    """A clip's picture and its peaks.

    Parameters
    ----------
    picture : array of float16, shape (n_frames, 60)
        Log power, a row every 16 ms.
    live : array of bool, shape (n_frames,)
        Where it is not silent.
    peaks : array of int, shape (n_peaks,)
        Frames at which it is loudest around, in order; at least one.
    heights : array of float32, shape (n_peaks,)
        Log power there.
    vectors : array of float32, shape (n_peaks, 80)
    """

    picture: np.ndarray
    live: np.ndarray
    peaks: np.ndarray
    heights: np.ndarray
    vectors: np.ndarray


def fingerprint(samples: np.ndarray) -> Fingerprint:
    """The fingerprint of samples at 8 kHz.

    >>> noise = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    >>> found = fingerprint(noise)
    >>> found.picture.shape, found.vectors.shape[1]
    ((63, 60), 90)
    """
    # By a power of two, which changes no digit: the power of a faint clip would be nothing.
    power = band_power(np.ldexp(samples, -np.frexp(np.abs(samples).max())[1]))
    loudness = power.sum(1)
    loud = max(float(np.percentile(loudness, 95)), 1e-20)
    around = _loud_around(loudness, loud)
    picture = np.log(power + around[:, None] / BANDS * 10 ** (-FLOOR_DB / 10)) - np.log(loud)
    peaks, heights = _peaks(np.log(loudness + around * 1e-3), np.log(around))
    padded = np.pad(picture, ((WINDOW // 2, WINDOW // 2), (0, 0)), mode="edge")
    in_time, over_bands = _bases()
    vectors = np.stack([(in_time.T @ padded[peak : peak + WINDOW] @ over_bands).ravel() for peak in peaks])
    noise = min(float(np.percentile(loudness, 10)) * 10 ** (NOISE_DB / 10), loud / 10)
    live = loudness > np.maximum(around * 10 ** (-LIVE_DB / 10), noise)
    return Fingerprint(picture.astype(np.float16), live, peaks, heights.astype(np.float32), vectors.astype(np.float32))


def band_power(samples: np.ndarray) -> np.ndarray:
    """Power in semitone bands of frames of 64 ms, shape (n_frames, 60)."""
    from scipy.fft import rfft

    framed = np.lib.stride_tricks.sliding_window_view(np.pad(samples.astype(np.float32), FRAME // 2), FRAME)[::HOP]
    return np.abs(rfft(framed * np.hanning(FRAME).astype(np.float32), SPECTRUM)) ** 2 @ _bank()


@cache
def variant_maps() -> tuple[np.ndarray, ...]:
    """For each of `VARIANTS`, the matrix that takes a copy's vectors (rows, from the left) to those of what it was made from."""
    times, bands = _places()
    in_time, over_bands = np.linalg.qr(_turns(times)), np.linalg.qr(_ripples(bands))
    maps = []
    for speed, semitones in VARIANTS:
        slower = (in_time[0].T @ _turns(times / speed) @ np.linalg.inv(in_time[1]))[1:, 1:]
        lower = over_bands[0].T @ _ripples(np.clip(bands + semitones / BANDS, -0.5, 0.5)) @ np.linalg.inv(over_bands[1])
        maps.append(np.kron(slower.T, lower.T).astype(np.float32))
    return tuple(maps)


@cache
def _bank() -> np.ndarray:
    """Triangular weights of each band, shape (n_bins, 60)."""
    hertz = np.arange(SPECTRUM // 2 + 1)[:, None] * (RATE / SPECTRUM)
    centres = LOWEST_HZ * 2 ** (np.arange(BANDS) / 12)
    weights = np.maximum(0, 1 - np.abs(hertz - centres) / np.maximum(centres * (2 ** (1 / 12) - 1), NARROWEST_HZ))
    return (weights / weights.sum(0)).astype(np.float32)


@cache
def _bases() -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal courses in time, without the constant, and over bands: shapes (39, 8) and (60, 10)."""
    times, bands = _places()
    return np.linalg.qr(_turns(times))[0][:, 1:].astype(np.float32), np.linalg.qr(_ripples(bands))[0].astype(np.float32)


def _places() -> tuple[np.ndarray, np.ndarray]:
    """Where frames and bands lie in the window, each from -0.5 to 0.5."""
    return (np.arange(WINDOW) - (WINDOW - 1) / 2) / WINDOW, (np.arange(BANDS) - (BANDS - 1) / 2) / BANDS


def _turns(times: np.ndarray) -> np.ndarray:
    """The constant, then a bell, and `TURNS` sines and cosines under it, at these times."""
    bell = np.where(np.abs(times) < 0.5, np.cos(np.pi * times), 0.0)
    waves = [bell * wave(2 * np.pi * turn * times) for turn in range(1, TURNS + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(times), bell, *waves], axis=1)


def _ripples(bands: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(np.pi * ripple * (bands + 0.5)) for ripple in range(RIPPLES)], axis=1)


def _loud_around(loudness: np.ndarray, loud: float) -> np.ndarray:
    """How loud the loudest frame near each is, at most as the clip's loud frames: so a soft clip joined with a loud one is not silence."""
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(loudness, AROUND), 2 * AROUND + 1).max(1)
    return np.clip(highest, loud * 10 ** (-SOFTEST_DB / 10), loud)


def _peaks(loudness: np.ndarray, around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames at which smoothed loudness is highest around, the highest ones where there are many, at least one; and its values there."""
    bell = np.hanning(9)[1:-1]
    smooth = np.convolve(np.pad(loudness, 3, mode="edge"), bell / bell.sum(), "valid")
    near = np.lib.stride_tricks.sliding_window_view(np.pad(smooth, APART, constant_values=-np.inf), 2 * APART + 1).max(1)
    peaks = np.flatnonzero((smooth >= near) & ((smooth > around - PEAK_DB * np.log(10) / 10) | (smooth == smooth.max())))
    highest = np.sort(peaks[np.argsort(-smooth[peaks], kind="stable")[:MOST_PEAKS]])
    return highest, smooth[highest]
