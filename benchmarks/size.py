"""Size and power of the comparison with the best row: how often rows as good as the best, and worse ones, are reported as worse.

    python benchmarks/size.py equal --repetitions 500
    python benchmarks/size.py worse --repetitions 300
    python benchmarks/size.py equivalent --repetitions 200

The leaderboards are those of `benchmarks/training.py`: systems are trained, under cross-validation, on the very speakers that others hold
out. All rows are equally good by construction, but for the last row of `worse`.

`equal` prints the share of leaderboards in which ANY row gets p <= .05 (the family-wise size): by `scores.p_vs_best` with the
variance ratios that refits without pairs of folds give (`refits`: what the project does); with the largest ratio that overlap can bring
(`bound`: what it does where there are no refits); and with none (`none`: the test as if held-out speakers had trained nobody's model).
Beside them: how often two rows named beforehand differ at p <= .05 by Student's t over speakers with either variance; and by how much
the errors of differences are larger than speakers' spread shows: in truth, over all repetitions, and as estimated.

`worse` moves the last row's emotions closer together and prints how often it is found, by each of the three: what the correction costs.

`equivalent` has the leaderboards of `worse`, and takes the true distance of the weaker row for the region of practical equivalence: so that
row is just not equivalent to the best. It prints how often the row is called equivalent all the same (should be .05 at most), and how
often a row that is as good as the best is, by each of the three.

With more than 15 speakers p_vs_best draws 999 random swaps here, not 9,999, for speed; with fewer it goes through all.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy.stats import t
from simulate import decimals, parse_repetitions, print_table, share_error
from threadpoolctl import threadpool_limits
from training import CLIPS, SETTINGS, Board, Setting, boards, counts_of

from ser_bench.scores import equivalent_to_best, influences_of, overlap_bound, p_vs_best, variance_ratios
from ser_bench.scores.uncertainty import of_differences, voice_covariance

SWAPS, FOUND = 999, 0.05
WAYS = ("refits", "bound", "none")
WEAKER = (0.06, 0.12)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What one board says.

    Confusions, contributions of each row and speaker, variances of differences, and their ratios by each of `WAYS`.
    """

    counts: np.ndarray
    shares: np.ndarray
    plain: np.ndarray
    ratios: dict[str, np.ndarray]


def evidence(board: Board) -> Evidence:
    """All that the tests need of a board."""
    n = board.hits.shape[2]
    shares = board.hits @ (1 / (len(CLIPS) * n * CLIPS))
    counts = counts_of(board.hits)
    influences = influences_of(counts)
    measured = not np.isnan(board.losses).all()
    ratios = variance_ratios(influences, shares, board.losses if measured else None)
    one = np.ones_like(ratios)
    return Evidence(
        counts,
        shares.mean(1),
        of_differences(voice_covariance(influences.mean(1))),
        {"refits": ratios if measured else one, "bound": overlap_bound(n) * one, "none": one},
    )


def smallest(found: Evidence) -> list[float]:
    """The smallest p of any row, by each of `WAYS`."""
    return [float(np.nanmin(p_vs_best(found.shares, found.ratios[way], resamples=SWAPS))) for way in WAYS]


def named(found: Evidence) -> list[bool]:
    """Whether the first two rows differ, by the variance with refits and without."""
    difference, n = found.shares[0].sum() - found.shares[1].sum(), found.shares.shape[1]
    errors = [np.sqrt(found.plain[0, 1] * found.ratios[way][0, 1]) for way in ("refits", "none")]
    return [abs(difference) > t.ppf(1 - FOUND / 2, n - 1) * error for error in errors]


def equal_table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per setting."""
    for setting in chosen(options):
        found = [evidence(board) for board in boards(setting, options.repetitions, inner=False)]
        sizes = (np.array([smallest(one) for one in found]) <= FOUND).mean(0)
        pairs = np.mean([named(one) for one in found], axis=0)
        apart = ~np.eye(setting.rows, dtype=bool)
        uars = np.array([one.shares.sum(1) for one in found])
        truth = of_differences(np.cov(uars.T))[apart].mean() / np.mean([one.plain[apart] for one in found])
        estimated = np.mean([one.ratios["refits"][apart].mean() for one in found])
        yield [*setting.name.split(" | "), *map(decimals, (*sizes, *pairs)), f"{truth**0.5:.2f}", f"{estimated**0.5:.2f}"]


def worse_table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per setting and strength of the weaker row."""
    for setting in chosen(options):
        for weaker in WEAKER if not setting.fresh else ():
            found, behind = with_weaker(setting, weaker, options.repetitions)
            power = np.mean([[p_last(one, way) <= FOUND for way in WAYS] for one in found], axis=0)
            yield [*setting.name.split(" | "), decimals(behind), *map(decimals, power)]


def equivalent_table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per setting and region."""
    for setting in chosen(options):
        for weaker in WEAKER if not setting.fresh else ():
            found, behind = with_weaker(setting, weaker, options.repetitions)
            called = np.array([[not_significantly_worse(one, way, behind) <= FOUND for way in WAYS] for one in found])
            best = np.array([np.argmax(one.shares.sum(1)) for one in found])
            mistaken = called[..., -1][best < setting.rows - 1].mean(0)
            right = called[..., :-1].sum((0, 2)) / (len(found) * (setting.rows - 1) - np.count_nonzero(best < setting.rows - 1))
            yield [*setting.name.split(" | "), decimals(behind), *map(decimals, (*mistaken, *right))]


def with_weaker(setting: Setting, weaker: float, repetitions: int) -> tuple[list[Evidence], float]:
    """Boards whose last row is weaker, and by how much of the UAR it is."""
    changed = dataclasses.replace(setting, weaker=weaker)
    found = [evidence(board) for board in boards(changed, repetitions, inner=False)]
    return found, float(np.mean([one.shares[:-1].sum(1).mean() - one.shares[-1].sum() for one in found]))


def not_significantly_worse(found: Evidence, way: str, rope: float) -> np.ndarray:
    """The p of equivalence with the best of each row; NaN of the best."""
    return equivalent_to_best(list(found.counts), int(np.argmax(found.shares.sum(1))), found.ratios[way], rope=rope).p


def p_last(found: Evidence, way: str) -> float:
    """The p of the weaker row; 1 where it came out best."""
    return float(np.nan_to_num(p_vs_best(found.shares, found.ratios[way], resamples=SWAPS)[-1], nan=1.0))


def chosen(options: argparse.Namespace) -> list[Setting]:
    """The settings asked for, by their numbers from 1."""
    return [setting for number, setting in enumerate(SETTINGS, 1) if not options.settings or number in options.settings]


def main() -> None:
    """Print the table of one question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("equal", "worse", "equivalent"))
    parser.add_argument("--repetitions", type=parse_repetitions, default=500)
    rows = range(1, len(SETTINGS) + 1)
    parser.add_argument(
        "--settings", type=int, nargs="+", choices=rows, metavar="N", help=f"rows of the table, of {len(rows)}; all without"
    )
    options = parser.parse_args()
    if options.question == "equal" and options.repetitions < 2:
        parser.error("--repetitions: the true ratio is a spread over leaderboards: use 2 or more")
    errors = [decimals(share_error(share, options.repetitions)) for share in (0.05, 0.8)]
    print(f"{options.repetitions:,} leaderboards per row; the standard error of .05 is {errors[0]}, of .8 {errors[1]}.\n")
    setting = ["system", "rows", "speakers"]
    with threadpool_limits(1):
        if options.question == "equal":
            print_table([*setting, *WAYS, "two named: refits", "none", "true ratio", "estimated"], equal_table(options))
        elif options.question == "worse":
            print_table([*setting, "worse by", *WAYS], worse_table(options))
        else:
            print_table([*setting, "region", *WAYS, *(f"as good: {way}" for way in WAYS)], equivalent_table(options))


if __name__ == "__main__":
    main()
