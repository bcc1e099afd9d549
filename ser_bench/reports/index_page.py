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
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from ser_bench.errors import reason
from ser_bench.evaluation.environment import corpus_title, corpus_titles, titled
from ser_bench.evaluation.run_folder import (
    ABLATION,
    ABLATION_PAGE,
    AUDIT_PAGE,
    CONFIGURATION,
    CROSS,
    CROSS_PAGE,
    ENVIRONMENT,
    GAP,
    LEADERBOARD,
    MERGED_PAGE,
    PREDICTED,
    PREDICTED_PAGE,
    RECIPE_PAGE,
    REPRODUCTION,
    RUN_PAGE,
    RunFolder,
)
from ser_bench.reports.ablation import read_ablation
from ser_bench.reports.audit import gap_rows, read_gap
from ser_bench.reports.cross import SIDES, read_cross
from ser_bench.reports.recipe import summary_rows
from ser_bench.reports.rendering import INDEX, OURS, is_index, render
from ser_bench.utils.atomic import write_text
from ser_bench.utils.formatting import format_score, interval, records, signed

WORKING = "units"
"""What lies in a folder of results besides: finished units of work."""


class Entry(NamedTuple):
    """A folder as the index shows it: its corpus, its best row with the UAR and its interval, and more words."""

    corpus: str
    system: str
    uar: str
    within: str
    about: str


class FolderKind(NamedTuple):
    """What a folder may hold: how that is called, the file that it is known by, its page, and how it is read."""

    title: str
    file: str
    page: str
    read: Callable[[RunFolder], Entry]


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
        kind = next((kind for kind in KINDS if (folder / kind.file).is_file()), None)
        if kind is None:
            others += 1
            continue
        try:
            found[kind.title].append(_listed(RunFolder(folder), kind))
        except Exception as error:  # it may be unfinished, or damaged in any way
            torn.append(f"{folder.name}: {reason(error)}")
    parts = [(title, sorted(rows, key=lambda row: row["written"], reverse=True)) for title, rows in found.items() if rows]
    return render("index.html.j2", ours=OURS, parts=parts, torn=torn, others=others)


def _listed(folder: RunFolder, kind: FolderKind) -> dict[str, Any]:
    """A folder as a row of the index."""
    entry, page = kind.read(folder), folder.path / kind.page
    return {
        **entry._asdict(),
        "href": quote(f"{folder.path.name}/{kind.page}") if page.is_file() else "",
        "folder": folder.path.name,
        "written": _date(folder),
    }


def _date(folder: RunFolder) -> str:
    """When what a folder holds was computed; where it does not tell, when it was written. In UTC."""
    if at := folder.read_about().get("computed", {}).get("at", ""):
        return at[:16].replace("T", " ")
    stamped = next(file for name in (ENVIRONMENT, LEADERBOARD.name) if (file := folder.path / name).is_file())
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(stamped.stat().st_mtime))


def _corpus(folder: RunFolder) -> str:
    """The corpus as its owners write it."""
    return corpus_title(folder.read_environment())


def _scored(row: dict[str, Any]) -> tuple[str, str]:
    return format_score(row["uar"]), "" if np.isnan(row["uar_low"]) else interval(row["uar_low"], row["uar_high"])


def _many(n: int, name: str) -> str:
    return f"{n:,} {name}{'' if n == 1 else 's'}"


def _system(row: dict[str, Any]) -> str:
    return f"{row['features']} with {row['model']}"


def _run(folder: RunFolder) -> Entry:
    board = folder.read_leaderboard()
    ranked = board[board["status"] == "ok"]
    first = records(ranked if len(ranked) else board)[0]
    marked = "" if len(ranked) else f" ({first['status'].upper()})"
    labels = "" if first["labels"] == "all" else f"labels '{first['labels']}', "
    size = f"{_many(len(board), 'system')}, {_many(first['clips'], 'clip')}, {_many(first['speakers'], 'speaker')}"
    about = f"{size}; {labels}{first['cv']}; budget {first['budget']}"
    return Entry(_corpus(folder), _system(first) + marked, *_scored(first), about)


def _merged(folder: RunFolder) -> Entry:
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
        f"{_many(len(board), 'row')} on {len(corpora)} {'corpora' if len(corpora) > 1 else 'corpus'}",
    )


def _audit(folder: RunFolder) -> Entry:
    kinds = folder.read_findings()["kind"].value_counts()
    about = ", ".join(_many(int(kinds.get(kind, 0)), kind) for kind in ("error", "warning", "note"))
    if folder.lacks(GAP):
        return Entry(_corpus(folder), "", "", "", about)
    honest, *others = gap_rows(read_gap(folder))
    leaks = [row["gap"] for row in others if row["status"] == "leaky"]
    most = f"; leaks add up to {signed(max(leaks))} UAR" if leaks else ""
    return Entry(_corpus(folder), str(folder.read_environment().get("cell", "")), *_scored(honest), about + most)


def _ablation(folder: RunFolder) -> Entry:
    table, _ = read_ablation(folder)
    whole = records(table[table["mode"] == "all"])[0]
    without = table[(table["mode"] == "without") & table["diff"].notna()].sort_values("diff", kind="stable")
    most = f"leaving out {without.iloc[0]['group']}: {signed(without.iloc[0]['diff'])} UAR" if len(without) else ""
    return Entry(_corpus(folder), _system(whole), *_scored(whole), most)


def _cross(folder: RunFolder) -> Entry:
    table = titled(read_cross(folder), folder.read_about(), *SIDES)
    across = table[(table["train"] != table["test"]) & (table["status"] != "failed")].sort_values("uar", ascending=False, kind="stable")
    corpora = ", ".join(dict.fromkeys([*table["train"], *table["test"]]))
    if across.empty:
        return Entry(corpora, "", "", "", "no row across corpora")
    first = records(across)[0]
    lost = "" if np.isnan(first["loss"]) else f"; {format_score(first['loss'])} below training within"
    return Entry(corpora, _system(first), *_scored(first), f"trained on {first['train']}, evaluated on {first['test']}{lost}")


def _recipe(folder: RunFolder) -> Entry:
    about = folder.read_environment()
    _, system, metric, claimed, reproduced, _, honest, within = next(iter(summary_rows(folder.read_reproduction())))["read"]
    corpus = about["experiments"][0]["corpus"]
    said = f"{metric}: claimed {claimed or 'nothing'}, reproduced {reproduced}, honest {honest} {within}"
    named = f"{corpus.get('title') or corpus['name']}: {about['recipe']}"
    return Entry(named, system, "", "", said)


def _predictions(folder: RunFolder) -> Entry:
    about = folder.read_environment()
    counts = about["predicted"]
    most = "".join(f"; most often {emotion} ({n:,})" for emotion, n in list(counts["emotions"].items())[:1])
    windows = f"windows of {_many(counts['clips'], 'recording')}" if counts["windows"] else "clips"
    return Entry(
        about["corpus"]["title"] or "not known",
        about["system"],
        "",
        "",
        f"{counts['predicted']:,} of {counts['rows']:,} {windows} predicted{most}",
    )


KINDS = (
    FolderKind("Predictions", PREDICTED, PREDICTED_PAGE, _predictions),
    FolderKind("Published systems", REPRODUCTION.name, RECIPE_PAGE, _recipe),
    FolderKind("Cross-corpus evaluations", CROSS, CROSS_PAGE, _cross),
    FolderKind("Ablations", ABLATION, ABLATION_PAGE, _ablation),
    FolderKind("Audits", AUDIT_PAGE, AUDIT_PAGE, _audit),
    FolderKind("Merged leaderboards", MERGED_PAGE, MERGED_PAGE, _merged),
    FolderKind("Runs", CONFIGURATION, RUN_PAGE, _run),
)
"""What folders hold; those of the first kinds hold a configuration as well."""
ORDER = ("Merged leaderboards", "Runs", "Cross-corpus evaluations", "Audits", "Ablations", "Published systems", "Predictions")
