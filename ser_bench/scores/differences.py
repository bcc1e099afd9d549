"""How much better some systems are than one that was named beforehand.

In:   confusions of the systems and of the reference on the same clips, and the variance ratio of each difference.
Out:  a difference per system with its interval and p-value.
Rule: one inference, two views: an interval excludes 0 where its p-value is below the level, and there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ser_bench.scores.comparisons import holm
from ser_bench.scores.distributions import t_above
from ser_bench.scores.intervals import combinations_of
from ser_bench.scores.metrics import Counts, Floats
from ser_bench.scores.proportions import degrees_of_freedom, student


class StandardErrors(NamedTuple):
    """What systems' UARs are above a reference's, their standard errors, and the degrees of freedom of these."""

    difference: Floats
    error: Floats
    df: float


class Difference(NamedTuple):
    """The difference of a system's UAR from the reference's, between its bounds, and its p-value."""

    score: float
    low: float
    high: float
    p: float


def differences_of(counts: Sequence[Counts], reference: Counts, ratios: Sequence[float], *, level: float = 0.05) -> list[Difference]:
    """Each system against a reference, by Student's t over voices, corrected for the number of systems by Holm.

    ``t = difference / error``, where the error is that of `combinations_of` with the system's variance ratio. Of m p-values in order,
    the i-th (from 0) is multiplied by m - i, and none may fall below an earlier one. The i-th interval is that of the level divided by the
    same number as long as differences are found, and of the first that is not for all that follow: these are the intervals that exclude 0
    where Holm's procedure rejects.

    Parameters
    ----------
    counts : sequence of array of int, shape (n_voices, k, k) or (n_seeds, n_voices, k, k)
    reference : array of int, same shape
    ratios : sequence of float
        Variance of each difference over what the spread between voices says of it, 1 or more.
    level : float
        Chance that any p falls below it where all systems are as good as the reference.

    Raises
    ------
    ValueError
        With fewer than two voices.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, *Scandinavian Journal of Statistics* 6(2).

    Examples
    --------
    >>> right, half = np.array([np.diag([4, 4])] * 6), np.array([[[2, 2], [2, 2]], [[3, 1], [1, 3]]] * 3)
    >>> (found,) = differences_of([right], half, [1.0])
    >>> [round(value, 3) for value in found]
    [0.375, 0.231, 0.519, 0.001]
    """
    scores, errors, df = standard_errors_of(counts, reference, ratios)
    alone = 2 * t_above(np.abs(scores) / errors, df)
    p = holm(alone)
    order = np.argsort(alone, kind="stable")
    found_first = int(np.argmax(p[order] >= level)) if (p >= level).any() else len(p)
    shared = np.empty(len(p))
    shared[order] = len(p) - np.minimum(np.arange(len(p)), found_first)
    reach = np.array([student(1 - level / number, df) for number in shared]) * errors
    return [
        Difference(*map(float, row)) for row in zip(scores, np.maximum(-1, scores - reach), np.minimum(1, scores + reach), p, strict=True)
    ]


def standard_errors_of(counts: Sequence[Counts], reference: Counts, ratios: Sequence[float]) -> StandardErrors:
    """Each system's difference to a reference with the standard error of `combinations_of`.

    Parameters: see `differences_of`.

    Examples
    --------
    >>> right, half = np.array([np.diag([4, 4])] * 6), np.array([[[2, 2], [2, 2]], [[3, 1], [1, 3]]] * 3)
    >>> found = standard_errors_of([right], half, [1.0])
    >>> found.difference.round(3).tolist(), found.error.round(3).tolist(), round(found.df, 3)
    ([0.375], [0.056], 5.0)
    """
    df = degrees_of_freedom(reference.reshape(-1, *reference.shape[-3:])[0].sum(-1))
    difference, error = np.empty(len(counts)), np.empty(len(counts))
    for place, (mine, ratio) in enumerate(zip(counts, ratios, strict=True)):
        (found,) = combinations_of([mine, reference], [[1.0, -1.0]], inflation=ratio)
        difference[place], error[place] = found.score, (found.high - found.score) / student(0.95, df)
    return StandardErrors(difference, error, df)
