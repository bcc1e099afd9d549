"""Comparisons over corpora agree with scipy and with published software, and do not pretend where corpora are too few."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ser_bench import scores

UARS = 0.6 + 0.05 * np.random.default_rng(1).standard_normal((5, 9)) + np.linspace(0.1, 0, 5)[:, None]


def test_equal_systems_share_their_ranks():
    assert scores.mean_ranks([[0.5, 0.9], [0.7, 0.9], [0.7, 0.1]]).tolist() == [2.25, 1.5, 2.25]


def test_what_stretches_the_uars_of_a_corpus_moves_no_rank():
    stretched = UARS**3 * np.linspace(0.2, 1, UARS.shape[1])
    np.testing.assert_array_equal(scores.mean_ranks(stretched), scores.mean_ranks(UARS))
    assert scores.friedman(stretched) == scores.friedman(UARS)


@pytest.mark.parametrize("uars", [UARS, UARS.round(1)], ids=["all different", "with ties"])
def test_friedmans_statistic_is_scipys(uars):
    assert scores.friedman(uars).statistic == pytest.approx(stats.friedmanchisquare(*uars).statistic)


def test_friedmans_p_goes_with_chi_square_where_corpora_are_many():
    uars = np.random.default_rng(3).standard_normal((4, 60)) + np.array([0.25, 0.1, 0, 0])[:, None]
    assert scores.friedman(uars).p == pytest.approx(stats.friedmanchisquare(*uars).pvalue, abs=0.02)


def test_three_corpora_that_agree_on_three_systems_do_so_once_in_36_times_by_luck():
    agreed = np.array([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4], [0.3, 0.2, 0.1]])
    assert scores.friedman(agreed).p == pytest.approx(1 / 36, abs=0.005)


def test_among_equal_systems_friedman_finds_a_difference_in_five_runs_of_a_hundred():
    rng = np.random.default_rng(0)
    found = [scores.friedman(rng.random((4, 5)), resamples=500).p <= 0.05 for _ in range(200)]
    assert 0.01 <= np.mean(found) <= 0.09


def test_systems_equal_everywhere_are_not_told_apart():
    same = np.full((3, 7), 0.5)
    assert scores.friedman(same) == (0.0, 1.0)
    assert np.nanmin(scores.wilcoxon_holm(same)) == 1


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)])
def test_friedman_refuses_fewer_than_three(shape):
    with pytest.raises(ValueError, match="at least three"):
        scores.friedman(np.random.default_rng(0).random(shape))


def test_a_pair_gets_scipys_exact_p():
    expected = stats.wilcoxon(UARS[0], UARS[3], method="exact").pvalue
    assert scores.wilcoxon_holm(UARS[[0, 3]])[0, 1] == pytest.approx(expected)


@pytest.mark.parametrize("n_corpora", [2, 9, 18])
def test_differences_of_one_size_are_signed_in_all_ways(n_corpora):
    a, b = np.random.default_rng(n_corpora).integers(0, 6, (2, n_corpora)) / 10
    differences = (a - b).round(9)
    differences = differences[differences != 0]
    ranks = np.sign(differences) * stats.rankdata(np.abs(differences))
    sums = np.array(list(product([-1, 1], repeat=len(ranks)))) @ np.abs(ranks)
    expected = np.mean(np.abs(sums) >= abs(ranks.sum()))
    assert scores.wilcoxon_holm([a, b])[0, 1] == pytest.approx(expected, abs=1e-12)


def test_a_hundred_corpora_have_the_p_of_their_normal_limit():
    a, b = np.random.default_rng(1).integers(0, 60, (2, 100)) / 100
    expected = stats.wilcoxon((a - b).round(9), correction=True, method="approx").pvalue
    assert scores.wilcoxon_holm([a, b])[0, 1] == pytest.approx(expected, abs=0.005)


def test_pairs_are_corrected_step_by_step():
    p = scores.wilcoxon_holm(UARS)
    pairs = np.triu_indices(5, 1)
    alone = np.array([stats.wilcoxon(UARS[a], UARS[b], method="exact").pvalue for a, b in zip(*pairs, strict=True)])
    order = np.argsort(alone)
    corrected = p[pairs][order]
    assert corrected[0] == pytest.approx(10 * alone[order[0]])
    assert (np.diff(corrected) >= 0).all()
    assert (p[pairs] >= alone).all()
    assert np.isnan(np.diag(p)).all()


def test_the_order_of_systems_and_corpora_changes_nothing():
    rng = np.random.default_rng(2)
    systems, corpora = rng.permutation(5), rng.permutation(9)
    mixed = UARS[systems][:, corpora]
    np.testing.assert_allclose(scores.mean_ranks(mixed), scores.mean_ranks(UARS)[systems])
    np.testing.assert_allclose(scores.wilcoxon_holm(mixed), scores.wilcoxon_holm(UARS)[np.ix_(systems, systems)])
    assert scores.friedman(mixed) == pytest.approx(scores.friedman(UARS))


@pytest.mark.parametrize(("n_corpora", "n_systems"), [(4, 2), (6, 2), (7, 3)])
def test_the_clearest_difference_gets_the_smallest_p_and_none_below(n_corpora, n_systems):
    clear = np.outer(np.arange(n_systems), 1 + 0.1 * np.arange(n_corpora))
    assert np.nanmin(scores.wilcoxon_holm(clear)) == scores.smallest_signed_rank_p(n_corpora, n_systems=n_systems)


def test_five_corpora_tell_no_pair_apart():
    assert scores.smallest_signed_rank_p(5) > 0.05 > scores.smallest_signed_rank_p(6)
    assert scores.smallest_signed_rank_p(1, n_systems=9) == 1


# What baycomp 1.0.3 gives with 500,000 draws: SignedRankTest.probs(b, a, rope=0.01, nsamples=500_000, random_state=0), reversed.
BAYCOMP = [
    (
        [0.623, 0.551, 0.714, 0.482, 0.806, 0.667, 0.592],
        [0.601, 0.564, 0.663, 0.475, 0.781, 0.615, 0.604],
        (0.845534, 0.132044, 0.022422),
    ),
    ([0.503, 0.611, 0.424], [0.527, 0.605, 0.471], (0.0, 0.299098, 0.700902)),
    (
        [0.56, 0.534, 0.588, 0.621, 0.657, 0.605, 0.572, 0.561, 0.637, 0.682, 0.614, 0.538],
        [0.5443, 0.5437, 0.5842, 0.5976, 0.6495, 0.5871, 0.5604, 0.5502, 0.6239, 0.6823, 0.6066, 0.5257],
        (0.419494, 0.580506, 0.0),
    ),
]


@pytest.mark.parametrize(("a", "b", "recorded"), BAYCOMP)
def test_the_posterior_is_that_of_its_authors_library(a, b, recorded):
    assert scores.bayesian_signed_rank(a, b) == pytest.approx(recorded, abs=0.008)


def test_swapping_two_systems_swaps_their_chances():
    a, b, _ = BAYCOMP[0]
    assert scores.bayesian_signed_rank(b, a) == scores.bayesian_signed_rank(a, b)[::-1]


def test_a_system_is_practically_equal_to_itself():
    assert scores.bayesian_signed_rank([0.5, 0.6, 0.7], [0.5, 0.6, 0.7]) == (0, 1, 0)


def test_a_difference_on_the_border_counts_half_to_either_side_however_it_is_rounded():
    a, border = np.array([0.62, 0.55, 0.71]), scores.bayesian_signed_rank([0.62] * 3, [0.6] * 3, rope=0.02)
    assert scores.bayesian_signed_rank(a, a - 0.02, rope=0.02) == border


def test_groups_are_of_neighbours_without_a_pair_that_is_told_apart():
    p = np.full((4, 4), 0.5)
    p[0, 2] = p[2, 0] = 0.01
    assert scores.cliques([1, 2, 3, 4], p) == [(0, 1), (1, 2, 3)]
    assert scores.cliques([4, 3, 2, 1], p) == [(3, 2, 1), (1, 0)]
    assert scores.cliques([1, 2, 3, 4], np.full((4, 4), 0.01)) == []


@pytest.mark.parametrize("uars", [[0.5, 0.6], [[0.5, np.nan]], [[]]])
def test_what_is_no_table_of_numbers_is_refused(uars):
    with pytest.raises(ValueError, match="one row per system"):
        scores.mean_ranks(uars)


def test_a_rope_without_width_is_refused():
    with pytest.raises(ValueError, match="rope"):
        scores.bayesian_signed_rank([0.5], [0.6], rope=0)
