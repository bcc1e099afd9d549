"""Pictures for papers, as PNG and SVG: a run's leaderboard, an audit's leak gap.

In:   rows with their intervals, and what they are to be read against.
Out:  files; the same leaderboard gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.reports.leaderboard import BLOCK, protocol_words, records

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by every kind of colour vision; shapes tell them apart in grey.
LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"), ("#56B4E9", "P"))
LINES = {"chance": ":", "human": "--"}
TITLES = {"train": "scaled by training clips", "speaker": "TRANSDUCTIVE: scaled by speaker"}


def write_figures(folder: Path, board: pd.DataFrame, references: pd.DataFrame) -> None:
    """Draw every row's UAR with its interval on one axis, a panel a track, and write it as PNG and SVG below `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    blocks = [block[block["uar"].notna()] for _, block in board.groupby(BLOCK, sort=False)]
    blocks = [block for block in blocks if len(block)]
    if not blocks:
        return
    rows = max(len(block) for block in blocks)
    figure = Figure(figsize=(1.6 + 4.2 * len(blocks), 1.7 + 0.27 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    looks = dict(zip(dict.fromkeys(board["model"]), LOOKS * len(board), strict=False))
    for place, block in enumerate(blocks, 1):
        _panel(figure.add_subplot(1, len(blocks), place), block, references, looks)
    first = board.iloc[0]
    protocols = {protocol_words(block["cv"].iloc[0]) for block in blocks}
    how = f", {protocols.pop()}" if len(protocols) == 1 else ""
    figure.suptitle(f"{first['corpus']}: {first['clips']:,} clips, {first['speakers']} speakers{how}", fontsize=10)
    _save(figure, folder, "leaderboard")


def _save(figure: Figure, folder: Path, name: str) -> None:
    """Write a picture as PNG and SVG, the same bytes for the same picture."""
    import matplotlib

    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "ser-bench", "svg.fonttype": "none"}):
        figure.savefig(folder / f"{name}.png", dpi=160, metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def draw_gap(folder: Path, rows: list[dict[str, Any]], chance: float, title: str) -> None:
    """Draw what each shortcut adds, as `gap_rows` gives it, and write it as `gap.png` and `gap.svg` below `folder`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 1.3 + 0.27 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axvline(rows[0]["uar"], color="0.45", linestyle="-", linewidth=1)
    axes.axvline(chance, color="0.45", linestyle=LINES["chance"], linewidth=1)
    for place, (name, where) in enumerate((("honest", rows[0]["uar"]), ("chance", chance))):
        axes.text(where, 1.005, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=7, color=f"0.3{place}")
    for place, row in enumerate(rows):
        colour = LOOKS[1][0] if row["status"] == "leaky" else LOOKS[0][0]
        axes.plot([row["uar_low"], row["uar_high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot([row["uar"]], [place], color=colour, marker="o", markersize=5.5, markerfacecolor="white" if row["gap"] else colour)
    axes.set_yticks(range(len(rows)), [", ".join(row["words"]) for row in rows], fontsize=8)
    _dress(axes, len(rows))
    figure.suptitle(title, fontsize=9)
    _save(figure, folder, "gap")


def _panel(axes: Axes, block: pd.DataFrame, references: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    for name, uar in references[["name", "uar"]].itertuples(index=False):
        if name in LINES:
            axes.axvline(uar, color="0.45", linestyle=LINES[name], linewidth=1)
            axes.text(uar, 1.005, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=7, color="0.35")
    rows = records(block)
    for place, row in enumerate(rows):
        colour, marker = looks[row["model"]]
        inside = "white" if row["status"] == "leaky" else colour
        axes.plot([row["uar_low"], row["uar_high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot([row["uar"]], [place], color=colour, marker=marker, markersize=5.5, markerfacecolor=inside)
    axes.set_yticks(range(len(block)), [_label(row) for row in rows], fontsize=8)
    _dress(axes, len(block))
    axes.set_title(TITLES[block["track"].iloc[0]], fontsize=9, pad=14)


def _dress(axes: Axes, rows: int) -> None:
    """UAR from 0 to 1 across, rows from above."""
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("UAR, 95 % interval over speakers", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _label(row: dict[str, Any]) -> str:
    return f"{'LEAKY  ' if row['status'] == 'leaky' else ''}{row['features']}  {row['model']}"
