"""What a run came to: tables in memory, and the run folder that holds them.

In:   a plan, the units that are finished, and why others failed.
Out:  a `Run`, and `<out>/<corpus>-<8 hex>/` with its tables; the reports are made from those.
Rule: nothing but times may differ between two runs of one configuration on the same clips.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig, to_toml
from ser_bench.evaluation.plan import Ground, Plan
from ser_bench.evaluation.study_storage import shown_command
from ser_bench.evaluation.units import Cell, Finished, Unit, library_versions
from ser_bench.utils.atomic import clear_abandoned, damage_of, set_aside, write_csv, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd


KEYS = ["corpus", "features", "model", "track", "seed", "fold"]
"""What names a unit in predictions and trials."""

VECTOR_INSTRUCTIONS = ("sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "neon", "sve")
"""How the names of instruction sets begin that a numeric library may choose its routines by."""

NUMERIC_VARIABLES = ("OPENBLAS_", "MKL_", "BLIS_", "OMP_", "NPY_DISABLE_CPU", "NPY_ENABLE_CPU", "NUMBA_CPU", "GLIBC_TUNABLES")
"""How the names of environment variables begin that numeric libraries choose their routines by."""


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Parameters
    ----------
    folder : Path
    cells : DataFrame
        One row a cell: what it is, what it cost, and its status; the scores are the reports' to compute.
    predictions, trials, skipped, refits : DataFrame
        As in the run folder; `refits` once they are made.
    fitted, reused : int
        Units fitted now, and units found finished.
    spent : dict of str to float
        Processor seconds that went into units fitted now, by model, the most first.
    failures : list of str
        One line a failed unit.
    """

    folder: Path
    cells: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    skipped: pd.DataFrame
    warnings: list[str]
    fitted: int
    reused: int
    spent: dict[str, float]
    failures: list[str]
    refits: pd.DataFrame | None


def tabulate(planned: Plan, done: dict[str, Finished], failures: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The run's cells, predictions (of cells without a failed unit) and trials."""
    import pandas as pd

    cells, predictions, trials = [], [], []
    for cell, units in planned.cells.items():
        kept = [done[u.hash] for u in units if u.hash in done]
        failed = [failures[u.hash] for u in units if u.hash in failures]
        cells.append(_cell_row(planned, cell, kept, failed))
        if not failed:
            predictions += [_prediction_rows(planned, u, done[u.hash]) for u in units]
        trials += [_trial_rows(planned, u, done[u.hash]) for u in units if u.hash in done]
    by = KEYS[:-1]
    none = pd.DataFrame(columns=KEYS)
    everything = pd.concat(predictions, ignore_index=True).sort_values([*by, "clip"], ignore_index=True) if predictions else none
    return pd.DataFrame(cells), everything, pd.concat(trials, ignore_index=True) if trials else none


def _cell_row(planned: Plan, cell: Cell, kept: list[Finished], failed: list[str]) -> dict[str, Any]:
    judged, config = planned.judged, planned.config
    features, model, track = cell
    told = [*judged.notes, *(note for unit in kept for note in unit.about["notes"]), *_cut_short(kept, config.trials)]
    notes = dict.fromkeys(failed[:1] or told)
    return {
        "corpus": judged.corpus,
        "labels": judged.labels,
        "features": features,
        "dims": planned.features[features].values.shape[1],
        "model": model,
        "track": track,
        "cv": str(judged.protocol),
        "speakers": judged.n_voices,
        "clips": int(judged.evaluated.sum()),
        "budget": config.budget,
        "trials": config.trials,
        "seeds": config.seeds,
        "status": "failed" if failed else "leaky" if judged.protocol.leaky else "ok",
        "notes": "; ".join(notes),
        "seconds": round(sum(unit.about["seconds"] for unit in kept), 1),
    }


def _cut_short(kept: list[Finished], trials: int) -> list[str]:
    if not any(unit.about.get("cut_short") for unit in kept):
        return []
    tried = [len(unit.about["trials"]) for unit in kept]
    return [f"TIME LIMIT: {min(tried)} to {max(tried)} of {trials} trials"]


def _named(planned: Plan, unit: Unit) -> dict[str, Any]:
    return {
        "corpus": planned.judged.corpus,
        "features": unit.features,
        "model": unit.model,
        "track": unit.track,
        "seed": unit.seed,
        "fold": unit.fold,
    }


def _prediction_rows(planned: Plan, unit: Unit, kept: Finished) -> pd.DataFrame:
    import pandas as pd

    judged = planned.judged
    held_out = judged.clips[judged.folds[unit.seed] == unit.fold]
    emotions = np.array(judged.emotions)
    rows = {"clip": held_out.index, **{column: held_out[column].to_numpy() for column in ("speaker", "voice", "emotion")}}
    chosen = next((trial["score"] for trial in kept.about["trials"] if trial["chosen"]), np.nan)
    rows |= {"predicted": emotions[kept.predicted]} | {f"p.{e}": p for e, p in zip(emotions, kept.probabilities.T, strict=True)}
    return pd.DataFrame({**_named(planned, unit), **rows, "inner": chosen})


def _trial_rows(planned: Plan, unit: Unit, kept: Finished) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{**_named(planned, unit), **trial} for trial in kept.about["trials"]])


def folder_of(name: str, config: RunConfig, covered: list[str]) -> Path:
    """Where tables lie: a name, such as the corpus's, and a hash of the configuration and of what else their rows depend on."""
    name = re.sub(r"[^\w-]+", "_", name).strip("_")
    digest = hashlib.blake2b(json.dumps([config.what(), covered]).encode(), digest_size=4).hexdigest()
    return Path(config.out) / f"{name}-{digest}"


def write_folder(folder: Path, ground: Ground, config: RunConfig, predictions: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Write a run's tables, each whole or not at all; what the page reads before it is written again is set aside where it is damaged."""
    judged, curves = ground.judged, folder / "learning.csv"
    if why := damage_of(curves):
        set_aside(curves, why, "it is written again with the learning curves")
    clips = judged.clips.assign(**{f"fold_{seed}": fold for seed, fold in judged.folds.items()}).sort_index()
    write_parquet(clips.drop(columns="path"), folder / "clips.parquet")
    write_parquet(predictions, folder / "predictions.parquet", index=False)
    write_parquet(trials, folder / "trials.parquet", index=False)
    write_csv(ground.skipped, folder / "skipped.csv")
    write_terms(folder, ground, config)


def write_refits(folder: Path, refits: pd.DataFrame) -> None:
    """Write what folds lose without each other."""
    write_parquet(refits, folder / "refits.parquet", index=False)


def write_terms(folder: Path, ground: Ground, config: RunConfig, **said: str) -> dict[str, Any]:
    """Write what was asked for and what it was done with: `run.toml`, and `environment.json` with what is `said` besides, returned."""
    write_text(folder / "run.toml", to_toml(config))
    about = environment(ground) | said
    write_environment(folder, about)
    return about


def write_environment(folder: Path, about: dict[str, Any]) -> None:
    """Write `environment.json`; what killed processes left in the folder goes."""
    for place in (folder, folder / "figures"):
        clear_abandoned(place)
    write_text(folder / "environment.json", json.dumps(about, indent=2, ensure_ascii=False) + "\n")


def environment(ground: Ground) -> dict[str, Any]:
    """Versions, machine and command, corpus, feature sets, protocol, a hash of clips and folds a seed, and seconds a stage."""
    return {
        **surroundings(),
        "corpus": describe_corpus(ground),
        "features": ground.sources,
        "protocol": str(ground.judged.protocol),
        "folds": {str(seed): digest for seed, digest in ground.judged.hashes.items()},
        "stages": {stage: round(seconds, 2) for stage, seconds in ground.stages.items()},
        "warnings": ground.warnings,
    }


def surroundings() -> dict[str, Any]:
    """Versions, machine and command."""
    return {
        "ser_bench": version("ser-bench"),
        "python": platform.python_version(),
        "versions": library_versions()
        | {name: version(name) for name in ("librosa", "opensmile", "soundfile", "soxr", "pandas", "pyarrow")},
        "machine": machine(),
        "command": shlex.join(["ser-bench", *shown_command(sys.argv[1:])]) if Path(sys.argv[0]).name == "ser-bench" else "",
    }


def machine() -> dict[str, Any]:
    """What of this machine reaches the last digits of a result: processor, instruction sets, BLAS kernels, and the settings of these.

    Of the process that asks; workers of a Dask cluster elsewhere may differ. Of OpenBLAS, `kernel` is the set of routines that it chose
    for the processor, or was told to choose by ``OPENBLAS_CORETYPE``.
    """
    model, flags = _processor()
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "model": model,
        "instructions": sorted(flag for flag in flags if flag.startswith(VECTOR_INSTRUCTIONS)),
        "cores": os.cpu_count(),
        "blas": _blas(),
        "numpy_simd": _numpy_simd(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(NUMERIC_VARIABLES) and value},
    }


def _processor() -> tuple[str, list[str]]:
    """Its model and its instruction sets, as Linux names them; elsewhere what Python knows, and none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor(), []
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return told.get("model name") or platform.processor(), (told.get("flags") or told.get("features") or "").split()


def _blas() -> list[dict[str, str]]:
    """The BLAS libraries of numpy and scipy with versions and kernels; where none can be asked, the one that numpy was built with."""
    import scipy.linalg  # noqa: F401  (its BLAS is loaded with it)
    from threadpoolctl import threadpool_info

    loaded = [
        {
            "file": Path(library["filepath"]).name,
            "library": library["internal_api"],
            "version": library["version"] or "",
            "kernel": library.get("architecture") or "",
        }
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return sorted(loaded, key=lambda library: library["file"]) or [{"library": built["name"], "version": built["version"], "kernel": ""}]


def _numpy_simd() -> list[str]:
    """The instruction sets that numpy chooses its loops for, here and with its settings."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]
    return [*found["baseline"], *found.get("found", [])]


def describe_corpus(ground: Ground) -> dict[str, Any]:
    """What is judged, with whom to cite for it; `fingerprint` is of every clip's content, emotion and speaker. `effective_speakers` is how
    many speakers of equal weight the UAR is worth."""
    import pandas as pd

    clips, facts = ground.judged.clips, ground.corpus.facts
    tested = clips[ground.judged.evaluated]
    return {
        "name": ground.corpus.name,
        "clips": len(clips),
        "speakers": clips["voice"].nunique(),
        "effective_speakers": round(scores.effective_voices(pd.crosstab(tested["voice"], tested["emotion"])), 1),
        "emotions": {str(emotion): int(n) for emotion, n in clips["emotion"].value_counts().sort_index().items()},
        "hours": round(float(clips["seconds"].sum()) / 3600, 3),
        "licence": facts.licence if facts else "",
        "citation": facts.citation if facts else "",
        "fingerprint": hashlib.blake2b(clips[["key", "emotion", "speaker"]].to_csv(index=False).encode(), digest_size=8).hexdigest(),
    }


def read_about(folder: Path) -> dict[str, Any]:
    """What a folder says of itself; nothing where that cannot be read."""
    try:
        return dict(json.loads((folder / "environment.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
