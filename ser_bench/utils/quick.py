"""A linear system in one solve: what columns say of labels, for checks that cannot wait for a search.

In:   columns, labels, and which rows are held out together.
Out:  the label that each row gets from a system that has not seen its group.
Rule: exact: leaving groups out of a ridge regression needs no refit (the inverse of the sum of squares is the same for all of them).
      It serves checks and is no row of any leaderboard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.1
"""The penalty in units of the columns' mean sum of squares: enough for thousands of columns, little for a few."""

Array = NDArray[np.float64]


def held_out_labels(x: NDArray[np.floating], codes: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """The label of each row by ridge regression on one-hot labels, every class of equal weight, fitted without the row's group.

    Parameters
    ----------
    x : array of float, shape (n, d)
        Columns are standardised over all rows, which takes no label.
    codes : array of int, shape (n,)
        Labels from 0.
    groups : array of int, shape (n,)

    Returns
    -------
    array of int, shape (n,)

    Notes
    -----
    With the hat matrix H of weighted ridge regression, residuals of a group g that is left out are (I - H_gg)^-1 (y_g - H_g y): Cook &
    Weisberg (1982), *Residuals and Influence in Regression*, for one row; the same algebra holds for several.

    >>> x = np.array([[0.0], [1.0], [0.1], [1.1]])
    >>> held_out_labels(x, np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])).tolist()
    [0, 1, 0, 1]
    """
    weights = 1 / np.bincount(codes)[codes]
    root = np.sqrt(weights / weights.mean())[:, None]
    z = np.asarray(standardised(x), np.float64)
    z = np.hstack([z * root, root])
    y = np.eye(codes.max() + 1)[codes] * root
    residual = y - z @ (projected := _projection(z)) @ y
    predicted = np.empty_like(y)
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        hat = z[mine] @ projected[:, mine]
        predicted[mine] = y[mine] - np.linalg.solve(np.eye(len(mine)) - hat, residual[mine])
    return np.asarray(predicted / root).argmax(1)


def standardised(x: NDArray[np.floating]) -> Array:
    """Columns with mean 0 and deviation 1 over all rows; constant ones are 0.

    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = x - x.mean(0, dtype=np.float64)
    scale = centred.std(0)
    # What rounding leaves of a constant column is no spread.
    constant = scale <= 1e-7 * np.abs(x).max(0)
    return np.asarray(np.where(constant, 0, centred / np.where(constant, 1, scale)))


def _projection(z: Array) -> Array:
    """What labels are multiplied with to get the coefficients of a ridge regression, shape (d, n), by the shorter side."""
    n, d = z.shape
    penalty = RIDGE * float((z**2).sum()) / d
    if d <= n:
        return np.asarray(np.linalg.solve(z.T @ z + penalty * np.eye(d), z.T))
    return np.asarray(np.linalg.solve(z @ z.T + penalty * np.eye(n), z).T)
