"""Variance ratios: what held-out voices owe to each other's training is estimated without bias, and not made up where it is unknown."""

import tracemalloc

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


def influences_by_hand(counts: np.ndarray) -> list[float]:
    """The definition for counts of shape (n_voices, k, k): each class's hits beyond its recall, over its clips."""
    present = [c for c in range(counts.shape[1]) if counts[:, c].sum()]
    found = []
    for voice in counts:
        beyond = [voice[c, c] - counts[:, c, c].sum() / counts[:, c].sum() * voice[c].sum() for c in present]
        found.append(np.mean([part / counts[:, c].sum() for part, c in zip(beyond, present, strict=True)]))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_influences_are_those_of_their_definition_seed_by_seed(seed):
    counts = np.random.default_rng(seed).integers(0, 4, (2, 5, 3, 3))
    counts[:, :, 1] = 0
    with np.errstate(all="raise"):
        found = scores.influences_of(counts)
        np.testing.assert_allclose(found, [influences_by_hand(one) for one in counts], atol=1e-15)
        np.testing.assert_array_equal(scores.influences_of(counts[0]), found[0])


def training_by_hand(a: np.ndarray, b: np.ndarray, n_voices: int) -> float:
    """The mean product of two folds' losses without each other, a's in one fold and b's in the other, as often as there are pairs."""
    seeds, folds, _ = a.shape
    products = [
        a[r, g, h] * b[r, h, g]
        for r in range(seeds)
        for g in range(folds)
        for h in range(folds)
        if np.isfinite([a[r, g, h], a[r, h, g], b[r, g, h], b[r, h, g]]).all()
    ]
    return n_voices / (n_voices - 1) * folds * (folds - 1) * np.mean(products) if products else np.nan


def measured(seed: int, systems: int = 3, seeds: int = 2, folds: int = 4, missing: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    losses = rng.normal(0, 0.02, (systems, seeds, folds, folds))
    losses[rng.random(losses.shape) < missing] = np.nan
    return np.where(np.eye(folds, dtype=bool), np.nan, losses)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_training_covariances_are_mean_products_of_what_was_measured_both_ways(seed, missing):
    losses = measured(seed, missing=missing)
    found = training_covariance(losses, 7)
    np.testing.assert_allclose(found, [[training_by_hand(a, b, 7) for b in losses] for a in losses])
    assert training_covariance(np.full((2, 1, 1, 1), np.nan), 7).tolist() == [[0, 0], [0, 0]]


def test_a_pair_measured_once_counts_and_one_that_no_system_has_does_not():
    losses = np.full((2, 1, 3, 3), np.nan)
    losses[0, 0, 0, 2], losses[0, 0, 2, 0] = 0.5, 0.25
    with np.errstate(all="raise"):
        found = training_covariance(losses, 3)
    assert found[0, 0] == pytest.approx(3 / 2 * 3 * 2 * 0.125)
    assert np.isnan(found.ravel()[1:]).all()


@pytest.mark.parametrize("seeds", [2, 5])
def test_seed_covariances_are_those_of_uars_less_those_of_each_voice(seeds):
    shares = np.random.default_rng(seeds).normal(0.1, 0.02, (3, seeds, 4))
    expected = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            uars = np.cov(shares[a].sum(1), shares[b].sum(1))[0, 1]
            voices = sum(np.cov(shares[a, :, s], shares[b, :, s])[0, 1] for s in range(4))
            expected[a, b] = (uars - voices) / seeds
    np.testing.assert_allclose(seed_covariance(shares), expected, atol=1e-15)
    assert seed_covariance(shares[:, :1]).tolist() == np.zeros((3, 3)).tolist()


def ratios_by_hand(influences: np.ndarray, shares: np.ndarray, losses: np.ndarray | None) -> np.ndarray:
    """The definition, one system and one pair of systems after the other."""
    systems, _, n = influences.shape
    mean = influences.mean(1)
    voices = np.array([[n / (n - 1) * a @ b for b in mean] for a in mean])
    training = np.full((systems, systems), np.nan)
    if losses is not None:
        training = np.array([[0.0 if losses.shape[-1] == 1 else training_by_hand(a, b, n) for b in losses] for a in losses])
    seeds = seed_covariance(shares)

    def of(table: np.ndarray, a: int, b: int) -> float:
        return table[a, a] if a == b else table[a, a] + table[b, b] - 2 * table[a, b]

    def moderated(table: np.ndarray, a: int, b: int) -> float:
        kind = [(c, d) for c in range(systems) for d in range(systems) if (c == d) == (a == b)]
        known = [pair for pair in kind if np.isfinite(of(table, *pair)) and of(voices, *pair) > 1e-30]
        if (a, b) not in known:
            return np.nan
        together = sum(of(table, *pair) for pair in known) / sum(of(voices, *pair) for pair in known)
        return (of(table, a, b) / of(voices, a, b) + together) / 2

    found, most = np.ones((systems, systems)), n / (n - 1)
    for a in range(systems):
        for b in range(systems):
            if of(voices, a, b) > 1e-30:
                overlap = moderated(training, a, b)
                overlap = most if np.isnan(overlap) else min(max(overlap, 0), most)
                found[a, b] = 1 + overlap + max(0.0, moderated(seeds, a, b))
    return found


@pytest.mark.parametrize("scale", [0.02, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_variance_ratios_are_those_of_their_definition(seed, scale):
    rng = np.random.default_rng(seed)
    shares = 0.1 + rng.normal(0, 0.05, (3, 1, 6)) + rng.normal(0, scale * 0.1, (3, 3, 1)) + rng.normal(0, 0.002, (3, 3, 6))
    if seed == 5:
        shares[1] = shares[0]
    influences = shares - shares.mean(-1, keepdims=True)
    losses = scale * 4 * measured(seed, 3, 3, missing=0.0)
    losses = np.where(np.isnan(losses), np.nan, np.abs(losses) if seed < 2 else losses)
    if seed == 4:
        losses[2] = np.nan
    for mine in (losses, None, losses[:, :, :1, :1]):
        found = scores.variance_ratios(influences, shares, mine)
        np.testing.assert_allclose(found, ratios_by_hand(influences, shares, mine), rtol=1e-9)
    np.testing.assert_array_equal(scores.variance_ratios(influences, shares), scores.variance_ratios(influences, shares, None))
    one = slice(0, 1)
    np.testing.assert_allclose(
        scores.variance_ratios(influences[one], shares[one], losses[one]), ratios_by_hand(influences[one], shares[one], losses[one])
    )


def test_training_sets_of_one_speaker_do_not_overlap():
    with pytest.raises(ValueError, match=r"^training sets overlap from two speakers up; here there are 1$"):
        scores.overlap_bound(1)
    assert [scores.overlap_bound(n) for n in (2, 3, 5)] == [3, 2.5, 2.25]


def test_a_pair_of_folds_among_very_many_costs_no_more_than_itself():
    few, many = measured(0, folds=3, missing=0.0), np.full((3, 2, 600, 600), np.nan)
    places = np.array([5, 70, 599])
    many[..., places[:, None], places] = few
    tracemalloc.start()
    found = training_covariance(many, 7)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(found, training_covariance(few, 7) / (3 * 2) * (600 * 599), rtol=1e-12)
    assert most < many.nbytes
