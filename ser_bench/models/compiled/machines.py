"""Support vector machines of all pairs of classes on one kernel, compiled.

In:   a kernel between training clips that stand class by class, what each clip may weigh at most; clips to decide about.
Out:  each pair's weights and offset, and its margins.
Rule: the dual problem and the choice of the two clips that move are LIBSVM's (Fan, Chen & Lin, *Working set selection using second order
      information for training support vector machines*, JMLR 2005), in other words: a clip's weight has its label's sign, so that no label
      is left in a loop; its *error* is its label less its margin without the offset. No sum's order depends on the machine, and maxima
      are looked for among floats' bits, as whole numbers: that is what compilers put into vector registers without leave to reorder.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ser_bench.models import kernels
from ser_bench.models.kernels import FLOOR, exponential
from ser_bench.utils.compiling import compiled_into, import_numba

import_numba()
compiled_into(__file__, kernels.__file__)
from numba import njit  # noqa: E402  (its cache has a place by now)

Array: TypeAlias = np.ndarray
compiled = njit(cache=True, error_model="numpy")
_exponential = njit(exponential)

LOWEST, HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
TINY = 1e-12
"""What a distance between two clips that are the same in the kernel's space counts as."""
MOST_STEPS = 100_000_000
"""Per pair: minutes."""


def room_for(n: int) -> tuple[Array, ...]:
    """What pairs of at most n clips are solved in, a plain tuple, as numba's cache would not outlast a change of its own class's name.

    That is the bounds of its clips' weights, the kernel's diagonal, weights, errors and their bits, whether weights may rise and fall (as
    `_may_rise` and `_may_fall` say it), what moving each would gain and its bits, and two numbers and their bits.
    """
    error, gain, edges = np.empty(n), np.empty(n, np.float32), np.empty(2)
    given = np.empty(n), np.empty(n), np.empty(n, np.float32), np.empty(n)
    masks = np.empty(n, np.int64), np.empty(n, np.int64)
    return *given, error, error.view(np.int64), *masks, gain, gain.view(np.int32), edges, edges.view(np.int64)


@compiled
def fill_radial(distances: Array, gamma: np.float32, kernel: Array) -> None:
    """Write the radial kernel, as `kernels.radial` gives it to the last bit: all float32, and as large as `distances`."""
    for i in range(distances.shape[0]):
        for t in range(distances.shape[1]):
            x = np.float64(-gamma * distances[i, t])
            kernel[i, t] = _exponential(FLOOR if x < FLOOR else x)


@compiled
def _may_rise(weight: float, highest: float) -> int:
    """What an error's bits are at most to count, where its weight may rise, and where not."""
    return HIGHEST if weight < highest else LOWEST


@compiled
def _may_fall(weight: float, lowest: float) -> int:
    """What an error's bits are at least to count, where its weight may fall, and where not."""
    return LOWEST if weight > lowest else HIGHEST


@compiled
def _edges(bits: Array, rises: Array, falls: Array, n: int) -> tuple[int, int]:
    """The bits of the highest error of a weight that may rise, and of the lowest of one that may fall."""
    high, low = LOWEST, HIGHEST
    for t in range(n):
        # Floats as whole numbers in the same order; that of the negative ones is turned round.
        order = bits[t] ^ ((bits[t] >> 63) & HIGHEST)
        high = max(high, min(order, rises[t]))
        low = min(low, max(order, falls[t]))
    return high ^ ((high >> 63) & HIGHEST), low ^ ((low >> 63) & HIGHEST)


@compiled
def _place(bits: Array, rises: Array, wanted: int, n: int) -> int:
    """The first place with these bits of a weight that may rise, or the last place."""
    t = 0
    while t < n - 1 and (bits[t] != wanted or rises[t] < 0):
        t += 1
    return t


@compiled
def _weigh_gains(block: Array, i: int, diagonal: Array, high: float, error: Array, falls: Array, gain: Array, n: int) -> None:
    """Write how much the objective would gain by clip i rising while another falls; 0 of those that cannot or should not."""
    own = diagonal[i]
    for t in range(n):
        gap = np.float32(high - error[t])
        gap = gap if gap > 0 and falls[t] < 0 else np.float32(0)
        apart = own + diagonal[t] - np.float32(2) * block[i, t]
        gain[t] = gap * gap / (apart if apart > 0 else np.float32(TINY))


@compiled
def _largest(bits: Array, n: int) -> int:
    """The first place of the largest gain: none is negative, so that their bits are in their order."""
    best = np.int32(0)
    for t in range(n):
        best = max(best, bits[t])
    t = 0
    while t < n - 1 and bits[t] != best:
        t += 1
    return t


@compiled
def _move(block: Array, i: int, j: int, step: float, error: Array, n: int) -> None:
    """Follow the errors while the weight of clip i rises by a step and that of clip j falls by it."""
    for t in range(n):
        error[t] -= step * (np.float64(block[i, t]) - np.float64(block[j, t]))


@compiled
def _solve(block: Array, size: int, n: int, tolerance: float, room: tuple[Array, ...]) -> tuple[float, bool]:
    """Solve one pair of n clips, `size` of them of its first class; its offset, and whether it is solved. Weights are left in the room."""
    highest, lowest, diagonal, weight, error, bits, rises, falls, gain, gain_bits, edges, edge_bits = room
    solved = False
    for t in range(n):
        weight[t], error[t] = 0, 1 if t < size else -1
        rises[t], falls[t] = _may_rise(weight[t], highest[t]), _may_fall(weight[t], lowest[t])
    for _ in range(MOST_STEPS):
        edge_bits[0], edge_bits[1] = _edges(bits, rises, falls, n)
        high, low = edges[0], edges[1]
        if not high - low >= tolerance:  # as where one of them is no number
            solved = high - low < tolerance
            break
        i = _place(bits, rises, edge_bits[0], n)
        _weigh_gains(block, i, diagonal, high, error, falls, gain, n)
        j = _largest(gain_bits, n)
        apart = np.float64(diagonal[i]) + np.float64(diagonal[j]) - 2 * np.float64(block[i, j])
        above, below = highest[i] - weight[i], weight[j] - lowest[j]
        step = min((high - error[j]) / (apart if apart > 0 else TINY), above, below)
        # What reaches a bound is the bound to the last digit.
        weight[i] = highest[i] if step == above else weight[i] + step
        weight[j] = lowest[j] if step == below else weight[j] - step
        rises[i], falls[i] = _may_rise(weight[i], highest[i]), LOWEST
        rises[j], falls[j] = HIGHEST, _may_fall(weight[j], lowest[j])
        _move(block, i, j, step, error, n)
    total, free = 0.0, 0
    for t in range(n):
        if rises[t] > 0 and falls[t] < 0:
            total += error[t]
            free += 1
    return total / free if free else (high + low) / 2, solved


@compiled
def _gather(kernel: Array, one: int, one_end: int, other: int, other_end: int, block: Array) -> None:
    """Write the kernel among the clips of two classes, whose rows then lie close together."""
    size = one_end - one
    for i in range(len(block)):
        row = kernel[one + i if i < size else other + i - size]
        of_one, of_other = row[one:one_end], row[other:other_end]
        for t in range(len(of_one)):
            block[i, t] = of_one[t]
        for t in range(len(of_other)):
            block[i, size + t] = of_other[t]


@compiled
def _solve_pairs(
    kernel: Array, starts: Array, bounds: Array, tolerance: float, store: Array, room: tuple[Array, ...], weights: Array, offsets: Array
) -> bool:
    """Solve all pairs, as `solve` has it; whether they are."""
    highest, lowest, diagonal, weight = room[:4]
    k, pair, solved = len(starts) - 1, 0, True
    for one in range(k):
        for other in range(one + 1, k):
            a, a_end, b, b_end = starts[one], starts[one + 1], starts[other], starts[other + 1]
            size, n = a_end - a, a_end - a + b_end - b
            block = store[: n * n].reshape(n, n)
            _gather(kernel, a, a_end, b, b_end, block)
            for t in range(n):
                diagonal[t] = block[t, t]
                highest[t] = bounds[a + t] if t < size else 0
                lowest[t] = 0 if t < size else -bounds[b + t - size]
            offsets[pair], found = _solve(block, size, n, tolerance, room)
            solved = solved and found
            for t in range(n):
                if t < size:
                    weights[other - 1, a + t] = weight[t]
                else:
                    weights[one, b + t - size] = weight[t]
            pair += 1
    return solved


@compiled
def _add_margins(kernel: Array, starts: Array, weights: Array, offsets: Array, out: Array) -> None:
    """Add up the margins of all pairs, as `margins` has it."""
    k, pair = len(starts) - 1, 0
    for one in range(k):
        for other in range(one + 1, k):
            row = out[pair]
            for clip in range(starts[one], starts[other + 1]):
                if clip < starts[one + 1] or clip >= starts[other]:
                    weight = weights[other - 1, clip] if clip < starts[one + 1] else weights[one, clip]
                    if weight != 0:
                        values = kernel[clip]
                        for t in range(len(row)):
                            row[t] += weight * np.float64(values[t])
            for t in range(len(row)):
                row[t] += offsets[pair]
            pair += 1


def solve(kernel: Array, starts: Array, bounds: Array, tolerance: float) -> tuple[Array, Array]:
    """Solve all pairs of k classes.

    Parameters
    ----------
    kernel : array of float32, shape (n, n)
        Between training clips, those of a class side by side.
    starts : array of int64, shape (k + 1,)
        Each class's first clip, and n.
    bounds : array of float64, shape (n,)
        The highest weight of each clip: C times what it counts.
    tolerance : float
        How far the conditions of Karush, Kuhn and Tucker may be from fulfilled, as LIBSVM has it.

    Returns
    -------
    weights : array of float64, shape (k - 1, n)
        Of the clips of class i against class j: row j - 1 where j > i, row j where j < i. Those of the first class of a pair are positive.
    offsets : array of float64, shape (k * (k - 1) / 2,)
        Of the pairs (0, 1), (0, 2), ..., (1, 2), ...

    Raises
    ------
    ValueError
        Where a pair is not solved within `MOST_STEPS`.
    """
    k, largest = len(starts) - 1, int(np.sort(np.diff(starts))[-2:].sum())
    weights, offsets = np.zeros((k - 1, len(kernel))), np.empty(k * (k - 1) // 2)
    store = np.empty(largest**2, np.float32)
    if not _solve_pairs(kernel, starts, bounds, tolerance, store, room_for(largest), weights, offsets):
        raise ValueError(f"a machine was not solved, in {MOST_STEPS:,} steps at most: try a smaller C")
    return weights, offsets


def margins(kernel: Array, starts: Array, weights: Array, offsets: Array) -> Array:
    """Margins of clips, shape (n_pairs, n_held): above zero for the first class of a pair.

    Added up clip after clip, without those that weigh nothing: the same bits as `svm.Machine.margins` gives.

    Parameters
    ----------
    kernel : array of float32, shape (n, n_held)
    starts, weights, offsets : arrays
        As `solve` takes and gives them.
    """
    out = np.zeros((len(offsets), kernel.shape[1]))
    _add_margins(kernel, starts, weights, offsets, out)
    return out
