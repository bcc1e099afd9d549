"""The tables under results/reference/, in docs/results.md and at a glance in the README, from the real corpora.

Leaderboards, leak gaps, cross-corpus evaluation, ablations.

    make reference CORPORA=path/to/corpora        (a folder that holds ravdess/, emodb/ and emovo/)

Each corpus is evaluated with its own configuration, `results/reference/<corpus>/reference.toml`, through the command line's
own code; what the run found is copied beside it. Then come `ser-bench audit CORPUS --gap -f audioemotion26 -m svm` for each
(`gap.csv`, `findings.csv`), `ser-bench ablate` with `ABLATED` and the settings of `SWEPT` (`ablation.csv`, `ablation.md`,
`importance.csv`), and `ser-bench cross` of both with `CROSSED` (`results/reference/cross/`). Finished units are not done again.
`--parts run gap` makes only these parts again.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, TypedDict

from pages import REFERENCE, ROOT, at_a_glance, put

from ser_bench.api import ablate, audit, cross, run_config
from ser_bench.config import RunConfig, read_config
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import to_markdown
from ser_bench.reports.run_page import make_page
from ser_bench.results import Results
from ser_bench.utils.progress import for_terminal


class Systems(TypedDict):
    """Which systems are evaluated, as `ser_bench` takes them."""

    features: tuple[str, ...]
    models: tuple[str, ...]


GAP: Systems = {"features": ("audioemotion26",), "models": ("svm",)}
CROSSED: Systems = {"features": ("egemaps", "compare"), "models": ("svm", "logreg")}
CROSSED_TRACKS = ("train", "corpus", "speaker")
ABLATED: Systems = {"features": ("egemaps", "spectral+mfcc"), "models": ("svm",)}
SWEPT: dict[str, list[Any]] = {
    "track": ["speaker"],
    "trim": [30.0],
    "duration": [1.0, 2.0],
    "cv": ["auto@3", "auto@6"],
    "class_weights": ["none"],
    "features.mfcc.n_mfcc": [13, 40],
    "features.functionals": ["mean", "mean+std"],
    "features.frame": [1024, 4096],
    "features.hop": [256],
    "features.mfcc.rate": [8000],
}
TRAINED_ON = {"emovo": ["auto@2", "auto@4"]}
"""Numbers of training speakers to try where a corpus has too few for those above."""
KEPT = (
    "leaderboard.csv",
    "leaderboard.md",
    "learning.csv",
    "references.csv",
    "resolution.csv",
    "run.toml",
    "environment.json",
    "skipped.csv",
)
SEEN = "1280,1000"
"""Width and height of the picture of a report, in pixels."""
PARTS = ("run", "gap", "ablation", "cross")


def evaluate(folder: Path, corpora: Path, jobs: int) -> Results:
    """Run one corpus by its configuration and keep its tables."""
    config = RunConfig(**read_config(folder / "reference.toml"))
    config = dataclasses.replace(config, corpus=(str(corpora / folder.name),), jobs=jobs)
    results = run_config(config, progress=for_terminal())[0]
    for name in KEPT:
        shutil.copy(results.folder / name, folder / name)
    return results


def measure_gap(folder: Path, corpora: Path, jobs: int) -> Path:
    """Audit one corpus with its leak gap and keep what was found; returns the audit's folder."""
    found = audit(corpora / folder.name, gap=True, jobs=jobs, progress=for_terminal(), **GAP)
    for name in ("gap.csv", "findings.csv"):
        shutil.copy(found.folder / name, folder / name)
    return found.folder


def ablate_groups(folder: Path, corpora: Path, jobs: int, *, importance: bool) -> Path:
    """Ablate one corpus and keep the tables; returns the ablation's folder."""
    swept = SWEPT | {"cv": TRAINED_ON.get(folder.name, SWEPT["cv"])}
    found = ablate(corpora / folder.name, sweep=swept, importance=importance, jobs=jobs, progress=for_terminal(), **ABLATED)
    for name in ("ablation.csv", "ablation.md", *(["importance.csv"] if importance else [])):
        shutil.copy(found.folder / name, folder / name)
    return found.folder


def evaluate_across(folders: list[Path], corpora: Path, jobs: int) -> None:
    """Evaluate across the corpora and keep the tables."""
    sources = [corpora / folder.name for folder in folders]
    found = cross(sources, track=CROSSED_TRACKS, jobs=jobs, progress=for_terminal(), **CROSSED)
    kept = REFERENCE / "cross"
    kept.mkdir(exist_ok=True)
    for name in ("cross.csv", "cross.md", "environment.json"):
        shutil.copy(found.folder / name, kept / name)


def look(page: Path, to: Path) -> None:
    """Take a picture of the top of a page in Chromium, where there is one."""
    if browser := shutil.which("chromium"):
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SEEN}", f"--screenshot={to}")
        subprocess.run([browser, *flags, page.resolve().as_uri()], check=True, capture_output=True)


def write_sample(run: Path, to: Path) -> None:
    """Write a run's page as one reads it elsewhere: without audio, which is not found under the name that stands for its folder."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(run, Path(folder) / run.name))
        (source,) = read_config(copy / "run.toml")["corpus"]
        for name in ("run.toml", "findings.csv"):
            text = (copy / name).read_text(encoding="utf-8")
            (copy / name).write_text(text.replace(source, f"path/to/{Path(source).name}"), encoding="utf-8")
        to.parent.mkdir(exist_ok=True)
        to.write_text(make_page(RunFolder(copy)), encoding="utf-8")


def headline(results: Results) -> str:
    """The table of the headline track."""
    board = results.leaderboard
    folder = RunFolder(results.folder)
    return to_markdown(board[board["track"] == "train"], folder.read_references(), results.resolutions, about=folder.read_about())


def main() -> None:
    """Evaluate every corpus under results/reference/ and put tables and pictures into README and docs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="a folder that holds ravdess/, emodb/ and emovo/")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0 is one per core")
    parser.add_argument(
        "--no-importance", action="store_true", help="ablate without importances, which take longest; importance.csv stays as it is"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to make; all without")
    options = parser.parse_args()
    folders = sorted(p.parent for p in REFERENCE.glob("*/reference.toml"))
    if "run" in options.parts:
        show([evaluate(folder, options.corpora, options.jobs) for folder in folders])
    if "gap" in options.parts:
        gaps = [measure_gap(folder, options.corpora, options.jobs) for folder in folders]
        shutil.copy(gaps[-1] / "figures" / "gap.png", ROOT / "docs" / "gap.png")
    if "ablation" in options.parts:
        ablations = [ablate_groups(folder, options.corpora, options.jobs, importance=not options.no_importance) for folder in folders]
        shutil.copy(ablations[-1] / "figures" / "ablation.png", ROOT / "docs" / "ablation.png")
    if "cross" in options.parts:
        evaluate_across(folders, options.corpora, options.jobs)


def show(found: list[Results]) -> None:
    """Put the runs' tables into docs/results.md and the README, and pictures of the last one into docs/."""
    put(ROOT / "docs" / "results.md", "reference", "\n".join(headline(results) for results in found))
    put(ROOT / "README.md", "glance", at_a_glance())
    shutil.copy(found[-1].folder / "figures" / "leaderboard.png", ROOT / "docs" / "leaderboard.png")
    look(found[-1].folder / "report.html", ROOT / "docs" / "report.png")
    write_sample(found[-1].folder, ROOT / "docs" / "sample" / "report.html")


if __name__ == "__main__":
    main()
