"""IEMOCAP: five sessions of two actors each, scripted and improvised dialogues, American English.

Turns are cut out below `SessionN/sentences/wav`, as in `Ses01F_impro01/Ses01F_impro01_F000.wav`, whose last letter tells who speaks;
`SessionN/dialog/EmoEvaluation` has one text file of labels per dialogue. Turns on whose label the raters do not agree (xxx) and those
labelled as another emotion (oth) are left out: the facts count the other 7,529 of 10,039. The four usual classes are ``--labels big4``,
with excitement as happiness; ``--where "kind == 'impro'"`` takes the improvised dialogues. Customary is to leave one session out: `fold`
names the sessions, none of which shares a speaker with another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo
from ser_bench.corpora.label_tables import TableReader

if TYPE_CHECKING:
    import pandas as pd


class Iemocap(TableReader):
    """IEMOCAP: ten American actors in five sessions, scripted and improvised."""

    name = "iemocap"
    pattern = (
        r"(?:^|/)(?P<key>(?P<dialogue>(?P<session>Ses0[1-5])[FM]_(?P<kind>impro|script)\d\d[a-z]?(?:_\d[a-z]?)?)"
        r"_(?P<gender>[FM])[\dX]+)\.\w+$"
    )
    tables = ("dialog/EmoEvaluation/{dialogue}.txt", "EmoEvaluation/{dialogue}.txt", "{dialogue}.txt")
    row = (
        r"^\[[\d.]+ - [\d.]+\]\s+(?P<key>\w+)\s+(?P<emotion>\w+)\s+"
        r"\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]"
    )
    no_label = {"xxx": "raters do not agree", "oth": "another emotion"}
    emotions = {
        "ang": "anger",
        "dis": "disgust",
        "exc": "excitement",
        "fea": "fear",
        "fru": "frustration",
        "hap": "happiness",
        "neu": "neutral",
        "sad": "sadness",
        "sur": "surprise",
    }
    ratings = ("valence", "arousal", "dominance")
    constants = {"language": "en"}
    protocol = "predefined"
    facts = CorpusInfo(
        title="IEMOCAP",
        clips=7529,
        speakers=10,
        rate=16_000,
        licence="IEMOCAP release agreement: academic research, on request",
        citation="Busso et al. (2008), IEMOCAP: interactive emotional dyadic motion capture database. "
        "Language Resources and Evaluation 42(4), 335-359",
        obtain="https://sail.usc.edu/iemocap/iemocap_release.htm",
        request="fill in the release form of academic research",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Name the speakers after session and gender, and the folds after sessions."""
        return clips.assign(
            speaker=clips["session"] + clips["gender"],
            gender=clips["gender"].map({"F": "female", "M": "male"}),
            fold=clips["session"],
        )
