"""A corpus handed in as a `Corpus`, loaded before or put together in Python; or as the table of a manifest.

In:   a `Corpus`, whatever its clip table was made of; or a `NamedTable`, whose paths are relative to the current folder.
Out:  the same with its table as the contract has it, and a warning where naming its source would give another corpus.
Rule: it is held to what a manifest is held to: required columns are there and filled, names are text, every clip is there once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ser_bench.config import EMOTION
from ser_bench.corpora.base import Corpus, ReadingOptions, digest_of, normalise_columns
from ser_bench.corpora.labels import name_emotion
from ser_bench.corpora.manifest import make_corpus
from ser_bench.corpora.names import plain
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.named_tables import NamedTable
from ser_bench.utils.tables import as_numbers, as_text, check_columns, refuse_rows

REQUIRED = ("path", "emotion", "speaker")
NUMBERS = ("start", "end", "recognised")


def take(corpus: Corpus) -> Corpus:
    """Check a corpus that was handed in.

    Raises
    ------
    WrongCall
        Naming the column or the row that cannot be meant. Row 1 is the first clip.
    """
    if corpus.origin and corpus.origin.digest == digest_of(corpus.clips):
        return corpus
    called = Path(f"corpus '{quoted(corpus.name)}'")
    check_columns(corpus.clips, REQUIRED, called)
    clips = corpus.clips.assign(
        **{
            str(column): as_numbers(values, called) if column in NUMBERS else as_text(values, keep_words=column in REQUIRED)
            for column, values in corpus.clips.items()
        }
    )
    for column in REQUIRED:
        refuse_rows(clips[column].map(plain) == "", called, f"no {column}")
    clips["path"] = [str(Path(corpus.folder, path)) for path in clips["path"]]
    clips.index = clips.index.map(str)
    refuse_rows(clips.index.duplicated(), called, "a clip that an earlier row names already")
    if "original" not in clips:
        clips["original"] = clips["emotion"]
    if corpus.target == EMOTION:
        clips[EMOTION] = clips[EMOTION].map(name_emotion)
    was = "was changed after it was loaded" if corpus.origin else "was put together in Python"
    told = f"the corpus {was}: run.toml and commands name {corpus}, which may hold other clips or labels"
    return replace(corpus, clips=normalise_columns(clips), warnings=tuple(dict.fromkeys((*corpus.warnings, told))))


def read_given(table: NamedTable, options: ReadingOptions) -> Corpus:
    """The corpus that a table describes, as a manifest in the current folder would; errors as `manifest.read_manifest`.

    Raises
    ------
    WrongCall
        Also where none of its files is there.
    """
    if options.table:
        raise WrongCall(f"table: {table} is one table; leave it out")
    corpus = make_corpus(table.frame, Path(str(table)), Path.cwd(), table.name, options)
    if not any(Path(path).exists() for path in corpus.clips["path"]):
        first = quoted(corpus.clips["path"].iloc[0])
        raise WrongCall(f"{table}: none of its files is there, such as {first}; in a DataFrame, relative paths begin in the current folder")
    return corpus
