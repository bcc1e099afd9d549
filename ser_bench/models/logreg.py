"""Multinomial logistic regression, the plainest of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_bench.models.model import Estimator, Fitted, Model, Params, Split

if TYPE_CHECKING:
    import optuna

MAX_ITERATIONS = 300


class LogisticRegression(Model):
    """Linear scores, a softmax, and a ridge."""

    name = "logreg"
    version = 1
    description = "multinomial logistic regression with a ridge, balanced classes"
    defaults = {"C": 0.1}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the inverse of the ridge."""
        return {"C": trial.suggest_float("C", 1e-5, 10.0, log=True)}

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Descend to the optimum, or as near as the iterations allowed come."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression as Regression

        regression = Regression(C=params["C"], class_weight="balanced", max_iter=MAX_ITERATIONS, tol=1e-3)
        with warnings.catch_warnings():
            # A weak ridge needs more iterations than its validation score repays; the trial is judged as it stands.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return Estimator(regression.fit(split.x_train, split.y_train), split.n_classes)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns."""
        return 5e-8 * n_train * n_columns
