"""What stands behind `-f`: extractors, user-supplied tables, and sums of them.

In:   text such as `egemaps+mfcc(n_mfcc=13)` or `vectors.parquet`; or a table that was handed in.
Out:  a `FeatureSet`.
Rule: one text means one set, whatever its spelling; a set that is named twice, or two of one name, are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WrongCall, quoted, writable
from ser_bench.features.base import Extractor, Features, fingerprint_of
from ser_bench.utils.named_tables import NamedTable
from ser_bench.utils.plugins import discover, find
from ser_bench.utils.spec import build, parse, split_sum
from ser_bench.utils.tables import as_numbers, as_text, clip_name, read_table, segment_suffix

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus


FeatureSource = str | NamedTable
"""A feature set as text, or a table of its values that was handed in."""


@dataclass(frozen=True)
class OwnTable:
    """A user-supplied table: any embedding, any descriptors, a row per clip.

    Parameters
    ----------
    source : Path or NamedTable
        A Parquet file, or what was handed in.
    table : DataFrame
        Float32 columns, index `clip`.
    whole : dict of str to str
        Rows of a segment from a file's beginning that are the only ones of their file: what may stand for the whole file.
    """

    source: Path | NamedTable
    table: pd.DataFrame = field(repr=False)
    whole: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """The file's stem, or the name under which it was handed in."""
        return label_of(self.source)

    @property
    def called(self) -> str:
        """What messages call it, where it is to be found among what was named."""
        return called(self.source)

    @property
    def short(self) -> str:
        """What reasons and warnings call it, wherever it lies."""
        return self.source.name if isinstance(self.source, Path) else str(self.source)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns."""
        return tuple(self.table.columns)

    @property
    def groups(self) -> tuple[str, ...]:
        """What stands before a column's first point; a column without one belongs to the group of the table's name."""
        return tuple(column.partition(".")[0] if "." in column else self.label for column in self.columns)

    def named_as(self, corpus: Corpus) -> OwnTable:
        """The table with its rows named as a corpus names its clips, where they name the same files in another way.

        Raises
        ------
        WrongCall
            Where two rows are of one clip.
        """
        known = set(corpus.clips.index)

        def own(row: str) -> str:
            if row in known:
                return row
            others = (clip_name(row, corpus.folder), clip_name(self.whole.get(row, row), corpus.folder))
            return next((name for name in others if name in known), row)

        table = self.table.set_axis([own(row) for row in self.table.index])
        if not table.index.is_unique:
            raise WrongCall(f"{self.called}: two rows are of the clip '{quoted(table.index[table.index.duplicated()][0])}'")
        return replace(self, table=table)


Part = Extractor | OwnTable


def label_of(source: Path | NamedTable) -> str:
    """What a user-supplied table is called."""
    return source.stem if isinstance(source, Path) else source.name


def called(source: Path | FeatureSource) -> str:
    """What messages call features: by the option that names them, but for a table that was handed in."""
    if isinstance(source, NamedTable):
        return str(source)
    return f"-f {source if isinstance(source, Path) else quoted(source)}"


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
    return discover("extractors", Extractor, "ser_bench.features.extractors")  # type: ignore[type-abstract]


def parse_features(given: FeatureSource | Sequence[FeatureSource]) -> FeatureSet:
    """Read a feature set.

    Parameters
    ----------
    given : str, NamedTable or sequence of such
        Names, with parameters in brackets where they are not to be the defaults, or Parquet files, joined by ``+``; tables that were
        handed in; or several such, which are joined.

    Raises
    ------
    WrongCall
        For an unknown name or parameter, and for a table that cannot serve.
    """
    parts = tuple(part for one in ([given] if isinstance(given, FeatureSource) else given) for part in _parts(one))
    labels = [part.label for part in parts]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise WrongCall(f"feature set '{'+'.join(labels)}' names {', '.join(sorted(twice))} more than once")
    return FeatureSet(parts)


def distinct_parts(feature_sets: list[FeatureSet]) -> list[Part]:
    """All parts of several feature sets, each once.

    Raises
    ------
    WrongCall
        Where two user-supplied tables have the same name.
    """
    parts: dict[str, Part] = {}
    for part in (part for feature_set in feature_sets for part in feature_set.parts):
        other = parts.setdefault(part.label, part)
        if isinstance(part, OwnTable) and isinstance(other, OwnTable) and part.source != other.source:
            raise WrongCall(f"{part.called} and {other.called} would both be called '{part.label}'; rename one of the two")
    return list(parts.values())


def _parts(given: FeatureSource) -> list[Part]:
    if isinstance(given, NamedTable):
        return [read_own(given)]
    # A path may have a plus in it.
    return [_part(term) for term in ([given] if given.lower().endswith(".parquet") and Path(given).exists() else split_sum(given))]


def _part(term: str) -> Part:
    if term.lower().endswith(".parquet"):
        return read_own(Path(term))
    name, parameters = parse(term)
    return build("feature set", find("feature set", name, known_extractors()), name, parameters)


def read_own(source: Path | NamedTable) -> OwnTable:
    """Read a user-supplied table, whose index, or whose column `clip` or `file`, names clips as the corpus does.

    Raises
    ------
    WrongCall
        Naming the table and the column or clip at fault.
    """
    where, label = called(source), label_of(source)
    if label in known_extractors():
        raise WrongCall(f"{where}: '{label}' is the name of a built-in set; rename the {'file' if isinstance(source, Path) else 'table'}")
    table = _rows_of(source)
    for column, kind in table.attrs["left_out"].items():
        raise WrongCall(f"{where}: the column '{quoted(column)}' holds {kind} values; give each number a column of its own")
    names, whole, columns = _row_names(where, table)
    table = table.drop(columns=columns).set_axis(names)
    if not table.columns.size:
        raise WrongCall(f"{where}: there is no column beside {', '.join(columns)}")
    if not table.index.is_unique:
        raise WrongCall(f"{where}: the clip '{quoted(table.index[table.index.duplicated()][0])}' has more than one row")
    _check_numbers(where, table)
    return OwnTable(source, table.astype(np.float32), whole)


def _rows_of(source: Path | NamedTable) -> pd.DataFrame:
    if isinstance(source, NamedTable):
        return source.frame
    try:
        return read_table(source)
    except WrongCall as error:
        raise WrongCall(f"-f {error}") from None


def _row_names(where: str, table: pd.DataFrame) -> tuple[list[str], dict[str, str], list[str]]:
    """The clip that each row is named after, the files of which a row from their beginning is the only one, and the columns that say so."""
    index = table.attrs["index"]
    column = next((name for name in ("clip", "file", *(index if len(index) == 1 else [])) if name in table), None)
    if column is None:
        unnamed = "; of openSMILE, process_files names files in its index" if "start" in index else ""
        raise WrongCall(f"{where}: rows are matched with clips by name: index them by clip, or name a column 'clip' or 'file'{unnamed}")
    names = as_text(table[column], keep_words=True)
    if column != "file" or not {"start", "end"} <= set(table.columns):
        return names.tolist(), {}, [column]
    segments = {side: as_numbers(table[side], Path(where)) for side in ("start", "end")}
    named = [name + segment_suffix(start, end) for name, start, end in zip(names, segments["start"], segments["end"], strict=True)]
    alone = ~names.duplicated(keep=False) & (segments["start"].fillna(0) == 0)
    return named, {row: name for row, name, single in zip(named, names, alone, strict=True) if single}, ["file", "start", "end"]


def _check_numbers(where: str, table: pd.DataFrame) -> None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    for column, values in table.items():
        if not writable(str(column)):
            raise WrongCall(f"{where}: the column '{quoted(column)}' holds a character that no file of text can; rename it")
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            raise WrongCall(f"{where}: the column '{column}' is not numeric; leave it out, or index the table by clip")
        wrong: Any = ~np.isfinite(values.to_numpy(np.float32, na_value=np.nan))
        if wrong.any():
            raise WrongCall(f"{where}: the column '{column}' is not finite for clip '{table.index[wrong.argmax()]}'")
