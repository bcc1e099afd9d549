"""What is predicted of a clip, and its forms: a table, CSV, JSON lines, text for a terminal.

In:   rows, and which columns they have.
Out:  a DataFrame, or lines of text, one row after the other as they come.
Rule: probabilities sum to one as they are written, digit by digit; no name is a formula where a table is opened, and none is more than
      text on a terminal; a clip that cannot be predicted has a row that says why.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import EMOTION
from ser_bench.utils.atomic import list_as_json, without_formula

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.bundle.bundle import Bundle

DIGITS = 6
"""Of probabilities in files."""
GENDER = "gender"


@dataclass(frozen=True)
class PredictionRow:
    """What is predicted of a clip, or of a window of one.

    Parameters
    ----------
    clip : str
    start, end : float
        Seconds; `end` is not a number where nothing was heard.
    emotion : str
        The model's decision; empty where there is none.
    probabilities : array of float, shape (n_classes,)
        Not numbers where there are none.
    gender : str
        Where the labels say it.
    warnings : list of str
        Why the decision is to be trusted less.
    reason : str
        Why there is none.
    explained : mapping of str to float
        What each group of features did to the log-probability of the decision, where that was asked for.
    average : float
        That probability for the average training clip, where that was asked for.
    """

    clip: str
    start: float
    end: float
    emotion: str
    probabilities: np.ndarray
    gender: str = ""
    warnings: list[str] = field(default_factory=list)
    reason: str = ""
    explained: Mapping[str, float] = field(default_factory=dict)
    average: float = math.nan


@dataclass(frozen=True)
class Layout:
    """The columns that rows of a system have.

    Parameters
    ----------
    classes : tuple of str
    gendered : bool
        Whether labels say the gender.
    groups : tuple of str
        Groups of features that decisions are explained by.
    """

    classes: tuple[str, ...]
    gendered: bool = False
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, bundle: Bundle, *, explain: bool = False) -> Layout:
        """That of a fitted system."""
        gendered = any(gender_in(label, bundle.about) for label in bundle.classes)
        return cls(bundle.classes, gendered, tuple(dict.fromkeys(bundle.groups)) if explain else ())

    def cells(self, row: PredictionRow) -> dict[str, Any]:
        """A row by the names of its columns, of which those that say nothing hold None."""
        known = not row.reason
        found: dict[str, Any] = {"clip": row.clip, "start": seconds(row.start), "end": seconds(row.end), "emotion": row.emotion or None}
        shares = parts_of_one(row.probabilities, DIGITS) if known else [None] * len(self.classes)
        found |= {f"p.{label}": share for label, share in zip(self.classes, shares, strict=True)}
        if self.gendered:
            found[GENDER] = row.gender or None
        found |= {f"change.{group}": round(row.explained[group], DIGITS) if known else None for group in self.groups}
        return found | {"warnings": row.warnings, "reason": row.reason}


def gender_in(label: str, about: Mapping[str, Any]) -> str:
    """The gender that a label says, by what is known about a system; empty where labels do not say it.

    >>> gender_in("female anger", {"made_of": ["gender", "emotion"]}), gender_in("anger", {"made_of": ["emotion"]})
    ('female', '')
    """
    made_of, words = about.get("made_of") or [EMOTION], label.split(" ")
    corpus = about.get("corpus")
    if made_of == [EMOTION] and isinstance(corpus, Mapping) and corpus.get("target") == GENDER:
        return label
    return words[made_of.index(GENDER)] if GENDER in made_of and len(words) == len(made_of) else ""


def parts_of_one(probabilities: Sequence[float] | np.ndarray, digits: int) -> list[float]:
    """Probabilities as decimals of so many digits that sum to one: the largest remainders are rounded up.

    >>> parts_of_one([1 / 3, 1 / 3, 1 / 3], 2)
    [0.34, 0.33, 0.33]
    """
    whole = 10**digits
    wanted = np.asarray(probabilities, float) * whole
    units = np.floor(wanted).astype(int)
    largest = np.argsort(units - wanted, kind="stable")
    units[largest[: max(whole - int(units.sum()), 0)]] += 1
    return [int(unit) / whole for unit in units]


def seconds(value: float) -> float | None:
    """A moment to the millisecond; None where there is none.

    >>> seconds(1.23456), seconds(math.nan)
    (1.235, None)
    """
    return None if math.isnan(value) else round(float(value), 3)


def as_table(rows: Iterable[PredictionRow], layout: Layout) -> pd.DataFrame:
    """Rows as a DataFrame: probabilities as computed, `warnings` a list per row."""
    import pandas as pd

    columns = ["clip", "start", "end", "emotion", *(f"p.{label}" for label in layout.classes), *([GENDER] if layout.gendered else [])]
    columns += [*(f"change.{group}" for group in layout.groups), "warnings", "reason"]
    found = []
    for row in rows:
        cells = [row.clip, row.start, row.end, row.emotion, *row.probabilities, *([row.gender] if layout.gendered else [])]
        found.append([*cells, *(row.explained.get(group, math.nan) for group in layout.groups), row.warnings, row.reason])
    return pd.DataFrame(found, columns=columns)


def as_csv(rows: Iterable[PredictionRow], layout: Layout) -> Iterator[str]:
    """A header, then a line per row; warnings are a JSON list, as every list in a table of ours."""
    empty = PredictionRow("", 0, 0, "", np.full(len(layout.classes), math.nan), reason="none")
    yield _csv_line(list(layout.cells(empty)))
    for row in rows:
        cells = map(list_as_json, layout.cells(row).values())
        yield _csv_line(["" if cell is None else without_formula(cell) if isinstance(cell, str) else plain_number(cell) for cell in cells])


def _csv_line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    ends_lines = any("\r" in cell for cell in cells)
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if ends_lines else csv.QUOTE_MINIMAL).writerow(
        [encodable(cell) for cell in cells]
    )
    return text.getvalue()


def plain_number(value: float) -> str:
    """A number without an exponent.

    >>> plain_number(1e-06), plain_number(0.5), plain_number(2.0)
    ('0.000001', '0.5', '2')
    """
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")


def as_json_lines(rows: Iterable[PredictionRow], layout: Layout) -> Iterator[str]:
    """An object per row and line; warnings are a list, and what is not known is null."""
    for row in rows:
        yield encodable(json.dumps(layout.cells(row), ensure_ascii=False, allow_nan=False)) + "\n"


def encodable(text: str) -> str:
    r"""Text that can be written as UTF-8: bytes of a file name that are none are written out.

    >>> encodable("a\udcffb")
    'a\\udcffb'
    """
    return text.encode("utf-8", "backslashreplace").decode()
