"""eNTERFACE'05: people of many nations react to stories in English, six emotions, five sentences each.

It is released as video: convert each AVI to WAV under its name and in its folder, as in `subject 19/anger/sentence 4/s19_an_4.wav`.
The folder tells the subject, since the files in that of subject 11 are named after subject 12; without folders the file name does.
`s_3_ha_1` and `s16_su_3avi` are read as well. Subject 6 is not cut into sentences. The owners' page counts 42 subjects; the archive has
folders of 44, with 1,263 to 1,293 files by those who counted, and 1,263 stand here. Which subjects are women could not be confirmed.
"""

from __future__ import annotations

from ser_bench.corpora.base import CorpusInfo, FileNameReader


class Enterface(FileNameReader):
    """eNTERFACE'05: 44 subjects, six emotions, English."""

    name = "enterface"
    pattern = (
        r"(?:^|/)(?:subject ?(?P<subject>\d+)/(?:[^/]+/)*)?s_?(?P<number>\d+)_(?P<emotion>an|di|fe|ha|sa|su)"
        r"(?:_?(?P<sentence>\d))?(?:avi)?\.\w+$"
    )
    emotions = {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"}
    constants = {"language": "en"}
    protocol = "group:6"
    facts = CorpusInfo(
        title="eNTERFACE'05",
        clips=1263,
        speakers=44,
        rate=48_000,
        licence="free for research",
        citation="Martin, Kotsia, Macq & Pitas (2006), The eNTERFACE'05 audio-visual emotion database. ICDE Workshops",
        obtain="https://enterface.net/enterface05/emotion.html",
        unconfirmed=("clips", "speakers", "rate"),
    )

    def matches(self, files: list[str]) -> dict[str, dict[str, str]]:
        """As any reader's, the speaker being the folder's subject, else the file name's."""
        found = super().matches(files)
        return {
            file: {"speaker": (said["subject"] or said["number"]).lstrip("0"), "emotion": said["emotion"], "sentence": said["sentence"]}
            for file, said in found.items()
        }
