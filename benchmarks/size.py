"""How often rows of a leaderboard are called worse than the best: rows that are as good, and rows that are not.

    python benchmarks/size.py equal --repetitions 2000
    python benchmarks/size.py worse --repetitions 2000

A simulated leaderboard: rows judge the same clips of the same speakers (balanced, eight emotions, 60 clips a speaker). A row is
right about a clip where emotion + speaker (sd .4) + clip (sd .8) + this row with this speaker (sd .3) + this row with this clip
(sd .6) is above zero; the first three are the same for all rows. Levels are set so that a row's recall expected of a new
speaker is what it should be, exactly (UAR .6). In `half volatile` every other row, in `one volatile` the last one, has an effect
with speakers three times as large (sd .9) and the same expectation; the others a steady one (sd .1).

`equal` prints the share of leaderboards in which ANY row gets p <= .05 though all are equally good: by `scores.p_vs_best`;
and by what is usual, after picking the best row from the same data: the paired permutation test over speakers (a thousand random
flips of the sign of each speaker's difference) against each other row, as it is and with Holm's correction; and McNemar's exact
test over clips, uncorrected.

`worse` puts the last row .05, .10 and `scores.smallest_difference` (its mean over 100 leaderboards of equal rows) below
the others and prints how often it is found, and how often any of the others is called worse.

With more than 15 speakers p_vs_best draws 1,000 random swaps here, not 10,000, for speed; with fewer it goes through all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom
from simulate import DESIGNS, decimals, print_table, share_error
from threadpoolctl import threadpool_limits

from ser_bench.scores import holm, p_vs_best, smallest_difference

SPEAKERS, ROWS = (6, 10, 24), (2, 8, 30)
SPREADS = ("alike", "half volatile", "one volatile")
CLIPS = np.array(DESIGNS["balanced"].clips, int)
UAR, SWAPS, FOUND = 0.6, 1000, 0.05
BY_SPEAKER, BY_CLIP, BY_ROW_AND_CLIP = 0.4, 0.8, 0.6
TESTS = ("p_vs_best", "paired, Holm", "paired", "McNemar")


def own_spread(spread: str, rows: int) -> np.ndarray:
    """Standard deviation of each row's own effect with speakers."""
    if spread == "alike":
        return np.full(rows, 0.3)
    volatile = np.arange(rows) % 2 == 1 if spread == "half volatile" else np.arange(rows) == rows - 1
    return np.where(volatile, 0.9, 0.1)


def draw_board(n_speakers: int, own: np.ndarray, worse: float, rng: np.random.Generator) -> np.ndarray:
    """Who is right about which clip, shape (rows, speakers, clips), the last row being worse by so much UAR."""
    shape = (len(own), n_speakers, CLIPS.sum())
    emotion = np.repeat(np.arange(len(CLIPS)), CLIPS)
    recall = UAR + np.linspace(-0.15, 0.15, len(CLIPS))[emotion] - np.where(np.arange(len(own)) == len(own) - 1, worse, 0)[:, None]
    total = np.sqrt(BY_SPEAKER**2 + BY_CLIP**2 + own**2 + BY_ROW_AND_CLIP**2)
    level = total[:, None] * ndtri(recall)
    shared = BY_SPEAKER * rng.standard_normal((n_speakers, 1)) + BY_CLIP * rng.standard_normal(shape[1:])
    effect = own[:, None] * rng.standard_normal(shape[:2])
    chance = BY_ROW_AND_CLIP * rng.standard_normal(shape, dtype=np.float32)
    return level[:, None] + shared + effect[..., None] + chance > 0


def shares_of(right: np.ndarray) -> np.ndarray:
    """Each speaker's contribution to each row's UAR, as `scores.contributions` has it."""
    worth = 1 / (len(CLIPS) * right.shape[1] * np.repeat(CLIPS, CLIPS))
    return right @ worth


def p_values(right: np.ndarray, seed: int) -> np.ndarray:
    """P of each row by each of `TESTS`, shape (4, rows); 1 for the best. `seed` is of the swaps."""
    shares = shares_of(right)
    best = int(np.argmax(shares.sum(1).round(12)))
    others = np.arange(len(right)) != best
    found = np.ones((len(TESTS), len(right)))
    found[0, others] = p_vs_best(shares, resamples=SWAPS, seed=seed)[others]
    alone = paired(shares[best] - shares[others], seed)
    found[1, others], found[2, others] = holm(alone), alone
    won, lost = ((a & ~b).sum((1, 2)) for a, b in ((right[best], right[others]), (right[others], right[best])))
    found[3, others] = np.minimum(1, 2 * binom.cdf(np.minimum(won, lost), won + lost, 0.5))
    return found


def paired(differences: np.ndarray, seed: int) -> np.ndarray:
    """Two-sided P of each row of differences, shape (rows, speakers), by random flips of their signs."""
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (SWAPS, differences.shape[1]))
    reached = np.abs(signs @ differences.T) >= np.abs(differences.sum(1)) - 1e-12
    return (1 + reached.sum(0)) / (1 + SWAPS)


def boards(n_speakers: int, rows: int, spread: str, worse: float, repetitions: int) -> np.ndarray:
    """Which rows are called worse, shape (repetitions, 4, rows)."""
    rng = np.random.default_rng([n_speakers, rows, SPREADS.index(spread), round(worse * 1e4)])
    own = own_spread(spread, rows)
    return np.array([p_values(draw_board(n_speakers, own, worse, rng), seed) <= FOUND for seed in range(repetitions)])


def typical_difference(n_speakers: int, rows: int) -> float:
    """What `smallest_difference` says of leaderboards of equal rows, the mean of 100."""
    rng = np.random.default_rng([n_speakers, rows])
    own = own_spread("alike", rows)
    drawn = [shares_of(draw_board(n_speakers, own, 0.0, rng)) for _ in range(100)]
    return float(np.mean([smallest_difference(shares, boards=100, resamples=SWAPS) for shares in drawn]))


def equal_table(repetitions: int) -> Iterator[list[str]]:
    """A row a kind of leaderboard: the share in which any of the equally good rows is called worse."""
    for spread, n_speakers, rows in product(SPREADS, SPEAKERS, ROWS):
        if (spread, rows) != ("half volatile", 2):
            called = boards(n_speakers, rows, spread, 0.0, repetitions).any(2).mean(0)
            yield [spread, str(n_speakers), str(rows), *map(decimals, called)]


def worse_table(repetitions: int) -> Iterator[list[str]]:
    """A row a kind of leaderboard and difference: how often the worse row is found, and any other called worse."""
    for n_speakers, rows in product(SPEAKERS, ROWS):
        smallest = typical_difference(n_speakers, rows)
        for name, worse in (("", 0.05), ("", 0.10), (" (smallest)", smallest)):
            called = boards(n_speakers, rows, "alike", worse, repetitions)
            found, wrongly = called[..., -1].mean(0), called[..., :-1].any(2).mean(0)
            yield [str(n_speakers), str(rows), decimals(worse) + name, *map(decimals, (*found[:2], *wrongly[:2]))]


def main() -> None:
    """Print the table of one question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("equal", "worse"))
    parser.add_argument("--repetitions", type=int, default=2000)
    options = parser.parse_args()
    errors = [decimals(share_error(share, options.repetitions)) for share in (0.05, 0.8)]
    print(f"{options.repetitions:,} leaderboards a row; the standard error of .05 is {errors[0]}, of .8 {errors[1]}.\n")
    with threadpool_limits(1):
        if options.question == "equal":
            print_table(["effects with speakers", "speakers", "rows", *TESTS], equal_table(options.repetitions))
        else:
            tests = [f"{what}: {test}" for what, test in product(("found", "others called worse"), TESTS[:2])]
            print_table(["speakers", "rows", "worse by", *tests], worse_table(options.repetitions))


if __name__ == "__main__":
    main()
