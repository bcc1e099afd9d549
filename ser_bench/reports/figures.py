"""Figures for papers, as PNG, SVG and PDF: a run's leaderboard, an audit's evaluation leaks, cross-corpus results.

In:   rows with their intervals, and what they are to be read against.
Out:  files; the same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.evaluation.leaderboard import BLOCK, lines_of
from ser_bench.evaluation.splits import protocol_words
from ser_bench.reports.drawing import label, own_settings
from ser_bench.reports.made import digest_of, make_if_changed
from ser_bench.utils.atomic import write_whole
from ser_bench.utils.formatting import records

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, which every kind of colour vision distinguishes; in grey, shapes do.
LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"), ("#56B4E9", "P"))
LINES = {"chance": ":", "human": "--", "published": "-.", "reference": "-", "all groups": "-"}
KINDS: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Kinds of files, with what must not be written into them, as it differs from time to time."""
DPI = 160
TITLES = {
    "train": "standardised with training-set statistics",
    "speaker": "TRANSDUCTIVE: standardised per speaker",
    "none": "not standardised",
}


class Mark(NamedTuple):
    """A score between its bounds, under a label; `filled` or hollow."""

    label: str
    uar: float
    low: float
    high: float
    look: tuple[str, str]
    filled: bool = True


class Panel(NamedTuple):
    """Marks on one axis, with lines to read them against; `names` says what their labels hold."""

    title: str
    marks: Sequence[Mark]
    lines: Mapping[str, float]
    names: str
    axis: str = "UAR, 95% confidence interval over speakers"
    reach: tuple[float, float] = (0.0, 1.0)


def write_figures(folder: Path, board: pd.DataFrame, references: pd.DataFrame) -> None:
    """Draw every row's UAR with its interval on one axis, a panel per track, as `leaderboard` below `folder`.

    Figures that were drawn from the same tables are left as they are.
    """
    make_if_changed(
        folder.parent,
        board_pictures(folder),
        digest_of(board.to_csv(), references.to_csv()),
        lambda: _draw_board(folder, board, references),
    )


def board_pictures(folder: Path) -> list[str]:
    """The names that `write_figures` gives to files of `folder`, seen from the run's."""
    return [f"{folder.name}/leaderboard.{kind}" for kind in KINDS]


def _draw_board(folder: Path, board: pd.DataFrame, references: pd.DataFrame) -> None:
    looks = looks_of(board["model"])
    blocks = [block[block["uar"].notna()] for _, block in board.groupby(BLOCK, sort=False)]
    panels = [
        Panel(
            TITLES[block["track"].iloc[0]], [_mark(row, looks) for row in records(block)], _lines(block, references), "feature set, model"
        )
        for block in blocks
        if len(block)
    ]
    if not panels:
        return
    first = board.iloc[0]
    protocols = {protocol_words(cv) for cv in board["cv"]}
    how = f", {protocols.pop()}" if len(protocols) == 1 else ""
    draw(panels, folder, "leaderboard", f"{first['corpus']}: {first['clips']:,} clips, {first['speakers']} speakers{how}")


def _lines(block: pd.DataFrame, references: pd.DataFrame) -> dict[str, float]:
    """The lines of a block's panel, by the first word of their names."""
    named = [(name.partition(": ")[0], uar) for name, uar in lines_of(block, references)[["name", "uar"]].itertuples(index=False)]
    return {name: uar for name, uar in named if name in LINES}


def looks_of(names: pd.Series) -> dict[str, tuple[str, str]]:
    """A look for each name, in the order in which they come."""
    return dict(zip(dict.fromkeys(names), LOOKS * len(names), strict=False))


@own_settings()
def draw(panels: Sequence[Panel], folder: Path, name: str, title: str) -> None:
    """Draw panels side by side and write them below `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(len(panel.marks) for panel in panels)
    widest = max(len(label(mark.label)) for panel in panels for mark in panel.marks)
    figure = Figure(figsize=(1.6 + (2.9 + 0.055 * widest) * len(panels), 1.7 + 0.27 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, 1):
        _draw_panel(figure.add_subplot(1, len(panels), place), panel)
    figure.suptitle(label(title), fontsize=10)
    save(figure, folder, name)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a picture in each of `KINDS`; inside `own_settings`, the same bytes for the same picture.

    `Figure.savefig` would draw it twice for each kind, the first time for its layout; here the layout of the PNG serves all.
    """
    figure.dpi = DPI
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for kind, metadata in KINDS.items():
        write_whole(folder / f"{name}.{kind}", partial(_write, figure, kind, metadata))


def save_as(figure: Figure, path: Path) -> None:
    """Write a picture as the kind that the file's name ends in; inside `own_settings`, the same bytes for the same picture."""
    kind = path.suffix.lower().removeprefix(".")
    write_whole(path, partial(_write, figure, kind, KINDS[kind]))


def _write(figure: Figure, kind: str, metadata: Mapping[str, Any], file: Any) -> None:
    """Write a picture that is laid out."""
    from matplotlib.backends import backend_agg, backend_pdf, backend_svg

    figure.dpi = DPI  # which vector graphics leave as their own
    match kind:
        case "png":
            backend_agg.FigureCanvasAgg(figure).print_png(file, metadata=metadata)
        case "svg":
            backend_svg.FigureCanvasSVG(figure).print_svg(file, metadata=metadata)
        case "pdf":
            backend_pdf.FigureCanvasPdf(figure).print_pdf(file, metadata=metadata)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    for name, uar in panel.lines.items():
        axes.axvline(uar, color="0.45", linestyle=LINES[name], linewidth=1)
        axes.text(uar, 1.005, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=7, color="0.35")
    for place, mark in enumerate(panel.marks):
        colour, marker = mark.look
        axes.plot([mark.low, mark.high], [place, place], color=colour, linewidth=1.6)
        axes.plot([mark.uar], [place], color=colour, marker=marker, markersize=5.5, markerfacecolor=colour if mark.filled else "white")
    axes.set_yticks(range(len(panel.marks)), [label(mark.label) for mark in panel.marks], fontsize=8)
    axes.set_ylim(len(panel.marks) - 0.5, -0.5)
    axes.set_xlim(*panel.reach)
    axes.set_xlabel(panel.axis, fontsize=8)
    axes.set_ylabel(panel.names, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(label(panel.title), fontsize=9, pad=14)


def _mark(row: dict[str, Any], looks: Mapping[str, tuple[str, str]]) -> Mark:
    """A row of the leaderboard; a LEAKY one is hollow."""
    leaky = row["status"] == "leaky"
    name = f"{'LEAKY  ' if leaky else ''}{row['features']}  {row['model']}"
    return Mark(name, row["uar"], row["uar_low"], row["uar_high"], looks[row["model"]], filled=not leaky)
