"""Where clips can be listened to: files that are there, and their addresses, relative where the corpus is named so."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from ser_bench.reports.players import AudioLink, sounds


def spoken(folder: Path, *clips: str) -> None:
    for clip in clips:
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / clip, np.sin(np.arange(1600) / 3), 16000)


def addresses(configuration: str, page: Path, clips: pd.DataFrame) -> dict[str, str]:
    return {clip: sound.address for clip, sound in sounds(configuration, page, clips).items()}


def test_addresses_are_of_files_that_are_there(tmp_path):
    spoken(tmp_path / "corpus", "a b/#1.wav")
    clips = pd.DataFrame({"emotion": "anger"}, index=["a b/#1.wav", "gone.wav"])
    found = addresses(f'corpus = ["{(tmp_path / "corpus").as_posix()}"]', tmp_path, clips)
    assert found == {"a b/#1.wav": (tmp_path / "corpus" / "a b" / "#1.wav").as_uri()}
    assert "%231.wav" in found["a b/#1.wav"]


def test_a_corpus_named_relatively_is_linked_relative_to_the_page(tmp_path, monkeypatch):
    spoken(tmp_path / "corpus", "1.wav")
    monkeypatch.chdir(tmp_path)
    clips = pd.DataFrame({"emotion": "anger"}, index=["1.wav"])
    assert addresses('corpus = ["corpus"]', tmp_path / "results" / "run", clips) == {"1.wav": "../../corpus/1.wav"}


def test_segments_of_a_manifest_play_their_seconds(tmp_path, monkeypatch):
    spoken(tmp_path / "corpus", "1.wav")
    monkeypatch.chdir(tmp_path)
    clips = pd.DataFrame({"start": [0.5, np.nan, np.nan], "end": [2.0, 1.0, np.nan]}, index=["1.wav#0.5-2", "1.wav#0-1", "1.wav"])
    found = addresses('corpus = ["corpus/list.csv"]', tmp_path, clips)
    assert list(found.values()) == ["corpus/1.wav#t=0.5,2", "corpus/1.wav#t=0,1", "corpus/1.wav"]


def test_what_is_linked_is_told_with_its_file_and_its_seconds(tmp_path):
    spoken(tmp_path, "1.wav", "2.wav")
    clips = pd.DataFrame({"start": [0.5, np.nan], "end": [np.nan, np.nan]}, index=["1.wav#0.5-", "2.wav"])
    found = sounds(f'corpus = ["{tmp_path.as_posix()}"]', tmp_path, clips)
    part, whole = tmp_path / "1.wav", tmp_path / "2.wav"
    assert found == {
        "1.wav#0.5-": AudioLink(part, 0.5, None, f"{part.as_uri()}#t=0.5"),
        "2.wav": AudioLink(whole, None, None, whole.as_uri()),
    }


def test_the_embedded_corpus_lies_in_the_cache(tmp_path, monkeypatch):
    from ser_bench.corpora import load_corpus

    monkeypatch.chdir(tmp_path)
    corpus = load_corpus("tones(speakers=2, emotions=2, takes=1)", cache="cache")
    found = addresses('corpus = ["tones(speakers=2, emotions=2, takes=1)"]\ncache = "cache"', tmp_path, corpus.clips)
    assert sorted(found) == sorted(corpus.clips.index)
    assert all((tmp_path / address).is_file() for address in found.values())
