"""One vocabulary of emotions, and the label schemes over it."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import ser_bench
from ser_bench.config import RunConfig, read_config
from ser_bench.corpora import apply_labels, known_schemes, scheme_losses, scheme_named, single_speaker_labels
from ser_bench.corpora.label_schemes import LabelScheme, read_scheme
from ser_bench.corpora.labels import BEYOND, EMOTIONS, SYNONYMS, name_emotion, unknown_emotions
from ser_bench.corpora.names import plain
from ser_bench.errors import WrongCall
from tests.small import WITHOUT_CURVES


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
        ("[labels", "--labels .* is not TOML"),
        ('[labels]\nanger = "a"\nfear = "b"', "lacks its description"),
        ('description = "d"\nlabel = 3', "did you mean 'labels'"),
        ('description = "d"\n[labels]\nanger = "a"\nfear = "a"', "at least two labels"),
        ('description = "d"\n[labels]\nanger = 1\nfear = "a"', "takes lines such as"),
        ('description = "d"\n[columns]\ngender = "f"', r"\[columns.gender\] takes lines such as"),
        ('description = "d"\n[columns.emotion]\nfear = "f"', "those of emotions are in .labels."),
        ('description = "d"\n[labels]\nANG = "anger"\nang = "fear"', "has 'ang' twice, in another case"),
        ('description = "d"\n[columns.gender]\nf = "female"', "at least two labels"),
    ],
)
def test_a_file_that_is_no_label_scheme_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(WrongCall, match=said) as refused:
        read_scheme(tmp_path / "mine.toml")
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("code", ["ang", "hap", "gio", "dis", "W", "neu", "Wut", "rabbia"])
def test_codes_and_words_of_other_languages_stay_as_they_are(code: str) -> None:
    assert name_emotion(code) == code
    assert unknown_emotions(table(code, "fear"))[0].startswith(f"labels that are no known emotion stay as they are: '{code}' (1);")


def test_known_emotions_need_no_word() -> None:
    assert unknown_emotions(table(*EMOTIONS, *BEYOND)) == []


FIVE = ("anger", "calm", "fear", "happiness", "sadness")


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [
        ("all", {emotion: emotion for emotion in EMOTIONS}),
        ("big6", {e: e for e in ("anger", "disgust", "fear", "happiness", "sadness", "surprise")}),
        ("emotion5", {e: e for e in FIVE}),
        ("valence2", {"happiness": "positive", "calm": "positive", "anger": "negative", "fear": "negative", "sadness": "negative"}),
        (
            "valence3",
            {"happiness": "positive", "calm": "neutral", "neutral": "neutral"} | dict.fromkeys(("anger", "fear", "sadness"), "negative"),
        ),
        (
            "arousal2",
            dict.fromkeys(("anger", "fear", "happiness", "surprise"), "high")
            | dict.fromkeys(("boredom", "calm", "disgust", "neutral", "sadness"), "low"),
        ),
    ],
)
def test_a_scheme_evaluates_what_it_lists_under_its_labels(scheme: str, labels: dict[str, str]) -> None:
    clips = apply_labels(table(*EMOTIONS), scheme_named(scheme))
    assert dict(zip(clips["original"], clips["emotion"], strict=True)) == labels


GENDERS = ["female", "F", "male", "m", ""]


def test_a_scheme_may_be_about_another_column() -> None:
    clips = table("anger", "pride", "fear", "calm", "sadness").assign(gender=GENDERS)
    assert apply_labels(clips, scheme_named("gender"))["emotion"].tolist() == ["female", "female", "male", "male"]


def test_gender_crossed_with_five_emotions_makes_ten_classes() -> None:
    clips = table(*FIVE, *FIVE, "disgust").assign(gender=["female"] * 5 + ["male"] * 5 + ["male"])
    labelled = apply_labels(clips, scheme_named("gender-emotion"))
    assert labelled["emotion"].tolist() == [f"{gender} {emotion}" for gender in ("female", "male") for emotion in FIVE]
    assert scheme_losses(clips, scheme_named("gender-emotion")) == ["--labels gender-emotion leaves out 1 clip: disgust (1)"]


def test_a_scheme_names_the_column_that_a_corpus_lacks() -> None:
    with pytest.raises(WrongCall, match="--labels gender needs the column 'gender', which this corpus lacks"):
        apply_labels(table("anger", "fear"), scheme_named("gender"))


MINE = 'description = "codes of mine"\n[labels]\nANG = "anger"\ngio = "happiness"\nneutrale = "neutral"\n'


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(MINE)
    return tmp_path / "mine.toml"


def test_a_file_of_labels_says_what_codes_are(mine: Path) -> None:
    scheme, clips = scheme_named(str(mine)), table("ang", "gio", "dis")
    assert apply_labels(clips, scheme)["emotion"].tolist() == ["anger", "happiness"]
    assert scheme_losses(clips, scheme) == [
        "--labels mine leaves out 1 clip: dis (1)",
        "--labels mine joins: ang (1) into anger, gio (1) into happiness",
        "--labels mine finds no clip of neutrale",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match=r"--labels .*none.toml: No such file"):
        scheme_named(str(tmp_path / "none.toml"))


@given(
    st.text(min_size=1),
    st.dictionaries(
        st.sampled_from(["emotion", "gender", "a b", 'q"']), st.dictionaries(st.text(), st.sampled_from("xyz"), min_size=2), max_size=2
    ),
)
def test_a_scheme_is_read_as_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, description: str, columns: dict[str, dict[str, str]]
) -> None:
    emotions = {column: words for column, words in columns.items() if column == "emotion"}
    columns = {column: words for column, words in columns.items() if column != "emotion"} | emotions
    assume(all(len({plain(value) for value in words}) == len(words) and len(set(words.values())) > 1 for words in columns.values()))
    file = tmp_path_factory.mktemp("schemes") / "mine.toml"
    scheme = LabelScheme("mine", description, columns)
    file.write_text(scheme.to_toml(), encoding="utf-8", newline="")
    assert read_scheme(file) == scheme


def test_listeners_are_no_reference_for_joined_labels() -> None:
    clips = table("anger", "happiness", "fear").assign(recognised=1.0)
    assert "recognised" not in apply_labels(clips, scheme_named("valence2"))
    assert "recognised" in apply_labels(clips, scheme_named("emotion5"))


def test_a_run_repeats_from_its_folder_when_the_file_of_labels_is_gone(speech: Path, tmp_path: Path) -> None:
    mine, how = tmp_path / "mine.toml", {**WITHOUT_CURVES, "out": str(tmp_path / "out"), "cache": str(speech / "store")}
    mine.write_text('description = "loud against soft"\n[labels]\nanger = "loud"\nhappiness = "loud"\nsadness = "soft"\n')
    one = ser_bench.run(speech / "corpus" / "clips.csv", labels=str(mine), **how)
    assert set(one.leaderboard["labels"]) == {"mine"}
    mine.unlink()
    again = ser_bench.run_config(RunConfig(**read_config(one.folder / "run.toml")))[0]
    assert (again.folder, again.fitted) == (one.folder, 0)
    mine.write_text('description = "loud against soft"\n[labels]\nanger = "loud"\nneutral = "soft"\nsadness = "soft"\n')
    other = ser_bench.splits(speech / "corpus" / "clips.csv", labels=str(mine), cache=how["cache"], jobs=1)
    assert set(other["clip"]) != set(one.predictions["clip"])
