"""Grown trees: flat arrays of nodes, and how clips fall through them.

In:   the nodes of a forest, all trees one after the other; clips.
Out:  the mean of the shares in the leaves that clips fall into.
Rule: children stand behind their node, so that nothing falls for ever; sums go tree by tree and depend on no machine and no other clip.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from ser_bench.models.packing import LARGEST, Packed, Unfit

Array: TypeAlias = np.ndarray
LEAF = -1
PLACES_AT_ONCE = 1 << 18
"""Clips times trees that are looked at together."""


class Nodes(NamedTuple):
    """All nodes of a forest.

    Parameters
    ----------
    roots : array of int64, shape (n_trees,)
        Each tree's first node.
    column : array of int32, shape (n_nodes,)
        What a node asks for; `LEAF` for a leaf.
    cut : array of float32, shape (n_nodes,)
        A clip goes left where its value is at most this.
    right : array of int64, shape (n_nodes,)
        Where it goes else; left is the next node.
    shares : array of float32, shape (n_nodes, n_classes)
        Of a leaf, the weighted share of each emotion.
    gains : array of float64, shape (n_columns,)
        How far a column's splits lower the Gini impurity, weighted by their clips, as a share of all splits of the tree; summed over trees.
    """

    roots: Array
    column: Array
    cut: Array
    right: Array
    shares: Array
    gains: Array


class Trees(NamedTuple):
    """What clips fall through: the first four fields of `Nodes`."""

    roots: Array
    column: Array
    cut: Array
    right: Array


def vote(nodes: Nodes, x: Array) -> Array:
    """The mean over trees of the shares of the leaf that a clip falls into: (n_clips, n_classes), for x (n_clips, n_columns)."""
    total = np.zeros((len(x), nodes.shares.shape[1]))
    step = max(1, PLACES_AT_ONCE // len(nodes.roots))
    for first in range(0, len(x), step):
        part = slice(first, first + step)
        for of_tree in leaves(nodes, x[part]).T:
            total[part] += nodes.shares[of_tree]
    return total / len(nodes.roots)


def leaves(nodes: Nodes | Trees, x: Array, *, below: bool = False) -> Array:
    """The leaf that each clip falls into in each tree, shape (n_clips, n_trees).

    `below` sends a clip left only where its value is below the cut, and right where the two are the same.
    """
    n, n_trees = len(x), len(nodes.roots)
    at, clip = np.tile(nodes.roots, n), np.repeat(np.arange(n), n_trees)
    falling = np.flatnonzero(nodes.column[at] != LEAF)
    while len(falling):
        node = at[falling]
        values, cuts = x[clip[falling], nodes.column[node]], nodes.cut[node]
        left = values < cuts if below else values <= cuts
        at[falling] = np.where(left, node + 1, nodes.right[node])
        falling = falling[nodes.column[at[falling]] != LEAF]
    return at.reshape(n, n_trees)


def read_trees(packed: Packed, n_columns: int) -> Trees:
    """The fields of `Trees` as arrays of a file; errors as `Packed.array`."""
    column = packed.array("column", np.int32, (None,), (LEAF, n_columns - 1))
    n, inside = len(column), column != LEAF
    right = packed.array("right", np.int64, (n,), (-1, n - 1))
    if inside[-1] or (right[inside] <= np.flatnonzero(inside)).any():
        raise Unfit("its nodes do not stand before their children")
    return Trees(packed.array("roots", np.int64, (None,), (0, n - 1)), column, packed.array("cut", np.float32, (n,), finite=False), right)


def read_nodes(packed: Packed, n_columns: int, n_classes: int) -> Nodes:
    """The fields of `Nodes` as arrays of a file; errors as `Packed.array`."""
    trees = read_trees(packed, n_columns)
    shares = packed.array("shares", np.float32, (len(trees.column), n_classes), (0, 1))
    if (np.abs(shares[trees.column == LEAF].sum(1, dtype=np.float64) - 1) > 1e-3).any():
        raise Unfit("its leaves' shares do not sum to one")
    return Nodes(*trees, shares, packed.array("gains", np.float64, (n_columns,), (0, LARGEST)))
