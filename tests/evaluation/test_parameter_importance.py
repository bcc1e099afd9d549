"""Hyperparameter importance, from trials made up."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import pytest

from ser_bench.evaluation import parameter_importance
from ser_bench.evaluation.parameter_importance import ParameterImportance, parameter_importances


def searches(units: int = 6, each: int = 20, *, state: str = "complete") -> pd.DataFrame:
    """Searches in which the score follows C, hardly gamma, and the fold by far the most; linear kernels have no gamma."""
    rng = np.random.default_rng(0)
    rows = []
    for fold in range(units):
        drawn = [{"kernel": str(rng.choice(["rbf", "linear"])), "C": 10 ** rng.uniform(-2, 2)} for _ in range(each)]
        for params in drawn:
            if params["kernel"] == "rbf":
                params["gamma"] = rng.uniform(0.1, 1)
        scores = [fold - abs(np.log10(params["C"])) / 10 + rng.normal(0, 0.005) for params in drawn]
        for trial, (params, score) in enumerate(zip(drawn, scores, strict=True)):
            unit = {"corpus": "c", "features": "x", "model": "svm", "track": "train", "seed": 0, "fold": fold}
            rows.append(
                unit | {"trial": trial, "state": state, "score": score, "params": json.dumps(params), "chosen": score == max(scores)}
            )
    return pd.DataFrame(rows)


def parameter_table(trials: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(parameter_importances(trials), columns=list(ParameterImportance._fields))


def test_what_the_score_follows_matters_most_whatever_the_folds_differ() -> None:
    table = parameter_table(searches()).set_index("parameter")
    assert set(table.index) == {"C", "kernel", "gamma"}
    assert table["importance"].idxmax() == "C"
    assert table.loc["C", "importance"] > 0.7
    assert (table["trials"] == 120).all()


def test_importances_of_a_model_sum_to_one_and_come_in_order() -> None:
    found = parameter_table(searches())["importance"]
    assert abs(found.sum() - 1) < 1e-9
    assert found.is_monotonic_decreasing


def test_importances_are_those_that_optuna_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    studies = []

    class Watched(optuna.importance.PedAnovaImportanceEvaluator):
        def evaluate(self, study: optuna.Study) -> dict[str, float]:
            studies.append(study)
            return super().evaluate(study)

    found = parameter_table(searches()).set_index("parameter")["importance"].to_dict()
    monkeypatch.setattr(parameter_importance, "_ped_anova", lambda: SimpleNamespace(PedAnovaImportanceEvaluator=Watched))
    parameter_table(searches())
    assert found == optuna.importance.get_param_importances(studies[0])


def test_of_numbers_chosen_quartiles_are_known_and_of_words_shares() -> None:
    trials = searches()
    numbers, words = (next(found for found in parameter_importances(trials) if found.parameter == name) for name in ("C", "kernel"))
    chosen = pd.Series([json.loads(params)["C"] for params in trials.loc[trials["chosen"], "params"]])
    assert numbers.quartiles == tuple(chosen.quantile([0.25, 0.5, 0.75]))
    assert (numbers.shares, words.quartiles) == ({}, None)
    assert sum(words.shares.values()) == pytest.approx(1)


def test_few_or_pruned_trials_tell_nothing() -> None:
    assert parameter_table(searches(1)).empty
    assert parameter_table(searches(state="pruned")).empty
    assert parameter_table(searches().iloc[:0]).empty
    assert parameter_table(pd.DataFrame(columns=["corpus", "features", "model", "track", "seed", "fold"])).empty


def test_a_parameter_that_never_varies_is_left_out() -> None:
    trials = searches()
    trials["params"] = [json.dumps({**json.loads(params), "fixed": 3}) for params in trials["params"]]
    assert "fixed" not in set(parameter_table(trials)["parameter"])


def test_tied_scores_tell_nothing() -> None:
    assert parameter_table(searches().assign(score=1.0)).empty


def test_a_unit_whose_defaults_failed_is_left_out() -> None:
    trials = searches()
    failed = (trials["fold"] == 0) & (trials["trial"] == 0)
    assert (parameter_table(trials.assign(state=trials["state"].mask(failed, "failed")))["trials"] == 100).all()
