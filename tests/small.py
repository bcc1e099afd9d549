"""Runs that take a second: few synthetic clips, few trials."""

from pathlib import Path

import pandas as pd

from ser_bench.api import run
from ser_bench.results import Results

SMALL = {"features": "spectral", "models": "logreg", "trials": 2, "inner": 2, "seeds": 1, "jobs": 1}
WITHOUT_CURVES = {**SMALL, "learning_curves": False}


def evaluate(speech: Path, out: Path, **options: object) -> Results:
    """Judge the clips of the fixture `speech`, without learning curves unless they are asked for."""
    return run(speech / "corpus" / "clips.csv", **{**WITHOUT_CURVES, "out": str(out), "cache": str(speech / "store"), **options})


def but_seconds(results: Results) -> str:
    """The leaderboard but for what may differ."""
    return pd.read_csv(results.folder / "leaderboard.csv").drop(columns="seconds").to_csv()
