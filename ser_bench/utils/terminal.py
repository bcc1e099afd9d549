"""Tables for a terminal, as wide as it is.

In:   a head, rows of text in parts that may have a name each, and what is said above and below.
Out:  something that rich prints.
Rule: no cell is cut and no row is lost. Where rows do not fit, columns that can be spared are left out, which a line says; where that is
      not enough, each row is its names with its other cells below. Nothing in a cell is markup, or a command to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.errors import lines, printable
from ser_bench.utils.formatting import listed

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

WIDE, READABLE, GAP, INDENT = 140, 20, 2, 6
"""Columns of a terminal that nothing is known of; that a folded column has at least; between two columns; before cells below names."""


class Part(NamedTuple):
    """Rows that belong together, with a style for each, and what they are called."""

    rows: Sequence[Sequence[str]]
    styles: Sequence[str]
    name: str = ""


@dataclass(frozen=True)
class TerminalTable:
    """A table that fits where it is printed.

    Parameters
    ----------
    head : sequence of str
    parts : sequence of Part
    title : str
    below : sequence of str
        What is said below it, a paragraph each.
    words : sequence of str
        Heads of columns that stand to the left; numbers stand to the right.
    names : int
        So many first columns name a row; where there is too little room, the one that is called `folded` goes over several lines.
    folded : str
        The first without.
    spared : sequence of str
        Heads of columns that can be left out, the first of them first.
    """

    head: Sequence[str]
    parts: Sequence[Part]
    title: str = ""
    below: Sequence[str] = ()
    words: Sequence[str] = ()
    names: int = 1
    folded: str = ""
    spared: Sequence[str] = ()

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return sum(len(part.rows) for part in self.parts)

    @property
    def width(self) -> int:
        """How wide it is where each row is one line."""
        from rich.cells import cell_len

        heads = [cell_len(printable(name)) for name in self.head]
        return sum(max(self._needed(at), head) for at, head in enumerate(heads)) + GAP * (len(heads) - 1)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[RenderableType]:
        """What rich prints of it."""
        from rich.text import Text

        if self.title:
            yield Text(printable(self.title), style="bold")
        needed = [self._needed(at) for at in range(len(self.head))]
        spared: list[str] = []
        while not (widths := self._widths(needed, spared, options.max_width)) and len(spared) < len(self.spared):
            spared.append(self.spared[len(spared)])
        yield from self._side_by_side(widths) if widths else self._below_names(options.max_width)
        if widths and spared:
            yield Text(f"(no room for {listed([name for name in self.head if name in spared])})", style="italic")
        yield from (Text(lines(line)) for line in self.below if line)

    def _needed(self, at: int) -> int:
        """The width of a column's longest line; a head of several words may be broken between them."""
        from rich.cells import cell_len

        cells = [line for part in self.parts for row in part.rows for line in lines(row[at]).split("\n")]
        return max(map(cell_len, [*printable(self.head[at]).split(), *cells]), default=0)

    def _widths(self, needed: Sequence[int], spared: Sequence[str], room: int) -> dict[int, int]:
        """How wide each column is that is shown; none where the room is too little."""
        from rich.cells import cell_len

        kept = [at for at, name in enumerate(self.head) if name not in spared]
        folded = self.head.index(self.folded) if self.folded else 0
        room -= GAP * (len(kept) - 1)
        widths = {at: min(needed[at], READABLE) if at == folded else needed[at] for at in kept}
        if sum(widths.values()) > room:
            return {}
        whole = {at: needed[at] if at == folded else max(needed[at], cell_len(printable(self.head[at]))) for at in kept}
        for at in [folded, *(at for at in kept if at != folded)]:  # what is left goes to what is folded, then to heads of one line
            widths[at] += min(whole[at] - widths[at], room - sum(widths.values()))
        return widths

    def _side_by_side(self, widths: dict[int, int]) -> Iterator[RenderableType]:
        from rich.text import Text

        yield self._grid(widths, Part([], []), header=True)
        for part in self.parts:
            if part.name:
                yield Text(printable(part.name), style="italic")
            yield self._grid(widths, part)

    def _grid(self, widths: dict[int, int], part: Part, *, header: bool = False) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=header)
        for at, width in widths.items():
            head = Text(printable(self.head[at]))
            table.add_column(head, justify="left" if self.head[at] in self.words else "right", width=width, overflow="fold")
        for row, style in zip(part.rows, part.styles, strict=True):
            table.add_row(*(Text(lines(row[at])) for at in widths), style=style)
        return table

    def _below_names(self, width: int) -> Iterator[RenderableType]:
        from rich.padding import Padding
        from rich.text import Text

        for part in self.parts:
            if part.name:
                yield Text(printable(part.name), style="italic")
            for row, style in zip(part.rows, part.styles, strict=True):
                yield Text(printable("  ".join(filter(None, row[: self.names]))), style=style)
                cells = [f"{head} {cell}" for head, cell in zip(self.head[self.names :], row[self.names :], strict=True) if cell]
                below = Text(filled([printable(" ".join(cell.split())) for cell in cells], width - INDENT), style=style)
                yield Padding(below, (0, 0, 0, INDENT), expand=False)


def filled(phrases: Sequence[str], width: int) -> str:
    r"""Phrases with commas between them, on lines that break between phrases alone.

    >>> filled(["UAR .569", "95% CI [.459, .673]", "p .123"], 20)
    'UAR .569,\n95% CI [.459, .673],\np .123'
    """
    from rich.cells import cell_len

    found = ""
    for number, phrase in enumerate(phrases):
        last = found.rpartition("\n")[2]
        comma = "," if number < len(phrases) - 1 else ""
        fits = not found or cell_len(f"{last} {phrase}{comma}") <= width
        found += f"{'' if not found else ' ' if fits else chr(10)}{phrase}{comma}"
    return found
