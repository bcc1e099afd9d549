"""Convolutional network along the columns (the extra `deep`): `cnn(layers=c256x5-c128x5-d.1-p8-c128x5-c128x5)`.

In:   a split, hyperparameters, a seed, and of a final fit its number of epochs.
Out:  a `FittedNetwork`.
Rule: what it is made of is said by `layers` alone, so that a published network can be stated.

It takes the columns of any feature set, in their order, as a sequence of one channel: a track over frames, or whatever else stands there.
`ser_bench.models.layers` says how layers are written, `ser_bench.models.training` lists the other hyperparameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_bench.models.base import Params
from ser_bench.models.layers import Layer, parse_layers
from ser_bench.models.training import NetworkModel

if TYPE_CHECKING:
    import optuna

SHAPES = ("c32x5-p4s-d", "c32x5-p4s-d-64", "c64x5-p4s-d-c64x5-p4s-d", "c64x5b-p4s-d-c64x5b-p4s-d-64")


class Cnn(NetworkModel):
    """Kernels that move along the columns, pooling, and dense layers."""

    name = "cnn"
    version = 1
    description = (
        "convolutional network along the columns in their order (PyTorch, extra deep), stopped early on inner validation speakers, "
        "classes balanced by default"
    )
    defaults = {"layers": "c32x5-p4s-d-64", "dropout": 0.3, "learning_rate": 1e-3}
    flat = False

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the layers, the dropout of those that name none, and the step."""
        params: Params = {"layers": trial.suggest_categorical("layers", SHAPES)}
        if any(layer.kind == "dropout" and layer.rate is None for layer in self.layers(params)):
            params["dropout"] = trial.suggest_float("dropout", 0.0, 0.6)
        params["learning_rate"] = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
        return params

    def layers(self, how: Params) -> tuple[Layer, ...]:
        """Layers of any kind, as `parse_layers` reads them."""
        return parse_layers(how["layers"], f"model {self.name}: 'layers'")
