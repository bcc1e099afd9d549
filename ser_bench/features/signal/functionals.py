"""Statistics of tracks over a clip, all tracks at once.

In:   tracks, shape (n_tracks, n_frames).
Out:  ten functionals of each, shape (n_tracks, 10), in the order of `FUNCTIONALS`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ser_bench.errors import WrongCall, unknown

ALL = "all"
FUNCTIONALS = ("mean", "std", "min", "max", "q25", "q50", "q75", "skewness", "kurtosis", "slope")
CONSTANT = 1e-6


def name_functionals(text: str) -> tuple[str, ...]:
    """The functionals that a parameter names, in the order of `FUNCTIONALS`.

    Parameters
    ----------
    text : str
        ``all``, or some of them joined by ``+``.

    Raises
    ------
    WrongCall
        Naming what is none of them.

    >>> name_functionals("std+mean"), len(name_functionals("all"))
    (('mean', 'std'), 10)
    """
    named = FUNCTIONALS if text == ALL else tuple(part.strip() for part in text.split("+"))
    for name in named:
        if name not in FUNCTIONALS:
            raise unknown("functional", name, FUNCTIONALS if "+" in text else (*FUNCTIONALS, ALL))
    if len(set(named)) < len(named):
        raise WrongCall(f"functionals={text} names one of them twice")
    return tuple(name for name in FUNCTIONALS if name in named)


def canonical_functionals(text: str) -> str:
    """One way to write what a parameter names, so that one set has one name; errors as `name_functionals`.

    >>> canonical_functionals("std+mean"), canonical_functionals("+".join(FUNCTIONALS))
    ('mean+std', 'all')
    """
    named = name_functionals(text)
    return ALL if named == FUNCTIONALS else "+".join(named)


def name_columns(tracks: Iterable[str], functionals: str) -> tuple[str, ...]:
    """Columns of the functionals that a parameter names, track by track.

    >>> name_columns(["energy", "pitch"], "mean+std")
    ('energy.mean', 'energy.std', 'pitch.mean', 'pitch.std')
    """
    named = name_functionals(functionals)
    return tuple(f"{track}.{functional}" for track in tracks for functional in named)


def some_functionals(tracks: np.ndarray, step: float, named: tuple[str, ...]) -> np.ndarray:
    """Those of `functionals` that are named, shape (n_tracks, len(named))."""
    return functionals(tracks, step)[:, [FUNCTIONALS.index(name) for name in named]]


def functionals(tracks: np.ndarray, step: float) -> np.ndarray:
    """Mean, standard deviation, minimum, maximum, quartiles, skewness, kurtosis and slope.

    Standard deviation and the higher moments are the population's (`numpy.std`, `scipy.stats.skew`,
    `scipy.stats.kurtosis`: excess over the normal distribution's), quartiles interpolate linearly (`numpy.quantile`),
    the slope is least squares against time. Of a track that is constant but for rounding (its standard deviation below a
    millionth of its largest value), skewness and kurtosis would measure the rounding: they are 0.

    Parameters
    ----------
    tracks : array of float32, shape (n_tracks, n_frames)
    step : float
        Seconds from frame to frame.

    Returns
    -------
    array of float32, shape (n_tracks, 10)
    """
    from ser_bench.features.signal import kernels

    ordered = np.sort(tracks, axis=1).astype(np.float64)
    n = tracks.shape[1]
    mean, variance, third, fourth, slope = moments = np.empty((5, len(tracks)))
    kernels.central_moments(tracks, (np.arange(n) - (n - 1) / 2) * step, moments)
    std = np.sqrt(variance)
    constant = std <= CONSTANT * np.abs(ordered[:, [0, -1]]).max(1)
    scale = np.where(constant, 1.0, std)
    skewness, kurtosis = (np.where(constant, 0.0, of_scale) for of_scale in (third / scale**3, fourth / scale**4 - 3))
    quartiles = [_quantile(ordered, q) for q in (0.25, 0.5, 0.75)]
    columns = [mean, std, ordered[:, 0], ordered[:, -1], *quartiles, skewness, kurtosis, slope]
    return np.stack(columns, axis=1).astype(np.float32)


def _quantile(ordered: np.ndarray, q: float) -> np.ndarray:
    at = q * (ordered.shape[1] - 1)
    low = int(at)
    high = min(low + 1, ordered.shape[1] - 1)
    return ordered[:, low] + (at - low) * (ordered[:, high] - ordered[:, low])
