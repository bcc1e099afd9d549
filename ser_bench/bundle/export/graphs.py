"""What each model computes, in plain operators.

In:   a trained model as it is stored (`ser_bench.models.packing.Packed`), and a node of standardised clips.
Out:  an `GraphOutput`: the decision and a score for each class, as the model's `predict` gives them.
Rule: one function per kind, and what has none is refused. Sums that decisions hang on are in double precision, where the format has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.bundle.export.operators import Node, Value
from ser_bench.errors import WorkFailed, quoted
from ser_bench.models.kernels import GRID
from ser_bench.models.mlp import MlpWeights
from ser_bench.models.networks import NARROW, Stage, read_stages
from ser_bench.models.nodes import LEAF
from ser_bench.models.packing import Packed

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle


class ModelSizes(NamedTuple):
    """How many columns a model is shown, and of how many classes it knows."""

    columns: int
    classes: int


class GraphOutput(NamedTuple):
    """A prediction.

    Parameters
    ----------
    winner : Node
        The decision as a position in `present`, int32 (n,).
    scores : Node
        Of the classes present in training, (n, len(present)).
    present : array of int
        Their codes.
    """

    winner: Node
    scores: Node
    present: np.ndarray


def most_probable(probabilities: Node, present: np.ndarray) -> GraphOutput:
    """Decide for the greatest of probabilities, which need not sum to one."""
    return GraphOutput(probabilities.graph.greatest(probabilities), probabilities, present)


def leaves(x: Node, packed: Packed, *, below: bool) -> Node:
    """The leaf of each tree that a clip falls into: int32, shape (n, n_trees); arrays and `below` as of `ser_bench.models.nodes.leaves`.

    All trees go down a step at once, as many steps as the deepest has; a leaf leads to itself.
    """
    graph, arrays = x.graph, packed.arrays
    roots, itself, leaf = arrays["roots"], np.arange(len(arrays["column"])), arrays["column"] == LEAF
    column, cuts = np.where(leaf, 0, arrays["column"]).astype(np.int32), np.where(leaf, np.float32(0), arrays["cut"])
    left, right = (np.where(leaf, itself, side).astype(np.int32) for side in (itself + 1, arrays["right"]))
    value, cut, lower, upper = graph.columns(x, column[roots]), *(part[roots][None] for part in (cuts, left, right))
    at = fallen(value, cut, lower, upper, below=below)
    for _ in range(depth_of(roots, left, right) - 1):
        value = graph.values_at(x, graph.look_up(column, at))
        at = fallen(value, *(graph.look_up(part, at) for part in (cuts, left, right)), below=below)
    return at


def fallen(value: Node, cut: Value, left: Value, right: Value, *, below: bool) -> Node:
    """Left where the value is at most the cut, or `below` it."""
    graph = value.graph
    if below:
        return graph.where(graph.at_most(cut, value), right, left, "int32")
    return graph.where(graph.at_most(value, cut), left, right, "int32")


def depth_of(roots: np.ndarray, left: np.ndarray, right: np.ndarray) -> int:
    """How many steps the deepest tree has, one at least, where leaves lead to themselves.

    >>> depth_of(np.array([0]), np.array([1, 1, 3, 3, 4]), np.array([2, 1, 4, 3, 4]))
    2
    """
    steps, inside = 0, roots[left[roots] != roots]
    while len(inside):
        inside = np.concatenate([left[inside], right[inside]])
        inside = inside[left[inside] != inside]
        steps += 1
    return max(1, steps)


def rf(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The mean of the shares of leaves, or what is as many times that as there are trees."""
    graph, shares = x.graph, packed.arrays["shares"]
    votes = graph.total(graph.to(graph.look_up(shares, leaves(x, packed, below=False)), "float64"), 1)
    return most_probable(votes, np.arange(shares.shape[1]))


def xgb(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The softmax of sums of leaves' values, each tree adding to its class."""
    graph, arrays = x.graph, packed.arrays
    values = graph.to(graph.look_up(arrays["cut"], leaves(x, packed, below=True)), "float64")
    sums = values @ np.eye(len(arrays["present"]), dtype=np.float32)[arrays["of_class"]] + arrays["base"]
    return most_probable(graph.unary("softmax", sums), arrays["present"])


def logreg(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The softmax of linear scores."""
    return regression(x, packed.arrays["weights"], packed.arrays["offsets"], packed.arrays["present"])


def rotated(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The same along directions that are linear in columns, and so is the whole."""
    arrays, inner = packed.arrays, packed.part("fitted").arrays
    along = (arrays["vectors"].T / arrays["lengths"]) @ inner["weights"].astype(np.float64)
    return regression(x.graph.to(x, "float64"), arrays["clips"].T.astype(np.float64) @ along, inner["offsets"], inner["present"])


def regression(x: Node, weights: np.ndarray, offsets: np.ndarray, present: np.ndarray) -> GraphOutput:
    """The softmax of linear scores; with two classes the first one's score is 0."""
    if weights.shape[1] < len(present):
        weights, offsets = np.column_stack([np.zeros_like(weights), weights]), np.concatenate([np.zeros_like(offsets), offsets])
    return most_probable(x.graph.unary("softmax", x @ weights + offsets), present)


def mlp(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The mean of probabilities of networks with one hidden layer, or what is as many times that as there are networks."""
    graph, present = x.graph, packed.arrays["present"]
    shape = (sizes.columns, packed.values["width"], len(present))
    each = []
    for values in packed.arrays["weights"]:
        one = MlpWeights(shape, values)
        hidden = graph.at_least(x @ one.hidden + one.hidden_bias, 0.0)
        each.append(graph.unary("softmax", hidden @ one.output + one.output_bias))
    return most_probable(sum(each[1:], start=each[0]), present)


def machine(x: Node, kernel: Node, coefficients: np.ndarray, intercepts: np.ndarray, present: np.ndarray) -> GraphOutput:
    """The vote of pairs of classes, as `ser_bench.models.svm.prediction_of` counts it.

    Parameters
    ----------
    x : Node
    kernel : Node
        Between clips and support vectors, shape (n, n_vectors).
    coefficients, intercepts : arrays
        Of each pair's margin, shapes (n_vectors, n_pairs) and (n_pairs,).
    present : array of int
    """
    graph, k = x.graph, len(present)
    margins = graph.to(kernel, "float64") @ coefficients + intercepts
    one, other = (np.eye(k)[which] for which in np.triu_indices(k, 1))
    votes = graph.to(graph.at_most(margins, 0.0), margins.kind) @ (other - one) + one.sum(0)
    sums = margins @ (one - other)
    if k == 2:
        return GraphOutput(graph.greatest(votes), sums, present)
    return GraphOutput(graph.greatest(votes), votes + sums / ((graph.unary("absolute", sums) + 1.0) * 3.0), present)


def on_grid(x: Node) -> Node:
    """Multiples of `GRID`, as `ser_bench.models.kernels.on_grid` makes them."""
    return x.graph.unary("rint", x.graph.to(x, "float64") * (1 / GRID)) * GRID


def gridded_kernel(x: Node, clips: np.ndarray, gamma: float | None) -> Node:
    """The kernel between clips and support vectors (n_support, n_columns), rounded where `ser_bench.models.svm.KernelSvm` rounds it."""
    graph, placed = x.graph, np.rint(clips.astype(np.float64) / GRID) * GRID
    x = on_grid(x)
    # What is on the grid is exact in single precision, too.
    products = graph.to(x @ placed.astype(np.float32).T, "float32")
    if gamma is None:
        return products
    lengths = graph.to(graph.total(x * x, 1, keep=True), "float32")
    distances = graph.at_least(lengths + np.square(placed).sum(1).astype(np.float32) - products * 2.0, 0.0)
    return graph.to(graph.unary("exp", graph.to(distances * -gamma, "float64")), "float32")


def pairs_of(sizes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights of support vectors in each pair's margin, (n_support, n_pairs), from LIBSVM's form, (k - 1, n_support).

    >>> pairs_of(np.array([1, 1, 1]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).tolist()
    [[1.0, 4.0, 0.0], [2.0, 0.0, 5.0], [0.0, 3.0, 6.0]]
    """
    ends = np.cumsum(sizes)
    rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    pairs = list(zip(*np.triu_indices(len(sizes), 1), strict=True))
    out = np.zeros((weights.shape[1], len(pairs)))
    for pair, (one, other) in enumerate(pairs):
        out[rows[one], pair], out[rows[other], pair] = weights[other - 1, rows[one]], weights[one, rows[other]]
    return out


def network(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """The softmax of what comes out of the last stage."""
    present = packed.arrays["present"]
    stages = read_stages(packed.values["stages"], (sizes.columns,) if packed.values["flat"] else (1, sizes.columns), len(present))
    state = [packed.arrays[f"state.{number}"] for number in range(len(packed.arrays) - 1)]
    trained = sum(len(stage.shapes) for stage in stages)
    weights, moving = iter(state[:trained]), iter(state[trained:])
    if len(stages[0].comes) > 1:
        x = x.graph.reshape(x, stages[0].comes)
    for stage in stages:
        mine = [next(weights) for _ in stage.shapes]
        if stage.kind == "norm":
            mine += [next(moving), next(moving)]
        x = passed(x, stage, mine)
    return most_probable(x.graph.unary("softmax", x), present)


def passed(x: Node, stage: Stage, weights: Sequence[np.ndarray]) -> Node:
    """What a stage makes of clips outside of training, where dropout lets everything through."""
    graph, width = x.graph, stage.layer.width
    match stage.kind:
        case "conv":
            return graph.convolve(x, weights[0], weights[1], halves(width - 1 if stage.layer.same else 0))
        case "dense":
            return x @ weights[0].T + weights[1]
        case "norm":
            by_channel = (-1, 1) if len(stage.comes) == 2 else (-1,)
            scale = weights[0] / np.sqrt(weights[3] + np.float32(NARROW))
            return x * scale.reshape(by_channel) + (weights[1] - weights[2] * scale).reshape(by_channel)
        case "relu":
            return graph.at_least(x, 0.0)
        case "pool":
            return graph.pool(x, width, halves(stage.goes[1] * width - stage.comes[1] if stage.layer.same else 0))
        case "flatten":
            return graph.reshape(x, stage.goes)
    return x


def halves(spare: int) -> tuple[int, int]:
    """Columns added before and after: the odd one goes after, as in Keras."""
    return spare // 2, spare - spare // 2


def svm(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """A machine over values on a grid."""
    arrays = packed.arrays
    kernel = gridded_kernel(x, arrays["clips"], packed.values["gamma"])
    return machine(x, kernel, pairs_of(arrays["sizes"], arrays["weights"]), arrays["offsets"], arrays["present"])


def plain_svm(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """A machine over values as they are."""
    arrays = packed.arrays
    kernel = exact_kernel(x.graph.to(x, "float64"), arrays["clips"], packed.values["gamma"])
    return machine(x, kernel, pairs_of(arrays["sizes"], arrays["weights"]), arrays["offsets"], arrays["present"])


def approximate_svm(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """A linear machine over clips, or their kernel with landmarks; its two steps are one in double precision."""
    graph, arrays = x.graph, packed.arrays
    present = np.flatnonzero(~arrays["absent"])
    weights = arrays["weights"][:, present].astype(np.float64)
    seen, turned = graph.to(x, "float64"), weights[:-1]
    if packed.values["gamma"] is not None:
        seen = exact_kernel(seen, arrays["landmarks"], packed.values["gamma"])
        turned = arrays["whitening"].astype(np.float64) @ turned
    return most_probable(seen @ turned + weights[-1], present)


def exact_kernel(x: Node, clips: np.ndarray, gamma: float | None) -> Node:
    """The kernel with clips (n_clips, n_columns), rounded nowhere on the way."""
    products = x @ clips.T
    if gamma is None:
        return products
    lengths = np.square(clips, dtype=np.float64).sum(1)
    return x.graph.unary("exp", (x.graph.total(x * x, 1, keep=True) + lengths - products * 2.0) * -gamma)


def narrowed(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """A model of some of the columns."""
    columns = packed.arrays["columns"]
    return outcome(packed.part("fitted"), x.graph.columns(x, columns), sizes._replace(columns=len(columns)))


def constant(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """One emotion for every clip."""
    certain = np.eye(sizes.classes, dtype=np.float32)[packed.values["emotion"]]
    return most_probable(x.graph.columns(x, np.zeros(1, int)) * 0.0 + certain, np.arange(sizes.classes))


KINDS: dict[str, Callable[[Packed, Node, ModelSizes], GraphOutput]] = {
    "constant": constant,
    "logreg": logreg,
    "logreg.rotated": rotated,
    "mlp": mlp,
    "narrowed": narrowed,
    "network": network,
    "rf": rf,
    "svm": svm,
    "svm.approximate": approximate_svm,
    "svm.plain": plain_svm,
    "xgb": xgb,
}
"""What a model of each kind computes; `unpack` of that kind says what is in it."""


def outcome(packed: Packed, x: Node, sizes: ModelSizes) -> GraphOutput:
    """What a model of any known kind computes.

    Raises
    ------
    WorkFailed
        For a kind that has no graph.
    """
    if packed.kind not in KINDS:
        raise WorkFailed(f"a model of the kind '{quoted(packed.kind)}' cannot be exported: only those that come with ser-bench can")
    return KINDS[packed.kind](packed, x, sizes)


def decide(bundle: Bundle, x: Node) -> tuple[Node, Node]:
    """Calibrated probabilities of all classes, float (n, n_classes), and codes of decisions, int32 (n,), as `Bundle.decide` gives them."""
    graph = x.graph
    winner, scores, present = outcome(
        bundle.fitted.pack(), (x - bundle.mean) * bundle.scale, ModelSizes(len(bundle.columns), len(bundle.classes))
    )
    scores = graph.to(scores, "float64")
    if bundle.probabilistic:
        probabilities = scores / graph.total(scores, 1, keep=True)
    else:
        offsets = np.broadcast_to(bundle.calibrator.offsets, len(bundle.classes))[present]
        probabilities = graph.unary("softmax", scores * bundle.calibrator.sharpness + offsets)
    if len(present) < len(bundle.classes):
        probabilities = probabilities @ np.eye(len(bundle.classes))[present]
    return probabilities, graph.look_up(present.astype(np.int32), winner)
