"""How far a score would move with other speakers and other draws of training speakers.

In:   the confusion counts of several systems that differ in which training speakers were drawn, on the same clips.
Out:  their mean UAR, with an interval, and how far the draws differ.
Rule: a mean over few draws is not the mean over all of them: what the draws differ by is part of the interval.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ser_bench.scores.intervals import combinations_of
from ser_bench.scores.metrics import Counts, uar_of
from ser_bench.scores.proportions import degrees_of_freedom, student


class Drawn(NamedTuple):
    """A mean score over draws between its bounds, and the standard deviation between draws, all as fractions of one."""

    score: float
    low: float
    high: float
    sd_draws: float


def mean_over_draws(counts: Counts, *, level: float = 0.95, inflation: float = 1.0) -> Drawn:
    """The mean UAR over draws of training speakers, with an interval over the speakers evaluated and the draws.

    ``score ± t * sqrt(v_s + sd_d^2 / D)``: v_s is the squared error of the interval of `combinations_of` around the mean of D draws,
    sd_d the standard deviation of their UARs. Student's t has Satterthwaite's degrees of freedom, of those over speakers and D - 1. Cut off
    at 0 and 1. Where each speaker is held out alone, with draws of their own, v_s holds a part of the luck of the draws already, and
    the interval is rather too long than too short.

    Parameters
    ----------
    counts : array of int, shape (n_draws, n_speakers, k, k)
        Confusions by draw and speaker evaluated.
    level, inflation
        As in `jackknife_interval`.

    Raises
    ------
    ValueError
        With a single draw, which cannot tell how far draws differ; with fewer than two speakers.

    References
    ----------
    Satterthwaite (1946), An approximate distribution of estimates of variance components, *Biometrics Bulletin* 2(6).

    Examples
    --------
    >>> right, wrong = np.diag([2, 2]), np.array([[1, 1], [0, 2]])
    >>> found = mean_over_draws(np.array([[right, wrong, right], [right, right, right]]))
    >>> [round(value, 3) for value in found]
    [0.958, 0.648, 1.0, 0.059]
    """
    n_draws = len(counts)
    if n_draws < 2:
        raise ValueError("what draws differ by takes at least two of them; there is one")
    (mean,) = combinations_of([counts], [[1.0]], level=level, inflation=inflation)
    sd = float(uar_of(counts.sum(1)).std(ddof=1))
    df = degrees_of_freedom(counts[0].sum(-1))
    over_speakers, over_draws = ((mean.high - mean.score) / student(level, df)) ** 2, sd**2 / n_draws
    whole = over_speakers + over_draws
    freedom = whole**2 / (over_speakers**2 / df + over_draws**2 / (n_draws - 1))
    reach = student(level, freedom) * float(np.sqrt(whole))
    return Drawn(mean.score, max(0.0, mean.score - reach), min(1.0, mean.score + reach), sd)
