"""Where clips can be listened to: addresses of what is there, relative where the corpus is named so."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from ser_bench.reports.listening import addresses


def spoken(folder: Path, *clips: str) -> None:
    for clip in clips:
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / clip, np.zeros(1600), 16000)


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


def test_spans_of_a_manifest_play_their_seconds(tmp_path, monkeypatch):
    spoken(tmp_path / "corpus", "1.wav")
    monkeypatch.chdir(tmp_path)
    clips = pd.DataFrame({"start": [0.5, np.nan, np.nan], "end": [2.0, 1.0, np.nan]}, index=["1.wav#0.5-2", "1.wav#0-1", "1.wav"])
    found = addresses('corpus = ["corpus/list.csv"]', tmp_path, clips)
    assert list(found.values()) == ["corpus/1.wav#t=0.5,2", "corpus/1.wav#t=0,1", "corpus/1.wav"]


def test_the_embedded_corpus_lies_in_the_cache(tmp_path, monkeypatch):
    from ser_bench.corpora import load_corpus

    monkeypatch.chdir(tmp_path)
    corpus = load_corpus("tones(speakers=2, emotions=2, takes=1)", cache="cache")
    found = addresses('corpus = ["tones(speakers=2, emotions=2, takes=1)"]\ncache = "cache"', tmp_path, corpus.clips)
    assert sorted(found) == sorted(corpus.clips.index)
    assert all((tmp_path / address).is_file() for address in found.values())
