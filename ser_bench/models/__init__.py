"""WHO decides: the models, one file per family."""

from __future__ import annotations

from typing import Any

from ser_bench.models.base import Fitted, Model, Prediction, PreparedFit, Split, fit_split, prepare_split
from ser_bench.utils.plugins import discover
from ser_bench.utils.renamed import former

DEFAULT_MODELS = ("svm", "rf", "xgb", "mlp")
"""The models of a run that names none, in this order."""

__all__ = [
    "DEFAULT_MODELS",
    "Fitted",
    "Model",
    "Prediction",
    "PreparedFit",
    "Split",
    "catalogue",
    "fit_split",
    "known_models",
    "prepare_split",
]


def __getattr__(name: str) -> Any:
    return former(__name__, name, {"Verdict": "Prediction", "Plan": "PreparedFit"})


def known_models() -> dict[str, type[Model]]:
    """All models by name, those of other packages too."""
    return discover("models", Model, "ser_bench.models")  # type: ignore[type-abstract]


def catalogue() -> list[dict[str, Any]]:
    """All models, each with ``model, description, parameters`` (the search space, with the defaults)."""
    known = known_models().items()
    return [{"model": name, "description": model.description, "parameters": describe_space(model())} for name, model in known]


def describe_space(model: Model) -> str:
    """A model's search space in words.

    >>> describe_space(known_models()["logreg"]())
    'C 1e-05..10 log (0.1)'
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.trial import FixedTrial

    trial = FixedTrial(dict(model.defaults))
    model.space(trial)
    words = []
    for name, drawn in trial.distributions.items():
        span = ""
        if isinstance(drawn, CategoricalDistribution):
            span = "|".join(map(str, drawn.choices))
        elif isinstance(drawn, FloatDistribution | IntDistribution):
            span = f"{drawn.low:g}..{drawn.high:g}{' log' if drawn.log else ''}"
        words.append(f"{name} {span} ({model.defaults[name]})")
    return ", ".join(words)
