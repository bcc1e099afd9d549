"""Published systems on RAVDESS speech: claimed, reproduced, honest, under results/reference/recipes/ and in docs/recipes.md.

    make recipes CORPORA=path/to/corpora        (a folder that holds ravdess/)

Each recipe of `PLANS` is run as it says there, through `ser_bench.reproduce`: which experiments, how many epochs at most, and how many
folds the honest way has. What was cut stands in the results. All of it takes about two hours of two cores; finished units are not done
again. `--only NAME` runs some recipes, `--max-epochs N` fewer epochs; `--out` and `--to` keep a trial apart.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from pages import REFERENCE, ROOT, put

from ser_bench.api import reproduce
from ser_bench.evaluation.analysis_folders import RecipeFolder
from ser_bench.evaluation.recipes import metric_words
from ser_bench.evaluation.reproduction import CLAIMED, COMPARED
from ser_bench.reports.recipe import summary_rows
from ser_bench.results import Reproduced
from ser_bench.utils.formatting import table_lines
from ser_bench.utils.progress import for_terminal

KEPT = ("recipe.csv", "recipe.md", "recipe.toml", "environment.json")
MEASURED, SIDE_BY_SIDE = "measured", "recipes"
"""Names of the markers between which results stand on their page: all of them; the first claim of each experiment."""
HEAD = ("recipe", "experiment", "metric", "claimed", "reproduced", "honest", "svm, same input, honest")
PLANS: dict[str, dict[str, Any]] = {
    "audioemotion-2019": {"inner": 2},
    "speech-emotion-analyzer-2018": {"max_epochs": 200, "cv": "group:3", "inner": 2},
    "rezachu-2019": {
        "experiment": ("10 classes", "men, 5 classes"),
        "max_epochs": 30,
        "cv": "group:3",
        "inner": 2,
    },
    "gender-emotion-2021": {"inner": 2},
}
"""What each recipe is run with, beside its own."""


def measure(name: str, options: argparse.Namespace) -> Reproduced:
    """Run one recipe and keep its tables."""
    how = dict(PLANS[name])
    if options.max_epochs:
        how["max_epochs"] = min(options.max_epochs, how.get("max_epochs", options.max_epochs))
    places = {"out": options.out, "cache": options.cache, "jobs": options.jobs}
    found = reproduce(options.corpora / "ravdess", name, progress=for_terminal(), **places, **how)
    kept = options.to / name
    kept.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copy(found.folder / file, kept / file)
    picture = found.folder / "figures" / "recipe.png"
    if picture.exists():
        shutil.copy(picture, kept / picture.name)
    return found


def measured(folder: Path) -> str:
    """What was kept of all recipes, as Markdown."""
    return "\n".join((file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*/recipe.md")))


def side_by_side(folder: Path) -> str:
    """The first claim of each experiment and part, with what it came to, as a table in Markdown."""
    rows = []
    for kept in RecipeFolder.all_in(folder):
        table = kept.read_reproduction()
        for (name, _), claims in table[table["run"] == CLAIMED].groupby(["experiment", "part"], sort=False):
            mine = table[(table["experiment"] == name) & table["metric"].isin(["uar", claims["metric"].iloc[0]])]
            shown = [row["read"] for row in summary_rows(mine)]
            claimed = next(read for read in shown if read[2] == metric_words(claims["metric"].iloc[0], claims["part"].iloc[0]))
            other = next((read for read in shown if read[1] == COMPARED and read[2] == claimed[2]), claimed)
            measured = (" ".join(pair) for pair in (claimed[4:6], claimed[6:8], other[6:8]))
            rows.append([f"`{kept.path.name}`", name, claimed[2], claimed[3], *measured])
    return "\n".join(table_lines(HEAD, rows, words=HEAD)) + "\n"


def main() -> None:
    """Run the recipes and put what they came to into the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="a folder that holds ravdess/")
    parser.add_argument("--only", nargs="+", choices=list(PLANS), default=list(PLANS), help="which recipes; all without")
    parser.add_argument("--max-epochs", type=int, default=0, help="epochs at most; without, as PLANS has them")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0 is one per core")
    parser.add_argument("--out", default="results", help="where runs and units lie")
    parser.add_argument("--cache", default="features", help="where the feature store lies")
    parser.add_argument("--to", type=Path, default=REFERENCE / "recipes", help="where the tables go")
    parser.add_argument("--pages", type=Path, default=ROOT, help="where docs/recipes.md is, which shows them")
    options = parser.parse_args()
    for name in options.only:
        print(measure(name, options))
    for marker, text in ((SIDE_BY_SIDE, side_by_side(options.to)), (MEASURED, measured(options.to))):
        put(options.pages / "docs" / "recipes.md", marker, text)


if __name__ == "__main__":
    main()
