"""`index.html`: what a folder of results holds, on one page, and the way back to it from the pages of these.

In:   a folder of results.
Out:  the page: every leaderboard of several runs, run, audit, ablation, cross-corpus evaluation, recipe and call of `predict --out`, with
      date, corpus and best row.
Rule: made from small files alone, and written only where it changed: the same folder gives the same bytes. A folder that is not ours or
      cannot be read stops nothing and is counted. An `index.html` that is not ours is left as it is.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import numpy as np

from ser_bench.errors import reason
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder, MergedFolder, PredictionsFolder, RecipeFolder
from ser_bench.evaluation.environment import corpus_title, corpus_titles, titled
from ser_bench.evaluation.result_folder import ResultFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.audit import gap_rows
from ser_bench.reports.cross import SIDES
from ser_bench.reports.recipe import summary_rows
from ser_bench.reports.rendering import INDEX, OURS, is_index, render
from ser_bench.utils.atomic import write_text
from ser_bench.utils.formatting import format_score, interval, number_of, records, signed

F = TypeVar("F", bound=ResultFolder)

WORKING = "units"
"""What lies in a folder of results besides: finished units of work."""


class Entry(NamedTuple):
    """A folder as the index shows it: its corpus, its best row with the UAR and its interval, and more words."""

    corpus: str
    system: str
    uar: str
    within: str
    about: str


class FolderKind(NamedTuple, Generic[F]):
    """What a folder may hold: how that is called, the kind of folder, and how it is read."""

    title: str
    kind: type[F]
    read: Callable[[F], Entry]

    def listed(self, path: Path) -> dict[str, Any]:
        """A folder as a row of the index."""
        folder = self.kind(path)
        return {
            **self.read(folder)._asdict(),
            "href": quote(f"{path.name}/{folder.page.name}") if folder.page.is_file() else "",
            "folder": path.name,
            "written": _date(folder),
        }


@contextmanager
def indexed(out: Path) -> Iterator[None]:
    """A folder of results in which pages are written: its index is there before they look for it, and made again after them."""
    if not (out / INDEX).exists():
        write_index(out)
    yield
    write_index(out)


def write_index(out: Path) -> None:
    """Write the index of a folder of results, unless it is there as it is to be."""
    file = out / INDEX
    if file.exists() and not is_index(file):
        warnings.warn(
            f"{file} is not of ser-bench and stays as it is: results are not listed in it; move it, or name another --out", stacklevel=2
        )
        return
    page = make_index(out)
    if not file.exists() or file.read_text(encoding="utf-8", errors="replace") != page:
        write_text(file, page)


def make_index(out: Path) -> str:
    """The page of a folder of results."""
    found: dict[str, list[dict[str, Any]]] = {title: [] for title in ORDER}
    torn, others = [], 0
    for folder in sorted(path for path in out.iterdir() if path.is_dir() and path.name != WORKING and not path.name.startswith(".")):
        kind = next((kind for kind in KINDS if kind.kind(folder).known), None)
        if kind is None:
            others += 1
            continue
        try:
            found[kind.title].append(kind.listed(folder))
        except Exception as error:  # it may be unfinished, or damaged in any way
            torn.append(f"{folder.name}: {reason(error)}")
    parts = [(title, sorted(rows, key=lambda row: row["written"], reverse=True)) for title, rows in found.items() if rows]
    return render("index.html.j2", ours=OURS, parts=parts, torn=torn, others=others)


def _date(folder: ResultFolder) -> str:
    """When what a folder holds was computed; where it does not tell, when it was written. In UTC."""
    if at := folder.read_about().get("computed", {}).get("at", ""):
        return at[:16].replace("T", " ")
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(folder.written_at))


def _corpus(folder: ResultFolder) -> str:
    """The corpus as its owners write it."""
    return corpus_title(folder.read_environment())


def _scored(row: dict[str, Any]) -> tuple[str, str]:
    return format_score(row["uar"]), "" if np.isnan(row["uar_low"]) else interval(row["uar_low"], row["uar_high"])


def _system(row: dict[str, Any]) -> str:
    return f"{row['features']} with {row['model']}"


def _run(folder: RunFolder) -> Entry:
    board = folder.read_leaderboard()
    ranked = board[board["status"] == "ok"]
    first = records(ranked if len(ranked) else board)[0]
    marked = "" if len(ranked) else f" ({first['status'].upper()})"
    labels = "" if first["labels"] == "all" else f"labels '{first['labels']}', "
    size = f"{number_of(len(board), 'system')}, {number_of(first['clips'], 'clip')}, {number_of(first['speakers'], 'speaker')}"
    about = f"{size}; {labels}{first['cv']}; budget {first['budget']}"
    return Entry(_corpus(folder), _system(first) + marked, *_scored(first), about)


def _merged(folder: MergedFolder) -> Entry:
    board = folder.read_leaderboard()
    ranked = board[board["status"] == "ok"]
    first = records(ranked if len(ranked) else board)[0]
    titles = corpus_titles([folder.read_about()])
    corpora = [titles.get(name, name) for name in board["corpus"].unique()]
    on = f" on {titles.get(first['corpus'], first['corpus'])}" if len(corpora) > 1 else ""
    return Entry(
        ", ".join(corpora),
        _system(first) + on,
        *_scored(first),
        f"{number_of(len(board), 'row')} on {number_of(len(corpora), 'corpus', 'corpora')}",
    )


def _audit(folder: AuditFolder) -> Entry:
    kinds = folder.read_findings()["kind"].value_counts()
    about = ", ".join(number_of(int(kinds.get(kind, 0)), kind) for kind in ("error", "warning", "note"))
    gap = folder.read_gap()
    if gap is None:
        return Entry(_corpus(folder), "", "", "", about)
    honest, *others = gap_rows(gap)
    leaks = [row["gap"] for row in others if row["status"] == "leaky"]
    most = f"; leaks add up to {signed(max(leaks))} UAR" if leaks else ""
    return Entry(_corpus(folder), str(folder.read_environment().get("cell", "")), *_scored(honest), about + most)


def _ablation(folder: AblationFolder) -> Entry:
    table = folder.read_tables().table
    whole = records(table[table["mode"] == "all"])[0]
    without = table[(table["mode"] == "without") & table["diff"].notna()].sort_values("diff", kind="stable")
    most = f"leaving out {without.iloc[0]['group']}: {signed(without.iloc[0]['diff'])} UAR" if len(without) else ""
    return Entry(_corpus(folder), _system(whole), *_scored(whole), most)


def _cross(folder: CrossFolder) -> Entry:
    table = titled(folder.read_table(), folder.read_about(), *SIDES)
    across = table[(table["train"] != table["test"]) & (table["status"] != "failed")].sort_values("uar", ascending=False, kind="stable")
    corpora = ", ".join(dict.fromkeys([*table["train"], *table["test"]]))
    if across.empty:
        return Entry(corpora, "", "", "", "no row across corpora")
    first = records(across)[0]
    lost = "" if np.isnan(first["loss"]) else f"; {format_score(first['loss'])} below training within"
    return Entry(corpora, _system(first), *_scored(first), f"trained on {first['train']}, evaluated on {first['test']}{lost}")


def _recipe(folder: RecipeFolder) -> Entry:
    about = folder.read_environment()
    _, system, metric, claimed, reproduced, _, honest, within = next(iter(summary_rows(folder.read_reproduction())))["read"]
    corpus = about["experiments"][0]["corpus"]
    said = f"{metric}: claimed {claimed or 'nothing'}, reproduced {reproduced}, honest {honest} {within}"
    named = f"{corpus.get('title') or corpus['name']}: {about['recipe']}"
    return Entry(named, system, "", "", said)


def _predictions(folder: PredictionsFolder) -> Entry:
    about = folder.read_environment()
    counts = about["predicted"]
    most = "".join(f"; most often {emotion} ({n:,})" for emotion, n in list(counts["emotions"].items())[:1])
    windows = f"windows of {number_of(counts['clips'], 'recording')}" if counts["windows"] else "clips"
    return Entry(
        about["corpus"]["title"] or "not known",
        about["system"],
        "",
        "",
        f"{counts['predicted']:,} of {counts['rows']:,} {windows} predicted{most}",
    )


KINDS: tuple[FolderKind[Any], ...] = (
    FolderKind("Predictions", PredictionsFolder, _predictions),
    FolderKind("Published systems", RecipeFolder, _recipe),
    FolderKind("Cross-corpus evaluations", CrossFolder, _cross),
    FolderKind("Ablations", AblationFolder, _ablation),
    FolderKind("Audits", AuditFolder, _audit),
    FolderKind("Merged leaderboards", MergedFolder, _merged),
    FolderKind("Runs", RunFolder, _run),
)
"""What folders hold; those of the first kinds hold a configuration as well."""
ORDER = ("Merged leaderboards", "Runs", "Cross-corpus evaluations", "Audits", "Ablations", "Published systems", "Predictions")
