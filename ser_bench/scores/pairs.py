"""Mean products over pairs of clips, from which variance components follow.

In:   a value per clip (and seed), the clips' emotions, and a group per clip (and seed).
Out:  for each two emotions, the sum of products over all ordered pairs of clips that share a group, and how many pairs there are.
Rule: with several seeds the two clips of a pair are of different seeds, so that what only one seed has adds nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ser_bench.scores.metrics import Floats


class Pairs(NamedTuple):
    """Sums over pairs of clips of two emotions, both of shape (k, k); adding and subtracting acts on both."""

    products: Floats
    numbers: Floats

    def __add__(self, other: Pairs) -> Pairs:  # type: ignore[override]
        """Pairs of either."""
        return Pairs(self.products + other.products, self.numbers + other.numbers)

    def __sub__(self, other: Pairs) -> Pairs:
        """Pairs of the one that are not pairs of the other."""
        return Pairs(self.products - other.products, self.numbers - other.numbers)

    def means(self) -> Floats:
        """The mean product, shape (k, k); NaN where there is no pair."""
        there = self.numbers > 0.5
        return np.divide(self.products, self.numbers, where=there, out=np.full(self.numbers.shape, np.nan))


def pairs_within(values: Floats, emotion: np.ndarray, group: np.ndarray, *, same_seed: bool = False) -> Pairs:
    """Sum products over all ordered pairs of clips that share a group, a clip with itself included.

    Parameters
    ----------
    values : array of float, shape (n_clips,) or (n_seeds, n_clips)
    emotion : array of int, shape (n_clips,)
        From 0 to k - 1.
    group : array of int, shape (n_clips,) or (n_seeds, n_clips)
    same_seed : bool
        Pair clips of one seed instead of two.

    Examples
    --------
    >>> pairs_within(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 0]), np.array([0, 0, 1])).products.tolist()
    [[18.0]]
    """
    rows = np.atleast_2d(values)
    groups = np.broadcast_to(group, rows.shape)
    k, n_groups = int(emotion.max()) + 1, int(groups.max()) + 1
    cells = groups * k + emotion
    sums, counts = (
        np.stack([np.bincount(c, w, n_groups * k).astype(float).reshape(n_groups, k) for c, w in zip(cells, what, strict=True)])
        for what in (rows, np.ones(rows.shape))
    )
    crossed = len(rows) > 1 and not same_seed
    return Pairs(*(_products(part, crossed=crossed) for part in (sums, counts)))


def _products(sums: Floats, *, crossed: bool) -> Floats:
    """Products of group sums, shape (n_seeds, n_groups, k), over groups: within each seed, or between different ones."""
    within: Floats = np.einsum("rgc,rgd->cd", sums, sums)
    if not crossed:
        return within
    over = sums.sum(0)
    return over.T @ over - within


def mean_of(covariances: Floats) -> float:
    """The mean over pairs of emotions, those without a value left out; 0 where none has one."""
    known = covariances[~np.isnan(covariances)]
    return float(known.mean()) if len(known) else 0.0
