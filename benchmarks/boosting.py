"""Compare `xgb` as it was tuned in version 1 with the present version: CPU time of all units, and UAR.

    python benchmarks/boosting.py path/to/ravdess -f egemaps --trials 10 --seeds 3

Version 1: trees of depth up to six on 32 bins, learning rates of 0.07 to 0.3 in search and final fit, up to 250 rounds, patience 12.
Both use the same outer and inner folds and number of trials.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from optuna.trial import BaseTrial
from tune import read_cell

from ser_bench.evaluation.nested_cv import tune_unit
from ser_bench.evaluation.scaling import UnitData
from ser_bench.evaluation.splits import derive_seed, voice_folds
from ser_bench.models import boosting
from ser_bench.models.base import Model
from ser_bench.scores.metrics import uar

CONSTANTS = {"BINS": 32, "MOST_ROUNDS": 250, "PATIENCE": 12, "FINER": 1, "ROUNDS_UNTUNED": 60}


class Before(boosting.Boosting):
    """The search space and defaults of version 1."""

    defaults = {"max_depth": 4, "eta": 0.15, "subsample": 0.8, "colsample_bynode": 0.2, "lambda": 1.0, "min_child_weight": 1.0}
    max_features = 1000

    def space(self, trial: BaseTrial) -> dict[str, Any]:
        """The search space of version 1."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 6),
            "eta": trial.suggest_float("eta", 0.07, 0.3, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bynode": trial.suggest_float("colsample_bynode", 0.05, 0.5, log=True),
            "lambda": trial.suggest_float("lambda", 0.1, 10.0, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.3, 10.0, log=True),
        }


@contextmanager
def constants(changed: dict[str, int]) -> Iterator[None]:
    """Replace constants of the module temporarily."""
    usual = {name: getattr(boosting, name) for name in changed}
    vars(boosting).update(changed)
    try:
        yield
    finally:
        vars(boosting).update(usual)


def evaluate(data: UnitData, model: Model, seed: int, options: argparse.Namespace) -> tuple[float, float]:
    """CPU time (s) and UAR of one seed."""
    folds, predicted, started = voice_folds(data.voices, data.y, options.folds, seed), np.empty_like(data.y), time.process_time()
    for k in range(options.folds):
        unit = UnitData(data.x, data.y, data.voices, folds != k, data.classes)
        own, shared = derive_seed(seed, "xgb", k), derive_seed(seed, k)
        result = tune_unit(unit, model, trials=options.trials, inner=options.inner, seed=own, fold_seed=shared)
        predicted[folds == k] = result.predicted
    return time.process_time() - started, uar(data.y.astype(str), predicted.astype(str))


def main() -> None:
    """Print one row per seed, and the means with the ratio of times and the standard error of the difference in UAR."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("-f", "--features", default="egemaps")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--inner", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", default="features")
    options = parser.parse_args()

    data = read_cell(options.corpus, options.features, options.cache)
    found = []
    print(f"{'seed':6}{'before, s':>10}{'now, s':>8}{'UAR before':>12}{'UAR now':>9}")
    for seed in range(options.seeds):
        with constants(CONSTANTS):
            before = evaluate(data, Before(), seed, options)
        now = evaluate(data, boosting.Boosting(), seed, options)
        found.append((before, now))
        print(f"{seed:<6}{before[0]:10.1f}{now[0]:8.1f}{before[1]:12.3f}{now[1]:9.3f}", flush=True)
    (slow, uar_before), (fast, uar_now) = np.mean(found, axis=0)
    print(f"{'mean':6}{slow:10.1f}{fast:8.1f}{uar_before:12.3f}{uar_now:9.3f}   {slow / fast:.1f} times as fast")
    if options.seeds > 1:
        differences = np.diff(np.array(found)[:, :, 1])[:, 0]
        error = differences.std(ddof=1) / len(differences) ** 0.5
        print(f"UAR now minus before: {differences.mean():+.3f} (standard error {error:.3f})")


if __name__ == "__main__":
    main()
