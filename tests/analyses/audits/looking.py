"""An audit, and what it said."""

from pathlib import Path

import ser_bench
from ser_bench.results import Audited


def look(folder: Path, **options: object) -> Audited:
    return ser_bench.audit(folder / "clips.csv", cache=str(folder / "store"), jobs=1, out=str(folder / "results"), **options)


def said(found: Audited, kind: str, check: str) -> str:
    rows = found.findings
    return " | ".join(rows.loc[(rows["kind"] == kind) & (rows["check"] == check), "what"])
