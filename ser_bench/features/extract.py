"""Clips -> store -> matrices, in parallel.

In:   a corpus, feature sets, and how clips are preprocessed.
Out:  a full store, and of it an `Extraction`: the usable clips with their keys, the others with their reasons, matrices.
Rule: only what the store lacks is computed. All feature sets of a call stand on the same clips.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.config import ExtractOptions, Frames, RunConfig, check_keys
from ser_bench.errors import WrongCall
from ser_bench.features.base import Extractor, Features
from ser_bench.features.sets import FeatureSet, OwnTable, Part, distinct_parts, parse_features
from ser_bench.features.store.content_keys import content_keys
from ser_bench.features.store.feature_store import FeatureStore
from ser_bench.features.worker import BATCH, DIED, ExtractionResult, Task, extract_clips
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.formatting import number_of
from ser_bench.utils.parallel import Workers, in_batches
from ser_bench.utils.progress import Progress, Silent, progress_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus, Source

SECONDS_BETWEEN_PARTS = 5.0


@dataclass(frozen=True)
class ExtractionOptions:
    """How features are extracted, whichever they are.

    Parameters
    ----------
    cache : Path
        The store.
    workers : Workers
        Processes, here or on a cluster.
    preprocessing : Preprocessing
        How clips are heard; whole and unchanged without.
    progress : Progress
    verify : bool
        Read every file again, though it seems unchanged.
    """

    cache: Path
    workers: Workers
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    progress: Progress = field(default_factory=Silent)
    verify: bool = False

    @classmethod
    def of(cls, config: RunConfig, progress: Progress, *, verify: bool = False) -> ExtractionOptions:
        """Those of a configuration."""
        return cls(Path(config.cache), config.workers, config.preprocessing, progress, verify)


@dataclass(frozen=True)
class FillReport:
    """A store that holds all that can be computed of a corpus.

    Parameters
    ----------
    clips : DataFrame
        The clip table of the usable clips, with `key`.
    skipped : DataFrame
        Columns `clip`, `reason`, `counts` (against the skipping limit).
    warnings : list of str
    """

    clips: pd.DataFrame
    skipped: pd.DataFrame
    warnings: list[str]


@dataclass(frozen=True)
class Extraction(FillReport):
    """What came of extracting; `clips` also with the fields of `AudioInfo`: `digest`, `seconds`, `rate`, `channels`, `note` and `peak`.

    Parameters
    ----------
    matrices : dict of str to Features
        By feature set, rows as `clips`.
    """

    matrices: dict[str, Features]

    def features(self, feature_set: FeatureSet) -> Features:
        """The matrix of a feature set, rows as `clips`."""
        return self.matrices[feature_set.name]


@named_arguments(ExtractOptions.__optional_keys__)
def extract(
    corpus: Source,
    features: str | Path | Frames | Sequence[str | Path | Frames],
    *,
    progress: Progress | bool | None = None,
    **options: Unpack[ExtractOptions],
) -> pd.DataFrame:
    """The features of a corpus's usable clips.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        As in `run`.
    features : str, Path, DataFrame or several
        Such as ``"egemaps+mfcc"``; several are joined as by ``+``.
    progress : bool or Progress, optional
        As in `run`.
    **options
        How a corpus is read, as in `load_corpus`: ``columns``, ``table``, ``target``; how clips are heard, as in `Preprocessing`:
        ``offset``, ``duration``, ``trim``, ``variant``; ``cache``, the store; ``jobs``, processes (one per core without), or ``backend``
        and ``scheduler``.

    Returns
    -------
    DataFrame
        Index `clip`; float32 columns, whose groups stand in ``attrs["groups"]``. ``attrs["skipped"]`` is a mapping of clips that are left
        out to why, ``attrs["warnings"]`` a list of what is to be known of the others.

    Raises
    ------
    WrongCall
        For a corpus or a feature set that cannot be read.
    """
    import pandas as pd

    from ser_bench.corpora import load_corpus

    given = {key: value for key, value in options.items() if value is not None}
    config = RunConfig(**check_keys({"features": features, **given}, source="extract()"))
    feature_set = parse_features(config.features)
    loaded = load_corpus(corpus, cache=config.cache, **config.reading)
    extraction = extract_corpus(loaded, [feature_set], ExtractionOptions.of(config, progress_of(progress)))
    matrix = extraction.features(feature_set)
    table = pd.DataFrame(matrix.values, index=extraction.clips.index, columns=list(matrix.columns))
    table.attrs["groups"] = dict(zip(matrix.columns, matrix.groups, strict=True))
    table.attrs["warnings"] = extraction.warnings
    table.attrs["skipped"] = dict(zip(extraction.skipped["clip"], extraction.skipped["reason"], strict=True))
    return table


def extract_corpus(corpus: Corpus, feature_sets: list[FeatureSet], options: ExtractionOptions) -> Extraction:
    """Extract what the store lacks of these feature sets, and read them all."""
    parts = _parts_for(corpus, feature_sets)
    filled, store = _fill(corpus, parts, options)
    keys = filled.clips["key"].tolist()
    clips = filled.clips.assign(**store.audio_info(keys))
    matrices = {part.label: _matrix(part, clips, store) for part in parts}
    joined = {feature_set.name: feature_set.join([matrices[part.label] for part in feature_set.parts]) for feature_set in feature_sets}
    return Extraction(clips, filled.skipped, filled.warnings, joined)


def fill_store(corpus: Corpus, feature_sets: list[FeatureSet], options: ExtractionOptions) -> FillReport:
    """Extract what the store lacks of these feature sets."""
    return _fill(corpus, _parts_for(corpus, feature_sets), options)[0]


def count_missing(corpus: Corpus, feature_sets: list[FeatureSet], *, cache: Path, preprocessing: Preprocessing) -> int:
    """How many clips would have to be decoded for these feature sets; unchanged files are not read."""
    keys = content_keys(corpus.clips, cache).known
    store = FeatureStore(cache, _extractors(distinct_parts(feature_sets)), preprocessing)
    return sum(store.lacking(key) is not None for key in set(keys.values()))


def _parts_for(corpus: Corpus, feature_sets: list[FeatureSet]) -> list[Part]:
    """All parts, each once; user-supplied tables with rows named as the corpus names its clips."""
    return [part.named_as(corpus) if isinstance(part, OwnTable) else part for part in distinct_parts(feature_sets)]


def _fill(corpus: Corpus, parts: list[Part], options: ExtractionOptions) -> tuple[FillReport, FeatureStore]:
    preprocessing = options.preprocessing
    own = [part for part in parts if isinstance(part, OwnTable)]
    if own and preprocessing != Preprocessing():
        raise WrongCall(f"{own[0].called} holds finished vectors, for which clips cannot be heard another way ({preprocessing.label})")
    keys, unreadable, changed = content_keys(corpus.clips, options.cache, verify=options.verify)
    store = FeatureStore(options.cache, _extractors(parts), preprocessing)
    clips = corpus.clips.loc[list(keys)].assign(key=list(keys.values()))
    unread = _compute(clips, store, options)
    reasons = dict(unreadable)
    for clip, key in keys.items():
        why = unread.get(key) or store.why_not(key)
        why = why or next((f"no row in {table.short}" for table in own if clip not in table.table.index), "")
        if why:
            reasons[clip] = why
    clips = clips.drop(index=[clip for clip in reasons if clip in keys])
    return FillReport(clips, _skipped(reasons), [*_warnings(corpus, own, changed), *_noted(clips, store)]), store


def _extractors(parts: list[Part]) -> dict[str, Extractor]:
    return {part.label: part for part in parts if isinstance(part, Extractor)}


def _compute(clips: pd.DataFrame, store: FeatureStore, options: ExtractionOptions) -> dict[str, str]:
    """Compute what is lacking and add it, and merge what a killed process left unmerged.

    Returns why there is nothing of some clips just now, by key.
    """
    lacking = [labels for key in clips["key"].unique() if (labels := store.lacking(key)) is not None]
    for label in sorted({label for labels in lacking for label in labels}):
        store.extractors[label].prepare(options.progress)
    unread = _add_lacking(clips, store, options, len(lacking)) if lacking else {}
    store.compact()
    return unread


def _add_lacking(clips: pd.DataFrame, store: FeatureStore, options: ExtractionOptions, total: int) -> dict[str, str]:
    unread: dict[str, str] = {}
    waiting: list[ExtractionResult] = []
    written = time.monotonic()
    options.progress.start("extracting features", total)
    try:
        for measured in in_batches(extract_clips, _tasks(clips, store), options.workers, BATCH, _died):
            options.progress.advance()
            if measured.unread:
                unread[measured.key] = measured.unread
            if measured.lasts:
                waiting.append(measured)
            if time.monotonic() - written > SECONDS_BETWEEN_PARTS:
                waiting, full = [], waiting
                store.add(full)
                written = time.monotonic()
    finally:
        store.add(waiting)
        options.progress.stop()
    return unread


def _tasks(clips: pd.DataFrame, store: FeatureStore) -> Iterator[Task]:
    segments = clips.reindex(columns=["key", "path", "start", "end"]).drop_duplicates("key")
    for key, path, start, end in segments.itertuples(index=False):
        lacking = store.lacking(key)
        if lacking is not None:
            yield Task(key, path, start, end, store.preprocessing, [store.extractors[label] for label in lacking])


def _died(task: Task) -> ExtractionResult:
    return ExtractionResult(task.key, unread=DIED)


def _skipped(reasons: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    skipped = pd.DataFrame({"clip": list(reasons), "reason": list(reasons.values()), "counts": True})
    return skipped.sort_values("clip", ignore_index=True)


def _warnings(corpus: Corpus, own: list[OwnTable], changed: list[str]) -> list[str]:
    said = list(corpus.warnings)
    if corpus.ignored:
        told = number_of(len(corpus.ignored), "audio file whose name", "audio files whose names")
        said.append(f"left out: {told} {corpus.name} does not know, such as {corpus.ignored[0]}")
    if changed:
        told = number_of(len(changed), "file")
        said.append(f"computed again: {told} that had changed though size and times had not, such as {changed[0]}")
    extra = {table.short: len(table.table.index.difference(corpus.clips.index)) for table in own}
    return said + [f"{name}: {number_of(n, 'row')} for clips that are not evaluated" for name, n in extra.items() if n]


def _noted(clips: pd.DataFrame, store: FeatureStore) -> list[str]:
    noted = {clip: store.notes[key] for clip, key in clips["key"].items() if key in store.notes}
    told = number_of(len(noted), "file is", "files are")
    return [f"{told} used although damaged, such as {clip}: {note}" for clip, note in list(noted.items())[:1]]


def _matrix(part: Part, clips: pd.DataFrame, store: FeatureStore) -> Features:
    if isinstance(part, OwnTable):
        values = part.table.loc[clips.index].to_numpy()
        # Rows go by the clip's name, so that which row stands for which sound is part of what it is; and so is what each column is called.
        covered = hashlib.blake2b(json.dumps(part.columns).encode(), digest_size=4)
        for key, at in sorted((key, at) for at, key in enumerate(clips["key"])):
            covered.update(key.encode() + values[at].tobytes())
        return Features(part.label, covered.hexdigest(), part.columns, part.groups, values)
    return Features(part.label, store.fingerprint(part.label), part.columns, part.groups, store.matrix(part.label, clips["key"].tolist()))
