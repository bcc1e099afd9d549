"""What a run came to: tables in memory, and the run folder that holds them.

In:   a plan, the units that are finished, and why others failed.
Out:  a `Run`, and `<out>/<corpus>-<8 hex>/` with its tables; the reports are made from those.
Rule: nothing but times may differ between two runs of one configuration on the same clips.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import RunConfig, to_toml
from ser_bench.evaluation.environment import environment
from ser_bench.evaluation.leaderboard import read_board, read_learning, read_predictions, read_references, read_refits, read_resolutions
from ser_bench.evaluation.metrics import read_metrics
from ser_bench.evaluation.plan import Plan, PreparedData
from ser_bench.evaluation.units import Cell, StoredResult, Unit
from ser_bench.utils.atomic import clear_abandoned, damage_of, read_csv, read_parquet, set_aside, write_csv, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd


KEYS = ["corpus", "features", "model", "track", "seed", "fold"]
"""What names a unit in predictions and trials."""


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


def tabulate(planned: Plan, done: dict[str, StoredResult], failures: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
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


def _cell_row(planned: Plan, cell: Cell, kept: list[StoredResult], failed: list[str]) -> dict[str, Any]:
    eval_set, config = planned.eval_set, planned.config
    features, model, track = cell
    told = [*eval_set.notes, *(note for unit in kept for note in unit.metadata["notes"]), *_cut_short(kept, config.trials)]
    notes = dict.fromkeys(failed[:1] or told)
    return {
        "corpus": eval_set.corpus,
        "labels": eval_set.labels,
        "features": features,
        "dims": planned.features[features].values.shape[1],
        "model": model,
        "track": track,
        "cv": str(eval_set.protocol),
        "speakers": eval_set.n_voices,
        "clips": int(eval_set.evaluated.sum()),
        "budget": config.budget,
        "trials": config.trials,
        "seeds": config.seeds,
        "status": "failed" if failed else "leaky" if eval_set.protocol.leaky else "ok",
        "notes": "; ".join(notes),
        "seconds": round(sum(unit.metadata["seconds"] for unit in kept), 1),
    }


def _cut_short(kept: list[StoredResult], trials: int) -> list[str]:
    if not any(unit.metadata.get("cut_short") for unit in kept):
        return []
    tried = [len(unit.metadata["trials"]) for unit in kept]
    return [f"TIME LIMIT: {min(tried)} to {max(tried)} of {trials} trials"]


def _named(planned: Plan, unit: Unit) -> dict[str, Any]:
    return {
        "corpus": planned.eval_set.corpus,
        "features": unit.features,
        "model": unit.model,
        "track": unit.track,
        "seed": unit.seed,
        "fold": unit.fold,
    }


def _prediction_rows(planned: Plan, unit: Unit, kept: StoredResult) -> pd.DataFrame:
    import pandas as pd

    eval_set = planned.eval_set
    held_out = eval_set.clips[eval_set.folds[unit.seed] == unit.fold]
    emotions = np.array(eval_set.emotions)
    rows = {"clip": held_out.index, **{column: held_out[column].to_numpy() for column in ("speaker", "voice", "emotion")}}
    chosen = next((trial["score"] for trial in kept.metadata["trials"] if trial["chosen"]), np.nan)
    rows |= {"predicted": emotions[kept.predicted]} | {f"p.{e}": p for e, p in zip(emotions, kept.probabilities.T, strict=True)}
    return pd.DataFrame({**_named(planned, unit), **rows, "inner": chosen})


def _trial_rows(planned: Plan, unit: Unit, kept: StoredResult) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{**_named(planned, unit), **trial} for trial in kept.metadata["trials"]])


def folder_of(name: str, config: RunConfig, covered: list[str]) -> Path:
    """Where tables lie: a name, such as the corpus's, and a hash of the configuration and of what else their rows depend on."""
    name = re.sub(r"[^\w-]+", "_", name).strip("_")
    digest = hashlib.blake2b(json.dumps([config.result_keys(), covered]).encode(), digest_size=4).hexdigest()
    return Path(config.out) / f"{name}-{digest}"


def write_folder(folder: Path, prepared: PreparedData, config: RunConfig, predictions: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Write a run's tables, each whole or not at all; what the page reads before it is written again is set aside where it is damaged."""
    eval_set, curves = prepared.eval_set, folder / "learning.csv"
    if why := damage_of(curves):
        set_aside(curves, why, "it is written again with the learning curves")
    clips = eval_set.clips.assign(**{f"fold_{seed}": fold for seed, fold in eval_set.folds.items()}).sort_index()
    write_parquet(clips.drop(columns="path"), folder / "clips.parquet")
    write_parquet(predictions, folder / "predictions.parquet", index=False)
    write_parquet(trials, folder / "trials.parquet", index=False)
    write_csv(prepared.skipped, folder / "skipped.csv")
    write_terms(folder, prepared, config)


def write_refits(folder: Path, refits: pd.DataFrame) -> None:
    """Write what folds lose without each other."""
    write_parquet(refits, folder / "refits.parquet", index=False)


def write_terms(folder: Path, prepared: PreparedData, config: RunConfig, **said: str) -> dict[str, Any]:
    """Write what was asked for and what it was done with: `run.toml`, and `environment.json` with what is `said` besides, returned."""
    write_text(folder / "run.toml", to_toml(config))
    metadata = environment(prepared) | said
    write_environment(folder, metadata)
    return metadata


def write_environment(folder: Path, metadata: dict[str, Any]) -> None:
    """Write `environment.json`; what killed processes left in the folder goes."""
    for place in (folder, folder / "figures"):
        clear_abandoned(place)
    write_text(folder / "environment.json", json.dumps(metadata, indent=2, ensure_ascii=False) + "\n")


def read_about(folder: Path) -> dict[str, Any]:
    """What a folder says of itself; nothing where that cannot be read."""
    try:
        return dict(json.loads((folder / "environment.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


@dataclass(frozen=True)
class RunTables:
    """A run folder, read."""

    folder: Path
    leaderboard: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    clips: pd.DataFrame
    skipped: pd.DataFrame
    refits: pd.DataFrame | None
    references: pd.DataFrame
    resolutions: pd.DataFrame
    learning: pd.DataFrame
    metrics: pd.DataFrame
    environment: dict[str, Any]
    configuration: str


def read_run(folder: Path) -> RunTables:
    """Read a run folder's tables."""
    return RunTables(
        folder,
        read_board(folder / "leaderboard.csv"),
        read_predictions(folder),
        read_parquet(folder / "trials.parquet"),
        read_parquet(folder / "clips.parquet"),
        read_csv(folder / "skipped.csv", dtype=str),
        read_refits(folder),
        read_references(folder / "references.csv"),
        read_resolutions(folder / "resolution.csv"),
        read_learning(folder / "learning.csv"),
        read_metrics(folder / "metrics.csv"),
        json.loads((folder / "environment.json").read_text(encoding="utf-8")),
        (folder / "run.toml").read_text(encoding="utf-8"),
    )
