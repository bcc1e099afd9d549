"""A bundle as a Core ML model: an ML program (https://apple.github.io/coremltools/docs-guides/), which coremltools writes on Linux too.

In:   a model as a graph, and texts about it.
Out:  a folder `NAME.mlpackage`: `features` of one clip in; `probabilities`, and the decision as `code`, a position among the classes, out.
Rule: single precision throughout, which is the finest that Core ML has; the same bundle gives the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_bench.bundle.export.operators import Build, Graph, Node, Value, kind_of
from ser_bench.errors import WrongCall
from ser_bench.utils.atomic import folder_aside

KINDS = {"float32": "fp32", "float64": "fp32", "int32": "int32", "bool": "bool"}
LOWEST = float(np.finfo(np.float32).min)
BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "real_div",
    "matmul": "matmul",
    "maximum": "maximum",
    "at_most": "less_equal",
}
UNARY = {"exp": "exp", "absolute": "abs", "rint": "round", "softmax": "softmax"}
MODEL, WEIGHTS = "com.apple.CoreML/model.mlmodel", "com.apple.CoreML/weights"
MANIFEST = "Manifest.json"


class CoremlGraph(Graph):
    """Operations of an ML program."""

    def binary(self, name: str, one: Value, other: Value) -> Node:
        """Arrays are taken as the node's kind."""
        kind = kind_of(one, other)
        return self._add(BINARY[name], "bool" if name == "at_most" else kind, x=_as(one, kind), y=_as(other, kind))

    def unary(self, name: str, one: Node) -> Node:
        """Values one by one, or the softmax of rows."""
        return self._add(UNARY[name], one.kind, x=one, **({"axis": -1} if name == "softmax" else {}))

    def greatest(self, one: Node) -> Node:
        """The first of equals."""
        return self._add("reduce_argmax", "int32", x=one, axis=1, keep_dims=False)

    def total(self, one: Node, axis: int, *, keep: bool = False) -> Node:
        """Reduce_sum."""
        return self._add("reduce_sum", one.kind, x=one, axes=[axis], keep_dims=keep)

    def look_up(self, table: np.ndarray, places: Node) -> Node:
        """Gather of rows."""
        kind = "int32" if table.dtype.kind == "i" else "float32"
        return self._add("gather", kind, x=_as(table, kind), indices=places, axis=0)

    def columns(self, one: Node, places: np.ndarray) -> Node:
        """Gather of columns."""
        return self._add("gather", one.kind, x=one, indices=_as(places, "int32"), axis=1)

    def values_at(self, one: Node, places: Node) -> Node:
        """Gather_along_axis."""
        return self._add("gather_along_axis", one.kind, x=one, indices=places, axis=1)

    def where(self, condition: Node, one: Value, other: Value, kind: str) -> Node:
        """Select."""
        return self._add("select", kind, cond=condition, a=_as(one, kind), b=_as(other, kind))

    def convolve(self, one: Node, weights: np.ndarray, bias: np.ndarray, spare: tuple[int, int]) -> Node:
        """Conv, which adds zeros."""
        return self._add("conv", one.kind, x=one, weight=weights, bias=bias, pad_type="custom", pad=list(spare), strides=[1])

    def pool(self, one: Node, width: int, spare: tuple[int, int]) -> Node:
        """Max_pool of what is padded with the lowest number there is."""
        if any(spare):
            one = self._add("pad", one.kind, x=one, pad=[0, 0, 0, 0, *spare], mode="constant", constant_val=np.float32(LOWEST))
        return self._add("max_pool", one.kind, x=one, kernel_sizes=[width], strides=[width], pad_type="valid")

    def reshape(self, one: Node, shape: Sequence[int]) -> Node:
        """Reshape, with as many clips as there are."""
        return self._add("reshape", one.kind, x=one, shape=[-1, *shape])

    def to(self, one: Node, kind: str) -> Node:
        """Cast, where the two are not the same to Core ML."""
        return one if KINDS[one.kind] == KINDS[kind] else self._add("cast", kind, x=one, dtype=KINDS[kind])

    def _add(self, operator: str, kind: str, **inputs: Any) -> Node:
        mil = coremltools().converters.mil.Builder
        known = {name: one.value if isinstance(one, Node) else one for name, one in inputs.items()}
        return Node(self, getattr(mil, operator)(**known), kind)


def _as(value: Value, kind: str) -> Value:
    """An array of that kind; a node as it is."""
    return value if isinstance(value, Node) else np.asarray(value, np.dtype("float32" if kind == "float64" else kind))


def coremltools() -> Any:
    """The library, without its remarks on others that it has not been tested with."""
    logging.getLogger("coremltools").setLevel(logging.CRITICAL)
    import coremltools

    return coremltools


def write_coreml(build: Build, n_columns: int, labels: Sequence[str], about: Mapping[str, str], path: Path) -> None:
    """Write a model with its two outputs, and texts about it as its metadata.

    Parameters as of `write_onnx`.

    Raises
    ------
    WrongCall
        Where something else stands at the place.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise WrongCall(f"{path} exists and is no Core ML package: name another place")
    with folder_aside(path.parent, ".export-") as aside:
        model, made = converted(build, n_columns), aside / path.name
        specification = model.get_spec()
        describe(specification, labels, about)
        write_package(specification, Path(model.weights_dir), made)
        if path.exists():
            path.rename(aside / "former")
        made.rename(path)


def converted(build: Build, n_columns: int) -> Any:
    """The model as coremltools has it, in single precision; what it prints while it works is not shown."""
    ct = coremltools()
    mil = ct.converters.mil
    target = ct.target.iOS16

    @mil.Builder.program(input_specs=[mil.Builder.TensorSpec(shape=(1, n_columns), dtype=mil.mil.types.fp32)], opset_version=target)
    def program(features: Any) -> tuple[Any, ...]:
        probabilities, codes = build(Node(CoremlGraph(), features, "float32"))
        named = (("probabilities", probabilities), ("code", codes))
        return tuple(mil.Builder.identity(x=node.value, name=name) for name, node in named)

    with contextlib.redirect_stderr(io.StringIO()):
        return ct.convert(
            program,
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=target,
            skip_model_load=True,
        )


def describe(specification: Any, labels: Sequence[str], about: Mapping[str, str]) -> None:
    """Say what goes in and comes out, and replace coremltools' remarks, the day among them, by what is known of the bundle."""
    described = specification.description
    described.input[0].shortDescription = "features of one clip as extracted, float32, in the order of 'columns'"
    described.output[0].shortDescription = f"calibrated probabilities of {', '.join(labels)}"
    described.output[1].shortDescription = "the decision, as a position among these, from 0"
    described.metadata.Clear()
    described.metadata.shortDescription, described.metadata.author = about["description"], "ser-bench"
    described.metadata.versionString = about["ser_bench"]
    for key, text in about.items():
        described.metadata.userDefined[key] = text


def write_package(specification: Any, weights: Path, folder: Path) -> None:
    """Write a package as coremltools does, but with names that are no matter of chance."""
    items = {
        name: {"author": "com.apple.CoreML", "description": f"CoreML Model {what}", "name": Path(name).name, "path": name}
        for name, what in ((MODEL, "Specification"), (WEIGHTS, "Weights"))
    }
    identified = {str(uuid.uuid5(uuid.NAMESPACE_URL, name)): item for name, item in items.items()}
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": identified, "rootModelIdentifier": next(iter(identified))}
    (folder / "Data" / MODEL).parent.mkdir(parents=True)
    (folder / "Data" / MODEL).write_bytes(specification.SerializeToString(deterministic=True))
    shutil.copytree(weights, folder / "Data" / WEIGHTS)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=4) + "\n", encoding="utf-8")
