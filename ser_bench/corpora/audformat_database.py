"""A database in audformat: a folder with ``db.yaml`` and tables beside it, each filewise or segmented.

In:   ``db.yaml``.
Out:  what its tables, their columns and schemes are, and the rows of a table; `audformat_clips` makes a corpus of them.
Rule: the header is read as plain values and tables from ``.csv`` or ``.parquet``, by the rules of every table. audformat's own way makes
      objects of tags in the header, and unpickles tables that it finds pickled; either could run anything, so neither is used.

Format: https://audeering.github.io/audformat/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.headers import entry, read_yaml
from ser_bench.utils.tables import as_text, read_table, to_numbers

if TYPE_CHECKING:
    import pandas as pd

HEADER = "db.yaml"
INDEX = ["file", "start", "end"]
"""The columns that identify a clip."""
SUFFIXES = (".parquet", ".csv")
"""How a table may be stored, in the order in which it is looked for."""
LANGUAGES = dict(
    pair.split("=", 1)
    for pair in re.findall(
        r"\S+",
        "ara=ar ben=bn cat=ca ces=cs cmn=zh dan=da deu=de ell=el eng=en est=et fas=fa fin=fi fra=fr heb=he hin=hi hun=hu ind=id ita=it "
        "jpn=ja kor=ko lit=lt nld=nl nor=no pol=pl por=pt ron=ro rus=ru slk=sk spa=es srp=sr swe=sv tam=ta tel=te tha=th tur=tr ukr=uk "
        "urd=ur vie=vi zho=zh",
    )
)
"""ISO 639-3, which headers have, to ISO 639-1, which corpora here have."""


def database_header(path: Path) -> Path | None:
    """The header of the database that a path is, or that is in a folder."""
    header = path if path.name == HEADER else path / HEADER
    return header if header.is_file() else None


@dataclass(frozen=True)
class Database:
    """A header, and the tables that it is about.

    Parameters
    ----------
    path : Path
        ``db.yaml``.
    header : mapping
        What it holds.
    """

    path: Path
    header: Mapping[str, Any]
    _read_before: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path) -> Database:
        """The database with this header."""
        header = read_yaml(path)
        # Databases of old have all below their name.
        (first,) = header.values() if len(header) == 1 else (None,)
        return cls(path, {**first, "name": next(iter(header))} if isinstance(first, dict) else header)

    @property
    def name(self) -> str:
        """What it calls itself, else its folder's name."""
        return str(entry(self.header, "name") or self.path.parent.name)

    @cached_property
    def tables(self) -> dict[str, dict[str, str]]:
        """The columns of each table with the scheme of each, empty where it has none."""
        return {table: self._columns(about) for table, about in self._section("tables").items()}

    def _section(self, name: str) -> dict[str, Any]:
        section = entry(self.header, name) or {}
        if not isinstance(section, dict) or not all(isinstance(about, dict | None) for about in section.values()):
            raise WrongCall(f"{self.path}: '{name}' is no mapping of names to what they are")
        return {str(name): about or {} for name, about in section.items()}

    def _columns(self, about: dict[str, Any]) -> dict[str, str]:
        columns = entry(about, "columns") or {}
        if not isinstance(columns, dict):
            raise WrongCall(f"{self.path}: the columns of a table are no mapping of names to what they are")
        return {str(column): str(entry(said, "scheme_id") or "") for column, said in columns.items()}

    @cached_property
    def languages(self) -> list[str]:
        """ISO 639-1 where it has one, else as the header says."""
        said = entry(self.header, "languages") or []
        return [two_letters(str(language)) for language in said] if isinstance(said, list) else []

    def split_of(self, table: str) -> str:
        """The kind of split that a table is, such as ``train``; empty where it is none."""
        split = entry(self._section("tables")[table], "split_id")
        return str(entry(self._section("splits").get(str(split)), "type") or split) if split else ""

    def labels_of(self, scheme: str) -> tuple[dict[str, Any] | None, str]:
        """What a scheme says of each of its labels, by label; None where it lists none. And the misc table that they are in, if any."""
        labels = entry(self._section("schemes").get(scheme), "labels")
        if isinstance(labels, str):
            return self._misc_labels(labels), labels
        if isinstance(labels, list):
            return {_scalar(label): None for label in labels}, ""
        return ({_scalar(label): about for label, about in labels.items()}, "") if isinstance(labels, dict) else (None, "")

    def _misc_labels(self, table: str) -> dict[str, dict[str, str]]:
        about = self._section("misc_tables").get(table)
        levels = list(entry(about, "levels") or ())
        rows = self._read(table)
        if len(levels) != 1 or str(levels[0]) not in rows:
            raise WrongCall(f"{self.path}: the labels of a scheme are in the table '{quoted(table)}', which has no index of one column")
        text = rows.apply(as_text).set_index(str(levels[0]))
        return {str(label): {str(name): value for name, value in row.items()} for label, row in text.to_dict("index").items()}

    def rows(self, table: str) -> pd.DataFrame:
        """A table: `file`, `start` and `end` in seconds (not a number: the file's beginning, its end), then its columns as text."""
        if table not in self._read_before:
            self._read_before[table] = self._rows(table)
        return self._read_before[table]

    def _rows(self, table: str) -> pd.DataFrame:
        read = self._read(table)
        if "file" not in read:
            raise WrongCall(f"{self.path}: the table '{quoted(table)}' has no column 'file'")
        text = read.apply(as_text)
        nowhere = text["file"].map(lambda file: float("nan"))
        start, end = (to_numbers(read[side]) if side in read else nowhere for side in ("start", "end"))
        columns = [column for column in self.tables[table] if column in read and column not in INDEX]
        return text[["file"]].assign(start=start.where(start > 0), end=end).join(text[columns])

    def _read(self, table: str) -> pd.DataFrame:
        if set(table) & set("/\\\0"):
            raise WrongCall(f"{self.path}: a table cannot be called '{quoted(table)}'")
        files = [self.path.with_name(f"{self.path.stem}.{table}{suffix}") for suffix in SUFFIXES]
        found = next((file for file in files if file.is_file()), None)
        if found is not None:
            return read_table(found)
        pickled = files[0].with_suffix(".pkl").name
        if files[0].with_suffix(".pkl").exists():
            raise WrongCall(
                f"{self.path}: the table '{quoted(table)}' is there only pickled ({quoted(pickled)}), which could run anything and is "
                "not read; save the database as CSV or Parquet"
            )
        raise WrongCall(f"{self.path}: the table '{quoted(table)}' is not there: looked for {quoted(files[1].name)} and .parquet")

    def pickled(self) -> list[str]:
        """Names of pickled tables beside the header, none of which is read."""
        return sorted(file.name for file in self.path.parent.glob(f"{self.path.stem}.*.pkl"))


def two_letters(language: str) -> str:
    """A language by ISO 639-1, where it has one.

    >>> two_letters("deu"), two_letters("gsw")
    ('de', 'gsw')
    """
    return LANGUAGES.get(language, language)


def _scalar(label: Any) -> str:
    """A label as its table has it; what is no plain value is no label."""
    return str(label) if isinstance(label, str | int | float) else ""
