"""What a reader of a score must know about the speakers and classes behind it.

In:   a system's confusions by seed and voice.
Out:  sentences, without full stop or semicolon, for the notes of its row.
Rule: a class of few clips or of one speaker, few or very unequal speakers and speakers who are not recognised are named beside the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_bench import scores

FEW_CLIPS, FEW_VOICES = 5, 2
"""A class with fewer clips or speakers than these is named."""
MANY = 30
"""From so many speakers on, intervals cover what they claim even where a fifth is not recognised."""
COVERED = "where a fifth of all speakers are like that, a 95 % interval covers 82, 90, 94 % of the time with 6, 10, 24 speakers"
"""As `benchmarks/intervals.py mixture` finds it."""


def cautions(counts: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """Sentences on classes, speakers' numbers of clips, and speakers who are hardly recognised.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
    emotions : sequence of str
        The k classes.
    """
    clips = counts[0].sum(-1)
    lines = [*thin_classes(clips, emotions)]
    if line := uneven_speakers(clips):
        lines.append(line)
    if line := _outliers(counts):
        lines.append(line)
    return lines


def thin_classes(clips: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """The classes of fewer than five clips or two speakers; clips of shape (n_voices, k).

    >>> thin_classes(np.array([[9, 4], [9, 0]]), ["anger", "fear"])
    ["'fear' has 4 clips of 1 speaker: its recall, a part of the UAR, says little"]
    """
    found = [(name, int(mine.sum()), int(np.count_nonzero(mine))) for name, mine in zip(emotions, clips.T, strict=True)]
    return [
        f"'{name}' has {_number(n, 'clip')} of {_number(voices, 'speaker')}: its recall, a part of the UAR, says little"
        for name, n, voices in found
        if n and (n < FEW_CLIPS or voices < FEW_VOICES)
    ]


def uneven_speakers(clips: np.ndarray) -> str:
    """That speakers are few, or many of whom a few have most of the clips; empty where neither; clips of shape (n_voices, k).

    >>> uneven_speakers(np.array([[90], [5], [5]]))
    'the effective number of speakers is 1.2 (3 speakers with 5 to 90 clips): intervals have few degrees of freedom'
    """
    if not scores.few_or_uneven(clips):
        return ""
    each, effective = clips.sum(1), scores.effective_voices(clips)
    who = f"{len(each)} speakers with {each.min()} to {each.max()} clips"
    return f"the effective number of speakers is {effective:.1f} ({who}): intervals have few degrees of freedom"


def _outliers(counts: np.ndarray) -> str:
    """That some speakers are recognised far worse than the others, and what intervals are worth where many are."""
    odd = scores.outlying_voices(counts)
    if not odd.any() or len(odd) >= MANY:
        return ""
    uars = scores.uar_of(counts).mean(0)
    who = f"{odd.sum()} of {len(odd)} speakers {'are' if odd.sum() > 1 else 'is'} recognised far worse than the others"
    return f"{who} (UAR {uars[odd].min():.2f}, median {np.median(uars):.2f}): {COVERED}"


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
