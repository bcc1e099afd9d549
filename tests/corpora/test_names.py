"""One speaker spelt twice is never two people without a word."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ser_bench.corpora import load_corpus
from ser_bench.corpora.losses import lacking, single_emotions
from ser_bench.corpora.names import ask, join_spellings, loose, plain, questions, remarks
from ser_bench.errors import WrongCall

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cn", "Cc"]), min_size=1, max_size=10).filter(plain)


def speakers(*names: str, **others: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"speaker": list(names), "emotion": "fear", **others})


@settings(deadline=None)
@given(NAMES)
def test_what_no_reader_sees_parts_no_name(name):
    assume(plain(name) == plain(plain(name)))
    for change in (
        f" {name}\t",
        f"\ufeff{name}\u200b",
        name[:1] + "\u00ad" + name[1:],
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
    ):
        joined, lines = join_spellings(speakers(name, name, change))
        assert joined["speaker"].nunique() == 1
        assert len(lines) == (change != name)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=6))
def test_joining_again_changes_nothing_and_loses_no_clip(names):
    once, _ = join_spellings(speakers(*names))
    again, lines = join_spellings(once)
    assert once["speaker"].tolist() == again["speaker"].tolist()
    assert not lines
    assert [plain(a) for a in names] == [plain(b) for b in once["speaker"]]


@settings(deadline=None)
@given(NAMES)
def test_plain_and_loose_are_stable(name):
    assert plain(plain(name)) == plain(name)
    assert loose(loose(name)) == loose(name) or loose(name).isnumeric() or "." in name or "0" in plain(name)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_zeros_before_and_after_a_number_are_asked_about(number, zeros):
    for other in ("0" * zeros + str(number), f"{number}.0", f"0{number}.0"):
        assert "may be one" in questions(speakers(str(number), other))["speaker"]


@pytest.mark.parametrize("pair", [("1", "10"), ("3", "4"), ("a", "b"), ("0", "00a"), ("1.5", "15"), ("s1", "s11")])
def test_different_names_are_not_asked_about(pair):
    assert not questions(speakers(*pair))


@pytest.mark.parametrize("name", ["nan", "NA", "None", "unknown", "Unknown ", "?", "-"])
def test_a_speaker_called_nothing_is_asked_about(name):
    with pytest.raises(WrongCall, match="may be no name"):
        ask(speakers("1", name), "mine")


def test_the_most_frequent_spelling_is_kept_and_others_are_counted():
    joined, lines = join_spellings(speakers("Anna", "ANNA", "ANNA", "ben"))
    assert joined["speaker"].tolist() == ["ANNA", "ANNA", "ANNA", "ben"]
    assert lines == ["speaker: 1 clip under another spelling is joined: 'Anna' (1) as 'ANNA'"]


def test_speakers_that_contradict_themselves_or_have_one_clip_are_named():
    told = remarks(speakers("OA", "OAF", "OAF", gender=["f", "f", "m"], language=["en", "en", "en"]))
    assert told == ["1 speaker with a single clip, perhaps misspelt: 'OA'", "1 speaker with more than one gender: 'OAF' (f, m)"]


def test_sentences_that_may_be_one_are_told_and_stop_nothing():
    clips = speakers("1", "1", "2", "2", sentence=["a01", "a1", "01", "1"])
    ask(clips, "mine")
    assert remarks(clips) == ["sentence: '01' (1 clip) and '1' (1 clip) may be one, 'a01' (1 clip) and 'a1' (1 clip) may be one"]


def test_what_speakers_lack_is_counted():
    clips = pd.DataFrame({"speaker": list("aabb"), "emotion": ["fear", "anger", "fear", "fear"]})
    assert lacking(clips) == ["1 of 2 speakers have no clip of some emotion: b (anger)"]
    assert "1 speaker shows a single emotion" in single_emotions(clips)[0]


def manifest(folder: Path, *rows: str) -> Path:
    (folder / "mine.csv").write_text("\n".join(["path,emotion,speaker", *rows]), encoding="utf-8")
    return folder / "mine.csv"


def test_a_speaker_with_and_without_a_point_is_one_and_counted(tmp_path):
    corpus = load_corpus(manifest(tmp_path, "a.wav,fear,3", "b.wav,fear,3.0", "c.wav,anger,4"))
    assert corpus.clips["speaker"].tolist() == ["3", "3", "4"]
    assert "'3.0' as '3' (1)" in corpus.warnings[0]


def test_numbers_that_all_have_a_point_lose_it_without_a_word(tmp_path):
    corpus = load_corpus(manifest(tmp_path, "a.wav,fear,3.0", "c.wav,anger,4.0"))
    assert (corpus.clips["speaker"].tolist(), corpus.warnings) == (["3", "4"], ())


def test_emotions_under_two_spellings_are_one(tmp_path):
    corpus = load_corpus(manifest(tmp_path, "a.wav,Pride,1", "b.wav,pride,2", "c.wav,pride,2", "d.wav,anger\u200b,1", "e.wav,anger,2"))
    assert sorted(corpus.clips["emotion"].unique()) == ["anger", "pride"]
    assert any("'Pride' (1) as 'pride'" in line for line in corpus.warnings)


def test_words_that_become_nouns_are_counted(tmp_path):
    corpus = load_corpus(manifest(tmp_path, "a.wav,joy,1", "b.wav,happy,2", "c.wav,excited,2", "d.wav,Pleasant_Surprise,2"))
    assert corpus.clips["emotion"].tolist() == ["happiness", "happiness", "excitement", "surprise"]
    assert "'joy' as happiness (1)" in corpus.warnings[0]
    assert "'excited' as excitement (1)" in corpus.warnings[0]
