"""Refits without pairs of folds: what each fold loses is measured, on the same pairs for all rows, and never made up."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_bench import scores
from ser_bench.api import run
from ser_bench.config import RunConfig, check_keys
from ser_bench.evaluation import refits
from ser_bench.evaluation.leaderboard import evidence_of
from ser_bench.evaluation.nested_cv import fit_held
from ser_bench.evaluation.plan import Plan, make_plan
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.runner import unit_data
from ser_bench.evaluation.scaling import standardised_beforehand
from ser_bench.evaluation.splits import fold_pairs
from ser_bench.results import Results
from ser_bench.utils.progress import Silent

CORPUS = "tones(speakers=6,takes=1)"
EXECUTION_KEYS = {
    "features": "spectral",
    "models": ["logreg", "svm"],
    "cv": "loso",
    "trials": 2,
    "inner": 2,
    "jobs": 1,
    "learning_curves": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("refits")


def evaluate(folder: Path, **options: object) -> Results:
    return run(CORPUS, **{**EXECUTION_KEYS, "out": str(folder / "out"), "cache": str(folder / "store"), **options})


def planned(folder: Path, **options: object) -> Plan:
    how = {**EXECUTION_KEYS, "corpus": CORPUS, "out": str(folder / "out"), "cache": str(folder / "store"), **options}
    return make_plan(RunConfig(**check_keys(how, source="here")).for_corpus(CORPUS), Silent())


@pytest.fixture(scope="module")
def refitted(folder: Path) -> Results:
    return evaluate(folder)


def test_units_of_some_of_the_clips_share_the_matrix_that_all_units_have(refitted: Results, folder: Path) -> None:
    plan = planned(folder)
    matrix = plan.features["spectral"]
    again = next(refits._units(plan, refits.finished_units(plan, refitted)))
    data = unit_data(plan.eval_set, matrix, again)
    assert data.x is matrix.values
    assert len(data.y) < len(matrix.values)
    used = plan.eval_set.training(again.seed, again.fold, again.without) | plan.eval_set.held_out(again.seed, again.fold)
    assert (standardised_beforehand(data) == matrix.values[used]).all()


def test_a_loss_is_what_the_same_system_trained_without_the_other_fold_gives_up(refitted: Results, folder: Path) -> None:
    plan = planned(folder)
    eval_set, unit = plan.eval_set, next(unit for unit in plan.units if unit.model == "logreg" and unit.fold == 2)
    kept = refits.finished_units(plan, refitted)[unit.hash]
    data = unit_data(eval_set, plan.features["spectral"], unit)
    folds = eval_set.folds[0][(eval_set.folds[0] == 2) | eval_set.training(0, 2)]
    model, held = plan.models["logreg"], refits.refit_of(kept)
    worth = 1 / (len(eval_set.emotions) * np.bincount(eval_set.codes)[eval_set.codes[eval_set.folds[0] == 2]])
    found = refitted.refits[(refitted.refits["model"] == "logreg") & (refitted.refits["fold"] == 2)].set_index("without")["loss"]
    for without, loss in found.items():
        used = folds != without
        fewer = type(data)(**{**vars(data), "x": data.x[used], "y": data.y[used], "voices": data.voices[used], "train": data.train[used]})
        right = (
            fit_held(fewer, model, params=dict(held.params), rounds=held.rounds, seed=0).predicted == eval_set.codes[eval_set.folds[0] == 2]
        )
        before = kept.predicted == eval_set.codes[eval_set.folds[0] == 2]
        assert loss == pytest.approx(float(worth @ before - worth @ right), abs=1e-9)
    assert len(found) == 5


def test_all_rows_have_the_same_pairs_both_ways_round(refitted: Results) -> None:
    pairs = {model: set(rows[["fold", "without"]].itertuples(index=False, name=None)) for model, rows in refitted.refits.groupby("model")}
    assert pairs["logreg"] == pairs["svm"] == {(a, b) for a in range(6) for b in range(6) if a != b}


@pytest.mark.parametrize(("folds", "most"), [(4, 24), (6, 24), (10, 8), (11, 8), (24, 24)])
def test_no_fold_is_in_many_more_pairs_than_another(folds: int, most: int) -> None:
    turns = [fold_pairs(folds, most, turn) for turn in range(3)]
    assert all(len(set(pairs)) == min(most, folds * (folds - 1) // 2) for pairs in turns)
    for pairs in turns:
        times = np.bincount(np.ravel(pairs), minlength=folds)
        assert times.max() - times.min() <= 2
    assert folds < 10 or set(turns[0]) != set(turns[1])


def test_intervals_of_the_board_have_the_ratio_that_refits_give(refitted: Results) -> None:
    board = refitted.leaderboard
    found = evidence_of(refitted.predictions, board, refitted.refits)
    systems = [found[cell] for cell in board[["corpus", "features", "model", "track"]].itertuples(index=False, name=None)]
    shares = np.stack([system.shares for system in systems])
    influences = np.stack([scores.influences_of(system.counts) for system in systems])
    ratios = scores.variance_ratios(influences, shares, np.stack([system.losses for system in systems]))
    assert board["variance_ratio"].tolist() == pytest.approx(np.diag(ratios).tolist(), abs=1e-4)
    for system, row in zip(systems, board.to_dict("records"), strict=True):
        expected = scores.jackknife_of(system.counts, inflation=row["variance_ratio"])
        assert (row["uar_low"], row["uar_high"]) == pytest.approx(expected[1:], abs=2e-4)


def test_what_is_refitted_once_is_not_refitted_again(refitted: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_bench.evaluation import runner

    monkeypatch.setattr(runner, "in_parallel", lambda *_: pytest.fail("a unit is done again"))
    pd.testing.assert_frame_equal(evaluate(folder).refits, refitted.refits)
    pd.testing.assert_frame_equal(RunFolder(refitted.folder).read_refits(), refitted.refits)


@pytest.mark.parametrize("cv", ["group:2", "loso@3", "random:4"])
def test_where_no_pair_can_be_left_out_the_bound_stands(folder: Path, cv: str) -> None:
    found = evaluate(folder, cv=cv, models="logreg")
    assert found.refits.empty
    assert found.leaderboard["variance_ratio"].iloc[0] == pytest.approx(scores.overlap_bound(6), abs=1e-4)


def test_a_refit_that_fails_is_named_and_the_rest_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_bench.evaluation import runner

    fit = runner.fit_unit

    def failing(unit, data, model, terms):  # type: ignore[no-untyped-def]
        return runner.FailedUnit(unit, "MemoryError: no room") if (unit.fold, unit.without) == (0, 5) else fit(unit, data, model, terms)

    monkeypatch.setattr(runner, "fit_unit", failing)
    found = evaluate(folder, models="logreg", seed=3)
    assert any("1 refit without a pair of folds failed, the first: MemoryError: no room" in line for line in found.warnings)
    assert len(found.refits) == 29
    assert np.isfinite(found.leaderboard["variance_ratio"]).all()
