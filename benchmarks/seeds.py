"""Whether the README's sentences hold for other seeds.

    python benchmarks/seeds.py path/to/corpora                (a folder that holds ravdess/ and emodb/)
    python benchmarks/seeds.py path/to/corpora --parts run --only ravdess --tracks train -f compare

Evaluates each corpus by its own configuration under `results/reference/` several times, each time with the budget's number of seeds (three
in `standard`), starting where the last ones ended: four times are the seeds 0 to 11. `gap` and `cross` do the same to the leak gap and to
the cross-corpus evaluation, as `benchmarks/reference.py` makes them. Printed per row: the UAR each time, and p (vs. best), with a
mark where one p is below .05 and another is not. Units that are finished are not fitted again.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from reference import CROSSED, CROSSED_TRACKS, GAP, REFERENCE
from simulate import decimals, print_table

from ser_bench.analyses.leakage import measure_gap
from ser_bench.api import cross, run_config
from ser_bench.config import BUDGETS, RunConfig, read_config
from ser_bench.results import Results
from ser_bench.utils.progress import for_terminal

RUNS = 4
PARTS = ("run", "gap", "cross")
ROW, LINE = ["track", "features", "model"], ["split", "parameters", "scaling"]
PAIR = ["train", "test", "track", "features", "model"]


def configurations(options: argparse.Namespace) -> Iterator[tuple[Path, RunConfig]]:
    """The folders and configurations of the reference's corpora, of the feature sets and tracks asked for."""
    for path in sorted(REFERENCE.glob("*/reference.toml")):
        if options.only and path.parent.name not in options.only:
            continue
        config = RunConfig(**read_config(path))
        folder = options.corpora / path.parent.name
        features, track = tuple(options.features or config.features), tuple(options.tracks or config.track)
        asked = dataclasses.replace(config, corpus=(str(folder),), features=features, track=track)
        yield folder, dataclasses.replace(asked, jobs=options.jobs, learning_curves=False)


def seeds(options: argparse.Namespace) -> list[int]:
    """The first seed of each time."""
    return [number * BUDGETS["standard"].seeds for number in range(options.runs)]


def print_boards(options: argparse.Namespace) -> None:
    """A table per corpus of its leaderboards, and one of what is said of the best."""
    for folder, config in configurations(options):
        found = {seed: run_config(dataclasses.replace(config, seed=seed), progress=for_terminal())[0] for seed in seeds(options)}
        boards = pd.concat([results.leaderboard.assign(seed=seed) for seed, results in found.items()])
        print(f"\n{folder.name}\n")
        head = [*ROW, *(f"UAR, seed {seed}..." for seed in found), *("p (vs. best)" for _ in found), "both sides of .05"]
        print_table(head, board_lines(boards))
        print()
        print_table(["track", "", *(f"seed {seed}..." for seed in found)], best_lines(found))


def board_lines(boards: pd.DataFrame) -> Iterator[list[str]]:
    """A row per system, the best on average first."""
    rows = [(key, mine.sort_values("seed")) for key, mine in boards.groupby(ROW)]
    for key, mine in sorted(rows, key=lambda row: (row[0][0], -row[1]["uar"].mean())):
        p = mine["p_vs_best"]
        mixed = "yes" if p.fillna(1.0).lt(0.05).nunique() > 1 else ""
        yield [*map(str, key), *map(decimals, mine["uar"]), *("best" if pd.isna(one) else decimals(one) for one in p), mixed]


def best_lines(found: dict[int, Results]) -> Iterator[list[str]]:
    """A row per track and kind of statement: the best row corrected, and choosing by inner scores."""
    tables = [pd.read_csv(results.folder / "resolution.csv").set_index("track") for results in found.values()]
    for track in tables[0].index:
        for kind, name in {"best": "best, corrected", "selected": "selected"}.items():
            yield [track, name, *(decimals(table.loc[track, kind]) for table in tables)]


def print_gaps(options: argparse.Namespace) -> None:
    """A table per corpus of its leak gap."""
    for folder, config in configurations(options):
        one = RunConfig(corpus=config.corpus, jobs=options.jobs, **GAP)
        configs = [dataclasses.replace(one, seed=seed).for_corpus(str(folder)) for seed in seeds(options)]
        tables = [measure_gap(config, for_terminal())[1] for config in configs]
        print(f"\n{folder.name}, leak gap\n")
        print_table([*LINE, *(f"UAR, seed {seed}..." for seed in seeds(options))], lines_of(tables, LINE))


def print_across(options: argparse.Namespace) -> None:
    """A table of the corpora evaluated by each other."""
    folders = [folder for folder, _ in configurations(options)]
    tables = [
        cross(folders, track=CROSSED_TRACKS, seed=seed, jobs=options.jobs, progress=for_terminal(), **CROSSED).table
        for seed in seeds(options)
    ]
    print("\nacross corpora\n")
    print_table([*PAIR, *(f"UAR, seed {seed}..." for seed in seeds(options))], lines_of(tables, PAIR))


def lines_of(tables: list[pd.DataFrame], key: list[str]) -> Iterator[list[str]]:
    """A row per key with its UAR in each table."""
    scores = pd.concat([table.set_index(key)["uar"] for table in tables], axis=1)
    return ([*name, *map(decimals, row)] for name, row in zip(scores.index, scores.to_numpy(), strict=True))


def main() -> None:
    """Print what each time says, and where they disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="a folder that holds ravdess/ and emodb/")
    parser.add_argument("--only", nargs="+", help="of the leaderboards and leak gaps: those of these corpora only")
    parser.add_argument("-f", "--features", action="append", help="of the leaderboards: these feature sets only")
    parser.add_argument("--tracks", nargs="+", help="of the leaderboards: these tracks only")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to evaluate; all without")
    parser.add_argument("--runs", type=int, default=RUNS, help="how many times, of three seeds each")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0 is one per core")
    options = parser.parse_args()
    for part, print_part in zip(PARTS, (print_boards, print_gaps, print_across), strict=True):
        if part in options.parts:
            print_part(options)


if __name__ == "__main__":
    main()
