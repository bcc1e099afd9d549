"""WHAT is evaluated: corpora as tables of clips, one file per reader; label schemes, duplicates and the embedded synthetic corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_bench.corpora.base import Corpus, CorpusInfo, FileNameReader, Source, human_recall
from ser_bench.corpora.duplicates import Duplicates, resolve_duplicates, voices_of
from ser_bench.corpora.filters import filter_clips
from ser_bench.corpora.labels import apply_labels, known_schemes, scheme_losses, scheme_named, single_speaker_labels
from ser_bench.corpora.loading import audio_folder, known_readers, load_corpus
from ser_bench.corpora.losses import few, left_out, levels, losses, small_samples, uneven_speakers
from ser_bench.corpora.names import ASKED, ask, questions
from ser_bench.utils.renamed import former

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ASKED",
    "Corpus",
    "CorpusInfo",
    "Duplicates",
    "FileNameReader",
    "Source",
    "apply_labels",
    "ask",
    "audio_folder",
    "catalogue",
    "few",
    "filter_clips",
    "human_recall",
    "known_readers",
    "known_schemes",
    "label_schemes",
    "left_out",
    "levels",
    "load_corpus",
    "losses",
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


def catalogue() -> pd.DataFrame:
    """The corpora that are recognised from their file names: a row each, with official counts, terms and where to get them."""
    import pandas as pd

    rows = []
    for name, reader in known_readers().items():
        facts = reader.facts
        known = [facts.clips, facts.speakers, facts.rate, facts.licence, facts.citation, facts.obtain] if facts else [""] * 6
        rows.append([name, *known[:3], reader.protocol or "", *known[3:]])
    return pd.DataFrame(rows, columns=["corpus", "clips", "speakers", "rate", "protocol", "licence", "citation", "obtain"])


def label_schemes() -> pd.DataFrame:
    """The label schemes: ``labels, description, emotions`` (which emotions become which label)."""
    import pandas as pd

    rows = []
    for name, scheme in known_schemes().items():
        became = scheme.labels or {}
        words = [f"{emotion} as {label}" if emotion != label else emotion for emotion, label in became.items()]
        rows.append((name, scheme.description, ", ".join(words) or "all"))
    return pd.DataFrame(rows, columns=["labels", "description", "emotions"])
