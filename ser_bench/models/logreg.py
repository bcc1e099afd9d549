"""Multinomial logistic regression, the plainest of the models.

A ridge does not see a rotation, and clips span no more directions than there are of them. So where a set has more columns than
clips, the plan turns these directions into the columns, once a split: the same optimum, a fraction of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ser_bench.models.base import Estimator, Fitted, Model, Params, Prediction, PreparedFit, Split

if TYPE_CHECKING:
    import optuna

MAX_ITERATIONS = 300


class LogisticRegression(Model):
    """Linear scores, a softmax, and a ridge."""

    name = "logreg"
    version = 2
    description = "multinomial logistic regression with a ridge, classes balanced by default"
    defaults = {"C": 0.1}

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
            return Estimator(regression.fit(split.x_train, split.y_train, self.weights(split.y_train)), split.n_classes)

    def plan(self, split: Split) -> PreparedFit:
        """Share the rotation of a wide set."""
        wide = split.x_train.shape[1] > len(split.x_train)
        return PreparedRotation(self, split) if wide else PreparedFit(self, split)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns, of which no more matter than there are clips."""
        return 8e-8 * n_train * min(n_train, n_columns)


class PreparedRotation(PreparedFit):
    """Runs on the directions that the training clips span."""

    def __init__(self, model: Model, split: Split) -> None:
        super().__init__(model, split)
        products = (split.x_train @ split.x_train.T).astype(np.float64)
        values, vectors = np.linalg.eigh(products)
        # One at least, though all columns be constant.
        spanned = values >= max(values[-1] * 1e-6, min(values[-1], 1e-12))
        lengths = np.sqrt(values[spanned].clip(1e-12))
        vectors = vectors[:, spanned]
        x_train = (vectors * lengths).astype(np.float32)
        x_eval = ((split.x_eval @ split.x_train.T) @ vectors / lengths).astype(np.float32)
        self.rotated = Split(x_train, split.y_train, x_eval, split.y_eval, split.n_classes)

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Descend among these directions."""
        return self.model.fit(self.rotated, params, seed).predict(self.rotated.x_eval)
