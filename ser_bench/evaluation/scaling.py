"""A unit's clips, and how they are standardised: the place where a held-out clip could leak into training.

In:   features, emotions and speakers of a system's clips, which of them are for training, and changed copies of these.
Out:  standardised splits of them.
Rule: statistics come from all that is trained on in each split, copies among it, or, on transductive tracks, from the unchanged clips
      that are standardised together; on track ``none`` features stay as they are. A copy is trained on where its original is, and nowhere
      else; what is held out is never a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.evaluation.splits import SpeakerLeak, check_apart
from ser_bench.models.base import Split

if TYPE_CHECKING:
    from ser_bench.features import Copies


@dataclass(frozen=True)
class UnitData:
    """A cell's clips and one outer split of them.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
        Features as extracted; with `rows`, those of all clips of the cell, which its units share.
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
    copies : Copies, optional
        Changed copies of the clips, which are trained on where the clips themselves are.
    changed : array of float32, shape (n_clips, n_columns), optional
        Features of the same clips under a test condition: what stands for held-out ones in `scaled_split`. With `rows` as `x`.
    rows : array of int, shape (n_clips,), optional
        Where the clips stand in `x` and `changed`. Without, they are all that stand there.
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
    copies: Copies | None = None
    changed: np.ndarray | None = None
    rows: np.ndarray | None = None

    @property
    def n_train(self) -> int:
        """How many clips are trained on, copies among them."""
        return int(self.train.sum()) + len(copies_of(self, self.train))


def standardised_beforehand(data: UnitData) -> np.ndarray:
    """The features of clips, then of copies, then of changed clips, standardised already where that is not done split by split.

    Shape (n_clips [+ n_copies] [+ n_clips], n_columns). Copies are standardised as their originals are; clips under a test condition
    with each other, as somebody who is only ever heard so would be.
    """
    # Sums go in the order of memory, which must not depend on where the features came from.
    x = np.ascontiguousarray(data.x if data.rows is None else data.x[data.rows], np.float32)
    copies = np.empty((0, x.shape[1]), np.float32) if data.copies is None else data.copies.values
    heard = data.changed if data.changed is None or data.rows is None else data.changed[data.rows]
    changed = x[:0] if heard is None else np.ascontiguousarray(heard, np.float32)
    if data.scaling_groups is not None:
        of = np.empty(0, int) if data.copies is None else data.copies.of
        changed = standardise_together(changed, data.scaling_groups[: len(changed)])
        copies = standardise_together(x, data.scaling_groups, copies, data.scaling_groups[of])
        x = standardise_together(x, data.scaling_groups)
    return np.concatenate([x, copies, changed]) if len(copies) or len(changed) else x


def scaled_split(data: UnitData, x: np.ndarray, train: np.ndarray, held: np.ndarray, *, held_out: bool = False) -> Split:
    """A split of the clips, standardised by its training part unless that is done already.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
        As `standardised_beforehand` gives it, with further rows for copies and changed clips.
    train, held : array of int or of bool
        Clips to learn from, together with their copies, and clips to decide about.
    held_out : bool
        Whether the latter's emotions are to stay unknown; then they are heard as the unit's test condition has them, if it has one.
    """
    copied = copies_of(data, train)
    check_copies(data, copied, held)
    x_train, y_train = trained_on(data, x, train, copied)
    x_eval = (x[len(x) - len(data.y) :] if held_out and data.changed is not None else x[: len(data.y)])[held]
    if data.scaling_groups is None and data.scaled:
        mean, scale = column_statistics(x_train)
        for mine in (x_train, x_eval):  # rows taken from x, and so copies of them
            mine -= mean
            mine *= scale
    if held_out:
        return Split(x_train, y_train, x_eval, None, len(data.classes))
    return Split(x_train, y_train, x_eval, data.y[held], len(data.classes), len(copies_of(data, held)))


def scaled_by(data: UnitData, x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """All clips, those that are trained on too, standardised as `scaled_split` does it with this training part."""
    if data.scaling_groups is not None or not data.scaled:
        return x[: len(data.y)]
    mean, scale = training_statistics(data, x, train)
    return (x[: len(data.y)] - mean) * scale


def training_statistics(data: UnitData, x: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse standard deviation of the columns, as `scaled_split` takes them from this training part."""
    return column_statistics(trained_on(data, x, train, copies_of(data, train))[0])


def trained_on(data: UnitData, x: np.ndarray, train: np.ndarray, copied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and emotions of training clips, and then of those copies."""
    rows = clips_of(train)
    if data.copies is None:
        return x[rows], data.y[rows]
    return x[np.concatenate([rows, len(data.y) + copied])], data.y[np.concatenate([rows, data.copies.of[copied]])]


def copies_of(data: UnitData, train: np.ndarray) -> np.ndarray:
    """The copies of training clips, by their places, shape (n,)."""
    return np.empty(0, int) if data.copies is None else np.flatnonzero(np.isin(data.copies.of, clips_of(train)))


def check_copies(data: UnitData, copied: np.ndarray, held: np.ndarray) -> None:
    """Refuse copies of what is held out among those that are trained on.

    Raises
    ------
    SpeakerLeak
        Where one is a copy of a clip that is held out, or in a split by speaker of a voice that is.
    """
    if data.copies is None:
        return
    originals = data.copies.of[copied]
    if np.isin(originals, clips_of(held)).any():
        raise SpeakerLeak("a changed copy of a held-out clip among the training clips: results would not hold for unseen clips")
    if not data.leaky:
        check_apart(data.voices[originals], data.voices[held])


def clips_of(chosen: np.ndarray) -> np.ndarray:
    """Places of clips that are chosen by a mask or by their places."""
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen


def standardise_together(
    x: np.ndarray, groups: np.ndarray, others: np.ndarray | None = None, groups_of_others: np.ndarray | None = None
) -> np.ndarray:
    """Standardise each group's (speaker's, corpus's) clips by their own mean and standard deviation; or others by those of their group."""
    if others is None or groups_of_others is None:
        others, groups_of_others = x, groups
    scaled = np.empty_like(others)
    for group in np.unique(groups_of_others):
        mine = groups_of_others == group
        mean, scale = column_statistics(x[groups == group])
        scaled[mine] = (others[mine] - mean) * scale
    return scaled


def column_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse standard deviation of columns, float32; the latter 0 for a constant column, which thus vanishes.

    >>> column_statistics(np.array([[1, 7], [3, 7]], np.float32))
    (array([2., 7.], dtype=float32), array([1., 0.], dtype=float32))
    """
    mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
    varies = (x.min(0) < x.max(0)) & (deviation > 0)
    return mean.astype(np.float32), np.divide(1, deviation, where=varies, out=np.zeros(x.shape[1])).astype(np.float32)
