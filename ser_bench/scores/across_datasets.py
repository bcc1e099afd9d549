"""Which systems are better over several corpora.

In:   one UAR per system and corpus, all systems evaluated on all corpora.
Out:  mean ranks, tests of whether ranks differ, and the groups within which none does.
Rule: a corpus counts once, however many clips it has, and only within a corpus are UARs compared: chance differs between
      corpora. What so few corpora cannot show is said (`smallest_signed_rank_p`), not left to look like a finding.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.comparisons import finite_table, holm
from ser_bench.scores.distributions import ranks
from ser_bench.scores.metrics import Floats


class Friedman(NamedTuple):
    """The statistic of a Friedman test, and its p-value."""

    statistic: float
    p: float


class Posterior(NamedTuple):
    """How probable it is that the one system is better, that they are practically equal, that the other is better."""

    a_better: float
    equivalent: float
    b_better: float


def mean_ranks(uars: ArrayLike) -> Floats:
    """Rank of each system within each corpus, 1 the best, averaged over corpora; equal systems share the mean of their ranks.

    Parameters
    ----------
    uars : array of float, shape (n_systems, n_corpora)

    Returns
    -------
    array of float, shape (n_systems,)

    Raises
    ------
    ValueError
        If `uars` is not a table of finite numbers.

    References
    ----------
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, *JMLR* 7.

    Examples
    --------
    >>> mean_ranks([[0.8, 0.6], [0.7, 0.6], [0.5, 0.4]]).tolist()
    [1.25, 1.75, 3.0]
    """
    mean: Floats = _ranks(finite_table(uars, "UARs", "corpus")).mean(1)
    return mean


def friedman(uars: ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> Friedman:
    """Friedman's test of whether any system is better than another over corpora.

    ``chi2 = 12 / (n k (k + 1)) * sum_j (R_j - n (k + 1) / 2)^2`` over k systems with rank sums R_j over n corpora, divided by
    ``1 - sum(t^3 - t) / (n (k^3 - k))`` for groups of t equal systems. Were all systems equally good, each corpus would put them
    into any order as likely as into another: p is the share of random orders, redrawn for every corpus (the data as they are
    included), whose statistic reaches this one. Approximations by chi-square or F need more corpora than speech has: where three
    corpora agree on the order of three systems, F gives p = 0, and 1 in 36 is true.

    Parameters
    ----------
    uars : array of float, shape (n_systems, n_corpora)
    resamples : int
        How many random orders are drawn.
    seed : int
        Of the random orders.

    Returns
    -------
    Friedman
        Statistic 0 and p 1 where every corpus finds all systems equal.

    Raises
    ------
    ValueError
        With fewer than three systems or three corpora. Also as `mean_ranks`.

    References
    ----------
    Friedman (1937), The use of ranks to avoid the assumption of normality implicit in the analysis of variance, *JASA* 32(200).

    Examples
    --------
    >>> statistic, p = friedman([[0.8, 0.6, 0.7], [0.7, 0.5, 0.6], [0.5, 0.4, 0.3]])
    >>> print(f"{statistic:.1f} {p:.2f}")
    6.0 0.03
    """
    ranks = _ranks(finite_table(uars, "UARs", "corpus"))
    k, n = ranks.shape
    if k < 3 or n < 3:
        raise ValueError(f"a Friedman test needs at least three systems and three corpora; these are {k} and {n}")
    centred = ranks - (k + 1) / 2
    spread = (centred**2).sum()
    if spread == 0:
        return Friedman(0.0, 1.0)
    # Sorted first, so that the order of systems and of corpora has no say in what is drawn.
    columns = np.sort(centred, axis=0)
    columns = columns[:, np.lexsort(columns)]
    rng = np.random.default_rng(seed)
    reach = (centred.sum(1) ** 2).sum()
    drawn = [(rng.permuted(columns, axis=0).sum(1) ** 2).sum() for _ in range(resamples)]
    as_far = 1 + np.count_nonzero(np.array(drawn) >= reach - 1e-9)
    return Friedman(float((k - 1) * reach / spread), float(as_far / (resamples + 1)))


def wilcoxon_holm(uars: ArrayLike) -> Floats:
    """P-value of every pair of systems: Wilcoxon's signed-rank test over corpora, corrected for the number of pairs by Holm.

    The differences of a pair are ranked by size, equal UARs left out and equal sizes sharing the mean of their ranks; p is the share
    of all ways to sign the ranks whose sum is at least as far from zero. It is exact for any number of corpora, with ties too: the
    distribution of the sum of positive ranks is built up rank by rank.

    Parameters
    ----------
    uars : array of float, shape (n_systems, n_corpora)

    Returns
    -------
    array of float, shape (n_systems, n_systems)
        Symmetric; NaN on the diagonal.

    Raises
    ------
    ValueError
        As `mean_ranks`.

    References
    ----------
    Wilcoxon (1945), Individual comparisons by ranking methods, *Biometrics Bulletin* 1(6); for the correction, `holm`. Over data sets
    instead of Nemenyi's test on mean ranks, whose answer about two systems hangs on which others are there: Benavoli, Corani & Mangili
    (2016), *JMLR* 17(5).

    Examples
    --------
    >>> better = np.array([0.61, 0.72, 0.53, 0.84, 0.65, 0.46])
    >>> wilcoxon_holm([better, better - [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]]).round(4).tolist()
    [[nan, 0.0312], [0.0312, nan]]
    """
    table = finite_table(uars, "UARs", "corpus")
    pairs = list(combinations(range(len(table)), 2))
    alone = np.array([_signed_rank_p(table[a] - table[b]) for a, b in pairs])
    result: Floats = np.full((len(table), len(table)), np.nan)
    for (a, b), p in zip(pairs, holm(alone), strict=True):
        result[a, b] = result[b, a] = p
    return result


def smallest_signed_rank_p(n_corpora: int, *, n_systems: int = 2) -> float:
    """The least p that `wilcoxon_holm` can give: ``2 / 2^n_corpora``, times the number of pairs; at most 1.

    Above .05 with five corpora or fewer, whatever the systems; with more systems than two it takes more corpora.

    >>> smallest_signed_rank_p(5), smallest_signed_rank_p(6), smallest_signed_rank_p(6, n_systems=3)
    (0.0625, 0.03125, 0.09375)
    """
    return min(1.0, n_systems * (n_systems - 1) / 2**n_corpora)


def bayesian_signed_rank(a: ArrayLike, b: ArrayLike, *, rope: float = 0.01, samples: int = 50_000, seed: int = 0) -> Posterior:
    """How probable it is that one of two systems is better on corpora like these, or that the two are practically equal.

    With differences ``z_1, ..., z_n`` (a - b), a pseudo-difference ``z_0 = 0`` of strength 1/2 as the prior, and weights w drawn from
    ``Dirichlet(1/2, 1, ..., 1)``: a is better by ``sum_ij w_i w_j [z_i + z_j > 2 rope]``, b likewise below ``-2 rope``, and what
    remains is equivalence; a sum on the border counts half to either side. Each probability is the share of draws in which its
    part is the largest.

    Parameters
    ----------
    a, b : array of float, shape (n_corpora,)
        UAR of either system.
    rope : float
        Differences up to this are practically none.
    samples : int
        How many weights are drawn.
    seed : int
        Of the weights.

    Returns
    -------
    Posterior

    Raises
    ------
    ValueError
        If `a` and `b` are not finite numbers of one length, or `rope` is not above zero.

    References
    ----------
    Benavoli, Corani, Demšar & Zaffalon (2017), Time for a change: a tutorial for comparing multiple classifiers through Bayesian
    analysis, *JMLR* 18(77).

    Examples
    --------
    >>> print("{:.2f} {:.2f} {:.2f}".format(*bayesian_signed_rank([0.7, 0.6, 0.8, 0.5], [0.6, 0.5, 0.7, 0.495])))
    0.95 0.05 0.00
    """
    one, other = finite_table(np.stack([a, b]), "UARs", "corpus")
    if rope <= 0:
        raise ValueError(f"rope is {rope}; it lies above zero")
    z = np.append(0.0, one - other)
    sums = np.round(z[:, None] + z, 12)
    border = round(2 * rope, 12)
    above, below = ((sums > border) + 0.5 * (sums == border) for sums in (sums, -sums))
    strengths = np.ones(len(z))
    strengths[0] = 0.5
    weights = np.random.default_rng(seed).dirichlet(strengths, samples)
    for_a, for_b = (((weights @ part) * weights).sum(1) for part in (above, below))
    largest = np.argmax([for_a, 1 - for_a - for_b, for_b], axis=0)
    return Posterior(*(np.bincount(largest, minlength=3) / samples).tolist())


def cliques(ranks: ArrayLike, p: ArrayLike, *, level: float = 0.05) -> list[tuple[int, ...]]:
    """Groups of neighbours by mean rank in which no pair is significantly different: the bars of a critical-difference diagram.

    Parameters
    ----------
    ranks : array of float, shape (n_systems,)
        As `mean_ranks` gives them.
    p : array of float, shape (n_systems, n_systems)
        As `wilcoxon_holm` gives them.
    level : float
        A pair is significantly different by a p below it.

    Returns
    -------
    list of tuple of int
        Positions of the systems, the best first; only groups of two or more that are part of no other.

    References
    ----------
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, *JMLR* 7.

    Examples
    --------
    >>> apart = 0.01
    >>> cliques([1.2, 1.9, 2.9], [[np.nan, 0.4, apart], [0.4, np.nan, 0.3], [apart, 0.3, np.nan]])
    [(0, 1), (1, 2)]
    """
    order = np.argsort(np.asarray(ranks, dtype=float), kind="stable")
    told_apart = np.asarray(p, dtype=float)[np.ix_(order, order)] < level
    found: list[tuple[int, ...]] = []
    reached = 0
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and not told_apart[first : last + 2, first : last + 2].any():
            last += 1
        if last > max(first, reached):
            found.append(tuple(int(system) for system in order[first : last + 1]))
            reached = last
    return found


def _ranks(table: Floats) -> Floats:
    return ranks(-table.round(12))


def _signed_rank_p(differences: Floats) -> float:
    """Two-sided p of one pair; 1 where there is no difference anywhere."""
    sizes = differences.round(12)
    sizes = sizes[sizes != 0]
    if not len(sizes):
        return 1.0
    steps = (2 * ranks(np.abs(sizes))).round().astype(int)
    chances = np.zeros(steps.sum() + 1)
    chances[0] = 1
    for step in steps:
        chances = (chances + np.roll(chances, step)) / 2
    distances = np.abs(2 * np.arange(len(chances)) - steps.sum())
    return min(1.0, float(chances[distances >= abs(np.sign(sizes) @ steps)].sum()))
