"""The parts of a row's variance are those that were put in, and add up to the variance that its UAR has."""

import numpy as np
import pytest

from ser_bench.scores.decomposition import SOURCES, decompose

SPEAKERS, EMOTIONS, EACH = 12, 3, 4
SPEAKER = np.repeat(np.arange(SPEAKERS), EMOTIONS * EACH)
EMOTION = np.tile(np.repeat(np.arange(EMOTIONS), EACH), SPEAKERS)
CLIPS = len(SPEAKER)


def draw(rng, seeds=1, *, speaker=0.0, fold=0.0, seed=0.0, clip=0.0, redrawn=False):
    """Values with effects of these standard deviations, and the folds; four folds of three speakers."""
    order = [rng.permutation(SPEAKERS) if redrawn else np.arange(SPEAKERS) for _ in range(seeds)]
    folds = np.stack([(row % 4)[SPEAKER] for row in order])
    by_fold = fold * rng.standard_normal((seeds if redrawn else 1, 4))
    own = np.stack([by_fold[row if redrawn else 0][folds[row]] for row in range(seeds)])
    lasting = speaker * rng.standard_normal(SPEAKERS)[SPEAKER] + clip * rng.standard_normal(CLIPS)
    return 0.6 + lasting + own + seed * rng.standard_normal((seeds, 1)), folds


def mean_variances(seeds=1, runs=400, **effects):
    """Mean estimates over simulated corpora, and the variance that the UAR truly has."""
    rng = np.random.default_rng(1)
    found, uars = [], []
    for _ in range(runs):
        values, folds = draw(rng, seeds, **effects)
        found.append([source.variance for source in decompose(values, EMOTION, SPEAKER, folds)])
        uars.append(values.mean())
    return dict(zip(SOURCES, np.mean(found, 0), strict=True)), np.var(uars, ddof=1)


@pytest.mark.parametrize("seeds", [1, 3])
def test_speakers_folds_and_clips_are_found_again(seeds):
    found, uar = mean_variances(seeds, speaker=0.2, fold=0.1, clip=0.4)
    assert found["test speakers"] == pytest.approx(0.2**2 / SPEAKERS, rel=0.12)
    assert found["folds"] == pytest.approx(0.1**2 / 4, rel=0.35)
    assert found["clips"] == pytest.approx(0.4**2 / CLIPS, rel=0.05)
    assert sum(found[name] for name in ("test speakers", "folds", "clips")) == pytest.approx(uar, rel=0.15)


def test_folds_drawn_by_seed_are_kept_apart_from_other_luck_of_seeds():
    found, uar = mean_variances(4, speaker=0.2, fold=0.2, seed=0.1, redrawn=True)
    assert found["test speakers"] == pytest.approx(0.2**2 / SPEAKERS, rel=0.12)
    assert found["folds"] == pytest.approx(0.2**2 / 4 / 4, rel=0.15)
    assert found["seeds"] == pytest.approx(0.1**2 / 4, rel=0.35)
    assert sum(found[name] for name in ("test speakers", "folds", "seeds", "clips")) == pytest.approx(uar, rel=0.15)


def test_seeds_are_the_variance_between_seeds_over_their_number():
    rng = np.random.default_rng(0)
    hits = rng.integers(0, 2, (5, CLIPS))
    found = {source.component: source for source in decompose(hits, EMOTION, SPEAKER, SPEAKER % 4)}
    assert found["seeds"].variance == pytest.approx(hits.mean(1).var(ddof=1) / 5)


def test_names_of_folds_change_nothing():
    values, folds = draw(np.random.default_rng(4), 2, speaker=0.2, fold=0.1, seed=0.1)
    named = np.array(["3", "0", "2", "1"])[folds[0]]
    other = np.array(["9", "7", "8", "6"])[folds[1]]
    found, expected = ([source.variance for source in decompose(values, EMOTION, SPEAKER, how)] for how in ([named, other], folds[0]))
    assert found == pytest.approx(expected, nan_ok=True)


def test_what_cannot_be_separated_is_nan():
    values, folds = draw(np.random.default_rng(0), speaker=0.2, clip=0.4)
    one_seed = {source.component: source.variance for source in decompose(values, EMOTION, SPEAKER, folds)}
    assert [name for name in SOURCES if np.isnan(one_seed[name])] == ["seeds", "training speakers"]
    loso = {source.component: source.variance for source in decompose(values, EMOTION, SPEAKER, SPEAKER)}
    assert np.isnan(loso["folds"])
    assert loso["test speakers"] > 0


def test_with_one_speaker_per_fold_the_parts_are_the_variance_between_speakers():
    rng = np.random.default_rng(2)
    hits = rng.integers(0, 2, CLIPS)
    found = {source.component: source.variance for source in decompose(hits, EMOTION, SPEAKER, SPEAKER)}
    means = hits.reshape(SPEAKERS, -1).mean(1)
    assert found["test speakers"] + found["clips"] == pytest.approx(means.var(ddof=1) / SPEAKERS)


def test_shares_sum_to_one_with_what_was_given_for_training_speakers():
    values, folds = draw(np.random.default_rng(3), 3, speaker=0.2, clip=0.4)
    found = decompose(values, EMOTION, SPEAKER, folds, training=0.0004)
    assert found[-1].sd == pytest.approx(0.02)
    assert np.nansum([source.share for source in found]) == pytest.approx(1)
    assert all(source.share >= 0 for source in found)


@pytest.mark.parametrize(
    ("hits", "speakers", "folds", "said"),
    [
        ([1, 0, 1], list("aabb"), list("1122"), "shape"),
        ([1, 0, 1, 0], list("aaaa"), list("1122"), "one speaker"),
        ([1, 0, 1, 0], list("aabb"), list("1111"), "one fold"),
        ([[1, 0, 1, 0]] * 3, list("aabb"), [list("1122")] * 2, "shape"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(hits, speakers, folds, said):
    with pytest.raises(ValueError, match=said):
        decompose(hits, list("xyxy"), speakers, folds)
