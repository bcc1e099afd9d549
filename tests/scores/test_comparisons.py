"""Comparisons with the best: they find what is there, and seldom what is not, although the best was chosen from the same data."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_bench import scores
from ser_bench.scores import comparisons as room
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


def reached_by(values: list[float], share: float) -> float:
    """The largest distance that at least that share of the values reaches."""
    return max(value for value in values if np.mean(np.array(values) >= value) >= share - 1e-12)


def versus_best_by_hand(shares: np.ndarray, ratios: np.ndarray, level: float) -> list[tuple[float, float, float, float]]:
    """The definition, one pattern of swaps after the other; all voices swapped count as none."""
    n_systems, n = shares.shape
    order = sorted(range(n_systems), key=lambda system: -round(shares[system].sum(), 12))
    patterns = np.array([(*swaps, 1) for swaps in product([1, -1], repeat=n - 1)])
    found, p, stopped = {order[0]: (np.nan,) * 4}, 0.0, 0.0
    for place in reversed(range(1, n_systems)):
        among, behind = order[: place + 1], shares[order[0]].sum() - shares[order[place]].sum()
        distances = [[np.sqrt(ratios[a, b]) * abs(swaps @ (shares[a] - shares[b])) for a in among for b in among] for swaps in patterns]
        widest = [max(of_pairs) for of_pairs in distances]
        p = max(p, float(np.mean([one >= behind - 1e-12 for one in widest])))
        within = reached_by(widest, level)
        stopped = within if p >= level and not stopped else stopped
        found[order[place]] = behind, behind - max(within, stopped), behind + max(within, stopped), p
    return [found[system] for system in range(n_systems)]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans(), st.sampled_from([None, 0.25]))
def test_comparisons_with_the_best_are_those_of_their_definition(seed, n_systems, n_speakers, wider, level):
    rng = np.random.default_rng(seed)
    shares = rng.integers(0, 6, (n_systems, n_speakers)) / 50 + rng.choice([0, 0.1], (n_systems, 1))
    ratios = rng.uniform(1, 2, (n_systems, n_systems)) if wider else np.ones((n_systems, n_systems))
    ratios = np.sqrt(ratios * ratios.T)
    how = {} if level is None else {"level": level}
    found = scores.versus_best(shares, ratios if wider else None, **how)
    expected = np.array(versus_best_by_hand(shares, ratios, level or 0.05))
    np.testing.assert_allclose(np.array(found).T, expected, atol=1e-9)
    np.testing.assert_allclose(scores.p_vs_best(shares, ratios if wider else None), found.p)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_few_speakers_are_swapped_in_all_ways_and_the_last_stays(n):
    found = room.signs(n, 5, 0)
    assert sorted(map(tuple, found)) == sorted((*pattern, 1) for pattern in product([-1, 1], repeat=n - 1))
    assert (found[0] == 1).all()


def test_up_to_fifteen_speakers_are_swapped_in_all_ways_and_more_at_random():
    assert room.signs(15, 5, 0).shape == (2**14, 15)
    found = room.signs(16, 400, 3)
    assert found.shape == (401, 16)
    assert (found[0] == 1).all()
    assert set(np.unique(found)) == {-1, 1}
    assert (found == room.signs(16, 400, 3)).all()
    assert (found[1:] != room.signs(16, 400, 4)[1:]).any()
    assert np.abs(found[1:].mean(0)).max() < 0.25


def test_what_is_drawn_at_random_is_drawn_so_often_and_by_its_seed():
    shares = 0.01 + 0.005 * np.random.default_rng(0).standard_normal((3, 20))
    plain = scores.versus_best(shares)
    np.testing.assert_array_equal(plain, scores.versus_best(shares, None, level=0.05, resamples=9_999, seed=0))
    np.testing.assert_array_equal(plain.p, scores.p_vs_best(shares, resamples=9_999, seed=0))
    few = scores.p_vs_best(shares, resamples=99)
    assert ((few * 100)[~np.isnan(few)] % 1).round(6).tolist() == [0, 0]
    np.testing.assert_array_equal(few, scores.versus_best(shares, resamples=99).p)
    np.testing.assert_array_equal(scores.p_vs_best(shares, resamples=99, seed=5), scores.versus_best(shares, resamples=99, seed=5).p)
    assert not np.array_equal(scores.p_vs_best(shares, seed=1), plain.p, equal_nan=True)


@pytest.mark.parametrize("n", [1, 4, 8, 9])
@pytest.mark.parametrize("ratio", [1.0, 1.3, 2.0, 4.0])
def test_the_smallest_p_is_the_share_of_swaps_that_leave_so_much(n, ratio):
    sums = [abs(sum(pattern)) for pattern in product([-1, 1], repeat=n)]
    assert scores.smallest_p(n, ratio) == pytest.approx(np.mean([np.sqrt(ratio) * one >= n - 1e-9 for one in sums]))
    assert scores.smallest_p(n) == scores.smallest_p(n, 1.0)


def test_of_random_swaps_the_smallest_p_is_the_data_themselves():
    assert scores.smallest_p(15) == pytest.approx(2 / 2**15)
    assert scores.smallest_p(16) == pytest.approx(1 / 10_000)
    assert scores.smallest_p(16, 2.0, resamples=99) == pytest.approx(1 / 100)


@given(st.lists(st.sampled_from([0.001, 0.01, 0.02, 0.3, 0.6, np.nan]), max_size=8))
def test_p_values_are_corrected_by_holm_s_steps(p):
    known = sorted((value, place) for place, value in enumerate(p) if not np.isnan(value))
    expected, least = [np.nan] * len(p), 0.0
    for i, (value, place) in enumerate(known):
        least = expected[place] = min(1.0, max(least, (len(known) - i) * value))
    np.testing.assert_allclose(room.holm(p), expected)


@pytest.mark.parametrize("seeds", [1, 3])
def test_contributions_are_the_recognised_share_of_each_class_over_classes_and_seeds(seeds):
    truth, _, speakers = draw(3)
    predicted = np.stack([draw(seed)[1] for seed in range(seeds)])
    truth = np.where(truth == "d", "a", truth)
    expected = []
    for speaker in np.unique(speakers):
        parts = [[np.sum((speakers == speaker) & (truth == c) & (row == c)) / np.sum(truth == c) for c in "abc"] for row in predicted]
        expected.append(np.mean(parts))
    assert scores.contributions(truth, predicted, speakers) == pytest.approx(expected)
    assert scores.contributions(list("aab"), list("aab"), list("xyx")).tolist() == [0.75, 0.25]
    if seeds == 1:
        counts = scores.speaker_counts(truth, predicted[0], speakers, classes=list("abcd"))
        assert room.contributions_of(counts) == pytest.approx(expected)


@pytest.mark.parametrize("compare", [scores.versus_best, scores.p_vs_best, scores.smallest_difference])
@pytest.mark.parametrize("shares", [[0.1, 0.2], [[]], [[0.1, np.nan], [0.1, 0.2]]])
def test_what_is_no_table_of_contributions_is_refused(compare, shares):
    with pytest.raises(ValueError, match=r"^contributions must be finite numbers, one row per system and one column per speaker$"):
        compare(np.array(shares))


def smallest_by_hand(shares: np.ndarray, ratios: np.ndarray, power: float, level: float, boards: int, seed: int) -> float:
    """The definition: each simulated board's system is moved away until p is small enough, all of them in small steps."""
    n = shares.shape[1]
    uars = shares.sum(1).round(12)
    best = int(np.argmax(uars))
    others = sorted((system for system in range(len(shares)) if system != best), key=lambda system: (-uars[system], system))
    others.sort(key=lambda system: (shares[system] - shares[best]).std().round(12))
    typical = others[(len(others) - 1) // 2]
    leads = [shares[system] - shares[typical] for system in range(len(shares)) if system != typical]
    patterns = [(*swaps, 1) for swaps in product([1, -1], repeat=n - 1)]
    needed = []
    for drawn in np.random.default_rng(seed).standard_normal((boards, n, n)):
        simulated = np.array([drawn @ (lead - lead.mean()) / np.sqrt(n - 1) for lead in leads])

        def p(shift: float, simulated: np.ndarray = simulated) -> float:
            moved = np.vstack([simulated + shift / n, np.zeros(n)])
            apart = [np.ptp(moved @ swaps) for swaps in patterns]
            return np.mean([one >= moved.sum(1).max() - 1e-9 for one in apart])

        needed.append(next((shift for shift in np.arange(0, 1.001, 0.004) if p(shift) <= level), np.inf))
    wider = np.mean([np.sqrt(ratios[a, b]) for a in range(len(shares)) for b in range(len(shares)) if a != b])
    return wider * sorted(needed)[int(np.ceil(power * boards)) - 1]


@pytest.mark.parametrize(("power", "level", "ratio"), [(0.8, 0.07, 1.0), (0.5, 0.2, 1.3), (0.3, 0.1, 1.0)])
def test_the_smallest_difference_is_that_of_its_definition(power, level, ratio):
    shares = shares_like(6, 0.05) + np.array([0, 0.002, 0, 0.001])[:, None]
    shares[2] += [0.03, -0.03, 0, 0, 0, 0]
    ratios = np.full((4, 4), ratio)
    ratios[0, 1] = ratios[1, 0] = 1.4
    expected = smallest_by_hand(shares, ratios, power, level, 5, 2)
    found = scores.smallest_difference(shares, ratios, power=power, level=level, boards=5, seed=2)
    assert found == pytest.approx(expected, abs=0.006)


def test_the_smallest_difference_has_its_defaults():
    shares = shares_like(8, 0.05, n_systems=3)
    given_all = {"power": 0.8, "level": 0.05, "boards": 200, "resamples": 1000, "seed": 0}
    assert scores.smallest_difference(shares) == scores.smallest_difference(shares, np.ones((3, 3)), **given_all)
    many = {"boards": 9, "seed": 3}
    assert scores.smallest_difference(shares_like(18, 0.05), **many) == scores.smallest_difference(
        shares_like(18, 0.05), resamples=1000, **many
    )
    assert scores.smallest_difference(shares_like(6, 0.01), level=scores.smallest_p(6), boards=2) < 1
    assert scores.smallest_difference(shares_like(6, 0.02), np.full((4, 4), 2.0), boards=2) < 1
    assert np.isinf(scores.smallest_difference(shares, np.full((3, 3), 4.0)))
    assert np.isinf(scores.smallest_difference(shares_like(20, 0.05), level=0.005, boards=2, resamples=100))
    assert scores.smallest_difference(shares_like(20, 0.05), level=0.01, boards=2, resamples=100) < 1


def test_of_more_than_twice_the_resamples_only_so_many_patterns_are_taken():
    shares = shares_like(8, 0.05, n_systems=3)
    all_of_them, still, fewer, again = (scores.smallest_difference(shares, boards=9, resamples=n) for n in (1000, 64, 63, 63))
    assert all_of_them == still != fewer == again
    assert fewer == pytest.approx(all_of_them, rel=0.3)


@pytest.mark.parametrize("how", [{"power": 0.0}, {"power": 1.0}, {"level": 0.0}, {"level": 1.0}])
def test_power_and_level_lie_between_0_and_1(how):
    power, level = how.get("power", 0.8), how.get("level", 0.05)
    with pytest.raises(ValueError, match=f"^power is {power} and level {level}; both lie between 0 and 1$"):
        scores.smallest_difference(shares_like(10, 0.05), **how)
