"""Differences to a system named beforehand: interval and p-value are one inference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

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
