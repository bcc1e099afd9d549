"""The file of a fitted system: arrays and JSON in one safetensors file, sealed.

In:   arrays by name, and what there is to say about them as JSON has it.
Out:  one file, whose bytes depend on these alone; and both again.
Rule: reading runs nothing and writes nothing. What is torn, changed, foreign or of a newer version is refused in one line that says what
      to do. The seal is a hash of all bytes: it finds damage, and whoever changes a file on purpose can renew it, so that whatever is
      read is checked for what it is used for, too.

The format is Hugging Face's (https://github.com/huggingface/safetensors): a header in JSON, then the arrays as they lie in memory. What is
ours stands in the header's metadata under one key, as a text: the format's version, the seal, and the JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ser_bench.errors import Damaged, WorkFailed, WrongCall, quoted
from ser_bench.utils.atomic import write_whole
from ser_bench.utils.regular_files import LARGEST_FILE, check_regular

FORMAT = 1
"""Changes when files are written that this version cannot read."""
KEY = "ser-bench"
BEGINNING = b'{"__metadata__":{"' + KEY.encode() + b'":"'
"""How the header of every file of ours begins."""
BLANK = "blake2b:" + 64 * "0"
"""What stands for the seal while it is computed."""
TYPES = {"F32", "F64", "I32", "I64", "U8", "BOOL"}
"""Of arrays, as safetensors names them."""
LONGEST_HEADER = 50_000_000


def write_archive(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays and what is said about them, whole or not at all.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to array
        Of float32, float64, int32, int64, uint8 or bool.
    about : mapping of str to object
        As JSON has it; NumPy's numbers and arrays, tuples and paths become what JSON has for them, and what is no number or infinite None.

    Raises
    ------
    WorkFailed
        Where the file would be too large.
    WrongCall
        Where it cannot be written.
    """
    from safetensors.numpy import save

    text = json.dumps(plain(about), sort_keys=True, separators=(",", ":"), allow_nan=False)
    said = f'{{"format":{FORMAT},"seal":"{BLANK}","about":{text}}}'
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {KEY: said})
    if len(data) > LARGEST_FILE or len(text) > LONGEST_HEADER:
        raise WorkFailed(
            f"{path}: the model would take {len(data) / (1 << 30):.1f} GB, where at most {LARGEST_FILE / (1 << 30):g} GB are read"
        )
    sealed = data.replace(BLANK.encode(), seal_of(data).encode(), 1)
    try:
        write_whole(path, lambda part: part.write_bytes(sealed))
    except OSError as error:
        raise WrongCall(f"{path} cannot be written: {error.strerror}; choose another place") from None


def read_archive(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, and what is said about them.

    Raises
    ------
    WrongCall
        In one line: where there is no such file, it is not ours, of a newer version, or not as it was written.
    """
    try:
        check_regular(path)
        data = path.read_bytes()
    except OSError as error:
        raise WrongCall(f"{path} cannot be read: {error.strerror or error}; name a file that `ser-bench fit` wrote") from None
    if data[8 : 8 + len(BEGINNING)] != BEGINNING:
        raise WrongCall(f"{path} is no fitted system of ser-bench: name a file that `ser-bench fit` wrote")
    try:
        about = said_in(data, path)
        return arrays_of(data), about
    except (ValueError, RecursionError) as error:
        raise Damaged(path, str(error) if isinstance(error, ValueError) else "its header is nested too deep") from None


def said_in(data: bytes, path: Path) -> dict[str, Any]:
    """What the header says about the arrays, once the version and the seal are found right."""
    said = parse(header_of(data)["__metadata__"][KEY])
    version, seal, about = said.get("format"), said.get("seal"), said.get("about")
    if type(version) is not int or version < 1:
        raise ValueError("it has no version")
    if version > FORMAT:
        raise WrongCall(f"{path} was made by a newer ser-bench (format {quoted(version)}, not {FORMAT}): pip install -U ser-bench reads it")
    if not isinstance(seal, str) or seal_of(data, seal) != seal:
        raise ValueError("its bytes are not those that were written")
    if not isinstance(about, dict):
        raise ValueError("it says nothing about its arrays")
    return about


def arrays_of(data: bytes) -> dict[str, np.ndarray]:
    """The arrays by name; ValueError where there are none that can be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    kinds = {about.get("dtype") for name, about in header_of(data).items() if name != "__metadata__"}
    if not kinds <= TYPES:
        raise ValueError("it holds arrays of another type")
    try:
        return {name: array.copy() for name, array in load(data).items()}
    except (SafetensorError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def header_of(data: bytes) -> dict[str, Any]:
    """The header, as far as its form goes; ValueError where it is none."""
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, 2 * LONGEST_HEADER):
        raise ValueError("it breaks off")
    header = parse(data[8 : 8 + length])
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str) or not all(isinstance(v, dict) for v in header.values()):
        raise ValueError("its header is not of the form that it has")
    return header


def parse(text: str | bytes) -> dict[str, Any]:
    """An object in JSON, of numbers alone that are numbers; ValueError else."""

    def refuse(word: str) -> None:
        raise ValueError(f"it holds {word}")

    found = json.loads(text, parse_constant=refuse)
    if not isinstance(found, dict):
        raise ValueError("its header is no object")
    return found


def seal_of(data: bytes, seal: str = BLANK) -> str:
    """The hash of all bytes, in which `BLANK` stands for the seal, where that is found first."""
    at, whole = data.find(seal.encode()), memoryview(data)
    digest = hashlib.blake2b(whole[: max(at, 0)], digest_size=32)
    digest.update(BLANK.encode() if at >= 0 else b"")
    digest.update(whole[at + len(seal.encode()) if at >= 0 else 0 :])
    return f"blake2b:{digest.hexdigest()}"


def plain(value: Any) -> Any:
    """A value as JSON has it.

    >>> plain({"uar": np.float32(0.5), "interval": (np.nan, 1)})
    {'uar': 0.5, 'interval': [None, 1]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
