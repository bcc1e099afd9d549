"""Trials of boosted trees are compared cheaply, and what is found is fitted finely."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost
from scipy.special import log_softmax

from ser_bench.models import boosting
from ser_bench.models.base import Narrowed, PreparedFit, Split, prepare_split
from ser_bench.models.boosting import BoostedTrees, Boosting, FinalPlan, FittedBoosting, TrialPlan
from ser_bench.models.compiled.boosting import boost
from ser_bench.models.compiled.trees import cut_columns
from ser_bench.models.feature_selection import select_k_best
from ser_bench.models.nodes import Trees

ALL = {"eta": 0.4, "max_depth": 3, "subsample": 1.0, "colsample_bynode": 1.0, "lambda": 1.0, "min_child_weight": 1.0}
"""Hyperparameters with which nothing is drawn."""
SHARED_START = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 1)
"""Whether XGBoost starts from the emotions' shares, as versions before 3.1 did not."""


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


def few_values(seed: int, n: int = 200, columns: int = 25, emotions: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips with at most nine values per column, each a bin of its own, emotions, and weights, by which the first emotion counts most."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % emotions)
    x = np.round(rng.normal(rng.normal(0, 0.5, (emotions, columns))[y])).clip(-4, 4).astype(np.float32)
    return x, y, rng.uniform(0.5, 2, n) * np.where(y == 0, 3, 1)


def grown(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, params: dict[str, float], rounds: int, seed: int = 0, stopping: bool = False
) -> tuple[Trees, np.ndarray, int]:
    """Trees, margins of the second half of clips, and rounds, of a fit on the first."""
    half, start = len(y) // 2, np.zeros(y.max() + 1, np.float32)
    watched = np.ascontiguousarray(x[half:]), y[half:], weights[half:]
    bins = cut_columns(x[:half], boosting.BINS)
    *trees, margins, done = boost(bins, y[:half], weights[:half], watched, start, params, np.uint64(seed), rounds, stopping=stopping)
    return Trees(*trees), margins, done


def matrix(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> xgboost.DMatrix:
    """Clips for which all emotions start the same, as in `grown`."""
    return xgboost.DMatrix(x, y, weight=weights, base_margin=np.zeros((len(y), y.max() + 1)))


def xgboosted(x: np.ndarray, y: np.ndarray, weights: np.ndarray, params: dict[str, float], rounds: int, **told: Any) -> xgboost.Booster:
    half = len(y) // 2
    settings = {
        **params,
        "objective": "multi:softprob",
        "num_class": y.max() + 1,
        "tree_method": "hist",
        "max_bin": boosting.BINS,
        "nthread": 1,
    }
    first, second = (matrix(x[part], y[part], weights[part]) for part in (slice(half), slice(half, None)))
    return xgboost.train(settings, first, rounds, evals=[(second, "")], verbose_eval=False, **told)


def centred(margins: np.ndarray) -> np.ndarray:
    """Margins without what all emotions have in common, which no probability depends on."""
    return log_softmax(margins.astype(np.float64), axis=1)


@pytest.mark.parametrize(
    ("seed", "changed"),
    [
        *enumerate(
            [
                {},
                {"max_depth": 1},
                {"max_depth": 6},
                {"eta": 1.0},
                {"lambda": 0.0},
                {"lambda": 9.0},
                {"min_child_weight": 6.0},
                {"min_child_weight": 1e3},
                {"lambda": 0.0, "min_child_weight": 0.0},
            ]
        )
    ],
)
@pytest.mark.parametrize("emotions", [2, 5])
def test_with_nothing_drawn_trees_are_xgboosts(seed: int, changed: dict[str, float], emotions: int) -> None:
    (x, y, weights), params = few_values(seed, 400, emotions=emotions), ALL | changed
    theirs = xgboosted(x, y, weights, params, 5).predict(matrix(x[200:], y[200:]), output_margin=True)
    np.testing.assert_allclose(centred(grown(x, y, weights, params, 5)[1]), centred(theirs), atol=2e-5)


@pytest.mark.parametrize("clips", [3, 6, 40])
def test_sides_without_weight_are_not_split_off(clips: int) -> None:
    model = Boosting(fixed={"lambda": 0, "min_child_weight": 0, "max_depth": 12})
    split = make_split(searching=True)
    few = replace(split, x_train=split.x_train[:clips].round(1), y_train=np.arange(clips) % 3)
    trial = model.fit(few, model.start, 1, 9)
    assert isinstance(trial, BoostedTrees)
    assert len(trial.trees.column) <= len(trial.trees.roots) * (2 * clips - 1)
    assert np.isfinite(trial.predict(split.x_eval).scores).all()


def test_a_value_next_to_a_cut_falls_on_its_side() -> None:
    low = np.float32(1)
    x = np.tile([low, np.nextafter(low, np.float32(2))], 100)[:, None]
    y = np.arange(200) % 2
    assert (grown(x, y, np.ones(200), ALL, 1)[1].argmax(1) == y[100:]).all()


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_of_the_clips_as_many_are_drawn_per_tree_as_hyperparameters_say(share: float) -> None:
    # Columns without a cut leave one leaf, whose value grows with the clips drawn where lambda is large.
    y = np.zeros(400, np.int64)
    y[1::2] = 1
    x, params = np.zeros((400, 1), np.float32), ALL | {"subsample": share, "lambda": 1e6}
    weights = np.where(y == 1, 3.0, 1.0)
    whole = grown(x, y, weights, params | {"subsample": 1.0}, 1)[0].cut
    drawn = np.array([grown(x, y, weights, params, 1, seed)[0].cut for seed in range(200)]) / whole
    assert drawn.mean() == pytest.approx(share, abs=0.02)
    # Each emotion's tree draws clips of its own.
    assert (drawn[:, 0] != drawn[:, 1]).mean() > 0.9


def test_of_the_columns_as_many_are_drawn_per_node_as_hyperparameters_say() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = rng.integers(0, 5, (400, 10)).astype(np.float32)
    x[:, 7] = y
    for share, drawn in [(0.19, 1), (0.39, 3)]:
        params = ALL | {"colsample_bynode": share, "max_depth": 1}
        roots = np.array([trees.column[trees.roots] for trees in (grown(x, y, np.ones(400), params, 1, seed)[0] for seed in range(400))])
        assert (roots == 7).mean() == pytest.approx(drawn / 10, abs=0.05)
        if drawn == 1:
            assert np.bincount(roots.ravel(), minlength=10) / 800 == pytest.approx(np.full(10, 0.1), abs=0.04)


def test_with_clips_and_columns_drawn_trees_know_as_much_as_xgboosts() -> None:
    params, ours, theirs = ALL | {"subsample": 0.6, "colsample_bynode": 0.2}, [], []
    for seed in range(12):
        x, y, weights = few_values(seed, 800, 40, 4)
        ours.append((grown(x, y, weights, params, 8, seed)[1].argmax(1) == y[400:]).mean())
        theirs.append((xgboosted(x, y, weights, params | {"seed": seed}, 8).predict(matrix(x[400:], y[400:])).argmax(1) == y[400:]).mean())
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.015)


@pytest.mark.parametrize("seed", range(4))
def test_boosting_stops_as_xgboosts_own_early_stopping_does(seed: int) -> None:
    x, y, weights = few_values(seed, 300)
    weights[150:] *= np.where(y[150:] == 0, 30, 1)
    theirs = xgboosted(x, y, weights, ALL, boosting.MOST_ROUNDS, early_stopping_rounds=1)
    trees, margins, rounds = grown(x, y, weights, ALL, boosting.MOST_ROUNDS, stopping=True)
    assert 1 < rounds == theirs.best_iteration + 1
    assert len(trees.roots) == 3 * rounds
    decided = theirs.predict(matrix(x[150:], y[150:]), iteration_range=(0, rounds))
    np.testing.assert_array_equal(margins.argmax(1), decided.argmax(1))


@pytest.mark.skipif(not SHARED_START, reason="this XGBoost starts from nothing")
@pytest.mark.parametrize("weighting", ["balanced", "none"])
def test_trials_start_where_the_final_fit_does(weighting: str) -> None:
    model, split = Boosting(weighting), make_split(searching=True)
    plan, final = prepare_split(model, split), prepare_split(model, make_split(searching=False))
    assert isinstance(plan, TrialPlan)
    assert isinstance(final, FinalPlan)
    np.testing.assert_allclose(plan.start, final.train(model.start, 1, 1).as_arrays().base, atol=1e-6)
    assert plan.start.any() == (weighting == "none")


def test_trials_see_few_bins_and_balanced_validation_clips() -> None:
    plan = prepare_split(Boosting("none"), make_split(searching=True))
    assert isinstance(plan, TrialPlan)
    assert plan.binned[0].max() == boosting.BINS - 1
    _, y, weights = plan.watched
    assert len(set(np.bincount(y))) > 1
    np.testing.assert_allclose(np.bincount(y, weights), len(y) / 3)


def test_validation_clips_of_an_emotion_that_training_lacks_say_nothing_of_when_to_stop() -> None:
    model, split = Boosting(), make_split(searching=True)
    assert split.y_eval is not None
    split.y_eval[::3] = 2
    trained = split.y_train < 2
    lacking = replace(split, x_train=split.x_train[trained], y_train=split.y_train[trained])
    known = split.y_eval < 2
    without = replace(lacking, x_eval=split.x_eval[known], y_eval=split.y_eval[known])
    one, two = (prepare_split(model, each).run(model.start, 1) for each in (lacking, without))
    assert one.rounds == two.rounds
    np.testing.assert_array_equal(one.scores[known], two.scores)
    assert not one.scores[:, 2].any()


def test_trials_are_compared_on_the_best_columns_and_the_final_fit_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "SEARCH_COLUMNS", 5)
    model, split = Boosting(), make_split(searching=True)
    trial = model.fit(split, model.start, 1, 6)
    assert isinstance(trial, Narrowed)
    np.testing.assert_array_equal(trial.columns, select_k_best(split.x_train, split.y_train, 5))
    importances = boosted(model, make_split(searching=False), 6).feature_importances()
    assert importances is not None
    assert importances.shape == (40,)
    assert np.count_nonzero(importances) > 5


@pytest.mark.parametrize("searching", [True, False])
@pytest.mark.parametrize("columns", [40, 300])
def test_a_plan_decides_as_what_it_trains_does_bit_for_bit(searching: bool, columns: int) -> None:
    model, split = Boosting(), make_split(searching=searching, columns=columns)
    one, two = (plan.run(model.start, 1).scores.tobytes() for plan in (prepare_split(model, split), PreparedFit(model, split)))
    assert one == two


@pytest.mark.parametrize("eta", [1.0, 0.3])
def test_the_final_fit_takes_more_and_smaller_steps(eta: float) -> None:
    model = Boosting(fixed={"eta": eta})
    trial, final = model.fit(make_split(searching=True), model.start, 1, 4), boosted(model, make_split(searching=False), 4)
    assert isinstance(trial, BoostedTrees)
    assert (len(trial.trees.roots), final.booster.num_boosted_rounds()) == (4 * 3, 4 * boosting.FINE.finer)
    assert step_of(final.booster) == pytest.approx(eta / boosting.FINE.smaller)
    assert trial.rounds == final.rounds == 4


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
    trial = prepare_split(model, make_split(searching=True)).run(model.start, 1).scores
    monkeypatch.setattr(boosting, "LARGE_CLIPS", clips - 1)
    after, final = boosted(model, split, 4), boosting.FINE if fixed else boosting.COARSE
    np.testing.assert_array_equal(prepare_split(model, make_split(searching=True)).run(model.start, 1).scores, trial)
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
    train = FinalPlan(model, split).matrix
    assert ours.booster.save_raw() == xgboost.train(told, train, ours.booster.num_boosted_rounds()).save_raw()
