"""One unit: what it may see, what it must not, and what it says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy.stats import t
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_bench.config import BALANCED
from ser_bench.errors import WorkFailed
from ser_bench.evaluation.nested_cv import SearchTerms, UnitResult, fit_held, tune_unit
from ser_bench.evaluation.scaling import UnitData, standardise_together
from ser_bench.evaluation.search import PRUNE_CHANCE, Search, folds_inside, median_rounds, should_prune
from ser_bench.models import Fitted, Model, known_models, parse_model
from ser_bench.models.base import Prediction
from ser_bench.models.svm import Svm

MODELS = sorted(name for name, model in known_models().items() if not model.lacks())


def make_unit(*, speakers: int = 6, each: int = 16, emotions: int = 3, columns: int = 10, track: str = "train", seed: int = 0) -> UnitData:
    """Clips whose emotions and speakers both move the features; the last two speakers are held out."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), each)
    y = np.tile(np.arange(each) % emotions, speakers)
    x = 5 + rng.normal(0, 1, (emotions, columns))[y] + rng.normal(0, 0.7, (speakers, columns))[who] + rng.normal(size=(len(y), columns))
    names = np.char.add("s", who.astype(str))
    classes = tuple("abcdefgh"[:emotions])
    return UnitData(x.astype(np.float32), y, names, who < max(1, speakers - 2), classes, names if track == "speaker" else None)


def named(model: str) -> Model:
    """The model, a network with few epochs."""
    return parse_model(f"{model}(epochs=5)" if model in ("dense", "cnn") else model, BALANCED)


def tune(data: UnitData, model: Model | str = "svm", *, trials: int = 5, inner: int = 3, seed: int = 1) -> UnitResult:
    model = named(model) if isinstance(model, str) else model
    return tune_unit(data, model, SearchTerms(trials, inner, seed, 2))


@cache
def usual(model: str) -> UnitResult:
    """What three trials come to on the usual clips, to be looked at."""
    return tune(make_unit(), model, trials=3)


def outcome(result: UnitResult) -> tuple[bytes, bytes, str, str]:
    trials = result.trials.drop(columns="seconds").to_json()
    return result.predicted.tobytes(), result.probabilities.tobytes(), json.dumps(result.params), trials


class Fragile(Svm):
    """Raises on trials that are not its defaults, or on all."""

    name = "fragile"

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.always = always

    def plan(self, split: Any) -> Any:
        plan = super().plan(split)
        run = plan.run

        def run_or_raise(params: Mapping[str, Any], seed: int, rounds: int | None = None) -> Any:
            if self.always or params != self.defaults:
                raise FloatingPointError("no kernel today")
            return run(params, seed, rounds)

        plan.run = run_or_raise
        return plan


class Dull(Model):
    """Decides for one emotion unless told to be right, which only its defaults are."""

    name: ClassVar[str] = "dull"
    version = 1
    description = "a constant"
    defaults: ClassVar[dict[str, Any]] = {"good": True, "noise": 0.0}

    def space(self, trial: Any) -> dict[str, Any]:
        return {"good": trial.suggest_categorical("good", [True]), "noise": trial.suggest_float("noise", 0, 1)}

    def fit(self, split: Any, params: Mapping[str, Any], seed: int, rounds: int | None = None) -> Fitted:
        if params["noise"] == 0:
            return Svm().fit(split, dict(Svm.defaults), seed)
        from ser_bench.models.base import ConstantModel

        return ConstantModel(0, split.n_classes)


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_same_bytes(model: str) -> None:
    assert outcome(tune(make_unit(), model, trials=3)) == outcome(usual(model))


@pytest.mark.parametrize("model", MODELS)
def test_permuted_held_out_labels_change_no_parameter_and_no_prediction(model: str) -> None:
    data = make_unit()
    y = data.y.copy()
    y[~data.train] = np.random.default_rng(5).permutation(y[~data.train])
    assert outcome(usual(model)) == outcome(tune(replace(data, y=y), model, trials=3))


@pytest.mark.parametrize("model", MODELS)
def test_other_held_out_clips_change_no_prediction_on_the_train_track(model: str) -> None:
    data = make_unit()
    x = data.x.copy()
    shifted = np.flatnonzero(~data.train)[:10]
    x[shifted] += 30
    one, two = usual(model), tune(replace(data, x=x), model, trials=3)
    np.testing.assert_array_equal(one.predicted[10:], two.predicted[10:])
    np.testing.assert_allclose(one.probabilities[10:], two.probabilities[10:], atol=1e-5)
    assert one.params == two.params
    assert one.rounds == two.rounds


def test_speaker_on_both_sides_is_refused() -> None:
    data = make_unit()
    train = data.train.copy()
    train[-1] = True
    with pytest.raises(WorkFailed, match="s5"):
        tune(replace(data, train=train))


def test_leaky_split_is_let_through() -> None:
    data = make_unit()
    train = np.arange(len(data.y)) % 4 != 0
    assert len(tune(replace(data, train=train, leaky=True)).predicted) == (~train).sum()


def test_leaky_split_of_one_speaker_is_searched() -> None:
    data = make_unit(speakers=1, each=60)
    train = np.arange(60) % 4 != 0
    assert len(tune(replace(data, train=train, leaky=True)).trials) == 5


@pytest.mark.parametrize("model", MODELS)
def test_single_training_speaker_means_defaults_and_says_so(model: str) -> None:
    data = make_unit(speakers=3, each=30)
    result = tune(data, model)
    assert result.params == named(model).start
    assert "defaults: one training speaker" in result.notes
    assert result.trials["chosen"].tolist() == [True]
    np.testing.assert_allclose(result.probabilities.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_first_trial_is_the_defaults(model: str) -> None:
    first = usual(model).trials.iloc[0]
    assert json.loads(first["params"]) == named(model).start
    assert first["state"] == "complete"


@pytest.mark.parametrize("model", MODELS)
def test_absent_emotion_has_probability_zero_and_rows_sum_to_one(model: str) -> None:
    data = make_unit(emotions=4)
    only_held_out = data.y == 3
    data = replace(data, y=np.where(only_held_out & data.train, 0, data.y))
    result = tune(data, model, trials=2)
    assert (result.probabilities[:, 3] == 0).all()
    assert 3 not in result.predicted
    np.testing.assert_allclose(result.probabilities.sum(1), 1, atol=1e-6)


def test_emotion_of_one_speaker_is_absent_from_an_inner_fold_and_breaks_nothing() -> None:
    data = make_unit(emotions=4)
    y = np.where((data.y == 3) & (data.voices != "s0"), 0, data.y)
    for model in MODELS:
        np.testing.assert_allclose(tune(replace(data, y=y), model, trials=2).probabilities.sum(1), 1, atol=1e-6)


def test_decision_is_the_machines_own_and_not_the_calibrators() -> None:
    data = make_unit()
    result = tune(data, trials=1)
    machine = make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced")).fit(data.x[data.train], data.y[data.train])
    np.testing.assert_array_equal(result.predicted, machine.predict(data.x[~data.train]))


def test_inner_score_is_that_of_a_pipeline_scaled_by_inner_training_clips() -> None:
    data = make_unit()
    search = Search.over(data, data.x, Svm(), folds_inside(data, 4, 2), 1)
    assert search is not None
    trial = search.evaluate(0, dict(Svm.defaults), None)
    x, y = data.x[data.train], data.y[data.train]
    predicted = np.empty_like(y)
    for fold in range(4):
        held = search.folds == fold
        predicted[held] = make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced")).fit(x[~held], y[~held]).predict(x[held])
    assert trial.score == pytest.approx(np.mean([(predicted[y == c] == c).mean() for c in range(3)]))


def test_speaker_track_standardises_each_speakers_own_clips() -> None:
    data = make_unit()
    scaled = standardise_together(data.x, data.voices)
    for speaker in np.unique(data.voices):
        mine = data.voices == speaker
        np.testing.assert_allclose(scaled[mine], StandardScaler().fit_transform(data.x[mine]), atol=1e-5)


def test_speaker_track_forgives_a_speakers_offset() -> None:
    data = make_unit(track="speaker")
    moved = data.x + np.unique(data.voices, return_inverse=True)[1][:, None].astype(np.float32)
    np.testing.assert_array_equal(tune(data).predicted, tune(replace(data, x=moved)).predicted)


def test_constant_column_vanishes() -> None:
    data = make_unit()
    x = np.column_stack([data.x, np.where(data.train, 4.2, 9e6)]).astype(np.float32)
    np.testing.assert_array_equal(tune(data, trials=1).predicted, tune(replace(data, x=x), trials=1).predicted)


def test_hopeless_trial_is_pruned_and_the_defaults_never_are() -> None:
    trials = tune(make_unit(speakers=10), Dull(), trials=6, inner=4).trials
    assert trials["state"].tolist() == ["complete"] + ["pruned"] * 5
    assert trials["chosen"].tolist() == [True] + [False] * 5


def test_trial_is_given_up_only_when_its_speakers_agree() -> None:
    rng = np.random.default_rng(0)
    assert should_prune(rng.normal(-0.1, 0.02, 5), 20)
    assert not should_prune(rng.normal(-0.01, 0.2, 5), 20)
    assert not should_prune(np.array([-1.0]), 20)
    assert not should_prune(np.zeros(5), 20)


def test_pruner_is_rarely_wrong() -> None:
    rng = np.random.default_rng(0)
    winners = [d for d in rng.normal(0.0, 0.1, (4000, 20)) if d.mean() > 0]
    assert np.mean([should_prune(d[:5], 20) for d in winners]) < PRUNE_CHANCE


def chance_above_zero(differences: np.ndarray, n_speakers: int) -> float:
    """How probable it is that the mean over all speakers is above zero, as Cochran has it for a sample of a finite population."""
    n = len(differences)
    error = np.sqrt(differences.var(ddof=1) / n * (n_speakers - n) / n_speakers)
    return float(t.sf(-differences.mean() / error, n - 1))


def test_what_is_left_to_see_decides_whether_a_trial_is_given_up() -> None:
    differences = np.array([-0.3, 0.3, -0.25, -0.1, 0.05, -0.2, -0.02, 0.1])
    chances = [chance_above_zero(differences, n) for n in (9, 12, 40, 10**6)]
    assert chances[0] < PRUNE_CHANCE < chances[-1]
    assert [should_prune(differences, n) for n in (9, 12, 40, 10**6)] == [chance < PRUNE_CHANCE for chance in chances]


def test_a_refit_takes_the_median_of_the_inner_rounds() -> None:
    def rounds(*found: int | None) -> int | None:
        return median_rounds([Prediction(np.zeros(1, int), np.zeros((1, 2)), n) for n in found])

    assert rounds(10, 90, 20) == 20
    assert rounds(10, 90, 20, 30) == 25
    assert rounds(None, 40) == 40
    assert rounds(None, None) is None


def test_failed_trials_are_marked_and_the_study_goes_on() -> None:
    result = tune(make_unit(), Fragile(always=False), trials=4)
    assert result.trials["state"].tolist() == ["complete"] + ["failed"] * 3
    assert result.notes == ["3 of 4 trials failed: FloatingPointError: no kernel today"]


def test_model_that_always_fails_ends_the_unit_with_its_reason() -> None:
    with pytest.raises(WorkFailed, match="no kernel today"):
        tune(make_unit(), Fragile(always=True), trials=2)


def test_wide_sets_are_named_in_the_notes() -> None:
    result = tune(make_unit(columns=1100), "xgb", trials=1, inner=2)
    assert result.notes == ["xgb: 1000 of 1100 columns by ANOVA inside each fold"]


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_with_what_a_search_chose_is_that_search_s_own(name: str) -> None:
    model, data = named(name), make_unit()
    searched = usual(model)
    held = fit_held(data, model, params=searched.params, rounds=searched.rounds, seed=1)
    np.testing.assert_array_equal(held.predicted, searched.predicted)
    assert held.rounds == searched.rounds
    if model.probabilistic:
        np.testing.assert_array_equal(held.probabilities, searched.probabilities)


def test_a_fit_without_a_search_refuses_a_speaker_on_both_sides() -> None:
    data = make_unit()
    shared = replace(data, voices=np.where(np.arange(len(data.y)) == 0, data.voices[-1], data.voices))
    with pytest.raises(WorkFailed, match="both sides"):
        fit_held(shared, Svm(), params=dict(Svm.defaults), rounds=None, seed=0)
