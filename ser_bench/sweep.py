"""One setting, several values: what difference each makes.

In:   a configuration, and for some of its keys, or of a feature set's parameters, the values to try.
Out:  a row a value: its UAR, and what it is above that of the configuration as it is.
Rule: a value is judged as a row of a leaderboard is, on the same folds; where it leaves out other clips, or asks other emotions, no
      difference is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.ablation import COLUMNS, Bench, set_up
from ser_bench.config import RunConfig, check_keys
from ser_bench.errors import WrongCall, unknown
from ser_bench.progress import Progress
from ser_bench.spec import parse, split_sum

if TYPE_CHECKING:
    import pandas as pd

SWEPT = ("cv", "duration", "labels", "offset", "seed", "track", "trials", "trim", "variant", "where")
"""The keys of a configuration that may take several values."""

Point = tuple[str, RunConfig]


def points(sweep: dict[str, Any], config: RunConfig) -> Iterator[Point]:
    """Each value that is to be tried: what its row is called, and the configuration with it.

    Parameters
    ----------
    sweep : dict of str to list
        Keys of a configuration (`SWEPT`), or ``features.NAME.PARAMETER``.

    Raises
    ------
    WrongCall
        Naming the key, and the nearest known one.
    """
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise WrongCall(f"[sweep] '{key}' takes a list of values, not {values!r}")
        if key not in SWEPT and not key.startswith("features."):
            raise unknown("key in [sweep]:", key, [*SWEPT, "features.NAME.PARAMETER"])
        for value in values:
            changed = _with_parameter(config, key, value) if key.startswith("features.") else _with_key(config, key, value)
            yield f"{key} = {value}", changed


def _with_key(config: RunConfig, key: str, value: Any) -> RunConfig:
    return dataclasses.replace(config, **check_keys({key: value}, source="[sweep]"))


def _with_parameter(config: RunConfig, key: str, value: Any) -> RunConfig:
    """The configuration with a parameter of one of its feature sets changed."""
    _, name, parameter = [*key.split("."), "", ""][:3]
    sets = []
    for text in config.features:
        terms = [_changed(term, name, parameter, value) for term in split_sum(text)]
        if terms != split_sum(text):
            sets.append("+".join(terms))
    if not sets or not parameter:
        raise WrongCall(f"[sweep] '{key}': none of the feature sets ({', '.join(config.features)}) has a part '{name}'; see -f")
    return dataclasses.replace(config, features=tuple(sets))


def _changed(term: str, name: str, parameter: str, value: Any) -> str:
    own, parameters = parse(term) if not term.lower().endswith(".parquet") else (term, {})
    if own != name:
        return term
    inside = ",".join(f"{key}={mine}" for key, mine in {**parameters, parameter: value}.items())
    return f"{name}({inside})"


def sweep_rows(sweep: dict[str, Any], config: RunConfig, benches: list[Bench], progress: Progress) -> pd.DataFrame:
    """Judge every value.

    Parameters
    ----------
    sweep, config
        As `points` takes them.
    benches : list of Bench
        Of the configuration as it is.

    Returns
    -------
    DataFrame
        The columns of an ablation, mode ``sweep``; `p` is corrected for the values of a key (Holm).
    """
    import pandas as pd

    rows = []
    for name, changed in list(points(sweep, config)):
        _, tried = set_up(changed, progress, grouped=False)
        for bench in tried:
            rows.append(_row(name, bench, _counterpart(bench, benches)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    keys = table["group"].str.partition(" = ")[0]
    for _, same in table.groupby([keys, "features", "model"]):
        table.loc[same.index, "p"] = scores.holm(same["p"])
    return table.round(4)


def _counterpart(bench: Bench, benches: list[Bench]) -> Bench:
    """The bench of the configuration as it is that a changed one is read against: of the same model and the same feature names."""

    def names(one: Bench) -> list[str]:
        return [parse(term)[0] for term in split_sum(one.features.name.partition(" @ ")[0])]

    return next(other for other in benches if list(other.models) == list(bench.models) and names(other) == names(bench))


def _row(name: str, bench: Bench, usual: Bench) -> tuple[Any, ...]:
    judged, (model,) = bench.ground.judged, bench.models
    counts = bench.counts(bench.everywhere("sweep", name, bench.groups))
    uar, low, high = scores.jackknife_of(counts, cross_validated=True)
    diff, p = (np.nan,) * 3, np.nan
    same = judged.clips.index.equals(usual.ground.judged.clips.index) and judged.emotions == usual.ground.judged.emotions
    if same and len(judged.folds) == len(usual.ground.judged.folds):
        others = usual.counts(usual.everywhere("all", "", usual.groups))
        diff = scores.difference_of(counts, others, cross_validated=True)
        p = scores.p_of_difference(scores.contributions_of(counts), scores.contributions_of(others))
    dims = bench.features.values.shape[1]
    return (judged.corpus, usual.features.name, model, "sweep", name, uar, *diff, p, low, high, dims)
