"""Fields in rows and columns, darker for more: heat map, confusion matrix, corpora evaluated by each other.

In:   values with what is written in them.
Out:  axes with the fields, their names around them, the numbers in those that have room for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.reports.figures.style import (
    MOST_LINES,
    Style,
    height_of,
    name_down,
    new_figure,
    parts_of,
    plain,
    width_of,
    wrapped,
    write_heading,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = "Blues"
DARK = 0.55
"""The shade from which on numbers are white."""
NAMES = 0.3
"""The share of a figure's width that names of rows may take."""
UPRIGHT = 22
"""The letters of a line of names of columns that stand upright."""


class Grid(NamedTuple):
    """Values by row and column, NaN where there is none, `words` in them, and `framed` ones; `span` is of the palest and darkest."""

    heading: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: np.ndarray
    words: Sequence[Sequence[str]]
    down: str
    across: str
    span: tuple[float, float]
    scale: str
    framed: np.ndarray | None = None


def draw_grids(grids: Sequence[Grid], style: Style) -> Figure:
    """Draw grids below each other."""
    heights = [_height(grid, style) for grid in grids]
    with style.settings():
        figure = new_figure(style, sum(heights))
        for axes, grid in zip(figure.subplots(len(grids), 1, squeeze=False, height_ratios=heights)[:, 0], grids, strict=True):
            _draw(figure, axes, grid, style)
    return figure


def _names(grid: Grid, style: Style) -> list[str]:
    return [wrapped(name, style.letters(NAMES * style.width)) for name in grid.rows]


def _field(grid: Grid, style: Style) -> float:
    """The width of a field, in inches."""
    taken = max(width_of(line) for name in _names(grid, style) for line in name.split("\n")) * 0.6 * style.small / 72
    return (0.97 * style.width - taken - 0.5 * style.line) / len(grid.columns)


def _fits(grid: Grid, style: Style) -> bool:
    """Whether the words of the fields fit in them."""
    widest = max((width_of(line) for row in grid.words for text in row for line in text.split("\n")), default=0)
    return widest * 0.66 * style.small / 72 <= _field(grid, style)


def _across(grid: Grid, style: Style) -> tuple[list[str], bool]:
    """The names of columns, and whether they have to stand upright."""
    letters = style.letters(_field(grid, style))
    flat = [wrapped(name, letters) for name in grid.columns]
    upright = max(height_of(flat)) > 3 or any(width_of(part) > letters for name in grid.columns for part in parts_of(name))
    beside = min(MOST_LINES, max(1, int(_field(grid, style) / style.line)))
    return ([wrapped(name, UPRIGHT, beside) for name in grid.columns] if upright else flat), upright


def _height(grid: Grid, style: Style) -> float:
    """The height of a grid with what stands around it, in inches."""
    lines = max(height_of([text for row in grid.words for text in row]), default=1)
    row = max(max(height_of(_names(grid, style))), lines, 1) * style.line + 0.5 * style.line
    names, upright = _across(grid, style)
    widest = max(width_of(line) for name in names for line in name.split("\n"))
    below = widest * 0.6 * style.small / 72 if upright else max(height_of(names)) * style.line
    return row * len(grid.rows) + below + (4.5 if grid.heading else 3.8) * style.line


def _draw(figure: Figure, axes: Axes, grid: Grid, style: Style) -> None:
    plain(axes, style)
    image = axes.imshow(grid.values, cmap=COLOURS, vmin=grid.span[0], vmax=grid.span[1], aspect="auto", interpolation="nearest")
    names, upright = _across(grid, style)
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0)
    axes.set_yticks(range(len(grid.rows)), _names(grid, style))
    axes.tick_params(length=0, labelsize=style.small)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(grid.across)
    name_down(axes, grid.down, style, NAMES * style.width)
    if _fits(grid, style):
        _write(axes, grid, style)
    else:
        bar = figure.colorbar(image, ax=axes, label=grid.scale, fraction=0.08, pad=0.02)
        bar.ax.tick_params(labelsize=style.small)
        bar.outline.set_visible(False)
    _frame(axes, grid, style)
    write_heading(axes, grid.heading, style, 0.6 * style.width)


def _write(axes: Axes, grid: Grid, style: Style) -> None:
    low, high = grid.span
    for (row, column), value in np.ndenumerate(grid.values):
        shade = (value - low) / (high - low) if high > low else 0
        colour = "white" if shade > DARK else "0.1"
        axes.text(column, row, grid.words[row][column], ha="center", va="center", fontsize=style.small, color=colour)


def _frame(axes: Axes, grid: Grid, style: Style) -> None:
    from matplotlib.patches import Rectangle

    for row, column in np.argwhere(grid.framed) if grid.framed is not None else ():
        place = (column - 0.46, row - 0.46)
        axes.add_patch(Rectangle(place, 0.92, 0.92, fill=False, edgecolor="#D55E00", linewidth=1.5 * style.weight))
