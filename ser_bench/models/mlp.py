"""Neural network with one hidden layer.

Trained epoch by epoch, so that the inner validation speakers, and not a random tenth of the training clips, say when
to stop: after `PATIENCE` epochs without a lower log loss, every emotion counting the same. The weights of the
best epoch are kept; the final fit takes the median number of epochs over the inner folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ser_bench.models.model import Estimator, Fitted, Model, Params, Split, balanced_weights

if TYPE_CHECKING:
    import optuna
    from sklearn.neural_network import MLPClassifier

BATCH = 128
MOST_EPOCHS = 100
EPOCHS_UNTUNED = 20
"""Epochs where no inner fold could tell."""
PATIENCE = 8


class Mlp(Model):
    """One hidden layer of rectified units, trained by Adam."""

    name = "mlp"
    version = 1
    most_columns = 1000
    description = "neural network with one hidden layer, stopped early on inner validation speakers, balanced classes"
    defaults = {"width": 128, "alpha": 0.3, "learning_rate": 1e-3}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the hidden layer's width, the weight decay and the step."""
        return {
            "width": trial.suggest_categorical("width", [32, 64, 128, 256]),
            "alpha": trial.suggest_float("alpha", 1e-4, 10.0, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train epoch by epoch."""
        from sklearn import config_context
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier(
            (params["width"],),
            alpha=params["alpha"],
            learning_rate_init=params["learning_rate"],
            batch_size=min(BATCH, len(split.x_train)),
            # A generator goes on from epoch to epoch; a number would shuffle every epoch alike.
            random_state=np.random.RandomState(seed),
        )
        # Checks that scikit-learn would repeat every epoch take as long as the training.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            if rounds is None and split.searching:
                rounds = train_watched(network, split)
            else:
                rounds = rounds or EPOCHS_UNTUNED
                for _ in range(rounds):
                    train_epoch(network, split)
        return Estimator(network, split.n_classes, rounds)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns."""
        return n_train * (7e-5 + 2e-7 * n_columns)


def train_epoch(network: MLPClassifier, split: Split) -> None:
    """Show the network every training clip once."""
    network.partial_fit(split.x_train, split.y_train, classes=np.unique(split.y_train), sample_weight=balanced_weights(split.y_train))


def train_watched(network: MLPClassifier, split: Split) -> int:
    """Train until validation clips gain no more; leaves the best epoch's weights, and returns its number."""
    assert split.y_eval is not None
    present = np.unique(split.y_train)
    known = np.isin(split.y_eval, present)
    x, y = split.x_eval[known], np.searchsorted(present, split.y_eval[known])
    weights = balanced_weights(y)
    best_loss, best_epoch = np.inf, 0
    best_weights: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for epoch in range(1, MOST_EPOCHS + 1):
        train_epoch(network, split)
        loss = -np.log(network.predict_proba(x)[np.arange(len(y)), y].clip(1e-7)) @ weights if len(y) else -epoch
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
            best_weights = [w.copy() for w in network.coefs_], [b.copy() for b in network.intercepts_]
        elif epoch - best_epoch >= PATIENCE:
            break
    network.coefs_, network.intercepts_ = best_weights
    return best_epoch
