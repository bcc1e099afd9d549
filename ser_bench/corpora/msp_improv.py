"""MSP-IMPROV: six sessions of two actors each, improvised dialogues around twenty sentences, American English.

File names: sentence and emotion that was asked for, speaker, kind of recording, listener and turn, as in
`session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav`; `Evaluation.txt` above them has what most raters heard, which is the label. Turns on
which they do not agree (X) and those of another emotion (O) are left out: the facts count the other 7,798 of 8,438. The letters of `kind`
stand for target sentences read (R) or improvised (T), other turns of the improvisation (S) and talk in between (P); that could not be
confirmed. Customary is to leave one session out: `fold` names the sessions, none of which shares a speaker with another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import CorpusInfo
from ser_bench.corpora.label_tables import TableReader

if TYPE_CHECKING:
    import pandas as pd


class MspImprov(TableReader):
    """MSP-IMPROV: twelve American actors in six sessions, four emotions."""

    name = "msp-improv"
    pattern = (
        r"(?:^|/)(?:MSP|UTD)-IMPROV-(?P<key>(?P<sentence>S\d\d)(?P<intended>[AHNS])-(?P<speaker>[FM]0[1-6])"
        r"-(?P<kind>[PRST])-[FM]{2}\d+)\.\w+$"
    )
    tables = ("Evaluation.txt", "Evalution.txt", "evaluation.txt")
    row = (
        r"^(?:MSP|UTD)-IMPROV-(?P<key>[\w-]+)\.\w+; *(?P<emotion>[A-Z]); *"
        r"A:(?P<arousal>[\w.]+) *; *V:(?P<valence>[\w.]+) *; *D:(?P<dominance>[\w.]+)"
    )
    no_label = {"X": "raters do not agree", "O": "another emotion"}
    emotions = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}
    ratings = ("intended", "valence", "arousal", "dominance")
    constants = {"language": "en"}
    protocol = "predefined"
    facts = CorpusInfo(
        title="MSP-IMPROV",
        clips=7798,
        speakers=12,
        rate=44_100,
        licence="academic or commercial agreement, on request",
        citation="Busso et al. (2017), MSP-IMPROV: an acted corpus of dyadic interactions to study emotion perception. "
        "IEEE Trans. Affective Computing 8(1), 67-80",
        obtain="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
        unconfirmed=("rate",),
        request="have the agreement signed by your institution",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender and session from the speaker's name; folds are sessions."""
        session = "session" + clips["speaker"].str[-1]
        return clips.assign(gender=clips["speaker"].str[0].map({"F": "female", "M": "male"}), session=session, fold=session)
