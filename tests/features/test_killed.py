"""Processes that are killed while they fill a store, or that share one: nothing is lost, stale or there twice."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features import parse_features
from ser_bench.features.store.feature_store import FeatureStore
from tests import warm
from tests.features.filling import SETS, fill
from tests.small import THOROUGH

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


def test_a_store_killed_at_any_moment_equals_an_undisturbed_one(folder, tmp_path):
    fill(folder, tmp_path / "whole")
    moments = np.random.default_rng(0).uniform(0, 0.6, 8)[: None if THOROUGH else 3]
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
