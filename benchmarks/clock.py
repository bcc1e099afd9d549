"""How long commands take, and the share of imports: two Markdown tables.

    python benchmarks/clock.py [CORPUS] [--times N]

CORPUS is a folder of short clips to extract from; the embedded corpus without. Times are medians over N processes: user and system time,
which other processes hardly change, and wall time. Import times are of one process under `-X importtime`, which slows them somewhat: each
library's own modules, without what they import.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "numba", "sklearn", "librosa", "opensmile", "optuna", "xgboost", "matplotlib", "rich")
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
RUN = ["run", "tones", "--jobs", "1"]


def commands(corpus: str) -> dict[str, list[str]]:
    """The commands that are timed, by name."""
    return {
        "--help": ["--help"],
        "models": ["models"],
        "features": ["features"],
        "extract, cold": ["extract", corpus, "-f", "spectral+mfcc", "--jobs", "1", "--cache", "cold"],
        "run, nothing to do": RUN,
    }


def process(folder: Path, arguments: list[str], *flags: str) -> tuple[float, float, str]:
    """Run a command in a folder from an empty store named 'cold'; CPU time, wall time (s) and stderr."""
    shutil.rmtree(folder / "cold", ignore_errors=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    script = str(Path(sys.executable).with_name("ser-bench"))
    done = subprocess.run([sys.executable, *flags, script, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if done.returncode:
        sys.exit(f"ser-bench {' '.join(arguments)} failed: {done.stderr.splitlines()[-1]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stderr


def imports(stderr: str) -> tuple[dict[str, float], int]:
    """Seconds of imports by library, and how many modules there were."""
    found: defaultdict[str, float] = defaultdict(float)
    lines = LINE.findall(stderr)
    for microseconds, module in lines:
        found[module.partition(".")[0]] += int(microseconds) / 1e6
    return found, len(lines)


def table(rows: list[list[str]]) -> str:
    """Rows, the first a header, as a Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", nargs="?", default="tones")
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    corpus = asked.corpus if asked.corpus == "tones" else os.path.abspath(asked.corpus)
    clock = [["command", "CPU (s)", "wall (s)", "imports (s)", "modules", "heavy libraries"]]
    spent = [["command", *LIBRARIES]]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for _ in range(2):
            process(folder, RUN)
        for name, arguments in commands(corpus).items():
            taken = [process(folder, arguments)[:2] for _ in range(asked.times)]
            cpu, wall = (statistics.median(column) for column in zip(*taken, strict=True))
            found, modules = imports(process(folder, arguments, "-X", "importtime")[2])
            heavy = sum(library in found for library in LIBRARIES)
            clock.append([name, f"{cpu:.2f}", f"{wall:.2f}", f"{sum(found.values()):.2f}", str(modules), str(heavy)])
            spent.append([name, *(f"{found[library]:.2f}" if library in found else "" for library in LIBRARIES)])
    print(table(clock), table(spent), sep="\n\n")


if __name__ == "__main__":
    main()
