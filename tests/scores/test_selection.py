"""The best of several equally good systems looks better than it is; its corrected UAR does not."""

import numpy as np
import pytest

from ser_bench import scores


def boards(n_systems: int, n_voices: int, repetitions: int = 150):
    """Hits of equally good systems, whose UAR is .6 on new voices, and everybody's clips."""
    rng = np.random.default_rng(0)
    clips = np.full((n_voices, 4), 10)
    for _ in range(repetitions):
        recall = np.clip(0.6 + rng.normal(0, 0.1, (n_systems, n_voices, 1)), 0, 1)
        yield rng.binomial(10, recall, (n_systems, n_voices, 4)), clips


@pytest.mark.parametrize("n_systems", [8, 25])
def test_the_best_of_equals_is_corrected_to_what_it_is(n_systems):
    found = list(boards(n_systems, 10))
    top = np.mean([(hits.sum(1) / clips.sum(0)).mean(-1).max() for hits, clips in found])
    corrected = np.mean([scores.corrected_best(hits, clips, resamples=300) for hits, clips in found])
    assert top - 0.6 > 0.03
    assert abs(corrected - 0.6) < 0.01


def test_luck_in_training_that_favours_a_system_on_every_voice_is_corrected_by_the_ratio_of_variances():
    rng = np.random.default_rng(2)
    voices, training = 0.1 / 10**0.5, 0.03
    clips = np.full((10, 4), 10)
    found = []
    for _ in range(200):
        recall = np.clip(0.6 + rng.normal(0, training, (8, 1, 1)) + rng.normal(0, 0.1, (8, 10, 1)), 0, 1)
        found.append(rng.binomial(10, recall, (8, 10, 4)))
    ratio = 1 + training**2 / (voices**2 + 0.24 / 400)
    by_voices, by_both = (np.mean([scores.corrected_best(hits, clips, ratio=r, resamples=50) for hits in found]) for r in (1, ratio))
    assert by_voices - 0.6 > 0.015
    assert abs(by_both - 0.6) < 0.008


def test_a_best_that_leaves_no_doubt_is_hardly_corrected():
    rng = np.random.default_rng(1)
    clips = np.full((12, 3), 20)
    hits = np.stack([rng.binomial(20, recall, (12, 3)) for recall in (0.9, 0.5, 0.4)])
    assert scores.corrected_best(hits, clips) == pytest.approx((hits[0].sum(0) / clips.sum(0)).mean(), abs=0.005)


def test_a_correction_never_raises_the_best():
    clips = np.array([[1, 9], [9, 1], [5, 5], [2, 8]])
    hits = np.stack([np.minimum(clips, taken) for taken in (3, 2)])
    top = (hits.sum(1) / clips.sum(0)).mean(-1).max()
    assert scores.corrected_best(hits, clips) <= top


def test_the_order_of_systems_changes_nothing():
    hits, clips = next(boards(4, 8))
    assert scores.corrected_best(hits[::-1], clips) == pytest.approx(scores.corrected_best(hits, clips))


def test_a_single_voice_says_nothing():
    assert np.isnan(scores.corrected_best(np.ones((2, 1, 2)), np.ones((1, 2), int)))
