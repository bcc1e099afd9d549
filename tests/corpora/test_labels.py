"""One vocabulary of emotions, and the label schemes over it."""

from pathlib import Path

import pandas as pd
import pytest

from ser_bench.corpora import apply_labels, known_schemes, scheme_named, single_speaker_labels
from ser_bench.corpora.label_schemes import read_scheme
from ser_bench.corpora.labels import BEYOND, EMOTIONS, SYNONYMS, name_emotion
from ser_bench.errors import WrongCall


def table(*emotions: str) -> pd.DataFrame:
    return pd.DataFrame({"emotion": list(emotions), "speaker": "a", "original": list(emotions)})


def test_every_synonym_leads_into_the_vocabulary() -> None:
    assert set(SYNONYMS.values()) <= {*EMOTIONS, *BEYOND}
    assert not set(SYNONYMS) & {*EMOTIONS, *BEYOND}


@pytest.mark.parametrize(("word", "noun"), [("Angry", "anger"), (" fear ", "fear"), ("NEUTRAL", "neutral"), ("Pride", "Pride")])
def test_a_word_without_place_in_the_vocabulary_stays(word: str, noun: str) -> None:
    assert name_emotion(word) == noun


def test_all_judges_every_emotion() -> None:
    clips = table("anger", "pride", "calm")
    pd.testing.assert_frame_equal(apply_labels(clips, scheme_named("all")), clips)


def test_big4_joins_excitement_to_happiness_and_drops_the_rest() -> None:
    clips = apply_labels(table("anger", "excitement", "fear", "neutral", "happiness", "sadness"), scheme_named("big4"))
    assert clips["emotion"].tolist() == ["anger", "happiness", "neutral", "happiness", "sadness"]
    assert clips["original"].tolist() == ["anger", "excitement", "neutral", "happiness", "sadness"]


def test_an_unknown_scheme_suggests_the_nearest() -> None:
    with pytest.raises(WrongCall, match="did you mean 'big4'"):
        scheme_named("big44")


@pytest.mark.parametrize("emotions", [("anger", "fear"), ("fear", "calm")])
def test_a_scheme_that_leaves_too_few_labels_is_refused(emotions: tuple[str, ...]) -> None:
    with pytest.raises(WrongCall, match="at least two labels"):
        apply_labels(table(*emotions), scheme_named("big4"))


def test_every_scheme_describes_itself() -> None:
    assert all(scheme.description and name == scheme.name for name, scheme in known_schemes().items())


def test_a_label_of_one_speaker_only_is_lonely() -> None:
    clips = pd.DataFrame({"emotion": ["anger", "anger", "fear", "fear"], "voice": ["a", "b", "a", "a"]})
    assert single_speaker_labels(clips) == ["fear"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[labels", "cannot be read"),
        ('[labels]\nanger = "a"\nfear = "b"', "lacks its description"),
        ('description = "d"\nlabel = 3', "did you mean 'labels'"),
        ('description = "d"\n[labels]\nanger = "a"\nfear = "a"', "at least two labels"),
        ('description = "d"\n[labels]\nanger = 1\nfear = "a"', "takes lines such as"),
    ],
)
def test_a_file_that_is_no_label_scheme_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(WrongCall, match=said) as refused:
        read_scheme(tmp_path / "mine.toml")
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)
