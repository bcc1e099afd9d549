"""Whatever tunes trains with the class weights that it was asked for, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

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
    return evaluate(speech, out, **{"cv": "group:2", **options})


def ablate(speech: Path, out: Path, **options: str) -> Any:
    given = {**SMALL, "features": "prosody", "modes": "alone", "importance": False, "trials": 1, "cv": "group:2", **options}
    return ser_bench.ablate(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **given)


def audit(speech: Path, out: Path, **options: str) -> Any:
    given = {**SMALL, "trials": 1, **options}
    return ser_bench.audit(speech / "corpus" / "clips.csv", gap=True, out=str(out), cache=str(speech / "store"), **given)


def cross(speech: Path, out: Path, **options: str) -> Any:
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    first = table["speaker"].isin(sorted(table["speaker"].unique())[:2])
    sides = [speech / "corpus" / name for name in ("one.csv", "other.csv")]
    for side, mine in zip(sides, (first, ~first), strict=True):
        table[mine].to_csv(side, index=False)
    return ser_bench.cross(sides, out=str(out), cache=str(speech / "store"), **{**SMALL, "trials": 1, "track": "train"}, **options)


WRITTEN = {run: "leaderboard.md", ablate: "ablation.md", audit: "audit.html", cross: "cross.csv"}


class Both(NamedTuple):
    """Units that were fitted with and without balanced weights, and what was written of each."""

    balanced: set[Path]
    others: set[Path]
    balanced_words: str
    other_words: str


@pytest.fixture(scope="module", params=WRITTEN, ids=lambda command: command.__name__)
def both(request: pytest.FixtureRequest, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What a command does as usual and then without weights, in one folder."""
    out = tmp_path_factory.mktemp("weights")

    def told(**options: str) -> str:
        return (request.param(speech, out, **options).folder / WRITTEN[request.param]).read_text(encoding="utf-8").lower()

    balanced_words, balanced = told(), set(out.glob("units/*.parquet"))
    other_words, others = told(class_weights="none"), set(out.glob("units/*.parquet")) - balanced
    return Both(balanced, others, balanced_words, other_words)


def test_every_unit_is_fitted_anew_without_them_and_notes_it(both: Both) -> None:
    assert len(both.others) == len(both.balanced) > 0
    notes = {path: read_file(path).metadata["notes"] for path in both.balanced | both.others}
    assert {path for path, said in notes.items() if NOTE in said} == both.others


def test_what_is_written_says_so(both: Both) -> None:
    assert NOTE in both.other_words
    assert NOTE not in both.balanced_words


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
