"""Clips that cannot be used cost no other, each with its reason; what is no matter of the sound is not kept."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import ser_bench.features.worker as measure_room
import ser_bench.utils.parallel as parallel_room
from ser_bench.audio.clip import Unusable
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.corpora import Corpus, load_corpus
from ser_bench.features import ExtractionOptions, extract_corpus, parse_features
from ser_bench.features.store.feature_store import FeatureStore
from ser_bench.utils.parallel import Died, Workers
from tests.features.filling import fill, values


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
    extraction = extract_corpus(corpus, [parse_features("audioemotion26")], ExtractionOptions(tmp_path / "store", Workers(1)))
    reasons = dict(zip(extraction.skipped["clip"], extraction.skipped["reason"], strict=True))
    assert set(clips[:5]) <= set(reasons)
    assert len({reasons[clip] for clip in clips[:5]}) == 5
    assert extraction.skipped["counts"].all()
    assert np.isfinite(values(extraction)).all()


def test_a_clip_on_which_an_extractor_fails_is_left_out_of_every_set(folder, tmp_path, monkeypatch):
    from ser_bench.features.extractors.spectral import Spectral

    compute = Spectral.__call__
    loudest = []

    def fail_once(self: Spectral, clip: object) -> np.ndarray:
        if not loudest:
            loudest.append(clip)
            raise ArithmeticError("no good")
        return compute(self, clip)

    monkeypatch.setattr(Spectral, "__call__", fail_once)
    extraction = extract_corpus(
        load_corpus(folder), [parse_features("spectral"), parse_features("audioemotion26")], ExtractionOptions(tmp_path, Workers(1))
    )
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
    read = measure_room.read_bytes

    def fail(path: str) -> bytes:
        if path == str(clip):
            raise Unusable("unreadable: input/output error")
        return read(path)

    with monkeypatch.context() as once:
        once.setattr(measure_room, "read_bytes", fail)
        assert fill(folder, tmp_path / "store").skipped["reason"].tolist() == ["unreadable: input/output error"]
    assert fill(folder, tmp_path / "store").skipped.empty


def test_a_clip_that_kills_its_process_is_named_and_costs_no_other(folder, tmp_path, monkeypatch):
    """`test_parallel.py` has processes killed."""
    deadly = sorted(folder.rglob("*.wav"))[5]

    def in_processes(extract, calls, *_):
        for call in calls:
            yield Died(call) if any(task.path == str(deadly) for task in call[0]) else extract(*call)

    with monkeypatch.context() as patch:
        for name in ("in_parallel", "one_by_one"):
            patch.setattr(parallel_room, name, in_processes)
        found = fill(folder, tmp_path / "store", "audioemotion26")
    ((clip, reason),) = found.skipped[["clip", "reason"]].itertuples(index=False)
    assert (Path(clip).name, reason.startswith("the process that measured it died")) == (deadly.name, True)
    assert len(found.clips) == 11
    assert len(fill(folder, tmp_path / "store", "audioemotion26").clips) == 12


def test_a_stale_corpus_object_still_finds_its_files_gone(folder, tmp_path):
    corpus: Corpus = load_corpus(folder)
    (folder / corpus.clips.index[0]).unlink()
    extraction = extract_corpus(corpus, [parse_features("audioemotion26")], ExtractionOptions(tmp_path / "store", Workers(1)))
    assert extraction.skipped["clip"].tolist() == [corpus.clips.index[0]]


@pytest.mark.parametrize("fault", [MemoryError("1 GB"), OSError(28, "no space"), ImportError("no module"), RuntimeError("cannot cache")])
def test_what_is_no_matter_of_the_sound_is_told_and_not_kept(folder, tmp_path, forgetful, fault):
    forgetful(fault)
    told = fill(folder, tmp_path).skipped
    assert len(told) == 1
    assert told["reason"][0].startswith(f"spectral: {type(fault).__name__}: ")
    assert fill(folder, tmp_path).skipped.empty


def test_what_one_set_could_not_compute_costs_the_others_nothing(folder, tmp_path, forgetful):
    forgetful(MemoryError())
    fill(folder, tmp_path)
    parts = {path.parent.name.partition("-")[0]: pq.read_table(path) for path in tmp_path.glob("*/part-*")}
    assert {name: len(rows) for name, rows in parts.items() if name != "files"} == {"audio": 12, "audioemotion26": 12, "spectral": 11}


def test_a_fault_of_a_machine_in_an_older_store_is_computed_again_and_the_values_stay(folder, tmp_path):
    first = fill(folder, tmp_path)
    store = FeatureStore(tmp_path, {part.label: part for part in parse_features("spectral").parts}, Preprocessing())
    key, table = first.clips["key"].iloc[0], store.tables["spectral"]
    rows = table.read()
    table.clear()
    kept = [row for row in rows.to_pylist() if row["key"] != key]
    poisoned = {"key": key, "reason": "_ArrayMemoryError: Unable to allocate 2 GiB", "values": [float("nan")] * len(rows["values"][0])}
    table.add({name: [row[name] for row in [*kept, poisoned]] for name in ("key", "reason", "values")})
    for _ in range(2):
        again = fill(folder, tmp_path)
        assert again.skipped.empty
        np.testing.assert_array_equal(values(again), values(first))


def test_want_of_memory_while_decoding_names_the_clip_and_is_not_kept(folder, tmp_path, monkeypatch):
    decode, met = measure_room.decode, []

    def fail_once(*given: object) -> object:
        if not met:
            met.append(given)
            raise MemoryError
        return decode(*given)

    monkeypatch.setattr(measure_room, "decode", fail_once)
    told = fill(folder, tmp_path).skipped
    assert told["reason"].tolist() == ["not enough memory to decode it"]
    assert told["clip"][0].endswith(".wav")
    assert fill(folder, tmp_path).skipped.empty


def test_a_set_of_too_few_values_is_named(folder, tmp_path, monkeypatch):
    from ser_bench.features.extractors.spectral import Spectral

    monkeypatch.setattr(Spectral, "__call__", lambda *_: np.zeros(3))
    assert fill(folder, tmp_path, "spectral").skipped["reason"].str.startswith("spectral: TypeError: it gives values of shape (3,)").all()
