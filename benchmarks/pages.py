"""What documents show of kept results: text between markers, and the table at a glance.

In:   the tables under results/reference/, which `make reference` and `make recipes` write.
Out:  the same figures in README.md and docs/.
Rule: no figure of these tables is written by hand; a test holds the documents to the kept results.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ser_bench.corpora import known_readers
from ser_bench.evaluation.leaderboard import not_significantly_worse
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.splits import parse_cv
from ser_bench.utils.formatting import format_score, interval, records, table_lines

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"
GLANCE = ("corpus", "protocol", "best system", "UAR [95% CI]", "not significantly worse", "chance", "human")


def put(page: Path, marker: str, text: str) -> None:
    """Put text between the markers of that name on a page."""
    opened, closed = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(opened)
    page.write_text(f"{before}{opened}\n{text}{closed}{rest.partition(closed)[2]}", encoding="utf-8")


def at_a_glance(reference: Path = REFERENCE) -> str:
    """The best system of each corpus on unseen speakers, as a table in Markdown."""
    folders = sorted((found.parent for found in reference.glob("*/leaderboard.csv")), key=_n_speakers, reverse=True)
    return "\n".join(table_lines(GLANCE, [_glance(folder) for folder in folders], words=GLANCE)) + "\n"


def _n_speakers(folder: Path) -> int:
    return int(pd.read_csv(folder / "leaderboard.csv")["speakers"].iloc[0])


def _glance(folder: Path) -> list[str]:
    """One corpus's row: the best of the headline track, beside how many others are not significantly worse."""
    board = pd.read_csv(folder / "leaderboard.csv").query("track == 'train'")
    levels = RunFolder(folder).read_references().set_index("kind")["uar"]
    best, others = board.iloc[0], board.iloc[1:]
    facts = known_readers()[best["corpus"]].facts
    classes = f"{round(1 / levels['chance'])} classes, {best['speakers']} speakers"
    return [
        f"{facts.title if facts else best['corpus']} ({classes})",
        parse_cv(best["cv"]).words,
        f"`{best['features']}` with `{best['model']}`",
        f"{format_score(best['uar'])} {interval(best['uar_low'], best['uar_high'])}",
        f"{sum(map(not_significantly_worse, records(others)))} of {len(others)} others",
        format_score(levels["chance"]),
        format_score(levels["human"]) if "human" in levels else "",
    ]
