"""A corpus as a user-supplied table: a file of CSV, TSV, JSON lines or Parquet with one row per clip.

In:   columns `path`, `emotion` (or another target), `speaker`, where known those of the clip table, and any others.
Out:  a `Corpus`; paths are relative to the manifest's folder.
Rule: what is written is what counts, read by the rules of `ser_bench.utils.tables`; other columns are kept as text for ``--where``.
      An audio file that is not there is no error here: it becomes a skipped clip.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import EMOTION
from ser_bench.corpora.base import Corpus, ReadingOptions, normalise_columns
from ser_bench.corpora.columns import name_columns
from ser_bench.corpora.labels import name_emotion
from ser_bench.corpora.names import first, plain
from ser_bench.corpora.targets import with_target
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of
from ser_bench.utils.tables import as_numbers, as_text, clip_name, read_table, refuse_rows, segment_suffix

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("path", "speaker")
NAMING = ("speaker", "emotion")
"""Columns in which a word such as `nan` may be a name: `ser_bench.corpora.names` asks."""

UNHEEDED = {
    "channel": "a file's channels are mixed into one; export one file per channel",
    "split": "a predefined split is read from a column 'fold'",
}
"""Columns that a user would expect to count, and do not."""


def read_manifest(manifest: Path, options: ReadingOptions) -> Corpus:
    """The corpus that a table describes.

    Parameters
    ----------
    manifest : Path
        ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``. Required columns: `path`, `speaker` and the target;
        `start` and `end` are seconds or durations, `recognised` is the share of listeners who heard the intended emotion, from 0 to 1.
        Speakers of one `voice` are one person; where it is blank, the speaker is the voice; where it makes all speakers one person, it is
        left out, with a warning.
    options : ReadingOptions
        Which columns are meant, and which is the target.

    Raises
    ------
    WrongCall
        Naming the column or the row that cannot be meant. Row 1 is the first clip.
    """
    return make_corpus(read_table(manifest), manifest, manifest.parent, _name_corpus(manifest), options)


def make_corpus(table: pd.DataFrame, manifest: Path, folder: Path, name: str, options: ReadingOptions) -> Corpus:
    """The corpus that a table describes, which was read from `manifest` and has paths relative to `folder`; errors as `read_manifest`."""
    table, target, warnings = _read_columns(table, manifest, options)
    table, alone = _read_voices(_read_segments(table, manifest), manifest)
    if "recognised" in table:
        table["recognised"] = _read_shares(table["recognised"], manifest)
    written = [_portable(path, folder) for path in table["path"]]
    slashed = sum("\\" in path and "\\" not in mine for path, mine in zip(table["path"], written, strict=True))
    segments = table[["start", "end"]].to_numpy(float) if "start" in table else None
    suffixes = [segment_suffix(*segment) for segment in segments] if segments is not None else [""] * len(table)
    table.index = [clip_name(path, folder) + suffix for path, suffix in zip(written, suffixes, strict=True)]
    hint = f" (column 'channel': {UNHEEDED['channel']})" if "channel" in table else ""
    refuse_rows(table.index.duplicated(), manifest, f"a clip that an earlier row names already{hint}")
    table["path"], told = _locate(written, folder)
    told += (
        [f"{number_of(slashed, 'path with backslashes is', 'paths with backslashes are')} read as written on Windows"] if slashed else []
    )
    if EMOTION in table:
        table = table.assign(original=table.get("original", table[EMOTION]), emotion=table[EMOTION].map(name_emotion))
        told += _renamed(table)
    if target != EMOTION:
        table, without = with_target(table, target, str(manifest))
        told += without
    clips = normalise_columns(table.drop(columns="clip", errors="ignore"))
    return Corpus(name, clips, folder, warnings=(*warnings, *alone, *told), target=target)


def _read_columns(table: pd.DataFrame, manifest: Path, options: ReadingOptions) -> tuple[pd.DataFrame, str, list[str]]:
    """The table as text, its required columns there and filled; the target; and warnings of columns that do not count."""
    table, target, understood = name_columns(table, options, manifest)
    text = {str(column): as_text(table[column], keep_words=column in NAMING) for column in table if column not in {"start", "end"}}
    warnings = [
        f"the column '{column}' ({number_of(table[column].nunique(), 'value')}) does not count: {why}"
        for column, why in UNHEEDED.items()
        if column in table
    ]
    if "fold" in table:
        warnings = [line for line in warnings if "'split'" not in line]
    left_out = table.attrs.get("left_out", {})
    warnings += [f"columns that are not read: {', '.join(f'{name} ({kind})' for name, kind in left_out.items())}"] if left_out else []
    dotted = [line for column in NAMING if column in text for line in _dotted(table, column, text[column])]
    table = table.assign(**text)
    for column in (*REQUIRED, *([EMOTION] if target == EMOTION else [])):
        refuse_rows(table[column].map(plain) == "", manifest, f"no {column}")
    return table, target, [*understood, *warnings, *dotted]


def _dotted(table: pd.DataFrame, column: str, text: pd.Series) -> list[str]:
    """A warning where a column has one whole number both with and without ``.0``."""
    raw = table[column].map(str).str.strip()
    dotted = raw[(raw != text) & text.isin(set(raw))]
    joined = [
        f"'{quoted(word)}' as '{text[dotted.index[dotted == word][0]]}' ({n})" for word, n in dotted.value_counts().sort_index().items()
    ]
    told = number_of(len(dotted), "clip is", "clips are")
    return [f"{column}: {told} under a whole number with '.0', which counts as the number: {first(joined)}"] if joined else []


def _read_segments(table: pd.DataFrame, manifest: Path) -> pd.DataFrame:
    """`start` and `end` as seconds, an open side as not a number; without either column, none."""
    if not {"start", "end"} & set(table.columns):
        return table
    if "end" not in table and "duration" in table:
        raise WrongCall(f"{manifest}: segments are given by 'start' and 'end'; replace 'duration' by 'end'")
    segments = {column: as_numbers(table[column], manifest) if column in table else float("nan") for column in ("start", "end")}
    table = table.assign(**segments)
    refuse_rows(table["end"] <= table["start"].fillna(0), manifest, "'end' does not come after 'start'")
    return table


def _read_voices(table: pd.DataFrame, manifest: Path) -> tuple[pd.DataFrame, list[str]]:
    """`voice` of every clip: what some row gives its speaker, else the speaker; none without the column, or where it is the same of all."""
    if "voice" not in table:
        return table, []
    given = table[table["voice"] != ""]
    of_speaker = given.drop_duplicates("speaker").set_index("speaker")["voice"]
    voices = table["speaker"].map(of_speaker).fillna(table["speaker"])
    refuse_rows((table["voice"] != "") & (table["voice"] != voices), manifest, "another 'voice' than an earlier row gives this speaker")
    if voices.nunique() == 1 < (n := table["speaker"].nunique()):
        told = (
            f"column 'voice' is not used: it makes all {n} speakers one person ({quoted(voices.iloc[0])}), and others have to be held out"
        )
        return table.drop(columns="voice"), [told]
    return table.assign(voice=voices), []


def _read_shares(said: pd.Series, manifest: Path) -> pd.Series:
    shares = as_numbers(said, manifest)
    refuse_rows(shares > 1, manifest, "'recognised' is a share of listeners, from 0 to 1, and is above 1", said)
    return shares


def _portable(path: str, folder: Path) -> str:
    r"""A path with ``/`` between folders; one written on Windows has only ``\``."""
    return path if "\\" not in path or "/" in path or os.path.exists(folder / path) else path.replace("\\", "/")


def _locate(written: list[str], folder: Path) -> tuple[list[str], list[str]]:
    """Where the files are: as written, or under the other Unicode form of the name; and a warning that counts the latter."""
    found, other_form = [], 0
    for path in written:
        place = folder / path
        if not path.isascii() and not os.path.exists(place):
            forms = (folder / unicodedata.normalize(form, path) for form in ("NFC", "NFD"))
            there = next((form for form in forms if os.path.exists(form)), None)
            other_form += there is not None
            place = there or place
        found.append(str(place))
    told = number_of(other_form, "file is", "files are")
    warning = f"{told} found under another Unicode form of the name than the table has (composed, decomposed)"
    return found, [warning] if other_form else []


def _renamed(clips: pd.DataFrame) -> list[str]:
    """A warning of words that the vocabulary has another noun for."""
    pairs = Counter(zip(clips["original"].map(str.strip), clips["emotion"], strict=True))
    words = [
        f"'{quoted(word)}' as {noun} ({n})"
        for (word, noun), n in sorted(pairs.items())
        if name_emotion(word) == noun and plain(word) != plain(noun)
    ]
    return [f"emotion words are read as the vocabulary's nouns: {first(words, 8)}"] if words else []


def _name_corpus(manifest: Path) -> str:
    """The file's stem, or its folder's name where the stem says nothing."""
    name = manifest.parent.name if manifest.stem.lower() == "manifest" else manifest.stem
    return re.sub(r"[^\w.-]+", "-", name) or "manifest"
