"""The store: time of a second run as a whole process, memory while it is filled, and time to read it as a matrix.

    python benchmarks/store.py path/to/corpus [--rows 1000 10000 100000]

A second run: `ser-bench extract` of three sets, once to fill an empty store, then three times more, and once with --verify.
Memory: extraction of as many clips as `--rows` says: 100 ms segments, every half millisecond, of a few synthetic files, so that each has
a key and a row of its own; the highest resident memory of the main process, which holds the keys of all, and of its workers.
A matrix: rows x 88 read from the store, all keys asked for in random order.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from ser_bench.utils.formatting import number_of

RATE = 16_000
SETS = ("egemaps", "spectral+mfcc", "audioemotion26")


def second_run(corpus: str, store: Path) -> None:
    """Print how long a second extraction takes."""
    command = [str(Path(sys.executable).with_name("ser-bench")), "extract", corpus, "--cache", str(store)]
    command += [word for name in SETS for word in ("-f", name)]

    def seconds(*options: str) -> float:
        began = time.perf_counter()
        subprocess.run([*command, *options], check=True, capture_output=True)
        return time.perf_counter() - began

    first, again = seconds(), [seconds() for _ in range(3)]
    print(f"{corpus}: {', '.join(SETS)}")
    print(f"first {first:.1f} s; again {min(again):.2f} to {max(again):.2f} s; with --verify {seconds('--verify'):.2f} s")


def peak(process: str) -> float:
    """The highest resident memory of a process that still runs, in MB (Linux)."""
    with contextlib.suppress(FileNotFoundError):
        for line in Path("/proc", process, "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
    return 0.0


def fill(folder: Path) -> None:
    """Extract the segments of a folder, and print the highest resident memory in MB; in a process of its own."""
    from ser_bench.corpora import load_corpus
    from ser_bench.features import ExtractionOptions, fill_store, parse_features
    from ser_bench.utils.parallel import Workers

    corpus = load_corpus(folder / "spans.csv")
    began = time.perf_counter()
    filled = fill_store(corpus, [parse_features("audioemotion26")], ExtractionOptions(folder / "store", Workers(2)))
    children = Path("/proc/self/task", str(os.getpid()), "children").read_text().split()
    print(
        json.dumps(
            {"main": peak("self"), "worker": max(map(peak, children)), "seconds": time.perf_counter() - began, "clips": len(filled.clips)}
        )
    )


def spans(rows: int, folder: Path) -> None:
    """A manifest of segments of synthetic noise."""
    per_file = 1000
    rng = np.random.default_rng(0)
    table = []
    for number in range(-(-rows // per_file)):
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(RATE), RATE)
        starts = np.arange(min(per_file, rows - number * per_file)) * 0.0005
        table.append(
            pd.DataFrame(
                {
                    "path": path.name,
                    "emotion": np.where(starts < starts[len(starts) // 2], "anger", "fear"),
                    "speaker": (np.arange(len(starts)) % 10).astype(str),
                    "start": starts,
                    "end": starts + 0.1,
                }
            )
        )
    pd.concat(table).to_csv(folder / "spans.csv", index=False)


def memory(rows: int) -> None:
    """Print what filling the store with that many rows takes."""
    with tempfile.TemporaryDirectory() as folder:
        spans(rows, Path(folder))
        done = subprocess.run([sys.executable, __file__, "--fill", folder], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
    print(f"{rows:7,} rows: main process {found['main']:4.0f} MB, a worker {found['worker']:4.0f} MB; {found['seconds']:.0f} s")


def matrix(rows: int) -> None:
    """Print how long it takes to read rows x 88 from the store."""
    from ser_bench.audio.preprocessing import Preprocessing
    from ser_bench.features import known_extractors
    from ser_bench.features.store.feature_store import FeatureStore
    from ser_bench.features.worker import AudioInfo, ExtractionResult

    rng = np.random.default_rng(0)
    values = rng.standard_normal((rows, 88)).astype(np.float32)
    with tempfile.TemporaryDirectory() as cache:
        extractors = {"egemaps": known_extractors()["egemaps"]()}
        keys = [f"{number:032x}" for number in range(rows)]
        store = FeatureStore(Path(cache), extractors, Preprocessing())
        for part in np.array_split(np.arange(rows), 20):
            store.add([ExtractionResult(keys[at], heard=AudioInfo(), vectors={"egemaps": ("", values[at])}) for at in part])
        store.compact()
        order = rng.permutation(rows)
        asked = [keys[at] for at in order]
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            found = FeatureStore(Path(cache), extractors, Preprocessing()).matrix("egemaps", asked)
            seconds.append(time.perf_counter() - began)
        assert (found == values[order]).all()
        parts = len(list(Path(cache).glob("egemaps-*/part-*")))
    print(
        f"{rows:,} x 88 from {number_of(parts, 'part')}: {min(seconds):.2f} to {max(seconds):.2f} s, keys and reasons read and checked too"
    )


def main() -> None:
    """All three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        fill(arguments.fill)
        return
    if arguments.corpus:
        with tempfile.TemporaryDirectory() as store:
            second_run(arguments.corpus, Path(store))
    matrix(max(arguments.rows))
    for rows in arguments.rows:
        memory(rows)


if __name__ == "__main__":
    main()
