"""What stands in a model's brackets is held, and everything else is searched as ever."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import optuna
import pytest

from ser_bench.errors import WrongCall
from ser_bench.models import Model, parse_model
from tests.models.test_models import MODELS, make_split

HALF_FIXED = {
    "svm": "svm(C=0.5)",
    "rf": "rf(min_samples_leaf=20)",
    "xgb": "xgb(max_depth=6,lambda=0)",
    "mlp": "mlp(width=24)",
    "logreg": "logreg(C=25)",
}


@pytest.mark.parametrize("text", HALF_FIXED.values())
def test_fixed_values_are_what_every_trial_has_and_the_rest_is_drawn_as_ever(text: str) -> None:
    model, study = parse_model(text), optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    tried = [model.draw(study.ask()) for _ in range(6)]
    assert all(params.items() >= model.fixed.items() for params in tried)
    assert {key for params in tried for key in params} == set(model.defaults)
    left = [tuple(value for key, value in params.items() if key not in model.fixed) for params in tried]
    assert (len(set(left)) > 1) == (model.trials(6) > 1)
    assert model.start == {**model.defaults, **model.fixed}


@pytest.mark.parametrize("text", HALF_FIXED.values())
def test_a_value_outside_of_the_search_range_fits(text: str) -> None:
    model, split = parse_model(text), make_split(searching=False)
    assert (model.plan(split).run(model.start, 1, 3).predicted >= 0).all()


def test_a_name_is_the_same_however_it_is_written() -> None:
    assert {parse_model(text).label for text in ("svm(C=1,kernel=rbf)", " svm( kernel = rbf , C = 1.0 )", "svm(kernel='rbf',C=1e0)")} == {
        "svm(C=1,kernel=rbf)"
    }


@pytest.mark.parametrize("name", MODELS)
def test_without_brackets_nothing_is_changed(name: str) -> None:
    model = parse_model(name)
    assert (model.label, model.fixed, model.start, model.trials(30)) == (name, {}, dict(model.defaults), 30)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("smv(C=1)", "unknown model 'smv': did you mean 'svm'?"),
        ("svm(c=1)", "unknown parameter of model 'svm' 'c': did you mean 'C'? (known: C, gamma, kernel)"),
        ("svm(C=0)", "model svm: 'C': 0.0 is not in the range from 1e-06 to 1,000,000.0"),
        ("svm(C=big)", "model svm: 'C' takes a number, not 'big'"),
        ("svm(kernel=cubic)", "model svm: 'kernel' takes one of rbf, linear, not 'cubic'"),
        ("svm(kernel=linear,gamma=1)", "model svm(gamma=1,kernel=linear): 'gamma' is not used with these others"),
        ("rf(min_samples_leaf=1.5)", "model rf: 'min_samples_leaf' takes a whole number, not 1.5"),
        ("svm(C)", "cannot read 'C' in 'svm(C)'"),
        ("svm(", "cannot read 'svm('"),
    ],
)
def test_what_a_model_cannot_take_is_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(WrongCall) as refused:
        parse_model(text)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_where_all_is_fixed_one_trial_is_enough() -> None:
    assert parse_model("logreg(C=1)").trials(30) == 1
    assert parse_model("svm(kernel=linear,C=1)").trials(30) == 1
    assert parse_model("svm(kernel=rbf,C=1)").trials(30) == 30
    assert parse_model("svm(C=1,gamma=1)").trials(30) == 30


class Outside(Model):
    """A model of somebody else's, that says nothing of bounds."""

    name = "outside"
    version = 1
    description = ""
    defaults: Mapping[str, object] = {"depth": 3, "kind": "a"}

    def space(self, trial):  # type: ignore[no-untyped-def]
        return {"depth": trial.suggest_int("depth", 1, high=5), "kind": trial.suggest_categorical("kind", choices=["a", "b"])}

    def fit(self, split, params, seed, rounds=None):  # type: ignore[no-untyped-def]
        raise AssertionError(np.nan)


def test_a_model_that_says_no_bounds_takes_what_it_searches() -> None:
    assert Outside(fixed={"depth": 5, "kind": "b"}).trials(9) == 1
    with pytest.raises(WrongCall, match="6 is not in the range from 1 to 5"):
        Outside(fixed={"depth": 6})
    with pytest.raises(WrongCall, match="takes one of a, b"):
        Outside(fixed={"kind": "c"})


def test_a_model_with_fixed_values_reaches_another_process() -> None:
    model = parse_model("svm(C=1,kernel=linear)")
    again = pickle.loads(pickle.dumps(model))
    assert (again.label, again.start, again.trials(5)) == (model.label, {"kernel": "linear", "C": 1.0}, 1)
