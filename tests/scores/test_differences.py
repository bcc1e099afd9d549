"""Differences to a system named beforehand: interval and p-value are one inference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel

from ser_bench import scores


def drawn(seed: int, recalls: list[float], n_voices: int = 10, clips: int = 20) -> list[np.ndarray]:
    """Confusions of two classes per system, shape (n_voices, 2, 2); all voices have as many clips of both."""
    rng = np.random.default_rng(seed)
    systems = []
    for recall in recalls:
        right = rng.binomial(clips, np.clip(recall + rng.normal(0, 0.05, (n_voices, 1)), 0, 1), (n_voices, 2))
        counts = np.zeros((n_voices, 2, 2), int)
        for c in range(2):
            counts[:, c, c], counts[:, c, 1 - c] = right[:, c], clips - right[:, c]
        systems.append(counts)
    return systems


def test_one_system_with_equal_clips_is_the_paired_t_test():
    reference, other = drawn(0, [0.7, 0.62])
    by_voice = [np.diagonal(counts, axis1=1, axis2=2).sum(1) / 40 for counts in (other, reference)]
    (found,) = scores.differences_of([other], reference, [1.0])
    expected = ttest_rel(*by_voice)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.lists(st.floats(0.3, 0.95), min_size=1, max_size=6), st.floats(1, 2.2))
def test_an_interval_excludes_zero_where_p_is_below_the_level_and_there_alone(seed, recalls, ratio):
    reference, *systems = drawn(seed, [0.6, *recalls])
    for found in scores.differences_of(systems, reference, [ratio] * len(systems)):
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
        assert found.low <= found.score <= found.high


def test_more_systems_and_a_larger_ratio_make_it_less_sure():
    reference, other = drawn(3, [0.7, 0.55])
    one, wider = (scores.differences_of([other], reference, [ratio])[0] for ratio in (1.0, 1.8))
    among = scores.differences_of([other, *drawn(4, [0.69, 0.7])], reference, [1.0] * 3)[0]
    assert one.p < wider.p
    assert one.p < among.p
    assert wider.high - wider.low > one.high - one.low < among.high - among.low


def holm_by_hand(alone: list[float], level: float) -> list[tuple[float, int]]:
    """Each p corrected, and by how many comparisons its interval is widened: as many as are left, or as were at the first that fails."""
    order = sorted(range(len(alone)), key=lambda place: alone[place])
    found, least, failed = {}, 0.0, 0
    for i, place in enumerate(order):
        least = max(least, min(1.0, (len(alone) - i) * alone[place]))
        failed = failed or (len(alone) - i if least >= level else 0)
        found[place] = least, failed or len(alone) - i
    return [found[place] for place in range(len(alone))]


@pytest.mark.parametrize("level", [None, 0.2, 0.001])
@pytest.mark.parametrize("seed", range(4))
def test_every_difference_is_student_s_with_holm_s_correction(seed, level):
    recalls = [0.7, 0.7, 0.5, 0.62, 0.66, 0.4]
    reference, *systems = drawn(seed, recalls, n_voices=6)
    ratios = [1.0, 1.3, 2.0, 1.0, 1.1]
    by_voice = [np.diagonal(counts, axis1=1, axis2=2).sum(1) / 40 for counts in (reference, *systems)]
    apart = [mine - by_voice[0] for mine in by_voice[1:]]
    errors = [np.sqrt(ratio) * mine.std(ddof=1) / np.sqrt(6) for mine, ratio in zip(apart, ratios, strict=True)]
    found = scores.differences_of(systems, reference, ratios, **({} if level is None else {"level": level}))
    alone = [2 * t.sf(abs(mine.mean()) / error, 5) for mine, error in zip(apart, errors, strict=True)]
    for mine, one, error, (p, number) in zip(found, apart, errors, holm_by_hand(alone, level or 0.05), strict=True):
        reach = t.ppf(1 - (level or 0.05) / number / 2, 5) * error
        assert mine == pytest.approx((one.mean(), max(-1, one.mean() - reach), min(1, one.mean() + reach), p))
    three = [np.stack([counts, counts]) for counts in (reference, *systems)]
    assert np.array(scores.differences_of(three[1:], three[0], ratios)) == pytest.approx(
        np.array(scores.differences_of(systems, reference, ratios))
    )


def test_a_difference_ends_at_one_and_every_system_has_its_ratio():
    right, wrong = np.array([np.diag([2, 2])] * 3), np.array([np.diag([2, 2])[::-1]] * 3)
    (above,), (below,) = scores.differences_of([right], wrong, [1.0]), scores.differences_of([wrong], right, [1.0])
    assert above.score == above.high == 1 > above.low
    assert below.score == below.low == -1 < below.high
    for ratios in ([], [1.0, 1.0]):
        with pytest.raises(ValueError, match="zip"):
            scores.differences_of([right], wrong, ratios)
    with pytest.raises(ValueError, match="at least two"):
        scores.differences_of([right[:1]], wrong[:1], [1.0])
