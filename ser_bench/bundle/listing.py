"""Rows as text for people: a line per clip or window, as wide as the terminal.

In:   rows, the names of all clips, the width.
Out:  lines of text.
Rule: every probability is there, in hundredths that sum to one; a decision's own is bold. Where there is no room for a column per emotion,
      each line names the others, the most probable first. Names are cut at their beginning, where those of one folder are the same.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ser_bench.bundle.rows import Layout, PredictionRow, parts_of_one
from ser_bench.errors import printable
from ser_bench.utils.formatting import format_score, signed

BOLD, YELLOW, PLAIN = "\x1b[1m", "\x1b[33m", "\x1b[0m"
NARROWEST, SHORTEST_NAME, LONGEST_NAME = 60, 12, 40
SHORTEST_HEAD = 3
TIMES = len("59:58-1:00:01")
BAR = 24
"""Signs of the longest bar."""


@dataclass(frozen=True)
class Listing:
    """Where the columns of a text stand.

    Parameters
    ----------
    layout : Layout
    classes : tuple of str
        As they are shown.
    width : int
    name : int
        Of the column of clips or times.
    emotion : int
        Of that of decisions.
    heads : tuple of str
        Of the columns of probabilities; none where there is no room for them.
    timed : bool
        Whether rows are windows.
    """

    layout: Layout
    classes: tuple[str, ...]
    width: int
    name: int
    emotion: int
    heads: tuple[str, ...]
    timed: bool

    @classmethod
    def of(cls, layout: Layout, names: Iterable[str], width: int, *, timed: bool) -> Listing:
        """The one that suits these clips and this terminal."""
        width = max(width, NARROWEST)
        classes = tuple(map(printable, layout.classes))
        emotion = max(map(cells, classes))
        longest = TIMES if timed else max((cells(printable(name)) for name in names), default=0)
        name = min(max(longest, len("clip")), LONGEST_NAME)
        heads = heads_within(classes, width - emotion - 2 - (name if timed else min(name, SHORTEST_NAME)))
        columns = sum(2 + max(len(head), 3) for head in heads)
        name = min(name, width - emotion - 2 - columns if heads else width // 4)
        return cls(layout, classes, width, name, emotion, heads, timed)

    def lines(self, rows: Iterable[PredictionRow]) -> Iterator[str]:
        """A header, then the lines of each row."""
        others = [head.rjust(max(len(head), 3)) for head in self.heads] or ["  p", "others"]
        yield "  ".join([pad("time" if self.timed else "clip", self.name), pad("emotion", self.emotion), *others]).rstrip()
        clip = None
        for row in rows:
            if self.timed and row.clip != clip:
                yield f"{BOLD}{shortened(printable(row.clip), self.width)}{PLAIN}"
                clip = row.clip
            yield from self._row(row)

    def _row(self, row: PredictionRow) -> Iterator[str]:
        name = f"{clock(row.start)}-{clock(row.end)}" if self.timed else printable(row.clip)
        first = pad(name if self.timed else shortened(name, self.name), self.name)
        if row.reason:
            yield from self._wrapped(f"{first}  ", f"not predicted: {printable(row.reason)}")
            return
        shares = [format_score(share, 2) for share in parts_of_one(row.probabilities, 2)]
        decided = self.layout.classes.index(row.emotion)
        beginning = f"{first}  {pad(self.classes[decided], self.emotion)}"
        if self.heads:
            columns = [share.rjust(max(len(head), 3)) for share, head in zip(shares, self.heads, strict=True)]
            columns[decided] = f"{BOLD}{columns[decided]}{PLAIN}"
            yield f"{beginning}  {'  '.join(columns)}"
        else:
            order = sorted(range(len(shares)), key=lambda code: -row.probabilities[code])
            others = ", ".join(f"{self.classes[code]} {shares[code]}" for code in order if code != decided)
            yield from self._wrapped(f"{beginning}  {shares[decided]:>3}  ", others)
        for warning in row.warnings:
            yield from self._wrapped("  warning: ", printable(warning), YELLOW)
        yield from self._explained(row)

    def _explained(self, row: PredictionRow) -> Iterator[str]:
        """Groups of features with what they did to the decision, the largest first, as bars of signs."""
        if not row.explained:
            return
        reached = row.probabilities[self.layout.classes.index(row.emotion)]
        yield from self._wrapped(
            "  ", f"log p({printable(row.emotion)}): {log(row.average)} for the average training clip, here {log(reached)}; changed by"
        )
        widest = max(cells(printable(group)) for group in row.explained)
        largest = max(map(abs, row.explained.values())) or 1
        for group, change in sorted(row.explained.items(), key=lambda item: -abs(item[1])):
            bar = ("+" if change > 0 else "-") * round(BAR * abs(change) / largest)
            yield f"    {pad(printable(group), widest)}  {signed(change, 2):>6}  {bar}".rstrip()

    def _wrapped(self, head: str, text: str, style: str = "") -> Iterator[str]:
        """Text behind a head, over as many lines as it takes."""
        filled = textwrap.wrap(text, max(self.width - cells(head), 20)) or [""]
        for number, line in enumerate(filled):
            yield f"{style}{head if not number else ' ' * cells(head)}{line}{PLAIN if style else ''}"


def heads_within(names: Sequence[str], room: int) -> tuple[str, ...]:
    """Heads of columns, names cut alike as little as it takes; none where they would not differ.

    >>> heads_within(["anger", "happiness"], 40), heads_within(["anger", "happiness"], 12), heads_within(["anger", "angst"], 11)
    (('anger', 'happiness'), ('ange', 'happ'), ())
    """
    for length in range(max(map(len, names)), SHORTEST_HEAD - 1, -1):
        heads = [name[:length].rstrip() for name in names]
        if len(set(heads)) < len(heads) or any(cells(head) != len(head) for head in heads):
            return ()
        if sum(2 + max(len(head), 3) for head in heads) <= room:
            return tuple(heads)
    return ()


def log(probability: float) -> str:
    """A logarithm as text.

    >>> log(0.5)
    '-.69'
    """
    return format_score(math.log(max(probability, 1e-6)), 2)


def clock(moment: float) -> str:
    """A moment of a recording.

    >>> clock(7), clock(67.25), clock(3667.5)
    ('0:07', '1:07.25', '1:01:07.5')
    """
    if math.isnan(moment):
        return "?"
    whole, rest = divmod(round(moment * 100), 100)
    minutes, second = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest:02}".rstrip("0") if rest else ""
    return f"{f'{hours}:{minutes:02}' if hours else minutes}:{second:02}{fraction}"


def cells(text: str) -> int:
    """How many columns of a terminal a text takes.

    >>> cells("abc"), cells("\u97f3"), cells("e\u0301")
    (3, 2, 1)
    """
    return sum(0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def pad(text: str, width: int) -> str:
    """A text with spaces behind it."""
    return text + " " * (width - cells(text))


def shortened(text: str, width: int) -> str:
    """The end of a text that is too long.

    >>> shortened("folder/clip.wav", 9), shortened("a", 9)
    ('…clip.wav', 'a')
    """
    if cells(text) <= width:
        return text
    while cells(text) > width - 1:
        text = text[1:]
    return f"…{text}"
