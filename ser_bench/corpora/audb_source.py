"""Databases that audb fetches, named ``audb:NAME`` or ``audb:NAME@VERSION``.

In:   such a name, and the cache.
Out:  the header of the database in the cache, fetched unless it is there: a folder in audformat like any other.
Rule: audb asks the repositories that its own configuration names, and trusts what they hold. Nothing is fetched unless a source says so.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from ser_bench.corpora.audformat_database import HEADER
from ser_bench.errors import WorkFailed, WrongCall, quoted

PREFIX = "audb:"
WORKERS = 4
"""Files that are fetched at a time."""


class PublishedDatabase(NamedTuple):
    """A database by its name, and its version where one is meant."""

    name: str
    version: str | None


def named(source: str | Path) -> PublishedDatabase | None:
    """The database that a source names; None where it names none of audb's.

    >>> named("audb:emodb@1.4.1"), named("emodb")
    (PublishedDatabase(name='emodb', version='1.4.1'), None)

    Raises
    ------
    WrongCall
        For a name that no database can have.
    """
    if not isinstance(source, str) or not source.strip().startswith(PREFIX):
        return None
    found = re.fullmatch(r"([A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w.-]*))?", source.strip().removeprefix(PREFIX))
    if not found:
        raise WrongCall(f"'{quoted(source)}' names no database: audb:NAME or audb:NAME@VERSION")
    return PublishedDatabase(found[1], found[2])


def fetch(database: PublishedDatabase, cache: Path) -> tuple[Path, list[str]]:
    """The header of a database in the cache, and a line that says which version was taken where none was named.

    Raises
    ------
    WrongCall
        Where audb is not installed.
    WorkFailed
        Where audb cannot fetch it.
    """
    try:
        import audb
    except ImportError:
        raise WrongCall(f"{PREFIX}{database.name} needs the package audb: pip install 'ser-bench[audb]'") from None
    folder = _home(cache)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where audb says what it does, and tables may go
            version = database.version or audb.latest_version(database.name)
            fetched = audb.load(
                database.name,
                version=version,
                full_path=False,
                pickle_tables=False,
                cache_root=str(folder),
                num_workers=WORKERS,
                verbose=sys.stderr.isatty(),
            )
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise WorkFailed(f"audb cannot fetch {database.name}: {quoted(why, 160)}") from None
    if fetched is None:
        raise WorkFailed(f"audb cannot fetch {database.name}: another process holds {folder}; try again when it is done")
    told = f"the newest version of {PREFIX}{database.name} is {version}; {PREFIX}{database.name}@{version} names it for good"
    return Path(fetched.root) / HEADER, [] if database.version else [told]


def fetched_folder(database: PublishedDatabase, cache: Path) -> Path:
    """Where a database lies once fetched, its newest version where none is named; nothing is fetched."""
    found = list(_home(cache).glob(f"{database.name}/{database.version or '*'}/*/{HEADER}"))
    newest = max(found, key=lambda header: _order(header.parents[1].name), default=None)
    return newest.parent if newest else _home(cache) / database.name


def _home(cache: Path) -> Path:
    return Path(os.path.abspath(cache)) / "audb"


def _order(version: str) -> list[tuple[int, str]]:
    """What versions are sorted by: ``1.10.0`` after ``1.9.0``."""
    return [*((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[.-]", version)), (0, "")]
