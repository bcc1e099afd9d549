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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from ser_bench import scores
from ser_bench.plan import Plan
from ser_bench.progress import Progress
from ser_bench.protocol import halvings
from ser_bench.record import Run
from ser_bench.runner import finish
from ser_bench.units import Finished, Judged, make_unit, read_unit

if TYPE_CHECKING:
    import pandas as pd

CELL = ["features", "model", "track"]
COLUMNS = ("corpus", *CELL, "speakers", "uar", "uar_low", "uar_high")
Cell = tuple[str, str, str]
Codes = dict[Cell, np.ndarray]
"""The emotion codes predicted by each cell, shape (n_seeds, n_clips)."""


def curves_of(planned: Plan) -> bool:
    """Whether rows of a plan get curves: where they are asked for, and not under a LEAKY split."""
    return planned.config.curves and not planned.judged.protocol.leaky


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

    if run.predictions.empty:
        return pd.DataFrame(columns=list(COLUMNS)), []
    began, judged = time.perf_counter(), planned.judged
    everybody = judged.fewest_voices()
    warnings: list[str] = []
    by_number: dict[int, Codes] = {everybody: dict(_predicted(judged, run.predictions))}
    for n in halvings(everybody):
        by_number[n], failures = _with_fewer(planned, run, n, progress, fresh=fresh)
        if failures:
            warnings.append(f"learning curves: {len(failures)} unit(s) failed with {n} speakers to learn from, the first: {failures[0]}")
    planned.stages["learning curves"] = time.perf_counter() - began
    speakers = judged.clips["speaker"].to_numpy(str)
    rows = [
        (judged.corpus, *cell, n, *scores.jackknife_interval(judged.codes, codes, speakers, cross_validated=True))
        for n, by_cell in by_number.items()
        for cell, codes in by_cell.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4).sort_values(list(COLUMNS[:5]), ignore_index=True), warnings


def _predicted(judged: Judged, predictions: pd.DataFrame) -> Iterator[tuple[Cell, np.ndarray]]:
    """What a run's rows predicted, cell by cell."""
    for cell, rows in predictions.groupby(CELL):
        words = [rows[rows["seed"] == seed].set_index("clip")["predicted"].reindex(judged.clips.index) for seed in judged.folds]
        yield cast(Cell, cell), np.searchsorted(judged.emotions, np.array(words, str))


def _with_fewer(planned: Plan, run: Run, n: int, progress: Progress, *, fresh: bool) -> tuple[Codes, list[str]]:
    """What the cells that did not fail predict when they learn from n speakers, and why others do not."""
    fewer = plan_fewer(planned, _held(planned, run), n)
    done, failures, _ = finish(fewer, progress, fresh=fresh)
    whole = {cell: units for cell, units in fewer.cells.items() if all(unit.hash in done for unit in units)}
    codes = {cell: np.stack([fewer.judged.predicted(seed, units, done) for seed in fewer.judged.folds]) for cell, units in whole.items()}
    return codes, list(failures.values())


def _held(planned: Plan, run: Run) -> dict[str, str]:
    """What to hold of each unit, by hash, of cells without a failed one."""
    store = Path(planned.config.out) / "units"
    predicted = set(run.predictions[CELL].itertuples(index=False, name=None))
    return {u.hash: held_of(kept) for u in planned.units if u.cell in predicted and (kept := read_unit(store, u))}


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
