"""The store's tables: rows come back as they were added, or not at all."""

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ser_bench.features.store.table as room
from ser_bench.corpora import load_corpus
from ser_bench.features.store.table import StoredTable
from ser_bench.utils.atomic import hold
from tests import warm
from tests.calling import call

SCHEMA = pa.schema([("key", pa.string()), ("values", pa.list_(pa.float32(), 2))])


def table(store: Path, version: int = 1) -> StoredTable:
    return StoredTable.within(store, "some", {"name": "some", "version": version}, SCHEMA)


def add(to: StoredTable, keys: str) -> None:
    to.add({"key": list(keys), "values": [[ord(key), 0.5] for key in keys]})


def content(of: StoredTable) -> dict[str, list[float]]:
    return dict(zip(*(column.to_pylist() for column in of.read().columns), strict=True))


def parts(of: StoredTable) -> list[Path]:
    return sorted(of.folder.glob("part-*"))


KEYS = st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(lambda keys: "".join(sorted(keys)))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.one_of(st.text("abcdefgh", min_size=1, max_size=4).map(lambda t: "".join(sorted(set(t)))), st.just("compact")), max_size=8)
)
def test_whatever_is_added_and_merged_every_key_comes_back_once(tmp_path_factory, steps):
    store = table(tmp_path_factory.mktemp("store"))
    expected: set[str] = set()
    for step in steps:
        if step == "compact":
            store.compact()
            assert len(parts(store)) <= 1
        else:
            add(store, step)
            expected |= set(step)
    assert content(store) == {key: [ord(key), 0.5] for key in expected}
    assert store.read()["key"].to_pylist() == sorted(expected)


def test_the_same_rows_make_the_same_part(tmp_path):
    add(table(tmp_path / "a"), "abc")
    for keys in ("c", "ab", "bc"):
        add(table(tmp_path / "b"), keys)
    table(tmp_path / "b").compact()
    (one,), (other,) = parts(table(tmp_path / "a")), parts(table(tmp_path / "b"))
    assert (one.name, one.read_bytes()) == (other.name, other.read_bytes())


def test_no_flipped_bit_is_ever_read(tmp_path):
    store = table(tmp_path)
    add(store, "abc")
    (part,) = parts(store)
    data = part.read_bytes()
    for bit in range(0, 8 * len(data), 7):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        part.write_bytes(damaged)
        with pytest.warns(UserWarning, match=part.name):
            assert content(store) == {}
    part.write_bytes(data)
    assert len(content(store)) == 3


def test_a_part_of_another_table_is_set_aside_though_it_is_whole(tmp_path):
    new, old = table(tmp_path, version=2), table(tmp_path, version=1)
    add(old, "abc")
    add(new, "d")
    shutil.copy(parts(old)[0], new.folder)
    with pytest.warns(UserWarning, match="belongs to another table"):
        assert list(content(new)) == ["d"]


def test_parts_that_are_merged_while_they_are_read_lose_no_row(tmp_path):
    store = table(tmp_path)
    for key in "abcd":
        add(store, key)
    reading = store.parts()
    first = next(reading)
    table(tmp_path).compact()
    found = {key for rows in [first, *reading] for key in rows["key"].to_pylist()}
    assert found == set("abcd")


def test_large_parts_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "SMALL", 2000)
    store = table(tmp_path)
    rng = np.random.default_rng(0)
    for start in range(0, 1000, 100):
        store.add({"key": [f"{n:04}" for n in range(start, start + 100)], "values": rng.random((100, 2), np.float32).tolist()})
    store.compact()
    before = {part.name: part.stat().st_mtime_ns for part in parts(store)}
    add(store, "x")
    store.compact()
    after = {part.name: part.stat().st_mtime_ns for part in parts(store)}
    assert len(before) > 1
    assert len(before.items() & after.items()) >= len(before) - 1
    assert len(store.read()) == 1001


def test_what_a_killed_writer_left_is_cleared_away_and_what_a_living_one_writes_is_not(tmp_path):
    store = table(tmp_path)
    add(store, "a")
    left, written = store.folder / ".part-1.parquet-00000001", store.folder / ".part-2.parquet-00000002"
    for part in (left, written):
        part.write_bytes(b"unfinished")
        os.utime(part, (0, 0))
    with hold(written):
        store.compact()
    assert (left.exists(), written.exists()) == (False, True)


def test_nothing_is_said_of_a_whole_store(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)  # of other tests, whenever what they left is collected
        add(table(tmp_path), "abc")
        assert len(content(table(tmp_path))) == 3


ON_A_FULL_DISK = """
import resource
from ser_bench.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
main()
"""


def test_a_full_disk_is_one_line_and_leaves_a_store_that_goes_on(tmp_path):
    """A limit on the size of files stands in for the disk: the same call fails, with the same kind of error."""
    folder = load_corpus("tones(speakers=2,emotions=3,takes=2)", cache=tmp_path / "made").folder
    command = ["extract", folder, "-f", "audioemotion26", "-f", "mfcc", "--jobs", "1", "--cache", tmp_path / "store"]
    assert warm.start(*command, code=ON_A_FULL_DISK, stderr=tmp_path / "told").wait() == 1
    told = (tmp_path / "told").read_text()
    assert "make room" in told.strip().splitlines()[-1]
    assert "Traceback" not in told
    again = call(*command)
    assert again.returncode == 0, again.stderr
    assert "0 clips skipped" in again.stdout
    assert "set aside" not in again.stderr
