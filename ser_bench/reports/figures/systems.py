"""One system of a run: what it confuses, its ROC curves, whether its probabilities mean what they say.

In:   what its predictions show (`evaluation.diagnostics`), with the probabilities of classes where these are known.
Out:  a figure each; None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.evaluation.diagnostics import BINS, Diagnostics
from ser_bench.reports.figures.grids import Grid, draw_grids
from ser_bench.reports.figures.looks import EMOTIONS, LOOKS, Look, looks_of
from ser_bench.reports.figures.style import GREY, Key, Style, square, write_heading
from ser_bench.utils.formatting import format_score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIAGONAL = Look(GREY, "", ":")
DOTS = LOOKS[0]._replace(dash="-")
POINTS = 201
"""Of a ROC curve."""
LARGEST = 3.0
"""The size of the largest dot of a reliability diagram, in those of other markers."""


def draw_confusion(found: Diagnostics, style: Style, heading: str = "") -> Figure:
    """Which share of each class is predicted as which, in per cent; of several seeds the mean."""
    emotions, shares = found.confusions.classes, found.confusions.shares
    clips = found.confusions.clips / found.n_seeds
    words = [[f"{100 * share:.0f}" for share in row] for row in shares]
    named = [f"{emotion} ({n:,.0f})" for emotion, n in zip(emotions, clips, strict=True)]
    across = "predicted (% of the true class)"
    return draw_grids([Grid(heading, named, emotions, shares, words, "true (clips)", across, (0, 1), "share of the true class")], style)


def draw_roc(found: Diagnostics, style: Style, heading: str = "") -> Figure | None:
    """The ROC curve of each class against the others, the mean over folds, with its AUC; None without probabilities."""
    if not found.of_probabilities:
        return None
    curves = found.roc_curves(POINTS)
    looks = looks_of(curves, EMOTIONS)
    keys = [Key(f"{name}, AUC {format_score(found.aucs[name])}", looks[name]._replace(marker="")) for name in curves]
    with style.settings():
        figure, axes = square(style, [*keys, Key("chance", DIAGONAL)])
        axes.plot([0, 1], [0, 1], color=DIAGONAL.colour, linestyle=DIAGONAL.dash)
        for name, curve in curves.items():
            rates = np.linspace(0, 1, len(curve))
            axes.plot([0, *rates], [0, *curve], color=looks[name].colour, linestyle=looks[name].dash, clip_on=False)
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        write_heading(axes, heading, style, 0.5 * style.width)
    return figure


def draw_reliability(found: Diagnostics, style: Style, heading: str = "") -> Figure | None:
    """How often decisions were right, by how probable they were said to be; None without probabilities."""
    calibration, error = found.calibration, found.calibration_error
    if calibration is None or error is None:
        return None
    keys = [
        Key(f"decisions in {BINS} bins, area: number of clips", DOTS, line=False),
        Key(f"perfect calibration; expected calibration error {format_score(error)}", DIAGONAL),
    ]
    with style.settings():
        figure, axes = square(style, keys)
        axes.plot([0, 1], [0, 1], color=DIAGONAL.colour, linestyle=DIAGONAL.dash)
        said, right, clips = calibration
        areas = (style.marker * LARGEST) ** 2 * clips / clips.max()
        axes.scatter(said, right, areas, color=DOTS.colour, edgecolor="white", linewidth=0.3 * style.weight, clip_on=False, zorder=3)
        axes.set_xlabel("predicted probability (confidence)")
        axes.set_ylabel("share correct (accuracy)")
        write_heading(axes, heading, style, 0.5 * style.width)
    return figure


def heading_of_system(row: Mapping[str, str]) -> str:
    """What has to stand above a figure of a system: that it is LEAKY or TRANSDUCTIVE."""
    leaky = ["LEAKY: speakers of the test clips are trained on"] if row["status"] == "leaky" else []
    return ", ".join([*leaky, *(["TRANSDUCTIVE: standardised per speaker"] if row["track"] == "speaker" else [])])
