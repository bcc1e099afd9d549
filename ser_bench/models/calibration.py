"""Probabilities for models that only have decision scores.

In:   scores of clips by machines that never saw their speakers (out-of-fold, over inner folds), and their emotions.
Out:  a map from scores to probabilities: softmax(sharpness x score + offset of the emotion).
Rule: held-out clips take no part; the predicted emotion stays the model's decision, whatever comes out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from ser_bench.models.base import balanced_weights, softmax
from ser_bench.utils.partial_imports import import_alone

RIDGE = 1e-3
"""Holds the offsets together, of which the softmax only knows the differences."""


@dataclass(frozen=True)
class Calibrator:
    """Sharpness and offsets of a softmax over decision scores.

    As it stands the plain softmax, for want of anything to fit it on.
    """

    sharpness: float = 1.0
    offsets: np.ndarray | float = 0.0

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, shape as `scores` (n_clips, n_classes), rows summing to one; a score of -inf becomes 0.

        >>> Calibrator().probabilities(np.array([[1.0, 1.0, -np.inf]])).tolist()
        [[0.5, 0.5, 0.0]]
        """
        return softmax(self.sharpness * scores + self.offsets)


def fit_calibrator(scores: np.ndarray, y: np.ndarray) -> Calibrator:
    """Fit temperature and offsets by maximum likelihood, every emotion counting the same.

    Temperature scaling (Guo et al., *On calibration of modern neural networks*, ICML 2017) with an offset an
    emotion. Balanced, as models are by default, so that probabilities of all models mean the same: belief before the
    emotions' frequencies are taken into account. Sharpness is positive, so no order of scores is turned round.

    Parameters
    ----------
    scores : array of float, shape (n_clips, n_classes)
        Out-of-fold decision scores, -inf for an emotion the machine did not know. Clips of such an emotion
        take no part.
    y : array of int, shape (n_clips,)
    """
    clips = np.arange(len(y))
    known = np.isfinite(scores[clips, y])
    if not known.any():
        return Calibrator()
    scores, y, clips = scores[known], y[known], clips[: known.sum()]
    weights = balanced_weights(y) / len(y)
    finite = np.where(np.isfinite(scores), scores, 0.0)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        sharpness, offsets = np.exp(theta[0]), theta[1:]
        errors = softmax(sharpness * scores + offsets)
        likelihood = np.log(errors[clips, y].clip(1e-300))
        errors[clips, y] -= 1
        errors *= weights[:, None]
        gradient = np.concatenate([[sharpness * (errors * finite).sum()], errors.sum(0) + 2 * RIDGE * offsets])
        return float(-weights @ likelihood + RIDGE * offsets @ offsets), gradient

    bounds = [(-7, 7)] + [(-20, 20)] * scores.shape[1]
    theta = _lbfgsb().fmin_l_bfgs_b(loss, np.zeros(1 + scores.shape[1]), bounds=bounds)[0]
    return Calibrator(float(np.exp(theta[0])), theta[1:])


@cache
def _lbfgsb() -> ModuleType:
    """SciPy's L-BFGS-B without its other ways to optimise, whose import takes longer than many a search."""
    return import_alone("scipy.optimize._lbfgsb_py", "scipy.optimize")
