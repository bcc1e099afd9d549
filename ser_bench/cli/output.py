"""What commands print: tables on stdout, the rest beside them.

In:   results, tables, lines.
Out:  text on stdout, warnings and progress on stderr.
Rule: nothing that others named reaches a terminal as more than text, and no line needs more than plain characters.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ser_bench.errors import printable, quoted
from ser_bench.utils.formatting import format_score, number_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.estimate import Forecast
    from ser_bench.evaluation.merge import Merged
    from ser_bench.results import Ablated, Audited, Crossed, Reproduced, Results
    from ser_bench.utils.terminal import TerminalTable

LONGEST_LINE = 10_000
NUMBER = re.compile(r"[-+<]?[\d,]*\.?\d*%?")
"""A cell that is aligned to the right."""


def say(line: str, *, err: bool = False, **style: Any) -> None:
    """Print a line, with control characters of names in it written out."""
    write(click.style(quoted(line, LONGEST_LINE), **style), err=err)


def write(text: str, *, end: str = "\n", err: bool = False) -> None:
    """Print text, with colours where the stream gets them."""
    stream = sys.stderr if err else sys.stdout
    print(text if coloured(stream) else click.unstyle(text), end=end, file=stream, flush=True)


def coloured(stream: TextIO) -> bool:
    """Whether a stream gets colours: not where NO_COLOR is set or the terminal is dumb, even in a pipe where FORCE_COLOR is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def shown(value: Any) -> Any:
    """A cell of a table that goes to a terminal."""
    return printable(value) if isinstance(value, str) else value


def warn(warnings: Iterable[str]) -> None:
    """Print warnings on stderr, one line per warning."""
    for warning in warnings:
        say(f"warning: {warning}", err=True)


def print_results(result: Results, *, named: bool = False) -> None:
    """A run's warnings, its leaderboard, what was fitted, and where the report is.

    A run that is one of several is `named`, and its rows are left to the merged leaderboard.
    """
    from ser_bench.evaluation.environment import corpus_title
    from ser_bench.evaluation.run_folder import RunFolder
    from ser_bench.reports import terminal_tables

    folder = RunFolder(result.folder)
    about = folder.read_about()
    if named:
        say(corpus_title(about, result.leaderboard["corpus"].iloc[0]), bold=True)
    warn([*result.warnings, *result.found])
    print_skipped(result.skipped, result.folder)
    if not named:
        _print(*terminal_tables(result.leaderboard, folder.read_references(), result.resolutions, about=about))
    if result.conditions is not None:
        print_conditions(result.conditions)
    if result.unchanged:
        say(f"nothing to do: {number_of(result.reused, 'unit')} reused, and all files as they were written")
    elif result.fitted or result.reused:
        say(f"{number_of(result.fitted, 'unit')} fitted{_where_time_went(result.spent)}, {result.reused} reused")
    say(f"report: {result.page}")


def print_conditions(table: pd.DataFrame) -> None:
    """Each system on its held-out clips as they are and under test conditions."""
    from ser_bench.reports import condition_rows

    several = table["track"].nunique() > 1
    rows = []
    for row in condition_rows(table):
        system = [*row["read"][:2], *([row["track"]] if several else [])]
        named = system if row["unchanged"] else [""] * len(system)
        rows.append([*named, *row["read"][2:], row["added"], row["p_read"]])
    head = ["features", "model", *(["track"] if several else []), "held-out clips", "UAR", "95% CI", "ΔUAR from unchanged", "p"]
    print_table(head, rows, names=len(head) - 4, title="robustness: the same systems on changed held-out clips")


def print_skipped(skipped: pd.DataFrame, folder: Path) -> None:
    """How many clips were left out, and the file that lists them."""
    from ser_bench.corpora import left_out
    from ser_bench.evaluation.result_folder import ResultFolder

    for line in left_out(skipped):
        say(f"{line}; all in {ResultFolder(folder).skipped}", err=True)


def print_merged(merged: Merged) -> None:
    """The tables of several runs ranked together, and where their pages are."""
    from ser_bench.evaluation.analysis_folders import MergedFolder
    from ser_bench.reports.merged_page import merged_tables

    _print(*merged_tables(merged))
    for line in merged.not_compared_because:
        say(line)
    say(f"leaderboard: {MergedFolder(merged.folder).markdown}")
    say(f"report: {merged.page}")


def _where_time_went(spent: dict[str, float]) -> str:
    """Such as `` in 12.5 CPU min (xgb 62%, rf 30%, svm 8%)``."""
    total = sum(spent.values())
    if not total:
        return ""
    shares = ", ".join(f"{model} {seconds / total:.0%}" for model, seconds in spent.items())
    return f" in {f'{total / 60:.1f} CPU min' if total > 90 else f'{total:.1f} CPU s'} ({shares})"


def print_ablated(found: Ablated) -> None:
    """An ablation's tables, and where its report is."""
    from ser_bench.evaluation.analysis_folders import AblationFolder
    from ser_bench.evaluation.environment import titled
    from ser_bench.reports.ablation import importance_table, terminal_table

    table = titled(found.table, AblationFolder(found.folder).read_about(), "corpus")
    warn(found.warnings)
    print_skipped(found.skipped, found.folder)
    system = ["features", "model"]
    for _, rows in table.groupby(system, sort=False):
        _print(terminal_table(rows))
    for (features, model), rows in found.importance.groupby(system, sort=False) if found.importance is not None else ():
        print_table(*importance_table(rows), title=f"feature importance: {features} with {model}")
    say(f"report: {found.page}")
    print_shown_in(found.shown_in)


def print_crossed(found: Crossed) -> None:
    """A matrix of training and test corpora for each system, and where the tables are."""
    from ser_bench.evaluation.analysis_folders import CrossFolder
    from ser_bench.evaluation.environment import titled
    from ser_bench.evaluation.leaderboard import chance_level
    from ser_bench.reports.cross import NAMED, SIDES, matrices

    warn(found.warnings)
    print_skipped(found.skipped, found.folder)
    folder = CrossFolder(found.folder)
    for matrix in matrices(titled(found.table, folder.read_about(), *SIDES)):
        print_table(matrix.head, matrix.rows, title=matrix.title, below=matrix.notes, names=NAMED)
    chance = format_score(chance_level(len(found.emotions)))
    say(f"classes: {', '.join(found.emotions)}; chance {chance}; loss: how far a UAR is below training within")
    say("intervals within a corpus, and of losses, have the bound of what overlapping training sets can add")
    say(f"tables: {folder.table}")
    say(f"report: {found.page}")


def print_reproduced(found: Reproduced) -> None:
    """Claimed, reproduced and honest side by side, LEAKY rows in red; where the difference comes from, and where the report is."""
    from ser_bench.reports.recipe import terminal_rows

    warn(found.warnings)
    head, rows, styles = terminal_rows(found.table)
    print_table(head, rows, title=f"{found.name}: claimed, reproduced (LEAKY in red), honest", styles=styles)
    for name, line in found.lines.items():
        say(f"{name}: {line}" if name else line)
    for note in found.notes:
        print_entry("note", note)
    say(f"report: {found.page}")


def print_audit(found: Audited) -> None:
    """What an audit found, gravest in red, and where its report is."""
    say(found.name, bold=True)
    for name, value in found.summary.items():
        print_entry(name, value)
    colours = {"error": "red", "warning": "yellow", "note": None}
    for kind, check, what in found.findings[["kind", "check", "what"]].astype(str).to_numpy().tolist():
        say(f"{kind}: {check}", fg=colours[kind], bold=True)
        print_entry("", what)
    if found.gap is not None:
        print_gap(found.gap)
    say(f"report: {found.page}")
    print_shown_in(found.shown_in)


def print_shown_in(pages: Sequence[Path]) -> None:
    """Name the reports of runs that show this, too."""
    if pages:
        say(f"also shown in: {', '.join(map(str, pages))}")


def print_gap(gap: pd.DataFrame) -> None:
    """The leak gap, the honest row first and the leaky ones in red."""
    from ser_bench.reports import gap_rows

    rows = list(gap_rows(gap))
    read = [[*row["words"], *row["read"][3:], row["added"]] for row in rows]
    styles = ["red" if row["status"] == "leaky" else "" for row in rows]
    print_table(("split", "hyperparameters", "standardised with", "UAR", "95% CI (bound)", "ΔUAR"), read, styles=styles, names=3)


def print_catalogue(rows: list[dict[str, Any]]) -> None:
    """An entry per paragraph, whatever the terminal's width: its name, and below it what is known of it."""
    for row in rows:
        (_, name), *known = row.items()
        say(str(name), bold=True)
        for column, value in known:
            if value != "":
                print_entry(column, str(value))


def print_entry(name: str, text: str) -> None:
    """What is known under a name, in a column of its own."""
    import shutil
    import textwrap

    head = f"  {name:12} " if name else "  "
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    filled = textwrap.wrap(printable(" ".join(text.split())), width, initial_indent=head, subsequent_indent=" " * len(head))
    for line in filled or [head]:
        say(line)


def print_dry_runs(forecasts: Iterable[Forecast]) -> None:
    """What dry runs expect, a table each."""
    for forecast in forecasts:
        warn(forecast.warnings)
        print_table(forecast.table.columns, forecast.table.itertuples(index=False))
        print_forecast(forecast)


def print_forecast(forecast: Forecast) -> None:
    """What a dry run expects: fits, minutes, clips to be extracted."""
    table = forecast.table
    minutes = number_of(round(table["minutes"].sum()), "minute")
    say(f"{table['fits'].sum():,} fits in {number_of(table['to do'].sum(), 'unit')} remaining, about {minutes}")
    if forecast.missing:
        say(f"plus feature extraction for {number_of(forecast.missing, 'clip')}")


def print_table(
    head: Iterable[str],
    rows: Iterable[Iterable[Any]],
    *,
    title: str = "",
    below: Sequence[str] = (),
    styles: Sequence[str] = (),
    names: int = 1,
    spared: Sequence[str] = (),
) -> None:
    """Print a table as `TerminalTable` has it; `styles` has one for each row, or is empty. Columns of numbers stand to the right."""
    from ser_bench.utils.terminal import Part, TerminalTable

    heads, cells = [str(name) for name in head], [[str(cell) for cell in row] for row in rows]
    words = [name for name, column in zip(heads, zip(*cells, strict=True), strict=False) if not all(map(NUMBER.fullmatch, column))]
    part = Part(cells, styles or [""] * len(cells))
    _print(TerminalTable(heads, [part], title, below, words, names, spared=spared))


def _print(*tables: TerminalTable) -> None:
    """Print tables, on a terminal as wide as that is; in a file or a pipe each row is a line."""
    from rich.console import Console

    from ser_bench.utils.terminal import WIDE

    width = None if sys.stdout.isatty() else max([WIDE, *(table.width for table in tables)])
    Console(width=width, color_system="auto" if coloured(sys.stdout) else None).print(*tables)
