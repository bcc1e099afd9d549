"""Crashes: every command ended at random moments in every way, then repeated, compared with the same command uninterrupted.

    python benchmarks/crashes.py [--times 20] [--seed 0] [--commands run ablate ...] [--kinds kill term ...]

Kinds: `kill` (SIGKILL of the main process), `all` (SIGKILL of all its processes), `term` (SIGTERM), `int` (Ctrl-C: SIGINT to all),
`pipe` (whoever reads its output goes away), `full` (no file can grow beyond a random size, as on a full disk).
Commands work on the embedded tones in a folder of their own each, with two jobs, and are given again with one, since the number of jobs
changes no result; `two` is one run twice at once, of which one is ended.
A row of the table counts how often the command was ended before it was done, which exit codes it gave, and what was wrong after: an
exit code that nothing documents, processes left running, a second call that failed, results that differ from the undisturbed ones, and
files or shared memory left behind.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

TONES = "tones(speakers=4,emotions=3,takes=2)"
OTHERS = "tones(speakers=4,emotions=3,takes=2,seed=1)"
SMALL = ["-f", "audioemotion26", "-m", "logreg", "--trials", "2", "--inner", "2"]
COMMANDS = {
    "extract": ["extract", TONES, "-f", "audioemotion26"],
    "run": ["run", TONES, *SMALL],
    "audit": ["audit", TONES, "--gap", *SMALL],
    "ablate": ["ablate", TONES, *SMALL, "--mode", "alone"],
    "cross": ["cross", "--train", TONES, "--train", OTHERS, *SMALL],
    "leaderboard": ["leaderboard"],
    "two": ["run", TONES, *SMALL],
}
FIRST = {"leaderboard": [COMMANDS["run"], ["run", OTHERS, *SMALL]]}
"""What is done, undisturbed, before a command can be."""
SIGNALS = {"kill": signal.SIGKILL, "all": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
KINDS = (*SIGNALS, "pipe", "full")
CODES = {"kill": {-9}, "all": {-9}, "term": {143, -15}, "int": {130, -2}, "pipe": set(), "full": {1}}
"""Exit codes of what was ended so, before its end; a negative one where the signal came before Python could hear it."""
SECONDS_TO_END = 20.0
TIMES = ("environment.json", "made.json", "report.html", "leaderboard.html", "audit.html", "ablation.html", ".md", ".svg", ".pdf", ".png")
"""Files, or kinds of files, that say when or how long, or are drawn of those that are compared."""


def start(command: list[str], folder: Path, *, jobs: int, limit: int | None = None) -> subprocess.Popen[bytes]:
    """The command in a session of its own, what it says in a pipe."""
    in_parallel = [] if command == COMMANDS["leaderboard"] else ["--jobs", str(jobs)]

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it starts in the background ignore Ctrl-C
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    words = [sys.executable, "-m", "ser_bench", *command, *in_parallel]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    shared = {"JOBLIB_TEMP_FOLDER": str(shared_by(folder))}
    return subprocess.Popen(words, cwd=folder, env=os.environ | shared, start_new_session=True, preexec_fn=prepare, **streams)


def shared_by(folder: Path) -> Path:
    """Where processes that work in a folder share arrays: away from those of whatever else runs on this machine."""
    return folder.parent / "shared"


def finish(command: list[str], folder: Path, *, jobs: int) -> tuple[int, str]:
    """The command undisturbed: its exit code, and what it said."""
    process = start(command, folder, jobs=jobs)
    said = process.communicate()[0].decode(errors="replace")
    return process.returncode, said


def crash(process: subprocess.Popen[bytes], kind: str, moment: float) -> tuple[bool, str]:
    """End a command after so many seconds; whether that came before its own end, and what it said."""
    try:
        said = process.communicate(timeout=None if kind == "full" else moment)[0]
        return process.returncode != 0, said.decode(errors="replace")
    except subprocess.TimeoutExpired:
        pass
    if kind == "pipe":
        assert process.stdout
        process.stdout.close()
        process.stdout = None
    elif kind in ("all", "int"):
        os.killpg(process.pid, SIGNALS[kind])
    else:
        process.send_signal(SIGNALS[kind])
    said = process.communicate()[0] or b""
    return True, said.decode(errors="replace")


def left_processes(session: int) -> list[str]:
    """What still runs of a session, after some patience."""
    end = time.monotonic() + SECONDS_TO_END
    while True:
        rows = subprocess.run(["ps", "-eo", "sid,stat,pid,args", "--no-headers"], capture_output=True, text=True, check=True).stdout
        mine = [row for row in rows.splitlines() if row.split()[0] == str(session) and not row.split()[1].startswith("Z")]
        if not mine or time.monotonic() > end:
            return mine
        time.sleep(0.2)


def left_files(folder: Path) -> list[str]:
    """Unfinished, abandoned and set-aside files, and arrays that processes shared which are gone."""
    found = [path for path in folder.rglob("*") if path.suffix == ".broken" or path.name.startswith((".tones-", ".part-"))]
    found += [path for path in folder.rglob(".*-????????") if path not in found]
    shared = shared_by(folder).glob("ser-bench-*")
    return [path.name for path in (*found, *shared)]


def results_of(folder: Path) -> dict[str, str]:
    """What came of it, but for times and jobs: every table of results, and every row of the store."""
    found: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            if name.startswith("features/"):  # which rows stand in which part is a matter of time
                home = path.parent.relative_to(folder).as_posix()
                rows = (
                    {} if home.startswith("features/files-") else {f"{home}/{row[0]}": repr(row) for row in table.itertuples(index=False)}
                )
                found |= rows
                continue
            found[name] = table.drop(columns=["seconds"], errors="ignore").to_csv()
        elif path.suffix == ".csv":
            found[name] = pd.read_csv(path).drop(columns=["seconds"], errors="ignore").to_csv()
        elif path.name == "run.toml":
            found[name] = repr({key: value for key, value in tomllib.loads(path.read_text()).items() if key != "jobs"})
        elif not name.endswith(TIMES) and path.name != "extractor.json":
            found[name] = path.read_bytes().hex()
    return found


def try_once(
    name: str, kind: str, base: Path, undisturbed: dict[str, str], seconds: float, rng: random.Random
) -> tuple[int, bool, list[str]]:
    """One crash: exit code, whether it came before the end, and what was wrong after."""
    command, moment, room = COMMANDS[name], rng.uniform(0, seconds), rng.choice([0, 100, 2_000, 10_000, 50_000])
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "work"
        shutil.copytree(base, folder)
        other = start(command, folder, jobs=2) if name == "two" else None
        process = start(command, folder, jobs=2, limit=room if kind == "full" else None)
        ended, last = crash(process, kind, moment)
        wrong = []
        if process.returncode not in CODES[kind] | {0}:
            wrong.append(f"exit {process.returncode} after {moment:.2f} s: {' / '.join(last.strip().splitlines()[-3:])}")
        if other:
            said = other.communicate()[0].decode(errors="replace")
            wrong += [f"the other: exit {other.returncode}: {said.strip().splitlines()[-1]}"] if other.returncode else []
        wrong += [f"still runs: {row}" for row in left_processes(process.pid)]
        again, said = finish(command, folder, jobs=1)
        if again:
            wrong.append(f"again: exit {again}: {said.strip().splitlines()[-1]}")
        found = results_of(folder)
        wrong += [f"differs: {path}" for path in sorted(found.keys() | undisturbed.keys()) if found.get(path) != undisturbed.get(path)][:3]
        wrong += [f"left: {path}" for path in left_files(folder)]
    return process.returncode, ended, wrong


def main() -> None:
    """Print the table, and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    asked = parser.parse_args()
    print(f"{'command':12} {'kind':5} {'times':>5} {'ended':>5} {'wrong':>5}  exit codes", flush=True)
    for name in asked.commands:
        with tempfile.TemporaryDirectory() as place:
            base, whole = Path(place) / "base", Path(place) / "whole"
            base.mkdir()
            for command in FIRST.get(name, []):
                finish(command, base, jobs=2)
            shutil.copytree(base, whole)
            began = time.monotonic()
            code, said = finish(COMMANDS[name], whole, jobs=2)
            seconds, undisturbed = time.monotonic() - began, results_of(whole)
            assert code == 0, said
            for kind in asked.kinds:
                rng = random.Random(f"{asked.seed} {name} {kind}")
                codes: collections.Counter[int] = collections.Counter()
                ends, faults = 0, []
                for _ in range(asked.times):
                    code, ended, wrong = try_once(name, kind, base, undisturbed, seconds, rng)
                    codes[code] += 1
                    ends += ended
                    faults += [wrong] if wrong else []
                shown = ", ".join(f"{code} ({n})" for code, n in sorted(codes.items()))
                print(f"{name:12} {kind:5} {asked.times:5} {ends:5} {len(faults):5}  {shown}", flush=True)
                for wrong in faults:
                    print("   " + "; ".join(wrong), flush=True)


if __name__ == "__main__":
    main()
