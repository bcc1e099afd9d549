"""Another column than the emotion is predicted: it stands in its place, is named, and is not asked to predict itself."""

from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from ser_bench.corpora import load_corpus
from ser_bench.errors import WrongCall
from tests.small import WITHOUT_CURVES, but_seconds, with_pages

HEADER = "path,emotion,speaker,Stress,level"
LINES = ("a.wav,fear,1,yes,1.5", "b.wav,anger,2,no,2.5", "c.wav,fear,2,,3", "d.wav,gio,1,Yes,4")


def manifest(folder: Path, header: str = HEADER, *lines: str) -> Path:
    (folder / "mine.csv").write_text("\n".join([header, *(lines or LINES)]) + "\n", encoding="utf-8")
    return folder / "mine.csv"


def refusal(source: Path | str, **options: object) -> str:
    with pytest.raises(WrongCall) as caught:
        load_corpus(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("target", ["Stress", "stress"])
def test_the_target_stands_where_emotions_do_and_these_are_kept(target, tmp_path):
    corpus = load_corpus(manifest(tmp_path), target=target)
    assert corpus.target == "Stress"
    assert corpus.clips["emotion"].tolist() == ["Yes", "no", "Yes"]
    assert any(line.startswith("Stress: 1 clip under another spelling is joined") for line in corpus.warnings)
    assert corpus.clips["corpus_emotion"].tolist() == ["fear", "anger", "gio"]
    assert "1 clip without 'Stress' is left out" in corpus.warnings
    assert not any("no known emotion" in line for line in corpus.warnings)


def test_a_table_of_another_target_needs_no_emotion(tmp_path):
    corpus = load_corpus(manifest(tmp_path, "path,speaker,sex", "a.wav,1,f", "b.wav,2,m"), target="gender")
    assert corpus.clips["emotion"].tolist() == ["f", "m"]
    assert "corpus_emotion" not in corpus.clips


def test_a_named_column_can_be_the_target(tmp_path):
    corpus = load_corpus(manifest(tmp_path), target="state", columns={"state": "Stress"})
    assert (corpus.target, corpus.clips["emotion"].tolist()) == ("state", ["Yes", "no", "Yes"])


def test_what_a_reader_of_file_names_knows_can_be_the_target(tmp_path):
    corpus = load_corpus("tones(speakers=2,takes=1)", cache=tmp_path, target="Gender")
    assert corpus.target == "gender"
    assert sorted(corpus.clips["emotion"].unique()) == ["female", "male"]
    assert corpus.clips["corpus_emotion"].nunique() == 6


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("speaker", "cannot be evaluated on 'speaker'"),
        ("start", "no column 'start'"),
        ("stres", "no column 'stres': did you mean 'Stress'?"),
    ],
)
def test_what_can_be_no_target_is_refused(target, said, tmp_path):
    assert said in refusal(manifest(tmp_path), target=target)


def test_a_reader_that_lacks_the_target_names_what_it_knows(tmp_path):
    said = refusal("tones(speakers=2,takes=1)", cache=tmp_path, target="stress")
    assert "has no such column (found: emotion, gender" in said


def test_many_numbers_are_no_classes(tmp_path):
    lines = [f"{n}.wav,fear,{n % 3},x,{n / 7}" for n in range(30)]
    assert "30 different numbers there, and classes are needed" in refusal(manifest(tmp_path, HEADER, *lines), target="level")


def test_a_column_without_values_is_no_target(tmp_path):
    lines = [f"{n}.wav,fear,{n},," for n in range(3)]
    assert "no clip of " in refusal(manifest(tmp_path, HEADER, *lines), target="Stress")


def test_a_corpus_keeps_the_target_that_it_was_loaded_with(tmp_path):
    loaded = load_corpus(manifest(tmp_path), target="stress")
    assert load_corpus(loaded).target == "Stress"
    assert "was loaded with the target 'Stress'" in refusal(loaded, target="level")
    assert "is loaded already" in refusal(loaded, columns={"path": "x"})


@pytest.fixture(scope="module")
def how(speech, tmp_path_factory):
    return {**WITHOUT_CURVES, "out": str(tmp_path_factory.mktemp("out")), "cache": str(speech / "store")}


@pytest.fixture(scope="module")
def genders(speech, how):
    """A run that predicts gender."""
    with with_pages():
        return ser_bench.run(speech / "corpus" / "clips.csv", target="gender", **how)


def test_a_run_names_its_target_and_repeats_from_its_folder(genders, how):
    page = (genders.folder / "report.html").read_text(encoding="utf-8")
    assert "Speaker-independent recognition of gender: clips" in page
    assert "2 classes of gender" in page
    assert set(genders.leaderboard["labels"]) == {"gender"}
    assert "2 classes" in (genders.folder / "references.csv").read_text(encoding="utf-8")
    again = ser_bench.run_config(ser_bench.RunConfig(**ser_bench.config.read_config(genders.folder / "run.toml")))[0]
    assert (again.folder, again.fitted) == (genders.folder, 0)
    assert but_seconds(again) == but_seconds(genders)


def test_two_targets_of_one_corpus_share_no_run(genders, finished):
    assert genders.folder.name != finished.folder.name
    assert not set(genders.predictions["predicted"]) & set(finished.predictions["predicted"])


def test_a_loaded_corpus_runs_as_the_same_words_do(genders, speech, how):
    loaded = load_corpus(speech / "corpus" / "clips.csv", target="gender")
    again = ser_bench.run(loaded, **how)
    assert (again.folder, again.fitted) == (genders.folder, 0)


def test_the_target_is_not_asked_whether_it_predicts_itself(genders):
    found = " ".join(genders.findings["what"])
    assert "associated with 'gender'" not in found
    assert "gender is associated with the speaker" in found
    assert "speakers have no clip of some" not in found
    assert "--target gender" in found


def test_where_is_about_the_corpus_s_emotions_whatever_is_predicted(speech, how):
    kept = ser_bench.splits(
        speech / "corpus" / "clips.csv", target="gender", where="emotion == 'anger' and gender != 'x'", cache=how["cache"], jobs=1
    )
    assert set(kept["emotion"]) == {"female", "male"}
    assert all("anger" in clip for clip in kept["clip"])


def test_a_scheme_of_emotions_is_refused_for_another_target(speech, how):
    with pytest.raises(WrongCall, match="--labels big4 is about emotions, and the target is 'gender'"):
        ser_bench.splits(speech / "corpus" / "clips.csv", target="gender", labels="big4", cache=how["cache"], jobs=1)


def test_published_figures_and_listeners_are_of_emotions_alone(tmp_path):
    path = manifest(tmp_path, "path,emotion,speaker,level,recognised", "a.wav,fear,1,lo,.9", "b.wav,anger,2,hi,.8")
    assert "recognised" not in load_corpus(path, target="level").clips
    assert pd.notna(load_corpus(path).clips["recognised"]).all()


@pytest.mark.usefixtures("pages")
def test_a_merged_page_names_the_targets_of_its_runs(genders, finished, tmp_path):
    ser_bench.leaderboard([genders, finished], to=tmp_path)
    page = (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    assert "<h1>Speaker-independent recognition of emotion, gender: clips</h1>" in page
    assert "labels 'gender'" in (tmp_path / "LEADERBOARD.md").read_text(encoding="utf-8")
