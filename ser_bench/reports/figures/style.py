"""How a figure for a paper looks: its width, its type, names that fit in it, what stands below it.

In:   the name of a preset of `STYLES`.
Out:  figures and axes of exactly that width, whose type is nowhere smaller than the preset's, at print size.
Rule: no title is drawn, as a paper has captions; where a figure has several parts, each has a heading. No name is cut without "…".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ser_bench.reports.drawing import label, own_settings
from ser_bench.reports.figures.looks import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

KINDS: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Kinds of files, with what must not be written into them, as it differs from time to time."""
NOTEBOOK = 150
"""Dots per inch in a notebook."""
LETTER = 0.6
"""The width of a letter of the font, as a share of its size; a bit more than the mean, so that names fit."""
MOST_LINES = 3
"""Lines of a name."""
GREY, PALE = "0.35", "0.9"
TITLES = {
    "train": "standardised with training-set statistics",
    "speaker": "TRANSDUCTIVE: standardised per speaker",
    "none": "not standardised",
}
"""How the tracks are named where several stand below each other, and `speaker` always."""


class Style(NamedTuple):
    """A preset: lengths in inches, sizes in points, dots of a PNG per inch."""

    width: float
    height: float
    size: float
    small: float
    dots: int

    @property
    def line(self) -> float:
        """The height of a line of small type."""
        return 1.35 * self.small / 72

    @property
    def weight(self) -> float:
        """The width of a line that is drawn, in points."""
        return self.small / 6

    @property
    def marker(self) -> float:
        """The size of a marker, in points."""
        return 0.65 * self.small

    def letters(self, inches: float) -> int:
        """How many letters of small type are that wide."""
        return max(int(72 * inches / (LETTER * self.small)), 4)

    def settings(self) -> AbstractContextManager[None]:
        """The settings of matplotlib in which a figure of this style is drawn."""
        small = dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), self.small)
        return own_settings(
            {
                **small,
                "font.size": self.size,
                "axes.labelsize": self.size,
                "axes.linewidth": self.small / 10,
                "lines.linewidth": self.weight,
                "lines.markersize": self.marker,
                "legend.frameon": False,
                "legend.handlelength": 2.4,
            }
        )


STYLES = {
    "column": Style(width=3.3, height=2.5, size=8, small=7, dots=300),
    "page": Style(width=6.9, height=3.2, size=8, small=7, dots=300),
    "slides": Style(width=10, height=4.7, size=16, small=14, dots=192),
}
"""One column of a paper of two, the whole width of its page, and a slide of 16:9."""
DEFAULT = STYLES["page"]._replace(dots=160)
"""Of the figures that every run has."""


class Key(NamedTuple):
    """An entry of a legend: a look with its words; a line alone where it has no marker."""

    words: str
    look: Look
    filled: bool = True
    line: bool = True


def new_figure(style: Style, height: float) -> Figure:
    """An empty figure of the style's width, so many inches high; inside the style's settings."""
    return _figure_class()(style.dots, figsize=(style.width, height), dpi=NOTEBOOK, layout="constrained")


@cache
def _figure_class() -> Callable[..., Figure]:
    """A figure that a notebook shows, and that saves itself as the package would."""
    import io

    from matplotlib.figure import Figure

    class PaperFigure(Figure):
        """A figure of a given width, whose files are the same bytes whatever the settings of matplotlib are."""

        def __init__(self, dots: int, **options: Any) -> None:
            super().__init__(**options)
            self.dots = dots

        def savefig(self, fname: Any, **options: Any) -> None:
            """Write a file, as matplotlib does, with the dots of the style and without what differs from time to time."""
            named = isinstance(fname, str | PathLike)
            kind = options.get("format") or (Path(fname).suffix.lower().removeprefix(".") if named else "png")
            with own_settings():
                super().savefig(fname, **{"dpi": self.dots, "metadata": KINDS.get(kind), **options})

        def _repr_png_(self) -> bytes:
            drawn = io.BytesIO()
            self.savefig(drawn, dpi=NOTEBOOK)
            return drawn.getvalue()

    return PaperFigure


def width_of(text: str) -> int:
    """How many letters wide a text is: letters of East Asian scripts are two, and marks on others none.

    >>> width_of("anger"), width_of("怒り")
    (5, 4)
    """
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrapped(text: str, letters: int, most: int = MOST_LINES) -> str:
    r"""A name on lines of so many letters, broken after ``+``, spaces and the like; in one of more than `most` lines "…" is for the middle.

    >>> wrapped("spectral+mfcc  logreg", 14)
    'spectral+mfcc\nlogreg'
    >>> wrapped("x" * 30, 8, most=2)
    'xxxxxxxx\n…xxxxxxx'
    >>> wrapped("spectral+mfcc  logreg", 11, most=1)
    'spect…ogreg'
    """
    parts = [piece for part in parts_of(text) for piece in _pieces(part, letters)]
    lines = [""]
    for part in parts:
        if width_of(lines[-1]) + width_of(part.rstrip()) > letters and lines[-1]:
            lines.append("")
        lines[-1] += part
    lines = [line.rstrip() for line in lines]
    if len(lines) > most:
        whole, before = label(text), (letters - 1) // 2 if most == 1 else 0
        lines = [*lines[: most - 1], f"{_within(whole, before)}…{_within(whole[::-1], letters - 1 - before)[::-1]}"]
    return "\n".join(lines)


def _within(text: str, letters: int) -> str:
    """As much of the beginning of a text as is not wider than so many letters."""
    return next(text[:n] for n in range(min(len(text), 2 * letters), -1, -1) if width_of(text[:n]) <= letters)


def parts_of(text: str) -> list[str]:
    """The parts of a name between which a line may be broken.

    >>> parts_of("spectral+mfcc  logreg")
    ['spectral+', 'mfcc  ', 'logreg']
    """
    return re.findall(r".+?(?:[+,;/_ -]+|$)", label(text))


def _pieces(part: str, letters: int) -> list[str]:
    """A part of a name that has no place to break, in pieces of so many letters."""
    if width_of(part.rstrip()) <= letters:
        return [part]
    whole, pieces = part, []
    while whole:
        n = next((n for n in range(len(whole), 0, -1) if width_of(whole[:n].rstrip()) <= letters), 1)
        pieces.append(whole[:n])
        whole = whole[n:]
    return pieces


def height_of(texts: Sequence[str]) -> list[int]:
    """The lines of each text."""
    return [text.count("\n") + 1 for text in texts]


def plain(axes: Axes, style: Style, *, grid: Literal["", "x", "y"] = "") -> None:
    """Leave out what a reader does not need, and hold the type to the style; with a pale grid along an axis, where one is named."""
    axes.tick_params(labelsize=style.small, width=style.small / 10, length=style.small / 3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=PALE, linewidth=style.small / 10)


def write_heading(axes: Axes, text: str, style: Style, inches: float) -> None:
    """Write what a part of a figure is of above it, to the left."""
    if text:
        axes.set_title(wrapped(text, style.letters(inches)), fontsize=style.small, loc="left", fontweight="bold")


def name_down(axes: Axes, text: str, style: Style, inches: float) -> None:
    """Say what the names to the left hold, above them: upright beside few of them it would be cut."""
    axes.annotate(
        wrapped(text, style.letters(inches)),
        (0, 1),
        xytext=(-style.small / 2, style.small / 3),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=style.small,
        fontstyle="italic",
        color=GREY,
    )


def tick_scores(axis: Axis) -> None:
    """Write scores on an axis as they are written elsewhere, without a zero before the point."""
    axis.set_major_formatter(lambda value, _: f"{value:.3g}".replace("0.", ".", 1))


def legend_height(keys: Sequence[Key], style: Style) -> float:
    """How much room a legend below a figure takes, in inches."""
    rows, _ = _arranged(keys, style)
    return sum(rows) * style.line + (style.line if keys else 0)


def write_legend(figure: Figure, keys: Sequence[Key], style: Style) -> None:
    """Write what is drawn below the figure, in as many columns as fit."""
    if keys:
        _, columns = _arranged(keys, style)
        figure.legend(handles=handles_of(keys, style, style.width), loc="outside lower center", ncols=columns, fontsize=style.small)


def _arranged(keys: Sequence[Key], style: Style) -> tuple[list[int], int]:
    """The lines of each row of a legend, and its number of columns."""
    if not keys:
        return [], 1
    words = [key.words for key in keys]
    widest = min(max(map(width_of, words)), _room(style, style.width)) + 7
    columns = max(1, min(len(keys), style.letters(style.width) // widest))
    lines = height_of([wrapped(text, _room(style, style.width)) for text in words])
    down = -(-len(keys) // columns)
    return [max(lines[row::down]) for row in range(down)], columns


def _room(style: Style, inches: float) -> int:
    """The letters of a legend's entry that fit beside its line."""
    return max(style.letters(inches) - 7, 4)


def handles_of(keys: Sequence[Key], style: Style, inches: float, most: int = MOST_LINES) -> list[Any]:
    """The entries of a legend that is so many inches wide, each of `most` lines at the most."""
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            color=key.look.colour,
            marker=key.look.marker or "None",
            linestyle=key.look.dash if key.line else "None",
            markerfacecolor=key.look.colour if key.filled else "white",
            markersize=style.marker,
            linewidth=style.weight,
            label=wrapped(key.words, _room(style, inches), most),
        )
        for key in keys
    ]


def square(style: Style, keys: Sequence[Key]) -> tuple[Figure, Axes]:
    """A figure with one square plane and its legend, below it in a narrow figure and beside it in a wide one."""
    if style.width < 2 * style.height:
        figure = new_figure(style, style.width * 0.85 + legend_height(keys, style))
        axes = figure.subplots()
        write_legend(figure, keys, style)
    else:
        each = 1.4 * style.line  # with what is between entries
        height = max(style.height, each * (len(keys) + 1))
        figure = new_figure(style, height)
        axes, beside = figure.subplots(1, 2, width_ratios=[style.height, style.width - style.height])
        beside.set_axis_off()
        most = max(1, int((height / len(keys) - each) / style.line) + 1)
        # A legend as wide as its place would push the plane, in a layout that is made once.
        handles = handles_of(keys, style, 0.7 * (style.width - style.height) - 0.3, min(most, MOST_LINES))
        beside.legend(handles=handles, loc="center left", fontsize=style.small)
    axes.set_box_aspect(1)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for ticks in (axes.set_xticks, axes.set_yticks):
        ticks([0, 0.5, 1], ["0", ".5", "1"])
    plain(axes, style)
    return figure, axes


def around(values: Sequence[float], step: float = 0.05) -> tuple[float, float]:
    """An axis from below the least to above the most of some scores, to the next twentieth, inside 0 to 1.

    >>> around([0.34, 0.71])
    (0.3, 0.75)
    """
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    ends = np.floor(low / step - 1e-9) * step, np.ceil(high / step + 1e-9) * step
    return round(float(max(ends[0], 0)), 2), round(float(min(ends[1], 1)), 2)
