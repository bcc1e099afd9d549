"""How far a score would move with other speakers.

In:   true classes and what was predicted, clip by clip, and whose voice it was; or a statistic without each voice in turn.
Out:  UAR, the recall of each class, a difference or any other statistic, with its interval.
Rule: clips of one speaker stand or fall together, so nothing here resamples clips; and no interval is without width, as no number of clips
      shows that nothing will ever go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.metrics import Counts, Floats, labels, recalls_of, speaker_counts, uar_of
from ser_bench.scores.proportions import degrees_of_freedom, proportion_bounds, student


class Interval(NamedTuple):
    """A score between its bounds, all as fractions of one."""

    score: float
    low: float
    high: float


def jackknife_interval(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, level: float = 0.95, inflation: float = 1.0
) -> Interval:
    """UAR over all clips, with the interval that leaving speakers out one at a time gives it.

    ``V = (n-1)/n * sum_s (UAR_without_s - mean)^2`` is the score's variance over n speakers. The bounds are Wilson's
    (`proportion_bounds`) for a proportion of that variance, with Student's t at `effective_voices` - 1 degrees of freedom,
    which widens the interval for few speakers, and for many of whom a few have most of the clips. V is no less than that of
    independent clips, with half an error and half a hit added to each class, so that there is some width where all clips are
    right. It speaks about new speakers evaluated by these models. Below six speakers it is not reliable.

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
    Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 11; for the bounds `proportion_bounds`.

    Examples
    --------
    >>> score, low, high = jackknife_interval(["a", "b"] * 6, ["a", "b", "a", "a"] * 3, list("xxyyyyzzzzzz"))
    >>> print(f"{score:.2f} [{low:.2f}, {high:.2f}]")
    0.75 [0.19, 0.97]
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
    """The difference of one system's UAR from another's on the same clips: ``difference ± t sqrt(V)``, cut off at -1 and 1.

    V is the variance of `jackknife_interval`, each speaker left out of both systems at once, so that what makes a speaker easy
    for both does not widen it. It is no less than the square of what a single clip of the rarest class is worth,
    ``1 / (k min_c N_c)``: systems that agree about every clip of these speakers may still disagree about another's.

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
    0.25 [-0.22, 0.72]
    """
    counts, others = (speaker_counts(truth, decided, speakers) for decided in (predicted, other))
    return difference_of(counts, others, level=level, inflation=inflation)


def recall_intervals(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, level: float = 0.95, inflation: float = 1.0
) -> dict[str, Interval]:
    """Recall of each true class, in sorted order, with the interval that leaving speakers out one at a time gives it.

    As `jackknife_interval`, of one class at a time over the speakers who meant it. Who never meant the class says nothing of it. With
    several seeds the recall is the mean over seeds. Each interval is by itself: of k of them, the chance that one misses is greater than of
    one.

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
    {'a': '1.00 [0.16, 1.00]', 'b': '0.50 [0.04, 0.96]'}
    """
    meant = labels("truth", truth)
    order = np.unique(np.concatenate([meant, labels("predicted", predicted, like=meant).ravel()]))
    found = recall_intervals_of(speaker_counts(meant, predicted, speakers, classes=order), level=level, inflation=inflation)
    return {str(name): interval for name, interval in zip(order, found, strict=True) if name in meant}


def jackknife_of(counts: Counts, *, level: float = 0.95, inflation: float = 1.0) -> Interval:
    """`jackknife_interval` of confusion counts, shape (n_speakers, k, k) or (n_seeds, n_speakers, k, k)."""
    counts = _by_seed(counts)
    score, without = _leaving_out(counts)
    clips = counts[0].sum(-1)
    return statistic_interval(score, without, clips, _most_clips(counts), level=level, inflation=inflation)


def statistic_interval(
    score: float, without: Floats, clips: Counts | Floats, most_clips: float, *, level: float = 0.95, inflation: float = 1.0
) -> Interval:
    """Any statistic from 0 to 1 with the interval of `jackknife_interval`.

    Parameters
    ----------
    score : float
        The statistic over all voices.
    without : array of float, shape (n_voices,)
        The statistic without each voice.
    clips : array of number, shape (n_voices,) or (n_voices, k)
        What each voice weighs in it, as `effective_voices` takes it.
    most_clips : float
        Number of independent clips that the statistic is worth at most.
    level, inflation
        As in `jackknife_interval`.

    Returns
    -------
    Interval
        Bounds are NaN where the statistic is, or it is for some voice left out, or there are fewer than two voices.

    Examples
    --------
    >>> [round(bound, 2) for bound in statistic_interval(0.5, np.array([0.45, 0.5, 0.55]), [10, 10, 10], 30)]
    [0.5, 0.19, 0.81]
    """
    if not np.isfinite(score) or len(without) < 2 or not np.isfinite(without).all():
        return Interval(float(score), np.nan, np.nan)
    quantile = student(level, degrees_of_freedom(clips))
    ratio = _checked(inflation)
    return Interval(float(score), *proportion_bounds(float(score), ratio * variance_of(without), most_clips / ratio, quantile))


def loss_interval(
    loss: float, without: Floats, clips: Counts | Floats, one_clip: float, *, level: float = 0.95, inflation: float = 1.0
) -> Interval:
    """A loss from 0 up, a mean over clips: ``loss ± t sqrt(V)``, cut off at 0, where V is at least the square of what `one_clip` is worth.

    Parameters, returns: see `statistic_interval`.

    Examples
    --------
    >>> [round(bound, 2) for bound in loss_interval(0.9, np.array([0.85, 0.9, 0.95]), [10, 10, 10], 1 / 30)]
    [0.9, 0.65, 1.15]
    """
    if len(without) < 2 or not np.isfinite(without).all():
        return Interval(float(loss), np.nan, np.nan)
    reach = _reach(variance_of(without), one_clip, degrees_of_freedom(clips), level, inflation)
    return Interval(float(loss), max(0.0, loss - reach), loss + reach)


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
    clips = _by_seed(counts[0])[0].sum(-1)
    df, one_clip = degrees_of_freedom(clips), _one_clip(clips)
    found = []
    for mine in weights:
        score = float(sum(weight * whole for weight, (whole, _) in zip(mine, parts, strict=True)))
        without = np.sum([weight * part for weight, (_, part) in zip(mine, parts, strict=True)], axis=0)
        reach = _reach(variance_of(without), one_clip, df, level, inflation)
        found.append(Interval(score, score - reach, score + reach))
    return found


def unpaired_difference_of(counts: Counts, others: Counts, *, level: float = 0.95, inflation: float = 1.0) -> Interval:
    """The difference of the UAR over one group of voices from that over a group of others: ``difference ± t sqrt(V_1 + V_2)``.

    The groups share no voice, so their variances add up. Degrees of freedom are Welch's,
    ``(V_1 + V_2)^2 / (V_1^2 / df_1 + V_2^2 / df_2)`` with the `effective_voices` - 1 of either; each V is floored as in
    `difference_interval`.

    Parameters
    ----------
    counts, others : array of int
        Of either group, shapes as `jackknife_of` takes them.
    level, inflation
        As in `jackknife_interval`.

    Returns
    -------
    Interval
        From -1 to 1.

    References
    ----------
    Welch (1947), The generalization of 'Student's' problem when several different population variances are involved, *Biometrika* 34.
    """
    (score, one), (other, two) = _leaving_out(counts), _leaving_out(others)
    clips = [_by_seed(mine)[0].sum(-1) for mine in (counts, others)]
    parts = [max(variance_of(mine), _one_clip(n) ** 2) for mine, n in zip((one, two), clips, strict=True)]
    df = sum(parts) ** 2 / sum(part**2 / degrees_of_freedom(n) for part, n in zip(parts, clips, strict=True))
    reach = _reach(sum(parts), 0.0, df, level, inflation)
    return Interval(score - other, max(-1.0, score - other - reach), min(1.0, score - other + reach))


def worst_voice_of(counts: Counts, *, level: float = 0.95) -> tuple[int, Interval]:
    """The place of the voice with the lowest UAR (the first of several), and that UAR with an interval over its clips.

    Leaving voices out says nothing of a minimum, which changes with one of them alone (Efron, 1979). So clips of the voice are treated as
    independent, and as it was picked among n, the level is that of n intervals that hold all at once (Bonferroni): 1 - (1 - level) / n.

    Parameters
    ----------
    counts : array of int
        Shapes as `jackknife_of` takes them.
    level : float
        As in `jackknife_interval`.

    References
    ----------
    Efron (1979), Bootstrap methods: another look at the jackknife, *Annals of Statistics* 7(1).
    """
    counts = counts.reshape(-1, *counts.shape[-3:])
    uars = uar_of(counts).mean(0)
    worst = int(np.nanargmin(uars))
    quantile = student(1 - (1 - level) / len(uars), np.inf)
    bounds = proportion_bounds(float(uars[worst]), 0.0, _most_clips(counts[:, [worst]]), quantile)
    return worst, Interval(float(uars[worst]), *bounds)


def recall_intervals_of(counts: Counts, *, level: float = 0.95, inflation: float = 1.0) -> list[Interval]:
    """`recall_intervals` of confusion counts, shapes as `jackknife_of` takes them: one per class, NaN for one that nobody meant."""
    counts = _by_seed(counts)
    return class_intervals(recalls_of, counts, counts[0].sum(-1), level=level, inflation=inflation)


def class_intervals(
    score: Callable[[Counts], Floats], counts: Counts, clips: Floats, *, level: float = 0.95, inflation: float = 1.0
) -> list[Interval]:
    """A score of each class from confusion counts, with the interval of `statistic_interval` over the voices that have clips in it.

    Parameters
    ----------
    score : callable
        Of counts of shape (..., k, k), giving (..., k): `recalls_of`, `precisions_of`, `f1s_of`.
    counts : array of int, shape (n_seeds, n_voices, k, k)
    clips : array of number, shape (n_voices, k)
        How many clips of each voice the score of each class is taken over.
    level, inflation
        As in `jackknife_interval`.

    Returns
    -------
    list of Interval
    """
    total = counts.sum(1, keepdims=True)
    whole, without = score(total)[:, 0].mean(0), score(total - counts).mean(0)
    found = []
    for place, value in enumerate(whole):
        own = clips[:, place] > 0
        mine = clips[own, place]
        found.append(statistic_interval(value, without[own, place], mine, float(mine.sum()), level=level, inflation=inflation))
    return found


def variance_of(without: Floats) -> float:
    """The jackknife's variance of a statistic from its values without each voice: ``(n-1)/n * sum_s (value_s - mean)^2``."""
    n = len(without)
    return float((n - 1) / n * np.sum((without - without.mean()) ** 2))


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


def _most_clips(counts: Counts) -> float:
    """The number of independent clips that have the variance of this UAR: half an error and half a hit are added to each class.

    ``n = p (1 - p) / (1/k^2 sum_c p_c (1 - p_c) / N_c)``, where p is the mean of the p_c; for a single class its number of clips.
    """
    clips = counts[0].sum((0, 2))
    meant = clips > 0
    right = np.diagonal(counts.sum(1), axis1=-2, axis2=-1).mean(0)[meant]
    n = clips[meant]
    shares = (right + 0.5) / (n + 1)
    p = shares.mean()
    return float(p * (1 - p) / np.sum(shares * (1 - shares) / n) * len(n) ** 2)


def _one_clip(clips: Counts) -> float:
    """The most by which a single clip can change a UAR over so many clips per voice and class."""
    meant = clips.sum(0)
    return float(1 / (np.count_nonzero(meant) * meant[meant > 0].min()))


def _reach(variance: float, floor: float, df: float, level: float, inflation: float) -> float:
    """How far an interval on the linear scale reaches to either side; the standard error is at least `floor`."""
    return student(level, df) * float(np.sqrt(_checked(inflation) * max(variance, floor**2)))


def _checked(inflation: float) -> float:
    if not 1 <= inflation < np.inf:
        raise ValueError(f"inflation is {inflation}; it is a ratio of variances, 1 or more")
    return inflation
