"""The critical-difference diagram on the page of a merged leaderboard; that for papers is `figures.ranks`.

In:   a comparison across three corpora or more.
Out:  what `templates/diagram.html.j2` draws in the page's colours, and what the bars of a diagram say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_bench.evaluation.comparison import Comparison

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
        "told": told(comparison),
    }


def told(comparison: Comparison) -> str:
    """What the bars of a diagram say."""
    bars = "bars join systems that are not significantly different (Wilcoxon, Holm)"
    return f"{len(comparison.corpora)} corpora: {bars if 'p' in comparison.systems else 'too few to show a difference'}"
