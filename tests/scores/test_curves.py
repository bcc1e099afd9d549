"""Curves hold the numbers that they are drawn for, and pass where the definition says."""

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
