"""SAVEE: four men, seven emotions, British English.

File names: `DC/a01.wav` in one folder per actor, or `DC_a01.wav`, as in copies that put all in one: the emotion's initial, two for
sadness and surprise, and a number. The number is of a sentence within an emotion: three of an emotion's fifteen sentences are also in
the others and in the thirty of neutral, but which numbers these have is not known here, so that `sentence` distinguishes them by emotion.
What listeners recognised by sound alone is in the corpus's papers; the figure could not be confirmed, and none is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Savee(FileNameReader):
    """SAVEE: four British men, seven emotions."""

    name = "savee"
    pattern = r"(?:^|/)(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[adfhn])(?P<number>\d\d?)\.\w+$"
    emotions = {
        "a": "anger",
        "d": "disgust",
        "f": "fear",
        "h": "happiness",
        "n": "neutral",
        "sa": "sadness",
        "su": "surprise",
    }
    constants = {"gender": "male", "language": "en"}
    protocol = "loso"
    facts = CorpusInfo(
        title="SAVEE",
        clips=480,
        speakers=4,
        rate=44_100,
        licence="free for research on registration",
        citation="Haq & Jackson (2009), Speaker-dependent audio-visual emotion recognition. AVSP, 53-58",
        obtain="http://kahlan.eps.surrey.ac.uk/savee/ (AudioData.zip)",
        request="register for AudioData.zip",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Name a sentence by its emotion and number."""
        return clips.assign(sentence=clips["original"] + clips["number"].str.zfill(2)).drop(columns="number")
