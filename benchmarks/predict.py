"""How long predictions take: one clip from a cold start, many clips beside `extract`, and the memory for an hour.

    python benchmarks/predict.py path/to/ravdess [--clips 1000] [-f audioemotion26 -f egemaps] [--minutes 60] [--jobs 1]

For each feature set a small support vector machine is fitted on some of the corpus's clips and kept in a file. Then, each in a process of
its own: `predict` of one clip, five times, of which the median is shown (wall clock, and processor time, which a busy machine hardly
changes); `extract` of many clips with an empty store and `predict` of the same ones, in turn, with their ratio; and the highest memory of
`predict --window 3 --hop 1` on recordings of a tenth of the length and of the whole.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from simulate import print_table

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.bundle import Bundle
from ser_bench.corpora import load_corpus
from ser_bench.features import ExtractionOptions, extract_corpus, parse_features
from ser_bench.models import known_models
from ser_bench.models.base import Split, prepare_split
from ser_bench.models.calibration import Calibrator
from ser_bench.utils.formatting import number_of
from ser_bench.utils.parallel import Workers

FEATURES = ("audioemotion26", "egemaps")
COLD, IN_TURN = 5, 3
TRAINED_ON = 200


class Spent(NamedTuple):
    """What a process took: seconds by the clock and of the processor, and the most memory, in MB."""

    wall: float
    cpu: float
    memory: float


def spent_on(*command: str | Path) -> Spent:
    """Run `ser-bench` in a process of its own, what it prints thrown away."""
    begun = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "ser_bench", *map(str, command)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, handle, os.devnull, os.O_WRONLY, 0) for handle in (1, 2)],
    )
    _, status, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"ser-bench {' '.join(map(str, command))} failed")
    return Spent(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def fitted(corpus: Path, features: str, folder: Path) -> Path:
    """A support vector machine in a file, with the defaults, on some of the corpus's clips."""
    loaded = load_corpus(corpus)
    chosen = loaded.clips.iloc[:: max(1, len(loaded.clips) // TRAINED_ON)]
    feature_set = parse_features(features)
    extraction = extract_corpus(
        dataclasses.replace(loaded, clips=chosen), [feature_set], ExtractionOptions(folder / "training", Workers(1))
    )
    found = extraction.features(feature_set)
    classes, codes = np.unique(extraction.clips["emotion"].to_numpy(str), return_inverse=True)
    mean, scale = found.values.mean(0), (1 / np.maximum(found.values.std(0), 1e-6)).astype(np.float32)
    x, model = (found.values - mean) * scale, known_models()["svm"]()
    machine = prepare_split(model, Split(x, codes, x, None, len(classes))).train(dict(model.defaults), 0)
    shape = (found.columns, found.groups, Preprocessing(), model.label, machine, False, Calibrator(), mean, scale)
    return Bundle(features, found.fingerprint, *shape, tuple(map(str, classes)), {}, "").save(folder / f"{features}.serb")


def cold_start(model: Path, clip: Path) -> list[str]:
    """The median of several processes that predict one clip."""
    found = [spent_on("predict", model, clip) for _ in range(COLD)]
    return [f"{statistics.median(spent.wall for spent in found):.2f}", f"{statistics.median(spent.cpu for spent in found):.2f}"]


def many(model: Path, manifest: Path, features: str, clips: Sequence[Path], jobs: int) -> list[str]:
    """Seconds for many clips: of extraction into an empty store, of prediction, and their ratio, the median of several in turn."""
    extracted, predicted = [], []
    for _ in range(IN_TURN):
        with tempfile.TemporaryDirectory() as empty:
            extracted.append(spent_on("extract", manifest, "-f", features, "--cache", empty, "--jobs", str(jobs)))
        predicted.append(spent_on("predict", model, *clips, "--format", "csv", "--jobs", str(jobs)))
    cells = []
    for what in ("wall", "cpu"):
        a, b = ([getattr(spent, what) for spent in each] for each in (extracted, predicted))
        ratio = statistics.median(y / x for x, y in zip(a, b, strict=True))
        cells += [f"{statistics.median(a):.1f}", f"{statistics.median(b):.1f}", f"{ratio:.2f}"]
    return cells


def memory(model: Path, clips: Sequence[Path], minutes: float, folder: Path) -> list[str]:
    """The most memory for recordings of a tenth of the length and of the whole, in MB, and the seconds of the latter."""
    found = []
    for length in (minutes / 10, minutes):
        recording = folder / "recording.wav"
        with soundfile.SoundFile(recording, "w", 16_000, 1) as file:
            for number in range(10**9):
                samples, rate = soundfile.read(clips[number % len(clips)], dtype="float32", always_2d=True)
                file.write(samples[:: max(1, rate // 16_000), 0])
                if file.tell() >= length * 60 * 16_000:
                    break
        found.append(spent_on("predict", model, recording, "--window", "3", "--hop", "1", "--jobs", "1"))
    return [f"{found[0].memory:.0f}", f"{found[1].memory:.0f}", f"{found[1].cpu:.0f}"]


def manifest_of(corpus: Path, n: int, folder: Path) -> tuple[Path, list[Path]]:
    """A manifest of so many clips of a corpus, and their files."""
    loaded = load_corpus(corpus)
    table = loaded.clips.iloc[:n][["path", "emotion", "speaker"]]
    table.to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv", [Path(path) for path in table["path"]]


def main() -> None:
    """Print a table per question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("-f", "--features", action="append")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    sets = given.features or list(FEATURES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest, clips = manifest_of(given.corpus, given.clips, folder)
        models = {features: fitted(given.corpus, features, folder) for features in sets}
        print(f"one clip from a cold start, median of {COLD} processes (s)")
        print_table(["features", "wall", "CPU"], [[features, *cold_start(model, clips[0])] for features, model in models.items()])
        if given.clips > 1:
            print(f"\n{len(clips)} clips, {number_of(given.jobs, 'process', 'processes')}, median of {IN_TURN} in turn (s)")
            head = ["features", "extract", "predict", "ratio", "extract CPU", "predict CPU", "ratio of CPU"]
            rows = [[features, *many(model, manifest, features, clips, given.jobs)] for features, model in models.items()]
            print_table(head, rows)
        if given.minutes:
            print(f"\nwindows of 3 s every second: highest memory (MB), CPU (s) of {given.minutes:g} min")
            head = ["features", f"{given.minutes / 10:g} min", f"{given.minutes:g} min", "CPU"]
            print_table(head, [[features, *memory(model, clips, given.minutes, folder)] for features, model in models.items()])


if __name__ == "__main__":
    main()
