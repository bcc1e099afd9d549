"""The best UAR that is known of a corpus, which checks that ask whether something else predicts its emotions are read against.

In:   a folder of results, and what is evaluated.
Out:  a UAR.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ser_bench.errors import reason
from ser_bench.evaluation.run_folder import LEADERBOARD, RunFolder


def best_of_runs(out: Path, about: Mapping[str, Any]) -> float | None:
    """The best UAR, of rows without leaks, of the runs in a folder that are of the same clips in the same folds; None without any.

    Parameters
    ----------
    out : Path
    about : mapping
        What is evaluated, as `evaluation.environment.evaluated` says it.
    """
    return max(
        (uar for run in RunFolder.all_in(out) if not run.lacks(LEADERBOARD.name) and _same(run, about) for uar in _uars(run)), default=None
    )


def _same(run: RunFolder, about: Mapping[str, Any]) -> bool:
    said = run.read_about()
    return all(said.get(name) == about[name] for name in ("corpus", "protocol")) and bool(
        dict(said.get("folds", {})).items() & about["folds"].items()
    )


def _uars(run: RunFolder) -> Iterator[float]:
    """The UARs of a run; none, and a warning, where they cannot be read."""
    try:
        board = run.read_leaderboard()
        yield from board.loc[board["status"] == "ok", "uar"].dropna()
    except Exception as error:  # it may be damaged in any way, and stops nobody else
        warnings.warn(f"{run.path} is left out of what lies beside it: {reason(error)}", stacklevel=3)
