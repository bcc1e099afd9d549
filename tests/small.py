"""Runs that take a second: few synthetic clips, few trials, and no page unless it is asked for."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ser_bench import reports
from ser_bench.api import run
from ser_bench.reports import ablation, audit, cross, index_page, merged_page
from ser_bench.results import Results

THOROUGH = bool(os.environ.get("SER_BENCH_THOROUGH"))
"""Whether twice as many examples of properties are drawn, and tests marked so are run: `make test-thorough`."""

SMALL = {"features": "spectral", "models": "logreg", "cv": "group:2", "trials": 2, "inner": 2, "seeds": 1, "jobs": 1}
WITHOUT_CURVES = {**SMALL, "learning_curves": False}
CALLED = [
    (reports, "write_figures"),
    (reports, "write_page"),
    (ablation, "write_figures"),
    (audit, "write_figures"),
    (cross, "write_figures"),
    (index_page, "write_index"),
    (merged_page, "write_figures"),
    (merged_page, "write_merged_page"),
]
FOR_PEOPLE = [(place, name, getattr(place, name)) for place, name in CALLED]
"""What shows runs and draws other analyses: where it is called, by which name, and itself. `conftest.py` leaves it out."""


@contextlib.contextmanager
def with_pages(*, figures: bool = True) -> Iterator[None]:
    """Runs with page and, unless that is not asked for, figures, which take half as long again; other analyses with figures."""
    with pytest.MonkeyPatch.context() as patch:
        for place, name, itself in FOR_PEOPLE:
            if figures or (place, name) != (reports, "write_figures"):
                patch.setattr(place, name, itself)
        yield


def evaluate(speech: Path, out: Path, **options: object) -> Results:
    """Judge the clips of the fixture `speech`, without learning curves unless they are asked for."""
    return run(speech / "corpus" / "clips.csv", **{**WITHOUT_CURVES, "out": str(out), "cache": str(speech / "store"), **options})


def but_seconds(results: Results) -> str:
    """The leaderboard but for what may differ."""
    return pd.read_csv(results.folder / "leaderboard.csv").drop(columns="seconds").to_csv()
