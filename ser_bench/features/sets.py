"""What stands behind `-f`: extractors, user-supplied tables, and sums of them.

In:   text such as `egemaps+mfcc(n_mfcc=13)` or `vectors.parquet`.
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
from ser_bench.utils.plugins import discover, find
from ser_bench.utils.spec import build, parse, split_sum
from ser_bench.utils.tables import as_numbers, as_text, clip_name, read_table, segment_suffix

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus


@dataclass(frozen=True)
class OwnTable:
    """A user-supplied Parquet table: any embedding, any descriptors, a row per clip.

    Parameters
    ----------
    path : Path
    table : DataFrame
        Float32 columns, index `clip`.
    whole : dict of str to str
        Rows of a segment from a file's beginning that are the only ones of their file: what may stand for the whole file.
    """

    path: Path
    table: pd.DataFrame = field(repr=False)
    whole: dict[str, str] = field(default_factory=dict, repr=False)

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
            raise WrongCall(f"-f {self.path}: two rows are of the clip '{quoted(table.index[table.index.duplicated()][0])}'")
        return replace(self, table=table)


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
    return discover("extractors", Extractor, "ser_bench.features.extractors")  # type: ignore[type-abstract]


def parse_features(text: str | Sequence[str]) -> FeatureSet:
    """Read a feature set.

    Parameters
    ----------
    text : str or sequence of str
        Names, with parameters in brackets where they are not to be the defaults, or Parquet files, joined by ``+``; or several such,
        which are joined.

    Raises
    ------
    WrongCall
        For an unknown name or parameter, and for a table that cannot serve.
    """
    texts = [text] if isinstance(text, str) else text
    # A path may have a plus in it.
    terms = [[one] if one.lower().endswith(".parquet") and Path(one).exists() else split_sum(one) for one in texts]
    parts = tuple(_part(term) for some in terms for term in some)
    labels = [part.label for part in parts]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise WrongCall(f"feature set '{'+'.join(texts)}' names {', '.join(sorted(twice))} more than once")
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
        if isinstance(part, OwnTable) and isinstance(other, OwnTable) and part.path != other.path:
            raise WrongCall(f"-f {part.path} and -f {other.path} would both be called '{part.label}'; rename one of the files")
    return list(parts.values())


def _part(term: str) -> Part:
    if term.lower().endswith(".parquet"):
        return read_own(Path(term))
    name, parameters = parse(term)
    return build("feature set", find("feature set", name, known_extractors()), name, parameters)


def read_own(path: Path) -> OwnTable:
    """Read a user-supplied table: a Parquet file whose index, or whose column `clip` or `file`, names clips as the corpus does.

    Raises
    ------
    WrongCall
        Naming the file and the column or clip at fault.
    """
    if path.stem in known_extractors():
        raise WrongCall(f"-f {path}: '{path.stem}' is the name of a built-in set; rename the file")
    try:
        table = read_table(path)
    except WrongCall as error:
        raise WrongCall(f"-f {error}") from None
    for column, kind in table.attrs["left_out"].items():
        raise WrongCall(f"-f {path}: the column '{quoted(column)}' holds {kind} values; give each number a column of its own")
    names, whole, columns = _row_names(path, table)
    table = table.drop(columns=columns).set_axis(names)
    if not table.columns.size:
        raise WrongCall(f"-f {path}: there is no column beside {', '.join(columns)}")
    if not table.index.is_unique:
        raise WrongCall(f"-f {path}: the clip '{quoted(table.index[table.index.duplicated()][0])}' has more than one row")
    _check_numbers(path, table)
    return OwnTable(path, table.astype(np.float32), whole)


def _row_names(path: Path, table: pd.DataFrame) -> tuple[list[str], dict[str, str], list[str]]:
    """The clip that each row is named after, the files of which a row from their beginning is the only one, and the columns that say so."""
    index = table.attrs["index"]
    column = next((name for name in ("clip", "file", *(index if len(index) == 1 else [])) if name in table), None)
    if column is None:
        raise WrongCall(f"-f {path}: rows are matched with clips by name: index them by clip, or name a column 'clip'")
    names = as_text(table[column], keep_words=True)
    if column != "file" or not {"start", "end"} <= set(table.columns):
        return names.tolist(), {}, [column]
    segments = {side: as_numbers(table[side], path) for side in ("start", "end")}
    named = [name + segment_suffix(start, end) for name, start, end in zip(names, segments["start"], segments["end"], strict=True)]
    alone = ~names.duplicated(keep=False) & (segments["start"].fillna(0) == 0)
    return named, {row: name for row, name, single in zip(named, names, alone, strict=True) if single}, ["file", "start", "end"]


def _check_numbers(path: Path, table: pd.DataFrame) -> None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    for column, values in table.items():
        if not writable(str(column)):
            raise WrongCall(f"-f {path}: the column '{quoted(column)}' holds a character that no file of text can; rename it")
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            raise WrongCall(f"-f {path}: the column '{column}' is not numeric; leave it out, or index the table by clip")
        wrong: Any = ~np.isfinite(values.to_numpy(np.float32, na_value=np.nan))
        if wrong.any():
            raise WrongCall(f"-f {path}: the column '{column}' is not finite for clip '{table.index[wrong.argmax()]}'")
