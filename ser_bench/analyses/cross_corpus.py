"""Train on one corpus, evaluate on another: how a system does where microphone, language and actors change as well.

In:   corpora to train on, corpora to evaluate on.
Out:  a row per pair, feature set, model and track: UAR on the other corpus, and what is lost against training within it.
Rule: all pairs are evaluated on the emotions that every corpus has, and on the same clips within a corpus as across.
      Nothing of the test corpus is used, except on the tracks that say so: ``corpus`` and ``speaker`` scale by its unlabelled clips.

Across corpora no voice that is evaluated trained a model, so given the training corpus the voices are independent: there is no overlap to
allow for (`overlap` is ``none``), and an interval is about *this* training corpus and new speakers of the other. What other speakers to
train on would have given cannot be seen in one training corpus. Within a corpus its voices train each other's models. A loss has one
system of either kind: what voices owe to each other within is not there across, so pairing does not cancel it, and it is uncorrelated
with the rest of the difference. So `scores.overlap_bound` times the spread of the paired differences is enough. It is taken (``bound``)
instead of refits: losses are many times as large as what these would take off their intervals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.analyses.audits.near_duplicates import FingerprintedCorpus, listen, shared_recordings
from ser_bench.config import Named, RunConfig
from ser_bench.corpora import voices_of
from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.evaluation.analysis_folders import CROSS
from ser_bench.evaluation.plan import ChosenClips, Plan, PreparedData, choose_clips, choose_models, prepare_data, search_of, split
from ser_bench.evaluation.runner import run_units
from ser_bench.evaluation.splits import NEVER, Protocol
from ser_bench.evaluation.units import EvaluationSet, StoredResult, SystemName, Unit, make_unit
from ser_bench.features import Extractor, Features, FeatureSource, distinct_parts, parse_features
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
TRACKS = ("train", "corpus", "speaker")
ACROSS = Protocol("cross")


@dataclass(frozen=True)
class CorpusPair:
    """A corpus to train on and a corpus to evaluate.

    Parameters
    ----------
    train : str
        The former's name.
    eval_set : EvaluationSet
        The latter.
    data : PreparedData
        What units stand on: both corpora, or the one where it is evaluated by itself.
    doubt : str
        Why the one may not test the other.
    """

    train: str
    eval_set: EvaluationSet
    data: PreparedData
    doubt: str = ""

    @property
    def within(self) -> bool:
        """Whether a corpus is evaluated by itself."""
        return self.train == self.eval_set.corpus


@dataclass(frozen=True)
class SystemOutcome:
    """What came of a system of a pair: codes predicted, shape (n_seeds, n_clips), its results, or why there are none."""

    predicted: np.ndarray
    kept: list[StoredResult]
    failure: str = ""


def evaluate_across(
    config: RunConfig, train: Sequence[Named], test: Sequence[Named], tracks: Sequence[str], progress: Progress
) -> tuple[dict[Named, PreparedData], pd.DataFrame, pd.DataFrame]:
    """Evaluate every corpus of `test` by every one of `train`, and by itself.

    Parameters
    ----------
    config : RunConfig
        Its corpus and track do not count.
    train, test : sequence of str or Corpus
        Folders, manifests or ``tones``, or what was loaded from them.
    tracks : sequence of {'train', 'corpus', 'speaker'}
        Where scaling statistics come from: the clips trained on; each corpus's own; each speaker's own.

    Returns
    -------
    prepared : dict of str or Corpus to PreparedData
        By source, with the clips of the emotions that all corpora share.
    table : DataFrame
        The columns of `CROSS`; `loss` is how far the UAR is below that of the same system trained within the test corpus, blank where
        that is what the row is. `overlap` and `loss_overlap` say what the two intervals allow for: `scores.BOUND` or `scores.NONE`.
    predictions : DataFrame
        ``train, test, features, model, track, seed, clip, speaker, voice, emotion, predicted``.

    Raises
    ------
    WrongCall
        As a run; also where corpora have fewer than two classes in common, share a name or share audio.
    """
    import pandas as pd

    if not tracks:
        raise WrongCall(f"track: at least one is needed ({', '.join(TRACKS)})")
    for track in tracks:
        if track not in TRACKS:
            raise unknown("track", track, TRACKS)
    config = _budgeted(config, [*train, *test])
    prepared = prepare_corpora(list(dict.fromkeys([*train, *test])), config, progress)
    train, test = ([source for source in sources if source in prepared] for sources in (train, test))
    doubts = _doubts(prepared, train, test, config, progress)
    rows, predictions = [], []
    for pair_group in _pairs(prepared, train, test, doubts):
        within: dict[SystemName, SystemOutcome] = {}
        for pair in pair_group:
            for system, outcome in _evaluate(pair, config, tracks, progress).items():
                reference = within.setdefault(system, outcome)
                rows.append(_row(pair, system, outcome, None if pair.within else reference, config))
                predictions += list(_prediction_rows(pair, system, outcome))
    return prepared, pd.DataFrame(rows, columns=list(CROSS.columns)), pd.concat(predictions) if predictions else pd.DataFrame()


def prepare_corpora(sources: Sequence[Named], config: RunConfig, progress: Progress) -> dict[Named, PreparedData]:
    """Every corpus, with the clips of the emotions that all share; errors as `evaluate_across`.

    What names and labels do not allow is refused before anything is extracted.
    """
    configs = {source: dataclasses.replace(config, corpus=(source,)) for source in sources}
    chosen = {source: choose_clips(configs[source]) for source in sources}
    _check_names(chosen)
    named = {one.corpus.name: sorted(one.corpus.clips["emotion"].unique()) for one in chosen.values()}
    shared = _shared(named)
    for one in chosen.values():
        clips = one.corpus.clips[one.corpus.clips["emotion"].isin(shared)]
        protocol, folds = split(clips.assign(voice=voices_of(clips)), one.corpus, config)
        _check_protocol(protocol, all((fold != NEVER).all() for fold in folds.values()))
    prepared = _once_each({source: prepare_data(configs[source], config.features, progress, chosen[source]) for source in sources})
    _check_apart(prepared, config)
    shared = _shared({data.corpus.name: data.eval_set.emotions for data in prepared.values()})
    return {source: _keep(data, shared, config) for source, data in prepared.items()}


def _check_names(chosen: dict[Named, ChosenClips]) -> None:
    names: dict[str, Named] = {}
    for source, one in chosen.items():
        if other := names.get(one.corpus.name):
            raise WrongCall(f"{other} and {source} are both called '{one.corpus.name}'; name one corpus once, or rename the manifest")
        names[one.corpus.name] = source


def _once_each(prepared: dict[Named, PreparedData]) -> dict[Named, PreparedData]:
    """The corpora without those that hold the same audio as an earlier one, which a warning names; all of them where one would be left."""
    kept: dict[Named, PreparedData] = {}
    for source, data in prepared.items():
        digests = set(data.eval_set.clips["digest"])
        for first, other in kept.items():
            held = set(other.eval_set.clips["digest"])
            if 2 * len(digests & held) > min(len(digests), len(held)):
                told = f"{data.corpus.name} holds the same audio: they are one corpus, evaluated once"
                kept[first] = dataclasses.replace(other, corpus_warnings=[*other.corpus_warnings, told])
                break
        else:
            kept[source] = data
    return kept if len(kept) > 1 else prepared


def _check_apart(prepared: dict[Named, PreparedData], config: RunConfig) -> None:
    """Refuse corpora that share audio, or clips' names where rows of one's own go by these."""
    parts = distinct_parts([parse_features(text) for text in config.features])
    own = [part.called for part in parts if not isinstance(part, Extractor)]
    digests: dict[str, str] = {}
    seen: set[str] = set()
    for source, data in prepared.items():
        clips = data.eval_set.clips
        for clip, digest in clips["digest"].items():
            if digest in digests:
                raise WrongCall(
                    f"{source} and another corpus hold the same audio ({clip} = {digests[digest]}): they cannot be evaluated on each other"
                )
        if own and (twice := sorted(set(clips.index) & seen)):
            raise WrongCall(f"{own[0]}: '{twice[0]}' is a clip of several corpora, which one row cannot serve: rename files")
        seen |= set(clips.index)
        digests |= {digest: str(clip) for clip, digest in clips["digest"].items()}


def _shared(emotions: Mapping[str, Sequence[str]]) -> set[str]:
    """The emotions that all corpora have, of those that each has by its name."""
    shared = set.intersection(*map(set, emotions.values()))
    if len(shared) < 2:
        said = "; ".join(f"{name}: {', '.join(map(quoted, found))}" for name, found in emotions.items())
        raise WrongCall(f"the corpora have fewer than two classes in common ({said}); see --labels")
    return shared


def _check_protocol(protocol: Protocol, all_tested: bool) -> None:
    if protocol.leaky or protocol.text or protocol.max_speakers or not all_tested:
        raise WrongCall(f"--cv {protocol}: corpora are evaluated within and across without leaks; use auto, loso or group:K")


def _keep(data: PreparedData, emotions: set[str], config: RunConfig) -> PreparedData:
    """The clips of these emotions, split again, with a warning that counts the others."""
    kept = data.eval_set.clips["emotion"].isin(emotions).to_numpy()
    clips = data.eval_set.clips[kept]
    protocol, folds = split(clips, data.corpus, config)
    eval_set = dataclasses.replace(data.eval_set, labels="+".join(sorted(emotions)), clips=clips, protocol=protocol, folds=folds)
    _check_protocol(protocol, bool(eval_set.evaluated.all()))
    features = {name: matrix.take(np.flatnonzero(kept)) for name, matrix in data.features.items()}
    left = data.eval_set.clips.loc[~kept, "emotion"].value_counts().sort_index()
    counts = ", ".join(f"{quoted(emotion)} ({n})" for emotion, n in left.items())
    n = left.sum()
    told = [f"{number_of(n, 'clip')} of classes that not all corpora have {plural(n, 'is', 'are')} left out: {counts}"] if n else []
    return dataclasses.replace(data, eval_set=eval_set, features=features, corpus_warnings=[*data.corpus_warnings, *told])


def _budgeted(config: RunConfig, sources: Sequence[Named]) -> RunConfig:
    """One budget for all pairs: that of real speech, if there is any."""
    real = [source for source in sources if str(source).partition("(")[0] != "tones"]
    return config.for_corpus([*real, *sources][0])


def _doubts(
    prepared: dict[Named, PreparedData], train: Sequence[Named], test: Sequence[Named], config: RunConfig, progress: Progress
) -> dict[frozenset[Named], str]:
    """For each two corpora of which one is to test the other, what recordings they may share; nothing where they may share none."""
    pairs = dict.fromkeys((min(one, other, key=str), max(one, other, key=str)) for one in train for other in test if one != other)
    asked = dict.fromkeys(source for pair in pairs for source in pair)
    heard = {source: FingerprintedCorpus(prepared[source], listen(prepared[source], config, progress)) for source in asked}
    return {frozenset(pair): shared_recordings(heard[pair[0]], heard[pair[1]], config, progress) for pair in pairs}


def _pairs(
    prepared: dict[Named, PreparedData], train: Sequence[Named], test: Sequence[Named], doubts: dict[frozenset[Named], str]
) -> Iterator[list[CorpusPair]]:
    """For each corpus to evaluate, its pairs: first with itself."""
    for target in dict.fromkeys(test):
        data = prepared[target]
        others = [source for source in dict.fromkeys(train) if source != target]
        across = [
            CorpusPair(prepared[source].corpus.name, data.eval_set, _both(prepared[source], data), doubts[frozenset([source, target])])
            for source in others
        ]
        yield [CorpusPair(data.corpus.name, data.eval_set, data), *across]


def _both(train: PreparedData, test: PreparedData) -> PreparedData:
    """Two corpora as one, the clips of the second held out."""
    import pandas as pd

    tables = [_named(part.eval_set) for part in (train, test)]
    sides = np.repeat([1, 0], [len(table) for table in tables])
    name = f"{train.corpus.name} -> {test.corpus.name}"
    folds = dict.fromkeys(test.eval_set.folds, sides)
    eval_set = EvaluationSet(name, test.eval_set.labels, pd.concat(tables), ACROSS, folds)
    features = {key: _stack(train.features[key], test.features[key]) for key in test.features}
    return dataclasses.replace(test, eval_set=eval_set, features=features)


def _named(eval_set: EvaluationSet) -> pd.DataFrame:
    """The clip table with the corpus's name before speakers and voices: '03' of one is not '03' of another."""
    voices = {column: eval_set.corpus + ":" + eval_set.clips[column].astype(str) for column in ("speaker", "voice")}
    return eval_set.clips[["key", "emotion"]].assign(corpus=eval_set.corpus, **voices)


def _stack(train: Features, test: Features) -> Features:
    """Two corpora's rows of one feature set; where it depends on the corpus (a user-supplied table), the fingerprint names both."""
    if train.columns != test.columns:
        raise WrongCall(f"{train.name}: the corpora have different columns")
    both = train.fingerprint if train.fingerprint == test.fingerprint else f"{train.fingerprint}+{test.fingerprint}"
    # Rows of the corpus that is trained on come first, and its copies alone can be trained on.
    return dataclasses.replace(test, fingerprint=both, values=np.vstack([train.values, test.values]), copies=train.copies)


def _evaluate(pair: CorpusPair, config: RunConfig, tracks: Sequence[str], progress: Progress) -> dict[SystemName, SystemOutcome]:
    """What came of each system of a pair."""
    models = choose_models(config)
    units = [
        make_unit(pair.data.eval_set, matrix, model, track, seed, fold, search_of(model, config))
        for matrix in pair.data.features.values()
        for model in models.values()
        for track in tracks
        for seed, folds in pair.data.eval_set.folds.items()
        for fold in (range(folds.max() + 1) if pair.within else [0])
    ]
    plan = Plan(pair.data, config, models, units)
    done, failures, _ = run_units(plan, progress)
    return {system: _outcome(pair, mine, done, failures) for system, mine in plan.systems.items()}


def _outcome(pair: CorpusPair, units: list[Unit], done: dict[str, StoredResult], failures: dict[str, str]) -> SystemOutcome:
    kept = [done[unit.hash] for unit in units if unit.hash in done]
    failed = [failures[unit.hash] for unit in units if unit.hash in failures]
    if failed:
        return SystemOutcome(np.empty(0), kept, failed[0])
    whole = pair.data.eval_set.predicted(units, done)
    return SystemOutcome(whole[:, -len(pair.eval_set.codes) :], kept)


def own_rates(prepared: dict[Named, PreparedData], features: Sequence[FeatureSource], titles: Mapping[str, str]) -> Iterator[str]:
    """Warnings of feature sets that are extracted at each file's own rate, where corpora differ in it: values then mean other things.

    `titles` are the corpora's names as their owners write them, by their own.
    """
    rates = {titles[data.corpus.name]: sorted(data.eval_set.clips["rate"].unique()) for data in prepared.values()}
    if len({tuple(found) for found in rates.values()}) == 1:
        return
    said = "; ".join(f"{name}: {', '.join(f'{rate:,}' for rate in found)} Hz" for name, found in rates.items())
    for part in distinct_parts([parse_features(text) for text in features]):
        if isinstance(part, Extractor) and part.rate is None:
            yield f"{part.label} is extracted at each file's own rate, in which corpora differ ({said}): it does not measure the same there"


def _row(pair: CorpusPair, system: SystemName, outcome: SystemOutcome, within: SystemOutcome | None, config: RunConfig) -> dict[str, Any]:
    eval_set = pair.eval_set
    copies = pair.data.features[system[0]].copies
    told = [*eval_set.notes, *([copies.counted] if copies else []), *(note for unit in outcome.kept for note in unit.metadata["notes"])]
    notes = [pair.doubt] if pair.doubt else []
    notes += [] if outcome.failure else told
    if len(always := np.unique(outcome.predicted)) == 1:
        notes.append(f"every clip is predicted as {eval_set.emotions[always[0]]}")
    row = {
        "train": pair.train,
        "test": eval_set.corpus,
        "emotions": eval_set.labels,
        **dict(zip(("features", "model", "track"), system, strict=True)),
        "dims": pair.data.features[system[0]].values.shape[1],
        "cv": str(pair.data.eval_set.protocol),
        "speakers": eval_set.n_voices,
        "clips": len(eval_set.clips),
        "budget": config.budget,
        "trials": config.trials,
        "seeds": config.seeds,
        "status": "failed" if outcome.failure else "ok",
        "reason": outcome.failure,
        "notes": list(dict.fromkeys(notes)),
        "seconds": round(sum(unit.metadata["seconds"] for unit in outcome.kept), 1),
    }
    return row if outcome.failure else row | _scores(eval_set, outcome, within)


def _scores(eval_set: EvaluationSet, outcome: SystemOutcome, within: SystemOutcome | None) -> dict[str, Any]:
    counts = scores.speaker_counts(eval_set.codes, outcome.predicted, eval_set.voices)
    bound = scores.overlap_bound(counts.shape[-3])
    found = dict(zip(("uar", "uar_low", "uar_high"), scores.jackknife_of(counts, inflation=bound if within is None else 1.0), strict=True))
    allowed = {"overlap": scores.BOUND if within is None else scores.NONE}
    found |= {"war": scores.war_of(counts.sum(-3)).mean(), "macro_f1": scores.macro_f1_of(counts.sum(-3)).mean()}
    if within and not within.failure:
        loss = scores.difference_interval(eval_set.codes, within.predicted, outcome.predicted, eval_set.voices, inflation=bound)
        found |= dict(zip(("loss", "loss_low", "loss_high"), loss, strict=True))
        allowed["loss_overlap"] = scores.BOUND
    return {name: round(float(value), 4) for name, value in found.items()} | allowed


def _prediction_rows(pair: CorpusPair, system: SystemName, outcome: SystemOutcome) -> Iterator[pd.DataFrame]:
    emotions, known = np.array(pair.eval_set.emotions), pair.eval_set.clips[["speaker", "voice", "emotion"]]
    for seed, codes in zip(pair.eval_set.folds, outcome.predicted, strict=False):
        named = {"train": pair.train, "test": pair.eval_set.corpus, **dict(zip(("features", "model", "track"), system, strict=True))}
        yield known.assign(**named, seed=seed, predicted=emotions[codes]).rename_axis("clip").reset_index().sort_values("clip")
