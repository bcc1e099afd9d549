"""What the simulations share: corpora as counts of clips, what chance alone does to a measured share, Markdown.

In:   a design's name, a number of speakers, a number of repetitions.
Out:  how many clips each speaker says in each emotion.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Design:
    """How many clips of each emotion a speaker has, and how hard they are.

    Parameters
    ----------
    clips : tuple of float
        Mean number of clips per speaker, one per emotion.
    evenness : tuple of float or None
        Shape of the gamma distribution by which a speaker's expected clips vary around that mean, counts being Poisson; small
        is uneven. None: every speaker has exactly the mean.
    skill : float
        Log odds of recognising the middle emotion in the middle speaker's voice.
    """

    clips: tuple[float, ...]
    evenness: tuple[float, ...] | None
    skill: float


DESIGNS = {
    # Every actor alike; neutral half as often as the other seven emotions.
    "balanced": Design((4, 8, 8, 8, 8, 8, 8, 8), None, 0.5),
    # EMO-DB's totals over ten speakers; like its disgust, the third emotion is absent from one speaker in five or six.
    "unbalanced": Design((12.7, 8.1, 4.6, 6.9, 7.1, 7.9, 6.2), (8, 8, 1, 8, 8, 8, 8), 1.5),
}


def draw_clips(design: Design, speakers: int, repetitions: int, rng: np.random.Generator) -> np.ndarray:
    """Clips of each speaker and emotion, shape (repetitions, speakers, k); every emotion occurs in every corpus."""
    shape = (repetitions, speakers, len(design.clips))
    if design.evenness is None:
        return np.broadcast_to(np.array(design.clips, int), shape).copy()
    clips = np.zeros(shape, int)
    while len(lacking := np.flatnonzero((clips.sum(1) == 0).any(1))):
        expected = rng.gamma(design.evenness, np.divide(design.clips, design.evenness), (len(lacking), *shape[1:]))
        clips[lacking] = rng.poisson(expected)
    return clips


def parse_repetitions(text: str) -> int:
    """How often something is drawn, as a command's option has it."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of repetitions: use 1 or more")
    return int(text)


def share_error(share: float, repetitions: int) -> float:
    """Standard error of a share of so many repetitions."""
    return float(np.sqrt(share * (1 - share) / repetitions))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table, a row as soon as it is known."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head), flush=True)
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def decimals(value: float, digits: int = 3) -> str:
    """A fraction of one without its leading zero.

    >>> decimals(0.9471)
    '.947'
    """
    return f"{value:.{digits}f}".removeprefix("0") if value < 1 else f"{value:.{digits}f}"
