"""The search for hyperparameters inside the training speakers of one unit.

In:   a unit's clips, a model, the number of trials, seeds.
Out:  every trial, and the best one's decisions over inner folds.
Rule: nothing here sees a held-out clip.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WorkFailed
from ser_bench.evaluation.scaling import UnitData, scaled_split
from ser_bench.evaluation.splits import check_apart, derive_seed, inner_folds, numbered
from ser_bench.models.base import Model, Params, Prediction, PreparedFit, prepare_split
from ser_bench.models.calibration import Calibrator, fit_calibrator
from ser_bench.utils.partial_imports import import_alone

if TYPE_CHECKING:
    import optuna

PRUNE_CHANCE = 0.1
"""A trial is given up when its chance to end above the best one falls below this."""


@dataclass(frozen=True)
class Trial:
    """One set of parameters on the inner folds, as far as it came."""

    number: int
    params: Params
    state: str = "complete"
    score: float = float("nan")
    seconds: float = 0.0
    gains: np.ndarray = field(default_factory=lambda: np.empty(0))
    predictions_of: list[Prediction] = field(default_factory=list)
    reason: str = ""


class Search:
    """Trials of one model on the inner folds of one unit.

    Parameters
    ----------
    model : Model
    prepared : list of PreparedFit
        One per inner fold.
    y : array of int, shape (n_train,)
        Emotions of the training clips.
    folds : array of int, shape (n_train,)
        Inner fold of each training clip; below 0 of one that is only fitted.
    voices : array of str, shape (n_train,)
    seed : int
    """

    def __init__(
        self, model: Model, prepared: Sequence[PreparedFit], y: np.ndarray, folds: np.ndarray, voices: np.ndarray, seed: int
    ) -> None:
        self.model, self.prepared, self.y, self.folds, self.seed = model, prepared, y, folds, seed
        who = numbered(voices)
        # Numbered fold by fold; in a leaky split a speaker counts as another one in each fold.
        self.voices_by_fold = np.unique(folds * (who.max() + 1) + who, return_inverse=True)[1]
        # What a hit adds to the UAR over all training clips that some inner fold holds out.
        self.held = folds >= 0
        counts = np.bincount(y[self.held], minlength=y.max() + 1)
        self.clip_weights = 1 / (np.count_nonzero(counts) * np.maximum(counts[y], 1))

    @classmethod
    def over(cls, data: UnitData, x: np.ndarray, model: Model, folds: np.ndarray, seed: int) -> Search:
        """Prepare the inner folds, shape (n_train,), of the training clips."""
        inside = np.flatnonzero(data.train)
        y, voices = data.y[inside], data.voices[inside]
        prepared = []
        for number in range(folds.max() + 1):
            if not data.leaky:
                check_apart(voices[folds != number], voices[folds == number])
            prepared.append(prepare_split(model, scaled_split(data, x, inside[folds != number], inside[folds == number])))
        return cls(model, prepared, y, folds, voices, seed)

    def run(
        self,
        trials: int,
        stop: Callable[[], bool] | None = None,
        watch: Callable[[optuna.trial.FrozenTrial], object] | None = None,
        start: Params | None = None,
    ) -> list[Trial]:
        """Run a study of that many trials, `start` or else the model's own first."""
        study = new_study(derive_seed(self.seed, "search"), trials)
        study.enqueue_trial(dict(start or self.model.start))
        found: list[Trial] = []
        for number in range(trials):
            if number and stop and stop():
                break
            asked = study.ask()
            trial = self.evaluate(number, self.model.draw(asked), best_of(found))
            tell(study, asked, trial)
            found.append(trial)
            if watch:
                watch(study.get_trials(deepcopy=False)[number])
        return found

    def evaluate(self, number: int, params: Params, best: Trial | None) -> Trial:
        """What parameters come to on the inner folds, until they have been through all, fail or cannot win any more."""
        started = time.thread_time()
        state, score, reason = "complete", float("nan"), ""
        gains, predictions = np.empty(0), []
        for fold, fit in enumerate(self.prepared):
            try:
                prediction = fit.run(params, derive_seed(self.seed, "model", fold))
            except Exception as error:
                state, reason = "failed", f"{type(error).__name__}: {error}"
                break
            predictions.append(prediction)
            gains = np.concatenate([gains, self.speaker_gains(fold, prediction)])
            if best and should_prune(gains - best.gains[: len(gains)], len(best.gains)):
                state = "pruned"
                break
        else:
            # Equal hits must be equal scores, in whatever order their worth was added up: the first trial of equals wins.
            score = round(float(gains.sum()), 12)
        return Trial(number, params, state, score, time.thread_time() - started, gains, predictions, reason)

    def speaker_gains(self, number: int, prediction: Prediction) -> np.ndarray:
        """What each speaker of an inner fold adds to the inner UAR; over all folds these sum to it."""
        mine = self.folds == number
        who = self.voices_by_fold[mine]
        return np.bincount(who - who.min(), self.clip_weights[mine] * (prediction.predicted == self.y[mine]))

    def scores_of(self, trial: Trial) -> np.ndarray:
        """The out-of-fold scores of a complete trial, shape (n_train, n_classes)."""
        scores = np.empty((len(self.y), trial.predictions_of[0].scores.shape[1]))
        for number, prediction in enumerate(trial.predictions_of):
            scores[self.folds == number] = prediction.scores
        return scores

    def decisions_of(self, trial: Trial) -> np.ndarray:
        """The out-of-fold decisions of a complete trial, shape (n_train,)."""
        predicted = np.empty_like(self.y)
        for number, prediction in enumerate(trial.predictions_of):
            predicted[self.folds == number] = prediction.predicted
        return predicted

    def calibrator(self, best: Trial) -> Calibrator:
        """Fit a calibrator on the out-of-fold scores of a complete trial."""
        return fit_calibrator(self.scores_of(best)[self.held], self.y[self.held])


def folds_inside(data: UnitData, inner: int, fold_seed: int) -> np.ndarray | None:
    """The inner fold of each training clip, -1 of one that is only fitted; None where a single training voice allows none."""
    voices = data.voices[data.train]
    if data.selecting is not None and 0 < data.selecting[data.train].sum() < len(voices):
        return np.where(data.selecting[data.train], 0, -1)
    if not data.leaky and len(np.unique(voices)) == 1:
        return None
    return inner_folds(voices, data.y[data.train], inner, fold_seed, random=data.leaky)


def new_study(seed: int, trials: int) -> optuna.Study:
    """A quiet study in memory, random for its first quarter and by tree-structured Parzen estimators then."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(2, trials // 4), multivariate=False, constant_liar=False)
    return optuna.create_study(direction="maximize", sampler=sampler)


def tell(study: optuna.Study, asked: optuna.Trial, trial: Trial) -> None:
    """Tell the study how a trial ended; of a pruned one, how far it came and the share of UAR it had by then."""
    from optuna.trial import TrialState

    if trial.state == "complete":
        study.tell(asked, trial.score)
        return
    if trial.state == "pruned":
        asked.report(float(trial.gains.sum()), step=len(trial.predictions_of))
    study.tell(asked, state=TrialState.PRUNED if trial.state == "pruned" else TrialState.FAIL)


def should_prune(differences: np.ndarray, n_speakers: int) -> bool:
    """Whether a trial will hardly end above the best one.

    Each speaker's gain is paired with the best trial's gain on the same speaker. What the speakers seen so far
    say about the mean difference over *all* of them is Student's t with the correction for a finite population
    (Cochran, *Sampling Techniques*, 1977, ch. 2): mean m, error s * sqrt((1 - n/N) / n). The trial is given up
    when the probability of ending above zero is below `PRUNE_CHANCE`. One speaker says nothing.

    Parameters
    ----------
    differences : array of float, shape (n_seen,)
        Trial minus best, a value per speaker seen.
    n_speakers : int
        Speakers that a complete trial sees.

    >>> should_prune(np.array([-0.2, -0.3, -0.25]), 20), should_prune(np.array([-0.2, 0.3, -0.25]), 20)
    (True, False)
    """
    n = len(differences)
    if n < 2 or n == n_speakers:
        return False
    error = differences.std(ddof=1) * np.sqrt((1 - n / n_speakers) / n)
    return bool(differences.mean() + _special().stdtrit(n - 1, 1 - PRUNE_CHANCE) * error < 0)


@cache
def _special() -> ModuleType:
    """The functions of `scipy.special` without its arrays of other libraries, whose import takes longer than many a search."""
    return import_alone("scipy.special._ufuncs", "scipy.special")


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest score, the first of equals."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return max(complete, key=lambda trial: trial.score, default=None)


def best_or_raise(model: Model, trials: Sequence[Trial]) -> Trial:
    """The best trial, or the reason why there is none."""
    best = best_of(trials)
    if best is None:
        raise WorkFailed(f"{model.name}: every trial failed; the first: {trials[0].reason}")
    return best


def median_rounds(predictions_of: Sequence[Prediction]) -> int | None:
    """The median best number of rounds over inner folds, of a model trained in rounds."""
    rounds = [prediction.rounds for prediction in predictions_of if prediction.rounds is not None]
    return round(float(np.median(rounds))) if rounds else None


def trial_rows(trials: Sequence[Trial], best: Trial) -> list[dict[str, Any]]:
    """Trials as rows: ``trial, state (complete, pruned or failed), score (inner UAR), params (JSON), seconds, chosen``."""
    return [
        {
            "trial": trial.number,
            "state": trial.state,
            "score": trial.score,
            "params": json.dumps(trial.params, sort_keys=True),
            "seconds": trial.seconds,
            "chosen": trial is best,
        }
        for trial in trials
    ]
