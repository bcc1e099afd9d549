"""What stands behind `-f`: extractors, tables of one's own, and sums of them.

In:   text such as `egemaps+mfcc(n_mfcc=13)` or `vectors.parquet`.
Out:  a `FeatureSet`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.extractor import Extractor, Features, fingerprint_of
from ser_bench.registry import discover, find
from ser_bench.spec import build, parse, split_sum

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class OwnTable:
    """A Parquet table of one's own: any embedding, any descriptors, a row a clip.

    Parameters
    ----------
    path : Path
    table : DataFrame
        Float32 columns, index `clip`.
    """

    path: Path
    table: pd.DataFrame = field(repr=False)

    @property
    def label(self) -> str:
        """The file's stem."""
        return self.path.stem

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns."""
        return tuple(self.table.columns)

    @property
    def groups(self) -> tuple[str, ...]:
        """What stands before a column's first point; a column without one belongs to the group of the file's name."""
        return tuple(column.partition(".")[0] if "." in column else self.label for column in self.columns)


Part = Extractor | OwnTable


@dataclass(frozen=True)
class FeatureSet:
    """One or several parts, side by side."""

    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """Its parts' names, joined by +."""
        return "+".join(part.label for part in self.parts)

    def join(self, matrices: list[Features]) -> Features:
        """The parts' matrices as one; in a sum a column carries its part's name, and groups of one name are one."""
        if len(matrices) == 1:
            return matrices[0]
        columns = tuple(f"{m.name}:{column}" for m in matrices for column in m.columns)
        groups = tuple(group for m in matrices for group in m.groups)
        fingerprint = fingerprint_of({"joined": [m.fingerprint for m in matrices]})
        return Features(self.name, fingerprint, columns, groups, np.hstack([m.values for m in matrices]))


def known_extractors() -> dict[str, type[Extractor]]:
    """All extractors by name, those of other packages too."""
    return discover("extractors", Extractor)  # type: ignore[type-abstract]


def parse_features(text: str) -> FeatureSet:
    """Read a feature set.

    Parameters
    ----------
    text : str
        Names, with parameters in brackets where they are not to be the defaults, or Parquet files, joined by ``+``.

    Raises
    ------
    WrongCall
        For an unknown name or parameter, and for a table that cannot serve.
    """
    # A path may have a plus in it.
    terms = [text] if text.lower().endswith(".parquet") and Path(text).exists() else split_sum(text)
    parts = tuple(_part(term) for term in terms)
    labels = [part.label for part in parts]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise WrongCall(f"feature set '{text}' names {', '.join(sorted(twice))} more than once")
    return FeatureSet(parts)


def distinct_parts(feature_sets: list[FeatureSet]) -> list[Part]:
    """All parts of several feature sets, each once.

    Raises
    ------
    WrongCall
        Where two tables of one's own have the same name.
    """
    parts: dict[str, Part] = {}
    for part in (part for feature_set in feature_sets for part in feature_set.parts):
        other = parts.setdefault(part.label, part)
        if isinstance(part, OwnTable) and isinstance(other, OwnTable) and part.path != other.path:
            raise WrongCall(f"-f {part.path} and -f {other.path} would both be called '{part.label}'; rename one of the files")
    return list(parts.values())


def _part(term: str) -> Part:
    if term.lower().endswith(".parquet"):
        return read_table(Path(term))
    name, parameters = parse(term)
    return build("feature set", find("feature set", name, known_extractors()), name, parameters)


def read_table(path: Path) -> OwnTable:
    """Read a table of one's own: a Parquet file whose index, or whose column `clip`, names clips as the corpus does.

    Raises
    ------
    WrongCall
        Naming the file and the column or clip at fault.
    """
    import pandas as pd

    if path.stem in known_extractors():
        raise WrongCall(f"-f {path}: '{path.stem}' is the name of a built-in set; rename the file")
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise WrongCall(f"-f {path}: no such file") from None
    except Exception as error:
        raise WrongCall(f"-f {path} cannot be read as Parquet: {error}") from None
    table = table.set_index("clip") if "clip" in table else table
    table.index = table.index.astype(str)
    if table.empty:
        raise WrongCall(f"-f {path}: the table is empty")
    if not table.index.is_unique:
        raise WrongCall(f"-f {path}: the clip '{table.index[table.index.duplicated()][0]}' has more than one row")
    _check_numbers(path, table)
    table.columns = table.columns.astype(str)
    return OwnTable(path, table.astype(np.float32))


def _check_numbers(path: Path, table: pd.DataFrame) -> None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    for column, values in table.items():
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            raise WrongCall(f"-f {path}: the column '{column}' is not numeric; leave it out, or index the table by clip")
        wrong: Any = ~np.isfinite(values.to_numpy(np.float32, na_value=np.nan))
        if wrong.any():
            raise WrongCall(f"-f {path}: the column '{column}' is not finite for clip '{table.index[wrong.argmax()]}'")
