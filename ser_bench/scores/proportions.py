"""Intervals of scores between 0 and 1 whose clips come in clusters, one cluster per voice.

In:   a score, its variance over voices, how many independent clips it could be worth at most, and degrees of freedom.
Out:  bounds within [0, 1] that hold the score and are never without width.
Rule: voices are few and of unequal weight: degrees of freedom come from the effective number of voices, not from the number of clips.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.distributions import t_quantile
from ser_bench.scores.metrics import Counts, uar_of

FEW_EFFECTIVE = 6
"""Effective numbers of voices below this are warned of."""
SHARE_EFFECTIVE = 2 / 3
"""Effective numbers of voices below this share of all voices are warned of, too."""
OUTLYING = 3.5
"""Modified z-score beyond which a voice is an outlier (Iglewicz & Hoaglin, 1993)."""


def effective_voices(clips: ArrayLike) -> float:
    """How many voices of equal weight a score over these voices is worth: ``(sum_s w_s)^2 / sum_s w_s^2``.

    The weight of voice s is its mean share of each class's clips, ``w_s = 1/k * sum_c n_sc / N_c``, by which it enters the UAR; classes
    without clips take no part.

    Parameters
    ----------
    clips : array of number, shape (n_voices,) or (n_voices, k)
        Clips per voice, or per voice and class.

    Returns
    -------
    float
        From 1 to n_voices.

    Raises
    ------
    ValueError
        If there are no clips.

    References
    ----------
    Kish (1965), *Survey Sampling*, section 11.7: loss of precision by unequal weights.

    Examples
    --------
    >>> effective_voices([10, 10, 10, 10])
    4.0
    >>> round(effective_voices([[90, 5], [5, 5], [5, 5]]), 2)
    2.2
    """
    counts = np.asarray(clips, dtype=float)
    by_class = counts.reshape(len(counts), -1)
    total = by_class.sum(0)
    if not (total > 0).any():
        raise ValueError("there are no clips: nothing can be said about voices")
    weights = (by_class[:, total > 0] / total[total > 0]).mean(1)
    return float(weights.sum() ** 2 / np.sum(weights**2))


def few_or_uneven(clips: ArrayLike) -> bool:
    """Whether voices are effectively fewer than 6, or fewer than two thirds of their number: intervals are wide and unsure then.

    Parameters: see `effective_voices`.

    >>> few_or_uneven([10] * 6), few_or_uneven([10] * 5), few_or_uneven([100] * 6 + [1] * 6)
    (False, True, True)
    """
    effective = round(effective_voices(clips), 6)
    return effective < FEW_EFFECTIVE or effective < SHARE_EFFECTIVE * len(np.asarray(clips))


def degrees_of_freedom(clips: ArrayLike) -> float:
    """Degrees of freedom of a variance over voices: `effective_voices` - 1, at least those of two voices.

    >>> degrees_of_freedom([10, 10, 10]), degrees_of_freedom([1000, 1])
    (2.0, 1.0)
    """
    return max(effective_voices(clips) - 1, 1.0)


@cache
def student(level: float, df: float) -> float:
    """The two-sided quantile of Student's t.

    >>> round(student(0.95, 9), 3)
    2.262
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1")
    return float(t_quantile((1 + level) / 2, df))


def proportion_bounds(score: float, variance: float, most_clips: float, quantile: float) -> tuple[float, float]:
    """Wilson's bounds of a clustered proportion.

    Clips of one voice resemble each other, so the score counts as one over ``n = score (1 - score) / variance`` independent clips, but over
    no more than `most_clips`. The bounds are the values p for which ``|score - p| = q sqrt(p (1 - p) / n)``:
    ``(score + q^2/2n ± q sqrt(score (1 - score) / n + q^2/4n^2)) / (1 + q^2/n)``. A score of 1, whose variance over voices is 0, counts as
    one over `most_clips`: ``[n / (n + q^2), 1]``.

    Parameters
    ----------
    score : float
        From 0 to 1.
    variance : float
        Of the score over voices.
    most_clips : float
        Number of independent clips that the score is worth at most.
    quantile : float
        Of Student's t, as `student` gives it.

    Returns
    -------
    low, high : float

    References
    ----------
    Wilson (1927), *JASA* 22(158); with an effective sample size and t: Korn & Graubard (1998), *Survey Methodology* 24(2); Dean & Pagano
    (2015), *Survey Methodology* 41(1); Franco, Little, Louis & Slud (2019), *Journal of Survey Statistics and Methodology* 7(3).

    Examples
    --------
    >>> [round(bound, 2) for bound in proportion_bounds(1.0, 0.0, 80, 2.262)]
    [0.94, 1.0]
    """
    spread = score * (1 - score)
    n = min(spread / variance, most_clips) if variance > 0 < spread else most_clips
    squared = quantile**2 / n
    middle, reach = score + squared / 2, np.sqrt(squared * spread + squared**2 / 4)
    low, high = (middle - reach) / (1 + squared), (middle + reach) / (1 + squared)
    return max(0.0, min(score, float(low))), min(1.0, max(score, float(high)))


def outlying_voices(counts: Counts) -> NDArray[np.bool_]:
    """Which voices a system recognises far worse than the others: a UAR more than 3.5 robust standard deviations below the median.

    The robust standard deviation is 1.4826 times the median absolute deviation, but no less than the median standard error of a
    voice's UAR by its number of clips alone, half an error and half a hit added to each class. Where a fifth of all speakers is
    recognised by chance alone, many small samples of speakers hold too few of them, and intervals cover less than they claim; an
    outlier is how that is noticed. `benchmarks/intervals.py mixture` measures how often.

    Parameters
    ----------
    counts : array of int, shape (n_voices, k, k) or (n_seeds, n_voices, k, k)

    Returns
    -------
    array of bool, shape (n_voices,)

    References
    ----------
    Iglewicz & Hoaglin (1993), *How to Detect and Handle Outliers*: the modified z-score.

    Examples
    --------
    >>> right = np.array([14, 15, 13, 14, 4])
    >>> outlying_voices(np.stack([right, 20 - right, 20 - right, right], 1).reshape(-1, 2, 2)).tolist()
    [False, False, False, False, True]
    """
    counts = counts.reshape(-1, *counts.shape[-3:])
    clips, right = counts[0].sum(-1), np.diagonal(counts, axis1=-2, axis2=-1).mean(0)
    shares = (right + 0.5) / (clips + 1)
    variances = np.divide(shares * (1 - shares), clips, where=clips > 0, out=np.zeros(clips.shape))
    noise = np.sqrt(variances.sum(1)) / np.count_nonzero(clips, axis=1)
    uars = uar_of(counts).mean(0)
    below = np.median(uars) - uars
    return below > OUTLYING * max(1.4826 * float(np.median(np.abs(below))), float(np.median(noise)))
