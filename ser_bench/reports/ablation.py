"""What an ablation found, for people: tables, a forest plot, a page.

In:   the table of `ablation.ablate`.
Out:  `ablation.csv`, `ablation.md`, `ablation.html`, `figures/ablation.*`; rows for the terminal.
Rule: every row is read against all groups together; a difference never stands without its interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.reports.figures import LOOKS, Mark, Panel, draw
from ser_bench.reports.page import render
from ser_bench.reports.tables import records, short, signed

if TYPE_CHECKING:
    import pandas as pd

MODES = {"all": "all groups", "alone": "one alone", "without": "without", "forward": "forward"}
HEAD = ["mode", "group", "columns", "UAR", "95 %", "above all groups", "p"]
LEGEND = (
    "Above all groups: difference of the UAR to that of all groups together, with a 95 % interval over speakers (paired jackknife, "
    "Student's t, widened for cross-validation); p by signs over speakers, corrected for the rows of a mode (Holm). One alone: what a "
    "group can do. Without: what only that group brings; correlated groups hide each other there. Forward: at each step every fold takes "
    "the group that helps its training speakers most, by inner scores; the row tells the group that most folds took."
)


def publish_ablation(folder: Path, table: pd.DataFrame, about: dict[str, Any]) -> None:
    """Write an ablation's folder.

    Parameters
    ----------
    folder : Path
    table : DataFrame
        As `ablate` gives it.
    about : dict
        The environment, and under ``tuned`` how subsets were tuned, in words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "ablation.csv", index=False, float_format="%.4f", lineterminator="\n")
    (folder / "ablation.md").write_text(to_markdown(table, about["tuned"]), encoding="utf-8")
    name = table["corpus"].iloc[0]
    draw([_panel(system) for system in _systems(table)], folder / "figures", "ablation", f"{name}: what groups of columns bring")
    systems = [{"title": _title(system), "rows": list(ablation_rows(system))} for system in _systems(table)]
    page = render("ablation.html.j2", name=name, systems=systems, head=HEAD, legend=LEGEND, about=about, at=_at)
    (folder / "ablation.html").write_text(page, encoding="utf-8")


def ablation_rows(system: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of one feature set and model as they are read."""
    for row in records(system):
        whole = row["mode"] == "all"
        p = "" if np.isnan(row["p"]) else "<.001" if row["p"] < 0.001 else short(row["p"])
        diff = "" if whole else f"{signed(row['diff'])} [{short(row['diff_low'])}, {short(row['diff_high'])}]"
        interval = f"[{short(row['uar_low'])}, {short(row['uar_high'])}]"
        yield {**row, "read": [MODES[row["mode"]], row["group"], f"{row['dims']:,}", short(row["uar"]), interval, diff, p]}


def to_markdown(table: pd.DataFrame, tuned: str) -> str:
    """The tables as Markdown."""
    parts = [f"{LEGEND} {tuned}", ""]
    for system in _systems(table):
        lines = [HEAD, ["---", "---", "---:", "---:", "---", "---", "---:"], *(row["read"] for row in ablation_rows(system))]
        parts += [f"**{_title(system)}.**", "", *("| " + " | ".join(line) + " |" for line in lines), ""]
    return "\n".join(parts)


def _systems(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for _, system in table.groupby(["features", "model"], sort=False):
        yield system


def _title(system: pd.DataFrame) -> str:
    first = system.iloc[0]
    return f"{first['corpus']}, {first['features']} with {first['model']}"


def _panel(system: pd.DataFrame) -> Panel:
    looks = dict(zip(("alone", "without", "forward"), LOOKS, strict=False))
    rows = [row for row in records(system) if row["mode"] != "all"]
    marks = [Mark(f"{MODES[r['mode']]} {r['group']}", r["diff"], r["diff_low"], r["diff_high"], looks[r["mode"]]) for r in rows]
    reach = min(-0.05, *(mark.low for mark in marks)) - 0.02, max(0.05, *(mark.high for mark in marks)) + 0.02
    return Panel(_title(system), marks, {"all groups": 0.0}, "difference in UAR, 95 % interval over speakers", reach)


def _at(value: float, low: float, high: float) -> str:
    """Where a difference lies between two others, as CSS has it."""
    return f"{100 * (value - low) / (high - low):.2f}%"
