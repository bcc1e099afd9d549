"""Whether two systems are equally good for practical purposes.

In:   differences in UAR with their standard errors and degrees of freedom (or the confusions of systems, of which one is the best), and
      how small a difference has to be not to matter.
Out:  p-values of two one-sided tests, the confidence interval that agrees with them, and one word per difference.
Rule: a difference that is not significant is not an equivalence. Only an interval that lies inside the region of practical
      equivalence (ROPE) shows one; where the interval crosses a bound, the data do not decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.differences import standard_errors_of
from ser_bench.scores.distributions import t_above, t_below, t_upper
from ser_bench.scores.metrics import Counts, Floats

ROPE = 0.02
"""Half the width of the region of practical equivalence, in UAR."""


class Equivalence(NamedTuple):
    """What the data say of each difference; all arrays have the shape of the differences.

    Attributes
    ----------
    low, high : array of float
        The ``1 - 2 alpha`` confidence interval, ``1 - 2 alpha / comparisons`` with several comparisons.
    p_equivalent, p_better, p_worse : array of float
        That the difference is within the ROPE, above it, below it.
    decision : array of str
        ``equivalent``, ``better``, ``worse`` or ``undecided``.
    """

    low: Floats
    high: Floats
    p_equivalent: Floats
    p_better: Floats
    p_worse: Floats
    decision: NDArray[np.str_]


class LikeBest(NamedTuple):
    """Whether systems are as good as the best for practical purposes; arrays of shape (n_systems,), NaN for the best.

    Attributes
    ----------
    p : array of float
        That the difference to the best is within the ROPE, corrected for the best having been chosen.
    within : array of float
        Half the width of the narrowest region that the difference is shown to be within, in UAR.
    """

    p: Floats
    within: Floats


def equivalence_test(
    difference: ArrayLike,
    standard_error: ArrayLike,
    degrees_of_freedom: ArrayLike,
    *,
    rope: float = ROPE,
    alpha: float = 0.05,
    comparisons: int = 1,
) -> Equivalence:
    """Test each difference d against the region from ``-rope`` to ``+rope``.

    *Equivalent* rejects both ``d <= -rope`` and ``d >= rope``, each by a one-sided t test at level alpha (TOST): the p-value is the
    larger of the two. *Better* rejects ``d <= rope``, *worse* rejects ``d >= -rope``. In terms of the interval
    ``d +- t(1 - alpha, df) * se``: equivalent if it lies inside the region, better if above it, worse if below it, and undecided
    otherwise. At most one of the three can hold if ``alpha < .5``. Each word is wrong with a probability of at most alpha.

    Where a comparison was chosen after the results were seen (the best of r rows against the next), `comparisons` is the number of those
    that could have been chosen, `pairs_among(r)`: p-values are multiplied by it and the interval is widened to match (Bonferroni),
    so that the words hold for all of them at once.

    Parameters
    ----------
    difference : array of float
        In UAR.
    standard_error : array of float
        Of the differences; zero where the difference is known.
    degrees_of_freedom : array of float
        Of Student's t; infinite for the normal distribution.
    rope : float
        In UAR, above 0.
    alpha : float
        Between 0 and .5.
    comparisons : int
        At least 1.

    Returns
    -------
    Equivalence

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average
    bioavailability, *Journal of Pharmacokinetics and Biopharmaceutics* 15. Lakens (2017), Equivalence tests: a practical primer for t
    tests, correlations, and meta-analyses, *Social Psychological and Personality Science* 8(4). Dunn (1961), Multiple comparisons among
    means, *JASA* 56, for the correction.

    Examples
    --------
    >>> found = equivalence_test([0.004, 0.06, 0.03], [0.006, 0.012, 0.02], 23)
    >>> found.decision.tolist()
    ['equivalent', 'better', 'undecided']
    >>> found.p_equivalent.round(3).tolist()
    [0.007, 0.999, 0.689]
    >>> equivalence_test([0.004, 0.06, 0.03], [0.006, 0.012, 0.02], 23, comparisons=pairs_among(8)).decision.tolist()
    ['undecided', 'better', 'undecided']
    """
    d, error, df = _checked(difference, standard_error, degrees_of_freedom)
    _check_settings(rope, alpha, comparisons)
    above = t_above(_statistic(d + rope, error), df)
    below = t_below(_statistic(d - rope, error), df)
    better, worse = t_above(_statistic(d - rope, error), df), t_below(_statistic(d + rope, error), df)
    p_equivalent, p_better, p_worse = (np.minimum(1.0, comparisons * p) for p in (np.maximum(above, below), better, worse))
    reach = t_upper(alpha / comparisons, df) * error
    decision = np.select([p_equivalent <= alpha, p_better <= alpha, p_worse <= alpha], ["equivalent", "better", "worse"], "undecided")
    return Equivalence(d - reach, d + reach, p_equivalent, p_better, p_worse, decision)


def equivalent_to_best(counts: Sequence[Counts], best: int, ratios: Floats, *, rope: float = ROPE, alpha: float = 0.05) -> LikeBest:
    """Test each system for equivalence with the best of them, which was chosen from the same data.

    Differences have the standard error that ablations use: the jackknife over voices of the mean over seeds, times the root of the variance
    ratio. As any pair could have been the best and the row compared with it, p-values are corrected for all pairs (`equivalence_test` with
    ``comparisons=pairs_among(n_systems)``). A system is equivalent at level alpha where ``within`` is below `rope`.

    Parameters
    ----------
    counts : sequence of array of int, shape (n_voices, k, k) or (n_seeds, n_voices, k, k)
        Of each system, all on the same clips.
    best : int
        The place of the best.
    ratios : array of float, shape (n_systems, n_systems)
        Variance ratio of each pair's difference, as `scores.variance_ratios` gives it.
    rope, alpha
        As in `equivalence_test`.

    Returns
    -------
    LikeBest

    Raises
    ------
    ValueError
        As `equivalence_test`, or with fewer than two voices.

    Examples
    --------
    >>> steady, uneven = [[[90, 10], [10, 90]]] * 8, [[[90, 10], [10, 90]], [[80, 20], [20, 80]]] * 4
    >>> found = equivalent_to_best([np.array(steady), np.array(steady), np.array(uneven)], 0, np.ones((3, 3)))
    >>> found.p.round(4).tolist(), found.within.round(3).tolist()
    ([nan, 0.0, 1.0], [nan, 0.002, 0.1])
    """
    others = [place for place in range(len(counts)) if place != best]
    p, within = np.full((2, len(counts)), np.nan)
    difference, error, df = standard_errors_of([counts[place] for place in others], counts[best], ratios[best, others].tolist())
    found = equivalence_test(difference, error, df, rope=rope, alpha=alpha, comparisons=max(1, pairs_among(len(counts))))
    p[others], within[others] = found.p_equivalent, np.maximum(np.abs(found.low), np.abs(found.high))
    return LikeBest(p, within)


def pairs_among(rows: int) -> int:
    """How many pairs there are among so many rows: ``rows * (rows - 1) / 2``.

    >>> pairs_among(8)
    28
    """
    return rows * (rows - 1) // 2


def _statistic(distance: Floats, error: Floats) -> Floats:
    """Distance in standard errors; without any error infinite, or 0 for no distance."""
    exact = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(error > 0, distance / error, exact)


def _checked(*arrays: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Differences, errors and degrees of freedom in one shape, or a ValueError."""
    d, error, df = np.broadcast_arrays(*(np.asarray(array, dtype=float) for array in arrays))
    if not np.isfinite(d).all():
        raise ValueError("a difference is not a finite number")
    if not (np.isfinite(error) & (error >= 0)).all():
        raise ValueError("a standard error is negative or not a finite number")
    if not (df > 0).all():
        raise ValueError("degrees of freedom must be above 0")
    return d, error, df


def _check_settings(rope: float, alpha: float, comparisons: int) -> None:
    if not 0 < rope < np.inf:
        raise ValueError(f"rope is {rope}; it is a difference in UAR above 0")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha is {alpha}; it lies between 0 and .5")
    if comparisons < 1:
        raise ValueError(f"comparisons is {comparisons}; at least one is made")
