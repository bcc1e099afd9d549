"""Scores of probabilities without each voice in turn, by counting once instead of scoring again for every voice.

In:   true classes, a score per class, clip by clip, and whose voice it was, as plain arrays.
Out:  the score over all voices, and over all but each, voices in sorted order: what `ser_bench.scores.statistic_interval` takes.
Rule: exactly the scores of `metrics` and `curves` on the clips that are left; a fold that a voice alone holds goes with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.distributions import dense_ranks
from ser_bench.scores.metrics import Floats, codes, each_fold, labels


class LeftOut(NamedTuple):
    """A score, or one per class: over all voices, shape (...), and without each, shape (n_voices, ...)."""

    score: Floats
    without: Floats


def aucs_without(
    truth: ArrayLike, scores: ArrayLike, voices: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None
) -> tuple[LeftOut, LeftOut]:
    """`auc` and `aucs` without each voice.

    Wins of one voice's clips over another's are counted by ranks, so that leaving a voice out is a subtraction.

    Parameters
    ----------
    truth, scores, folds, classes
        As in `ser_bench.scores.auc`.
    voices : array of labels, shape (n_clips,)

    Returns
    -------
    macro : LeftOut
        Of shapes () and (n_voices,).
    by_class : LeftOut
        Of shapes (k,) and (n_voices, k); NaN where no fold holds the class and another.

    Examples
    --------
    >>> macro, _ = aucs_without(list("abab"), [[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.2, 0.8]], list("xxyy"))
    >>> float(macro.score), macro.without.tolist()
    (0.75, [1.0, 1.0])
    """
    who, voice = np.unique(labels("voices", voices), return_inverse=True)
    parts = []
    for inside, (code, values) in zip(_fold_masks(truth, folds), each_fold(truth, scores, folds, classes), strict=True):
        parts.append(_aucs_of_fold(code[:, None] == np.arange(values.shape[1]), values, voice[inside], len(who)))
    whole, without = np.stack([part.score for part in parts]), np.stack([part.without for part in parts])
    macro = LeftOut(_mean(_mean(whole, -1), 0), _mean(_mean(without, -1), 0))
    return macro, LeftOut(_mean(whole, 0), _mean(without, 0))


def micro_auc_without(
    truth: ArrayLike, scores: ArrayLike, voices: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None
) -> LeftOut:
    """`micro_auc` without each voice, of shapes () and (n_voices,).

    Parameters: see `aucs_without`.

    Examples
    --------
    >>> found = micro_auc_without(list("abab"), [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]], list("xxyy"))
    >>> float(found.score), found.without.tolist()
    (0.96875, [0.875, 1.0])
    """
    who, voice = np.unique(labels("voices", voices), return_inverse=True)
    parts = []
    for inside, (code, values) in zip(_fold_masks(truth, folds), each_fold(truth, scores, folds, classes), strict=True):
        own = (code[:, None] == np.arange(values.shape[1])).reshape(-1, 1)
        parts.append(_aucs_of_fold(own, values.reshape(-1, 1), np.repeat(voice[inside], values.shape[1]), len(who)))
    return LeftOut(_mean(np.stack([part.score[0] for part in parts]), 0), _mean(np.stack([part.without[:, 0] for part in parts]), 0))


def log_loss_without(truth: ArrayLike, probabilities: ArrayLike, voices: ArrayLike, *, classes: ArrayLike | None = None) -> LeftOut:
    """`log_loss` without each voice, of shapes () and (n_voices,).

    Parameters: see `ser_bench.scores.log_loss` and `aucs_without`.

    Examples
    --------
    >>> log_loss_without(list("ab"), [[0.5, 0.5], [0.2, 0.8]], list("xy")).without.round(2).tolist()
    [0.22, 0.69]
    """
    voice = np.unique(labels("voices", voices), return_inverse=True)[1]
    ((code, values),) = each_fold(truth, probabilities, None, classes)
    loss = -np.log(values[np.arange(len(code)), code].clip(1e-7))
    by_voice, n = np.bincount(voice, loss), np.bincount(voice)
    return LeftOut(np.asarray(loss.mean()), _ratio(by_voice.sum() - by_voice, n.sum() - n))


def calibration_error_without(
    truth: ArrayLike,
    predicted: ArrayLike,
    probabilities: ArrayLike,
    voices: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    bins: int = 15,
) -> LeftOut:
    """`calibration_error` without each voice, of shapes () and (n_voices,).

    Parameters: see `ser_bench.scores.calibration_error` and `aucs_without`.

    Examples
    --------
    >>> found = calibration_error_without(list("ab"), list("aa"), [[0.9, 0.1], [0.7, 0.3]], list("xy"))
    >>> found.without.round(2).tolist()
    [0.7, 0.1]
    """
    meant = labels("truth", truth)
    order = np.unique(meant) if classes is None else np.asarray(classes)
    who, voice = np.unique(labels("voices", voices), return_inverse=True)
    ((code, values),) = each_fold(meant, probabilities, None, order)
    decided = codes(labels("predicted", predicted, like=meant), order)
    belief = values[np.arange(len(code)), decided]
    cell = voice * bins + np.minimum((belief * bins).astype(int), bins - 1)
    excess, n = (
        np.bincount(cell, w, minlength=len(who) * bins).reshape(-1, bins) for w in ((decided == code) - belief, np.ones(len(code)))
    )

    def error(excess: Floats, n: Floats) -> Floats:
        return _ratio(np.abs(excess).sum(-1), n.sum(-1))

    return LeftOut(error(excess.sum(0), n.sum(0)), error(excess.sum(0) - excess, n.sum(0) - n))


def _fold_masks(truth: ArrayLike, folds: ArrayLike | None) -> list[NDArray[np.bool_]]:
    """Which clips are in each fold, in the order of `each_fold`."""
    where = np.zeros(len(labels("truth", truth)), dtype=int) if folds is None else labels("folds", folds)
    return [where == fold for fold in np.unique(where)]


def _aucs_of_fold(positive: NDArray[np.bool_], scores: Floats, voice: NDArray[np.intp], n_voices: int) -> LeftOut:
    """Of each column, in one fold; who is not in it changes nothing. Arrays of shape (n, m), (n, m), (n,)."""
    order = dense_ranks(scores)
    among_own = dense_ranks(voice[:, None] * (order.max() + 1) + order)
    hits, alarms = positive.sum(0), (~positive).sum(0)
    own_hits, own_alarms = _by_voice(positive, voice, n_voices), _by_voice(~positive, voice, n_voices)
    won = _by_voice(np.where(positive, _lower(order, ~positive), 0.0), voice, n_voices)
    lost_to = _by_voice(np.where(positive, 0.0, hits - _lower(order, positive)), voice, n_voices)
    of_others = (np.cumsum(own_alarms, 0) - own_alarms)[voice]
    both = _by_voice(np.where(positive, _lower(among_own, ~positive) - of_others, 0.0), voice, n_voices)
    pairs = (hits - own_hits) * (alarms - own_alarms)
    return LeftOut(_ratio(won.sum(0), hits * alarms), _ratio(won.sum(0) - won - lost_to + both, pairs))


def _by_voice(values: NDArray[np.number] | NDArray[np.bool_], voice: NDArray[np.intp], n_voices: int) -> Floats:
    """Sums over the clips of each voice, shape (n_voices, m)."""
    return np.stack([np.bincount(voice, column, n_voices) for column in values.T], axis=1)


def _lower(order: NDArray[np.intp], which: NDArray[np.bool_]) -> Floats:
    """Of each clip and column: how many of those `which` are lower in order, ties counting half."""
    found = np.empty(order.shape)
    for lower, place, chosen in zip(found.T, order.T, which.T, strict=True):
        counted = np.bincount(place[chosen], minlength=order.max() + 1)
        lower[:] = (np.cumsum(counted) - counted / 2)[place]
    return found


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of what is known; NaN of nothing."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis), known.sum(axis))


def _ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Part of the whole; NaN of nothing."""
    above, below = np.broadcast_arrays(part, whole)
    return np.divide(above, below, where=below > 0, out=np.full(below.shape, np.nan))
