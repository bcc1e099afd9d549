"""What the searches of a run found out about the models' parameters.

In:   the trials of a run.
Out:  a row per model and parameter: how much it mattered, and what was chosen.
Rule: scores are inner ones, of training speakers alone, and compared within a unit; a few trials tell nothing and are not asked.
"""

from __future__ import annotations

import json
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ser_bench.utils.partial_imports import import_alone

if TYPE_CHECKING:
    import optuna
    import pandas as pd

UNIT = ["corpus", "features", "track", "seed", "fold"]
LEAST_TRIALS = 30
WIDE = 10.0
"""A parameter whose values span more than this factor is looked at on a logarithmic scale."""


def parameter_table(trials: pd.DataFrame) -> pd.DataFrame:
    """How much each parameter mattered: ``model, parameter, importance, trials, chosen``, the most important first.

    Importance is PED-ANOVA's (Watanabe et al., *PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
    subspaces*, IJCAI 2023): how far the values of the best tenth of complete trials are from those of all; over the
    parameters of a model it sums to one. A trial's score is its gain over the defaults in the same unit.

    Parameters
    ----------
    trials : DataFrame
        As a run's ``trials.parquet``.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    complete = trials[trials["state"] == "complete"] if len(trials) else pd.DataFrame(columns=["model"])
    for model, mine in complete.groupby("model", sort=False):
        if len(mine) < LEAST_TRIALS:
            continue
        drawn = pd.DataFrame([json.loads(params) for params in mine["params"]], index=mine.index)
        # Trial 0 is the defaults; a unit where they failed has nothing to be held against.
        gains = mine["score"] - mine["score"].where(mine["trial"] == 0).groupby([mine[name] for name in UNIT]).transform("max")
        known = gains.notna()
        drawn, gains, mine = drawn[known], gains[known], mine[known]
        if gains.nunique() < 2:
            continue
        for parameter, importance in _importances(drawn, gains).items():
            chosen = drawn.loc[mine["chosen"].astype(bool), parameter].dropna()
            rows.append(
                {"model": model, "parameter": parameter, "importance": importance, "trials": len(mine), "chosen": _in_words(chosen)}
            )
    return pd.DataFrame(rows, columns=["model", "parameter", "importance", "trials", "chosen"])


def _importances(drawn: pd.DataFrame, gains: pd.Series) -> dict[str, float]:
    import warnings

    import optuna

    ranges = {str(name): _range(column.dropna()) for name, column in drawn.items()}
    ranges = {name: one for name, one in ranges.items() if not one.single()}
    if not ranges:
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for (_, values), gain in zip(drawn.iterrows(), gains, strict=True):
        params = {name: _plain(values[name]) for name in ranges if values[name] == values[name]}
        used = {name: ranges[name] for name in params}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=used, value=float(gain)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Of scores that are mostly tied it says that it cannot tell the best from all.
        warnings.simplefilter("ignore", UserWarning)
        found = _ped_anova().PedAnovaImportanceEvaluator().evaluate(study)
    whole = sum(found.values())
    return {name: importance / whole if whole else 1 / len(found) for name, importance in found.items()}


@cache
def _ped_anova() -> ModuleType:
    """Optuna's PED-ANOVA without its other ways, which import scikit-learn."""
    return import_alone("optuna.importance._ped_anova", "optuna.importance")


def _range(column: pd.Series) -> optuna.distributions.BaseDistribution:
    """The values that a parameter took, as a distribution."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values = [_plain(value) for value in column]
    if any(isinstance(value, str | bool) for value in values):
        return CategoricalDistribution(sorted(set(values)))
    low, high = min(values), max(values)
    log = low > 0 and high / low > WIDE
    kind = IntDistribution if all(float(value).is_integer() for value in values) else FloatDistribution
    return kind(low, high, log=log)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _in_words(chosen: pd.Series) -> str:
    """The middle half of numbers chosen, or how often each word was."""
    if chosen.empty:
        return ""
    if chosen.dtype.kind in "if":
        low, middle, high = chosen.quantile([0.25, 0.5, 0.75])
        return f"{middle:.3g} ({low:.3g} to {high:.3g})"
    return ", ".join(f"{word} {share:.0%}" for word, share in chosen.value_counts(normalize=True).items())
