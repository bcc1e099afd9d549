"""The split and the model selection of a published system, as it was published: leaks included.

In:   the clips of a run, and what a recipe says of how they were split and what selected the model.
Out:  the same clips under that split, the part of each clip by seed, and the fit of one unit.
Rule: it has a module of its own, so that nothing else can take it: recipes ask for it, and no configuration can. Whatever has a speaker on
      both sides, or tested on what selected the model, is LEAKY (`leaks`).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.evaluation.nested_cv import UnitResult, result_without_search
from ser_bench.evaluation.scaling import UnitData, scaled_split, standardised_beforehand
from ser_bench.evaluation.splits import NEVER, Protocol, derive_seed, numbered, random_folds
from ser_bench.models.base import Model, Params, fit_split
from ser_bench.utils.formatting import number_of
from ser_bench.utils.parallel import on_one_thread

if TYPE_CHECKING:
    from ser_bench.evaluation.recipes import PublishedSplit
    from ser_bench.evaluation.units import EvaluationSet

PROTOCOL = Protocol("published")
TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class AsPublished:
    """The clips of a run under a published split.

    Parameters
    ----------
    eval_set : EvaluationSet
        Its folds hold out test and validation clips together.
    parts : mapping of int to array of str, shape (n_clips,)
        ``train``, ``validation`` or ``test`` of each clip, by seed.
    selection : {'test', 'validation', 'none'}
        Which part selected the model.
    """

    eval_set: EvaluationSet
    parts: Mapping[int, np.ndarray]
    selection: str

    def selecting(self, seed: int) -> tuple[int, ...]:
        """Which of the held-out clips select the model, by their places among these."""
        parts = self.parts[seed]
        return tuple(np.flatnonzero(parts[parts != TRAIN] == self.selection).tolist())

    def shared(self, part: str) -> int:
        """How many voices of a part are trained on as well, in any seed."""
        voices = self.eval_set.voices
        return max(len(np.intersect1d(voices[mine == part], voices[self._trained(seed)])) for seed, mine in self.parts.items())

    def leaks(self, part: str, *, selected: bool) -> list[str]:
        """Why a score on a part is LEAKY, in words; nothing where it is not. `selected`: whether its model was so."""
        shared = self.shared(part)
        told = [f"{number_of(shared, 'speaker is', 'speakers are')} in training and {part}"] if shared else []
        return [*told, *([f"the {part} clips selected the model"] if selected and self.selection == part else [])]

    def _trained(self, seed: int) -> np.ndarray:
        """Which clips are trained on in some fold."""
        folds = self.eval_set.folds[seed]
        return self.parts[seed] == TRAIN if (folds == NEVER).any() else np.ones(len(folds), bool)


def as_published(eval_set: EvaluationSet, split: PublishedSplit) -> AsPublished:
    """Clips under a published split, one draw per seed.

    Raises
    ------
    WrongCall
        Where the split leaves nothing to train on or fewer than two speakers to test on.
    """
    parts = {seed: parts_of(eval_set, split, seed) for seed in eval_set.folds}
    for mine in parts.values():
        _check(eval_set, mine, crossed=bool(split.folds))
    folds = {
        seed: random_folds(eval_set.codes, split.folds, derive_seed(seed, "published"))
        if split.folds
        else np.where(mine == TRAIN, NEVER, 0)
        for seed, mine in parts.items()
    }
    return AsPublished(dataclasses.replace(eval_set, protocol=PROTOCOL, folds=folds), parts, split.selection)


def parts_of(eval_set: EvaluationSet, split: PublishedSplit, seed: int) -> np.ndarray:
    """The part of each clip, shape (n_clips,): all are tested where every clip is held out once."""
    labels, parts = eval_set.codes, np.full(len(eval_set.codes), TRAIN, dtype="<U10")
    if split.folds:
        return np.full(len(labels), TEST, dtype="<U10")
    if split.test_speakers:
        parts[np.isin(eval_set.clips["speaker"].to_numpy(str), split.test_speakers)] = TEST
    elif split.test_drawn:
        voices = numbered(eval_set.voices)
        parts[np.isin(voices, _generator(seed, TEST).permutation(voices.max() + 1)[: split.test_drawn])] = TEST
    else:
        parts[drawn_clips(labels, split.test, _generator(seed, TEST), stratified=split.stratified)] = TEST
    left = np.flatnonzero(parts == TRAIN)
    parts[left[drawn_clips(labels[left], split.validation, _generator(seed, VALIDATION), stratified=split.stratified)]] = VALIDATION
    return parts


def drawn_clips(labels: np.ndarray, share: float, rng: np.random.Generator, *, stratified: bool) -> np.ndarray:
    """The places of a share of clips drawn without a look at who speaks; of each label that share, where it is stratified.

    >>> drawn_clips(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.25, np.random.default_rng(0), stratified=True).tolist()
    [2, 4]
    """
    order = rng.permutation(len(labels))
    groups = [order[labels[order] == label] for label in np.unique(labels)] if stratified else [order]
    return np.sort(np.concatenate([group[: round(share * len(group))] for group in groups])) if len(labels) else order


def _generator(seed: int, part: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "published", part))


def _check(eval_set: EvaluationSet, parts: np.ndarray, *, crossed: bool) -> None:
    tested = eval_set.voices[parts == TEST]
    if len(np.unique(tested)) < 2:
        speakers = number_of(len(np.unique(tested)), "speaker")
        raise WrongCall(f"the published split tests {speakers} of these clips; an interval needs at least two")
    if not crossed and len(np.unique(eval_set.codes[parts == TRAIN])) < 2:
        raise WrongCall("the published split leaves fewer than two classes to train on of these clips")


def fit_published(data: UnitData, model: Model, *, params: Params, rounds: int | None, selecting: tuple[int, ...], seed: int) -> UnitResult:
    """Fit with stated parameters, the best round chosen on some held-out clips where there are such, and predict all of these.

    Parameters
    ----------
    data, model, seed
        As in `nested_cv.tune_unit`.
    params, rounds, selecting
        As in `units.PublishedFit`.
    """
    started = time.thread_time()
    with on_one_thread():
        x, held = standardised_beforehand(data), np.flatnonzero(~data.train)
        watched = scaled_split(data, x, np.flatnonzero(data.train), held[list(selecting)], held_out=not selecting)
        fitted = fit_split(model, watched, params, derive_seed(seed, "published"), rounds)
        prediction = fitted.predict(scaled_split(data, x, np.flatnonzero(data.train), held, held_out=True).x_eval)
    return result_without_search(data, model, params, prediction, started)
