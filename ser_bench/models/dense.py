"""Feed-forward network of several layers (the extra `deep`): `dense(layers=512-512-256-128-64,dropout=0.5,batch_norm=true)`.

In:   a split, hyperparameters, a seed, and of a final fit its number of epochs.
Out:  a `FittedNetwork`.
Rule: what it is made of is said by its hyperparameters alone, so that a published network can be stated.

`ser_bench.models.training` lists its hyperparameters and what trains it. `mlp` is the smaller one that needs no PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_bench.models.base import Params
from ser_bench.models.layers import Layer, dense_layers
from ser_bench.models.training import NetworkModel

if TYPE_CHECKING:
    import optuna

SIZES = ("64", "256", "128-64", "256-128", "256-128-64")


class Dense(NetworkModel):
    """Layers of rectified units, with dropout, and batch normalisation where it is wanted."""

    name = "dense"
    version = 1
    description = (
        "feed-forward network of several layers (PyTorch, extra deep), stopped early on inner validation speakers, "
        "classes balanced by default"
    )
    defaults = {"layers": "128-64", "dropout": 0.3, "learning_rate": 1e-3}
    settings = {"batch_norm": False, **NetworkModel.settings}
    flat = True

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the layers, their dropout and the step."""
        return {
            "layers": trial.suggest_categorical("layers", SIZES),
            "dropout": trial.suggest_float("dropout", 0.0, 0.6),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        }

    def layers(self, how: Params) -> tuple[Layer, ...]:
        """Numbers of units, as `dense_layers` reads them."""
        return dense_layers(how["layers"], batch_norm=how["batch_norm"], where=f"model {self.name}: 'layers'")
