"""CaFE: six women and six men, six emotions in two intensities and neutral, six sentences, Canadian French.

File names: actor, emotion's French initial, intensity, sentence, as in `Colère/Faible/01-C-1-1.wav`; actors with odd numbers are men.
It is released at 192 kHz (AIFF) and at 48 kHz (WAV); the facts are those of the latter.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Cafe(FileNameReader):
    """CaFE: twelve Canadian French actors, seven emotions, six sentences."""

    name = "cafe"
    pattern = r"(?:^|/)(?P<speaker>0[1-9]|1[0-2])-(?P<emotion>[CDJNPST])-(?P<intensity>[12])-(?P<sentence>[1-6])\.\w+$"
    emotions = {
        "C": "anger",
        "D": "disgust",
        "J": "happiness",
        "N": "neutral",
        "P": "fear",
        "S": "surprise",
        "T": "sadness",
    }
    constants = {"language": "fr"}
    protocol = "loso"
    facts = CorpusInfo(
        title="CaFE",
        clips=936,
        speakers=12,
        rate=48_000,
        licence="CC BY-NC-SA 4.0",
        citation="Gournay, Lahaie & Lefebvre (2018), A Canadian French emotional speech dataset. "
        "ACM Multimedia Systems Conference, 399-402",
        obtain="https://zenodo.org/record/1478765",
        archives=(Archive("https://zenodo.org/records/1478765/files/CaFE_48k.zip", "CaFE_48k.zip"),),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out the intensity, and tell gender from the actor's number."""
        odd = clips["speaker"].astype(int) % 2 == 1
        return clips.assign(
            intensity=clips["intensity"].map({"1": "weak", "2": "strong"}).mask(clips["original"] == "N", ""),
            gender=odd.map({True: "male", False: "female"}),
        )
