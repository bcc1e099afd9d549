"""What the searches of a run found out about the models' hyperparameters.

In:   the trials of a run.
Out:  the importance of each hyperparameter of each model, and what was chosen.
Rule: scores are inner ones, of training speakers alone, and compared within a unit; runs of few trials are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.utils.partial_imports import import_alone

if TYPE_CHECKING:
    import optuna
    import pandas as pd

UNIT = ["corpus", "features", "track", "seed", "fold"]
LEAST_TRIALS = 30
WIDE = 10.0
"""A parameter whose values span more than this factor is looked at on a logarithmic scale."""


class ParameterImportance(NamedTuple):
    """How much a parameter of a model mattered, and what was chosen.

    Parameters
    ----------
    model, parameter : str
    importance : float
        Over the parameters of a model it sums to one.
    trials : int
        Complete ones of the model.
    quartiles : tuple of float, or None
        Of the numbers chosen; None of words.
    shares : dict of str to float
        How often each word was chosen, the most frequent first; empty of numbers.
    """

    model: str
    parameter: str
    importance: float
    trials: int
    quartiles: tuple[float, float, float] | None
    shares: dict[str, float]


def parameter_importances(trials: pd.DataFrame) -> list[ParameterImportance]:
    """How much each parameter mattered, those of a model together, the most important first.

    Importance is PED-ANOVA's (Watanabe et al., *PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
    subspaces*, IJCAI 2023): how far the values of the best tenth of complete trials are from those of all. A trial's score is its gain
    over the defaults in the same unit.

    Parameters
    ----------
    trials : DataFrame
        As a run's ``trials.parquet``.
    """
    complete = trials[trials["state"] == "complete"] if len(trials) else trials
    models = complete.groupby("model", sort=False) if len(complete) else ()
    return [found for model, mine in models if len(mine) >= LEAST_TRIALS for found in _of_model(str(model), mine)]


def _of_model(model: str, trials: pd.DataFrame) -> Iterator[ParameterImportance]:
    import pandas as pd

    drawn = pd.DataFrame([json.loads(params) for params in trials["params"]], index=trials.index)
    # Trial 0 is the defaults; a unit where they failed has nothing to be held against.
    gains = trials["score"] - trials["score"].where(trials["trial"] == 0).groupby([trials[name] for name in UNIT]).transform("max")
    known = gains.notna()
    drawn, gains, trials = drawn[known], gains[known], trials[known]
    if gains.nunique() < 2:
        return
    for parameter, importance in _importances(drawn, gains).items():
        chosen = drawn.loc[trials["chosen"].astype(bool), parameter].dropna()
        yield ParameterImportance(model, parameter, importance, len(trials), _quartiles(chosen), _shares(chosen))


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


def _quartiles(chosen: pd.Series) -> tuple[float, float, float] | None:
    if chosen.empty or chosen.dtype.kind not in "if":
        return None
    low, middle, high = chosen.quantile([0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def _shares(chosen: pd.Series) -> dict[str, float]:
    if chosen.empty or chosen.dtype.kind in "if":
        return {}
    return {str(word): float(share) for word, share in chosen.value_counts(normalize=True).items()}
