"""What a corpus holds, at a look: before anything is computed, and without decoding.

In:   a corpus.
Out:  who shows which emotion how often, how long clips last, five of them, and what is to be known of it.
Rule: what is counted is the table as it was read; the headers of files say how long they are, and files without one are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.corpora.base import Corpus, Source
from ser_bench.corpora.loading import known_readers, load_corpus
from ser_bench.corpora.losses import clips_of_each
from ser_bench.corpora.names import first, remarks
from ser_bench.corpora.obtaining import against_release, languages_of
from ser_bench.errors import WrongCall
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.formatting import number_of
from ser_bench.utils.regular_files import check_regular

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5


@dataclass(frozen=True)
class Overview:
    """What a corpus holds.

    Parameters
    ----------
    corpus : Corpus
    recognised : str
        As what it was read, in words.
    counts : DataFrame
        Clips of each speaker (rows) and emotion (columns).
    headers : DataFrame
        What each clip's span or header says: `seconds`, `rate` (Hz), `channels`; NaN where it does not.
    examples : DataFrame
        Five clips, of as many emotions and speakers as they can be: ``emotion, speaker, original, seconds``.
    warnings : list of str
    """

    corpus: Corpus
    recognised: str
    counts: pd.DataFrame
    headers: pd.DataFrame
    examples: pd.DataFrame
    warnings: list[str]

    @property
    def seconds(self) -> pd.Series:
        """How long each clip lasts; NaN where its header does not say."""
        return self.headers["seconds"]


@named_arguments()
def show(source: Source, *, cache: str | Path = "features") -> Overview:
    """What a corpus holds.

    Parameters
    ----------
    source : str, Path, DataFrame or Corpus
        As `load_corpus` takes it.
    cache : str or Path
        Where the embedded corpus is kept once made.
    """
    import pandas as pd

    corpus = load_corpus(source, cache=cache)
    clips = corpus.clips
    counts = clips_of_each(clips, "speaker")
    told = [_header(*row) for row in clips.reindex(columns=["path", "start", "end"]).itertuples(index=False)]
    headers = pd.DataFrame(told, clips.index, ["seconds", "rate", "channels"])
    examples = clips.iloc[_spread(clips)][["emotion", "speaker", "original"]].assign(seconds=headers["seconds"])
    return Overview(corpus, _recognised(corpus), counts, headers, examples, _warnings(corpus, counts, headers))


def _recognised(corpus: Corpus) -> str:
    reader = known_readers().get(corpus.name)
    if reader is None or not corpus.folder.is_dir() or corpus.facts is None:
        return "a table of clips"
    return f"{corpus.name}{f', language {language}' if (language := languages_of(reader)) else ''}"


def _warnings(corpus: Corpus, counts: pd.DataFrame, headers: pd.DataFrame) -> list[str]:
    lines = [*corpus.warnings, *remarks(corpus.clips), *against_release(corpus), *_other_rates(corpus, headers["rate"].dropna())]
    if corpus.ignored:
        lines.append(
            f"{number_of(len(corpus.ignored), 'audio file is', 'audio files are')} not understood and left out: {first(corpus.ignored)}"
        )
    silent = headers.index[headers["rate"].isna()]
    if len(silent):
        told = number_of(len(silent), "clip has", "clips have")
        lines.append(f"{told} no header that can be read, such as {silent[0]}: may be unusable")
    never = [f"{emotion} by {(counts[emotion] == 0).sum()}" for emotion in counts if (counts[emotion] == 0).any()]
    if never:
        lines.append(f"emotions that speakers never show: {first(never)} of {len(counts)} speakers")
    return lines


def _other_rates(corpus: Corpus, rates: pd.Series) -> list[str]:
    """A line of clips that are not at the rate of the release."""
    if corpus.facts is None or not (other := rates[[corpus.facts.differs("rate", rate) for rate in rates]]).any():
        return []
    told = f"{number_of(len(other), 'clip is', 'clips are')} not at the released {corpus.facts.rate:,} Hz"
    return [f"{told}, such as {other.index[0]} at {other.iloc[0]:,.0f}: a resampled copy, or another release"]


def _header(path: str, start: float, end: float) -> tuple[float, float, float]:
    """How long a clip lasts by its span or its file's header, at which rate, on how many channels."""
    import soundfile

    begins = start if start == start and start is not None else 0.0
    try:
        check_regular(path)
        info = soundfile.info(path)
    except (soundfile.SoundFileError, WrongCall, OSError):
        return (np.nan, np.nan, np.nan)
    ends = end if end == end and end is not None else info.duration
    return (float(ends - begins), float(info.samplerate), float(info.channels))


def _spread(clips: pd.DataFrame) -> list[int]:
    """Places of a few clips, each of an emotion and a speaker that come as late again as can be."""
    taken: list[int] = []
    codes = [clips[column].astype("category").cat.codes.to_numpy() for column in ("emotion", "speaker")]
    for _ in range(min(EXAMPLES, len(clips))):
        used = sum((np.isin(values, values[taken]) * weight for values, weight in zip(codes, (2, 1), strict=True)), np.zeros(len(clips)))
        used[taken] = np.inf
        taken.append(int(used.argmin()))
    return sorted(taken)
