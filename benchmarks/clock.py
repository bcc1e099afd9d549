"""How long commands take, and the share of imports: a Markdown table.

    python benchmarks/clock.py [CORPUS] [--times N]

CORPUS is a folder of short clips to extract from; 150 synthetic ones without. Times are medians over N processes: user and system time,
which other processes hardly change, and wall time. Each command is called once before: that is when numba compiles, and when the run of the
embedded corpus, the last row, is made, which takes minutes. `extract` begins with an empty store each time. Import times are of one process
under `-X importtime`, which slows them somewhat: each package's own modules, without what they import; packages of `SHOWN` or more are
named, the slowest first.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from simulate import parse_repetitions, print_table

import ser_bench

LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
SHOWN = 0.02
"""Seconds."""
SHORT = "tones(speakers=5,emotions=5,takes=6)"


def commands(corpus: Path) -> dict[str, list[str]]:
    """The commands that are timed, by name."""
    lists = {name: [name] for name in ("--help", "corpora", "labels", "models", "features")}
    extract = ["extract", str(corpus), "-f", "spectral+mfcc", "--jobs", "1", "--cache", "cold"]
    return {**lists, "extract, cold": extract, "run, nothing to do": ["run", "tones", "--jobs", "1"]}


def process(folder: Path, arguments: list[str], *flags: str) -> tuple[float, float, str]:
    """Run a command in a folder from an empty store named 'cold'; CPU and wall time in seconds, and stderr."""
    shutil.rmtree(folder / "cold", ignore_errors=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    script = str(Path(sys.executable).with_name("ser-bench"))
    done = subprocess.run([sys.executable, *flags, script, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not LINE.match(line)]
        sys.exit(f"ser-bench {' '.join(arguments)} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stderr


def imports(stderr: str) -> tuple[dict[str, float], int]:
    """Seconds of imports by package, all of the standard library as one, and how many modules there were."""
    found: Counter[str] = Counter()
    lines = LINE.findall(stderr)
    for microseconds, module in lines:
        package = module.partition(".")[0]
        found["standard library" if package in sys.stdlib_module_names else package] += int(microseconds)
    return {package: spent / 1e6 for package, spent in found.most_common()}, len(lines)


def measured(folder: Path, corpus: Path, times: int) -> Iterator[list[str]]:
    """A row per command."""
    for name, arguments in commands(corpus).items():
        print(f"{name}: once before it is timed", file=sys.stderr, flush=True)
        process(folder, arguments)
        taken = [process(folder, arguments)[:2] for _ in range(times)]
        cpu, wall = (statistics.median(column) for column in zip(*taken, strict=True))
        found, modules = imports(process(folder, arguments, "-X", "importtime")[2])
        packages = ", ".join(f"{package} {spent:.2f}" for package, spent in found.items() if spent >= SHOWN)
        yield [name, f"{cpu:.2f}", f"{wall:.2f}", f"{sum(found.values()):.2f}", str(modules), packages]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--times", type=parse_repetitions, default=5)
    options = parser.parse_args()
    head = ["command", "CPU (s)", "wall (s)", "imports (s)", "modules", "of which (s)"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus = (options.corpus or ser_bench.load_corpus(SHORT, cache=folder / "clips").folder).resolve()
        print_table(head, measured(folder, corpus, options.times))


if __name__ == "__main__":
    main()
