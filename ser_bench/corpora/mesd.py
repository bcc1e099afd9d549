"""MESD: single words by three women, two men and six children, five emotions and neutral, Mexican Spanish.

File names: emotion, voice (F, M, C), set of words (A, B), word, as in `Anger_F_A_tarde.wav`.
They do not say which woman, man or child speaks: each kind of voice counts as one speaker, so that no person is ever on both sides of a
split, and a warning says so. No protocol is customary. The owners release 864 files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd

VOICES = {"F": "women", "M": "men", "C": "children"}


class Mesd(FileNameReader):
    """MESD: words by eleven Mexican speakers of three kinds of voice, six emotions."""

    name = "mesd"
    pattern = (
        r"(?:^|/)(?P<emotion>Anger|Disgust|Fear|Happiness|Neutral|Sadness)_(?P<speaker>[FMC])_(?P<words>[AB])_(?P<sentence>[^/]+)\.\w+$"
    )
    emotions = {word: word.lower() for word in ("Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness")}
    constants = {"language": "es"}
    protocol = "loso"
    facts = CorpusInfo(
        title="MESD",
        clips=864,
        speakers=11,
        rate=48_000,
        licence="CC BY 4.0",
        citation="Duville, Alonso-Valerdi & Ibarra-Zarate (2021), Mexican emotional speech database based on semantic, frequency, "
        "familiarity, concreteness, and cultural shaping of affective prosody. Data 6(12), 130",
        obtain="https://data.mendeley.com/datasets/cy34mh68j9",
        unconfirmed=("speakers",),
    )

    def look_up(self, clips: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """The clips, and a warning that speakers are known by the kind of their voice alone."""
        return clips, ["file names tell women, men and children alone: the people of each of these kinds count as one speaker"]

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out the voices; those of children have no gender."""
        genders = clips["speaker"].map({"F": "female", "M": "male"}).fillna("")
        return clips.assign(gender=genders, speaker=clips["speaker"].map(VOICES))
