"""TurEV-DB: 82 Turkish words by amateur actors, four emotions.

The folder tells the emotion; file names: speaker (four digits), a code of the emotion, word, as in `Sound Source/Calm/1984_sk_eger.wav`.
Its repository also holds spectrograms. Its paper compares systems with listeners on other conditions than ours, so that no human figure
stands here; which speakers are women could not be confirmed. No protocol is customary.
"""

from __future__ import annotations

from ser_bench.corpora.base import CorpusInfo, FileNameReader


class TurevDB(FileNameReader):
    """TurEV-DB: words by six Turkish speakers, four emotions."""

    name = "turev-db"
    pattern = r"(?:^|/)(?P<emotion>Angry|Calm|Happy|Sad)/(?P<speaker>\d{4})_[a-z]+_(?P<sentence>[^/]+)\.\w+$"
    emotions = {"Angry": "anger", "Calm": "calm", "Happy": "happiness", "Sad": "sadness"}
    constants = {"language": "tr"}
    facts = CorpusInfo(
        title="TurEV-DB",
        clips=1735,
        speakers=6,
        rate=44_100,
        licence="CC BY-NC-ND 4.0",
        citation="Canpolat, Ormanoglu & Zeyrek (2020), Turkish emotion voice database (TurEV-DB). SLTU-CCURL, 368-375",
        obtain="https://github.com/Xeonen/TurEV-DB",
    )
