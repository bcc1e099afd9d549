"""The arithmetic of networks: what layers compute, where weights start, and how they move.

In:   layers, the number of columns and emotions; gradients.
Out:  scores of clips; other weights.
Rule: the formulas and constants are Keras's, so that systems published with it can be stated; random numbers come from the generator
      that is handed in, never from PyTorch's own.

Weights start uniform within sqrt(6 / (fan in + fan out)) (Glorot & Bengio 2010), biases at 0. Batch normalisation (Ioffe & Szegedy
2015) has momentum .99 and epsilon .001; its moving variance is of the batch as it is, as in tf.keras (Keras before 2.4 made it
n / (n - 1.001) of that). Dropout (Srivastava et al. 2014) drops a value where a uniform number is below the rate and divides the others by
1 - rate. Steps are those of Keras's ``SGD``, ``RMSprop`` (rho .9) and ``Adam`` (.9, .999; Kingma & Ba 2015, the form before their section
2.1), epsilon 1e-7; `decay` divides the learning rate by 1 + decay x steps taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.models.layers import MOST_UNITS, WIDEST, Layer
from ser_bench.models.packing import Unfit

if TYPE_CHECKING:
    import torch

MOMENTUM, NARROW = 0.99, 1e-3
"""Of batch normalisation: what stays of the moving mean and variance, and what is added to a variance."""
EPSILON = 1e-7
RHO = 0.9
MEAN, SQUARE = 0.9, 0.999
"""Adam's two running means."""
OPTIMISERS = ("adam", "rmsprop", "sgd")
PREDICTED_AT_ONCE = 256
DIMENSIONS = {"conv": (2,), "dense": (1,), "norm": (1, 2), "relu": (1, 2), "pool": (2,), "flatten": (2,)}
"""Of clips, before each kind of step that acts on those to decide about."""
MOST_STAGES, MOST_VALUES = 400, 1 << 24
"""What a network that is read from a file may have: steps, and values of a clip after one of them."""


@dataclass(frozen=True)
class Stage:
    """One step of arithmetic.

    Parameters
    ----------
    kind : {'conv', 'dense', 'norm', 'relu', 'dropout', 'pool', 'flatten'}
    layer : Layer
        What it belongs to.
    comes, goes : tuple of int
        Shapes of a clip before and after: (channels, columns), or (values,).
    """

    kind: str
    layer: Layer
    comes: tuple[int, ...]
    goes: tuple[int, ...]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of its weights, as PyTorch has them, and its bias; of a normalisation of scale and shift."""
        if self.kind == "conv":
            return [(self.goes[0], self.comes[0], self.layer.width), (self.goes[0],)]
        if self.kind == "dense":
            return [(self.goes[0], self.comes[0]), (self.goes[0],)]
        return [(self.comes[0],)] * 2 if self.kind == "norm" else []

    @property
    def products(self) -> int:
        """Multiplications for a clip, those that matter."""
        return prod(self.shapes[0]) * prod(self.goes[1:]) if self.kind in {"conv", "dense"} else 0


def stages_of(layers: Sequence[Layer], comes: tuple[int, ...], n_outputs: int, where: str = "layers") -> list[Stage]:
    """The steps from clips of a shape to scores.

    Parameters
    ----------
    layers : sequence of Layer
    comes : tuple of int
        (1, n_columns) for a sequence of one channel, (n_columns,) for plain values.
    n_outputs : int
    where : str
        What errors begin with.

    Raises
    ------
    WrongCall
        Where the layers leave no column.

    >>> from ser_bench.models.layers import parse_layers
    >>> [stage.kind for stage in stages_of(parse_layers("c8x5b-p2"), (1, 20), 3)]
    ['conv', 'norm', 'relu', 'pool', 'flatten', 'dense']
    """
    stages: list[Stage] = []
    for layer in [*layers, Layer("dense", n_outputs)]:
        for kind in kinds_of(layer, len(comes)):
            goes = shape_after(kind, layer, comes)
            if min(goes) < 1:
                raise WrongCall(f"{where}: the columns are too few for these, at least {least_columns(layers)} are needed")
            stages.append(Stage(kind, layer, comes, goes))
            comes = goes
    return stages[:-1]


def kinds_of(layer: Layer, dimensions: int) -> list[str]:
    """The steps of a layer, where clips have so many dimensions."""
    if layer.kind not in {"conv", "dense"}:
        return [layer.kind]
    flat = ["flatten"] if layer.kind == "dense" and dimensions == 2 else []
    return [*flat, layer.kind, *(["norm"] if layer.norm else []), "relu"]


def shape_after(kind: str, layer: Layer, comes: tuple[int, ...]) -> tuple[int, ...]:
    """A clip's shape after a step."""
    if kind == "flatten":
        return (prod(comes),)
    if kind == "dense":
        return (layer.size,)
    if kind == "conv":
        return layer.size, comes[1] if layer.same else comes[1] - layer.width + 1
    if kind == "pool":
        return comes[0], -(-comes[1] // layer.width) if layer.same else comes[1] // layer.width
    return comes


def pack_stages(stages: Sequence[Stage]) -> list[list[Any]]:
    """The steps that act on clips to decide about, as JSON has them: kind, units or kernels, width, and whether columns are added."""
    return [[stage.kind, stage.layer.size, stage.layer.width, stage.layer.same] for stage in stages if stage.kind != "dropout"]


def read_stages(said: object, comes: tuple[int, ...], n_outputs: int) -> list[Stage]:
    """What `pack_stages` gave, from clips of a shape to scores.

    Raises
    ------
    Unfit
        Where such steps cannot follow each other, or do not end there.

    >>> [stage.goes for stage in read_stages([["flatten", 0, 0, False], ["dense", 3, 0, False]], (1, 20), 3)]
    [(20,), (3,)]
    """
    if not isinstance(said, list) or not 0 < len(said) <= MOST_STAGES:
        raise Unfit("its value 'stages' is not of the form that it has")
    stages: list[Stage] = []
    for one in said:
        match one:
            case [str(kind), int(size), int(width), bool(same)] if kind in DIMENSIONS and len(comes) in DIMENSIONS[kind]:
                layer = Layer(kind, size, width, same)
            case _:
                raise Unfit("its value 'stages' names a step that cannot stand there")
        if not (kind not in {"conv", "dense"} or 0 < size <= MOST_UNITS) or not (kind not in {"conv", "pool"} or 0 < width <= WIDEST):
            raise Unfit("its value 'stages' names a step of a size that none has")
        goes = shape_after(kind, layer, comes)
        if min(goes) < 1 or prod(goes) > MOST_VALUES:
            raise Unfit("its value 'stages' names steps that leave no values, or too many")
        stages.append(Stage(kind, layer, comes, goes))
        comes = goes
    if comes != (n_outputs,):
        raise Unfit("its value 'stages' does not end with a score per class")
    return stages


def least_columns(layers: Sequence[Layer]) -> int:
    """The fewest columns of which these layers leave one.

    >>> from ser_bench.models.layers import parse_layers
    >>> least_columns(parse_layers("c8x5v-p4")), least_columns(parse_layers("c8x5-p4s"))
    (8, 1)
    """
    least = 1
    for layer in reversed(layers):
        if layer.kind == "pool":
            least = (least - 1) * layer.width + 1 if layer.same else least * layer.width
        elif layer.kind == "conv" and not layer.same:
            least += layer.width - 1
    return least


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and with algorithms that always add up in one order; as it was before afterwards."""
    import torch

    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.set_num_threads(1)
    # As `use_deterministic_algorithms`, which imports a compiler first, for seconds.
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)


class Network:
    """Stages with their weights.

    Parameters
    ----------
    stages : list of Stage
    dropout : float
        Of dropout layers that name no rate.
    generator : torch.Generator
        What weights are drawn with, and then what is dropped.

    Attributes
    ----------
    weights : list of torch.Tensor
        What is trained.
    moving : list of torch.Tensor
        Moving means and variances of batch normalisations, in turn.
    """

    def __init__(self, stages: list[Stage], dropout: float, generator: torch.Generator) -> None:
        self.stages, self.dropout, self.generator = stages, dropout, generator
        self.weights: list[torch.Tensor] = []
        self.moving: list[torch.Tensor] = []
        for stage in stages:
            self._start(stage)

    def _start(self, stage: Stage) -> None:
        import torch

        if stage.kind == "norm":
            ones, zeros = (make(stage.shapes[0], dtype=torch.float32) for make in (torch.ones, torch.zeros))
            new = [ones, zeros]
            self.moving += [zeros.clone(), ones.clone()]
        elif stage.shapes:
            shape = stage.shapes[0]
            bound = (6 / ((shape[0] + shape[1]) * prod(shape[2:]))) ** 0.5
            drawn = torch.rand(shape, generator=self.generator, dtype=torch.float32)
            new = [(2 * drawn - 1) * bound, torch.zeros(stage.shapes[1], dtype=torch.float32)]
        else:
            return
        self.weights += [values.requires_grad_() for values in new]

    def scores(self, x: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Scores before the softmax, shape (n, n_outputs), of clips of shape (n, n_columns)."""
        x = x.reshape(len(x), *self.stages[0].comes)
        weights, moving = iter(self.weights), iter(self.moving)
        for stage in self.stages:
            x = self._apply(stage, x, weights, moving, training)
        return x

    def _apply(
        self, stage: Stage, x: torch.Tensor, weights: Iterator[torch.Tensor], moving: Iterator[torch.Tensor], training: bool
    ) -> torch.Tensor:
        from torch.nn import functional

        width = stage.layer.width
        match stage.kind:
            case "conv":
                spare = width - 1 if stage.layer.same else 0
                return functional.conv1d(functional.pad(x, (spare // 2, spare - spare // 2)), next(weights), next(weights))
            case "dense":
                return functional.linear(x, next(weights), next(weights))
            case "norm":
                return normalised(x, [next(weights), next(weights)], [next(moving), next(moving)], training=training)
            case "relu":
                return functional.relu(x)
            case "pool":
                spare = stage.goes[1] * width - stage.comes[1] if stage.layer.same else 0
                return functional.max_pool1d(functional.pad(x, (spare // 2, spare - spare // 2), value=-np.inf), width)
            case "flatten":
                return x.flatten(1)
        return self._dropped(x, self.dropout if stage.layer.rate is None else stage.layer.rate) if training else x

    def _dropped(self, x: torch.Tensor, rate: float) -> torch.Tensor:
        import torch

        if not rate:
            return x
        kept = torch.rand(x.shape, generator=self.generator, dtype=torch.float32) >= rate
        return x * kept / (1 - rate)

    @property
    def state(self) -> list[np.ndarray]:
        """Copies of all weights and moving statistics."""
        return [values.detach().numpy().copy() for values in (*self.weights, *self.moving)]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Take weights and moving statistics back."""
        import torch

        with torch.no_grad():
            for values, kept in zip((*self.weights, *self.moving), state, strict=True):
                values.copy_(torch.from_numpy(kept.copy()))

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Softmax of the scores as they are outside of training, shape (n, n_outputs)."""
        import torch

        with torch.no_grad():
            rows = torch.from_numpy(np.array(x, np.float32, order="C")).split(PREDICTED_AT_ONCE)
            parts = [torch.softmax(self.scores(some, training=False), 1).numpy() for some in rows if len(some)]
        return np.concatenate([np.zeros((0, self.stages[-1].goes[0]), np.float32), *parts])


def normalised(x: torch.Tensor, weights: list[torch.Tensor], moving: list[torch.Tensor], *, training: bool) -> torch.Tensor:
    """Batch normalisation by channel; while training by the batch's own mean and variance, which move `moving`."""
    import torch

    others, by_channel = ([0, 2], (1, -1, 1)) if x.dim() == 3 else ([0], (1, -1))
    mean, variance = moving
    if training:
        mean, variance = x.mean(others), x.var(others, correction=0)
        with torch.no_grad():
            for kept, new in zip(moving, (mean, variance), strict=True):
                kept.mul_(MOMENTUM).add_(new, alpha=1 - MOMENTUM)
    scale = weights[0] / torch.sqrt(variance + NARROW)
    return x * scale.reshape(by_channel) + (weights[1] - mean * scale).reshape(by_channel)


class Optimiser:
    """Steps of one kind.

    Parameters
    ----------
    weights : list of torch.Tensor
    how : dict
        `optimiser`, `learning_rate`, `decay` and `momentum`.
    """

    def __init__(self, weights: list[torch.Tensor], how: dict[str, Any]) -> None:
        import torch

        self.weights, self.kind = weights, how["optimiser"]
        self.rate, self.decay, self.momentum = how["learning_rate"], how["decay"], how["momentum"]
        self.steps = 0
        self.first, self.second = ([torch.zeros_like(values) for values in weights] for _ in range(2))

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        """Move the weights by their gradients."""
        import torch

        rate = self.rate / (1 + self.decay * self.steps)
        self.steps += 1
        move = {"adam": self._adam, "rmsprop": self._rmsprop, "sgd": self._sgd}[self.kind]
        with torch.no_grad():
            for values, gradient, first, second in zip(self.weights, gradients, self.first, self.second, strict=True):
                values.sub_(move(gradient, first, second, rate))

    def _adam(self, gradient: torch.Tensor, mean: torch.Tensor, square: torch.Tensor, rate: float) -> torch.Tensor:
        mean.mul_(MEAN).add_(gradient, alpha=1 - MEAN)
        square.mul_(SQUARE).addcmul_(gradient, gradient, value=1 - SQUARE)
        rate *= (1 - SQUARE**self.steps) ** 0.5 / (1 - MEAN**self.steps)
        return mean.mul(rate).div_(square.sqrt().add_(EPSILON))

    def _rmsprop(self, gradient: torch.Tensor, velocity: torch.Tensor, square: torch.Tensor, rate: float) -> torch.Tensor:
        square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
        if not self.momentum:
            return gradient.mul(rate).div_(square.sqrt().add_(EPSILON))
        return velocity.mul_(self.momentum).add_(gradient.mul(rate).div_(square.add(EPSILON).sqrt_()))

    def _sgd(self, gradient: torch.Tensor, velocity: torch.Tensor, square: torch.Tensor, rate: float) -> torch.Tensor:
        return velocity.mul_(self.momentum).add_(gradient, alpha=rate)
