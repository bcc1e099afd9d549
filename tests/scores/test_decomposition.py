"""The parts of a row's variance are those that were put in, and add up to the variance that its UAR has."""

import numpy as np
import pytest

from ser_bench.scores.decomposition import SOURCES, decompose
from tests.scores import by_hand

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


def decomposed_by_hand(hits: np.ndarray, emotion: np.ndarray, speaker: np.ndarray, folds: np.ndarray) -> list[float]:
    """The definition, one pair of clips after the other; hits and folds by seed."""
    seeds, n = hits.shape
    values = np.array([[row[i] - hits[:, emotion == emotion[i]].mean() for i in range(n)] for row in hits])
    clips = np.bincount(emotion)
    uars = [np.mean([row[emotion == c].mean() for c in range(len(clips))]) for row in hits]
    same = [[folds[0, i] == folds[0, j] for j in range(n)] for i in range(n)]
    lasting = all((row[i] == row[j]) == same[i][j] for row in folds for i in range(n) for j in range(n))
    crossed = seeds > 1

    def products(kind) -> np.ndarray:
        return by_hand.mean_products(values, emotion, kind, crossed=crossed)

    fellow_pairs = lasting and any(same[i][j] and speaker[i] != speaker[j] for i in range(n) for j in range(n))
    none = np.nan_to_num(products(lambda i, j: not same[i][j] if lasting else speaker[i] != speaker[j]))
    alike = products(lambda i, j: i != j and speaker[i] == speaker[j])
    fellows = products(lambda i, j: same[i][j] and speaker[i] != speaker[j]) if fellow_pairs else none
    of_speaker, of_fold = by_hand.known_mean(alike - fellows), by_hand.known_mean(fellows - none)
    itself, shared = np.diag(products(lambda i, j: i == j) - none), np.diag(alike - none)
    own = itself - np.where(np.isnan(shared), of_speaker + of_fold, shared)
    from_clips = sum(own / clips) / len(clips) ** 2
    from_folds = of_fold * by_hand.concentration(emotion, folds[0]) if fellow_pairs else np.nan
    from_seeds = np.var(uars, ddof=1) / seeds if crossed else np.nan
    if not lasting:
        sums = {"fellows": [], "apart": []}
        for row, drawn in zip(values, folds, strict=True):
            for name, kind in (
                ("fellows", lambda i, j, drawn=drawn: drawn[i] == drawn[j] and speaker[i] != speaker[j]),
                ("apart", lambda i, j, drawn=drawn: drawn[i] != drawn[j]),
            ):
                pairs = [(i, j) for i in range(n) for j in range(n) if kind(i, j)]
                sums[name] += [(emotion[i], emotion[j], row[i] * row[j]) for i, j in pairs]
        k = len(clips)
        means = {
            name: np.array([[np.mean([v for a, b, v in found if (a, b) == (c, d)] or [np.nan]) for d in range(k)] for c in range(k)])
            for name, found in sums.items()
        }
        if sums["fellows"]:
            mean = by_hand.known_mean(means["fellows"] - means["apart"])
            from_folds = mean * np.mean([by_hand.concentration(emotion, row) for row in folds]) / seeds
            from_seeds -= from_folds
    return [of_speaker * by_hand.concentration(emotion, speaker), from_folds, from_seeds, from_clips]


DESIGNS = {
    "one seed": (1, "blocks"),
    "several seeds, one partition": (3, "blocks"),
    "folds drawn by each seed": (2, "drawn"),
    "one speaker per fold": (2, "alone"),
    "one speaker per fold, one seed": (1, "alone"),
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("seed", range(3))
def test_variances_are_those_of_all_pairs_of_clips(design, seed):
    seeds, kind = DESIGNS[design]
    rng = np.random.default_rng(seed)
    n = 22
    speaker, emotion = np.concatenate([np.arange(6), rng.integers(0, 6, n - 6)]), np.concatenate([[0, 1], rng.integers(0, 2, n - 2)])
    if seed == 2:  # an emotion of a single clip
        emotion = np.array([2] + [0, 1] * 10 + [0])
    hits = (rng.random((seeds, n)) < 0.3 + 0.1 * speaker).astype(float)
    of_speaker = {"blocks": np.arange(6) // 2, "alone": np.arange(6)}
    folds = np.stack([rng.permutation(np.arange(6) // 2)[speaker] if kind == "drawn" else of_speaker[kind][speaker] for _ in range(seeds)])
    with np.errstate(all="raise"):
        found = decompose(hits, emotion, speaker, folds, training=0.001)
    expected = [*decomposed_by_hand(hits, emotion, speaker, folds), 0.001]
    assert [source.variance for source in found] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    kept = np.maximum(expected, 0)
    assert [source.sd for source in found] == pytest.approx(np.sqrt(kept).tolist(), nan_ok=True)
    assert [source.share for source in found] == pytest.approx((kept / np.nansum(kept)).tolist(), nan_ok=True)
    assert [source.component for source in found] == list(SOURCES)
    if kind != "drawn":
        renamed = np.stack([(row * (place + 2) + 1) % 7 for place, row in enumerate(folds)]).astype(str)
        np.testing.assert_array_equal(np.array(decompose(hits, emotion, speaker, renamed, training=0.001)), np.array(found))
        np.testing.assert_array_equal(np.array(decompose(hits, emotion, speaker, folds[0], training=0.001)), np.array(found))
    if seeds == 1:
        np.testing.assert_array_equal(np.array(decompose(hits[0], emotion, speaker, folds[0], training=0.001)), np.array(found))
    unknown = decompose(hits, emotion, speaker, folds)[-1]
    assert np.isnan(unknown[1:]).all()


def test_where_nothing_varies_no_source_has_a_share():
    found = decompose([1.0] * 4, list("abab"), list("xxyy"), list("1122"), training=0.0)
    assert [source.share for source in found if not np.isnan(source.share)] == [0, 0, 0]


@pytest.mark.parametrize("wrong", ["emotions", "speakers", "folds"])
def test_labels_that_are_missing_or_too_few_are_named(wrong):
    given = {"hits": [1, 0, 1, 1], "emotions": list("efef"), "speakers": list("aabb"), "folds": list("1122")}
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4 labels$"):
        decompose(**{**given, wrong: [None, *given[wrong][1:]]})
    if wrong != "emotions":
        with pytest.raises(ValueError, match=f"^{wrong} has 3 labels for 4 clips$"):
            decompose(**{**given, wrong: given[wrong][1:]})
        with pytest.raises(ValueError, match=r"^one speaker or one fold: nothing can be said about others$"):
            decompose(**{**given, wrong: ["1"] * 4})


@pytest.mark.parametrize(
    ("hits", "folds", "said"),
    [([1, 0, 1], list("1122"), r"\(1, 3\) and folds \(1, 4\)"), ([[1, 0, 1, 1]] * 3, [list("1122")] * 2, r"\(3, 4\) and folds \(2, 4\)")],
)
def test_hits_and_folds_are_one_for_each_seed_and_clip(hits, folds, said):
    with pytest.raises(ValueError, match=f"^hits have shape {said} for 4 clips: one per seed and clip is needed$"):
        decompose(hits, list("efef"), list("aabb"), folds)
