"""Units -> a run: those that are not done yet are fitted, in parallel over processes.

In:   a plan.
Out:  a `Run`, its folder written.
Rule: a finished unit is never done again and never used for anything but itself; a failed one costs its system only, and a kill
      costs the units under way.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.errors import WorkFailed
from ser_bench.evaluation.epochs import clear_epochs, showing_epochs, telling_epochs
from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.run_folder import Run, RunFolder
from ser_bench.evaluation.splits import SpeakerLeak
from ser_bench.evaluation.study_storage import StudyCopy, shown_url, whole_url
from ser_bench.evaluation.tabulation import tabulate
from ser_bench.evaluation.units import (
    EvaluationSet,
    PublishedFit,
    Refit,
    StoredResult,
    SystemName,
    Tune,
    TuneOnTest,
    Unit,
    read_file,
    read_unit,
    result_path,
    write_unit,
)
from ser_bench.utils.atomic import clear_abandoned
from ser_bench.utils.formatting import format_score, number_of
from ser_bench.utils.parallel import Died, in_parallel
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    from ser_bench.evaluation.nested_cv import UnitResult
    from ser_bench.evaluation.scaling import UnitData
    from ser_bench.features import Features
    from ser_bench.models.base import Model

DIED = "the process that fitted it died, most likely for want of memory: try fewer --jobs, or workers with more of it"
UNSEEN = "its result is not in the folder of units: do all workers share it, under the same path?"


class FailedUnit(NamedTuple):
    """What a worker reports of a unit that it could not fit: why."""

    unit: Unit
    reason: str


class FittedUnit(NamedTuple):
    """What a worker reports of a unit that it fitted.

    Parameters
    ----------
    unit : Unit
    path : Path
        Where its result is.
    score : float or None
        The best inner score; None where there was no search.
    seconds : float
    not_copied : str
        Why its study could not be copied to a database; empty where it was, or was not to be.
    """

    unit: Unit
    path: Path
    score: float | None
    seconds: float
    not_copied: str


UnitReport = FittedUnit | FailedUnit


@dataclass(frozen=True)
class JobOptions:
    """How a unit is to be done, beside what.

    Parameters
    ----------
    store : Path
        The folder of units.
    storage, study : str
        The database that its study is copied to, none where empty, and its name there.
    time_limit : float
        The run's, in minutes; 0 is none.
    allowance : float
        Seconds that this unit's search may take.
    end : float
        When it has to stop in any case, in seconds since 1970: it may begin later than was thought.
    """

    store: Path
    storage: str = field(default="", repr=False)
    study: str = ""
    time_limit: float = 0.0
    allowance: float = math.inf
    end: float = math.inf


class TimeBudget:
    """What is left of a time limit, shared out to units as they are handed out, by expected cost.

    Parameters
    ----------
    minutes : float
        0 is no limit.
    workers : int
    costs : dict of str to float
        Seconds expected of each unit, by hash. One counts until it has ended, as others may be handed out before it begins.
    """

    def __init__(self, minutes: float, workers: int, costs: dict[str, float]) -> None:
        self.end = time.time() + 60 * minutes if minutes else math.inf
        self.workers, self.waiting = workers, dict(costs)

    def allowance(self, unit: Unit) -> float:
        """Seconds that a unit may search: never more than are left."""
        left = max(0.0, self.end - time.time())
        if math.isinf(left):
            return left
        share = self.waiting[unit.hash] / sum(self.waiting.values())
        return left * min(1.0, share * min(self.workers, len(self.waiting)))

    def ended(self, unit: Unit) -> None:
        """Count a unit no more."""
        del self.waiting[unit.hash]


def execute(planned: Plan, progress: Progress, *, fresh: bool = False, meanwhile: Callable[[], object] | None = None) -> Run:
    """Do the units that are not done yet, and write the run folder's tables.

    Parameters
    ----------
    fresh : bool
        Fit everything again, finished or not.
    meanwhile : callable, optional
        As `in_parallel` takes it.
    """
    began = time.perf_counter()
    done, failures, fitted = run_units(planned, progress, fresh=fresh, meanwhile=meanwhile)
    tried = {fit.unit.hash for fit in fitted} | failures.keys()
    seconds = planned.data.seconds | {"units": time.perf_counter() - began}
    systems, predictions, trials = tabulate(planned, done, failures)
    folder = RunFolder.named(planned.data.corpus.name, planned.config, [unit.hash for unit in planned.units])
    folder.write_evaluation(planned.data, predictions, trials)
    return Run(
        folder.path,
        systems,
        predictions,
        trials,
        planned.data.skipped,
        [*planned.data.warnings, *_not_copied(fitted, planned.config.storage)],
        len(tried) - len(failures),
        len(planned.units) - len(tried),
        _spent(fitted),
        _failed_lines(planned, failures),
        None,
        seconds,
    )


def run_units(
    planned: Plan, progress: Progress, *, fresh: bool = False, meanwhile: Callable[[], object] | None = None
) -> tuple[dict[str, StoredResult], dict[str, str], list[FittedUnit]]:
    """Do the units that are not done yet; `meanwhile` as `in_parallel` takes it.

    Returns
    -------
    done : dict of str to StoredResult
        Results by the units' hashes.
    failures : dict of str to str
        Why others have none.
    fitted : list of FittedUnit
        What workers told of those that they fitted now.
    """
    # Workers elsewhere have working folders of their own.
    store = Path(planned.config.out).resolve() / "units"
    clear_abandoned(store)
    clear_epochs(store)
    read = partial(read_unit, store, time_limit=planned.config.time_limit)
    done = {} if fresh else {unit.hash: kept for unit in planned.units if (kept := read(unit))}
    # Cells that differ in nothing but a name share their units.
    todo = list({unit.hash: unit for unit in planned.units if unit.hash not in done}.values())
    fitted, failures = _split_reports(_fit_all(planned, todo, store, progress, meanwhile) if todo else ())
    done |= {fit.unit.hash: kept for fit in fitted if (kept := read_file(fit.path))}
    failures |= {unit.hash: UNSEEN for unit in todo if unit.hash not in done and unit.hash not in failures}
    return done, failures, fitted


def _split_reports(reports: Iterable[UnitReport]) -> tuple[list[FittedUnit], dict[str, str]]:
    """The units that were fitted, and by hash, why others were not."""
    fitted: list[FittedUnit] = []
    failures: dict[str, str] = {}
    for report in reports:
        match report:
            case FittedUnit():
                fitted.append(report)
            case FailedUnit(unit, reason):
                failures[unit.hash] = reason
    return fitted, failures


def finish_all(planned: Plan, progress: Progress, *, fresh: bool = False) -> dict[str, StoredResult]:
    """Do the units that are not done yet, where none can be spared; results by the units' hashes.

    Raises
    ------
    WorkFailed
        Where a unit failed; the others are kept.
    """
    done, failures, _ = run_units(planned, progress, fresh=fresh)
    if failures:
        raise WorkFailed(f"{number_of(len(failures), 'unit')} failed, the first: {next(iter(failures.values()))}; the others are kept")
    return done


def _failed_lines(planned: Plan, failures: dict[str, str]) -> list[str]:
    failed = [unit for unit in planned.units if unit.hash in failures]
    return [f"{unit.features} {unit.model} {unit.track} fold {unit.fold}: {failures[unit.hash]}" for unit in failed]


def _spent(fitted: list[FittedUnit]) -> dict[str, float]:
    by_model: dict[str, float] = defaultdict(float)
    for fit in fitted:
        by_model[fit.unit.model] += fit.seconds
    return dict(sorted(by_model.items(), key=lambda item: -item[1]))


def _not_copied(fitted: list[FittedUnit], storage: str) -> list[str]:
    errors = [fit.not_copied for fit in fitted if fit.not_copied]
    studies = number_of(len(errors), "study", "studies")
    return [f"{studies} could not be copied to {shown_url(storage)}; the first: {error}" for error in errors[:1]]


def _fit_all(
    planned: Plan, todo: list[Unit], store: Path, progress: Progress, meanwhile: Callable[[], object] | None
) -> Iterator[UnitReport]:
    """Fit units in parallel, and report each when it is done."""
    # The dearest first, so that no long one is left alone at the end.
    todo = sorted(todo, key=lambda unit: -planned.cost(unit))
    costs = {unit.hash: planned.cost(unit) for unit in todo}
    expected, config = sum(costs.values()), planned.config
    left = TimeBudget(config.time_limit, config.workers.number if config.time_limit else 1, costs)
    scores: dict[SystemName, list[float]] = defaultdict(list)
    progress.start(stage_of(planned, todo[0]), len(todo))
    try:
        with _showing_epochs(planned, todo, store, progress):
            for done in in_parallel(fit_unit, _calls(planned, todo, store, left), config.workers, meanwhile):
                fit = FailedUnit(done.call[0], DIED) if isinstance(done, Died) else done
                left.ended(fit.unit)
                if isinstance(fit, FittedUnit) and fit.score is not None:
                    scores[fit.unit.system].append(fit.score)
                progress.advance(_best_so_far(scores), costs[fit.unit.hash] / expected)
                yield fit
    finally:
        progress.stop()


def stage_of(planned: Plan, unit: Unit) -> str:
    """What is being done, as a progress says it; all units of a stage are of one kind."""
    protocol = planned.eval_set.protocol
    how = [
        "refits without pairs of folds" if unit.without is not None else f"under {unit.condition}" if unit.condition else "",
        str(dataclasses.replace(protocol, max_speakers=0, draw=0)),
        f"{protocol.max_speakers} training speakers" if protocol.max_speakers else "",
        f"draw {protocol.draw + 1}" if protocol.draw else "",
    ]
    return f"evaluating {planned.eval_set.corpus} ({', '.join(filter(None, how))})"


def _showing_epochs(planned: Plan, todo: list[Unit], store: Path, progress: Progress) -> AbstractContextManager[None]:
    """Show epochs of the units whose models tell them; a progress of somebody else's may have no place for that."""
    telling = {unit.hash for unit in todo if planned.models[unit.model].tells_epochs}
    return showing_epochs(store, telling, progress) if telling and hasattr(progress, "note") else nullcontext()


def _best_so_far(scores: dict[SystemName, list[float]]) -> str:
    """The system with the best inner score, a mean over its units so far."""
    means = {system: sum(found) / len(found) for system, found in scores.items()}
    best = max(means, key=lambda system: means[system], default=None)
    return f"best inner UAR {format_score(means[best])}: {' '.join(best)}" if best else ""


def _calls(planned: Plan, todo: list[Unit], store: Path, left: TimeBudget) -> Iterator[tuple[Any, ...]]:
    """What `fit_unit` is to be called with, a unit each."""
    config = planned.config
    for unit in todo:
        study = f"{planned.eval_set.corpus}: {' '.join(unit.system)}, seed {unit.seed}, fold {unit.fold} ({unit.hash[:8]})"
        terms = JobOptions(store, whole_url(config.storage), study, config.time_limit, left.allowance(unit), left.end)
        changed = planned.data.conditions[unit.condition][unit.features] if unit.condition else None
        data = unit_data(planned.eval_set, planned.features[unit.features], unit, changed=changed)
        yield unit, data, planned.models[unit.model], terms


def unit_data(
    eval_set: EvaluationSet, features: Features, unit: Unit, *, everyone: bool = False, changed: Features | None = None
) -> UnitData:
    """What a unit is a function of, beside its model and seeds: the clips that it learns from and those that it holds out.

    With `everyone` also those that it leaves out; `changed` is how clips sound in the test condition that it is evaluated in, if any.
    """
    from ser_bench.evaluation.scaling import UnitData

    train = eval_set.training(unit.seed, unit.fold, unit.without)
    used = train | eval_set.held_out(unit.seed, unit.fold) | everyone
    together = eval_set.standardised_together(unit.track)
    return UnitData(
        x=features.values,
        y=eval_set.codes[used],
        voices=eval_set.voices[used],
        train=train[used],
        classes=tuple(eval_set.emotions),
        scaling_groups=None if together is None else together[used],
        scaled=unit.track != "none",
        leaky=eval_set.protocol.leaky,
        outer=eval_set.folds[unit.seed] if isinstance(unit.task, TuneOnTest) else None,
        selecting=None if eval_set.selecting is None else eval_set.selecting[used],
        copies=features.copies.take(np.flatnonzero(used), len(used)) if features.copies else None,
        changed=changed.values if changed else None,
        # One matrix for all units: workers map the same memory, and take their rows themselves.
        rows=None if used.all() else np.flatnonzero(used),
    )


def _result_of(unit: Unit, data: Any, model: Model, terms: JobOptions, copy: StudyCopy | None) -> UnitResult:
    from ser_bench.evaluation.nested_cv import SearchTerms, fit_held, tune_unit
    from ser_bench.evaluation.published import fit_published
    from ser_bench.evaluation.test_tuned import tune_on_test

    begun = time.monotonic()

    def stop() -> bool:
        return time.monotonic() - begun > terms.allowance or time.time() > terms.end

    match unit.task:
        case Refit(params, rounds):
            return fit_held(data, model, params=dict(params), rounds=rounds, seed=unit.search_seed)
        case Tune(trials, inner, start):
            first = None if start is None else dict(start)
            return tune_unit(data, model, SearchTerms(trials, inner, unit.search_seed, unit.fold_seed, first, stop, copy))
        case PublishedFit(params, rounds, selecting):
            return fit_published(data, model, params=dict(params), rounds=rounds, selecting=selecting, seed=unit.search_seed)
        case TuneOnTest(trials):
            return tune_on_test(data, model, trials=trials, seed=unit.search_seed, stop=stop, watch=copy)


def fit_unit(unit: Unit, data: Any, model: Model, terms: JobOptions) -> UnitReport:
    """Do one unit and keep its result."""
    copy = StudyCopy(terms.storage, terms.study) if terms.storage else None
    try:
        with telling_epochs(terms.store, unit.hash, model.name) if model.tells_epochs else nullcontext():
            result = _result_of(unit, data, model, terms, copy)
    except SpeakerLeak:
        raise
    except Exception as error:
        return FailedUnit(unit, f"{type(error).__name__}: {error}".splitlines()[0])
    path = result_path(terms.store, unit, terms.time_limit if result.cut_short else 0.0)
    write_unit(path, result)
    best = max((row["score"] for row in result.trial_rows if not math.isnan(row["score"])), default=None)
    return FittedUnit(unit, path, best, result.seconds, copy.error if copy else "")
