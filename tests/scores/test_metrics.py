"""Scores: scikit-learn's values where it has them, and each edge case by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, roc_auc_score

from ser_bench import scores


def draw(seed: int, n: int = 120, k: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Emotions meant, emotions predicted, speakers; every emotion is meant."""
    rng = np.random.default_rng(seed)
    names = np.array(list("abcdefgh")[:k])
    truth = np.concatenate([names, rng.choice(names, n - k)])
    predicted = np.where(rng.random(n) < 0.5, truth, rng.choice(names, n))
    return truth, predicted, rng.choice(list("uvwxyz"), n)


@given(st.integers(0, 10**6))
def test_scores_are_scikit_learn_s(seed):
    truth, predicted, _ = draw(seed)
    assert scores.uar(truth, predicted) == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert scores.war(truth, predicted) == pytest.approx(accuracy_score(truth, predicted))
    assert scores.macro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert (scores.confusion_counts(truth, predicted) == confusion_matrix(truth, predicted)).all()


@given(st.integers(0, 10**6))
def test_the_order_of_clips_changes_nothing(seed):
    truth, predicted, _ = draw(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    assert scores.uar(truth[order], predicted[order]) == pytest.approx(scores.uar(truth, predicted))


@given(st.integers(0, 10**6))
def test_uar_does_not_care_how_often_an_emotion_was_meant(seed):
    truth, predicted, _ = draw(seed)
    doubled = truth == "a"
    assert scores.uar(np.r_[truth, truth[doubled]], np.r_[predicted, predicted[doubled]]) == pytest.approx(scores.uar(truth, predicted))


@given(st.integers(0, 10**6))
def test_auc_within_a_fold_is_scikit_learn_s(seed):
    truth, _, _ = draw(seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(4), len(truth))
    assert scores.auc(truth, p) == pytest.approx(roc_auc_score(truth, p, multi_class="ovr", average="macro"))


def test_auc_is_the_mean_over_folds_and_an_absent_emotion_takes_no_part():
    truth = np.array(["a", "b", "a", "b", "a", "a"])
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.5, 0.5], [0.6, 0.4]])
    assert scores.auc(truth, p, np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(0.5)


def test_an_emotion_nobody_meant_takes_no_part_in_uar():
    assert scores.uar(["a", "a"], ["a", "b"]) == 0.5


@pytest.mark.parametrize(("truth", "predicted"), [([], []), (["a"], ["a", "b"])])
def test_scores_of_nothing_or_of_unequal_lengths_are_refused(truth, predicted):
    with pytest.raises(ValueError, match=r"."):
        scores.uar(truth, predicted)


def test_speakers_counts_add_up_to_all():
    truth, predicted, speakers = draw(3)
    assert (scores.speaker_counts(truth, predicted, speakers).sum(0) == scores.confusion_counts(truth, predicted)).all()


@given(st.integers(0, 10**6))
def test_scores_by_class_are_scikit_learn_s(seed):
    truth, predicted, _ = draw(seed)
    names = np.unique(truth)
    for ours, theirs in ((scores.precisions, metrics.precision_score), (scores.recalls, metrics.recall_score), (scores.f1s, f1_score)):
        expected = theirs(truth, predicted, labels=names, average=None, zero_division=np.nan)
        assert list(ours(truth, predicted)) == names.tolist()
        np.testing.assert_allclose(list(ours(truth, predicted).values()), expected)


@given(st.integers(0, 10**6))
def test_probabilities_are_judged_as_scikit_learn_does(seed):
    truth, _, _ = draw(seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(4), len(truth))
    truths = truth[:, None] == np.unique(truth)
    assert scores.log_loss(truth, p) == pytest.approx(metrics.log_loss(truth, p.clip(1e-7)), rel=1e-5)
    assert scores.micro_auc(truth, p) == pytest.approx(roc_auc_score(truth, p, multi_class="ovr", average="micro"))
    np.testing.assert_allclose(list(scores.aucs(truth, p).values()), roc_auc_score(truths, p, average=None))
    assert np.mean(list(scores.aucs(truth, p).values())) == pytest.approx(scores.auc(truth, p))


def test_a_class_s_auc_is_the_mean_over_the_folds_that_hold_it():
    truth = np.array(["a", "b", "a", "b", "a", "a"])
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.5, 0.5], [0.6, 0.4]])
    assert scores.aucs(truth, p, np.array([0, 0, 1, 1, 2, 2])) == {"a": 0.5, "b": 0.5}


def test_uar_by_group_is_uar_within_it():
    truth, predicted, speakers = draw(1)
    by = scores.uar_by(truth, predicted, speakers)
    assert list(by) == sorted(set(speakers))
    for speaker, value in by.items():
        mine = speakers == speaker
        assert value == pytest.approx(scores.uar(truth[mine], predicted[mine]))


def test_probabilities_that_come_true_are_calibrated_and_boasting_is_not():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 40_000)
    truth = np.array(["a", "b", "c"])[(rng.random(40_000)[:, None] > p.cumsum(1)).sum(1)]
    decided = np.array(["a", "b", "c"])[p.argmax(1)]
    assert scores.calibration_error(truth, decided, p) < 0.01
    boast = p**4 / (p**4).sum(1, keepdims=True)
    assert scores.calibration_error(truth, decided, boast) > 0.1


def test_a_decision_outside_the_classes_has_no_calibration():
    with pytest.raises(ValueError, match="'c' is none of the classes"):
        scores.calibration_error(["a", "b"], ["a", "c"], [[0.5, 0.5]] * 2)
