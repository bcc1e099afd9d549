"""What else is known of a run's clips: audits and ablations that lie beside it.

In:   a run's folder.
Out:  findings, leak gaps and ablations from the folders next to it; and, the other way round, the runs next to an audit or ablation.
Rule: folders belong together by what they say of themselves, never by name: the same clips with the same emotions and speakers, and, but
      for findings, in the same folds. Where nothing lies beside, nothing is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ser_bench.reports.ablation import read_ablation, view_ablation
from ser_bench.reports.audit import read_findings, read_gap, view_gap


class Neighbour(NamedTuple):
    """A folder of the same clips, what it says of itself, and whether it splits them the same."""

    folder: Path
    about: dict[str, Any]
    same_split: bool


def runs_beside(folder: Path) -> list[Path]:
    """The runs next to an audit or ablation that are of the same clips."""
    return [run.folder for run in _neighbours(folder, "report.html")]


def audited(folder: Path) -> dict[str, Any]:
    """What is known of a run's corpus: `findings`, and the `address` of the audit that they are from.

    Without an audit beside they are those of the run itself, which looks at nothing that takes time, and there is no address.
    """
    audits = sorted(_neighbours(folder, "audit.html"), key=lambda audit: not audit.same_split)
    findings = (read_findings(audits[0].folder) if audits else []) or read_findings(folder)
    return {"findings": findings, "address": f"../{audits[0].folder.name}/audit.html" if audits else ""}


def gaps(folder: Path) -> list[dict[str, Any]]:
    """Leak gaps that were measured on a run's clips, from its split."""
    return [view_gap(read_gap(audit.folder), audit.about) for audit in _neighbours(folder, "gap.csv", "cell") if audit.same_split]


def ablations(folder: Path) -> list[dict[str, Any]]:
    """Ablations on a run's clips and split, each with the `address` of its own page."""
    found = [ablation for ablation in _neighbours(folder, "ablation.csv", "tuned") if ablation.same_split]
    return [
        {**view_ablation(*read_ablation(of.folder)), "about": of.about, "address": f"../{of.folder.name}/ablation.html"} for of in found
    ]


def _neighbours(folder: Path, needed: str, said: str = "corpus") -> Iterator[Neighbour]:
    """Folders next to this one that are of the same clips, hold a file of that name and say so much of themselves, in the order of their
    names."""
    mine, here = read_about(folder), folder.absolute()
    for path in sorted(file.parent for file in here.parent.glob(f"*/{needed}")):
        about = read_about(path)
        if path != here and said in about and about.get("corpus") == mine.get("corpus"):
            yield Neighbour(path, about, all(about.get(name) == mine.get(name) for name in ("protocol", "folds")))


def read_about(folder: Path) -> dict[str, Any]:
    """What a folder says of itself; nothing where that cannot be read."""
    try:
        return dict(json.loads((folder / "environment.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
