"""What processes that fit begin with: real searches, of which nothing comes; and when they are started before there is work."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_bench.api import runs
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation import nested_cv
from ser_bench.evaluation.warm_up import warm_up


def test_every_model_is_tuned_once_and_one_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found, tune = [], nested_cv.tune_unit
    monkeypatch.setattr(nested_cv, "tune_unit", lambda *args: found.append(tune(*args)) or found[-1])
    warm_up(["logreg", "nothing-of-that-name", "svm"], "balanced")
    assert [row["state"] for result in found for row in result.trial_rows][::2] == ["complete", "complete"]
    assert [result.probabilities.shape for result in found] == [(8, 2)] * 2


@pytest.mark.parametrize(("there", "fresh", "early"), [(False, False, True), (True, False, False), (True, True, True)])
def test_a_run_that_has_something_to_fit_starts_its_processes_first(
    there: bool, fresh: bool, early: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(runs, "start_early", lambda *how: begun.append(how))
    if there:
        (tmp_path / "units").mkdir()
    config = RunConfig(corpus=(str(tmp_path / "nowhere"),), models=("svm",), out=str(tmp_path), jobs=2)
    with pytest.raises(WrongCall, match="no such corpus"):
        runs.run_config(config, fresh=fresh)
    assert begun == ([(warm_up, (("svm",), "balanced"), config.workers)] if early else [])
