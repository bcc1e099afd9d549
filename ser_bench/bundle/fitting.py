"""One system fitted for use: its hyperparameters, a model trained on every speaker, what standardises and what calibrates.

In:   a plan of one feature set, one model and one track; hyperparameters, where they were chosen elsewhere.
Out:  a `FittedSystem`.
Rule: nothing is done here that a unit of a run does not do. The search, its inner folds and the calibrator are those of `nested_cv`, all
      clips being training clips; fitted on the training speakers of one outer fold with what was chosen there, the system predicts the
      held-out clips as the run did, bit for bit. Seeds follow from contents, so that the same clips give the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.evaluation.nested_cv import SearchTerms, Selection, choose, hold, unit_notes
from ser_bench.evaluation.plan import Plan, search_of
from ser_bench.evaluation.runner import unit_data
from ser_bench.evaluation.scaling import scaled_split, standardised_beforehand, training_statistics
from ser_bench.evaluation.splits import Protocol, check_apart, derive_seed
from ser_bench.evaluation.units import EvaluationSet, Tune, Unit, make_unit
from ser_bench.models.base import Fitted, Model, Split, prepare_split
from ser_bench.models.calibration import Calibrator
from ser_bench.utils.parallel import on_one_thread
from ser_bench.utils.progress import Progress, watching_epochs

if TYPE_CHECKING:
    from ser_bench.features import Features

EVERYONE = Protocol("loso")
"""Any protocol that shares no speaker: with nothing held out they are all the same."""


@dataclass(frozen=True)
class FittedSystem:
    """What a bundle is made of.

    Parameters
    ----------
    features : Features
        Of the clips that it was chosen from, with what they were extracted by.
    model : Model
    fitted : Fitted
    mean, scale : array of float32, shape (n_columns,)
        What ``(x - mean) * scale`` standardises by; zeros and ones on track ``none``.
    chosen : Selection
        Hyperparameters, rounds, calibrator, and the inner folds that they come from.
    trained : array of bool, shape (n_clips,)
        The clips that it was trained on.
    fold : int or None
        The outer fold that was held out; None for none.
    notes : list of str
    """

    features: Features
    model: Model
    fitted: Fitted
    mean: np.ndarray
    scale: np.ndarray
    chosen: Selection
    trained: np.ndarray
    fold: int | None
    notes: list[str]

    @property
    def calibrator(self) -> Calibrator:
        """What makes probabilities of its scores, where it has none of its own."""
        return self.chosen.calibrator

    @property
    def average(self) -> np.ndarray | None:
        """The mean of the clips that it was trained on, as extracted; None where `mean` is it."""
        return None if self.mean.any() else self.features.values[self.trained].mean(0, dtype=np.float64).astype(np.float32)

    @property
    def x_trained(self) -> np.ndarray:
        """The clips that it was trained on, without copies, as it sees them: float32, shape (n_trained, n_columns)."""
        return np.asarray((self.features.values[self.trained] - self.mean) * self.scale, np.float32)


def fit_system(
    planned: Plan, progress: Progress, *, seed: int, fold: int | None = None, params: Mapping[str, Any] | None = None
) -> FittedSystem:
    """Choose hyperparameters and train, on all speakers or on those of one outer fold.

    Parameters
    ----------
    planned : Plan
        Of one feature set, one model and one track, which is not ``speaker``.
    progress : Progress
    seed : int
        One of the plan's.
    fold : int, optional
        An outer fold, whose clips are left out; without, all clips are trained on, whatever the plan's protocol is.
    params : dict, optional
        Hyperparameters that were chosen elsewhere: they go through the inner folds once, for rounds and calibrator. Without, they are
        searched for as in a unit of a run.

    Raises
    ------
    WorkFailed
        Where no trial succeeded.
    """
    unit, eval_set = system_unit(planned, seed, fold)
    features, model = planned.features[unit.features], planned.models[unit.model]
    data = unit_data(eval_set, features, unit)
    # One thread, as in the workers of a run: more would add up numbers in another order.
    with on_one_thread(), _shown(planned, unit, params, progress) as watch:
        x = standardised_beforehand(data)
        check_apart(data.voices[data.train], data.voices[~data.train])
        terms = SearchTerms(unit.task.trials, planned.config.inner, unit.search_seed, unit.fold_seed, watch=watch)
        chosen = choose(data, x, model, terms) if params is None else hold(data, x, model, dict(params), terms)
        split = scaled_split(data, x, data.train, ~data.train, held_out=True)
        fitted = prepare_split(model, split).train(chosen.params, derive_seed(unit.search_seed, "refit"), chosen.rounds)
    mean, scale = training_statistics(data, x, data.train) if data.scaled else _unscaled(x.shape[1])
    notes = unit_notes(model, data.n_train, x.shape[1], chosen.trials, searched=chosen.searched)
    trained = eval_set.training(seed, fold)
    return FittedSystem(features, model, fitted, mean, scale, chosen, trained, fold, notes)


def system_unit(planned: Plan, seed: int, fold: int | None) -> tuple[Unit, EvaluationSet]:
    """The unit that a plan of one system has for a fold; for all speakers one like it, and the clips with nobody held out."""
    (unit,) = (unit for unit in planned.units if (unit.seed, unit.fold) == (seed, fold or 0))
    if fold is not None:
        return unit, planned.eval_set
    everybody = everyone(planned.eval_set, seed)
    features, model = planned.features[unit.features], planned.models[unit.model]
    return make_unit(everybody, features, model, unit.track, seed, None, search_of(model, planned.config)), everybody


def everyone(eval_set: EvaluationSet, seed: int) -> EvaluationSet:
    """The same clips with none of them held out, whatever split they were evaluated by."""
    return dataclasses.replace(eval_set, protocol=EVERYONE, folds={seed: np.zeros(len(eval_set.clips), int)})


def check_packs(model: Model) -> None:
    """Find out now, and not after an evaluation, that a model cannot be written to a file: one trained on a few made-up clips is asked.

    Raises
    ------
    WrongCall
        Naming the model.
    """
    drawn = np.random.default_rng(0).standard_normal((8, max(2, model.least_columns))).astype(np.float32)
    split = Split(drawn, np.arange(8) % 2, drawn[:0], None, 2)
    try:
        prepare_split(model, split).train(model.start, 0, 1).pack()
    except WrongCall as error:
        raise WrongCall(f"fit: -m {model.label}: {error}") from None


@contextmanager
def _shown(planned: Plan, unit: Unit, params: Mapping[str, Any] | None, progress: Progress) -> Iterator[Any]:
    """Show a search trial by trial, and epochs within it; what is yielded is to be called after each trial."""
    who = "all speakers" if unit.fold is None else f"the training speakers of fold {unit.fold}"
    searched = isinstance(unit.task, Tune) and params is None
    progress.start(f"fitting {unit.features} with {unit.model} on {who}", 1 + (unit.task.trials if searched else 0))
    try:
        with watching_epochs(lambda number, of, loss: progress.note(f"epoch {number} of {of}, loss {loss:.3g}")):
            yield lambda trial: progress.advance()
        progress.advance()
    finally:
        progress.stop()


def _unscaled(n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(n_columns, np.float32), np.ones(n_columns, np.float32)
