"""What a Core ML package computes, in NumPy: its specification, operation by operation, as Apple's MIL reference describes them.

It stands in for Core ML, which runs on Apple's systems alone. Only the operations that exports use are known here; what is not known is an
error. https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_bench.bundle.export.coreml_file import coremltools

TYPES = {"fp32": np.float32, "int32": np.int32, "bool": np.bool_}


def run_package(folder: Path, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`probabilities` and `code` of clips, which the package takes one by one."""
    specification = read_specification(folder)
    coremltools()
    from coremltools.converters.mil.frontend.milproto.load import load

    weights = folder / "Data" / "com.apple.CoreML" / "weights"
    program = load(specification, specification.specificationVersion, file_weights_dir=str(weights))
    main = program.functions["main"]
    values = {"features": features}
    for operation in main.operations:
        given = {name: valued(value, values) for name, value in operation.inputs.items()}
        if operation.op_type != "const":
            values[operation.outputs[0].name] = OPERATIONS[operation.op_type](**given)
    assert [output.name for output in main.outputs] == ["probabilities", "code"]
    return values["probabilities"], values["code"]


def read_specification(folder: Path) -> Any:
    """The model that the package's manifest names as its root."""
    coremltools()
    from coremltools.proto import Model_pb2

    manifest = json.loads((folder / "Manifest.json").read_text())
    item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    return Model_pb2.Model.FromString((folder / "Data" / item["path"]).read_bytes())


def valued(variable: Any, values: Mapping[str, np.ndarray]) -> Any:
    """What is known of a variable: its constant, or what an operation has made of clips."""
    if isinstance(variable, tuple | list):
        return [valued(one, values) for one in variable]
    return variable.val if variable.val is not None else values[variable.name]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    raised = np.exp(x - x.max(axis, keepdims=True))
    return raised / raised.sum(axis, keepdims=True)


def conv(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    pad_type: str,
    pad: Sequence[int],
    strides: Sequence[int] = (1,),
    dilations: Sequence[int] = (1,),
    groups: int = 1,
) -> np.ndarray:
    assert pad_type == "custom"
    assert (*strides, *dilations, groups) == (1, 1, 1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), tuple(pad))), weight.shape[2], axis=2)
    return np.einsum("ncow,kcw->nko", windows, weight) + bias[:, None]


def max_pool(
    x: np.ndarray,
    kernel_sizes: Sequence[int],
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int] = (0, 0),
    ceil_mode: bool = False,
) -> np.ndarray:
    assert (pad_type, ceil_mode, list(strides)) == ("valid", False, list(kernel_sizes))
    width = kernel_sizes[0]
    kept = x.shape[2] // width
    return x[:, :, : kept * width].reshape(*x.shape[:2], kept, width).max(3)


def pad_ends(x: np.ndarray, pad: Sequence[int], mode: str, constant_val: float) -> np.ndarray:
    assert mode == "constant"
    before_and_after = np.reshape(pad, (-1, 2))
    return np.pad(x, [(0, 0)] * (x.ndim - len(before_and_after)) + [tuple(ends) for ends in before_and_after], constant_values=constant_val)


def matmul(x: np.ndarray, y: np.ndarray, transpose_x: bool = False, transpose_y: bool = False) -> np.ndarray:
    return (x.swapaxes(-1, -2) if transpose_x else x) @ (y.swapaxes(-1, -2) if transpose_y else y)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: np.abs(x),
    "add": lambda x, y: x + y,
    "cast": lambda x, dtype: np.asarray(x).astype(TYPES[dtype]),
    "conv": conv,
    "exp": lambda x: np.exp(x),
    "gather": lambda x, indices, axis, batch_dims=0, validate_indices=False: np.take(x, indices, axis),
    "gather_along_axis": lambda x, indices, axis, validate_indices=False: np.take_along_axis(x, indices, axis),
    "identity": lambda x: x,
    "less_equal": lambda x, y: x <= y,
    "linear": lambda x, weight, bias=0: x @ weight.T + bias,
    "matmul": matmul,
    "maximum": lambda x, y: np.maximum(x, y),
    "max_pool": max_pool,
    "mul": lambda x, y: x * y,
    "pad": pad_ends,
    "real_div": lambda x, y: x / y,
    "reduce_argmax": lambda x, axis, keep_dims: x.argmax(axis, keepdims=bool(keep_dims)).astype(np.int32),
    "reduce_sum": lambda x, axes, keep_dims: x.sum(tuple(axes), keepdims=bool(keep_dims)),
    "relu": lambda x: np.maximum(x, 0),
    "reshape": lambda x, shape: x.reshape(len(x), *shape[1:]),
    "round": lambda x: np.rint(x),
    "select": lambda cond, a, b: np.where(cond, a, b),
    "softmax": softmax,
    "sub": lambda x, y: x - y,
}
