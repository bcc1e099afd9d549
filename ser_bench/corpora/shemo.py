"""ShEMO: 87 speakers of Persian radio plays, five emotions and neutral, labelled by twelve annotators.

File names: speaker (F or M and a number), emotion, number, as in `female/F01A01.wav`; fear (F) is rare.
The owners publish 3,000 utterances; copies that were cleaned or transcribed again have fewer. The terms of use could not be confirmed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Shemo(FileNameReader):
    """ShEMO: 87 Persian speakers, six emotions, from radio plays."""

    name = "shemo"
    pattern = r"(?:^|/)(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])(?P<take>\d\d\d?)\.\w+$"
    emotions = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}
    constants = {"language": "fa"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="ShEMO",
        clips=3000,
        speakers=87,
        rate=44_100,
        licence="not confirmed: see the owners' page",
        citation="Mohamad Nezami, Jamshid Lou & Karami (2019), ShEMO: a large-scale validated database for Persian "
        "speech emotion detection. Language Resources and Evaluation 53(1), 1-16",
        obtain="https://github.com/mansourehk/ShEMO",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the speaker's letter."""
        return clips.assign(gender=clips["speaker"].str[0].map({"F": "female", "M": "male"}))
