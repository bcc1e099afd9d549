"""What a run is asked to do, as a dataclass and as TOML; the two say the same with the same words.

Rule: every default is written out, an unknown key is refused with the nearest known one,
and what only says *how* to work (jobs, folders) is kept apart from what decides results.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, runtime_checkable

from ser_bench.audio.augmentation import kinds_of_copies, label_of, parse_variant
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.errors import WrongArgument, WrongCall, quoted, unknown, writable
from ser_bench.scores import ROPE
from ser_bench.utils.named_tables import NamedTable, check_names, given_tables, is_frame, is_given, kept_beside
from ser_bench.utils.parallel import Workers
from ser_bench.utils.spec import KINDS, pairs, plainly, split_sum, typed, within
from ser_bench.utils.toml import in_toml, read_toml

if TYPE_CHECKING:
    import pandas as pd

    Frames = pd.DataFrame | Mapping[str, pd.DataFrame] | NamedTable
else:
    Frames = Any  # as pandas is heavy
"""A table as a DataFrame, or one or several by name: ``{"wav2vec2": table}``."""


class Budget(NamedTuple):
    """How long the search may go on: Optuna trials per unit, inner folds, seeds."""

    trials: int
    inner: int
    seeds: int


BUDGETS = {"smoke": Budget(5, 3, 1), "standard": Budget(8, 4, 3), "full": Budget(100, 5, 3)}
TRACKS = ("train", "speaker", "none")
FIGURE_STYLES = ("column", "page", "slides")
"""What figures are drawn for: a column of a paper, the width of its page, a slide (`reports.figures.STYLES`)."""
BALANCED = "balanced"
UNWEIGHTED = "none"
CLASS_WEIGHTS = (BALANCED, UNWEIGHTED)
LAST_SEED = 2**32 - 1
"""The largest seed that NumPy, scikit-learn and XGBoost take."""
BOUNDS: dict[str, tuple[float, float]] = {
    "trials": (0, 100_000),
    "inner": (0, 1000),
    "seeds": (0, 1000),
    "seed": (0, LAST_SEED),
    "augment_times": (1, 100),
    "time_limit": (0, 525_600),
    "offset": (0, 86_400),
    "duration": (0, 86_400),
    "trim": (0, 200),
    "max_skipped": (0, 1),
    "rope": (0, 1),
    "jobs": (0, 1024),
}
"""The least and the most of each number: minutes of a year, seconds of a day, decibels that 32 bits distinguish."""
WIDTH, DIFFERENCES, POWER = 0.03, (0.02, 0.05), 0.8
"""What a study is planned for by default: half the width of an interval, differences in UAR, and the power to detect these."""
EXECUTION_KEYS = frozenset({"corpus", "learning_curves", "rope", "figure_style", "jobs", "backend", "scheduler", "storage", "out", "cache"})
NARROWEST = 0.001
"""The least region of practical equivalence: what boards round scores to."""
EMOTION = "emotion"
"""What is predicted where no other column is named."""
READING: Mapping[str, Any] = {"columns": {}, "table": "", "target": EMOTION}
"""How a corpus is read where that leaves a choice, with the defaults."""
BACKENDS = ("local", "dask")
WORDS = ("corpus", "features", "models", "track")
"""The fields that hold several, and at least one."""
TABLES = ("corpus", "features")
"""Those of which some may be tables: files, or handed in."""
NO_CHANGES: Mapping[str, Any] = {"augment": (), "augment_times": 1, "augment_only": (), "test_variant": ()}
"""Which clips are also used with their sound changed, with the defaults."""


@runtime_checkable
class Loaded(Protocol):
    """A corpus that is loaded already (`corpora.Corpus`); its text names where it was loaded from."""

    @property
    def name(self) -> str:
        """What the corpus is called."""

    @property
    def clips(self) -> Any:
        """Its clip table."""

    @property
    def folder(self) -> Path:
        """The folder that paths are relative to."""

    @property
    def reading(self) -> Mapping[str, Any]:
        """How its source was read: `columns`, `table` and `target`."""

    @property
    def given(self) -> NamedTable | None:
        """The table that it was made of, where that was handed in."""


Named = str | Loaded | NamedTable
"""A corpus as a configuration has it."""
Words = str | Path | Frames | Sequence[str | Path | Frames]
"""One or several, such as feature sets: ``"egemaps"``, ``["egemaps", "mfcc"]``, a Parquet file, a DataFrame."""


class UnchangedOptions(TypedDict, total=False):
    """How a corpus is read, which part of clips is heard, and how the work is done."""

    columns: Mapping[str, str]
    table: str
    target: str
    offset: float
    duration: float
    trim: float
    jobs: int
    backend: str
    scheduler: str
    cache: str | Path


class ExtractOptions(UnchangedOptions, total=False):
    """What `extract` takes: the same, and how clips are changed."""

    variant: str


@dataclass(frozen=True)
class RunConfig:
    """A run's configuration.

    Parameters
    ----------
    corpus : tuple of str, Corpus or DataFrame
        Folders, manifests or ``tones``, or what was loaded from them.
    columns : mapping of str to str
        Which columns of a table are meant: ours to theirs, such as ``path = "file"``.
    table : str
        Which table of a database that has several; empty where it has one.
    target : str
        The column whose values are predicted.
    features : tuple of str or DataFrame
        Feature sets, ``a+b`` for joined ones, or a user-supplied table: a Parquet file, a DataFrame.
    models : tuple of str
    labels : str
        Label scheme, or a file ``.toml`` that holds one.
    where : str
        An expression that keeps some clips (`corpora.filters`), such as ``gender == 'female'``; empty keeps all.
    cv : str
        ``auto``, ``loso``, ``group:K``, ``predefined`` or ``random:K``.
    track : tuple of {'train', 'speaker', 'none'}
    budget : {'auto', 'smoke', 'standard', 'full'}
        ``auto`` is ``smoke`` for ``tones`` and ``standard`` for everything else.
    trials, inner, seeds : int
        Override what the budget says; 0 leaves it to the budget.
    seed : int
        The first seed; further ones count up from it.
    class_weights : {'balanced', 'none'}
        Class weighting in training: every class counts the same, or every clip does.
    time_limit : float
        Minutes of evaluating a corpus after which searches end with the best found by then; 0 is no limit.
    offset, duration, trim : float
    variant : str
        How clips are heard: as in `Preprocessing`.
    augment : tuple of str
        Variants, each of which gives every training clip a changed copy that is trained on, too; held-out clips are never changed.
    augment_times : int
        Copies of each kind, with draws of their own.
    augment_only : tuple of str
        The classes whose clips are copied; empty for all.
    test_variant : tuple of str
        Variants under which the fitted systems are evaluated once more, on the same held-out clips.
    learning_curves : bool
        Evaluate each row with fewer training speakers, too; not under a time limit.
    rope : float
        Half the width of the region of practical equivalence, in UAR: rows that differ from the best by less are as good.
    figure_style : {'', 'column', 'page', 'slides'}
        Draw every figure in this style, as PDF, SVG and PNG, beside those that are drawn anyway.
    max_skipped : float
        The share of clips that may be unusable before the run stops.
    allow_conflicts : bool
        Continue even if identical audio carries two labels.
    allow_similar_names : bool
        Take speakers and emotions whose names are nearly the same ('3' and '03') as different, and 'unknown' as a name.
    jobs : int
        Processes; 0 is one per core.
    backend : {'local', 'dask'}
    scheduler : str
        Where the work is done: processes of this machine, or of the Dask cluster with that scheduler.
    storage : str
        The URL of a database that Optuna's studies are copied to, for a dashboard to show; empty for none.
    out, cache : str
        Where runs and units, and where the feature store lie.
    """

    corpus: tuple[Named, ...] = ("tones",)
    columns: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    target: str = EMOTION
    features: tuple[str | NamedTable, ...] = ("egemaps", "spectral+mfcc")
    models: tuple[str, ...] = ("svm", "rf", "xgb", "mlp")
    labels: str = "all"
    where: str = ""
    cv: str = "auto"
    track: tuple[str, ...] = ("train",)
    budget: str = "auto"
    trials: int = 0
    inner: int = 0
    seeds: int = 0
    seed: int = 0
    class_weights: str = BALANCED
    time_limit: float = 0.0
    offset: float = 0.0
    duration: float = 0.0
    trim: float = 0.0
    variant: str = ""
    augment: tuple[str, ...] = ()
    augment_times: int = 1
    augment_only: tuple[str, ...] = ()
    test_variant: tuple[str, ...] = ()
    learning_curves: bool = True
    rope: float = ROPE
    figure_style: str = ""
    max_skipped: float = 0.1
    allow_conflicts: bool = False
    allow_similar_names: bool = False
    jobs: int = 0
    backend: str = "local"
    scheduler: str = ""
    storage: str = field(default="", repr=False)
    out: str = "results"
    cache: str = "features"

    def __new__(cls, *_values: Any, **named: Any) -> RunConfig:
        """Refuse an unknown field by naming the nearest one, which a dataclass would not."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in named:
            if name not in known:
                raise WrongArgument(str(unknown("argument of RunConfig()", name, known)))
        return super().__new__(cls)

    def __post_init__(self) -> None:
        self._check_types()
        for track in self.track:
            if track not in TRACKS:
                raise unknown("track", track, TRACKS)
        if self.budget not in {*BUDGETS, "auto"}:
            raise unknown("budget", self.budget, BUDGETS)
        if self.class_weights not in CLASS_WEIGHTS:
            raise unknown("class_weights", self.class_weights, CLASS_WEIGHTS)
        if self.figure_style not in {*FIGURE_STYLES, ""}:
            raise unknown("figure style", self.figure_style, FIGURE_STYLES)
        for name in WORDS:
            if not getattr(self, name):
                raise WrongCall(f"{name}: at least one is needed")
        if not self.target.strip():
            raise WrongCall("target: is empty; name a column, or leave it out")
        if self.backend not in BACKENDS:
            raise unknown("backend", self.backend, BACKENDS)
        if (self.backend == "dask") != bool(self.scheduler):
            raise WrongCall("backend 'dask' and the address of its scheduler go together: --backend dask --scheduler tcp://host:port")
        if self.jobs and self.scheduler:
            raise WrongCall("jobs: with backend dask the cluster's workers are all used; leave --jobs out")
        if self.seed + max(self.seeds, 1) - 1 > LAST_SEED:
            raise WrongCall(f"seeds: {self.seeds} seeds from {self.seed} on count beyond {LAST_SEED:,}, the last one")
        if self.rope < NARROWEST:
            raise WrongCall(f"rope: {self.rope:g} UAR is less than any data show; use {NARROWEST} or more, such as {ROPE}")
        if self.inner == 1:
            raise WrongCall("inner: one fold leaves nobody to validate on; use 2 or more")
        self._check_texts()
        object.__setattr__(self, "variant", self.preprocessing.variant)
        self._check_changes()

    def _check_types(self) -> None:
        """Give values their usual form; refuse those of another type or out of range, and different tables of one name."""
        for one in dataclasses.fields(self):
            object.__setattr__(self, one.name, _value(one.name, getattr(self, one.name), one.default, "RunConfig()"))
        check_names(self.tables)

    def _check_changes(self) -> None:
        """Give variants their usual form, and refuse what would change nothing."""
        for name in ("augment", "test_variant"):
            object.__setattr__(self, name, tuple(dict.fromkeys(label_of(parse_variant(text)) for text in getattr(self, name))))
        for name in ("augment_times", "augment_only"):
            if not self.augment and getattr(self, name) != NO_CHANGES[name]:
                raise WrongCall(f"{name}: no training clip is copied without augment; name a variant, such as --augment noise")
        kinds_of_copies(self.augment, self.augment_times)

    def _check_texts(self) -> None:
        """Refuse names that no file can have, and names that are none."""
        for name, value in self.as_text().items():
            texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
            for text in (*value, *value.values()) if isinstance(value, dict) else texts:
                if not text.strip() and (isinstance(value, tuple | dict) or name in {"out", "cache"}):
                    raise WrongCall(f"{name}: is empty; name {'a folder' if name in {'out', 'cache'} else 'something, or leave it out'}")
                if not writable(text):
                    raise WrongCall(f"{name}: '{quoted(text) if name != 'storage' else '***'}' is no Unicode text that a file can hold")

    @property
    def preprocessing(self) -> Preprocessing:
        """How clips are heard."""
        return Preprocessing(self.offset, self.duration, self.trim, self.variant)

    @property
    def copies(self) -> list[str]:
        """The variant of each copy that a training clip gets."""
        return kinds_of_copies(self.augment, self.augment_times)

    @property
    def augmented(self) -> str:
        """The augmentation as tables name it, such as ``noise(snr=10.0) and gain x2 (anger)``; empty without any."""
        times = f" x{self.augment_times}" if self.augment_times > 1 else ""
        return " and ".join(self.augment) + times + (f" ({', '.join(self.augment_only)})" if self.augment_only else "")

    @property
    def curves(self) -> bool:
        """Whether learning curves are drawn."""
        return self.learning_curves and not self.time_limit

    @property
    def workers(self) -> Workers:
        """Who does the work."""
        if self.jobs or self.scheduler:
            return Workers(self.jobs, self.scheduler, Path(self.out))
        from joblib import cpu_count

        # Those that this process may use, which can be fewer than the machine has.
        return Workers(cpu_count())

    @property
    def reading(self) -> dict[str, Any]:
        """How a corpus is read, as `load_corpus` takes it."""
        return {"columns": self.columns, "table": self.table or None, "target": self.target}

    @property
    def tables(self) -> list[NamedTable]:
        """The tables that were handed in."""
        return [table for key in TABLES for one in getattr(self, key) if (table := table_of(one))]

    def as_text(self) -> dict[str, Any]:
        """The fields as TOML has them: a corpus that is loaded already is named by where it is from, a table by the file that keeps it."""
        return dict(vars(self)) | {key: tuple(_as_text(one) for one in getattr(self, key)) for key in TABLES}

    def for_corpus(self, source: Named) -> RunConfig:
        """The configuration for one corpus alone, its budget resolved to numbers; one that is loaded already was read as it says itself."""
        name = self.budget
        if name == "auto":
            name = "smoke" if str(source).partition("(")[0] == "tones" else "standard"
        budget = BUDGETS[name]
        asked = {key: value for key in READING if (value := getattr(self, key)) != READING[key]}
        read = {key: value for key, value in source.reading.items() if value} if isinstance(source, Loaded) else {}
        return dataclasses.replace(
            self,
            **(read | asked),
            corpus=(source,),
            budget=name,
            trials=self.trials or budget.trials,
            inner=self.inner or budget.inner,
            seeds=self.seeds or budget.seeds,
        )

    def result_keys(self) -> dict[str, Any]:
        """Only what decides results; how a corpus is read and which sounds are changed, where that is asked for.

        Where the corpus or a table of features lies does not; what they hold does, and is covered by the units' hashes.
        """
        features = tuple(f"{one.name}.parquet" if isinstance(one, NamedTable) else _without_folders(one) for one in self.features)
        labels = self.labels if labels_name(self.labels) == self.labels else f"{labels_name(self.labels)}.toml"
        left_out = EXECUTION_KEYS | {key for key, usual in {**READING, **NO_CHANGES}.items() if getattr(self, key) == usual}
        return {key: value for key, value in self.as_text().items() if key not in left_out} | {"features": features, "labels": labels}


def table_of(source: Named) -> NamedTable | None:
    """The table that was handed in, itself or as the corpus made of it."""
    return source.given if isinstance(source, Loaded) else source if isinstance(source, NamedTable) else None


def _as_text(source: Named) -> str:
    return table.file if (table := table_of(source)) else str(source)


def labels_name(labels: str) -> str:
    """What a label scheme is called, of which a file or its copy in a run folder may be named.

    >>> labels_name("big4"), labels_name("mine/levels.toml"), labels_name("results/x-1a2b3c4d/levels.labels.toml")
    ('big4', 'levels', 'levels')
    """
    return re.sub(r"(\.labels)?\.toml$", "", Path(labels).name, flags=re.IGNORECASE) if labels.lower().endswith(".toml") else labels


def _without_folders(features: str) -> str:
    """A feature set as it is written, but for the folders of user-supplied tables.

    >>> _without_folders("egemaps+vectors/mine.parquet"), _without_folders("mfcc(rate=8000)")
    ('egemaps+mine.parquet', 'mfcc(rate=8000)')
    """
    # A path may have a plus in it.
    whole = features.lower().endswith(".parquet") and Path(features).exists()
    terms = [features] if whole else split_sum(features)
    return "+".join(Path(term).name if term.lower().endswith(".parquet") else term for term in terms)


def check_keys(values: dict[str, Any], *, source: str) -> dict[str, Any]:
    """Keys and values as `RunConfig` takes them, refusing unknown keys and wrong types.

    Raises
    ------
    WrongCall
        Naming the key and `source`, and the nearest known key.
    """
    fields = {field.name: field for field in dataclasses.fields(RunConfig)}
    for key in values:
        if key not in fields:
            raise unknown(f"key in {source}:", key, fields)
    return {key: _value(key, value, fields[key].default, source) for key, value in values.items()}


def read_config(path: str | Path) -> dict[str, Any]:
    """The checked keys and values of a TOML file.

    A file of labels that is gone is replaced by the copy that a run leaves beside its configuration; and tables that were handed in are
    taken from there.
    """
    return _with_copies(check_keys(read_toml(path, "--config")[1], source=str(path)), Path(path))


def read_file(path: str | Path) -> dict[str, Any]:
    """As `read_config`, for a file that several commands may share: a table `sweep` in it is that of an ablation."""
    _, values = read_toml(path, "--config")
    sweep = values.pop("sweep", {})
    if not isinstance(sweep, dict):
        raise WrongCall(f'--config {path}: \'sweep\' is a table: a line [sweep], and below it lines such as "cv" = ["loso", "group:5"]')
    return _with_copies(check_keys(values, source=str(path)), Path(path)) | ({"sweep": sweep} if sweep else {})


def _with_copies(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """The values with what a run keeps beside `path`: tables that were handed in, a copy of a file of labels that itself is not there."""
    for key in values.keys() & set(TABLES):
        files = {one: kept_beside(one, path.parent) for one in values[key]}
        values = values | {key: tuple(NamedTable.kept(file) if file else one for one, file in files.items())}
    labels = values.get("labels", "")
    copy = path.parent / labels_copy(labels)
    gone = labels_name(labels) != labels and not Path(labels).expanduser().exists()
    return values | {"labels": str(copy)} if gone and copy.is_file() else values


def labels_copy(labels: str) -> str:
    """The file in a run folder that a file of labels is copied to.

    >>> labels_copy("mine/levels.toml")
    'levels.labels.toml'
    """
    return f"{labels_name(labels)}.labels.toml"


def to_toml(config: RunConfig) -> str:
    """The configuration as TOML, every default written out; but for the database that studies were copied to, whose URL may be secret.

    >>> to_toml(RunConfig()).splitlines()[:2]
    ['corpus = ["tones"]', 'columns = {}']
    """
    values = config.as_text() | {"storage": ""}
    return "".join(f"{key} = {in_toml(value)}\n" for key, value in values.items())


def _value(key: str, value: Any, default: Any, source: str) -> Any:
    """A value in its usual form; one of the wrong type or out of range is refused, naming `source` and key."""
    if key == "storage" and not isinstance(value, str):
        raise WrongCall(f"{source}: 'storage' takes a URL in quotes")
    if key in BOUNDS and KINDS[float].fits(value):
        within(f"{source}: '{key}'", value, *BOUNDS[key])
    if key == "columns":
        return pairs(key, value, source)
    if isinstance(default, tuple):
        return _words(key, value, source)
    return typed(key, str(value) if key in {"out", "cache"} and isinstance(value, os.PathLike) else value, default, source)


def _words(key: str, value: Any, source: str) -> tuple[Any, ...]:
    """One or several words as a tuple; paths are text, tables get names, and of `corpus` what is loaded already stays."""
    words = value if isinstance(value, list | tuple) else [value]
    if key in TABLES:
        named = value.items() if isinstance(value, Mapping) else ()
        if wrong := [name for name, table in named if not (isinstance(name, str) and name and is_frame(table))]:
            raise WrongCall(f"{source}: '{key}' takes DataFrames by name; {quoted(plainly(wrong[0]))} is not the name of one")
        words = [one for word in words for one in (given_tables(word, key) if is_given(word) else [word])]
        _check_sums(words, source)
    texts = [str(word) if isinstance(word, os.PathLike) and key in TABLES else word for word in words]
    taken = {"corpus": Named, "features": str | NamedTable}.get(key, str)
    if not all(isinstance(text, taken) for text in texts):
        raise WrongCall(f"{source}: '{key}' takes a list of words, not {quoted(plainly(value))}")
    return tuple(dict.fromkeys(texts))


def _check_sums(words: list[Any], source: str) -> None:
    """Refuse a DataFrame as part of a joined feature set, saying how the two are joined."""
    tables = {word.name for word in words if isinstance(word, NamedTable)}

    def joins(word: Any) -> bool:
        if isinstance(word, str):
            return "+" in word and not tables.isdisjoint(split_sum(word))
        return isinstance(word, list | tuple) and any(map(is_given, word))

    if sums := [word for word in words if joins(word)]:
        how = 'first, as in features={"both": extract(corpus, ["egemaps", {"mine": table}])}'
        raise WrongCall(f"{source}: {quoted(plainly(sums[0]))} joins a DataFrame with other feature sets; join them {how}")
