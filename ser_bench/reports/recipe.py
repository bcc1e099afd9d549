"""What a recipe claimed and came to, for people: claimed, reproduced and honest side by side; a picture, a page, rows for the terminal.

In:   the scores of `reproduction.score_table`, and what the folder says of each experiment.
Out:  `recipe.csv`, `recipe.md`, `recipe.html`, `figures/recipe.*`; the section of a run's page.
Rule: a reproduced score never stands without the honest one, nor a measured one without its interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.analysis_folders import RecipeFolder
from ser_bench.evaluation.diagnostics import Diagnostics
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.published import TEST
from ser_bench.evaluation.recipes import Recipe, metric_words
from ser_bench.evaluation.reproduction import CLAIMED, HONEST, REPRODUCED, RUNS
from ser_bench.evaluation.splits import parse_cv
from ser_bench.reports.details import class_scores, confusion_view, curves_of
from ser_bench.reports.figures import LOOKS, Drawing, Key, Look, Mark, Panel, Style, draw_intervals, write_figures
from ser_bench.reports.made import digest_of
from ser_bench.reports.rendering import render, way_back
from ser_bench.utils.formatting import escaped, format_score, interval, records, table_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HEAD = ("experiment", "system", "metric", "claimed", "reproduced", "95% CI", "honest", "95% CI ")
WORDS = ("experiment", "system", "metric", "95% CI", "95% CI ")
LOOK_OF = {CLAIMED: Look("0.25", "D"), "leaky": LOOKS[1], "ok": LOOKS[0]}
"""How claims and scores are drawn."""
SIDE_BY_SIDE = 3
"""Experiments that have a panel of a picture each; of more the published systems stand below each other."""
LEGEND = (
    "Claimed: by the authors. Reproduced: the system as published, its own split and selection of the epoch included, LEAKY where speakers "
    "of the test clips are trained on or the test clips selected the epoch. Honest: the same system on speakers it was not trained on, the "
    "epoch selected on inner training speakers. Intervals are over speakers (jackknife, Wilson's bounds with Student's t); honest ones "
    "have the bound of what overlapping training sets can add, and those of a random split are over speakers who were trained on as well, "
    "so that they say nothing of unseen ones. svm: tuned on the same input, under the same splits."
)


def publish_recipe(folder: RecipeFolder, recipe: Recipe, table: pd.DataFrame, about: dict[str, Any], style: str = "") -> None:
    """Write a recipe's folder.

    Parameters
    ----------
    folder : RecipeFolder
    recipe : Recipe
    table : DataFrame
        As `score_table` gives it, of all experiments.
    about : dict
        The environment, with `experiments` (each ``name, why, split, line, corpus, ...``), `warnings` and `notes`.
    style : str
        As `write_figures` takes it.
    """
    folder.write_reproduction(table, recipe.text, to_markdown(recipe, table, about))
    drawing = Drawing("recipe", f"{recipe.name}: claimed, reproduced, honest.", partial(draw_recipe, table), always=True)
    write_figures(folder.path, [drawing], digest_of(table.to_csv(), recipe.name), style)
    page = render(
        "recipe.html.j2",
        recipe=recipe,
        about=about,
        shown=view_recipe(table, about),
        rows=list(summary_rows(table)),
        opened=opened_systems(table, folder.read_predictions()),
        legend=LEGEND,
        back=way_back(folder.path),
    )
    folder.write_page(page)


def summary_rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Claimed, reproduced and honest of each experiment and system, a row per metric: `read` as `HEAD` has it, and the row's `status`."""
    for name, rows in table.groupby("experiment", sort=False):
        scored = {(row["system"], row["run"], row["part"], row["metric"]): row for row in records(rows)}
        for system, short in short_names(rows["system"]).items():
            for part, metric in _metrics_of(rows):
                claim, first, last = (scored.get((system, run, part, metric)) for run in (CLAIMED, REPRODUCED, HONEST))
                # A validation score has no honest counterpart but the score on unseen speakers.
                last = last or scored.get((system, HONEST, "test", metric))
                read = [name, short, metric_words(metric, part), claimed_words(claim), *_read(first), *_read(last)]
                yield {"read": read, "status": first["status"] if first else ""}


def short_names(systems: Iterable[str]) -> dict[str, str]:
    """Each system without what stands in brackets, where no other one is left with the same name.

    >>> short_names(["cnn(layers=8)", "svm"]), short_names(["svm(C=1)", "svm"])
    ({'cnn(layers=8)': 'cnn', 'svm': 'svm'}, {'svm(C=1)': 'svm(C=1)', 'svm': 'svm'})
    """
    names = {system: system.partition("(")[0] for system in systems}
    alone = len(set(names.values())) == len(names)
    return names if alone else {system: system for system in names}


def _metrics_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """The parts and metrics that an experiment is shown in: those claimed, the UAR, and the reading in two steps where there is one."""
    claims = rows[rows["run"] == CLAIMED]
    named = [*claims[["part", "metric"]].itertuples(index=False, name=None), *([] if len(claims) else [("test", "accuracy")])]
    there = set(rows["metric"])
    return list(dict.fromkeys([*named, ("test", "uar"), *(("test", metric) for metric in ("two_steps.accuracy",) if metric in there)]))


def claimed_words(claim: Mapping[str, Any] | None) -> str:
    """Such as ``over .70``; empty where nothing was claimed."""
    return "" if claim is None else f"{'over ' if claim['over'] else ''}{format_score(claim['value'], 3).removesuffix('0')}"


def _read(row: Mapping[str, Any] | None) -> tuple[str, str]:
    return ("", "") if row is None else (format_score(row["value"]), interval(row["low"], row["high"]))


def view_recipe(table: pd.DataFrame, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The experiments as pages show them: what the folder says of each, with `rows` to be read and drawn, and the `lines` behind them."""
    shown = []
    for said in about["experiments"]:
        rows = table[table["experiment"] == said["name"]]
        (part, metric), *_ = _metrics_of(rows)
        chance = chance_level(len(said["corpus"]["emotions"]))
        claim = rows[(rows["run"] == CLAIMED) & (rows["metric"] == metric) & (rows["part"] == part)]["value"]
        lines = [{"drawn": "chance", "uar": chance}, *({"drawn": "published", "uar": value} for value in claim)]
        how = f"{parse_cv(said['protocol']).words} ({said['protocol']})"
        named = {"metric": metric_words(metric, part), "chance": chance, "lines": lines, "how": how}
        shown.append({**said, **named, "system": rows["system"].iloc[0], "rows": list(_drawn(rows, part, metric))})
    return shown


def _drawn(rows: pd.DataFrame, part: str, metric: str) -> Iterator[dict[str, Any]]:
    """Each run of each system in the metric claimed, the test score beside a validation score, and its UAR."""
    scored = {(row["system"], row["run"], row["part"], row["metric"]): row for row in records(rows)}
    names = short_names(rows["system"])
    systems = list(names)
    places = dict.fromkeys((key[0], key[1], key[2]) for key in scored if key[2] in {part, "test"})
    for system, run, of in sorted(places, key=lambda place: systems.index(place[0])):
        row, uar = scored.get((system, run, of, metric)), scored.get((system, run, of, "uar"))
        if row is None:
            continue
        words = RUNS[run] if of == "test" else f"{RUNS[run]}, {of} clips"
        value = claimed_words(row) if run == CLAIMED else format_score(row["value"])
        reach = "" if run == CLAIMED else interval(row["low"], row["high"])
        yield {
            "system": names[system],
            "run": run,
            "words": words,
            "status": row["status"] or "claimed",
            "uar": row["value"],
            "uar_low": row["value"] if run == CLAIMED else row["low"],
            "uar_high": row["value"] if run == CLAIMED else row["high"],
            "read": ["", "", "", value, reach],
            "beside": _read(uar) if run != CLAIMED else ("", ""),
        }


def opened_systems(table: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The published system of each experiment on its test clips: `confusions`, scores of each of `classes`, ROC `curves`."""
    found = {}
    for name, rows in predictions.groupby("experiment", sort=False):
        scored = table[(table["experiment"] == name) & (table["run"] == REPRODUCED) & (table["part"] == TEST)]
        system = scored["system"].iloc[0]
        mine = rows[(rows["model"] == system) & (rows["run"] == REPRODUCED) & (rows["part"] == TEST)]
        shown = Diagnostics(mine)
        told = {row["metric"]: row for row in records(scored[scored["system"] == system])}
        found[str(name)] = {
            **confusion_view(shown.confusions),
            "classes": class_scores(shown.confusions, told),
            "curves": curves_of(shown, told),
        }
    return found


def draw_recipe(table: pd.DataFrame, style: Style) -> Figure:
    """Claimed, reproduced and honest scores below each other."""
    keys = [
        Key("claimed", LOOK_OF[CLAIMED], filled=False, line=False),
        Key("LEAKY", LOOK_OF["leaky"], line=False),
        Key("speaker-independent", LOOK_OF["ok"], line=False),
    ]
    return draw_intervals(_panels(table), style, keys)


def _panels(table: pd.DataFrame) -> list[Panel]:
    """A panel per experiment; of many one, of the published systems alone."""
    experiments = [rows for _, rows in table.groupby("experiment", sort=False)]
    if len(experiments) <= SIDE_BY_SIDE:
        return [_panel(rows) for rows in experiments]
    parts = [_panel(rows[rows["system"] == rows["system"].iloc[0]]) for rows in experiments]
    marks = [mark._replace(label=f"{part.heading}: {mark.label}") for part in parts for mark in part.marks]
    axes = dict.fromkeys(part.axis for part in parts)
    return [Panel("the published systems", marks, {}, parts[0].names, " / ".join(axes))]


def _panel(rows: pd.DataFrame) -> Panel:
    """One experiment as a panel of a picture."""
    (part, metric), *_ = _metrics_of(rows)
    marks = [
        Mark(
            row["words"] if row["run"] == CLAIMED else f"{row['system']}: {row['words']}",
            row["uar"],
            row["uar_low"],
            row["uar_high"],
            LOOK_OF[CLAIMED if row["run"] == CLAIMED else row["status"]],
            filled=row["run"] != CLAIMED,
        )
        for row in _drawn(rows, part, metric)
    ]
    classes = [name for name in rows["metric"] if name.startswith("recall.")]
    chance = {"chance": chance_level(len(set(classes)))} if classes else {}
    axis = f"{metric_words(metric, TEST)} (95% CI over speakers)"
    return Panel(str(rows["experiment"].iloc[0]), marks, chance, "system, run", axis)


def to_markdown(recipe: Recipe, table: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """The three numbers side by side, and what they come from, as Markdown."""
    named = table["experiment"].nunique() > 1
    head = list(HEAD) if named else list(HEAD[1:])
    rows = [[escaped(cell) for cell in row["read"][0 if named else 1 :]] for row in summary_rows(table)]
    parts = [
        f"**{escaped(recipe.name)}**: {escaped(recipe.title)} ({escaped(recipe.source)}).",
        "",
        *table_lines(head, rows, words=WORDS),
        "",
    ]
    for said in about["experiments"]:
        name = f"**{escaped(said['name'])}**: " if said["name"] else ""
        system = table.loc[table["experiment"] == said["name"], "system"].iloc[0]
        split = f"System: `{system}`. Split: {escaped(said['split'])}; honest: {parse_cv(said['protocol']).words} ({said['protocol']})."
        parts += [f"{name}{escaped(said['line'])}. {escaped(said['why'])} {split}", ""]
    parts += [LEGEND, "", *(part for line in [*about["warnings"], *about["notes"]] for part in (escaped(line), ""))]
    return "\n".join(parts)


def terminal_rows(table: pd.DataFrame) -> tuple[Sequence[str], list[list[str]], list[str]]:
    """A head, the rows as they are read, and a style for each: LEAKY ones are red."""
    rows = list(summary_rows(table))
    return HEAD, [row["read"] for row in rows], ["red" if row["status"] == "leaky" else "" for row in rows]
