"""How well scores order clips, and whether probabilities mean what they say, as curves and as one number.

In:   true classes, and a score per class, clip by clip, as plain arrays.
Out:  points to draw, few or many as the caller asks.
Rule: the area below a class's ROC curve is its AUC: curves are taken within folds too, as scores of differently trained models
      do not share a scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.metrics import Floats, codes, each_fold, labels


def roc_curves(
    truth: ArrayLike, scores: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None, points: int = 41
) -> Floats:
    """Each class's ROC curve against the rest, the mean over folds: which share of the class is found at which share of false alarms.

    ``found_c(x) = mean_f ROC_cf(x)`` at equally spaced false-alarm rates x from 0 to 1, ROC_cf being the curve of class c in fold f,
    straight between thresholds, so that ties count half. Where it jumps, the upper value stands. With many points the area
    below is that of `ser_bench.scores.aucs`.

    Parameters
    ----------
    truth, scores, folds, classes
        As in `ser_bench.scores.auc`.
    points : int
        Rates of false alarms, the first 0 and the last 1.

    Returns
    -------
    array of float, shape (k, points)
        Rows of NaN for a class that no fold holds beside another.

    Raises
    ------
    ValueError
        As `ser_bench.scores.auc`.

    References
    ----------
    Fawcett (2006), An introduction to ROC analysis, *Pattern Recognition Letters* 27(8): vertical averaging.

    Examples
    --------
    >>> roc_curves(["a", "a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]], points=3).tolist()
    [[0.5, 1.0, 1.0], [0.5, 1.0, 1.0]]
    """
    rates = np.linspace(0, 1, points)
    drawn = [_curves(code, values, rates) for code, values in each_fold(truth, scores, folds, classes)]
    stacked = np.stack(drawn)
    told = ~np.isnan(stacked)
    total, n = np.where(told, stacked, 0.0).sum(0), told.sum(0)
    return np.divide(total, n, where=n > 0, out=np.full(total.shape, np.nan))


def reliability(
    truth: ArrayLike, predicted: ArrayLike, probabilities: ArrayLike, *, classes: ArrayLike | None = None, bins: int = 15
) -> Floats:
    """How often decisions were right, by how probable they were said to be.

    Parameters
    ----------
    truth, predicted : array of labels, shape (n_clips,)
    probabilities : array of float, shape (n_clips, k)
    classes : array of labels, shape (k,), optional
        The columns; by default the labels that occur in `truth`, sorted.
    bins : int
        Equal ones, of the decision's probability.

    Returns
    -------
    array of float, shape (n_used, 3)
        Of each bin that holds a clip: the mean probability, the share right, and the number of clips.

    Raises
    ------
    ValueError
        As `ser_bench.scores.auc`, or if a decision is none of the classes.

    Examples
    --------
    >>> reliability(["a", "b"], ["a", "a"], [[0.9, 0.1], [0.7, 0.3]]).tolist()
    [[0.7, 0.0, 1.0], [0.9, 1.0, 1.0]]
    """
    meant = labels("truth", truth)
    order = np.unique(meant) if classes is None else np.asarray(classes)
    ((code, values),) = each_fold(meant, probabilities, None, order)
    decided = codes(labels("predicted", predicted, like=meant), order)
    belief = values[np.arange(len(decided)), decided]
    place = np.minimum((belief * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=weights, minlength=bins)[n > 0] for weights in (belief, decided == code)]
    return np.column_stack([*(total / n[n > 0] for total in sums), n[n > 0]])


def calibration_error(
    truth: ArrayLike, predicted: ArrayLike, probabilities: ArrayLike, *, classes: ArrayLike | None = None, bins: int = 15
) -> float:
    """Expected calibration error: ``sum_b n_b / N * |share right - mean probability|`` over the bins b of `reliability`.

    Parameters, errors: see `reliability`.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI; Guo et al. (2017), ICML.

    Examples
    --------
    >>> round(calibration_error(["a", "b"], ["a", "a"], [[0.9, 0.1], [0.7, 0.3]]), 4)
    0.4
    """
    said, right, n = reliability(truth, predicted, probabilities, classes=classes, bins=bins).T
    return float((n * np.abs(right - said)).sum() / n.sum())


def _curves(code: NDArray[np.intp], scores: Floats, rates: Floats) -> Floats:
    """One fold's curves at the given rates, shape (k, n_rates)."""
    found = np.full((scores.shape[1], len(rates)), np.nan)
    for place, column in enumerate(scores.T):
        inside = code == place
        if 0 < inside.sum() < len(inside):
            found[place] = _curve(inside, column, rates)
    return found


def _curve(inside: NDArray[np.bool_], scores: Floats, rates: Floats) -> Floats:
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, alarms = (np.append(0, np.cumsum(which[order])[last_of_tie]) for which in (inside, ~inside))
    hits, alarms = hits / hits[-1], alarms / alarms[-1]
    # The last corner at or before each rate: where the curve jumps, its upper end.
    before = np.searchsorted(alarms, rates, side="right") - 1
    after = np.minimum(before + 1, len(alarms) - 1)
    width = alarms[after] - alarms[before]
    share = np.divide(rates - alarms[before], width, where=width > 0, out=np.zeros(len(rates)))
    return hits[before] + share * (hits[after] - hits[before])
