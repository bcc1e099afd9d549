"""Predictions as pictures: a radar chart per clip, probabilities over time, and what moved decisions.

In:   rows of clips, or of windows.
Out:  one PNG, SVG or PDF, and a line on what is not in it.
Rule: every clip has the same axes in the same order, from 0 in the middle to 1, so that clips can be compared by their shapes. Two classes
      make no area: theirs are bars on the same scale. Changes have one scale, too. The same rows give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.bundle.listing import cells, clock, shortened
from ser_bench.bundle.rows import Layout, PredictionRow
from ser_bench.errors import printable
from ser_bench.reports.drawing import own_settings
from ser_bench.reports.figures import LOOKS, save_as
from ser_bench.utils.formatting import format_score, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_CLIPS, MOST_RECORDINGS = 24, 4
ACROSS = 4
RINGS = (0.25, 0.5, 0.75, 1.0)
BLUE, ORANGE = LOOKS[0].colour, LOOKS[1].colour
GREY, PALE = "0.35", "0.85"
LONGEST_TITLE, LONGEST_NOTE = 34, 44


@own_settings()
def draw_clips(path: Path, rows: Sequence[PredictionRow], layout: Layout) -> str:
    """Draw the first clips that were predicted, a panel each, beside it what moved the decision where that is known.

    Returns
    -------
    str
        What is not drawn; empty where all are.
    """
    predicted = [row for row in rows if not row.reason]
    drawn = predicted[:MOST_CLIPS]
    across = min(max(1, ACROSS // 2 if layout.groups else ACROSS), max(len(drawn), 1))
    down = max(-(-len(drawn) // across), 1)
    one = (6.4 if layout.groups else 3.2, max(2.9, 1.4 + 0.2 * len(layout.groups)) if len(layout.classes) > 2 or layout.groups else 1.7)
    figure = _figure(one[0] * across, one[1] * down)
    panels = np.ravel(figure.subfigures(down, across, squeeze=False))
    reach = 1.35 * max([abs(change) for row in drawn for change in row.explained.values()] + [0.1])
    for panel, row in zip(panels, drawn, strict=False):
        _draw_clip(panel, row, layout, reach)
    save_as(figure, path)
    return f"{path} shows the first {len(drawn)} of {len(predicted)} clips" if len(drawn) < len(predicted) else ""


@own_settings()
def draw_windows(path: Path, rows: Sequence[PredictionRow], layout: Layout) -> str:
    """Draw the probability of each emotion over time, a column per recording; returns as `draw_clips`."""
    recordings = [list(windows) for _, windows in groupby(rows, key=lambda row: row.clip)]
    recordings = [windows for windows in recordings if any(not row.reason for row in windows)]
    drawn = recordings[:MOST_RECORDINGS]
    n = len(layout.classes)
    figure = _figure(1.2 + 6.2 * max(len(drawn), 1), 1.1 + 0.55 * n)
    axes = figure.subplots(n, max(len(drawn), 1), squeeze=False, sharex="col", sharey=True)
    for column, windows in enumerate(drawn):
        _draw_recording(list(axes[:, column]), windows, layout)
    for label, first in zip(layout.classes, axes[:, 0], strict=True):
        first.set_ylabel(wrapped(label), rotation=0, ha="right", va="center", fontsize=8)
    save_as(figure, path)
    return f"{path} shows the first {len(drawn)} of {len(recordings)} recordings" if len(drawn) < len(recordings) else ""


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_clip(panel: SubFigure, row: PredictionRow, layout: Layout, reach: float) -> None:
    axes = panel.subplots(1, 2, width_ratios=(1, 0.8)) if layout.groups else [panel.subplots()]
    (_draw_bars if len(layout.classes) == 2 else _draw_radar)(axes[0], row, layout.classes)
    if layout.groups:
        _draw_changes(axes[1], row, reach)
    decided = row.probabilities[layout.classes.index(row.emotion)]
    panel.suptitle(
        f"{shortened(printable(row.clip), LONGEST_TITLE * len(axes))}\n{printable(row.emotion)} {format_score(decided, 2)}",
        fontsize=9,
        color="0.1",
    )
    if row.warnings:
        more = f" (and {len(row.warnings) - 1} more)" if len(row.warnings) > 1 else ""
        panel.supxlabel(_cut(f"warning: {printable(row.warnings[0])}{more}", LONGEST_NOTE * len(axes)), fontsize=6.5, color=ORANGE)


def _draw_radar(axes: Axes, row: PredictionRow, classes: Sequence[str]) -> None:
    """An axis per emotion, clockwise from the top, in the order of the system; the decision's is marked."""
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(classes)) / len(classes)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for ring in RINGS:
        axes.fill(*(ring * directions).T, fill=False, edgecolor=PALE, linewidth=1.0 if ring == 1 else 0.6)
    for ring in (0.5, 1.0):
        axes.text(0.03, ring - 0.03, "1" if ring == 1 else format_score(ring, 1), fontsize=5.5, color="0.55", va="top")
    for (x, y), label in zip(directions, classes, strict=True):
        axes.plot([0, x], [0, y], color=PALE, linewidth=0.6)
        place = "center" if abs(x) < 0.2 else "left" if x > 0 else "right"
        mine = label == row.emotion
        axes.text(
            1.1 * x,
            1.1 * y + 0.09 * np.sign(round(y, 6)) * (abs(x) < 0.2),
            wrapped(label),
            ha=place,
            va="center",
            fontsize=7,
            color="0.1" if mine else GREY,
            fontweight="bold" if mine else "normal",
        )
    corners = row.probabilities[:, None] * directions
    axes.fill(*corners.T, facecolor=BLUE, alpha=0.25)
    axes.fill(*corners.T, fill=False, edgecolor=BLUE, linewidth=1.6, joinstyle="round")
    axes.plot(*corners.T, color=BLUE, marker="o", markersize=2.5, linestyle="none")
    axes.set_xlim(-1.75, 1.75)
    axes.set_ylim(-1.35, 1.35)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_bars(axes: Axes, row: PredictionRow, classes: Sequence[str]) -> None:
    """A bar per class, from 0 to 1."""
    colours = [BLUE if label == row.emotion else "0.7" for label in classes]
    axes.barh(range(len(classes)), row.probabilities, color=colours, height=0.6)
    axes.set_yticks(range(len(classes)), [wrapped(label) for label in classes], fontsize=7)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"], fontsize=7)
    axes.set_xlabel("probability", fontsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_changes(axes: Axes, row: PredictionRow, reach: float) -> None:
    """What each group of features did to the log-probability of the decision, the largest at the top."""
    changes = sorted(row.explained.items(), key=lambda item: -abs(item[1]))
    values = [change for _, change in changes]
    axes.barh(range(len(changes)), values, color=[BLUE if value > 0 else ORANGE for value in values], height=0.65)
    for place, value in enumerate(values):
        axes.text(
            value + math.copysign(0.03 * reach, value),
            place,
            signed(value, 2),
            va="center",
            ha="left" if value >= 0 else "right",
            fontsize=6,
        )
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(changes)), [printable(group) for group, _ in changes], fontsize=7)
    axes.set_ylim(len(changes) - 0.5, -0.5)
    axes.set_xlim(-reach, reach)
    axes.tick_params(axis="x", labelsize=6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"change of log p({printable(row.emotion)})\nfrom the average training clip", fontsize=6.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_recording(axes: Sequence[Axes], windows: Sequence[PredictionRow], layout: Layout) -> None:
    """A strip per emotion, dark where it is the decision; a window stands for the time around its middle."""
    edges = edges_of(windows)
    decided = np.array([row.emotion for row in windows])
    for code, (label, strip) in enumerate(zip(layout.classes, axes, strict=True)):
        heights = np.array([row.probabilities[code] for row in windows])
        strip.stairs(heights, edges, fill=True, color=BLUE, alpha=0.3, linewidth=0)
        strip.stairs(np.where(decided == label, heights, np.nan), edges, fill=True, color=BLUE, linewidth=0)
        strip.set_ylim(0, 1)
        strip.set_yticks([0, 1], ["0", "1"], fontsize=6)
        strip.axhline(0.5, color=PALE, linewidth=0.5, zorder=0)
        strip.spines[["top", "right"]].set_visible(False)
    _show_gaps(axes, windows, edges)
    last = axes[-1]
    last.set_xlim(edges[0], edges[-1])
    last.xaxis.set_major_formatter(lambda moment, _: clock(max(moment, 0)))
    last.tick_params(axis="x", labelsize=7)
    last.set_xlabel("time (min:s)", fontsize=7)
    axes[0].set_title(shortened(printable(windows[0].clip), 2 * LONGEST_TITLE), fontsize=9)


def _show_gaps(axes: Sequence[Axes], windows: Sequence[PredictionRow], edges: np.ndarray) -> None:
    """Hatch what could not be predicted."""
    for row, begin, end in zip(windows, edges, edges[1:], strict=False):
        if row.reason:
            for strip in axes:
                strip.axvspan(begin, end, facecolor="0.95", edgecolor=PALE, hatch="////", linewidth=0)


def edges_of(windows: Sequence[PredictionRow]) -> np.ndarray:
    """Where the time that each window stands for begins, and the end of the last: half-way between middles, shape (n + 1,)."""
    starts = np.array([row.start for row in windows])
    ends = np.array([row.end if math.isfinite(row.end) else row.start for row in windows])
    middles = (starts + ends) / 2
    return np.concatenate([starts[:1], (middles[1:] + middles[:-1]) / 2, [max(ends[-1], middles[-1] + 1e-3)]])


def wrapped(label: str) -> str:
    """A long name of several words over two lines."""
    head, _, rest = printable(label).partition(" ")
    return f"{head}\n{rest}" if rest and cells(label) > 9 else printable(label)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
