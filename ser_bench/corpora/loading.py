"""A corpus from where it lies: a folder that a reader recognises, a manifest, or the embedded one.

In:   a path or a name.
Out:  a `Corpus`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import EMOTION, Loaded
from ser_bench.corpora import audb_source
from ser_bench.corpora.audformat_clips import read_database
from ser_bench.corpora.audformat_database import database_header
from ser_bench.corpora.base import Corpus, FileNameReader, Origin, ReadingOptions, Source, digest_of
from ser_bench.corpora.files import MANIFEST_SUFFIXES, OTHER_SUFFIXES, SUFFIXES, find_audio
from ser_bench.corpora.given import take
from ser_bench.corpora.hugging_face import clips_folder, holds_shards, read_shards
from ser_bench.corpora.names import first, join_spellings
from ser_bench.corpora.targets import predict_column
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils import plugins, spec
from ser_bench.utils.calls import named_arguments

if TYPE_CHECKING:
    from ser_bench.corpora.synthetic import Tones


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
    source : str, Path or Corpus
        A folder of recordings, a database in audformat (its folder or ``db.yaml``), ``audb:NAME`` or ``audb:NAME@VERSION``, a folder of
        Parquet files with audio in them, a manifest (``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``), or ``tones``, the embedded corpus, with
        parameters or without: ``tones(speakers=4)``. A `Corpus` is checked; it may have been changed since it was loaded.
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
        Where there is nothing to read, nobody recognises it, it has a single speaker or emotion, or no such column or table.
    """
    options = ReadingOptions(dict(columns or {}), table or None, target)
    if isinstance(source, Corpus):
        corpus = _take_as(source, options)
    else:
        corpus = _read(str(source) if isinstance(source, Loaded) else source, Path(cache), options)
    if corpus.target == EMOTION and target != EMOTION:
        corpus = predict_column(corpus, target)
    clips, joined = join_spellings(corpus.clips)
    origin = corpus.origin if isinstance(source, Corpus) else Origin(str(source), digest_of(clips), options)
    corpus = replace(corpus, clips=clips, warnings=(*corpus.warnings, *joined), origin=origin)
    for column, what in (("speaker", "speakers"), ("emotion", "emotions")):
        found = corpus.clips[column].unique()
        if len(found) < 2:
            raise WrongCall(f"{source}: '{quoted(found[0])}' is the only {column}; at least two {what} are needed")
    return corpus


def audio_folder(source: str | Path, cache: str | Path = "features") -> Path:
    """The folder that the clips of a corpus are named relative to, whether or not it is there; parameters as in `load_corpus`."""
    if embedded := _named_tones(source):
        return embedded.folder(Path(cache).absolute())
    if published := audb_source.named(source):
        return audb_source.fetched_folder(published, Path(cache))
    path = Path(os.path.abspath(Path(source).expanduser()))
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
    if corpus.target != EMOTION and options.target not in {EMOTION, corpus.target}:
        raise WrongCall(f"target: corpus '{quoted(corpus.name)}' was loaded with the target '{quoted(corpus.target)}'; load it again")
    return taken


def _read(source: str | Path, cache: Path, options: ReadingOptions) -> Corpus:
    from ser_bench.corpora import manifest

    if embedded := _named_tones(source):
        _without_tables(source, options)
        return embedded.corpus(cache)
    if published := audb_source.named(source):
        header, told = audb_source.fetch(published, cache)
        corpus = read_database(header, options)
        return replace(corpus, name=published.name, warnings=(*told, *corpus.warnings))
    path = Path(os.path.abspath(Path(source).expanduser()))
    if database := database_header(path):
        return read_database(database, options)
    if path.is_dir() and holds_shards(path):
        return read_shards(path, options, cache)
    if path.is_dir():
        _without_tables(source, options)
        return _read_folder(path)
    if not path.exists():
        raise WrongCall(f"no such corpus: {source}; name a folder of recordings, a manifest ({', '.join(MANIFEST_SUFFIXES)}) or 'tones'")
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        if options.table:
            raise WrongCall(f"--table {quoted(options.table)}: {source} is one table; leave it out")
        return manifest.read_manifest(path, options)
    raise WrongCall(f"{source} is neither a folder nor a manifest ({', '.join(MANIFEST_SUFFIXES)})")


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


def _read_folder(folder: Path) -> Corpus:
    files = find_audio(folder)
    if not files:
        raise WrongCall(f"no audio in {folder}: looked for {', '.join(SUFFIXES)} at any depth")
    reader = _recognise(folder, files)
    corpus = reader.read(folder, files)
    return replace(corpus, warnings=(*corpus.warnings, *_other_formats(folder, reader, corpus)))


def _other_formats(folder: Path, reader: FileNameReader, corpus: Corpus) -> list[str]:
    """A warning that counts sound files of formats that are not looked for, and speakers who have no other."""
    others = find_audio(folder, OTHER_SUFFIXES)
    if not others:
        return []
    kinds = Counter(Path(file).suffix.lower() for file in others)
    lost = sorted({said["speaker"] for said in reader.matches(others).values()} - set(corpus.clips["speaker"]))
    speakers = f"; without them there is nothing of {len(lost)} speaker(s): {first(lost)}" if lost else ""
    counts = ", ".join(f"{suffix} {n}" for suffix, n in sorted(kinds.items()))
    return [f"{len(others)} file(s) of other formats are left out ({counts}), such as {others[0]}; convert them to WAV or FLAC{speakers}"]


def _recognise(folder: Path, files: list[str]) -> FileNameReader:
    known = known_readers()
    counts = {name: len(reader().matches(files)) for name, reader in known.items()}
    most = max(counts.values(), default=0)
    best = [name for name, count in counts.items() if count == most]
    way_out = "write a manifest: a CSV file with columns path, emotion, speaker"
    if 2 * most <= len(files):
        near = f" ({best[0]} would explain {most})" if most else ""
        raise WrongCall(f"{folder}: nobody recognises its {len(files)} audio files{near}; known are {', '.join(known)}. Else {way_out}")
    if len(best) > 1:
        raise WrongCall(f"{folder}: {' and '.join(best)} recognise its files alike; {way_out}")
    return known[best[0]]()
