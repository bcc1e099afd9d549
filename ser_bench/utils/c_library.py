"""What only the system's C library computes to the last bit as compiled libraries do."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import cache

import numpy as np


def expf(x: np.ndarray) -> np.ndarray:
    """The exponential in single precision, as C programs have it; NumPy's own differs in the last bit.

    Parameters
    ----------
    x : array of float32

    >>> expf(np.zeros((1, 2), np.float32))
    array([[1., 1.]], dtype=float32)
    """
    one = _expf()
    return np.fromiter((one(value) for value in x.ravel().tolist()), np.float32, x.size).reshape(x.shape)


@cache
def _expf() -> Callable[[float], float]:
    """The function of the C library that Python itself uses; where it cannot be had, the rounded one in double precision."""
    try:
        found = ctypes.CDLL(None).expf
    except (AttributeError, OSError, TypeError):  # Windows names no library of its own
        return math.exp
    found.argtypes, found.restype = [ctypes.c_float], ctypes.c_float
    return found
