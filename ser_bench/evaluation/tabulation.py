"""Finished units as rows: systems, predictions and trials.

In:   a plan, the units that are finished, and why others failed.
Out:  a run's tables but for its scores, as `Run` holds them and `RunFolder` writes them.
Rule: a system with a failed unit has a row that says so, and no predictions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.run_folder import KEYS
from ser_bench.evaluation.units import StoredResult, SystemName, Unit
from ser_bench.utils.formatting import from_to, number_of

if TYPE_CHECKING:
    import pandas as pd


def tabulate(planned: Plan, done: dict[str, StoredResult], failures: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The run's systems, predictions (of systems without a failed unit) and trials."""
    import pandas as pd

    systems, predictions, trials = [], [], []
    for system, units in planned.systems.items():
        kept = [done[u.hash] for u in units if u.hash in done]
        failed = [failures[u.hash] for u in units if u.hash in failures]
        systems.append(_system_row(planned, system, kept, failed))
        if not failed:
            predictions += [prediction_rows(planned, u, done[u.hash]) for u in units]
        trials += [_trial_rows(planned, u, done[u.hash]) for u in units if u.hash in done]
    by = KEYS[:-1]
    none = pd.DataFrame(columns=KEYS)
    everything = pd.concat(predictions, ignore_index=True).sort_values([*by, "clip"], ignore_index=True) if predictions else none
    return pd.DataFrame(systems), everything, pd.concat(trials, ignore_index=True) if trials else none


def _system_row(planned: Plan, system: SystemName, kept: list[StoredResult], failed: list[str]) -> dict[str, Any]:
    eval_set, config = planned.eval_set, planned.config
    features, model, track = system
    copies = planned.features[features].copies
    told = [
        *eval_set.notes,
        *([copies.counted] if copies else []),
        *(note for unit in kept for note in unit.metadata["notes"]),
        *_cut_short(kept, planned.systems[system][0].task.trials),
    ]
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
        "trials": planned.systems[system][0].task.trials,
        "seeds": config.seeds,
        "status": "failed" if failed else "leaky" if eval_set.protocol.leaky else "ok",
        "reason": failed[0] if failed else "",
        "notes": [] if failed else list(dict.fromkeys(told)),
        "seconds": round(sum(unit.metadata["seconds"] for unit in kept), 1),
    }


def _cut_short(kept: list[StoredResult], trials: int) -> list[str]:
    if not any(unit.metadata.get("cut_short") for unit in kept):
        return []
    tried = [len(unit.metadata["trials"]) for unit in kept]
    return [f"TIME LIMIT: {from_to(min(tried), max(tried))} of {number_of(trials, 'trial')}"]


def _named(planned: Plan, unit: Unit) -> dict[str, Any]:
    return {
        "corpus": planned.eval_set.corpus,
        "features": unit.features,
        "model": unit.model,
        "track": unit.track,
        "seed": unit.seed,
        "fold": unit.fold,
    }


def prediction_rows(planned: Plan, unit: Unit, kept: StoredResult) -> pd.DataFrame:
    """What a unit predicted, one row per held-out clip: the columns of `run_folder.PREDICTIONS`."""
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
