"""What the clips of an evaluation lack, or mix, though nothing is wrong with any of them.

In:   the clips that are evaluated, once they are decoded.
Out:  warnings, one line each, with counts.
Rule: what a reader of the scores would want to know of the corpus is counted and named, never left to be found out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ser_bench import scores
from ser_bench.config import EMOTION
from ser_bench.corpora.duplicates import voices_of
from ser_bench.corpora.names import first, remarks
from ser_bench.utils.formatting import from_to, number_of, plural

if TYPE_CHECKING:
    import pandas as pd

MILLISECONDS = 100
"""Times a file's length from which the end of a segment is taken for one in milliseconds."""
LOUDEST, QUIETEST = 2.0, 1e-3
"""Peaks of a clip, 1 at full scale: decoding of MP3 or Ogg overshoots by less than the former; the latter is 33 steps of 16 bits."""
FEW_CLIPS, FEW_VOICES = 5, 2
"""A class with fewer clips or speakers than these is named."""
NAMED = 3
"""Clips of a kind that are named."""
SLACK = 0.05
"""Seconds that a segment may end after its file: times are rounded."""


def losses(clips: pd.DataFrame, *, whole: bool, by_speaker: bool, target: str = EMOTION) -> list[str]:
    """All that is lacking or mixed.

    Parameters
    ----------
    clips : DataFrame
        Clip table with `seconds` and `peak`.
    whole : bool
        Whether clips are heard whole, not by a window.
    by_speaker : bool
        Whether a track standardises each speaker's clips by their own statistics.
    target : str
        What `emotion` holds.
    """
    cut = cut_segments(clips) if whole else []
    alone = single_emotions(clips, target) if by_speaker else []
    return [*cut, *levels(clips), *mixed_kinds(clips), *lacking(clips, target), *alone, *remarks(clips)]


def left_out(skipped: pd.DataFrame) -> list[str]:
    """How many clips are not used, with one and its reason; nothing where all are.

    >>> import pandas as pd
    >>> left_out(pd.DataFrame({"clip": ["a.wav", "b.wav"], "reason": ["missing file", "constant"]}))
    ['2 clips skipped, such as a.wav: missing file']
    """
    return [f"{number_of(len(skipped), 'clip')} skipped, such as {row.clip}: {row.reason}" for row in skipped.head(1).itertuples()]


def few(clips: pd.DataFrame) -> list[str]:
    """That classes are thin, or speakers few or unequal, in the clips that are evaluated; columns `voice` and `emotion`."""
    counts = clips_of_each(clips)
    return small_samples(counts.to_numpy(), list(counts.columns))


def clips_of_each(clips: pd.DataFrame, who: str = "voice") -> pd.DataFrame:
    """How many clips each voice, or each speaker, has of each emotion: as `pandas.crosstab`, in a fourth of its time.

    >>> import pandas as pd
    >>> clips_of_each(pd.DataFrame({"voice": ["a", "a", "b"], "emotion": ["joy", "joy", "fear"]})).to_numpy().tolist()
    [[0, 2], [1, 0]]
    """
    return clips.groupby([who, "emotion"]).size().unstack(fill_value=0)


def small_samples(clips: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """What `thin_classes` and `uneven_speakers` say of clips of shape (n_voices, k)."""
    uneven = uneven_speakers(clips)
    return [*thin_classes(clips, emotions), *([uneven] if uneven else [])]


def cut_segments(clips: pd.DataFrame) -> list[str]:
    """Segments that end after their file does, and hold less than they say.

    >>> import pandas as pd
    >>> cut_segments(pd.DataFrame({"start": [0.0, 1], "end": [3.5, 2], "seconds": [2.5, 1]}, index=["a.wav#0-3.5", "b.wav#1-2"]))
    ['1 segment ends after its file does, and is cut there, such as a.wav#0-3.5']
    """
    if "end" not in clips or "seconds" not in clips:
        return []
    asked = clips["end"] - clips["start"].fillna(0)
    over = clips[asked > clips["seconds"] + SLACK]
    if over.empty:
        return []
    far = (over["end"] > MILLISECONDS * over["seconds"]).any()
    hint = "; times are in seconds, and these seem to be milliseconds" if far else ""
    told = number_of(len(over), "segment ends after its file does, and is", "segments end after their file does, and are")
    return [f"{told} cut there, such as {over.index[0]}{hint}"]


def levels(clips: pd.DataFrame) -> list[str]:
    """Clips far over full scale, and clips in which nothing can be heard.

    >>> import pandas as pd
    >>> for line in levels(pd.DataFrame({"peak": [32767.0, 0.5, 3e-5]}, index=["a.wav", "b.wav", "c.wav"])):
    ...     print(line)
    1 clip reaches more than 6 dB over full scale, such as a.wav (90 dB): openSMILE's sets clip what is above; scale before evaluating
    1 clip stays more than 60 dB below full scale, such as c.wav (-90 dB): near silence, in which nothing can be heard
    """
    if "peak" not in clips:
        return []
    peaks = clips["peak"]
    ends = [
        (
            peaks[peaks > LOUDEST],
            ("clip reaches", "clips reach"),
            "more than 6 dB over full scale",
            "openSMILE's sets clip what is above; scale before evaluating",
        ),
        (
            peaks[peaks < QUIETEST],
            ("clip stays", "clips stay"),
            "more than 60 dB below full scale",
            "near silence, in which nothing can be heard",
        ),
    ]
    return [
        f"{number_of(len(found), *clips_do)} {what}, such as {_decibels(found.iloc[:NAMED])}: {why}"
        for found, clips_do, what, why in ends
        if len(found)
    ]


def _decibels(peaks: pd.Series) -> str:
    """Clips with the level of each."""
    return ", ".join(f"{clip} ({20 * math.log10(peak):.0f} dB)" for clip, peak in peaks.items())


def mixed_kinds(clips: pd.DataFrame) -> list[str]:
    """Speech and song in one evaluation."""
    if "kind" not in clips or clips["kind"].nunique() < 2:
        return []
    kinds = clips["kind"].value_counts().sort_index()
    counts = " and ".join(f"{kind} ({n})" for kind, n in kinds.items())
    return [f"{counts} are evaluated together, unlike in published results; keep one with --where \"kind == 'speech'\""]


def lacking(clips: pd.DataFrame, target: str = EMOTION) -> list[str]:
    """Speakers of whom there is no clip of some emotion; nothing where that is so of all by nature, such as of genders.

    >>> import pandas as pd
    >>> lacking(pd.DataFrame({"speaker": list("aabbc"), "emotion": ["fear", "joy", "fear", "joy", "joy"]}))
    ['1 of 3 speakers have no clip of some emotion: c (fear)']
    """
    counts = clips.groupby(["speaker", "emotion"]).size().unstack(fill_value=0)
    without = {who: [str(emotion) for emotion, n in row.items() if n == 0] for who, row in counts.iterrows()}
    told = [f"{who} ({first(emotions)})" for who, emotions in without.items() if emotions]
    if not told or (target != EMOTION and ((counts > 0).sum(axis=1) == 1).all()):
        return []
    some = "emotion" if target == EMOTION else f"value of {target}"
    return [f"{len(told)} of {len(counts)} speakers have no clip of some {some}: {first(told)}"]


def single_emotions(clips: pd.DataFrame, target: str = EMOTION) -> list[str]:
    """Speakers of a single emotion, whose own statistics take away what tells it."""
    emotions = clips["emotion"].groupby(voices_of(clips)).nunique()
    alone = list(emotions.index[emotions == 1])
    if not alone:
        return []
    told = number_of(len(alone), "speaker shows", "speakers show")
    return [f"track speaker: {told} a single {target}, and scaling by their own clips removes it: {first(alone)}"]


def thin_classes(clips: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """The classes of fewer than five clips or two speakers; clips of shape (n_voices, k).

    >>> thin_classes(np.array([[9, 4], [9, 0]]), ["anger", "fear"])
    ["'fear' has 4 clips of 1 speaker: its recall, a part of the UAR, says little"]
    """
    found = [(name, int(mine.sum()), int(np.count_nonzero(mine))) for name, mine in zip(emotions, clips.T, strict=True)]
    return [
        f"'{name}' has {number_of(n, 'clip')} of {number_of(voices, 'speaker')}: its recall, a part of the UAR, says little"
        for name, n, voices in found
        if n and (n < FEW_CLIPS or voices < FEW_VOICES)
    ]


def uneven_speakers(clips: np.ndarray) -> str:
    """That speakers are few, or many of whom a few have most of the clips; empty where neither; clips of shape (n_voices, k).

    >>> uneven_speakers(np.array([[90], [5], [5]]))
    'the effective number of speakers is 1.2 (3 speakers with 5 to 90 clips each): intervals have few degrees of freedom'
    >>> uneven_speakers(np.array([[9], [9], [9]]))
    'the effective number of speakers is 3.0 (3 speakers with 9 clips each): intervals have few degrees of freedom'
    """
    if not scores.few_or_uneven(clips):
        return ""
    each, effective = clips.sum(1), scores.effective_voices(clips)
    who = f"{len(each)} speakers with {clips_each(each)}"
    return f"the effective number of speakers is {effective:.1f} ({who}): intervals have few degrees of freedom"


def clips_each(counts: np.ndarray | pd.Series) -> str:
    """How many clips speakers have, given those of each.

    >>> clips_each(np.array([5, 90])), clips_each(np.array([9, 9]))
    ('5 to 90 clips each', '9 clips each')
    """
    return f"{from_to(counts.min(), counts.max())} {plural(counts.max(), 'clip', 'clips')} each"
