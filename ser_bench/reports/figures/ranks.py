"""The critical-difference diagram of a merged leaderboard.

In:   comparisons across corpora.
Out:  a figure: mean ranks on a line, bars joining neighbours that do not differ significantly, a part per comparison. None where no
      comparison has three corpora.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_bench.reports.critical_difference import told
from ser_bench.reports.figures.looks import Look, looks_of_systems
from ser_bench.reports.figures.style import (
    GREY,
    TITLES,
    Key,
    Style,
    height_of,
    legend_height,
    new_figure,
    parts_of,
    plain,
    width_of,
    wrapped,
    write_heading,
    write_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ser_bench.evaluation.comparison import Comparison

BAR = 0.55
"""The distance between bars, in lines of text."""
NAMES, WIDER = 0.2, 0.25
"""The share of a figure's width for the names of either side, and what they may take if it spares a name to be broken within."""
JOINED = Look("#D55E00")


def draw_ranks(comparisons: Sequence[Comparison], style: Style) -> Figure | None:
    """Draw the comparisons that have three corpora and two systems, below each other."""
    drawn = [comparison for comparison in comparisons if comparison.drawable]
    if not drawn:
        return None
    keys = [Key(words, JOINED) for words in dict.fromkeys(told(comparison) for comparison in drawn if comparison.cliques)]
    heights = [(_depth(comparison, style) + 3.5 + (3 if len(drawn) > 1 else 0)) * style.line for comparison in drawn]
    with style.settings():
        figure = new_figure(style, sum(heights) + legend_height(keys, style))
        for axes, comparison in zip(figure.subplots(len(drawn), 1, squeeze=False, height_ratios=heights)[:, 0], drawn, strict=True):
            _panel(axes, comparison, style)
            if len(drawn) > 1 or comparison.track == "speaker":
                write_heading(axes, f"{TITLES[comparison.track]}, {comparison.search}", style, (0.96 - 2 * NAMES) * style.width)
        write_legend(figure, keys, style)
    return figure


def _names(comparison: Comparison, style: Style) -> list[str]:
    """Systems as they are named, with their mean ranks."""
    systems = comparison.systems[["features", "model", "mean_rank"]].itertuples(index=False)
    names = [f"{features}  {model} ({rank:.2f})" for features, model, rank in systems]
    widest = max(width_of(part.rstrip()) for name in names for part in parts_of(name))
    room = [style.letters(share * style.width) for share in (NAMES, WIDER)]
    letters = next((letters for letters in room if widest <= letters), room[0])
    return [wrapped(name, letters, most=5) for name in names]


def _sides(names: Sequence[str]) -> list[float]:
    """How far below the bars each system's line ends, in lines of text: the better half on the left, the others from below on the right."""
    half, lines = (len(names) + 1) // 2, [lines + 0.25 for lines in height_of(names)]
    left = [sum(lines[:place]) + lines[place] / 2 for place in range(half)]
    right = [sum(lines[place + 1 :]) + lines[place] / 2 for place in range(half, len(names))]
    return left + right


def _depth(comparison: Comparison, style: Style) -> float:
    """How far down a part reaches, in lines of text."""
    names = _names(comparison, style)
    half, lines = (len(names) + 1) // 2, [lines + 0.25 for lines in height_of(names)]
    return len(comparison.cliques) * BAR + 1 + max(sum(lines[:half]), sum(lines[half:]))


def _panel(axes: Axes, comparison: Comparison, style: Style) -> None:
    from matplotlib.ticker import MaxNLocator

    ranks = comparison.systems["mean_rank"].tolist()
    plain(axes, style)
    axes.set_xlim(0.8, len(ranks) + 0.2)
    axes.set_ylim(_depth(comparison, style), 0)
    _name_systems(axes, comparison, style)
    beyond = 0.007 * len(ranks)
    for place, clique in enumerate(comparison.cliques, 1):
        ends = [ranks[clique[0]] - beyond, ranks[clique[-1]] + beyond]
        axes.plot(ends, [place * BAR] * 2, color=JOINED.colour, linewidth=2.4 * style.weight, solid_capstyle="butt", clip_on=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.xaxis.tick_top()
    axes.set_xlabel("mean rank")
    axes.xaxis.set_label_position("top")
    axes.set_yticks([])
    axes.spines["top"].set_visible(True)
    axes.spines[["bottom", "left", "right"]].set_visible(False)


def _name_systems(axes: Axes, comparison: Comparison, style: Style) -> None:
    """Lead a line from each mean rank to its system's name: the better half to the left, the others to the right."""
    names, above = _names(comparison, style), len(comparison.cliques) * BAR + 1
    systems = list(comparison.systems[["features", "model", "mean_rank"]].itertuples(index=False, name=None))
    looks = looks_of_systems((features, model) for features, model, _ in systems)
    half = (len(systems) + 1) // 2
    for place, ((features, model, rank), name, below) in enumerate(zip(systems, names, _sides(names), strict=True)):
        better, look = place < half, looks[features, model]
        edge = axes.get_xlim()[0 if better else 1]
        axes.plot([rank, rank, edge], [0, above + below, above + below], color=GREY, linewidth=0.6 * style.weight, clip_on=False)
        axes.plot([rank], [0], color=look.colour, marker=look.marker, clip_on=False, zorder=3)
        axes.annotate(
            name,
            (edge, above + below),
            xytext=(-3 if better else 3, 0),
            textcoords="offset points",
            ha="right" if better else "left",
            va="center",
            fontsize=style.small,
            annotation_clip=False,
        )
