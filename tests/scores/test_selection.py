"""The best of several equally good systems looks better than it is; its corrected UAR does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench import scores
from ser_bench.scores.selection import whole_optimism


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


def corrected_by_hand(hits: np.ndarray, clips: np.ndarray, ratio: float, resamples: int, seed: int) -> float:
    """The definition, one resample, system, class and voice after the other."""
    n_systems, n, k = hits.shape
    there = [c for c in range(k) if clips[:, c].sum()]

    def uar(system: int, times: list[int]) -> float:
        known = [c for c in there if sum(t * m for t, m in zip(times, clips[:, c], strict=True))]
        recalls = [times @ hits[system, :, c] / (times @ clips[:, c]) for c in known]
        return sum(recalls) / max(1, len(recalls))

    elsewhere = []
    for times in np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=resamples):
        if (times > 0).all() or any(times @ clips[:, c] == 0 for c in there):
            continue
        inside = [uar(system, times) for system in range(n_systems)]
        best = [system for system in range(n_systems) if inside[system] >= max(inside) - 1e-12]
        elsewhere.append(np.mean([uar(system, (times == 0).astype(int)) for system in best]))
    top = max(uar(system, np.ones(n, int)) for system in range(n_systems))
    larger = ratio**0.5 / (ratio**0.5 - (ratio - 1) / (ratio + 1 - 1 / n) ** 0.5)
    return max(0.0, top - larger * max(0.0, top - np.mean(elsewhere)))


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 3), st.sampled_from([1.0, 1.6]))
def test_the_correction_is_that_of_its_definition(seed, n_voices, n_systems, ratio):
    rng = np.random.default_rng(seed)
    clips = rng.integers(0, 4, (n_voices, 3)) * [1, 0, 1]
    clips[:, 0] += 1
    hits = rng.binomial(clips, 0.6, (n_systems, n_voices, 3)).astype(float)
    with np.errstate(all="raise"):
        found = scores.corrected_best(hits, clips, ratio=ratio, resamples=30, seed=seed % 3)
    assert found == pytest.approx(corrected_by_hand(hits, clips, ratio, 30, seed % 3))


def test_without_more_words_two_thousand_resamples_of_seed_0_are_drawn_and_nothing_is_shared():
    hits, clips = next(boards(4, 6))
    assert scores.corrected_best(hits, clips) == scores.corrected_best(hits, clips, ratio=1.0, resamples=2000, seed=0)
    assert len({scores.corrected_best(hits, clips, **how) for how in ({}, {"ratio": 1.3}, {"resamples": 1999}, {"seed": 1})}) == 4


def test_two_voices_are_enough_and_of_one_nothing_is_known():
    assert np.isfinite(scores.corrected_best(np.array([[[2.0], [1.0]]]), np.array([[2], [2]])))
    assert np.isnan(scores.corrected_best(np.array([[[2.0]]]), np.array([[2]])))


@pytest.mark.parametrize("n", [2, 5, 12])
@pytest.mark.parametrize("ratio", [1.0, 1.4, 2.0])
def test_the_whole_optimism_is_what_normal_variables_show_of_it(n, ratio):
    """With V = 1 and E_N = 1: all of it over what a resample shows."""
    whole = np.sqrt(ratio)
    kept = (ratio - 1) / np.sqrt((2 - 1 / n) + (ratio - 1))
    assert whole_optimism(ratio, n) == pytest.approx(whole / (whole - kept))
