"""One unit: search inside the training speakers, fit once on all of them, predict the held-out ones once.

In:   features, emotions and speakers of a system's clips, which of them are for training, and seeds.
Out:  decisions and probabilities for the held-out clips, the hyperparameters chosen and every trial.
Rule: nothing here sees a held-out emotion; on the ``train`` track (data without `scaling_groups`) no held-out
      feature moves anything fitted; no voice is on both sides of a split; and a unit is a pure function of what it is given:
      no clock, no other process and no number of threads has a say, unless it is told when to stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import BALANCED
from ser_bench.evaluation.scaling import UnitData, scaled_split, standardised_beforehand
from ser_bench.evaluation.search import Search, Trial, best_or_raise, folds_inside, median_rounds, trial_rows
from ser_bench.evaluation.splits import check_apart, derive_seed
from ser_bench.models.base import Model, Params, Prediction, prepare_split
from ser_bench.models.calibration import Calibrator
from ser_bench.utils.parallel import on_one_thread

if TYPE_CHECKING:
    import optuna
    import pandas as pd

TUNING_VERSION = 2
"""Changes whenever a unit's result may, whatever the model."""


@dataclass(frozen=True)
class UnitResult:
    """What came of a unit.

    Parameters
    ----------
    predicted : array of int, shape (n_held_out,)
        The model's decisions, in the order of the held-out clips.
    probabilities : array of float64, shape (n_held_out, n_classes)
    params : dict
        The parameters chosen.
    rounds : int or None
        Rounds (epochs) of the final fit, of a model trained in rounds.
    trial_rows : list of dict
        As `search.trial_rows` gives them.
    notes : list of str
        What a reader of the row must know.
    seconds : float
        Of processor time: the one thing that may differ between two runs.
    cut_short : bool
        Whether the search was stopped before its last trial: then all may differ.
    """

    predicted: np.ndarray
    probabilities: np.ndarray
    params: Params
    rounds: int | None
    trial_rows: list[dict[str, Any]]
    notes: list[str]
    seconds: float
    cut_short: bool = False

    @property
    def trials(self) -> pd.DataFrame:
        """Every trial as a row of a table."""
        import pandas as pd

        return pd.DataFrame(self.trial_rows)


@dataclass(frozen=True)
class Selection:
    """What the inner folds of a unit came to.

    Parameters
    ----------
    best : Trial
    trials : list of Trial
    rounds : int or None
        The median best number of rounds over inner folds, of a model trained in rounds.
    calibrator : Calibrator
        Fitted on the best trial's out-of-fold scores, of a model without probabilities of its own.
    searched : bool
        Whether there were inner folds at all.
    """

    best: Trial
    trials: list[Trial]
    rounds: int | None
    calibrator: Calibrator
    searched: bool

    @property
    def params(self) -> Params:
        """The hyperparameters chosen."""
        return self.best.params


@dataclass(frozen=True)
class SearchTerms:
    """How hyperparameters are searched for inside the training speakers of a unit.

    Parameters
    ----------
    trials : int
        Trials of the search; the first is `start`.
    inner : int
        Inner folds, as far as there are training voices for them.
    seed : int
        Of search and model.
    fold_seed : int
        Of the inner folds, which all rows share.
    start : dict, optional
        The hyperparameters tried first; the model's own `start` without.
    stop : callable, optional
        Asked before each trial but the first: whether to go on with what was found.
    watch : callable, optional
        Told of each trial when it has ended.
    """

    trials: int
    inner: int
    seed: int
    fold_seed: int
    start: Params | None = None
    stop: Callable[[], bool] | None = None
    watch: Callable[[optuna.trial.FrozenTrial], object] | None = None


def tune_unit(data: UnitData, model: Model, terms: SearchTerms) -> UnitResult:
    """Search, refit, predict.

    Raises
    ------
    WorkFailed
        Where a voice is on both sides of a split, or no trial succeeded.
    """
    started = time.thread_time()
    with on_one_thread():
        x = standardised_beforehand(data)
        if not data.leaky:
            check_apart(data.voices[data.train], data.voices[~data.train])
        found = choose(data, x, model, terms)
        prediction = refit(data, x, model, data.train, found.params, found.rounds, derive_seed(terms.seed, "refit"))
    return UnitResult(
        predicted=prediction.predicted,
        probabilities=prediction.scores if model.probabilistic else found.calibrator.probabilities(prediction.scores),
        params=found.params,
        rounds=prediction.rounds,
        trial_rows=trial_rows(found.trials, found.best),
        notes=unit_notes(model, data.n_train, x.shape[1], found.trials, searched=found.searched),
        seconds=time.thread_time() - started,
        cut_short=found.searched and len(found.trials) < terms.trials,
    )


def choose(data: UnitData, x: np.ndarray, model: Model, terms: SearchTerms) -> Selection:
    """Search for hyperparameters inside the training speakers; x as `standardised_beforehand` gives it."""
    search, start = _search_over(data, x, model, terms), terms.start
    trials = search.run(terms.trials, terms.stop, terms.watch, start) if search else [Trial(0, dict(start or model.start))]
    return _chosen(model, search, trials)


def hold(data: UnitData, x: np.ndarray, model: Model, params: Params, terms: SearchTerms) -> Selection:
    """Take hyperparameters that were chosen elsewhere through the inner folds once, as a search would.

    That gives their inner score, rounds and calibrator: those of the search that chose them, where all else is the same.
    """
    search = _search_over(data, x, model, terms)
    return _chosen(model, search, [search.evaluate(0, dict(params), None) if search else Trial(0, dict(params))])


def _search_over(data: UnitData, x: np.ndarray, model: Model, terms: SearchTerms) -> Search | None:
    folds = folds_inside(data, terms.inner, terms.fold_seed)
    return None if folds is None else Search.over(data, x, model, folds, terms.seed)


def _chosen(model: Model, search: Search | None, trials: list[Trial]) -> Selection:
    best = best_or_raise(model, trials)
    calibrator = search.calibrator(best) if search and not model.probabilistic else Calibrator()
    return Selection(best, trials, median_rounds(best.predictions_of), calibrator, search is not None)


def fit_held(data: UnitData, model: Model, *, params: Params, rounds: int | None, seed: int) -> UnitResult:
    """Fit and predict with parameters and rounds that were chosen elsewhere, without a search.

    Parameters
    ----------
    data, model, seed
        As in `tune_unit`.
    params : dict
    rounds : int or None
        As in `UnitResult`.
    """
    started = time.thread_time()
    with on_one_thread():
        if not data.leaky:
            check_apart(data.voices[data.train], data.voices[~data.train])
        prediction = refit(data, standardised_beforehand(data), model, data.train, params, rounds, derive_seed(seed, "refit"))
    return result_without_search(data, model, params, prediction, started)


def result_without_search(data: UnitData, model: Model, params: Params, prediction: Prediction, started: float) -> UnitResult:
    """The result of a fit whose hyperparameters were given; `started` is the processor time of this thread when it began."""
    held = Trial(0, params)
    return UnitResult(
        predicted=prediction.predicted,
        probabilities=prediction.scores if model.probabilistic else Calibrator().probabilities(prediction.scores),
        params=params,
        rounds=prediction.rounds,
        trial_rows=trial_rows([held], held),
        notes=unit_notes(model, data.n_train, data.x.shape[1], [held], searched=True),
        seconds=time.thread_time() - started,
    )


def refit(data: UnitData, x: np.ndarray, model: Model, train: np.ndarray, params: Params, rounds: int | None, seed: int) -> Prediction:
    """What a model fitted on training clips (a mask) says about all others; x as `standardised_beforehand` gives it."""
    final = prepare_split(model, scaled_split(data, x, train, ~train, held_out=True))
    return final.run(params, seed, rounds)


def unit_notes(model: Model, n_train: int, n_columns: int, trials: Sequence[Trial], *, searched: bool) -> list[str]:
    """What a reader of the row must know about this unit."""
    if not model.weighs_classes:
        notes = [f"class weights not heeded: {model.name} does not weigh classes"]
    else:
        notes = [f"class weights: {model.class_weights}"] if model.class_weights != BALANCED else []
    notes += model.notes(n_train, n_columns)
    if model.trials(2) == 1:
        notes.append("no search: every hyperparameter is fixed")
    if not searched:
        notes.append("defaults: one training speaker")
    failed = [trial for trial in trials if trial.state == "failed"]
    if failed:
        notes.append(f"{len(failed)} of {len(trials)} trials failed: {failed[0].reason}")
    return notes
