"""Intervals of all that is scored besides the UAR, by the same jackknife over voices.

In:   confusion counts by seed and voice, or probabilities clip by clip.
Out:  `Interval`, one per score or class.
Rule: values are those of `metrics` and `curves`; bounds are those of `statistic_interval` and `loss_interval`, with the caller's inflation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.intervals import Interval, class_intervals, loss_interval, statistic_interval
from ser_bench.scores.leaving_out import LeftOut, aucs_without, calibration_error_without, log_loss_without, micro_auc_without
from ser_bench.scores.metrics import Counts, Floats, codes, f1s_of, labels, macro_f1_of, precisions_of, uar_of, war_of


class ProbabilityIntervals(NamedTuple):
    """Intervals of what probabilities are worth; those of `auc_by_class` in the order of the classes."""

    auc: Interval
    auc_by_class: list[Interval]
    micro_auc: Interval
    log_loss: Interval
    calibration_error: Interval


def war_interval_of(counts: Counts, *, inflation: float = 1.0) -> Interval:
    """`war`, the mean over seeds, from counts of shape (n_seeds, n_voices, k, k); worth at most all clips."""
    clips = counts[0].sum((1, 2))
    return _of_counts(war_of, counts, clips, float(clips.sum()), inflation)


def macro_f1_interval_of(counts: Counts, *, inflation: float = 1.0) -> Interval:
    """`macro_f1`, the mean over seeds, from counts of shape (n_seeds, n_voices, k, k); worth at most `balanced_clips`."""
    clips = counts[0].sum(-1)
    return _of_counts(macro_f1_of, counts, clips, balanced_clips(clips), inflation)


def precision_intervals_of(counts: Counts, *, inflation: float = 1.0) -> list[Interval]:
    """Precision of each class, pooled over seeds, over the voices in whose clips it was predicted; counts (n_seeds, n_voices, k, k)."""
    pooled = counts.sum(0, keepdims=True)
    return class_intervals(precisions_of, pooled, pooled[0].sum(-2) / len(counts), inflation=inflation)


def f1_intervals_of(counts: Counts, *, inflation: float = 1.0) -> list[Interval]:
    """F1 of each class, pooled over seeds, over the voices that meant it or in whose clips it was predicted; counts as above."""
    pooled = counts.sum(0, keepdims=True)
    return class_intervals(f1s_of, pooled, (pooled[0].sum(-1) + pooled[0].sum(-2)) / 2 / len(counts), inflation=inflation)


def fold_uar_interval_of(counts: Counts, places: ArrayLike, *, inflation: float = 1.0) -> Interval:
    """The mean over folds of the UAR within each.

    Parameters
    ----------
    counts : array of int, shape (n_parts, k, k)
        Confusions of each part: the clips of one voice in one fold (of one seed).
    places : array of labels, shape (n_parts, 2)
        Fold and voice of each part.
    inflation : float
        As in `ser_bench.scores.jackknife_interval`.
    """
    names = np.asarray(places)
    fold, voice = (np.unique(column, return_inverse=True)[1] for column in names.T)
    k = counts.shape[-1]
    table = np.zeros((fold.max() + 1, voice.max() + 1, k, k), counts.dtype)
    np.add.at(table, (fold, voice), counts)
    total = table.sum(1)
    without = np.nanmean(uar_of(total[:, None] - table), axis=0)
    clips = table.sum((0, -1))
    return statistic_interval(float(uar_of(total).mean()), without, clips, balanced_clips(clips), inflation=inflation)


def auc_interval(
    truth: ArrayLike,
    probabilities: ArrayLike,
    voices: ArrayLike,
    folds: ArrayLike | None = None,
    *,
    classes: ArrayLike | None = None,
    repeats: int = 1,
    inflation: float = 1.0,
) -> Interval:
    """`auc` with its interval; parameters as in `aucs_without` and `probability_intervals`.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]]
    >>> [round(value, 2) for value in auc_interval(list("aabbab"), p, list("xyxyzz"))]
    [0.89, 0.13, 1.0]
    """
    clips = _clips(truth, voices, classes) / repeats
    macro, _ = aucs_without(truth, probabilities, voices, folds, classes=classes)
    return statistic_interval(float(macro.score), macro.without, clips, balanced_clips(clips), inflation=inflation)


def probability_intervals(
    truth: ArrayLike,
    predicted: ArrayLike,
    probabilities: ArrayLike,
    voices: ArrayLike,
    folds: ArrayLike,
    *,
    classes: ArrayLike,
    repeats: int = 1,
    inflation: float = 1.0,
) -> ProbabilityIntervals:
    """All that probabilities are scored by, with intervals.

    Parameters
    ----------
    truth, predicted, voices : array of labels, shape (n_predictions,)
    probabilities : array of float, shape (n_predictions, k)
    folds : array of labels, shape (n_predictions,)
        The fold and seed of each.
    classes : array of labels, shape (k,)
        The columns.
    repeats : int
        Seeds: how often each clip was predicted.
    inflation : float
        As in `ser_bench.scores.jackknife_interval`.
    """
    clips = _clips(truth, voices, classes) / repeats
    weight, most = clips.sum(1), balanced_clips(clips)

    def of(found: LeftOut) -> Interval:
        return statistic_interval(float(found.score), found.without, clips, most, inflation=inflation)

    def loss_of(found: LeftOut) -> Interval:
        return loss_interval(float(found.score), found.without, weight, 1 / weight.sum(), inflation=inflation)

    macro, by_class = aucs_without(truth, probabilities, voices, folds, classes=classes)
    each = [LeftOut(*pair) for pair in zip(by_class.score, by_class.without.T, strict=True)]
    return ProbabilityIntervals(
        of(macro),
        [of(mine) for mine in each],
        of(micro_auc_without(truth, probabilities, voices, folds, classes=classes)),
        loss_of(log_loss_without(truth, probabilities, voices, classes=classes)),
        loss_of(calibration_error_without(truth, predicted, probabilities, voices, classes=classes)),
    )


def balanced_clips(clips: Floats) -> float:
    """How many clips a mean over classes is worth: ``k^2 / sum_c 1/N_c``, which is their number where all classes have as many.

    Parameters
    ----------
    clips : array of number, shape (n_voices, k)

    Examples
    --------
    >>> balanced_clips(np.array([[10, 10], [10, 10]])), balanced_clips(np.array([[30, 10]]))
    (40.0, 30.0)
    """
    meant = clips.sum(0)
    meant = meant[meant > 0]
    return float(len(meant) ** 2 / np.sum(1 / meant))


def _of_counts(score: Callable[[Counts], Floats], counts: Counts, clips: Floats, most: float, inflation: float) -> Interval:
    """A score of counts, shape (n_seeds, n_voices, k, k), the mean over seeds."""
    total = counts.sum(1, keepdims=True)
    return statistic_interval(float(score(total).mean()), score(total - counts).mean(0), clips, most, inflation=inflation)


def _clips(truth: ArrayLike, voices: ArrayLike, classes: ArrayLike | None) -> Floats:
    """Predictions of each voice and class, shape (n_voices, k)."""
    meant = labels("truth", truth)
    order = np.unique(meant) if classes is None else np.asarray(classes)
    who, voice = np.unique(labels("voices", voices, like=meant), return_inverse=True)
    counted = np.bincount(voice * len(order) + codes(meant, order), minlength=len(who) * len(order))
    return counted.reshape(len(who), len(order)).astype(float)
