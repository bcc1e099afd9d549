"""What librosa's spectra and cepstra are made with: its window, bin frequencies, mel filters and cosines, and its deltas.

In:   a rate and a frame, an order of derivative.
Out:  the arrays that librosa and SciPy give, to the last bit.
Rule: neither is imported, which takes longer than 150 short clips: the tests ask them instead.
"""

from __future__ import annotations

import math

import numpy as np

MELS = 128
LINEAR = 200 / 3
"""Hz of a mel below `BREAK`."""
BREAK = 1000.0
STEP = np.log(6.4) / 27
"""Of the logarithm of frequency, per mel, above `BREAK`."""


def hann(frame: int) -> np.ndarray:
    """The periodic Hann window, ``scipy.signal.get_window("hann", frame)``; shape (frame,)."""
    return 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, frame + 1))[:-1]


def mel(rate: int, frame: int, n_mels: int = MELS) -> np.ndarray:
    """`librosa.filters.mel`: triangles of equal area between neighbouring mels, float32 of shape (n_mels, 1 + frame / 2).

    In short frames some fall between two bins, and are empty.

    References
    ----------
    Slaney (1998), *Auditory Toolbox*, technical report 1998-010, Interval Research.
    """
    corners = _mel_frequencies(n_mels + 2, rate / 2)
    between = np.diff(corners)
    ramps = np.subtract.outer(corners, np.fft.rfftfreq(frame, 1 / rate))
    rising, falling = -ramps[:-2] / between[:-1, None], ramps[2:] / between[1:, None]
    weights = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    weights *= (2 / (corners[2:] - corners[:-2]))[:, None]
    return weights


def hertz_to_mel(frequency: float) -> float:
    """A frequency on Slaney's mel scale: linear below 1 kHz, logarithmic above.

    >>> round(hertz_to_mel(500.0), 6), round(hertz_to_mel(6400.0), 6)
    (7.5, 42.0)
    """
    return float(BREAK / LINEAR + np.log(frequency / BREAK) / STEP) if frequency >= BREAK else frequency / LINEAR


def _mel_frequencies(n: int, highest: float) -> np.ndarray:
    """Frequencies in Hz, evenly spaced in mel from 0."""
    bend = BREAK / LINEAR
    mels = np.linspace(0.0, hertz_to_mel(highest), n)
    frequencies = LINEAR * mels
    above = mels >= bend
    frequencies[above] = BREAK * np.exp(STEP * (mels[above] - bend))
    return frequencies


def derivative(width: int, order: int) -> np.ndarray:
    """The weights of a derivative by a polynomial of its own order, ``scipy.signal.savgol_coeffs(width, order, deriv=order)``.

    References
    ----------
    Savitzky & Golay (1964), Smoothing and differentiation of data by simplified least squares procedures, *Analytical Chemistry* 36(8).
    """
    places = np.arange(-(width // 2), width - width // 2, dtype=float)[::-1]
    wanted = np.zeros(order + 1)
    wanted[order] = math.factorial(order)
    weights: np.ndarray = np.linalg.lstsq(places ** np.arange(order + 1)[:, None], wanted, rcond=None)[0]
    return weights


def convolved(tracks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Tracks under an odd number of weights, their ends repeated: ``scipy.ndimage.convolve1d(tracks, weights, axis=1, mode="nearest")``.

    Parameters
    ----------
    tracks : array of float32, shape (n_tracks, n_frames)
    weights : array of float64, shape (width,)
        Those of a derivative: equal on both sides but for rounding, or equal but for the sign.

    Returns
    -------
    array of float32, shape (n_tracks, n_frames)
    """
    n, half = tracks.shape[1], len(weights) // 2
    padded = np.pad(tracks.astype(np.float64), ((0, 0), (half, half)), mode="edge")
    fold = np.add if np.allclose(weights, weights[::-1], rtol=0, atol=np.finfo(np.float64).eps) else np.subtract
    total = padded[:, half : half + n] * weights[half]
    for far in range(half, 0, -1):
        total += fold(padded[:, half - far :][:, :n], padded[:, half + far :][:, :n]) * weights[half + far]
    return total.astype(np.float32)


def cosines(n_mfcc: int, n_mels: int = MELS) -> np.ndarray:
    """Rows of the DCT-II, ``scipy.fft.dct(np.eye(n_mels), axis=0, norm="ortho")[:n_mfcc]``; float32, shape (n_mfcc, n_mels)."""
    turns = np.arange(n_mfcc)[:, None] * np.arange(1, 2 * n_mels, 2) % (4 * n_mels)
    rows = np.cos(np.pi * turns / (2 * n_mels)) * np.sqrt(2 / n_mels)
    rows[0] = np.sqrt(1 / n_mels)
    return rows.astype(np.float32)
