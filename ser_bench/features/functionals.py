"""Statistics of tracks over a clip, all tracks at once.

In:   tracks, shape (n_tracks, n_frames).
Out:  ten functionals of each, shape (n_tracks, 10), in the order of `FUNCTIONALS`.
"""

from __future__ import annotations

import numpy as np

FUNCTIONALS = ("mean", "std", "min", "max", "q25", "q50", "q75", "skewness", "kurtosis", "slope")


def functionals(tracks: np.ndarray, step: float) -> np.ndarray:
    """Mean, standard deviation, minimum, maximum, quartiles, skewness, kurtosis and slope.

    Standard deviation and the higher moments are the population's (`numpy.std`, `scipy.stats.skew`,
    `scipy.stats.kurtosis`: excess over the normal distribution's), quartiles interpolate linearly (`numpy.quantile`),
    the slope is least squares against time. A constant track has skewness and kurtosis 0.

    Parameters
    ----------
    tracks : array, shape (n_tracks, n_frames)
    step : float
        Seconds from frame to frame.

    Returns
    -------
    array of float32, shape (n_tracks, 10)
    """
    tracks = tracks.astype(np.float64)
    n = tracks.shape[1]
    ordered = np.sort(tracks, axis=1)
    mean = tracks.mean(1)
    centred = tracks - mean[:, None]
    squares = centred * centred
    variance = squares.mean(1)
    constant = ordered[:, 0] == ordered[:, -1]
    scale = np.where(constant | (variance == 0), 1.0, variance)
    skewness = np.where(constant, 0.0, (squares * centred).mean(1) / scale**1.5)
    kurtosis = np.where(constant, 0.0, (squares * squares).mean(1) / scale**2 - 3)
    time = (np.arange(n) - (n - 1) / 2) * step
    slope = centred @ time / max(time @ time, np.finfo(float).tiny)
    quartiles = [_quantile(ordered, q) for q in (0.25, 0.5, 0.75)]
    columns = [mean, np.sqrt(variance), ordered[:, 0], ordered[:, -1], *quartiles, skewness, kurtosis, slope]
    return np.stack(columns, axis=1).astype(np.float32)


def _quantile(ordered: np.ndarray, q: float) -> np.ndarray:
    at = q * (ordered.shape[1] - 1)
    low = int(at)
    high = min(low + 1, ordered.shape[1] - 1)
    return ordered[:, low] + (at - low) * (ordered[:, high] - ordered[:, low])
