"""Which systems are not significantly different from the best.

In:   each system's contributions to its UAR, voice by voice, all on the same clips.
Out:  a difference to the best per system with its interval and p-value, and how far from the best a system must be for that to be found.
Rule: the best was chosen from the same data that evaluate it, so it is chosen again in every resample, and clips of one
      speaker are swapped together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.metrics import Counts, Floats, speaker_counts

ENUMERABLE = 2**14
RESAMPLES = 9_999
"""Random swaps; with the data as they are, a round number of patterns."""
TIE = 1e-12
"""Distances that differ by less are equal."""


def contributions(truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike) -> Floats:
    """What each speaker adds to the UAR: ``u_s = 1/k * sum_c correct_sc / N_c``, so that ``sum_s u_s = UAR``.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    predicted : array of labels, shape (n_clips,) or (n_seeds, n_clips)
        Several seeds are averaged.
    speakers : array of labels, shape (n_clips,)

    Returns
    -------
    array of float, shape (n_speakers,)
        Speakers in sorted order.

    Examples
    --------
    >>> contributions(["a", "b", "a", "b"], ["a", "b", "a", "a"], ["x", "x", "y", "y"]).tolist()
    [0.5, 0.25]
    """
    return contributions_of(speaker_counts(truth, predicted, speakers))


def contributions_of(counts: Counts) -> Floats:
    """`contributions` of confusion counts, shape (n_speakers, k, k) or (n_seeds, n_speakers, k, k)."""
    counts = counts.reshape(-1, *counts.shape[-3:])
    correct = np.diagonal(counts, axis1=-2, axis2=-1)
    meant = counts[0].sum((0, 2))
    return (correct[..., meant > 0] / meant[meant > 0]).mean((0, -1))


class VersusBest(NamedTuple):
    """How far each system is behind the best, with its interval and p-value: arrays of shape (n_systems,), NaN for the best."""

    behind: Floats
    low: Floats
    high: Floats
    p: Floats


def versus_best(
    shares: Floats, ratios: Floats | None = None, *, level: float = 0.05, resamples: int = RESAMPLES, seed: int = 0
) -> VersusBest:
    """Each system against the best of them, allowing for the best having been chosen from the same data.

    The null hypothesis is that of *algorithms*: two systems, each trained on new speakers and evaluated on new ones, are equally good.
    (That these very models are equally good on new speakers is another, of smaller variance: leave `ratios` out for it.)

    Were two systems equally good, swapping their predictions for one voice would change nothing but the sign of
    that voice's difference. A resample swaps every pair of systems at once for a random half of the voices, then
    takes the distance from its own best system to its own worst: how far apart the luckiest and the unluckiest of
    equal systems come. Each pair's distance is first multiplied by the root of its variance ratio, as voices that
    train each other's models make systems differ by more than their spread shows (`scores.uncertainty`). A system's p
    is the share of resamples (the data as they are included) whose distance reaches its own distance to the best. This is
    stepped down: the farthest system is compared among all, the next among those that are left, and no p may fall below
    that of a farther system. So over all systems as good as the best, the chance that any gets p <= .05 is at most .05,
    however many systems there are, if voices are independent but for their training each other's models and differences
    between equal systems are as likely to favour the one as the other.

    The interval is the test turned round: ``behind +- q``, q being the distance that a share `level` of the resamples reaches in the
    system's step, or in the first step that finds nothing. It excludes 0 where p < `level`, and there alone.

    All ``2**(n_voices - 1)`` swaps are gone through if there are at most 16,384, else `resamples` random ones are
    drawn. `smallest_p` is the least p that can come out: above .05 with five voices or fewer.

    Parameters
    ----------
    shares : array of float, shape (n_systems, n_voices)
        `contributions` of each system, all on the same clips.
    ratios : array of float, shape (n_systems, n_systems), optional
        Variance ratio of each pair's difference, as `scores.variance_ratios` gives it; 1 without: for models that were trained on none
        of these voices.
    level : float
        Of the interval: one minus its coverage.
    resamples : int
        How many random swaps, where not all are gone through.
    seed : int
        Of the random swaps.

    Returns
    -------
    VersusBest
        NaN for the best itself (the first of several with the same UAR; the others get p = 1).

    Raises
    ------
    ValueError
        If `shares` is not a table of finite numbers.

    References
    ----------
    Westfall & Young (1993), *Resampling-Based Multiple Testing*: step-down with the maximum statistic. The distance
    from best to worst as statistic is Tukey's (Hsu, 1996, *Multiple Comparisons*, chapter 4).

    Examples
    --------
    >>> good, same, bad = [0.08] * 10, [0.09, 0.07] * 5, [0.04] * 10
    >>> found = versus_best(np.array([good, same, bad]))
    >>> found.p.round(4).tolist(), found.low.round(2).tolist()
    ([nan, 1.0, 0.002], [nan, -0.06, 0.16])
    """
    shares = finite_table(shares, "contributions", "speaker")
    best_first = np.argsort(-shares.sum(1).round(12), kind="stable")
    ordered = shares[best_first] - shares[best_first[0]]
    roots = np.sqrt(np.ones((len(shares),) * 2) if ratios is None else ratios)[np.ix_(best_first, best_first)]
    swapped = (signs(shares.shape[1], resamples, seed) @ ordered.T).T
    behind = -ordered.sum(1)
    p, within = _stepped_down(_steps(swapped, roots, behind, level), level)
    places = np.argsort(best_first)
    behind[0] = np.nan
    return VersusBest(behind[places], (behind - within)[places], (behind + within)[places], p[places])


def _steps(swapped: Floats, roots: Floats, behind: Floats, level: float) -> list[tuple[float, float]]:
    """For each system but the first, how often chance brings as much, and what chance brings rarely.

    That is the share of resamples in which it and those before it are as far apart as it is `behind`, and the distance that a share
    `level` of them reaches. In: distances after each swap, shape (n_systems, n_resamples), the best system first.
    """
    reach = np.zeros(swapped.shape[1])
    found = []
    for j in range(1, len(swapped)):
        for i in range(j):
            np.maximum(reach, roots[i, j] * np.abs(swapped[i] - swapped[j]), out=reach)
        found.append((float((reach >= behind[j] - TIE).mean()), _reached_by(reach, level)))
    return found


def _stepped_down(steps: list[tuple[float, float]], level: float) -> tuple[Floats, Floats]:
    """P-values, none below that of a farther system, and half the widths of the intervals that agree with them; NaN for the best."""
    p, within = np.full((2, len(steps) + 1), np.nan)
    least, stuck = 0.0, np.nan
    for j, (alone, reached) in reversed(list(enumerate(steps, 1))):
        least = max(least, alone)
        stuck = reached if np.isnan(stuck) and least >= level else stuck
        p[j], within[j] = least, np.fmax(reached, stuck)
    return p, within


def p_vs_best(shares: Floats, ratios: Floats | None = None, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """The p-values of `versus_best`, shape (n_systems,).

    Examples
    --------
    >>> good, same, bad = [0.08] * 10, [0.09, 0.07] * 5, [0.04] * 10
    >>> p_vs_best(np.array([good, same, bad])).round(4).tolist()
    [nan, 1.0, 0.002]
    """
    return versus_best(shares, ratios, resamples=resamples, seed=seed).p


def _reached_by(reach: Floats, share: float) -> float:
    """The largest distance that at least that share of resamples reaches."""
    return float(np.sort(reach)[-int(np.ceil(share * len(reach) - TIE))])


def holm(p: ArrayLike) -> Floats:
    """P-values corrected for how many there are, by Holm's step-down method.

    Of m in order, the i-th (from 0) is multiplied by m - i, and none may fall below an earlier one; NaN stays and does not count.

    Parameters
    ----------
    p : array of float, shape (m,)

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, *Scandinavian Journal of Statistics* 6(2).

    Examples
    --------
    >>> holm([0.01, 0.04, np.nan, 0.03]).round(2).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    values = np.asarray(p, dtype=float)
    result: Floats = np.full(len(values), np.nan)
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    result[order] = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)).clip(max=1)
    return result


def n_swaps(n_speakers: int, *, resamples: int = RESAMPLES) -> int:
    """How many swaps `versus_best` goes through, the data as they are included: all of them, or so many random ones.

    >>> n_swaps(10), n_swaps(24)
    (512, 10000)
    """
    return 2 ** (n_speakers - 1) if 2 ** (n_speakers - 1) <= ENUMERABLE else resamples + 1


def smallest_p(n_speakers: int, ratio: float = 1.0, *, resamples: int = RESAMPLES) -> float:
    """The least value that `p_vs_best` can give with so many speakers, all of whom differ by the same.

    It is the share of swaps after which the distance, times the root of the variance ratio, is still the distance.

    >>> smallest_p(4), smallest_p(6), smallest_p(8, 2.0)
    (0.125, 0.03125, 0.0703125)
    """
    if 2 ** (n_speakers - 1) > ENUMERABLE:
        return 1 / (resamples + 1)
    most = int(n_speakers * (1 - ratio**-0.5) / 2 + TIE)
    return sum(comb(n_speakers, swapped) for swapped in range(most + 1)) / 2 ** (n_speakers - 1)


def smallest_difference(
    shares: Floats,
    ratios: Floats | None = None,
    *,
    power: float = 0.8,
    level: float = 0.05,
    boards: int = 200,
    resamples: int = 1000,
    seed: int = 0,
) -> float:
    """UAR that a system must truly be worse than the best for `p_vs_best` to find it with this power, given these speakers.

    A simulation in which all systems are equally good but differ from speaker to speaker as these do. A simulated speaker s
    contributes ``sum_t z_st * (u_jt - mean_t u_jt) / sqrt(n - 1)`` to system j, z being standard normal: contributions have
    the covariance over systems that the n speakers show. On each simulated board one system is moved away from the others until
    it gets a p of `level`; the distance that is enough on a share `power` of the boards is the result. The system is the one
    whose paired differences to the best have the median spread over speakers (the lower of two). Where voices train each
    other's models, errors and what a difference is compared with both grow by the root of the variance ratio: the mean over pairs is taken.

    So the answer is for one system among others as good as the best, is no surer than the spread that a few speakers show, and
    leaves aside that a farther system is evaluated first. `benchmarks/size.py` measures the power that there is.

    Parameters
    ----------
    shares : array of float, shape (n_systems, n_speakers)
    ratios : array of float, shape (n_systems, n_systems), optional
        As in `versus_best`.
    power : float
        Chance that the difference is found.
    level : float
        The largest p that counts as found.
    boards : int
        How many are simulated.
    resamples : int
        As in `p_vs_best`.
    seed : int
        Of boards and swaps.

    Returns
    -------
    float
        Difference in UAR. Infinite where no p can be as small as `level` (for .05: with five speakers or fewer), or where
        only a difference above 1 would do; NaN for a single system, which there is nothing to tell from.

    Raises
    ------
    ValueError
        As `p_vs_best`, or if `power` or `level` is not between 0 and 1.

    References
    ----------
    The parametric bootstrap: Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 6.

    Examples
    --------
    >>> steady, uneven = [0.06] * 10, [0.07, 0.05] * 5
    >>> round(smallest_difference(np.array([steady, uneven])), 2)
    0.11
    """
    if not (0 < power < 1 and 0 < level < 1):
        raise ValueError(f"power is {power} and level {level}; both lie between 0 and 1")
    shares = finite_table(shares, "contributions", "speaker")
    n_systems, n_speakers = shares.shape
    if n_systems < 2:
        return float("nan")
    wider = 1.0 if ratios is None else float(np.sqrt(ratios[~np.eye(n_systems, dtype=bool)]).mean())
    if smallest_p(n_speakers, wider**2, resamples=resamples) > level:
        return float("inf")
    centred = _leads_on_typical(shares)
    rng = np.random.default_rng(seed)
    # Board by board: of a thousand speakers, all at once would be 1.6 GB.
    leads = [rng.standard_normal((n_speakers, n_speakers)) @ centred.T for _ in range(boards)]
    swaps = signs(n_speakers, resamples, seed)
    if len(swaps) > 2 * resamples:  # all of them are more than the answer is worth
        swaps = swaps[rng.permutation(len(swaps))[:resamples]]
    needed = np.sort(_shifts_needed(swaps, leads, level))
    difference = wider * float(needed[int(np.ceil(power * boards)) - 1])
    return difference if difference <= 1 else float("inf")


def _leads_on_typical(shares: Floats) -> Floats:
    """What each other system gains on the typical one, voice by voice, centred and divided by ``sqrt(n - 1)``; one row per system."""
    best, *others = np.argsort(-shares.sum(1).round(12), kind="stable")
    spreads = (shares[others] - shares[best]).std(1).round(12)
    typical = others[np.argsort(spreads, kind="stable")[(len(others) - 1) // 2]]
    differences = np.delete(shares, typical, 0) - shares[typical]
    centred: Floats = (differences - differences.mean(1, keepdims=True)) / np.sqrt(shares.shape[1] - 1)
    return centred


def _shifts_needed(swaps: Floats, leads: Sequence[Floats], level: float) -> Floats:
    """How much worse a system must get on each board for a p of `level`; infinite above 1. All boards are halved at once.

    In: swaps, shape (n_resamples, n_speakers), and per board what each other system gains on it, shape (n_speakers, n_others).
    """
    highest, lowest = np.stack([(swapped.max(1), swapped.min(1)) for swapped in (swaps @ lead for lead in leads)], axis=1)
    front, lean = np.array([lead.sum(0).max() for lead in leads]), swaps.mean(1)

    def p(shifts: Floats) -> Floats:
        moved = lean * shifts[:, None]
        reach = np.maximum(highest + moved, 0) - np.minimum(lowest + moved, 0)
        return (reach >= (front + shifts - 1e-12)[:, None]).mean(1)

    near, far = np.zeros(len(leads)), np.ones(len(leads))
    never = p(far) > level
    while far[0] - near[0] > 1e-4:  # as wide on every board
        middle = (near + far) / 2
        enough = p(middle) <= level
        near, far = np.where(enough, near, middle), np.where(enough, middle, far)
    return np.where(never, np.inf, far)


def finite_table(values: ArrayLike, what: str, column: str) -> Floats:
    """Numbers of several systems as an array of float, or a ValueError that says what they are and what a column is."""
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ValueError(f"{what} must be finite numbers, one row per system and one column per {column}")
    return table


def signs(n_speakers: int, resamples: int, seed: int) -> Floats:
    """Swap (-1) or leave (+1) each speaker (or corpus), one resample per row, the first row leaving all.

    Where all patterns are gone through, the last speaker stays: swapping everybody changes no distance, so half of them
    tell all.
    """
    if 2 ** (n_speakers - 1) <= ENUMERABLE:
        patterns = np.arange(2 ** (n_speakers - 1))
        bits = patterns[:, None] >> np.arange(n_speakers) & 1
        return 1.0 - 2.0 * bits
    drawn = np.random.default_rng(seed).integers(0, 2, (resamples + 1, n_speakers))
    drawn[0] = 0
    return 1.0 - 2.0 * drawn
