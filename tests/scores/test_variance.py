"""Variance components are those that were put in, balanced or not, and a study planned from them is as precise as planned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, nct, norm, t

from ser_bench import scores
from ser_bench.scores.variance import (
    MOST,
    Spread,
    _grid,
    crossed_spread,
    degrees_of_freedom,
    half_width,
    power,
    sentence_limit,
    smallest_half_width,
    speakers_for_difference,
    speakers_for_width,
    standard_error,
)
from tests.scores import by_hand

PARTS = st.floats(0, 0.2)
SPREADS = st.builds(
    Spread,
    PARTS,
    PARTS,
    PARTS,
    st.floats(0.01, 0.5),
    speakers=st.integers(4, 40),
    sentences=st.integers(2, 20),
    clips=st.integers(200, 2000),
    inflation=st.floats(1, 2.2),
)


def draw(rng, speakers, sentences, takes=1, *, parts=(0.2, 0.1, 0.15, 0.4), emotions=3, kept=1.0):
    """Values of a crossed design of which a random share is kept, with standard deviations of speakers, sentences, cells and clips."""
    cell = np.arange(speakers * sentences * emotions * takes)
    speaker, sentence, emotion = cell % speakers, cell // speakers % sentences, cell // (speakers * sentences) % emotions
    effects = [
        sd * rng.standard_normal(size) for sd, size in zip(parts, (speakers, sentences, speakers * sentences, len(cell)), strict=True)
    ]
    values = 0.5 + 0.1 * emotion + effects[0][speaker] + effects[1][sentence] + effects[2][speaker * sentences + sentence] + effects[3]
    there = np.flatnonzero(rng.random(len(cell)) < kept)
    return values[there], emotion[there], speaker[there], sentence[there]


def test_balanced_data_give_the_analysis_of_variance():
    n, m, emotions = 6, 4, 3
    values, emotion, speaker, sentence = draw(np.random.default_rng(0), n, m, takes=2)
    spread = crossed_spread(values, emotion, speaker, sentence)
    table = np.array([[values[(speaker == s) & (sentence == q)].mean() for q in range(m)] for s in range(n)])
    rows, columns = table.mean(1), table.mean(0)
    ms_rows, ms_columns = m * rows.var(ddof=1), n * columns.var(ddof=1)
    rest = ((table - rows[:, None] - columns + table.mean()) ** 2).sum() / ((n - 1) * (m - 1))
    assert spread.speaker == pytest.approx((ms_rows - rest) / m)
    assert spread.sentence == pytest.approx((ms_columns - rest) / n)
    assert spread.cell + spread.clip / (2 * emotions) == pytest.approx(rest)


@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_components_are_found_again_though_clips_are_missing(kept):
    rng = np.random.default_rng(1)
    found = np.mean([crossed_spread(*draw(rng, 10, 6, takes=2, kept=kept))[:4] for _ in range(300)], axis=0)
    tolerance = 0.15 if kept == 1 else 0.25
    np.testing.assert_allclose(found / np.square([0.2, 0.1, 0.15, 0.4]), 1, atol=tolerance)


def test_over_speakers_alone_the_interval_is_that_of_the_leaderboard_where_data_are_balanced():
    rng = np.random.default_rng(2)
    speakers = np.repeat(np.arange(12), 10)
    truth = np.tile(np.repeat(list("ab"), 5), 12)
    right = rng.random(120) < np.repeat(rng.uniform(0.3, 0.9, 12), 10)
    predicted = np.where(right, truth, np.where(truth == "a", "b", "a"))
    counts = scores.speaker_counts(truth, predicted, speakers)
    for inflation in (1.0, 1.5):
        ((_, low, high),) = scores.combinations_of([counts], [[1.0]], inflation=inflation)
        spread = crossed_spread(right, truth, speakers)._replace(inflation=inflation)
        assert half_width(spread) == pytest.approx((high - low) / 2)


def test_a_speaker_who_says_most_widens_the_interval():
    rng = np.random.default_rng(3)
    values, emotion, speaker, _ = draw(rng, 8, 4, takes=4)
    many = np.flatnonzero((speaker == 0) | (np.arange(len(speaker)) % 5 == 0))
    even = crossed_spread(values, emotion, speaker)
    uneven = crossed_spread(values[many], emotion[many], speaker[many])
    assert uneven.speaker / even.speaker > 1.3


def test_components_below_zero_count_as_zero():
    spread = Spread(-0.01, -0.02, -0.01, 0.2, speakers=10, sentences=5, clips=500)
    assert standard_error(spread) == pytest.approx(standard_error(spread._replace(speaker=0.0, sentence=0.0, cell=0.0)))
    assert standard_error(spread) > 0


def test_two_sentences_leave_one_degree_of_freedom_whatever_the_number_of_speakers():
    spread = Spread(0.01, 0.002, 0.01, 0.2, speakers=24, sentences=2, clips=1440)
    assert degrees_of_freedom(spread, 100_000) == pytest.approx(1, abs=0.01)
    assert half_width(spread, 100_000) == pytest.approx(t.ppf(0.975, 1) * np.sqrt(0.002 / 2), rel=0.02)
    floor = smallest_half_width(spread)
    assert norm.ppf(0.975) * np.sqrt(0.002 / 2) < floor <= half_width(spread, 100_000)
    assert speakers_for_width(spread, 0.9 * floor) == np.inf


@pytest.mark.parametrize(("sentences", "sd", "most"), [(3, 0.1, 1.0), (3, 0.6, 0.98), (10, 0.6, 0.98)])
def test_the_upper_limit_of_the_sentence_component_holds_it_as_often_as_it_says(sentences, sd, most):
    rng = np.random.default_rng(5)
    limits = [sentence_limit(crossed_spread(*draw(rng, 12, sentences, parts=(0.2, sd, 0.15, 0.4)))) for _ in range(300)]
    assert 0.92 <= np.mean(np.array(limits) >= sd**2) <= most
    assert min(limits) > 0


def test_without_sentences_as_a_factor_enough_speakers_narrow_any_interval():
    spread = Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1440)
    assert speakers_for_width(spread, 0.005) < np.inf


@given(SPREADS, st.floats(0.02, 0.3))
def test_the_number_asked_for_is_enough_and_one_fewer_is_not(spread, width):
    n = speakers_for_width(spread, width)
    if np.isinf(n):
        assert smallest_half_width(spread) > width
        return
    assert half_width(spread, n) <= width
    assert n == 2 or half_width(spread, n - 1) > width


@given(SPREADS, st.floats(0.02, 0.3))
def test_more_clips_never_ask_for_more_speakers(spread, width):
    fixed = spread._replace(sentences=0)
    assert speakers_for_width(fixed._replace(clips=2 * fixed.clips), width) <= speakers_for_width(fixed, width)


@given(SPREADS, st.floats(0.01, 0.3))
def test_power_lies_between_the_level_and_one_and_grows_with_the_difference(spread, difference):
    small, large = power(spread, difference, 20), power(spread, 2 * difference, 20)
    assert 0.05 - 1e-6 <= small <= large + 1e-6 <= 1 + 2e-6


@pytest.mark.parametrize("sentences", [0, 8])
def test_power_is_what_repeated_studies_find(sentences):
    spread = Spread(0.02, 0.004 if sentences else 0.0, 0.01 if sentences else 0.0, 0.2, speakers=20, sentences=sentences, clips=20 * 24)
    rng = np.random.default_rng(4)
    found = []
    for _ in range(400):
        values, emotion, speaker, sentence = draw(rng, 20, 8, parts=[np.sqrt(part) for part in spread[:4]])
        study = crossed_spread(values, emotion, speaker, sentence if sentences else None)
        mean = np.mean([values[emotion == c].mean() for c in range(3)]) - 0.6 + 0.12
        found.append(mean > half_width(study))
    assert np.mean(found) == pytest.approx(power(spread, 0.12), abs=0.07)


def test_what_does_not_vary_is_known_without_a_division_by_zero():
    nothing = Spread(0.0, 0.0, 0.0, 0.0, speakers=5, sentences=3, clips=100)
    with np.errstate(all="raise"):
        assert standard_error(nothing) == half_width(nothing) == 0
        assert degrees_of_freedom(nothing) == 2
        assert power(nothing, 0.1) == 1


def test_a_certain_difference_has_power_one():
    assert power(Spread(0.0, 0.0, 0.0, 0.0, speakers=5, sentences=0, clips=100), 0.01) == 1.0
    assert speakers_for_difference(Spread(0.0, 0.0, 0.0, 0.0, speakers=5, sentences=0, clips=100), 0.01) == 2.0


@pytest.mark.parametrize(
    ("speakers", "sentences", "said"),
    [("aaaa", None, "speakers are all the same"), ("aabb", "xxxx", "sentences are all the same"), ("aabb", "xxyy", "not crossed")],
)
def test_a_design_that_tells_nothing_is_refused(speakers, sentences, said):
    with pytest.raises(ValueError, match=said):
        crossed_spread([1, 0, 1, 1], list("efef"), list(speakers), sentences and list(sentences))


def test_an_emotion_of_one_speaker_leaves_no_gap():
    spread = crossed_spread([1, 0, 1, 1, 0, 1], list("eeeeff"), list("aabbbb"), list("xyxyxy"))
    assert np.isfinite(spread[:4]).all()


def spread_by_hand(hits: np.ndarray, emotion: np.ndarray, speaker: np.ndarray, sentence: np.ndarray | None) -> list[float]:
    """The definition, one pair of clips after the other."""
    values = np.array([[hit - hits[emotion == mine].mean() for hit, mine in zip(hits, emotion, strict=True)]])
    words = np.arange(len(hits)) if sentence is None else sentence

    def products(same_speaker: bool, same_sentence: bool) -> np.ndarray:
        def kind(i: int, j: int) -> bool:
            alike = sentence is None or (words[i] == words[j]) == same_sentence
            return i != j and (speaker[i] == speaker[j]) == same_speaker and alike

        return by_hand.mean_products(values, emotion, kind)

    none = np.nan_to_num(products(False, False))
    both = products(True, True) - none
    only_speaker, only_sentence = products(True, False) - none, products(False, True) - none
    tables = [both] if sentence is None else [only_speaker, only_sentence, both - only_speaker - only_sentence]
    groups = [speaker] if sentence is None else [speaker, sentence, speaker * 100 + sentence]
    sizes = [len(np.unique(speaker)), len(np.unique(words)), len(np.unique(speaker)) * len(np.unique(words))]
    parts = [by_hand.known_mean(table) for table in tables]
    factors = [size * by_hand.concentration(emotion, group) for size, group in zip(sizes, groups, strict=False)]
    itself = np.diag(by_hand.mean_products(values, emotion, lambda i, j: i == j) - none)
    own = itself - np.where(np.isnan(np.diag(both)), sum(parts), np.diag(both))
    clips = np.bincount(emotion)
    of_clips = len(hits) * sum(own / clips) / len(clips) ** 2
    found = [part * factor for part, factor in zip(parts, factors, strict=True)]
    return [*found, *[0.0] * (3 - len(found)), of_clips]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("crossed", [True, False])
def test_components_are_those_of_all_pairs_of_clips(seed, crossed):
    rng = np.random.default_rng(seed)
    n = 30
    speaker, sentence, emotion = rng.integers(0, 4, n), rng.integers(0, 3, n), rng.integers(0, 3, n)
    emotion[:3], speaker[:4], sentence[:3] = range(3), range(4), range(3)
    if seed == 3:  # an emotion of one clip, and another of one speaker
        emotion = np.array([0, 1, 1, 1] + [2] * 26)
        speaker[1:4] = 1
    hits = rng.integers(0, 2, n) + 0.25 * speaker
    found = crossed_spread(hits, emotion, speaker, sentence if crossed else None)
    assert found[:4] == pytest.approx(spread_by_hand(hits, emotion, speaker, sentence if crossed else None), abs=1e-12)
    assert found[4:] == (4, 3 if crossed else 0, n, 1.0)
    text = crossed_spread(hits.tolist(), list(emotion.astype(str)), speaker.astype(str), sentence.astype(str) if crossed else None)
    assert text == pytest.approx(found)


FEW = Spread(0.01, 0.002, 0.02, 0.2, speakers=24, sentences=5, clips=1440, inflation=1.3)
FIXED = Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1200)
FLAT = Spread(-0.01, -0.002, -0.02, 0.2, speakers=6, sentences=3, clips=60)


def test_a_design_knows_its_clips_per_speaker_and_all_variances_can_be_multiplied():
    assert FEW.per_speaker == 60
    assert FEW.times(2.0) == Spread(0.02, 0.004, 0.04, 0.4, 24, 5, 1440, 1.3)
    assert FIXED.inflation == 1


@pytest.mark.parametrize("spread", [FEW, FIXED, FLAT])
@pytest.mark.parametrize("n", [None, 2, 9, 300])
def test_precision_and_power_of_a_study_are_those_of_their_formulas(spread, n):
    s, m = n or spread.speakers, spread.sentences
    speaker, sentence, cell, clip = (max(0.0, part) for part in spread[:4])
    by_speaker, by_sentence = speaker / s, sentence / max(1, m)
    rest = cell / (s * max(1, m)) + clip / (s * spread.clips / spread.speakers)
    error = np.sqrt(spread.inflation * (by_speaker + rest) + by_sentence)
    df = s - 1.0
    if m:
        noise = (by_speaker + rest) ** 2 / (s - 1) + (by_sentence + rest) ** 2 / (m - 1) + rest**2 / ((s - 1) * (m - 1))
        df = max((by_speaker + by_sentence + rest) ** 2 / noise, min(s, m) - 1)
    assert standard_error(spread, n) == pytest.approx(error)
    assert degrees_of_freedom(spread, n) == pytest.approx(df)
    for how in ({}, {"level": 0.8}):
        assert half_width(spread, n, **how) == pytest.approx(t.ppf((1 + how.get("level", 0.95)) / 2, df) * error)
    for how in ({}, {"alpha": 0.2}):
        needed = t.ppf(1 - how.get("alpha", 0.05) / 2, df)
        for difference in (0.01, 0.1):
            expected = nct.sf(needed, df, difference / error) + np.nan_to_num(nct.cdf(-needed, df, difference / error))
            assert power(spread, difference, n, **how) == pytest.approx(expected, abs=1e-9)
    if n:
        assert half_width(spread, [n, n + 1]).shape == (2,)
        assert power(spread, 0.1, [n, n + 1])[0] == power(spread, 0.1, n)


@pytest.mark.parametrize("spread", [FEW, FLAT])
@pytest.mark.parametrize("how", [{}, {"level": 0.8}])
def test_the_limit_of_the_sentence_component_is_that_of_its_mean_square(spread, how):
    m, n = spread.sentences, spread.speakers
    rest = max(0, spread.cell) / (n * m) + spread.clip / spread.clips
    mean_square = (max(0, spread.sentence) / m + rest) * (m - 1)
    expected = m * (mean_square / chi2.ppf(1 - how.get("level", 0.95), m - 1) - rest)
    assert sentence_limit(spread, **how) == pytest.approx(expected)


@pytest.mark.parametrize("how", [{}, {"level": 0.8}])
def test_the_fewest_speakers_for_a_width_are_the_first_of_all_numbers(how):
    every = np.arange(2, 2000)
    for width in (0.5, 0.06, 0.03, 0.012):
        first = every[np.argmax(half_width(FIXED, every, **how) <= width)]
        assert speakers_for_width(FIXED, width, **how) == first
    assert speakers_for_width(FIXED, 0.98 * half_width(FIXED, MOST, **how), **how) == np.inf
    assert speakers_for_width(FIXED, half_width(FIXED, MOST, **how), **how) == MOST


@pytest.mark.parametrize("how", [{}, {"power_wanted": 0.5}, {"alpha": 0.2}])
def test_the_fewest_speakers_for_a_difference_are_the_first_of_all_numbers(how):
    every = np.arange(2, 1500)
    for difference in (0.2, 0.05, 0.015):
        enough = power(FIXED, difference, every, alpha=how.get("alpha", 0.05)) >= how.get("power_wanted", 0.8)
        assert speakers_for_difference(FIXED, difference, **how) == every[np.argmax(enough)]


def test_numbers_of_speakers_are_looked_through_in_steps_of_a_tenth():
    grid = _grid()
    assert (grid[0], grid[-1]) == (2, MOST)
    assert (np.diff(grid) > 0).all()
    assert (np.diff(grid) / grid[:-1])[grid[:-1] > 20].max() < 0.15
    assert (grid == grid.round()).all()
    assert smallest_half_width(FIXED) == half_width(FIXED, MOST)
    assert smallest_half_width(FEW) == min(half_width(FEW, n) for n in grid)


@pytest.mark.parametrize("n", [1, [5, 1]])
def test_a_study_of_one_speaker_cannot_be_planned(n):
    for plan in (standard_error, degrees_of_freedom, half_width, lambda spread, n: power(spread, 0.1, n)):
        with pytest.raises(ValueError, match=r"^an interval over speakers needs at least two$"):
            plan(FEW, n)
    assert np.isfinite(half_width(FEW, 2))


@pytest.mark.parametrize("wrong", ["emotions", "speakers", "sentences"])
def test_labels_that_are_missing_too_few_or_all_the_same_are_named(wrong):
    given_all = {"hits": [1, 0, 1, 1], "emotions": list("efef"), "speakers": list("aabb"), "sentences": list("xyxy")}
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4 labels$"):
        crossed_spread(**{**given_all, wrong: [None, *given_all[wrong][1:]]})
    with pytest.raises(ValueError, match=r"^hits have shape \(3,\) for 4 clips$"):
        crossed_spread(**{**given_all, "hits": [1, 0, 1]})
    if wrong != "emotions":
        with pytest.raises(ValueError, match=f"^{wrong} has 3 labels for 4 clips$"):
            crossed_spread(**{**given_all, wrong: given_all[wrong][1:]})
        with pytest.raises(ValueError, match=f"^{wrong} are all the same; their spread cannot be known from one$"):
            crossed_spread(**{**given_all, wrong: ["x"] * 4})


@pytest.mark.parametrize("sentences", ["xxyy", "xyzw"])
def test_speakers_and_sentences_have_to_be_crossed(sentences):
    why = r"^speakers and sentences are not crossed: no speaker says two of them, or no sentence is said by two speakers$"
    with pytest.raises(ValueError, match=why):
        crossed_spread([1, 0, 1, 1], list("efef"), list("aabb"), list(sentences))
