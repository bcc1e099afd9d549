"""How networks are trained: what `dense` and `cnn` share.

In:   one split, the layers, and the hyperparameters below.
Out:  a `FittedNetwork`: weights as arrays, which need no PyTorch to be kept.
Rule: one thread and a generator of the fit's own: the same bytes in any process. Validation clips (`y_eval`) say which epoch is
      best, and training clips never do.

=================== ==================================================================================
hyperparameter      what it is
=================== ==================================================================================
``layers``          `ser_bench.models.layers`
``dropout``         of `dense` after every hidden layer, of `cnn` where ``d`` stands without a rate
``learning_rate``   .001, Keras's default for Adam and RMSprop (SGD's is .01)
``batch_norm``      of `dense`: whether a batch normalisation comes before every hidden layer
``optimiser``       ``adam``, ``rmsprop`` or ``sgd``
``decay``           the learning rate is divided by 1 + decay x steps taken; 0 as in Keras
``momentum``        of ``sgd`` and ``rmsprop``; 0 as in Keras
``batch``           clips of a step, 32 as in Keras; the last of an epoch takes what is left, as Keras's ``fit`` does
``epochs``          the most; all of them where no validation clips say when to stop
``patience``        epochs without gain after which training stops; 0: none, all are trained
``lr_factor``       what the learning rate is multiplied with after ``lr_patience`` epochs without gain; 1 leaves it, and so
                    does a final fit, which has no validation clips (Keras's ``ReduceLROnPlateau``, whose gain is 1e-4)
``watch``           ``loss`` or ``accuracy`` of the validation clips, of which the best epoch's weights are kept; ``none`` trains
                    all epochs and keeps the last
=================== ==================================================================================

The first three are searched where they are not fixed. An epoch shows every training clip once, in another order each time. The loss is the
cross-entropy, clips weighted by the run's class weights, its mean over the clips of a batch; validation clips are weighted in the same
way.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ser_bench.config import BALANCED
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.models.base import Fitted, Model, Params, Prediction, Split, argmax_prediction
from ser_bench.models.checkpoints import FitCheckpoint
from ser_bench.models.layers import Layer
from ser_bench.models.networks import (
    OPTIMISERS,
    Network,
    Optimiser,
    Stage,
    least_columns,
    one_thread,
    pack_stages,
    read_stages,
    stages_of,
)
from ser_bench.models.packing import LARGEST, Packed
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import tell_epoch

if TYPE_CHECKING:
    import torch

NONE, ACCURACY = "none", "accuracy"
WATCHED = ("loss", ACCURACY, NONE)
PLATEAU_GAIN = 1e-4
"""What Keras's ``ReduceLROnPlateau`` takes for a gain."""
PRODUCTS_PER_SECOND, VALUES_PER_SECOND = 4e10, 1e8
SECONDS_PER_STEP = 1e-3
"""Of one core: multiplications and values of a clip's way forward and back, and what a batch costs besides."""


class NetworkModel(Model):
    """What networks of either kind have in common."""

    libraries = ("torch",)
    extra = "deep"
    tells_epochs = True
    settings: ClassVar[Mapping[str, Any]] = {
        "optimiser": "adam",
        "decay": 0.0,
        "momentum": 0.0,
        "batch": 32,
        "epochs": 100,
        "patience": 10,
        "lr_factor": 1.0,
        "lr_patience": 10,
        "watch": "loss",
    }
    bounds = {
        "layers": (),
        "dropout": (0.0, 0.95),
        "learning_rate": (1e-8, 10.0),
        "optimiser": OPTIMISERS,
        "decay": (0.0, 1.0),
        "momentum": (0.0, 0.999),
        "batch": (1, 100_000),
        "epochs": (1, 100_000),
        "patience": (0, 100_000),
        "lr_factor": (1e-3, 1.0),
        "lr_patience": (1, 100_000),
        "watch": WATCHED,
        "batch_norm": (False, True),
    }
    flat: ClassVar[bool]

    def __init__(self, class_weights: str = BALANCED, fixed: Mapping[str, Any] | None = None) -> None:
        super().__init__(class_weights, fixed)
        how = self.setting(self.start)
        self.layers(how)
        if how["momentum"] and how["optimiser"] == "adam":
            raise WrongCall(f"model {self.label}: adam has no 'momentum'; fix optimiser=sgd or rmsprop, or leave it out")

    @abstractmethod
    def layers(self, how: Params) -> tuple[Layer, ...]:
        """The layers but for the last, with all hyperparameters known; errors as `parse_layers`."""

    def stages(self, how: Params, n_columns: int, n_outputs: int) -> list[Stage]:
        """The steps of arithmetic, errors as `stages_of`."""
        return stages_of(self.layers(how), (n_columns,) if self.flat else (1, n_columns), n_outputs, f"model {self.label}")

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train that many epochs, or as far as validation clips and the hyperparameters say."""
        import torch

        how = self.setting(params)
        present, y = np.unique(split.y_train, return_inverse=True)
        stages = self.stages(how, split.x_train.shape[1], len(present))
        with one_thread(), torch.enable_grad():
            generator = torch.Generator().manual_seed(seed)
            network = Network(stages, how.get("dropout", 0.0), generator)
            course = Course(network, (split.x_train, y, self.weights(split.y_train)), how)
            watched = None if rounds or how["watch"] == NONE or split.y_eval is None else self.validation(split, present, how)
            about = {"how": how, "seed": seed, "rounds": rounds, "model": [self.name, self.version, self.class_weights, split.n_classes]}
            epochs = course.run(rounds or how["epochs"], watched, FitCheckpoint(split, about))
        return FittedNetwork(network.stages, network.state, present, split.n_classes, epochs)

    def validation(self, split: Split, present: np.ndarray, how: Params) -> Validation:
        """The validation clips whose emotions training knows."""
        assert split.y_eval is not None
        known = np.isin(split.y_eval, present)
        y = split.y_eval[known]
        return Validation(split.x_eval[known], np.searchsorted(present, y), self.weights(y), how)

    @property
    def least_columns(self) -> int:
        """The fewest columns that the layers can do with."""
        return 1 if self.flat else least_columns(self.layers(self.setting(self.start)))

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips, multiplications and epochs, of which half are expected where training may stop early."""
        how = self.setting(self.start)
        stages = self.stages(how, n_columns, 6)
        products, values = sum(stage.products for stage in stages), sum(prod(stage.goes) for stage in stages)
        per_clip = 3 * products / PRODUCTS_PER_SECOND + values / VALUES_PER_SECOND + SECONDS_PER_STEP / min(how["batch"], n_train)
        stops = how["patience"] and how["watch"] != NONE
        return n_train * per_clip * (min(how["epochs"], max(20, how["epochs"] // 2)) if stops else how["epochs"])

    def seconds(self, n_clips: int, n_columns: int, trials: int, inner: int) -> float:
        """As of any model, but that the final fit is a fit like the others, and a single trial is never pruned."""
        return ((0.5 * trials if trials > 1 else trials) * inner + 1) * self.fit_seconds(n_clips, n_columns)

    def notes(self, n_train: int, n_columns: int) -> list[str]:
        """That a final fit's learning rate stays as it starts."""
        changing = self.setting({})["lr_factor"] < 1
        return [f"{self.name}: the learning rate of final fits is not reduced: they have no validation clips"] if changing else []


class Validation:
    """Clips that say which epoch is best.

    Parameters
    ----------
    x : array of float32, shape (n, n_columns)
    y : array of int, shape (n,)
        Their emotions, numbered among those that training knows.
    weights : array of float, shape (n,)
    how : dict
        `watch`, `patience`, `lr_factor` and `lr_patience`.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray, how: Params) -> None:
        self.x, self.y, self.weights, self.how = x, y, weights, how
        self.best, self.best_epoch, self.state = np.inf, 0, list[np.ndarray]()
        self.plateau, self.stalled = np.inf, 0

    def error(self, network: Network, epoch: int) -> float:
        """What the best epoch has the least of: the log loss, or minus the accuracy; without a clip the last epoch is the best."""
        if not len(self.y):
            return -float(epoch)
        probabilities = network.probabilities(self.x)
        if self.how["watch"] == ACCURACY:
            return -float(self.weights @ (probabilities.argmax(1) == self.y)) / len(self.y)
        return float(-np.log(probabilities[np.arange(len(self.y)), self.y].clip(1e-7)) @ self.weights) / len(self.y)

    def look(self, network: Network, optimiser: Optimiser, epoch: int) -> bool:
        """Keep the epoch if it is the best, and reduce the learning rate if it is time to; whether to go on."""
        error = self.error(network, epoch)
        if error < self.best:
            self.best, self.best_epoch, self.state = error, epoch, network.state
        self.stalled += 1
        if error < self.plateau - PLATEAU_GAIN:
            self.plateau, self.stalled = error, 0
        elif self.stalled >= self.how["lr_patience"]:
            optimiser.rate *= self.how["lr_factor"]
            self.stalled = 0
        return not self.how["patience"] or epoch - self.best_epoch < self.how["patience"]


class Course:
    """One training: a network, the clips that it is shown, and its optimiser.

    Parameters
    ----------
    network : Network
    clips : tuple of arrays
        Columns, emotions as numbers without gaps, and weights of the training clips.
    how : dict
        Hyperparameters.
    """

    def __init__(self, network: Network, clips: tuple[np.ndarray, np.ndarray, np.ndarray], how: Params) -> None:
        import torch

        x, y, weights = clips
        self.network, self.how = network, how
        self.x, self.y = torch.from_numpy(np.array(x, np.float32, order="C")), torch.from_numpy(y.astype(np.int64))
        self.weights = torch.from_numpy(weights.astype(np.float32))
        self.optimiser = Optimiser(network.weights, how)

    def run(self, epochs: int, watched: Validation | None, checkpoint: FitCheckpoint) -> int:
        """Train for so many epochs, or as long as validation clips gain; leaves the best epoch's weights, and returns its number."""
        number, ended = checkpoint.restore(self, watched)
        while not ended:
            number += 1
            loss = self.epoch()
            if not np.isfinite(loss):
                after = number_of(number, "epoch")
                raise WorkFailed(f"the loss is no number after {after}: the learning rate {self.how['learning_rate']:g} is too large")
            tell_epoch(number, epochs, loss)
            stops = watched is not None and not watched.look(self.network, self.optimiser, number)
            ended = stops or number == epochs
            checkpoint.keep(self, watched, number, ended=ended)
        if not watched:
            return epochs
        self.network.restore(watched.state)
        return watched.best_epoch

    def epoch(self) -> float:
        """Show every clip once; the mean loss."""
        import torch

        order = torch.randperm(len(self.x), generator=self.network.generator)
        losses = [self.step(rows) * len(rows) for rows in order.split(self.how["batch"])]
        return sum(losses) / len(self.x)

    def step(self, rows: torch.Tensor) -> float:
        """Move the weights once, by the loss of these clips."""
        import torch

        scores = self.network.scores(self.x[rows], training=True)
        each = torch.nn.functional.cross_entropy(scores, self.y[rows], reduction="none")
        loss = (each * self.weights[rows]).mean()
        self.optimiser.step(torch.autograd.grad(loss, self.network.weights))
        return loss.item()


class FittedNetwork(Fitted):
    """A trained network.

    Parameters
    ----------
    stages : list of Stage
    state : list of arrays
        Its weights and moving statistics.
    present : array of int
        The emotions that training knew.
    n_classes, rounds : int
        Emotions of the system, and epochs trained.
    """

    kind = "network"

    def __init__(self, stages: list[Stage], state: list[np.ndarray], present: np.ndarray, n_classes: int, rounds: int) -> None:
        self.stages, self.state = stages, state
        self.present, self.n_classes, self.rounds = present, n_classes, rounds

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        import torch

        with one_thread():
            network = Network(self.stages, 0.0, torch.Generator())
            network.restore(self.state)
            return argmax_prediction(network.probabilities(x), self.present, self.n_classes, self.rounds)

    def pack(self) -> Packed:
        """The steps that act on clips to decide about, and the weights."""
        arrays = {f"state.{number}": values for number, values in enumerate(self.state)}
        values = {"stages": pack_stages(self.stages), "flat": len(self.stages[0].comes) == 1, "rounds": int(self.rounds)}
        return Packed(self.kind, arrays | {"present": self.present.astype(np.int64)}, values)

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> FittedNetwork:
        """A network over so many columns; it takes PyTorch to be installed, and imports it when it predicts."""
        if lacking := NetworkModel.lacks():
            raise WrongCall(f"a network of several layers {lacking}")
        present = packed.present(n_classes)
        comes = (n_columns,) if packed.values.get("flat") is True else (1, n_columns)
        stages = read_stages(packed.values.get("stages"), comes, len(present))
        shapes = [shape for stage in stages for shape in stage.shapes] + [
            shape for stage in stages if stage.kind == "norm" for shape in stage.shapes
        ]
        state = [packed.array(f"state.{number}", np.float32, shape, (-LARGEST, LARGEST)) for number, shape in enumerate(shapes)]
        return cls(stages, state, present, n_classes, packed.rounds())
