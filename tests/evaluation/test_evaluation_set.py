"""Clips that are evaluated: which are trained on, what is standardised together, and how predictions of folds become those of all clips."""

import dataclasses
import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.splits import Protocol, derive_seed, training_clips
from ser_bench.evaluation.units import ONE_TRAINING_PART, EvaluationSet

CLIPS = pd.DataFrame(
    {
        "key": list("abcdef"),
        "emotion": ["anger", "fear"] * 3,
        "speaker": ["1", "1b", "2", "2", "3", "3"],
        "voice": ["1", "1", "2", "2", "3", "3"],
        "corpus": ["x"] * 4 + ["y"] * 2,
    },
    index=pd.Index(list("klmnop"), name="clip"),
)
FOLDS = {4: np.array([0, 0, 1, 1, 2, 2]), 7: np.array([1, 1, 0, 0, 0, 0])}
EVALUATED = EvaluationSet("made", "all", CLIPS, Protocol("group", 3), FOLDS)


def test_predictions_of_folds_stand_where_their_clips_are():
    decided = {(4, 0): np.array([5, 6]), (4, 2): np.array([7, 8]), (7, None): np.arange(6)}
    assert EVALUATED.joined(decided).tolist() == [[5, 6, -1, -1, 7, 8], [0, 1, 2, 3, 4, 5]]
    several = {(7, 1): np.array([[1, 2], [3, 4], [5, 6]])}
    assert EVALUATED.joined(several)[1].tolist() == [[1, 2, -1, -1, -1, -1], [3, 4, -1, -1, -1, -1], [5, 6, -1, -1, -1, -1]]
    assert (EVALUATED.joined(several)[0] == -1).all()


def test_what_is_trained_on_is_neither_held_out_nor_left_out_besides():
    assert EVALUATED.held_out(4, 1).tolist() == [False, False, True, True, False, False]
    assert not EVALUATED.held_out(4, None).any()
    assert EVALUATED.training(4, 1).tolist() == [True, True, False, False, True, True]
    assert EVALUATED.training(4, 1, 2).tolist() == [True, True, False, False, False, False]
    assert EVALUATED.training(7, 0).tolist() == [True, True, False, False, False, False]
    assert EVALUATED.training(4, None).all()
    assert EVALUATED.training(4, None, 0).tolist() == [False, False, True, True, True, True]


def test_the_fewest_voices_are_those_of_the_fold_that_trains_on_fewest():
    assert EVALUATED.fewest_voices() == 1
    assert EvaluationSet("made", "all", CLIPS, Protocol("group", 3), {4: FOLDS[4]}).fewest_voices() == 2


def test_each_seed_draws_the_speakers_of_its_training_sets():
    several = dataclasses.replace(EVALUATED, protocol=Protocol("loso", max_speakers=1), folds=dict.fromkeys(range(6), FOLDS[4]))
    drawn = [training_clips(CLIPS, several.protocol, FOLDS[4], 0, seed).tolist() for seed in range(6)]
    assert [several.training(seed, 0).tolist() for seed in range(6)] == drawn
    assert drawn[1:] != drawn[:-1]


def test_each_track_standardises_its_own_clips_together():
    across = EvaluationSet("made", "all", CLIPS, Protocol("cross"), FOLDS)
    assert EVALUATED.standardised_together("train") is None
    assert EVALUATED.standardised_together("speaker").tolist() == ["1", "1", "2", "2", "3", "3"]
    assert EVALUATED.standardised_together("corpus").tolist() == [0] * 6
    assert across.standardised_together("corpus").tolist() == ["x"] * 4 + ["y"] * 2
    assert EVALUATED.voice_notes == ["4 speaker ids of 3 people"]


# One fixed split: a person with two ids is trained on, one selects hyperparameters, two are for testing.
FIXED = EvaluationSet(
    "made",
    "all",
    CLIPS.assign(voice=["1", "1", "2", "2", "3", "4"], speaker=list("112234"), fold=["train", "train", "dev", "dev", "test", "test"]),
    Protocol("predefined"),
    {0: np.array([-1] * 4 + [0] * 2)},
    copy="a copy",
)


def test_what_is_predicted_has_its_words():
    assert (EVALUATED.target, EVALUATED.targets) == ("emotion", "emotions")
    both = dataclasses.replace(EVALUATED, made_of=("gender", "emotion"))
    assert (both.target, both.targets) == ("gender and emotion", "gender and emotion")


def test_emotions_are_coded_in_alphabetical_order():
    mixed = dataclasses.replace(EVALUATED, clips=CLIPS.assign(emotion=["joy", "fear", "anger", "joy", "fear", "joy"]))
    assert mixed.emotions == ["anger", "fear", "joy"]
    assert mixed.codes.tolist() == [2, 1, 0, 2, 1, 2]


def test_of_a_fixed_split_only_the_test_part_is_evaluated_and_only_the_dev_part_selects():
    assert FIXED.evaluated.tolist() == [False] * 4 + [True] * 2
    assert FIXED.selecting.tolist() == [False, False, True, True, False, False]
    assert FIXED.n_voices == 2
    assert FIXED.notes == ["a copy", ONE_TRAINING_PART]
    assert EVALUATED.evaluated.all()
    assert EVALUATED.n_voices == 3
    assert EVALUATED.selecting is None
    without_dev = dataclasses.replace(FIXED, clips=FIXED.clips.assign(fold=["train"] * 4 + ["test"] * 2))
    assert without_dev.selecting is None
    assert EVALUATED.notes == EVALUATED.voice_notes
    seeds = dataclasses.replace(FIXED, folds={0: FIXED.folds[0], 1: np.array([-1, 0] * 3)})
    assert seeds.evaluated.tolist() == [False] * 5 + [True]


def test_ids_count_by_the_order_in_which_they_come():
    assert not EVALUATED.one_id_per_voice
    assert FIXED.one_id_per_voice
    assert dataclasses.replace(EVALUATED, clips=CLIPS.assign(speaker=list("zzaabb"))).one_id_per_voice
    assert not FIXED.voice_notes


def test_corpora_are_told_apart_by_their_names_as_text():
    numbers = dataclasses.replace(EVALUATED, clips=CLIPS.assign(corpus=[1, 1, 1, 2, 2, 2]), protocol=Protocol("cross"))
    assert numbers.standardised_together("corpus").dtype.kind == "U"
    assert numbers.standardised_together("corpus").tolist() == list("111222")


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


# Results of earlier versions are found again: what is hashed, and how, must not change.
@pytest.mark.parametrize(
    ("eval_set", "seed", "rows"),
    [
        (
            EVALUATED,
            7,
            [
                "key,emotion,speaker,voice,fold",
                "a,anger,0,0,0",
                "b,fear,1,0,0",
                "c,anger,2,1,1",
                "d,fear,2,1,1",
                "e,anger,3,2,1",
                "f,fear,3,2,1",
            ],
        ),
        (
            FIXED,
            0,
            [
                "key,emotion,speaker,voice,fold,evaluated,selecting",
                "a,anger,0,0,0,False,False",
                "b,fear,0,0,0,False,False",
                "c,anger,1,1,0,False,True",
                "d,fear,1,1,0,False,True",
                "e,anger,2,2,1,True,False",
                "f,fear,3,3,1,True,False",
            ],
        ),
        (
            dataclasses.replace(EVALUATED, clips=CLIPS.assign(sentence=list("yxyxyx")), protocol=Protocol("loso", text=True)),
            4,
            [
                "key,emotion,speaker,voice,sentence,fold",
                "a,anger,0,0,0,0",
                "b,fear,1,0,1,0",
                "c,anger,2,1,0,1",
                "d,fear,2,1,1,1",
                "e,anger,3,2,0,2",
                "f,fear,3,2,1,2",
            ],
        ),
    ],
    ids=["seed 7", "one fixed split", "sentences held out"],
)
def test_a_hash_is_of_a_table_of_what_is_evaluated_on_what(eval_set, seed, rows):
    assert eval_set.hashes[seed] == digest("".join(f"{row}\n" for row in rows).encode())
    assert list(eval_set.hashes) == list(eval_set.folds)


def test_contents_are_of_what_may_be_known_while_a_fold_is_held_out():
    codes, voices = [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]
    known = json.dumps([list("abcdef"), ["anger", "fear"]]).encode()
    for fold in (None, 0, 1, 2):
        held = [place == fold for place in FOLDS[4].tolist()]
        roles = [[-1 if out else number for out, number in zip(held, numbers, strict=True)] for numbers in (codes, voices)]
        assert EVALUATED.contents[4, fold] == digest(known + np.array(roles, "<i8").tobytes())
    assert list(EVALUATED.contents) == [(4, None), (4, 0), (4, 1), (4, 2), (7, None), (7, 0), (7, 1)]
    fixed = json.dumps([list("abcdef"), ["anger", "fear"]]).encode() + bytes([0, 0, 1, 1, 0, 0])
    roles = [[0, 1, 0, 1, -1, -1], [0, 0, 1, 1, -1, -1]]
    assert FIXED.contents[0, 0] == digest(fixed + np.array(roles, "<i8").tobytes())
    few = dataclasses.replace(EVALUATED, protocol=Protocol("loso", max_speakers=1), folds={4: FOLDS[4]})
    train = training_clips(CLIPS, few.protocol, FOLDS[4], 0, 4)
    assert any((training_clips(CLIPS, few.protocol, FOLDS[4], 0, seed) != train).any() for seed in range(9))
    roles = [[n if train[i] else -1 if i < 2 else -2 for i, n in enumerate(numbers)] for numbers in (codes, voices)]
    assert few.contents[4, 0] == digest(known + np.array(roles, "<i8").tobytes())


def test_emotions_and_voices_of_held_out_clips_are_in_no_content():
    other = dataclasses.replace(EVALUATED, clips=CLIPS.assign(emotion=["fear", "anger", *CLIPS["emotion"][2:]]))
    assert other.contents[4, 0] == EVALUATED.contents[4, 0]
    assert other.contents[4, 1] != EVALUATED.contents[4, 1]


def test_the_seed_of_inner_folds_goes_with_seed_fold_and_what_is_known():
    assert EVALUATED.fold_seed(4, 2) == derive_seed(4, "inner folds", EVALUATED.contents[4, 2])
    assert EVALUATED.fold_seed(7, None) == derive_seed(7, "inner folds", EVALUATED.contents[7, None])
