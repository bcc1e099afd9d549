"""TESS: a younger and an older woman, seven emotions, 200 words after 'Say the word', Canadian English.

File names: actress (OAF, YAF: older, younger), word, emotion, as in `OAF_back_angry.wav`, in one folder per actress and emotion; 'ps' is
pleasant surprise. The release has `OA_bite_neutral.wav` for `OAF_bite_neutral.wav`; it is read as that. Two speakers allow no more than
two folds with one training speaker each, whom no search can be validated on; published results mostly share speakers.
What listeners recognised is in Dupuis & Pichora-Fuller (2011); the figure could not be confirmed, and none is given, and the rate is that
of the files in circulation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Tess(FileNameReader):
    """TESS: two Canadian women, seven emotions, 200 words."""

    name = "tess"
    pattern = (
        r"(?i)(?:^|/)(?P<speaker>OAF?|YAF)_(?P<sentence>[a-z]+)_"
        r"(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad|(?:pleasant_)?surprised?)\.\w+$"
    )
    folders = r"(?i)(?:^|/)(?P<speaker>OAF|YAF)_(?P<emotion>[a-z_]+)$"
    emotions = {
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "ps": "surprise",
        "PS": "surprise",
        "sad": "sadness",
    }
    constants = {"gender": "female", "language": "en"}
    protocol = "loso"
    facts = CorpusInfo(
        title="TESS",
        clips=2800,
        speakers=2,
        rate=24_414,
        unconfirmed=("rate",),
        licence="CC BY-NC-ND 4.0",
        citation="Pichora-Fuller & Dupuis (2020), Toronto emotional speech set (TESS). Borealis, doi:10.5683/SP2/E8H2MF",
        obtain="https://doi.org/10.5683/SP2/E8H2MF",
        archives=(
            Archive(
                "https://borealisdata.ca/api/datasets/:persistentId/?persistentId=doi:10.5683/SP2/E8H2MF",
                "files.json",
                kind="dataverse",
                files="https://borealisdata.ca/api/access/datafile/",
                keep="*.wav",
            ),
        ),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Write actresses and words in one way, and the actress of the misnamed file out."""
        speakers = clips["speaker"].str.upper().replace("OA", "OAF")
        return clips.assign(speaker=speakers, sentence=clips["sentence"].str.lower())
