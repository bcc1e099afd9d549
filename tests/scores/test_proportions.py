"""Bounds of proportions and effective numbers of voices are those of their formulas, at the edges too."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_bench import scores
from ser_bench.scores import proportions as room
from tests.scores import by_hand


@given(st.lists(st.tuples(st.integers(0, 9), st.just(0), st.integers(0, 9)), min_size=1, max_size=9))
def test_voices_weigh_their_mean_share_of_the_classes_that_there_are(clips):
    if not np.sum(clips):
        with pytest.raises(ValueError, match=r"^there are no clips: nothing can be said about voices$"):
            room.effective_voices(clips)
        return
    assert room.effective_voices(clips) == pytest.approx(by_hand.effective(clips))
    of_one = [1 + row[0] for row in clips]
    assert room.effective_voices(of_one) == pytest.approx(by_hand.effective(of_one))
    assert room.degrees_of_freedom(clips) == pytest.approx(max(1.0, by_hand.effective(clips) - 1))


@pytest.mark.parametrize(
    ("clips", "few"),
    [
        ([7] * 6, False),
        ([7] * 5, True),
        ([7] * 6 + [0] * 3, False),
        ([7] * 7 + [0] * 4, True),
        ([7] * 8 + [0] * 4, False),
        ([10_000] * 3 + [10_004] * 3, False),
        ([10_000] * 3 + [10_040] * 3, True),
        ([[7, 0], [0, 7]] * 3, False),
    ],
    ids=["six", "five", "two thirds", "fewer", "two thirds of more", "six but for rounding", "not quite six", "by class"],
)
def test_voices_are_few_below_six_and_uneven_below_two_thirds(clips, few):
    assert room.few_or_uneven(clips) is few


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5])
def test_a_level_lies_between_0_and_1(level):
    with pytest.raises(ValueError, match=f"^level is {level}; it lies between 0 and 1$"):
        room.student(level, 5)


@pytest.mark.parametrize("df", [1, 2.5, 30, np.inf])
@pytest.mark.parametrize("level", [0.01, 0.5, 0.95])
def test_quantiles_are_scipy_s(level, df):
    assert room.student(level, df) == pytest.approx(stats.t.ppf((1 + level) / 2, df))
    assert isinstance(room.student(level, df), float)


@settings(max_examples=50)
@given(st.integers(1, 99).map(lambda n: n / 100), st.sampled_from([0.0, 1e-4, 0.02, 0.3]), st.floats(2, 300), st.floats(0.5, 13))
def test_bounds_are_the_roots_of_wilson_s_equation(score, variance, most, quantile):
    spread = score * (1 - score)
    n = min(spread / variance, most) if variance else most
    low, high = room.proportion_bounds(score, variance, most, quantile)
    assert (low, high) == pytest.approx(tuple(by_hand.wilson(score, n, quantile)), abs=1e-7)
    assert 0 <= low <= score <= high <= 1


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_score_at_the_edge_counts_as_all_its_clips_whatever_its_variance(score):
    for variance in (0.0, 0.01):
        low, high = room.proportion_bounds(score, variance, 20, 2.0)
        assert (low, high) == pytest.approx((20 / 24, 1) if score else (0, 4 / 24))
    assert room.proportion_bounds(0.5, 0.0, 20, 2.0) == pytest.approx(tuple(by_hand.wilson(0.5, 20, 2.0)))


def outlying_by_hand(counts: np.ndarray) -> list[bool]:
    """The definition, voice by voice."""
    uars, noise = [], []
    for voice in range(counts.shape[1]):
        present = [c for c in range(counts.shape[2]) if counts[0, voice, c].sum()]
        uars.append(statistics.mean(np.mean([one[voice, c, c] / one[voice, c].sum() for c in present]) for one in counts))
        shares = [(np.mean(counts[:, voice, c, c]) + 0.5, counts[0, voice, c].sum()) for c in present]
        noise.append(np.sqrt(sum(hits / (n + 1) * (1 - hits / (n + 1)) / n for hits, n in shares)) / len(present))
    middle = statistics.median(uars)
    robust = max(1.4826 * statistics.median(abs(uar - middle) for uar in uars), statistics.median(noise))
    return [middle - uar > 3.5 * robust for uar in uars]


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_outliers_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    clips = rng.integers(0, 30, (9, 3))
    clips[:, 0] += 1
    recall = np.where(np.arange(9) < rng.integers(0, 4), 0.1, rng.choice([0.8, 1.0]))
    right = rng.binomial(clips, recall[:, None], (2, 9, 3))
    counts = np.zeros((2, 9, 3, 3), int)
    counts[..., [0, 1, 2], [0, 1, 2]], counts[..., [0, 1, 2], [1, 2, 0]] = right, clips - right
    with np.errstate(all="raise"):
        assert scores.outlying_voices(counts).tolist() == outlying_by_hand(counts)
        assert scores.outlying_voices(counts[0]).tolist() == outlying_by_hand(counts[:1])


@pytest.mark.parametrize("classes", [1, 2])
def test_how_many_errors_make_an_outlier_among_voices_without_any_goes_with_their_clips(classes):
    for n in range(1, 16):
        for wrong in range(n + 1):
            counts = np.zeros((1, 5, 3, 3), int)
            counts[0, :, 0, 0], counts[0, :4, 1, 1] = n, (classes - 1) * 2
            counts[0, 4, 0] = [n - wrong, wrong, 0]
            with np.errstate(all="raise"):
                assert scores.outlying_voices(counts).tolist() == outlying_by_hand(counts)
