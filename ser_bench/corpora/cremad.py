"""CREMA-D: 91 actors, six emotions, twelve sentences, American English.

File names: actor, sentence, emotion, level, as in `1001_DFA_ANG_XX.wav`; only one sentence was said at the levels low, middle and high.
`VideoDemographics.csv`, where it lies in the corpus folder or beside it, tells each actor's sex.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader, PublishedResult

if TYPE_CHECKING:
    import pandas as pd


class CremaD(FileNameReader):
    """CREMA-D: 91 actors, six emotions, twelve sentences."""

    name = "cremad"
    pattern = r"(?:^|/)(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>LO|MD|HI|XX|X)\.\w+$"
    emotions = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
    constants = {"language": "en"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="CREMA-D",
        clips=7442,
        speakers=91,
        rate=16_000,
        licence="Open Database License",
        citation="Cao et al. (2014), CREMA-D: Crowd-sourced emotional multimodal actors dataset. IEEE Trans. Affective Computing 5(4)",
        obtain="https://github.com/CheyneyComputerScience/CREMA-D",
        archives=(
            Archive(
                "https://github.com/CheyneyComputerScience/CREMA-D/archive/refs/heads/master.zip",
                "CREMA-D-master.zip",
                kind="git-lfs",
                files="https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/",
                keep="*/AudioWAV/*.wav|*/VideoDemographics.csv",
            ),
        ),
        human=0.409,
        human_source="2,443 raters who heard the sound alone, share of ratings that named the intended emotion: Cao et al. (2014)",
        published=(
            PublishedResult(
                "ComParE",
                "best of nine classifiers, six groups of unseen speakers, training-set statistics, nested search: "
                "Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.61,
            ),
            PublishedResult(
                "ComParE",
                "best of nine classifiers, six groups of unseen speakers, each speaker's clips standardised, parameters not nested "
                "(optimistic): Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.71,
                track="speaker",
            ),
        ),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out the levels, and add gender where the corpus's own table is there."""
        import pandas as pd

        levels = {"LO": "low", "MD": "middle", "HI": "high"}
        clips["intensity"] = clips["intensity"].map(levels).fillna("")
        tables = [beside / "VideoDemographics.csv" for beside in (folder, folder.parent) if (beside / "VideoDemographics.csv").is_file()]
        if tables:
            actors = pd.read_csv(tables[0], dtype=str).set_index("ActorID")["Sex"].str.lower()
            clips["gender"] = clips["speaker"].map(actors).fillna("")
        return clips
