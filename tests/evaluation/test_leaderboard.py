"""The leaderboard ranks what may be ranked, and says what the rest is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from ser_bench import scores
from ser_bench.corpora import Corpus, CorpusInfo
from ser_bench.corpora.base import PublishedResult
from ser_bench.errors import WorkFailed
from ser_bench.evaluation.leaderboard import COLUMNS, references
from ser_bench.evaluation.score_tables import write_scores
from ser_bench.reports import terminal_tables, to_markdown
from tests.reports import fabricate


@pytest.fixture(scope="module")
def board() -> pd.DataFrame:
    cells, predictions = fabricate.run_tables(fabricate.clips())
    return fabricate.rank(predictions, cells, fabricate.refits(predictions))


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
    write_scores(board, tmp_path / "a.csv")
    write_scores(fabricate.rank(shuffled, cells, fabricate.refits(predictions)), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_seeds_are_averaged_and_their_spread_told():
    table = fabricate.clips()
    found = [fabricate.predictions(table, "egemaps", "svm", 0.6, seed=seed) for seed in (0, 1, 2)]
    uars = [balanced_accuracy_score(rows["emotion"].to_numpy(str), rows["predicted"].to_numpy(str)) for rows in found]
    row = fabricate.rank(pd.concat(found), pd.DataFrame([fabricate.cell("egemaps", "svm", table, seeds=3)])).iloc[0]
    assert row["uar"] == pytest.approx(np.mean(uars), abs=5e-5)
    assert row["uar_sd_seeds"] == pytest.approx(np.std(uars, ddof=1), abs=5e-5)


def test_a_run_in_which_everything_failed_has_a_leaderboard():
    table = fabricate.clips()
    board = fabricate.rank(pd.DataFrame(), pd.DataFrame([fabricate.cell("egemaps", "svm", table, status="failed", reason="why")]))
    assert board.loc[0, "status"] == "failed"
    assert "FAILED" in to_markdown(board, fabricate.references(table), fabricate.resolutions())


def test_markdown_keeps_apart_what_may_not_be_compared(board):
    text = to_markdown(board, fabricate.references(fabricate.clips()), fabricate.resolutions())
    assert text.count("| rank |") == 3
    assert "TRANSDUCTIVE" in text
    assert "**LEAKY**" in text
    assert "no room" in text
    assert "chance .333" in text


def test_the_terminal_shows_every_row(board):
    tables = terminal_tables(board, fabricate.references(fabricate.clips()), fabricate.resolutions())
    levels = 2  # chance and listeners, below the rows of each table
    assert sum(table.row_count for table in tables) == len(board) + levels * len(tables)
    said = "Reference levels: chance .333 (3 emotions); human .900 (asked)."
    assert all(said in table.below for table in tables)


def test_chance_majority_and_listeners_are_what_one_reads_against():
    clips = pd.DataFrame({"emotion": ["a", "a", "a", "b"], "speaker": list("xyxy"), "recognised": [1.0, 1.0, 1.0, 0.5]})
    lines = references(Corpus("c", clips, None), "all", clips).set_index("name")
    assert lines["uar"].to_dict() == {"chance": 0.5, "majority": 0.5, "human": 0.75}
    assert lines.loc["majority", "war"] == 0.75


def two_rows() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two cells and the predictions of each."""
    table = fabricate.clips()
    cells = pd.DataFrame([fabricate.cell("egemaps", model, table) for model in ("svm", "rf")])
    return cells, fabricate.predictions(table, "egemaps", "svm", 0.8), fabricate.predictions(table, "egemaps", "rf", 0.7)


def test_rows_judged_on_different_clips_are_not_ranked_together():
    cells, svm, rf = two_rows()
    with pytest.raises(WorkFailed, match="different clips"):
        fabricate.rank(pd.concat([svm, rf.iloc[5:]]), cells)


@pytest.mark.parametrize("change", [lambda s: s.iloc[1:], lambda s: pd.concat([s, s.iloc[:1]])], ids=["lacks a clip", "has one twice"])
def test_a_seed_judged_on_other_clips_is_refused(change):
    cells, svm, _ = two_rows()
    with pytest.raises(WorkFailed, match="the same clips"):
        fabricate.rank(pd.concat([svm, change(svm.assign(seed=1))]), cells[:1])


def test_a_cell_without_predictions_is_named():
    cells, svm, _ = two_rows()
    with pytest.raises(WorkFailed, match="egemaps rf train has no predictions"):
        fabricate.rank(svm, cells)


def test_without_probabilities_only_the_auc_is_blank():
    cells, svm, _ = two_rows()
    row = fabricate.rank(svm.assign(**{f"p.{emotion}": np.nan for emotion in fabricate.EMOTIONS}), cells[:1]).iloc[0]
    assert np.isnan(row["auc"])
    assert row["uar"] > 0.5


@pytest.mark.parametrize("reason", ["OSError: [/tmp/x] gone", "ValueError: a | b", "MemoryError: " + "no room " * 30])
def test_no_reason_of_a_failure_hides_scores_or_breaks_a_table(reason):
    from rich.console import Console

    table = fabricate.clips()
    cells = [fabricate.cell("egemaps", "svm", table), fabricate.cell("egemaps", "xgb", table, status="failed", reason=reason)]
    board = fabricate.rank(fabricate.predictions(table, "egemaps", "svm", 0.8), pd.DataFrame(cells))
    console = Console(width=100)
    with console.capture() as shown:
        console.print(*terminal_tables(board, fabricate.references(table), fabricate.resolutions()))
    said = " ".join(shown.get().split())
    assert f"{board.loc[0, 'uar']:.3f}".removeprefix("0") in said
    assert reason.strip() in said
    written = to_markdown(board, fabricate.references(table), fabricate.resolutions())
    rows = [line.replace("\\|", "") for line in written.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {11}


def test_a_tiny_p_is_not_written_as_zero():
    shares = fabricate.clips(speakers=12, each=30)
    cells = pd.DataFrame([fabricate.cell("egemaps", model, shares) for model in ("svm", "rf")])
    found = [fabricate.predictions(shares, "egemaps", model, skill) for model, skill in (("svm", 0.95), ("rf", 0.2))]
    assert "<.001" in to_markdown(
        fabricate.rank(pd.concat(found), cells, fabricate.refits(pd.concat(found))), fabricate.references(shares), fabricate.resolutions()
    )


def test_what_a_reader_must_know_of_rows_stands_below_the_table_once():
    table, models = fabricate.clips(), ("svm", "rf", "xgb")
    every, some = "modified copy of the release", "TIME LIMIT: 1 to 4 of 5 trials"
    noted = [fabricate.cell("egemaps", model, table, notes=[every] if model == "xgb" else [some, every]) for model in models]
    noted.append(fabricate.cell("egemaps", "mlp", table, status="failed", reason="why"))
    found = pd.concat([fabricate.predictions(table, "egemaps", model, 0.8) for model in models])
    text = to_markdown(fabricate.rank(found, pd.DataFrame(noted)), fabricate.references(table), fabricate.resolutions())
    assert text.count(f"{some} (egemaps rf, egemaps svm).") == 1
    assert text.count(f"{every} (all rows).") == text.count(every) == 1


def test_the_spread_between_seeds_stands_beside_the_uar():
    table = fabricate.clips()
    cells = pd.DataFrame([fabricate.cell("egemaps", "svm", table, seeds=2)])
    found = pd.concat([fabricate.predictions(table, "egemaps", "svm", 0.8, seed=seed) for seed in (0, 1)])
    board = fabricate.rank(found, cells)
    spread = f"{board.loc[0, 'uar']:.3f} ±{board.loc[0, 'uar_sd_seeds']:.3f}".replace("0.", ".")
    assert f"| {spread} |" in to_markdown(board, fabricate.references(table), fabricate.resolutions())


def test_markdown_groups_rows_by_what_can_be_told_of_them(board):
    lines = to_markdown(board, fabricate.references(fabricate.clips()), fabricate.resolutions()).splitlines()
    places = [
        next(i for i, line in enumerate(lines) if name in line)
        for name in ("not significantly different from the best", "significantly below the best")
    ]
    assert places == sorted(places)
    assert "egemaps | rf" in "".join(lines[places[0] : places[1]])
    assert "spectral+mfcc | svm" in "".join(lines[places[1] : places[1] + 2])


def test_a_single_row_is_no_group():
    cells, svm, _ = two_rows()
    text = to_markdown(fabricate.rank(svm, cells[:1]), fabricate.references(fabricate.clips()), fabricate.resolutions())
    assert "to be told" not in text
    assert "smallest difference" not in text


@pytest.mark.parametrize(
    ("difference", "speakers", "said"),
    [(0.112, 8, "about .11 UAR"), (np.inf, 8, "no difference between rows"), (np.inf, 4, "p \u2265 .125 whatever the scores")],
)
def test_the_smallest_difference_that_could_have_been_shown_is_told(difference, speakers, said):
    cells, svm, rf = two_rows()
    shown = fabricate.resolutions(difference, speakers=speakers)
    assert said in to_markdown(fabricate.rank(pd.concat([svm, rf]), cells), fabricate.references(fabricate.clips()), shown)


def test_resolutions_are_those_of_the_ranked_rows():
    cells, svm, rf = two_rows()
    found = pd.concat([svm, rf])
    refitted = fabricate.refits(found)
    (row,) = fabricate.shown_by(fabricate.rank(found, cells, refitted), found, refitted).to_dict("records")
    shares = [scores.contributions(rows["emotion"], rows["predicted"], rows["speaker"]) for rows in (svm, rf)]
    assert row["smallest_difference"] == pytest.approx(scores.smallest_difference(np.stack(shares)), abs=1e-4)
    assert (row["speakers"], row["smallest_p"]) == (8, scores.smallest_p(8))


def test_what_others_published_stands_there_only_for_the_whole_corpus():
    clips = pd.DataFrame({"emotion": ["a", "b"] * 4, "speaker": list("xxyyxxyy")})
    told = (PublishedResult("theirs", "by whom", uar=0.7), PublishedResult("a network", "at random", war=0.9, leaky=True))
    facts = CorpusInfo(8, 2, 16_000, "", "", "", human=0.8, human_source="asked", published=told)
    corpus = Corpus("c", clips, None, facts=facts)
    lines = references(corpus, "all", clips).set_index("name")
    assert lines.loc["published: theirs", "uar"] == 0.7
    assert lines.loc["published, LEAKY: a network", "war"] == 0.9
    assert lines.loc["human", "uar"] == 0.8
    for labels, some in (("big4", clips), ("all", clips[:6])):
        assert set(references(corpus, labels, some)["name"]) == {"chance", "majority"}


@pytest.mark.parametrize("width", [30, 40, 60, 79, 80, 100, 140])
def test_no_terminal_is_too_narrow_for_a_feature_set_and_its_scores(width):
    from rich.console import Console

    table = fabricate.clips()
    cells = [fabricate.cell(features, "svm", table) for features in ("egemaps", "audioemotion26+mfcc(n_mfcc=13)")]
    found = pd.concat([fabricate.predictions(table, cell["features"], "svm", 0.8) for cell in cells])
    board = fabricate.rank(found, pd.DataFrame(cells))
    console = Console(width=width)
    with console.capture() as shown:
        console.print(*terminal_tables(board, fabricate.references(table), fabricate.resolutions()))
    lines = shown.get().split("\n")
    said = "".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= width
    assert any("egemaps" in line for line in lines)
    for part in ("audioemotion26+mfcc(" if width != 30 else "audioemotion26", f"{board.loc[0, 'uar']:.3f}".removeprefix("0")):
        assert part in said
