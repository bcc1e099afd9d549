"""Trees boosted on binned columns, compiled: on these the trials of a search are compared.

In:   columns in few bins, a column per row; emotions and what each clip counts; validation clips, which say when to stop.
Out:  flat arrays of nodes, of all trees one after the other, and the margins of validation clips.
Rule: gradients, gains, leaves and the columns redrawn at each node are those of XGBoost's histogram trees (Chen & Guestrin, *XGBoost: a
      scalable tree boosting system*, KDD 2016, section 2.2); with nothing drawn and a bin per value, the trees are its trees. Histograms
      are made of the columns drawn alone, which is what saves time. Draws come from the given seed alone; the order of no sum depends
      on the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from ser_bench.models import kernels
from ser_bench.models.compiled import trees
from ser_bench.models.compiled.trees import compiled, draw, part
from ser_bench.models.kernels import FLOOR, exponential
from ser_bench.models.nodes import LEAF
from ser_bench.utils.compiling import compiled_into, import_numba

import_numba()
compiled_into(__file__, trees.__file__, kernels.__file__)
from numba import njit  # noqa: E402  (its cache has a place by now)

Array: TypeAlias = np.ndarray
Bins: TypeAlias = tuple[Array, Array]
"""Codes and cuts, as `trees.cut_columns` gives them."""
Watched: TypeAlias = tuple[Array, Array, Array]
"""Columns of validation clips, their emotions, and weights."""
Rules: TypeAlias = tuple[float, int, int, float, float]
"""The learning rate, the most levels of a tree, columns drawn per node, `lambda`, and `min_child_weight`."""
Nodes: TypeAlias = tuple[Array, Array, Array]
"""Columns, cuts and right children, as in `nodes.Trees`."""
Room: TypeAlias = tuple[Array, Array, Array, Array, Array, Array, Array, Array]
"""What a tree grows in: its clips, those put aside, columns in any order, the state of draws, what is still to be split with its slopes,
slopes left of a cut (2,), and slopes by bin (n_bins, 2). Plain tuples, as numba's cache would not outlast a change of a class's name."""
_exponential = njit(exponential)

LEAST_GAIN = 1e-6
"""What a split has to gain, as in XGBoost."""
TINY = 1e-16
"""What a clip's second derivative, and a probability whose logarithm is taken, is at least, as in XGBoost."""
STEPS = 1 << 24
"""The share of clips to draw is rounded down to a multiple of one by this."""


@compiled
def _write_probabilities(margins: Array, probabilities: Array) -> None:
    """The softmax of each clip's margins, both (n_clips, n_classes)."""
    for i in range(margins.shape[0]):
        highest = margins[i, 0]
        for c in range(1, margins.shape[1]):
            highest = max(highest, margins[i, c])
        total = 0.0
        for c in range(margins.shape[1]):
            probabilities[i, c] = _exponential(max(FLOOR, np.float64(margins[i, c]) - np.float64(highest)))
            total += probabilities[i, c]
        for c in range(margins.shape[1]):
            probabilities[i, c] /= total


@compiled
def _write_slopes(probabilities: Array, y: Array, weights: Array, emotion: int, share: float, state: Array, slopes: Array) -> None:
    """First and second derivative of each clip's log loss by one emotion's margin, (n_clips, 2); 0 for clips that are not drawn."""
    threshold = np.int64(share * STEPS)
    for i in range(len(y)):
        if threshold < STEPS and draw(state, STEPS) >= threshold:
            slopes[i, 0] = slopes[i, 1] = 0.0
            continue
        p = probabilities[i, emotion]
        slopes[i, 0] = (p - (y[i] == emotion)) * weights[i]
        slopes[i, 1] = max(2 * p * (1 - p) * weights[i], TINY)


@compiled
def _best_split(codes: Array, slopes: Array, clips: Array, whole: Array, rules: Rules, room: Room) -> tuple[int, int]:
    """The best cut among the columns drawn for a node: its column and the last bin on its left; a column of -1 where none gains enough.

    `whole` (2,) holds the clips' summed slopes; those left of the best cut are written to `left`.
    """
    _, _, tried, penalty, least = rules
    _, _, columns, state, _, _, left, table = room
    best, at, where = np.float32(LEAST_GAIN), -1, 0
    unsplit = whole[0] * whole[0] / (whole[1] + penalty)
    for place in range(tried):
        other = place + draw(state, len(columns) - place)
        columns[place], columns[other] = columns[other], columns[place]
        column = columns[place]
        for b in range(table.shape[0]):
            table[b, 0] = table[b, 1] = 0.0
        for i in range(len(clips)):
            clip = clips[i]
            b = codes[column, clip]
            table[b, 0] += slopes[clip, 0]
            table[b, 1] += slopes[clip, 1]
        slope = curvature = 0.0
        for b in range(table.shape[0] - 1):
            slope += table[b, 0]
            curvature += table[b, 1]
            rest = whole[1] - curvature
            if min(curvature, rest) < least or min(curvature, rest) <= 0:
                continue
            other_slope = whole[0] - slope
            gain = np.float32(slope * slope / (curvature + penalty) + other_slope * other_slope / (rest + penalty) - unsplit)
            # As in XGBoost, gains are compared in single precision, where columns that part clips alike are equal.
            if gain > best or (gain == best and column < at):
                best, at, where = gain, column, b
                left[0], left[1] = slope, curvature
    return at, where


@compiled
def _grow(binned: Bins, slopes: Array, emotion: int, rules: Rules, node: int, room: Room, margins: Array, nodes: Nodes) -> int:
    """Grow an emotion's tree, whose nodes are written from `node` on, and add its leaves to clips' margins; the place after its last."""
    codes, cuts = binned
    eta, depth, _, penalty, least = rules
    clips, aside, _, _, waiting, sums, left, _ = room
    column, cut, right = nodes
    sums[0, 0] = sums[0, 1] = 0.0
    for i in range(len(clips)):
        clips[i] = i
        sums[0, 0] += slopes[i, 0]
        sums[0, 1] += slopes[i, 1]
    waiting[0, 0], waiting[0, 1], waiting[0, 2], waiting[0, 3] = 0, len(clips), -1, depth
    top = 1
    while top:
        top -= 1
        first, last, parent, levels = waiting[top, 0], waiting[top, 1], waiting[top, 2], waiting[top, 3]
        inside, whole = clips[first:last], sums[top]
        if parent >= 0:
            right[parent] = node
        at, where, kept = -1, 0, 0
        heavy = whole[1] >= least and whole[1] > 0
        if levels and heavy:
            at, where = _best_split(codes, slopes, inside, whole, rules, room)
        if at >= 0:
            kept = part(codes[at], where, inside, aside)
        # By rounding, second derivatives may be left over for a side without clips.
        if kept == 0 or kept == len(inside):
            column[node], right[node] = LEAF, -1
            cut[node] = -eta * whole[0] / (whole[1] + penalty) if heavy else 0.0
            for i in range(len(inside)):
                margins[inside[i], emotion] += cut[node]
        else:
            column[node], right[node], cut[node] = at, -1, cuts[at, where]
            # The left child is taken next, so that it is the next node.
            waiting[top, 0], waiting[top, 1], waiting[top, 2], waiting[top, 3] = first + kept, last, node, levels - 1
            waiting[top + 1, 0], waiting[top + 1, 1], waiting[top + 1, 2], waiting[top + 1, 3] = first, first + kept, -1, levels - 1
            for s in range(2):
                sums[top + 1, s] = left[s]
                sums[top, s] = whole[s] - left[s]
            top += 2
        node += 1
    return node


@compiled
def _add_leaves(x: Array, root: int, emotion: int, nodes: Nodes, margins: Array) -> None:
    """Add to clips' margins what one emotion's tree says of them."""
    column, cut, right = nodes
    for i in range(x.shape[0]):
        node = root
        while column[node] != LEAF:
            node = node + 1 if x[i, column[node]] < cut[node] else right[node]
        margins[i, emotion] += cut[node]


@compiled
def _log_loss(probabilities: Array, y: Array, weights: Array) -> float:
    """Minus the weighted sum of the logarithms of what each clip's emotion is given."""
    total = 0.0
    for i in range(len(y)):
        if weights[i] > 0:
            total -= weights[i] * np.log(max(probabilities[i, y[i]], TINY))
    return total


@compiled
def _boost(
    binned: Bins,
    y: Array,
    weights: Array,
    watched: Watched,
    rules: Rules,
    share: float,
    most: int,
    stopping: bool,
    room: Room,
    slopes: Array,
    probabilities: tuple[Array, Array],
    margins: tuple[Array, Array],
    before: Array,
    roots: Array,
    nodes: Nodes,
) -> tuple[int, np.int64]:
    """Rounds that lowered the loss, or all where it is not to stop, and the nodes of these; `before` has their margins of watched clips."""
    x_watched, y_watched, weights_watched = watched
    (inner, outer), (fitted, seen), state = probabilities, margins, room[3]
    # A plain 0 is a type of its own, for which what is called would be compiled once more.
    node, lowest, n_classes = np.int64(0), np.inf, fitted.shape[1]
    for done in range(most):
        started = node
        _write_probabilities(fitted, inner)
        for emotion in range(n_classes):
            root = node
            roots[done * n_classes + emotion] = root
            _write_slopes(inner, y, weights, emotion, share, state, slopes)
            node = _grow(binned, slopes, emotion, rules, root, room, fitted, nodes)
            _add_leaves(x_watched, root, emotion, nodes, seen)
        if stopping:
            _write_probabilities(seen, outer)
            loss = _log_loss(outer, y_watched, weights_watched)
            if done and not loss < lowest:
                return done, started
            lowest = loss
        for i in range(seen.shape[0]):
            for c in range(n_classes):
                before[i, c] = seen[i, c]
    return most, node


def boost(
    binned: Bins,
    y: Array,
    weights: Array,
    watched: Watched,
    start: Array,
    params: Mapping[str, float],
    seed: np.uint64,
    most: int,
    *,
    stopping: bool,
) -> tuple[Array, Array, Array, Array, Array, int]:
    """Boost a tree per emotion and round, as many rounds as there may be, or until one does not lower the log loss of the clips watched.

    Parameters
    ----------
    binned : pair of arrays
        Codes, uint8, shape (n_columns, n_clips), and cuts, as `trees.cut_columns` gives them.
    y : array of int64, shape (n_clips,)
        From 0 to n_classes - 1, each of which occurs.
    weights : array of float64, shape (n_clips,)
    watched : three arrays
        Columns of validation clips, float32, shape (n_watched, n_columns); their emotions; and weights, 0 of a clip that says nothing.
    start : array of float32, shape (n_classes,)
        Margins before the first tree.
    params : mapping of str to float
        XGBoost's `eta`, `max_depth`, `subsample`, `colsample_bynode`, `lambda` and `min_child_weight`.
    seed : uint64
    most : int
    stopping : bool

    Returns
    -------
    tuple
        The fields of `nodes.Trees`, a leaf's `cut` being what it adds, and a clip going left where its value is below a node's; margins of
        the clips watched, float32, shape (n_watched, n_classes); and rounds, at least one.
    """
    codes, cuts = binned
    (n_columns, n), n_classes, n_watched = codes.shape, len(start), len(watched[0])
    depth, tried = int(params["max_depth"]), max(1, int(params["colsample_bynode"] * n_columns))
    eta, share, penalty, least = (float(params[name]) for name in ("eta", "subsample", "lambda", "min_child_weight"))
    # Both sides of a split hold clips. Memory is only taken where a node is written.
    most_nodes = most * n_classes * min(2 ** (depth + 1), 2 * n)
    nodes = np.empty(most_nodes, np.int32), np.empty(most_nodes, np.float32), np.empty(most_nodes, np.int64)
    margins = np.tile(start, (n, 1)), np.tile(start, (n_watched, 1))
    probabilities = np.empty((n, n_classes)), np.empty((n_watched, n_classes))
    before, roots = margins[1].copy(), np.empty(most * n_classes, np.int64)
    clips, aside, columns, state = np.empty(n, np.int64), np.empty(n, np.int64), np.arange(n_columns), np.array([seed], np.uint64)
    # What is still to be split: the first clip, the one after the last, the node whose right child it is, and levels left; and its slopes.
    waiting, sums = np.empty((depth + 2, 4), np.int64), np.empty((depth + 2, 2))
    room = clips, aside, columns, state, waiting, sums, np.empty(2), np.empty((cuts.shape[1] + 1, 2))
    # The first value beyond a cut is the least that goes right.
    binned = codes, np.nextafter(cuts, np.float32(np.inf))
    rules = eta, depth, tried, penalty, least
    given = binned, y, weights, watched, rules, share, most, stopping
    rounds, n_nodes = _boost(*given, room, np.empty((n, 2)), probabilities, margins, before, roots, nodes)
    column, cut, right = (written[:n_nodes].copy() for written in nodes)
    return roots[: rounds * n_classes], column, cut, right, before, rounds
