"""Clips of a run with their sound changed: copies that are trained on, and conditions that systems are evaluated under.

In:   the clips that are evaluated, a configuration.
Out:  their features under each variant.
Rule: all rows of a run are trained on copies of the same clips and evaluated on the same changed clips. A copy that cannot be measured is
      left out for all rows, counted and named; a held-out clip that cannot is an error, as rows could no longer be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.config import RunConfig
from ser_bench.errors import WorkFailed, quoted, unknown
from ser_bench.evaluation.units import EvaluationSet
from ser_bench.features import ChangedClips, Copies, ExtractionOptions, FeatureSet, extract_changed, refuse_own
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    from ser_bench.corpora import Corpus
    from ser_bench.features import Features


class MadeCopies(NamedTuple):
    """Copies of clips by feature set, and warnings of those that are missing."""

    by_set: dict[str, Copies]
    warnings: list[str]


def make_copies(
    corpus: Corpus, eval_set: EvaluationSet, feature_sets: list[FeatureSet], config: RunConfig, progress: Progress
) -> MadeCopies:
    """The copies that a configuration asks for, of every clip that some fold may train on; without any where it asks for none.

    Parameters
    ----------
    corpus : Corpus
    eval_set : EvaluationSet
        Of its clips, those that are used.
    feature_sets : list of FeatureSet
    config : RunConfig
    progress : Progress

    Raises
    ------
    WrongCall
        For a class of `augment_only` that no clip has, and for a user-supplied table.
    """
    if not config.augment:
        return MadeCopies({}, [])
    copied = copied_clips(eval_set, config)
    keys = eval_set.clips["key"].iloc[copied]
    kinds = extract_changed(corpus, keys, feature_sets, config.copies, ExtractionOptions.of(config, progress))
    of = np.concatenate([copied[kind.measured] for kind in kinds])
    by_set = {
        feature_set.name: Copies(
            config.augmented,
            tuple(kind.matrices[feature_set.name].fingerprint for kind in kinds),
            of,
            np.concatenate([kind.matrices[feature_set.name].values for kind in kinds]),
        )
        for feature_set in feature_sets
    }
    return MadeCopies(by_set, _missing(kinds))


def extract_conditions(
    corpus: Corpus, eval_set: EvaluationSet, feature_sets: list[FeatureSet], config: RunConfig, progress: Progress
) -> dict[str, dict[str, Features]]:
    """The clips under each test condition of a configuration: by condition and feature set, a row per clip.

    Raises
    ------
    WorkFailed
        Where a clip cannot be measured under a condition.
    """
    options = ExtractionOptions.of(config, progress)
    heard = extract_changed(corpus, eval_set.clips["key"], feature_sets, config.test_variant, options) if config.test_variant else []
    for condition in heard:
        for clip, why in condition.reasons.items():
            raise WorkFailed(
                f"{corpus.name}: --test-variant {condition.variant}: {number_of(len(condition.reasons), 'clip')} cannot be measured so "
                f"(the first: {quoted(clip)}: {why}), and all conditions are evaluated on the same clips; use another condition"
            )
    return {condition.variant: condition.matrices for condition in heard}


def refuse_vectors(feature_sets: list[FeatureSet], config: RunConfig) -> None:
    """Refuse user-supplied tables where a configuration asks for clips with their sound changed, before anything is extracted."""
    for option in ("augment", "test_variant"):
        if getattr(config, option):
            refuse_own(feature_sets, f"--{option.replace('_', '-')} needs")


def copied_clips(eval_set: EvaluationSet, config: RunConfig) -> np.ndarray:
    """The clips that get copies, by their places: those of the classes of `augment_only` that some fold trains on.

    Errors as `make_copies`.
    """
    for name in config.augment_only:
        if name not in eval_set.emotions:
            raise unknown("class of augment_only:", name, eval_set.emotions)
    asked = eval_set.clips["emotion"].isin(config.augment_only or eval_set.emotions).to_numpy(bool)
    return np.flatnonzero(asked & eval_set.trained_on)


def _missing(kinds: list[ChangedClips]) -> list[str]:
    """A line for each kind of copy that some clips lack."""
    lines = []
    for kind in kinds:
        for clip, why in list(kind.reasons.items())[:1]:
            lines.append(
                f"augmented: {number_of(len(kind.reasons), 'clip has', 'clips have')} no copy by {kind.variant}, the first: {clip}: {why}"
            )
    return lines
