"""A corpus from where it lies: a folder that a reader recognises, a manifest, or the embedded one.

In:   a path or a name; a `Corpus` or the table of a manifest, which are checked as files are.
Out:  a `Corpus`, or of a folder in which several were put together as many (`recognition`); ``FOLDER#NAME`` is the one of that name.
Rule: what could be read in two ways is asked about, never chosen between; an option without effect on a source is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import EMOTION, Loaded
from ser_bench.corpora import audb_source
from ser_bench.corpora.audformat_clips import read_database
from ser_bench.corpora.audformat_database import database_header
from ser_bench.corpora.base import Corpus, FileNameReader, Origin, ReadingOptions, Source, digest_of
from ser_bench.corpora.columns import fold
from ser_bench.corpora.files import MANIFEST_SUFFIXES
from ser_bench.corpora.given import read_given, take
from ser_bench.corpora.hugging_face import clips_folder, holds_shards, read_shards, refuse_arrow
from ser_bench.corpora.labels import unknown_emotions
from ser_bench.corpora.names import join_spellings, refuse_unwritable
from ser_bench.corpora.recordings import read_recordings
from ser_bench.corpora.targets import predict_column
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils import plugins, spec
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.formatting import number_of
from ser_bench.utils.named_tables import NamedTable, given_tables

if TYPE_CHECKING:
    from ser_bench.corpora.synthetic import Tones

CHOICE = "#"
"""What stands between a folder of several corpora and the name of one."""


@named_arguments()
def load_corpus(
    source: Source | Loaded,
    *,
    cache: str | Path = "features",
    columns: Mapping[str, str] | None = None,
    table: str | None = None,
    target: str = EMOTION,
) -> Corpus:
    """A corpus from where it lies.

    Parameters
    ----------
    source : str, Path, DataFrame or Corpus
        A folder of recordings (``FOLDER#NAME`` for one of the corpora that it holds), a database in audformat (its folder or
        ``db.yaml``), ``audb:NAME`` or ``audb:NAME@VERSION``, a folder of Parquet files with audio in them, a manifest (``.csv``,
        ``.tsv``, ``.jsonl``, ``.parquet``), or ``tones``, the embedded corpus, with parameters or without: ``tones(speakers=4)``.
        The table of a manifest as a DataFrame, under a name with ``{"mine": table}``; its relative paths begin in the current folder.
        A `Corpus` is checked; it may have been changed since it was loaded.
    cache : str or Path
        Where the embedded corpus is kept once made, a database once fetched, and audio once it is unpacked from Parquet files.
    columns : mapping of str to str, optional
        Which columns of a table are meant, ours to theirs: ``{"path": "file", "emotion": "label"}``.
    table : str, optional
        Which table of a database, or configuration of a data set, that has several.
    target : str
        The column whose values are predicted, such as ``intensity``.

    Raises
    ------
    WrongCall
        Where there is nothing to read, nobody recognises it, it holds several corpora, it has a single speaker or emotion, or no such
        column or table.
    """
    found = load_corpora(source, cache=cache, columns=columns, table=table, target=target)
    if len(found) > 1 and isinstance(source, Mapping):
        raise WrongCall(f"one corpus is loaded, and {len(found)} tables are given: {quoted(', '.join(source))}; leave the others out")
    if len(found) > 1:
        held = ", ".join(f"{corpus.name} ({number_of(len(corpus.clips), 'clip')})" for corpus in found)
        raise WrongCall(f"{source} holds several corpora: {held}; name one, such as {found[0]}, or the folder that it lies in")
    return found[0]


@named_arguments()
def load_corpora(
    source: Source | Loaded,
    *,
    cache: str | Path = "features",
    columns: Mapping[str, str] | None = None,
    table: str | None = None,
    target: str = EMOTION,
) -> list[Corpus]:
    """The corpora of a source, the largest first: as many as a folder holds files of. Parameters and errors as `load_corpus`."""
    options = ReadingOptions(dict(columns or {}), table or None, target)
    if isinstance(source, Corpus):
        return [_complete(_take_as(source, options), source, options)]
    if not isinstance(source, str | os.PathLike | Loaded):
        return [_complete(read_given(one, options), one, options) for one in given_tables(source, "corpus")]
    read = _read(str(source) if isinstance(source, Loaded) else source, Path(cache), options)
    folder = str(source).rstrip("/")
    return [_complete(corpus, source if len(read) == 1 else f"{folder}{CHOICE}{corpus.name}", options) for corpus in read]


def _complete(corpus: Corpus, source: str | Path | Loaded | NamedTable, options: ReadingOptions) -> Corpus:
    """A corpus with its target, with names spelt in one way, and with its origin."""
    if fold(options.target) not in {EMOTION, fold(corpus.target)}:
        corpus = predict_column(corpus, options.target)
    refuse_unwritable(corpus.clips, str(source))
    clips, joined = join_spellings(corpus.clips, corpus.target)
    named = source if isinstance(source, NamedTable) else str(source)
    origin = corpus.origin if isinstance(source, Corpus) else Origin(named, digest_of(clips), options)
    odd = unknown_emotions(clips) if corpus.target == EMOTION else []
    told = tuple(dict.fromkeys((*corpus.warnings, *joined, *odd)))
    corpus = replace(corpus, clips=clips, warnings=told, origin=origin)
    for column, what in (("speaker", "speakers"), ("emotion", "emotions")):
        found = corpus.clips[column].unique()
        if len(found) < 2:
            called = corpus.target if column == EMOTION else column
            values = "values" if called != column else what
            raise WrongCall(f"{source}: '{quoted(found[0])}' is the only {quoted(called)}; at least two {values} are needed")
    return corpus


def audio_folder(source: str | Path, cache: str | Path = "features") -> Path:
    """The folder that the clips of a corpus are named relative to, whether or not it is there; parameters as in `load_corpus`."""
    if embedded := _named_tones(source):
        return embedded.folder(Path(cache).absolute())
    if published := audb_source.named(source):
        return audb_source.fetched_folder(published, Path(cache))
    path, _ = _folder_and_choice(source)
    if database := database_header(path):
        return database.parent
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        return path.parent
    return clips_folder(path, Path(cache)) if holds_shards(path) else path


def known_readers() -> dict[str, type[FileNameReader]]:
    """All readers by name, those of other packages too."""
    return plugins.discover("corpora", FileNameReader, "ser_bench.corpora")


def _take_as(corpus: Corpus, options: ReadingOptions) -> Corpus:
    """A corpus that was handed in, unless it is asked to be read in another way than it was."""
    taken, read = take(corpus), corpus.reading
    for key, value in (("columns", options.columns), ("table", options.table)):
        if value and value != read[key]:
            raise WrongCall(f"{key}: corpus '{quoted(corpus.name)}' is loaded already; give it to load_corpus")
    if corpus.target != EMOTION and fold(options.target) not in {EMOTION, fold(corpus.target)}:
        raise WrongCall(f"target: corpus '{quoted(corpus.name)}' was loaded with the target '{quoted(corpus.target)}'; load it again")
    return taken


def _read(source: str | Path, cache: Path, options: ReadingOptions) -> list[Corpus]:
    from ser_bench.corpora import manifest

    if embedded := _named_tones(source):
        _without_tables(source, options)
        return [embedded.corpus(cache)]
    if published := audb_source.named(source):
        header, told = audb_source.fetch(published, cache)
        corpus = read_database(header, options)
        return [replace(corpus, name=published.name, warnings=(*told, *corpus.warnings))]
    path, chosen = _folder_and_choice(source)
    if database := database_header(path):
        return [read_database(database, options)]
    if path.is_dir() and holds_shards(path):
        return [read_shards(path, options, cache)]
    if path.is_dir():
        refuse_arrow(path)
        _without_tables(source, options)
        known = known_readers()
        if chosen:
            plugins.find("corpus", chosen, known)
        return read_recordings(path, known, chosen)
    if not path.exists():
        raise WrongCall(f"no such corpus: {source}; name a folder of recordings, a manifest ({', '.join(MANIFEST_SUFFIXES)}) or 'tones'")
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        if options.table:
            raise WrongCall(f"--table {quoted(options.table)}: {source} is one table; leave it out")
        return [manifest.read_manifest(path, options)]
    raise WrongCall(f"{source} is neither a folder nor a manifest ({', '.join(MANIFEST_SUFFIXES)})")


def _folder_and_choice(source: str | Path) -> tuple[Path, str]:
    """The path that is meant, and of a folder of several corpora the one that is named after a ``#``: no file has that whole name."""
    path = Path(os.path.abspath(Path(source).expanduser()))
    whole, _, chosen = path.name.rpartition(CHOICE)
    folder = path.parent / whole
    return (path, "") if path.exists() or not whole or not folder.is_dir() else (folder, chosen)


def _without_tables(source: str | Path, options: ReadingOptions) -> None:
    """Refuse options about tables for a source that has none."""
    for key, value in (("columns", options.columns), ("table", options.table)):
        if value:
            raise WrongCall(f"--{key} has no effect on {source}: it is read from the names of its files; leave it out")


def _named_tones(source: str | Path) -> Tones | None:
    """The embedded corpus, where that is what is named."""
    from ser_bench.corpora import synthetic

    if not isinstance(source, str) or not re.match(r"\s*tones\s*(\(|$)", source):
        return None
    name, parameters = spec.parse(source)
    return spec.build("corpus", synthetic.Tones, name, parameters)
