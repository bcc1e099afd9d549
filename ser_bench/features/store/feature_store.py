"""The tables of the store that a call needs: one of the audio, and one per extractor.

In:   extractors, and how clips are preprocessed.
Out:  which clips lack what, the reasons why clips cannot be used, and matrices of those that can.
Rule: keys and reasons are held in memory, values only when a matrix is asked for, so that filling the store takes no more
      memory for many clips than for few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.errors import WorkFailed
from ser_bench.features.base import Extractor
from ser_bench.features.store.table import StoredTable
from ser_bench.features.worker import AudioInfo, ExtractionResult, passes
from ser_bench.utils.spec import versions

AUDIO_VERSION = 3


class FeatureStore:
    """What the store holds for some extractors.

    Parameters
    ----------
    cache : Path
    extractors : dict of str to Extractor
        By label.
    preprocessing : Preprocessing
    """

    def __init__(self, cache: Path, extractors: dict[str, Extractor], preprocessing: Preprocessing) -> None:
        self.extractors, self.preprocessing = extractors, preprocessing
        self.audio = _audio_table(cache, preprocessing)
        self.tables = {label: _feature_table(cache, extractor, preprocessing) for label, extractor in extractors.items()}
        self.unusable: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        for part in self.audio.parts(["key", "reason", "note"]):
            keys, reasons, notes = (column.to_pylist() for column in part.columns)
            self._note_audio(zip(keys, reasons, notes, strict=True))
        self.failed = {label: _reasons(table) for label, table in self.tables.items()}

    def lacking(self, key: str) -> list[str] | None:
        """Extractors without a row of this clip, none where only its audio is not known; None where nothing is to be done about it."""
        if self.unusable.get(key):
            return None
        lacking = [label for label, reasons in self.failed.items() if key not in reasons]
        return lacking if lacking or key not in self.unusable else None

    def why_not(self, key: str) -> str:
        """Why a clip cannot be used, or nothing."""
        failures = (f"{label}: {reasons[key]}" for label, reasons in self.failed.items() if reasons.get(key))
        return self.unusable[key] or next(failures, "")

    def add(self, measured: list[ExtractionResult]) -> None:
        """Add rows to every table, in the order of their keys."""
        measured = sorted(measured, key=lambda m: m.key)
        unheard = [m for m in measured if m.key not in self.unusable]
        columns = {name: [getattr(m.heard, name) for m in unheard] for name in AudioInfo._fields}
        self.audio.add({"key": [m.key for m in unheard], "reason": [m.unusable for m in unheard], **columns})
        self._note_audio((m.key, m.unusable, m.heard.note) for m in unheard)
        for label, table in self.tables.items():
            rows = [(m.key, *m.vectors[label]) for m in measured if label in m.vectors]
            table.add({name: [row[at] for row in rows] for at, name in enumerate(("key", "reason", "values"))})
            self.failed[label] |= {key: reason for key, reason, _ in rows}

    def _note_audio(self, rows: Iterable[tuple[str, str, str]]) -> None:
        for key, reason, note in rows:
            self.unusable[key] = reason
            if note:
                self.notes[key] = note

    def compact(self) -> None:
        """Merge the small parts of every table."""
        for table in (self.audio, *self.tables.values()):
            table.compact()

    def audio_info(self, keys: Sequence[str]) -> dict[str, list[Any]]:
        """What is known of these clips' audio: the fields of `AudioInfo`, a value per clip."""
        known: dict[str, tuple[Any, ...]] = {}
        wanted = set(keys)
        for part in self.audio.parts(["key", *AudioInfo._fields]):
            rows = zip(*(column.to_pylist() for column in part.columns), strict=True)
            known |= {key: values for key, *values in rows if key in wanted}
        _check_whole(self.audio, wanted <= known.keys())
        columns = zip(*(known[key] for key in keys), strict=True)
        return dict(zip(AudioInfo._fields, map(list, columns), strict=False)) if len(keys) else {name: [] for name in AudioInfo._fields}

    def matrix(self, label: str, keys: Sequence[str]) -> np.ndarray:
        """An extractor's values for these clips: float32, shape (n_clips, n_columns)."""
        values = np.empty((len(keys), len(self.extractors[label].columns)), np.float32)
        places, filled = _places(keys), np.zeros(len(keys), bool)
        for part in self.tables[label].parts(["key", "reason", "values"]):
            flat = part["values"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            rows = flat.reshape(len(part), -1)
            good = enumerate(zip(part["key"].to_pylist(), part["reason"].to_pylist(), strict=True))
            pairs = [(place, row) for row, (key, reason) in good if not reason for place in places.get(key, ())]
            if pairs:
                to, source = np.array(pairs).T
                values[to], filled[to] = rows[source], True
        _check_whole(self.tables[label], bool(filled.all()))
        return values

    def fingerprint(self, label: str) -> str:
        """What stands behind an extractor's name in the store: its own fingerprint and how clips are heard."""
        return self.tables[label].folder.name.rpartition("-")[2]


def _reasons(table: StoredTable) -> dict[str, str]:
    """By key, why there are no values, or nothing; without those that are no matter of the sound."""
    found: dict[str, str] = {}
    for part in table.parts(["key", "reason"]):
        rows = zip(*(column.to_pylist() for column in part.columns), strict=True)
        found |= {key: reason for key, reason in rows if not passes(reason)}
    return found


def _check_whole(table: StoredTable, whole: bool) -> None:
    if not whole:
        raise WorkFailed(f"{table.folder} lost rows while it was read; run the same command again, they are then recomputed")


def _places(keys: Sequence[str]) -> dict[str, list[int]]:
    """Where each key stands; twice where one file's sound is two clips."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places


def _feature_table(cache: Path, extractor: Extractor, preprocessing: Preprocessing) -> StoredTable:
    import pyarrow as pa

    extractor.recall(cache)
    values = pa.list_(pa.float32(), len(extractor.columns))
    schema = pa.schema([("key", pa.string()), ("reason", pa.string()), ("values", values)])
    return StoredTable.within(cache, extractor.name, extractor.describe() | preprocessing.describe(), schema)


def _audio_table(cache: Path, preprocessing: Preprocessing) -> StoredTable:
    import pyarrow as pa

    types = (pa.string(), pa.float64(), pa.int64(), pa.int64(), pa.string(), pa.float64())
    about = {
        "name": "audio",
        "version": AUDIO_VERSION,
        "libraries": versions(["soundfile", "numpy"]),
        "window": preprocessing.describe_window(),
    }
    schema = pa.schema([("key", pa.string()), ("reason", pa.string()), *zip(AudioInfo._fields, types, strict=True)])
    return StoredTable.within(cache, "audio", about, schema)
