"""Hyperparameters that are held fixed: what stands in the brackets of ``svm(C=1)``.

In:   a model, and values by hyperparameter.
Out:  the checked values, the model's name with them, and trials that draw only what is left.
Rule: a value is taken if the model can take it, within its search range or not; one that is unknown, or that would
      change nothing, is refused.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.spec import plainly, typed, within

if TYPE_CHECKING:
    import optuna

    from ser_bench.models.base import Model

Bounds = tuple[Any, ...]
"""The least and the most of a number, or what can be chosen among; empty where the model checks the value itself."""


class PartlyFixed:
    """A trial that draws nothing that is fixed.

    Parameters
    ----------
    trial : optuna.trial.BaseTrial
        What draws the rest.
    fixed : mapping of str to object

    Attributes
    ----------
    asked : dict of str to Bounds
        Of each fixed hyperparameter that was asked for, what it would have been drawn from.
    """

    def __init__(self, trial: optuna.trial.BaseTrial | DefaultDraw, fixed: Mapping[str, Any]) -> None:
        self.trial, self.fixed = trial, fixed
        self.asked: dict[str, Bounds] = {}

    def __getattr__(self, name: str) -> Any:
        ours = getattr(self.trial, name)
        if not name.startswith("suggest_"):
            return ours

        def draw(key: str, *spans: Any, **named: Any) -> Any:
            if key not in self.fixed:
                return ours(key, *spans, **named)
            span = inspect.signature(ours).bind(key, *spans, **named).arguments
            self.asked[key] = tuple(span["choices"]) if "choices" in span else (span["low"], span["high"])
            return self.fixed[key]

        return draw


class DefaultDraw:
    """A trial that draws the defaults and remembers their ranges: a model's search space, without optuna.

    Parameters
    ----------
    defaults : mapping of str to object

    Attributes
    ----------
    spans : dict of str to (Bounds, bool)
        Of each hyperparameter that was asked for, its least and its most, or all choices as one, and whether the scale is logarithmic.
    """

    def __init__(self, defaults: Mapping[str, Any]) -> None:
        self.defaults = defaults
        self.spans: dict[str, tuple[Bounds, bool]] = {}

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> Any:
        """As optuna's trials have it."""
        return self._draw(name, (low, high), log)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> Any:
        """As optuna's trials have it."""
        return self._draw(name, (low, high), log)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """As optuna's trials have it."""
        return self._draw(name, (tuple(choices),), False)

    def _draw(self, name: str, span: Bounds, log: bool) -> Any:
        self.spans[name] = span, log
        return self.defaults[name]


class FirstDraw(NamedTuple):
    """What a search begins with: the parameters, what fixed ones would have been drawn from, and whether anything is left to draw."""

    params: dict[str, Any]
    asked: dict[str, Bounds]
    searching: bool

    @classmethod
    def of(cls, model: Model) -> FirstDraw:
        """The draw of a model's defaults and what is fixed of it."""
        trial = DefaultDraw(model.defaults)
        partly = PartlyFixed(trial, model.fixed)
        params = model.space(partly)  # type: ignore[arg-type]
        return cls(params, partly.asked, bool(trial.spans))


def check_fixed(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name, in the order of the names, each of its hyperparameter's type.

    Raises
    ------
    WrongCall
        For a hyperparameter that the model does not have, and for a value that it cannot take.
    """
    known, where = {**model.defaults, **model.settings}, f"model {model.name}"
    values = {}
    for key, value in sorted(given.items()):
        if key not in known:
            raise unknown(f"parameter of model '{model.name}'", key, known)
        # A bare number may be meant as a word: `layers=64`.
        value = str(value) if isinstance(known[key], str) and type(value) is int else value
        values[key] = typed(key, value, known[key], where)
        if key in model.bounds:
            check_value(f"{where}: '{key}'", values[key], model.bounds[key])
    return values


def check_drawn(model: Model, asked: Mapping[str, Bounds]) -> None:
    """Refuse fixed values that the model never asks for, or of which it says nothing but what it searches.

    Raises
    ------
    WrongCall
        Naming the hyperparameter.
    """
    for key, value in model.fixed.items():
        if key in asked and key not in model.bounds:
            check_value(f"model {model.name}: '{key}'", value, asked[key])
        elif key not in asked and key not in model.settings:
            raise WrongCall(f"model {model.label}: '{key}' is not used with these others; leave it out")


def check_value(what: str, value: Any, bounds: Bounds) -> None:
    """Refuse a value outside of its bounds.

    >>> check_value("model svm: 'kernel'", "cubic", ("rbf", "linear"))
    Traceback (most recent call last):
    ser_bench.errors.WrongCall: model svm: 'kernel' takes one of rbf, linear, not 'cubic'
    """
    numbers = len(bounds) == 2 and not any(isinstance(bound, str | bool) for bound in bounds)
    if numbers and isinstance(value, int | float):
        within(what, value, *bounds)
    elif bounds and value not in bounds:
        raise WrongCall(f"{what} takes one of {', '.join(map(str, bounds))}, not {quoted(plainly(value))}")


def labelled(name: str, fixed: Mapping[str, Any]) -> str:
    """A model's name with what is fixed.

    >>> labelled("svm", {"C": 1e-05, "gamma": 1.0, "kernel": "rbf"}), labelled("svm", {"C": 1e6})
    ('svm(C=1e-5,gamma=1,kernel=rbf)', 'svm(C=1e6)')
    """
    inside = ",".join(f"{key}={_shown(value)}" for key, value in fixed.items())
    return f"{name}({inside})" if inside else name


def _shown(value: Any) -> str:
    """A value as `utils.spec` reads it again."""
    if isinstance(value, bool):
        return str(value).lower()
    short = re.sub(r"e([+-])0*", lambda sign: f"e{sign[1].strip('+')}", f"{value:g}") if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)
