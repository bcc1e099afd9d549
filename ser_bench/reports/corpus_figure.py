"""A corpus drawn: who shows which emotion how often, and how long clips last.

In:   an `Overview`.
Out:  a file: PNG, SVG or PDF; the same overview gives the same bytes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.reports.drawing import label, own_settings
from ser_bench.reports.figures import KINDS
from ser_bench.reports.figures.saving import DOTS
from ser_bench.utils.atomic import check_place, write_whole
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ser_bench.corpora.overview import Overview

MOST_NUMBERED = 40
"""Speakers up to which the number of clips stands in every field."""


def check_figure(path: Path) -> None:
    """Refuse a place that cannot be written, or a kind of file that is not drawn.

    Raises
    ------
    WrongCall
    """
    if path.suffix.lower().removeprefix(".") not in KINDS:
        raise WrongCall(f"--plot {path}: name a file that ends in {', '.join(f'.{kind}' for kind in KINDS)}")
    check_place("--plot", path)


@own_settings()
def draw_corpus(overview: Overview, path: Path) -> None:
    """Draw counts and durations side by side, and write them to a file of the kind that its name says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_speakers, n_emotions = overview.counts.shape
    figure = Figure(figsize=(4.6 + 0.55 * n_emotions, max(3.2, 1.4 + 0.2 * min(n_speakers, 60))), layout="constrained")
    FigureCanvasAgg(figure)
    counts, lasting = figure.subplots(1, 2, width_ratios=[0.6 * n_emotions + 1, 3.2])
    _draw_counts(figure, counts, overview)
    _draw_seconds(lasting, overview)
    clips = overview.corpus.clips
    figure.suptitle(label(f"{overview.corpus.name}: {number_of(len(clips), 'clip')} of {number_of(n_speakers, 'speaker')}"), fontsize=10)
    kind = path.suffix.lower().removeprefix(".")
    write_whole(path, partial(figure.savefig, format=kind, dpi=DOTS, metadata=KINDS[kind]))


def _draw_counts(figure: Figure, axes: Axes, overview: Overview) -> None:
    """A field per speaker and emotion, darker for more clips."""
    from matplotlib.ticker import MaxNLocator

    counts = overview.counts
    values = counts.to_numpy()
    image = axes.imshow(values, cmap="Blues", vmin=0, aspect="auto")
    axes.set_xticks(range(counts.shape[1]), [label(str(name)) for name in counts.columns], fontsize=8, rotation=40, ha="right")
    axes.set_xlabel("emotion", fontsize=8)
    axes.set_ylabel("speaker", fontsize=8)
    if len(counts) <= MOST_NUMBERED:
        axes.set_yticks(range(len(counts)), [label(str(name)) for name in counts.index], fontsize=7)
        for (row, column), value in np.ndenumerate(values):
            dark = value > 0.6 * values.max()
            axes.text(column, row, str(value), ha="center", va="center", fontsize=7, color="white" if dark else "0.2")
    else:
        axes.set_yticks([])
        axes.set_ylabel(number_of(len(counts), "speaker"), fontsize=8)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02, ticks=MaxNLocator(integer=True))
    bar.set_label("clips", fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _draw_seconds(axes: Axes, overview: Overview) -> None:
    """A box per emotion: the middle half of durations, the median, and all within one and a half of its length."""
    emotions = list(overview.counts.columns)
    lasting = overview.seconds.groupby(overview.corpus.clips["emotion"])
    boxes = [lasting.get_group(emotion).dropna().to_numpy() for emotion in emotions]
    axes.boxplot(boxes, orientation="horizontal", widths=0.6, flierprops={"marker": ".", "markersize": 3}, medianprops={"color": "#D55E00"})
    axes.set_yticks(range(1, len(emotions) + 1), [label(str(name)) for name in emotions], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("duration (s)", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
