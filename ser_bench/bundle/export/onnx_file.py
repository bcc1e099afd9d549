"""A bundle as an ONNX model, version `OPSET` of its operators (https://onnx.ai/onnx/operators/), run by onnxruntime and others.

In:   a graph that is being written, and texts about it.
Out:  one file: `features` in, `probabilities` and `label` out, any number of clips at once.
Rule: operators of the standard set alone, none of which is an extension; the same bundle gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_bench.bundle.export.operators import Build, Graph, Node, Value, kind_of
from ser_bench.errors import WorkFailed
from ser_bench.utils.atomic import write_whole

OPSET, IR_VERSION = 17, 8
"""Of operators and of the file: what onnxruntime 1.13 and later read."""
MOST_BYTES = 2_000_000_000
"""Of arrays: a Protocol Buffers message ends at 2 GiB."""
OPERATORS = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "matmul": "MatMul",
    "maximum": "Max",
    "at_most": "LessOrEqual",
    "exp": "Exp",
    "absolute": "Abs",
    "rint": "Round",
    "softmax": "Softmax",
}


class OnnxGraph(Graph):
    """Nodes and initializers of an ONNX graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.kept: dict[tuple[int, str], tuple[str, np.ndarray]] = {}

    def binary(self, name: str, one: Value, other: Value) -> Node:
        """Arrays are taken as the node's kind."""
        kind = kind_of(one, other)
        return self._add(OPERATORS[name], [one, other], "bool" if name == "at_most" else kind, arrays=kind)

    def unary(self, name: str, one: Node) -> Node:
        """Values one by one, or the softmax of rows."""
        how: dict[str, Any] = {"axis": -1} if name == "softmax" else {}
        return self._add(OPERATORS[name], [one], one.kind, **how)

    def greatest(self, one: Node) -> Node:
        """The first of equals, as ArgMax has it."""
        return self.to(self._add("ArgMax", [one], "int64", axis=1, keepdims=0), "int32")

    def total(self, one: Node, axis: int, *, keep: bool = False) -> Node:
        """ReduceSum."""
        return self._add("ReduceSum", [one, np.array([axis])], one.kind, keepdims=int(keep))

    def look_up(self, table: np.ndarray, places: Node) -> Node:
        """Gather of rows."""
        return self._add("Gather", [table, places], str(table.dtype), axis=0)

    def columns(self, one: Node, places: np.ndarray) -> Node:
        """Gather of columns."""
        return self._add("Gather", [one, places.astype(np.int64)], one.kind, axis=1)

    def values_at(self, one: Node, places: Node) -> Node:
        """GatherElements."""
        return self._add("GatherElements", [one, places], one.kind, axis=1)

    def where(self, condition: Node, one: Value, other: Value, kind: str) -> Node:
        """Where."""
        return self._add("Where", [condition, one, other], kind, arrays=kind)

    def convolve(self, one: Node, weights: np.ndarray, bias: np.ndarray, spare: tuple[int, int]) -> Node:
        """Conv, which adds zeros."""
        return self._add("Conv", [one, weights, bias], one.kind, pads=list(spare))

    def pool(self, one: Node, width: int, spare: tuple[int, int]) -> Node:
        """MaxPool, which adds what is less than everything."""
        return self._add("MaxPool", [one], one.kind, kernel_shape=[width], strides=[width], pads=list(spare))

    def reshape(self, one: Node, shape: Sequence[int]) -> Node:
        """Reshape, with as many clips as there are."""
        return self._add("Reshape", [one, np.array([-1, *shape])], one.kind)

    def to(self, one: Node, kind: str) -> Node:
        """Cast."""
        return one if one.kind == kind else self._add("Cast", [one], kind, to=tensor_type(kind))

    def label(self, codes: Node, labels: Sequence[str]) -> Node:
        """The text of each code."""
        return self._add("Gather", [np.array(labels, object), codes], "string", axis=0)

    def _add(self, operator: str, inputs: Sequence[Value], kind: str, arrays: str = "", **attributes: Any) -> Node:
        from onnx import helper

        known = [one.value if isinstance(one, Node) else self._keep(np.asarray(one), arrays) for one in inputs]
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, known, [name], name=name, **attributes))
        return Node(self, name, kind)

    def _keep(self, array: np.ndarray, kind: str) -> str:
        """The name of an array, which is written once however often it is used."""
        from onnx import numpy_helper

        # The array is kept as well, so that no other one gets its identity.
        if (id(array), kind) in self.kept:
            return self.kept[id(array), kind][0]
        name = f"c{len(self.initializers)}"
        # Single precision takes half the room until the model is loaded.
        short = array.dtype == np.float32 and kind == "float64"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array, None if short else kind or None), name))
        name = str(self.to(Node(self, name, "float32"), kind).value) if short else name
        self.kept[id(array), kind] = name, array
        return name


def tensor_type(kind: str) -> int:
    """ONNX's number of a kind of values."""
    from onnx import TensorProto

    return int(
        {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int32": TensorProto.INT32, "string": TensorProto.STRING}[kind]
    )


def write_onnx(build: Build, n_columns: int, labels: Sequence[str], about: Mapping[str, str], path: Path) -> None:
    """Write a model with its two outputs, and texts about it as its metadata.

    Parameters
    ----------
    build : callable
        Makes the probabilities and the codes of decisions out of features.
    n_columns : int
    labels : sequence of str
        What codes stand for.
    about : mapping of str to str
        `description` and `ser_bench` (its version) among them.
    path : Path

    Raises
    ------
    WorkFailed
        Where the model is larger than such a file can be.
    """
    from onnx import helper

    graph = OnnxGraph()
    probabilities, codes = build(Node(graph, "features", "float32"))
    for name, node in (("probabilities", graph.to(probabilities, "float32")), ("label", graph.label(codes, labels))):
        graph.nodes.append(helper.make_node("Identity", [node.value], [name], name=name))
    size = sum(len(initializer.raw_data) for initializer in graph.initializers)
    if size > MOST_BYTES:
        raise WorkFailed(f"{path}: the model has {size / 1e9:.1f} GB, and an ONNX file holds 2 GB at most: fit fewer clips or columns")
    outputs = [
        helper.make_tensor_value_info("probabilities", tensor_type("float32"), ["clips", len(labels)]),
        helper.make_tensor_value_info("label", tensor_type("string"), ["clips"]),
    ]
    features = helper.make_tensor_value_info("features", tensor_type("float32"), ["clips", n_columns])
    made = helper.make_graph(graph.nodes, "ser-bench", [features], outputs, graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name, model.producer_version, model.doc_string = "ser-bench", about["ser_bench"], about["description"]
    helper.set_model_props(model, dict(about))
    write_whole(path, lambda file: file.write_bytes(model.SerializeToString(deterministic=True)))
