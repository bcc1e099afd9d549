"""Kernels between clips that are the same bits on every processor and in compiled code.

In:   standardised clips; or inner products and distances between them.
Out:  values on a grid, whose inner products no rounding touches; squared distances; the radial kernel.
Rule: one decision that hangs on a last digit can send a search another way. So nothing here is rounded as a library or a processor likes:
      inner products are exact, and the exponential function is one of products and sums, each rounded once.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

GRID = 2.0**-14
"""What standardised features are multiples of where inner products are shared, in standard deviations."""
FLOOR = -104.0
"""Where the exponential function is 0 in single precision."""
BLOCK = 16_384
"""Values that are taken through all steps at once, as many as stay in a processor's cache."""
SQUARED = 8
"""How often it is squared."""
C2, C3, C4, C5, C6, C7, C8, C9 = (1 / factorial(n) for n in range(2, 10))


def on_grid(x: np.ndarray) -> np.ndarray:
    """Standardised clips as multiples of `GRID`, in double precision, so that no inner product of two is rounded.

    Products of such values are multiples of 2**-28, and sums of these up to 2**25 fit the 53 bits of a double: they come out the same in
    whatever order, and with whatever instructions, a BLAS kernel adds them up.

    >>> on_grid(np.array([0.1], np.float32)) * 2**14
    array([1638.])
    """
    return np.rint(x.astype(np.float64) / GRID) * GRID


def squared_distances(norms: np.ndarray, norms_train: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Squared distances of clips from training clips, shape (n, n_train), from their squared lengths and inner products."""
    return (norms[:, None] + norms_train - 2 * products).clip(0)


def radial(distances: np.ndarray, gamma: np.float32) -> np.ndarray:
    """The radial kernel of squared distances, float32 both, rounded from double precision."""
    kernel, given = np.empty(distances.shape, np.float32), distances.reshape(-1)
    written = kernel.reshape(-1)
    for start in range(0, len(given), BLOCK):
        here = slice(start, start + BLOCK)
        written[here] = exponential(np.maximum((-gamma * given[here]).astype(np.float64), FLOOR))
    return kernel


def exponential(x: Any) -> Any:
    """The exponential function from `FLOOR` to 0, of a number or an array, to within 1e-8 of itself.

    That of x / 256 by its series, squared eight times: nothing but products and sums, which compiled code repeats to the last bit.

    >>> bool(abs(exponential(-50.0) / np.exp(-50.0) - 1) < 1e-8), exponential(0.0)
    (True, 1.0)
    """
    x = x / 2**SQUARED
    y = 1 + x * (1 + x * (C2 + x * (C3 + x * (C4 + x * (C5 + x * (C6 + x * (C7 + x * (C8 + x * C9))))))))
    for _ in range(SQUARED):
        y = y * y
    return y
