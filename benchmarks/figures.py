"""The pictures of docs/figures.md: one of each figure for papers, one column wide.

In:   the tables under results/reference/, which `make reference` writes; for figures of predictions a run of the synthetic corpus.
Out:  docs/figures/NAME.png.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ser_bench import figures, run
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder
from ser_bench.evaluation.comparison import compare
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.ablation import draw_ablation
from ser_bench.reports.audit import draw_gap
from ser_bench.reports.cross import SIDES, draw_cross, draw_cross_matrix
from ser_bench.reports.figures import STYLES
from ser_bench.reports.figures.ranks import draw_ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"
CORPORA = ("emodb", "emovo", "ravdess")
COLUMN = STYLES["column"]


def of_reference() -> Iterator[tuple[str, Figure | None]]:
    """Figures of kept tables."""
    emodb = RunFolder(REFERENCE / "emodb")
    yield "leaderboard", figures.leaderboard(emodb.path)
    yield "heat-map", figures.heat_map(emodb.path)
    yield "learning-curve", figures.learning_curve(emodb.path)
    ablated = AblationFolder(emodb.path).read_tables().table
    yield "ablation", draw_ablation(ablated[(ablated["features"] == "egemaps") & (ablated["mode"] != "sweep")], COLUMN)
    gap = AuditFolder(emodb.path).read_gap()
    yield "gap", None if gap is None else draw_gap(gap, len(emodb.read_environment()["corpus"]["emotions"]), COLUMN)
    cross = CrossFolder(REFERENCE / "cross")
    crossed = titled(cross.read_table(), cross.read_about(), *SIDES)
    one = crossed[(crossed["features"] == "egemaps") & (crossed["model"] == "svm")]
    yield "cross", draw_cross(one, one["emotions"].iloc[0].count("+") + 1, COLUMN)
    yield "cross-matrix", draw_cross_matrix(one, COLUMN)
    compared, _ = compare(pd.concat([board(name, block) for block, name in enumerate(CORPORA, 1)], ignore_index=True))
    yield "critical-difference", draw_ranks([one for one in compared if one.track == "train"], COLUMN)


def board(corpus: str, block: int) -> pd.DataFrame:
    """A kept leaderboard as `compare` takes it."""
    folder = RunFolder(REFERENCE / corpus)
    references = folder.read_references()
    chance = references.loc[references["name"] == "chance", "uar"].item()
    return folder.read_leaderboard().assign(block=block, settings="", chance=float(chance))


def of_tones(folder: Path) -> Iterator[tuple[str, Figure]]:
    """Figures of predictions, of which none are kept."""
    found = run("tones", features=["egemaps", "spectral+mfcc"], models=["svm", "logreg"], out=folder / "out", cache=folder / "store")
    yield "speakers", figures.speakers(found)
    yield "confusion", figures.confusion(found)
    yield "roc", figures.roc(found)
    yield "reliability", figures.reliability(found)


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "figures", help="the folder of the pictures")
    parser.add_argument("--dots", type=int, default=150, help="dots per inch")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in (*of_reference(), *of_tones(Path(folder))):
            if figure is not None:
                figure.savefig(options.to / f"{name}.png", dpi=options.dots)


if __name__ == "__main__":
    main()
