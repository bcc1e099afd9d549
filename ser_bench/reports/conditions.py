"""How robust systems are, for people: each row of a run on its held-out clips as they are and under test conditions.

In:   the table of `evaluation.conditions`.
Out:  `conditions.md`, `figures/conditions.*`; rows for the page and the terminal.
Rule: every condition is compared with unchanged clips; a difference never stands without its interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.environment import corpus_title
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.run_folder import UNCHANGED, RunFolder, RunTables
from ser_bench.reports.figures import TITLES, Drawing, Key, Look, Mark, Panel, Style, draw_intervals, looks_of, write_figures
from ser_bench.reports.made import digest_of
from ser_bench.utils.formatting import escaped, format_score, interval, p_value, records, signed, table_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HEAD = ("features", "model", "held-out clips", "UAR", "95% CI", "ΔUAR", "p")
LEGEND = (
    "The same fitted systems on the same held-out clips: unchanged, and under each test condition. ΔUAR: difference of the UAR from that "
    "on unchanged clips, with a 95% confidence interval and p of the same test (paired by speaker, Student's t, with the bound of what "
    "overlapping training sets can add; corrected for the conditions of a system by Holm)."
)


def write_conditions(folder: RunFolder, table: pd.DataFrame, style: str = "") -> None:
    """Write the table as Markdown and as a picture.

    Parameters
    ----------
    folder : RunFolder
        Its other tables written.
    table : DataFrame
        The columns of `CONDITIONS`.
    style : str
        As `write_figures` takes it.
    """
    rows = [[*map(escaped, row["read"][:3]), *row["read"][3:], row["added"], row["p_read"]] for row in condition_rows(table)]
    lines = table_lines(HEAD, rows, words=(*HEAD[:3], "95% CI", "ΔUAR"))
    folder.write_conditions_markdown("\n".join([LEGEND, "", *lines, ""]))
    words = "UAR on held-out clips unchanged and under test conditions, with 95% confidence intervals over speakers"
    caption = f"{words}; {corpus_title(folder.read_about(), table['corpus'].iloc[0])}."
    drawing = Drawing("conditions", caption, partial(draw_conditions, table), always=True)
    write_figures(folder.path, [drawing], digest_of(table.to_csv(), caption), style)


def draw_conditions(table: pd.DataFrame, style: Style) -> Figure | None:
    """Each row on unchanged clips, and below it under test conditions; None without any."""
    looks = looks_of(table["condition"], [UNCHANGED])
    tracks = [(str(track), rows) for track, rows in table.groupby("track", sort=False)]
    panels = [
        Panel(
            TITLES[track] if len(tracks) > 1 or track == "speaker" else "",
            [_mark(row, looks) for row in condition_rows(rows)],
            {},
            "feature set, model, held-out clips",
        )
        for track, rows in tracks
    ]
    keys = [Key(condition, look._replace(dash="-"), filled=condition == UNCHANGED) for condition, look in looks.items()]
    return draw_intervals(panels, style, keys) if panels else None


def condition_rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of the table as they are read, those of one system together."""
    for row in records(table):
        unchanged = row["condition"] == UNCHANGED
        uar, low, high, more, least, most = (row[key] for key in ("uar", "uar_low", "uar_high", "diff", "diff_low", "diff_high"))
        yield {
            **row,
            "status": "ok",
            "read": [row["features"], row["model"], row["condition"], format_score(uar), interval(low, high)],
            "added": "" if unchanged else f"{signed(more)} {interval(least, most)}",
            "p_read": "" if unchanged else p_value(row["p"]),
            "unchanged": unchanged,
        }


def view_conditions(run: RunTables) -> list[dict[str, Any]]:
    """The table as a page shows it, a part per track: its rows, and the lines that they are drawn against; empty without conditions."""
    chance = {"name": "chance", "drawn": "chance", "uar": chance_level(len(run.environment["corpus"]["emotions"]))}
    return [
        {"title": TITLES[str(track)], "track": track, "rows": list(condition_rows(rows)), "lines": [chance], "legend": LEGEND}
        for track, rows in run.conditions.groupby("track", sort=False)
    ]


def _mark(row: dict[str, Any], looks: dict[str, Look]) -> Mark:
    """A row of the picture; the first of a system names it, and is filled."""
    name = f"{row['features']}  {row['model']}  {UNCHANGED}" if row["unchanged"] else row["condition"]
    return Mark(name, row["uar"], row["uar_low"], row["uar_high"], looks[row["condition"]], filled=row["unchanged"])
