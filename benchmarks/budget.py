"""Compare CPU time and UAR of the budget `standard` with one seed of 30 trials with larger ensembles.

    python benchmarks/budget.py path/to/ravdess -f egemaps -m svm rf mlp

Before: 30 trials for one seed, forests of 300 trees, five networks. Times are CPU times of all units of
all seeds of a budget; UAR is the mean over `--seeds` seeds, the same for both.
"""

from __future__ import annotations

import argparse

import numpy as np
from joblib import Parallel
from tune import evaluate, our_unit, read_cell

from ser_bench.config import BUDGETS, Budget
from ser_bench.models import DEFAULT_MODELS, forest, mlp

BEFORE = Budget(30, 4, 1)
LARGER = {forest: {"TREES": 300}, mlp: {"NETWORKS": 5}}


def measure(budget: Budget, model: str, options: argparse.Namespace) -> tuple[float, float]:
    """CPU time (s) of the budget's seeds, and the mean UAR of all."""
    each = argparse.Namespace(trials=budget.trials, inner=budget.inner, folds=options.folds)
    runs = [evaluate(our_unit, options.data, model, seed, each, Parallel(1)) for seed in range(options.seeds)]
    _, seconds, found, _ = np.mean(runs, axis=0)
    return seconds * budget.seeds, found


def main() -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("-f", "--features", default="egemaps")
    parser.add_argument("-m", "--models", nargs="+", default=list(DEFAULT_MODELS))
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", default="features")
    options = parser.parse_args()

    options.data = read_cell(options.corpus, options.features, options.cache)
    now = {module: {name: getattr(module, name) for name in changed} for module, changed in LARGER.items()}
    print(f"{'model':8}{'before, s':>10}{'now, s':>8}{'UAR before':>12}{'UAR now':>9}")
    for model in options.models:
        # What is compiled at a model's first fit on a machine is no part of a budget.
        evaluate(our_unit, options.data, model, 0, argparse.Namespace(trials=1, inner=2, folds=2), Parallel(1))
        found = []
        for budget, constants in ((BEFORE, LARGER), (BUDGETS["standard"], now)):
            for module, values in constants.items():
                vars(module).update(values)
            found.append(measure(budget, model, options))
        (slow, uar_before), (fast, uar_now) = found
        print(f"{model:8}{slow:10.1f}{fast:8.1f}{uar_before:12.3f}{uar_now:9.3f}", flush=True)


if __name__ == "__main__":
    main()
