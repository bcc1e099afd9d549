"""Intervals and covariances as their formulas stand in the literature, written once more and with scipy alone: what tests compare with.

In:   a score over all voices and without each, what voices weigh, settings; or values of clips, one by one.
Out:  the score between its bounds; mean products over pairs of clips.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def effective(clips: ArrayLike) -> float:
    """Kish's number of voices, from clips by voice, or by voice and class; each class shares out its part of the weight."""
    table = np.asarray(clips, float).reshape(len(np.asarray(clips)), -1)
    shares = [column / column.sum() for column in table.T if column.sum()]
    weights = np.mean(shares, axis=0)
    return 1 / sum(weight**2 for weight in weights)


def jackknife(without: ArrayLike) -> float:
    """The jackknife's variance: as many times the mean square as there are other voices."""
    return (len(np.asarray(without)) - 1) * float(np.var(without))


def quantile(clips: ArrayLike, level: float = 0.95) -> float:
    """Student's t with one degree of freedom fewer than effective voices, but at least one."""
    return float(stats.t.ppf(0.5 + level / 2, max(1.0, effective(clips) - 1)))


def wilson(score: float, n: float, t: float) -> list[float]:
    """The values p of which ``(score - p)^2 = t^2 p (1 - p) / n``."""
    return sorted(np.roots([1 + t**2 / n, -2 * score - t**2 / n, score**2]).real)


def proportion(
    score: float, without: ArrayLike, clips: ArrayLike, most: float, *, level: float = 0.95, inflation: float = 1.0
) -> tuple[float, ...]:
    """A proportion's interval: Wilson's, for as many independent clips as have the variance over voices."""
    variance = inflation * jackknife(without)
    n = min(score * (1 - score) / variance, most / inflation) if 0 < score < 1 and variance else most / inflation
    return score, *wilson(score, n, quantile(clips, level))


def most_clips(right: ArrayLike, clips: ArrayLike) -> float:
    """Independent clips of a UAR by the binomial variance of its recalls, half a hit and half an error added to each class."""
    recalls = [(hits + 0.5) / (n + 1) for hits, n in zip(right, clips, strict=True)]
    mean = sum(recalls) / len(recalls)
    variance = sum(recall * (1 - recall) / n for recall, n in zip(recalls, clips, strict=True)) / len(recalls) ** 2
    return mean * (1 - mean) / variance


def loss(
    score: float, without: ArrayLike, clips: ArrayLike, one_clip: float, *, level: float = 0.95, inflation: float = 1.0
) -> tuple[float, ...]:
    """A loss's interval: symmetric, not below zero, as wide as one clip's part at least."""
    reach = quantile(clips, level) * np.sqrt(inflation * max(jackknife(without), one_clip**2))
    return score, max(0.0, score - reach), score + reach


def mean_products(values: np.ndarray, emotion: np.ndarray, kind: Callable[[int, int], bool], *, crossed: bool = False) -> np.ndarray:
    """For each two emotions the mean product over pairs of clips of a kind, within each seed or between two; values by seed and clip."""
    seeds = range(len(values))
    pairs = [(r, q) for r in seeds for q in seeds if (r != q) == crossed]
    k = emotion.max() + 1
    found: list[list[list[float]]] = [[[] for _ in range(k)] for _ in range(k)]
    for i in range(len(emotion)):
        for j in range(len(emotion)):
            if kind(i, j):
                found[emotion[i]][emotion[j]] += [values[r, i] * values[q, j] for r, q in pairs]
    return np.array([[np.mean(cell) if cell else np.nan for cell in row] for row in found])


def known_mean(table: np.ndarray) -> float:
    """The mean of what is known, or 0."""
    return float(np.mean(table[~np.isnan(table)])) if not np.isnan(table).all() else 0.0


def weights(emotion: np.ndarray) -> np.ndarray:
    """What each clip weighs in a UAR."""
    return np.array([1 / (emotion.max() + 1) / np.sum(emotion == mine) for mine in emotion])


def concentration(emotion: np.ndarray, group: np.ndarray) -> float:
    """The sum of the squared weights of groups of clips."""
    return sum(weights(emotion)[group == one].sum() ** 2 for one in np.unique(group))
