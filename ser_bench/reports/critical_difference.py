"""The critical-difference diagram of a merged leaderboard: on its page, and `figures/critical-difference` as PNG, SVG and PDF.

In:   comparisons across corpora.
Out:  for the page what `templates/diagram.html.j2` draws in its colours; files, the same comparisons giving the same bytes. None where no
      comparison has three corpora.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.reports.drawing import label, own_settings
from ser_bench.reports.figures import KINDS, TITLES, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ser_bench.evaluation.comparison import Comparison

NAME = "critical-difference"
BAR = 0.45
AXIS, LINE, CLIQUE, LETTER = 34, 20, 9, 7.4
"""On a page, in pixels: where the axis lies, between names, between bars, and what a letter takes at most."""
PLANE = 400
"""The width of the axis there."""


def view_diagram(comparison: Comparison) -> dict[str, Any]:
    """Where all of a diagram lies on a page, in pixels: mean ranks on a line, the better half of the systems led to the left."""
    named = list(comparison.systems[["features", "model", "mean_rank"]].itertuples(index=False, name=None))
    half, n = (len(named) + 1) // 2, len(named)
    texts = [f"{features} {model} ({rank:.2f})" for features, model, rank in named]
    margins = [round(max(map(len, part)) * LETTER) + 12 for part in (texts[:half], texts[half:])]

    def across(rank: float) -> float:
        return round(margins[0] + PLANE * (rank - 1) / (n - 1), 1)

    first_line = AXIS + CLIQUE * (len(comparison.cliques) + 1) + 10
    systems = [
        {
            "text": text,
            "x": across(rank),
            "y": first_line + LINE * (place if place < half else n - 1 - place),
            "edge": margins[0] - 14 if place < half else margins[0] + PLANE + 14,
            "anchor": "end" if place < half else "start",
        }
        for place, (text, (_, _, rank)) in enumerate(zip(texts, named, strict=True))
    ]
    ends = [(across(named[clique[0]][2]) - 4, across(named[clique[-1]][2]) + 4) for clique in comparison.cliques]
    return {
        "width": margins[0] + PLANE + margins[1],
        "height": first_line + LINE * (half - 1) + 12,
        "axis": AXIS,
        "ends": (across(1), across(n)),
        "ticks": [(across(rank), str(rank)) for rank in range(1, n + 1)],
        "systems": systems,
        "bars": [(left, right, AXIS + CLIQUE * place) for place, (left, right) in enumerate(ends, 1)],
        "told": _told(comparison),
    }


def _told(comparison: Comparison) -> str:
    """What the bars of a diagram say."""
    bars = "bars join systems that are not significantly different (Wilcoxon, Holm)"
    return f"{len(comparison.corpora)} corpora: {bars if 'p' in comparison.systems else 'too few to show a difference'}"


@own_settings()
def write_diagram(folder: Path, comparisons: list[Comparison]) -> None:
    """Draw mean ranks on a line, bars joining neighbours that do not differ significantly, one panel per comparison, below `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    for kind in KINDS:
        (folder / f"{NAME}.{kind}").unlink(missing_ok=True)
    drawn = [comparison for comparison in comparisons if comparison.drawable]
    if not drawn:
        return
    heights = [_depth(comparison) * 0.24 + 1 for comparison in drawn]
    figure = Figure(figsize=(8, sum(heights)), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1))
    FigureCanvasAgg(figure)
    for comparison, part in zip(drawn, figure.subfigures(len(drawn), squeeze=False, height_ratios=heights)[:, 0], strict=True):
        part.suptitle(_title(comparison), fontsize=9)
        _panel(part.subplots(), comparison)
    save(figure, folder, NAME)


def _title(comparison: Comparison) -> str:
    return f"{label(f'{TITLES[comparison.track]}, {comparison.search}')}\n{_told(comparison)}"


def _depth(comparison: Comparison) -> float:
    """How far down a panel reaches, in lines of text."""
    return len(comparison.cliques) * BAR + 1 + (len(comparison.systems) + 1) // 2


def _panel(axes: Axes, comparison: Comparison) -> None:
    from matplotlib.ticker import MaxNLocator

    ranks = comparison.systems["mean_rank"].tolist()
    axes.set_xlim(0.8, len(ranks) + 0.2)
    axes.set_ylim(_depth(comparison), 0)
    _name_systems(axes, comparison)
    beyond = 0.007 * len(ranks)
    for place, clique in enumerate(comparison.cliques, 1):
        ends = [ranks[clique[0]] - beyond, ranks[clique[-1]] + beyond]
        axes.plot(ends, [place * BAR] * 2, color="#D55E00", linewidth=3.2, solid_capstyle="butt", clip_on=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.tick_top()
    axes.set_xlabel("mean rank", fontsize=8)
    axes.xaxis.set_label_position("top")
    axes.tick_params(labelsize=8)
    axes.set_yticks([])
    axes.spines[["bottom", "left", "right"]].set_visible(False)


def _name_systems(axes: Axes, comparison: Comparison) -> None:
    """Lead a line from each mean rank to its system's name: the better half to the left, the others to the right."""
    systems = comparison.systems[["features", "model", "mean_rank"]]
    first_line = len(comparison.cliques) * BAR + 1
    for place, (features, model, rank) in enumerate(systems.itertuples(index=False)):
        better = place < (len(systems) + 1) // 2
        line = first_line + (place if better else len(systems) - 1 - place)
        edge = axes.get_xlim()[0 if better else 1]
        axes.plot([rank, rank, edge], [0, line, line], color="0.35", linewidth=0.9, clip_on=False)
        axes.plot([rank], [0], color="#0072B2", marker="o", markersize=4.5, clip_on=False, zorder=3)
        axes.annotate(
            f"{label(f'{features}  {model}')}  ({rank:.2f})",
            (edge, line),
            xytext=(-5 if better else 5, 0),
            textcoords="offset points",
            ha="right" if better else "left",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
