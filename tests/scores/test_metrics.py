"""Scores: scikit-learn's values where it has them, and each edge case by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, roc_auc_score

from ser_bench import scores
from ser_bench.scores import metrics as room


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


def auc_by_hand(own: list[float], others: list[float]) -> float:
    """The share of pairs in which the class's clip has the higher score, ties counting half."""
    return float(np.mean([(a > b) + 0.5 * (a == b) for a in own for b in others]))


@pytest.mark.parametrize("seed", range(6))
def test_areas_are_shares_of_pairs_within_each_fold(seed):
    """With ties, columns in any order and of classes that a fold lacks, and a fold of one class, which has no part in their means."""
    rng = np.random.default_rng(seed)
    order = list("cabd")
    truth, folds = rng.choice(list("abc"), 30), rng.choice(list("qpr"), 30)
    truth[folds == "r"] = "a"
    values = rng.integers(0, 5, (30, 4)).astype(float)
    by_fold, micro = {fold: {} for fold in "pqr"}, []
    for fold in "pqr":
        here = np.flatnonzero(folds == fold)
        pairs = [(values[i, c], order[c] == truth[i]) for i in here for c in range(4)]
        micro.append(auc_by_hand([v for v, own in pairs if own], [v for v, own in pairs if not own]))
        for c, name in enumerate(order):
            own, others = ([values[i, c] for i in here if (truth[i] == name) == same] for same in (True, False))
            if own and others:
                by_fold[fold][name] = auc_by_hand(own, others)
    expected = {name: np.mean([found[name] for found in by_fold.values() if name in found] or [np.nan]) for name in order}
    with np.errstate(all="raise"):
        found = scores.aucs(truth, values, folds, classes=order)
        assert list(found) == order
        assert found == pytest.approx(expected, nan_ok=True)
        assert scores.auc(truth, values, folds, classes=order) == pytest.approx(np.mean([np.mean(list(by_fold[f].values())) for f in "pq"]))
        assert scores.micro_auc(truth, values, folds, classes=order) == pytest.approx(np.mean(micro))
        assert np.isnan(scores.auc(["a", "a"], [[0.2, 0.8]] * 2, classes=["a", "b"]))
    assert np.isnan(list(scores.aucs(["a", "a"], [[0.2, 0.8]] * 2, classes=["a", "b"]).values())).all()


def test_numbers_that_are_kept_as_objects_are_scored_as_numbers():
    truth, values = list("abab"), [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]]
    objects = np.array(values, object)
    for score in (scores.auc, scores.aucs, scores.micro_auc, scores.log_loss):
        assert score(np.array(truth, object), objects) == score(truth, values)


@pytest.mark.parametrize("axes", [(), (3,), (2, 3)])
def test_confusions_are_counted_one_clip_after_the_other_for_each_speaker_system_and_seed(axes):
    rng = np.random.default_rng(0)
    truth, speakers, predicted = rng.choice(list("ab"), 20), rng.choice(list("yxz"), 20), rng.choice(list("bc"), (*axes, 20))
    for classes in (None, list("cbaf")):
        order = classes or list("abc")
        expected = np.zeros((*axes, 3, len(order), len(order)), int)
        for at in np.ndindex(*axes, 20):
            clip = at[-1]
            cell = "xyz".index(speakers[clip]), order.index(truth[clip]), order.index(predicted[at])
            expected[(*at[:-1], *cell)] += 1
        np.testing.assert_array_equal(scores.speaker_counts(truth, predicted, speakers, classes=classes), expected)
        np.testing.assert_array_equal(scores.confusion_counts(truth, predicted, classes=classes), expected.sum(-3))
    assert scores.speaker_counts(truth, predicted, speakers).dtype.kind == "i"


def test_a_class_that_was_never_meant_or_never_predicted_takes_the_part_that_each_score_gives_it():
    truth, predicted = list("aaabbd"), list("aabbcb")
    hits, meant, said = {"a": 2, "b": 1, "c": 0, "d": 0}, {"a": 3, "b": 2, "c": 0, "d": 1}, {"a": 2, "b": 3, "c": 1, "d": 0}
    assert scores.recalls(truth, predicted) == pytest.approx({name: hits[name] / meant[name] for name in "abd"})
    assert scores.precisions(truth, predicted) == pytest.approx({"a": 1, "b": 1 / 3, "d": np.nan}, nan_ok=True)
    f1 = {name: 2 * hits[name] / (meant[name] + said[name]) for name in "abcd"}
    assert scores.f1s(truth, predicted) == pytest.approx({name: f1[name] for name in "abd"})
    assert scores.macro_f1(truth, predicted) == pytest.approx(np.mean(list(f1.values())))
    assert scores.uar(truth, predicted) == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert scores.war(truth, predicted) == pytest.approx(3 / 6)
    counts = scores.confusion_counts(truth, predicted, classes=list("abcde"))
    with np.errstate(all="raise"):
        assert np.isnan(room.f1s_of(counts)).tolist() == [False] * 4 + [True]
        assert room.macro_f1_of(counts) == pytest.approx(np.mean(list(f1.values())))
        empty = np.zeros((2, 3, 3), int)
        for score in (room.uar_of, room.war_of, room.macro_f1_of):
            assert np.isnan(score(empty)).tolist() == [True, True]
            assert score(np.stack([counts, counts])).tolist() == [float(score(counts))] * 2


def test_a_probability_of_zero_counts_as_one_in_ten_million():
    assert scores.log_loss(["a", "b"], [[0.0, 1.0], [0.5, 0.5]]) == pytest.approx((-np.log(1e-7) - np.log(0.5)) / 2)
    assert scores.log_loss(["a", "b"], [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]], classes=list("bca")) == pytest.approx(
        (-np.log(0.25) - np.log(0.5)) / 2
    )


P = [[0.5, 0.5]] * 4
WHOLE = {"truth": list("abab"), "predicted": list("abba"), "groups": list("xxyy"), "speakers": list("xxyy"), "folds": list("ppqq")}
OF_DECISIONS = (scores.uar, scores.war, scores.macro_f1, scores.recalls, scores.precisions, scores.f1s, scores.confusion_counts)
ARGUMENTS = [
    *[(score, name, {"truth", "predicted"}) for score in OF_DECISIONS for name in ("truth", "predicted")],
    *[(scores.speaker_counts, name, {"truth", "predicted", "speakers"}) for name in ("truth", "predicted", "speakers")],
    *[(scores.uar_by, name, {"truth", "predicted", "groups"}) for name in ("truth", "predicted", "groups")],
    *[(score, name, {"truth", "folds"}) for score in (scores.auc, scores.aucs, scores.micro_auc) for name in ("truth", "folds")],
    (scores.log_loss, "truth", {"truth"}),
]


@pytest.mark.parametrize(("score", "wrong", "names"), ARGUMENTS)
def test_labels_that_are_missing_or_too_few_are_named(score, wrong, names):
    given_all = {name: WHOLE[name] for name in names}
    if score in (scores.auc, scores.aucs, scores.micro_auc):
        given_all["scores"] = P
    if score is scores.log_loss:
        given_all["probabilities"] = P
    with pytest.raises(ValueError, match=f"^{wrong} lacks 2 of 4 labels$"):
        score(**{**given_all, wrong: [None, np.nan, *WHOLE[wrong][2:]]})
    if wrong == "truth":
        with pytest.raises(ValueError, match=r"^truth is empty: there is nothing to score$"):
            score(**{**given_all, "truth": []})
        with pytest.raises(ValueError, match=r"^truth has shape \(2, 2\); one label per clip is needed$"):
            score(**{**given_all, "truth": [["a", "b"], ["a", "b"]]})
    elif wrong != "groups":
        with pytest.raises(ValueError, match=f"^{wrong} has 3 labels for 4 clips$"):
            score(**{**given_all, wrong: WHOLE[wrong][1:]})


def test_labels_are_taken_as_they_are_and_objects_as_text():
    assert room.labels("x", [1, 2]).tolist() == [1, 2]
    assert room.labels("x", [1.5, 2.0]).tolist() == [1.5, 2.0]
    assert room.labels("x", np.array([1, "b"], object)).tolist() == ["1", "b"]
    with pytest.raises(ValueError, match=r"^x lacks 1 of 2 labels$"):
        room.labels("x", [1.5, np.nan])
    with pytest.raises(ValueError, match=r"^x has 1 labels for 2 clips$"):
        room.labels("x", "a", like=np.array(["a", "b"]))
    assert room.labels("x", [["a", "b"], ["c", "d"]], like=np.array(["a", "b"])).shape == (2, 2)


def test_positions_of_labels_have_their_shape_and_a_strange_label_is_named_with_the_classes():
    assert room.codes(np.array([["b", "a"], ["c", "b"]]), np.array(list("cab"))).tolist() == [[2, 1], [0, 2]]
    assert room.codes(np.array([10, 2]), np.array(["2", "10"])).tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"^label 'x' is none of the classes: b, a$"):
        room.codes(np.array(list("axy")), np.array(list("ba")))


@pytest.mark.parametrize("score", [scores.auc, scores.aucs, scores.micro_auc, scores.log_loss])
def test_scores_of_another_shape_or_that_are_not_numbers_are_refused(score):
    with pytest.raises(ValueError, match=r"^scores have shape \(4, 3\); 4 clips and 2 classes need \(4, 2\)$"):
        score(list("abab"), [[0.5, 0.25, 0.25]] * 4)
    with pytest.raises(ValueError, match=r"^scores have shape \(4, 2\); 4 clips and 3 classes need \(4, 3\)$"):
        score(list("abab"), P, classes=list("abc"))
    with pytest.raises(ValueError, match=r"^scores of 3 clips are not numbers$"):
        score(list("abab"), [[np.nan, np.nan], [0.5, np.nan], [0.5, np.nan], P[0]])
    with pytest.raises(ValueError, match=r"^label 'b' is none of the classes: a, c$"):
        score(list("abab"), P, classes=list("ac"))


def test_folds_come_in_the_order_of_their_names_with_their_clips():
    found = list(room.each_fold(list("abba"), [[1, 2], [3, 4], [5, 6], [7, 8]], list("qpqp"), None))
    assert [code.tolist() for code, _ in found] == [[1, 0], [0, 1]]
    assert [values.tolist() for _, values in found] == [[[3, 4], [7, 8]], [[1, 2], [5, 6]]]
    ((code, values),) = room.each_fold(list("abba"), [[1, 2], [3, 4], [5, 6], [7, 8]], None, list("ba"))
    assert code.tolist() == [1, 0, 0, 1]
    assert values.shape == (4, 2)


def test_groups_of_other_classes_are_scored_by_their_own():
    found = scores.uar_by(list("aabbcc"), list("abbbac"), [7, 7, 3, 3, 11, 11])
    assert list(found.items()) == [("3", 1.0), ("7", 0.5), ("11", 0.5)]
