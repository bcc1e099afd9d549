"""Tails and quantiles of Student's t and of chi-square, and ranks: what `scipy.stats` says of them, without its second of imports.

In:   values, degrees of freedom, levels; arrays that broadcast.
Out:  the same floats that `scipy.stats` gives, which computes them by these functions of `scipy.special`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def t_below(value: ArrayLike, df: ArrayLike) -> Floats:
    """The chance of a value of Student's t as low, ``scipy.stats.t.cdf``.

    >>> t_below(0.0, 5).item()
    0.5
    """
    from scipy.special import stdtr

    return np.asarray(stdtr(df, value))


def t_above(value: ArrayLike, df: ArrayLike) -> Floats:
    """The chance of a value of Student's t as high, ``scipy.stats.t.sf``.

    >>> t_above(2.262157, 9).round(3).item()
    0.025
    """
    return t_below(-np.asarray(value), df)


def t_quantile(share: ArrayLike, df: ArrayLike) -> Floats:
    """The value that a share of Student's t lies below, ``scipy.stats.t.ppf``.

    >>> t_quantile(0.975, 9).round(3).item()
    2.262
    """
    from scipy.special import stdtrit

    share = np.asarray(share)
    # At both ends it is infinite, which `stdtrit` does not say.
    return np.where(share == 0.0, -np.inf, np.where(share == 1.0, np.inf, stdtrit(df, share)))


def t_upper(share: ArrayLike, df: ArrayLike) -> Floats:
    """The value that a share of Student's t lies above, ``scipy.stats.t.isf``; as exact for tiny shares.

    >>> t_upper(0.025, 9).round(3).item()
    2.262
    """
    return -t_quantile(share, df)


def chi2_quantile(share: ArrayLike, df: ArrayLike) -> Floats:
    """The value that a share of chi-square lies below, ``scipy.stats.chi2.ppf``.

    >>> chi2_quantile(0.95, 1).round(3).item()
    3.841
    """
    from scipy.special import gammaincinv

    return np.asarray(2 * gammaincinv(np.asarray(df) / 2, share))


def ranks(values: ArrayLike) -> Floats:
    """Ranks from 1 along the first axis, equals at their mean: ``scipy.stats.rankdata(values, axis=0)``.

    >>> ranks([0.5, 0.1, 0.5]).tolist()
    [2.5, 1.0, 2.5]
    """
    dense = dense_ranks(values)
    columns = dense.reshape(len(dense), -1)
    found = np.empty(columns.shape)
    for column, place in zip(found.T, columns.T, strict=True):
        last = np.cumsum(np.bincount(place))
        column[:] = (last[place - 1] + 1 + last[place]) / 2
    return found.reshape(dense.shape)


def dense_ranks(values: ArrayLike) -> NDArray[np.intp]:
    """Ranks from 1 along the first axis without gaps, equals alike: ``scipy.stats.rankdata(values, "dense", axis=0)``.

    >>> dense_ranks([0.5, 0.1, 0.5]).tolist()
    [2, 1, 2]
    """
    values = np.asarray(values)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    steps = np.ones(values.shape, np.intp)
    steps[1:] = ordered[1:] != ordered[:-1]
    found = np.empty(values.shape, np.intp)
    np.put_along_axis(found, order, np.cumsum(steps, axis=0), axis=0)
    return found
