"""What a run will do, before any of it is fitted.

In:   a `RunConfig` for one corpus.
Out:  a `Plan`: the clips that are evaluated, their features, their folds, and the units of work.
Rule: what cannot be evaluated is refused here, before anything long begins; all rows are evaluated on the same clips.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.config import EMOTION, RunConfig
from ser_bench.errors import WorkFailed, WrongCall, quoted
from ser_bench.evaluation.changed_clips import extract_conditions, make_copies, refuse_vectors
from ser_bench.evaluation.splits import NEVER, Protocol, check_apart, fixed_parts, outer_folds, parse_cv, resolve_cv, training_clips
from ser_bench.evaluation.units import EvaluationSet, SystemName, Tune, Unit, make_unit
from ser_bench.features import Extractor, distinct_parts
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus, Duplicates, LabelScheme, ReleaseDifference
    from ser_bench.features import Features, FeatureSet, FeatureSource
    from ser_bench.models.base import Model


REASONS = 3
"""Why clips are unusable, the most frequent first, that a message names."""


@dataclass(frozen=True)
class PreparedData:
    """What every row of a run stands on: the corpus, its clips that are evaluated and how they are split, and features of them.

    `seconds` are those that reading and extracting took, `differences` what of the corpus is not as released, `conditions` the features
    under each test condition, by its name and that of the matrix.
    """

    corpus: Corpus
    eval_set: EvaluationSet
    features: dict[str, Features]
    skipped: pd.DataFrame
    sources: dict[str, str]
    seconds: dict[str, float]
    duplicates: Duplicates
    corpus_warnings: list[str]
    scheme: LabelScheme
    differences: list[ReleaseDifference] = dataclasses.field(default_factory=list)
    conditions: dict[str, dict[str, Features]] = dataclasses.field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """What is to be known of the corpus, and of the clips that are evaluated: samples too small to say much."""
        from ser_bench.corpora import few

        return [*self.corpus_warnings, *few(self.eval_set.clips[self.eval_set.evaluated])]


class Selected(NamedTuple):
    """The clips that `where` and the label scheme keep, warnings of what in `where` may not be meant, and the scheme."""

    corpus: Corpus
    doubts: list[str]
    scheme: LabelScheme


class ChosenClips(NamedTuple):
    """The clips of a corpus that may be evaluated, warnings, the corpus as it was loaded, and the label scheme."""

    corpus: Corpus
    doubts: list[str]
    whole: Corpus
    scheme: LabelScheme


@dataclass(frozen=True)
class Plan:
    """Units of work, before any of them is fitted, and what they are done with."""

    data: PreparedData
    config: RunConfig
    models: dict[str, Model]
    units: list[Unit]

    @property
    def eval_set(self) -> EvaluationSet:
        """The clips that are evaluated, and their folds."""
        return self.data.eval_set

    @property
    def features(self) -> dict[str, Features]:
        """The feature matrices, by name."""
        return self.data.features

    @property
    def systems(self) -> dict[SystemName, list[Unit]]:
        """The units of each system: of each row of the leaderboard."""
        systems: dict[SystemName, list[Unit]] = {}
        for unit in self.units:
            systems.setdefault(unit.system, []).append(unit)
        return systems

    def cost(self, unit: Unit) -> float:
        """Roughly how long a unit takes on one core."""
        matrix = self.features[unit.features]
        n_clips, n_columns = matrix.values.shape
        n_clips += len(matrix.copies.of) if matrix.copies else 0
        return self.models[unit.model].seconds(n_clips, n_columns, unit.task.trials, unit.task.inner)


def make_plan(config: RunConfig, progress: Progress, *, keeping: bool = True) -> Plan:
    """Lay the ground and list the units.

    Parameters
    ----------
    config : RunConfig
        For one corpus, as `RunConfig.for_corpus` gives it.
    progress : Progress
    keeping : bool
        Whether results are to be kept below `out`, where they must be writable then.

    Raises
    ------
    WrongCall
        For a corpus, feature set, model, label scheme or protocol that cannot be meant.
    WorkFailed
        Where more clips are unusable than `max_skipped` allows.
    """
    models = choose_models(config)
    check_widths(config.features, models)
    if keeping:
        check_writable("--out", Path(config.out))
    prepared = prepare_data(config, config.features, progress)
    units = list(_units(prepared.eval_set, prepared.features, models, config))
    return Plan(prepared, config, models, units)


def choose_clips(config: RunConfig) -> ChosenClips:
    """Load the corpus and choose the clips that may be evaluated, none of which is heard yet; errors as `make_plan`."""
    from ser_bench.corpora import load_corpus, voices_of

    whole = load_corpus(config.corpus[0], cache=config.cache, **config.reading)
    corpus, doubts, scheme = select(whole, config)
    split(corpus.clips.assign(voice=voices_of(corpus.clips)), corpus, config)
    return ChosenClips(corpus, doubts, whole, scheme)


def prepare_data(
    config: RunConfig, features: Iterable[FeatureSource], progress: Progress, chosen: ChosenClips | None = None
) -> PreparedData:
    """Load the corpus, extract what is missing of these feature sets, and settle which clips are evaluated.

    A corpus that was `chosen` before is not loaded again. Errors as `make_plan`.
    """
    from ser_bench.corpora import differences, name_copy
    from ser_bench.features import ExtractionOptions, extract_corpus, parse_features

    feature_sets = [parse_features(text) for text in features]
    refuse_vectors(feature_sets, config)
    began = time.perf_counter()
    corpus, doubts, whole, scheme = chosen or choose_clips(config)
    check_writable("--cache", Path(config.cache))
    loaded = time.perf_counter()
    extraction = extract_corpus(corpus, feature_sets, ExtractionOptions.of(config, progress))
    eval_set, skipped, duplicates, warnings = resolve_clips(corpus, extraction.clips, extraction.skipped, config, scheme)
    found = differences(whole, eval_set.clips, set(duplicates.skipped["clip"]), whole=not config.preprocessing.label)
    eval_set = dataclasses.replace(eval_set, copy=name_copy(found, whole.facts))
    aligned = extraction.clips.index.get_indexer(eval_set.clips.index)
    copies, lacking = make_copies(corpus, eval_set, feature_sets, config, progress)
    heard = [
        dataclasses.replace(
            extraction.features(feature_set).take(aligned), heard=config.preprocessing.label, copies=copies.get(feature_set.name)
        )
        for feature_set in feature_sets
    ]
    changed = extract_conditions(corpus, eval_set, feature_sets, config, progress)
    conditions = {name: {matrix.label: sets[matrix.name] for matrix in heard} for name, sets in changed.items()}
    seconds = {"corpus": loaded - began, "features": time.perf_counter() - loaded}
    told = own_table_remarks(feature_sets, whole, eval_set, config)
    copied = [f"{eval_set.copy}; published figures are not set beside its scores"] if eval_set.copy else []
    lines = [*doubts, *extraction.warnings, *copied, *warnings, *lacking, *told]
    by_name, sources = {matrix.label: matrix for matrix in heard}, _sources(feature_sets)
    return PreparedData(corpus, eval_set, by_name, skipped, sources, seconds, duplicates, lines, scheme, found, conditions)


def own_table_remarks(feature_sets: list[FeatureSet], corpus: Corpus, eval_set: EvaluationSet, config: RunConfig) -> list[str]:
    """Warnings about user-supplied tables: what they hold that is no feature of a sound."""
    from ser_bench.evaluation.own_tables import Rows, remarks

    told = []
    for part in distinct_parts(feature_sets):
        if not isinstance(part, Extractor):
            table = part.named_as(corpus).table
            evaluated, whole = (Rows.of(part.label, table, clips) for clips in (eval_set.clips, corpus.clips))
            told += remarks(evaluated, whole, by_speaker=config.track == ("speaker",))
    return told


def select(corpus: Corpus, config: RunConfig) -> Selected:
    """The corpus's clips that `where` keeps, under the labels of the label scheme; errors as `make_plan`."""
    from ser_bench.corpora import apply_labels, ask, filter_clips, scheme_losses, scheme_named

    scheme = scheme_named(config.labels)
    clips, doubts = filter_clips(corpus.clips, config.where, corpus.name, corpus.target) if config.where else (corpus.clips, [])
    labelled = apply_labels(clips, scheme, corpus.target)
    if not config.allow_similar_names:
        ask(labelled, corpus.name, corpus.target)
    warnings = (*corpus.warnings, *scheme_losses(clips, scheme))
    return Selected(dataclasses.replace(corpus, clips=labelled, warnings=warnings), doubts, scheme)


def resolve_clips(
    corpus: Corpus, clips: pd.DataFrame, skipped: pd.DataFrame, config: RunConfig, scheme: LabelScheme
) -> tuple[EvaluationSet, pd.DataFrame, Duplicates, list[str]]:
    """Decide which clips are evaluated and how they are split.

    Returns
    -------
    eval_set : EvaluationSet
    skipped : DataFrame
        Columns `clip`, `reason`.
    duplicates : Duplicates
    warnings : list of str
    """
    import pandas as pd

    from ser_bench.corpora import labels_of_target, losses, resolve_duplicates, single_speaker_labels

    check_skipped(len(corpus.clips), skipped, config.max_skipped)
    check_left(corpus, clips, skipped)
    duplicates = resolve_duplicates(clips, allow_conflicts=config.allow_conflicts, target=corpus.target)
    used = duplicates.clips.rename_axis("clip").sort_values(["key", "emotion", "clip"])
    protocol, folds = split(used, corpus, config)
    single_speaker = [
        f"'{label}' is only ever shown by one speaker: it cannot be learned for unseen speakers" for label in single_speaker_labels(used)
    ]
    made_of = tuple(corpus.target if column == EMOTION else column for column in scheme.made_of)
    eval_set = EvaluationSet(corpus.name, labels_of_target(scheme, corpus.target), used, protocol, folds, made_of, scheme.parts)
    single_speaker += [line for line in (unseen_classes(eval_set, config.seed),) if line and not single_speaker]
    left_out = pd.concat([skipped, duplicates.skipped], ignore_index=True)[["clip", "reason"]].sort_values("clip", ignore_index=True)
    single_speaker += fixed_split(eval_set) or unused_split(eval_set, parse_cv(config.cv))
    told = losses(used, whole=not config.preprocessing.label, by_speaker="speaker" in config.track, target=eval_set.target)
    return eval_set, left_out, duplicates, [*duplicates.warnings, *single_speaker, *told]


def fixed_split(eval_set: EvaluationSet) -> list[str]:
    """How many clips and speakers each part of a fixed split has, what it is for, and emotions that are not tested.

    Nothing of another split.
    """
    parts = fixed_parts(eval_set.clips, eval_set.protocol)
    if parts is None:
        return []
    roles = {"train": "train", "dev": "select hyperparameters, and are then trained on as well", "test": "are evaluated"}
    sizes = {part: (int((parts == part).sum()), eval_set.clips.loc[parts == part, "voice"].nunique()) for part in roles if part in parts}
    of = {part: f"{number_of(n, 'clip')} of {number_of(speakers, 'speaker')}" for part, (n, speakers) in sizes.items()}
    told = ", ".join(f"{clips} {roles[part]} ({part})" for part, clips in of.items())
    absent = [emotion for code, emotion in enumerate(eval_set.emotions) if code not in eval_set.codes[parts == "test"]]
    others = "emotions" if eval_set.target == EMOTION else "classes"
    unheard = [f"the test part has no clip of {', '.join(absent)}: scores are of the other {others}"] if absent else []
    return [f"--cv {eval_set.protocol} is one fixed split: {told}", *unheard]


def unused_split(eval_set: EvaluationSet, asked: Protocol) -> list[str]:
    """That a corpus names a fixed split which is not used, as nobody asked for it by name."""
    parts = fixed_parts(eval_set.clips, Protocol("predefined"))
    if parts is None or asked.kind != "auto":
        return []
    apart = len(set(zip(eval_set.voices, parts, strict=True))) == len(set(eval_set.voices))
    advice = "; --cv predefined evaluates its test part alone" if apart else "; its parts share speakers"
    return [f"the column 'fold' names a fixed split ({', '.join(sorted(set(parts)))}), which --cv {eval_set.protocol} does not use{advice}"]


def unseen_classes(eval_set: EvaluationSet, seed: int) -> str:
    """A warning where a fold holds out emotions that are nowhere in its training part, so that none of them can be recognised."""
    folds = eval_set.folds[seed]
    lacking: dict[int, int] = {}
    for fold in range(folds.max() + 1):
        never = set(eval_set.codes[folds == fold]) - set(eval_set.codes[eval_set.training(seed, fold)])
        lacking |= dict.fromkeys(never, fold)
    emotions = ", ".join(eval_set.emotions[code] for code in sorted(lacking))
    return f"in some folds the training part lacks what is held out: {emotions} (--cv {eval_set.protocol})" if lacking else ""


def split(clips: pd.DataFrame, corpus: Corpus, config: RunConfig, asked: Protocol | None = None) -> tuple[Protocol, dict[int, np.ndarray]]:
    """The protocol that is meant, and the outer folds of every seed, with no voice on both sides of any.

    The configuration's is meant where no other is `asked` for.

    Raises
    ------
    WrongCall
        For clips of a single speaker or emotion, and for a protocol that these clips do not allow.
    SpeakerLeak
        For a split that separates a voice.
    """
    for column, what in (("emotion", "emotion"), ("voice", "speaker")):
        if clips[column].nunique() < 2:
            only = f"'{clips[column].iloc[0]}' alone" if len(clips) else "nothing"
            raise WrongCall(f"{corpus.name}: the evaluated clips show {only} as {what}; at least two are needed")
    voices = clips["voice"].to_numpy(str)
    protocol = resolve_cv(asked or parse_cv(config.cv), corpus.protocol, voices)
    folds = {seed: outer_folds(clips, protocol, seed) for seed in range(config.seed, config.seed + config.seeds)}
    for seed, fold in folds.items():
        if len(np.unique(voices[fold != NEVER])) < 2:
            raise WrongCall(f"--cv {protocol}: the test part shows a single speaker, and an interval over speakers needs at least two")
        for number in range(fold.max() + 1):
            train = training_clips(clips, protocol, fold, number, seed)
            if not train.any():
                raise WrongCall(
                    f"--cv {protocol}: no other speaker says another sentence than {clips.index[int((fold == number).argmax())]}'s"
                )
            if not protocol.leaky:
                check_apart(voices[train], voices[fold == number])
    return protocol, folds


def resplit(prepared: PreparedData, asked: Protocol, config: RunConfig) -> PreparedData:
    """The same clips under another protocol; errors as `split`."""
    protocol, folds = split(prepared.eval_set.clips, prepared.corpus, config, asked)
    return dataclasses.replace(prepared, eval_set=dataclasses.replace(prepared.eval_set, protocol=protocol, folds=folds))


def check_skipped(total: int, skipped: pd.DataFrame, allowed: float) -> None:
    """Stop where more clips are unusable than allowed; copies of a clip do not count."""
    counting = skipped[skipped["counts"].astype(bool)]
    if len(counting) and len(counting) / total > allowed:
        first = counting.iloc[0]
        raise WorkFailed(
            f"{len(counting)} of {total} clips are unusable (the first: {first['clip']}: {first['reason']}), "
            f"more than the {allowed:.0%} that --max-skipped allows; repair them, or raise it"
        )


def check_left(corpus: Corpus, clips: pd.DataFrame, skipped: pd.DataFrame) -> None:
    """Stop where too little is left because clips are unusable: that is what is said, not what the others lack."""
    if skipped.empty:
        return
    shown = {column: sorted(clips[column].unique()) for column in ("emotion", "speaker")}
    column, found = next(((column, found) for column, found in shown.items() if len(found) < 2), ("", []))
    if not column:
        return
    first = skipped.iloc[0]
    left = f"what is left shows '{quoted(found[0])}' as its only {column}" if found else "nothing is left"
    why = ", ".join(f"{reason} ({n})" for reason, n in skipped["reason"].value_counts().head(REASONS).items())
    raise WorkFailed(
        f"{corpus.name}: {len(skipped)} of {len(corpus.clips)} clips are unusable (the first: {first['clip']}: {first['reason']}), "
        f"and {left}; the reasons: {why}"
    )


def _sources(feature_sets: list[FeatureSet]) -> dict[str, str]:
    """Whom to cite for each part of the feature sets, and under which terms its software stands."""
    parts = distinct_parts(feature_sets)
    return {part.label: f"{part.source} ({part.licence})" if isinstance(part, Extractor) else "a user-supplied table" for part in parts}


def choose_models(config: RunConfig) -> dict[str, Model]:
    """The models named, by the names of their rows, which weigh clips as the configuration says."""
    from ser_bench.models import parse_model

    models = [parse_model(text, config.class_weights) for text in config.models]
    return {model.label: model for model in models}


def check_widths(features: Iterable[FeatureSource], models: dict[str, Model]) -> None:
    """Refuse feature sets that are too narrow for a model.

    Raises
    ------
    WrongCall
        Naming both, and the columns needed.
    """
    from ser_bench.features import called, parse_features

    widest = max(models.values(), key=lambda model: model.least_columns)
    for one in features if widest.least_columns > 1 else ():
        width = sum(len(part.columns) for part in parse_features(one).parts)
        if width < widest.least_columns:
            columns = number_of(width, "column")
            raise WrongCall(f"{called(one)} has {columns}, and {widest.label} needs {widest.least_columns}; pool less, or take a wider set")


def search_of(model: Model, config: RunConfig) -> Tune:
    """The search of a model, as far as it has anything to choose."""
    return Tune(model.trials(config.trials), config.inner)


def _units(eval_set: EvaluationSet, features: dict[str, Features], models: dict[str, Model], config: RunConfig) -> Iterator[Unit]:
    for matrix in features.values():
        for model in models.values():
            for track in config.track:
                for seed, folds in eval_set.folds.items():
                    for fold in range(folds.max() + 1):
                        yield make_unit(eval_set, matrix, model, track, seed, fold, search_of(model, config))
