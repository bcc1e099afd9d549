"""Gradient-boosted trees (XGBoost, histograms).

The plan bins the training clips once a split. The number of rounds is not searched for: boosting stops early on
the inner validation clips, and the final fit goes as far as the median over the inner folds. While trials are compared
the steps are large; the final fit, which is one among dozens, goes the same way in `FINER` times as many smaller ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, argmax_prediction, balanced_weights

if TYPE_CHECKING:
    import optuna
    import xgboost

BINS = 12
MOST_ROUNDS = 100
ROUNDS_UNTUNED = 20
"""Rounds where no inner fold could tell."""
PATIENCE = 5
FINER = 3
"""Rounds of the final fit for one of the search, each of a step that is as many times smaller."""


class Boosting(Model):
    """Small trees added one after the other, each an emotion's."""

    name = "xgb"
    version = 2
    max_features = 1000
    description = "gradient-boosted trees, stopped early on inner validation speakers, classes balanced by default"
    defaults = {"max_depth": 3, "eta": 0.5, "subsample": 0.8, "colsample_bynode": 0.2, "lambda": 1.0, "min_child_weight": 1.0}
    bounds = {
        "max_depth": (1, 12),
        "eta": (1e-3, 1.0),
        "subsample": (0.01, 1.0),
        "colsample_bynode": (1e-3, 1.0),
        "lambda": (0.0, 1e6),
        "min_child_weight": (0.0, 1e6),
    }

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the trees' depth, their step while searching, the share of clips a tree and of columns a node, and two restraints."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 4),
            "eta": trial.suggest_float("eta", 0.3, 0.8, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bynode": trial.suggest_float("colsample_bynode", 0.05, 0.5, log=True),
            "lambda": trial.suggest_float("lambda", 0.1, 10.0, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.3, 10.0, log=True),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Boost on a binned matrix of one's own."""
        return boost(Binned(split, self.weights(split.y_train)), params, seed, rounds)

    def plan(self, split: Split) -> PreparedFit:
        """Share the binned matrix."""
        return BinnedPlan(self, split)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns."""
        return n_train * (2e-5 + 3e-7 * n_columns)


class Binned:
    """A split as XGBoost wants it: columns in bins, emotions without gaps, clips weighted."""

    def __init__(self, split: Split, weights: np.ndarray) -> None:
        self.split, self.weights = split, weights
        self.present, self.y = np.unique(split.y_train, return_inverse=True)

    @cached_property
    def train(self) -> xgboost.QuantileDMatrix:
        """Training clips, which alone decide the bins."""
        return matrix(self.split.x_train, self.y, self.weights)

    @cached_property
    def validation(self) -> xgboost.QuantileDMatrix:
        """Inner validation clips, balanced as the UAR is; those of an emotion absent from training weigh nothing."""
        y_eval = self.split.y_eval
        assert y_eval is not None
        known = np.isin(y_eval, self.present)
        y = np.where(known, np.searchsorted(self.present, y_eval), 0)
        weights = np.zeros(len(y))
        weights[known] = balanced_weights(y[known])
        return matrix(self.split.x_eval, y, weights, ref=self.train)


class BinnedPlan(PreparedFit):
    """Runs on one binned split."""

    def __init__(self, model: Model, split: Split) -> None:
        super().__init__(model, split)
        self.binned = Binned(split, model.weights(split.y_train))

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Boost on the shared bins."""
        return boost(self.binned, params, seed, rounds)


class FittedBoosting(Fitted):
    """Trained trees: those of the first `used` rounds, which are as far as `rounds` of the search go."""

    def __init__(self, booster: xgboost.Booster, binned: Binned, rounds: int, used: int) -> None:
        self.booster, self.rounds, self.used = booster, rounds, used
        self.present, self.n_classes = binned.present, binned.split.n_classes

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        probabilities = self.booster.inplace_predict(x, iteration_range=(0, self.used)) if len(x) else np.zeros((0, len(self.present)))
        return argmax_prediction(probabilities, self.present, self.n_classes, self.rounds)

    def feature_importances(self) -> np.ndarray | None:
        """A column's share of what all splits gained."""
        gains = np.zeros(self.booster.num_features())
        for name, gain in self.booster.get_score(importance_type="total_gain").items():
            gains[int(name.removeprefix("f"))] = gain
        return gains / gains.sum() if gains.any() else None


def boost(binned: Binned, params: Params, seed: int, rounds: int | None) -> FittedBoosting:
    """Boost as far as that many rounds of the search go, or until validation clips have gained nothing for `PATIENCE` rounds."""
    import xgboost

    finer = 1 if binned.split.searching else FINER
    settings: dict[str, Any] = params | {
        "eta": params["eta"] / finer,
        "objective": "multi:softprob",
        "num_class": len(binned.present),
        "tree_method": "hist",
        "max_bin": BINS,
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    if rounds is not None or not binned.split.searching:
        rounds = rounds or ROUNDS_UNTUNED
        return FittedBoosting(xgboost.train(settings, binned.train, finer * rounds), binned, rounds, finer * rounds)
    watched = [(binned.validation, "validation")]
    booster = xgboost.train(settings, binned.train, MOST_ROUNDS, evals=watched, early_stopping_rounds=PATIENCE, verbose_eval=False)
    best = booster.best_iteration + 1
    return FittedBoosting(booster, binned, best, best)


def matrix(x: np.ndarray, y: np.ndarray, weights: np.ndarray, ref: xgboost.QuantileDMatrix | None = None) -> xgboost.QuantileDMatrix:
    """A binned matrix on one thread."""
    import xgboost

    return xgboost.QuantileDMatrix(x, y, weight=weights, max_bin=BINS, nthread=1, ref=ref)
