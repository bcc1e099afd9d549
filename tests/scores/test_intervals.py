"""Intervals over speakers: they hold the score, cover the truth, and say when they cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import t, ttest_ind

from ser_bench import scores
from tests.scores.test_metrics import draw


@given(st.integers(0, 10**6))
def test_the_interval_holds_its_score(seed):
    score, low, high = scores.jackknife_interval(*draw(seed))
    assert 0 <= low <= score <= high <= 1


def wilson_by_search(score, n, q):
    """The values p for which the score lies q standard errors of p away, found by bisection."""

    def away(p):
        return abs(score - p) - q * np.sqrt(p * (1 - p) / n)

    low = brentq(away, 0, score) if score > 0 else 0.0
    return low, brentq(away, score, 1) if score < 1 else 1.0


def test_with_as_many_clips_of_each_emotion_its_variance_is_that_of_speakers_uar():
    rng = np.random.default_rng(0)
    truth = np.tile(["a", "b"], 60)
    speakers = np.repeat(list("uvwxyz"), 20)
    predicted = np.where(rng.random(120) < 0.7, truth, "a")
    predicted[speakers == "u"] = "a"
    each = [scores.uar(truth[speakers == s], predicted[speakers == s]) for s in "uvwxyz"]
    score, n_clips = np.mean(each), np.mean(each) * (1 - np.mean(each)) / (np.var(each, ddof=1) / 6)
    known = wilson_by_search(score, n_clips, t.ppf(0.975, 5))
    assert scores.jackknife_interval(truth, predicted, speakers)[1:] == pytest.approx(known)


def random_counts(seed, *, seeds=1):
    """Confusions of a few voices with few clips, of which all may be right or wrong; two voices at least have a clip."""
    rng = np.random.default_rng(seed)
    n, k = rng.integers(2, 8), rng.integers(2, 5)
    clips = rng.integers(0, 6, (n, k))
    one, other = rng.choice(n, 2, replace=False)
    clips[one] += 1
    clips[other, rng.integers(k)] += 1
    right = rng.binomial(clips, rng.choice([0, 0.5, 0.95, 1]), (seeds, n, k))
    counts = np.zeros((seeds, n, k, k), int)
    at = np.arange(k)
    counts[..., at, at] = right
    counts[..., at, (at + 1) % k] = clips - right
    return counts


@given(st.integers(0, 10**6), st.sampled_from([1.0, 2.1]), st.integers(1, 3))
def test_no_interval_is_without_width_leaves_0_and_1_or_excludes_its_score(seed, inflation, seeds):
    counts = random_counts(seed, seeds=seeds)
    found = [scores.jackknife_of(counts, inflation=inflation), *scores.recall_intervals_of(counts, inflation=inflation)]
    for score, low, high in found:
        assert np.isnan(low) or (0 <= low <= score <= high <= 1 and high - low > 0.001)


@given(st.integers(0, 10**6))
def test_a_surer_interval_holds_a_less_sure_one(seed):
    counts = random_counts(seed)
    found = np.array([scores.jackknife_of(counts, level=level) for level in (0.5, 0.8, 0.95, 0.99)])
    assert (np.diff(found[:, 1]) <= 1e-12).all()
    assert (np.diff(found[:, 2]) >= -1e-12).all()


@given(st.integers(0, 10**6))
def test_more_inflation_is_a_wider_interval(seed):
    counts = random_counts(seed)
    plain, wide = (scores.jackknife_of(counts, inflation=ratio) for ratio in (1.0, 2.0))
    assert wide.low <= plain.low + 1e-12
    assert wide.high >= plain.high - 1e-12


def test_all_right_is_wilson_s_interval_of_so_many_clips():
    truth, speakers = np.tile(["a", "b"], 40), np.repeat(np.arange(10), 8).astype(str)
    quantile = t.ppf(0.975, 9)
    assert scores.recall_intervals(truth, truth, speakers)["a"] == pytest.approx((1, 40 / (40 + quantile**2), 1))
    assert scores.jackknife_interval(truth, truth, speakers) == pytest.approx((1, 80 / (80 + quantile**2), 1))


@given(st.integers(0, 10**6))
def test_systems_that_differ_on_no_clip_differ_by_less_than_zero_surely(seed):
    counts = random_counts(seed)
    score, low, high = scores.difference_of(counts, counts)
    meant = counts[0].sum((0, 2))
    clip = 1 / (np.count_nonzero(meant) * meant[meant > 0].min())
    assert score == 0
    assert high == -low
    assert high >= min(1.0, 1.9 * clip)


def test_many_voices_of_whom_few_have_most_of_the_clips_are_few():
    truth = np.tile(["a", "b"], 300)
    even, uneven = np.repeat(np.arange(30), 20).astype(str), np.repeat(np.arange(30), [146, 146, 146, 54, 54, 4, 4, *[2] * 23]).astype(str)
    rng = np.random.default_rng(0)
    predicted = np.where(rng.random(600) < 0.7, truth, "c")
    few, many = (np.ptp(scores.jackknife_interval(truth, predicted, voices)[1:]) for voices in (uneven, even))
    assert few > 1.2 * many


def test_the_effective_number_of_voices_is_kish_s():
    assert scores.effective_voices(np.full((7, 3), 4)) == pytest.approx(7)
    # One voice says all of one of two emotions: it weighs (1 + 1/4) / 2, three others 1/8 each.
    assert scores.effective_voices([[8, 2], [0, 2], [0, 2], [0, 2]]) == pytest.approx(1 / (0.625**2 + 3 * 0.125**2))
    with pytest.raises(ValueError, match="no clips"):
        scores.effective_voices([0, 0])


def test_an_unpaired_difference_is_welch_s():
    rng = np.random.default_rng(3)
    groups = []
    for n, skill in ((5, 0.8), (9, 0.6)):
        counts = np.zeros((n, 2, 2), int)
        counts[:, [0, 1], [0, 1]] = rng.binomial(10, skill, (n, 2))
        counts[:, [0, 1], [1, 0]] = 10 - counts[:, [0, 1], [0, 1]]
        groups.append(counts)
    one, other = (scores.uar_of(counts) for counts in groups)
    known = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert scores.unpaired_difference_of(*groups)[1:] == pytest.approx(tuple(known))


def test_voices_that_are_not_recognised_are_noticed():
    right = np.array([14, 13, 15, 14, 14, 2])
    counts = np.stack([right, 20 - right, 20 - right, right], 1).reshape(-1, 2, 2)
    assert scores.outlying_voices(counts).tolist() == [False] * 5 + [True]
    assert not scores.outlying_voices(counts[:5]).any()
    # Among voices of three clips, one error is no outlier, though all others are right.
    few = np.tile([[2, 0], [0, 1]], (6, 1, 1))
    few[0] = [[1, 1], [0, 1]]
    assert not scores.outlying_voices(few).any()


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
    clips = np.array([np.sum((truth == emotion) & (speakers == s)) for s in who])
    without = [np.mean((predicted == truth)[(truth == emotion) & (speakers != s)]) for s in who]
    variance = inflation * (len(who) - 1) / len(who) * np.sum((without - np.mean(without)) ** 2)
    score = np.mean((predicted == truth)[truth == emotion])
    n = min(score * (1 - score) / variance, clips.sum() / inflation)
    return score, *wilson_by_search(score, n, t.ppf(0.975, clips.sum() ** 2 / np.sum(clips**2) - 1))


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


@pytest.mark.parametrize(
    "interval",
    [
        scores.jackknife_of,
        lambda counts: scores.recall_intervals_of(counts)[0],
        lambda counts: scores.difference_of(counts, counts[..., ::-1, :, :]),
        lambda counts: scores.difference_of(counts[..., ::-1, :, :], counts),
    ],
    ids=["UAR", "recall", "difference", "its negative"],
)
def test_every_seed_counts_and_their_order_does_not(interval):
    counts = np.zeros((3, 5, 2, 2), int)
    counts[..., 0, 0], counts[..., 1, 1] = np.random.default_rng(0).binomial(12, 0.7, (2, 3, 5))
    counts[..., 0, 1], counts[..., 1, 0] = 12 - counts[..., 0, 0], 12 - counts[..., 1, 1]
    assert interval(counts) == pytest.approx(interval(counts[::-1]))
    assert interval(counts)[1:] != pytest.approx(interval(counts[:1])[1:], abs=1e-3)


def test_the_variance_over_seeds_is_the_jackknife_s_of_the_mean_uar():
    truth, speakers = np.tile(["a", "b"], 60), np.repeat(list("uvwxyz"), 20)
    predicted = np.where(np.random.default_rng(0).random((3, 120)) < 0.7, truth, "a")
    predicted[1:, speakers == "u"] = "a"
    without = [np.mean([scores.uar(truth[speakers != s], row[speakers != s]) for row in predicted]) for s in "uvwxyz"]
    score, variance = np.mean([scores.uar(truth, row) for row in predicted]), 5 / 6 * np.sum((without - np.mean(without)) ** 2)
    known = wilson_by_search(score, score * (1 - score) / variance, t.ppf(0.975, 5))
    assert scores.jackknife_interval(truth, predicted, speakers)[1:] == pytest.approx(known)
