"""Associations of emotion with speakers, and classes or folds that lack something.

In:   the labels of the clips.
Out:  findings; other columns are tested by `columns`.
Rule: how far two labels go together is corrected for what chance does to small tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ser_bench import scores
from ser_bench.analyses.audits.finding import Finding, figure
from ser_bench.config import RunConfig
from ser_bench.evaluation.plan import PreparedData

CONFOUNDED = 0.3
"""Cramér's V from which an emotion is called confounded."""


def confounds(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Emotions that are associated with speakers, and emotions or folds that lack something."""
    from ser_bench.corpora import single_speaker_labels

    clips = prepared.eval_set.clips
    v = cramers_v(clips["emotion"].to_numpy(str), clips["speaker"].to_numpy(str))
    if v >= CONFOUNDED:
        target = prepared.eval_set.target
        said = f"{target} is associated with the speaker (Cramér's V {figure(v)} of 0 to 1, threshold {figure(CONFOUNDED)})"
        yield Finding(
            "warning", "confounds", f"{said}: a system that recognises speakers recognises their usual {prepared.eval_set.targets}"
        )
    for label in single_speaker_labels(clips):
        yield Finding("warning", "confounds", f"'{label}' is only ever shown by one speaker: it cannot be learned for unseen speakers")


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """How far two labels go together, from 0 to 1, corrected for what chance does to small tables (Bergsma 2013, JKSS 42).

    >>> cramers_v(np.array(list("aabb")), np.array(list("xxyy"))), cramers_v(np.array(list("abab")), np.array(list("xxyy")))
    (1.0, 0.0)
    """
    counts = scores.confusion_counts(*(np.unique(x, return_inverse=True)[1] for x in (a, b)))
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0].astype(float)
    n, (rows, columns) = counts.sum(), counts.shape
    expected = np.outer(counts.sum(1), counts.sum(0)) / n
    phi = ((counts - expected) ** 2 / expected).sum() / n
    spare = (rows - 1) * (columns - 1) / (n - 1)
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1))
    return float(np.sqrt(max(0.0, phi - spare) / max(smaller - 1, 1e-12)).clip(0, 1))
