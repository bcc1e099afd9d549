"""Extraction: a row of features per clip, whatever its path, length or way of being heard."""

import shutil

import numpy as np
import pandas as pd
import pytest

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.corpora import load_corpus
from ser_bench.errors import WrongCall
from ser_bench.features import ExtractionOptions, extract_corpus, parse_features
from ser_bench.features.extract import extract
from ser_bench.utils.parallel import Workers
from tests.features.filling import SETS, fill, values


def test_jobs_change_no_value(folder, tmp_path):
    corpus, sets = load_corpus(folder), [parse_features(SETS)]
    one, two = (extract_corpus(corpus, sets, ExtractionOptions(tmp_path / str(jobs), Workers(jobs))) for jobs in (1, 2))
    assert (values(one) == values(two)).all()


def test_python_gets_a_table_by_clip_with_groups(folder, tmp_path):
    table = extract(load_corpus(folder), "spectral+audioemotion26", cache=tmp_path / "store", jobs=1)
    assert table.shape == (12, 276)
    assert table.dtypes.unique().tolist() == [np.dtype(np.float32)]
    assert table.attrs["groups"]["spectral:chroma.C.std"] == table.attrs["groups"]["audioemotion26:chroma.all.mean"] == "chroma"


def test_files_that_a_reader_does_not_know_are_told(folder, tmp_path):
    shutil.copy(next(folder.rglob("*.wav")), folder / "holiday.wav")
    assert any("holiday.wav" in line for line in fill(folder, tmp_path / "store", "audioemotion26").warnings)


def test_a_segment_of_a_file_is_a_clip_of_its_own(folder, tmp_path):
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))[:2]
    segments = [("x", 0, 0.5), ("y", 0.5, 0.9)]
    rows = [(file, emotion, speaker, start, end) for file, speaker in zip(files, "ab", strict=True) for emotion, start, end in segments]
    pd.DataFrame(rows, columns=["path", "emotion", "speaker", "start", "end"]).to_csv(folder / "segments.csv", index=False)
    extraction = extract_corpus(
        load_corpus(folder / "segments.csv"), [parse_features("audioemotion26")], ExtractionOptions(tmp_path / "store", Workers(1))
    )
    assert extraction.clips["seconds"].round(3).tolist() == [0.5, 0.4, 0.5, 0.4]
    assert len(np.unique(values(extraction), axis=0)) == 4


def test_a_path_may_be_long_and_in_any_script(folder, tmp_path):
    deep = tmp_path / "感情" / ("é" * 100) / "Ünïcødé dir" / ("x" * 200)
    shutil.copytree(folder, deep)
    assert (values(fill(deep, tmp_path / "store")) == values(fill(folder, tmp_path / "other"))).all()


def test_a_file_that_ends_before_its_header_says_is_used_and_told(folder, tmp_path):
    clip = sorted(folder.rglob("*.wav"))[0]
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    extraction = fill(folder, tmp_path / "store", "audioemotion26")
    assert len(extraction.clips) == 12
    assert any("used although damaged" in line and clip.name in line for line in extraction.warnings)
    assert any("used although damaged" in line for line in fill(folder, tmp_path / "store", "audioemotion26").warnings)


def test_a_variant_changes_what_is_measured_and_not_which_clips_are_used(folder, tmp_path):
    plain = fill(folder, tmp_path / "store", "audioemotion26")
    noisy = fill(folder, tmp_path / "store", "audioemotion26", preprocessing=Preprocessing(variant="noise(snr=0)"))
    assert plain.clips["digest"].tolist() == noisy.clips["digest"].tolist()
    assert (values(plain) != values(noisy)).any(axis=1).all()
    two = fill(folder, tmp_path / "other", "audioemotion26", preprocessing=Preprocessing(variant="noise(snr=0)"), workers=Workers(2))
    assert (values(noisy) == values(two)).all()


def test_finished_vectors_cannot_be_heard_another_way(folder, tmp_path):
    clips = fill(folder, tmp_path / "store", "audioemotion26").clips.index
    pd.DataFrame({"x": np.arange(len(clips), dtype=np.float32)}, index=clips).to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(WrongCall, match=r"mine\.parquet holds finished vectors"):
        fill(folder, tmp_path / "store", str(tmp_path / "mine.parquet"), preprocessing=Preprocessing(trim=30.0))
