"""One setting, several values: what difference each makes.

In:   a configuration, and for some of its keys, or of a feature set's parameters, the values to try.
Out:  a row per value: its UAR, and the difference from that of the configuration as it is.
Rule: a value is evaluated as a row of a leaderboard is, on the same folds; where it leaves out other clips, or evaluates other emotions, no
      difference is reported.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.analyses.ablation import NOTHING, SubsetEvaluator, check_honest, fill, set_up
from ser_bench.config import RunConfig, check_keys
from ser_bench.errors import WrongCall, unknown
from ser_bench.evaluation.analysis_folders import ABLATION
from ser_bench.evaluation.plan import choose_clips
from ser_bench.evaluation.splits import parse_cv
from ser_bench.features import FeatureSource, known_extractors, parse_features
from ser_bench.utils.progress import Progress
from ser_bench.utils.spec import parse, split_sum

if TYPE_CHECKING:
    import pandas as pd

SWEPT = (
    "augment",
    "augment_times",
    "class_weights",
    "cv",
    "duration",
    "labels",
    "offset",
    "seed",
    "track",
    "trials",
    "trim",
    "variant",
    "where",
)
"""The keys of a configuration that may take several values."""
CHOOSING = ("cv", "labels", "where")
"""Those of them that decide which clips are evaluated, or on which folds: not every corpus allows every value."""


class Point(NamedTuple):
    """A value to try: what its row is called, the configuration with it, and which feature sets each of that one's stands for."""

    name: str
    config: RunConfig
    usual: dict[str, list[str]]


def points(sweep: dict[str, Any], config: RunConfig) -> Iterator[Point]:
    """Each value that is to be tried.

    Parameters
    ----------
    sweep : dict of str to list
        Keys of a configuration (`SWEPT`), or ``features.NAME.PARAMETER``; ``features.PARAMETER`` changes all parts that have it.

    Raises
    ------
    WrongCall
        Naming the key, and the nearest known one; or what is wrong with a value.
    """
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise WrongCall(f"[sweep] '{key}' takes a list of values, not {values!r}")
        if key not in SWEPT and not key.startswith("features."):
            raise unknown("key in [sweep]:", key, [*SWEPT, "features.NAME.PARAMETER", "features.PARAMETER"])
        for value in values:
            try:
                yield _with_parameter(config, key, value) if key.startswith("features.") else _with_key(config, key, value)
            except WrongCall as error:
                raise WrongCall(f"[sweep] '{key}' = {value}: {error}") from None


def _with_key(config: RunConfig, key: str, value: Any) -> Point:
    changed = dataclasses.replace(config, **check_keys({key: value}, source="[sweep]")).for_corpus(config.corpus[0])
    check_honest(parse_cv(changed.cv))
    if key in CHOOSING:
        choose_clips(changed)
    name = f"{key} = {value}{' (transductive)' if value == 'speaker' else ''}"
    return Point(name, changed, {mine: [mine] for mine in map(_name, config.features)})


def _with_parameter(config: RunConfig, key: str, value: Any) -> Point:
    """The configuration with a parameter of its feature sets changed, of those that have it."""
    _, *name, parameter = key.split(".")
    usual: dict[str, list[str]] = {}
    for text in (one for one in config.features if isinstance(one, str)):
        terms = [_changed(term, name, parameter, value) for term in split_sum(text)]
        if terms != split_sum(text):
            usual.setdefault(_name("+".join(terms)), []).append(_name(text))
    if not usual or not parameter:
        lacking = f"part '{name[0]}'" if name else f"part with a parameter '{parameter}'"
        raise WrongCall(f"none of the feature sets ({', '.join(map(str, config.features))}) has a {lacking}; see ser-bench features")
    return Point(f"{key} = {value}", dataclasses.replace(config, features=tuple(usual)), usual)


def _name(features: FeatureSource) -> str:
    return parse_features(features).name


def _changed(term: str, name: list[str], parameter: str, value: Any) -> str:
    """A term with a parameter changed, if it is of that name, or without a name, if it has such a parameter."""
    if term.lower().endswith(".parquet"):
        return term
    own, parameters = parse(term)
    if name != [own] if name else not _has(own, parameter):
        return term
    inside = ",".join(f"{key}={mine}" for key, mine in {**parameters, parameter: value}.items())
    return f"{own}({inside})"


def _has(name: str, parameter: str) -> bool:
    """Whether an extractor has a parameter."""
    extractor = known_extractors().get(name)
    return extractor is not None and parameter in {field.name for field in dataclasses.fields(extractor)}  # type: ignore[arg-type]


def sweep_rows(values: Sequence[Point], benches: list[SubsetEvaluator], progress: Progress) -> pd.DataFrame:
    """Evaluate every value.

    Parameters
    ----------
    values : sequence of Point
        As `points` gives them.
    benches : list of SubsetEvaluator
        Of the configuration as it is.

    Returns
    -------
    DataFrame
        The columns of an ablation, mode ``sweep``; intervals of differences and `p` are corrected for the values of a key
        (`scores.differences_of`), and blank of one that changes nothing.
    """
    import pandas as pd

    tried: list[tuple[str, SubsetEvaluator, SubsetEvaluator]] = []
    by_name = {(bench.features.name, *bench.models): bench for bench in benches}
    for name, changed, usual in values:
        prepared, changed_benches = set_up(changed, progress, grouped=False)
        for line in prepared.warnings:
            if line not in benches[0].prepared.warnings:
                warnings.warn(f"[sweep] {name}: {line}", stacklevel=2)
        tried += [(name, bench, by_name[before, *bench.models]) for bench in changed_benches for before in usual[bench.features.name]]
    rows = [bench.row(bench.everywhere("sweep", name, bench.groups), usual.features.label) for name, bench, usual in tried]
    table = pd.DataFrame(rows, columns=list(ABLATION.columns))
    pairs = [_pair(bench, usual) for _, bench, usual in tried]
    for name, bench, _ in tried:
        for line in bench.warnings:
            warnings.warn(f"[sweep] {name}: {line}", stacklevel=2)
    for place, pair in enumerate(pairs):
        if pair.reference is None:
            fill(table, [place], [pair.system], None)
    compared = table[np.array([pair.reference is not None for pair in pairs], dtype=bool)]
    keys = compared["group"].str.split(" = ", n=1).str[0]
    for _, same in compared.groupby([keys, "features", "model"]):
        fill(table, same.index, [pairs[place].system for place in same.index], pairs[same.index[0]].reference)
    table.loc[[bench.hashes == usual.hashes for _, bench, usual in tried], list(NOTHING)] = 0.0
    return table.round(4)


class SettingPair(NamedTuple):
    """A value's system, and what it is compared with; None where that cannot be."""

    system: scores.System
    reference: scores.System | None


def _pair(bench: SubsetEvaluator, usual: SubsetEvaluator) -> SettingPair:
    """What a value makes of all groups together, and the configuration as it is on the same clips.

    There is none to compare with where the value leaves out other clips, asks other emotions, or changes nothing. Refits count where both
    are on the same folds, and are not made elsewhere.
    """
    mine, theirs = bench.prepared.eval_set, usual.prepared.eval_set
    same = mine.clips.index.equals(theirs.clips.index) and mine.emotions == theirs.emotions and len(mine.folds) == len(theirs.folds)
    same = same and np.array_equal(mine.evaluated, theirs.evaluated)
    if not same or bench.hashes == usual.hashes:
        return SettingPair(bench.not_refitted, None)
    if mine.hashes != theirs.hashes:
        return SettingPair(bench.not_refitted, usual.not_refitted)
    return SettingPair(bench.refitted, usual.refitted)
