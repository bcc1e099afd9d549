"""Hyperparameters tuned on the test set: a leak, measured for comparison with nested search.

In:   a corpus with all its outer folds at once, a model, the number of trials.
Out:  as a unit: decisions for all clips, with the hyperparameters that scored best on these very decisions.
Rule: it has a module of its own, so that nothing else uses it by mistake: only the leak gap asks for it, and no configuration can.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ser_bench.evaluation.nested_cv import UnitResult, refit, unit_notes
from ser_bench.evaluation.scaling import UnitData, standardised_beforehand
from ser_bench.evaluation.search import Search, best_or_raise, trial_rows
from ser_bench.evaluation.splits import derive_seed, numbered
from ser_bench.models.base import Model
from ser_bench.utils.parallel import on_one_thread

if TYPE_CHECKING:
    import optuna


def tune_on_test(
    data: UnitData,
    model: Model,
    *,
    trials: int,
    seed: int,
    stop: Callable[[], bool] | None = None,
    watch: Callable[[optuna.trial.FrozenTrial], object] | None = None,
) -> UnitResult:
    """Choose one set of parameters for all outer folds by the score on their held-out clips, then fit and evaluate as ever.

    A grid search over the leaderboard's own folds does so. Models trained in rounds stop where the held-out clips would have them
    stop.

    Parameters
    ----------
    data : UnitData
        All clips of the cell, every one in `train`, and their `outer` folds.
    model, trials, seed, stop, watch
        As in `tune_unit`.

    Returns
    -------
    UnitResult
        Of all clips, in their order. `rounds` is None, as each fold has its own.
    """
    assert data.outer is not None
    outer, started = numbered(data.outer), time.thread_time()
    with on_one_thread():
        x = standardised_beforehand(data)
        search = Search.over(data, x, model, outer, seed)
        found = search.run(trials, stop, watch)
        best = best_or_raise(model, found)
        predictions_of = [
            refit(data, x, model, outer != fold, best.params, prediction.rounds, derive_seed(seed, "refit", fold))
            for fold, prediction in enumerate(best.predictions_of)
        ]
        final = replace(best, predictions_of=predictions_of)
        scores = search.scores_of(final)
    return UnitResult(
        predicted=search.decisions_of(final),
        probabilities=scores if model.probabilistic else search.calibrator(best).probabilities(scores),
        params=best.params,
        rounds=None,
        trial_rows=trial_rows(found, best),
        notes=unit_notes(model, len(data.y), data.x.shape[1], found, searched=True),
        seconds=time.thread_time() - started,
        cut_short=len(found) < trials,
    )
