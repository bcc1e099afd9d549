"""What more speakers to learn from bring: every row of a run again, learnt from fewer of them.

In:   a plan, and what its run came to.
Out:  a row a cell and number of training speakers: its UAR on the same held-out clips.
Rule: in each fold some training speakers are drawn, the same for all rows, and nobody else is learnt from. Parameters and rounds are
      held as the fold's search chose them among all: a point tells what fewer speakers cost a system. What searches among these would
      find is an ablation's to tell (``[sweep]``, ``"cv" = ["auto@4"]``).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.plan import Plan
from ser_bench.progress import Progress
from ser_bench.protocol import halvings
from ser_bench.record import Run
from ser_bench.runner import finish
from ser_bench.units import Cell, Finished, Judged, make_unit, read_unit

if TYPE_CHECKING:
    import pandas as pd

CELL = ["features", "model", "track"]
COLUMNS = ("corpus", *CELL, "speakers", "uar", "uar_low", "uar_high")


def curves_of(config: RunConfig, judged: Judged) -> bool:
    """Whether rows get curves: where they are asked for, and not under a LEAKY split."""
    return config.curves and not judged.protocol.leaky


def learning_curves(planned: Plan, run: Run, progress: Progress, *, fresh: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Judge every row that did not fail with half of the training speakers, a quarter, and so on, as long as there are two.

    Parameters
    ----------
    planned : Plan
    run : Run
        What it came to.
    fresh : bool
        Do every unit again, finished or not.

    Returns
    -------
    table : DataFrame
        The columns of `COLUMNS`. `speakers` counts those learnt from, those who share audio as one; at the end of a row's curve it is
        all of them, the fewest where folds differ.
    warnings : list of str
        That points are missing, and why.
    """
    import pandas as pd

    began, judged = time.perf_counter(), planned.judged
    kept, warnings = _kept(planned, run), []
    held = {key: held_of(unit) for key, unit in kept.items()}
    everybody = judged.fewest_voices()
    by_number = {everybody: _predicted(planned, kept)}
    for n in halvings(everybody):
        fewer = plan_fewer(planned, held, n)
        done, failures, _ = finish(fewer, progress, fresh=fresh)
        by_number[n] = _predicted(fewer, done)
        if failures:
            first = next(iter(failures.values()))
            warnings.append(f"learning curves: {len(failures)} unit(s) failed with {n} speakers to learn from, the first: {first}")
    planned.stages["learning curves"] = time.perf_counter() - began
    tested, speakers = judged.evaluated, judged.clips["speaker"].to_numpy(str)
    rows = [
        (
            judged.corpus,
            *cell,
            n,
            *scores.jackknife_interval(judged.codes[tested], codes[:, tested], speakers[tested], cross_validated=True),
        )
        for n, by_cell in by_number.items()
        for cell, codes in by_cell.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4).sort_values(list(COLUMNS[:5]), ignore_index=True), warnings


def _kept(planned: Plan, run: Run) -> dict[str, Finished]:
    """The units of a run, by hash, of cells without a failed one."""
    store = Path(planned.config.out) / "units"
    failed = set(run.cells.loc[run.cells["status"] == "failed", CELL].itertuples(index=False, name=None))
    return {unit.hash: kept for unit in planned.units if unit.cell not in failed and (kept := read_unit(store, unit))}


def _predicted(planned: Plan, done: Mapping[str, Finished]) -> dict[Cell, np.ndarray]:
    """The codes that each cell whose units are all done predicts, shape (n_seeds, n_clips)."""
    whole = {cell: units for cell, units in planned.cells.items() if all(unit.hash in done for unit in units)}
    return {cell: planned.judged.predicted(units, done) for cell, units in whole.items()}


def held_of(kept: Finished) -> str:
    """The parameters and rounds of a unit's final fit, as JSON."""
    return json.dumps({name: kept.about[name] for name in ("params", "rounds")}, sort_keys=True)


def plan_fewer(planned: Plan, held: Mapping[str, str], n: int) -> Plan:
    """The same rows learnt from n speakers.

    Parameters
    ----------
    planned : Plan
    held : mapping of str to str
        What to hold, as `held_of` gives it, by the hashes of the units that it is of; others are left out.
    n : int
    """
    judged = dataclasses.replace(planned.judged, protocol=dataclasses.replace(planned.judged.protocol, most=n))
    units = [
        make_unit(judged, planned.features[u.features], planned.models[u.model], u.track, u.seed, u.fold, 0, 0, held[u.hash])
        for u in planned.units
        if u.hash in held
    ]
    # There are no studies to be copied.
    return dataclasses.replace(planned, judged=judged, config=dataclasses.replace(planned.config, storage=""), units=units)
