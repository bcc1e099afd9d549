"""Every score's interval is the jackknife's: each voice left out in turn, and the clips that are left scored again."""

import numpy as np
import pytest

from ser_bench import scores
from ser_bench.scores import metric_intervals as room
from tests.scores import by_hand

CLASSES = ["anger", "fear", "joy"]
VOICES = np.array(["z", "y", "x", "w", "z"] * 14)
N = len(VOICES)


def drawn(seed: int = 0, *, seeds: int = 2, right: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """What was meant, and what each seed predicted; voices are not recognised alike, and one has no clip of one of the emotions."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(CLASSES, N, p=[0.5, 0.3, 0.2])
    truth[(VOICES == "z") & (truth == "joy")] = "anger"
    harder = 0.4 * (VOICES == "x") * (right < 1)
    return truth, np.where(rng.random((seeds, N)) < right - harder, truth, rng.choice(CLASSES, (seeds, N)))


def counted(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return scores.speaker_counts(truth, predicted, VOICES, classes=CLASSES)


def left_out(score, *columns: np.ndarray) -> tuple:
    """A score over all clips, and without those of each voice."""
    return score(*columns), [score(*(column[..., voice != VOICES] for column in columns)) for voice in np.unique(VOICES)]


def by_voice(labels: np.ndarray) -> np.ndarray:
    """Clips by voice and label."""
    return np.array([[np.sum((voice == VOICES) & (labels == name)) for name in CLASSES] for voice in np.unique(VOICES)])


def worth(clips: np.ndarray) -> float:
    """Clips that a mean over classes is worth at most: the harmonic mean of the classes' numbers, times their number."""
    return clips.shape[1] / np.mean(1 / clips.sum(0))


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean(truth == predicted))


def precision(name: str, truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean(truth[predicted == name] == name))


def f1(name: str, truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(2 * np.sum((truth == name) & (predicted == name)) / (np.sum(truth == name) + np.sum(predicted == name)))


def over_seeds(score):
    return lambda truth, predicted: np.mean([score(truth, one) for one in predicted])


@pytest.mark.parametrize("right", [0.6, 0.97, 1.0], ids=["often", "mostly", "always"])
@pytest.mark.parametrize("inflation", [1.0, 1.7])
def test_accuracy_and_macro_f1_are_left_without_each_voice_in_all_seeds(right, inflation):
    truth, predicted = drawn(right=right)
    clips = by_voice(truth)
    for found, score, weights, most in (
        (room.war_interval_of, accuracy, clips.sum(1), N),
        (room.macro_f1_interval_of, scores.macro_f1, clips, worth(clips)),
    ):
        expected = by_hand.proportion(*left_out(over_seeds(score), truth, predicted), weights, most, inflation=inflation)
        assert found(counted(truth, predicted), inflation=inflation) == pytest.approx(expected)
        if inflation == 1:
            assert found(counted(truth, predicted)) == pytest.approx(expected)
            one_seed = by_hand.proportion(*left_out(over_seeds(score), truth, predicted[:1]), weights, most)
            assert found(counted(truth, predicted[:1])) == pytest.approx(one_seed)


@pytest.mark.parametrize("right", [0.6, 1.0], ids=["often", "always"])
@pytest.mark.parametrize("inflation", [1.0, 1.7])
def test_precision_and_f1_of_a_class_are_over_the_voices_that_have_to_do_with_it(right, inflation):
    truth, predicted = drawn(1, right=right)
    predicted[:, (VOICES == "y") & (predicted == "anger").any(0)] = "fear"
    meant, said = by_voice(truth), sum(by_voice(one) for one in predicted) / len(predicted)
    whole = [np.tile(truth, 2), predicted.ravel()]
    for found, score, weights in ((room.precision_intervals_of, precision, said), (room.f1_intervals_of, f1, (meant + said) / 2)):
        intervals = found(counted(truth, predicted), inflation=inflation)
        if inflation == 1:
            assert found(counted(truth, predicted)) == intervals
        for name, clips, interval in zip(CLASSES, weights.T, intervals, strict=True):
            without = [score(name, *(side[np.tile(voice != VOICES, 2)] for side in whole)) for voice in np.unique(VOICES)[clips > 0]]
            mine = clips[clips > 0]
            assert interval == pytest.approx(by_hand.proportion(score(name, *whole), without, mine, mine.sum(), inflation=inflation))
    assert (said == 0).any()


def test_a_class_that_one_voice_or_nobody_was_taken_for_has_no_bounds():
    truth, predicted = drawn(2)
    predicted[predicted == "joy"] = "fear"
    never = counted(truth, predicted)
    predicted[0, 0] = "joy"
    once = counted(truth, predicted)
    assert np.isnan(room.precision_intervals_of(never)[2]).all()
    assert np.isnan(room.precision_intervals_of(once)[2]).tolist() == [False, True, True]
    assert room.f1_intervals_of(never)[2].score == 0


@pytest.mark.parametrize("inflation", [1.0, 1.7])
def test_the_mean_uar_of_folds_goes_without_a_voice_wherever_it_is_and_without_folds_that_it_fills(inflation):
    truth, (predicted,) = drawn(3, seeds=1)
    folds = np.where(VOICES == "y", "alone", np.random.default_rng(3).choice(["one", "other"], N))
    places = sorted(set(zip(folds, VOICES, strict=True)), key=lambda place: place[1])
    parts = [(folds == fold) & (voice == VOICES) for fold, voice in places]
    counts = np.stack([scores.confusion_counts(truth[part], predicted[part], classes=CLASSES) for part in parts])

    def mean_uar(truth, predicted, folds):
        return np.mean([scores.uar(truth[folds == fold], predicted[folds == fold]) for fold in np.unique(folds)])

    clips = by_voice(truth)
    expected = by_hand.proportion(*left_out(mean_uar, truth, predicted, folds), clips, worth(clips), inflation=inflation)
    assert room.fold_uar_interval_of(counts, places, inflation=inflation) == pytest.approx(expected)
    if inflation == 1:
        assert room.fold_uar_interval_of(counts, np.array(places)) == pytest.approx(expected)
    several = np.concatenate([counts // 2, counts - counts // 2])
    assert room.fold_uar_interval_of(several, [*places, *places], inflation=inflation) == pytest.approx(expected)


def test_folds_without_a_mistake_are_worth_the_harmonic_mean_of_their_classes():
    counts = np.array([np.diag([2, 1]), np.diag([4, 2]), np.diag([6, 3])])
    n, t = 4 / (1 / 12 + 1 / 6), by_hand.quantile([2, 4, 6])
    expected = (1.0, n / 1.5 / (n / 1.5 + t**2), 1.0)
    assert room.fold_uar_interval_of(counts, [(0, "a"), (0, "b"), (1, "c")], inflation=1.5) == pytest.approx(expected)


def believed(truth: np.ndarray, seed: int = 0, *, sure: float = 1.0, classes: list[str] = CLASSES) -> np.ndarray:
    """Probabilities with ties among them, the likelier of the true class the surer they are."""
    p = np.random.default_rng(seed).integers(1, 6, (len(truth), len(classes))) + 4 * sure * (truth[:, None] == classes)
    return p / p.sum(1, keepdims=True)


@pytest.mark.parametrize(("sure", "repeats", "inflation"), [(0.6, 1, 1.0), (0.6, 2, 1.7), (9.0, 1, 1.7), (9.0, 2, 1.0)])
def test_all_that_probabilities_are_scored_by_is_left_without_each_voice(sure, repeats, inflation):
    truth, (predicted,) = drawn(4, seeds=1)
    p = believed(truth, sure=sure)
    folds = np.arange(N) % 3
    how = {"repeats": repeats, "inflation": inflation}
    found = room.probability_intervals(truth, predicted, p, VOICES, folds, classes=CLASSES, **how)
    clips = by_voice(truth) / repeats

    def scored(score):
        return left_out(lambda truth, predicted, columns, folds: score(truth, predicted, columns.T, folds), truth, predicted, p.T, folds)

    def of(score):
        return by_hand.proportion(*scored(score), clips, worth(clips), inflation=inflation)

    def loss_of(score):
        return by_hand.loss(*scored(score), clips.sum(1), repeats / N, inflation=inflation)

    assert found.auc == pytest.approx(of(lambda truth, _, p, folds: scores.auc(truth, p, folds, classes=CLASSES)))
    for name, mine in zip(CLASSES, found.auc_by_class, strict=True):
        assert mine == pytest.approx(of(lambda truth, _, p, folds, name=name: scores.aucs(truth, p, folds, classes=CLASSES)[name]))
    assert found.micro_auc == pytest.approx(of(lambda truth, _, p, folds: scores.micro_auc(truth, p, folds, classes=CLASSES)))
    assert found.log_loss == pytest.approx(loss_of(lambda truth, _, p, __: scores.log_loss(truth, p, classes=CLASSES)))
    expected = loss_of(lambda truth, predicted, p, _: scores.calibration_error(truth, predicted, p, classes=CLASSES))
    assert found.calibration_error == pytest.approx(expected)
    assert room.auc_interval(truth, p, VOICES, folds, classes=CLASSES, **how) == pytest.approx(found.auc)
    assert room.auc_interval(truth, p, VOICES, folds, **how) == pytest.approx(found.auc)
    whole = of(lambda truth, _, p, __: scores.auc(truth, p, classes=CLASSES))
    assert room.auc_interval(truth, p, VOICES, **how) == pytest.approx(whole)
    if how == {"repeats": 1, "inflation": 1.0}:
        assert room.probability_intervals(truth, predicted, p, VOICES, folds, classes=CLASSES) == found
        assert room.auc_interval(truth, p, VOICES, folds) == found.auc


def test_probabilities_that_are_as_good_for_every_voice_are_known_to_one_clip():
    truth, voices = np.array(list("ab") * 6), np.repeat(list("xyz"), 4)
    p = np.where((truth == "a")[:, None], [[0.8, 0.2]], [[0.2, 0.8]])
    found = room.probability_intervals(truth, truth, p, voices, np.zeros(12), classes=["a", "b"], inflation=2.0)
    n, t = 12 / 2, by_hand.quantile([1, 1, 1])
    for perfect in (found.auc, *found.auc_by_class, found.micro_auc):
        assert perfect == pytest.approx((1, n / (n + t**2), 1))
    reach = t * np.sqrt(2) / 12
    assert found.log_loss == pytest.approx((-np.log(0.8), 0, -np.log(0.8) + reach))
    assert found.calibration_error == pytest.approx((0.2, 0, 0.2 + reach))


def test_columns_stand_in_any_order_and_may_be_of_classes_that_nobody_meant():
    truth, (predicted,) = drawn(5, seeds=1)
    p, folds = believed(truth), np.arange(N) % 2
    plain = room.probability_intervals(truth, predicted, p, VOICES, folds, classes=CLASSES)
    wide, classes = np.column_stack([p[:, ::-1], np.full(N, 1e-9)]), [*CLASSES[::-1], "zest"]
    found = room.probability_intervals(truth, predicted, wide, VOICES, folds, classes=classes)
    for name in ("auc", "log_loss", "calibration_error"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name))
    assert np.array(found.auc_by_class) == pytest.approx(np.array([*plain.auc_by_class[::-1], [np.nan] * 3]), nan_ok=True)
    assert found.micro_auc.score == pytest.approx(scores.micro_auc(truth, wide, folds, classes=classes))
    assert room.auc_interval(truth, wide, VOICES, folds, classes=classes) == pytest.approx(plain.auc)


@pytest.mark.parametrize(
    ("clips", "worth"),
    [([[3, 1], [7, 0]], 4 / (1 / 10 + 1)), ([[0.5, 0.0, 0.25], [0.0, 0.0, 0.5]], 4 / (1 / 0.5 + 1 / 0.75)), ([[4], [5]], 9.0)],
    ids=["one clip of a class", "repeats and an empty class", "one class"],
)
def test_a_mean_over_classes_is_worth_what_its_rarest_allow(clips, worth):
    assert room.balanced_clips(np.array(clips)) == pytest.approx(worth)


@pytest.mark.parametrize("wrong", ["truth", "voices"])
def test_labels_that_are_missing_or_too_few_are_named(wrong):
    p = [[0.5, 0.5]] * 4
    whole = {"truth": list("abab"), "voices": list("xxyy")}
    with pytest.raises(ValueError, match=f"^{wrong} lacks 1 of 4"):
        room.auc_interval(probabilities=p, **{**whole, wrong: [None, *whole[wrong][1:]]})
    with pytest.raises(ValueError, match=r"^voices has 3 labels for 4 clips"):
        room.auc_interval(whole["truth"], p, list("xxy"))
