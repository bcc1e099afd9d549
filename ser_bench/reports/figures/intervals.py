"""Scores with their intervals, one below the other: leaderboards, ablations, evaluation leaks, other corpora, conditions, recipes.

In:   panels of marks, with the lines that they are read against.
Out:  a figure: every mark named to its left, lines and looks named below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.reports.figures.looks import Dash, Look
from ser_bench.reports.figures.style import (
    GREY,
    Key,
    Style,
    around,
    height_of,
    legend_height,
    name_down,
    new_figure,
    plain,
    tick_scores,
    wrapped,
    write_heading,
    write_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES: Mapping[str, Dash] = {"chance": ":", "human": "--", "published": "-.", "reference": "-", "all groups": "-"}
"""How lines are drawn."""
NAMES = 0.42
"""The share of a figure's width that names may take."""
UAR = "UAR (95% CI over speakers)"


class Mark(NamedTuple):
    """A score between its bounds, under a label; `filled` or hollow."""

    label: str
    uar: float
    low: float
    high: float
    look: Look
    filled: bool = True


class Panel(NamedTuple):
    """Marks on one axis, with lines to read them against; `names` says what their labels hold, `reach` where the axis ends."""

    heading: str
    marks: Sequence[Mark]
    lines: Mapping[str, float]
    names: str
    axis: str = UAR
    reach: tuple[float, float] | None = None


def draw_intervals(panels: Sequence[Panel], style: Style, keys: Sequence[Key] = ()) -> Figure:
    """Draw panels below each other, each row as high as its name; `keys` say what looks mean."""
    letters = style.letters(NAMES * style.width)
    named = [[wrapped(mark.label, letters) for mark in panel.marks] for panel in panels]
    heights = [sum(height_of(names)) * style.line + 0.25 * style.line * len(names) for names in named]
    keys = [*keys, *line_keys(panel.lines for panel in panels)]
    around_them = sum((4.4 if not panel.heading else 5.2) * style.line for panel in panels)
    with style.settings():
        figure = new_figure(style, sum(heights) + around_them + legend_height(keys, style))
        parts = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        shared = around([value for panel in panels for value in _values(panel)])
        for axes, panel, names in zip(parts, panels, named, strict=True):
            _draw_panel(axes, panel, names, style, panel.reach or shared)
        for axes, panel, below in zip(parts, panels, panels[1:], strict=False):
            if panel.axis == below.axis:
                axes.set_xlabel("")
        write_legend(figure, keys, style)
    return figure


def line_keys(lines: Iterable[Mapping[str, float]]) -> list[Key]:
    """What a legend says of lines, each once."""
    return [Key(name, Look(GREY, "", DASHES[name])) for name in dict.fromkeys(name for part in lines for name in part)]


def draw_lines(axes: Axes, lines: Mapping[str, float], style: Style) -> None:
    """Draw what scores are to be read against."""
    for name, value in lines.items():
        axes.axvline(value, color=GREY, linestyle=DASHES[name], linewidth=style.weight, zorder=1)


def name_rows(axes: Axes, names: Sequence[str], style: Style) -> list[float]:
    """Name rows to the left, from the top, each with room for its lines; returns where they are."""
    places, below = [], 0.0
    for lines in height_of(names):
        places.append(below + lines / 2)
        below += lines + 0.25
    axes.set_yticks(places, names)
    axes.set_ylim(below - 0.125, -0.125)
    axes.tick_params(axis="y", length=0, labelsize=style.small)
    axes.spines["left"].set_visible(False)
    return places


def _values(panel: Panel) -> list[float]:
    return [*panel.lines.values(), *(value for mark in panel.marks for value in (mark.low, mark.uar, mark.high))]


def _draw_panel(axes: Axes, panel: Panel, names: Sequence[str], style: Style, reach: tuple[float, float]) -> None:
    plain(axes, style, grid="x")
    draw_lines(axes, panel.lines, style)
    for place, mark in zip(name_rows(axes, names, style), panel.marks, strict=True):
        look = mark.look
        axes.plot([mark.low, mark.high], [place, place], color=look.colour, linewidth=style.weight)
        face = look.colour if mark.filled else "white"
        axes.plot([mark.uar], [place], color=look.colour, marker=look.marker, markerfacecolor=face, linestyle="None")
    axes.set_xlim(*reach)
    axes.set_xlabel(wrapped(panel.axis, style.letters(0.5 * style.width)))
    tick_scores(axes.xaxis)
    name_down(axes, panel.names, style, NAMES * style.width)
    write_heading(axes, panel.heading, style, 0.5 * style.width)
