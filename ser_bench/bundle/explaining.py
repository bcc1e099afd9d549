"""Why a clip is decided about as it is: what each group of features did to the decision.

In:   the features of clips, those of the average training clip, which group each column belongs to, and the probabilities of the system.
Out:  for each clip and group, by how much the log-probability of the decision changed from the average clip: signed, summing to all of it.
Rule: the values are Shapley's: what a group changes where it joins the clip's other groups, averaged over the orders in which groups can
      join; what has not joined is as in the average training clip. Up to `EXACT` groups all orders count; of more, a fixed sample of
      orders and their reverses, with which the sum is as exact.

Sources: Štrumbelj & Kononenko (2014), Explaining prediction models and individual predictions with feature contributions, Knowledge and
Information Systems 41; Lundberg & Lee (2017), A unified approach to interpreting model predictions, NeurIPS; orders with their reverses:
Mitchell, Cooper, Frank & Holmes (2022), Sampling permutations for Shapley value estimation, JMLR 23.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

EXACT = 10
"""Groups of which all subsets are looked at: 1,024 of them."""
ORDERS = 64
"""Of more groups, in each direction."""
SEED = 20140801
LEAST = 1e-6
"""What a probability counts as at least, so that its logarithm is a number."""
ROWS = 1024
"""That are predicted together."""

Probability = Callable[[np.ndarray], np.ndarray]
"""Probabilities of clips by their features: (n, n_columns) to (n, n_classes)."""


class Explained(NamedTuple):
    """What moved one decision.

    Parameters
    ----------
    changes : dict of str to float
        By group, in the order of their first columns.
    average, reached : float
        The probability of the decided emotion for the average training clip, and for this one.
    """

    changes: dict[str, float]
    average: float
    reached: float


def explain(x: np.ndarray, average: np.ndarray, groups: Sequence[str], probability: Probability, code: int) -> Explained:
    """What each group of columns did to the log-probability of one emotion.

    Parameters
    ----------
    x, average : array of float32, shape (n_columns,)
        The clip, and the average training clip.
    groups : sequence of str, length n_columns
    probability : callable
        Of the system; probabilities below `LEAST` count as that.
    code : int
        The emotion.

    Examples
    --------
    >>> def of_two(x):
    ...     first = 1 / (1 + np.exp(-x[:, 0] - x[:, 1] * x[:, 2]))
    ...     return np.stack([first, 1 - first], axis=1)
    >>> found = explain(np.ones(3, np.float32), np.zeros(3, np.float32), ["a", "b", "c"], of_two, 0)
    >>> {group: round(change, 3) for group, change in found.changes.items()}
    {'a': 0.315, 'b': 0.125, 'c': 0.125}
    >>> bool(np.isclose(sum(found.changes.values()), np.log(found.reached / found.average)))
    True
    """
    names = list(dict.fromkeys(groups))
    mine = np.array([[group == name for group in groups] for name in names])

    def score(joined: np.ndarray) -> np.ndarray:
        """Log-probabilities where these groups have joined: (n, n_groups) to (n,)."""
        found = []
        for some in (joined[at : at + ROWS] for at in range(0, len(joined), ROWS)):
            rows = np.where(some @ mine, x, average).astype(np.float32)
            found.append(np.log(np.maximum(probability(rows)[:, code], LEAST)))
        return np.concatenate(found)

    values = _exactly(score, len(names)) if len(names) <= EXACT else _by_orders(score, len(names))
    ends = np.exp(score(np.array([[False] * len(names), [True] * len(names)])))
    return Explained(dict(zip(names, map(float, values), strict=True)), float(ends[0]), float(ends[1]))


def _exactly(score: Callable[[np.ndarray], np.ndarray], n: int) -> np.ndarray:
    """Shapley values from all subsets, shape (n,)."""
    subsets = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    scores, sizes = score(subsets), subsets.sum(1)
    weights = np.array([1 / (n * math.comb(n - 1, size)) if size < n else 0.0 for size in sizes])
    values = np.empty(n)
    for group in range(n):
        without = np.flatnonzero(~subsets[:, group])
        values[group] = weights[without] @ (scores[without | (1 << group)] - scores[without])
    return values


def _by_orders(score: Callable[[np.ndarray], np.ndarray], n: int) -> np.ndarray:
    """Shapley values from a sample of orders and their reverses, shape (n,)."""
    values = np.zeros(n)
    for order in _orders(n):
        joined = np.zeros((n + 1, n), bool)
        for step, group in enumerate(order, start=1):
            joined[step:, group] = True
        values[order] += np.diff(score(joined))
    return values / (2 * ORDERS)


def _orders(n: int) -> Iterator[np.ndarray]:
    """The same for every clip, every process and every version of NumPy."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    for _ in range(ORDERS):
        order = np.argsort(generator.random(n), kind="stable")
        yield order
        yield order[::-1]
