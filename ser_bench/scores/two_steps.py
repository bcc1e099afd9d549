"""Decisions in two steps: first a group of classes, then a class of that group.

In:   probabilities of classes, and the group of each (the gender of "female anger").
Out:  the group and the class decided for, as codes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class TwoSteps(NamedTuple):
    """Codes of the groups, in sorted order of their names, and of the classes; both of shape (n_clips,)."""

    groups: NDArray[np.intp]
    classes: NDArray[np.intp]


def two_steps(probabilities: ArrayLike, groups: ArrayLike) -> TwoSteps:
    """Decide for the group whose classes are the most probable together, and then for its most probable class.

    ``g = argmax_g sum_{c in g} p_c``, then ``argmax_{c in g} p_c``: the class may be less probable than one of another group.
    The first of equals is taken.

    Parameters
    ----------
    probabilities : array of float, shape (n_clips, k)
    groups : array of labels, shape (k,)
        The group of each class.

    Returns
    -------
    TwoSteps

    Raises
    ------
    ValueError
        If there is not one group per class.

    Examples
    --------
    >>> found = two_steps([[0.4, 0.0, 0.3, 0.3], [0.1, 0.6, 0.2, 0.1]], ["f", "f", "m", "m"])
    >>> found.groups.tolist(), found.classes.tolist()
    ([1, 0], [2, 1])
    """
    p, named = np.asarray(probabilities, float), np.asarray(groups)
    if p.ndim != 2 or named.shape != (p.shape[1],):
        raise ValueError(f"groups are named for {len(named)} classes, and probabilities have shape {p.shape}; one is needed per class")
    names, code = np.unique(named, return_inverse=True)
    sums = np.stack([p[:, code == group].sum(1) for group in range(len(names))], axis=1)
    chosen = sums.argmax(1)
    return TwoSteps(chosen, np.where(code == chosen[:, None], p, -np.inf).argmax(1))
