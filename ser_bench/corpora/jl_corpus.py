"""JL-Corpus: two women and two men, five primary and five secondary emotions, New Zealand English.

File names: speaker, emotion, sentence, repetition, as in `female1_angry_10a_1.wav`, beside a text file each.
Secondary emotions keep their own words: anxious, apologetic, assertive, concerned, encouraging.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class JLCorpus(FileNameReader):
    """JL-Corpus: four speakers of New Zealand English, ten emotions."""

    name = "jl-corpus"
    pattern = r"(?:^|/)(?P<speaker>(?:fe)?male\d)_(?P<emotion>[a-z]+)_(?P<sentence>\d+[ab])_(?P<take>\d)\.\w+$"
    emotions = {"angry": "anger", "excited": "excitement", "happy": "happiness", "neutral": "neutral", "sad": "sadness"}
    constants = {"language": "en"}
    protocol = "loso"
    facts = CorpusInfo(
        title="JL-Corpus",
        clips=2400,
        speakers=4,
        rate=44_100,
        licence="CC0 1.0",
        citation="James, Tian & Watson (2018), An open source emotional speech corpus for human robot interaction applications. "
        "Interspeech",
        obtain="https://www.kaggle.com/tli725/jl-corpus",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the speaker's name, which is the gender and a number."""
        return clips.assign(gender=clips["speaker"].str[:-1])
