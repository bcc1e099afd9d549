"""What is held out and what is trained on: where sentences are held out too, where speakers are few, and in one fixed split."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.errors import WrongCall
from ser_bench.evaluation.splits import (
    NEVER,
    PARTS,
    Protocol,
    SpeakerLeak,
    derive_seed,
    fixed_parts,
    outer_folds,
    parse_cv,
    resolve_cv,
    speaker_folds,
    training_clips,
    voice_folds,
)
from tests.evaluation.test_splits import table


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
    [(None, "does not tell which sentence"), (["p", "", "q", "p"], "1 clip has no sentence"), (["p"] * 4, "only sentence")],
)
def test_sentences_that_are_not_known_cannot_be_held_out(sentences, why):
    clips = table(list("aabb"), list("xyxy"), **({} if sentences is None else {"sentence": sentences}))
    with pytest.raises(WrongCall, match=why):
        outer_folds(clips, Protocol("loso", text=True), 0)


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
    assert str(resolve_cv(parse_cv("auto@8"), "group:6", np.array(list("abcdefghi")))) == "group:6@8"
    assert str(resolve_cv(parse_cv("auto+sentence@8"), "group:6", np.array(list("abcdefghi")))) == "group:6+sentence@8"


@settings(max_examples=30)
@given(st.sampled_from(["loso", "group:2", "group:4"]), st.integers(0, 3), st.sets(st.integers(0, 47), max_size=20), st.integers(2, 7))
def test_where_sentences_are_held_out_a_fold_is_what_some_speakers_say_of_some_sentences(cv, seed, gone, n_sentences):
    clips = spoken().assign(sentence=[f"s{i % n_sentences}" for i in range(48)]).drop(index=list(gone))
    speakers = outer_folds(clips, parse_cv(cv), seed)
    sentences = voice_folds(clips["sentence"].to_numpy(str), clips["emotion"].to_numpy(str), min(5, clips["sentence"].nunique()), seed)
    both = list(zip(speakers.tolist(), sentences.tolist(), strict=True))
    assert outer_folds(clips, parse_cv(f"{cv}+sentence"), seed).tolist() == [sorted(set(both)).index(pair) for pair in both]


def parted(*parts: str) -> pd.DataFrame:
    """One fixed split of six voices with two clips each, each of one part and two sentences."""
    return pd.DataFrame(
        {
            "voice": np.repeat(list("abcdef"), 2),
            "emotion": list("xy") * 6,
            "sentence": ["p", "q"] * 3 + ["r", "s"] * 3,
            "fold": np.repeat(parts, 2),
        }
    )


def test_of_one_fixed_split_the_test_part_alone_is_held_out_and_the_training_part_alone_trained_on():
    clips = parted("Train", " training", "DEV", "valid", "test", "Testing")
    assert fixed_parts(clips, Protocol("predefined")).tolist() == ["train"] * 4 + ["dev"] * 4 + ["test"] * 4
    folds = outer_folds(clips, Protocol("predefined"), 0)
    assert folds.tolist() == [NEVER] * 8 + [0] * 4
    train = training_clips(clips, Protocol("predefined"), folds, 0, 0)
    assert train.tolist() == [True] * 8 + [False] * 4
    text = Protocol("predefined", text=True)
    within = outer_folds(clips, text, 0)
    assert (within[:8] == NEVER).all()
    assert set(within[8:]) == set(range(len(set(within[8:]))))
    assert training_clips(clips.assign(sentence="p"), text, folds, 0, 0).sum() == 0


@pytest.mark.parametrize("parts", [("train",) * 6, ("dev", "dev", "dev", "test", "test", "test"), ("1", "2", "3", "train", "test", "dev")])
def test_folds_that_are_not_train_and_test_are_all_held_out_in_turn(parts):
    clips = parted(*parts)
    assert fixed_parts(clips, Protocol("predefined")) is None
    assert fixed_parts(parted(*["train", "test"] * 3), Protocol("loso")) is None
    assert fixed_parts(clips.drop(columns="fold"), Protocol("predefined")) is None
    if len(set(parts)) > 1:
        names = sorted(set(parts))
        assert outer_folds(clips, Protocol("predefined"), 0).tolist() == [names.index(part) for part in clips["fold"]]


def test_numbers_of_folds_are_names_too():
    assert outer_folds(parted("2", "2", "10", "10", "9", "9").astype({"fold": int}), Protocol("predefined"), 0).tolist() == (
        [1] * 4 + [0] * 4 + [2] * 4
    )


def test_every_name_of_a_part_is_known():
    for name, part in PARTS.items():
        clips = parted("train", "test", *[name] * 4)
        assert fixed_parts(clips, Protocol("predefined"))[-1] == part


def test_parts_of_one_fixed_split_are_held_apart_whatever_they_are_called():
    one_part = parted("train", "training", "test", "test", "test", "test").assign(voice=list("aaaabbbbbbbb"))
    assert outer_folds(one_part, Protocol("predefined"), 0).tolist() == [NEVER] * 4 + [0] * 8
    with pytest.raises(SpeakerLeak, match="both sides of a split: a"):
        outer_folds(parted("train", "dev", *["test"] * 4).assign(voice=list("aaaabbbbbbbb")), Protocol("predefined"), 0)


@pytest.mark.parametrize(
    ("fold", "why"),
    [
        (["1", " ", "", "2"], r"^--cv predefined: 2 clips have no fold, such as m$"),
        (["1", "1", None, "2"], r"^--cv predefined: 1 clip has no fold, such as n$"),
        (["1"] * 4, r"^--cv predefined: the column 'fold' names a single fold; at least two are needed$"),
        (None, r"^--cv predefined: the corpus has no column 'fold'; name one in the manifest, or use another --cv$"),
    ],
)
def test_what_a_predefined_split_lacks_is_said(fold, why):
    clips = table(list("aabb"), list("xyxy"), **({} if fold is None else {"fold": fold})).set_axis(list("lmno"))
    with pytest.raises(WrongCall, match=why):
        speaker_folds(clips, Protocol("predefined"), 0)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        (["p", " ", "", "q"], r"^--cv ...\+sentence: 2 clips have no sentence, such as m$"),
        (["p"] * 4, r"^--cv ...\+sentence: 'p' is the only sentence; at least two are needed$"),
        (None, r"^--cv ...\+sentence: the corpus does not (tell|say) which sentence is (said|spoken); .* a column 'sentence'$"),
    ],
)
def test_what_holding_sentences_out_lacks_is_said(sentence, why):
    clips = table(list("aabb"), list("xyxy"), **({} if sentence is None else {"sentence": sentence})).set_axis(list("lmno"))
    with pytest.raises(WrongCall, match=why):
        outer_folds(clips, Protocol("loso", text=True), 0)


def test_training_speakers_are_drawn_for_each_fold_seed_and_draw_and_whatever_voices_are_called():
    clips = spoken()
    folds = outer_folds(clips, Protocol("loso"), 0)

    def drawn(fold: int | None, seed: int = 0, draw: int = 0, table: pd.DataFrame = clips, most: int = 3) -> set[str]:
        train = training_clips(table, Protocol("loso", max_speakers=most, draw=draw), folds, fold, seed)
        return set(clips["voice"][train])

    # Results of earlier versions are found again: the draw itself must not change.
    for fold in range(6):
        for seed, draw in ((0, 0), (3, 0), (0, 2)):
            said = ["learnt from", 8 * fold, *([draw] if draw else [])]
            order = np.random.default_rng(derive_seed(seed, *said)).permutation([voice for voice in range(6) if voice != fold])
            assert drawn(fold, seed, draw) == {"abcdef"[voice] for voice in order[:3]}
        assert drawn(fold, table=clips.assign(voice=clips["voice"].map(dict(zip("abcdef", "zyxwvu", strict=True))))) == drawn(fold)
        assert drawn(fold, most=4) > drawn(fold)
    assert len({frozenset(drawn(fold)) for fold in range(6)}) > 3
    assert len(drawn(None)) == 3
    assert training_clips(clips, Protocol("loso"), folds, None, 0).all()


FIXED_PARTS = spoken().assign(fold=spoken()["voice"].map(dict(zip("abcdef", ["train"] * 4 + ["test"] * 2, strict=True))))


@pytest.mark.parametrize(("cv", "clips"), [("loso", spoken()), ("group:3", spoken()), ("predefined", FIXED_PARTS)])
@pytest.mark.parametrize("most", [0, 2])
def test_what_is_trained_on_is_all_that_other_voices_say_of_other_sentences_or_what_the_drawn_ones_do(cv, clips, most):
    protocol = parse_cv(f"{cv}+sentence{f'@{most}' if most else ''}")
    folds = outer_folds(clips, protocol, 0)
    for fold in range(folds.max() + 1):
        held = clips[folds == fold]
        rest = ~clips["voice"].isin(held["voice"]) & ~clips["sentence"].isin(held["sentence"])
        if cv == "predefined":
            rest &= clips["fold"] == "train"
        train = training_clips(clips, protocol, folds, fold, 0)
        drawn = clips["voice"].isin(clips["voice"][train])
        assert clips["voice"][train].nunique() == (most or clips["voice"][rest].nunique()) > 1
        assert train.tolist() == (rest & drawn).tolist()
