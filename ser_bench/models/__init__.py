"""WHO decides: the models, one file per family."""

from __future__ import annotations

from typing import Any

from ser_bench.config import BALANCED
from ser_bench.errors import WrongCall
from ser_bench.models.base import Fitted, Model, Prediction, PreparedFit, Split, fit_split, prepare_split
from ser_bench.models.fixed import DefaultDraw
from ser_bench.utils.plugins import discover, find
from ser_bench.utils.renamed import former
from ser_bench.utils.spec import parse

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
    "parse_model",
    "prepare_split",
]


def __getattr__(name: str) -> Any:
    return former(__name__, name, {"Verdict": "Prediction", "Plan": "PreparedFit"})


def known_models() -> dict[str, type[Model]]:
    """All models by name, those of other packages too."""
    return discover("models", Model, "ser_bench.models")  # type: ignore[type-abstract]


def parse_model(text: str, class_weights: str = BALANCED) -> Model:
    """The model that a text names: ``svm``, or with hyperparameters that are fixed ``svm(C=1,kernel=linear)``; the others are searched.

    Parameters
    ----------
    text : str
    class_weights : {'balanced', 'none'}

    Raises
    ------
    WrongCall
        For an unknown model or hyperparameter, for a value that the model cannot take, and for a model whose libraries are not installed.

    >>> parse_model("logreg( C = 1.0 )").label
    'logreg(C=1)'
    """
    name, fixed = parse(text)
    found = find("model", name, known_models())
    if lacking := found.lacks():
        raise WrongCall(f"model '{name}' {lacking}")
    return found(class_weights, fixed) if fixed else found(class_weights)


def catalogue() -> list[dict[str, Any]]:
    """All models, each with ``model, description`` (and what it lacks here), ``parameters`` (with the defaults)."""
    known = known_models().items()
    return [
        {"model": name, "description": "; ".join(filter(None, (model.description, model.lacks()))), "parameters": describe_all(model())}
        for name, model in known
    ]


def describe_all(model: Model) -> str:
    """A model's search space in words, and what else can be fixed, with its value otherwise.

    >>> describe_all(known_models()["dense"]()).partition("; ")[2][:53]
    'can be fixed: batch_norm (False), optimiser (adam), d'
    """
    others = ", ".join(f"{key} ({value})" for key, value in model.settings.items())
    return describe_space(model) + (f"; can be fixed: {others}" if others else "")


def describe_space(model: Model) -> str:
    """A model's search space in words.

    >>> describe_space(known_models()["logreg"]())
    'C 1e-05..10 log (0.1)'
    """
    trial = DefaultDraw(model.defaults)
    model.space(trial)  # type: ignore[arg-type]
    words = []
    for name, (span, log) in trial.spans.items():
        among = "|".join(map(str, span[0])) if len(span) == 1 else f"{span[0]:g}..{span[1]:g}{' log' if log else ''}"
        words.append(f"{name} {among} ({model.defaults[name]})")
    return ", ".join(words)
