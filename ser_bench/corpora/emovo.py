"""EMOVO: three women and three men, seven emotions, fourteen sentences, Italian.

File names: emotion (three letters of its Italian word), actor, sentence, as in `dis-f1-b1.wav`, in one folder per actor.
A sentence is short (b), long (l), without meaning (n) or a question (d). As released, files are stereo.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo, FileNameReader

if TYPE_CHECKING:
    import pandas as pd


class Emovo(FileNameReader):
    """EMOVO: six Italian actors, seven emotions, fourteen sentences."""

    name = "emovo"
    pattern = r"(?:^|/)(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][1-3])-(?P<sentence>[bdln]\d)\.\w+$"
    folders = r"(?:^|/)(?P<speaker>[fm][1-3])$"
    emotions = {
        "dis": "disgust",
        "gio": "happiness",
        "neu": "neutral",
        "pau": "fear",
        "rab": "anger",
        "sor": "surprise",
        "tri": "sadness",
    }
    constants = {"language": "it"}
    protocol = "loso"
    facts = CorpusInfo(
        title="EMOVO",
        clips=588,
        speakers=6,
        rate=48_000,
        seconds=1835.14,
        licence="free for research with citation",
        citation="Costantini et al. (2014), EMOVO Corpus: an Italian Emotional Speech Database. LREC, 3501-3504",
        obtain="http://voice.fub.it/activities/corpora/emovo/index.html",
        human=0.80,
        human_source="two groups of 24 listeners, two of the fourteen sentences, recognition over all emotions: Costantini et al. (2014)",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the actor's letter."""
        return clips.assign(gender=clips["speaker"].str[0].map({"f": "female", "m": "male"}))
