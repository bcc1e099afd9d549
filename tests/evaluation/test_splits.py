"""Splits: no voice on both sides, folds alike, and the same folds whenever the same is asked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation.splits import (
    Protocol,
    check_apart,
    derive_seed,
    inner_folds,
    outer_folds,
    parse_cv,
    random_folds,
    resolve_cv,
    training_clips,
    voice_folds,
)


def table(voices: list[str], emotions: list[str], **more: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"voice": voices, "emotion": emotions, **more})


def test_loso_makes_one_fold_a_voice():
    clips = table(list("aabbcc"), list("xyxyxy"))
    assert outer_folds(clips, Protocol("loso"), 0).tolist() == [0, 0, 1, 1, 2, 2]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), min_size=8, max_size=80), st.integers(2, 5), st.integers(0, 9)
)
def test_group_folds_never_part_a_voice_and_leave_no_fold_empty(rows, k, seed):
    voices, labels = (np.array(column) for column in zip(*rows, strict=True))
    k = min(k, len(np.unique(voices)))
    folds = voice_folds(voices, labels, k, seed)
    assert all(len(np.unique(folds[voices == voice])) == 1 for voice in voices)
    assert set(folds) == set(range(k))


def test_group_folds_are_alike_in_speakers_and_genders():
    voices = np.repeat([f"{i:02}" for i in range(24)], 60)
    genders = np.repeat(["male", "female"] * 12, 60)
    labels = np.tile(list("abcdef"), 240)
    folds = voice_folds(voices, labels, 6, 0, genders=genders)
    assert np.bincount(folds).tolist() == [240] * 6
    assert all((genders[folds == fold] == "male").sum() == 120 for fold in range(6))


def test_group_folds_balance_unequal_speakers():
    sizes = [90, 10, 50, 50, 70, 30, 60, 40]
    voices = np.repeat([str(i) for i in range(8)], sizes)
    assert np.bincount(voice_folds(voices, np.full(len(voices), "x"), 4, 0)).tolist() == [100] * 4


def test_another_seed_groups_speakers_otherwise():
    voices = np.repeat([f"{i:02}" for i in range(24)], 4)
    labels = np.tile(list("abcd"), 24)
    assert (voice_folds(voices, labels, 6, 0) != voice_folds(voices, labels, 6, 1)).any()


def test_inner_folds_are_no_more_than_training_voices():
    assert set(inner_folds(np.array(list("aabb")), np.array(list("xyxy")), 4, 0)) == {0, 1}


def test_random_folds_spread_each_label_and_part_speakers():
    labels = np.array(list("x" * 60 + "y" * 30))
    folds = random_folds(labels, 6, 0)
    assert all(np.bincount(folds[labels == label]).tolist() == [n] * 6 for label, n in (("x", 10), ("y", 5)))


def test_a_voice_on_both_sides_stops_everything():
    with pytest.raises(WorkFailed, match="both sides of a split: b"):
        check_apart(np.array(["a", "b"]), np.array(["b", "c"]))


def test_a_predefined_split_that_parts_a_speaker_is_refused():
    clips = table(list("aabb"), list("xyxy"), fold=["1", "2", "1", "2"])
    with pytest.raises(WorkFailed, match="both sides"):
        outer_folds(clips, Protocol("predefined"), 0)


def test_predefined_folds_are_the_table_s():
    clips = table(list("aabb"), list("xyxy"), fold=["dev", "dev", "test", "test"])
    assert outer_folds(clips, Protocol("predefined"), 0).tolist() == [0, 0, 1, 1]


def test_predefined_needs_the_column():
    with pytest.raises(WrongCall, match="no column 'fold'"):
        outer_folds(table(list("ab"), list("xy")), Protocol("predefined"), 0)


@pytest.mark.parametrize("text", ["group", "group:1", "random:0", "kfold:5", "loso:3", ""])
def test_a_protocol_nobody_knows_is_refused(text):
    with pytest.raises(WrongCall):
        parse_cv(text)


def test_auto_is_the_custom_else_loso_for_few_and_groups_for_many():
    few, many = np.array(list("abc")), np.array([str(i) for i in range(13)])
    assert str(resolve_cv("auto", "group:2", few)) == "group:2"
    assert str(resolve_cv("auto", None, few)) == "loso"
    assert str(resolve_cv("auto", None, many)) == "group:6"


def test_more_groups_than_speakers_is_an_error():
    with pytest.raises(WrongCall, match="there are 3"):
        resolve_cv("group:6", None, np.array(list("abc")))


def test_seeds_depend_on_their_parts_alone():
    assert derive_seed(0, "emodb", 1) == derive_seed(0, "emodb", 1) != derive_seed(0, "emodb", 2)


def spoken() -> pd.DataFrame:
    """Six voices that say four sentences each, in two emotions."""
    rows = [(voice, emotion, sentence) for voice in "abcdef" for sentence in "pqrs" for emotion in "xy"]
    return pd.DataFrame(rows, columns=["voice", "emotion", "sentence"])


@given(st.sampled_from(["loso+sentence", "group:2+sentence", "group:3+sentence"]), st.integers(0, 5), st.data())
def test_held_out_sentences_are_heard_from_nobody_in_training(cv, seed, data):
    clips = spoken()
    clips = clips.drop(index=list(data.draw(st.sets(st.integers(0, len(clips) - 1), max_size=8))))
    folds = outer_folds(clips, parse_cv(cv), seed)
    assert set(folds) == set(range(folds.max() + 1))
    for fold in range(folds.max() + 1):
        train, held = training_clips(clips, parse_cv(cv), folds, fold, seed), folds == fold
        assert not set(clips["sentence"][train]) & set(clips["sentence"][held])
        assert not set(clips["voice"][train]) & set(clips["voice"][held])


def test_without_sentences_everything_else_is_learnt_from():
    clips = spoken()
    folds = outer_folds(clips, Protocol("loso"), 0)
    assert (training_clips(clips, Protocol("loso"), folds, 0, 0) == (folds != 0)).all()


@pytest.mark.parametrize(
    ("sentences", "why"),
    [(None, "does not tell which sentence"), (["p", "", "q", "p"], "1 clip.s. have no sentence"), (["p"] * 4, "only sentence")],
)
def test_sentences_that_are_not_known_cannot_be_held_out(sentences, why):
    clips = table(list("aabb"), list("xyxy"), **({} if sentences is None else {"sentence": sentences}))
    with pytest.raises(WrongCall, match=why):
        outer_folds(clips, Protocol("loso", text=True), 0)


def test_a_random_split_holds_no_sentence_out():
    with pytest.raises(WrongCall):
        parse_cv("random:4+sentence")
    assert str(resolve_cv("auto+sentence", "group:2", np.array(list("abc")))) == "group:2+sentence"


def test_learning_from_fewer_speakers_changes_no_fold_and_draws_whole_voices():
    clips = spoken()
    all_of_them, few = parse_cv("loso"), parse_cv("loso@3")
    folds = outer_folds(clips, few, 0)
    assert (folds == outer_folds(clips, all_of_them, 0)).all()
    drawn = [set(clips["voice"][training_clips(clips, few, folds, fold, 0)]) for fold in range(6)]
    assert all(len(voices) == 3 for voices in drawn)
    for fold in range(6):
        train = training_clips(clips, few, folds, fold, 0)
        assert (training_clips(clips, all_of_them, folds, fold, 0) | ~train).all()
        assert train[clips["voice"].isin(clips["voice"][train])].all()
    assert str(resolve_cv("auto@8", "group:6", np.array(list("abcdefghi")))) == "group:6@8"
    assert str(resolve_cv("auto+sentence@8", "group:6", np.array(list("abcdefghi")))) == "group:6+sentence@8"


@pytest.mark.parametrize("cv", ["loso@1", "random:3@4", "loso@", "autonomous", "loso@3"])
def test_a_number_of_speakers_that_cannot_be_meant_is_refused(cv):
    with pytest.raises(WrongCall):
        resolve_cv(cv, None, np.array(list("abc")))


@pytest.mark.parametrize(
    ("text", "most"),
    [("random:999999999", "1,000"), ("group:" + "9" * 5000, "1,000"), ("loso@999999999", "100,000"), ("random:1", "1,000")],
)
def test_numbers_have_bounds_that_are_said(text, most):
    with pytest.raises(WrongCall, match=f"it takes 2 to {most} ") as caught:
        parse_cv(text)
    assert len(str(caught.value)) < 200


def test_more_random_folds_than_clips_are_refused():
    with pytest.raises(WrongCall, match="20 folds need as many clips, and there are 6"):
        resolve_cv("random:20", None, np.array(list("aabbcc")))
