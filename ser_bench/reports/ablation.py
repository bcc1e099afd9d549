"""What an ablation found, for people: tables, a forest plot, a page.

In:   the table of `ablation.ablate`.
Out:  `ablation.csv`, `ablation.md`, `ablation.html`, `figures/ablation.*`; rows for the terminal.
Rule: every row is compared with all groups together; a difference never stands without its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.analysis_folders import AblationFolder
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.leaderboard import ALPHA
from ser_bench.reports.figures import LOOKS, Drawing, Key, Look, Mark, Panel, Style, draw_intervals, write_figures
from ser_bench.reports.figures.style import GREY
from ser_bench.reports.made import digest_of
from ser_bench.reports.rendering import render, way_back
from ser_bench.utils.formatting import escaped, format_score, interval, p_value, plural, records, signed, table_lines
from ser_bench.utils.terminal import Part, TerminalTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MODES = {"all": "all groups", "alone": "only", "without": "leave-one-out", "forward": "forward selection", "sweep": "with"}
GROUPED = {
    "all": "All groups",
    "alone": "Only one group",
    "without": "Leave one group out",
    "forward": "Forward selection: one group after the other",
    "sweep": "Other settings",
}
"""What stands above the rows of a mode, on a page and a terminal."""
HEAD = ["mode", "group", "columns", "UAR", "95% CI", "ΔUAR vs. all", "p"]
LEGEND = (
    "ΔUAR vs. all: difference of the UAR to that of all groups together, with a 95% confidence interval over speakers and p of the "
    "same test (paired jackknife, Student's t, with a correction for overlapping training sets from refits without pairs of folds, or "
    "its bound where there can be none; corrected for the rows of a mode by Holm). Only: one group by itself. Leave-one-out: what only "
    "that group contributes; correlated groups compensate for each other. Forward selection: in each step every fold adds what helps its "
    "training speakers most, by inner scores; the row names the group that most folds added. With: one setting changed; no difference is"
    " given where that changes which clips are evaluated."
)

SHAPLEY, OWN = ("Shapley value", "95% CI"), "built-in importance"
LEANING = (
    "Importance of feature groups in the system with all groups. Permuted across speakers: decrease of the UAR when a group's values in "
    "every held-out clip are replaced by those of a random clip of another speaker, anywhere in the corpus. Within speakers: by those of "
    "another clip of the same speaker, which keeps the information about the speaker. Means over several permutations, independent of the "
    "folds. Shapley value: a group's share of what the UAR is above that of a system with everything shuffled across speakers, over all "
    "orders in which groups may come in. Built-in importance: shares of what splits gained (xgb), of how far they made training clips "
    "purer (rf: mean decrease in impurity) or of the size of weights (logreg). Intervals over speakers, widened by the bound of what "
    "overlapping training sets can add. An important group is not necessarily needed: see leave-one-out."
)
TOP_COLUMNS = 20
LOOK_OF_MODE = dict(zip(("alone", "without", "forward", "sweep"), LOOKS, strict=False))
GREY_DOT = Look(GREY, "o")


def publish_ablation(
    folder: AblationFolder, table: pd.DataFrame, importance: pd.DataFrame | None, about: dict[str, Any], style: str = ""
) -> None:
    """Write an ablation's folder.

    Parameters
    ----------
    folder : AblationFolder
    table : DataFrame
        As `ablate` gives it.
    importance : DataFrame, optional
        As `importances` gives it.
    about : dict
        The environment, under ``tuned`` how subsets were tuned, in words, and under ``warnings`` what was left out and else is to be known.
    style : str
        As `write_figures` takes it.
    """
    folder.write_tables(table, importance)
    shown = titled(table, about, "corpus")
    folder.write_markdown(to_markdown(shown, importance, about["tuned"], about["warnings"]))
    name = shown["corpus"].iloc[0]
    caption = f"Effect of feature groups on the UAR, with 95% confidence intervals over speakers; {name}. {about['tuned']}"
    drawing = Drawing("ablation", caption, partial(draw_ablation, table), always=True)
    write_figures(folder.path, [drawing], digest_of(table.to_csv(), caption), style)
    page = render("ablation.html.j2", name=name, about=about, ablation=view_ablation(shown, importance), back=way_back(folder.path))
    folder.write_page(page)


def view_ablation(table: pd.DataFrame, importance: pd.DataFrame | None) -> dict[str, Any]:
    """An ablation as pages show it: its `systems`, and the words around them."""
    systems = [_opened(*pair) for pair in _with_importance(table, importance)]
    return {"systems": systems, "head": HEAD, "legend": LEGEND, "leaning": LEANING, "at": _at}


def _opened(system: pd.DataFrame, leaned: pd.DataFrame) -> dict[str, Any]:
    """One system as the page shows it."""
    head, groups = importance_table(leaned)
    columns_head, columns = columns_table(leaned)
    leaning = {"importances": head, "groups": groups, "columns_head": columns_head, "columns": columns}
    reach = _reach(system)
    rows = list(ablation_rows(system))
    modes = [(title, part) for mode, title in GROUPED.items() if (part := [row for row in rows if row["mode"] == mode])]
    return {
        "title": _title(system),
        "verdict": _verdict(rows),
        "reach": reach,
        "ticks": _ticks(*reach),
        "rows": rows,
        "modes": modes,
        **leaning,
    }


def _verdict(rows: list[dict[str, Any]]) -> str:
    """What an ablation of one system comes to: all groups, the one that is missed most, the best one alone."""
    whole, *others = rows
    said = [f"All groups: UAR {whole['read'][3]} {whole['read'][4]}"]
    without = [row for row in others if row["mode"] == "without" and not np.isnan(row["diff"])]
    if without:
        missed = min(without, key=lambda row: row["diff"])
        p = f"p {'' if missed['p'] < 0.001 else '= '}{missed['read'][6]}"
        said += [f"Missed most when left out: {missed['group']}, {missed['read'][5]}, {p}"]
        shown = sum(row["p"] < ALPHA for row in without)
        said += [f"{shown or 'None'} of {len(without)} groups left out one by one {plural(shown, 'changes', 'change')} it significantly"]
    alone = [row for row in others if row["mode"] == "alone"]
    if alone:
        best = max(alone, key=lambda row: row["uar"])
        said += [f"Best group by itself: {best['group']}, {best['read'][3]} {best['read'][4]}"]
    return "".join(f"{sentence}. " for sentence in said).rstrip()


def ablation_rows(system: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of one feature set and model as they are read."""
    for row in records(system):
        whole = row["mode"] == "all"
        diff = "" if whole or np.isnan(row["diff"]) else f"{signed(row['diff'])} {interval(row['diff_low'], row['diff_high'])}"
        uar = format_score(row["uar"]), interval(row["uar_low"], row["uar_high"])
        yield {
            **row,
            "significant": bool(row["p"] < ALPHA),
            "read": [MODES[row["mode"]], row["group"], f"{row['dims']:,}", *uar, diff, p_value(row["p"])],
        }


def terminal_table(system: pd.DataFrame) -> TerminalTable:
    """One feature set and model for a terminal, a part per mode."""
    read: dict[str, list[list[str]]] = {}
    for row in ablation_rows(system):
        mode, *cells = row["read"]
        read.setdefault(row["mode"], []).append(cells if cells[0] else [mode, *cells[1:]])
    parts = [Part(rows, [""] * len(rows), "" if mode == "all" else GROUPED[mode]) for mode, rows in read.items()]
    return TerminalTable(HEAD[1:], parts, _title(system), words=("group", "95% CI", HEAD[5]), spared=("columns",))


def importance_table(leaned: pd.DataFrame) -> tuple[tuple[str, ...], list[list[str]]]:
    """What one system depends on: a head, and a row per group as it is read, the largest Shapley value first.

    The last column is there where the model has a measure of its own.
    """
    losses, own = _losses(leaned, "group"), leaned[leaned["kind"] == "model"].set_index("name")["value"]
    rows = []
    for row in records(leaned[leaned["kind"] == "shapley"]):
        lost = [tuple(of.loc[row["name"], ["value", "low", "high"]]) for of in losses.values()]
        parts = [
            text for value, low, high in [(row["value"], row["low"], row["high"]), *lost] for text in (signed(value), interval(low, high))
        ]
        rows.append([row["name"], *parts, *([format_score(own[row["name"]])] if len(own) else [])])
    return ("group", *SHAPLEY, *_lost_head(losses), *([OWN] if len(own) else [])), rows


def columns_table(leaned: pd.DataFrame) -> tuple[tuple[str, ...], list[list[str]]]:
    """The twenty columns that one system depends on most when shuffled across speakers: a head, and a row per column as it is read."""
    losses = _losses(leaned, "column")
    first: list[str] = next(iter(losses.values())).index[:TOP_COLUMNS].tolist() if losses else []
    rows = []
    for name in first:
        lost = [tuple(of.loc[name, ["value", "low", "high"]]) for of in losses.values()]
        rows.append([name, *(text for value, low, high in lost for text in (signed(value), interval(low, high)))])
    return ("column", *_lost_head(losses)), rows


def _losses(leaned: pd.DataFrame, kind: str) -> dict[str, pd.DataFrame]:
    """What is lost with each group or column shuffled, by how that was done, the headline first; the largest loss first."""
    mine = leaned[leaned["kind"] == kind]
    return {str(how): part.set_index("name") for how, part in mine.groupby("shuffled", sort=False)}


def _lost_head(losses: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    return tuple(text for how in losses for text in (f"permutation importance {how}", "95% CI"))


def to_markdown(table: pd.DataFrame, importance: pd.DataFrame | None, tuned: str, told: Sequence[str] = ()) -> str:
    """The tables as Markdown, and below them what is `told`."""
    parts = [f"{LEGEND} {escaped(tuned)}", *(["", LEANING] if importance is not None else []), ""]
    for system, leaned in _with_importance(table, importance):
        rows = [[mode, escaped(group), *numbers] for mode, group, *numbers in (row["read"] for row in ablation_rows(system))]
        parts += [f"**{escaped(_title(system))}.**", "", *table_lines(HEAD, rows), ""]
        if len(leaned):
            for head, leaning in (importance_table(leaned), columns_table(leaned)):
                parts += [*table_lines(head, [[escaped(name), *numbers] for name, *numbers in leaning]), ""] if leaning else []
    parts += [part for line in told for part in (escaped(line), "")]
    return "\n".join(parts)


def _with_importance(table: pd.DataFrame, importance: pd.DataFrame | None) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Each system's rows, and what it depends on, none where that was not measured."""
    import pandas as pd

    for system in _systems(table):
        first = system.iloc[0]
        none = pd.DataFrame(columns=["kind", "shuffled", "name", "value", "low", "high"])
        mine = none if importance is None else importance[(importance[["features", "model"]] == first[["features", "model"]]).all(axis=1)]
        yield system, mine


def _systems(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for _, system in table.groupby(["features", "model"], sort=False):
        yield system


def _title(system: pd.DataFrame) -> str:
    first = system.iloc[0]
    transductive = ", TRANSDUCTIVE: scaled by speaker" if first["track"] == "speaker" else ""
    return f"{first['corpus']}, {first['features']} with {first['model']} ({first['cv']}{transductive})"


def draw_ablation(table: pd.DataFrame, style: Style) -> Figure | None:
    """A forest plot per system: each subset's difference in UAR from all groups; None where no difference is known."""
    systems = [system[(system["mode"] != "all") & system["diff"].notna()] for system in _systems(table)]
    drawn = [system for system in systems if len(system)]
    if not drawn:
        return None
    modes = dict.fromkeys(mode for system in drawn for mode in system["mode"])
    keys = [
        *(Key(MODES[mode], LOOK_OF_MODE[mode]._replace(dash="-")) for mode in modes),
        Key("filled: p < .05 (Holm)", GREY_DOT, line=False),
        Key("hollow: p \u2265 .05", GREY_DOT, filled=False, line=False),
    ]
    return draw_intervals([_panel(system, alone=len(drawn) == 1) for system in drawn], style, keys)


def _panel(system: pd.DataFrame, *, alone: bool) -> Panel:
    """A system's part of the figure, which says what system that is where it is not the only one."""
    transductive = system["track"].iloc[0] == "speaker"
    marks = [
        Mark(f"{MODES[r['mode']]} {r['group']}", r["diff"], r["diff_low"], r["diff_high"], LOOK_OF_MODE[r["mode"]], filled=r["p"] < ALPHA)
        for r in records(system)
    ]
    heading = _title(system) if transductive or not alone else ""
    return Panel(heading, marks, {"all groups": 0.0}, "features evaluated", "ΔUAR vs. all groups (95% CI over speakers)", _reach(system))


def _reach(system: pd.DataFrame) -> tuple[float, float]:
    """From below the lowest to above the highest difference."""
    return min(-0.05, system["diff_low"].min()) - 0.02, max(0.05, system["diff_high"].max()) + 0.02


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round differences within a reach, four or so: where each lies as a share of the reach, and itself.

    >>> _ticks(-0.25, 0.15)
    [(0.125, '-.2'), (0.375, '-.1'), (0.625, '0'), (0.875, '+.1')]
    """
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / step < 6)
    digits = 2 if step < 0.1 else 1
    inside = [n * step for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
    return [(round((value - low) / (high - low), 4), signed(value, digits) if value else "0") for value in inside]


def _at(value: float, low: float, high: float) -> str:
    """Where a difference lies between two others, as CSS has it."""
    return f"{100 * (value - low) / (high - low):.2f}%"
