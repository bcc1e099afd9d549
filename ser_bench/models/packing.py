"""How what was trained is written down: arrays by name, and values that JSON has.

In:   a trained model; or what a file holds of one.
Out:  a `Packed`; or the model again, whose predictions are the same bits.
Rule: nothing that is read is trusted. A kind names a class that is known here, never one to be imported, and a class takes only arrays of
      the type, shape and range that it states, so that none can lead arithmetic, in whatever library, out of its memory or into a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ser_bench.errors import WrongCall, quoted

MOST_CLASSES, MOST_COLUMNS = 1_000, 10_000_000
"""What a bundle may have."""
LARGEST = 1e30
"""What no number of a model exceeds."""
REGRESSION = "logreg"
"""The kind of a logistic regression, from whichever library."""


class Unfit(ValueError):
    """What a file holds cannot be what it is said to be: why, in one short phrase."""


@dataclass(frozen=True)
class Packed:
    """Something that was trained, as it is stored.

    Parameters
    ----------
    kind : str
        Which class it is of.
    arrays : mapping of str to array
    values : mapping of str to object
        As JSON has them.
    """

    kind: str
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def array(
        self,
        name: str,
        dtype: type[np.generic],
        shape: tuple[int | None, ...],
        span: tuple[float, float] = (-np.inf, np.inf),
        *,
        finite: bool = True,
    ) -> np.ndarray:
        """An array, checked.

        Parameters
        ----------
        name : str
        dtype : type
        shape : tuple
            None stands for any length above 0.
        span : tuple of float
            The least and the most of its values.
        finite : bool
            Whether values may be no number or infinite.

        Raises
        ------
        Unfit

        >>> Packed("x", {"a": np.zeros(3)}).array("a", np.float64, (4,))
        Traceback (most recent call last):
        ser_bench.models.packing.Unfit: its array 'a' has the shape (3,), not (4,)
        """
        found = self.arrays.get(name)
        if found is None:
            raise Unfit(f"its array '{name}' is missing")
        if found.dtype != np.dtype(dtype):
            raise Unfit(f"its array '{name}' holds {found.dtype}, not {np.dtype(dtype)}")
        wanted = "(" + ", ".join("any" if length is None else str(length) for length in shape) + ("," if len(shape) == 1 else "") + ")"
        same = [length > 0 if want is None else length == want for length, want in zip(found.shape, shape, strict=False)]
        if found.ndim != len(shape) or not all(same):
            raise Unfit(f"its array '{name}' has the shape {found.shape}, not {wanted}")
        if finite and not np.isfinite(found).all():
            raise Unfit(f"its array '{name}' holds values that are no numbers")
        if found.size and not (span[0] <= found.min() and found.max() <= span[1]):
            raise Unfit(f"its array '{name}' holds values outside of {span[0]:g} to {span[1]:g}")
        return found

    def present(self, n_classes: int) -> np.ndarray:
        """The classes that training knew, ascending codes: the array `present`, shape (two or more,)."""
        found = self.array("present", np.int64, (None,), (0, n_classes - 1))
        if len(found) < 2 or (np.diff(found) < 1).any():
            raise Unfit("its array 'present' does not hold two or more ascending codes")
        return found

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number between two; errors as `array`."""
        found = self.values.get(name)
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise Unfit(f"its value '{name}' is no whole number from {least} to {most}")
        return found

    def rounds(self) -> int:
        """The value `rounds`: the rounds or epochs that a model was trained for."""
        return self.whole("rounds", 0, 2**31)

    def number(self, name: str, least: float, most: float) -> float:
        """A number between two; errors as `array`."""
        found = self.values.get(name)
        if not isinstance(found, int | float) or isinstance(found, bool) or not least <= found <= most:
            raise Unfit(f"its value '{name}' is no number from {least:g} to {most:g}")
        return float(found)

    def text(self, name: str) -> str:
        """A text; errors as `array`."""
        found = self.values.get(name)
        if not isinstance(found, str):
            raise Unfit(f"its value '{name}' is no text")
        return found

    def texts(self, name: str, least: int, most: int) -> tuple[str, ...]:
        """As many texts; errors as `array`."""
        found = self.values.get(name)
        if not isinstance(found, list) or not least <= len(found) <= most or not all(isinstance(one, str) for one in found):
            raise Unfit(f"its value '{name}' is no list of {least}{f' to {most}' if most > least else ''} texts")
        return tuple(found)

    def with_part(self, name: str, part: Packed) -> Packed:
        """The same with another one inside, whose arrays carry the name before a point."""
        arrays = {f"{name}.{key}": value for key, value in part.arrays.items()}
        return Packed(self.kind, {**self.arrays, **arrays}, {**self.values, name: {"kind": part.kind, "values": dict(part.values)}})

    def part(self, name: str) -> Packed:
        """What `with_part` put inside; errors as `array`."""
        said = self.values.get(name)
        if not isinstance(said, dict) or not isinstance(said.get("kind"), str) or not isinstance(said.get("values"), dict):
            raise Unfit(f"its value '{name}' is not of the form that it has")
        arrays = {key.removeprefix(f"{name}."): value for key, value in self.arrays.items() if key.startswith(f"{name}.")}
        return Packed(said["kind"], arrays, said["values"])


class Packable:
    """What can be written down. A subclass that can says its `kind`, which no other has, and has `pack` and `unpack`."""

    kind: ClassVar[str] = ""
    kinds: ClassVar[dict[str, type[Packable]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if kind := cls.__dict__.get("kind"):
            Packable.kinds[kind] = cls

    def pack(self) -> Packed:
        """All that it is, as arrays and values.

        Raises
        ------
        WrongCall
            Where it cannot be written down.
        """
        raise WrongCall(f"{type(self).__name__} cannot be written to a file: give it 'kind', 'pack' and 'unpack' (CONTRIBUTING, a model)")

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> Packable:
        """What `pack` wrote down.

        Parameters
        ----------
        packed : Packed
            As a file has it: anything.
        n_columns, n_classes : int
            Columns of the clips that it will be shown, and classes that it is to know of.

        Raises
        ------
        Unfit
            Where it is not what `pack` writes for so many columns and classes.
        """
        raise Unfit(f"nothing of the kind '{cls.kind}' can be read")


def unpack(packed: Packed, n_columns: int, n_classes: int, among: type[Packable] = Packable) -> Any:
    """What was packed, of whichever of the known kinds that are `among`; errors as `Packable.unpack`."""
    found = Packable.kinds.get(packed.kind)
    if found is None or not issubclass(found, among):
        raise Unfit(f"it holds something of the kind '{quoted(packed.kind)}', which nothing here reads")
    return found.unpack(packed, n_columns, n_classes)


def pack_regression(weights: np.ndarray, offsets: np.ndarray, present: np.ndarray) -> Packed:
    """A regression, which `models.logreg` reads again: of each class that training knew, its weights and offset."""
    return Packed(REGRESSION, {"weights": weights, "offsets": offsets, "present": present.astype(np.int64)})


def pack_sklearn(classifier: Any) -> Packed:
    """A classifier of scikit-learn's as it is stored, where it is a regression as those of `models.logreg`.

    Raises
    ------
    WrongCall
        Naming another's class.
    """
    from sklearn.linear_model import LogisticRegression

    if type(classifier) is not LogisticRegression or classifier.solver == "liblinear":
        raise WrongCall(
            f"a {type(classifier).__name__} cannot be written to a file: give the model a Fitted with 'kind', 'pack' and 'unpack'"
        )
    return pack_regression(np.ascontiguousarray(classifier.coef_.T), classifier.intercept_, classifier.classes_)
