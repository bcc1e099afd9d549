"""Rows that are as good as the best for practical purposes: two one-sided tests with the inference of p (vs. best), not assumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from rich.console import Console
from scipy.stats import t

from ser_bench.cli.main import cli
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import terminal_tables, to_markdown
from ser_bench.reports.run_page import make_page
from tests.reports import fabricate
from tests.small import evaluate


def alike(differing: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and predictions of three rows of many clips: the best, one that differs from it in so many clips, and a far worse one."""
    table = fabricate.clips(speakers=8, each=120)
    best = fabricate.predictions(table, "egemaps", "svm", 0.8)
    wrong = np.flatnonzero(best["predicted"] == best["emotion"])[:differing]
    like = best.assign(model="rf")
    like.loc[wrong, "predicted"] = like.loc[wrong, "emotion"].map({"anger": "fear", "fear": "neutral", "neutral": "anger"})
    worse = fabricate.predictions(table, "spectral", "svm", 0.3)
    names = [("egemaps", "svm"), ("egemaps", "rf"), ("spectral", "svm")]
    return pd.DataFrame([fabricate.cell(*name, table) for name in names]), pd.concat([best, like, worse], ignore_index=True)


def by_name(board: pd.DataFrame) -> pd.DataFrame:
    return board.set_index(["features", "model"])


def said(cells: pd.DataFrame, found: pd.DataFrame, rope: float = 0.02) -> str:
    board = fabricate.rank(found, cells, fabricate.refits(found), rope=rope)
    shown = fabricate.shown_by(board, found, fabricate.refits(found), rope=rope)
    return to_markdown(board, fabricate.references(fabricate.clips()), shown)


def test_a_row_that_hardly_differs_is_equivalent_and_a_worse_one_is_not():
    cells, found = alike()
    board = by_name(fabricate.rank(found, cells, fabricate.refits(found)))
    assert np.isnan(board.loc[("egemaps", "svm"), ["p_equivalent", "equivalent_within"]].astype(float)).all()
    assert board.loc[("egemaps", "rf"), "p_equivalent"] < 0.05
    assert board.loc[("egemaps", "rf"), "equivalent_within"] < 0.02
    assert board.loc[("spectral", "svm"), "p_equivalent"] == 1
    assert board.loc[("spectral", "svm"), "equivalent_within"] > board.loc[("spectral", "svm"), "behind"]


def test_it_is_the_jackknife_over_voices_with_the_variance_ratio_corrected_for_every_pair():
    cells, found = alike(differing=40)
    row = by_name(fabricate.rank(found, cells)).loc[("egemaps", "rf")]
    hits = (found["predicted"] == found["emotion"]).to_numpy(float).reshape(3, -1)
    clips = found.iloc[: hits.shape[1]]
    by_voice = pd.DataFrame({"d": hits[1] - hits[0], "voice": clips["voice"], "emotion": clips["emotion"]})
    without = [by_voice[by_voice["voice"] != v].groupby("emotion")["d"].mean().mean() for v in by_voice["voice"].unique()]
    bound = 1 + 8 / 7  # nothing was refitted
    error = np.sqrt(bound * 7 / 8 * np.sum((without - np.mean(without)) ** 2))
    d = by_voice.groupby("emotion")["d"].mean().mean()
    assert row["p_equivalent"] == pytest.approx(min(1, 3 * t.sf((d + 0.02) / error, 7)), abs=1e-4)
    assert row["equivalent_within"] == pytest.approx(abs(d) + t.isf(0.05 / 3, 7) * error, abs=1e-4)


def test_refits_that_lose_nothing_show_narrower_regions_than_the_bound():
    cells, found = alike(differing=40)
    with_refits, without = (by_name(fabricate.rank(found, cells, refits)) for refits in (fabricate.refits(found), None))
    others = with_refits["equivalent_within"].notna()
    assert (with_refits["equivalent_within"] < without["equivalent_within"])[others].all()


def test_the_board_says_which_rows_are_equivalent_or_what_would_be():
    text = said(*alike())
    assert "Equivalent to the best within ±.02 UAR (two one-sided tests, allowing for the best having been chosen): egemaps rf (p" in text
    text = said(*alike(), rope=0.001)
    assert "No row is shown to be equivalent to the best within ±.001 UAR" in text
    assert "(egemaps rf). Not significantly different is not equivalent." in text


def test_a_single_row_is_compared_with_nothing():
    cells, found = alike()
    text = said(cells[:1], found[(found["features"] == "egemaps") & (found["model"] == "svm")])
    assert "quivalent" not in text


def test_the_terminal_stays_readable_at_100_columns():
    cells, found = alike()
    board = fabricate.rank(found, cells, fabricate.refits(found))
    (table,) = terminal_tables(board, fabricate.references(fabricate.clips()), fabricate.shown_by(board, found, fabricate.refits(found)))
    console = Console(width=100, no_color=True)
    with console.capture() as captured:
        console.print(table)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.split()[:3] == ["1", "egemaps", "svm"] and len(line.split()) == 9 for line in lines)  # a row is one line
    assert "Equivalent to the best" in captured.get()


def test_another_region_changes_what_is_reported_and_nothing_else(speech: Path, tmp_path: Path):
    options = {"models": ["logreg", "svm"], "learning_curves": False}
    one, other = (evaluate(speech, tmp_path, **options, rope=rope) for rope in (0.02, 0.9))
    assert other.folder == one.folder
    assert other.fitted == 0
    assert RunConfig().result_keys() == RunConfig(rope=0.5).result_keys()
    same = [column for column in one.leaderboard if column not in {"p_equivalent", "seconds"}]
    pd.testing.assert_frame_equal(other.leaderboard[same], one.leaderboard[same])
    assert (other.leaderboard["p_equivalent"].dropna() < one.leaderboard["p_equivalent"].dropna()).all()
    assert RunFolder(other.folder).read_resolutions()["rope"].tolist() == [0.9]
    assert "within ±.9 UAR" in (other.folder / "report.html").read_text()


@pytest.mark.parametrize("rope", [0.0, 0.0001, -0.1, 2.0])
def test_a_region_that_is_none_is_refused(rope):
    with pytest.raises(WrongCall, match="rope"):
        RunConfig(rope=rope)


def test_merging_takes_the_region_that_is_asked_for(tmp_path: Path):
    run = fabricate.write_ranked_run(tmp_path / "run", {("egemaps", "svm"): 0.8, ("egemaps", "rf"): 0.75})
    done = CliRunner().invoke(cli, ["leaderboard", str(run), "--rope", "0.04", "-o", str(tmp_path / "to")])
    assert done.exit_code == 0, done.output
    assert "within ±.04 UAR" in " ".join(done.output.split())
    refused = CliRunner().invoke(cli, ["leaderboard", str(run), "--rope", "0", "-o", str(tmp_path / "to")])
    assert isinstance(refused.exception, WrongCall)


def test_a_run_that_was_written_without_it_keeps_its_page(tmp_path: Path):
    fabricate.publish(RunFolder(tmp_path), *fabricate.write_run(tmp_path))
    for name in ("leaderboard.csv", "resolution.csv"):
        table = pd.read_csv(tmp_path / name)
        table.drop(columns=["p_equivalent", "equivalent_within", "rope"], errors="ignore").to_csv(tmp_path / name, index=False)
    assert RunFolder(tmp_path).read_leaderboard()["p_equivalent"].isna().all()
    assert "quivalent to the best" not in make_page(RunFolder(tmp_path))
