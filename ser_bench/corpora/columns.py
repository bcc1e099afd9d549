"""Which columns of a table hold what: as the caller says, under our names in any case, or under their usual other names.

In:   a table, and what was said of its columns and its target.
Out:  the same table with its columns under our names, and a line that says which were taken.
Rule: a name that was understood by itself is reported; where two columns could be meant none is taken, and the caller is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.config import EMOTION
from ser_bench.corpora.base import ReadingOptions
from ser_bench.corpora.names import plain
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.tables import check_columns

if TYPE_CHECKING:
    import pandas as pd

OURS = ("path", EMOTION, "speaker", "gender", "sentence", "intensity", "session", "language", "start", "end", "fold", "voice", "recognised")
"""Columns that have a meaning here."""
OTHER_NAMES = {
    "path": ("file", "filename", "file_name", "file_path", "filepath", "wav", "audio"),
    EMOTION: ("label", "category", "emo"),
    "speaker": ("speaker_id", "spk", "spk_id", "actor", "subject"),
    "gender": ("sex",),
}
"""What others call these columns."""
CLIP = "clip"
"""What tables written here call a clip: it names the file where nothing else does."""


class NamedColumns(NamedTuple):
    """A table under our names, its column to predict as it is called now, and lines on what was understood by itself."""

    table: pd.DataFrame
    target: str
    lines: list[str]


def name_columns(table: pd.DataFrame, options: ReadingOptions, source: Path, required: Sequence[str] = ("path", "speaker")) -> NamedColumns:
    """A table under our names for its columns.

    Parameters
    ----------
    table : DataFrame
    options : ReadingOptions
    source : Path
        What errors name.
    required : sequence of str
        The columns that it has to have besides the target, by our names.

    Raises
    ------
    WrongCall
        Naming all columns that are missing, beside what was found; or several that could be meant for one.

    >>> import pandas as pd
    >>> named = name_columns(pd.DataFrame(columns=["File", "stress", "spk"]), ReadingOptions(target="Stress"), Path("t.csv"))
    >>> list(named.table), named.target, named.lines
    (['path', 'stress', 'speaker'], 'stress', ["columns are understood by other names: 'File' as path, 'spk' as speaker"])
    """
    names = [str(column) for column in table.columns]
    said = _said(options.columns, names, source)
    target = _target(options.target, names, said)
    found = dict(said) if target in (*OURS, *said) else {**said, target: target}
    needed = list(dict.fromkeys([*required[:1], target, *required[1:]]))
    for ours in OURS:
        left = [name for name in names if name not in found.values()]
        if ours not in found and (theirs := _understood(ours, left, source if ours in needed else None)):
            found[ours] = theirs
    table, gave_way = _rename(table, found)
    check_columns(table, needed, source, "; say which are meant, such as --columns path=file,speaker=spk")
    other = [f"'{quoted(theirs)}' as {ours}" for ours, theirs in found.items() if ours != theirs and ours not in said]
    lines = [f"columns are understood by other names: {', '.join(other)}"] if other else []
    return NamedColumns(table, target, [*lines, *gave_way])


def fold(name: str) -> str:
    """A column's name without what is written in one way or another: case, and what separates its words.

    >>> fold("Speaker ID"), fold("file-path")
    ('speaker_id', 'file_path')
    """
    return re.sub(r"[\s_-]+", "_", plain(name))


def spellings_of(name: str, names: Sequence[str]) -> list[str]:
    """The names that are meant by one: that very name, else those that differ in case and separators alone."""
    return [name] if name in names else [other for other in names if fold(other) == fold(name)]


def _said(columns: Mapping[str, str], names: Sequence[str], source: Path) -> dict[str, str]:
    """What the caller says of columns, ours to theirs as the table spells them."""
    said: dict[str, str] = {}
    for ours, theirs in columns.items():
        meant = spellings_of(theirs, names)
        if len(meant) != 1:
            raise WrongCall(f"{source}: --columns {quoted(ours)}={quoted(theirs)}: {_which(theirs, meant, names)}")
        if meant[0] in said.values():
            raise WrongCall(f"{source}: --columns takes '{quoted(meant[0])}' as two columns")
        said[ours] = meant[0]
    return said


def _which(name: str, meant: Sequence[str], names: Sequence[str]) -> str:
    if meant:
        return f"{' and '.join(repr(quoted(one)) for one in meant)} could be meant"
    return f"no such column (found: {', '.join(quoted(one) for one in names[:20])}{', ...' if len(names) > 20 else ''})"


def _target(target: str, names: Sequence[str], said: Mapping[str, str]) -> str:
    """The column to predict: one of ours, one that the caller named, or one of the table's own, as the table spells it."""
    if target in said or fold(target) in OURS:
        return target if target in said else fold(target)
    own = spellings_of(target, names)
    return own[0] if len(own) == 1 else target


def _understood(ours: str, names: Sequence[str], source: Path | None) -> str | None:
    """The column that stands for one of ours; where several could, an error with a `source` that needs it, else none."""
    spelt = [name for name in names if fold(name) == ours]
    meant = spelt or [name for name in names if fold(name) in OTHER_NAMES.get(ours, ())]
    if len(meant) > 1 and source:
        could = " and ".join(f"'{quoted(name)}'" for name in meant)
        raise WrongCall(f"{source}: {could} could be meant as {ours}; say which, such as --columns {ours}={quoted(meant[0])}")
    if not meant and ours == "path" and CLIP in names:
        return CLIP
    return meant[0] if len(meant) == 1 else None


def _rename(table: pd.DataFrame, found: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The table with these columns renamed; what has one of the names without being meant gets another."""
    away = {ours: f"{ours}_in_table" for ours, theirs in found.items() if ours != theirs and ours in table and ours not in found.values()}
    lines = [f"the table's own column '{quoted(ours)}' is kept as '{quoted(other)}'" for ours, other in away.items()]
    attrs = table.attrs
    table = table.rename(columns={**away, **{theirs: ours for ours, theirs in found.items() if theirs in table}})
    table.attrs = attrs
    return table, lines
