"""How long people wait, beside the goals, and what of it is imports: two Markdown tables.

    python benchmarks/clock.py [CORPUS] [--labels SCHEME] [--times N] [--jobs N] [--only JOB ...]
    python benchmarks/clock.py path/to/emodb --labels big4          (what the goals are of)

CORPUS is a folder of short clips; 150 synthetic ones without, for which the goals of jobs that evaluate it say little. Whole processes,
medians over N: wall time, and user and system time, children included, which others hardly change. Each job is done once before it is
timed: that is when numba compiles, and when what later jobs find there is made. Without features, or without compiled code, are those
that say so; `run from nothing` has compiled code and nothing else. Beside them is nkululeko on the same clips and folds, which does not
tune, where it is installed.

Import times are of one process under `-X importtime`, which slows them somewhat: each package's own modules, without what they import;
packages of `SHOWN` or more are named, the slowest first.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulate import parse_repetitions, print_table

import ser_bench

LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
SHOWN = 0.02
"""Seconds."""
SHORT = "tones(speakers=5,emotions=5,takes=6)"
COMPILED = "compiled"
PEER, PEERS_FOLDER = "nkululeko", "peer"
SYSTEM = ("-f", "egemaps", "-m", "svm", "--cv", "loso")
SETS = "egemaps+mfcc+spectral"


@dataclass(frozen=True)
class Job:
    """What is timed.

    Parameters
    ----------
    name : str
    goal : float
        Seconds.
    arguments : tuple of str
        Of `ser-bench`.
    without : tuple of str
        Folders that are removed before.
    peer_without : tuple of str or None
        Those that are removed before nkululeko does the same; None where it has no such job.
    imports : bool
        Whether its imports are listed.
    """

    name: str
    goal: float
    arguments: tuple[str, ...]
    without: tuple[str, ...] = ()
    peer_without: tuple[str, ...] | None = None
    imports: bool = False


def jobs_of(corpus: Path, labels: str, jobs: int) -> list[Job]:
    """All jobs, in an order in which each finds what it needs."""
    n, one, evaluated = ("--jobs", str(jobs)), ("--jobs", "1"), (str(corpus), "--labels", labels)
    lists = [Job(name, 0.3, (name,), imports=True) for name in ("features", "models", "corpora", "labels")]
    extract = ("extract", str(corpus), "-f", "spectral+mfcc", *one, "--cache", "cold")
    system, nothing = ("run", *evaluated, *SYSTEM, *n, "--out", "new"), ("run", "tones", *n, "--out", "new", "--cache", "cold")
    return [
        Job("help", 0.3, ("--help",), imports=True),
        *lists,
        Job("extract, cold", 1.2, extract, ("cold",), imports=True),
        Job("cold job", 16, (*system, "--cache", "cold"), ("cold", "new"), (PEERS_FOLDER,)),
        Job("features there, new nested search and page", 4, (*system, "--cache", "features"), ("new",), (f"{PEERS_FOLDER}/results",)),
        Job("run, nothing to do", 1.0, ("run", *evaluated, *SYSTEM, *one, "--cache", "features"), imports=True),
        Job("run from nothing", 25, nothing, ("cold", "new")),
        Job("run from nothing, compiling", 25, nothing, ("cold", "new", COMPILED)),
        Job("ablation", 100, ("ablate", str(corpus), "-f", SETS, "-m", "svm", *n, "--out", "new", "--cache", "features"), ("new",)),
    ]


def process(folder: Path, command: Sequence[str], without: Sequence[str]) -> tuple[float, float, str]:
    """Run a command in a folder that lacks some of its own; CPU and wall time in seconds, and stderr."""
    for name in without:
        shutil.rmtree(folder / name, ignore_errors=True)
    apart = {"NUMBA_CACHE_DIR": str(folder / COMPILED)} if COMPILED in without else {}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # What is installed is compiled to bytecode once, whatever the shell of a checkout asks for.
    env = {name: value for name, value in (os.environ | apart).items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not LINE.match(line)]
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stderr


def ours(job: Job, *flags: str) -> list[str]:
    """The command line of a job."""
    return [sys.executable, *flags, str(Path(sys.executable).with_name("ser-bench")), *job.arguments]


def peers(folder: Path, corpus: Path, labels: str) -> list[str]:
    """The command line by which nkululeko evaluates the same clips and features by the same folds."""
    clips = ser_bench.load_corpus(corpus).clips
    kept = ser_bench.splits(corpus, labels=labels, cv="loso").set_index("clip")
    table = kept[["speaker", "emotion"]].assign(file=clips.loc[kept.index, "path"])
    table.to_csv(folder / "clips.csv", index=False)
    sections: dict[str, dict[str, object]] = {
        "EXP": {"root": f"{folder}/", "name": PEERS_FOLDER},
        "DATA": {
            "databases": ["clips"],
            "clips": folder / "clips.csv",
            "clips.type": "csv",
            "clips.absolute_path": True,
            "clips.split_strategy": "speaker_split",
            "target": "emotion",
            "labels": sorted(table["emotion"].unique()),
        },
        "FEATS": {"type": ["os"], "set": "eGeMAPSv02"},
        "MODEL": {"type": "svm", "logo": table["speaker"].nunique()},
    }
    lines = [f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for section, keys in sections.items()]
    (folder / "peer.ini").write_text("".join(lines))
    return [sys.executable, "-m", "nkululeko.nkululeko", "--config", str(folder / "peer.ini")]


def median_times(folder: Path, command: Sequence[str], without: Sequence[str], times: int) -> list[float]:
    """Medians of CPU and wall time, after once untimed."""
    process(folder, command, without)
    taken = [process(folder, command, without)[:2] for _ in range(times)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def goals(folder: Path, jobs: Sequence[Job], times: int, peer: Sequence[str]) -> Iterator[list[str]]:
    """A row per job."""
    for job in jobs:
        print(f"{job.name}: once before it is timed", file=sys.stderr, flush=True)
        cpu, wall = median_times(folder, ours(job), job.without, times)
        other = "" if not peer or job.peer_without is None else f"{median_times(folder, peer, job.peer_without, times)[1]:.2f}"
        yield [job.name, f"{job.goal:g}", f"{wall:.2f}", f"{cpu:.2f}", other]


def imports(folder: Path, jobs: Sequence[Job]) -> Iterator[list[str]]:
    """A row per job: seconds of imports, how many modules, and by package, all of the standard library as one."""
    for job in jobs:
        lines = LINE.findall(process(folder, ours(job, "-X", "importtime"), job.without)[2])
        found: Counter[str] = Counter()
        for microseconds, module in lines:
            package = module.partition(".")[0]
            found["standard library" if package in sys.stdlib_module_names else package] += int(microseconds)
        packages = ", ".join(f"{package} {spent / 1e6:.2f}" for package, spent in found.most_common() if spent / 1e6 >= SHOWN)
        yield [job.name, f"{found.total() / 1e6:.2f}", str(len(lines)), packages]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--labels", default="all", help="the label scheme of the jobs that evaluate CORPUS but the ablation; 'all' without")
    parser.add_argument("--times", type=parse_repetitions, default=5)
    parser.add_argument("--jobs", type=parse_repetitions, default=2, help="processes of the jobs that evaluate; 2 without")
    names = [job.name for job in jobs_of(Path(), "", 0)]
    parser.add_argument("--only", nargs="+", choices=names, metavar="JOB", help=f"of {'; '.join(names)}")
    options = parser.parse_args()
    there = importlib.util.find_spec(PEER) is not None
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus = (options.corpus or ser_bench.load_corpus(SHORT, cache=folder / "clips").folder).resolve()
        timed = [job for job in jobs_of(corpus, options.labels, options.jobs) if not options.only or job.name in options.only]
        peer = peers(folder, corpus, options.labels) if there and any(job.peer_without is not None for job in timed) else []
        head = ["job", "goal (s)", "wall (s)", "CPU (s)", f"{PEER}, untuned, wall (s)" if there else f"{PEER} is not installed"]
        print_table(head, goals(folder, timed, options.times, peer))
        if listed := [job for job in timed if job.imports]:
            print()
            print_table(["job", "imports (s)", "modules", "of which (s)"], imports(folder, listed))


if __name__ == "__main__":
    main()
