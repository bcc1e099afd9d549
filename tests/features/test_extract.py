"""The store: what is known is not computed again, what is not trusted is, and nobody gets a stale row."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

import ser_bench.features.store.content_keys as keys_room
import ser_bench.features.worker as measure_room
import ser_bench.utils.parallel as parallel_room
from ser_bench.audio.clip import Unusable
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.corpora import Corpus, load_corpus
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.features import Extraction, ExtractionOptions, extract_corpus, parse_features
from ser_bench.features.extract import extract
from ser_bench.features.store.feature_store import FeatureStore
from ser_bench.utils.parallel import Died, Workers
from tests import warm

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
    extract_clip = measure_room.extract_clip
    monkeypatch.setattr(measure_room, "extract_clip", lambda task: paths.append(task.path) or extract_clip(task))
    return paths


def fill(folder: Path, store: Path, features: str = SETS, **how: object) -> Extraction:
    return extract_corpus(
        load_corpus(folder), [parse_features(features)], ExtractionOptions(**{"cache": store, "workers": Workers(1), **how})
    )


def halve(clip: Path) -> None:
    """Change a file's sound, not its length."""
    samples, rate = soundfile.read(clip)
    soundfile.write(clip, samples * 0.5, rate)


def freeze_times(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """Have this file look as it does now, whatever becomes of it: a clock that does not tick."""
    look = keys_room._state
    state, _ = look(str(clip), None, None)
    nan = float("nan")
    frozen = {str(clip): state.replace("None-None", f"{nan}-{nan}")}
    monkeypatch.setattr(keys_room, "_state", lambda path, *segment: (frozen.get(path, look(path, *segment)[0]), look(path, *segment)[1]))


def values(extraction: Extraction) -> np.ndarray:
    return next(iter(extraction.matrices.values())).values


def test_what_is_known_is_not_decoded_again(folder, tmp_path, decoded):
    first = fill(folder, tmp_path / "store")
    assert len(decoded) == 12
    again = fill(folder, tmp_path / "store")
    assert len(decoded) == 12
    assert (values(first) == values(again)).all()


def test_an_unchanged_file_is_not_even_read(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(keys_room, "SECONDS_UNTIL_SETTLED", 0)
    fill(folder, tmp_path / "store")
    with monkeypatch.context() as watched:
        for room in (keys_room, measure_room):
            watched.setattr(room, "read_bytes", lambda path: pytest.fail(f"read {path}"))
        assert len(fill(folder, tmp_path / "store").clips) == 12


def test_a_file_that_has_just_been_written_is_read_again_since_its_times_may_hide_a_change(folder, tmp_path, monkeypatch):
    clip = sorted(folder.rglob("*.wav"))[0]
    before = fill(folder, tmp_path / "store", "audioemotion26")
    freeze_times(monkeypatch, clip)
    halve(clip)
    assert (values(before) != values(fill(folder, tmp_path / "store", "audioemotion26"))).any()


def test_verify_finds_a_change_that_neither_size_nor_times_show(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(keys_room, "SECONDS_UNTIL_SETTLED", 0)
    clip = sorted(folder.rglob("*.wav"))[0]
    before = fill(folder, tmp_path / "store", "audioemotion26")
    freeze_times(monkeypatch, clip)
    halve(clip)
    assert (values(before) == values(fill(folder, tmp_path / "store", "audioemotion26"))).all()
    verified = fill(folder, tmp_path / "store", "audioemotion26", verify=True)
    assert any("had changed though size and times had not" in line for line in verified.warnings)
    assert (values(before) != values(verified)).any()
    assert (values(fill(folder, tmp_path / "store", "audioemotion26")) == values(verified)).all()


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
    one, two = (extract_corpus(corpus, sets, ExtractionOptions(tmp_path / str(jobs), Workers(jobs))) for jobs in (1, 2))
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


EXTRACT = """
import sys
import ser_bench.features.extract as room
room.SECONDS_BETWEEN_PARTS, room.BATCH = 0, 1
from ser_bench.corpora import load_corpus
from ser_bench.features import parse_features
from ser_bench.utils.parallel import Workers
room.extract_corpus(load_corpus(sys.argv[1]), [parse_features(sys.argv[2])], room.ExtractionOptions(room.Path(sys.argv[3]), Workers(1)))
"""


def start_extracting(folder: Path, store: Path) -> warm.Process:
    return warm.start(folder, SETS, store, code=EXTRACT)


def rows(store: Path) -> dict[str, pa.Table]:
    """All rows of every table as they lie; what is known of files depends on when they were read."""
    tables = [table for table in store.iterdir() if not table.name.startswith("files-")]
    return {table.name: pa.concat_tables(map(pq.read_table, sorted(table.glob("part-*")))).sort_by("key") for table in tables}


def assert_same_store(store: Path, other: Path) -> None:
    assert rows(store).keys() == rows(other).keys()
    for name, table in rows(store).items():
        assert len(set(table["key"].to_pylist())) == len(table)
        assert table.equals(rows(other)[name])


def test_rows_that_a_kill_left_twice_are_merged_though_nothing_is_to_be_computed(folder, tmp_path):
    fill(folder, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    store = FeatureStore(tmp_path / "cut", {part.label: part for part in parse_features(SETS).parts}, Preprocessing())
    for table in (store.audio, *store.tables.values()):
        table.add(table.read().slice(0, 5).to_pydict())
        assert len(list(table.folder.glob("part-*"))) == 2
    fill(folder, tmp_path / "cut")
    assert_same_store(tmp_path / "cut", tmp_path / "whole")


def test_a_store_killed_at_eight_moments_equals_an_undisturbed_one(folder, tmp_path):
    fill(folder, tmp_path / "whole")
    moments = np.random.default_rng(0).uniform(0, 0.6, 8)
    for after in moments:
        process = start_extracting(folder, tmp_path / "cut")
        deadline = time.monotonic() + 60
        # Importing takes longer than extracting: the clock runs from the first sign of work.
        while not (tmp_path / "cut").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.002)
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)
        shutil.copytree(tmp_path / "cut", tmp_path / "kept")
        fill(folder, tmp_path / "kept")
        assert_same_store(tmp_path / "kept", tmp_path / "whole")
        if len(list((tmp_path / "cut").glob("spectral-*/part-*"))) > 6:
            shutil.rmtree(tmp_path / "cut")


def test_two_processes_fill_one_store_without_doubles(folder, tmp_path):
    both = [start_extracting(folder, tmp_path / "both") for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    fill(folder, tmp_path / "alone")
    assert_same_store(tmp_path / "both", tmp_path / "alone")


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


def test_a_stale_corpus_object_still_finds_its_files_gone(folder, tmp_path):
    corpus: Corpus = load_corpus(folder)
    (folder / corpus.clips.index[0]).unlink()
    extraction = extract_corpus(corpus, [parse_features("audioemotion26")], ExtractionOptions(tmp_path / "store", Workers(1)))
    assert extraction.skipped["clip"].tolist() == [corpus.clips.index[0]]


def test_rows_that_are_lost_while_they_are_read_are_no_rows_of_nan(folder, tmp_path):
    fill(folder, tmp_path / "store", "audioemotion26")
    extractor = parse_features("audioemotion26").parts[0]
    store = FeatureStore(tmp_path / "store", {"audioemotion26": extractor}, Preprocessing())
    keys = list(store.unusable)
    assert np.isfinite(store.matrix("audioemotion26", keys)).all()
    for part in (tmp_path / "store").glob("a*/part-*"):
        part.unlink()
    for read in (lambda: store.matrix("audioemotion26", keys), lambda: store.heard(keys)):
        with pytest.raises(WorkFailed, match="lost rows"):
            read()


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
    noisy = fill(folder, tmp_path / "store", "audioemotion26", hearing=Preprocessing(variant="noise(snr=0)"))
    assert plain.clips["digest"].tolist() == noisy.clips["digest"].tolist()
    assert (values(plain) != values(noisy)).any(axis=1).all()
    two = fill(folder, tmp_path / "other", "audioemotion26", hearing=Preprocessing(variant="noise(snr=0)"), workers=Workers(2))
    assert (values(noisy) == values(two)).all()


def test_finished_vectors_cannot_be_heard_another_way(folder, tmp_path):
    clips = fill(folder, tmp_path / "store", "audioemotion26").clips.index
    pd.DataFrame({"x": np.arange(len(clips), dtype=np.float32)}, index=clips).to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(WrongCall, match=r"mine\.parquet holds finished vectors"):
        fill(folder, tmp_path / "store", str(tmp_path / "mine.parquet"), hearing=Preprocessing(trim=30.0))


def test_a_copy_of_a_file_computes_nothing(folder, tmp_path, decoded):
    before = fill(folder, tmp_path / "store")
    copy = folder / before.clips.index[0].replace("-1.wav", "-9.wav")
    shutil.copy(folder / before.clips.index[0], copy)
    decoded.clear()
    after = fill(folder, tmp_path / "store")
    assert (len(after.clips), decoded) == (13, [])


@pytest.fixture
def forgetful(monkeypatch):
    """`spectral`, whose first clip meets this fault; the others do not."""
    from ser_bench.features.extractors.spectral import Spectral

    compute, met = Spectral.__call__, []

    def normalise_columns(fault: Exception) -> None:
        def fail_once(self: Spectral, clip: object) -> np.ndarray:
            if not met:
                met.append(clip)
                raise fault
            return compute(self, clip)

        monkeypatch.setattr(Spectral, "__call__", fail_once)

    return normalise_columns


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


def test_another_version_of_what_is_kept_of_audio_computes_no_features_again(folder, tmp_path, monkeypatch):
    fill(folder, tmp_path)
    monkeypatch.setattr("ser_bench.features.store.feature_store.AUDIO_VERSION", 99)
    monkeypatch.setattr(measure_room, "_vector", lambda *_: pytest.fail("computed again"))
    assert len(fill(folder, tmp_path).clips) == 12
