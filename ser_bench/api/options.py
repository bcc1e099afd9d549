"""Which keys of a configuration each command uses.

In:   a command's name.
Out:  the keys as types, for editors and checkers (``**options: Unpack[...]``), and as names; for any other key, why it is refused.
Rule: a key is listed where it changes what comes out and nowhere else: none is taken and ignored. The command line's options are the
      same (`tests/api/test_options.py` holds both to these lists).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar

from ser_bench.config import ExtractOptions, Named, RunConfig, UnchangedOptions, Words, check_keys
from ser_bench.errors import WrongCall, quoted
from ser_bench.results import KINDS
from ser_bench.utils.calls import named_arguments

if TYPE_CHECKING:
    from ser_bench.corpora import Corpus

P = ParamSpec("P")
R = TypeVar("R")


class SelectionOptions(TypedDict, total=False):
    """Which clips are evaluated, and how they are split."""

    features: Words
    labels: str
    where: str
    cv: str
    seeds: int
    seed: int
    max_skipped: float
    allow_conflicts: bool
    allow_similar_names: bool


class DataOptions(ExtractOptions, SelectionOptions, total=False):
    """The same, with how clips are read and heard."""


class SplitsOptions(DataOptions, total=False):
    """What `splits` takes."""

    budget: str
    inner: int


class FigureOptions(TypedDict, total=False):
    """How figures are drawn."""

    figure_style: str


class ScoreOptions(DataOptions, FigureOptions, total=False):
    """What `score` takes."""

    track: str | Sequence[str]
    rope: float
    out: str | Path


class SearchOptions(TypedDict, total=False):
    """How systems are tuned and trained."""

    models: str | Sequence[str]
    budget: str
    trials: int
    inner: int
    class_weights: str
    augment: str | Sequence[str]
    augment_times: int
    augment_only: str | Sequence[str]
    out: str | Path


class TuningOptions(DataOptions, SearchOptions, FigureOptions, total=False):
    """What `cross` takes, and `audit`, whose leak gap is of one system that is tuned."""


class FitOptions(UnchangedOptions, SelectionOptions, SearchOptions, total=False):
    """What `fit` takes: clips are analysed unchanged."""

    track: str | Sequence[str]


class AblateOptions(TuningOptions, total=False):
    """What `ablate` takes."""

    track: str | Sequence[str]


class RunOptions(AblateOptions, total=False):
    """What `run` takes: every field of `RunConfig` but the corpus."""

    test_variant: str | Sequence[str]
    time_limit: float
    storage: str
    learning_curves: bool
    rope: float


OF_THE_GAP = (
    *("features", "models", "budget", "trials", "inner", "seeds", "class_weights"),
    *("augment", "augment_times", "augment_only", "figure_style"),
)
"""Keys that `audit` uses where it measures the leak gap alone."""

OF_EVALUATION = ("cv", "seeds", "out")
"""Keys that `fit` uses for its evaluation alone."""

OF_A_ROW = frozenset({"corpus", "features", "models", "track", "seed", "jobs", "backend", "scheduler", "cache"})
"""Keys that `fit` uses where it takes a row of a run, which says all else."""

USED: Mapping[str, frozenset[str]] = {
    "run": RunOptions.__optional_keys__ | {"corpus"},
    "audit": TuningOptions.__optional_keys__ | {"corpus"},
    "ablate": AblateOptions.__optional_keys__ | {"corpus", "sweep"},
    "fit": FitOptions.__optional_keys__ | {"corpus"},
    "cross": TuningOptions.__optional_keys__ | {"track"},
    "splits": SplitsOptions.__optional_keys__ | {"corpus"},
    "score": ScoreOptions.__optional_keys__ | {"corpus"},
}
"""The keys of a configuration that each command uses, whether they are its arguments, its options or stand in a file."""

PURPOSES: Mapping[str, str] = {
    "corpus": "which corpus is evaluated",
    "columns": "which columns of a table are meant",
    "table": "which table of a database is read",
    "target": "which column is predicted",
    "features": "which feature sets are evaluated",
    "models": "which models are trained",
    "labels": "which emotions are evaluated",
    "where": "which clips are evaluated",
    "cv": "how clips are split",
    "track": "where the scaling statistics of a system come from",
    "budget": "how many trials, inner folds and seeds there are",
    "trials": "how many trials a search has",
    "inner": "how many inner folds there are",
    "seeds": "how often everything is repeated",
    "seed": "the first seed",
    "class_weights": "what training clips count",
    **dict.fromkeys(("augment", "augment_times", "augment_only"), "which changed copies of training clips are trained on, too"),
    "test_variant": "on which changed held-out clips systems are evaluated, too",
    "time_limit": "when searches end",
    "storage": "which database studies are copied to",
    "learning_curves": "whether rows are evaluated with fewer training speakers, too",
    "rope": "which rows of a leaderboard are equally good",
    "figure_style": "in which style figures are drawn, too",
    "max_skipped": "how many clips may be unusable",
    "allow_conflicts": "whether audio with two labels is accepted",
    "allow_similar_names": "whether nearly equal names are accepted",
    "out": "where results are written",
    **dict.fromkeys(("offset", "duration", "trim"), "which part of each clip is analysed"),
    "variant": "which perturbation is applied to each clip",
    **dict.fromkeys(("jobs", "backend", "scheduler"), "which processes do the work"),
    "cache": "where the feature store is",
}
"""What each key says; told where it has no effect."""


def purpose_of(key: str) -> str:
    """What a key is for, and for which commands.

    >>> purpose_of("rope")
    "it says which rows of a leaderboard are equally good (used by 'run' and 'score')"
    """
    *others, last = (command for command, keys in USED.items() if key in keys)
    commands = " and ".join([*([", ".join(map(repr, others))] if others else []), repr(last)])
    return f"it says {PURPOSES[key]} (used by {commands})"


def takes(command: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Hold calls of a public function to what its signature says and to the keys that its command uses (`named_arguments`)."""
    used = USED[command]
    refused = {field.name: purpose_of(field.name) for field in dataclasses.fields(RunConfig) if field.name not in used}
    return named_arguments(used, refused, KINDS)


def configured(command: str, values: Mapping[str, Any]) -> RunConfig:
    """The configuration that a call asks for.

    Raises
    ------
    WrongCall
        For a value that its key does not take.
    """
    return RunConfig(**check_keys({**values}, source=f"{command}()"))


def configured_for_one(command: str, values: Mapping[str, Any]) -> RunConfig:
    """The configuration that a call asks for, for its one corpus and with its budget as numbers; errors as `configured`."""
    config = configured(command, values)
    return config.for_corpus(one_corpus(command, config))


def one_corpus(command: str, config: RunConfig) -> Named:
    """The corpus of a call that takes one; several tables in its place are refused."""
    if len(config.corpus) > 1:
        named = ", ".join(map(str, config.corpus))
        raise WrongCall(f"{command}(): 'corpus' takes one, and {len(config.corpus)} are given: {quoted(named)}; leave the others out")
    return config.corpus[0]


def load_each(config: RunConfig) -> dict[Named, list[Corpus]]:
    """The corpora of a configuration by how they are named there: several of a folder that holds several. Errors as `load_corpus`."""
    from ser_bench.corpora import load_corpora

    return {source: load_corpora(source, cache=config.cache, **config.reading) for source in config.corpus}


def corpora_of(config: RunConfig) -> list[Corpus]:
    """All corpora of a configuration, in order; errors as `load_corpus`."""
    return [corpus for found in load_each(config).values() for corpus in found]
