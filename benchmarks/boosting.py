"""Compare `xgb` as it was tuned in version 2 with the present version: CPU time of all units, and UAR.

    python benchmarks/boosting.py path/to/ravdess -f egemaps compare --seeds 5

Version 2: all fits are XGBoost's; trials on all columns (at most 1,000), learning rates of 0.3 to 0.8, patience 5; a final fit of three
times as many rounds with a third of the step. Both use the same outer and inner folds and number of trials.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, ClassVar

import numpy as np
import xgboost
from optuna.trial import BaseTrial
from tune import read_cell

from ser_bench.evaluation.nested_cv import SearchTerms, tune_unit
from ser_bench.evaluation.scaling import UnitData
from ser_bench.evaluation.splits import derive_seed, voice_folds
from ser_bench.models.base import Model, PreparedFit, Split
from ser_bench.models.boosting import Boosting, FittedBoosting, TrialPlan
from ser_bench.scores.metrics import uar


class Before(Boosting):
    """The search space and defaults of version 2, and its fits."""

    defaults = {"max_depth": 3, "eta": 0.5, "subsample": 0.8, "colsample_bynode": 0.2, "lambda": 1.0, "min_child_weight": 1.0}
    settings: ClassVar[dict[str, Any]] = {}

    def space(self, trial: BaseTrial) -> dict[str, Any]:
        """The search space of version 2."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 4),
            "eta": trial.suggest_float("eta", 0.3, 0.8, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bynode": trial.suggest_float("colsample_bynode", 0.05, 0.5, log=True),
            "lambda": trial.suggest_float("lambda", 0.1, 10.0, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.3, 10.0, log=True),
        }

    def plan(self, split: Split) -> PreparedFit:
        """Share matrices of all columns."""
        return PlanBefore(self, split)


class PlanBefore(PreparedFit):
    """Runs as version 2 made them."""

    def __init__(self, model: Boosting, split: Split) -> None:
        super().__init__(model, split)
        plan = TrialPlan(model, split)
        self.present, self.y = plan.present, plan.y
        self.matrix = xgboost.QuantileDMatrix(split.x_train, plan.y, weight=plan.weights, max_bin=12, nthread=1)
        if split.searching:
            x, y, weights = plan.watched
            self.watched = [(xgboost.QuantileDMatrix(x, y, weight=weights, max_bin=12, nthread=1, ref=self.matrix), "validation")]

    def train(self, params: dict[str, Any], seed: int, rounds: int | None = None) -> FittedBoosting:
        """Stop after five rounds without gain; fit finally with three times as many rounds of a third of the step."""
        classes = {"objective": "multi:softprob", "num_class": len(self.present)}
        settings = params | classes | {"tree_method": "hist", "max_bin": 12, "nthread": 1, "seed": seed, "verbosity": 0}
        if not self.split.searching:
            rounds = rounds or 20
            booster = xgboost.train(settings | {"eta": params["eta"] / 3}, self.matrix, 3 * rounds)
            return FittedBoosting(booster, self.present, self.split.n_classes, rounds)
        booster = xgboost.train(settings, self.matrix, 100, evals=self.watched, early_stopping_rounds=5, verbose_eval=False)
        best = booster.best_iteration + 1
        return FittedBoosting(booster[:best], self.present, self.split.n_classes, best)


def evaluate(data: UnitData, model: Model, seed: int, options: argparse.Namespace) -> tuple[float, np.ndarray]:
    """CPU time (s) and decisions of one seed."""
    folds, predicted, started = voice_folds(data.voices, data.y, options.folds, seed), np.empty_like(data.y), time.process_time()
    for k in range(options.folds):
        unit = UnitData(data.x, data.y, data.voices, folds != k, data.classes)
        own, shared = derive_seed(seed, model.name, k), derive_seed(seed, k)
        result = tune_unit(unit, model, SearchTerms(options.trials, options.inner, own, shared))
        predicted[folds == k] = result.predicted
    return time.process_time() - started, predicted


def compare(parser: argparse.ArgumentParser, before: Model, now: Model) -> None:
    """Print a row per feature set: means over seeds, the ratio of times, the difference in UAR with its standard error, equal decisions."""
    parser.add_argument("corpus")
    parser.add_argument("-f", "--features", nargs="+", default=["egemaps"])
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--inner", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", default="features")
    options = parser.parse_args()

    times, scored = f"{'before, s':>10}{'now, s':>8}{'ratio':>7}", f"{'UAR before':>12}{'UAR now':>9}{'difference':>12}{'error':>7}"
    print(f"{'features':16}{times}{scored}{'equal':>7}")
    for features in options.features:
        data = read_cell(options.corpus, features, options.cache)
        for model in (before, now):  # what libraries do at their first call is no part of a comparison
            evaluate(data, model, 0, argparse.Namespace(trials=1, inner=2, folds=2))
        found = [[evaluate(data, model, seed, options) for model in (before, now)] for seed in range(options.seeds)]
        slow, fast = np.mean([[seconds for seconds, _ in each] for each in found], axis=0)
        scores = np.array([[uar(data.y.astype(str), predicted.astype(str)) for _, predicted in each] for each in found])
        equal = np.mean([then == today for (_, then), (_, today) in found])
        differences = np.diff(scores)[:, 0]
        error = differences.std(ddof=1) / len(differences) ** 0.5 if options.seeds > 1 else np.nan
        times, (uar_before, uar_now) = f"{slow:10.2f}{fast:8.2f}{slow / fast:7.1f}", scores.mean(0)
        changed = f"{differences.mean():+12.4f}{error:7.4f}{equal:7.3f}"
        print(f"{features:16}{times}{uar_before:12.3f}{uar_now:9.3f}{changed}", flush=True)


def main() -> None:
    """Compare version 2 with the present one."""
    compare(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter), Before(), Boosting())


if __name__ == "__main__":
    main()
