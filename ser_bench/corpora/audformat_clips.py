"""The clips of a database in audformat: which table is meant, and what the others know of its clips.

In:   a `Database`, and which table and columns are meant where it leaves a choice.
Out:  one table of clips under our names: its labels, the speaker and what is known of him or her, and the split as `fold`.
Rule: a table is chosen only where no other choice would give other labels; else the caller is asked, and all that could be meant are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.config import EMOTION
from ser_bench.corpora.audformat_database import INDEX, Database, two_letters
from ser_bench.corpora.base import Corpus, ReadingOptions
from ser_bench.corpora.distributed import (
    drop_unlabelled,
    folds_of,
    listed,
    refuse_long,
    refuse_nameless,
    refuse_outside,
    short_errors,
    tables_asked_for,
)
from ser_bench.corpora.manifest import make_corpus
from ser_bench.corpora.names import first
from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("speaker", "gender", "language", "sentence", "intensity", "session", "voice")
"""Columns of ours that a column or a scheme may be called after; those that a clip's own table lacks are taken from other tables."""
NEEDED = (EMOTION, "speaker")
"""Of these, the caller is asked where a table has several."""


class ChosenTables(NamedTuple):
    """Tables whose clips are meant.

    Parameters
    ----------
    role : str
        What decided on them: the target, or the emotion where the target is no column of a table.
    tables : dict of str to str
        Their names, and the column of that in each.
    others : tuple of str
        Tables of the same labels for some of the clips.
    """

    role: str
    tables: dict[str, str]
    others: tuple[str, ...] = ()


def read_database(path: Path, options: ReadingOptions) -> Corpus:
    """The corpus of a database in audformat.

    Parameters
    ----------
    path : Path
        Its ``db.yaml``.
    options : ReadingOptions
        The table (several by wildcards or with commas), columns as ``COLUMN`` or ``TABLE.COLUMN``, and the target.

    Raises
    ------
    WrongCall
        Where no table has what is needed, or several could be meant: these are named.
    """
    with short_errors(path):
        database = Database.open(path)
        clips, lines = clips_of(database, options)
        _check_known(clips, options.target, path)
        where = [f"'{quoted(file, 60)}'" for file in clips["path"]]
        refuse_outside(clips["path"], path)
        refuse_long(clips, where, path)
        clips, where, unlabelled = drop_unlabelled(clips, options.target, where)
        refuse_nameless(clips, where, path)
        name = re.sub(r"[^\w.-]+", "-", database.name) or "database"
        corpus = make_corpus(clips, path, path.parent, name, replace(options, columns={}, table=None))
        return replace(corpus, warnings=(*corpus.warnings, *lines, *unlabelled))


def clips_of(database: Database, options: ReadingOptions) -> tuple[pd.DataFrame, list[str]]:
    """The table of clips, with `path` relative to the database's folder, and a line for each thing that a reader should know.

    Raises
    ------
    WrongCall
        Where no table has what is needed, or several could be meant.
    """
    _check_said(database, options)
    chosen = choose_tables(database, options)
    clips, schemes = _own_rows(database, chosen, options)
    for role in dict.fromkeys((*ROLES, EMOTION, *options.columns)):
        if role not in clips:
            clips, scheme = _add_from_elsewhere(database, clips, role, options.columns.get(role), chosen)
            schemes[role] = scheme
    clips, lines = _name_labels(database, clips, schemes)
    clips = _add_facts_of_speakers(database, clips, schemes.get("speaker", ""))
    clips = _add_folds(database, clips, chosen)
    if "language" in clips:
        clips["language"] = clips["language"].map(two_letters)
    elif len(database.languages) == 1:
        clips["language"] = database.languages[0]
    if pickled := database.pickled():
        told = number_of(len(pickled), "pickled table beside the header is", "pickled tables beside the header are")
        lines.append(f"{told} not read, such as {quoted(pickled[0])}")
    clips = clips.rename(columns={"path": "path_in_table"})
    unsegmented = clips["start"].isna().all() and clips["end"].isna().all()
    return clips.drop(columns=["start", "end"] if unsegmented else []).rename(columns={"file": "path"}), lines


def _check_known(clips: pd.DataFrame, target: str, path: Path) -> None:
    """Refuse clips whose target or speaker no table knows."""
    missing = [column for column in (target, "speaker") if column not in clips]
    if missing:
        names = " and ".join(f"'{quoted(column)}'" for column in missing)
        raise WrongCall(
            f"{path}: no table has a column or scheme {names} for these clips; name it with --columns {quoted(missing[-1])}=COLUMN or "
            f"TABLE.COLUMN (known of the clips: {listed(str(column) for column in clips if column not in INDEX)})"
        )


def column_of(database: Database, table: str, role: str, said: str | None) -> str | None:
    """The column of a table that one of our names means: as the caller says, of that name, or the only one of a scheme of that name."""
    columns = database.tables[table]
    if said is not None:
        return next((column for column in columns if said in (column, f"{table}.{column}")), None)
    named = [column for column in columns if column.casefold() == role.casefold()]
    of_scheme = [column for column, scheme in columns.items() if scheme.casefold() == role.casefold()]
    if not named and len(of_scheme) > 1 and role in NEEDED:
        raise WrongCall(
            f"{database.path}: the table '{quoted(table)}' has several columns of the scheme '{role}': {listed(of_scheme)}; choose "
            f"with --columns {role}=COLUMN"
        )
    return next(iter(named or (of_scheme if len(of_scheme) == 1 else [])), None)


def _check_said(database: Database, options: ReadingOptions) -> None:
    """Refuse columns that no table has, and such as a table of audformat has by itself."""
    known = [name for table, columns in database.tables.items() for column in columns for name in (column, f"{table}.{column}")]
    for ours, theirs in options.columns.items():
        if ours in ("path", "start", "end"):
            raise WrongCall(f"--columns {ours}={quoted(theirs)}: tables of audformat name files and segments themselves; leave it out")
        if theirs not in known:
            raise unknown(f"column of {database.path}", theirs, dict.fromkeys(known))


def choose_tables(database: Database, options: ReadingOptions) -> ChosenTables:
    """The tables that are meant."""
    asked = tables_asked_for(options.table, database.tables, database.path) if options.table else list(database.tables)
    for role in dict.fromkeys((options.target, EMOTION)):
        found = {table: column_of(database, table, role, options.columns.get(role)) for table in asked}
        candidates = {table: column for table, column in found.items() if column is not None}
        if (options.table and candidates) or len(candidates) == 1:
            return ChosenTables(role, candidates)
        if candidates:
            return _without_doubt(database, role, candidates)
    told = listed(f"{table} ({', '.join(columns) or 'no columns'})" for table, columns in _shown(database, asked).items())
    raise WrongCall(
        f"{database.path}: no column or scheme is called '{quoted(options.target)}' in {told or 'any table'}; "
        f"name the column with --columns {quoted(options.target)}=COLUMN"
    )


def _shown(database: Database, tables: Iterable[str]) -> dict[str, list[str]]:
    return {table: list(database.tables[table])[:5] for table in tables}


def _without_doubt(database: Database, role: str, candidates: dict[str, str]) -> ChosenTables:
    """Of several tables the one that holds the clips and labels of all, else those of one predefined split."""
    labels = {}
    for table, column in candidates.items():
        rows = database.rows(table)
        labelled = rows[rows[column] != ""]
        labels[table] = dict(zip(_keys(labelled), labelled[column], strict=True))
    for table, known in labels.items():
        if all(other.items() <= known.items() for other in labels.values()):
            return ChosenTables(role, {table: candidates[table]}, tuple(other for other in candidates if other != table))
    apart = all(not one.keys() & other.keys() for one, other in combinations(labels.values(), 2))
    if apart and folds_of(database.split_of(table) for table in candidates):
        return ChosenTables(role, candidates)
    told = listed(f"{table} ({column}: {len(labels[table]):,} clips)" for table, column in candidates.items())
    raise WrongCall(
        f"{database.path}: several tables could be meant: {told}; choose with --table NAME (several: --table 'NAME,NAME' or 'train.*')"
    )


def _own_rows(database: Database, chosen: ChosenTables, options: ReadingOptions) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of the chosen tables under our names, and the scheme of each of these."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    schemes: dict[str, str] = {}
    for table, column in chosen.tables.items():
        ours = {chosen.role: column}
        for role in dict.fromkeys((*ROLES, EMOTION, *options.columns)):
            meant = column_of(database, table, role, options.columns.get(role))
            if meant is not None and meant not in ours.values():
                ours.setdefault(role, meant)
        schemes |= {role: database.tables[table][theirs] for role, theirs in ours.items()}
        rows = database.rows(table)
        given_way = {role: f"{role}_in_table" for role, theirs in ours.items() if role in rows and role != theirs}
        parts.append(rows.rename(columns={**given_way, **{theirs: role for role, theirs in ours.items()}}))
    clips = pd.concat(parts, ignore_index=True)
    if len(parts) > 1:
        clips = clips.drop_duplicates([*INDEX, chosen.role], ignore_index=True)
        text = [str(column) for column in clips if column not in ("start", "end")]
        clips[text] = clips[text].fillna("")
    if twice := int(clips.duplicated(INDEX).sum()):
        raise WrongCall(
            f"{database.path}: {number_of(twice, 'clip has', 'clips have')} two labels in {listed(chosen.tables)}, such as "
            f"'{quoted(clips.loc[clips.duplicated(INDEX), 'file'].iloc[0], 40)}'; choose with --table"
        )
    return clips, schemes


def _add_from_elsewhere(
    database: Database, clips: pd.DataFrame, role: str, said: str | None, chosen: ChosenTables
) -> tuple[pd.DataFrame, str]:
    """What tables that were not chosen know of the clips under one of our names, and its scheme; nothing where none does."""
    values, scheme, source = None, "", ""
    for table in database.tables:
        if table in chosen.tables or (column := column_of(database, table, role, said)) is None:
            continue
        found = _look_up(database.rows(table), column, clips)
        if found is None or not (found != "").any():
            continue
        if values is not None and (differing := (values != "") & (found != "") & (values != found)).any():
            such = f"{number_of(int(differing.sum()), 'clip')}, such as '{quoted(clips.loc[differing, 'file'].iloc[0], 40)}'"
            raise WrongCall(
                f"{database.path}: the tables '{quoted(source)}' and '{quoted(table)}' disagree on the {role} of {such}; "
                f"choose with --columns {role}=TABLE.COLUMN"
            )
        values, source = found if values is None else values.mask(values == "", found), table
        scheme = database.tables[table][column]
    return clips if values is None else clips.assign(**{role: values}), scheme


def _look_up(rows: pd.DataFrame, column: str, clips: pd.DataFrame) -> pd.Series | None:
    """A column of another table for each clip, by its file where that table is of whole files, else by its segment."""
    whole = rows["start"].isna().all() and rows["end"].isna().all()
    keys, wanted = (rows["file"], clips["file"]) if whole else (_keys(rows), _keys(clips))
    known = dict(zip(keys, rows[column], strict=True))
    found = clips["file"].copy()
    found[:] = [known.get(key, "") for key in wanted]
    return found


def _keys(rows: pd.DataFrame) -> list[tuple[str, float, float]]:
    """What makes each row a clip."""
    return list(zip(rows["file"], rows["start"].fillna(0.0), rows["end"].fillna(-1.0), strict=True))


def _name_labels(database: Database, clips: pd.DataFrame, schemes: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """Labels that are numbers by the words that their scheme has for them; and a line for values that a scheme does not list."""
    lines = []
    for role, scheme in schemes.items():
        labels, _ = database.labels_of(scheme) if scheme and role in clips else (None, "")
        if labels is None:
            continue
        words = {label: word for label, word in labels.items() if isinstance(word, str)}
        if words and len(words) == len(labels) and all(label.lstrip("-").isdigit() for label in labels):
            clips = clips.assign(**{role: clips[role].map(lambda value, words=words: words.get(value, value)).astype(object)})
            labels = dict.fromkeys(words.values())
        unlisted = clips.loc[(clips[role] != "") & ~clips[role].isin(list(labels)), role].value_counts()
        if len(unlisted):
            told = first([f"'{quoted(value)}' ({n})" for value, n in unlisted.sort_index().items()])
            have = number_of(int(unlisted.sum()), "clip has a value", "clips have values")
            lines.append(f"{role}: {have} that the scheme '{quoted(scheme)}' does not list: {told}")
    return clips, lines


def _add_facts_of_speakers(database: Database, clips: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """What the labels of the speakers' scheme say of each, such as gender, where the clips' tables do not."""
    labels, _ = database.labels_of(scheme) if scheme else (None, "")
    known = {speaker: about for speaker, about in (labels or {}).items() if isinstance(about, dict)}
    for field in dict.fromkeys(str(field) for about in known.values() for field in about):
        if field in clips:
            continue
        values = {
            speaker: str(value)
            for speaker, about in known.items()
            if isinstance(value := about.get(field), str | int | float) and value == value
        }
        clips = clips.assign(**{field: clips["speaker"].map(values).astype(object).where(lambda found: found.notna(), "")})
    return clips


def _add_folds(database: Database, clips: pd.DataFrame, chosen: ChosenTables) -> pd.DataFrame:
    """The part of a predefined split that each clip is in, where tables of one cover all clips."""
    splits = {table: database.split_of(table) for table in (*chosen.tables, *chosen.others) if database.split_of(table)}
    parts = folds_of(splits.values())
    if "fold" in clips or parts is None:
        return clips
    known: dict[tuple[str, float, float], set[str]] = {}
    for table, split in splits.items():
        for key in _keys(database.rows(table)):
            known.setdefault(key, set()).add(parts[split])
    folds = [known.get(key, set()) for key in _keys(clips)]
    return clips.assign(fold=[fold.pop() for fold in map(set, folds)]) if all(len(fold) == 1 for fold in folds) else clips
