"""What else is known of a run's clips: audits, ablations and recipes that lie beside it.

In:   a run's folder.
Out:  findings, leak gaps and ablations from the folders next to it; and, the other way round, the runs next to an audit or ablation.
Rule: folders belong together by what they say of themselves, never by name: the same clips with the same emotions and speakers, and, but
      for findings, in the same folds. Where nothing lies beside, nothing is missing; what lies there and cannot be read is named and
      left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ser_bench.errors import reason
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.run_folder import (
    ABLATION,
    ABLATION_PAGE,
    AUDIT_PAGE,
    GAP,
    LEADERBOARD,
    RECIPE_PAGE,
    REPRODUCTION,
    RUN_PAGE,
    RunFolder,
)
from ser_bench.reports.ablation import read_ablation, view_ablation
from ser_bench.reports.audit import read_gap, view_gap
from ser_bench.reports.recipe import LEGEND, view_recipe
from ser_bench.utils.formatting import records

T = TypeVar("T")


class Neighbour(NamedTuple):
    """A folder of the same clips, what it says of itself, and whether it splits them the same."""

    folder: RunFolder
    about: dict[str, Any]
    same_split: bool


def runs_beside(folder: RunFolder) -> list[RunFolder]:
    """The runs next to an audit or ablation that are of the same clips."""
    return [run.folder for run in _neighbours(folder, RUN_PAGE)]


def audited(folder: RunFolder) -> dict[str, Any]:
    """What is known of a run's corpus: `findings`, and the `address` of the audit that they are from.

    Without an audit beside they are those of the run itself, which looks at nothing that takes time, and there is no address.
    """
    for audit in sorted(_neighbours(folder, AUDIT_PAGE), key=lambda audit: not audit.same_split):
        for findings in _readable(audit, lambda audit: _findings(audit.folder)):
            return {"findings": findings or _findings(folder), "address": f"../{audit.folder.path.name}/{AUDIT_PAGE}"}
    return {"findings": _findings(folder), "address": ""}


def _findings(folder: RunFolder) -> list[dict[str, Any]]:
    return records(folder.read_findings())


def best_beside(out: Path, about: dict[str, Any]) -> float | None:
    """The best UAR, of rows without leaks, of the runs in a folder that are of the same clips in the same folds; None without any.

    Parameters
    ----------
    out : Path
    about : dict
        What is evaluated, as `evaluation.environment.evaluated` says it.
    """
    folders = [RunFolder(board.parent) for board in sorted(out.glob(f"*/{LEADERBOARD.name}"))]
    runs = [Neighbour(folder, folder.read_about(), True) for folder in folders]
    alike = [run for run in runs if all(run.about.get(name) == about[name] for name in ("corpus", "protocol"))]
    alike = [run for run in alike if dict(run.about.get("folds", {})).items() & about["folds"].items()]
    boards = [board for run in alike for board in _readable(run, lambda run: run.folder.read_leaderboard())]
    scores = [uar for board in boards for uar in board.loc[board["status"] == "ok", "uar"].dropna()]
    return max(scores, default=None)


def gaps(folder: RunFolder) -> list[dict[str, Any]]:
    """Leak gaps that were measured on a run's clips, from its split."""
    audits = [audit for audit in _neighbours(folder, GAP, "cell") if audit.same_split]
    return [gap for audit in audits for gap in _readable(audit, lambda audit: view_gap(read_gap(audit.folder), audit.about))]


def ablations(folder: RunFolder) -> list[dict[str, Any]]:
    """Ablations on a run's clips and split, each with the `address` of its own page."""
    found = [ablation for ablation in _neighbours(folder, ABLATION, "tuned") if ablation.same_split]
    return [ablation for one in found for ablation in _readable(one, _view)]


def reproductions(folder: RunFolder) -> list[dict[str, Any]]:
    """The recipes whose honest run is of a run's clips and split: `name`, `address`, `warnings`, `notes`, and the experiments `shown`."""
    mine, here = folder.read_about(), RunFolder(folder.path.absolute())
    found = []
    for other in sorted(RunFolder(file.parent) for file in here.path.parent.glob(f"*/{REPRODUCTION.name}")):
        about = other.read_about()
        alike = [one for one in about.get("experiments", []) if all(one[key] == mine.get(key) for key in ("corpus", "protocol", "folds"))]
        if other != here and alike:
            neighbour = Neighbour(other, about | {"experiments": alike}, True)
            found += _readable(neighbour, lambda one: _reproduction(one.folder, one.about))
    return found


def _reproduction(folder: RunFolder, about: dict[str, Any]) -> dict[str, Any]:
    shown = view_recipe(folder.read_reproduction(), about)
    address = f"../{folder.path.name}/{RECIPE_PAGE}"
    told = {key: about.get(key, []) for key in ("warnings", "notes")}
    return {"name": about["recipe"], "address": address, **told, "shown": shown, "legend": LEGEND}


def _view(of: Neighbour) -> dict[str, Any]:
    table, importance = read_ablation(of.folder)
    return {
        **view_ablation(titled(table, of.about, "corpus"), importance),
        "about": of.about,
        "address": f"../{of.folder.path.name}/{ABLATION_PAGE}",
    }


def _readable(neighbour: Neighbour, read: Callable[[Neighbour], T]) -> list[T]:
    """What is read of a neighbour; nothing, and a warning, where that fails: it may be damaged in any way, and stops nobody else."""
    try:
        return [read(neighbour)]
    except Exception as error:
        warnings.warn(f"{neighbour.folder.path} is left out of what lies beside it: {reason(error)}", stacklevel=3)
        return []


def _neighbours(folder: RunFolder, needed: str, said: str = "corpus") -> Iterator[Neighbour]:
    """Folders next to this one that are of the same clips, hold a file of that name and say so much of themselves.

    In the order of their names.
    """
    mine, here = folder.read_about(), RunFolder(folder.path.absolute())
    for other in sorted(RunFolder(file.parent) for file in here.path.parent.glob(f"*/{needed}")):
        about = other.read_about()
        if other != here and said in about and about.get("corpus") == mine.get("corpus"):
            yield Neighbour(other, about, all(about.get(name) == mine.get(name) for name in ("protocol", "folds")))
