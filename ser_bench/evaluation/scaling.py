"""A unit's clips, and how they are standardised: the place where a held-out clip could leak into training.

In:   features, emotions and speakers of a system's clips, which of them are for training.
Out:  standardised splits of them.
Rule: statistics come from the training clips of each split, or, on transductive tracks, from those standardised together; on track
      ``none`` features stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_bench.models.base import Split


@dataclass(frozen=True)
class UnitData:
    """A cell's clips and one outer split of them.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
        Features as extracted.
    y : array of int, shape (n_clips,)
        Emotions as positions in `classes`. Those of held-out clips are never read.
    voices : array of str, shape (n_clips,)
        What no split may separate: speakers, or several of them who share audio.
    train : array of bool, shape (n_clips,)
        Training clips; the others are held out.
    classes : tuple of str
        The cell's emotions.
    scaling_groups : array, shape (n_clips,), optional
        Whose clips are standardised together, held-out ones too, by their own statistics: voices or corpora on transductive tracks.
        Without, statistics come from the training clips of each split.
    leaky : bool
        Whether voices may be on both sides, as in random splits; inner folds are random too then.
    outer : array of int, shape (n_clips,), optional
        The outer folds, for `tune_on_test` alone.
    selecting : array of bool, shape (n_clips,), optional
        Training clips that parameters are selected on, the others being fitted: the dev part of a fixed split. Without, inner folds.
    scaled : bool
        Whether features are standardised at all.
    """

    x: np.ndarray
    y: np.ndarray
    voices: np.ndarray
    train: np.ndarray
    classes: tuple[str, ...]
    scaling_groups: np.ndarray | None = None
    leaky: bool = False
    outer: np.ndarray | None = None
    selecting: np.ndarray | None = None
    scaled: bool = True


def standardised_beforehand(data: UnitData) -> np.ndarray:
    """The features, standardised already where that is not done split by split; shape (n_clips, n_columns)."""
    # Sums go in the order of memory, which must not depend on where the features came from.
    x = np.ascontiguousarray(data.x, np.float32)
    return x if data.scaling_groups is None else standardise_together(x, data.scaling_groups)


def scaled_split(data: UnitData, x: np.ndarray, train: np.ndarray, held: np.ndarray, *, held_out: bool = False) -> Split:
    """A split of the clips, standardised by its training part unless that is done already.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
    train, held : array of int or of bool
        Clips to learn from, clips to decide about.
    held_out : bool
        Whether the latter's emotions are to stay unknown.
    """
    x_train, x_eval = x[train], x[held]
    if data.scaling_groups is None and data.scaled:
        mean, scale = column_statistics(x_train)
        x_train, x_eval = (x_train - mean) * scale, (x_eval - mean) * scale
    return Split(x_train, data.y[train], x_eval, None if held_out else data.y[held], len(data.classes))


def standardise_together(x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Standardise each group's (speaker's, corpus's) clips by their own mean and standard deviation."""
    scaled = np.empty_like(x)
    for group in np.unique(groups):
        mine = groups == group
        mean, scale = column_statistics(x[mine])
        scaled[mine] = (x[mine] - mean) * scale
    return scaled


def column_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse standard deviation of columns, float32; the latter 0 for a constant column, which thus vanishes.

    >>> column_statistics(np.array([[1, 7], [3, 7]], np.float32))
    (array([2., 7.], dtype=float32), array([1., 0.], dtype=float32))
    """
    mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
    varies = (x.min(0) < x.max(0)) & (deviation > 0)
    return mean.astype(np.float32), np.divide(1, deviation, where=varies, out=np.zeros(x.shape[1])).astype(np.float32)
