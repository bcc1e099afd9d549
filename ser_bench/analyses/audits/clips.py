"""Whether the clips are what they should be: usable, as released, of varied durations, with sentences that training lacks.

In:   the clips that are evaluated, and those that were left out.
Out:  findings on clips that cannot be used, counts and rates, lengths, sentences.
Rule: a corpus that lacks a part of the release is noted, one that holds something else is warned of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from ser_bench.analyses.audits.duplicates import is_copy
from ser_bench.analyses.audits.finding import Finding
from ser_bench.config import RunConfig
from ser_bench.evaluation.plan import PreparedData

UNIFORM_SHARE = 0.5


def skipped_clips(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Clips that cannot be used."""
    unusable = prepared.skipped[~is_copy(prepared)]
    if len(unusable):
        share = len(unusable) / (len(prepared.eval_set.clips) + len(prepared.skipped))
        first = unusable.iloc[0]
        kind = "error" if share > config.max_skipped else "warning"
        yield Finding(kind, "unusable clips", f"{len(unusable)} ({share:.1%}), the first: {first['clip']}: {first['reason']}")


def audible_levels(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Clips far over full scale, and clips in which nothing can be heard."""
    from ser_bench.corpora import levels

    for line in levels(prepared.eval_set.clips):
        yield Finding("warning", "levels", line)


def official_facts(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """What the reader knows of the corpus as released, against what is here."""
    from ser_bench.corpora import known_readers

    corpus, facts, check = prepared.corpus, prepared.corpus.facts, "official facts"
    if facts is None:
        yield Finding("note", check, "nothing is known of this corpus as released: counts and rates could not be held against it")
        return
    here, reader = corpus.clips, known_readers().get(corpus.name)
    known = set(reader.emotions.values()) if reader else set()
    if absent := sorted(known - set(here["emotion"])):
        yield Finding("note", check, f"{len(absent)} of {len(known)} emotions are missing: {', '.join(absent)}")
    for difference in prepared.differences:
        yield Finding(difference.kind, check, difference.what)


def uniform_lengths(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Clips that all last the same."""
    seconds = prepared.eval_set.clips["seconds"].round(4)
    common = seconds.mode().iloc[0]
    share = (seconds == common).mean()
    if share >= UNIFORM_SHARE and len(seconds) >= 10:
        yield Finding(
            "warning",
            "durations",
            f"{share:.0%} of the clips last exactly {common:.3f} s: they were cut or padded, and length tells nothing any more",
        )


def sentences(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Sentences that stand on both sides of a split."""
    clips = prepared.eval_set.clips
    if "sentence" not in clips:
        yield Finding("note", "sentences", "not known: whether the same words are heard in training and test could not be checked")
        return
    said, folds = clips["sentence"].to_numpy(str), prepared.eval_set.folds[config.seed]
    known = np.char.strip(said) != ""
    training = [prepared.eval_set.training(config.seed, fold) for fold in range(folds.max() + 1)]
    shared = set().union(*(set(said[known & (folds == fold)]) & set(said[train]) for fold, train in enumerate(training)))
    if shared:
        told = f"{len(shared)} of {len(set(said[known]))} sentences occur in training and test: results are not text-independent"
        protocol = prepared.eval_set.protocol
        advice = "" if protocol.leaky else f" (--cv {dataclasses.replace(protocol, text=True)} holds out both)"
        yield Finding("note", "sentences", told + advice)
