"""Variance components are those that were put in, balanced or not, and a study planned from them is as precise as planned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from ser_bench import scores
from ser_bench.scores.variance import (
    Spread,
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
