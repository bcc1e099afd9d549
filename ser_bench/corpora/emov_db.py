"""EmoV-DB: two women and two men read sentences of CMU ARCTIC in five styles, English; made for synthesis.

Folders tell speaker and style, as in `bea/Amused/amused_1-15_0001.wav` or `jenie_Amused/amused_57-84_0057.wav` (the sorted version);
the last four digits are the sentence. Josh has neither anger nor disgust. Sampling rates differ between speakers (16 and 44.1 kHz).
The owners' page counts 7,000 files; sorted copies have been found with 6,887. The terms of use could not be confirmed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd

WOMEN = ("bea", "jenie")


class EmovDB(FileNameReader):
    """EmoV-DB: four English speakers, five styles."""

    name = "emov-db"
    pattern = (
        r"(?:^|/)(?P<speaker>bea|jenie|josh|sam)[/_](?P<emotion>[Aa]mused|[Aa]ngry|[Aa]nger|[Dd]isgust(?:ed)?|[Nn]eutral|[Ss]leep(?:y|iness))/"
        r"(?:[^/]*_)?(?P<sentence>\d{4})\.\w+$"
    )
    emotions = {
        **dict.fromkeys(("Amused", "amused"), "amusement"),
        **dict.fromkeys(("Angry", "angry", "Anger", "anger"), "anger"),
        **dict.fromkeys(("Disgust", "disgust", "Disgusted", "disgusted"), "disgust"),
        **dict.fromkeys(("Neutral", "neutral"), "neutral"),
        **dict.fromkeys(("Sleepy", "sleepy", "Sleepiness", "sleepiness"), "sleepiness"),
    }
    constants = {"language": "en"}
    protocol = "loso"
    facts = CorpusInfo(
        title="EmoV-DB",
        clips=7000,
        speakers=4,
        rate=44_100,
        licence="not confirmed: see the owners' page",
        citation="Adigwe et al. (2018), The emotional voices database: towards controlling the emotion dimension "
        "in voice generation systems. arXiv:1806.09514",
        obtain="https://github.com/numediart/EmoV-DB",
        unconfirmed=("clips", "rate"),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Add gender."""
        return clips.assign(gender=clips["speaker"].isin(WOMEN).map({True: "female", False: "male"}))
