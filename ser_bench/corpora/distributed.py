"""What databases and data sets that others distribute have in common, whatever their format.

In:   a table as it was distributed, with its folder.
Out:  the rows that can be evaluated, and a line for what was left out.
Rule: what such a table names lies in its folder: a path that leads out of it is refused, never followed. An error is one line of at most
      300 characters that repeats no cell beyond the beginning of a name.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from ser_bench.corpora.names import NAMED, plain
from ser_bench.errors import SerBenchError, WrongCall, printable, quoted, unknown
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.tables import as_text

if TYPE_CHECKING:
    import pandas as pd

LONGEST_ERROR = 300
LONGEST_NAME = 10_000
"""Characters of a speaker's, an emotion's or a sentence's."""
FOLDS = {"train": "train", "training": "train", "dev": "dev", "devel": "dev", "valid": "dev", "validation": "dev", "val": "dev"} | {
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
"""What splits are called, and which part of a predefined split each is."""
FEW = 3


@contextlib.contextmanager
def short_errors(source: Path) -> Iterator[None]:
    """Errors of at most `LONGEST_ERROR` characters: the path of their source by its name alone where it is long, then their beginning."""
    try:
        yield
    except SerBenchError as error:
        said = printable(" ".join(str(error).split()))
        if len(said) > LONGEST_ERROR:
            said = said.replace(printable(str(source)), quoted(source.name))
        if len(said) > LONGEST_ERROR:
            said = said[: LONGEST_ERROR - 1] + "…"
        raise type(error)(said) if type(error).__init__ is SerBenchError.__init__ else WrongCall(said) from None


def leads_out(path: str) -> bool:
    r"""Whether a path that a table names may lie outside of the table's folder, on any system.

    >>> [leads_out(path) for path in ("a/b.wav", "a/../b.wav", "../b.wav", "/b.wav", "C:\\b.wav", "..\\b.wav", "a\0b.wav")]
    [False, False, True, True, True, True, True]
    """
    if "\0" in path or PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive or path.startswith("\\"):
        return True
    depth = 0
    for part in re.split(r"[/\\]", path):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def refuse_outside(paths: Iterable[str], source: Path) -> None:
    """Refuse paths that lead out of the folder, the first ones named with their rows (row 1 is the first).

    Raises
    ------
    WrongCall
    """
    wrong = [(row, path) for row, path in enumerate(paths, start=1) if leads_out(path)]
    if not wrong:
        return
    told = ", ".join(f"row {row} ('{quoted(path, 40)}')" for row, path in wrong[:FEW])
    more = f" and {len(wrong) - FEW} more" if len(wrong) > FEW else ""
    raise WrongCall(f"{source}: audio outside of its folder is not read: {told}{more}; a manifest of your own may name files anywhere")


def drop_unlabelled(table: pd.DataFrame, column: str, where: Sequence[str]) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The rows that have a label, what each of them is called as `where` says, and a line that counts the others.

    >>> import pandas as pd
    >>> rows, where, lines = drop_unlabelled(pd.DataFrame({"emotion": ["fear", None, " "]}), "emotion", ["a", "b", "c"])
    >>> len(rows), where, lines
    (1, ['a'], ["2 rows without 'emotion' are left out, such as b"])
    """
    blank = (as_text(table[column]) == "").tolist()
    if not any(blank):
        return table, list(where), []
    if all(blank):
        raise WrongCall(f"no row has a value of '{quoted(column)}'")
    left = table[[not gone for gone in blank]].reset_index(drop=True)
    left.attrs = table.attrs
    n = sum(blank)
    told = f"{number_of(n, 'row')} without '{quoted(column)}' {plural(n, 'is', 'are')} left out, such as {where[blank.index(True)]}"
    return left, [place for place, gone in zip(where, blank, strict=True) if not gone], [told]


def refuse_nameless(table: pd.DataFrame, where: Sequence[str], source: Path) -> None:
    """Refuse rows without a speaker, the first one named by where it stands.

    Raises
    ------
    WrongCall
    """
    blank = (as_text(table["speaker"], keep_words=True).map(plain) == "").tolist()
    if any(blank):
        raise WrongCall(f"{source}: no speaker in {where[blank.index(True)]}; {number_of(sum(blank), 'row')} in all")


def refuse_long(table: pd.DataFrame, where: Sequence[str], source: Path) -> None:
    """Refuse names of more than `LONGEST_NAME` characters, which are none, the first one named by where it stands.

    Raises
    ------
    WrongCall
    """
    for column in (name for name in NAMED if name in table):
        lengths = table[column].map(lambda cell: len(cell) if isinstance(cell, str) else 0)
        if (longest := int(lengths.max())) > LONGEST_NAME:
            raise WrongCall(f"{source}: {where[int(lengths.argmax())]} has {longest:,} characters of '{column}', where a name is expected")


def folds_of(splits: Iterable[str]) -> dict[str, str] | None:
    """The part of a predefined split that each split is; None where there is only one, or some is none of train, dev and test.

    >>> folds_of(["train", "validation"]), folds_of(["train"]), folds_of(["train", "other"])
    ({'train': 'train', 'validation': 'dev'}, None, None)
    """
    parts = {split: FOLDS.get(split.lower(), "") for split in splits}
    return parts if len(set(parts.values())) > 1 and all(parts.values()) else None


def tables_asked_for(table: str, known: Iterable[str], source: Path) -> list[str]:
    """The tables that a name is for; several where it has wildcards or commas.

    >>> tables_asked_for("a.*", ["a.train", "a.test", "b"], Path("db.yaml"))
    ['a.train', 'a.test']

    Raises
    ------
    WrongCall
        Where a name is for none.
    """
    names: list[str] = []
    known = list(known)
    for name in map(str.strip, table.split(",")):
        found = fnmatch.filter(known, name)
        if not found:
            raise unknown(f"table of {source}", name, known)
        names += found
    return list(dict.fromkeys(names))


def listed(names: Iterable[str] | Mapping[str, str], most: int = 8) -> str:
    """Names for a message, the first of them."""
    told = [quoted(name, 40) for name in names]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
