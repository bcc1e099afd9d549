"""Probabilities from decision scores."""

import numpy as np

from ser_bench.models.calibration import Calibrator, fit_calibrator


def confident(n: int, sharpness: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    scores = rng.normal(0, 1, (n, 3))
    p = np.exp(sharpness * scores)
    p /= p.sum(1, keepdims=True)
    return scores, (p.cumsum(1) < rng.random((n, 1))).sum(1)


def test_calibrator_finds_how_sharp_the_scores_are() -> None:
    scores, y = confident(6000, 2.5, np.random.default_rng(0))
    assert abs(fit_calibrator(scores, y).sharpness - 2.5) < 0.25


def test_useless_scores_become_even_probabilities() -> None:
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=(3000, 3)), rng.choice(3, 3000, p=[0.7, 0.2, 0.1])
    assert abs(fit_calibrator(scores, y).probabilities(scores) - 1 / 3).max() < 0.1


def test_emotion_unknown_to_the_machine_keeps_probability_zero() -> None:
    scores, y = confident(300, 1.0, np.random.default_rng(0))
    scores[:150, 2] = -np.inf
    calibrator = fit_calibrator(scores, y)
    p = calibrator.probabilities(scores)
    assert (p[:150, 2] == 0).all()
    np.testing.assert_allclose(p.sum(1), 1)


def test_without_anything_to_fit_on_it_is_the_plain_softmax() -> None:
    scores = np.full((4, 2), -np.inf)
    scores[:, 0] = 1.0
    assert fit_calibrator(scores, np.ones(4, int)) == Calibrator()
