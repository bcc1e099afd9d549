"""What is known is not computed again, what is not trusted is, and nobody gets a stale row."""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench.features.store.content_keys as keys_room
import ser_bench.features.worker as measure_room
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.errors import WorkFailed
from ser_bench.features import parse_features
from ser_bench.features.store.feature_store import FeatureStore
from tests.features.filling import fill, freeze_times, halve, values


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


def test_rows_that_are_lost_while_they_are_read_are_no_rows_of_nan(folder, tmp_path):
    fill(folder, tmp_path / "store", "audioemotion26")
    extractor = parse_features("audioemotion26").parts[0]
    store = FeatureStore(tmp_path / "store", {"audioemotion26": extractor}, Preprocessing())
    keys = list(store.unusable)
    assert np.isfinite(store.matrix("audioemotion26", keys)).all()
    for part in (tmp_path / "store").glob("a*/part-*"):
        part.unlink()
    for read in (lambda: store.matrix("audioemotion26", keys), lambda: store.audio_info(keys)):
        with pytest.raises(WorkFailed, match="lost rows"):
            read()


def test_a_copy_of_a_file_computes_nothing(folder, tmp_path, decoded):
    before = fill(folder, tmp_path / "store")
    copy = folder / before.clips.index[0].replace("-1.wav", "-9.wav")
    shutil.copy(folder / before.clips.index[0], copy)
    decoded.clear()
    after = fill(folder, tmp_path / "store")
    assert (len(after.clips), decoded) == (13, [])


def test_another_version_of_what_is_kept_of_audio_computes_no_features_again(folder, tmp_path, monkeypatch):
    fill(folder, tmp_path)
    monkeypatch.setattr("ser_bench.features.store.feature_store.AUDIO_VERSION", 99)
    monkeypatch.setattr(measure_room, "_vector", lambda *_: pytest.fail("computed again"))
    assert len(fill(folder, tmp_path).clips) == 12
