"""The base class of feature extractors, and the matrices that they fill.

In:   a decoded clip.
Out:  a vector of float32, its columns named `group.descriptor.functional` and in a fixed order.
Rule: the fingerprint covers all that can change a value: name, version, every parameter, rate, the versions of
      the libraries that compute, and the package that brings the extractor. Values that change need a new `version`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.utils.plugins import provider
from ser_bench.utils.spec import canonical, describe

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip
    from ser_bench.utils.progress import Progress

HIGHEST_RATE = 192_000


class Extractor(ABC):
    """Computes a feature set of a clip. A subclass is a frozen dataclass; its fields are the parameters.

    Attributes
    ----------
    name : str
    version : int
        Changes whenever values do.
    description : str
        What it measures, in a few words: its row in tables.
    about_groups : mapping of str to str
        What is in groups of columns that no other set has.
    source, licence : str
        Where the set comes from, and under which terms its software stands.
    libraries : tuple of str
        Packages whose versions can change values.
    rate : int or None
        Samples a second that it hears; None: each file's own.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    description: ClassVar[str] = ""
    about_groups: ClassVar[Mapping[str, str]] = {}
    source: ClassVar[str]
    licence: ClassVar[str] = "MIT"
    libraries: ClassVar[tuple[str, ...]] = ("librosa", "numba", "numpy", "scipy", "soundfile", "soxr")
    rate: int | None

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the values, in order."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each column: what stands before its first point."""
        return tuple(column.partition(".")[0] for column in self.columns)

    @property
    def group_sizes(self) -> Mapping[str, int]:
        """How many columns each group has, groups in the order of their first ones."""
        return Counter(self.groups)

    @abstractmethod
    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip: float32, shape (n_columns,)."""

    def recall(self, store: Path) -> None:  # noqa: B027  (most have nothing to ask of others)
        """Take from a store what would else be asked of a slow library; before `columns` is asked for, where a store is at hand."""

    def prepare(self, progress: Progress) -> None:  # noqa: B027  (most need nothing)
        """Obtain what values are computed with, such as weights that are downloaded; called once, before any clip is measured.

        Raises
        ------
        WorkFailed
            In one line: what is missing, where it is to be had, how to give it.
        """

    @property
    def label(self) -> str:
        """Name and the parameters that are not at their defaults, as they are written."""
        return canonical(self.name, self)

    def describe(self) -> dict[str, Any]:
        """All that values, and their order, depend on; with the distribution that brings the extractor, where it is not built in."""
        brought = provider(type(self))
        return describe(self) | {"rate": self.rate or "own", "columns": list(self.columns)} | ({"provider": brought} if brought else {})

    @property
    def fingerprint(self) -> str:
        """Eight hex digits of `describe`."""
        return fingerprint_of(self.describe())


@dataclass(frozen=True)
class Copies:
    """Changed copies of clips, to be trained on beside them.

    Parameters
    ----------
    label : str
        How clips were changed, as tables name it.
    fingerprints : tuple of str
        Of the features of each kind of copy.
    of : array of int, shape (n_copies,)
        The row of the clip that each is a copy of.
    values : array of float32, shape (n_copies, n_columns)
    """

    label: str
    fingerprints: tuple[str, ...]
    of: np.ndarray
    values: np.ndarray

    def take(self, rows: np.ndarray, n_clips: int) -> Copies:
        """The copies of these of the clips, in their order."""
        places = np.full(n_clips, -1)
        places[rows] = np.arange(len(rows))
        kept = places[self.of] >= 0
        return dataclasses.replace(self, of=places[self.of[kept]], values=np.ascontiguousarray(self.values[kept]))

    @property
    def counted(self) -> str:
        """How many there are and of how many clips, as the rows of tables note it."""
        return f"training clips augmented ({self.label}): {len(self.of)} changed copies of {len(np.unique(self.of))} clips over all folds"

    @property
    def covered(self) -> list[Any]:
        """What a hash covers of them: how their values come about, and which clips they are copies of."""
        return [*self.fingerprints, hashlib.blake2b(self.of.astype("<i8").tobytes(), digest_size=8).hexdigest()]


@dataclass(frozen=True)
class Features:
    """A feature matrix.

    Parameters
    ----------
    name : str
        Of the feature set.
    fingerprint : str
        Of all that the values depend on, and of the columns' own names and order.
    columns, groups : tuple of str
    values : array of float32, shape (n_clips, n_columns)
    heard : str
        Which part of clips was heard, and how they were changed; empty for whole and unchanged ones.
    copies : Copies, optional
        Of the clips, for training.
    """

    name: str
    fingerprint: str
    columns: tuple[str, ...]
    groups: tuple[str, ...]
    values: np.ndarray
    heard: str = ""
    copies: Copies | None = None

    @property
    def label(self) -> str:
        """What tables call it: its name, how clips were heard, and which copies are trained on."""
        return feature_label(self.name, self.heard, self.copies.label if self.copies else "")

    def take(self, rows: np.ndarray) -> Features:
        """The same features of these rows, which are named by their places."""
        copies = self.copies.take(rows, len(self.values)) if self.copies else None
        return dataclasses.replace(self, values=np.ascontiguousarray(self.values[rows]), copies=copies)

    def of_groups(self, groups: Iterable[str]) -> Features:
        """The columns of some groups, under a name that says so; itself for all of them.

        Its fingerprint covers which columns these are: what belongs to a group may change while the whole matrix does not.
        """
        kept = sorted(set(groups))
        if kept == sorted(set(self.groups)):
            return self
        mine = np.array([group in kept for group in self.groups])
        return dataclasses.replace(
            self,
            name=f"{self.name} [{', '.join(kept)}]",
            fingerprint=fingerprint_of({"of": self.fingerprint, "columns": np.flatnonzero(mine).tolist()}),
            columns=tuple(column for column, of in zip(self.columns, mine, strict=True) if of),
            groups=tuple(group for group in self.groups if group in kept),
            values=np.ascontiguousarray(self.values[:, mine]),
            copies=dataclasses.replace(self.copies, values=np.ascontiguousarray(self.copies.values[:, mine])) if self.copies else None,
        )


def feature_label(name: str, heard: str, augmented: str = "") -> str:
    """What tables call a feature set: its name, with the window and the variant where clips are not heard whole and unchanged.

    Then with how training clips were augmented.

    Examples
    --------
    >>> feature_label("egemaps", ""), feature_label("egemaps", "first 2 s"), feature_label("egemaps", "", "noise")
    ('egemaps', 'egemaps @ first 2 s', 'egemaps, augmented: noise')
    """
    return (f"{name} @ {heard}" if heard else name) + (f", augmented: {augmented}" if augmented else "")


def check_rate(name: str, rate: int, lowest: int) -> None:
    """Refuse a rate that an extractor cannot hear, or nobody records at.

    Raises
    ------
    WrongCall
    """
    if not lowest <= rate <= HIGHEST_RATE:
        raise WrongCall(f"{name}: rate={rate}; it takes {lowest} to {HIGHEST_RATE} Hz")


def fingerprint_of(description: dict[str, Any]) -> str:
    """Eight hex digits of a description.

    >>> fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    True
    """
    return hashlib.blake2b(json.dumps(description, sort_keys=True).encode(), digest_size=4).hexdigest()
