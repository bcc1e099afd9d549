"""Every model keeps the house's contract, whatever its family."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from ser_bench.config import BALANCED, CLASS_WEIGHTS
from ser_bench.models import DEFAULT_MODELS, Model, Split, catalogue, known_models, parse_model
from ser_bench.models.base import PreparedFit, fit_split, prepare_split

MODELS = sorted(name for name, model in known_models().items() if not model.lacks())
SMALL = {
    "dense": "dense(layers=16,learning_rate=0.01,epochs=12)",
    "cnn": "cnn(layers=c8x3-p2s-d-16,learning_rate=0.01,epochs=12)",
}
IN_ROUNDS = [name for name in ("xgb", "mlp", "dense", "cnn") if name in MODELS]
WEIGHING = [name for name in MODELS if known_models()[name].weighs_classes]


def make_split(*, absent: int | None = None, searching: bool = True, emotions: int = 3, columns: int = 12, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    y_train, y_eval = rng.integers(0, emotions, 120), rng.integers(0, emotions, 60)
    if absent is not None:
        y_train = np.where(y_train == absent, (absent + 1) % emotions, y_train)
    centres = rng.normal(0, 1.2, (emotions, columns))
    x_train, x_eval = (rng.normal(centres[y]).astype(np.float32) for y in (y_train, y_eval))
    return Split(x_train, y_train, x_eval, y_eval if searching else None, emotions)


def unbalanced(split: Split) -> Split:
    """The split with a fifth of the first emotion's training clips."""
    kept = (split.y_train > 0) | (np.arange(len(split.y_train)) % 5 == 0)
    return replace(split, x_train=split.x_train[kept], y_train=split.y_train[kept])


def model_named(name: str, class_weights: str = BALANCED) -> Model:
    """The model, and of those that take long a small one."""
    return parse_model(SMALL.get(name, name), class_weights)


def draws(model: Model, n: int = 4) -> list[dict]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [model.draw(study.ask()) for _ in range(n)]


def test_default_models_are_known_and_logreg_is_on_request() -> None:
    assert set(DEFAULT_MODELS) < set(MODELS)
    assert "logreg" in MODELS
    assert "logreg" not in DEFAULT_MODELS


@pytest.mark.parametrize("name", MODELS)
def test_defaults_are_a_member_of_the_space(name: str) -> None:
    import optuna

    model = model_named(name)
    assert model.space(optuna.trial.FixedTrial(dict(model.defaults))) == model.defaults


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("searching", [True, False])
def test_plan_decides_as_plain_fits_do(name: str, searching: bool) -> None:
    model, split = model_named(name), make_split(searching=searching)
    plan = model.plan(split)
    for params in draws(model):
        shared, plain = plan.run(params, 1), PreparedFit(model, split).run(params, 1)
        np.testing.assert_array_equal(shared.predicted, plain.predicted)
        np.testing.assert_allclose(shared.scores, plain.scores, atol=1e-3)
        assert shared.rounds == plain.rounds


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_absent_emotion_breaks_nothing_and_is_never_believed(name: str, absent: int) -> None:
    model = model_named(name)
    prediction = model.plan(make_split(absent=absent)).run(model.start, 1)
    assert absent not in prediction.predicted
    assert (prediction.scores[:, absent] == (0 if model.probabilistic else -np.inf)).all()
    assert np.isfinite(np.delete(prediction.scores, absent, axis=1)).all()


@pytest.mark.parametrize("name", MODELS)
def test_single_emotion_in_training_is_the_only_verdict(name: str) -> None:
    split = make_split()
    alone = Split(split.x_train, np.full(120, 2), split.x_eval, split.y_eval, 3)
    prediction = prepare_split(model_named(name), alone).run(model_named(name).start, 1)
    assert (prediction.predicted == 2).all()
    np.testing.assert_array_equal(prediction.scores[0], [0, 0, 1])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("emotions", [2, 4])
def test_decision_is_the_highest_score_and_beats_chance(name: str, emotions: int) -> None:
    model, split = model_named(name), make_split(emotions=emotions)
    prediction = model.plan(split).run(model.start, 1)
    assert (prediction.predicted == split.y_eval).mean() > 1.5 / emotions
    assert prediction.scores.shape == (60, emotions)
    assert (prediction.scores.argmax(1) == prediction.predicted).mean() > 0.95
    if model.probabilistic:
        np.testing.assert_allclose(prediction.scores.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_bytes(name: str) -> None:
    model = model_named(name)
    one, two = (model.plan(make_split()).run(model.start, 7) for _ in range(2))
    assert one.scores.tobytes() == two.scores.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_fitted_model_survives_pickling(name: str) -> None:
    model, split = model_named(name), make_split(searching=False)
    fitted = model.fit(split, model.start, 1, 5)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(split.x_eval).scores, fitted.predict(split.x_eval).scores)


@pytest.mark.parametrize("name", IN_ROUNDS)
def test_rounds_found_on_validation_clips_are_what_the_verdict_used(name: str) -> None:
    model, split = model_named(name), make_split()
    watched = model.plan(split).run(model.start, 3)
    told = model.plan(split).run(model.start, 3, watched.rounds)
    assert told.rounds == watched.rounds
    np.testing.assert_allclose(told.scores, watched.scores, atol=1e-6)


@pytest.mark.parametrize("name", IN_ROUNDS)
def test_validation_clips_of_unknown_emotions_do_not_decide_when_to_stop(name: str) -> None:
    model, split = model_named(name), make_split(absent=1)
    known = split.y_eval != 1
    fewer = Split(split.x_train, split.y_train, split.x_eval[known], split.y_eval[known], 3)
    assert model.plan(split).run(model.start, 3).rounds == model.plan(fewer).run(model.start, 3).rounds


def rare_recall(model: Model, *, searching: bool, planned: bool, **changed: object) -> float:
    """How much is recognised of an emotion that one in twenty training clips shows."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [380, 20])
    x = rng.normal(y[:, None] * 0.8, 1, (400, 4)).astype(np.float32)
    y_eval = np.repeat([0, 1], 100)
    x_eval = rng.normal(y_eval[:, None] * 0.8, 1, (200, 4)).astype(np.float32)
    split, params = Split(x, y, x_eval, y_eval if searching else None, 2), {**model.start, **changed}
    if model.name == "rf":
        params["min_samples_leaf"] = 8  # Leaves of one clip give a weight nothing to weigh.
    prediction = model.plan(split).run(params, 1) if planned else model.fit(split, params, 1).predict(x_eval)
    return float(prediction.predicted[y_eval == 1].mean())


@pytest.mark.parametrize("name", WEIGHING)
def test_rare_emotion_weighs_as_much_as_a_frequent_one(name: str) -> None:
    assert rare_recall(model_named(name), searching=True, planned=True) > 0.25


@pytest.mark.parametrize("name", WEIGHING)
@pytest.mark.parametrize("searching", [True, False])
@pytest.mark.parametrize("planned", [True, False])
def test_without_class_weights_a_rare_emotion_is_recognised_less(name: str, searching: bool, planned: bool) -> None:
    balanced, without = (rare_recall(model_named(name, weights), searching=searching, planned=planned) for weights in CLASS_WEIGHTS)
    assert without < balanced - 0.1


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_without_class_weights_the_approximate_machine_recognises_a_rare_emotion_less(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_bench.models.svm.EXACT_CLIPS", 0)
    balanced, without = (
        rare_recall(known_models()["svm"](weights), searching=True, planned=True, kernel=kernel) for weights in CLASS_WEIGHTS
    )
    assert without < balanced - 0.2


@pytest.mark.parametrize("name", MODELS)
def test_model_fitted_for_other_clips_decides_as_its_plan_on_wide_sets(name: str) -> None:
    model, split = model_named(name), make_split(columns=1100)
    planned = prepare_split(model, split).run(model.start, 1, 3)
    fitted = fit_split(model, split, model.start, 1, 3).predict(split.x_eval)
    np.testing.assert_array_equal(planned.predicted, fitted.predicted)
    np.testing.assert_allclose(planned.scores, fitted.scores, atol=1e-3)


def test_catalogue_names_every_model_with_its_space() -> None:
    parameters = {row["model"]: row["parameters"] for row in catalogue()}
    assert set(parameters) >= {*MODELS, "dense", "cnn"}
    assert "kernel rbf|linear (rbf)" in parameters["svm"]
