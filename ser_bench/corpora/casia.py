"""CASIA: two women and two men, six emotions, fifty sentences, Mandarin.

Folders tell speaker and emotion, the file name the sentence, as in `wangzhe/angry/201.wav`. The corpus of 9,600 utterances is sold by its
owner; what circulates, and is what the number of clips is of, are 1,200 of them. Folders are recognised by the speakers' family names.
The terms of use, the paper to cite and which names are women's could not be confirmed. No protocol is customary.
"""

from __future__ import annotations

from ser_bench.corpora.base import CorpusInfo, FileNameReader


class Casia(FileNameReader):
    """CASIA: four Mandarin speakers, six emotions, fifty sentences."""

    name = "casia"
    pattern = (
        r"(?:^|/)(?P<speaker>(?:[Ll]iu|[Ww]ang|[Zz]hao)[A-Za-z]+)/(?P<emotion>angry|fear|happy|neutral|sad|surprise)/"
        r"(?P<sentence>\d{3})\.\w+$"
    )
    emotions = {"angry": "anger", "fear": "fear", "happy": "happiness", "neutral": "neutral", "sad": "sadness", "surprise": "surprise"}
    constants = {"language": "zh"}
    facts = CorpusInfo(
        title="CASIA",
        clips=1200,
        speakers=4,
        rate=16_000,
        licence="not confirmed: ask its owner",
        citation="CASIA Chinese emotional speech corpus, Institute of Automation, Chinese Academy of Sciences",
        obtain="https://aistudio.baidu.com/aistudio/datasetdetail/209512 (1,200 utterances); all of it from its owner",
    )
