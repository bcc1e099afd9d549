"""Systems compared across corpora, for reading: a verdict, a page's table of systems by corpora, Markdown, terminal.

In:   a `Comparison`; for a page the leaderboard that it is of, too.
Out:  text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.comparison import SYSTEM, Comparison
from ser_bench.evaluation.leaderboard import ALPHA, lines_of, not_significantly_worse
from ser_bench.reports.board_text import others_words
from ser_bench.reports.critical_difference import view_diagram
from ser_bench.utils.formatting import escaped, format_score, interval, records, table_lines
from ser_bench.utils.terminal import Part, TerminalTable

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.merge import RankedBlock

HEADS = {
    "mean_rank": "mean rank",
    "features": "features",
    "model": "model",
    "mean_uar": "mean UAR",
    "best_better": "P first better",
    "equivalent": "P equal",
    "better": "P this better",
    "p": "p vs first",
}


def _columns(comparison: Comparison, *, corpora: bool = True) -> dict[str, str]:
    """The columns shown, in order, and what stands above them."""
    averaged = len(comparison.systems) > 1
    first = ["mean_rank", *SYSTEM, "mean_uar"] if averaged else SYSTEM
    rest = [name for name in comparison.systems.columns if name not in ("mean_rank", *SYSTEM, "mean_uar") and (corpora or name in HEADS)]
    heads = HEADS | {f"uar.{name}": title for name, title in zip(comparison.corpora, comparison.titles, strict=True)}
    return {name: heads[name] for name in [*first, *rest]}


def _cells(row: dict[str, Any], columns: dict[str, str]) -> list[str]:
    def shown(name: str) -> str:
        value = row[name]
        if name in SYSTEM:
            return str(value)
        if np.isnan(value):
            return ""
        return f"{value:.2f}" if name == "mean_rank" else format_score(value)

    return [shown(name) for name in columns]


def verdict(comparison: Comparison) -> str:
    """What a comparison comes to, in two or three sentences, first of what search: the best system, its scores, how many are as good."""
    first, n_systems, over = comparison.systems.iloc[0], len(comparison.systems), len(comparison.corpora)
    titled = zip(comparison.corpora, comparison.titles, strict=True)
    scores = ", ".join(f"{title} {format_score(first[f'uar.{name}'])}" for name, title in titled)
    system = f"{first['features']} with {first['model']}"
    if n_systems == 1:
        return f"{_capital(comparison.search)}: one system was evaluated on all {over} corpora, {system}: {scores} UAR."
    best = f"best of {n_systems} systems over {over} corpora: {system}, mean rank {first['mean_rank']:.1f} (UAR: {scores})"
    return f"{_capital(comparison.search)}; {best}. {_shown_of_others(comparison)}"


def _shown_of_others(comparison: Comparison) -> str:
    """How many systems the first is shown to be better than."""
    if "p" not in comparison.systems:
        return f"{len(comparison.corpora)} corpora are too few to show a difference between these systems."
    like = int((comparison.systems["p"].iloc[1:] >= ALPHA).sum())
    return f"{others_words(like, len(comparison.systems) - 1)}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def systems_by_corpora(comparison: Comparison, blocks: Sequence[RankedBlock], link: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """A comparison's systems, and below them those that lack a corpus, by its corpora: `rows` of cells, and `lines` to read them against.

    `blocks` are all of the leaderboard; `link` tells where a row of it stands opened. A cell's `shade` is 0 for the lowest UAR of its
    corpus, and 1 for the highest.
    """
    columns = [_column(blocks[number - 1].board, link) for number in comparison.blocks]
    ranked = {(row["features"], row["model"]): row for row in records(comparison.systems)}
    others = sorted({system for column in columns for system in column} - set(ranked))
    tested = [name for name in ("best_better", "equivalent", "better", "p") if name in comparison.systems]
    rows = [
        {
            "place": f"{ranked[system]['mean_rank']:.2f}" if system in ranked and len(ranked) > 1 else "",
            "features": system[0],
            "model": system[1],
            "mean_uar": format_score(ranked[system]["mean_uar"]) if system in ranked else "",
            "cells": [column.get(system) for column in columns],
            "tests": [format_score(ranked[system][name]) if system in ranked else "" for name in tested],
        }
        for system in [*ranked, *others]
    ]
    parts = [blocks[number - 1] for number in comparison.blocks]
    found = [{row["kind"]: format_score(row["uar"]) for row in records(lines_of(part.board, part.references))} for part in parts]
    lines = [(name, [column.get(name, "") for column in found]) for name in ("chance", "human") if any(name in column for column in found)]
    return {
        "title": comparison.title,
        "track": comparison.track,
        "corpora": list(zip(comparison.titles, comparison.blocks, strict=True)),
        "tests": [HEADS[name] for name in tested],
        "rows": rows,
        "lines": lines,
        "ranked": len(ranked) > 1,
        "said": comparison.said,
        "diagram": view_diagram(comparison) if comparison.drawable else None,
    }


def _column(board: pd.DataFrame, link: Callable[[dict[str, Any]], str]) -> dict[tuple[str, str], dict[str, Any]]:
    """The ranked rows of one corpus as cells, by system."""
    ranked = board[board["status"] == "ok"]
    low, reach = ranked["uar"].min(), ranked["uar"].max() - ranked["uar"].min()
    return {
        (row["features"], row["model"]): {
            "uar": format_score(row["uar"]),
            "within": interval(row["uar_low"], row["uar_high"]),
            "shade": round((row["uar"] - low) / reach, 2) if reach else 1.0,
            "best": row["rank"] == 1,
            "like_best": len(ranked) > 1 and not_significantly_worse(row),
            "href": link(row),
        }
        for row in records(ranked)
    }


def columns_and_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """A comparison's table as it is read: what stands above the columns, and the rows."""
    columns = _columns(comparison)
    return list(columns.values()), [_cells(row, columns) for row in records(comparison.systems)]


def to_markdown(comparison: Comparison) -> str:
    """A comparison as Markdown: its table, and what it means."""
    head, rows = columns_and_rows(comparison)
    table = table_lines([escaped(name) for name in head], [[escaped(cell) for cell in row] for row in rows], words=SYSTEM)
    said = [part for sentence in comparison.said for part in (escaped(sentence), "")]
    return "\n".join([f"**{escaped(comparison.title)}.**", "", *table, "", *said])


def terminal_table(comparison: Comparison) -> TerminalTable:
    """A comparison for a terminal; of several systems without the UARs of each corpus: those stand in the tables above it."""
    columns = _columns(comparison, corpora=len(comparison.systems) == 1)
    rows = [_cells(row, columns) for row in records(comparison.systems)]
    words = [columns[name] for name in SYSTEM if name in columns]
    part = Part(rows, [""] * len(rows))
    return TerminalTable(
        [*columns.values()], [part], comparison.title, comparison.said, words, names=3 if len(rows) > 1 else 2, folded=columns["features"]
    )
