"""AESDD: Greek actors, five emotions, nineteen sentences and an improvised one.

File names: emotion's initial, sentence, speaker in brackets, as in `anger/a03 (4).wav`.
Version 1 has about 500 utterances of five actors; actors were added since, and copies of the present one have 604 files that name six.
Which speakers are women, and the owners' terms of use, could not be confirmed. No protocol is customary.
"""

from __future__ import annotations

from ser_bench.corpora.base import CorpusInfo, FileNameReader


class Aesdd(FileNameReader):
    """AESDD: Greek actors, five emotions, twenty sentences."""

    name = "aesdd"
    pattern = r"(?:^|/)(?P<emotion>[adfhs])(?P<sentence>\d\d) ?\((?P<speaker>\d+)\)(?P<take>\w?)\.\w+$"
    emotions = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
    constants = {"language": "el"}
    facts = CorpusInfo(
        title="AESDD",
        clips=604,
        speakers=6,
        rate=44_100,
        licence="not confirmed: see the owners' page",
        citation="Vryzas et al. (2018), Speech emotion recognition for performance interaction. "
        "Journal of the Audio Engineering Society 66(6), 457-467",
        obtain="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
        unconfirmed=("clips", "speakers"),
    )
