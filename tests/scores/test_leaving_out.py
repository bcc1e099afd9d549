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


def test_folds_by_clip_columns_in_any_order_and_certain_mistakes_are_scored_as_the_clips_left():
    """Voices in several folds, a class of one voice alone, a column of nobody's, probabilities of zero: nothing is divided by zero."""
    rng = np.random.default_rng(5)
    n, order = 40, list("cbad")
    truth, voices, folds = rng.choice(list("ab"), n), rng.choice(list("yxz"), n), rng.choice(["q", "p"], n)
    truth[voices == "z"] = "c"
    p = rng.integers(0, 4, (n, 4)) + np.eye(4)[0] * 0.5
    p[:4] = np.eye(4)
    p = p / p.sum(1, keepdims=True)
    predicted = np.array(order)[p.argmax(1)]

    def scored(left):
        own = truth[left], p[left], folds[left]
        return (
            scores.auc(*own, classes=order),
            list(scores.aucs(*own, classes=order).values()),
            scores.micro_auc(*own, classes=order),
            scores.log_loss(truth[left], p[left], classes=order),
            scores.calibration_error(truth[left], predicted[left], p[left], classes=order, bins=7),
        )

    with np.errstate(all="raise"):
        found = (
            *aucs_without(truth, p, voices, folds, classes=order),
            micro_auc_without(truth, p, voices, folds, classes=order),
            log_loss_without(truth, p, voices, classes=order),
            calibration_error_without(truth, predicted, p, voices, classes=order, bins=7),
        )
    for value, known in zip(found, scored(np.ones(n, bool)), strict=True):
        np.testing.assert_allclose(value.score, known)
        assert value.without.shape == (3, *np.shape(known))
    for place, name in enumerate("xyz"):
        for value, known in zip(found, scored(voices != name), strict=True):
            np.testing.assert_allclose(value.without[place], known)


def test_without_folds_and_classes_all_is_one_fold_of_the_classes_that_occur():
    truth, predicted, p, voices, _ = draw(7)
    order, one = list("abc"), np.zeros(len(truth))
    pairs = [
        *zip(aucs_without(truth, p, voices), aucs_without(truth, p, voices, one, classes=order), strict=True),
        (micro_auc_without(truth, p, voices), micro_auc_without(truth, p, voices, one, classes=order)),
        (log_loss_without(truth, p, voices), log_loss_without(truth, p, voices, classes=order)),
        (
            calibration_error_without(truth, predicted, p, voices),
            calibration_error_without(truth, predicted, p, voices, classes=order, bins=15),
        ),
    ]
    for plain, given_all in pairs:
        np.testing.assert_array_equal(plain.score, given_all.score)
        np.testing.assert_array_equal(plain.without, given_all.without)


def test_a_single_voice_leaves_nothing_without_it():
    truth, p = list("abab"), [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]]
    with np.errstate(all="raise"):
        found = [*aucs_without(truth, p, ["x"] * 4), micro_auc_without(truth, p, ["x"] * 4), log_loss_without(truth, p, ["x"] * 4)]
        found.append(calibration_error_without(truth, truth, p, ["x"] * 4))
    for value in found:
        assert np.isfinite(value.score).all()
        assert np.isnan(value.without).all()
        assert len(value.without) == 1


@pytest.mark.parametrize(
    ("wrong", "score"),
    [
        (wrong, score)
        for wrong, of in {
            "truth": (aucs_without, micro_auc_without, log_loss_without, calibration_error_without),
            "voices": (aucs_without, micro_auc_without, log_loss_without, calibration_error_without),
            "folds": (aucs_without, micro_auc_without),
            "predicted": (calibration_error_without,),
        }.items()
        for score in of
    ],
)
def test_labels_that_are_missing_are_named(wrong, score):
    given = {"truth": list("abab"), "voices": list("xxyy")}
    given |= {"predicted": list("abab")} if score is calibration_error_without else {}
    given |= {"folds": list("ppqq")} if wrong == "folds" else {}
    given["scores" if score in (aucs_without, micro_auc_without) else "probabilities"] = [[0.5, 0.5]] * 4
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4 labels$"):
        score(**{**given, wrong: [None, *given[wrong][1:]]})


def test_a_decision_for_each_clip_is_needed():
    with pytest.raises(ValueError, match=r"^predicted has 3 labels for 4 clips$"):
        calibration_error_without(list("abab"), list("aba"), [[0.5, 0.5]] * 4, list("xxyy"))
