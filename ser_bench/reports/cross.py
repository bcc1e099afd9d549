"""Cross-corpus evaluation, for people: a matrix per track, a page, a figure.

In:   the table of `cross_corpus.evaluate_across`.
Out:  `cross.csv`, `cross.md`, `cross.html`, `figures/cross.*`; tables for the terminal.
Rule: evaluation within a corpus stands beside that across corpora, and transductive tracks are shown separately. A loss is how far a UAR
      is below that of training within, here as in `cross.csv`: above zero where something is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.evaluation.analysis_folders import CrossFolder
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.reports.figures import Drawing, Key, Look, Mark, Panel, Style, draw_intervals, looks_of_systems, write_figures
from ser_bench.reports.figures.grids import Grid, draw_grids
from ser_bench.reports.figures.style import GREY
from ser_bench.reports.made import digest_of
from ser_bench.reports.rendering import render, way_back
from ser_bench.utils.formatting import escaped, format_score, interval, records, table_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TRACKS = {
    "train": "standardised with training-set statistics",
    "corpus": "TRANSDUCTIVE: each corpus standardised with its own statistics, including the test corpus's unlabelled clips",
    "speaker": "TRANSDUCTIVE: each speaker standardised with their own statistics, including the test speakers' unlabelled clips",
}
LEGEND = (
    "UAR with its 95% confidence interval over the speakers evaluated (jackknife, Student's t). Within a corpus: cross-validated by "
    "speaker; the interval is widened by the bound of what overlapping training sets can add. Across: trained on all of the other "
    "corpus; no speaker evaluated was trained on, and the interval is for this training corpus. Below it, the loss: how far the UAR is "
    "below that of training within, paired by speaker, with the bound."
)

GREY_DOT = Look(GREY, "o")
SIDES = ("train", "test")
"""Columns of the table that hold corpora."""
NAMED = 3
"""Columns of a matrix that hold names: feature set, model, corpus trained on."""


class Matrix(NamedTuple):
    """A track's cells: a row per system and corpus trained on, a column per corpus evaluated."""

    title: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str]


def publish_cross(
    folder: CrossFolder,
    table: pd.DataFrame,
    predictions: pd.DataFrame,
    emotions: Sequence[str],
    told: Sequence[str] = (),
    style: str = "",
) -> None:
    """Write what came of it into its folder.

    `emotions` are those evaluated, `told` what was left out and else is to be known, `style` is as `write_figures` takes it.
    """
    folder.write_tables(table, predictions)
    about = folder.read_about()
    table = titled(table, about, *SIDES)
    folder.write_markdown(to_markdown(table, emotions, told))
    folder.write_page(make_cross_page(table, emotions, told, about, way_back(folder.path)))
    data = f"{', '.join(_corpora(table))}; classes: {', '.join(emotions)}"
    drawings = [
        Drawing(
            "cross",
            f"UAR across corpora with 95% confidence intervals over speakers; {data}.",
            partial(draw_cross, table, len(emotions)),
            always=True,
        ),
        Drawing("cross-matrix", f"UAR across corpora, within a corpus framed; {data}.", partial(draw_cross_matrix, table)),
    ]
    write_figures(folder.path, drawings, digest_of(table.to_csv(), data), style)


def draw_cross(table: pd.DataFrame, n_emotions: int, style: Style) -> Figure | None:
    """A part per corpus evaluated: each system, trained on each corpus; None without a score."""
    drawn = table[table["uar"].notna()]
    looks = looks_of_systems(drawn[["features", "model"]].itertuples(index=False, name=None))
    panels = [_panel(str(test), rows, looks, n_emotions) for test, rows in drawn.groupby("test", sort=False)]
    keys = [
        Key("within corpus", GREY_DOT, line=False),
        Key("trained on another corpus", GREY_DOT, filled=False, line=False),
    ]
    return draw_intervals(panels, style, keys) if panels else None


def draw_cross_matrix(table: pd.DataFrame, style: Style) -> Figure | None:
    """A grid per system and track: corpora trained on by corpora evaluated, those within a corpus framed; None without a score."""
    drawn = table[table["uar"].notna()]
    systems = list(drawn.groupby(["features", "model", "track"], sort=False))
    span = (drawn["uar"].min(), drawn["uar"].max())
    grids = [_grid(f"{features}  {model}{_transductive(str(track))}", cells, span) for (features, model, track), cells in systems]
    return draw_grids(grids, style) if grids else None


def _grid(heading: str, cells: pd.DataFrame, span: tuple[float, float]) -> Grid:
    trained, tested = (list(dict.fromkeys(cells[side])) for side in ("train", "test"))
    values = cells.pivot(index="train", columns="test", values="uar").reindex(index=trained, columns=tested).to_numpy(float)
    words = [[format_score(value) for value in row] for row in values]
    within = np.array([[train == test for test in tested] for train in trained]) & ~np.isnan(values)
    return Grid(heading, trained, tested, values, words, "trained on", "evaluated on", span, "UAR", within)


def _transductive(track: str) -> str:
    return "" if track == "train" else f", {track} (TRANSDUCTIVE)"


def make_cross_page(table: pd.DataFrame, emotions: Sequence[str], told: Sequence[str], about: Mapping[str, Any], back: str = "") -> str:
    """The page of corpora evaluated by each other; `about` is what its folder says of itself, `back` the way to the index beside it."""
    chance = chance_level(len(emotions))
    return render(
        "cross.html.j2",
        corpora=_corpora(table),
        emotions=emotions,
        chance=chance,
        verdicts=list(_verdicts(table, chance)),
        tracks=[_shown(str(track), cells, chance) for track, cells in table.groupby("track", sort=False)],
        legend=LEGEND,
        told=told,
        about=about,
        back=back,
    )


def _corpora(table: pd.DataFrame) -> list[str]:
    """The corpora of a table, each once."""
    return list(dict.fromkeys([*table["train"], *table["test"]]))


def _verdicts(table: pd.DataFrame, chance: float) -> Iterator[str]:
    """For each corpus evaluated, in a sentence: what is trained best on another one, and how far that is below training within."""
    across = table[(table["train"] != table["test"]) & (table["status"] != "failed") & (table["track"] == table["track"].iloc[0])]
    for test, rows in across.groupby("test", sort=False):
        best = records(rows.sort_values("uar", ascending=False, kind="stable"))[0]
        system = f"{best['features']} with {best['model']} from {best['train']}"
        uar = f"UAR {format_score(best['uar'])} {interval(best['uar_low'], best['uar_high'])}"
        below = "" if np.isnan(best["loss"]) else f"; loss against training within {test}: {_loss(best)}"
        yield f"On {test}, the best of those trained on another corpus: {system}, {uar}{below}; chance {format_score(chance)}."


def _loss(row: dict[str, Any]) -> str:
    return f"{format_score(row['loss'])} {interval(row['loss_low'], row['loss_high'])}"


def _shown(track: str, cells: pd.DataFrame, chance: float) -> dict[str, Any]:
    """A track's matrix as the page shows it: a row per system and corpus trained on, two cells per corpus evaluated."""
    tests = list(dict.fromkeys(cells["test"]))
    found = {(row["features"], row["model"], row["train"], row["test"]): row for row in records(cells)}
    rows = [
        {
            "features": features,
            "model": model,
            "train": train,
            "cells": [_cell(found.get((features, model, train, test)), chance) for test in tests],
        }
        for features, model, train in dict.fromkeys(key[:3] for key in found)
    ]
    return {"track": track, "title": TRACKS[track], "tests": tests, "rows": rows, "notes": _notes(cells)}


def _cell(row: dict[str, Any] | None, chance: float) -> dict[str, Any] | None:
    """A UAR and what is lost, as they are read; `shade` is 0 at chance, and 1 where all is recognised."""
    if row is None:
        return None
    failed, within = row["status"] == "failed", row["train"] == row["test"]
    lost = failed or within or np.isnan(row["loss"])
    return {
        "uar": "FAILED" if failed else format_score(row["uar"]),
        "reach": "" if failed else interval(row["uar_low"], row["uar_high"]),
        "loss": "" if lost else _loss(row),
        "within": within,
        "shade": 0.0 if failed else round(max(row["uar"] - chance, 0.0) / (1 - chance), 2),
    }


def matrices(table: pd.DataFrame) -> Iterator[Matrix]:
    """A matrix for each track."""
    tests = list(dict.fromkeys(table["test"]))
    for track, cells in table.groupby("track", sort=False):
        rows = []
        for (features, model), system in cells.groupby(["features", "model"], sort=False):
            for train, trained in system.groupby("train", sort=False):
                found = {row["test"]: row for row in records(trained)}
                rows.append([str(features), str(model), str(train), *(_read(found.get(test)) for test in tests)])
        yield Matrix(TRACKS[str(track)], ["features", "model", "trained on", *(f"on {test}" for test in tests)], rows, _notes(cells))


def _notes(cells: pd.DataFrame) -> list[str]:
    """What a reader of a matrix must know, each note with the rows that it is about; of a row that failed its reason."""
    about: dict[str, dict[str, list[str]]] = {}
    for row in records(cells):
        for note in filter(None, [row["reason"], *row["notes"]]):
            named = f"{row['train']} -> {row['test']}, {row['features']} {row['model']}"
            about.setdefault(note, {}).setdefault(row["test"], []).append(named)
    return [f"{note} ({_whose(rows, dict(cells['test'].value_counts()))})." for note, rows in about.items()]


def _whose(rows: Mapping[str, Sequence[str]], evaluated: Mapping[str, int]) -> str:
    """The rows that a note is about, by corpus evaluated, where it is not about all there are."""
    if {test: len(named) for test, named in rows.items()} == evaluated:
        return "all rows"
    return "; ".join(f"on {test}" if len(named) == evaluated[test] else "; ".join(named) for test, named in rows.items())


def to_markdown(table: pd.DataFrame, emotions: Sequence[str], told: Sequence[str] = ()) -> str:
    """The matrices as Markdown."""
    parts = [f"Classes: {escaped(', '.join(emotions))}; chance {format_score(chance_level(len(emotions)))}. {LEGEND}", ""]
    for matrix in matrices(table):
        rows = [[*map(escaped, row[:NAMED]), *row[NAMED:]] for row in matrix.rows]
        parts += [f"**{matrix.title}.**", "", *table_lines([escaped(name) for name in matrix.head], rows), ""]
        parts += [part for note in matrix.notes for part in (escaped(note), "")]
    parts += [part for line in told for part in (escaped(line), "")]
    return "\n".join(parts)


def _read(row: dict[str, Any] | None) -> str:
    """A cell as it is read: its UAR and, across corpora, the loss below."""
    if row is None:
        return ""
    if row["status"] == "failed":
        return "FAILED"
    uar = f"{format_score(row['uar'])} {interval(row['uar_low'], row['uar_high'])}"
    if row["train"] == row["test"]:
        return f"{uar} within"
    if np.isnan(row["loss"]):
        return uar
    return f"{uar}\nloss {_loss(row)}"


def _panel(test: str, rows: pd.DataFrame, looks: dict[tuple[str, str], Look], n_emotions: int) -> Panel:
    first = rows.iloc[0]
    title = f"evaluated on {test} ({first['speakers']} speakers)"
    lines = {"chance": chance_level(n_emotions)}
    return Panel(title, [_mark(row, looks) for row in records(rows)], lines, "feature set, model, training corpus")


def _mark(row: dict[str, Any], looks: dict[tuple[str, str], Look]) -> Mark:
    """A pair and system; one within a corpus is filled."""
    label = f"{row['features']}  {row['model']}{_transductive(row['track'])}, {row['train']}"
    return Mark(
        label, row["uar"], row["uar_low"], row["uar_high"], looks[row["features"], row["model"]], filled=row["train"] == row["test"]
    )
