"""Each corpus is read from a folder that is as its owners distribute it, with what real folders hold besides."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ser_bench.corpora import differences, known_readers, load_corpus
from ser_bench.corpora.files import find_audio
from ser_bench.errors import WrongCall
from tests.corpora.distributed import TREES, read


@pytest.mark.parametrize("name", TREES)
def test_a_corpus_is_read_as_it_is_distributed(name: str, trees: dict[str, Path]) -> None:
    tree, corpus = TREES[name], read(name, trees[name])
    clips = corpus.clips.assign(gender=corpus.clips.get("gender", ""))
    assert (corpus.name, corpus.protocol) == (name, tree.protocol)
    assert {clip: (row["emotion"], row["speaker"], row["gender"]) for clip, row in clips.iterrows()} == tree.rows
    assert tree.columns.items() <= clips.loc[next(iter(tree.rows))].to_dict().items()
    audio = {file for file in tree.stray if file.lower().endswith((".wav", ".mp3")) and "/._" not in file}
    assert set(corpus.ignored) == audio - set(tree.rows)
    assert all(isinstance(value, str) for value in corpus.clips.to_numpy().ravel())
    assert all(Path(path).is_file() for path in corpus.clips["path"])


@pytest.mark.parametrize("name", TREES)
def test_no_other_reader_claims_as_much(name: str, trees: dict[str, Path]) -> None:
    files = find_audio(trees[name])
    claimed = {reader: len(known().matches(files)) for reader, known in known_readers().items()}
    assert claimed.pop(name) == len(TREES[name].rows) + len(TREES[name].unlabelled)
    assert max(claimed.values()) < len(TREES[name].rows)


@pytest.mark.parametrize("name", TREES)
def test_a_folder_that_was_copied_into_itself_is_read_with_its_copy(name: str, trees: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(trees[name], tmp_path / "corpus")
    shutil.copytree(trees[name], tmp_path / "corpus/a copy")
    clips = read(name, tmp_path / "corpus").clips
    doubled = TREES[name].rows | {f"a copy/{file}": row for file, row in TREES[name].rows.items()}
    assert {clip: (row["emotion"], row["speaker"]) for clip, row in clips.iterrows()} == {file: row[:2] for file, row in doubled.items()}


@pytest.mark.parametrize("name", TREES)
def test_facts_are_told(name: str) -> None:
    facts = known_readers()[name].facts
    assert facts is not None
    assert facts.clips > 100
    assert facts.rate in (16_000, 24_000, 44_100, 48_000)
    assert all((facts.licence, facts.citation, facts.obtain.startswith("http")))
    assert (facts.human is None) == (facts.human_source == "")
    assert set(facts.unconfirmed) <= {"clips", "speakers", "rate"}


def test_what_is_predicted_of_baved_is_called_a_level(trees: dict[str, Path]) -> None:
    assert load_corpus(trees["baved"]).target == "level"
    assert load_corpus(trees["baved"], target="level").clips["emotion"].tolist() == ["normal", "high", "low"]
    other = load_corpus(trees["baved"], target="gender")
    assert (other.target, other.clips["emotion"].tolist()) == ("gender", ["female", "female", "male"])


def test_oreau_is_read_from_the_folder_of_a_gender(trees: dict[str, Path]) -> None:
    clips = load_corpus(trees["oreau"] / "OréauFR_02/m").clips
    assert clips["speaker"].tolist() == ["13", "24"]
    assert set(clips["gender"]) == {""}


def test_voices_of_mesd_are_said_to_be_of_several_people(trees: dict[str, Path]) -> None:
    assert any("count as one speaker" in warning for warning in load_corpus(trees["mesd"]).warnings)


def test_a_corpus_of_one_speaker_is_refused(trees: dict[str, Path]) -> None:
    with pytest.raises(WrongCall, match="'3' is the only speaker"):
        load_corpus(trees["emns"])


def test_what_is_not_confirmed_of_a_release_is_held_against_no_folder(trees: dict[str, Path]) -> None:
    def told(name: str) -> str:
        corpus = load_corpus(trees[name])
        return " | ".join(found.what for found in differences(corpus, corpus.clips.assign(rate=16_000, seconds=0.1), ()))

    assert "speakers instead of the official" not in told("mesd")
    assert "861 of the 864 released files are missing" in told("mesd")
    assert told("meld") == ""
    assert "a resampled copy" in told("cafe")
