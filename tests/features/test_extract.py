"""The store: what is known is not computed again, what is not trusted is, and nobody gets a stale row."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench.features.extract as room
from ser_bench.corpora import Corpus, load_corpus
from ser_bench.features import Extraction, extract_corpus, parse_features
from ser_bench.features.extract import extract

SETS = "spectral+audioemotion26"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of few synthetic clips."""
    return load_corpus("tones(speakers=2,emotions=3,takes=2)", cache=tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "corpus"))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of clips that are decoded, as they are."""
    paths: list[str] = []
    measure = room._measure
    monkeypatch.setattr(room, "_measure", lambda task: paths.append(task.path) or measure(task))
    return paths


def fill(folder: Path, store: Path, features: str = SETS) -> Extraction:
    return extract_corpus(load_corpus(folder), [parse_features(features)], cache=store, jobs=1)


def values(extraction: Extraction) -> np.ndarray:
    return next(iter(extraction.matrices.values())).values


def test_what_is_known_is_not_decoded_again(folder, tmp_path, decoded):
    first = fill(folder, tmp_path / "store")
    assert len(decoded) == 12
    again = fill(folder, tmp_path / "store")
    assert len(decoded) == 12
    assert (values(first) == values(again)).all()


def test_an_unchanged_file_is_not_even_read(folder, tmp_path, monkeypatch):
    fill(folder, tmp_path / "store")
    monkeypatch.setattr(room, "read_bytes", lambda path: pytest.fail(f"read {path}"))
    assert len(fill(folder, tmp_path / "store").clips) == 12


def test_a_moved_and_renamed_corpus_recomputes_nothing(folder, tmp_path, decoded):
    fill(folder, tmp_path / "store")
    moved = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(folder, moved)
    decoded.clear()
    assert len(fill(tmp_path / "elsewhere", tmp_path / "store").clips) == 12
    assert decoded == []


def test_an_edited_file_is_computed_anew_alone(folder, tmp_path, decoded):
    before = fill(folder, tmp_path / "store")
    edited = folder / before.clips.index[3]
    samples, rate = soundfile.read(edited)
    soundfile.write(edited, samples * 0.5, rate)
    decoded.clear()
    after = fill(folder, tmp_path / "store")
    assert decoded == [str(edited)]
    assert ((values(before) != values(after)).any(axis=1)).nonzero()[0].tolist() == [3]


def test_a_second_set_computes_only_itself(folder, tmp_path):
    fill(folder, tmp_path / "store", "spectral")
    spectral = sorted((tmp_path / "store").glob("spectral-*/part-*"))
    fill(folder, tmp_path / "store", "spectral+mfcc")
    assert sorted((tmp_path / "store").glob("spectral-*/part-*")) == spectral
    assert list((tmp_path / "store").glob("mfcc-*/part-*"))


def test_another_parameter_is_another_folder(folder, tmp_path):
    wide = fill(folder, tmp_path / "store", "mfcc")
    narrow = fill(folder, tmp_path / "store", "mfcc(n_mfcc=13)")
    assert len(list((tmp_path / "store").glob("mfcc-*"))) == 2
    assert (values(wide).shape[1], values(narrow).shape[1]) == (600, 390)


def test_jobs_change_no_value(folder, tmp_path):
    corpus, sets = load_corpus(folder), [parse_features(SETS)]
    one, two = (extract_corpus(corpus, sets, cache=tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2))
    assert (values(one) == values(two)).all()


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty"])
def test_a_part_that_cannot_be_trusted_is_set_aside_and_computed_again(folder, tmp_path, damage):
    before = values(fill(folder, tmp_path / "store"))
    part = next((tmp_path / "store").glob("spectral-*/part-*.parquet"))
    data = bytearray(part.read_bytes())
    if damage == "foreign":
        pd.DataFrame({"key": ["a"], "values": ["b"]}).to_parquet(part)
    else:
        data[200] ^= 0x10
        part.write_bytes({"truncated": data[:-100], "flipped": data, "empty": b""}[damage])
    with pytest.warns(UserWarning, match=part.name):
        after = values(fill(folder, tmp_path / "store"))
    assert part.with_suffix(".broken").exists()
    assert (before == after).all()
    assert (values(fill(folder, tmp_path / "store")) == before).all()


def test_unusable_clips_are_skipped_each_with_its_reason(folder, tmp_path):
    clips = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))
    (folder / clips[0]).write_bytes(b"")
    (folder / clips[1]).write_text("not audio")
    soundfile.write(folder / clips[2], np.zeros(16_000), 16_000)
    soundfile.write(folder / clips[3], np.ones(800) * np.linspace(-1, 1, 800), 16_000)
    soundfile.write(folder / clips[4], np.full(16_000, np.nan), 16_000, subtype="FLOAT")
    (folder / clips[5]).unlink()
    (folder / clips[5]).mkdir()
    corpus = load_corpus(folder)
    extraction = extract_corpus(corpus, [parse_features("audioemotion26")], cache=tmp_path / "store", jobs=1)
    reasons = dict(zip(extraction.skipped["clip"], extraction.skipped["reason"], strict=True))
    assert set(clips[:5]) <= set(reasons)
    assert len({reasons[clip] for clip in clips[:5]}) == 5
    assert extraction.skipped["counts"].all()
    assert np.isfinite(values(extraction)).all()


def test_a_clip_on_which_an_extractor_fails_is_left_out_of_every_set(folder, tmp_path, monkeypatch):
    from ser_bench.features.spectral import Spectral

    compute = Spectral.__call__
    loudest = []

    def fail_once(self: Spectral, clip: object) -> np.ndarray:
        if not loudest:
            loudest.append(clip)
            raise ArithmeticError("no good")
        return compute(self, clip)

    monkeypatch.setattr(Spectral, "__call__", fail_once)
    extraction = extract_corpus(load_corpus(folder), [parse_features("spectral"), parse_features("audioemotion26")], cache=tmp_path, jobs=1)
    assert len(extraction.clips) == 11
    assert [matrix.values.shape[0] for matrix in extraction.matrices.values()] == [11, 11]
    assert extraction.skipped["reason"].tolist() == ["spectral: ArithmeticError: no good"]


def test_a_clip_on_which_an_extractor_failed_is_not_tried_again(folder, tmp_path, decoded):
    clip = sorted(folder.rglob("*.wav"))[0]
    samples, rate = soundfile.read(clip)
    soundfile.write(clip, samples * 1e30, rate, subtype="FLOAT")
    first = fill(folder, tmp_path / "store", "audioemotion26")
    decoded.clear()
    again = fill(folder, tmp_path / "store", "audioemotion26")
    assert decoded == []
    assert "not finite" in first.skipped["reason"][0]
    assert first.skipped.equals(again.skipped)


def test_a_passing_failure_to_read_is_not_kept(folder, tmp_path, monkeypatch):
    clip = sorted(folder.rglob("*.wav"))[0]
    read, calls = room.read_bytes, []

    def fail_the_second_time(path: str) -> bytes:
        calls.append(path)
        if path == str(clip) and calls.count(path) == 2:
            raise room.Unusable("unreadable: input/output error")
        return read(path)

    monkeypatch.setattr(room, "read_bytes", fail_the_second_time)
    assert fill(folder, tmp_path / "store").skipped["reason"].tolist() == ["unreadable: input/output error"]
    assert fill(folder, tmp_path / "store").skipped.empty


def test_rows_of_one_s_own_table_are_known_by_the_sound_they_stand_for(folder, tmp_path):
    clips = fill(folder, tmp_path / "store").clips.index
    mine = pd.DataFrame({"x": np.arange(len(clips), dtype=np.float32)}, index=clips)
    mine.to_parquet(tmp_path / "mine.parquet")

    def fingerprint() -> str:
        return fill(folder, tmp_path / "store", str(tmp_path / "mine.parquet")).matrices["mine"].fingerprint

    before = fingerprint()
    assert fingerprint() == before
    first, second = folder / clips[0], folder / clips[1]
    sounds = first.read_bytes(), second.read_bytes()
    first.write_bytes(sounds[1])
    second.write_bytes(sounds[0])
    assert fingerprint() != before


def test_a_killed_extraction_goes_on_to_the_same_values(folder, tmp_path):
    whole = values(fill(folder, tmp_path / "whole"))
    code = f"""
import ser_bench.features.extract as room
room.SECONDS_BETWEEN_PARTS, room.BATCH = 0, 1
from ser_bench.corpora import load_corpus
from ser_bench.features import parse_features
room.extract_corpus(load_corpus({str(folder)!r}), [parse_features({SETS!r})], cache=room.Path({str(tmp_path / "cut")!r}), jobs=1)
"""
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "cut").glob("spectral-*/part-*"))) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (values(fill(folder, tmp_path / "cut")) == whole).all()


def test_two_processes_fill_one_store_without_doubles(folder, tmp_path):
    code = f"""
import ser_bench.features.extract as room
room.SECONDS_BETWEEN_PARTS, room.BATCH = 0, 1
from ser_bench.corpora import load_corpus
from ser_bench.features import parse_features
room.extract_corpus(load_corpus({str(folder)!r}), [parse_features({SETS!r})], cache=room.Path({str(tmp_path / "both")!r}), jobs=1)
"""
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    together = fill(folder, tmp_path / "both")
    assert len(together.clips) == 12
    assert (values(together) == values(fill(folder, tmp_path / "alone"))).all()


def test_python_gets_a_table_by_clip_with_groups(folder, tmp_path):
    table = extract(load_corpus(folder), "spectral+audioemotion26", cache=tmp_path / "store", jobs=1)
    assert table.shape == (12, 276)
    assert table.dtypes.unique().tolist() == [np.dtype(np.float32)]
    assert table.attrs["groups"]["spectral:chroma.C.std"] == table.attrs["groups"]["audioemotion26:chroma.all.mean"] == "chroma"


def test_files_that_a_reader_does_not_know_are_told(folder, tmp_path):
    shutil.copy(next(folder.rglob("*.wav")), folder / "holiday.wav")
    assert any("holiday.wav" in line for line in fill(folder, tmp_path / "store", "audioemotion26").warnings)


def test_a_span_of_a_file_is_a_clip_of_its_own(folder, tmp_path):
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))[:2]
    spans = [("x", 0, 0.5), ("y", 0.5, 0.9)]
    rows = [(file, emotion, speaker, start, end) for file, speaker in zip(files, "ab", strict=True) for emotion, start, end in spans]
    pd.DataFrame(rows, columns=["path", "emotion", "speaker", "start", "end"]).to_csv(folder / "spans.csv", index=False)
    extraction = extract_corpus(load_corpus(folder / "spans.csv"), [parse_features("audioemotion26")], cache=tmp_path / "store", jobs=1)
    assert extraction.clips["seconds"].round(3).tolist() == [0.5, 0.4, 0.5, 0.4]
    assert len(np.unique(values(extraction), axis=0)) == 4


def test_a_stale_corpus_object_still_finds_its_files_gone(folder, tmp_path):
    corpus: Corpus = load_corpus(folder)
    (folder / corpus.clips.index[0]).unlink()
    extraction = extract_corpus(corpus, [parse_features("audioemotion26")], cache=tmp_path / "store", jobs=1)
    assert extraction.skipped["clip"].tolist() == [corpus.clips.index[0]]
