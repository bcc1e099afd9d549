"""EMO-DB: five men and five women, seven emotions, ten everyday sentences, German.

File names: speaker (two digits), sentence (three characters), the emotion's German initial, take: `03a01Wa.wav`.
`erkennung.txt`, where it lies in the corpus folder or beside it, tells how many of 20 listeners heard the true emotion:
it fills the column `recognised`, and so the human reference.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, CorpusInfo, FileNameReader, PublishedResult

if TYPE_CHECKING:
    import pandas as pd

MEN = ("03", "10", "11", "12", "15")


class EmoDB(FileNameReader):
    """EMO-DB: ten German actors, seven emotions, ten sentences."""

    name = "emodb"
    pattern = r"(?:^|/)(?P<speaker>03|08|09|1[0-6])(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<take>[a-z])\.\w+$"
    emotions = {
        "W": "anger",
        "L": "boredom",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    }
    constants = {"language": "de"}
    protocol = "loso"
    facts = CorpusInfo(
        title="EMO-DB",
        clips=535,
        speakers=10,
        rate=16_000,
        seconds=1487.09,
        licence="free for research with citation",
        citation="Burkhardt et al. (2005), A database of German emotional speech. Interspeech, 1517-1520",
        obtain="http://emodb.bilderbar.info",
        archives=(Archive("http://emodb.bilderbar.info/download/download.zip", "download.zip"),),
        human_source="20 listeners, erkennung.txt of the corpus",
        published=(
            PublishedResult(
                "ComParE",
                "best of nine classifiers, one unseen speaker at a time, training-set statistics, nested search: "
                "Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.75,
            ),
            PublishedResult(
                "ComParE",
                "best of nine classifiers, one unseen speaker at a time, each speaker's clips standardised, parameters not nested "
                "(optimistic): Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.87,
                track="speaker",
            ),
        ),
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Add gender, and the share of listeners who recognised each clip where the corpus's own table is there."""
        clips["gender"] = clips["speaker"].isin(MEN).map({True: "male", False: "female"})
        tables = [beside / "erkennung.txt" for beside in (folder, folder.parent) if (beside / "erkennung.txt").is_file()]
        if tables:
            heard = read_recognition(tables[0])
            clips["recognised"] = [heard.get(Path(clip).stem, float("nan")) for clip in clips.index]
        return clips


def read_recognition(table: Path) -> dict[str, float]:
    """Share of listeners who heard the true emotion, by file stem.

    Parameters
    ----------
    table : Path
        ``erkennung.txt``: number, file name, recognised (%), natural (%), with decimal commas.
    """
    text = table.read_bytes().decode("latin-1")
    return {stem: float(f"{whole}.{part}") / 100 for stem, whole, part in re.findall(r"\t(\w+)\.wav\t(\d+),(\d+)", text)}
