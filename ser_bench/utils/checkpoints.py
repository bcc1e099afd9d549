"""Weights of networks as PyTorch and NumPy save them, read as arrays.

In:   a state dict saved by ``torch.save`` (a zip since PyTorch 1.6, one stream before), or an ``.npz``.
Out:  the shape of each array by name, and the arrays that are asked for, as float32.
Rule: nothing of a file is carried out. The pickle in it is read as a list of instructions, of which only those that name tensors of plain
      numbers in dictionaries are understood; a file with any other name or instruction in it is refused, and so is one that is not whole.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.regular_files import LARGEST_FILE, check_regular

MAGIC = 0x1950A86A20F9469CFC6C
"""What a state dict in one stream begins with."""
KINDS = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8"}
KNOWN = {
    *(("torch", kind) for kind in KINDS),
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
}
"""What a file may name, and all that it may."""
MOST_INSTRUCTIONS = 1_000_000
UNREADABLE = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What reading raises of a file that is damaged, or of another kind."""


class _Refused(Exception):
    """Why a file is not read."""


Arrays = tuple[dict[str, tuple[int, ...]], Callable[[str], np.ndarray]]
"""Shapes by name, and what gives an array by name."""


class Name(NamedTuple):
    """A function or class that a pickle names; it is never looked up."""

    module: str
    name: str


class Storage(NamedTuple):
    """Numbers in a row, by the key under which they are stored."""

    kind: str
    key: str
    size: int


class Tensor(NamedTuple):
    """A view of a storage, in elements of it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Checkpoint:
    """The arrays of a file.

    Parameters
    ----------
    path : Path
        For messages.
    shapes : dict of str to tuple of int
        By name.
    read : callable
        Gives an array by name.
    """

    def __init__(self, path: Path, shapes: dict[str, tuple[int, ...]], read: Callable[[str], np.ndarray]) -> None:
        self.path, self.shapes, self._read = path, shapes, read

    def __getitem__(self, name: str) -> np.ndarray:
        """One array: float32, its own memory."""
        with _reading(self.path):
            return np.array(self._read(name), np.float32, order="C")


def read_checkpoint(data: bytes, path: Path) -> Checkpoint:
    """The arrays in the bytes of a file that was read from `path`.

    Raises
    ------
    WrongCall
        Where these are no weights, or something else besides; also when an array is asked for that is not whole.
    """
    with _reading(path):
        if not data.startswith(b"PK\x03\x04"):
            return Checkpoint(path, *_of_stream(data))
        archive = zipfile.ZipFile(io.BytesIO(data))
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
            raise _Refused("it unpacks to more than 2 GB")
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        return Checkpoint(path, *(_of_torch_zip(archive, pickles[0]) if pickles else _of_arrays(archive)))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What reading a file raises, in one line."""
    try:
        yield
    except _Refused as error:
        raise WrongCall(f"{path} is refused, and nothing of it was run: {error}") from None
    except (*UNREADABLE, struct.error, zipfile.BadZipFile) as error:
        raise WrongCall(f"{path} holds no weights that can be read ({quoted(str(error) or type(error).__name__)})") from None


def read_weights_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises
    ------
    WrongCall
        Where there is none that may be read.
    """
    try:
        check_regular(path)
        return path.read_bytes()
    except OSError as error:
        raise WrongCall(f"cannot read {path}: {error.strerror}") from None


def _of_arrays(archive: zipfile.ZipFile) -> Arrays:
    """What `numpy.savez` wrote."""
    arrays = {}
    for entry in archive.namelist():
        with archive.open(entry) as file:
            arrays[entry.removesuffix(".npy")] = np.lib.format.read_array(io.BytesIO(file.read()), allow_pickle=False)
    return {name: array.shape for name, array in arrays.items()}, arrays.__getitem__


def _of_torch_zip(archive: zipfile.ZipFile, entry: str) -> Arrays:
    root = entry.removesuffix("data.pkl")
    order = f"{root}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise _Refused("its numbers are big-endian")
    tensors = _tensors(_interpret(io.BytesIO(archive.read(entry))))
    return _of_tensors(tensors, lambda storage: archive.read(f"{root}data/{storage.key}"))


def _of_stream(data: bytes) -> Arrays:
    """A state dict before PyTorch 1.6: four pickles, then each storage behind the number of its elements."""
    stream, held = io.BytesIO(data), memoryview(data)
    if _interpret(stream) != MAGIC:
        raise _Refused("it is no state dict that PyTorch saved")
    _interpret(stream)
    system = _interpret(stream)
    if not _of_kind(dict, system).get("little_endian", True):
        raise _Refused("its numbers are big-endian")
    tensors = _tensors(_interpret(stream))
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    places = {}
    for key in _interpret(stream):
        (size,) = struct.unpack("<q", stream.read(8))
        if key not in storages or size != storages[key].size:
            raise _Refused("its storages are not those of its tensors")
        places[key] = stream.tell()
        stream.seek(size * np.dtype(storages[key].kind).itemsize, io.SEEK_CUR)
    return _of_tensors(tensors, lambda storage: held[places[storage.key] :][: storage.size * np.dtype(storage.kind).itemsize])


def _of_tensors(tensors: dict[str, Tensor], stored: Callable[[Storage], Any]) -> Arrays:
    def read(name: str) -> np.ndarray:
        tensor = tensors[name]
        kind = np.dtype(tensor.storage.kind)
        flat = np.frombuffer(stored(tensor.storage), kind)
        if len(flat) != tensor.storage.size:
            raise ValueError(f"{name} is not whole")
        strides = [kind.itemsize * stride for stride in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides, writeable=False)

    return {name: tensor.shape for name, tensor in tensors.items()}, read


def _tensors(made: Any) -> dict[str, Tensor]:
    """A state dict's tensors, each within its storage."""
    if not isinstance(made, dict):
        raise _Refused("it is no dictionary of tensors")
    tensors = {name: tensor for name, tensor in made.items() if isinstance(name, str) and isinstance(tensor, Tensor)}
    if len(tensors) != len(made):
        raise _Refused("it holds something else than tensors by name")
    for name, (storage, offset, shape, strides) in tensors.items():
        numbers = (storage.size, offset, *shape, *strides)
        if not all(type(number) is int and number >= 0 for number in numbers) or len(shape) != len(strides):
            raise _Refused(f"the size of {quoted(name)} is none")
        last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        if math.prod(shape) and last >= storage.size:
            raise _Refused(f"{quoted(name)} reaches beyond its storage")
    return tensors


def _interpret(stream: io.BytesIO) -> Any:
    """What one pickle describes: plain values, dictionaries, `Name`, `Storage` and `Tensor`; nothing it names is looked up or called."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > MOST_INSTRUCTIONS:
            raise _Refused("it has more instructions than weights need")
        name = opcode.name
        if name == "STOP":
            return stack.pop()
        if name == "MARK":
            marks.append(len(stack))
        elif name in PLAIN:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in BUILDERS:
            BUILDERS[name](stack, marks, argument)
        elif name not in ("PROTO", "FRAME"):
            raise _Refused(f"it has the instruction {name}, which weights do not need")
    raise ValueError("it ends early")


PLAIN = {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}


def _marked(stack: list[Any], marks: list[int]) -> list[Any]:
    """What lies above the last mark, taken off."""
    at = marks.pop()
    taken, stack[at:] = stack[at:], []
    return taken


def _tuple(size: int) -> Callable[[list[Any], list[int], Any], None]:
    def build(stack: list[Any], marks: list[int], _: Any) -> None:
        taken = stack[-size:]
        if len(taken) < size:
            raise ValueError("its stack is empty")
        stack[-size:] = [tuple(taken)]

    return build


def _named(stack: list[Any], module: str, name: str) -> None:
    if (module, name) not in KNOWN:
        raise _Refused(f"it names '{quoted(f'{module}.{name}')}', which is no part of weights")
    stack.append(Name(module, name))


def _global(stack: list[Any], marks: list[int], argument: Any) -> None:
    module, _, name = argument.partition(" ")
    _named(stack, module, name)


def _stack_global(stack: list[Any], marks: list[int], argument: Any) -> None:
    name, module = stack.pop(), stack.pop()
    _named(stack, module, name)


def _set_items(stack: list[Any], marks: list[int], _: Any) -> None:
    taken = _marked(stack, marks)
    _of_kind(dict, stack[-1]).update(zip(taken[::2], taken[1::2], strict=True))


def _set_item(stack: list[Any], marks: list[int], _: Any) -> None:
    value, key = stack.pop(), stack.pop()
    _of_kind(dict, stack[-1])[key] = value


def _append(stack: list[Any], marks: list[int], _: Any) -> None:
    value = stack.pop()
    _of_kind(list, stack[-1]).append(value)


def _appends(stack: list[Any], marks: list[int], _: Any) -> None:
    taken = _marked(stack, marks)
    _of_kind(list, stack[-1]).extend(taken)


def _of_kind(kind: type, made: Any) -> Any:
    if not isinstance(made, kind):
        raise _Refused(f"it fills what is no {kind.__name__}")
    return made


def _build(stack: list[Any], marks: list[int], _: Any) -> None:
    """A state dict's own notes (versions of its modules), which are not needed."""
    stack.pop()
    _of_kind(dict, stack[-1])


def _storage(stack: list[Any], marks: list[int], _: Any) -> None:
    what, kind, key, _, size, *_ = stack.pop()
    if what != "storage" or not isinstance(kind, Name) or kind.name not in KINDS or type(size) is not int:
        raise _Refused("a tensor's numbers are of no plain kind")
    stack.append(Storage(KINDS[kind.name], str(key), size))


def _reduce(stack: list[Any], marks: list[int], _: Any) -> None:
    arguments, made_by = stack.pop(), stack.pop()
    if not isinstance(made_by, Name):
        raise _Refused("it calls what is no name")
    if made_by.name == "OrderedDict" and not arguments:
        stack.append({})
    elif made_by.name == "_rebuild_parameter" and isinstance(arguments[0], Tensor):
        stack.append(arguments[0])
    elif made_by.name == "_rebuild_tensor_v2" and isinstance(arguments[0], Storage):
        storage, offset, shape, strides, *_ = arguments
        stack.append(Tensor(storage, offset, tuple(shape), tuple(strides)))
    else:
        raise _Refused(f"it calls {made_by.name} in another way than weights do")


BUILDERS: dict[str, Callable[[list[Any], list[int], Any], None]] = {
    "TUPLE": lambda stack, marks, _: stack.append(tuple(_marked(stack, marks))),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "SETITEMS": _set_items,
    "SETITEM": _set_item,
    "APPENDS": _appends,
    "APPEND": _append,
    "BUILD": _build,
    "BINPERSID": _storage,
    "REDUCE": _reduce,
}
"""What instructions that take from the stack leave on it."""
