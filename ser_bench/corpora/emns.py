"""EMNS: one woman tells stories in eight styles, British English.

Labels lie in `metadata.csv` (cells separated by bars) above the recordings, which are WebM files: convert them to WAV under their names,
as in `wavs/recorded_audio_3aCYrjz.wav`. With one speaker, speaker-independent evaluation is impossible, and refused; the reader serves
corpora that are put together. Sources differ on the number of clips (1,181 to 1,206) and on the licence: see the owner's page.
"""

from __future__ import annotations

from ser_bench.corpora.base import CorpusInfo
from ser_bench.corpora.label_tables import TableReader


class Emns(TableReader):
    """EMNS: one British speaker, eight styles."""

    name = "emns"
    pattern = r"(?:^|/)(?P<key>recorded_audio_\w+)\.\w+$"
    tables = ("metadata.csv",)
    delimiter = "|"
    columns = {
        "audio_recording": "key",
        "emotion": "emotion",
        "user_id": "speaker",
        "gender": "gender",
        "age": "age",
        "level": "intensity",
        "utterance": "sentence",
    }
    emotions = {
        "Angry": "anger",
        "Disgust": "disgust",
        "Excited": "excitement",
        "Happy": "happiness",
        "Neutral": "neutral",
        "Sad": "sadness",
        "Sarcastic": "sarcasm",
        "Surprised": "surprise",
    }
    constants = {"language": "en"}
    facts = CorpusInfo(
        title="EMNS",
        clips=1181,
        speakers=1,
        rate=48_000,
        licence="open: see the owner's page",
        citation="Noriy, Yang & Zhang (2023), EMNS /Imz/ corpus: an emotive single-speaker dataset for narrative storytelling in games, "
        "television and graphic novels. arXiv:2305.13137",
        obtain="https://www.openslr.org/136",
        unconfirmed=("clips", "rate"),
    )
