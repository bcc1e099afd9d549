"""BAVED: seven Arabic words at three levels of expressed emotion.

File names: speaker, gender, age, word, level, number, as in `2/1-m-21-2-0-105.wav`. What is predicted is the level, which stands
where other corpora have the emotion: low (tired or down), normal (as one speaks every day), high (a strong emotion, of whichever kind).
The owner states no licence. No protocol is customary.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Baved(FileNameReader):
    """BAVED: words by 61 Arabic speakers, three levels of emotion."""

    name = "baved"
    pattern = r"(?:^|/)(?P<speaker>\d+)-(?P<gender>[FMfm])-(?P<age>\d+)-(?P<sentence>[0-6])-(?P<emotion>[0-2])-(?P<take>\d+)\.\w+$"
    target = "level"
    emotions = {"0": "low", "1": "normal", "2": "high"}
    constants = {"language": "ar"}
    facts = CorpusInfo(
        title="BAVED",
        clips=1935,
        speakers=61,
        rate=16_000,
        licence="not stated by its owner",
        citation="Basic Arabic Vocal Emotions Dataset (2019), https://github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset",
        obtain="https://github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out the gender."""
        return clips.assign(gender=clips["gender"].str.lower().map({"f": "female", "m": "male"}))
