"""Equivalence is shown by an interval inside the region of practical equivalence, never by a difference that is merely not significant."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import gammaln

from ser_bench.scores.equivalence import equivalence_test, equivalent_to_best, pairs_among
from ser_bench.scores.metrics import uar_of

DIFFERENCES = st.floats(-1, 1)
ERRORS = st.one_of(st.just(0.0), st.floats(1e-4, 0.5))
FREEDOMS = st.floats(1, 200)
ROPES = st.floats(0.001, 0.2)


def tail(x: float, df: float) -> float:
    """Upper tail of Student's t by integrating its density."""
    scale = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2)) / np.sqrt(df * np.pi)
    return integrate.quad(lambda at: scale * (1 + at**2 / df) ** (-(df + 1) / 2), x, np.inf)[0]


@pytest.mark.parametrize(("d", "error", "df", "rope"), [(0.005, 0.01, 9, 0.02), (-0.03, 0.02, 5, 0.02), (0.06, 0.015, 23, 0.05)])
def test_p_values_are_those_of_two_one_sided_t_tests(d, error, df, rope):
    found = equivalence_test(d, error, df, rope=rope)
    assert found.p_equivalent == pytest.approx(max(tail((d + rope) / error, df), tail((rope - d) / error, df)))
    assert found.p_better == pytest.approx(tail((d - rope) / error, df))
    assert found.p_worse == pytest.approx(tail((-d - rope) / error, df))


def test_a_difference_that_is_not_significant_is_no_equivalence():
    assert equivalence_test(0.0, 0.05, 23).decision == "undecided"


@given(DIFFERENCES, ERRORS, FREEDOMS, ROPES, st.integers(1, 50))
def test_the_decision_agrees_with_the_interval(d, error, df, rope, comparisons):
    low, high, *p, decision = equivalence_test(d, error, df, rope=rope, comparisons=comparisons)
    assert all(0 <= value <= 1 for value in p)
    if min(abs(bound - edge) for bound in (low, high) for edge in (-rope, rope)) < 1e-6:
        return
    inside, above, below = -rope < low and high < rope, low > rope, high < -rope
    assert decision == ("equivalent" if inside else "better" if above else "worse" if below else "undecided")


@given(DIFFERENCES, ERRORS, FREEDOMS, ROPES)
def test_no_two_words_hold_at_once(d, error, df, rope):
    found = equivalence_test(d, error, df, rope=rope)
    assert sum(p <= 0.05 for p in (found.p_equivalent, found.p_better, found.p_worse)) <= 1


@given(DIFFERENCES, ERRORS, FREEDOMS, ROPES)
def test_the_other_order_gives_the_opposite_word(d, error, df, rope):
    opposite = {"better": "worse", "worse": "better", "equivalent": "equivalent", "undecided": "undecided"}
    one, other = equivalence_test(d, error, df, rope=rope), equivalence_test(-d, error, df, rope=rope)
    assert other.decision == opposite[str(one.decision)]


@given(DIFFERENCES, ERRORS, FREEDOMS, ROPES)
def test_more_comparisons_never_decide_more(d, error, df, rope):
    one, many = (equivalence_test(d, error, df, rope=rope, comparisons=n) for n in (1, 28))
    assert many.decision in (one.decision, "undecided")


def test_rows_picked_from_many_equal_ones_are_seldom_called_better():
    rng = np.random.default_rng(0)
    speakers, rows, runs = 12, 8, 400
    shares = 0.08 * rng.standard_normal((runs, rows, speakers))
    means = shares.mean(2)
    best, last = means.argmax(1), means.argmin(1)
    paired = shares[np.arange(runs), best] - shares[np.arange(runs), last]
    d, error = paired.mean(1), paired.std(1, ddof=1) / np.sqrt(speakers)
    picked, corrected = (equivalence_test(d, error, speakers - 1, rope=0.001, comparisons=n).decision for n in (1, pairs_among(rows)))
    assert (picked == "better").mean() > 0.3
    assert (corrected == "better").mean() <= 0.06


def drawn_counts(rng: np.random.Generator, uars: list[float], voices: int = 12, each: int = 400) -> list[np.ndarray]:
    """Confusions of two classes by voice: systems of these UARs, whose voices differ independently."""
    rates = np.clip(np.array(uars)[:, None, None] + 0.005 * rng.standard_normal((len(uars), voices, 2)), 0, 1)
    right = rng.binomial(each, rates)
    wrong = each - right
    return list(np.stack([np.stack([right[..., 0], wrong[..., 0]], -1), np.stack([wrong[..., 1], right[..., 1]], -1)], -2))


@pytest.mark.parametrize("uars", [[0.72] * 5 + [0.7], [0.72] + [0.7] * 5, [0.72] * 3 + [0.7] * 3])
def test_rows_just_outside_the_region_are_seldom_called_equivalent_to_the_best(uars):
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(200):
        counts = drawn_counts(rng, uars)
        best = int(np.argmax([uar_of(mine.sum(0)) for mine in counts]))
        found = equivalent_to_best(counts, best, np.ones((6, 6)), rope=0.02)
        called += any(found.p[row] <= 0.05 for row in range(6) if row != best and abs(uars[row] - uars[best]) > 0.019)
    assert called / 200 <= 0.06


def test_rows_well_inside_the_region_are_found():
    counts = drawn_counts(np.random.default_rng(0), [0.705, 0.7, 0.7, 0.6])
    found = equivalent_to_best(counts, 0, np.ones((4, 4)), rope=0.03)
    assert np.isnan(found.p[0])
    assert (found.p[1:3] <= 0.05).all()
    assert found.p[3] == 1
    assert ((found.within < 0.03) == (found.p <= 0.05))[1:].all()


def test_a_larger_variance_ratio_shows_less():
    counts = drawn_counts(np.random.default_rng(1), [0.705, 0.7])
    one, two = (equivalent_to_best(counts, 0, np.full((2, 2), ratio)) for ratio in (1.0, 2.0))
    assert one.within[1] < two.within[1]
    assert one.p[1] < two.p[1]


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        ((np.nan, 0.1, 5), {}, "difference"),
        ((0.1, -0.1, 5), {}, "standard error"),
        ((0.1, 0.1, 0), {}, "degrees of freedom"),
        ((0.1, 0.1, 5), {"rope": 0}, "rope"),
        ((0.1, 0.1, 5), {"alpha": 0.5}, "alpha"),
        ((0.1, 0.1, 5), {"comparisons": 0}, "comparisons"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, settings, said):
    with pytest.raises(ValueError, match=said):
        equivalence_test(*arguments, **settings)


@pytest.mark.parametrize("how", [{}, {"rope": 0.04}, {"alpha": 0.2}, {"comparisons": 6}, {"rope": 0.01, "alpha": 0.01, "comparisons": 3}])
def test_every_part_of_the_answer_is_that_of_two_one_sided_tests(how):
    d, error = np.array([[0.004, 0.06, -0.06], [0.03, -0.001, 0.0]]), np.array([0.006, 0.012, 0.02])
    rope, alpha, comparisons = how.get("rope", 0.02), how.get("alpha", 0.05), how.get("comparisons", 1)
    found = equivalence_test(d, error, 23, **how)
    p = [
        np.maximum(stats.t.sf((d + rope) / error, 23), stats.t.cdf((d - rope) / error, 23)),
        stats.t.sf((d - rope) / error, 23),
        stats.t.cdf((d + rope) / error, 23),
    ]
    p = np.minimum(1, comparisons * np.array(p))
    np.testing.assert_allclose([found.p_equivalent, found.p_better, found.p_worse], p)
    reach = stats.t.ppf(1 - alpha / comparisons, 23) * error
    np.testing.assert_allclose([found.low, found.high], [d - reach, d + reach])
    words = [["equivalent", "better", "worse"][np.argmin(at)] if min(at) <= alpha else "undecided" for at in p.reshape(3, -1).T]
    assert found.decision.ravel().tolist() == words


def test_a_known_difference_is_decided_whatever_the_degrees_of_freedom():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        found = equivalence_test([0.0, 0.02, 0.021, -0.021, 1e-300], [0.0, 0.0, 0.0, 0.0, 1e-310], [1, np.inf, 5, 5, 5])
    assert found.decision.tolist() == ["equivalent", "undecided", "better", "worse", "equivalent"]
    assert found.p_equivalent[[0, 1, 2]].tolist() == [0, 0.5, 1]
    assert found.low[:4].tolist() == [0, 0.02, 0.021, -0.021]


@pytest.mark.parametrize("how", [{}, {"rope": 0.05}, {"alpha": 0.2}])
def test_rows_are_compared_with_the_best_by_the_jackknife_and_corrected_for_all_pairs(how):
    counts = drawn_counts(np.random.default_rng(2), [0.7, 0.71, 0.69, 0.7], voices=7, each=50)
    ratios = np.sqrt(np.outer([1.0, 1.2, 1.5, 2.0], [1.0, 1.2, 1.5, 2.0]))
    found = equivalent_to_best(counts, 1, ratios, **how)
    assert np.isnan([found.p[1], found.within[1]]).all()
    for row in (0, 2, 3):
        by_voice = [np.diagonal(one, axis1=1, axis2=2).sum(1) / 100 for one in (counts[row], counts[1])]
        d, error = np.mean(by_voice[0] - by_voice[1]), np.std(by_voice[0] - by_voice[1], ddof=1) / np.sqrt(7) * np.sqrt(ratios[1, row])
        expected = equivalence_test(d, error, 6, **how, comparisons=6)
        assert found.p[row] == pytest.approx(float(expected.p_equivalent))
        assert found.within[row] == pytest.approx(max(abs(float(expected.low)), abs(float(expected.high))))
    alone = equivalent_to_best(counts[:1], 0, np.ones((1, 1)))
    assert np.isnan([alone.p, alone.within]).all()


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        ((np.inf, 0.1, 5), {}, "a difference is not a finite number"),
        ((0.1, np.inf, 5), {}, "a standard error is negative or not a finite number"),
        ((0.1, -1e-9, 5), {}, "a standard error is negative or not a finite number"),
        ((0.1, 0.1, 0), {}, "degrees of freedom must be above 0"),
        ((0.1, 0.1, 5), {"rope": 0}, "rope is 0; it is a difference in UAR above 0"),
        ((0.1, 0.1, 5), {"rope": np.inf}, "rope is inf; it is a difference in UAR above 0"),
        ((0.1, 0.1, 5), {"alpha": 0.5}, "alpha is 0.5; it lies between 0 and .5"),
        ((0.1, 0.1, 5), {"alpha": 0}, "alpha is 0; it lies between 0 and .5"),
        ((0.1, 0.1, 5), {"comparisons": 0}, "comparisons is 0; at least one is made"),
    ],
)
def test_what_is_out_of_range_is_named_with_its_range(arguments, settings, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        equivalence_test(*arguments, **settings)
    assert equivalence_test(0.1, 0.0, 0.5, rope=1e-9, alpha=0.49, comparisons=1).decision == "better"


@pytest.mark.parametrize(("d", "word"), [(0.004, "equivalent"), (0.05, "better"), (-0.05, "worse")])
def test_a_p_of_alpha_itself_decides(d, word):
    p = getattr(equivalence_test(d, 0.01, 9), f"p_{word}")
    assert equivalence_test(d, 0.01, 9, alpha=float(p)).decision == word
    assert equivalence_test(d, 0.01, 9, alpha=float(np.nextafter(p, 0))).decision == "undecided"
