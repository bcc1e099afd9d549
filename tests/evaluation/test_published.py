"""A published split is made as it was published, and says of each part whether it leaks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ser_bench.errors import WrongCall
from ser_bench.evaluation.published import as_published, fit_published
from ser_bench.evaluation.recipes import PublishedSplit
from ser_bench.evaluation.scaling import UnitData, scaled_split, standardised_beforehand
from ser_bench.evaluation.splits import NEVER, Protocol
from ser_bench.evaluation.units import EvaluationSet, PublishedFit, Tune, make_unit
from ser_bench.features import Features
from ser_bench.models import known_models
from ser_bench.models.base import Estimator, Fitted, Model

SPEAKERS = np.repeat(["01", "02", "03", "04", "05"], 20)
CLIPS = pd.DataFrame(
    {"emotion": list("xxxy") * 25, "speaker": SPEAKERS, "voice": SPEAKERS, "key": [f"{place:03}" for place in range(100)]},
    index=[f"{place}.wav" for place in range(100)],
)
SEEDS = (0, 1)
EVALUATED = EvaluationSet("c", "all", CLIPS, Protocol("loso"), dict.fromkeys(SEEDS, np.repeat(range(5), 20)))


def parts(split: PublishedSplit, seed: int = 0) -> np.ndarray:
    return as_published(EVALUATED, split).parts[seed]


def test_a_random_share_is_tested_and_of_the_others_a_share_validates():
    mine = parts(PublishedSplit(test=0.2, validation=0.25))
    assert [int((mine == part).sum()) for part in ("test", "validation", "train")] == [20, 20, 60]
    assert set(SPEAKERS[mine == "test"]) == set(SPEAKERS)


def test_a_stratified_share_is_one_of_each_label():
    mine = parts(PublishedSplit(test=0.2, validation=0.25, stratified=True))
    assert [int(((mine == part) & (CLIPS["emotion"] == "y")).sum()) for part in ("test", "validation")] == [5, 5]


def test_named_speakers_are_tested_and_none_of_their_clips_validates():
    mine = parts(PublishedSplit(test_speakers=("04", "05"), validation=0.25))
    assert set(SPEAKERS[mine == "test"]) == {"04", "05"}
    assert (mine[60:] == "test").all()
    assert (mine == "validation").sum() == 15


def test_drawn_speakers_are_whole_and_other_ones_for_another_seed():
    drawn = [set(SPEAKERS[parts(PublishedSplit(test_drawn=2), seed) == "test"]) for seed in SEEDS]
    assert [len(speakers) for speakers in drawn] == [2, 2]
    assert drawn[0] != drawn[1]


def test_random_folds_test_every_clip_once():
    published = as_published(EVALUATED, PublishedSplit(folds=4))
    assert np.bincount(published.eval_set.folds[0]).tolist() == [25] * 4
    assert published.eval_set.evaluated.all()


def test_a_split_draws_by_content_and_not_by_names():
    renamed = dataclasses.replace(EVALUATED, clips=CLIPS.assign(speaker=CLIPS["speaker"] + "!", voice=CLIPS["voice"] + "!"))
    for split in (PublishedSplit(test=0.2, validation=0.2), PublishedSplit(test_drawn=2)):
        assert (as_published(renamed, split).parts[0] == parts(split)).all()


def test_what_leaks_is_said():
    random = as_published(EVALUATED, PublishedSplit(test=0.2, selection="test"))
    assert random.leaks("test", selected=True) == ["5 speakers are in training and test", "the test clips selected the model"]
    assert random.leaks("test", selected=False) == ["5 speakers are in training and test"]
    apart = as_published(EVALUATED, PublishedSplit(test_speakers=("04", "05"), validation=0.2, selection="validation"))
    assert apart.leaks("test", selected=True) == []
    assert apart.leaks("validation", selected=True) == [
        "3 speakers are in training and validation",
        "the validation clips selected the model",
    ]
    assert as_published(EVALUATED, PublishedSplit(folds=4)).shared("test") == 5


def test_a_split_that_tests_fewer_than_two_speakers_is_refused():
    with pytest.raises(WrongCall, match="tests 1 speaker"):
        parts(PublishedSplit(test_speakers=("04",)))


class Watched(Model):
    """A model that keeps what it was shown."""

    name, version, description, defaults = "watched", 1, "", {}
    shown: list = []

    def space(self, trial):
        return {}

    def fit(self, split, params, seed, rounds=None) -> Fitted:
        self.shown.append((split, rounds))
        from sklearn.linear_model import LogisticRegression

        return Estimator(LogisticRegression().fit(split.x_train, split.y_train), split.n_classes)


def test_test_clips_select_where_a_recipe_says_so_and_all_that_is_held_out_is_predicted():
    rng, train = np.random.default_rng(0), np.arange(100) < 60
    data = UnitData(rng.normal(size=(100, 3)).astype(np.float32), EVALUATED.codes, EVALUATED.voices, train, ("x", "y"), leaky=True)
    for selecting, rounds in (((0, 5), None), ((), 7)):
        Watched.shown.clear()
        result = fit_published(data, Watched(), params={}, rounds=rounds, selecting=selecting, seed=0)
        ((split, taken),) = Watched.shown
        assert (len(result.predicted), taken, len(split.x_eval)) == (40, rounds, len(selecting))
        assert (split.y_eval is None) == (not selecting)
        whole = scaled_split(data, standardised_beforehand(data), np.flatnonzero(train), np.flatnonzero(~train))
        assert np.array_equal(split.x_eval, whole.x_eval[list(selecting)])


def test_unscaled_features_reach_a_model_as_they_are():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    data = UnitData(x, np.array([0, 1, 0, 1]), np.array(list("aabb")), np.array([True, True, False, False]), ("x", "y"), scaled=False)
    split = scaled_split(data, standardised_beforehand(data), data.train, ~data.train)
    assert np.array_equal(split.x_train, x[:2])
    assert np.array_equal(split.x_eval, x[2:])


def test_a_unit_s_hash_covers_the_split_and_what_selects_and_no_name():
    matrix = Features("f", "f-1", ("a",), ("a",), np.zeros((100, 1), np.float32))
    model = known_models()["logreg"]()

    def digest(split: PublishedSplit, task=None) -> str:
        published = as_published(EVALUATED, split)
        stated = PublishedFit({"C": 1.0}, None, published.selecting(0))
        return make_unit(published.eval_set, matrix, model, "train", 0, 0, task or stated).hash

    base = PublishedSplit(test=0.2, validation=0.2, selection="validation")
    assert digest(base) == digest(base)
    others = [
        digest(dataclasses.replace(base, selection="test")),
        digest(dataclasses.replace(base, selection="none")),
        digest(dataclasses.replace(base, test=0.3)),
        digest(base, Tune(1, 2)),
        digest(base, PublishedFit({"C": 2.0}, None)),
    ]
    assert len({digest(base), *others}) == 6


def test_folds_of_a_published_split_never_hold_out_what_it_trains_on():
    published = as_published(EVALUATED, PublishedSplit(test=0.2, validation=0.2))
    folds = published.eval_set.folds[0]
    assert ((folds == NEVER) == (published.parts[0] == "train")).all()
