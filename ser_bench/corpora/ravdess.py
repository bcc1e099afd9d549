"""RAVDESS: 24 actors, eight emotions, two sentences, North American English; spoken, and sung without disgust and surprise.

File names: `modality-channel-emotion-intensity-sentence-repetition-actor`, two digits each, as in
`03-01-05-02-01-02-16.wav`; odd actors are male. Modality 03 is sound alone, 01 the sound of a video, channel 01 speech, 02 song; one
actress (18) did not sing. The facts are those of what a folder holds: speech, song or both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.base import Archive, Corpus, CorpusInfo, FileNameReader, PublishedResult

if TYPE_CHECKING:
    import pandas as pd


class Ravdess(FileNameReader):
    """RAVDESS: 24 North American actors, eight emotions, two sentences."""

    name = "ravdess"
    pattern = (
        r"(?:^|/)0[13]-(?P<kind>0[12])-(?P<emotion>\d\d)-(?P<intensity>0[12])"
        r"-(?P<sentence>\d\d)-(?P<repetition>\d\d)-(?P<speaker>\d\d)\.\w+$"
    )
    folders = r"(?i)(?:^|/)Actor_?(?P<speaker>\d\d)(?:/|$)"
    emotions = {
        "01": "neutral",
        "02": "calm",
        "03": "happiness",
        "04": "sadness",
        "05": "anger",
        "06": "fear",
        "07": "disgust",
        "08": "surprise",
    }
    constants = {"language": "en"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="RAVDESS",
        clips=1440,
        speakers=24,
        rate=48_000,
        seconds=5328.96,
        licence="CC BY-NC-SA 4.0",
        citation="Livingstone & Russo (2018), The Ryerson Audio-Visual Database of Emotional Speech and Song. PLoS ONE 13(5): e0196391",
        obtain="https://zenodo.org/record/1188976 (Audio_Speech_Actors_01-24.zip)",
        archives=(
            Archive(
                "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
                "Audio_Speech_Actors_01-24.zip",
                size=208_468_073,
                checksum="md5:bc696df654c87fed845eb13823edef8a",
            ),
        ),
        published=(
            PublishedResult(
                "ComParE",
                "best of nine classifiers, six groups of unseen speakers, training-set statistics, nested search: "
                "Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.59,
            ),
            PublishedResult(
                "ComParE",
                "best of nine classifiers, six groups of unseen speakers, each speaker's clips standardised, parameters not nested "
                "(optimistic): Keesing, Koh & Witbrock (2021), Interspeech",
                uar=0.69,
                track="speaker",
            ),
            PublishedResult(
                "HuBERT large",
                "linear probe of the frozen network, a random split that shares speakers: ARCH benchmark, La Quatra et al. (2023)",
                war=0.7257,
                leaky=True,
            ),
        ),
    )

    def read(self, folder: Path, files: list[str]) -> Corpus:
        """The corpus of a folder, with the facts of speech, song or both; parameters as of every reader."""
        corpus = super().read(folder, files)
        return replace(corpus, facts=SUNG.get("+".join(sorted(corpus.clips["kind"].unique())), corpus.facts))

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Spell out what the codes mean, and tell gender from the actor's number."""
        odd = clips["speaker"].astype(int) % 2 == 1
        return clips.assign(
            kind=clips["kind"].map({"01": "speech", "02": "song"}),
            intensity=clips["intensity"].map({"01": "normal", "02": "strong"}),
            gender=odd.map({True: "male", False: "female"}),
        )


SUNG = {
    "song": replace(
        Ravdess.facts,
        clips=1012,
        speakers=23,
        seconds=None,
        obtain="https://zenodo.org/record/1188976 (Audio_Song_Actors_01-24.zip)",
        published=(),
    ),
    "song+speech": replace(
        Ravdess.facts,
        clips=2452,
        seconds=None,
        obtain="https://zenodo.org/record/1188976 (Audio_Speech_Actors_01-24.zip, Audio_Song_Actors_01-24.zip)",
        published=(),
    ),
}
"""Facts where there is song, by what there is."""
