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
from typing import Any, Generic, NamedTuple, TypeVar

from ser_bench.errors import reason
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, RecipeFolder
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.result_folder import ResultFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.ablation import view_ablation
from ser_bench.reports.audit import view_gap
from ser_bench.reports.recipe import LEGEND, view_recipe
from ser_bench.utils.formatting import records

T = TypeVar("T")
F = TypeVar("F", bound=ResultFolder)


class Neighbour(NamedTuple, Generic[F]):
    """A folder of the same clips, what it says of itself, and whether it splits them the same."""

    folder: F
    about: dict[str, Any]
    same_split: bool


def runs_beside(folder: ResultFolder) -> list[RunFolder]:
    """The runs next to an audit or ablation that are of the same clips, and have a page."""
    return [run.folder for run in _neighbours(RunFolder, folder) if run.folder.page.is_file()]


def audited(folder: RunFolder) -> dict[str, Any]:
    """What is known of a run's corpus: `findings`, and the `address` of the audit that they are from.

    Without an audit beside they are those of the run itself, which looks at nothing that takes time, and there is no address.
    """
    for audit in sorted(_neighbours(AuditFolder, folder), key=lambda audit: not audit.same_split):
        for findings in _readable(audit, lambda audit: _findings(audit.folder)):
            return {"findings": findings or _findings(folder), "address": _address(audit.folder)}
    return {"findings": _findings(folder), "address": ""}


def _findings(folder: ResultFolder) -> list[dict[str, Any]]:
    return records(folder.read_findings())


def gaps(folder: RunFolder) -> list[dict[str, Any]]:
    """Leak gaps that were measured on a run's clips, from its split."""
    audits = [audit for audit in _neighbours(AuditFolder, folder, "cell") if audit.same_split]
    return [gap for audit in audits for found in _readable(audit, _gap) for gap in found]


def _gap(of: Neighbour[AuditFolder]) -> list[dict[str, Any]]:
    """The gap of an audit, none where it was not measured."""
    gap = of.folder.read_gap()
    return [] if gap is None else [view_gap(gap, of.about)]


def ablations(folder: RunFolder) -> list[dict[str, Any]]:
    """Ablations on a run's clips and split, each with the `address` of its own page."""
    found = [ablation for ablation in _neighbours(AblationFolder, folder, "tuned") if ablation.same_split]
    return [ablation for one in found for ablation in _readable(one, _view)]


def _view(of: Neighbour[AblationFolder]) -> dict[str, Any]:
    table, importance = of.folder.read_tables()
    return {**view_ablation(titled(table, of.about, "corpus"), importance), "about": of.about, "address": _address(of.folder)}


def reproductions(folder: RunFolder) -> list[dict[str, Any]]:
    """The recipes whose honest run is of a run's clips and split: `name`, `address`, `warnings`, `notes`, and the experiments `shown`."""
    mine, here = folder.read_about(), folder.path.absolute()
    found = []
    for other in RecipeFolder.all_in(here.parent):
        about = other.read_about()
        alike = [one for one in about.get("experiments", []) if all(one[key] == mine.get(key) for key in ("corpus", "protocol", "folds"))]
        if other.path != here and alike:
            found += _readable(Neighbour(other, about | {"experiments": alike}, True), _reproduction)
    return found


def _reproduction(of: Neighbour[RecipeFolder]) -> dict[str, Any]:
    shown = view_recipe(of.folder.read_reproduction(), of.about)
    told = {key: of.about.get(key, []) for key in ("warnings", "notes")}
    return {"name": of.about["recipe"], "address": _address(of.folder), **told, "shown": shown, "legend": LEGEND}


def _address(folder: ResultFolder) -> str:
    """Where the page of a folder is, from a page in one next to it."""
    return f"../{folder.path.name}/{folder.page.name}"


def _readable(neighbour: Neighbour[F], read: Callable[[Neighbour[F]], T]) -> list[T]:
    """What is read of a neighbour; nothing, and a warning, where that fails: it may be damaged in any way, and stops nobody else."""
    try:
        return [read(neighbour)]
    except Exception as error:
        warnings.warn(f"{neighbour.folder.path} is left out of what lies beside it: {reason(error)}", stacklevel=3)
        return []


def _neighbours(kind: type[F], folder: ResultFolder, said: str = "corpus") -> Iterator[Neighbour[F]]:
    """Folders of a kind next to this one that are of the same clips and say so much of themselves, in the order of their names."""
    mine, here = folder.read_about(), folder.path.absolute()
    for other in kind.all_in(here.parent):
        about = other.read_about()
        if other.path != here and said in about and about.get("corpus") == mine.get("corpus"):
            yield Neighbour(other, about, all(about.get(name) == mine.get(name) for name in ("protocol", "folds")))
