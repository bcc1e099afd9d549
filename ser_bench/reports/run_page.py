"""`report.html`: one self-contained page about a run.

In:   a run folder.
Out:  the page, whose sections `templates/report.html.j2` lists: first the leaderboard (`board.html.j2`, filled by `board`), then what it is
      based on: details of each system (`details`), clips that all systems get wrong, an overview per protocol.
Rule: a function of the folder's files alone, but for players and pictures, which stand where `run.toml` leads to audio that is there,
      and for audits, ablations and recipes of the same clips that lie beside it. Nothing is fetched, from anywhere, by making or by
      reading it, until a player is pressed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

from ser_bench.config import EMOTION
from ser_bench.errors import reason
from ser_bench.evaluation.environment import corpus_titles
from ser_bench.evaluation.leaderboard import BLOCK
from ser_bench.evaluation.run_folder import RunFolder, RunTables
from ser_bench.reports.board import show_block
from ser_bench.reports.board_text import blocks
from ser_bench.reports.conditions import view_conditions
from ser_bench.reports.details import cell_id, open_cell
from ser_bench.reports.errors import block_errors
from ser_bench.reports.figures import TITLES
from ser_bench.reports.made import make_if_changed, page_source
from ser_bench.reports.paper_text import as_text, method, paper_text, results, target_of, title_of
from ser_bench.reports.parameters import view_parameters
from ser_bench.reports.players import AudioLink, sounds
from ser_bench.reports.related import ablations, audited, gaps, reproductions
from ser_bench.reports.rendering import render, way_back
from ser_bench.reports.spectrograms import draw_spectrograms, frequency_ticks
from ser_bench.utils.formatting import listed, number_of, records

if TYPE_CHECKING:
    import pandas as pd


PLAYER = "<audio"
CONFUSED = 3
"""Pairs of emotions that the head of a page names."""


def remake_page(folder: RunFolder) -> bool:
    """Write a run's `report.html` again where it has one, or say in a warning why it stays as it is.

    A run that cannot be read any more keeps its page, and so does one whose audio was found when it was written and is not found now.

    Returns
    -------
    bool
        Whether it was written.
    """
    file = folder.page
    if not file.is_file():
        return False
    try:
        page = make_page(folder)
        if PLAYER in file.read_text(encoding="utf-8") and PLAYER not in page:
            raise FileNotFoundError("its audio is not found from here")
        folder.write_page(page)
    except Exception as error:  # a run that is not ours to mend may be damaged in any way
        warnings.warn(f"{file} stays as it is: {reason(error)}", stacklevel=2)
        return False
    return True


def write_page(folder: RunFolder) -> None:
    """Write a run folder's `report.html`; one that was made from the same is left as it is."""
    make_if_changed(folder.path, [folder.page.name], page_source(folder), lambda: folder.write_page(make_page(folder)))


def make_page(folder: RunFolder) -> str:
    """A run folder's page."""
    run = folder.read()
    heard = sounds(run.configuration, folder.path, run.clips)
    shown = [_block(title, block, run, heard) for title, block in blocks(run.leaderboard, run.environment)]
    cells = [open_cell(record, run) for record in records(run.leaderboard)]
    found = audited(folder)
    hardest = [clip["clip"] for block in shown if block["errors"] for clip in block["errors"]["hardest"]]
    return render(
        "report.html.j2",
        corpus=run.environment["corpus"],
        title=title_of(run),
        environment=run.environment,
        configuration=run.configuration,
        heading=heading(run),
        target=target_of(run),
        paper=paper_of(run),
        blocks=shown,
        pictures=draw_spectrograms(hardest, heard),
        frequencies=frequency_ticks(22, 64),
        shown=records(run.leaderboard),
        titles=corpus_titles([run.environment]),
        skipped=run.skipped.to_dict("records"),
        conditions=view_conditions(run),
        audited=found,
        findings=counted(found["findings"]),
        confused=most_confused(cells),
        gaps=gaps(folder),
        ablations=ablations(folder),
        recipes=reproductions(folder),
        cells=cells,
        back=way_back(folder.path),
        parameters=view_parameters(run.trials),
    )


def heading(run: RunTables) -> str:
    """What the page is about."""
    name = title_of(run)
    if (run.leaderboard["status"] == "leaky").all():
        return f"LEAKY split (speakers shared between training and test): {name}"
    target = target_of(run)
    return f"Speaker-independent {'emotion recognition' if target == EMOTION else f'recognition of {target}'}: {name}"


def counted(findings: Sequence[Mapping[str, Any]]) -> str:
    """How many errors and warnings an audit found, with the names of its checks; empty where nobody looked."""
    if not findings:
        return ""
    of = {kind: [finding["check"] for finding in findings if finding["kind"] == kind] for kind in ("error", "warning")}
    said = [
        f"{number_of(len(checks), kind) if checks else f'no {kind}s'}{f' ({listed(dict.fromkeys(checks))})' if checks else ''}"
        for kind, checks in of.items()
    ]
    return listed(said)


def most_confused(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the best ranked cell confuses most, its pairs in words, and where its details are; None without one, or without confusions."""
    best = next((cell for cell in cells if cell["status"] == "ok"), {})
    if "confusions" not in best:
        return None
    emotions = best["emotions"]
    pairs = [(best["confusions"][i][j]["share"], i, j) for i, j in permutations(range(len(emotions)), 2)]
    often = sorted((pair for pair in pairs if pair[0] > 0), key=lambda pair: (-pair[0], *pair[1:]))[:CONFUSED]
    words = [f"{emotions[i]} as {emotions[j]} {100 * share:.0f}%" for share, i, j in often]
    return {"id": best["id"], "pairs": ", ".join(words)} if words else None


def paper_of(run: RunTables) -> dict[str, str]:
    """What stands ready for a paper."""
    forms = {form: paper_text(run, form) for form in ("latex", "bibtex")}
    return {"method": as_text(method(run)), "results": as_text(results(run)), **forms}


def _block(title: str, block: pd.DataFrame, run: RunTables, heard: Mapping[str, AudioLink]) -> dict[str, Any]:
    shown = show_block(title, block, run.references, run.resolutions, lambda record: f"#{cell_id(record)}")
    first = block.iloc[0]
    others = (first[name] for name in BLOCK if name != "track" and run.leaderboard[name].nunique() > 1)
    brief = ", ".join([*others, TITLES[first["track"]]])
    return {**shown, "brief": brief, "errors": block_errors(block, run.predictions, run.clips, heard)}
