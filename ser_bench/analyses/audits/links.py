"""How well emotions are predicted from one column of a table alone, and whether that is more than chance.

In:   the values of a column, the emotions, and whose voice each clip is.
Out:  the UAR, and a p-value by permutation within speakers.
Rule: differences between speakers do not count: emotions are permuted within each speaker, or, where a column has one value per speaker,
      its values among speakers. A value is tested in two ways: across other speakers, and within the same speaker's
      other clips (dates differ from speaker to speaker, and may still go with the emotion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 999
ENOUGH = 50
"""Permutations that reach the UAR after which no more are needed: p is far from small (Besag & Clifford 1991)."""
AT_A_TIME = 50

Codes = NDArray[np.intp]


class Link(NamedTuple):
    """How well a column predicts emotions.

    Parameters
    ----------
    uar : float
    expected : float
        The mean over permutations.
    p : float
    """

    uar: float
    expected: float
    p: float

    @property
    def excess(self) -> float:
        """How far the UAR is above what permutations give, as a share of what is possible."""
        return (self.uar - self.expected) / max(1 - self.expected, 1e-12)


@dataclass(frozen=True)
class Cells:
    """Clips by voice and value: `row` has the cell of each clip, `voice` and `value` those of each cell."""

    row: Codes
    voice: Codes
    value: Codes

    @classmethod
    def of(cls, voices: Codes, values: Codes) -> Cells:
        """The cells that hold clips."""
        pairs, row = np.unique(np.stack([voices, values]), axis=1, return_inverse=True)
        return cls(row.ravel(), pairs[0], pairs[1])

    def counts(self, codes: Codes, k: int) -> Codes:
        """Clips by cell and emotion."""
        return np.bincount(self.row * k + codes, minlength=len(self.voice) * k).reshape(-1, k)


def across_speakers(cells: Cells, codes: Codes) -> float:
    """The UAR of predicting each clip's emotion from how often other speakers' clips with the same value have each.

    Every emotion weighs the same whatever its number of clips. Emotions that are equally likely share the prediction, and a value
    that no other speaker has predicts all of them alike.

    >>> voices, values = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> across_speakers(Cells.of(voices, values), values), across_speakers(Cells.of(voices, values), np.array([0, 1, 1, 0]))
    (1.0, 0.0)
    """
    k = int(codes.max()) + 1
    counts = cells.counts(codes, k)
    others = _summed(counts, cells.value)[cells.value] - counts
    clips = np.bincount(codes, minlength=k) - _summed(counts, cells.voice)[cells.voice]
    return _uar(counts, _shares(others, clips))


def within_speakers(cells: Cells, codes: Codes) -> float:
    """The UAR of predicting each clip's emotion from the same speaker's other clips with the same value.

    >>> voices, values = np.repeat([0, 1], 4), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    >>> within_speakers(Cells.of(voices, values), np.array([0, 0, 1, 1, 1, 1, 0, 0]))
    1.0
    """
    k = int(codes.max()) + 1
    counts = cells.counts(codes, k)
    clips = _summed(counts, cells.voice)[cells.voice]
    itself = np.eye(k, dtype=int)
    # Of cell c, the clip's own emotion e and each emotion f: the clip itself does not count.
    shares = _shares(counts[:, None, :] - itself, clips[:, None, :] - itself, own=itself.astype(bool))
    return _uar(counts, shares)


def link(cells: Cells, codes: Codes, statistic: str, *, permutations: int = PERMUTATIONS) -> Link:
    """Test one statistic, ``across`` or ``within`` speakers, with emotions permuted within speakers.

    Parameters
    ----------
    cells : Cells
    codes : array of int, shape (n_clips,)
    statistic : {'across', 'within'}
    permutations : int
        At most so many.
    """
    measure = across_speakers if statistic == "across" else within_speakers
    voices = cells.voice[cells.row]
    sorted_codes = codes[np.argsort(voices, kind="stable")]

    def permuted(rng: np.random.Generator) -> float:
        found = np.empty_like(codes)
        found[np.lexsort((rng.random(len(codes)), voices))] = sorted_codes
        return measure(cells, found)

    return _test(measure(cells, codes), permuted, permutations)


def link_between(values: Codes, voices: Codes, codes: Codes, *, permutations: int = PERMUTATIONS) -> Link:
    """Test what a column with one value per speaker says of other speakers, with values permuted among speakers."""
    of_voice = np.zeros(voices.max() + 1, np.intp)
    of_voice[voices] = values

    def permuted(rng: np.random.Generator) -> float:
        return across_speakers(Cells.of(voices, rng.permutation(of_voice)[voices]), codes)

    return _test(across_speakers(Cells.of(voices, values), codes), permuted, permutations)


def _test(uar: float, permuted: Callable[[np.random.Generator], float], permutations: int) -> Link:
    rng = np.random.default_rng(0)
    null: list[float] = []
    reached = 0
    while len(null) < permutations and reached < ENOUGH:
        drawn = [permuted(rng) for _ in range(min(AT_A_TIME, permutations - len(null)))]
        reached += sum(one >= uar - 1e-12 for one in drawn)
        null += drawn
    return Link(uar, float(np.mean(null)), (1 + reached) / (1 + len(null)))


def _summed(counts: Codes, by: Codes) -> Codes:
    """Sums of rows by group."""
    sums = np.zeros((int(by.max()) + 1, counts.shape[1]), counts.dtype)
    np.add.at(sums, by, counts)
    return sums


def _shares(counts: Codes, clips: Codes, own: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """The share of the prediction that each emotion gets; with `own`, that of the clip's own emotion."""
    rates = counts / np.maximum(clips, 1)
    best = rates >= rates.max(-1, keepdims=True) - 1e-12
    shares = best / best.sum(-1, keepdims=True)
    return shares if own is None else np.asarray(shares[:, own])


def _uar(counts: Codes, shares: NDArray[np.float64]) -> float:
    clips = counts.sum(0)
    return float(((counts * shares).sum(0)[clips > 0] / clips[clips > 0]).mean())
