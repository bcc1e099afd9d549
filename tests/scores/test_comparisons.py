"""Comparisons with the best: they find what is there, and seldom what is not, although the best was chosen from the same data."""

import numpy as np
import pytest

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


def test_few_speakers_cannot_tell():
    assert scores.smallest_p(4) > 0.05 > scores.smallest_p(6)
    assert np.nanmin(scores.p_vs_best(np.array([[0.2] * 4, [0.0] * 4]))) == scores.smallest_p(4)


def test_many_speakers_are_sampled_the_same_way_each_time():
    shares = 0.01 + 0.005 * np.random.default_rng(0).standard_normal((5, 40))
    np.testing.assert_array_equal(scores.p_vs_best(shares), scores.p_vs_best(shares))
