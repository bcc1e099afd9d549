"""All systems of a run: the leaderboard, feature sets by models, the spread over speakers, learning curves.

In:   tables of a run folder.
Out:  a figure each, a part per block of the leaderboard; None where there is nothing to draw.
Rule: rows are in the order of the leaderboard, and what is LEAKY or TRANSDUCTIVE says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.diagnostics import Diagnostics
from ser_bench.evaluation.evidence import ROW_KEY, rows_of
from ser_bench.evaluation.leaderboard import BLOCK, DRAWN, lines_of
from ser_bench.reports.figures.grids import Grid, draw_grids
from ser_bench.reports.figures.intervals import (
    NAMES,
    UAR,
    Mark,
    Panel,
    draw_intervals,
    draw_lines,
    line_keys,
    name_rows,
)
from ser_bench.reports.figures.looks import Look, looks_of_systems
from ser_bench.reports.figures.style import (
    GREY,
    TITLES,
    Key,
    Style,
    around,
    height_of,
    legend_height,
    name_down,
    new_figure,
    plain,
    tick_scores,
    wrapped,
    write_heading,
    write_legend,
)
from ser_bench.utils.formatting import format_score, records

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 8
"""Systems whose learning curves have looks of their own: the best; the others are grey."""
HOLLOW = Key("hollow: LEAKY", Look(GREY, "o"), filled=False, line=False)


def draw_leaderboard(board: pd.DataFrame, references: pd.DataFrame, style: Style) -> Figure | None:
    """Every row's UAR with its interval."""
    blocks = list(blocks_of(board))
    looks = _looks(board)
    panels = [
        Panel(heading_of(block, blocks), [_mark(row, looks) for row in records(block)], _lines(block, references), "feature set, model")
        for block in blocks
    ]
    leaky = any((block["status"] == "leaky").any() for block in blocks)
    return draw_intervals(panels, style, [HOLLOW] if leaky else []) if panels else None


def draw_heat_map(board: pd.DataFrame, style: Style) -> Figure | None:
    """The UAR of each feature set and model, each in the order of its best; None where no block has several of both."""
    blocks = [block for block in blocks_of(board) if block["features"].nunique() > 1 and block["model"].nunique() > 1]
    span = (min(block["uar"].min() for block in blocks), max(block["uar"].max() for block in blocks)) if blocks else (0.0, 1.0)
    grids = [_grid(block, heading_of(block, blocks), span) for block in blocks]
    return draw_grids(grids, style) if grids else None


def draw_speakers(board: pd.DataFrame, predictions: pd.DataFrame, references: pd.DataFrame, style: Style) -> Figure | None:
    """The UAR of each held-out speaker, a row per system, beside that of all."""
    blocks = list(blocks_of(board))
    if not blocks:
        return None
    looks, letters = _looks(board), style.letters(NAMES * style.width)
    named = [[wrapped(f"{row['features']}  {row['model']}", letters) for row in records(block)] for block in blocks]
    heights = [1.25 * sum(height_of(names)) * style.line for names in named]
    lines = [{name: value for name, value in _lines(block, references).items() if name == "chance"} for block in blocks]
    dots, all_of_them = Look(looks[next(iter(looks))].colour, "o"), Look("0.1", "|")
    keys = [
        Key("a held-out speaker", dots, line=False),
        Key("all speakers together", all_of_them, line=False),
        *line_keys(lines),
    ]
    with style.settings():
        figure = new_figure(style, sum(heights) + 5 * len(blocks) * style.line + legend_height(keys, style))
        parts = figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, block, names, against in zip(parts, blocks, named, lines, strict=True):
            plain(axes, style, grid="x")
            draw_lines(axes, against, style)
            for place, row in zip(name_rows(axes, names, style), records(block), strict=True):
                _draw_speakers(axes, place, row, predictions, looks, style)
            axes.set_xlim(-0.02, 1.02)
            axes.set_xlabel("UAR")
            tick_scores(axes.xaxis)
            name_down(axes, "feature set, model", style, NAMES * style.width)
            write_heading(axes, heading_of(block, blocks), style, 0.5 * style.width)
        write_legend(figure, keys, style)
    return figure


def draw_learning(board: pd.DataFrame, learning: pd.DataFrame, references: pd.DataFrame, style: Style) -> Figure | None:
    """UAR by the number of speakers trained on: the best systems in looks of their own, the others grey."""
    curves = {cell: points for cell, points in learning.groupby(ROW_KEY, sort=False) if len(points) > 1}
    blocks = [block for block in blocks_of(board) if any(cell in curves for cell in _cells(block))]
    if not blocks:
        return None
    shown = [[cell for cell in _cells(block) if cell in curves] for block in blocks]
    first = list(dict.fromkeys(_system(cell) for cells in shown for cell in cells[:MOST_CURVES]))
    looks = looks_of_systems(first)
    lines = [{name: value for name, value in _lines(block, references).items() if name == "chance"} for block in blocks]
    others = max(len(cells) for cells in shown) - MOST_CURVES
    keys = [
        *(Key("  ".join(system), looks[system]) for system in first),
        *([Key(f"{others} others", Look("0.75"))] if others > 0 else []),
        *line_keys(lines),
    ]
    with style.settings():
        figure = new_figure(style, len(blocks) * style.height + legend_height(keys, style))
        for axes, block, cells, against in zip(figure.subplots(len(blocks), 1, squeeze=False)[:, 0], blocks, shown, lines, strict=True):
            plain(axes, style, grid="y")
            axes.axhline(against.get("chance", np.nan), color=GREY, linestyle=":", linewidth=style.weight)
            for place, cell in reversed(list(enumerate(cells))):
                _draw_curve(axes, curves[cell], looks.get(_system(cell)) if place < MOST_CURVES else None, place, style)
            _name_speakers(axes, [curves[cell] for cell in cells], [*against.values()])
            write_heading(axes, heading_of(block, blocks), style, 0.8 * style.width)
        write_legend(figure, keys, style)
    return figure


def blocks_of(board: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The blocks of a leaderboard that have a score, without rows that have none."""
    for _, block in board.groupby(BLOCK, sort=False):
        scored = block[block["uar"].notna()]
        if len(scored):
            yield scored


def heading_of(block: pd.DataFrame, blocks: list[pd.DataFrame]) -> str:
    """What a part of a figure is of: its track where there are several parts; TRANSDUCTIVE and LEAKY always."""
    first = block.iloc[0]
    leaky = ["LEAKY"] if (block["status"] == "leaky").all() else []
    track = [TITLES[first["track"]]] if len(blocks) > 1 or first["track"] == "speaker" else []
    return ", ".join([*leaky, *track])


def _looks(board: pd.DataFrame) -> dict[tuple[str, str], Look]:
    return looks_of_systems(board[["features", "model"]].itertuples(index=False, name=None))


def _mark(row: Mapping[str, Any], looks: Mapping[tuple[str, str], Look]) -> Mark:
    """A row of the leaderboard; a LEAKY one is hollow."""
    leaky = row["status"] == "leaky"
    name = f"{'LEAKY  ' if leaky else ''}{row['features']}  {row['model']}"
    return Mark(name, row["uar"], row["uar_low"], row["uar_high"], looks[row["features"], row["model"]], filled=not leaky)


def _lines(block: pd.DataFrame, references: pd.DataFrame) -> dict[str, float]:
    """The lines that a block is read against, by their kinds."""
    return {kind: uar for kind, uar in lines_of(block, references)[["kind", "uar"]].itertuples(index=False) if kind in DRAWN}


def _grid(block: pd.DataFrame, heading: str, span: tuple[float, float]) -> Grid:
    table = block.drop_duplicates(["features", "model"]).pivot(index="features", columns="model", values="uar")
    ordered = block.sort_values("uar", ascending=False, kind="stable")
    table = table.loc[ordered["features"].unique(), ordered["model"].unique()]
    words = [[format_score(value) for value in row] for row in table.to_numpy()]
    best = table.to_numpy() == table.max(axis=None)
    return Grid(heading, list(table.index), list(table.columns), table.to_numpy(), words, "feature set", "model", span, "UAR", best)


def _draw_speakers(
    axes: Axes, place: float, row: Mapping[str, Any], predictions: pd.DataFrame, looks: Mapping[tuple[str, str], Look], style: Style
) -> None:
    mine = rows_of(row, predictions)
    uars = sorted(Diagnostics(mine).uar_by("voice").values())
    beside = [place + 0.2 * (n % 3 - 1) for n in range(len(uars))]
    look = looks[row["features"], row["model"]]
    axes.plot(uars, beside, color=look.colour, marker="o", markersize=0.6 * style.marker, linestyle="None", alpha=0.6, markeredgewidth=0)
    axes.plot([row["uar"]], [place], color="0.1", marker="|", markersize=1.8 * style.marker, markeredgewidth=1.5 * style.weight)


def _cells(block: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(block[ROW_KEY].itertuples(index=False, name=None))


def _system(cell: tuple[str, ...]) -> tuple[str, str]:
    _, features, model, _ = cell
    return features, model


def _draw_curve(axes: Axes, points: pd.DataFrame, look: Look | None, place: int, style: Style) -> None:
    """A curve with its intervals, a little beside those of the systems before it; without them where it is one of the others."""
    speakers, uars = points["speakers"].to_numpy(float), points["uar"].to_numpy(float)
    if look is None:
        axes.plot(speakers, uars, color="0.75", linewidth=0.6 * style.weight, zorder=1)
        return
    reach = np.abs(points[["uar_low", "uar_high"]].to_numpy(float).T - uars)
    axes.errorbar(
        speakers * 1.012 ** (place - MOST_CURVES / 2),
        uars,
        reach,
        color=look.colour,
        marker=look.marker,
        linestyle=look.dash,
        elinewidth=0.6 * style.weight,
    )


def _name_speakers(axes: Axes, curves: list[pd.DataFrame], lines: list[float]) -> None:
    """Name both axes, and the numbers of speakers that were trained on."""
    from matplotlib.ticker import NullFormatter, NullLocator

    numbers = sorted({int(n) for points in curves for n in points["speakers"]})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(numbers, [str(n) for n in numbers])
    axes.set_xlabel("number of training speakers (log scale)")
    axes.set_ylabel(UAR)
    tick_scores(axes.yaxis)
    axes.set_ylim(*around([*lines, *(value for points in curves for value in points[["uar_low", "uar_high"]].to_numpy(float).ravel())]))
