"""Corpora whose labels lie in a table of theirs, beside or above the recordings.

In:   what the file names say, and the corpus's own table: delimited text with a header, or lines that a pattern reads.
Out:  the clip table with the table's columns, and a warning of each loss.
Rule: a file without a row, a row without a label and a row without a file are counted and named. Where the table and a file name both
      tell a speaker or an emotion, the table counts, and the differences are counted. A table that is found nowhere is an error of one
      line that says what is looked for and where, unless the file names alone say what is required.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ser_bench.corpora.base import FileNameReader
from ser_bench.corpora.labels import name_emotion
from ser_bench.corpora.names import first, plain
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.tables import as_text, check_columns, read_delimited, read_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ABOVE = 2
"""How many folders above the corpus folder are looked into."""


class TableReader(FileNameReader):
    """A grammar of file names and a table of labels: subclass it with class attributes and nothing else, in most cases.

    Attributes
    ----------
    pattern : str
        As a `FileNameReader`'s; its group `key` is what finds a clip's row, and the groups `emotion` and `speaker` may be missing.
    tables : tuple of str
        Names of the table relative to a folder; the first that is there counts. Groups of the pattern stand in braces, as in
        ``{partition}_sent_emo.csv``. Each clip's folder is looked into, then those above it, up to two above the corpus folder.
    columns : mapping of str to str
        Columns of a delimited table to ours; without any, `row` reads the table.
    delimiter : str
        What separates its cells, where that is no comma, semicolon or tab.
    row : str
        Regular expression of a line that is a clip's row; its named groups are the columns.
    key : str
        The key of a row, of its columns in braces. Folders before it and a file's suffix after it do not count.
    no_label : mapping of str to str
        Codes that stand where there is no emotion, and why there is none: these clips are left out.
    needed : bool
        Whether nothing can be evaluated without the table.
    """

    tables: ClassVar[tuple[str, ...]]
    columns: ClassVar[Mapping[str, str]] = {}
    delimiter: ClassVar[str] = ""
    row: ClassVar[str] = ""
    key: ClassVar[str] = "{key}"
    no_label: ClassVar[Mapping[str, str]] = {}
    needed: ClassVar[bool] = True

    def look_up(self, clips: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """The clips that have a label, with the columns of their tables.

        Parameters
        ----------
        clips : DataFrame
            What the file names say, one row per file.
        folder : Path
            The corpus folder.

        Raises
        ------
        WrongCall
            Where no table is found, a table lacks columns or has two different rows of one key, or no clip is left.
        """
        import pandas as pd

        places = self._find_tables(clips, folder)
        found = sorted({table for table in places if table})
        if not found:
            missing = f"{self._named(clips, 0)} is neither in the folders of the recordings nor above them, up to {_highest(folder)}"
            if self.needed:
                raise WrongCall(f"{folder}: the labels of {self.name} lie in a file that is not there: {missing}; put it into {folder}")
            return clips.drop(columns="key"), [f"{missing}: what only it says is not known"]
        labels = pd.concat({str(table): self._rows(table) for table in found})
        wanted = pd.MultiIndex.from_arrays([[str(table) for table in places], clips["key"]])
        here = wanted.isin(labels.index)
        warnings = [*self._without_row(clips, places, here), *_without_file(labels, wanted)]
        kept = here if self.needed else [True] * len(clips)
        told = labels.reindex(wanted[kept]).fillna("").set_index(clips.index[kept])
        clips = clips[kept].drop(columns="key")
        warnings += self._differences(clips, told)
        return self._labelled(_combine(clips, told), warnings, folder)

    def _named(self, clips: pd.DataFrame, at: int) -> str:
        """What the table of a clip is called."""
        return _filled(self.tables[0], clips.iloc[at].to_dict())

    def _find_tables(self, clips: pd.DataFrame, folder: Path) -> list[Path | None]:
        """The table of each clip."""
        known: dict[tuple[Path, tuple[str, ...]], Path | None] = {}
        places = []
        for clip, said in zip(clips.index, clips.to_dict("records"), strict=True):
            sought = (folder / clip).parent, tuple(_filled(name, said) for name in self.tables)
            if sought not in known:
                known[sought] = _find_above(*sought, folder)
            places.append(known[sought])
        return places

    def _rows(self, table: Path) -> pd.DataFrame:
        """A table's rows by key."""
        rows = self._read_delimited(table) if self.columns else self._read_lines(table)
        keys = [re.sub(r".*[/\\]|\.[A-Za-z]\w{1,3}$", "", _filled(self.key, row)) for row in rows.to_dict("records")]
        rows = rows.drop(columns="key", errors="ignore").assign(_key=keys).drop_duplicates().set_index("_key")
        if twice := sorted(rows.index[rows.index.duplicated()].unique()):
            told = f"{number_of(len(twice), 'name has', 'names have')} rows that differ, such as '{quoted(twice[0])}'"
            raise WrongCall(f"{table}: {told}; remove all but one row of each")
        return rows

    def _read_delimited(self, table: Path) -> pd.DataFrame:
        rows = read_delimited(table, self.delimiter) if self.delimiter else read_table(table)
        required = {"emotion", *re.findall(r"{(\w+)}", self.key)}
        check_columns(rows, [theirs for theirs, ours in self.columns.items() if ours in required], table)
        return rows[[theirs for theirs in self.columns if theirs in rows]].rename(columns=dict(self.columns)).apply(as_text)

    def _read_lines(self, table: Path) -> pd.DataFrame:
        import pandas as pd

        text = table.read_bytes().decode("utf-8-sig", "replace")
        rows = pd.DataFrame([match.groupdict(default="") for match in re.finditer(self.row, text, re.MULTILINE)], dtype=object)
        if rows.empty:
            raise WrongCall(f"{table}: no line of it is a row of the labels of {self.name}")
        return rows

    def _without_row(self, clips: pd.DataFrame, places: Sequence[Path | None], here: np.ndarray) -> list[str]:
        """Lines that count the files whose table is missing, and those that have no row in it."""
        no_table = [at for at, table in enumerate(places) if table is None]
        no_row = [at for at, table in enumerate(places) if table is not None and not here[at]]
        lines = []
        if no_table:
            names = sorted({self._named(clips, at) for at in no_table})
            told = first([clips.index[at] for at in no_table])
            lines.append(f"{self._lacking(len(no_table), f'table of labels ({first(names)})')}: {told}")
        if no_row:
            names = sorted({table.name for at in no_row if (table := places[at])})
            told = first([clips.index[at] for at in no_row])
            lines.append(f"{self._lacking(len(no_row), f'row in {first(names)}')}: {told}")
        return lines

    def _lacking(self, n: int, what: str) -> str:
        """How many files lack what, and what becomes of them."""
        end = f" and {plural(n, 'is', 'are')} left out" if self.needed else ""
        return f"{number_of(n, 'file has', 'files have')} no {what}{end}"

    def _differences(self, clips: pd.DataFrame, told: pd.DataFrame) -> list[str]:
        """A line for each of emotion and speaker that counts the file names which differ from their rows."""
        lines = []
        for column, noun in (("emotion", self._noun), ("speaker", plain)):
            if column in clips and column in told:
                pairs = zip(clips.index, clips[column], told[column], strict=True)
                if differ := [clip for clip, name, row in pairs if row and noun(name) != noun(row)]:
                    names = number_of(len(differ), "file name says", "file names say")
                    lines.append(f"{names} another {column} than the row, which counts: {first(differ)}")
        return lines

    def _noun(self, code: str) -> str:
        return name_emotion(self.emotions.get(code, code))

    def _labelled(self, clips: pd.DataFrame, warnings: list[str], folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """The clips with an emotion and a speaker; the warnings, with a line that counts the others by reason."""
        why = clips["emotion"].map(lambda code: self.no_label.get(code, ""))
        for column in ("emotion", "speaker"):
            if column in clips:
                why = why.mask(clips[column] == "", f"no {column}")
        counts = why[why != ""].value_counts().sort_index()
        reasons = ", ".join(f"{reason} ({n})" for reason, n in counts.items())
        warnings = warnings + (
            [f"{number_of(counts.sum(), 'clip is', 'clips are')} left out for want of a label: {reasons}"] if reasons else []
        )
        if (why != "").all():
            raise WrongCall(f"{folder}: no clip has a label: {'; '.join(warnings)}")
        return clips[why == ""], warnings


def _filled(text: str, values: Mapping[Hashable, str]) -> str:
    return text.format(**{str(name): value for name, value in values.items()})


def _find_above(start: Path, names: tuple[str, ...], folder: Path) -> Path | None:
    """The first of these files in a folder or those above it, up to `ABOVE` above the corpus folder."""
    for place in (start, *start.parents):
        found = next((place / name for name in names if (place / name).is_file()), None)
        if found or place == _highest(folder):
            return found
    return None


def _highest(folder: Path) -> Path:
    return (folder, *folder.parents)[: ABOVE + 1][-1]


def _combine(clips: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """What the file names say with what the rows say, which counts where it is not blank."""
    both = told.columns.intersection(clips.columns)
    told = told.assign(**{column: told[column].where(told[column] != "", clips[column]) for column in both})
    return clips.drop(columns=both).join(told)


def _without_file(labels: pd.DataFrame, wanted: pd.MultiIndex) -> list[str]:
    """A line that counts the rows for which there is no file."""
    alone = labels.index[~labels.index.isin(wanted)]
    named = [f"{key} ({Path(table).name})" for table, key in alone]
    rows = f"{len(alone):,} of {number_of(len(labels), 'row')} of labels"
    return [f"{rows} {plural(len(alone), 'has', 'have')} no file here: {first(named)}"] if named else []
