"""SUBESCO: ten women and ten men, seven emotions, ten sentences said five times, Bangla.

File names: gender, number, name, sentence, emotion, take, as in `F_02_MONIKA_S_1_NEUTRAL_5.wav`. Numbers are counted for women and men
apart: the speaker is gender and number. Some files are at 44.1 kHz.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Subesco(FileNameReader):
    """SUBESCO: twenty Bangla actors, seven emotions, ten sentences."""

    name = "subesco"
    pattern = (
        r"(?:^|/)(?P<speaker>[FM]_\d+)_[A-Za-z]+_S_(?P<sentence>\d+)_"
        r"(?P<emotion>ANGRY|DISGUST|FEAR|HAPPY|NEUTRAL|SAD|SURPRISE)_(?P<take>\d+)\.\w+$"
    )
    emotions = {
        "ANGRY": "anger",
        "DISGUST": "disgust",
        "FEAR": "fear",
        "HAPPY": "happiness",
        "NEUTRAL": "neutral",
        "SAD": "sadness",
        "SURPRISE": "surprise",
    }
    constants = {"language": "bn"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="SUBESCO",
        clips=7000,
        speakers=20,
        rate=48_000,
        licence="CC BY 4.0",
        citation="Sultana et al. (2021), SUST Bangla emotional speech corpus (SUBESCO). PLoS ONE 16(4): e0250173",
        obtain="https://zenodo.org/records/4526477",
        unconfirmed=("rate",),
        archives=(
            Archive(
                "https://zenodo.org/records/4526477/files/SUBESCO.zip",
                "SUBESCO.zip",
                size=1_664_512_929,
                checksum="md5:13d702cf944bf54d70d66bffc036ed7a",
            ),
        ),
        human=0.71,
        human_source="50 raters, raw accuracy, emotions of equal size: Sultana et al. (2021)",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the speaker's letter."""
        return clips.assign(gender=clips["speaker"].str[0].map({"F": "female", "M": "male"}))
