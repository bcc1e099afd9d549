"""Random forest. Trials are compared on small forests; the final one is large, which no trial needs to be told from another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_bench.models.model import Estimator, Fitted, Model, Params, Split

if TYPE_CHECKING:
    import optuna

TREES_SEARCHING = 60
TREES = 300


class Forest(Model):
    """Trees grown on bootstrapped clips and random columns, averaged."""

    name = "rf"
    version = 1
    most_columns = 1000
    description = f"random forest of {TREES} trees ({TREES_SEARCHING} while searching), balanced classes"
    defaults = {"max_features": 1.0, "min_samples_leaf": 1, "max_samples": 1.0}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw columns a node (in units of their square root), the smallest leaf and the share of clips a tree."""
        return {
            "max_features": trial.suggest_float("max_features", 0.3, 2.0, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 8, log=True),
            "max_samples": trial.suggest_float("max_samples", 0.5, 1.0),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Grow a forest, smaller on inner splits."""
        from sklearn.ensemble import RandomForestClassifier

        columns = split.x_train.shape[1]
        forest = RandomForestClassifier(
            TREES_SEARCHING if split.searching else TREES,
            max_features=min(columns, max(1, round(params["max_features"] * columns**0.5))),
            min_samples_leaf=params["min_samples_leaf"],
            max_samples=params["max_samples"],
            class_weight="balanced",
            random_state=seed,
            n_jobs=1,
        )
        return Estimator(forest.fit(split.x_train, split.y_train), split.n_classes)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and the root of columns."""
        return 2.2e-5 * n_train * n_columns**0.5
