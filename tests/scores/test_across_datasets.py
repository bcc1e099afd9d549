"""Comparisons over corpora agree with scipy and with published software, and do not pretend where corpora are too few."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def groups_by_hand(ranks: list[float], p: np.ndarray, level: float) -> list[tuple[int, ...]]:
    """All runs of neighbours by rank in which no pair is told apart, but those within another."""
    order = sorted(range(len(ranks)), key=lambda system: ranks[system])
    runs = [order[a:b] for a in range(len(order)) for b in range(a + 2, len(order) + 1)]
    alike = [run for run in runs if not any(p[a, b] < level for a in run for b in run)]
    return [tuple(run) for run in alike if not any(set(run) < set(other) for other in alike)]


@given(st.integers(0, 10**6), st.integers(1, 7))
def test_groups_are_all_that_no_other_holds(seed, n):
    rng = np.random.default_rng(seed)
    p = rng.choice([0.01, 0.049, 0.05, 0.2], (n, n), p=[0.1, 0.1, 0.4, 0.4])
    p = np.where(np.eye(n, dtype=bool), np.nan, np.triu(p, 1) + np.triu(p, 1).T)
    ranks = rng.integers(2, 9, n) / 2
    assert scores.cliques(ranks, p) == groups_by_hand(ranks.tolist(), p, 0.05)
    assert scores.cliques(list(ranks), p.tolist(), level=0.04) == groups_by_hand(ranks.tolist(), p, 0.04)


def test_a_clear_order_is_reached_by_no_random_one():
    clear = np.outer([3, 2, 1, 0], np.linspace(0.1, 0.3, 12))
    assert scores.friedman(clear, resamples=9).p == pytest.approx(1 / 10)
    assert scores.friedman(clear).p == pytest.approx(1 / 10_001)
    assert scores.friedman(clear).statistic == pytest.approx(stats.friedmanchisquare(*clear).statistic)


def friedman_p_by_hand(uars: np.ndarray) -> float:
    """The share of all orders, taken for each corpus by itself, whose statistic is as large."""
    ranks = [stats.rankdata(-column) for column in uars.T]
    mean = (len(uars) + 1) / 2

    def reach(orders) -> float:
        return sum((sum(column) - len(orders) * mean) ** 2 for column in zip(*orders, strict=True))

    every = [reach(orders) for orders in product(*(list(permutations(order)) for order in ranks))]
    return float(np.mean([one >= reach(ranks) - 1e-9 for one in every]))


@pytest.mark.parametrize(
    "uars",
    [[[0.9, 0.6, 0.3], [0.8, 0.5, 0.4], [0.7, 0.7, 0.2]], [[0.5, 0.5, 0.4], [0.5, 0.6, 0.6], [0.2, 0.5, 0.3]]],
    ids=["clear", "unclear"],
)
def test_friedmans_p_is_the_share_of_all_orders(uars):
    found = [scores.friedman(uars, resamples=1000, seed=seed).p for seed in range(2)]
    exact = friedman_p_by_hand(np.array(uars))
    assert found == pytest.approx([exact] * 2, abs=3.5 * np.sqrt(exact * (1 - exact) / 1000) + 0.001)
    assert scores.friedman(uars) == scores.friedman(uars, resamples=10_000, seed=0)
    assert len({scores.friedman(uars, resamples=1000, seed=seed).p for seed in range(9)}) > 1


@pytest.mark.parametrize(("shape", "said"), [((2, 3), "2 and 3"), ((3, 2), "3 and 2")])
def test_friedman_says_how_many_there_are(shape, said):
    why = f"^a Friedman test needs at least three systems and three corpora; these are {said}$"
    with pytest.raises(ValueError, match=why):
        scores.friedman(np.zeros(shape))
    assert scores.friedman(np.zeros((3, 3))).p == 1


@pytest.mark.parametrize(
    "test", [scores.mean_ranks, scores.friedman, scores.wilcoxon_holm, lambda uars: scores.bayesian_signed_rank(uars[0], uars[1])]
)
def test_what_is_no_number_is_refused_with_what_a_table_is(test):
    uars = np.full((3, 3), 0.5)
    uars[1, 1] = np.inf
    with pytest.raises(ValueError, match=r"^UARs must be finite numbers, one row per system and one column per corpus$"):
        test(uars)


@pytest.mark.parametrize("n_corpora", [1, 4, 9])
@pytest.mark.parametrize("n_systems", [2, 3, 6])
def test_the_smallest_p_is_two_patterns_of_all_for_every_pair(n_corpora, n_systems):
    pairs = len(list(combinations(range(n_systems), 2)))
    assert scores.smallest_signed_rank_p(n_corpora, n_systems=n_systems) == pytest.approx(min(1, pairs * 2 / 2**n_corpora))
    assert scores.smallest_signed_rank_p(n_corpora) == scores.smallest_signed_rank_p(n_corpora, n_systems=2)


@pytest.mark.parametrize(
    ("difference", "enough"),
    [
        (0.5, stats.beta(0.5, 1).cdf(0.5**0.5)),
        (0.02, stats.beta(0.5, 1).cdf(0.5)),
        (0.015, stats.beta(0.5, 1).cdf(1 - 0.5**0.5)),
        (0.01, 0.0),
        (0.009, 0.0),
    ],
    ids=["beyond twice the region", "twice the region", "beyond the region", "the region", "within"],
)
def test_of_one_corpus_the_posterior_is_that_of_its_weight_beside_the_prior(difference, enough):
    """The prior's weight w has Beta(1/2, 1): two differences add up to more than the region twice by 1 - w^2, 1 - w, (1 - w)^2 or never."""
    a_better, equivalent, b_better = scores.bayesian_signed_rank([0.5 + difference], [0.5])
    assert a_better == pytest.approx(enough, abs=0.008)
    assert (equivalent, b_better) == pytest.approx((1 - a_better, 0))


def test_the_posterior_has_its_defaults_and_takes_whole_numbers():
    a, b, _ = BAYCOMP[0]
    assert scores.bayesian_signed_rank(a, b) == scores.bayesian_signed_rank(a, b, rope=0.01, samples=50_000, seed=0)
    assert len({scores.bayesian_signed_rank(a, b, **how) for how in ({}, {"rope": 0.02}, {"samples": 49_999}, {"seed": 1})}) == 4
    assert scores.bayesian_signed_rank([1, 1, 1], [0, 0, 0]).a_better > 0.9
    for rope in (0, -0.1):
        with pytest.raises(ValueError, match=f"^rope is {rope}; it lies above zero$"):
            scores.bayesian_signed_rank(a, b, rope=rope)
    with pytest.raises(ValueError, match="shape"):
        scores.bayesian_signed_rank([0.1, 0.2], [0.1])
