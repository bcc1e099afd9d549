"""Every row of a run again without pairs of folds: what held-out speakers owe to each other's training.

In:   a plan, and what its run came to.
Out:  what each fold's contribution to a row's UAR loses when another fold is left out of its training, too.
Rule: hyperparameters and rounds are held as the fold's search chose them; the pairs are the same for all rows. `scores.uncertainty` says
      what follows from the losses.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.evaluation.evidence import SYSTEM
from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.run_folder import REFITS, Run, RunFolder
from ser_bench.evaluation.runner import run_units
from ser_bench.evaluation.splits import fold_pairs
from ser_bench.evaluation.units import EvaluationSet, Refit, StoredResult, Unit, WithoutFold, make_unit, read_unit
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 24
"""Pairs of folds left out per row, over all seeds; two fits each."""


def refit_without_pairs(planned: Plan, run: Run, progress: Progress, *, fresh: bool = False) -> Run:
    """The run with its `refits`, which its folder gets, too.

    Parameters
    ----------
    planned : Plan
    run : Run
        What it came to.
    fresh : bool
        Fit everything again, finished or not.
    """
    began = time.perf_counter()
    table, warnings = losses_of(planned, finished_units(planned, run), progress, fresh=fresh)
    RunFolder(run.folder).write_refits(table)
    seconds = run.seconds | {"refits": time.perf_counter() - began}
    return dataclasses.replace(run, refits=table, warnings=[*run.warnings, *warnings], seconds=seconds)


def losses_of(
    planned: Plan, kept: Mapping[str, StoredResult], progress: Progress, *, fresh: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """What folds lose without each other, for units that are finished.

    Parameters
    ----------
    planned : Plan
    kept : mapping of str to StoredResult
        Its units' results by hash; others are left out.
    fresh : bool
        As in `refit_without_pairs`.

    Returns
    -------
    table : DataFrame
        The columns of `REFITS`; empty where there are no pairs of folds to leave out: under a time limit, in splits that share speakers
        or leave sentences or speakers out of training, with fewer than three folds.
    warnings : list of str
        That refits failed, and why.
    """
    if planned.config.time_limit or not has_pairs(planned.eval_set):
        return _none(), []
    pairs = dataclasses.replace(planned, config=dataclasses.replace(planned.config, storage=""), units=list(_units(planned, kept)))
    done, failures, _ = run_units(pairs, progress, fresh=fresh)
    failed = number_of(len(failures), "refit")
    warnings = [f"{failed} without a pair of folds failed, the first: {why}" for why in list(failures.values())[:1]]
    return loss_table(planned, kept, pairs.units, done), warnings


def has_pairs(eval_set: EvaluationSet) -> bool:
    """Whether a pair of folds can be left out so that all other speakers are trained on."""
    protocol = eval_set.protocol
    return not (protocol.leaky or protocol.text or protocol.max_speakers) and min(folds.max() + 1 for folds in eval_set.folds.values()) > 2


def finished_units(planned: Plan, run: Run) -> dict[str, StoredResult]:
    """The units of a run, by hash, of systems without a failed one."""
    store = Path(planned.config.out) / "units"
    failed = set(run.cells.loc[run.cells["status"] == "failed", SYSTEM].itertuples(index=False, name=None))
    return {unit.hash: kept for unit in planned.units if unit.system not in failed and (kept := read_unit(store, unit))}


def refit_of(kept: StoredResult) -> Refit:
    """The hyperparameters and rounds of a unit's final fit."""
    return Refit(kept.metadata["params"], kept.metadata["rounds"])


def _units(planned: Plan, kept: Mapping[str, StoredResult]) -> Iterator[Unit]:
    eval_set = planned.eval_set
    most = max(1, PAIRS // len(eval_set.folds))
    pairs = {
        seed: {pair for one in fold_pairs(int(folds.max()) + 1, most, turn) for pair in (one, one[::-1])}
        for turn, (seed, folds) in enumerate(eval_set.folds.items())
    }
    for u in planned.units:
        for fold, without in sorted(pairs[u.seed]) if u.hash in kept else ():
            if fold == u.fold:
                again = dataclasses.replace(refit_of(kept[u.hash]), change=WithoutFold(without))
                yield make_unit(eval_set, planned.features[u.features], planned.models[u.model], u.track, u.seed, fold, again)


def loss_table(planned: Plan, kept: Mapping[str, StoredResult], units: list[Unit], done: Mapping[str, StoredResult]) -> pd.DataFrame:
    """What each refit costs its fold's contribution to the UAR, one row per refit: the columns of `REFITS`."""
    import pandas as pd

    eval_set = planned.eval_set
    whole = {(u.system, u.seed, u.fold): kept[u.hash] for u in planned.units if u.hash in kept}
    clips = np.bincount(eval_set.codes)
    clip_weights = 1 / (np.count_nonzero(clips) * clips[eval_set.codes])
    rows = []
    for unit in units:
        if unit.hash in done:
            held = eval_set.folds[unit.seed] == unit.fold
            before, after = (
                clip_weights[held] @ (found.predicted == eval_set.codes[held])
                for found in (whole[unit.system, unit.seed, unit.fold], done[unit.hash])
            )
            rows.append((eval_set.corpus, *unit.system, unit.seed, unit.fold, unit.without, float(before - after)))
    return pd.DataFrame(rows, columns=list(REFITS.columns)).sort_values(list(REFITS.columns[:-1]), ignore_index=True) if rows else _none()


def _none() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=list(REFITS.columns))
