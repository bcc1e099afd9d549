"""How far a score would move with other speakers.

In:   what was meant and what was predicted, clip by clip, and whose voice it was.
Out:  UAR, or the recall of each class, with its interval.
Rule: clips of one speaker stand or fall together, so nothing here resamples clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.metrics import Counts, Floats, labels, recalls_of, speaker_counts, uar_of


class Interval(NamedTuple):
    """A score between its bounds, all as fractions of one."""

    score: float
    low: float
    high: float


def jackknife_interval(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, level: float = 0.95, inflation: float = 1.0
) -> Interval:
    """UAR over all clips, with the interval that leaving speakers out one at a time gives it.

    ``score ± t * sqrt((n-1)/n * sum_s (UAR_without_s - mean)^2)`` with Student's t at n - 1 degrees of freedom, which
    widens the interval for a small number n of speakers; cut off at 0 and 1. It speaks about new speakers judged by
    these models; the luck of the training speakers is not in it. Below six speakers it is not to be leaned on.

    In cross-validation each speaker also trained the models that are evaluated on the others, so that speakers' scores are not
    independent and the jackknife's variance is too small; `inflation` multiplies it.

    With several seeds the score is the mean over seeds of the UAR, and the speaker is left out of all seeds at once.
    Where leaving a speaker out takes a class away altogether, the UAR without them is the mean over the classes that
    remain. How that class varies between speakers cannot be known from one, so such an interval tends to be too short.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    predicted : array of labels, shape (n_clips,) or (n_seeds, n_clips)
    speakers : array of labels, shape (n_clips,)
    level : float
        Share of repetitions in which the interval should hold the truth.
    inflation : float
        The variance of the score over that which the jackknife finds, 1 or more: 1 where no model was trained on any of these speakers, at
        most `overlap_bound` in cross-validation.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        With fewer than two speakers: nothing can be said about others. Also as `ser_bench.scores.uar`.

    References
    ----------
    Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 11.

    Examples
    --------
    >>> score, low, high = jackknife_interval(["a", "b"] * 6, ["a", "b", "a", "a"] * 3, list("xxyyyyzzzzzz"))
    >>> print(f"{score:.2f} [{low:.2f}, {high:.2f}]")
    0.75 [0.42, 1.00]
    """
    return jackknife_of(speaker_counts(truth, predicted, speakers), level=level, inflation=inflation)


def difference_interval(
    truth: ArrayLike,
    predicted: ArrayLike,
    other: ArrayLike,
    speakers: ArrayLike,
    *,
    level: float = 0.95,
    inflation: float = 1.0,
) -> Interval:
    """What one system's UAR is above another's on the same clips, with the interval of `jackknife_interval`: each speaker is left out of
    both at once, so that what makes a speaker easy for both does not widen it.

    Parameters
    ----------
    truth, predicted, speakers, level, inflation
        As in `jackknife_interval`.
    other : array of labels, shape (n_clips,) or (n_seeds, n_clips)
        What the other system predicted.

    Returns
    -------
    Interval
        From -1 to 1.

    Raises
    ------
    ValueError
        As `jackknife_interval`.

    Examples
    --------
    >>> truth, speakers = ["a", "b"] * 6, list("xxyyyyzzzzzz")
    >>> score, low, high = difference_interval(truth, truth, ["a", "b", "a", "a"] * 3, speakers)
    >>> print(f"{score:.2f} [{low:.2f}, {high:.2f}]")
    0.25 [-0.08, 0.58]
    """
    counts, others = (speaker_counts(truth, decided, speakers) for decided in (predicted, other))
    return difference_of(counts, others, level=level, inflation=inflation)


def recall_intervals(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, level: float = 0.95, inflation: float = 1.0
) -> dict[str, Interval]:
    """Recall of each class that was meant, in sorted order, with the interval that leaving speakers out one at a time gives it.

    ``recall_c ± t * sqrt((n_c-1)/n_c * sum_s (recall_c_without_s - mean)^2)`` over the n_c speakers who meant class c, with
    Student's t at n_c - 1 degrees of freedom; cut off at 0 and 1. Who never meant the class says nothing of it. With several seeds
    the recall is the mean over seeds. Each interval is by itself: of k of them, the chance that one misses is greater than of one.

    Parameters
    ----------
    truth, predicted, speakers, level, inflation
        As in `jackknife_interval`.

    Returns
    -------
    dict of str to Interval
        Bounds are NaN for a class that fewer than two speakers meant.

    Raises
    ------
    ValueError
        As `jackknife_interval`.

    Examples
    --------
    >>> truth, speakers = ["a", "b"] * 6, list("xxyyyyzzzzzz")
    >>> found = recall_intervals(truth, ["a", "b", "a", "a"] * 3, speakers)
    >>> {name: f"{score:.2f} [{low:.2f}, {high:.2f}]" for name, (score, low, high) in found.items()}
    {'a': '1.00 [1.00, 1.00]', 'b': '0.50 [0.00, 1.00]'}
    """
    meant = labels("truth", truth)
    order = np.unique(np.concatenate([meant, labels("predicted", predicted, like=meant).ravel()]))
    found = recall_intervals_of(speaker_counts(meant, predicted, speakers, classes=order), level=level, inflation=inflation)
    return {str(name): interval for name, interval in zip(order, found, strict=True) if name in meant}


def jackknife_of(counts: Counts, *, level: float = 0.95, inflation: float = 1.0) -> Interval:
    """`jackknife_interval` of confusion counts, shape (n_speakers, k, k) or (n_seeds, n_speakers, k, k)."""
    score, low, high = _around(*_leaving_out(counts), level, inflation)
    return Interval(score, max(0.0, low), min(1.0, high))


def difference_of(counts: Counts, others: Counts, *, level: float = 0.95, inflation: float = 1.0) -> Interval:
    """`difference_interval` of two systems' confusion counts, shapes as `jackknife_of` takes them."""
    ((difference, low, high),) = combinations_of([counts, others], [[1, -1]], level=level, inflation=inflation)
    return Interval(difference, max(-1.0, low), min(1.0, high))


def combinations_of(
    counts: Sequence[Counts], weights: Sequence[Sequence[float]], *, level: float = 0.95, inflation: float = 1.0
) -> list[Interval]:
    """``sum_i w_i UAR_i`` of several systems on the same clips, with the interval of `difference_interval`; one for each w.

    Parameters
    ----------
    counts : sequence of array of int
        Each system's, shapes as `jackknife_of` takes them.
    weights : sequence of sequence of float
        Each as long as `counts`.
    level, inflation
        As in `jackknife_interval`.
    """
    parts = [_leaving_out(mine) for mine in counts]
    found = []
    for mine in weights:
        score = sum(weight * whole for weight, (whole, _) in zip(mine, parts, strict=True))
        without = np.sum([weight * part for weight, (_, part) in zip(mine, parts, strict=True)], axis=0)
        found.append(_around(score, without, level, inflation))
    return found


def recall_intervals_of(counts: Counts, *, level: float = 0.95, inflation: float = 1.0) -> list[Interval]:
    """`recall_intervals` of confusion counts, shapes as `jackknife_of` takes them: one a class, NaN for one that nobody meant."""
    counts = _by_seed(counts)
    total = counts.sum(1, keepdims=True)
    whole, without = recalls_of(total)[:, 0].mean(0), recalls_of(total - counts).mean(0)
    showed = counts[0].sum(-1) > 0
    found = []
    for place, score in enumerate(whole):
        shown = without[showed[:, place], place]
        low, high = _around(score, shown, level, inflation)[1:] if len(shown) > 1 else (np.nan, np.nan)
        found.append(Interval(float(score), float(np.maximum(low, 0)), float(np.minimum(high, 1))))
    return found


def _by_seed(counts: Counts) -> Counts:
    """Counts of shape (n_seeds, n_speakers, k, k), or a ValueError where there is a single speaker."""
    counts = counts.reshape(-1, *counts.shape[-3:])
    if counts.shape[1] < 2:
        raise ValueError("an interval over speakers needs at least two; these clips have one")
    return counts


def _leaving_out(counts: Counts) -> tuple[float, Floats]:
    """UAR over all speakers, and without each of them, both means over seeds."""
    counts = _by_seed(counts)
    total = counts.sum(1, keepdims=True)
    return float(uar_of(total).mean()), uar_of(total - counts).mean(0)


def _around(score: float, without: Floats, level: float, inflation: float) -> Interval:
    """A score between what its values without each speaker say of it."""
    from scipy.stats import t

    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1")
    if not 1 <= inflation < np.inf:
        raise ValueError(f"inflation is {inflation}; it is a ratio of variances, 1 or more")
    n = len(without)
    error = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
    reach = float(t.ppf((1 + level) / 2, n - 1) * np.sqrt(inflation) * error)
    return Interval(score, score - reach, score + reach)
