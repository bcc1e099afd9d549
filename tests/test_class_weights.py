"""Whatever tunes trains with the class weights that it was asked for, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.config import CLASS_WEIGHTS, RunConfig
from ser_bench.evaluation.nested_cv import unit_notes
from ser_bench.evaluation.plan import choose_models
from ser_bench.evaluation.units import read_file
from ser_bench.models.logreg import LogisticRegression
from tests.evaluation.test_units import hashed
from tests.small import SMALL, evaluate

NOTE = "class weights: none"


def run(speech: Path, out: Path, **options: str) -> Any:
    return evaluate(speech, out, **options)


def ablate(speech: Path, out: Path, **options: str) -> Any:
    given = {**SMALL, "features": "prosody", "modes": "alone", "importance": False, "trials": 1, **options}
    return ser_bench.ablate(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **given)


def audit(speech: Path, out: Path, **options: str) -> Any:
    return ser_bench.audit(speech / "corpus" / "clips.csv", gap=True, out=str(out), cache=str(speech / "store"), **SMALL, **options)


def cross(speech: Path, out: Path, **options: str) -> Any:
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    first = table["speaker"].isin(sorted(table["speaker"].unique())[:2])
    sides = [speech / "corpus" / name for name in ("one.csv", "other.csv")]
    for side, mine in zip(sides, (first, ~first), strict=True):
        table[mine].to_csv(side, index=False)
    return ser_bench.cross(sides, out=str(out), cache=str(speech / "store"), **SMALL, **options)


@pytest.mark.parametrize("command", [run, ablate, audit, cross])
def test_every_unit_is_fitted_anew_without_them_and_notes_it(command: Callable[..., Any], speech: Path, tmp_path: Path) -> None:
    command(speech, tmp_path)
    balanced = set(tmp_path.glob("units/*.parquet"))
    command(speech, tmp_path, class_weights="none")
    others = set(tmp_path.glob("units/*.parquet")) - balanced
    assert len(others) == len(balanced) > 0
    notes = {path: read_file(path).metadata["notes"] for path in balanced | others}
    assert {path for path, said in notes.items() if NOTE in said} == others


@pytest.mark.parametrize(
    ("command", "name"), [(run, "leaderboard.md"), (ablate, "ablation.md"), (audit, "audit.html"), (cross, "cross.csv")]
)
def test_what_is_written_says_so(command: Callable[..., Any], name: str, speech: Path, tmp_path: Path) -> None:
    for options, says in (({}, False), ({"class_weights": "none"}, True)):
        found = command(speech, tmp_path, **options)
        written = (found.folder / name).read_text(encoding="utf-8").lower()
        assert (NOTE in written) == says


def test_every_model_of_a_configuration_weighs_as_it_says() -> None:
    models = choose_models(RunConfig(models=("svm", "rf", "xgb", "mlp", "logreg"), class_weights="none"))
    assert {model.class_weights for model in models.values()} == {"none"}
    assert {model.class_weights for model in choose_models(RunConfig()).values()} == {"balanced"}


class Unweighing(LogisticRegression):
    name = "unweighing"
    weighs_classes = False


def test_a_model_that_does_not_weigh_classes_is_given_none_and_its_notes_say_so() -> None:
    asked = [Unweighing(weights) for weights in CLASS_WEIGHTS]
    assert [model.weights(np.array([0, 0, 0, 1])).tolist() for model in asked] == [[1, 1, 1, 1]] * 2
    assert [unit_notes(model, 10, 10, [], searched=True) for model in asked] == [
        ["class weights not heeded: unweighing does not weigh classes"]
    ] * 2
    assert len({hashed(model=model) for model in asked}) == 1


def test_a_row_of_such_a_model_notes_it_whatever_was_asked(speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_bench.models.logreg.LogisticRegression.weighs_classes", False)
    for weights in CLASS_WEIGHTS:
        (notes,) = run(speech, tmp_path / weights, models="logreg", class_weights=weights).leaderboard["notes"]
        assert "class weights not heeded: logreg does not weigh classes" in notes
