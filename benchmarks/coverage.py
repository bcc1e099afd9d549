"""How often 95% confidence intervals hold the truth where systems are trained, and how flattered the best of them is.

    python benchmarks/coverage.py --repetitions 500

The leaderboards are those of `benchmarks/training.py`: rows that are equally good by construction, trained under cross-validation on the
very speakers that other folds hold out. So the truth of every row, and of the best, is the same: the UAR expected on new speakers of
models trained on new ones, which is the mean over all repetitions and rows.

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

import numpy as np
from simulate import decimals, parse_repetitions, print_table, share_error
from threadpoolctl import threadpool_limits
from training import SETTINGS, Board, Setting, boards, counts_of

from ser_bench import scores
from ser_bench.evaluation.evidence import Block, Evidence, selected_interval

KINDS = ("plain", "refits", "bound", "best", "corrected", "selected")


def evidence(board: Board, row: int) -> Evidence:
    """What the project knows of a row."""
    return Evidence(
        counts=counts_of(board.hits[row]), losses=board.losses[row], name=("", str(row), "", ""), clips=(), rows=[], inner=board.inner[row]
    )


def selected(board: Board) -> np.ndarray:
    """Confusions of the row that is in each fold the one with the best inner score."""
    chosen = board.inner.argmax(0)
    seeds = np.arange(len(board.folds))[:, None]
    hits = board.hits[chosen[seeds, board.folds], seeds, np.arange(board.folds.shape[1])]
    return counts_of(hits)


def intervals(board: Board) -> dict[str, scores.Interval]:
    """An interval of each of `KINDS`; a row named beforehand is the first."""
    rows = [evidence(board, row) for row in range(len(board.hits))]
    block = Block(rows)
    counts = rows[0].counts
    found = {
        "plain": scores.jackknife_of(counts),
        "refits": block.interval(0),
        "bound": scores.jackknife_of(counts, inflation=scores.overlap_bound(counts.shape[1])),
        "best": block.interval(int(np.argmax(block.shares.sum(1).round(12)))),
        "corrected": block.corrected(),
    }
    if not np.isnan(board.inner).any():
        found["selected"] = selected_interval(selected(board))
    return found


def table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per setting."""
    for number, setting in enumerate(SETTINGS, 1):
        if not options.settings or number in options.settings:
            yield [*setting.name.split(" | "), *measured(setting, options.repetitions)]


def measured(setting: Setting, repetitions: int) -> Iterator[str]:
    """Coverage of fixed rows with mean width; bias and coverage of what is said of the best."""
    found, uars = [], []
    for board in boards(setting, repetitions, inner=setting.learner == "LDA"):
        found.append(intervals(board))
        uars.append(scores.uar_of(counts_of(board.hits).sum(2)).mean())
    truth = float(np.mean(uars))
    yield decimals(truth)
    for kind in KINDS:
        mine = np.array([one[kind] for one in found if kind in one])
        if not len(mine):
            yield ""
            continue
        covered = float(((mine[:, 1] <= truth) & (truth <= mine[:, 2])).mean())
        if kind in KINDS[:3]:
            yield f"{decimals(covered)} ({decimals(float((mine[:, 2] - mine[:, 1]).mean()))})"
        else:
            yield f"{mine[:, 0].mean() - truth:+.3f}, {decimals(covered)}"


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
