"""nEMO: nine actors, five emotions and neutral, ninety sentences, Polish.

File names: speaker, emotion, sentence, as in `samples/EB0_anger_1.wav`. `data.tsv` above them tells the same, and gender, age and the text;
where it is not there, the file names count. The copy on the Hugging Face hub is Parquet, and read as such.
The sampling rate follows from size and length of the published audio; it could not be confirmed elsewhere.
"""

from __future__ import annotations

from ser_bench.corpora.base import Archive, CorpusInfo
from ser_bench.corpora.label_tables import TableReader


class Nemo(TableReader):
    """nEMO: nine Polish actors, six emotions."""

    name = "nemo"
    pattern = r"(?:^|/)(?P<key>(?P<speaker>[A-Z]{2}\d)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_(?P<sentence>\d+))\.\w+$"
    tables = ("data.tsv",)
    columns = {"file_id": "key", "emotion": "emotion", "speaker_id": "speaker", "gender": "gender", "age": "age", "raw_text": "text"}
    needed = False
    emotions = {
        "anger": "anger",
        "fear": "fear",
        "happiness": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
        "surprised": "surprise",
    }
    constants = {"language": "pl"}
    protocol = "loso"
    facts = CorpusInfo(
        title="nEMO",
        clips=4481,
        speakers=9,
        rate=24_000,
        licence="CC BY-NC-SA 4.0",
        citation="Christop (2024), nEMO: Dataset of emotional speech in Polish. LREC-COLING, arXiv:2404.06292",
        obtain="https://github.com/amu-cai/nEMO",
        unconfirmed=("rate",),
        archives=(
            Archive(
                "https://github.com/amu-cai/nEMO/archive/refs/heads/main.zip",
                "nEMO-main.zip",
                kind="git-lfs",
                files="https://media.githubusercontent.com/media/amu-cai/nEMO/main/",
            ),
        ),
    )
