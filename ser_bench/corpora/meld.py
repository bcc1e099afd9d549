"""MELD: dialogues of the television series Friends, seven emotions, American English.

It is released as video: convert each MP4 to WAV under its name and in its folder, as in `train/train_splits/dia0_utt0.wav`. The folder
tells the partition, since numbers start again in each; `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv` above have the
labels. The official partitions share their speakers, so that ``--cv predefined`` is refused: speaker groups are used instead, and results
compare with no published ones. Turns that several people speak are left out. Lists name 304 speakers; minor parts (Waiter) that several
people play count as one speaker.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo
from ser_bench.corpora.label_tables import TableReader
from ser_bench.corpora.names import first
from ser_bench.errors import WrongCall
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd


class Meld(TableReader):
    """MELD: turns of the series Friends, seven emotions."""

    name = "meld"
    pattern = r"(?:^|/)(?:[^/]*(?P<partition>train|dev|test)[^/]*/(?:(?:audios?|wavs?)/)?)?(?P<key>dia(?P<dialogue>\d+)_utt\d+)\.\w+$"
    tables = ("{partition}_sent_emo.csv", "data/MELD/{partition}_sent_emo.csv")
    columns = {
        "Dialogue_ID": "dialogue",
        "Utterance_ID": "utterance",
        "Emotion": "emotion",
        "Speaker": "speaker",
        "Sentiment": "sentiment",
    }
    key = "dia{dialogue}_utt{utterance}"
    emotions = {
        "anger": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "joy": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
        "surprise": "surprise",
    }
    ratings = ("sentiment",)
    constants = {"language": "en"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="MELD",
        clips=13_708,
        speakers=304,
        rate=48_000,
        licence="GPL 3.0",
        citation="Poria et al. (2019), MELD: a multimodal multi-party dataset for emotion recognition in conversations. ACL, 527-536",
        obtain="https://affective-meld.github.io",
        unconfirmed=("clips", "speakers", "rate"),
    )

    def look_up(self, clips: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """As any table's, without turns that several people speak; without a partition's folder, the corpus folder is one.

        Raises
        ------
        WrongCall
            Where no folder tells the partition.
        """
        partition = re.search(r"train|dev|test", folder.name)
        if not partition and (clips["partition"] == "").any():
            raise WrongCall(f"{folder}: no name of a folder tells whether clips are of MELD's train, dev or test; put each into its own")
        clips["partition"] = clips["partition"].mask(clips["partition"] == "", partition[0] if partition else "")
        clips, warnings = super().look_up(clips, folder)
        several = clips["speaker"].str.contains(r"\band\b|[&,/]", case=False) | clips["speaker"].str.lower().isin(
            ("all", "both", "everyone")
        )
        if several.any():
            names = sorted(clips.loc[several, "speaker"].unique())
            told = number_of(several.sum(), "clip that several people speak is", "clips that several people speak are")
            warnings.append(f"{told} left out: {first(names)}")
        return clips[~several], warnings

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Number dialogues within their partitions; folds are the official partitions."""
        return clips.assign(dialogue=clips["partition"] + " " + clips["dialogue"], fold=clips["partition"])
