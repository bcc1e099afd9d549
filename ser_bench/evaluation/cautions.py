"""What a reader of a score must know about the speakers and classes behind it.

In:   a system's confusions by seed and voice.
Out:  sentences, without full stop or semicolon, for the notes of its row.
Rule: a class of few clips or of one speaker, few or very unequal speakers and speakers who are not recognised are named beside the score.
      What is said of several systems, each with its own numbers, is one note (`joined`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ser_bench import scores
from ser_bench.corpora import small_samples
from ser_bench.utils.formatting import format_score

MANY = 30
"""From so many speakers on, intervals cover what they claim even where a fifth is not recognised."""
COVERED = "where a fifth of all speakers are like that, a 95% confidence interval covers 82, 90, 94% of the time with 6, 10, 24 speakers"
"""As `benchmarks/intervals.py mixture` finds it."""

WORSE = "recognised far worse than the others"
OUTLYING = re.compile(
    rf"(?P<odd>\d+) of (?P<all>\d+) speakers (?:are|is) {WORSE} \(UAR (?P<low>[\d.]+), median (?P<median>[\d.]+)\): (?P<so>.+)"
)
"""What `_outliers` says of a system; earlier versions wrote a zero before the point."""


def cautions(counts: np.ndarray, emotions: Sequence[str]) -> list[str]:
    """Sentences on classes, speakers' numbers of clips, and speakers who are hardly recognised.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
    emotions : sequence of str
        The k classes.
    """
    outliers = _outliers(counts)
    return [*small_samples(counts[0].sum(-1), emotions), *([outliers] if outliers else [])]


def _outliers(counts: np.ndarray) -> str:
    """That some speakers are recognised far worse than the others, and what intervals are worth where many are."""
    odd = scores.outlying_voices(counts)
    if not odd.any() or len(odd) >= MANY:
        return ""
    uars = scores.uar_of(counts).mean(0)
    who = f"{odd.sum()} of {len(odd)} speakers {'are' if odd.sum() > 1 else 'is'} {WORSE}"
    return f"{who} (UAR {format_score(uars[odd].min())}, median {format_score(float(np.median(uars)))}): {COVERED}"


def joined(about: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Notes with the systems that they are about, those on speakers who are hardly recognised as one, each system with its numbers.

    Examples
    --------
    >>> one = "1 of 9 speakers is recognised far worse than the others (UAR .200, median .700): so"
    >>> other = "2 of 9 speakers are recognised far worse than the others (UAR .300, median .700): so"
    >>> joined({one: ["mfcc svm"], other: ["mfcc rf"], "a note": ["mfcc rf"]})  # doctest: +NORMALIZE_WHITESPACE
    {'1 to 2 of 9 speakers are recognised far worse than the others: so':
        ['mfcc svm: 1, UAR .200, median .700', 'mfcc rf: 2, UAR .300, median .700'],
     'a note': ['mfcc rf']}
    """
    found = {note: match for note in about if (match := OUTLYING.fullmatch(note))}
    if len({(match["all"], match["so"]) for match in found.values()}) != 1 or len(found) == 1:
        return {note: list(systems) for note, systems in about.items()}
    match = next(iter(found.values()))
    counts = sorted({int(match["odd"]) for match in found.values()})
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    name = f"{number} of {match['all']} speakers {'is' if counts == [1] else 'are'} {WORSE}: {match['so']}"
    whose: dict[str, list[str]] = {}
    for note, systems in about.items():
        told = [f"{system}: {_numbers(found[note])}" for system in systems] if note in found else systems
        whose.setdefault(name if note in found else note, []).extend(told)
    return whose


def _numbers(match: re.Match[str]) -> str:
    """How many speakers are hardly recognised, by what UAR the least of them, and what the median speaker has."""
    return f"{match['odd']}, UAR {format_score(float(match['low']))}, median {format_score(float(match['median']))}"
