"""Whether a corpus is what its owners released: counts, sampling rate, total length.

In:   a corpus, the clips of it that are decoded, and those of them that are copies.
Out:  the differences, one each, for audits, notes of rows and warnings.
Rule: clips are counted after copies went. What differs in any of these is a modified copy, named as one, and no published figure is set
      beside its scores.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.config import EMOTION
from ser_bench.corpora.base import Corpus, CorpusInfo
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.002
"""The share of its total length by which a corpus may differ from the release: MP3 and resampling round each clip's."""


class ReleaseDifference(NamedTuple):
    """What is not as released.

    Parameters
    ----------
    kind : {'note', 'warning'}
        Whether something is missing, or something is there that is no part of the release.
    what : str
        A sentence.
    brief : str
        The same for the notes of a row.
    """

    kind: str
    what: str
    brief: str


def differences(corpus: Corpus, heard: pd.DataFrame, copies: Collection[str], *, whole: bool = True) -> list[ReleaseDifference]:
    """What of a corpus is not as released; nothing where nothing is known of the release.

    Parameters
    ----------
    corpus : Corpus
        All of it, before any clip was chosen.
    heard : DataFrame
        Clips of it that are used, with `rate` and `seconds`.
    copies : collection of str
        Clips that were heard and left out as copies.
    whole : bool
        Whether clips are heard from beginning to end.

    >>> import pandas as pd
    >>> clips = pd.DataFrame({"speaker": ["1", "2"], "original": "W", "rate": 8000, "seconds": 1.0}, index=["a.wav", "b.wav"])
    >>> corpus = Corpus("c", clips, Path(), facts=CorpusInfo(3, 2, 16_000, "", "", ""))
    >>> [found.brief for found in differences(corpus, clips, [])]
    ['2 of the 3 clips', '8,000 Hz instead of 16,000']
    """
    facts = corpus.facts
    if facts is None:
        return []
    found = _rates(heard["rate"], facts)
    if corpus.target != EMOTION:  # clips without a value of another column were left out
        return found
    n_clips = count_clips(corpus.clips, heard, copies)
    found = [*_counts(n_clips, corpus.clips["speaker"].nunique(), facts), *found]
    total = float(heard["seconds"].sum())
    if whole and facts.seconds and n_clips == facts.clips == len(heard) and abs(total - facts.seconds) > TOLERANCE * facts.seconds:
        brief = f"{total:,.0f} s in all instead of {facts.seconds:,.0f}"
        found.append(ReleaseDifference("warning", f"the clips last {brief}: they were cut, padded or changed in speed", brief))
    return found


def count_clips(clips: pd.DataFrame, heard: pd.DataFrame, copies: Collection[str]) -> int:
    """How many clips a corpus has without copies: of those that were not heard, one of each stem, speaker and label is counted.

    >>> import pandas as pd
    >>> clips = pd.DataFrame({"speaker": "1", "original": ["W", "W", "N", "N"]}, index=["a.wav", "copy/a.wav", "b.wav", "copy/b.wav"])
    >>> count_clips(clips, clips.loc[["a.wav"]], ["copy/a.wav"])
    2
    """
    left = clips.drop(index=[*heard.index.intersection(clips.index), *clips.index.intersection(list(copies))])
    stems = [Path(str(clip)).stem for clip in left.index]
    return len(heard) + len(set(zip(stems, left["speaker"], left["original"], strict=True)))


def _counts(clips: int, speakers: int, facts: CorpusInfo) -> list[ReleaseDifference]:
    found = []
    if facts.differs("clips", clips) and clips < facts.clips:
        absent = f"{facts.clips - clips} of the {facts.clips} released files are missing"
        found.append(ReleaseDifference("note", absent, f"{clips:,} of the {facts.clips:,} clips"))
    if facts.differs("clips", clips) and clips > facts.clips:
        more = f"{number_of(clips - facts.clips, 'clip')} more than the official {facts.clips:,}"
        found.append(ReleaseDifference("warning", more, f"{clips:,} clips instead of {facts.clips:,}"))
    if facts.differs("speakers", speakers):
        there = number_of(speakers, "speaker")
        found.append(ReleaseDifference("note", f"{there} instead of the official {facts.speakers}", f"{there} instead of {facts.speakers}"))
    return found


def _rates(rates: pd.Series, facts: CorpusInfo) -> list[ReleaseDifference]:
    official, other = facts.rate, rates[[facts.differs("rate", rate) for rate in rates]]
    if other.empty:
        return []
    first = int(other.iloc[0])
    clips = number_of(len(other), "clip is", "clips are")
    told = f"{clips} not at the official {official:,} Hz, such as {other.index[0]} at {first:,}: a resampled copy"
    some = "" if len(other) == len(rates) else f"{number_of(len(other), 'clip')} at "
    return [ReleaseDifference("warning", told, f"{some}{first:,} Hz instead of {official:,}")]


def name_copy(found: Sequence[ReleaseDifference], facts: CorpusInfo | None) -> str:
    """What a corpus with these differences is, as one note; empty for none.

    >>> facts = CorpusInfo(535, 10, 16_000, "", "", "")
    >>> fewer = ReleaseDifference("note", "...", "339 of the 535 clips")
    >>> name_copy([fewer, ReleaseDifference("warning", "...", "8,000 Hz instead of 16,000")], facts)
    'modified copy of the release: 339 of the 535 clips, 8,000 Hz instead of 16,000'
    """
    if not found or facts is None:
        return ""
    what = f"not release {facts.release}, or a modified copy of it" if facts.release else "modified copy of the release"
    return f"{what}: {', '.join(one.brief for one in found)}"
