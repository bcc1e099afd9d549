"""Means over draws of training speakers: the interval holds what speakers differ by and what draws do, neither alone."""

import numpy as np
import pytest
from scipy.stats import t

from ser_bench import scores
from tests.scores import by_hand


def planted(rng: np.random.Generator, recall: np.ndarray, clips: int = 40) -> np.ndarray:
    """Confusions of two classes, clips of each recognised with a speaker's and draw's recall; recall of shape (n_draws, n_speakers)."""
    right = rng.binomial(clips, np.clip(recall, 0, 1)[..., None], (*recall.shape, 2))
    counts = np.zeros((*recall.shape, 2, 2), int)
    for emotion in range(2):
        counts[..., emotion, emotion] = right[..., emotion]
        counts[..., emotion, 1 - emotion] = clips - right[..., emotion]
    return counts


def test_the_interval_is_that_of_both_variances():
    recall = 0.7 + np.random.default_rng(0).normal(0, 0.05, (3, 1)) + np.random.default_rng(1).normal(0, 0.05, (1, 6))
    counts = planted(np.random.default_rng(2), recall)
    each = np.diagonal(counts, axis1=-2, axis2=-1).sum(-1) / 80  # as many clips of both classes: the UAR is a mean over speakers
    speakers, draws = each.mean(0).var(ddof=1) / 6, each.mean(1).var(ddof=1) / 3
    freedom = (speakers + draws) ** 2 / (speakers**2 / 5 + draws**2 / 2)
    reach = t.ppf(0.975, freedom) * np.sqrt(speakers + draws)
    expected = (each.mean(), each.mean() - reach, each.mean() + reach, each.mean(1).std(ddof=1))
    assert scores.mean_over_draws(counts) == pytest.approx(expected)


def test_draws_that_agree_leave_the_interval_over_speakers():
    counts = np.repeat(planted(np.random.default_rng(0), np.full((1, 8), 0.7)), 4, axis=0)
    score, low, high, sd = scores.mean_over_draws(counts, inflation=2.0)
    (over_speakers,) = scores.combinations_of([counts[0]], [[1.0]], inflation=2.0)
    assert (score, low, high) == pytest.approx(over_speakers)
    assert sd == 0


def test_speakers_who_agree_leave_hardly_more_than_the_t_interval_over_draws():
    counts = np.repeat(planted(np.random.default_rng(0), np.full((5, 1), 0.6)), 200, axis=1)
    each = scores.uar_of(counts.sum(1))
    reach = t.ppf(0.975, 4) * each.std(ddof=1) / np.sqrt(5)
    assert scores.mean_over_draws(counts)[1:3] == pytest.approx((each.mean() - reach, each.mean() + reach), abs=1e-4)


def test_where_nothing_differs_there_is_some_width_still():
    score, low, high, sd = scores.mean_over_draws(np.tile(np.diag([3, 3]), (3, 4, 1, 1)))
    assert (score, high, sd) == (1, 1, 0)
    assert low < 1


@pytest.mark.parametrize("luck", [0.0, 0.03, 0.1])
def test_it_covers_the_mean_over_all_draws_about_as_often_as_it_says(luck):
    rng = np.random.default_rng(0)
    hits = plain = 0
    for _ in range(500):
        recall = 0.6 + luck * rng.standard_normal((3, 1)) + 0.05 * rng.standard_normal((1, 10))
        counts = planted(rng, recall)
        _, low, high, _ = scores.mean_over_draws(counts)
        hits += low <= 0.6 <= high
        _, low, high = scores.jackknife_of(counts)
        plain += low <= 0.6 <= high
    assert 0.92 <= hits / 500 <= 0.985
    assert luck == 0 or plain < hits


def test_a_single_draw_cannot_tell_how_far_draws_differ():
    with pytest.raises(ValueError, match="at least two"):
        scores.mean_over_draws(planted(np.random.default_rng(0), np.full((1, 8), 0.7)))


def drawn_by_hand(counts: np.ndarray, level: float, inflation: float) -> list[float]:
    """The definition: the jackknife over speakers of the mean over draws, and the variance of that mean over draws."""
    (mean,) = scores.combinations_of([counts], [[1.0]], level=level, inflation=inflation)
    clips = counts[0].sum(-1)
    df = max(1.0, by_hand.effective(clips) - 1)
    over_speakers = ((mean.high - mean.score) / t.ppf((1 + level) / 2, df)) ** 2
    uars = [np.mean([one[:, c, c].sum() / one[:, c].sum() for c in range(2)]) for one in counts]
    over_draws = np.var(uars, ddof=1) / len(counts)
    freedom = (over_speakers + over_draws) ** 2 / (over_speakers**2 / df + over_draws**2 / (len(counts) - 1))
    reach = t.ppf((1 + level) / 2, freedom) * np.sqrt(over_speakers + over_draws)
    return [np.mean(uars), max(0, np.mean(uars) - reach), min(1, np.mean(uars) + reach), np.std(uars, ddof=1)]


@pytest.mark.parametrize("how", [{}, {"level": 0.8}, {"inflation": 1.7}])
@pytest.mark.parametrize("recall", [0.05, 0.6, 0.97])
@pytest.mark.parametrize("n_draws", [2, 4])
def test_unequal_speakers_and_a_level_and_ratio_count_as_defined(how, recall, n_draws):
    rng = np.random.default_rng(n_draws)
    clips = np.array([[3, 9], [12, 2], [4, 4], [20, 6]])
    right = rng.binomial(clips, np.clip(recall + rng.normal(0, 0.1, (n_draws, 4, 1)), 0, 1))
    counts = np.zeros((n_draws, 4, 2, 2), int)
    counts[..., [0, 1], [0, 1]], counts[..., [0, 1], [1, 0]] = right, clips - right
    expected = drawn_by_hand(counts, how.get("level", 0.95), how.get("inflation", 1.0))
    assert scores.mean_over_draws(counts, **how) == pytest.approx(expected)


def test_two_draws_are_enough_and_of_one_nothing_is_known():
    why = r"^what draws differ by takes at least two of them; there is one$"
    with pytest.raises(ValueError, match=why):
        scores.mean_over_draws(np.ones((1, 3, 2, 2), int))
    assert np.isfinite(scores.mean_over_draws(np.ones((2, 3, 2, 2), int))).all()
