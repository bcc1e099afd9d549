"""Whether a leaderboard says the same with other seeds.

    python benchmarks/seeds.py path/to/ravdess -f compare -m mlp -m logreg -m svm

Runs the same systems several times, each with the budget's number of seeds (three in `standard`) starting where the last ones ended, and
prints a row per run and system: rank, UAR with its interval, p vs best; then how far the UARs of each system lie apart, and which
comparisons are on both sides of p = .05. Units that are finished are not fitted again.
"""

from __future__ import annotations

import argparse

import pandas as pd
from simulate import decimals, print_table

from ser_bench.api import run
from ser_bench.config import BUDGETS
from ser_bench.progress import for_terminal

RUNS = 4


def boards(options: argparse.Namespace) -> pd.DataFrame:
    """The leaderboards of all runs, with the first seed of each."""
    found = []
    for number in range(options.runs):
        seed = number * BUDGETS[options.budget].seeds
        how = {"budget": options.budget, "seed": seed, "jobs": options.jobs, "learning_curves": False}
        results = run(options.corpus, features=options.features, models=options.models, progress=for_terminal(), **how)
        found.append(results.leaderboard.assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def main() -> None:
    """Print what each run says, and where they disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("-f", "--features", action="append", required=True)
    parser.add_argument("-m", "--models", action="append", required=True)
    parser.add_argument("--budget", default="standard", choices=list(BUDGETS))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--jobs", type=int, default=0)
    options = parser.parse_args()
    table = boards(options)
    rows = table.sort_values(["features", "model", "seed"])
    print_table(
        ["features", "model", "first seed", "rank", "UAR", "95 %", "p vs best"],
        (
            [
                r.features,
                r.model,
                str(r.seed),
                str(r.rank),
                decimals(r.uar),
                f"{decimals(r.uar_low)} to {decimals(r.uar_high)}",
                _p(r.p_vs_best),
            ]
            for r in rows.itertuples()
        ),
    )
    print()
    for (features, model), mine in table.groupby(["features", "model"]):
        p = mine["p_vs_best"].fillna(1.0)
        sides = "on both sides of .05" if p.lt(0.05).nunique() > 1 else "on one side of .05"
        print(f"{features} {model}: UAR {decimals(mine['uar'].min())} to {decimals(mine['uar'].max())}, p {sides}")


def _p(p: float) -> str:
    return "" if pd.isna(p) else decimals(p)


if __name__ == "__main__":
    main()
