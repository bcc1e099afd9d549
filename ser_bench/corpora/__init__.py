"""WHAT is evaluated: corpora as tables of clips, one file per reader; label schemes, duplicates and the embedded synthetic corpus."""

from __future__ import annotations

from typing import Any

from ser_bench.corpora.base import Archive, Corpus, CorpusInfo, FileNameReader, Source, human_recall
from ser_bench.corpora.duplicates import Duplicates, resolve_duplicates, voices_of
from ser_bench.corpora.filters import filter_clips
from ser_bench.corpora.label_tables import TableReader
from ser_bench.corpora.labels import apply_labels, known_schemes, scheme_losses, scheme_named, single_speaker_labels
from ser_bench.corpora.loading import audio_folder, known_readers, load_corpora, load_corpus
from ser_bench.corpora.losses import few, left_out, levels, losses, small_samples, uneven_speakers
from ser_bench.corpora.names import ASKED, ask, questions
from ser_bench.corpora.released import Difference, differences, name_copy
from ser_bench.utils.renamed import former

__all__ = [
    "ASKED",
    "Archive",
    "Corpus",
    "CorpusInfo",
    "Difference",
    "Duplicates",
    "FileNameReader",
    "Source",
    "TableReader",
    "apply_labels",
    "ask",
    "audio_folder",
    "catalogue",
    "differences",
    "few",
    "filter_clips",
    "human_recall",
    "known_readers",
    "known_schemes",
    "label_schemes",
    "left_out",
    "levels",
    "load_corpora",
    "load_corpus",
    "losses",
    "name_copy",
    "questions",
    "resolve_duplicates",
    "scheme_losses",
    "scheme_named",
    "single_speaker_labels",
    "small_samples",
    "uneven_speakers",
    "voices_of",
]


def __getattr__(name: str) -> Any:
    return former(__name__, name, {"Facts": "CorpusInfo"})


def catalogue() -> list[dict[str, Any]]:
    """The corpora that are recognised from their file names, each with official counts, terms and where to get it."""
    columns = ("clips", "speakers", "rate", "protocol", "licence", "citation", "obtain")
    rows = []
    for name, reader in known_readers().items():
        known = (vars(reader.facts) if reader.facts else {}) | {"protocol": reader.protocol or ""}
        rows.append({"corpus": name} | {column: known.get(column, "") for column in columns})
    return rows


def label_schemes() -> list[dict[str, Any]]:
    """The label schemes, each with ``labels, description, emotions`` (which emotions become which label)."""
    rows = []
    for name, scheme in known_schemes().items():
        became = scheme.labels or {}
        words = [f"{emotion} as {label}" if emotion != label else emotion for emotion, label in became.items()]
        rows.append({"labels": name, "description": scheme.description, "emotions": ", ".join(words) or "all"})
    return rows
