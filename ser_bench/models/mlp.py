"""Neural network with one hidden layer.

In:   a split, hyperparameters, a seed, and of a final fit its number of epochs.
Out:  weights of `NETWORKS` networks, whose mean decides.
Rule: no training clip takes part in choosing the epoch.

Trained epoch by epoch, so that the inner validation speakers, and not a random tenth of the training clips, say when
to stop: after `PATIENCE` epochs without a lower log loss, every emotion counting the same. The weights of the
best epoch are kept; the final fit takes the median number of epochs over the inner folds. It is the mean of `NETWORKS` networks
that start elsewhere and see the clips in other orders: a single one's luck moves its score more than most hyperparameters do.

The arithmetic is that of scikit-learn's `MLPClassifier` (same start, batches, Adam), which spends most of an epoch on
checking its input when it is shown so few clips at a time.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, Split, argmax_prediction, balanced_weights
from ser_bench.models.packing import Packed

if TYPE_CHECKING:
    import optuna

BATCH = 128
MOST_EPOCHS = 100
EPOCHS_UNTUNED = 20
"""Epochs where no inner fold could tell."""
PATIENCE = 8
NETWORKS = 3
WIDEST = 4096
"""Units of the hidden layer."""


class Mlp(Model):
    """One hidden layer of rectified units, trained by Adam."""

    name = "mlp"
    version = 4
    max_features = 1000
    description = (
        f"mean of {NETWORKS} neural networks with one hidden layer (one while searching), stopped early on inner validation speakers, "
        "classes balanced by default"
    )
    defaults = {"width": 128, "alpha": 0.3, "learning_rate": 1e-3}
    bounds = {"width": (1, WIDEST), "alpha": (0.0, 1e3), "learning_rate": (1e-7, 1.0)}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the hidden layer's width, the weight decay and the step."""
        return {
            "width": trial.suggest_categorical("width", [32, 64, 128, 256]),
            "alpha": trial.suggest_float("alpha", 1e-4, 10.0, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train epoch by epoch."""
        weights = self.weights(split.y_train)
        if split.searching:
            return FittedMlp.of([train(split, weights, params, np.random.RandomState(seed), rounds)], split)
        starts = [np.random.RandomState(derived) for derived in np.random.SeedSequence(seed).generate_state(NETWORKS)]
        return FittedMlp.of([train(split, weights, params, start, rounds or EPOCHS_UNTUNED) for start in starts], split)

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns."""
        return n_train * (2.5e-5 + 1.7e-7 * n_columns)


class MlpWeights:
    """Weights of both layers, views of one vector.

    Parameters
    ----------
    shape : tuple of int
        Columns, hidden units and outputs.
    values : array of float32, shape (n_weights,)
    """

    def __init__(self, shape: tuple[int, int, int], values: np.ndarray) -> None:
        self.shape, self.values, self.floor = shape, values, np.zeros(shape[1], np.float32)
        self.hidden, self.hidden_bias, self.output, self.output_bias = self.parts(values)

    @classmethod
    def drawn(cls, shape: tuple[int, int, int], random: np.random.RandomState) -> MlpWeights:
        """Weights as training begins with them, drawn uniformly (Glorot & Bengio 2010)."""
        bounds = [(6 / (fan_in + fan_out)) ** 0.5 for fan_in, fan_out in itertools.pairwise(shape)]
        parts = [random.uniform(-b, b, size) for b, sizes in zip(bounds, layers_of(shape), strict=True) for size in sizes]
        return cls(shape, np.concatenate([part.ravel() for part in parts]).astype(np.float32))

    def parts(self, vector: np.ndarray) -> list[np.ndarray]:
        """Views of a vector in the weights' shapes."""
        shapes = [shape for layer in layers_of(self.shape) for shape in layer]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]

    def activate(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outputs of the hidden layer, and probabilities, shape (n, n_outputs)."""
        hidden = x @ self.hidden
        hidden += self.hidden_bias
        np.maximum(hidden, self.floor, out=hidden)  # a row of zeros: a third of the time that one zero takes
        scores = hidden @ self.output
        scores += self.output_bias
        scores -= np.ascontiguousarray(scores.T).max(0)[:, None]  # likewise: rows are too short to be gone through one by one
        np.exp(scores, out=scores)
        scores /= scores.sum(1, keepdims=True)
        return hidden, scores


def layers_of(shape: tuple[int, int, int]) -> list[tuple[tuple[int, ...], tuple[int]]]:
    """Shapes of weights and bias, one layer each."""
    n_columns, width, n_outputs = shape
    return [((n_columns, width), (width,)), ((width, n_outputs), (n_outputs,))]


class Adam:
    """Steps along running means of the gradient (Kingma & Ba 2015), with weight decay `alpha` on what is no bias."""

    MEAN, SQUARE, TINY = 0.9, 0.999, 1e-8

    def __init__(self, network: MlpWeights, step: float, alpha: float) -> None:
        self.network, self.step, self.steps = network, step, 0
        self.gradient, self.mean, self.square, self.buffer, self.decay = (np.zeros_like(network.values) for _ in range(5))
        self.hidden, self.hidden_bias, self.output, self.output_bias = network.parts(self.gradient)
        for weights in network.parts(self.decay)[::2]:
            weights[:] = alpha

    def learn(self, x: np.ndarray, target: np.ndarray, weights: np.ndarray) -> None:
        """Take one step on a batch: clips, their emotions as rows of 0 and 1, their weights (a column)."""
        network, total = self.network, weights.sum()
        hidden, error = network.activate(x)
        error -= target
        error *= weights
        back = error @ network.output.T
        back *= hidden > 0
        for slope, bias, a, b in ((self.output, self.output_bias, hidden, error), (self.hidden, self.hidden_bias, x, back)):
            np.matmul(a.T, b, out=slope)
            np.add.reduce(b, 0, out=bias)
        np.multiply(network.values, self.decay, out=self.buffer)
        self.gradient += self.buffer
        self.gradient /= total
        self.move()

    def move(self) -> None:
        """Change the weights by the gradient that stands."""
        self.steps += 1
        for moment, share, factor in ((self.mean, self.MEAN, np.float32(1)), (self.square, self.SQUARE, self.gradient)):
            moment *= np.float32(share)
            np.multiply(self.gradient, factor, out=self.buffer)
            self.buffer *= np.float32(1 - share)
            moment += self.buffer
        np.sqrt(self.square, out=self.buffer)
        self.buffer += np.float32(self.TINY)
        np.divide(self.mean, self.buffer, out=self.buffer)
        self.buffer *= np.float32(self.step * (1 - self.SQUARE**self.steps) ** 0.5 / (1 - self.MEAN**self.steps))
        self.network.values -= self.buffer


class Epoch:
    """The training clips, shown once in another order each time."""

    def __init__(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray, shuffling: np.random.RandomState) -> None:
        self.x, self.shuffling = x, shuffling
        self.target = np.eye(y.max() + 1, dtype=np.float32)[y]
        self.weights = weights.astype(np.float32)[:, None]

    def train(self, optimiser: Adam) -> None:
        """Show every clip once."""
        order = self.shuffling.permutation(len(self.x))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]  # gathered one by one: a copy of all clips would not stay in the processor's cache
            optimiser.learn(*(part.take(batch, 0) for part in (self.x, self.target, self.weights)))


class FittedMlp(Fitted):
    """Trained networks and the epochs that they were trained for, which are the same for all.

    Parameters
    ----------
    networks : list of MlpWeights
    present : array of int
        The emotions that training knew.
    n_classes, rounds : int
        Emotions of the system, and epochs trained.
    """

    kind = "mlp"

    def __init__(self, networks: list[MlpWeights], present: np.ndarray, n_classes: int, rounds: int) -> None:
        self.networks, self.present, self.n_classes, self.rounds = networks, present, n_classes, rounds

    @classmethod
    def of(cls, trained: list[tuple[MlpWeights, int]], split: Split) -> FittedMlp:
        """Networks with the epochs of each, trained on a split."""
        return cls([network for network, _ in trained], np.unique(split.y_train), split.n_classes, trained[0][1])

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the emotion with the highest mean probability."""
        probabilities = np.mean([network.activate(x)[1] for network in self.networks], axis=0)
        return argmax_prediction(probabilities, self.present, self.n_classes, self.rounds)

    def pack(self) -> Packed:
        """The weights, one row per network."""
        arrays = {"weights": np.stack([network.values for network in self.networks]), "present": self.present.astype(np.int64)}
        return Packed(self.kind, arrays, {"width": self.networks[0].shape[1], "rounds": int(self.rounds)})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> FittedMlp:
        """Networks over so many columns."""
        present = packed.present(n_classes)
        shape = (n_columns, packed.whole("width", 1, WIDEST), len(present))
        size = sum(math.prod(part) for layer in layers_of(shape) for part in layer)
        rows = packed.array("weights", np.float32, (None, size))
        return cls([MlpWeights(shape, row.copy()) for row in rows], present, n_classes, packed.rounds())


def train(split: Split, weights: np.ndarray, params: Params, random: np.random.RandomState, rounds: int | None) -> tuple[MlpWeights, int]:
    """Train one network for that many epochs, or until validation clips gain no more; returns it and the epochs."""
    present, y = np.unique(split.y_train, return_inverse=True)
    network = MlpWeights.drawn((split.x_train.shape[1], params["width"], len(present)), random)
    optimiser = Adam(network, params["learning_rate"], params["alpha"])
    epoch = Epoch(split.x_train, y, weights, random)
    if rounds is None:
        return network, train_watched(network, optimiser, epoch, split, present)
    for _ in range(rounds):
        epoch.train(optimiser)
    return network, rounds


def train_watched(network: MlpWeights, optimiser: Adam, epoch: Epoch, split: Split, present: np.ndarray) -> int:
    """Train until validation clips gain no more; leaves the best epoch's weights, and returns its number."""
    assert split.y_eval is not None
    known = np.isin(split.y_eval, present)
    x, y = split.x_eval[known], np.searchsorted(present, split.y_eval[known])
    clips, weights = np.arange(len(y)), balanced_weights(y)
    best_loss, best_epoch, best_values = np.inf, 0, network.values
    for number in range(1, MOST_EPOCHS + 1):
        epoch.train(optimiser)
        loss = -np.log(network.activate(x)[1][clips, y].clip(1e-7)) @ weights if len(y) else -number
        if loss < best_loss:
            best_loss, best_epoch, best_values = loss, number, network.values.copy()
        elif number - best_epoch >= PATIENCE:
            break
    network.values[:] = best_values
    return best_epoch
