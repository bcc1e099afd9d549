"""Gradient-boosted trees (XGBoost, histograms).

The plan bins the training clips once a split. The number of rounds is not searched for: boosting stops early on
the inner validation clips, and the final fit goes as far as the median over the inner folds. While trials are compared
the steps are large; the final fit, which is one among dozens, goes the same way in `FINER` times as many smaller ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, argmax_prediction, balanced_weights
from ser_bench.models.nodes import LEAF, Trees, leaves, read_trees
from ser_bench.models.packing import LARGEST, Packed, Unfit
from ser_bench.utils.c_library import expf

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

    def pack(self) -> Packed:
        """The trees that decide, as arrays."""
        return self.as_arrays().pack()

    def as_arrays(self) -> BoostedTrees:
        """The trees that decide, read from XGBoost's own JSON."""
        learner = json.loads(self.booster.save_raw("json"))["learner"]
        model, k = learner["gradient_booster"]["model"], len(self.present)
        trees = model["trees"][: self.used * k]
        laid = [laid_out(tree) for tree in trees]
        firsts = np.cumsum([0, *(len(column) for column, _, _ in laid[:-1])])
        column, cut = (np.concatenate([part[place] for part in laid]) for place in (0, 1))
        right = np.concatenate([np.where(right >= 0, right + first, -1) for (_, _, right), first in zip(laid, firsts, strict=True)])
        base = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32)
        return BoostedTrees(
            Trees(firsts.astype(np.int64), column, cut, right),
            np.array(model["tree_info"][: len(trees)], np.int64),
            np.broadcast_to(base, k).copy(),
            self.present,
            self.n_classes,
            self.rounds,
            self.feature_importances(),
        )


@dataclass(frozen=True)
class BoostedTrees(Fitted):
    """Trained trees as plain arrays, which decide as XGBoost does, bit for bit, without it.

    Parameters
    ----------
    trees : Trees
        A leaf's `cut` is what it adds to its tree's class. A clip goes left where its value is below a node's `cut`.
    of_class : array of int, shape (n_trees,)
        The place in `present` of the class that a tree adds to.
    base : array of float32, shape (n_present,)
        What there is before the first tree.
    present : array of int, shape (n_present,)
    n_classes, rounds : int
    importances : array of float64, shape (n_columns,), or None
    """

    kind = "xgb"
    trees: Trees
    of_class: np.ndarray
    base: np.ndarray
    present: np.ndarray
    n_classes: int
    rounds: int
    importances: np.ndarray | None

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        margins = np.tile(self.base, (len(x), 1))
        for of_class, of_tree in zip(self.of_class, leaves(self.trees, x, below=True).T, strict=True):
            margins[:, of_class] += self.trees.cut[of_tree]
        # As XGBoost's softmax: terms are the C library's in single precision, and their sum is taken in double.
        terms = expf(margins - margins.max(1, keepdims=True))
        sums = np.add.accumulate(terms, 1, np.float64)[:, -1:].astype(np.float32)
        return argmax_prediction(terms / sums, self.present, self.n_classes, self.rounds)

    def feature_importances(self) -> np.ndarray | None:
        """A column's share of what all splits gained."""
        return self.importances

    def pack(self) -> Packed:
        """All arrays."""
        arrays = {**self.trees._asdict(), "of_class": self.of_class, "base": self.base, "present": self.present.astype(np.int64)}
        if self.importances is not None:
            arrays["importances"] = self.importances
        return Packed(self.kind, arrays, {"rounds": int(self.rounds)})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> BoostedTrees:
        """Trees over so many columns."""
        trees, present = read_trees(packed, n_columns), packed.present(n_classes)
        if not np.isfinite(trees.cut[trees.column == LEAF]).all():
            raise Unfit("its leaves hold values that are no numbers")
        return cls(
            trees,
            packed.array("of_class", np.int64, (len(trees.roots),), (0, len(present) - 1)),
            packed.array("base", np.float32, (len(present),), (-LARGEST, LARGEST)),
            present,
            n_classes,
            packed.rounds(),
            packed.array("importances", np.float64, (n_columns,), (0, 1)) if "importances" in packed.arrays else None,
        )


def laid_out(tree: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tree of XGBoost's JSON with every left child behind its node: columns, cuts (of a leaf its value), and right children."""
    left, right = tree["left_children"], tree["right_children"]
    order: list[int] = []
    rights: list[int] = []
    waiting = [(0, -1)]
    while waiting:
        node, parent = waiting.pop()
        if parent >= 0:
            rights[parent] = len(order)
        if left[node] >= 0:
            waiting += [(right[node], len(order)), (left[node], -1)]
        order.append(node)
        rights.append(-1)
    column = np.where(np.array(left)[order] >= 0, np.array(tree["split_indices"])[order], LEAF).astype(np.int32)
    return column, np.array(tree["split_conditions"], np.float32)[order], np.array(rights, np.int64)


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
