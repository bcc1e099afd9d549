"""WHAT is evaluated: corpora as tables of clips, one file per reader; label schemes, duplicates and the embedded synthetic corpus."""

from __future__ import annotations

from typing import Any

from ser_bench.corpora.base import Archive, Corpus, CorpusInfo, FileNameReader, Source, human_recall
from ser_bench.corpora.duplicates import Duplicates, resolve_duplicates, voices_of
from ser_bench.corpora.filters import filter_clips
from ser_bench.corpora.label_schemes import LabelScheme, apply_labels, known_schemes, labels_of_target, scheme_losses, scheme_named
from ser_bench.corpora.label_tables import TableReader
from ser_bench.corpora.labels import single_speaker_labels
from ser_bench.corpora.loading import audio_folder, known_readers, load_corpora, load_corpus
from ser_bench.corpora.losses import clips_each, clips_of_each, few, left_out, levels, losses, small_samples, uneven_speakers
from ser_bench.corpora.names import ASKED, ask, questions
from ser_bench.corpora.obtaining import download_size, get, languages_of
from ser_bench.corpora.overview import show
from ser_bench.corpora.released import ReleaseDifference, differences, name_copy
from ser_bench.utils.renamed import former

__all__ = [
    "ASKED",
    "Archive",
    "Corpus",
    "CorpusInfo",
    "Duplicates",
    "FileNameReader",
    "LabelScheme",
    "ReleaseDifference",
    "Source",
    "TableReader",
    "apply_labels",
    "ask",
    "audio_folder",
    "catalogue",
    "clips_each",
    "clips_of_each",
    "differences",
    "few",
    "filter_clips",
    "get",
    "human_recall",
    "known_readers",
    "known_schemes",
    "label_schemes",
    "labels_of_target",
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
    "show",
    "single_speaker_labels",
    "small_samples",
    "uneven_speakers",
    "voices_of",
]


def __getattr__(name: str) -> Any:
    return former(__name__, name, {"Difference": "ReleaseDifference", "Facts": "CorpusInfo"})


def catalogue() -> list[dict[str, Any]]:
    """The corpora that are recognised: official counts, languages, emotions, terms, where to get each, and how many bytes that is."""
    columns = ("clips", "speakers", "rate", "protocol", "licence", "citation", "obtain")
    rows = []
    for name, reader in known_readers().items():
        known = (vars(reader.facts) if reader.facts else {}) | {"protocol": reader.protocol or ""}
        told = {
            "language": languages_of(reader),
            "emotions": ", ".join(sorted(set(reader.emotions.values()))),
            "download": download_size(reader.facts) if reader.facts else 0,
            "free": bool(reader.facts and reader.facts.archives),
        }
        rows.append({"corpus": name} | {column: known.get(column, "") for column in columns} | told)
    return rows


def label_schemes() -> list[dict[str, Any]]:
    """The label schemes, each with ``labels, description, emotions`` (which emotions become which label)."""
    return [{"labels": name, "description": one.description, "emotions": one.mapping} for name, one in known_schemes().items()]
