"""How far a score would move with other speakers.

In:   what was meant and what was predicted, clip by clip, and whose voice it was.
Out:  UAR with its interval.
Rule: clips of one speaker stand or fall together, so nothing here resamples clips.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.metrics import Counts, speaker_counts, uar_of


class Interval(NamedTuple):
    """A score between its bounds, all as fractions of one."""

    score: float
    low: float
    high: float


def jackknife_interval(truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, level: float = 0.95) -> Interval:
    """UAR over all clips, with the interval that leaving speakers out one at a time gives it.

    ``score ± t * sqrt((n-1)/n * sum_s (UAR_without_s - mean)^2)`` with Student's t at n - 1 degrees of freedom, which
    widens the interval for a small number n of speakers; cut off at 0 and 1. It speaks about new speakers judged by
    models trained like these; the luck of the training speakers is not in it. Below six speakers it is not to be
    leaned on.

    With several seeds the score is the mean over seeds of the UAR, and the speaker is left out of all seeds at once.
    Where leaving a speaker out takes a class away altogether, the UAR without them is the mean over the classes that
    remain. How that class varies between speakers cannot be known from one, so such an interval tends to be too short.

    Parameters
    ----------
    truth : array of labels, shape (n_clips,)
    predicted : array of labels, shape (n_clips,) or (n_seeds, n_clips)
    speakers : array of labels, shape (n_clips,)
    level : float
        Share of repetitions in which the interval should hold the truth.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        With fewer than two speakers: nothing can be said about others. Also as `ser_bench.scores.uar`.

    References
    ----------
    Efron & Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 11.

    Examples
    --------
    >>> score, low, high = jackknife_interval(["a", "b"] * 6, ["a", "b", "a", "a"] * 3, list("xxyyyyzzzzzz"))
    >>> print(f"{score:.2f} [{low:.2f}, {high:.2f}]")
    0.75 [0.42, 1.00]
    """
    return jackknife_of(speaker_counts(truth, predicted, speakers), level=level)


def jackknife_of(counts: Counts, *, level: float = 0.95) -> Interval:
    """`jackknife_interval` of confusion counts, shape (n_speakers, k, k) or (n_seeds, n_speakers, k, k)."""
    from scipy.stats import t

    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1")
    counts = counts.reshape(-1, *counts.shape[-3:])
    n = counts.shape[1]
    if n < 2:
        raise ValueError("an interval over speakers needs at least two; these clips have one")
    total = counts.sum(1, keepdims=True)
    without = uar_of(total - counts).mean(0)
    error = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
    score = float(uar_of(total).mean())
    reach = float(t.ppf((1 + level) / 2, n - 1) * error)
    return Interval(score, max(0.0, score - reach), min(1.0, score + reach))
