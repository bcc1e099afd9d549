"""The leaderboard ranks what may be ranked, and says what the rest is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from ser_bench.corpora import Corpus
from ser_bench.reports import rank, references, terminal_tables, to_markdown
from ser_bench.reports.leaderboard import COLUMNS, write_csv
from tests.reports import fabricate


@pytest.fixture(scope="module")
def board() -> pd.DataFrame:
    cells, predictions = fabricate.run_tables(fabricate.clips())
    return rank(predictions, cells)


def test_the_columns_are_the_documented_ones(board):
    assert tuple(board.columns) == COLUMNS


def test_ranks_follow_uar_within_a_track_and_protocol(board):
    ranked = board[board["status"] == "ok"]
    for _, block in ranked.groupby("track"):
        assert block["rank"].tolist() == list(range(1, len(block) + 1))
        assert block["uar"].is_monotonic_decreasing


def test_leaky_and_failed_rows_have_no_rank_and_no_part_in_comparisons(board):
    others = board[board["status"] != "ok"]
    assert others["rank"].isna().all()
    assert others["p_vs_best"].isna().all()
    assert board.set_index("status").loc["leaky", "uar"] > board[board["rank"] == 1]["uar"].max()


def test_uar_is_pooled_over_folds(board):
    _, predictions = fabricate.run_tables(fabricate.clips())
    rows = predictions[(predictions["features"] == "spectral+mfcc")]
    expected = balanced_accuracy_score(rows["emotion"].to_numpy(str), rows["predicted"].to_numpy(str))
    assert board.set_index("features").loc["spectral+mfcc", "uar"] == pytest.approx(expected, abs=5e-5)


def test_a_far_worse_row_is_told_apart_and_the_best_is_not_compared_with_itself(board):
    train = board[(board["status"] == "ok") & (board["track"] == "train")].set_index(["features", "model"])
    assert train.loc[("spectral+mfcc", "svm"), "p_vs_best"] < 0.05
    assert np.isnan(train.loc[("egemaps", "svm"), "p_vs_best"])


def test_the_order_of_predictions_changes_no_byte(board, tmp_path):
    cells, predictions = fabricate.run_tables(fabricate.clips())
    shuffled = predictions.sample(frac=1, random_state=0)
    write_csv(board, tmp_path / "a.csv")
    write_csv(rank(shuffled, cells), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_seeds_are_averaged_and_their_spread_told():
    table = fabricate.clips()
    found = [fabricate.predictions(table, "egemaps", "svm", 0.6, seed=seed) for seed in (0, 1, 2)]
    uars = [balanced_accuracy_score(rows["emotion"].to_numpy(str), rows["predicted"].to_numpy(str)) for rows in found]
    row = rank(pd.concat(found), pd.DataFrame([fabricate.cell("egemaps", "svm", table, seeds=3)])).iloc[0]
    assert row["uar"] == pytest.approx(np.mean(uars), abs=5e-5)
    assert row["uar_sd_seeds"] == pytest.approx(np.std(uars, ddof=1), abs=5e-5)


def test_a_run_in_which_everything_failed_has_a_leaderboard():
    table = fabricate.clips()
    board = rank(pd.DataFrame(), pd.DataFrame([fabricate.cell("egemaps", "svm", table, status="failed", notes="why")]))
    assert board.loc[0, "status"] == "failed"
    assert "FAILED" in to_markdown(board, fabricate.references(table))


def test_markdown_keeps_apart_what_may_not_be_compared(board):
    text = to_markdown(board, fabricate.references(fabricate.clips()))
    assert text.count("| rank |") == 3
    assert "TRANSDUCTIVE" in text
    assert "**LEAKY**" in text
    assert "no room" in text
    assert "chance 0.333" in text


def test_the_terminal_shows_every_row(board):
    assert sum(table.row_count for table in terminal_tables(board)) == len(board)


def test_chance_majority_and_listeners_are_what_one_reads_against():
    clips = pd.DataFrame({"emotion": ["a", "a", "a", "b"], "speaker": list("xyxy"), "recognised": [1.0, 1.0, 1.0, 0.5]})
    lines = references(Corpus("c", clips, None), "all", clips).set_index("name")
    assert lines["uar"].to_dict() == {"chance": 0.5, "majority": 0.5, "human": 0.75}
    assert lines.loc["majority", "war"] == 0.75
