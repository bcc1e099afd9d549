"""What the best row is worth: selected per fold by inner scores, and corrected for having been chosen."""

import numpy as np
import pandas as pd
import pytest

from ser_bench import scores
from ser_bench.evaluation.evidence import gather, select
from ser_bench.reports import to_markdown
from tests.reports import fabricate


@pytest.fixture(scope="module")
def run() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two rows of two seeds, of which one has the better inner score in even folds."""
    table = fabricate.clips()
    found = []
    for model, skill, odd in (("svm", 0.7, 0), ("rf", 0.65, 1)):
        for seed in (0, 1):
            rows = fabricate.predictions(table, "egemaps", model, skill, seed=seed)
            found.append(rows.assign(inner=np.where(rows["fold"] % 2 == odd, 0.8, 0.5)))
    cells = [fabricate.cell("egemaps", model, table, seeds=2) for model in ("svm", "rf")]
    return pd.DataFrame(cells), pd.concat(found, ignore_index=True)


def test_selected_predicts_in_each_fold_what_the_system_with_the_best_inner_score_does(run):
    cells, found = run
    (row,) = fabricate.shown_by(fabricate.rank(found, cells), found).to_dict("records")
    taken = found[(found["model"] == "svm") == (found["fold"] % 2 == 0)].sort_values(["seed", "clip"])
    truth = taken["emotion"].to_numpy(str).reshape(2, -1)
    predicted = taken["predicted"].to_numpy(str).reshape(2, -1)
    assert row["selected"] == pytest.approx(np.mean([scores.uar(*pair) for pair in zip(truth, predicted, strict=True)]), abs=1e-4)
    assert row["selected_low"] < row["selected"] < row["selected_high"]
    assert row["chosen"] == "egemaps rf in 8 of 16 folds, 1 other system in the rest"


def test_held_out_emotions_have_no_say_in_what_is_selected(run):
    _, found = run
    emotions = found.drop_duplicates("clip").set_index("clip")["emotion"]
    other = found.assign(emotion=found["clip"].map(emotions.sample(frac=1, random_state=0).set_axis(emotions.index)))
    by_model = [[gather(rows, pd.DataFrame()) for _, rows in table.groupby("model")] for table in (found, other)]
    chosen = [select(systems) for systems in by_model]
    assert chosen[0] is not None
    assert chosen[1] is not None
    assert chosen[0][1] == chosen[1][1]
    np.testing.assert_array_equal(chosen[0][0].sum((1, 2)), chosen[1][0].sum((1, 2)))


def test_without_inner_scores_nothing_is_selected_and_the_best_is_corrected_all_the_same(run):
    cells, found = run
    (row,) = fabricate.shown_by(fabricate.rank(found, cells), found.drop(columns="inner")).to_dict("records")
    assert np.isnan(row["selected"])
    assert row["best_low"] < row["best"] < row["best_high"]


def test_a_single_row_is_the_best_of_nothing(run):
    cells, found = run
    alone = found[found["model"] == "svm"]
    shown = fabricate.shown_by(fabricate.rank(alone, cells[:1]), alone)
    assert shown[["best", "selected"]].isna().all(axis=None)
    assert "corrected" not in to_markdown(fabricate.rank(alone, cells[:1]), fabricate.references(fabricate.clips()), shown)


def test_the_board_shows_both_without_a_rank(run):
    cells, found = run
    board = fabricate.rank(found, cells)
    text = to_markdown(board, fabricate.references(fabricate.clips()), fabricate.shown_by(board, found))
    assert "| best of 2, corrected |  |" in text
    assert "| selected per fold |  |" in text


def test_the_order_of_rows_changes_nothing(run):
    cells, found = run
    shown = [fabricate.shown_by(fabricate.rank(found, mine), found) for mine in (cells, cells[::-1])]
    pd.testing.assert_frame_equal(*shown)
