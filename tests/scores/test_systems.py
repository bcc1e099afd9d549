"""Systems on the same clips are compared with what each has a counterpart for, however many seeds and folds it has."""

import numpy as np
import pytest

from ser_bench.scores.systems import System, ratios_of
from ser_bench.scores.uncertainty import influences_of, variance_ratios

RNG = np.random.default_rng(0)
VOICES, FOLDS = 6, 3


def system(seeds: int, folds: int = FOLDS, *, refitted: bool = True) -> System:
    counts = RNG.integers(1, 9, (seeds, VOICES, 3, 3))
    losses = RNG.normal(0, 0.003, (seeds, folds, folds))
    return System(counts, (losses + losses.transpose(0, 2, 1)) if refitted else np.full_like(losses, np.nan))


def test_a_system_with_fewer_seeds_counts_as_its_mean_in_each_of_them():
    many, two = system(3), system(2, refitted=False)
    shares = np.stack([many.shares, two.shares.mean(0, keepdims=True).repeat(3, axis=0)])
    influences = np.stack([influences_of(many.counts), influences_of(two.counts).mean(0, keepdims=True).repeat(3, axis=0)])
    losses = np.stack([many.losses, np.full_like(many.losses, np.nan)])
    np.testing.assert_allclose(ratios_of([many, two]), variance_ratios(influences, shares, losses))


@pytest.mark.parametrize("other", [system(2, folds=2), system(1)], ids=["folds", "seeds"])
def test_refits_without_a_counterpart_do_not_count(other):
    many = system(2)
    without = System(other.counts, np.full_like(other.losses, np.nan))
    np.testing.assert_allclose(ratios_of([many, other]), ratios_of([many, without]))


def test_refits_count_in_the_system_that_they_were_made_of():
    one, other = system(2), system(2)
    blank = np.full_like(one.losses, np.nan)
    both = ratios_of([one, other])
    assert not np.allclose(both, ratios_of([one, System(other.counts, blank)]))
    assert not np.allclose(both, ratios_of([System(one.counts, blank), other]))
    np.testing.assert_allclose(both[::-1, ::-1], ratios_of([other, one]))
