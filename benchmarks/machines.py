"""How much results differ between processors, as far as one machine can show: its libraries are made to use the routines of others.

    python benchmarks/machines.py path/to/corpora [--trials 10] [--models svm xgb] [--crossed svm] [--settings "OpenBLAS Haswell"]

The folder holds emodb/ and ravdess/. Under each setting, in a process of its own, `egemaps` is evaluated with every model on EMO-DB's
four emotions and across corpora from RAVDESS to EMO-DB, and a few clips are extracted again, as for the reference. Settings choose the
BLAS kernel (`OPENBLAS_CORETYPE`), the loops of numpy (`NPY_DISABLE_CPU_FEATURES`), the functions of glibc's libm (`GLIBC_TUNABLES`), the
target of numba, or all of them as an older processor would. Kernels that this processor cannot execute, or that are another's under a
second name, are skipped with a line. Printed are UAR, the share of predictions that differ from the default's, and whether ranks or
p < .05 changed; then how much each system and the features varied over all settings.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from simulate import decimals, print_table

LEVEL = 0.05
CORES = ("SkylakeX", "Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott", "Cooperlake", "SapphireRapids")
EXTRACTED = ("egemaps", "spectral+mfcc")
EVERY = 30
"""One in so many clips is extracted again."""
LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4"}
AS_FOUND = "default"
MODELS = ("svm", "logreg", "rf", "xgb", "mlp")

Variables = Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of a setting.

    Parameters
    ----------
    machine : dict
        As in `environment.json`.
    scores : DataFrame
        A row per system: ``system, uar, rank, p_vs_best``, the latter two blank across corpora.
    decisions : DataFrame
        ``system, seed, clip, predicted``.
    features : DataFrame
        Clips extracted under the setting; shape (n_clips, n_columns).
    """

    machine: dict[str, Any]
    scores: pd.DataFrame
    decisions: pd.DataFrame
    features: pd.DataFrame


def settings() -> dict[str, Variables]:
    """Environment variables by setting, the first of them none."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wide = [name for name in found if name.startswith(("AVX512", "X86_V4"))]
    narrow, baseline = ({"NPY_DISABLE_CPU_FEATURES": " ".join(names)} for names in (wide, found))
    kernels = {f"OpenBLAS {core}": {"OPENBLAS_CORETYPE": core} for core in CORES}
    numpys = {"numpy without AVX-512": narrow} if wide else {}
    numpys |= {"numpy's baseline": baseline} if found else {}
    haswell = {"OPENBLAS_CORETYPE": "Haswell", **narrow, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}
    prescott = {"OPENBLAS_CORETYPE": "Prescott", **baseline, **LIBM, "NUMBA_CPU_NAME": "generic"}
    return {AS_FOUND: {}, **kernels, **numpys, "libm without FMA": LIBM, "all as with AVX2": haswell, "all as with SSE3": prescott}


def call(variables: Variables, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this file in a process of its own, under these variables."""
    line = [sys.executable, __file__, *arguments]
    return subprocess.run(line, env=os.environ | variables, capture_output=True, text=True, check=False)


def kernels_of(machine: Mapping[str, Any]) -> str:
    """The BLAS kernels in use: ``Haswell``."""
    return " + ".join(sorted({library["kernel"] or library["library"] for library in machine["blas"]}))


def possible(wanted: Mapping[str, Variables]) -> dict[str, Variables]:
    """The settings that can be measured and are not another's under a second name; says of the others why not."""
    kept: dict[str, Variables] = {}
    kernels: dict[str, str] = {}
    for name, variables in wanted.items():
        tried = call(variables, "--probe")
        if tried.returncode:
            print(f"{name}: {why(tried)}")
            continue
        kernel = kernels_of(json.loads(tried.stdout))
        if set(variables) == {"OPENBLAS_CORETYPE"} and kernel in kernels:
            print(f"{name}: this OpenBLAS takes {kernel} for it, which stands for it as '{kernels[kernel]}'")
            continue
        kernels.setdefault(kernel, name)
        kept[name] = variables
    return kept


def why(ended: subprocess.CompletedProcess[str]) -> str:
    """Why a process failed, in a line."""
    if ended.returncode == -signal.SIGILL:
        return "this processor cannot execute it (illegal instruction)"
    return (ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"])[-1]


def probe() -> None:
    """Use the routines that a search uses, and print what they run on."""
    import scipy.linalg

    from ser_bench.evaluation.environment import machine

    for kind in ("float32", "float64"):
        x = np.random.default_rng(0).random((300, 88)).astype(kind)
        scipy.linalg.eigh(np.exp(-(x.T @ x) / 1e3))
    print(json.dumps(machine()))


def measure(corpora: Path, cache: str, to: Path, options: argparse.Namespace) -> None:
    """Evaluate and extract under the setting of this process; leaves an `Outcome` in a folder."""
    import ser_bench
    from ser_bench.evaluation.environment import machine

    emodb, ravdess = str(corpora / "emodb"), str(corpora / "ravdess")
    search = {"trials": options.trials, "inner": 3, "learning_curves": False}
    shared = {"out": str(to / "runs"), "cache": cache, "jobs": 1, "features": "egemaps", "seed": options.seed}
    within = ser_bench.run(emodb, labels="big4", cv="loso", models=options.models, **search, **shared)
    across = ser_bench.cross(ravdess, emodb, track="train", models=options.crossed, **shared)
    table, rows = (frame[frame["train"] != frame["test"]] for frame in (across.table, across.predictions))
    scores = [within.leaderboard.assign(system="EMO-DB " + within.leaderboard["model"])]
    scores.append(table.assign(system="RAVDESS to EMO-DB " + table["model"], rank=np.nan, p_vs_best=np.nan))
    decisions = [within.predictions.assign(system="EMO-DB " + within.predictions["model"])]
    decisions.append(rows.assign(system="RAVDESS to EMO-DB " + rows["model"]))
    pd.concat([part[["system", "uar", "rank", "p_vs_best"]] for part in scores]).to_parquet(to / "scores.parquet")
    pd.concat([part[["system", "seed", "clip", "predicted"]] for part in decisions]).to_parquet(to / "decisions.parquet")
    extract_some([emodb, ravdess], str(to / "store")).to_parquet(to / "features.parquet")
    (to / "machine.json").write_text(json.dumps(machine()), encoding="utf-8")


def extract_some(corpora: Iterable[str], cache: str) -> pd.DataFrame:
    """One in `EVERY` clips of each corpus, all of `EXTRACTED` joined."""
    import dataclasses

    import ser_bench

    loaded = [ser_bench.load_corpus(corpus) for corpus in corpora]
    some = [dataclasses.replace(corpus, clips=corpus.clips[::EVERY]) for corpus in loaded]
    return pd.concat([ser_bench.extract(corpus, "+".join(EXTRACTED), cache=cache) for corpus in some])


def read(folder: Path) -> Outcome:
    """What a setting left."""
    tables = (pd.read_parquet(folder / f"{name}.parquet") for name in ("scores", "decisions", "features"))
    return Outcome(json.loads((folder / "machine.json").read_text(encoding="utf-8")), *tables)


def differing(first: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Per system, the share of predictions that differ, over clips and seeds."""
    both = first.merge(other, on=["system", "seed", "clip"], validate="one_to_one", suffixes=("", "_other"))
    return (both["predicted"] != both["predicted_other"]).groupby(both["system"]).mean()


def changed(first: pd.DataFrame, other: pd.DataFrame) -> tuple[bool, list[str]]:
    """Whether ranks changed, and the systems that stand on the other side of `LEVEL` against the best (or are another best)."""
    one, two = (scores.dropna(subset="rank").set_index("system").sort_index() for scores in (first, other))
    behind, behind_other = (scores["p_vs_best"] < LEVEL for scores in (one, two))
    other_best = one["p_vs_best"].isna() != two["p_vs_best"].isna()
    return bool((one["rank"] != two["rank"]).any()), list(one.index[(behind != behind_other) | other_best])


def moved(first: pd.DataFrame, other: pd.DataFrame) -> float:
    """The largest difference of a feature, in standard deviations of its column over the clips."""
    spread = first.std().to_numpy()
    varies = spread > 0
    return float((np.abs(other.loc[first.index].to_numpy() - first.to_numpy())[:, varies] / spread[varies]).max())


def setting_row(name: str, first: Outcome, outcome: Outcome) -> list[str]:
    """A setting's row: what it ran on, UAR of every system, and what moved."""
    uars, uars_first = (o.scores.set_index("system")["uar"] for o in (outcome, first))
    ranks, systems = changed(first.scores, outcome.scores)
    largest, share = (uars - uars_first).abs().max(), differing(first.decisions, outcome.decisions).max()
    simd = outcome.machine["numpy_simd"][-1]
    cells = [name, kernels_of(outcome.machine), simd, *(decimals(uar, 4) for uar in uars)]
    said = ["changed" if ranks else "same", ", ".join(systems) or "same"]
    return [*cells, decimals(largest, 4), f"{100 * share:.1f}%", *said, f"{moved(first.features, outcome.features):.1g}"]


def system_row(system: str, first: Outcome, outcomes: Iterable[Outcome]) -> list[str]:
    """A system's row: its UAR by default, and the lowest, the highest and the most differing decisions over all settings."""
    uars = [outcome.scores.set_index("system")["uar"][system] for outcome in outcomes]
    share = max(differing(first.decisions, outcome.decisions)[system] for outcome in outcomes)
    return [system, *(decimals(uar, 4) for uar in (uars[0], min(uars), max(uars))), f"{100 * share:.1f}%"]


def main() -> None:
    """Measure under every setting that this processor can take, and print what moved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="?", help="a folder that holds ravdess/ and emodb/")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="evaluated within EMO-DB")
    parser.add_argument("--crossed", nargs="+", default=["svm", "logreg"], help="evaluated from RAVDESS to EMO-DB")
    parser.add_argument("--trials", type=int, default=10, help="trials within EMO-DB")
    parser.add_argument("--settings", nargs="+", choices=list(settings()), help="only these, and the default", metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", default="features", help="the store of extracted features")
    parser.add_argument("--probe", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        return probe()
    if not options.corpora:
        parser.error("name the folder that holds ravdess/ and emodb/")
    if options.measure:
        return measure(options.corpora, options.cache, options.measure, options)
    report(options)


def report(options: argparse.Namespace) -> None:
    """Print both tables."""
    outcomes: dict[str, Outcome] = {}
    arguments = [str(options.corpora), "--trials", str(options.trials), "--seed", str(options.seed), "--cache", options.cache]
    arguments += ["--models", *options.models, "--crossed", *options.crossed]
    wanted = {name: variables for name, variables in settings().items() if name in {AS_FOUND, *(options.settings or settings())}}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, variables) in enumerate(possible(wanted).items()):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            ended = call(variables, *arguments, "--measure", str(folder))
            if ended.returncode:
                print(f"{name}: {why(ended)}")
                continue
            outcomes[name] = read(folder)
            print(f"{name}: done", file=sys.stderr, flush=True)
    first = outcomes[AS_FOUND]
    systems = list(first.scores["system"])
    head = ["setting", "BLAS kernel", "numpy", *systems, "largest difference", "different decisions (max.)", "ranks", "p < .05"]
    print_table([*head, "features, sd"], [setting_row(name, first, outcome) for name, outcome in outcomes.items()])
    print()
    rows = [system_row(system, first, list(outcomes.values())) for system in systems]
    print_table(["system", "UAR, default", "lowest", "highest", "different decisions (max.)"], rows)


if __name__ == "__main__":
    main()
