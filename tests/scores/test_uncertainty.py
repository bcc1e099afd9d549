"""Variance ratios: what held-out voices owe to each other's training is estimated without bias, and not made up where it is unknown."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_bench import scores
from ser_bench.scores.uncertainty import of_differences, seed_covariance, training_covariance, voice_covariance


def planted(rng, n=12, *, mutual=0.0, alone=0.05):
    """Contributions of a system under leave-one-out, and its losses: how well each voice is recognised, and what each pair of voices does
    for each other, which goes both ways."""
    helps = np.triu(rng.normal(0, mutual, (n, n)), 1)
    helps = helps + helps.T
    own = 0.5 + rng.normal(0, alone, n) + helps.sum(1)
    losses = helps + rng.normal(0, 0.02, (n, n))
    return own / n, np.where(np.eye(n, dtype=bool), np.nan, losses / n)


def test_influences_are_the_jackknife_to_first_order():
    rng = np.random.default_rng(0)
    counts = rng.integers(20, 60, (30, 3, 3)) + 40 * np.eye(3, dtype=int)
    influences = scores.influences_of(counts)
    without = scores.uar_of(counts.sum(0) - counts)
    n = len(counts)
    jackknife = (n - 1) / n * ((without - without.mean()) ** 2).sum()
    assert influences.sum() == pytest.approx(0, abs=1e-12)
    assert n / (n - 1) * (influences**2).sum() == pytest.approx(jackknife, rel=0.1)


@pytest.mark.parametrize("mutual", [0.0, 0.01, 0.03])
def test_the_variance_between_repetitions_is_what_voices_and_losses_say_together(mutual):
    rng = np.random.default_rng(1)
    drawn = [planted(rng, mutual=mutual) for _ in range(1500)]
    truth = np.var([own.sum() for own, _ in drawn])
    plain = np.mean([voice_covariance((own - own.mean())[None])[0, 0] for own, _ in drawn])
    extra = np.mean([training_covariance(losses[None, None], len(own))[0, 0] for own, losses in drawn])
    assert plain + extra == pytest.approx(truth, rel=0.1)
    assert mutual == 0 or plain < 0.95 * truth


def test_noise_in_the_losses_adds_nothing():
    rng = np.random.default_rng(2)
    losses = [np.where(np.eye(8, dtype=bool), np.nan, rng.normal(0, 1, (8, 8))) for _ in range(400)]
    found = [training_covariance(one[None, None], 8)[0, 0] for one in losses]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(400)


def test_pairs_that_were_not_measured_count_like_those_that_were():
    losses = np.full((1, 1, 4, 4), np.nan)
    losses[0, 0, 0, 1], losses[0, 0, 1, 0] = 0.02, 0.03
    losses[0, 0, 2, 3] = 0.5  # its counterpart failed
    assert training_covariance(losses, 4)[0, 0] == pytest.approx(4 / 3 * 12 * 0.02 * 0.03)


def test_a_seed_that_moves_all_voices_together_counts_and_one_that_moves_each_alone_does_not():
    rng = np.random.default_rng(3)
    together = np.repeat(rng.normal(0, 0.01, (1, 400, 1)), 10, axis=2)
    alone = rng.normal(0, 0.01, (1, 400, 10))
    assert seed_covariance(together)[0, 0] == pytest.approx(90 * 0.01**2 / 400, rel=0.2)
    assert abs(seed_covariance(alone)[0, 0]) < 10 * 0.01**2 / 400


def test_without_refits_the_bound_stands_and_a_system_without_them_does_not_move_the_others():
    rng = np.random.default_rng(4)
    shares = rng.normal(0.05, 0.01, (3, 1, 10))
    influences = shares - shares.mean(-1, keepdims=True)
    losses = np.stack([planted(rng, 10)[1][None] for _ in range(3)])
    assert (scores.variance_ratios(influences, shares) == scores.overlap_bound(10)).all()
    some = losses.copy()
    some[2] = np.nan
    ratios, two = scores.variance_ratios(influences, shares, some), scores.variance_ratios(influences[:2], shares[:2], losses[:2])
    np.testing.assert_allclose(ratios[:2, :2], two)
    assert (ratios[2] == scores.overlap_bound(10)).all()


@example(np.array([[[0.125] * 6, [1e-158, 0, 0, 0, 0, 0]]] * 3), np.zeros((3, 2, 4, 4)))
@given(arrays(float, (3, 2, 6), elements=st.floats(-0.1, 0.1)), arrays(float, (3, 2, 4, 4), elements=st.floats(-0.05, 0.05)))
def test_ratios_are_symmetric_finite_and_never_below_one(shares, losses):
    influences = shares - shares.mean(-1, keepdims=True)
    ratios = scores.variance_ratios(influences, shares, np.where(np.eye(4, dtype=bool), np.nan, losses))
    assert np.isfinite(ratios).all()
    assert (ratios >= 1).all()
    np.testing.assert_allclose(ratios, ratios.T, rtol=1e-6)


def test_variances_of_differences_are_those_of_the_differences():
    values = np.random.default_rng(5).normal(0, 1, (3, 20))
    found = of_differences(np.cov(values))
    assert found[0, 2] == pytest.approx(np.var(values[0] - values[2], ddof=1))
    assert found[1, 1] == pytest.approx(np.var(values[1], ddof=1))
