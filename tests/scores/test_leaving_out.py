"""Leaving a voice out by counting gives what scoring the other voices' clips gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench import scores
from ser_bench.scores.leaving_out import aucs_without, calibration_error_without, log_loss_without, micro_auc_without


def draw(seed):
    """Truth, decisions, probabilities of few digits (so that there are ties), voices and folds; each voice is in one fold."""
    rng = np.random.default_rng(seed)
    n, k, n_voices = 60, 3, rng.integers(3, 7)
    truth, voices = rng.choice(list("abc"), n), rng.integers(0, n_voices, n)
    truth[:3] = list("abc")
    p = rng.integers(1, 6, (n, k)) + 2 * (truth[:, None] == np.array(list("abc")))
    p = p / p.sum(1, keepdims=True)
    folds = voices % rng.integers(1, n_voices + 1)
    return truth, np.array(list("abc"))[p.argmax(1)], p, voices.astype(str), folds


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_every_score_is_that_of_the_clips_left(seed):
    truth, predicted, p, voices, folds = draw(seed)
    macro, by_class = aucs_without(truth, p, voices, folds, classes=list("abc"))
    micro = micro_auc_without(truth, p, voices, folds, classes=list("abc"))
    loss, error = log_loss_without(truth, p, voices), calibration_error_without(truth, predicted, p, voices)

    def scored(left):
        own = truth[left], p[left], folds[left]
        return (
            scores.auc(*own, classes=list("abc")),
            list(scores.aucs(*own, classes=list("abc")).values()),
            scores.micro_auc(*own, classes=list("abc")),
            scores.log_loss(truth[left], p[left], classes=list("abc")),
            scores.calibration_error(truth[left], predicted[left], p[left], classes=list("abc")),
        )

    found = macro, by_class, micro, loss, error
    for value, known in zip(found, scored(np.ones(len(truth), bool)), strict=True):
        assert value.score == pytest.approx(known, nan_ok=True)
    for place, name in enumerate(np.unique(voices)):
        for value, known in zip(found, scored(voices != name), strict=True):
            assert value.without[place] == pytest.approx(known, nan_ok=True)


def test_a_class_that_a_model_never_saw_is_ranked_last():
    truth, _, p, voices, folds = draw(1)
    p = np.where(np.arange(3) == 2, -np.inf, p)
    macro, _ = aucs_without(truth, p, voices, folds)
    assert macro.score == pytest.approx(scores.auc(truth, p, folds))
