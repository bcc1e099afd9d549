"""Nested tuning with the libraries alone and with ser-bench, compared.

Wall times with their ratio, the ratio of CPU times (which other work on the machine hardly changes), UAR, and the share of
trials that were pruned.

    python benchmarks/tune.py path/to/ravdess -f egemaps --trials 10 --seeds 5

The plain implementation uses the libraries alone: for each outer fold an Optuna TPE study whose
objective is `cross_val_score` of StandardScaler and classifier over grouped inner folds; outer folds in parallel,
nothing shared. Both use the same outer and inner folds and the same number of trials (a pruned one counts).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from joblib import Parallel, delayed
from optuna.trial import BaseTrial
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

import ser_bench
from ser_bench.evaluation.nested_cv import SearchTerms, tune_unit
from ser_bench.evaluation.scaling import UnitData
from ser_bench.evaluation.splits import derive_seed, inner_folds, voice_folds
from ser_bench.models import DEFAULT_MODELS, known_models
from ser_bench.scores.metrics import uar


def plain_svm(trial: BaseTrial) -> Any:
    return SVC(
        C=trial.suggest_float("C", 0.1, 100, log=True), gamma=trial.suggest_float("gamma", 1e-4, 1e-1, log=True), class_weight="balanced"
    )


def plain_rf(trial: BaseTrial) -> Any:
    return RandomForestClassifier(
        300,
        max_features=trial.suggest_float("max_features", 0.02, 0.5, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 8),
        class_weight="balanced",
        random_state=0,
    )


def plain_xgb(trial: BaseTrial) -> Any:
    return XGBClassifier(
        n_estimators=trial.suggest_int("n_estimators", 50, 400),
        max_depth=trial.suggest_int("max_depth", 2, 7),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 1),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.3, 1),
        reg_lambda=trial.suggest_float("reg_lambda", 0.1, 10, log=True),
        tree_method="hist",
        n_jobs=1,
        random_state=0,
    )


def plain_mlp(trial: BaseTrial) -> Any:
    return MLPClassifier(
        (trial.suggest_categorical("width", [32, 64, 128, 256]),),
        alpha=trial.suggest_float("alpha", 1e-5, 1, log=True),
        learning_rate_init=trial.suggest_float("learning_rate_init", 3e-4, 1e-2, log=True),
        early_stopping=True,
        random_state=0,
    )


PLAIN: dict[str, Callable[[BaseTrial], Any]] = {"svm": plain_svm, "rf": plain_rf, "xgb": plain_xgb, "mlp": plain_mlp}


Unit = Callable[[UnitData, str, int, int, int, int], tuple[np.ndarray, int]]


def plain_unit(data: UnitData, model: str, trials: int, inner: int, seed: int, fold_seed: int) -> tuple[np.ndarray, int]:
    """Predictions for the held-out clips by the plain implementation."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = data.x[data.train], data.y[data.train]
    folds = PredefinedSplit(inner_folds(data.voices[data.train], y, inner, fold_seed))

    def objective(trial: optuna.Trial) -> float:
        pipeline = make_pipeline(StandardScaler(), PLAIN[model](trial))
        return float(cross_val_score(pipeline, x, y, cv=folds, scoring="balanced_accuracy").mean())

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    best = make_pipeline(StandardScaler(), PLAIN[model](study.best_trial))
    return best.fit(x, y).predict(data.x[~data.train]), 0


def our_unit(data: UnitData, model: str, trials: int, inner: int, seed: int, fold_seed: int) -> tuple[np.ndarray, int]:
    """Predictions for the held-out clips, and the number of pruned trials."""
    result = tune_unit(data, known_models()[model](), SearchTerms(trials, inner, seed, fold_seed))
    return result.predicted, int((result.trials["state"] == "pruned").sum())


def timed(unit: Unit, *arguments: Any) -> tuple[np.ndarray, int, float]:
    """A unit's predictions and number of pruned trials, and its CPU time (s)."""
    started = time.process_time()
    return *unit(*arguments), time.process_time() - started


def evaluate(
    unit: Unit, data: UnitData, model: str, seed: int, options: argparse.Namespace, pool: Parallel
) -> tuple[float, float, float, int]:
    """Wall time, CPU time (s), UAR and share of pruned trials of one cell."""
    folds = voice_folds(data.voices, data.y, options.folds, seed)
    numbers = range(options.folds)
    units = [UnitData(data.x, data.y, data.voices, folds != k, data.classes) for k in numbers]
    seeds = [(derive_seed(seed, model, k), derive_seed(seed, k)) for k in numbers]
    started = time.perf_counter()
    done = pool(delayed(timed)(unit, d, model, options.trials, options.inner, *s) for d, s in zip(units, seeds, strict=True))
    seconds = time.perf_counter() - started
    predicted = np.empty_like(data.y)
    for k, (decisions, _, _) in enumerate(done):
        predicted[folds == k] = decisions
    return seconds, sum(s for *_, s in done), uar(data.y.astype(str), predicted.astype(str)), sum(pruned for _, pruned, _ in done)


def read_cell(corpus: str, features: str, cache: str) -> UnitData:
    """All clips of a corpus with these features, as a unit with nothing held out yet."""
    loaded = ser_bench.load_corpus(corpus)
    x = ser_bench.extract(loaded, features, cache=cache)
    clips = loaded.clips.loc[x.index]
    classes, y = np.unique(clips["emotion"].to_numpy(str), return_inverse=True)
    speakers = clips["speaker"].to_numpy(str)
    return UnitData(x.to_numpy(np.float32), y, speakers, np.ones(len(y), bool), tuple(classes.tolist()))


def main() -> None:
    """Print one row per model, means over seeds, and the ratio of all times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("-f", "--features", default="egemaps")
    parser.add_argument("-m", "--models", nargs="+", default=list(DEFAULT_MODELS), choices=list(PLAIN))
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--inner", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cache", default="features")
    options = parser.parse_args()

    data = read_cell(options.corpus, options.features, options.cache)
    pool = Parallel(options.jobs, inner_max_num_threads=1)
    once = argparse.Namespace(trials=1, inner=2, folds=options.folds)
    # So that neither way pays for the workers' start, nor ours for what is compiled at a model's first fit on a machine.
    for unit, models in ((plain_unit, ["svm"]), (our_unit, options.models)):
        for model in models:
            evaluate(unit, data, model, 0, once, pool)
    totals = np.zeros(4)
    print(f"{'model':8}{'plain, s':>9}{'ser-bench, s':>14}{'ratio':>7}{'CPU ratio':>11}{'UAR plain':>11}{'UAR ser-bench':>15}{'pruned':>8}")
    for model in options.models:
        runs = [[evaluate(unit, data, model, seed, options, pool) for seed in range(options.seeds)] for unit in (plain_unit, our_unit)]
        (slow, slow_cpu, plain_uar, _), (fast, fast_cpu, our_uar, pruned) = np.mean(runs, axis=1)
        totals += slow, fast, slow_cpu, fast_cpu
        share = pruned / (options.trials * options.folds)
        ratios = f"{slow / fast:7.1f}{slow_cpu / fast_cpu:11.1f}"
        print(f"{model:8}{slow:9.1f}{fast:14.1f}{ratios}{plain_uar:11.3f}{our_uar:15.3f}{share:8.0%}", flush=True)
    slow, fast, slow_cpu, fast_cpu = totals
    print(f"{'all':8}{slow:9.1f}{fast:14.1f}{slow / fast:7.1f}{slow_cpu / fast_cpu:11.1f}")


if __name__ == "__main__":
    main()
