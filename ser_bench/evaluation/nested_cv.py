"""One unit: search inside the training speakers, fit once on all of them, predict the held-out ones once.

`tune_on_test` is the shortcut that this house exists to expose; it has a function of its own, so that nothing else can take it.

In:   features, emotions and speakers of a cell's clips, which of them are for training, and seeds.
Out:  decisions and probabilities for the held-out clips, the parameters chosen and every trial.
Rule: nothing here sees a held-out emotion; on the ``train`` track (nothing standardised ``together``) no held-out
      feature moves anything fitted; no voice is on both sides of a split; and a unit is a pure function of what it is given:
      no clock, no other process and no number of threads has a say, unless it is told when to stop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.config import BALANCED
from ser_bench.errors import WorkFailed
from ser_bench.evaluation.splits import check_apart, derive_seed, inner_folds, numbered
from ser_bench.models.base import Model, Params, Plan, Split, Verdict, plan_split
from ser_bench.models.calibration import Calibrator, fit_calibrator

if TYPE_CHECKING:
    import optuna
    import pandas as pd

TUNING_VERSION = 2
"""Changes whenever a unit's result may, whatever the model."""

PRUNE_CHANCE = 0.1
"""A trial is given up when its chance to end above the best one falls below this."""


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
    together : array, shape (n_clips,), optional
        Whose clips are standardised together, held-out ones too, by their own statistics: voices or corpora on transductive tracks.
        Without, statistics come from the training clips of each split.
    leaky : bool
        Whether voices may be on both sides, as in random splits; inner folds are random too then.
    outer : array of int, shape (n_clips,), optional
        The outer folds, for `tune_on_test` alone.
    selecting : array of bool, shape (n_clips,), optional
        Training clips that parameters are selected on, the others being fitted: the dev part of a fixed split. Without, inner folds.
    """

    x: np.ndarray
    y: np.ndarray
    voices: np.ndarray
    train: np.ndarray
    classes: tuple[str, ...]
    together: np.ndarray | None = None
    leaky: bool = False
    outer: np.ndarray | None = None
    selecting: np.ndarray | None = None


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
    trials : DataFrame
        ``trial, state (complete, pruned or failed), score (inner UAR), params (JSON), seconds, chosen``.
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
    trials: pd.DataFrame
    notes: list[str]
    seconds: float
    cut_short: bool = False


@dataclass
class Trial:
    """One set of parameters on the inner folds, as far as it came."""

    number: int
    params: Params
    state: str = "complete"
    score: float = float("nan")
    seconds: float = 0.0
    gains: np.ndarray = field(default_factory=lambda: np.empty(0))
    verdicts: list[Verdict] = field(default_factory=list)
    reason: str = ""


def tune_unit(
    data: UnitData,
    model: Model,
    *,
    trials: int,
    inner: int,
    seed: int,
    fold_seed: int,
    start: Params | None = None,
    stop: Callable[[], bool] | None = None,
    watch: Callable[[optuna.trial.FrozenTrial], object] | None = None,
) -> UnitResult:
    """Search, refit, predict.

    Parameters
    ----------
    data : UnitData
    model : Model
    trials : int
        Trials of the search; the first is `start`.
    inner : int
        Inner folds, as far as there are training voices for them.
    seed : int
        Of search and model.
    fold_seed : int
        Of the inner folds, which all rows share.
    start : dict, optional
        The parameters tried first; the model's defaults without.
    stop : callable, optional
        Asked before each trial but the first: whether to go on with what was found.
    watch : callable, optional
        Told of each trial when it has ended.

    Raises
    ------
    WorkFailed
        Where a voice is on both sides of a split, or no trial succeeded.
    """
    from threadpoolctl import threadpool_limits

    started = time.thread_time()
    # More threads would add up numbers in another order: the same run with other --jobs, other last digits.
    with threadpool_limits(1):
        x = prepared(data)
        if not data.leaky:
            check_apart(data.voices[data.train], data.voices[~data.train])
        folds = folds_inside(data, inner, fold_seed)
        search = None if folds is None else Search.over(data, x, model, folds, seed)
        found = search.run(trials, stop, watch, start) if search else [Trial(0, dict(start or model.defaults))]
        best = needed(model, found)
        rounds = median_rounds(best.verdicts)
        verdict = refit(data, x, model, data.train, best.params, rounds, derive_seed(seed, "refit"))
        calibrator = search.calibrator(best) if search and not model.probabilistic else Calibrator()
    return UnitResult(
        predicted=verdict.predicted,
        probabilities=verdict.scores if model.probabilistic else calibrator.probabilities(verdict.scores),
        params=best.params,
        rounds=verdict.rounds,
        trials=trial_table(found, best),
        notes=unit_notes(model, int(data.train.sum()), x.shape[1], found, searched=search is not None),
        seconds=time.thread_time() - started,
        cut_short=search is not None and len(found) < trials,
    )


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
    from threadpoolctl import threadpool_limits

    started = time.thread_time()
    with threadpool_limits(1):
        if not data.leaky:
            check_apart(data.voices[data.train], data.voices[~data.train])
        verdict = refit(data, prepared(data), model, data.train, params, rounds, derive_seed(seed, "refit"))
    held = Trial(0, params)
    return UnitResult(
        predicted=verdict.predicted,
        probabilities=verdict.scores if model.probabilistic else Calibrator().probabilities(verdict.scores),
        params=params,
        rounds=verdict.rounds,
        trials=trial_table([held], held),
        notes=unit_notes(model, int(data.train.sum()), data.x.shape[1], [held], searched=True),
        seconds=time.thread_time() - started,
    )


def refit(data: UnitData, x: np.ndarray, model: Model, train: np.ndarray, params: Params, rounds: int | None, seed: int) -> Verdict:
    """What a model fitted on training clips (a mask) says about all others; x as `prepared` gives it."""
    final = plan_split(model, scaled_split(data, x, train, ~train, held_out=True))
    return final.run(params, seed, rounds)


def tune_on_test(
    data: UnitData,
    model: Model,
    *,
    trials: int,
    seed: int,
    stop: Callable[[], bool] | None = None,
    watch: Callable[[optuna.trial.FrozenTrial], object] | None = None,
) -> UnitResult:
    """Choose one set of parameters for all outer folds by the score on their held-out clips, as a grid search over the leaderboard's own
    folds does; then fit and judge as ever. Models trained in rounds stop where the held-out clips would have them stop.

    Parameters
    ----------
    data : UnitData
        All clips of the cell, every one in `train`, and their `outer` folds.
    model, trials, seed, stop, watch
        As in `tune_unit`.

    Returns
    -------
    UnitResult
        Of all clips, in their order. `rounds` is None, as each fold has its own.
    """
    from threadpoolctl import threadpool_limits

    assert data.outer is not None
    outer, started = numbered(data.outer), time.thread_time()
    with threadpool_limits(1):
        x = prepared(data)
        search = Search.over(data, x, model, outer, seed)
        found = search.run(trials, stop, watch)
        best = needed(model, found)
        verdicts = [
            refit(data, x, model, outer != fold, best.params, verdict.rounds, derive_seed(seed, "refit", fold))
            for fold, verdict in enumerate(best.verdicts)
        ]
        final = replace(best, verdicts=verdicts)
        scores = search.scores_of(final)
    return UnitResult(
        predicted=search.decisions_of(final),
        probabilities=scores if model.probabilistic else search.calibrator(best).probabilities(scores),
        params=best.params,
        rounds=None,
        trials=trial_table(found, best),
        notes=unit_notes(model, len(data.y), data.x.shape[1], found, searched=True),
        seconds=time.thread_time() - started,
        cut_short=len(found) < trials,
    )


class Search:
    """Trials of one model on the inner folds of one unit.

    Parameters
    ----------
    model : Model
    plans : list of Plan
        One an inner fold.
    y : array of int, shape (n_train,)
        Emotions of the training clips.
    folds : array of int, shape (n_train,)
        Inner fold of each training clip; below 0 of one that is only fitted.
    voices : array of str, shape (n_train,)
    seed : int
    """

    def __init__(self, model: Model, plans: Sequence[Plan], y: np.ndarray, folds: np.ndarray, voices: np.ndarray, seed: int) -> None:
        self.model, self.plans, self.y, self.folds, self.seed = model, plans, y, folds, seed
        who = numbered(voices)
        # Numbered fold by fold; in a leaky split a speaker counts as another one in each fold.
        self.judged = np.unique(folds * (who.max() + 1) + who, return_inverse=True)[1]
        # What a hit adds to the UAR over all training clips that some inner fold holds out.
        self.held = folds >= 0
        counts = np.bincount(y[self.held], minlength=y.max() + 1)
        self.worth = 1 / (np.count_nonzero(counts) * np.maximum(counts[y], 1))

    @classmethod
    def over(cls, data: UnitData, x: np.ndarray, model: Model, folds: np.ndarray, seed: int) -> Search:
        """Prepare the inner folds, shape (n_train,), of the training clips."""
        inside = np.flatnonzero(data.train)
        y, voices = data.y[inside], data.voices[inside]
        plans = []
        for number in range(folds.max() + 1):
            if not data.leaky:
                check_apart(voices[folds != number], voices[folds == number])
            plans.append(plan_split(model, scaled_split(data, x, inside[folds != number], inside[folds == number])))
        return cls(model, plans, y, folds, voices, seed)

    def run(
        self,
        trials: int,
        stop: Callable[[], bool] | None = None,
        watch: Callable[[optuna.trial.FrozenTrial], object] | None = None,
        start: Params | None = None,
    ) -> list[Trial]:
        """Run a study of that many trials, `start` or else the model's defaults first."""
        study = new_study(derive_seed(self.seed, "search"), trials)
        study.enqueue_trial(dict(start or self.model.defaults))
        found: list[Trial] = []
        for number in range(trials):
            if number and stop and stop():
                break
            asked = study.ask()
            trial = Trial(number, self.model.space(asked))
            self.judge(trial, best_of(found))
            tell(study, asked, trial)
            found.append(trial)
            if watch:
                watch(study.get_trials(deepcopy=False)[number])
        return found

    def judge(self, trial: Trial, best: Trial | None) -> None:
        """Take a trial through the inner folds until it is complete, fails or cannot win any more."""
        started = time.thread_time()
        gains = []
        for number, plan in enumerate(self.plans):
            try:
                verdict = plan.run(trial.params, derive_seed(self.seed, "model", number))
            except Exception as error:
                trial.state, trial.reason = "failed", f"{type(error).__name__}: {error}"
                break
            trial.verdicts.append(verdict)
            gains.append(self.speaker_gains(number, verdict))
            trial.gains = np.concatenate(gains)
            if best and hopeless(trial.gains - best.gains[: len(trial.gains)], len(best.gains)):
                trial.state = "pruned"
                break
        else:
            # Equal hits must be equal scores, in whatever order their worth was added up: the first trial of equals wins.
            trial.score = round(float(trial.gains.sum()), 12)
        trial.seconds = time.thread_time() - started

    def speaker_gains(self, number: int, verdict: Verdict) -> np.ndarray:
        """What each speaker of an inner fold adds to the inner UAR; over all folds these sum to it."""
        mine = self.folds == number
        who = self.judged[mine]
        return np.bincount(who - who.min(), self.worth[mine] * (verdict.predicted == self.y[mine]))

    def scores_of(self, trial: Trial) -> np.ndarray:
        """The out-of-fold scores of a complete trial, shape (n_train, n_classes)."""
        scores = np.empty((len(self.y), trial.verdicts[0].scores.shape[1]))
        for number, verdict in enumerate(trial.verdicts):
            scores[self.folds == number] = verdict.scores
        return scores

    def decisions_of(self, trial: Trial) -> np.ndarray:
        """The out-of-fold decisions of a complete trial, shape (n_train,)."""
        predicted = np.empty_like(self.y)
        for number, verdict in enumerate(trial.verdicts):
            predicted[self.folds == number] = verdict.predicted
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
        asked.report(float(trial.gains.sum()), step=len(trial.verdicts))
    study.tell(asked, state=TrialState.PRUNED if trial.state == "pruned" else TrialState.FAIL)


def hopeless(differences: np.ndarray, n_speakers: int) -> bool:
    """Whether a trial will hardly end above the best one.

    Each speaker's gain is paired with the best trial's gain on the same speaker. What the speakers seen so far
    say about the mean difference over *all* of them is Student's t with the correction for a finite population
    (Cochran, *Sampling Techniques*, 1977, ch. 2): mean m, error s * sqrt((1 - n/N) / n). The trial is given up
    when the probability of ending above zero is below `PRUNE_CHANCE`. One speaker says nothing.

    Parameters
    ----------
    differences : array of float, shape (n_seen,)
        Trial minus best, a value a speaker seen.
    n_speakers : int
        Speakers that a complete trial sees.

    >>> hopeless(np.array([-0.2, -0.3, -0.25]), 20), hopeless(np.array([-0.2, 0.3, -0.25]), 20)
    (True, False)
    """
    from scipy.special import stdtrit

    n = len(differences)
    if n < 2 or n == n_speakers:
        return False
    error = differences.std(ddof=1) * np.sqrt((1 - n / n_speakers) / n)
    return bool(differences.mean() + stdtrit(n - 1, 1 - PRUNE_CHANCE) * error < 0)


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest score, the first of equals."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return max(complete, key=lambda trial: trial.score, default=None)


def needed(model: Model, trials: Sequence[Trial]) -> Trial:
    """The best trial, or the reason why there is none."""
    best = best_of(trials)
    if best is None:
        raise WorkFailed(f"{model.name}: every trial failed; the first: {trials[0].reason}")
    return best


def median_rounds(verdicts: Sequence[Verdict]) -> int | None:
    """The median best number of rounds over inner folds, of a model trained in rounds."""
    rounds = [verdict.rounds for verdict in verdicts if verdict.rounds is not None]
    return round(float(np.median(rounds))) if rounds else None


def prepared(data: UnitData) -> np.ndarray:
    """The features, standardised already where that is not done split by split; shape (n_clips, n_columns)."""
    # Sums go in the order of memory, which must not depend on where the features came from.
    x = np.ascontiguousarray(data.x, np.float32)
    return x if data.together is None else standardise_together(x, data.together)


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
    if data.together is None:
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


def trial_table(trials: Sequence[Trial], best: Trial) -> pd.DataFrame:
    """Trials as rows."""
    import pandas as pd

    rows = [(t.number, t.state, t.score, json.dumps(t.params, sort_keys=True), t.seconds, t is best) for t in trials]
    return pd.DataFrame(rows, columns=["trial", "state", "score", "params", "seconds", "chosen"])


def unit_notes(model: Model, n_train: int, n_columns: int, trials: Sequence[Trial], *, searched: bool) -> list[str]:
    """What a reader of the row must know about this unit."""
    notes = [f"class weights: {model.class_weights}"] if model.class_weights != BALANCED else []
    notes += model.notes(n_train, n_columns)
    if not searched:
        notes.append("defaults: one training speaker")
    failed = [trial for trial in trials if trial.state == "failed"]
    if failed:
        notes.append(f"{len(failed)} of {len(trials)} trials failed: {failed[0].reason.replace('; ', ', ')}")
    return notes
