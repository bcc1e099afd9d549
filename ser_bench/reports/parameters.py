"""What the searches of a run found out about the models' hyperparameters, for reading.

In:   the trials of a run.
Out:  a row per hyperparameter with its importance (`evaluation.parameter_importance`) and what was chosen in words, by model.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.parameter_importance import ParameterImportance, parameter_importances

if TYPE_CHECKING:
    import pandas as pd


def view_parameters(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """The parameters of each model as the page shows them; none of too few trials."""
    by_model = groupby(parameter_importances(trials), key=lambda found: found.model)
    return [{"model": model, "rows": [found._asdict() | {"chosen": chosen_words(found)} for found in rows]} for model, rows in by_model]


def chosen_words(found: ParameterImportance) -> str:
    """The middle half of numbers chosen, or how often each word was.

    >>> chosen_words(ParameterImportance("svm", "C", 0.9, 50, (0.5, 1.25, 8.0), {}))
    '1.25 (0.5 to 8)'
    >>> chosen_words(ParameterImportance("svm", "kernel", 0.1, 50, None, {"rbf": 0.75, "linear": 0.25}))
    'rbf 75%, linear 25%'
    """
    if found.quartiles is None:
        return ", ".join(f"{word} {share:.0%}" for word, share in found.shares.items())
    low, middle, high = found.quartiles
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"
