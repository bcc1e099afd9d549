"""Intervals over speakers, each against its definition computed by hand, one voice left out at a time."""

import numpy as np
import pytest
from scipy.stats import norm, t

from ser_bench import scores
from ser_bench.scores import intervals as room
from tests.scores import by_hand
from tests.scores.test_metrics import draw

HOW = [{}, {"level": 0.8}, {"inflation": 1.7}, {"level": 0.99, "inflation": 1.3}]


def uneven(seed: int, *, seeds: int = 2, skill: tuple[float, ...] = (0.9, 0.5, 0.8, 0.3, 0.7)) -> np.ndarray:
    """Confusions of five voices that are not recognised alike, one of which never meant the third of three classes, and nobody a fourth.

    The clips are those of the seed, whatever the skill.
    """
    rng = np.random.default_rng(seed)
    clips = rng.integers(3, 12, (5, 4))
    clips[0, 2] = clips[:, 3] = 0
    right = rng.binomial(clips, np.array(skill)[:, None], (seeds, 5, 4))
    counts = np.zeros((seeds, 5, 4, 4), int)
    at = np.arange(4)
    counts[..., at, at], counts[..., at, (at + 1) % 4] = right, clips - right
    return counts


def mean_uar(counts: np.ndarray) -> float:
    """The mean over seeds of the mean over classes of the share of their clips that was recognised; counts by seed and voice."""
    clips = counts[0].sum((0, 2))
    return np.mean([np.mean([one[:, c, c].sum() / n for c, n in enumerate(clips) if n]) for one in counts])


def uar_by_hand(counts: np.ndarray) -> tuple[float, list[float]]:
    """The mean UAR over all voices, and without each."""
    return mean_uar(counts), [mean_uar(np.delete(counts, voice, axis=1)) for voice in range(counts.shape[1])]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seeds", [1, 2])
def test_the_interval_of_a_uar_is_that_of_its_definition(how, seeds):
    counts = uneven(0, seeds=seeds)
    clips = counts[0].sum(-1)
    right = np.diagonal(counts.sum(1), axis1=1, axis2=2).mean(0)
    expected = by_hand.proportion(*uar_by_hand(counts), clips, by_hand.most_clips(right[:3], clips.sum(0)[:3]), **how)
    assert room.jackknife_of(counts, **how) == pytest.approx(expected)
    if seeds == 1:
        assert room.jackknife_of(counts[0], **how) == pytest.approx(expected)
    perfect = counts[:1] * 0
    perfect[..., [0, 1, 2], [0, 1, 2]] = clips[:, :3]
    at_most = by_hand.most_clips(clips.sum(0)[:3], clips.sum(0)[:3]) / how.get("inflation", 1)
    t = by_hand.quantile(clips, how.get("level", 0.95))
    assert room.jackknife_of(perfect, **how) == pytest.approx((1, at_most / (at_most + t**2), 1))


@pytest.mark.parametrize("how", HOW)
def test_intervals_of_labels_are_those_of_their_counts(how):
    truth, predicted, speakers = draw(3)
    other = np.stack([draw(4)[1], predicted])
    order = list("abcd")
    counts, others = (scores.speaker_counts(truth, decided, speakers, classes=order) for decided in (predicted, other))
    assert room.jackknife_interval(truth, predicted, speakers, **how) == room.jackknife_of(counts, **how)
    assert room.jackknife_interval(truth, other, speakers, **how) == room.jackknife_of(others, **how)
    assert room.difference_interval(truth, predicted, other, speakers, **how) == room.difference_of(counts, others, **how)
    found = room.recall_intervals(truth, other, speakers, **how)
    assert found == dict(zip(order, room.recall_intervals_of(others, **how), strict=True))


@pytest.mark.parametrize("how", HOW)
def test_recalls_go_without_each_voice_that_meant_the_class(how):
    counts = uneven(1)
    found = room.recall_intervals_of(counts, **how)
    for place in range(3):
        own = np.flatnonzero(counts[0, :, place].sum(-1))
        clips, hits = counts[0, own, place].sum(-1), counts[:, own, place, place].mean(0)
        without = (hits.sum() - hits) / (clips.sum() - clips)
        expected = by_hand.proportion(hits.sum() / clips.sum(), without, clips, clips.sum(), **how)
        assert found[place] == pytest.approx(expected)
    assert np.isnan(found[3]).all()
    assert room.recall_intervals_of(counts[0], **how)[:3] == room.recall_intervals_of(counts[:1], **how)[:3]


@pytest.mark.parametrize("how", HOW)
def test_sums_of_uars_have_symmetric_intervals_no_narrower_than_one_clip(how):
    one, other = uneven(2), uneven(2, seeds=1, skill=(0.5, 0.6, 0.5, 0.6, 0.5))
    (u, u_without), (v, v_without) = uar_by_hand(one), uar_by_hand(other)
    clips = one[0].sum(-1)
    meant = clips.sum(0)
    one_clip = 1 / (3 * meant[meant > 0].min())
    weights = [[1.0, 0.0], [1.0, -1.0], [0.25, 0.75], [0.001, 0.0]]
    for (a, b), found in zip(weights, room.combinations_of([one, other], weights, **how), strict=True):
        without = a * np.array(u_without) + b * np.array(v_without)
        variance = how.get("inflation", 1) * max(by_hand.jackknife(without), one_clip**2)
        reach = by_hand.quantile(clips, how.get("level", 0.95)) * np.sqrt(variance)
        score = a * u + b * v
        assert found == pytest.approx((score, score - reach, score + reach))
    difference = room.combinations_of([one, other], [[1, -1]], **how)[0]
    assert room.difference_of(one, other, **how) == pytest.approx(
        (difference.score, max(-1, difference.low), min(1, difference.high)), abs=1e-12
    )


def test_each_system_has_its_weight():
    for weights in ([1.0], [1.0, 0.0, 0.0]):
        with pytest.raises(ValueError, match="zip"):
            room.combinations_of([uneven(2), uneven(2)], [weights])


def test_a_difference_stays_between_minus_one_and_one():
    right, wrong = np.array([np.diag([2, 2])] * 2), np.array([np.diag([2, 2])[::-1]] * 2)
    assert room.difference_of(right, wrong).score == room.difference_of(right, wrong).high == 1
    assert room.difference_of(wrong, right).score == room.difference_of(wrong, right).low == -1
    assert room.unpaired_difference_of(right, wrong).high == 1
    assert room.unpaired_difference_of(wrong, right).low == -1


@pytest.mark.parametrize("how", HOW)
def test_groups_without_a_common_voice_add_their_variances_up(how):
    one, other = uneven(4), uneven(5, seeds=1)[:, :4]
    steady = np.array([np.diag([3, 2])] * 3)
    for groups in ((one, other), (other, one), (steady, one)):
        parts = []
        for counts in groups:
            score, without = uar_by_hand(counts.reshape(-1, *counts.shape[-3:]))
            clips = counts.reshape(-1, *counts.shape[-3:])[0].sum(-1)
            meant = clips.sum(0)[clips.sum(0) > 0]
            variance = max(by_hand.jackknife(without), (1 / len(meant) / meant.min()) ** 2)
            parts.append((score, variance, max(1.0, by_hand.effective(clips) - 1)))
        (u, v, df_u), (w, x, df_w) = parts
        freedom = (v + x) ** 2 / (v**2 / df_u + x**2 / df_w)
        reach = t.ppf(0.5 + how.get("level", 0.95) / 2, freedom) * np.sqrt(how.get("inflation", 1) * (v + x))
        expected = (u - w, max(-1, u - w - reach), min(1, u - w + reach))
        assert room.unpaired_difference_of(*groups, **how) == pytest.approx(expected)


@pytest.mark.parametrize("level", [None, 0.8])
def test_the_worst_voice_has_an_interval_over_its_clips_at_the_level_of_all_voices(level):
    counts = uneven(6)
    uars = [mean_uar(counts[:, [voice]]) for voice in range(5)]
    worst = int(np.argmin(uars))
    clips = counts[0, worst].sum(-1)
    right = np.diagonal(counts[:, worst], axis1=1, axis2=2).mean(0)
    n = by_hand.most_clips(right[clips > 0], clips[clips > 0])
    expected = by_hand.wilson(uars[worst], n, norm.ppf(1 - (1 - (level or 0.95)) / 5 / 2))
    place, interval = room.worst_voice_of(counts, **({"level": level} if level else {}))
    assert place == worst
    assert interval == pytest.approx((uars[worst], *expected))
    assert room.worst_voice_of(counts[0]) == room.worst_voice_of(counts[:1])


def test_the_first_of_several_voices_is_the_worst_and_one_without_clips_is_not():
    alike = np.array([np.diag([2, 2]), np.zeros((2, 2), int), np.ones((2, 2), int), np.ones((2, 2), int)])
    assert room.worst_voice_of(alike)[0] == 2


@pytest.mark.parametrize("how", HOW)
def test_losses_have_symmetric_intervals_that_end_at_zero(how):
    without, clips = np.array([0.5, 0.8, 0.9, 0.7]), np.array([10, 20, 20, 10])
    for loss, one_clip in ((2.9, 0.01), (0.1, 0.01), (0.7, 3.0)):
        expected = by_hand.loss(loss, without, clips, one_clip, **how)
        assert room.loss_interval(loss, without, clips, one_clip, **how) == pytest.approx(expected)


@pytest.mark.parametrize("how", HOW)
def test_any_statistic_has_the_interval_of_a_proportion(how):
    without, clips = np.array([0.5, 0.6, 0.9, 0.7]), np.array([10, 20, 20, 10])
    for most in (5, 500):
        expected = by_hand.proportion(0.65, without, clips, most, **how)
        assert room.statistic_interval(0.65, without, clips, most, **how) == pytest.approx(expected)


def test_what_is_not_known_of_some_voice_has_no_bounds():
    clips = [5, 5]
    for score, without in ((np.nan, [0.5, 0.6]), (0.5, [0.5, np.nan]), (0.5, [0.5])):
        found = room.statistic_interval(score, np.array(without), clips, 10)
        assert np.isnan(found).tolist() == [np.isnan(score), True, True]
    for without in ([0.5, np.nan], [0.5]):
        found = room.loss_interval(0.5, np.array(without), clips, 0.1)
        assert np.isnan(found).tolist() == [False, True, True]
    assert np.isfinite(room.statistic_interval(0.5, np.array([0.4, 0.6]), clips, 10)).all()
    assert np.isfinite(room.loss_interval(0.5, np.array([0.4, 0.6]), clips, 0.1)).all()


def test_two_speakers_are_enough_and_one_is_not():
    two = uneven(7)[:, :2]
    assert np.isfinite(room.jackknife_of(two)).all()
    for interval in (room.jackknife_of, room.recall_intervals_of, lambda counts: room.difference_of(counts, counts)):
        with pytest.raises(ValueError, match=r"^an interval over speakers needs at least two; these clips have one$"):
            interval(two[:, :1])


@pytest.mark.parametrize("wrong", ["truth", "predicted", "speakers"])
@pytest.mark.parametrize("interval", [room.jackknife_interval, room.recall_intervals])
def test_the_labels_that_are_missing_are_named(interval, wrong):
    given = {"truth": list("abab"), "predicted": list("abab"), "speakers": list("xxyy")}
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4 labels$"):
        interval(**{**given, wrong: [None, *given[wrong][1:]]})
    if wrong != "truth":
        with pytest.raises(ValueError, match=f"^{wrong} has 3 labels for 4 clips$"):
            interval(**{**given, wrong: given[wrong][1:]})


@pytest.mark.parametrize("inflation", [1.0, 0.999])
def test_inflation_is_one_or_more(inflation):
    def found():
        return room.jackknife_of(uneven(8), inflation=inflation)

    if inflation < 1:
        with pytest.raises(ValueError, match=f"^inflation is {inflation}; it is a ratio of variances, 1 or more$"):
            found()
    else:
        assert np.isfinite(found()).all()
