"""Trees grown on binned columns, compiled: the inside of the random forest.

In:   columns in few bins, a column per row; emotions; and how often and how heavily each clip counts in a tree.
Out:  flat arrays of nodes, of all trees one after the other.
Rule: as in scikit-learn's forest, a node looks for the split with the least Gini impurity over some columns redrawn (Breiman,
      *Random forests*, 2001), and over more where those hold no split; only that cuts lie between bins. Draws come from
      the given seed alone, and no sum depends on the machine. What is compiled are plain loops over arrays that its caller brings:
      slices and array functions in it would take several times as long to compile, which the first call waits for.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from ser_bench.models.nodes import LEAF
from ser_bench.utils.compiling import import_numba

import_numba()
from numba import njit  # noqa: E402  (its cache has a place by now)

Array: TypeAlias = np.ndarray
compiled = njit(cache=True, error_model="numpy")


class Room(NamedTuple):
    """What a node works in: weights by bin and emotion, clips by bin, weights left of a cut."""

    table: Array
    number: Array
    left: Array


def cut_columns(x: Array, n_bins: int) -> tuple[Array, Array]:
    """Bins of about equally many clips, between whose values the cuts lie; each value a bin where there are few.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
    n_bins : int
        At most 256.

    Returns
    -------
    codes : array of uint8, shape (n_columns, n_clips)
        The number of cuts below a value.
    cuts : array of float32, shape (n_columns, n_bins - 1)
        Ascending; infinite beyond the last.
    """
    n, n_columns = x.shape
    codes = np.empty((n_columns, n), np.uint8)
    cuts = np.full((n_columns, n_bins - 1), np.inf, np.float32)
    for column in range(n_columns):
        order = np.argsort(x[:, column])
        _cut(x[order, column], order, n_bins, codes[column], cuts[column])
    return codes, cuts


@compiled
def _cut(values: Array, order: Array, n_bins: int, codes: Array, cuts: Array) -> None:
    """Write the codes and cuts of a column, whose values, in ascending order, are of the clips in `order`."""
    n = len(values)
    distinct = 1
    for i in range(1, n):
        distinct += values[i] > values[i - 1]
    code, due = 0, 1
    codes[order[0]] = 0
    for i in range(1, n):
        # A cut is due at every n/n_bins-th clip, or at every new value where these are fewer than the bins.
        if values[i] > values[i - 1] and code < n_bins - 1 and (distinct <= n_bins or i * n_bins >= due * n):
            middle = np.float32((np.float64(values[i]) + np.float64(values[i - 1])) / 2)
            cuts[code] = middle if middle < values[i] else values[i - 1]
            code += 1
            due = i * n_bins // n + 1
        codes[order[i]] = code


@compiled
def draw(state: Array, below: int) -> int:
    """A number from 0 up to `below` (Steele et al., *Fast splittable pseudorandom number generators*, 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return int((z >> np.uint64(32)) * np.uint64(below) >> np.uint64(32))


@compiled
def _best_cut(
    code: Array, y: Array, weight: Array, clips: Array, total: Array, least: int, table: Array, number: Array, left: Array
) -> tuple[float, int]:
    """The best cut of one column among a node's clips: what it is worth, and the last bin on its left; -1 where there is none.

    `total` (n_classes,) holds the clips' weights by emotion. `table` (n_bins, n_classes), `number` (n_bins,) and `left`
    (n_classes,) are room to work in.
    """
    for c in range(len(left)):
        left[c] = 0
    for b in range(len(number)):
        number[b] = 0
        for c in range(len(left)):
            table[b, c] = 0
    for i in range(len(clips)):
        clip = clips[i]
        table[code[clip], y[clip]] += weight[clip]
        number[code[clip]] += 1
    best, where, seen = -1.0, -1, 0
    for b in range(len(number)):
        if number[b] == 0:
            continue
        seen += number[b]
        if seen > len(clips) - least:
            break
        left_sum = right_sum = left_square = right_square = 0.0
        for c in range(len(left)):
            left[c] += table[b, c]
            rest = total[c] - left[c]
            left_sum += left[c]
            right_sum += rest
            left_square += left[c] * left[c]
            right_square += rest * rest
        if seen >= least:
            # The less this falls short of the sum of weights, the purer both sides are.
            worth = left_square / left_sum + right_square / right_sum
            if worth > best:
                best, where = worth, b
    return best, where


@compiled
def _best_split(
    codes: Array, y: Array, weight: Array, clips: Array, total: Array, tried: int, least: int, columns: Array, state: Array, room: Room
) -> tuple[float, int, int]:
    """The best cut among `tried` columns redrawn, or more where these hold none: its worth, column and bin; -1 where none does.

    `columns` is all of them in any order, which draws change.
    """
    best, at, where = -1.0, -1, 0
    for place in range(len(columns)):
        if place >= tried and at >= 0:
            break
        other = place + draw(state, len(columns) - place)
        columns[place], columns[other] = columns[other], columns[place]
        worth, b = _best_cut(codes[columns[place]], y, weight, clips, total, least, room.table, room.number, room.left)
        if worth > best:
            best, at, where = worth, columns[place], b
    return best, at, where


@compiled
def _purity(total: Array) -> float:
    """What a node left whole is worth, from its clips' weights by emotion: their sum times one minus the Gini impurity."""
    weight = square = 0.0
    for c in range(len(total)):
        weight += total[c]
        square += total[c] * total[c]
    return square / weight


@compiled
def part(code: Array, where: int, clips: Array, aside: Array) -> int:
    """Put the clips of bins up to `where` before the others, both in their order; how many these are."""
    kept = moved = 0
    for i in range(len(clips)):
        clip = clips[i]
        if code[clip] <= where:
            clips[kept] = clip
            kept += 1
        else:
            aside[moved] = clip
            moved += 1
    for i in range(moved):
        clips[kept + i] = aside[i]
    return kept


@compiled
def _sum(values: Array) -> float:
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    return total


@compiled
def _weigh(clips: Array, y: Array, weight: Array, total: Array) -> int:
    """Write the clips' weights by emotion; how many emotions there are."""
    for c in range(len(total)):
        total[c] = 0
    for i in range(len(clips)):
        total[y[clips[i]]] += weight[clips[i]]
    present = 0
    for c in range(len(total)):
        present += total[c] != 0
    return present


@compiled
def _grow(
    codes: Array,
    cuts: Array,
    y: Array,
    weight: Array,
    tried: int,
    least: int,
    node: int,
    clips: Array,
    aside: Array,
    columns: Array,
    state: Array,
    waiting: Array,
    total: Array,
    gained: Array,
    room: Room,
    column: Array,
    cut: Array,
    right: Array,
    shares: Array,
) -> int:
    """Grow one tree, whose nodes are written from `node` on; the place after its last. The arrays are those of `grow`."""
    drawn = 0
    for clip in range(len(weight)):
        if weight[clip] > 0:
            clips[drawn] = clip
            drawn += 1
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, drawn, -1
    depth = 1
    while depth:
        depth -= 1
        first, last, parent = waiting[depth, 0], waiting[depth, 1], waiting[depth, 2]
        column[node], cut[node], right[node] = LEAF, np.float32(np.inf), -1
        if parent >= 0:
            right[parent] = node
        inside = clips[first:last]
        present = _weigh(inside, y, weight, total)
        worth, at, where = -1.0, -1, 0
        if last - first >= 2 * least and present > 1:
            worth, at, where = _best_split(codes, y, weight, inside, total, tried, least, columns, state, room)
        if at < 0:
            whole = _sum(total)
            for c in range(len(total)):
                shares[node, c] = total[c] / whole
        else:
            column[node], cut[node] = at, cuts[at, where]
            # No split is worth less than the node left whole, but for rounding.
            gained[at] += max(0.0, worth - _purity(total))
            kept = part(codes[at], where, inside, aside)
            # The left child is taken next, so that it is the next node.
            waiting[depth, 0], waiting[depth, 1], waiting[depth, 2] = first + kept, last, node
            depth += 1
            waiting[depth, 0], waiting[depth, 1], waiting[depth, 2] = first, first + kept, -1
            depth += 1
        node += 1
    return node


def grow(
    codes: Array, cuts: Array, y: Array, weights: Array, n_classes: int, tried: int, least: int, seed: np.uint64
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Grow a tree for each row of `weights`.

    Parameters
    ----------
    codes, cuts : arrays
        As `cut_columns` gives them.
    y : array of int64, shape (n_clips,)
    weights : array of float64, shape (n_trees, n_clips)
        What a clip counts in a tree; 0 where it was not drawn.
    n_classes : int
    tried : int
        Columns drawn a node.
    least : int
        Clips in the smallest leaf.
    seed : uint64

    Returns
    -------
    tuple of arrays
        The fields of `nodes.Nodes`.
    """
    n_columns, n = codes.shape
    n_trees, n_bins = len(weights), cuts.shape[1] + 1
    # A tree of n clips has n leaves at most, and one node less that is none. Memory is only taken where a node is written.
    room = n_trees * 2 * n
    column, cut = np.empty(room, np.int32), np.empty(room, np.float32)
    right, shares = np.empty(room, np.int64), np.zeros((room, n_classes), np.float32)
    columns, state = np.arange(n_columns), np.array([seed], np.uint64)
    work = Room(np.empty((n_bins, n_classes)), np.empty(n_bins, np.int64), np.empty(n_classes))
    total, gains, gained = np.empty(n_classes), np.zeros(n_columns), np.empty(n_columns)
    clips, aside = np.empty(n, np.int64), np.empty(n, np.int64)
    # What is still to be split: the first clip, the one after the last, and the node whose right child it is.
    waiting = np.empty((n + 1, 3), np.int64)
    held = (clips, aside, columns, state, waiting, total, gained, work, column, cut, right, shares)
    roots, nodes = np.empty(n_trees, np.int64), 0
    for tree in range(n_trees):
        roots[tree], gained[:] = nodes, 0
        nodes = _grow(codes, cuts, y, weights[tree], tried, least, nodes, *held)
        if gained.any():
            gains += gained / _sum(gained)
    return roots, column[:nodes].copy(), cut[:nodes].copy(), right[:nodes].copy(), shares[:nodes].copy(), gains
