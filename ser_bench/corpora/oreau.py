"""Oréau: 32 amateur speakers, 79 sentences, seven emotions, French.

File names: speaker, sentence, emotion's French initial, take, below a folder of the gender and one of the emotion, as in
`OréauFR_02/f/sessj/10a02Ja.wav`. EMO-DB has names of the same form: without the folder `sess...` they are not read as Oréau's.
`OréauFR_02` is a selection of 434 from `OréauFR_01`, and is what the number of clips is of; of both together, one copy is used.
No protocol is customary.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Oreau(FileNameReader):
    """Oréau: 32 French speakers, seven emotions."""

    name = "oreau"
    pattern = r"(?:^|/)(?:(?P<gender>[fm])/)?sess\w/(?P<speaker>\d\d)(?P<sentence>[a-z]\d\d)(?P<emotion>[CDJNPST])(?P<take>[a-z]?)\.\w+$"
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
    facts = CorpusInfo(
        title="Oréau",
        clips=434,
        speakers=32,
        rate=44_100,
        licence="CC BY 4.0",
        citation="French emotional speech database - Oréau (2020), Zenodo, doi:10.5281/zenodo.4405783",
        obtain="https://zenodo.org/records/4405783",
        unconfirmed=("clips",),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out the gender."""
        return clips.assign(gender=clips["gender"].map({"f": "female", "m": "male"}).fillna(""))
