"""The Python interface, with the command line's words: `run`, `audit`, `ablate`, `cross`, `splits`, `score`, `fit`, `load` and others.

The command line is a thin face over these. `runs` evaluates our own systems (`finished` tells whether anything is left to do), `recipes`
published ones, `outside` those trained elsewhere, `analyses` asks why, `bundles` makes systems to be used, `exports` writes them for other
runtimes; `publishing` writes what evaluation came to, of whichever systems, and `options` says which keys of a configuration each uses.
"""

from ser_bench.api.analyses import ablate, audit, cross, plan_study
from ser_bench.api.bundles import fit, load
from ser_bench.api.exports import export
from ser_bench.api.outside import score, splits
from ser_bench.api.recipes import Choice, forecast_recipe, reproduce, run_recipe
from ser_bench.api.runs import dry_run, extract_all, leaderboard, leaderboard_of, run, run_config

__all__ = [
    "Choice",
    "ablate",
    "audit",
    "cross",
    "dry_run",
    "export",
    "extract_all",
    "fit",
    "forecast_recipe",
    "leaderboard",
    "leaderboard_of",
    "load",
    "plan_study",
    "reproduce",
    "run",
    "run_config",
    "run_recipe",
    "score",
    "splits",
]
