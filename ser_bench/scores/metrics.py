"""Scores of predicted emotions.

In:   true classes and what was predicted, clip by clip, as plain arrays.
Out:  one number, or one per class.
Rule: every score but the AUC is arithmetic on confusion counts, so `uar(truth, predicted)` is `uar_of(counts)` with the
      counting done first; those who already hold counts (one per speaker, one per seed) use the `_of` functions directly.
      A class that nobody meant has no recall and takes no part in an average over classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.distributions import ranks

Labels = NDArray[np.generic]
Counts = NDArray[np.integer]
Floats = NDArray[np.floating]


def uar(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Unweighted average recall: the mean over classes of the share of their clips that was recognised.

    ``UAR = 1/k * sum_c correct_c / N_c`` over the k classes that occur in `truth`; also called balanced accuracy.

    Parameters
    ----------
    truth, predicted : array of labels, shape (n_clips,)

    Returns
    -------
    float
        From 0 to 1; 1/k by chance.

    Raises
    ------
    ValueError
        If there are no clips, lengths differ, or a label is missing.

    References
    ----------
    Schuller, Steidl & Batliner (2009), The INTERSPEECH 2009 Emotion Challenge.

    Examples
    --------
    >>> uar(["anger", "anger", "anger", "anger", "fear"], ["anger", "anger", "anger", "fear", "fear"])
    0.875
    """
    return float(uar_of(confusion_counts(truth, predicted)))


def war(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Weighted average recall: the share of clips that was recognised, ``sum_c correct_c / N``; also called accuracy.

    Parameters, errors: see `uar`.

    Examples
    --------
    >>> war(["anger", "anger", "anger", "anger", "fear"], ["anger", "anger", "anger", "fear", "fear"])
    0.8
    """
    return float(war_of(confusion_counts(truth, predicted)))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean F1 over classes: ``F1_c = 2 correct_c / (N_c + predicted_c)``.

    A class that was predicted and never meant counts with 0. Averaging each class's F1, not the F1 of averaged
    precision and recall: the two differ (Opitz & Burst, 2019, Macro F1 and Macro F1, arXiv:1911.03347).

    Parameters, errors: see `uar`.

    Examples
    --------
    >>> round(macro_f1(["anger", "anger", "anger", "fear"], ["anger", "anger", "fear", "fear"]), 4)
    0.7333
    """
    return float(macro_f1_of(confusion_counts(truth, predicted)))


def recalls(truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Recall of each true class, in sorted order: ``correct_c / N_c``.

    Parameters, errors: see `uar`.

    Examples
    --------
    >>> recalls(["anger", "anger", "fear"], ["anger", "fear", "fear"])
    {'anger': 0.5, 'fear': 1.0}
    """
    return _by_class(recalls_of, truth, predicted)


def precisions(truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Precision of each true class, in sorted order: ``correct_c / predicted_c``; NaN for one never predicted.

    Parameters, errors: see `uar`.

    Examples
    --------
    >>> precisions(["anger", "anger", "fear"], ["anger", "fear", "fear"])
    {'anger': 1.0, 'fear': 0.5}
    """
    return _by_class(precisions_of, truth, predicted)


def f1s(truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """F1 of each true class, in sorted order: ``2 correct_c / (N_c + predicted_c)``.

    Parameters, errors: see `uar`.

    Examples
    --------
    >>> {name: round(value, 2) for name, value in f1s(["anger", "anger", "fear"], ["anger", "fear", "fear"]).items()}
    {'anger': 0.67, 'fear': 0.67}
    """
    return _by_class(f1s_of, truth, predicted)


def uar_by(truth: ArrayLike, predicted: ArrayLike, groups: ArrayLike) -> dict[str, float]:
    """`uar` within each group of clips (speakers, genders, folds), in sorted order.

    A class that a group never meant takes no part in its UAR: groups of other classes are not quite comparable.

    Parameters
    ----------
    truth, predicted
        As in `uar`.
    groups : array of labels, shape (n_clips,)

    Examples
    --------
    >>> uar_by(["a", "b", "a", "b"], ["a", "b", "a", "a"], ["x", "x", "y", "y"])
    {'x': 1.0, 'y': 0.5}
    """
    who = labels("groups", groups)
    by_group = uar_of(speaker_counts(truth, predicted, who))
    return {str(name): float(value) for name, value in zip(np.unique(who), by_group, strict=True)}


def confusion_counts(truth: ArrayLike, predicted: ArrayLike, *, classes: ArrayLike | None = None) -> Counts:
    """Count confusions.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    predicted : array of labels, shape (..., n_clips)
        Leading axes hold several systems or seeds that evaluated the same clips.
    classes : array of labels, shape (k,), optional
        Their order in the result; by default all labels that occur, sorted.

    Returns
    -------
    array of int, shape (..., k, k)
        ``counts[..., t, p]`` clips of class `t` were taken for `p`.

    Raises
    ------
    ValueError
        As `uar`, or if a label is not one of `classes`.

    Examples
    --------
    >>> confusion_counts(["a", "a", "b"], ["a", "b", "b"]).tolist()
    [[1, 1], [0, 1]]
    """
    truth = labels("truth", truth)
    return speaker_counts(truth, predicted, np.zeros(len(truth), dtype=int), classes=classes)[..., 0, :, :]


def speaker_counts(truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, classes: ArrayLike | None = None) -> Counts:
    """Count each speaker's confusions, speakers in sorted order.

    Parameters
    ----------
    truth, predicted, classes
        As in `confusion_counts`.
    speakers : array of labels, shape (n_clips,)

    Returns
    -------
    array of int, shape (..., n_speakers, k, k)

    Examples
    --------
    >>> speaker_counts(["a", "b", "b"], ["a", "a", "b"], ["x", "x", "y"]).tolist()
    [[[1, 0], [1, 0]], [[0, 0], [0, 1]]]
    """
    truth = labels("truth", truth)
    predicted = labels("predicted", predicted, like=truth)
    who, speaker = np.unique(labels("speakers", speakers, like=truth), return_inverse=True)
    order = np.unique(np.concatenate([truth, predicted.ravel()])) if classes is None else np.asarray(classes)
    k = len(order)
    cell = (speaker * k + codes(truth, order)) * k + codes(predicted, order)
    flat = cell.reshape(-1, len(truth))
    counted = [np.bincount(row, minlength=len(who) * k * k) for row in flat]
    return np.stack(counted).reshape(*predicted.shape[:-1], len(who), k, k)


def recalls_of(counts: Counts) -> Floats:
    """Recall of each class; NaN for one that nobody meant. Counts of shape (..., k, k) give (..., k)."""
    return _share(_diagonal(counts), counts.sum(-1))


def precisions_of(counts: Counts) -> Floats:
    """Precision of each class; NaN for one that was never predicted. Counts of shape (..., k, k) give (..., k)."""
    return _share(_diagonal(counts), counts.sum(-2))


def f1s_of(counts: Counts) -> Floats:
    """F1 of each class; NaN for one that was neither meant nor predicted. Counts of shape (..., k, k) give (..., k)."""
    return _share(2 * _diagonal(counts), counts.sum(-1) + counts.sum(-2))


def uar_of(counts: Counts) -> Floats:
    """`uar` of confusion counts of shape (..., k, k); shape (...)."""
    recall = recalls_of(counts)
    meant = ~np.isnan(recall)
    return _share(np.where(meant, recall, 0.0).sum(-1), meant.sum(-1))


def war_of(counts: Counts) -> Floats:
    """`war` of confusion counts of shape (..., k, k); shape (...)."""
    return _share(_diagonal(counts).sum(-1), counts.sum((-2, -1)))


def macro_f1_of(counts: Counts) -> Floats:
    """`macro_f1` of confusion counts of shape (..., k, k); shape (...)."""
    f1 = f1s_of(counts)
    return _share(np.where(np.isnan(f1), 0.0, f1).sum(-1), (~np.isnan(f1)).sum(-1))


def auc(truth: ArrayLike, scores: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None) -> float:
    """Area under the ROC curve: one class against the rest, mean over classes, then mean over folds.

    ``AUC_c`` is the probability that a clip of class c gets a higher score for c than a clip of another class, ties
    counting half (Hanley & McNeil, 1982, *Radiology* 143(1)). It is taken within folds because scores of differently
    trained models do not share a scale. A class that is absent from a fold, or alone in it, is left out of the fold's
    mean; a fold left without classes is left out of the whole.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    scores : array of float, shape (n_clips, k)
        The higher, the likelier; probabilities, or decision values (``-inf`` for a class the model never saw).
    folds : array, shape (n_clips,), optional
        The outer fold of each clip; by default one fold.
    classes : array of labels, shape (k,), optional
        The columns of `scores`; by default the labels that occur in `truth`, sorted.

    Returns
    -------
    float
        From 0 to 1; .5 by chance; NaN where no fold holds two classes.

    Raises
    ------
    ValueError
        As `uar`, or if `scores` has NaN or another shape.

    Examples
    --------
    >>> auc(["a", "a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    0.75
    """
    by_fold = [_class_aucs(code, values) for code, values in each_fold(truth, scores, folds, classes)]
    means = [np.nanmean(aucs) for aucs in by_fold if not np.isnan(aucs).all()]
    return float(np.mean(means)) if means else float("nan")


def aucs(truth: ArrayLike, scores: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None) -> dict[str, float]:
    """Area under the ROC curve of each class against the rest, the mean over folds; NaN where no fold holds it and another.

    Parameters, errors: see `auc`.

    Examples
    --------
    >>> aucs(["a", "a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    {'a': 0.75, 'b': 0.75}
    """
    order = np.unique(labels("truth", truth)) if classes is None else np.asarray(classes)
    by_fold = np.stack([_class_aucs(code, values) for code, values in each_fold(truth, scores, folds, classes)])
    told = ~np.isnan(by_fold)
    means = _share(np.where(told, by_fold, 0.0).sum(0), told.sum(0))
    return {str(name): float(value) for name, value in zip(order, means, strict=True)}


def micro_auc(truth: ArrayLike, scores: ArrayLike, folds: ArrayLike | None = None, *, classes: ArrayLike | None = None) -> float:
    """Area under the ROC curve of all (clip, class) pairs at once, the mean over folds.

    The probability that a pair of a clip and its own class gets a higher score than a pair that does not belong together: it
    asks that scores of different classes share a scale, as probabilities do.

    Parameters, errors: see `auc`.

    Examples
    --------
    >>> micro_auc(["a", "a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    0.78125
    """
    found = []
    for code, values in each_fold(truth, scores, folds, classes):
        own = code[:, None] == np.arange(values.shape[1])
        found.append(float(_class_aucs(own.ravel().astype(int), np.column_stack([-values.ravel(), values.ravel()]))[1]))
    return float(np.mean(found))


def log_loss(truth: ArrayLike, probabilities: ArrayLike, *, classes: ArrayLike | None = None) -> float:
    """Mean of ``-ln p`` of the true class; a probability below 1e-7 counts as that, so that one clip cannot be all.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    probabilities : array of float, shape (n_clips, k)
        Rows sum to one.
    classes : array of labels, shape (k,), optional
        The columns; by default the labels that occur in `truth`, sorted.

    Raises
    ------
    ValueError
        As `auc`.

    Examples
    --------
    >>> round(log_loss(["a", "b"], [[0.5, 0.5], [0.2, 0.8]]), 4)
    0.4581
    """
    ((code, values),) = each_fold(truth, probabilities, None, classes)
    return float(-np.log(values[np.arange(len(code)), code].clip(1e-7)).mean())


def labels(what: str, values: ArrayLike, like: Labels | None = None) -> Labels:
    """The labels as an array, or a ValueError that names what is wrong with them."""
    array = np.asarray(values)
    missing = sum(value is None or value != value for value in array.ravel()) if array.dtype.kind in "Of" else 0
    if missing:
        raise ValueError(f"{what} lacks {missing} of {array.size} labels")
    if array.size == 0:
        raise ValueError(f"{what} is empty: there is nothing to score")
    if like is None and array.ndim != 1:
        raise ValueError(f"{what} has shape {array.shape}; one label per clip is needed")
    if like is not None and array.shape[-1:] != like.shape:
        raise ValueError(f"{what} has {array.shape[-1] if array.ndim else 1} labels for {len(like)} clips")
    return array.astype(str) if array.dtype.kind == "O" else array


def codes(values: Labels, classes: Labels) -> NDArray[np.intp]:
    """Position of each label in `classes`, or a ValueError that names a label which is not there."""
    found, inverse = np.unique(values, return_inverse=True)
    position = {str(name): code for code, name in enumerate(classes)}
    strange = [str(name) for name in found if str(name) not in position]
    if strange:
        raise ValueError(f"label '{strange[0]}' is none of the classes: {', '.join(position)}")
    return np.array([position[str(name)] for name in found])[inverse].reshape(values.shape)


def _by_class(score: Callable[[Counts], Floats], truth: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """A score of each true class."""
    meant = labels("truth", truth)
    order = np.unique(np.concatenate([meant, labels("predicted", predicted, like=meant)]))
    values = score(confusion_counts(meant, predicted))
    return {str(name): float(value) for name, value in zip(order, values, strict=True) if name in meant}


def each_fold(
    truth: ArrayLike, scores: ArrayLike, folds: ArrayLike | None, classes: ArrayLike | None
) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """Codes and scores of the clips of each fold."""
    meant = labels("truth", truth)
    order = np.unique(meant) if classes is None else np.asarray(classes)
    values = np.asarray(scores, dtype=float)
    if values.shape != (len(meant), len(order)):
        raise ValueError(f"scores have shape {values.shape}; {len(meant)} clips and {len(order)} classes need {len(meant), len(order)}")
    if np.isnan(values).any():
        raise ValueError(f"scores of {int(np.isnan(values).any(-1).sum())} clips are not numbers")
    where = np.zeros(len(meant), dtype=int) if folds is None else labels("folds", folds, like=meant)
    code = codes(meant, order)
    for fold in np.unique(where):
        yield code[where == fold], values[where == fold]


def _class_aucs(code: NDArray[np.intp], scores: Floats) -> Floats:
    of_class = code[:, None] == np.arange(scores.shape[1])
    inside = of_class.sum(0)
    pairs_won = (ranks(scores) * of_class).sum(0) - inside * (inside + 1) / 2
    return _share(pairs_won, inside * (len(code) - inside))


def _diagonal(counts: Counts) -> Counts:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _share(part: NDArray[np.number], whole: NDArray[np.number]) -> Floats:
    """Part of the whole; NaN of nothing."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, where=whole > 0, out=np.full(whole.shape, np.nan))
