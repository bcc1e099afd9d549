"""URDU: 400 utterances of Urdu talk shows, four emotions.

File names: speaker (SM or SF and a number), number of the speaker's file, emotion and its number, as in `Angry/SM1_F01_A12.wav`.
The owners count 38 speakers; copies of all 400 files have been found to name 29.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Urdu(FileNameReader):
    """URDU: talk shows in Urdu, four emotions."""

    name = "urdu"
    pattern = r"(?:^|/)(?P<speaker>S[FM]\d+)_F\d+_(?P<emotion>[AHNS])\d+\.\w+$"
    emotions = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}
    constants = {"language": "ur"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="URDU",
        clips=400,
        speakers=38,
        rate=44_100,
        licence="research only",
        citation="Latif, Qayyum, Usman & Qadir (2018), Cross lingual speech emotion recognition: Urdu vs. Western languages. "
        "Frontiers of Information Technology, 88-93",
        obtain="https://github.com/siddiquelatif/URDU-Dataset",
        unconfirmed=("speakers",),
        archives=(
            Archive(
                "https://github.com/siddiquelatif/URDU-Dataset/archive/refs/heads/master.zip",
                "URDU-Dataset-master.zip",
                kind="git-lfs",
                files="https://media.githubusercontent.com/media/siddiquelatif/URDU-Dataset/master/",
            ),
        ),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the speaker's second letter."""
        return clips.assign(gender=clips["speaker"].str[1].map({"F": "female", "M": "male"}))
