"""Trials of boosted trees are compared cheaply, and what is found is fitted finely."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xgboost

from ser_bench.models import boosting
from ser_bench.models.base import PreparedFit, Split, prepare_split
from ser_bench.models.boosting import Boosting, FittedBoosting
from ser_bench.models.feature_selection import select_k_best


def make_split(*, searching: bool, columns: int = 40) -> Split:
    rng = np.random.default_rng(0)
    y_train, y_eval = rng.integers(0, 3, 150), rng.integers(0, 3, 60)
    centres = rng.normal(0, 0.5, (3, columns))
    x_train, x_eval = (rng.normal(centres[y]).astype(np.float32) for y in (y_train, y_eval))
    return Split(x_train, y_train, x_eval, y_eval if searching else None, 3)


def boosted(model: Boosting, split: Split, rounds: int | None = None) -> FittedBoosting:
    fitted = model.fit(split, model.start, 1, rounds)
    assert isinstance(fitted, FittedBoosting)
    return fitted


def trained_with(booster: xgboost.Booster) -> dict[str, str]:
    settings: dict[str, str] = json.loads(booster.save_config())["learner"]["gradient_booster"]["tree_train_param"]
    return settings


def step_of(booster: xgboost.Booster) -> float:
    return float(trained_with(booster)["eta"])


def depth_of(booster: xgboost.Booster) -> int:
    return int(trained_with(booster)["max_depth"])


def test_trials_are_compared_on_the_best_columns_and_the_final_fit_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "SEARCH_COLUMNS", 5)
    model, used = Boosting(), {}
    for searching in (True, False):
        split = make_split(searching=searching)
        importances = model.fit(split, model.start, 1, 6).feature_importances()
        assert importances is not None
        assert importances.shape == (40,)
        used[searching] = set(np.flatnonzero(importances))
    assert used[True] <= set(select_k_best(split.x_train, split.y_train, 5))
    assert len(used[False]) > 5


@pytest.mark.parametrize("searching", [True, False])
@pytest.mark.parametrize("columns", [40, 300])
def test_a_plan_decides_as_what_it_trains_does_bit_for_bit(searching: bool, columns: int) -> None:
    model, split = Boosting(), make_split(searching=searching, columns=columns)
    one, two = (plan.run(model.start, 1).scores.tobytes() for plan in (prepare_split(model, split), PreparedFit(model, split)))
    assert one == two


def test_boosting_stops_as_xgboosts_own_early_stopping_does(monkeypatch: pytest.MonkeyPatch) -> None:
    model, split, told = Boosting(), make_split(searching=True), {}

    def note(settings: dict[str, Any], binned: boosting.Binned) -> tuple[xgboost.Booster, int]:
        told.update(settings)
        return stop(settings, binned)

    stop = boosting.boost_while_better
    monkeypatch.setattr(boosting, "boost_while_better", note)
    ours = boosted(model, split)
    train = xgboost.QuantileDMatrix(split.x_train, split.y_train, weight=model.weights(split.y_train), max_bin=boosting.BINS)
    watched = xgboost.QuantileDMatrix(split.x_eval, split.y_eval, weight=model.weights(split.y_eval), max_bin=boosting.BINS, ref=train)
    theirs = xgboost.train(told, train, boosting.MOST_ROUNDS, evals=[(watched, "")], early_stopping_rounds=1, verbose_eval=False)
    assert 1 < ours.rounds == theirs.best_iteration + 1
    decided = theirs.inplace_predict(split.x_eval, iteration_range=(0, ours.rounds))
    np.testing.assert_array_equal(ours.predict(split.x_eval).predicted, decided.argmax(1))


@pytest.mark.parametrize("eta", [1.0, 0.3])
def test_the_final_fit_takes_more_and_smaller_steps(eta: float) -> None:
    model = Boosting(fixed={"eta": eta})
    large, small = boosted(model, make_split(searching=True), 4), boosted(model, make_split(searching=False), 4)
    assert (large.booster.num_boosted_rounds(), small.booster.num_boosted_rounds()) == (4, 4 * boosting.FINE.finer)
    assert (step_of(large.booster), step_of(small.booster)) == pytest.approx((eta, eta / boosting.FINE.smaller))
    assert large.rounds == small.rounds == 4


@pytest.mark.parametrize("fixed", [{}, {"max_depth": 3}])
def test_on_many_clips_the_final_fit_has_fewer_and_deeper_trees_unless_their_depth_is_fixed(
    monkeypatch: pytest.MonkeyPatch, fixed: dict[str, Any]
) -> None:
    model, split, before = (
        Boosting(fixed=fixed),
        make_split(searching=False),
        boosted(Boosting(fixed=fixed), make_split(searching=False), 4),
    )
    clips = len(split.y_train)
    monkeypatch.setattr(boosting, "LARGE_CLIPS", clips)
    assert boosted(model, split, 4).booster.save_raw() == before.booster.save_raw()
    assert model.notes(clips, 40) == model.covered(clips) == []
    trial = boosted(model, make_split(searching=True), 4)
    monkeypatch.setattr(boosting, "LARGE_CLIPS", clips - 1)
    after, final = boosted(model, split, 4), boosting.FINE if fixed else boosting.COARSE
    assert boosted(model, make_split(searching=True), 4).booster.save_raw() == trial.booster.save_raw()
    assert (after.rounds, after.booster.num_boosted_rounds()) == (4, 4 * final.finer)
    assert (step_of(after.booster), depth_of(after.booster)) == pytest.approx((1 / final.smaller, 3 + final.deeper))
    assert bool(model.notes(clips, 40)) == bool(model.covered(clips)) == (not fixed)


def test_the_final_fit_has_the_trees_of_xgboosts_own_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model, split, told = Boosting(), make_split(searching=False), {}

    class Noted(xgboost.Booster):
        def __init__(self, settings: dict[str, Any], cache: list[xgboost.DMatrix]) -> None:
            told.update(settings)
            super().__init__(settings, cache)

    monkeypatch.setattr(xgboost, "Booster", Noted)
    ours = boosted(model, split, 4)
    train = boosting.matrix(split.x_train, split.y_train, model.weights(split.y_train))
    assert ours.booster.save_raw() == xgboost.train(told, train, ours.used).save_raw()
