"""Speakers that a study needs, for people: a table per leaderboard and a figure.

In:   the table of `api.plan_study`.
Out:  rows of text, and `planning` as PNG, SVG and PDF.
Rule: the typical system is the median one, and how far the others lie from it stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.analyses.planning import BOTH, SPEAKERS, half_widths, powers, typical
from ser_bench.evaluation.leaderboard import BLOCK
from ser_bench.reports.drawing import label, own_settings
from ser_bench.reports.figures import LOOKS, save
from ser_bench.utils.formatting import format_score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

QUESTION = ["goal", "target", "covers", "sentences", "clips_per_speaker"]
HEAD = ("goal", "for new", "sentences", "clips per speaker", "now", "at best", "speakers needed", "95% CI", "over systems")
COLOURS = {SPEAKERS: LOOKS[0].colour, BOTH: LOOKS[1].colour}


class Summary(NamedTuple):
    """A leaderboard's answers: a title, and one row of `HEAD` per question."""

    title: str
    rows: list[list[str]]


def summaries(table: pd.DataFrame) -> Iterator[Summary]:
    """One `Summary` per leaderboard of the run; each row shows the system, or pair of systems, at the median."""
    for _, block in table.groupby(BLOCK, sort=False):
        first = block.iloc[0]
        title = f"{first['corpus']}, labels '{first['labels']}', {first['cv']}, track {first['track']}: {first['speakers']} speakers"
        yield Summary(title, [_row(asked) for _, asked in block.groupby(QUESTION, sort=False)])


def count(speakers: float) -> str:
    """A number of speakers, ``never`` for infinitely many.

    >>> count(1234.0), count(np.inf)
    ('1,234', 'never')
    """
    return "never" if np.isinf(speakers) else f"{speakers:,.0f}"


def goal_words(goal: str, target: float) -> str:
    """What is wanted.

    >>> goal_words("interval", 0.03), goal_words("difference", 0.02)
    ('UAR \u00b1.03', 'difference .02')
    """
    digits = 2 if round(target, 2) == target else 3
    return f"UAR \u00b1{format_score(target, digits)}" if goal == "interval" else f"difference {format_score(target, digits)}"


def _row(asked: pd.DataFrame) -> list[str]:
    middle = typical(asked)
    needed = asked["speakers_needed"]
    over = f"{count(needed.min())} to {count(needed.max())} ({len(asked)})" if len(asked) > 1 else ""
    return [
        goal_words(middle["goal"], middle["target"]),
        middle["covers"],
        str(middle["sentences"]) if middle["sentences"] else "these",
        f"{middle['clips_per_speaker']:.0f}",
        f"\u00b1{format_score(middle['half_width'])}",
        _at_best(middle),
        count(middle["speakers_needed"]),
        f"{count(middle['needed_low'])} to {count(middle['needed_high'])}",
        over,
    ]


def _at_best(line: dict[str, Any]) -> str:
    """The narrowest interval of any number of speakers; where sentences were not seen to differ, nothing bounds it."""
    if not line["sentences"]:
        return ""
    return f"\u00b1{format_score(line['least'])}" if line["sd_sentence"] > 0 else "no bound seen"


@own_settings()
def draw_plan(table: pd.DataFrame, folder: Path) -> None:
    """Draw interval and power against the number of speakers, a row of panels per leaderboard, as `planning` below `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    blocks = [block for _, block in table.groupby(BLOCK, sort=False)]
    figure = Figure(figsize=(9.6, 0.6 + 3.4 * len(blocks)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, block in enumerate(blocks):
        first = block.iloc[0]
        left, right = (figure.add_subplot(len(blocks), 2, 2 * place + side) for side in (1, 2))
        left.set_title(label(f"{first['corpus']}, {first['cv']}, track {first['track']}"), fontsize=9)
        _draw_widths(left, block[block["goal"] == "interval"])
        _draw_power(right, block[block["goal"] == "difference"])
    save(figure, folder, "planning")


def _draw_widths(axes: Axes, block: pd.DataFrame) -> None:
    """The typical row's interval; dashed with other clips or sentences."""
    numbers = _axis(axes, block)
    for (covers, sentences, clips), asked in block.groupby(QUESTION[2:], sort=False):
        middle = typical(asked)
        look = _line(block, covers, sentences, clips)
        axes.plot(numbers, half_widths(middle, numbers), **look)
        axes.plot([middle["speakers"]], [middle["half_width"]], color=look["color"], marker="o", markersize=4)
    axes.axhline(block["target"].iloc[0], color="0.45", linestyle=":", linewidth=1)
    axes.set_ylim(0, min(0.5, 1.15 * float(block["half_width"].max())))
    axes.set_ylabel("half-width of the 95% CI of the UAR", fontsize=8)
    axes.legend(fontsize=7, frameon=False)


def _draw_power(axes: Axes, block: pd.DataFrame) -> None:
    """The typical pair's power for each difference, as clips and sentences are now."""
    if not len(block):
        axes.set_axis_off()
        return
    numbers = _axis(axes, block)
    styles = dict(zip(dict.fromkeys(block["target"]), ("-", "--", "-.", ":"), strict=False))
    now = block[block["clips_per_speaker"] == block["clips_per_speaker"].min()]
    now = now[now["sentences"].isin({0, _sentences_now(block)})]
    for (covers, target), asked in now.groupby(["covers", "target"], sort=False):
        found = powers(typical(asked), float(target), numbers)
        named = f"{goal_words('difference', float(target))}, new {covers}"
        axes.plot(numbers, found, color=COLOURS[str(covers)], linestyle=styles.get(target, ":"), label=named, linewidth=1.6)
    axes.set_ylim(0, 1)
    axes.set_ylabel("power (alpha .05)", fontsize=8)
    axes.legend(fontsize=7, frameon=False)


def _axis(axes: Axes, block: pd.DataFrame) -> np.ndarray:
    """Prepare an axis of speakers, from a few to several times those there are; returns their numbers."""
    from matplotlib.ticker import ScalarFormatter

    now = int(block["speakers"].iloc[0])
    wanted = block.loc[np.isfinite(block["speakers_needed"]), "speakers_needed"]
    numbers = np.unique(np.geomspace(4, min(5000, max(10 * now, 1.3 * wanted.median() if len(wanted) else 0)), 160).round())
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.axvline(now, color="0.8", linewidth=1)
    axes.set_xlabel(f"speakers (now {now})", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return numbers


def _line(block: pd.DataFrame, covers: Any, sentences: Any, clips: Any) -> dict[str, Any]:
    """How a curve is drawn and named."""
    more, other = clips > block["clips_per_speaker"].min(), sentences not in (0, _sentences_now(block))
    said = f"new {covers}" + (f", {sentences} sentences" if sentences else "") + (", twice the clips" if more else "")
    return {"color": COLOURS[str(covers)], "linestyle": "--" if more else ":" if other else "-", "label": said, "linewidth": 1.6}


def _sentences_now(block: pd.DataFrame) -> int:
    crossed = block.loc[block["covers"] == BOTH, "sentences"]
    return int(crossed.iloc[0]) if len(crossed) else 0
