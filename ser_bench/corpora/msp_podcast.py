"""MSP-Podcast: turns of podcasts, labelled by a crowd, English; official partitions.

Files are named as in `Audios/MSP-PODCAST_0001_0008.wav`; `Labels/labels_consensus.csv` has label, speaker, gender and partition. Turns on
which raters do not agree (X) or of another emotion (O) are left out, and so is Test3, whose labels the owners keep. `fold` is the
official partition: Train, Development, and as test part Test1 and Test2 together, since neither may be trained on;
``--where "partition != 'Test2'"`` leaves Test1, which most papers report. Turns of unknown speakers count as one speaker per podcast. The
facts are those of release 1.11, the speakers those of Train, Development and Test1; releases differ, and how many turns are labelled is
not published.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo
from ser_bench.corpora.label_tables import TableReader
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd


class MspPodcast(TableReader):
    """MSP-Podcast: podcasts in English, eight emotions."""

    name = "msp-podcast"
    pattern = r"(?:^|/)(?P<key>MSP-PODCAST_(?P<podcast>\d{4,})_\d+(?:_\d+)?)\.\w+$"
    tables = ("Labels/labels_consensus.csv", "labels_consensus.csv", "Labels/labels_concensus.csv", "labels_concensus.csv")
    columns = {
        "FileName": "key",
        "EmoClass": "emotion",
        "SpkrID": "speaker",
        "Split_Set": "partition",
        "Gender": "gender",
        "EmoAct": "arousal",
        "EmoVal": "valence",
        "EmoDom": "dominance",
    }
    no_label = {"X": "raters do not agree", "O": "another emotion"}
    emotions = {
        "A": "anger",
        "C": "contempt",
        "D": "disgust",
        "F": "fear",
        "H": "happiness",
        "N": "neutral",
        "S": "sadness",
        "U": "surprise",
    }
    ratings = ("valence", "arousal", "dominance")
    constants = {"language": "en"}
    protocol = "predefined"
    facts = CorpusInfo(
        title="MSP-Podcast",
        clips=151_654,
        speakers=2100,
        rate=16_000,
        release="1.11",
        licence="academic or commercial agreement, on request",
        citation="Lotfian & Busso (2019), Building naturalistic emotionally balanced speech corpus by retrieving "
        "emotional speech from existing podcast recordings. IEEE Trans. Affective Computing 10(4), 471-483",
        obtain="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
        unconfirmed=("clips", "speakers"),
        request="have the agreement signed by your institution",
    )

    def look_up(self, clips: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """As any table's, with a speaker per podcast where the table knows none."""
        clips, warnings = super().look_up(clips, folder)
        nobody = clips["speaker"].str.lower() == "unknown"
        clips["speaker"] = clips["speaker"].mask(nobody, "unknown of podcast " + clips["podcast"])
        if nobody.any():
            podcasts = clips.loc[nobody, "podcast"].nunique()
            told = number_of(nobody.sum(), "clip of an unknown speaker counts", "clips of unknown speakers count")
            warnings.append(f"{told} as one speaker for each of {number_of(podcasts, 'podcast')}")
        if {"Test1", "Test2"} <= set(clips["partition"]):
            warnings.append("Test1 and Test2 are tested together; --where \"partition != 'Test2'\" leaves Test1, which most papers report")
        return clips, warnings

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Name the folds after the partitions, the tests as one."""
        return clips.assign(gender=clips["gender"].str.lower(), fold=clips["partition"].str.replace(r"^Test\d$", "test", regex=True))
