"""Curves hold the numbers that they are drawn for, and pass where the definition says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from ser_bench import scores

CLASSES = np.array(["a", "b", "c"])


def draw(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was meant, probabilities with ties among them, folds."""
    rng = np.random.default_rng(seed)
    p = rng.integers(1, 8, (n, 3)).astype(float)
    return rng.choice(CLASSES, n), p / p.sum(1, keepdims=True), np.arange(n) % 3


@given(st.integers(0, 10**6))
def test_the_area_below_a_curve_is_its_auc(seed):
    truth, p, folds = draw(seed)
    curves = scores.roc_curves(truth, p, folds, classes=CLASSES, points=20_001)
    known = list(scores.aucs(truth, p, folds, classes=CLASSES).values())
    assert np.trapezoid(curves, dx=1 / 20_000, axis=1) == pytest.approx(known, abs=1e-3, nan_ok=True)


def test_a_fold_s_curve_is_scikit_learn_s():
    truth, p, _ = draw(3)
    curves = scores.roc_curves(truth, p, classes=CLASSES, points=41)
    alarms, hits, _ = roc_curve(truth == "b", p[:, 1], drop_intermediate=False)
    for rate, found in zip(np.linspace(0, 1, 41), curves[1], strict=True):
        at = hits[np.isclose(alarms, rate)]
        assert found == pytest.approx(at.max() if len(at) else np.interp(rate, alarms, hits))


def test_curves_rise_and_end_at_one():
    truth, p, folds = draw(4)
    curves = scores.roc_curves(truth, p, folds, classes=CLASSES)
    assert (np.diff(curves, axis=1) >= 0).all()
    assert curves[:, -1].tolist() == [1, 1, 1]


def test_a_class_that_no_fold_holds_has_no_curve():
    truth, p, folds = draw(5)
    curves = scores.roc_curves(np.where(truth == "c", "a", truth), p, folds, classes=CLASSES)
    assert np.isnan(curves[2]).all()
    assert np.isfinite(curves[:2]).all()


def test_reliability_is_scikit_learn_s():
    rng = np.random.default_rng(6)
    p = rng.uniform(0.5, 1, 400)
    right = rng.random(400) < p
    truth, both = np.where(right, "a", "b"), np.column_stack([p, 1 - p])
    said, share, n = scores.reliability(truth, ["a"] * 400, both, classes=["a", "b"], bins=10).T
    known_share, known_said = calibration_curve(right, p, n_bins=10)
    assert share == pytest.approx(known_share)
    assert said == pytest.approx(known_said)
    assert n.sum() == 400


def test_the_calibration_error_is_the_mean_distance_of_the_reliability():
    truth, p, _ = draw(7)
    predicted = CLASSES[p.argmax(1)]
    said, right, n = scores.reliability(truth, predicted, p, classes=CLASSES).T
    assert scores.calibration_error(truth, predicted, p, classes=CLASSES) == pytest.approx(np.average(np.abs(right - said), weights=n))


def curve_by_hand(inside: list[bool], values: list[float], rate: float) -> float:
    """The highest share found at a rate of false alarms, on straight lines between the thresholds' points."""
    points = [(0.0, 0.0)]
    for threshold in sorted(set(values), reverse=True):
        taken = [own for own, value in zip(inside, values, strict=True) if value >= threshold]
        points.append(((len(taken) - sum(taken)) / (len(inside) - sum(inside)), sum(taken) / sum(inside)))
    at = [found for alarms, found in points if np.isclose(alarms, rate)]
    between = [
        a + (b - a) * (rate - x) / (y - x) for (x, a), (y, b) in pairwise(points) if x < rate < y and not np.isclose([x, y], rate).any()
    ]
    return max(at + between)


@pytest.mark.parametrize("seed", range(4))
def test_a_curve_is_the_mean_of_its_folds_that_hold_the_class_and_another(seed):
    rng = np.random.default_rng(seed)
    order = list("cabd")
    truth, folds, values = rng.choice(list("ab"), 24), rng.choice(list("qpr"), 24), rng.integers(0, 6, (24, 4)).astype(float)
    truth[0], truth[folds == "r"] = "c", "a"
    with np.errstate(all="raise"):
        found = scores.roc_curves(truth, values, folds, classes=order, points=9)
    assert found.shape == (4, 9)
    for place, name in enumerate(order):
        of_folds = [(truth[folds == fold] == name, values[folds == fold, place]) for fold in "pqr"]
        known = [(own.tolist(), mine.tolist()) for own, mine in of_folds if 0 < own.sum() < len(own)]
        expected = [np.mean([curve_by_hand(*fold, rate) for fold in known]) if known else np.nan for rate in np.linspace(0, 1, 9)]
        assert found[place] == pytest.approx(expected, nan_ok=True)


def test_without_more_words_a_curve_is_of_one_fold_at_forty_one_rates():
    truth, p, _ = draw(8)
    plain = scores.roc_curves(truth, p)
    assert plain.shape == (3, 41)
    np.testing.assert_array_equal(plain, scores.roc_curves(truth, p, np.zeros(len(truth)), classes=CLASSES, points=41))


@pytest.mark.parametrize("bins", [None, 4])
def test_decisions_are_binned_by_the_probability_of_what_was_decided(bins):
    """Classes in any order and one that nobody meant; beliefs on the borders of bins, of 0 and of 1."""
    rng = np.random.default_rng(9)
    order, n = list("cadb"), bins or 15
    truth, decided = rng.choice(list("abc"), 40), rng.choice(list("abcd"), 40)
    p = rng.integers(0, n + 1, (40, 4)) / n
    belief = [p[i, order.index(decided[i])] for i in range(40)]
    place = [min(int(value * n), n - 1) for value in belief]
    expected = []
    for one in sorted(set(place)):
        here = [i for i in range(40) if place[i] == one]
        expected.append([np.mean([belief[i] for i in here]), np.mean([truth[i] == decided[i] for i in here]), len(here)])
    how = {"classes": order} | ({"bins": bins} if bins else {})
    found = scores.reliability(truth, decided, p, **how)
    assert found == pytest.approx(np.array(expected))
    error = sum(count * abs(right - said) for said, right, count in expected) / 40
    assert scores.calibration_error(truth, decided, p, **how) == pytest.approx(error)
    sorted_columns = p[:, [1, 3, 0]]
    kept = np.where(decided == "d", "a", decided)
    plain = scores.reliability(truth, kept, sorted_columns, classes=list("abc"), bins=15)
    np.testing.assert_array_equal(scores.reliability(truth, kept, sorted_columns), plain)
    assert scores.calibration_error(truth, kept, sorted_columns) == scores.calibration_error(
        truth, kept, sorted_columns, classes=list("abc"), bins=15
    )


@pytest.mark.parametrize("wrong", ["truth", "predicted"])
@pytest.mark.parametrize("score", [scores.reliability, scores.calibration_error])
def test_labels_that_are_missing_or_too_few_are_named(score, wrong):
    whole = {"truth": list("abab"), "predicted": list("abba")}
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4 labels$"):
        score(probabilities=[[0.5, 0.5]] * 4, **{**whole, wrong: [None, *whole[wrong][1:]]})
    with pytest.raises(ValueError, match=r"^predicted has 3 labels for 4 clips$"):
        score(whole["truth"], list("aba"), [[0.5, 0.5]] * 4)
    with pytest.raises(ValueError, match=r"^label 'x' is none of the classes: a, b$"):
        score(whole["truth"], list("abax"), [[0.5, 0.5]] * 4)
