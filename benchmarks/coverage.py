"""Coverage of 95% confidence intervals with trained systems, and the selection bias of the best of them.

    python benchmarks/coverage.py --repetitions 500

The leaderboards are those of `benchmarks/training.py`, trained under cross-validation on the very speakers that other folds hold out.
The truth of a row is the UAR expected on new speakers of models trained on new ones: its mean over all repetitions, and over all rows that
are equally good by construction. Settings from 18 have one row that is better. The truth of the best is that of the row which came out
best, of `selected` that of the rows which were selected.

Printed per setting: coverage of a row named beforehand, by the jackknife over speakers alone (`plain`), with the variance ratio of refits
without pairs of folds (`refits`, what a leaderboard shows), and with the largest ratio that there can be (`bound`); and for the best row
as it stands, for `best, corrected` (`scores.corrected_best`) and for `selected` (in each fold the row with the best inner score), how far
the UAR is above the truth and how often its interval holds it. Inner scores are simulated for linear discriminants only.
"""

from __future__ import annotations

if __name__ != "__main__":
    # Scripts beside this one have this folder first on their path, and numba asks for a package of this name.
    raise ImportError("this is a command, not the package `coverage`")

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from simulate import decimals, parse_repetitions, print_table, share_error
from threadpoolctl import threadpool_limits
from training import SETTINGS, Board, Setting, boards, counts_of

from ser_bench import scores
from ser_bench.evaluation.evidence import Block, Evidence, selected_interval

KINDS = ("plain", "refits", "bound", "best", "corrected", "selected")
ONE_BETTER = (replace(SETTINGS[0], weaker=-0.15), replace(SETTINGS[1], weaker=-0.15), replace(SETTINGS[6], weaker=-0.05))
"""Settings whose last row is better: by some .08, by the same with more speakers, and by so little that another is often the best."""


def evidence(board: Board, row: int) -> Evidence:
    """What the project knows of a row."""
    return Evidence(
        counts=counts_of(board.hits[row]), losses=board.losses[row], name=("", str(row), "", ""), clips=(), rows=[], inner=board.inner[row]
    )


def chosen(board: Board) -> np.ndarray:
    """The row with the best inner score in the fold of each speaker, shape (seeds, speakers)."""
    return np.take_along_axis(board.inner.argmax(0), board.folds, 1)


def selected(board: Board) -> np.ndarray:
    """Confusions of the row that is in each fold the one with the best inner score."""
    seeds = np.arange(len(board.folds))[:, None]
    hits = board.hits[chosen(board), seeds, np.arange(board.folds.shape[1])]
    return counts_of(hits)


def estimates(board: Board) -> tuple[dict[str, scores.Interval], dict[str, np.ndarray]]:
    """An interval of each of `KINDS`, and the rows of which it speaks; a row named beforehand is the first."""
    rows = [evidence(board, row) for row in range(len(board.hits))]
    block = Block(rows)
    counts = rows[0].counts
    first, best = np.array([0]), np.array([block.place_of_best])
    found = {
        "plain": scores.jackknife_of(counts),
        "refits": block.interval(0),
        "bound": scores.jackknife_of(counts, inflation=scores.overlap_bound(counts.shape[1])),
        "best": block.interval(block.place_of_best),
        "corrected": block.corrected(),
    }
    about = dict.fromkeys(KINDS[:3], first) | dict.fromkeys(KINDS[3:5], best)
    if not np.isnan(board.inner).any():
        found["selected"] = selected_interval(selected(board))
        about["selected"] = chosen(board).ravel()
    return found, about


def table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per setting."""
    for number, setting in enumerate((*SETTINGS, *ONE_BETTER), 1):
        if not options.settings or number in options.settings:
            system, rows, speakers = setting.name.split(" | ")
            yield [system, rows + (", one better" if setting.weaker else ""), speakers, *measured(setting, options.repetitions)]


def measured(setting: Setting, repetitions: int) -> Iterator[str]:
    """Coverage of fixed rows with mean width; bias and coverage of what is said of the best."""
    found, uars = [], []
    for board in boards(setting, repetitions, inner=setting.learner == "LDA"):
        found.append(estimates(board))
        uars.append(scores.uar_of(counts_of(board.hits).sum(2)).mean(1))
    truth = truths(np.mean(uars, 0), setting)
    yield decimals(float(truth[0]))
    for kind in KINDS:
        mine = np.array([intervals[kind] for intervals, _ in found if kind in intervals])
        if not len(mine):
            yield ""
            continue
        true = np.array([truth[about[kind]].mean() for _, about in found])
        covered = float(((mine[:, 1] <= true) & (true <= mine[:, 2])).mean())
        if kind in KINDS[:3]:
            yield f"{decimals(covered)} ({decimals(float((mine[:, 2] - mine[:, 1]).mean()))})"
        else:
            yield f"{(mine[:, 0] - true).mean():+.3f}, {decimals(covered)}"


def truths(uars: np.ndarray, setting: Setting) -> np.ndarray:
    """What each row is worth: one value for all that are equally good."""
    equal = slice(None, -1) if setting.weaker else slice(None)
    found = uars.copy()
    found[equal] = uars[equal].mean()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=parse_repetitions, default=500)
    rows = range(1, len(SETTINGS) + 1)
    parser.add_argument(
        "--settings", type=int, nargs="+", choices=rows, metavar="N", help=f"rows of the table, of {len(rows)}; all without"
    )
    options = parser.parse_args()
    error = decimals(share_error(0.95, options.repetitions))
    print(f"{options.repetitions:,} leaderboards per row; the standard error of a coverage of .95 is {error}.\n")
    head = [
        "system",
        "rows",
        "speakers",
        "UAR",
        *(f"{kind} (width)" for kind in KINDS[:3]),
        *(f"{kind}: bias, covered" for kind in KINDS[3:]),
    ]
    with threadpool_limits(1):
        print_table(head, table(options))


if __name__ == "__main__":
    main()
