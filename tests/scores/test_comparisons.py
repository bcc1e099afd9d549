"""Comparisons with the best: they find what is there, and seldom what is not, although the best was chosen from the same data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_bench import scores
from tests.scores.test_metrics import draw


def test_contributions_add_up_to_the_uar():
    truth, predicted, speakers = draw(2)
    assert scores.contributions(truth, predicted, speakers).sum() == pytest.approx(scores.uar(truth, predicted))


def test_among_equal_systems_one_is_called_worse_in_at_most_five_runs_of_a_hundred():
    rng = np.random.default_rng(0)
    runs = [np.nanmin(scores.p_vs_best(0.05 + 0.01 * rng.standard_normal((30, 10)))) <= 0.05 for _ in range(200)]
    assert np.mean(runs) <= 0.08


def test_a_clearly_worse_system_is_found():
    rng = np.random.default_rng(0)
    shares = 0.05 + 0.005 * rng.standard_normal((4, 12))
    shares[3] -= 0.02
    p = scores.p_vs_best(shares)
    assert p[3] < 0.01
    assert np.isnan(p).sum() == 1
    assert np.nanmin(p[:3]) > 0.05


def test_a_farther_system_never_has_the_larger_p():
    shares = 0.05 + 0.01 * np.random.default_rng(4).standard_normal((8, 9))
    order = np.argsort(-shares.sum(1))
    p = scores.p_vs_best(shares)[order]
    assert (np.diff(p[1:]) <= 0).all()


def test_the_order_of_systems_changes_nothing():
    shares = 0.05 + 0.01 * np.random.default_rng(6).standard_normal((6, 9))
    p = scores.p_vs_best(shares)
    np.testing.assert_array_equal(scores.p_vs_best(shares[::-1])[::-1], p)


@settings(deadline=None, max_examples=80)
@given(
    arrays(float, st.tuples(st.integers(2, 6), st.integers(3, 11)), elements=st.integers(0, 100).map(lambda n: n / 1000)),
    st.floats(1, 2.2),
)
def test_an_interval_excludes_zero_where_p_is_below_the_level_and_there_alone(shares, ratio):
    found = scores.versus_best(shares, np.full((len(shares),) * 2, ratio))
    compared = ~np.isnan(found.p)
    assert ((found.p < 0.05) == (found.low > 1e-9))[compared].all()
    assert np.isnan([found.behind, found.low, found.high])[:, ~compared].all()
    assert (found.low <= found.behind)[compared].all()


def test_a_larger_variance_ratio_makes_every_comparison_less_sure():
    shares = 0.05 + 0.01 * np.random.default_rng(4).standard_normal((8, 10))
    plain, wider = (scores.versus_best(shares, np.full((8, 8), ratio)) for ratio in (1.0, 1.5))
    compared = ~np.isnan(plain.p)
    assert (wider.p >= plain.p)[compared].all()
    assert (wider.low < plain.low)[compared].all()


def test_no_p_is_below_the_smallest_of_voices_that_differ_alike():
    for ratio in (1.0, 1.5, 2.1):
        p = scores.p_vs_best(np.array([[0.2] * 8, [0.1] * 8]), np.full((2, 2), ratio))
        assert np.nanmin(p) == pytest.approx(scores.smallest_p(8, ratio))


def test_few_speakers_cannot_tell():
    assert scores.smallest_p(4) > 0.05 > scores.smallest_p(6)
    assert np.nanmin(scores.p_vs_best(np.array([[0.2] * 4, [0.0] * 4]))) == scores.smallest_p(4)


def test_many_speakers_are_sampled_the_same_way_each_time():
    shares = 0.01 + 0.005 * np.random.default_rng(0).standard_normal((5, 40))
    np.testing.assert_array_equal(scores.p_vs_best(shares), scores.p_vs_best(shares))


def shares_like(n_speakers, spread, n_systems=4):
    """Contributions of equally good systems to a UAR of .6, alike but for their spread over speakers."""
    noise = np.random.default_rng(3).standard_normal((n_systems, 40))[:, :n_speakers]
    return (0.6 + spread * noise) / n_speakers


def test_the_more_speakers_differ_the_larger_the_smallest_difference():
    found = [scores.smallest_difference(shares_like(10, spread)) for spread in (0.02, 0.05, 0.1)]
    assert 0 < found[0] < found[1] < found[2] < 1


def test_the_more_speakers_the_smaller_the_smallest_difference():
    found = [scores.smallest_difference(shares_like(speakers, 0.1)) for speakers in (6, 10, 20, 40)]
    assert (np.diff(found) < 0).all()


def test_with_five_speakers_or_fewer_no_difference_can_be_shown():
    assert scores.smallest_difference(shares_like(5, 0.05)) == np.inf
    assert scores.smallest_difference(shares_like(6, 0.05)) < 1
    assert scores.smallest_difference(shares_like(5, 0.05), level=0.1) < 1


def test_a_difference_above_one_is_none():
    assert scores.smallest_difference(shares_like(6, 5.0)) == np.inf


def test_a_single_system_has_nothing_to_be_told_from():
    assert np.isnan(scores.smallest_difference(shares_like(10, 0.05, n_systems=1)))


def test_the_order_of_the_systems_does_not_move_the_smallest_difference():
    shares = shares_like(10, 0.05)
    assert scores.smallest_difference(shares[::-1]) == pytest.approx(scores.smallest_difference(shares), abs=1e-9)


def test_how_far_the_others_lie_behind_the_best_does_not_move_the_smallest_difference():
    shares = shares_like(10, 0.05)
    best = shares.sum(1).argmax()
    behind = shares - 0.02 * (np.arange(len(shares)) != best)[:, None]
    assert scores.smallest_difference(behind) == pytest.approx(scores.smallest_difference(shares), abs=2e-4)


def test_more_power_asks_for_a_larger_difference():
    shares = shares_like(10, 0.05)
    assert scores.smallest_difference(shares, power=0.5) < scores.smallest_difference(shares, power=0.95)


def test_the_smallest_difference_is_found_four_times_of_five():
    rng = np.random.default_rng(1)
    difference = scores.smallest_difference(0.04 + 0.01 * rng.standard_normal((2, 400)) / 20)
    runs = 0.04 + 0.01 * rng.standard_normal((300, 2, 400)) / 20
    runs[:, 1] -= difference / 400
    found = [scores.p_vs_best(run, resamples=500)[1] <= 0.05 for run in runs]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_power_and_level_are_shares():
    with pytest.raises(ValueError, match="between 0 and 1"):
        scores.smallest_difference(shares_like(10, 0.05), power=1)
