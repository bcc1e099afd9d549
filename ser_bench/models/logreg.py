"""Multinomial logistic regression, the plainest of the models.

In:   a split and hyperparameters.
Out:  weights and offsets per class.
Rule: the plan has the optimum of the plain fit.

A ridge is invariant to rotation, and clips span no more directions than there are of them. So where a set has more columns than
clips, the plan turns these directions into the columns, once per split: the same optimum, a fraction of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, argmax_prediction, softmax
from ser_bench.models.packing import REGRESSION, Packed, pack_regression, unpack

if TYPE_CHECKING:
    import optuna

MAX_ITERATIONS = 300


class LogisticRegression(Model):
    """Linear scores, a softmax, and a ridge."""

    name = "logreg"
    version = 2
    description = "multinomial logistic regression with a ridge, classes balanced by default"
    defaults = {"C": 0.1}
    bounds = {"C": (1e-9, 1e6)}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the inverse of the ridge."""
        return {"C": trial.suggest_float("C", 1e-5, 10.0, log=True)}

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Descend to the optimum, or as near as the iterations allowed come."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression as Regression

        regression = Regression(C=params["C"], max_iter=MAX_ITERATIONS, tol=1e-3)
        with warnings.catch_warnings():
            # A weak penalty needs more iterations than its validation score repays: the trial is evaluated as it stands.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return FittedRegression.of(regression.fit(split.x_train, split.y_train, self.weights(split.y_train)), split.n_classes)

    def plan(self, split: Split) -> PreparedFit:
        """Share the rotation of a wide set."""
        wide = split.x_train.shape[1] > len(split.x_train)
        return PreparedRotation(self, split) if wide else PreparedFit(self, split)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns, of which no more matter than there are clips."""
        return 8e-8 * n_train * min(n_train, n_columns)


@dataclass(frozen=True)
class FittedRegression(Fitted):
    """A trained regression.

    Parameters
    ----------
    weights : array of float32 or float64, shape (n_columns, k)
        Of each class that training knew; of two classes one column, for the second.
    offsets : array of the same, shape (k,)
    present : array of int
        The classes that training knew.
    n_classes : int
    """

    kind = REGRESSION
    weights: np.ndarray
    offsets: np.ndarray
    present: np.ndarray
    n_classes: int

    @classmethod
    def of(cls, regression: Any, n_classes: int) -> FittedRegression:
        """What scikit-learn's regression found."""
        return cls(np.ascontiguousarray(regression.coef_.T), regression.intercept_, regression.classes_, n_classes)

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion: the same bits as scikit-learn's ``predict_proba``."""
        scores = x @ self.weights + self.offsets
        if scores.shape[1] > 1:
            return argmax_prediction(softmax(scores), self.present, self.n_classes)
        from scipy.special import expit

        second = expit(scores[:, 0])
        return argmax_prediction(np.stack([1 - second, second], 1), self.present, self.n_classes)

    def feature_importances(self) -> np.ndarray | None:
        """The mean size of a column's weights over emotions."""
        return shares_of(self.weights)

    def pack(self) -> Packed:
        """The weights."""
        return pack_regression(self.weights, self.offsets, self.present)

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> FittedRegression:
        """Weights of so many columns."""
        present = packed.present(n_classes)
        k = len(present) if len(present) > 2 else 1
        exact = packed.arrays.get("weights", np.empty(0, np.float32)).dtype == np.float64  # as scikit-learn 1.7 has them
        kind = np.float64 if exact else np.float32
        return cls(packed.array("weights", kind, (n_columns, k)), packed.array("offsets", kind, (k,)), present, n_classes)


@dataclass(frozen=True)
class Rotation:
    """The directions that training clips span.

    Parameters
    ----------
    clips : array of float32, shape (n_train, n_columns)
    vectors : array of float64, shape (n_train, n_directions)
        Of the clips' inner products.
    lengths : array of float64, shape (n_directions,)
    """

    clips: np.ndarray
    vectors: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, clips: np.ndarray) -> Rotation:
        """Those of some clips."""
        values, vectors = np.linalg.eigh((clips @ clips.T).astype(np.float64))
        # One at least, though all columns be constant.
        spanned = values >= max(values[-1] * 1e-6, min(values[-1], 1e-12))
        return cls(clips, vectors[:, spanned], np.sqrt(values[spanned].clip(1e-12)))

    def turn(self, x: np.ndarray) -> np.ndarray:
        """Clips, shape (n, n_columns), along these directions, shape (n, n_directions)."""
        return ((x @ self.clips.T) @ self.vectors / self.lengths).astype(np.float32)


@dataclass(frozen=True)
class RotatedRegression(Fitted):
    """A regression among the directions that the training clips span."""

    kind = "logreg.rotated"
    rotation: Rotation
    fitted: FittedRegression

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide by a clip's place along these directions."""
        return self.fitted.predict(self.rotation.turn(x))

    def feature_importances(self) -> np.ndarray | None:
        """The mean size of a column's weights over emotions, turned back."""
        turn = self.rotation
        return shares_of(turn.clips.T @ (turn.vectors / turn.lengths @ self.fitted.weights))

    def pack(self) -> Packed:
        """The directions, and the regression among them."""
        turn = self.rotation
        # Products depend on the order in memory, in their last bits: it is that of columns.
        return Packed(self.kind, {"clips": turn.clips, "vectors": turn.vectors.T, "lengths": turn.lengths}).with_part(
            "fitted", self.fitted.pack()
        )

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> RotatedRegression:
        """Directions of so many columns."""
        clips = packed.array("clips", np.float32, (None, n_columns))
        vectors = packed.array("vectors", np.float64, (None, len(clips)))
        lengths = packed.array("lengths", np.float64, (len(vectors),), (1e-7, 1e30))
        fitted = unpack(packed.part("fitted"), len(vectors), n_classes, FittedRegression)
        return cls(Rotation(clips, vectors.T, lengths), fitted)


class PreparedRotation(PreparedFit):
    """Runs on the directions that the training clips span."""

    def __init__(self, model: Model, split: Split) -> None:
        super().__init__(model, split)
        self.rotation = turn = Rotation.of(split.x_train)
        self.rotated = Split(
            (turn.vectors * turn.lengths).astype(np.float32), split.y_train, turn.turn(split.x_eval), split.y_eval, split.n_classes
        )

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Descend among these directions, along which the clips to decide about are turned once."""
        return self.model.fit(self.rotated, params, seed).predict(self.rotated.x_eval)

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Descend in the same way."""
        fitted = self.model.fit(self.rotated, params, seed)
        assert isinstance(fitted, FittedRegression)
        return RotatedRegression(self.rotation, fitted)


def shares_of(weights: np.ndarray) -> np.ndarray | None:
    """The mean size of each column's weights, shape (n_columns, k), summing to one; none where all are 0."""
    sizes = np.abs(weights).mean(1)
    return sizes / sizes.sum() if sizes.any() else None
