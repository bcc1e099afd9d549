"""A corpus as a table of one's own: a CSV or Parquet file with a row a clip.

In:   columns `path`, `emotion`, `speaker`, where known those of the clip table, and any others.
Out:  a `Corpus`; paths are relative to the manifest's folder.
Rule: what is written is what counts: '03' stays '03', and other columns are kept as text for ``--where``.
      An audio file that is not there is no error here: it becomes a skipped clip.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.corpora.corpus import Corpus, arrange
from ser_bench.corpora.labels import name_emotion
from ser_bench.errors import WrongCall

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("path", "emotion", "speaker")
NO_TEXT = (bytes, dict, list, np.ndarray)
"""What a Parquet file may hold in a cell that would be megabytes as text."""


def read_manifest(manifest: Path) -> Corpus:
    """The corpus that a table describes.

    Parameters
    ----------
    manifest : Path
        ``.csv`` (UTF-8, commas) or ``.parquet``. Required columns: `path`, `emotion`, `speaker`; `start` and `end` are
        seconds, `recognised` is the share of listeners who heard the emotion that was meant. Speakers of one `voice` are
        one person; where it is blank, the speaker is the voice.

    Raises
    ------
    WrongCall
        Naming the column or the row that cannot be meant. Row 1 is the first clip.
    """
    table = _read_text(manifest)
    _check_columns(table, manifest)
    for column in REQUIRED:
        _refuse_rows(table[column] == "", manifest, f"no {column}")
    table = _read_voices(_read_spans(table, manifest), manifest)
    if "recognised" in table:
        table["recognised"] = _read_numbers(table["recognised"], manifest)
    folder = manifest.parent
    names = (_name_clip(path, folder) for path in table["path"])
    table.index = [name + span for name, span in zip(names, _span_suffix(table), strict=True)]
    _refuse_rows(table.index.duplicated(), manifest, "a clip that an earlier row names already")
    table["path"] = [str(folder / path) for path in table["path"]]
    if "original" not in table:
        table["original"] = table["emotion"]
    table["emotion"] = table["emotion"].map(name_emotion)
    return Corpus(_name_corpus(manifest), arrange(table.drop(columns="clip", errors="ignore")), folder)


def _read_text(manifest: Path) -> pd.DataFrame:
    """The table, all of it text without surrounding space; what is missing is empty."""
    import pandas as pd

    try:
        if manifest.suffix.lower() == ".parquet":
            table = pd.read_parquet(manifest)
            table = table.reset_index() if table.index.name else table
        else:
            table = pd.read_csv(manifest, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise WrongCall(f"cannot read {manifest}: {' '.join(str(error).split())}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise WrongCall(f"cannot read {manifest}: its rows have more cells than its {len(table.columns)} columns")
    if table.empty:
        raise WrongCall(f"{manifest} has no rows")
    table.columns = [str(column).strip() for column in table.columns]
    for column in set(REQUIRED) & set(table.columns):
        _refuse_rows(table[column].map(lambda value: isinstance(value, NO_TEXT)), manifest, f"'{column}' holds data and no text")
    return table.apply(lambda column: column.astype(object).where(column.notna(), "").map(_text).astype(str))


def _text(value: object) -> str:
    """A cell as text, a whole number without its ``.0``; of what is no text, such as a recording's bytes, what it is."""
    if isinstance(value, NO_TEXT):
        return f"<{type(value).__name__}>"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _check_columns(table: pd.DataFrame, manifest: Path) -> None:
    for column in REQUIRED:
        if column not in table:
            folded = {found.lower(): found for found in table.columns}
            near = difflib.get_close_matches(column, folded, n=1)
            hint = f": did you mean '{folded[near[0]]}'?" if near else ""
            raise WrongCall(f"{manifest}: no column '{column}'{hint} (found: {', '.join(table.columns)})")


def _refuse_rows(wrong: Iterable[bool], manifest: Path, what: str) -> None:
    rows = [str(row) for row, bad in enumerate(wrong, start=1) if bad]
    if rows:
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        raise WrongCall(f"{manifest}: {what} in row {', '.join(rows[:3])}{more}")


def _read_spans(table: pd.DataFrame, manifest: Path) -> pd.DataFrame:
    """`start` and `end` as seconds, an open side as not a number; without either column, none."""
    if not {"start", "end"} & set(table.columns):
        return table
    spans = {column: _read_numbers(table[column], manifest) if column in table else float("nan") for column in ("start", "end")}
    table = table.assign(**spans)
    _refuse_rows(table["end"] <= table["start"].fillna(0), manifest, "'end' does not come after 'start'")
    return table


def _read_voices(table: pd.DataFrame, manifest: Path) -> pd.DataFrame:
    """`voice` of every clip: what some row gives its speaker, else the speaker; without the column, none."""
    if "voice" not in table:
        return table
    given = table[table["voice"] != ""]
    of_speaker = given.drop_duplicates("speaker").set_index("speaker")["voice"]
    voices = table["speaker"].map(of_speaker).fillna(table["speaker"])
    _refuse_rows((table["voice"] != "") & (table["voice"] != voices), manifest, "another 'voice' than an earlier row gives this speaker")
    return table.assign(voice=voices)


def _read_numbers(said: pd.Series, manifest: Path) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(said, errors="coerce").astype(float)
    wrong = (said != "") & ~numbers.between(0, float("inf"), inclusive="left")
    _refuse_rows(wrong, manifest, f"'{said.name}' is not a number from 0 up")
    return numbers


def _span_suffix(table: pd.DataFrame) -> list[str]:
    """``#1.5-3`` for each clip that is a span, nothing for a whole file."""
    if "start" not in table:
        return [""] * len(table)
    spans = table[["start", "end"]].map(lambda moment: "" if moment != moment else f"{moment:.12g}")
    return [f"#{start or 0}-{end}" if start or end else "" for start, end in spans.to_numpy()]


def _name_clip(path: str, folder: Path) -> str:
    """The path relative to the manifest's folder; an absolute one that lies elsewhere stays as it is."""
    if Path(path).is_absolute() and not Path(path).is_relative_to(folder):
        return Path(path).as_posix()
    return Path(os.path.relpath(folder / path, folder)).as_posix()


def _name_corpus(manifest: Path) -> str:
    """The file's stem, or its folder's name where the stem says nothing."""
    name = manifest.parent.name if manifest.stem.lower() == "manifest" else manifest.stem
    return re.sub(r"[^\w.-]+", "-", name) or "manifest"
