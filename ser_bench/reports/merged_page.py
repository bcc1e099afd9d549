"""`leaderboard.html`: several runs on one self-contained page.

In:   a merged leaderboard.
Out:  the page: systems by corpora, what can be said across these, then every block as a run's page shows it.
Rule: what was searched for with different budgets shares no table. A row leads to the page of the run that it is from, where that lies;
      nothing is fetched by making or by reading it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.config import EMOTION
from ser_bench.evaluation.analysis_folders import MergedFolder
from ser_bench.evaluation.comparison import search
from ser_bench.evaluation.environment import corpus_title
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import comparison as across
from ser_bench.reports.board import show_block
from ser_bench.reports.board_text import blocks, terminal_tables, to_markdown
from ser_bench.reports.critical_difference import told
from ser_bench.reports.details import cell_id
from ser_bench.reports.figures import TITLES, Drawing, write_figures
from ser_bench.reports.figures.ranks import draw_ranks
from ser_bench.reports.made import digest_of
from ser_bench.reports.rendering import render, way_back
from ser_bench.reports.run_page import remake_page
from ser_bench.utils.formatting import escaped, number_of, records

if TYPE_CHECKING:
    from ser_bench.evaluation.merge import Merged, RankedBlock
    from ser_bench.utils.terminal import TerminalTable


def write_merged_page(merged: Merged) -> None:
    """Write the page of a merged leaderboard into its folder."""
    shown = [_show(block, merged) for block in merged.blocks]
    page = render(
        "merged.html.j2",
        targets=_targets(merged),
        back=way_back(merged.folder),
        runs=merged.runs,
        kernels=merged.kernels,
        shown=records(merged.leaderboard),
        titles=merged.titles,
        verdicts=_verdicts(merged, shown),
        blocks=shown,
        across=[across.systems_by_corpora(comparison, merged.blocks, _linked(merged.folder)) for comparison in merged.across],
        not_compared_because=merged.not_compared_because,
    )
    MergedFolder(merged.folder).write_page(page)


def _targets(merged: Merged) -> str:
    """What the runs predict, in words; those of earlier versions, which do not say, predict emotions."""
    said = {str(about.get("corpus", {}).get("target", EMOTION)) for about in merged.abouts.values()}
    return "" if said == {EMOTION} else ", ".join(sorted(said))


def _about(block: RankedBlock, merged: Merged) -> Mapping[str, Any]:
    """What a block's runs say of their corpus and classes: all of them the same, as the first of them says it."""
    return merged.abouts[block.board["runs"].iloc[0][0]]


def _show(block: RankedBlock, merged: Merged) -> dict[str, Any]:
    """A block as a page shows it, its rows leading to the pages of their runs."""
    about = _about(block, merged)
    ((title, board),) = blocks(block.board, about, block.qualifier)
    first = board.iloc[0]
    named = [corpus_title(about, first["corpus"]), first["labels"], first["cv"], TITLES[first["track"]]]
    brief = ", ".join([*named, *([block.qualifier] if block.qualifier else [])])
    return {**show_block(title, board, block.references, block.resolutions, _linked(merged.folder)), "brief": brief}


def _linked(folder: Path) -> Callable[[dict[str, Any]], str]:
    """Where a row stands opened, from a folder: on the page of its run, as far as that is there."""

    def link(row: dict[str, Any]) -> str:
        page = RunFolder(Path(row["runs"][0])).page
        return f"{Path(os.path.relpath(page, folder)).as_posix()}#{cell_id(row)}" if page.is_file() else ""

    return link


def _verdicts(merged: Merged, shown: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What it all comes to, first of all on the page: each comparison across corpora, or, without one, each block by itself."""
    if merged.across:
        return [{"of": "", "href": "", "said": across.verdict(comparison)} for comparison in merged.across]
    corpora = [block.board["corpus"].iloc[0] for block in merged.blocks]
    heads = [
        f"{merged.titles.get(corpus, corpus)}, {search(block.board.iloc[0])}" for corpus, block in zip(corpora, merged.blocks, strict=True)
    ]
    said = [
        {"of": head, "href": f"#block-{i}", "said": block["verdict"]} for i, (head, block) in enumerate(zip(heads, shown, strict=True), 1)
    ]
    return [one for one in said if one["said"]]


def write_merged(merged: Merged, style: str = "") -> None:
    """Write the folder of a merged leaderboard, and first the pages that it leads to, as far as they can be; `style` as `write_figures`."""
    for run in merged.runs:
        remake_page(RunFolder(Path(run)))
    text = to_text(merged)
    folder = MergedFolder(merged.folder)
    folder.write_environment({"corpora": [{"name": name, "title": title} for name, title in merged.titles.items()]})
    folder.write_leaderboard(merged.leaderboard)
    folder.write_markdown(text)
    write_diagram(merged, style)
    write_merged_page(merged)


def write_diagram(merged: Merged, style: str) -> None:
    """Draw the critical-difference diagram; none where no comparison has three corpora."""
    drawn = [comparison for comparison in merged.across if comparison.drawable]
    said = "; ".join(f"{', '.join(one.titles)} ({told(one)}; {one.search})" for one in drawn)
    drawing = Drawing("critical-difference", f"Mean ranks of systems over {said}.", partial(draw_ranks, drawn), always=True)
    compared = (f"{one.title}{one.cliques}{one.systems.to_csv()}" for one in drawn)
    write_figures(merged.folder, [drawing], digest_of(said, *compared), style)


def to_text(merged: Merged) -> str:
    """The merged leaderboard as Markdown."""
    tables = [
        to_markdown(block.board, block.references, block.resolutions, about=_about(block, merged), qualifier=block.qualifier)
        for block in merged.blocks
    ]
    compared = [across.to_markdown(comparison) for comparison in merged.across]
    drawn = "![Mean ranks](figures/critical-difference.svg)\n" if any(c.drawable for c in merged.across) else ""
    kernels = [f"{escaped(merged.kernels)}.\n"] if merged.kernels else []
    parts = [
        "# Leaderboard\n",
        f"Of {number_of(len(merged.runs), 'run')}: {escaped(', '.join(merged.runs))}.\n",
        *kernels,
        "## Across corpora\n",
        *compared,
        *(f"{escaped(line)}\n" for line in merged.not_compared_because),
        drawn,
        "## Within each corpus\n",
        *tables,
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def merged_tables(merged: Merged) -> list[TerminalTable]:
    """The merged leaderboard for a terminal: a table per block, then one per comparison."""
    within = [
        table
        for block in merged.blocks
        for table in terminal_tables(
            block.board, block.references, block.resolutions, about=_about(block, merged), qualifier=block.qualifier
        )
    ]
    return [*within, *map(across.terminal_table, merged.across)]
