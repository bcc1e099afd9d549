"""Published systems on RAVDESS speech: claimed, reproduced, honest, under results/reference/recipes/ and in docs/recipes.md.

    make recipes CORPORA=path/to/corpora        (a folder that holds ravdess/)

Each recipe of `PLANS` is run as it says there, through `ser_bench.run`: which experiments, how many epochs at most, and how many folds the
honest way has. What was cut stands in the results. All of it takes about two hours of two cores; finished units are not done again.
`--only NAME` runs some recipes, `--max-epochs N` fewer epochs; `--out` and `--to` keep a trial apart.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from ser_bench.api import run
from ser_bench.results import Reproduced
from ser_bench.utils.progress import for_terminal

ROOT = Path(__file__).parents[1]
KEPT = ("recipe.csv", "recipe.md", "recipe.toml", "environment.json")
OPEN, CLOSE = "<!-- measured -->", "<!-- /measured -->"
PLANS: dict[str, dict[str, Any]] = {
    "audioemotion-2019": {"inner": 2},
    "speech-emotion-analyzer-2018": {"max_epochs": 60, "cv": "group:3", "inner": 2},
    "rezachu-2019": {
        "experiment": ("10 classes", "men, 5 classes", "women, 5 classes", "men, 2 classes"),
        "max_epochs": 20,
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
    found = run(options.corpora / "ravdess", recipe=name, progress=for_terminal(), **places, **how)
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


def show(page: Path, text: str) -> None:
    """Put the measured tables between their markers on a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(OPEN)
    page.write_text(f"{before}{OPEN}\n{text}{CLOSE}{rest.partition(CLOSE)[2]}", encoding="utf-8")


def main() -> None:
    """Run the recipes and put what they came to into docs/recipes.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="a folder that holds ravdess/")
    parser.add_argument("--only", nargs="+", choices=list(PLANS), default=list(PLANS), help="which recipes; all without")
    parser.add_argument("--max-epochs", type=int, default=0, help="epochs at most; without, as PLANS has them")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0 is one per core")
    parser.add_argument("--out", default="results", help="where runs and units lie")
    parser.add_argument("--cache", default="features", help="where the feature store lies")
    parser.add_argument("--to", type=Path, default=ROOT / "results" / "reference" / "recipes", help="where the tables go")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "recipes.md", help="the page that shows them")
    options = parser.parse_args()
    for name in options.only:
        print(measure(name, options))
    show(options.page, measured(options.to))


if __name__ == "__main__":
    main()
