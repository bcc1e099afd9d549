"""A block at a glance: feature sets against models, and what a score costs.

In:   a block of the leaderboard.
Out:  a table with a shade per cell, and points on a plane of seconds and UAR.
Rule: both are within a block, and every number that is drawn is also written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.leaderboard import by_cost
from ser_bench.utils.formatting import format_score, format_seconds, records

if TYPE_CHECKING:
    import pandas as pd

HEIGHT, TOP, BOTTOM = 300, 46, 40
"""Of the plane with its margins, in pixels."""
LEFT, WIDTH = 9.0, 87.0
"""Of the plane, in percent of the picture."""
LINE, LETTER = 15, 6.2 / 4.2
"""What a label needs: pixels in height, and percent of a narrow picture in width for each letter."""


def heat_map(block: pd.DataFrame, link: Callable[[dict[str, Any]], str]) -> dict[str, Any] | None:
    """Feature sets by models, each in the order of its best UAR; None where there is a single one of either.

    A cell's `shade` is 0 for the block's lowest UAR, and 1 for its highest; `link` tells where it stands opened.
    """
    scored = block[block["uar"].notna()].sort_values("uar", ascending=False, kind="stable")
    features, models = (list(scored[name].unique()) for name in ("features", "model"))
    if len(features) < 2 or len(models) < 2:
        return None
    low, high = scored["uar"].min(), scored["uar"].max()
    cells = {
        (row["features"], row["model"]): {
            "uar": format_score(row["uar"]),
            "shade": round((row["uar"] - low) / (high - low), 2) if high > low else 0.0,
            "href": link(row),
            "status": row["status"],
        }
        for row in records(scored)
    }
    return {"models": models, "rows": [(name, [cells.get((name, model)) for model in models]) for name in features]}


def cost_map(block: pd.DataFrame) -> dict[str, Any] | None:
    """Ranked rows by seconds, on a logarithmic axis, and UAR, as `by_cost` gives them; None where fewer than two have taken time."""
    known = by_cost(block)
    if len(known) < 2:
        return None
    known = known.assign(name=known["features"] + " " + known["model"])
    longest = known.loc[known["front"], "name"].str.len().max()
    decades, uars = _decades(known["seconds"], longest), _range(known["uar"])
    points = [_point(row, decades, uars) for row in records(known)]
    return {
        "height": HEIGHT,
        "floor": HEIGHT - BOTTOM,
        "left": LEFT,
        "right": LEFT + WIDTH,
        "points": points,
        "front": _labelled([point for point in points if point["front"]]),
        "seconds": [{"x": round(_across(np.log10(s), decades), 2), "text": f"{s:,g}"} for s in _ticks(decades)],
        "uars": [{"y": round(_up(u, uars), 1), "text": format_score(u, 2)} for u in np.linspace(*uars, 5)],
    }


def _point(row: dict[str, Any], decades: tuple[float, float], uars: tuple[float, float]) -> dict[str, Any]:
    """Where a row stands on the plane, and how it is read."""
    return {
        **{name: row[name] for name in ("name", "front", "rank")},
        "uar": format_score(row["uar"]),
        "seconds": format_seconds(row["seconds"]),
        "x": round(_across(np.log10(row["seconds"]), decades), 2),
        "y": round(_up(row["uar"], uars), 1),
    }


def _decades(seconds: pd.Series, letters: int) -> tuple[float, float]:
    """The ends of the axis of time, as powers of ten, with room left of the quickest for a label of so many letters."""
    low, high = np.log10(seconds.min()), np.log10(seconds.max())
    reach = max(high - low, 0.5)
    label = min(letters * LETTER / WIDTH, 0.4)
    return float(low - 1.05 * reach * label / (1 - label)), float(low + 1.05 * reach)


def _ticks(decades: tuple[float, float]) -> list[float]:
    """Round seconds on the axis: powers of ten, with halves and fifths of them where those are few."""
    low, high = decades
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [step * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high))) for step in steps]
        inside = [tick for tick in ticks if low <= np.log10(tick) <= high]
        if len(inside) > 2:
            break
    return inside


def _range(uars: pd.Series) -> tuple[float, float]:
    """The ends of the axis of UAR, on multiples of .04 so that a quarter of it is a whole percent."""
    low, high = np.floor(uars.min() / 0.04 - 1e-9) * 0.04, np.ceil(uars.max() / 0.04 + 1e-9) * 0.04
    return float(max(low, 0.0)), float(high)


def _across(power: float, decades: tuple[float, float]) -> float:
    return LEFT + WIDTH * (power - decades[0]) / (decades[1] - decades[0])


def _up(uar: float, uars: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (uar - uars[0]) / (uars[1] - uars[0])


def _labelled(front: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the front's labels end: above left of their points, where no other point can be, and above the labels in their way."""
    labels: list[dict[str, Any]] = []
    for point in front:
        begin = point["x"] - LETTER * len(point["name"])
        in_the_way = [label["line"] - LINE for label in labels if label["x"] > begin]
        labels.append({**point, "line": min([round(point["y"] - 8, 1), *in_the_way])})
    return labels
