"""The atom of work: a system x one outer fold x one seed, and the file that remembers it.

In:   an evaluated corpus, a feature matrix, a model, and which fold and seed.
Out:  predictions for the held-out clips, in `<out>/units/<hash>.parquet`.
Rule: a unit is a pure function of what its hash covers, and the hash covers all that it depends on:
      never paths, jobs or output folders. Clips stand in the order of their content keys, and speakers are numbered
      in that order, so that no name of a file, corpus, label scheme, feature set or speaker reaches a result or a hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ser_bench.config import BALANCED, EMOTION
from ser_bench.errors import Damaged
from ser_bench.evaluation.splits import NEVER, Protocol, derive_seed, fixed_parts, numbered, training_clips
from ser_bench.utils.atomic import read_table, set_aside, write_table
from ser_bench.utils.plugins import provider
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ser_bench.evaluation.nested_cv import UnitResult
    from ser_bench.features import Features
    from ser_bench.models.base import Model

ON_TEST_VERSION, PUBLISHED_VERSION = 2, 1
"""Change whenever the result of `TuneOnTest` or `PublishedFit` may."""

ONE_TRAINING_PART = "one fixed split: intervals and p are for new test speakers of systems trained on this training part"
"""What every row of a fixed split says."""

SystemName = tuple[str, str, str]
"""Feature set, model and track: with the corpus, one row of the leaderboard."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost", "optuna")

SECONDS_WORTH_SYNCING = 0.5
"""Of fitting, from which on a result is on the disk before the next unit begins."""


@dataclass(frozen=True)
class EvaluationSet:
    """A corpus as all rows of a run see it.

    Parameters
    ----------
    corpus, labels : str
        Names of the corpus and of its label scheme.
    clips : DataFrame
        The clips that are used, with `emotion`, `speaker`, `voice` and `key`, in the order of their keys.
    protocol : Protocol
    folds : dict of int to array of int, shape (n_clips,)
        The outer folds, by seed.
    made_of : tuple of str
        The columns that make the labels: ``emotion``, or another target.
    parts : mapping of str to tuple of str
        The word of each of these columns in each label, where a label scheme says which.
    copy : str
        What the corpus is where it is not as released (`corpora.name_copy`): a note for every row.
    """

    corpus: str
    labels: str
    clips: pd.DataFrame
    protocol: Protocol
    folds: dict[int, np.ndarray]
    made_of: tuple[str, ...] = (EMOTION,)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copy: str = ""

    @property
    def target(self) -> str:
        """What is predicted, in words: ``emotion``, ``gender and emotion``."""
        return " and ".join(self.made_of)

    @property
    def targets(self) -> str:
        """The same in the plural, where there is one."""
        return "emotions" if self.target == EMOTION else self.target

    def predicted(self, units: Iterable[Unit], done: Mapping[str, StoredResult]) -> np.ndarray:
        """The codes predicted by units of one system, shape (n_seeds, n_clips)."""
        return self.joined({(unit.seed, unit.fold): done[unit.hash].predicted for unit in units})

    def joined(self, decided: Mapping[tuple[int, int | None], np.ndarray]) -> np.ndarray:
        """What was decided by seed and fold, codes of shape (..., n_held_out), as codes of all clips.

        Shape (n_seeds, ..., n_clips); -1 where nothing was. Fold None stands for all folds at once.
        """
        codes = np.full((len(self.folds), *next(iter(decided.values())).shape[:-1], len(self.codes)), -1)
        of_seed = dict(zip(self.folds, codes, strict=True))
        for (seed, fold), mine in decided.items():
            of_seed[seed][..., slice(None) if fold is None else self.folds[seed] == fold] = mine
        return codes

    @cached_property
    def evaluated(self) -> np.ndarray:
        """Which clips are held out in some fold, shape (n_clips,): all, but for a fixed split, of which only the test part is."""
        return np.logical_and.reduce([folds != NEVER for folds in self.folds.values()])

    @property
    def trained_on(self) -> np.ndarray:
        """Which clips are trained on in some fold, shape (n_clips,): all, but for the test part of a fixed split."""
        return np.logical_or.reduce([self.training(seed, fold) for seed, folds in self.folds.items() for fold in range(folds.max() + 1)])

    @cached_property
    def selecting(self) -> np.ndarray | None:
        """Which clips select parameters, shape (n_clips,): the dev part of a fixed split, where it has one."""
        parts = fixed_parts(self.clips, self.protocol)
        return None if parts is None or "dev" not in parts else parts == "dev"

    @cached_property
    def emotions(self) -> list[str]:
        """The classes, in alphabetical order: code i is `emotions[i]`."""
        return sorted(self.clips["emotion"].unique())

    @cached_property
    def codes(self) -> np.ndarray:
        """The emotion of each clip as its code, shape (n_clips,)."""
        return np.searchsorted(self.emotions, self.clips["emotion"].to_numpy(str))

    @cached_property
    def voices(self) -> np.ndarray:
        """Whose voice each clip is, shape (n_clips,): what no split separates, and what everything inferred is clustered by."""
        return self.clips["voice"].to_numpy(str)

    @cached_property
    def n_voices(self) -> int:
        """How many people speak in the clips that are evaluated."""
        return len(np.unique(self.voices[self.evaluated]))

    @cached_property
    def one_id_per_voice(self) -> bool:
        """Whether nobody has several speaker ids."""
        return np.array_equal(numbered(self.clips["speaker"].to_numpy(str)), numbered(self.voices))

    def standardised_together(self, track: str) -> np.ndarray | None:
        """Whose clips a track standardises together, shape (n_clips,); None where statistics are those of the training clips.

        Track ``corpus``, which no run can ask for, takes each corpus's own.
        """
        if track in {"train", "none"}:
            return None
        if track == "speaker":
            return self.voices
        return self.clips["corpus"].to_numpy(str) if self.protocol.kind == "cross" else np.zeros(len(self.clips), int)

    @property
    def voice_notes(self) -> list[str]:
        """That some person has several speaker ids, such as ``12 speaker ids of 6 people``; else nothing."""
        ids, people = (self.clips[column].nunique() for column in ("speaker", "voice"))
        return [f"{ids} speaker ids of {people} people"] if ids != people else []

    @property
    def notes(self) -> list[str]:
        """Notes for every row: `voice_notes`, that the corpus is a modified copy, and what a fixed split cannot show."""
        return [*self.voice_notes, *([self.copy] if self.copy else []), *([] if self.evaluated.all() else [ONE_TRAINING_PART])]

    @cached_property
    def hashes(self) -> dict[int, str]:
        """By seed, a hash of all that says what is evaluated on what.

        It is of every clip's content, emotion, speaker, voice, outer fold, where these are held out, sentence, and of a fixed split
        whether it is evaluated and whether it selects parameters; all but content and emotion as numbers.
        """
        return {seed: self._hash(fold) for seed, fold in self.folds.items()}

    @cached_property
    def contents(self) -> dict[tuple[int, int | None], str]:
        """By seed and fold, None for all folds at once, a hash of what may be known while it is held out.

        That is the content of every clip, which of them are used for training, and of these emotions, voices and, in a fixed split,
        whether they select parameters.
        """
        clips = json.dumps([self.clips["key"].tolist(), self.emotions]).encode()
        clips += b"" if self.selecting is None else self.selecting.tobytes()
        numbers = np.stack([self.codes, numbered(self.voices)]).astype("<i8")
        found = {}
        for seed, folds in self.folds.items():
            for fold in (None, *range(folds.max() + 1)):
                roles = np.where(self.training(seed, fold), numbers, np.where(self.held_out(seed, fold), -1, -2))
                found[seed, fold] = hashlib.blake2b(clips + roles.tobytes(), digest_size=12).hexdigest()
        return found

    def held_out(self, seed: int, fold: int | None) -> np.ndarray:
        """Which clips a fold holds out, shape (n_clips,); fold None, which stands for all at once, none beside those trained on."""
        return np.zeros(len(self.clips), bool) if fold is None else self.folds[seed] == fold

    def training(self, seed: int, fold: int | None, without: int | None = None) -> np.ndarray:
        """Which clips are trained on while a fold is held out, and another left out besides, shape (n_clips,)."""
        return training_clips(self.clips, self.protocol, self.folds[seed], fold, seed) & ~self.held_out(seed, without)

    def fewest_voices(self) -> int:
        """How many voices are used for training in the fold where these are the fewest."""
        places = [(seed, fold) for seed, folds in self.folds.items() for fold in range(folds.max() + 1)]
        return min(len(np.unique(self.voices[self.training(*place)])) for place in places)

    def fold_seed(self, seed: int, fold: int | None) -> int:
        """Seed of the inner folds within an outer one, which all rows share."""
        return derive_seed(seed, "inner folds", self.contents[seed, fold])

    def _hash(self, fold: np.ndarray) -> str:
        named = ["speaker", "voice", *(["sentence"] if self.protocol.text else [])]
        numbers = {column: numbered(self.clips[column].to_numpy(str)) for column in named}
        rows = self.clips[["key", "emotion"]].assign(**numbers, fold=numbered(fold))
        if not self.evaluated.all():
            rows = rows.assign(evaluated=self.evaluated)
        if self.selecting is not None:
            rows = rows.assign(selecting=self.selecting)
        return hashlib.blake2b(rows.to_csv(index=False).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Tune:
    """Choose hyperparameters on inner folds of the training speakers, then fit and predict.

    Parameters
    ----------
    trials, inner : int
        Of the search, and how many inner folds each has.
    start : dict, optional
        What is tried first; the model's own `start` without.
    """

    trials: int
    inner: int
    start: Mapping[str, Any] | None = None

    @property
    def covered(self) -> list[Any]:
        """What a hash covers of it besides the search's extent."""
        return [json.dumps(self.start, sort_keys=True)] if self.start is not None else []


@dataclass(frozen=True)
class TuneOnTest:
    """Choose hyperparameters by the score that is reported, over all outer folds at once: the shortcut.

    Parameters
    ----------
    trials, inner : int
        Of the nested search that it is measured against; inner folds it has none.
    """

    trials: int
    inner: int

    @property
    def covered(self) -> list[Any]:
        """What a hash covers of it besides the search's extent."""
        return [ON_TEST_VERSION]


@dataclass(frozen=True)
class WithoutFold:
    """One more fold is left out of training than the one held out."""

    fold: int


@dataclass(frozen=True)
class UnderCondition:
    """Held-out clips are changed: a test condition, which is a variant, and the fingerprint of the features under it."""

    name: str
    fingerprint: str


@dataclass(frozen=True)
class Refit:
    """Fit with what another unit's search chose, and predict.

    Parameters
    ----------
    params : dict
    rounds : int or None
        Of a model that is trained in rounds (epochs).
    change : WithoutFold, UnderCondition or None
        What is otherwise than in that unit, if anything.
    """

    params: Mapping[str, Any]
    rounds: int | None
    change: WithoutFold | UnderCondition | None = None
    trials: ClassVar[int] = 0
    inner: ClassVar[int] = 0

    @property
    def covered(self) -> list[Any]:
        """What a hash covers of it besides the clips that are trained on."""
        chosen = json.dumps({"params": self.params, "rounds": self.rounds}, sort_keys=True)
        return [chosen, *([{"condition": self.change.fingerprint}] if isinstance(self.change, UnderCondition) else [])]

    @property
    def without(self) -> int | None:
        """The fold that is left out of training besides the one held out, if any."""
        return self.change.fold if isinstance(self.change, WithoutFold) else None


@dataclass(frozen=True)
class PublishedFit:
    """Fit with the hyperparameters that a recipe states, and predict all that is held out.

    Parameters
    ----------
    params : dict
    rounds : int or None
        Rounds (epochs) of a model that is trained in rounds, where no clips select them.
    selecting : tuple of int
        Which of the held-out clips select the round, by their places among these: the shortcut, where they are test clips as well.
    """

    params: Mapping[str, Any]
    rounds: int | None
    selecting: tuple[int, ...] = ()
    trials: ClassVar[int] = 0
    inner: ClassVar[int] = 0

    @property
    def covered(self) -> list[Any]:
        """What a hash covers of it besides the clips that are trained on."""
        return [PUBLISHED_VERSION, json.dumps({"params": self.params, "rounds": self.rounds, "selecting": self.selecting}, sort_keys=True)]


Task = Tune | TuneOnTest | Refit | PublishedFit


@dataclass(frozen=True)
class Unit:
    """What is to be fitted and predicted, and the hash under which its result is kept; fold None is all folds at once."""

    features: str
    model: str
    track: str
    seed: int
    fold: int | None
    task: Task
    hash: str
    search_seed: int
    fold_seed: int

    @property
    def without(self) -> int | None:
        """The fold that is left out of training besides the one held out, if any."""
        return self.task.without if isinstance(self.task, Refit) else None

    @property
    def condition(self) -> str | None:
        """The test condition that it is evaluated in, if any."""
        change = self.task.change if isinstance(self.task, Refit) else None
        return change.name if isinstance(change, UnderCondition) else None

    @property
    def system(self) -> SystemName:
        """Feature set, model and track: with the corpus, one row of the leaderboard."""
        return self.features, self.model, self.track


def make_unit(eval_set: EvaluationSet, features: Features, model: Model, track: str, seed: int, fold: int | None, task: Task) -> Unit:
    """Name a unit of work and hash all that its result depends on; the fold of `TuneOnTest` is None."""
    without = task.without if isinstance(task, Refit) else None
    content = [eval_set.contents[seed, place] for place in (fold, *([without] if without is not None else []))]
    covered = [
        [model.name, track, str(eval_set.protocol)],
        seed,
        content,
        task.trials,
        task.inner,
        model.version,
        _tuning_version(),
        library_versions(),
        features.fingerprint,
        eval_set.hashes[seed],
        *([versions(model.libraries)] if model.libraries else []),
        *task.covered,
        *([{"augmented": features.copies.covered}] if features.copies else []),
        *([{"class_weights": model.class_weights}] if model.class_weights != BALANCED else []),
        *([{"fixed": dict(model.fixed)}] if model.fixed else []),
        *model.covered(len(eval_set.clips) + (len(features.copies.of) if features.copies else 0)),
        *([{"provider": brought}] if (brought := provider(type(model))) else []),
        *([{"standardised": "by voice"}] if track == "speaker" and not eval_set.one_id_per_voice else []),
    ]
    digest = hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()
    search_seed, fold_seed = derive_seed(seed, model.name, content), eval_set.fold_seed(seed, fold)
    return Unit(features.label, model.label, track, seed, fold, task, digest, search_seed, fold_seed)


def result_path(folder: Path, unit: Unit, time_limit: float = 0.0) -> Path:
    """The file that a unit's result is kept in: one of its own for a search cut short by a time limit of so many minutes."""
    return folder / f"{unit.hash}{f'-{time_limit:g}min' if time_limit else ''}.parquet"


def write_unit(path: Path, result: UnitResult) -> None:
    """Keep a finished unit: whole or not at all, with a hash of what the file holds.

    Waiting for the disk takes longer than fitting a small unit: one of less than `SECONDS_WORTH_SYNCING` may be lost when the power fails,
    and is fitted again.
    """
    import pyarrow as pa

    columns = {"predicted": result.predicted.astype(np.int32), **{f"p.{i}": p for i, p in enumerate(result.probabilities.T)}}
    arrays = {name: _as_arrow(np.ascontiguousarray(column)) for name, column in columns.items()}
    metadata = {
        "params": result.params,
        "rounds": result.rounds,
        "notes": result.notes,
        "seconds": round(result.seconds, 3),
        "cut_short": result.cut_short,
        "trials": result.trial_rows,
    }
    write_table(
        pa.table(arrays).replace_schema_metadata({"unit": json.dumps(metadata)}), path, synced=result.seconds >= SECONDS_WORTH_SYNCING
    )


def _as_arrow(numbers: np.ndarray) -> pa.Array:
    """Numbers as `pyarrow.array` has them, which would import pandas to ask whether they are a series: as long as a search."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


@dataclass(frozen=True)
class StoredResult:
    """A unit's result as it was kept: codes, probabilities, and what its search did."""

    predicted: np.ndarray
    probabilities: np.ndarray
    metadata: dict[str, Any]


def read_unit(folder: Path, unit: Unit, time_limit: float = 0.0) -> StoredResult | None:
    """The kept result of a unit, or None where there is none; under a time limit also one that it cut short."""
    whole = read_file(result_path(folder, unit))
    return read_file(result_path(folder, unit, time_limit)) if whole is None and time_limit else whole


def read_file(path: Path) -> StoredResult | None:
    """The result in a file, or None where there is none; one that is damaged is set aside. A file of an older version has no hash."""
    try:
        table = read_table(path)
        metadata = json.loads(table.schema.metadata[b"unit"])
        probabilities = np.column_stack([table[name].to_numpy() for name in table.column_names if name.startswith("p.")])
        return StoredResult(table["predicted"].to_numpy(), probabilities, metadata)
    except OSError:
        return None
    except (Damaged, KeyError, TypeError, ValueError) as error:
        set_aside(path, error.why if isinstance(error, Damaged) else "it is no unit", "it is fitted again")
        return None


def library_versions() -> dict[str, str]:
    """The versions of the libraries that can change a unit's result."""
    return versions(LIBRARIES)


def _tuning_version() -> int:
    from ser_bench.evaluation.nested_cv import TUNING_VERSION

    return TUNING_VERSION
