"""Intervals over speakers: they hold the score, cover the truth, and say when they cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from ser_bench import scores
from tests.scores.test_metrics import draw


@given(st.integers(0, 10**6))
def test_the_interval_holds_its_score(seed):
    score, low, high = scores.jackknife_interval(*draw(seed))
    assert 0 <= low <= score <= high <= 1


def test_with_as_many_clips_of_each_emotion_it_is_the_t_interval_of_speakers_uar():
    rng = np.random.default_rng(0)
    truth = np.tile(["a", "b"], 60)
    speakers = np.repeat(list("uvwxyz"), 20)
    predicted = np.where(rng.random(120) < 0.7, truth, "a")
    each = [scores.uar(truth[speakers == s], predicted[speakers == s]) for s in "uvwxyz"]
    reach = t.ppf(0.975, 5) * np.std(each, ddof=1) / np.sqrt(6)
    _, low, high = scores.jackknife_interval(truth, predicted, speakers)
    assert (low, high) == pytest.approx((np.mean(each) - reach, np.mean(each) + reach))


def test_it_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        recall = np.clip(0.6 + 0.1 * rng.standard_normal((10, 2)), 0, 1)
        truth = np.tile(np.repeat(["a", "b"], 15), 10)
        right = rng.random((10, 30)) < np.repeat(recall, 15, axis=1)
        predicted = np.where(right.ravel(), truth, "c")
        _, low, high = scores.jackknife_interval(truth, predicted, np.repeat(np.arange(10).astype(str), 30))
        hits += low <= 0.6 <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_the_mean_over_seeds_is_what_is_held():
    truth, predicted, speakers = draw(5)
    both = np.stack([predicted, truth])
    score, low, high = scores.jackknife_interval(truth, both, speakers)
    assert score == pytest.approx((scores.uar(truth, predicted) + 1) / 2)
    assert low < score < high


def test_an_emotion_that_one_speaker_alone_shows_breaks_nothing():
    score, low, high = scores.jackknife_interval(["a", "b", "a", "b", "c"], ["a", "b", "a", "a", "c"], list("xxyyz"))
    assert np.isfinite([score, low, high]).all()


def test_one_speaker_says_nothing_about_others():
    with pytest.raises(ValueError, match="at least two"):
        scores.jackknife_interval(["a", "b"], ["a", "b"], ["x", "x"])


def test_a_difference_that_speakers_share_is_sure_though_either_score_is_not():
    truth = np.tile(["a", "b"], 100)
    speakers = np.repeat([str(s) for s in range(10)], 20)
    # Half of the speakers are recognised, half are not; the second system is right once more in each.
    predicted = np.where(np.repeat(np.arange(10) % 2, 20) == 1, truth, "c")
    better = predicted.copy()
    for s in range(10):
        wrong = np.flatnonzero((speakers == str(s)) & (predicted != truth))
        better[wrong[:2]] = truth[wrong[:2]]
    assert np.subtract(*scores.jackknife_interval(truth, predicted, speakers)[:0:-1]) > 0.5
    above = scores.difference_interval(truth, better, predicted, speakers)
    assert above.score == pytest.approx(0.05)
    assert above.low > -0.01


@given(st.integers(0, 10**6))
def test_a_difference_turns_its_sign_with_the_systems(seed):
    truth, predicted, speakers = draw(seed)
    other = draw(seed + 1)[1]
    one, back = (scores.difference_interval(truth, *pair, speakers) for pair in ((predicted, other), (other, predicted)))
    assert (one.score, one.low, one.high) == pytest.approx((-back.score, -back.high, -back.low))


def test_a_difference_of_seeds_is_that_of_their_means():
    truth, predicted, speakers = draw(5)
    both = np.stack([predicted, truth])
    above = scores.difference_interval(truth, both, predicted, speakers)
    assert above.score == pytest.approx((1 - scores.uar(truth, predicted)) / 2)


def recall_by_hand(truth, predicted, speakers, emotion, inflation):
    """The definition, one speaker left out at a time."""
    who = sorted({s for s, e in zip(speakers, truth, strict=True) if e == emotion})
    without = [np.mean((predicted == truth)[(truth == emotion) & (speakers != s)]) for s in who]
    n = len(who)
    error = np.sqrt(inflation * (n - 1) / n * np.sum((without - np.mean(without)) ** 2))
    score = np.mean((predicted == truth)[truth == emotion])
    reach = t.ppf(0.975, n - 1) * error
    return score, max(0, score - reach), min(1, score + reach)


@pytest.mark.parametrize("seed", range(5))
def test_recall_intervals_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    truth, speakers = rng.choice(["a", "b", "c"], 200), rng.choice(list("stuvwx"), 200)
    truth[(truth == "c") & np.isin(speakers, ["s", "t"])] = "a"
    predicted = np.where(rng.random(200) < 0.7, truth, "d")
    found = scores.recall_intervals(truth, predicted, speakers, inflation=1.7)
    assert list(found) == ["a", "b", "c"]
    for emotion, interval in found.items():
        assert interval == pytest.approx(recall_by_hand(truth, predicted, speakers, emotion, 1.7))


def test_one_speaker_s_emotion_has_a_recall_and_no_interval():
    found = scores.recall_intervals(["a", "b", "a", "c"], ["a", "b", "b", "c"], list("xxyy"))
    assert found["c"].score == 1
    assert np.isnan(found["c"][1:]).all()
    assert np.isfinite(found["a"]).all()


def test_recall_is_the_mean_over_seeds():
    truth, predicted, speakers = draw(5)
    both = scores.recall_intervals(truth, np.stack([predicted, truth]), speakers)
    known = scores.recalls(truth, predicted)
    assert {name: interval.score for name, interval in both.items()} == pytest.approx({name: (r + 1) / 2 for name, r in known.items()})


def test_inflation_multiplies_the_variance():
    truth, predicted, speakers = np.tile(["a", "b"], 30), np.tile(["a", "b", "a", "a", "b", "b"], 10), np.repeat(list("uvwxyz"), 10)
    plain, wide = (scores.difference_interval(truth, truth, predicted, speakers, inflation=ratio) for ratio in (1.0, 2.25))
    assert wide.high - wide.score == pytest.approx(1.5 * (plain.high - plain.score))


@pytest.mark.parametrize("inflation", [0.9, np.nan, np.inf])
def test_no_score_varies_less_than_the_jackknife_says(inflation):
    with pytest.raises(ValueError, match="ratio of variances"):
        scores.jackknife_interval(*draw(1), inflation=inflation)


@pytest.mark.parametrize("n", [2, 10, 91])
def test_overlapping_training_sets_at_most_double_the_variance_and_a_little(n):
    of_independent, corrected = 1 / n, 1 / n + 1 / (n - 1)
    assert scores.overlap_bound(n) == pytest.approx(corrected / of_independent)
