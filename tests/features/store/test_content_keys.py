"""What a file holds is read again whenever something says that it may have changed, and only then."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

import ser_bench.features.store.content_keys as room
from ser_bench.audio.clip import key_of
from ser_bench.features.store.content_keys import Keys, content_keys


@pytest.fixture
def clips(tmp_path: Path) -> pd.DataFrame:
    """Two files that hold something; that it is no audio does not matter here."""
    (tmp_path / "a.wav").write_bytes(b"one")
    (tmp_path / "b.wav").write_bytes(b"two")
    return pd.DataFrame({"path": [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]}, index=["a", "b"])


@pytest.fixture
def settled(monkeypatch):
    """Times are taken to be reliable at once."""
    monkeypatch.setattr(room, "SECONDS_UNTIL_SETTLED", float("-inf"))


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The files that are read, by name."""
    seen: list[str] = []
    plain = room.read_bytes
    monkeypatch.setattr(room, "read_bytes", lambda path: (seen.append(Path(path).name), plain(path))[1])
    return seen


def keys(clips: pd.DataFrame, **how: bool) -> Keys:
    return content_keys(clips, Path(clips.loc["a", "path"]).parent / "store", **how)


def rewrite(path: str, content: bytes) -> None:
    """Change what a file holds, as `cp -p` onto it would: inode, size and modification time stay."""
    was = os.stat(path)
    Path(path).write_bytes(content)
    while (now := os.stat(path)).st_ctime_ns == was.st_ctime_ns or now.st_mtime_ns != was.st_mtime_ns:
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert (now.st_ino, now.st_size) == (was.st_ino, was.st_size)


def test_unchanged_files_are_read_once(clips, settled, reads):
    first = keys(clips)
    assert (reads, keys(clips), reads) == (["a.wav", "b.wav"], first, ["a.wav", "b.wav"])
    assert first == Keys({"a": key_of(b"one", None, None), "b": key_of(b"two", None, None)}, {}, [])


def test_a_change_is_found_although_the_modification_time_was_set_back(clips, settled, reads):
    before = keys(clips).known
    rewrite(clips.loc["a", "path"], b"eno")
    after = keys(clips)
    assert after.known == {"a": key_of(b"eno", None, None), "b": before["b"]}
    assert after.changed == []
    assert reads == ["a.wav", "b.wav", "a.wav"]


@pytest.mark.parametrize("newest", ["st_mtime", "st_ctime"])
@pytest.mark.parametrize(("age", "again"), [(1.9, True), (2.0, True), (2.1, False)])
def test_a_file_is_read_again_until_both_its_times_are_over_two_seconds_old(clips, reads, monkeypatch, newest, age, again):
    clips = clips.iloc[:1]
    path = clips.loc["a", "path"]
    apart = 1000 if newest == "st_mtime" else -1000
    modified = os.stat(path).st_ctime + apart
    os.utime(path, (modified, modified))
    monkeypatch.setattr(room.time, "time", lambda: getattr(os.stat(path), newest) + age)
    keys(clips)
    keys(clips)
    assert len(reads) == 1 + again


def test_segments_of_one_file_have_a_key_each_and_are_remembered(clips, settled, reads):
    segments = clips.loc[["a", "a", "a"]].assign(start=[0.0, 0.0, 1.0], end=[1.0, 2.0, 2.0]).set_axis(["a", "x", "y"])
    found = keys(segments)
    assert found.known == {"a": key_of(b"one", 0.0, 1.0), "x": key_of(b"one", 0.0, 2.0), "y": key_of(b"one", 1.0, 2.0)}
    assert len(set(found.known.values())) == 3
    assert keys(segments) == found
    assert len(reads) == 3


def test_a_file_that_cannot_be_read_is_told_with_its_reason_and_costs_no_other(clips, settled):
    Path(clips.loc["a", "path"]).unlink()
    found = keys(clips)
    assert list(found.known) == ["b"]
    assert list(found.unreadable) == ["a"]
    assert len(found.unreadable["a"]) > 3


def test_one_change_that_nothing_showed_has_all_that_was_remembered_forgotten(clips, settled, reads, monkeypatch):
    keys(clips)
    look = room._state
    frozen = {path: look(path, float("nan"), float("nan")) for path in clips["path"]}
    monkeypatch.setattr(room, "_state", lambda path, *segment: frozen[path])
    Path(clips.loc["a", "path"]).write_bytes(b"eno")
    assert keys(clips).known["a"] == key_of(b"one", None, None)
    told = keys(clips, verify=True)
    assert told.changed == [clips.loc["a", "path"]]
    assert told.known["a"] == key_of(b"eno", None, None)
    assert keys(clips) == Keys(told.known, {}, [])
    assert reads == ["a.wav", "b.wav"] * 2


def test_what_is_verified_and_unchanged_is_not_written_twice(clips, settled):
    keys(clips)
    store = Path(clips.loc["a", "path"]).parent / "store"
    parts = sorted(store.rglob("part-*"))
    assert keys(clips, verify=True).changed == []
    assert sorted(store.rglob("part-*")) == parts


def test_what_is_remembered_lies_where_it_always_lay(clips, settled):
    keys(clips)
    (about,) = (Path(clips.loc["a", "path"]).parent / "store").glob("*/extractor.json")
    assert about.parent.name == "files-81ca1cf9"
    assert json.loads(about.read_text()).items() >= {"name": "files", "version": 2}.items()
