"""Units -> a run: those that are not done yet are fitted, in parallel over processes.

In:   a plan.
Out:  a `Run`, its folder written.
Rule: a finished unit is never done again and never used for anything but itself; a failed one costs its cell only, and a kill
      costs the units under way.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.parallel import Died, in_parallel
from ser_bench.plan import Plan
from ser_bench.progress import Progress
from ser_bench.protocol import SpeakerLeak
from ser_bench.record import Run, folder_of, tabulate, write_folder
from ser_bench.units import Unit, read_unit, write_unit

if TYPE_CHECKING:
    from ser_bench.models.model import Model

DIED = "the process that fitted it died, most likely for want of memory: try fewer --jobs"


def execute(planned: Plan, progress: Progress, *, fresh: bool = False) -> Run:
    """Do the units that are not done yet, and write the run folder's tables.

    Parameters
    ----------
    fresh : bool
        Do every unit again, finished or not.
    """
    began = time.perf_counter()
    store = Path(planned.config.out) / "units"
    done = {} if fresh else {unit.hash: kept for unit in planned.units if (kept := read_unit(store, unit))}
    todo = [unit for unit in planned.units if unit.hash not in done]
    failures = _fit_all(planned, todo, store, progress) if todo else {}
    done |= {unit.hash: kept for unit in todo if unit.hash not in failures and (kept := read_unit(store, unit))}
    planned.stages["units"] = time.perf_counter() - began

    cells, predictions, trials = tabulate(planned, done, failures)
    folder = folder_of(planned)
    write_folder(folder, planned, predictions, trials)
    lines = [f"{unit.features} {unit.model} {unit.track} fold {unit.fold}: {failures[unit.hash]}" for unit in todo if unit.hash in failures]
    return Run(
        folder,
        cells,
        predictions,
        trials,
        planned.skipped,
        planned.warnings,
        len(todo) - len(failures),
        len(planned.units) - len(todo),
        lines,
    )


def _fit_all(planned: Plan, todo: list[Unit], store: Path, progress: Progress) -> dict[str, str]:
    """Fit units in parallel; returns the reasons of those that failed, by hash."""
    # The dearest first, so that no long one is left alone at the end.
    todo = sorted(todo, key=lambda unit: -planned.seconds(unit))
    failures = {}
    progress.start(f"judging {planned.corpus.name}", len(todo))
    try:
        for done in in_parallel(fit_unit, [(*_task(planned, unit), store) for unit in todo], planned.config.workers):
            unit, failure = (done.call[0], DIED) if isinstance(done, Died) else done
            if failure:
                failures[unit.hash] = failure
            progress.advance(1, " ".join(unit.cell))
    finally:
        progress.stop()
    return failures


def _task(planned: Plan, unit: Unit) -> tuple[Any, ...]:
    from ser_bench.tuning import UnitData

    judged = planned.judged
    data = UnitData(
        x=planned.features[unit.features].values,
        y=judged.codes,
        voices=judged.clips["voice"].to_numpy(str),
        speakers=judged.clips["speaker"].to_numpy(str),
        train=judged.folds[unit.seed] != unit.fold,
        classes=tuple(judged.emotions),
        track=unit.track,
        leaky=judged.protocol.leaky,
    )
    return unit, data, planned.models[unit.model]


def fit_unit(unit: Unit, data: Any, model: Model, store: Path) -> tuple[Unit, str]:
    """Do one unit and keep its result; returns the unit and, where it failed, why."""
    from ser_bench.tuning import tune_unit

    try:
        result = tune_unit(data, model, trials=unit.trials, inner=unit.inner, seed=unit.search_seed, fold_seed=unit.fold_seed)
    except SpeakerLeak:
        raise
    except Exception as error:
        return unit, f"{type(error).__name__}: {error}".splitlines()[0]
    write_unit(store, unit, result)
    return unit, ""
