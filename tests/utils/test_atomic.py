"""Files appear whole or not at all, and what is torn or damaged is never read as something else."""

import csv
import errno
import json
import os
import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ser_bench.errors import Damaged, WrongCall
from ser_bench.evaluation.nested_cv import UnitResult
from ser_bench.evaluation.units import read_file, write_unit
from ser_bench.utils import atomic

TABLE = pd.DataFrame({"name": ["a", "=b"], "value": [0.25, 0.5]})
ARRAYS = {"own": np.arange(6.0), "group": np.arange(40, dtype=np.int16).reshape(2, 20)}
TRIALS = [{"trial": 0, "state": "complete", "score": 0.5, "params": "{}", "seconds": 0.1, "chosen": True}]
RESULT = UnitResult(np.arange(30) % 3, np.full((30, 3), [0.25, 0.5, 0.25]), {"C": 1.5}, 7, TRIALS, ["a note"], 1.5)

WRITERS = {
    "table.parquet": lambda path: atomic.write_parquet(TABLE, path),
    "table.csv": lambda path: atomic.write_csv(TABLE, path),
    "arrays.npz": lambda path: atomic.write_arrays(path, ARRAYS),
    "about.json": lambda path: atomic.write_text(path, json.dumps({"a": 1}, indent=2) + "\n"),
    "run.toml": lambda path: atomic.write_text(path, 'corpus = ["tones"]\nseed = 0\nlabels = "all"\n'),
    "page.html": lambda path: atomic.write_text(path, "<!doctype html><html><p>words</p></html>\n"),
    "table.md": lambda path: atomic.write_text(path, "| a |\n|---|\n| b |\n"),
}
DAMAGES = {"empty": lambda data: b"", "half": lambda data: data[: len(data) // 2 + 1].rstrip(), "garbage": lambda data: b"\0\xff" * 99}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    path = tmp_path_factory.mktemp("units") / "unit.parquet"
    write_unit(path, RESULT)
    return path.read_bytes()


@settings(max_examples=300)
@given(st.data())
@pytest.mark.filterwarnings("ignore:.*set aside")
def test_a_unit_with_a_flipped_bit_never_says_something_else(tmp_path_factory, unit, data):
    path = tmp_path_factory.mktemp("flipped") / "unit.parquet"
    path.write_bytes(flipped(unit, data.draw(st.integers(0, 8 * len(unit) - 1))))
    found = read_file(path)
    if found is None:
        assert path.with_suffix(".broken").exists()
        return
    assert found.predicted.tolist() == RESULT.predicted.tolist()
    assert found.probabilities.tolist() == RESULT.probabilities.tolist()
    assert (found.metadata["params"], found.metadata["rounds"], found.metadata["trials"]) == ({"C": 1.5}, 7, TRIALS)


def test_a_unit_that_an_older_version_wrote_is_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"predicted": RESULT.predicted.astype(np.int32), **{f"p.{i}": p for i, p in enumerate(RESULT.probabilities.T)}}
    metadata = {"params": {"C": 1.5}, "rounds": 7, "notes": [], "seconds": 1.5, "cut_short": False, "trials": TRIALS}
    pq.write_table(pa.table(columns).replace_schema_metadata({"unit": json.dumps(metadata)}), tmp_path / "old.parquet")
    found = read_file(tmp_path / "old.parquet")
    assert found is not None
    assert (found.predicted.tolist(), found.metadata) == (RESULT.predicted.tolist(), metadata)


@settings(max_examples=200)
@given(st.data())
def test_arrays_with_a_flipped_bit_never_say_something_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "arrays.npz"
    atomic.write_arrays(path, ARRAYS)
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, data.draw(st.integers(0, 8 * len(whole) - 1))))
    try:
        found = atomic.read_arrays(path)
    except Damaged:
        return
    assert {name: array.tolist() for name, array in found.items()} == {name: array.tolist() for name, array in ARRAYS.items()}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_whole_is_written_over_in_silence(tmp_path, recwarn, name):
    for _ in range(2):
        WRITERS[name](tmp_path / name)
    assert atomic.damage_of(tmp_path / name) == ""
    assert not recwarn.list
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_damaged_is_named_set_aside_and_written_again(tmp_path, name, damage):
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    with pytest.warns(UserWarning, match=rf"{name} cannot be trusted and was set aside as {path.stem}.broken \(.+\); it is written again"):
        WRITERS[name](path)
    assert path.read_bytes() == whole
    assert path.with_suffix(".broken").read_bytes() == DAMAGES[damage](whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_one_line_that_says_what_to_do(tmp_path, damage):
    for write, read, name in ((atomic.write_csv, atomic.read_csv, "t.csv"), (atomic.write_parquet, atomic.read_parquet, "t.parquet")):
        write(TABLE, tmp_path / name)
        (tmp_path / name).write_bytes(DAMAGES[damage]((tmp_path / name).read_bytes()))
        with pytest.raises(Damaged, match=rf"{name} cannot be read \(.+\): the command that wrote it makes it again"):
            read(tmp_path / name)


def test_a_table_is_read_as_it_was_written(tmp_path):
    indexed = TABLE.set_index("name")
    atomic.write_parquet(indexed, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(atomic.read_parquet(tmp_path / "a.parquet"), indexed)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), indexed)
    atomic.write_csv(TABLE, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(atomic.read_csv(tmp_path / "a.csv"), TABLE)


CELLS = st.text(st.one_of(st.sampled_from("'=+-@;,\t\n\r \"|1a\uff1d"), st.characters(codec="utf-8", exclude_characters="\0")), max_size=12)


@given(st.lists(CELLS, min_size=1, max_size=3, unique=True), st.lists(CELLS, min_size=3, max_size=3))
@example(["a;=1"], ["=1", "'=1", "x\t'\t=1"])
def test_a_table_comes_back_and_no_cell_of_it_is_a_formula_where_it_is_opened(tmp_path_factory, heads, cells):
    """Also where a spreadsheet takes semicolons, tabs or lines for the ends of cells."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    table = pd.DataFrame({f"{head}{place}": cells for place, head in enumerate(heads)})
    atomic.write_csv(table, path)
    pd.testing.assert_frame_equal(atomic.read_csv(path, dtype=str, keep_default_na=False), table, check_dtype=False)
    with path.open(newline="", encoding="utf-8") as file:
        parts = [part for row in csv.reader(file) for cell in row for part in re.split(r"[;\t\r\n]", cell)]
    assert not [part for part in parts if re.match(r"\s*[=+\-@\uff1d]", part)]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.md"
    atomic.write_text(path, "old\n")

    def fail(part):
        part.write_text("half")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        atomic.write_whole(path, fail)
    assert [(left.name, left.read_text()) for left in tmp_path.iterdir()] == [("a.md", "old\n")]


def test_a_file_is_on_the_disk_before_its_name_is(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: done.append(os.readlink(f"/proc/self/fd/{handle}")))
    replace = os.replace
    monkeypatch.setattr(atomic.os, "replace", lambda *places: (done.append("renamed"), replace(*places)))
    atomic.write_text(tmp_path / "a.md", "words\n")
    assert [os.path.basename(place)[:5] for place in done] == [".a.md", "renam", tmp_path.name[:5]]


@pytest.mark.parametrize(("number", "stops"), [(errno.EINVAL, False), (errno.ENOSPC, True)])
def test_a_file_system_that_knows_no_sync_is_no_fault_and_a_full_one_is(tmp_path, monkeypatch, number, stops):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fsync", refuse)
    if stops:
        with pytest.raises(OSError, match="No space left"):
            atomic.write_text(tmp_path / "a.md", "words\n")
    else:
        atomic.write_text(tmp_path / "a.md", "words\n")
    assert [path.name for path in tmp_path.iterdir()] == ([] if stops else ["a.md"])


def test_what_nobody_holds_is_cleared_and_what_somebody_writes_is_not(tmp_path):
    left, new = tmp_path / ".a.csv-01234567", tmp_path / ".b.csv-01234567"
    for path in (left, new, tmp_path / ".hidden"):
        path.write_text("half")
        os.utime(path, (time.time() - 60, time.time() - 60))
    with atomic.hold(new):
        assert atomic.clear_abandoned(tmp_path) == [left]
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, ".hidden"]


def test_folders_that_killed_processes_left_are_cleared_by_the_next(tmp_path):
    (tmp_path / ".tones-dead" / "tones").mkdir(parents=True)
    os.utime(tmp_path / ".tones-dead", (0, 0))
    with atomic.folder_aside(tmp_path, ".tones-") as mine, atomic.folder_aside(tmp_path, ".tones-") as another:
        assert {path.name for path in tmp_path.iterdir()} == {mine.name, another.name}
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongCall, match=r"--to .* is a folder: name a file"):
        atomic.check_place("--to", tmp_path)
    with pytest.raises(WrongCall, match=r"--to .*file cannot be written to"):
        atomic.check_place("--to", tmp_path / "file" / "table.csv")
