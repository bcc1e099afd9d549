"""The arithmetic that an export can hold: a graph of plain operators, whatever format it is written in.

In:   arrays, which are known when a model is exported, and nodes, which are known when it is run.
Out:  nodes.
Rule: what an operator does is said here once; a format writes it down and adds nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import numpy as np

Value: TypeAlias = Union["Node", np.ndarray, float]
Build: TypeAlias = Callable[["Node"], tuple["Node", "Node"]]
"""Makes probabilities and the codes of decisions out of features as extracted: float32 (n, n_columns)."""


@dataclass(frozen=True)
class Node:
    """A value that is known when the model is run.

    Parameters
    ----------
    graph : Graph
        Where it belongs.
    value : object
        The format's own name for it.
    kind : str
        `float32`, `float64` (where the format has it), `int32` or `bool`.
    """

    graph: Graph
    value: Any
    kind: str

    def __add__(self, other: Value) -> Node:
        return self.graph.binary("add", self, other)

    def __sub__(self, other: Value) -> Node:
        return self.graph.binary("subtract", self, other)

    def __mul__(self, other: Value) -> Node:
        return self.graph.binary("multiply", self, other)

    def __truediv__(self, other: Value) -> Node:
        return self.graph.binary("divide", self, other)

    def __matmul__(self, other: Value) -> Node:
        return self.graph.binary("matmul", self, other)


class Graph(ABC):
    """A graph that is being written in one format. The first dimension of every node is clips.

    Arrays that meet a node are taken as that node's kind.
    """

    @abstractmethod
    def binary(self, name: str, one: Value, other: Value) -> Node:
        """`add`, `subtract`, `multiply`, `divide`, `maximum`, `matmul` as in NumPy; `at_most` whether one is at most the other.

        One of the two at least is a node.
        """

    @abstractmethod
    def unary(self, name: str, one: Node) -> Node:
        """`exp`, `absolute`, `rint` (halves to even) of each value; `softmax` over the last dimension."""

    @abstractmethod
    def greatest(self, one: Node) -> Node:
        """Where the greatest of a row is, the first of equals: int32, shape (n,) for (n, k)."""

    @abstractmethod
    def total(self, one: Node, axis: int, *, keep: bool = False) -> Node:
        """The sum over a dimension, which is kept as one of length 1 or goes."""

    @abstractmethod
    def look_up(self, table: np.ndarray, places: Node) -> Node:
        """Rows of a table, shape (*places.shape, *table.shape[1:]), in the table's kind."""

    @abstractmethod
    def columns(self, one: Node, places: np.ndarray) -> Node:
        """Columns of (n, k)."""

    @abstractmethod
    def values_at(self, one: Node, places: Node) -> Node:
        """The values of each row of (n, k) at places (n, m)."""

    @abstractmethod
    def where(self, condition: Node, one: Value, other: Value, kind: str) -> Node:
        """One where the condition holds, the other elsewhere, as that kind; all three of as many dimensions."""

    @abstractmethod
    def convolve(self, one: Node, weights: np.ndarray, bias: np.ndarray, spare: tuple[int, int]) -> Node:
        """Cross-correlation of (n, channels, columns), that many zeros added before and after, with (kernels, channels, width)."""

    @abstractmethod
    def pool(self, one: Node, width: int, spare: tuple[int, int]) -> Node:
        """The greatest of every `width` columns of (n, channels, columns), that many which never are the greatest added at the ends."""

    @abstractmethod
    def reshape(self, one: Node, shape: Sequence[int]) -> Node:
        """Clips of that shape."""

    @abstractmethod
    def to(self, one: Node, kind: str) -> Node:
        """The same values as another kind; `float64` is float32 in a format that has nothing finer."""

    def at_most(self, one: Value, other: Value) -> Node:
        """Whether each value is at most the other."""
        return self.binary("at_most", one, other)

    def at_least(self, one: Node, least: float) -> Node:
        """Each value, or `least` where it is less."""
        return self.binary("maximum", one, least)


def kind_of(*values: Value) -> str:
    """The kind of the first node among values, which arrays beside it are taken as."""
    return next(value.kind for value in values if isinstance(value, Node))
