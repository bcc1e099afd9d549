"""The critical-difference diagram on the page of a merged leaderboard; that for papers is `figures.ranks`.

In:   a comparison across three corpora or more.
Out:  what `templates/diagram.html.j2` draws in the page's colours, and what the bars of a diagram say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ser_bench.reports.drawing import label

if TYPE_CHECKING:
    from ser_bench.evaluation.comparison import Comparison

AXIS, LINE, CLIQUE, LETTER = 34, 20, 9, 7.4
"""On a page, in pixels: where the axis lies, between names, between bars, and what a letter takes at most."""
PLANE, PHONE, MARGIN, TICK = 400, 340, 12, 18
"""The width of the axis there; of all of it on a phone, and beside its axis there; what a rank on the axis takes."""


def view_diagram(comparison: Comparison) -> dict[str, Any]:
    """Where all of a diagram lies on a page, in pixels: mean ranks on a line, the better half of the systems led to the left.

    `narrow` is the same for a phone, each name on a line of its own below its rank.
    """
    ranks = comparison.systems["mean_rank"].tolist()
    systems = comparison.systems[["features", "model", "mean_rank"]].itertuples(index=False, name=None)
    texts = [f"{features} {model} ({rank:.2f})" for features, model, rank in systems]
    half, n = (len(texts) + 1) // 2, len(texts)
    margins = [round(max(map(len, part)) * LETTER) + 12 for part in (texts[:half], texts[half:])]
    edges = [(margins[0] - 14, "end"), (margins[0] + PLANE + 14, "start")]
    lines = [(place if place < half else n - 1 - place, *edges[place >= half]) for place in range(n)]
    wide = _laid_out(comparison, texts, (margins[0], PLANE), lines)
    plane = PHONE - 2 * MARGIN
    reached = [MARGIN + plane * (rank - 1) / (n - 1) for rank in ranks]
    short = [label(text, int(PHONE / LETTER)) for text in texts]
    below = [(n - 1 - place, *_below(x, LETTER * len(text))) for place, (x, text) in enumerate(zip(reached, short, strict=True))]
    narrow = _laid_out(comparison, short, (MARGIN, plane), below)
    return {**wide, "width": sum(margins) + PLANE, "narrow": {**narrow, "width": PHONE}, "told": told(comparison)}


def _below(x: float, width: float) -> tuple[float, str]:
    """Where a name of that width begins or ends on a phone: beside the rank at x, or as far right as it goes."""
    if x + 5 + width <= PHONE:
        return round(x, 1), "start"
    return (round(x, 1), "end") if x - 5 - width >= 0 else (round(PHONE - 5 - width, 1), "start")


def _laid_out(
    comparison: Comparison, texts: Sequence[str], plane: tuple[int, int], lines: Sequence[tuple[int, float, str]]
) -> dict[str, Any]:
    """A diagram whose axis has this left end and width, each system's name on this line, beginning or ending there."""
    ranks = comparison.systems["mean_rank"].tolist()
    n, first_line = len(ranks), AXIS + CLIQUE * (len(comparison.cliques) + 1) + 10

    def across(rank: float) -> float:
        return round(plane[0] + plane[1] * (rank - 1) / (n - 1), 1)

    ends = [(across(ranks[clique[0]]) - 4, across(ranks[clique[-1]]) + 4) for clique in comparison.cliques]
    return {
        "height": first_line + LINE * max(line for line, *_ in lines) + 12,
        "axis": AXIS,
        "ends": (across(1), across(n)),
        "ticks": [(across(rank), str(rank)) for rank in range(1, n + 1, -(-TICK * (n - 1) // plane[1]))],
        "systems": [
            {"text": text, "x": across(rank), "y": first_line + LINE * line, "edge": edge, "anchor": anchor}
            for text, rank, (line, edge, anchor) in zip(texts, ranks, lines, strict=True)
        ],
        "bars": [(left, right, AXIS + CLIQUE * place) for place, (left, right) in enumerate(ends, 1)],
    }


def told(comparison: Comparison) -> str:
    """What the bars of a diagram say."""
    bars = "bars join systems that are not significantly different (Wilcoxon, Holm)"
    return f"{len(comparison.corpora)} corpora: {bars if 'p' in comparison.systems else 'too few to show a difference'}"
