"""Every row of a run evaluated on its held-out clips with their sound changed: how robust its systems are.

In:   a plan, and what its run came to.
Out:  a row per system and test condition, its UAR and the difference from that on unchanged clips; and the predictions.
Rule: the fitted systems are the run's own. Hyperparameters and rounds are held as each fold's search chose them and training is the same
      to the last bit, so that nothing but the held-out clips' sound differs; no condition takes part in a search. A condition is a unit
      of its own per fold and seed: what was evaluated once, or without it, is never fitted again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.evaluation.evidence import SYSTEM
from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.refits import refit_of
from ser_bench.evaluation.run_folder import CONDITION_PREDICTIONS, CONDITIONS, UNCHANGED, Run
from ser_bench.evaluation.runner import run_units
from ser_bench.evaluation.units import EvaluationSet, StoredResult, SystemName, UnderCondition, make_unit, read_unit
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

Predicted = dict[str, np.ndarray]
"""By condition, the codes that a system predicts, shape (n_seeds, n_clips); those of unchanged clips first."""


@dataclasses.dataclass(frozen=True)
class Robustness:
    """What systems are worth under test conditions.

    Parameters
    ----------
    table : DataFrame
        The columns of `CONDITIONS`. `diff` is the difference in UAR from unchanged clips, paired by speaker; its interval and `p` are
        corrected for the number of conditions of a row (`scores.differences_of`).
    predictions : DataFrame
        The columns of `CONDITION_PREDICTIONS`.
    warnings : list of str
        That units failed, and why.
    """

    table: pd.DataFrame
    predictions: pd.DataFrame
    warnings: list[str]


def evaluate_conditions(
    planned: Plan, run: Run, progress: Progress, *, ratios: Mapping[SystemName, float], fresh: bool = False
) -> Robustness:
    """Evaluate every row that did not fail under each test condition of its configuration.

    The interval of a UAR has the row's own variance ratio, as training is the row's own. What a difference owes to overlapping training
    sets is not measured: its interval has the bound of that (`scores.overlap_bound`).

    Parameters
    ----------
    planned : Plan
    run : Run
        What it came to.
    ratios : mapping of tuple of str to float
        Each row's variance ratio.
    fresh : bool
        Fit everything again, finished or not.
    """
    import pandas as pd

    kept, warnings = chosen_units(planned, run), []
    found = {system: {UNCHANGED: codes} for system, codes in _predicted(planned, kept).items()}
    rows: list[pd.DataFrame] = []
    for condition in planned.config.test_variant:
        under = plan_condition(planned, kept, condition)
        done, failures, _ = run_units(under, progress, fresh=fresh)
        for system, codes in _predicted(under, done).items():
            found[system][condition] = codes
            rows += _prediction_rows(planned.eval_set, system, condition, codes)
        if failures:
            warnings.append(
                f"--test-variant {condition}: {number_of(len(failures), 'unit')} failed, the first: {next(iter(failures.values()))}"
            )
    scored = [row for system, codes in found.items() for row in _score(planned.eval_set, system, codes, ratios[system])]
    table = pd.DataFrame(scored, columns=list(CONDITIONS.columns)).round(4)
    names = list(CONDITION_PREDICTIONS.columns)
    predictions = pd.concat(rows, ignore_index=True)[names] if rows else pd.DataFrame(columns=names)
    return Robustness(table, predictions, warnings)


def chosen_units(planned: Plan, run: Run) -> dict[str, StoredResult]:
    """The units of rows without a failed one, by hash, those that a time limit cut short too: what their searches chose."""
    store, limit = Path(planned.config.out) / "units", planned.config.time_limit
    failed = set(run.cells.loc[run.cells["status"] == "failed", SYSTEM].itertuples(index=False, name=None))
    return {unit.hash: kept for unit in planned.units if unit.system not in failed and (kept := read_unit(store, unit, limit))}


def plan_condition(planned: Plan, kept: Mapping[str, StoredResult], condition: str) -> Plan:
    """The same rows evaluated under a test condition.

    Parameters
    ----------
    planned : Plan
    kept : mapping of str to StoredResult
        What its units came to, by hash; others are left out.
    condition : str
        One of `test_variant`.
    """
    units = []
    for unit in planned.units:
        if unit.hash in kept:
            changed = UnderCondition(condition, planned.data.conditions[condition][unit.features].fingerprint)
            task = dataclasses.replace(refit_of(kept[unit.hash]), change=changed)
            matrix, model = planned.features[unit.features], planned.models[unit.model]
            units.append(make_unit(planned.eval_set, matrix, model, unit.track, unit.seed, unit.fold, task))
    # There are no studies to be copied.
    return dataclasses.replace(planned, config=dataclasses.replace(planned.config, storage=""), units=units)


def _predicted(planned: Plan, done: Mapping[str, StoredResult]) -> dict[SystemName, np.ndarray]:
    """The codes that each system whose units are all done predicts, shape (n_seeds, n_clips)."""
    whole = {system: units for system, units in planned.systems.items() if all(unit.hash in done for unit in units)}
    return {system: planned.eval_set.predicted(units, done) for system, units in whole.items()}


def _score(eval_set: EvaluationSet, system: SystemName, predicted: Predicted, ratio: float) -> Iterator[tuple[Any, ...]]:
    """A system's rows of `CONDITIONS`, unchanged clips first."""
    held = eval_set.evaluated
    truth, voices = eval_set.codes[held], eval_set.voices[held]
    classes = range(len(eval_set.emotions))
    counts = {name: scores.speaker_counts(truth, codes[:, held], voices, classes=classes) for name, codes in predicted.items()}
    n_folds = max(int(folds.max()) + 1 for folds in eval_set.folds.values())
    unmeasured = np.full((len(eval_set.folds), n_folds, n_folds), np.nan)
    clean, *others = (scores.System(mine, unmeasured) for mine in counts.values())
    between = scores.ratios_of([clean, *others])[0, 1:].tolist()
    differences = scores.differences_of([other.counts for other in others], clean.counts, between) if others else []
    for name, difference in zip(counts, [(0.0, 0.0, 0.0, np.nan), *differences], strict=True):
        yield (eval_set.corpus, *system, name, *scores.jackknife_of(counts[name], inflation=ratio), *difference)


def _prediction_rows(eval_set: EvaluationSet, system: SystemName, condition: str, codes: np.ndarray) -> Iterator[pd.DataFrame]:
    """A system's predictions under a condition, a table per seed."""
    named = dict(zip(("corpus", *SYSTEM), (eval_set.corpus, *system), strict=True)) | {"condition": condition}
    emotions, held = np.array(eval_set.emotions), eval_set.evaluated
    clips = eval_set.clips.loc[held, ["speaker", "voice", "emotion"]].rename_axis("clip").reset_index()
    for (seed, folds), mine in zip(eval_set.folds.items(), codes, strict=True):
        rows = clips.assign(**named, seed=seed, fold=folds[held], predicted=emotions[mine[held]])
        yield rows.sort_values("clip", ignore_index=True)
