"""Random forest.

In:   a split, hyperparameters, a seed.
Out:  trees as flat arrays (`nodes`).
Rule: the same clips and seed give the same trees, on any machine.

The plan sorts the training clips' columns into bins once per split. Trials are compared on small forests; the final one is
large, which comparing trials does not need.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, argmax_prediction
from ser_bench.models.nodes import Nodes, read_nodes, vote
from ser_bench.models.packing import Packed

if TYPE_CHECKING:
    import optuna

TREES_SEARCHING = 60
TREES = 200
BINS = 32


class Forest(Model):
    """Trees grown on bootstrapped clips and random columns, averaged."""

    name = "rf"
    version = 3
    max_features = 1000
    libraries = ("numba",)
    description = (
        f"random forest of {TREES} trees ({TREES_SEARCHING} while searching) on columns in {BINS} bins, classes balanced by default"
    )
    defaults = {"max_features": 1.0, "min_samples_leaf": 1, "max_samples": 1.0}
    bounds = {"max_features": (1e-3, 1e3), "min_samples_leaf": (1, 10_000), "max_samples": (1e-3, 10.0)}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw columns a node (in units of their square root), the smallest leaf and the share of clips a tree."""
        return {
            "max_features": trial.suggest_float("max_features", 0.3, 2.0, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 8, log=True),
            "max_samples": trial.suggest_float("max_samples", 0.5, 1.0),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Grow a forest on bins of one's own."""
        return PreparedForest(self, split).grow(params, seed)

    def plan(self, split: Split) -> PreparedFit:
        """Share the bins."""
        return PreparedForest(self, split)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and the root of columns."""
        return 4e-6 * n_train * n_columns**0.5


class FittedForest(Fitted):
    """Grown trees."""

    kind = "rf"

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the emotion with the largest mean share of a clip's leaves."""
        n_classes = self.nodes.shares.shape[1]
        return argmax_prediction(vote(self.nodes, x), np.arange(n_classes), n_classes)

    def feature_importances(self) -> np.ndarray | None:
        """A column's mean decrease in impurity (Breiman, *Random forests*, 2001): its share of what a tree's splits gained, over trees."""
        gains = self.nodes.gains
        return gains / gains.sum() if gains.any() else None

    def pack(self) -> Packed:
        """All nodes."""
        return Packed(self.kind, self.nodes._asdict())

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> FittedForest:
        """Trees over so many columns."""
        return cls(read_nodes(packed, n_columns, n_classes))


class PreparedForest(PreparedFit):
    """Forests on one binned split, smaller ones where trials are compared."""

    @cached_property
    def binned(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes and cuts of the training clips, which alone decide the bins."""
        from ser_bench.models.compiled.trees import cut_columns

        return cut_columns(self.split.x_train, BINS)

    def grow(self, params: Params, seed: int) -> FittedForest:
        """Grow a forest."""
        from ser_bench.models.compiled.trees import grow

        y = self.split.y_train
        columns, n = len(self.binned[0]), len(y)
        drawn = np.random.default_rng(seed).multinomial(
            max(1, round(params["max_samples"] * n)), np.full(n, 1 / n), size=TREES_SEARCHING if self.split.searching else TREES
        )
        tried = min(columns, max(1, round(params["max_features"] * columns**0.5)))
        weights = drawn * self.model.weights(y)
        return FittedForest(
            Nodes(*grow(*self.binned, y, weights, self.split.n_classes, tried, params["min_samples_leaf"], np.uint64(seed)))
        )

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Grow a forest on the shared bins."""
        return self.grow(params, seed)
