"""What a reader of a score must know about the speakers and classes behind it.

In:   a system's confusions by seed and voice.
Out:  sentences, without full stop, for the notes of its row, and numbers for its columns.
Rule: a class of few clips or of one speaker, few or very unequal speakers and speakers who are not recognised are named beside the score.
      A sentence has no number of one system: those stand in columns, and are read from there (`note_words`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.corpora import small_samples
from ser_bench.utils.formatting import format_score

MANY = 30
"""From so many speakers on, intervals cover what they claim even where a fifth is not recognised."""
OUTLYING_SPEAKERS = (
    "some speakers are recognised far worse than the others: where a fifth of all speakers are like that, a 95% confidence interval covers "
    "82, 90, 94% of the time with 6, 10, 24 speakers"
)
"""As `benchmarks/intervals.py mixture` finds it."""


class Outlying(NamedTuple):
    """How many speakers are recognised far worse than the others, the lowest UAR of these (NaN without any), and the median of all."""

    outlying_speakers: int
    outlying_uar: float
    median_uar: float


def cautions(counts: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """Sentences on classes, speakers' numbers of clips, and speakers who are hardly recognised.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
    emotions : sequence of str
        The k classes.
    """
    some = outlying(counts).outlying_speakers > 0 and counts.shape[1] < MANY
    return [*small_samples(counts[0].sum(-1), emotions), *([OUTLYING_SPEAKERS] if some else [])]


def outlying(counts: np.ndarray) -> Outlying:
    """Speakers who are recognised far worse than the others; `counts` as `cautions` takes them."""
    odd, uars = scores.outlying_voices(counts), scores.uar_of(counts).mean(0)
    return Outlying(int(odd.sum()), float(uars[odd].min()) if odd.any() else np.nan, float(np.median(uars)))


def outlying_words(row: Mapping[str, Any]) -> str:
    """The numbers of a row's outlying speakers.

    >>> outlying_words({"outlying_speakers": 1, "speakers": 9, "outlying_uar": 0.2, "median_uar": 0.7})
    '1 of 9, lowest UAR .200, median .700'
    """
    who = f"{row['outlying_speakers']} of {row['speakers']}"
    return f"{who}, lowest UAR {format_score(row['outlying_uar'])}, median {format_score(row['median_uar'])}"


def note_words(note: str, row: Mapping[str, Any]) -> str:
    """A note of one row as it is read, with the numbers that it is about."""
    return f"{note} ({outlying_words(row)})" if note == OUTLYING_SPEAKERS else note
