"""What an audit found, for people: findings, the leak gap as table and picture, a page.

In:   an audit, the gap where it was measured.
Out:  the audit's folder; rows for the terminal.
Rule: a row that takes a shortcut is never shown without the honest one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ser_bench.analyses.leakage import HONEST, EvaluationSetting
from ser_bench.evaluation.analysis_folders import AuditFolder
from ser_bench.evaluation.environment import corpus_title
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.reports.figures import LOOKS, Drawing, Key, Mark, Panel, Style, draw_intervals, write_figures
from ser_bench.reports.made import digest_of
from ser_bench.reports.rendering import render, way_back
from ser_bench.utils.formatting import format_score, interval, number_of, records, signed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HONEST_LOOK, LEAKY_LOOK = LOOKS[0], LOOKS[1]
SPLITS = {
    "speaker": "speaker-independent",
    "random": "random",
    "speaker+sentence": "speaker- and text-independent",
}
PARAMETERS = {"nested": "nested CV", "test": "tuned on the test set"}
SCALINGS = {"train": "training clips", "all": "all clips", "speaker": "speaker (transductive)"}


def publish_audit(
    folder: AuditFolder, name: str, summary: dict[str, str], findings: pd.DataFrame, gap: pd.DataFrame | None, about: Any, style: str = ""
) -> None:
    """Write an audit's folder: findings, page, and of the gap its table and picture.

    Parameters
    ----------
    folder : AuditFolder
    name, summary, findings
        As in `Audit`.
    gap : DataFrame, optional
        As `measure_gap` gives it.
    about : dict
        The environment, and under ``cell`` what the gap was measured of.
    style : str
        As `write_figures` takes it.
    """
    folder.write_findings(findings)
    shown = None if gap is None else view_gap(gap, about)
    if gap is not None and shown:
        folder.write_gap(gap)
        over = f"with 95% confidence intervals over speakers; {corpus_title(about, name)}"
        caption = f"Effect of evaluation leaks on the UAR of {about['cell']}, {over}."
        drawing = Drawing("gap", caption, partial(draw_gap, gap, len(about["corpus"]["emotions"])), always=True)
        write_figures(folder.path, [drawing], digest_of(gap.to_csv(), caption), style)
    page = render(
        "audit.html.j2",
        name=name,
        verdict=_verdict(findings, shown),
        summary=summary,
        findings=findings.to_dict("records"),
        gap=shown,
        about=about,
        back=way_back(folder.path),
    )
    folder.write_page(page)


def _verdict(findings: pd.DataFrame, gap: dict[str, Any] | None) -> str:
    """What an audit comes to: how much was found, and the most that a leak adds."""
    counts = findings["kind"].value_counts()
    found = [number_of(n, kind) for kind in ("error", "warning", "note") if (n := int(counts.get(kind, 0)))]
    said = f"{', '.join(found) or 'Nothing was found'}."
    leaky = [row for row in gap["rows"] if row["status"] == "leaky"] if gap else []
    if not gap or not leaky:
        return said
    honest, worst = gap["rows"][0], max(leaky, key=lambda row: row["gap"])
    return (
        f"{said} Speaker-independent UAR {honest['read'][3]} {honest['read'][4]}; evaluation leaks add up to {worst['added']} "
        f"({worst['words'][0]} split, {worst['words'][1]}, standardised with {worst['words'][2]})."
    )


def draw_gap(gap: pd.DataFrame, n_emotions: int, style: Style) -> Figure:
    """Each way of evaluating below the honest one, which all are read against."""
    rows = list(gap_rows(gap))
    lines = {"reference": rows[0]["uar"], "chance": chance_level(n_emotions)}
    keys = [
        Key("speaker-independent, filled: reference", HONEST_LOOK, line=False),
        Key("LEAKY", LEAKY_LOOK, filled=False, line=False),
    ]
    panel = Panel("", [_mark(row) for row in rows], lines, "split, hyperparameters, standardised with")
    return draw_intervals([panel], style, keys)


def view_gap(gap: pd.DataFrame, about: dict[str, Any]) -> dict[str, Any]:
    """The gap as pages show it: its `rows`, the `lines` that they are drawn against, and `about`, as `publish_audit` takes it."""
    chance = {"name": "chance", "drawn": "chance", "uar": chance_level(len(about["corpus"]["emotions"]))}
    return {"rows": list(gap_rows(gap)), "lines": [chance], "about": about}


def gap_rows(gap: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of the gap as they are read: numbers, words for the way, and what it adds."""
    for row in records(gap):
        way = EvaluationSetting(row["split"], row["parameters"], row["scaling"])
        uar, low, high, more, least, most = (row[key] for key in ("uar", "uar_low", "uar_high", "gap", "gap_low", "gap_high"))
        yield {
            **row,
            "words": (SPLITS[way.split], PARAMETERS[way.parameters], SCALINGS[way.scaling]),
            "status": "leaky" if way.leaky else "ok",
            "read": ["", "", "", format_score(uar), interval(low, high)],
            "added": "" if way == HONEST else f"{signed(more)} {interval(least, most)}",
        }


def _mark(row: dict[str, Any]) -> Mark:
    look = LEAKY_LOOK if row["status"] == "leaky" else HONEST_LOOK
    return Mark(", ".join(row["words"]), row["uar"], row["uar_low"], row["uar_high"], look, filled=row["added"] == "")
