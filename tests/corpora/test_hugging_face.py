"""Data sets of Parquet shards: what is read, what is unpacked, and that nothing in them reaches beyond the cache."""

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from ser_bench.audio.clip import Unusable, read_clip
from ser_bench.corpora import Corpus, load_corpus, unpacking
from ser_bench.corpora.loading import audio_folder
from ser_bench.corpora.unpacking import unpacked_folder
from ser_bench.errors import SerBenchError, WorkFailed, WrongCall

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ["anger", "fear"]
FEATURES = {"audio": {"_type": "Audio"}, "label": {"_type": "ClassLabel", "names": NAMES}}
Cell = dict[str, Any] | None


def sound(number: int, kind: str = "WAV") -> bytes:
    """The bytes of a tenth of a second of noise."""
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(number).normal(0, 0.1, 1600), 16_000, format=kind)
    return file.getvalue()


def cells(names: Sequence[str | None], first: int = 0) -> list[Cell]:
    return [{"bytes": sound(number), "path": name} for number, name in enumerate(names, start=first)]


def write(path: Path, audio: Sequence[Cell], features: dict[str, Any] | None = FEATURES, **columns: Any) -> Path:
    """A shard; without other columns, classes and speakers alternate."""
    rows = range(len(audio))
    given = {"label": [row % 2 for row in rows], "speaker": [f"s{row // 2 % 2}" for row in rows], **columns}
    table = pa.table({"audio": pa.array(audio, AUDIO), **{name: values for name, values in given.items() if values is not None}})
    about = {"huggingface": json.dumps({"info": {"features": features}})} if features else None
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(about), path, row_group_size=3)
    return path


def usual(folder: Path) -> Path:
    """A data set of two shards."""
    for number, names in enumerate((["a.wav", "b.wav"], ["c.wav", "d.wav"])):
        write(folder / f"data/train-{number:05d}-of-00002.parquet", cells(names, 2 * number), speaker=[f"s{number}"] * 2)
    return folder


def load(folder: Path, **how: Any) -> Corpus:
    return load_corpus(folder, cache=folder.parent / "cache", **how)


def refusal(folder: Path, kind: type[SerBenchError] = WrongCall, **how: Any) -> str:
    with pytest.raises(kind) as caught:
        load(folder, **how)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 300
    return str(caught.value)


def files(corpus: Corpus) -> list[str]:
    return [Path(path).name for path in corpus.clips["path"]]


def everything(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*")}


def test_a_folder_of_shards_is_a_corpus(tmp_path):
    corpus = load(usual(tmp_path / "my data"))
    assert corpus.name == "my-data"
    assert corpus.clips["emotion"].tolist() == ["anger", "fear", "anger", "fear"]
    assert corpus.clips["speaker"].tolist() == ["s0", "s0", "s1", "s1"]
    assert files(corpus) == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert [Path(path).read_bytes() for path in corpus.clips["path"]] == [sound(number) for number in range(4)]
    assert "fold" not in corpus.clips
    assert corpus.warnings[-1] == "the audio of 2 Parquet files is unpacked into the cache: 4 rows, 0.0 MB"


def test_a_clip_is_called_by_where_it_lies_in_the_cache(tmp_path):
    corpus = load(usual(tmp_path / "data"))
    folder = audio_folder(tmp_path / "data", tmp_path / "cache")
    assert folder == corpus.folder == unpacked_folder(tmp_path / "cache")
    assert [str(folder / clip) for clip in corpus.clips.index] == corpus.clips["path"].tolist()


INFO = {"features": {"label": FEATURES["label"]}}
CARD = "---\ndataset_info:\n- config_name: {config}\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
CARD += "          '0': anger\n          '1': fear\n---\n# About\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dataset_info.json", json.dumps(INFO)),
        ("data/dataset_info.json", json.dumps(INFO)),
        ("dataset_infos.json", json.dumps({"default": INFO})),
        ("README.md", CARD.format(config="default")),
    ],
)
def test_classes_have_names_of_a_file_beside_the_shards(tmp_path, name, text):
    write(tmp_path / "set/data/train-00000-of-00001.parquet", cells(["a.wav", "b.wav", "c.wav", "d.wav"]), features=None)
    assert set(load(tmp_path / "set").clips["emotion"]) == {"0", "1"}
    (tmp_path / "set" / name).write_text(text)
    assert load(tmp_path / "set").clips["emotion"].tolist() == ["anger", "fear", "anger", "fear"]


@pytest.mark.parametrize(
    ("places", "folds"),
    [
        (["data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"], {"train", "dev"}),
        (["data/train-00000-of-00001-0123456789abcdef.parquet", "data/test-00000-of-00001-0123456789abcdef.parquet"], {"train", "test"}),
        (["default/train/0000.parquet", "default/test/0000.parquet"], {"train", "test"}),
        (["train.parquet", "test.parquet"], {"train", "test"}),
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"], set()),
        (["data/train-00000-of-00001.parquet", "data/extra-00000-of-00001.parquet"], set()),
    ],
)
def test_splits_are_folds_where_they_are_parts_of_a_predefined_split(tmp_path, places, folds):
    for number, place in enumerate(places):
        write(tmp_path / "set" / place, cells([f"{number}a.wav", f"{number}b.wav"], 2 * number), speaker=[f"s{number}"] * 2)
    clips = load(tmp_path / "set").clips
    assert set(clips.get("fold", [])) == folds
    assert set(clips.get("split", [])) == ({"train", "extra"} if "extra" in places[1] else set())


def test_a_card_says_which_shards_are_which_configuration_and_split(tmp_path):
    for number in (0, 1):
        write(tmp_path / f"set/data/part-{number}.parquet", cells(["a.wav", "b.wav", "c.wav", "d.wav"], 4 * number))
    card = "---\nconfigs:\n- config_name: {}\n  data_files:\n  - split: train\n    path: data/part-0*\n- config_name: {}\n"
    card += "  data_files:\n  - split: test\n    path: [data/part-1*]\n---\n"
    (tmp_path / "set/README.md").write_text(card.format("one", "one"))
    assert set(load(tmp_path / "set").clips["fold"]) == {"train", "test"}
    (tmp_path / "set/README.md").write_text(card.format("one", "two"))
    assert "several configurations could be meant: one, two; choose with --table NAME" in refusal(tmp_path / "set")
    assert len(load(tmp_path / "set", table="two").clips) == 4
    assert len(load(tmp_path / "set", table="*").clips) == 8
    assert "did you mean 'two'?" in refusal(tmp_path / "set", table="tow")


def test_shards_that_are_unchanged_are_not_unpacked_again_and_a_changed_one_is(tmp_path, monkeypatch):
    wrote = []
    real = unpacking._write
    monkeypatch.setattr(unpacking, "_write", lambda shard, *more: (wrote.append(shard.name), real(shard, *more)))
    folder = usual(tmp_path / "set")
    load(folder)
    load(folder)
    assert wrote == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    shutil.move(folder, tmp_path / "moved")
    load(tmp_path / "moved")
    assert len(wrote) == 2
    write(tmp_path / "moved/data/train-00001-of-00002.parquet", cells(["c.wav", "e.wav"], 7), speaker=["s1", "s1"])
    assert files(load(tmp_path / "moved"))[2:] == ["c.wav", "e.wav"]
    assert wrote[2:] == ["train-00001-of-00002.parquet"]


def test_what_was_interrupted_or_damaged_is_unpacked_again(tmp_path, monkeypatch):
    folder = usual(tmp_path / "set")
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_move", lambda made, place: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            load(folder)
    assert not list(unpacked_folder(tmp_path / "cache").glob("*train*"))
    whole = load(folder)
    Path(whole.clips["path"].iloc[0]).write_bytes(b"torn")
    Path(whole.clips["path"].iloc[3]).unlink()
    again = load(folder)
    assert [Path(path).read_bytes() for path in again.clips["path"]] == [sound(number) for number in range(4)]


def test_rows_of_one_name_or_none_are_clips_of_their_own(tmp_path):
    write(tmp_path / "set/train-00000-of-00001.parquet", cells(["a.wav", "x/A.wav", None, None, "b.wav"]))
    corpus = load(tmp_path / "set")
    assert [clip.partition("/")[2] for clip in corpus.clips.index] == [
        "b.wav",
        "row-000001/a.wav",
        "row-000002/A.wav",
        "row-000003.wav",
        "row-000004.wav",
    ]


def test_files_are_called_by_what_their_bytes_are(tmp_path):
    audio = [{"bytes": sound(0, "FLAC"), "path": "a"}, {"bytes": sound(1, "OGG"), "path": None}, {"bytes": b"x", "path": "c.MP3"}]
    write(tmp_path / "set/train-00000-of-00001.parquet", [*audio, {"bytes": b"x", "path": "d.exe"}])
    assert files(load(tmp_path / "set")) == ["a.flac", "c.mp3", "d.exe.bin", "row-000002.ogg"]


@pytest.mark.parametrize("kind", [pa.string(), AUDIO])
def test_rows_that_name_files_are_read_from_the_folder(tmp_path, kind):
    names = ["a.wav", "wav/b.wav", "c.wav", str(tmp_path / "set/d.wav")]
    for number, name in enumerate(names):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sound(number))
    audio = pa.array(names if kind == pa.string() else [{"bytes": None, "path": name} for name in names], kind)
    table = pa.table({"audio": audio, "emotion": ["anger", "fear"] * 2, "speaker": ["s0", "s0", "s1", "s1"]})
    pq.write_table(table, tmp_path / "set/train-00000-of-00001.parquet")
    clips = load(tmp_path / "set").clips
    assert sorted(clips["path"]) == sorted(str(tmp_path / "set" / name) for name in names)
    folder = audio_folder(tmp_path / "set", tmp_path / "cache")
    assert [str(folder / clip) for clip in clips.index] == clips["path"].tolist()
    assert (clips.index[0] == "a.wav") == (kind == pa.string())


@pytest.mark.parametrize("path", ["../../b.wav", "/b.wav", r"..\..\b.wav", r"C:\b.wav", "a\0/../../b.wav", "b" * 5000])
def test_a_row_s_path_suggests_a_name_and_no_place(tmp_path, path):
    write(tmp_path / "set/train-00000-of-00001.parquet", cells(["a.wav", path, "c.wav", "d.wav"]))
    before = everything(tmp_path)
    corpus = load(tmp_path / "set")
    assert len(corpus.clips) == 4
    assert all(name.startswith("cache") for name in everything(tmp_path) - before)
    assert all(Path(path).resolve().is_relative_to(tmp_path / "cache/unpacked") for path in corpus.clips["path"])


@pytest.mark.parametrize("path", ["../b.wav", "/etc/passwd", r"..\b.wav", r"C:\b.wav", "a\0.wav", "../" + "b" * 5000])
def test_a_file_outside_of_the_folder_is_refused(tmp_path, path):
    write(tmp_path / "set/train-00000-of-00001.parquet", [*cells(["a.wav"]), {"bytes": None, "path": path}])
    assert "row 2 names audio outside of the folder" in refusal(tmp_path / "set")


@pytest.mark.parametrize("path", ["b" * 300, "é" * 300, "é/" * 3000, "é\\é" * 300])
def test_a_file_that_no_system_can_have_is_a_missing_one(tmp_path, path):
    write(tmp_path / "set/train-00000-of-00001.parquet", [*cells(["a.wav", "b.wav", "c.wav"]), {"bytes": None, "path": path}])
    assert len(load(tmp_path / "set").clips) == 4


def test_parquet_files_without_audio_are_counted(tmp_path):
    folder = usual(tmp_path / "set")
    pq.write_table(pa.table({"x": [1]}), folder / "votes.parquet")
    (folder / "torn.parquet").write_bytes(b"PAR1")
    assert "2 Parquet files without audio are not read, such as torn.parquet" in load(folder).warnings


def test_rows_without_audio_are_counted_and_skipped(tmp_path):
    nothing = [None, {"bytes": None, "path": None}, {"bytes": b"", "path": "e.wav"}, {"bytes": None, "path": "gone.wav"}]
    write(tmp_path / "set/train-00000-of-00001.parquet", [*cells(["a.wav", "b.wav", "c.wav", "d.wav"]), *nothing])
    corpus = load(tmp_path / "set")
    assert "2 rows have no audio" in corpus.warnings
    assert len(corpus.clips) == 8
    unusable = {}
    for clip, path in corpus.clips["path"].items():
        try:
            read_clip(path)
        except Unusable as error:
            unusable[Path(clip).name] = error.reason
    assert unusable == {"e.wav": "empty file", "row-000005": "missing file", "row-000006": "missing file", "gone.wav": "missing file"}


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    write(
        tmp_path / "set/train-00000-of-00001.parquet",
        cells(list("abcdef")),
        label=[0, -1, None, 1, 0, 1],
        speaker=["s0", None, "", "s0", "s1", "s1"],
    )
    corpus = load(tmp_path / "set")
    assert corpus.clips["emotion"].tolist() == ["anger", "fear", "anger", "fear"]
    assert corpus.warnings[-1] == "2 rows without 'emotion' are left out, such as row 2 of train-00000-of-00001.parquet ('b.wav')"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": [0, 1, 7, 1]}, "row 3 has class 7 of 'label', which has 2 (0 to 1); 1 row in all"),
        ({"speaker": ["a", "b", None, "b"]}, "no speaker in row 3 of train-00000-of-00001.parquet ('c.wav')"),
        ({"speaker": ["a" * 9000, "b", "", "b"]}, "no speaker in row 3"),
        ({"speaker": None}, "no column 'speaker'"),
        ({"speaker": None, "label": None, "x" * 5000: [1] * 4}, "no column 'emotion' and no column 'speaker'"),
        ({"label": [[0], [1], [0], [1]]}, "not read: label (list)"),
        ({"label": [None] * 4}, "no row has a value of 'emotion'"),
        ({"emotion": ["\x1b[31m" * 1000, "x", None, "y"], "label": None, "speaker": None}, "no column 'speaker'"),
        (
            {"emotion": ["x" * 10**7, "x" * 10**7, "y", "y"], "label": None},
            "row 1 of train-00000-of-00001.parquet ('a.wav') has 10,000,000 characters",
        ),
        ({"emotion": ["x" * 9000] * 4, "label": None}, "xxx…' is the only emotion"),
        ({"start": ["soon"] * 4}, "'start' is not a number from 0 up"),
    ],
)
def test_what_cannot_be_meant_is_one_short_line(tmp_path, columns, said):
    write(tmp_path / "set/train-00000-of-00001.parquet", cells(["a.wav", "b.wav", "c.wav", "d.wav"]), **columns)
    assert said in refusal(tmp_path / "set")


def test_a_data_set_in_arrow_files_is_told_the_way_out(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "dataset_dict.json").write_text("{}")
    (tmp_path / "train/data-00000-of-00001.arrow").touch()
    assert "write it as Parquet" in refusal(tmp_path)


def test_a_torn_shard_is_named(tmp_path):
    folder = usual(tmp_path / "set")
    shard = folder / "data/train-00001-of-00002.parquet"
    data = shard.read_bytes()
    shard.write_bytes(data[:4] + bytes(96) + data[100:])
    assert "train-00001-of-00002.parquet" in refusal(folder)


def test_a_row_group_that_does_not_fit_is_refused(tmp_path, monkeypatch):
    folder = usual(tmp_path / "set")
    monkeypatch.setattr(unpacking, "LARGEST_GROUP", 1000)
    assert "write the data set with smaller row groups" in refusal(folder)


def test_a_cache_without_room_is_named_before_anything_is_written(tmp_path, monkeypatch):
    folder = usual(tmp_path / "set")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=100))
    assert "choose another --cache" in refusal(folder, WorkFailed)
    assert not list(unpacked_folder(tmp_path / "cache").glob("train*"))


def test_several_columns_of_audio_are_named_and_one_is_chosen(tmp_path):
    shard = write(tmp_path / "set/train-00000-of-00001.parquet", cells(["a.wav", "b.wav", "c.wav", "d.wav"]))
    table = pq.read_table(shard).rename_columns(["near", "label", "speaker"])
    far = pa.array(cells(["e.wav", "f.wav", "g.wav", "h.wav"], 4), AUDIO)
    pq.write_table(table.append_column("far", far).append_column("path", pa.array(list("wxyz"))), shard)
    assert "several columns of audio: near, far; choose with --columns path=COLUMN" in refusal(tmp_path / "set")
    corpus = load(tmp_path / "set", columns={"path": "far"})
    assert files(corpus) == ["e.wav", "f.wav", "g.wav", "h.wav"]
    assert corpus.clips["path_in_table"].tolist() == list("wxyz")
    assert "is no column of audio (found: near, far)" in refusal(tmp_path / "set", columns={"path": "label"})


def test_another_target_is_a_column_of_the_shards(tmp_path):
    write(tmp_path / "set/train-00000-of-00001.parquet", cells(["a.wav", "b.wav", "c.wav", "d.wav"]), stress=["low", "high"] * 2)
    corpus = load(tmp_path / "set", target="stress")
    assert corpus.clips["emotion"].tolist() == ["low", "high"] * 2
