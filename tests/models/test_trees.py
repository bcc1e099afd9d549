"""Trees and forests are scikit-learn's, on bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from ser_bench.models import forest
from ser_bench.models.base import Split
from ser_bench.models.compiled.trees import cut_columns, grow
from ser_bench.models.forest import Forest
from ser_bench.models.nodes import LEAF, Nodes, vote


def overlapping(n: int, columns: int, emotions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, emotions, n)
    return rng.normal(rng.normal(0, 0.6, (emotions, columns))[y]).astype(np.float32), y


def one_tree(x: np.ndarray, y: np.ndarray, weights: np.ndarray, *, least: int = 1, bins: int = 256) -> Nodes:
    return Nodes(*grow(*cut_columns(x, bins), y, weights[None], y.max() + 1, x.shape[1], least, np.uint64(0)))


@pytest.mark.parametrize("least", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_a_tree_on_a_bin_a_value_is_scikit_learns(seed: int, least: int) -> None:
    x, y = overlapping(200, 1, 3, seed)
    # Whole weights, so that equally good cuts are equal to the last digit, and both take the first.
    weights = np.random.default_rng(seed).integers(1, 4, 200).astype(float)
    theirs = DecisionTreeClassifier(min_samples_leaf=least).fit(x, y, sample_weight=weights)
    ours = one_tree(x, y, weights, least=least)
    assert len(ours.cut) == theirs.tree_.node_count
    np.testing.assert_allclose(vote(ours, x), theirs.predict_proba(x), atol=1e-6)


def test_a_forest_knows_as_much_as_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "TREES", 300)
    ours, theirs = [], []
    for seed in range(4):
        x, y = overlapping(900, 25, 5, seed)
        split = Split(x[:400], y[:400], x[400:], None, 5)
        params = {"max_features": 1.0, "min_samples_leaf": 2, "max_samples": 0.8}
        ours.append((Forest().plan(split).run(params, seed).predicted == y[400:]).mean())
        plain = RandomForestClassifier(300, min_samples_leaf=2, max_samples=0.8, class_weight="balanced", random_state=seed)
        theirs.append((plain.fit(x[:400], y[:400]).predict(x[400:]) == y[400:]).mean())
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.01)


@given(st.integers(1, 80), st.integers(2, 64), st.integers(1, 40), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_value_s_bin_is_the_number_of_cuts_below_it(n: int, bins: int, distinct: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(0, distinct, (n, 2)).astype(np.float32)
    codes, cuts = cut_columns(x, bins)
    np.testing.assert_array_equal(codes, (cuts[:, :, None] < x.T[:, None]).sum(1))
    for column in range(2):
        assert len(np.unique(codes[column])) == min(bins, len(np.unique(x[:, column]))) or distinct > bins


def test_bins_hold_about_equally_many_clips() -> None:
    x = np.random.default_rng(0).exponential(size=(1000, 1)).astype(np.float32)
    assert np.ptp(np.bincount(cut_columns(x, 32)[0][0])) <= 1


def test_leaves_are_no_smaller_than_asked_and_clips_that_were_not_drawn_count_nowhere() -> None:
    x, y = overlapping(300, 4, 3)
    weights = np.where(np.arange(300) % 3 > 0, 1.0, 0.0)
    nodes = one_tree(x, y, weights, least=7)
    # Weights of one in three emotions: a leaf's shares times its clips are whole numbers.
    leaves = nodes.shares[nodes.column == LEAF]
    np.testing.assert_allclose(leaves.sum(1), 1, atol=1e-6)
    fallen = np.array([np.flatnonzero((vote(nodes, x[[i]]) == leaves).all(1))[0] for i in np.flatnonzero(weights)])
    assert np.bincount(fallen)[np.unique(fallen)].min() >= 7


def test_a_constant_column_is_never_asked_for() -> None:
    x, y = overlapping(100, 3, 2)
    x[:, 1] = 4.2
    nodes = Nodes(*grow(*cut_columns(x, 32), y, np.ones((20, 100)), 2, 1, 1, np.uint64(3)))
    assert set(nodes.column) == {LEAF, 0, 2}


@pytest.mark.parametrize("least", [12, 30])
@pytest.mark.parametrize("seed", range(5))
def test_what_a_tree_rests_on_is_scikit_learns(seed: int, least: int) -> None:
    x, y = overlapping(300, 6, 3, seed)
    x = x.round()
    # Of two columns that part a node's clips equally well, the trees may take different ones: large leaves and odd weights leave none.
    weights = np.random.default_rng(seed).uniform(0.5, 2, 300)
    theirs = DecisionTreeClassifier(min_samples_leaf=least, random_state=0).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(one_tree(x, y, weights, least=least).gains, theirs.feature_importances_, atol=1e-9)


def test_every_tree_counts_the_same_in_what_a_forest_rests_on() -> None:
    x, y = overlapping(300, 6, 3)
    weights = np.random.default_rng(1).uniform(0.5, 2, (4, 300)) * [[1], [1], [50], [1000]]
    whole = Nodes(*grow(*cut_columns(x.round(), 256), y, weights, 3, 6, 30, np.uint64(0)))
    theirs = [DecisionTreeClassifier(min_samples_leaf=30).fit(x.round(), y, sample_weight=mine).feature_importances_ for mine in weights]
    np.testing.assert_allclose(whole.gains, np.sum(theirs, axis=0), atol=1e-9)


def test_a_forest_rests_on_what_scikit_learns_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "TREES", 300)
    rng, y = np.random.default_rng(2), np.tile([0, 1, 2], 200)
    x = rng.normal(rng.normal(0, 0.6, (3, 12))[y]).astype(np.float32)
    ours = Forest().fit(Split(x, y, x, None, 3), {"max_features": 1.0, "min_samples_leaf": 4, "max_samples": 0.8}, 0).feature_importances()
    theirs = RandomForestClassifier(300, max_features=3, min_samples_leaf=4, max_samples=0.8, random_state=0).fit(x, y)
    assert ours is not None
    assert ours.sum() == pytest.approx(1)
    np.testing.assert_allclose(ours, theirs.feature_importances_, atol=0.012)


def test_a_forest_without_a_split_rests_on_nothing() -> None:
    x = np.ones((40, 3), np.float32)
    assert Forest().fit(Split(x, np.arange(40) % 2, x, None, 2), dict(Forest.defaults), 0).feature_importances() is None
