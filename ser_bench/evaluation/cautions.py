"""What a reader of a score must know about the speakers and classes behind it.

In:   a system's confusions by seed and voice.
Out:  sentences, without full stop or semicolon, for the notes of its row.
Rule: a class of few clips or of one speaker, few or very unequal speakers and speakers who are not recognised are named beside the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_bench import scores
from ser_bench.corpora import small_samples

MANY = 30
"""From so many speakers on, intervals cover what they claim even where a fifth is not recognised."""
COVERED = "where a fifth of all speakers are like that, a 95% confidence interval covers 82, 90, 94% of the time with 6, 10, 24 speakers"
"""As `benchmarks/intervals.py mixture` finds it."""


def cautions(counts: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """Sentences on classes, speakers' numbers of clips, and speakers who are hardly recognised.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
    emotions : sequence of str
        The k classes.
    """
    outliers = _outliers(counts)
    return [*small_samples(counts[0].sum(-1), emotions), *([outliers] if outliers else [])]


def _outliers(counts: np.ndarray) -> str:
    """That some speakers are recognised far worse than the others, and what intervals are worth where many are."""
    odd = scores.outlying_voices(counts)
    if not odd.any() or len(odd) >= MANY:
        return ""
    uars = scores.uar_of(counts).mean(0)
    who = f"{odd.sum()} of {len(odd)} speakers {'are' if odd.sum() > 1 else 'is'} recognised far worse than the others"
    return f"{who} (UAR {uars[odd].min():.2f}, median {np.median(uars):.2f}): {COVERED}"
