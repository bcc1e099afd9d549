"""Learning curves: every row again, learnt from fewer of the training speakers."""

from pathlib import Path

import pandas as pd
import pytest

from ser_bench import learning
from ser_bench.api import Results, run
from ser_bench.protocol import halvings

HOW = {"features": "spectral", "models": ["logreg", "svm"], "cv": "loso", "trials": 1, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curves")


def judge(folder: Path, **options: object) -> Results:
    return run("tones(speakers=7,takes=1)", out=str(folder / "out"), cache=str(folder / "store"), **{**HOW, **options})


@pytest.fixture(scope="module")
def curved(folder: Path) -> Results:
    return judge(folder)


def points(results: Results) -> pd.DataFrame:
    assert results.learning is not None
    return results.learning.set_index(["model", "speakers"])[["uar", "uar_low", "uar_high"]]


def test_speakers_are_halved_down_to_two() -> None:
    assert [halvings(n) for n in (2, 3, 4, 9, 20)] == [[], [], [2], [4, 2], [10, 5, 2]]


def test_a_curve_ends_in_the_row_of_the_leaderboard(curved: Results) -> None:
    board = curved.leaderboard.set_index("model")
    for model in ("logreg", "svm"):
        assert points(curved).loc[(model, 6)].tolist() == board.loc[model, ["uar", "uar_low", "uar_high"]].tolist()


def test_a_point_is_what_a_run_on_so_many_speakers_gives(curved: Results, folder: Path) -> None:
    # A single trial is of the defaults: here and there the same parameters.
    fewer = judge(folder, cv="loso@3", learning_curves=False).leaderboard.set_index("model")
    for model in ("logreg", "svm"):
        assert points(curved).loc[(model, 3)].tolist() == fewer.loc[model, ["uar", "uar_low", "uar_high"]].tolist()


def test_parameters_are_held_as_the_whole_search_chose_them(folder: Path) -> None:
    searched = judge(folder, models="svm", trials=8)
    chosen = searched.trials[searched.trials["chosen"]].set_index("fold")["params"]
    assert chosen.nunique() > 1
    held = [unit.held for unit in learning._units(*_planned(folder, searched))]
    assert held == chosen.sort_index().tolist()


def _planned(folder: Path, results: Results):
    from ser_bench.config import RunConfig, check_keys
    from ser_bench.plan import make_plan
    from ser_bench.progress import Silent

    how = {**HOW, "models": "svm", "trials": 8, "out": str(folder / "out"), "cache": str(folder / "store")}
    source = "tones(speakers=7,takes=1)"
    plan = make_plan(RunConfig(**check_keys({"corpus": source, **how}, source="here")).for_corpus(source), Silent())
    return plan, results, plan.judged


def test_what_is_judged_once_is_not_judged_again(curved: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_bench import runner

    monkeypatch.setattr(runner, "_fit_all", None)
    pd.testing.assert_frame_equal(judge(folder).learning, curved.learning)
    written = pd.read_csv(curved.folder / "learning.csv")
    pd.testing.assert_frame_equal(written, curved.learning)


@pytest.mark.parametrize("options", [{"learning_curves": False}, {"time_limit": 5.0}, {"cv": "random:3"}])
def test_no_curve_where_none_is_asked_for_or_none_would_be_honest(folder: Path, options: dict[str, object]) -> None:
    found = judge(folder, models="logreg", **options)
    assert found.learning is not None
    assert found.learning.empty
    assert "Learning curve" not in (found.folder / "report.html").read_text()


def test_a_point_of_which_a_unit_failed_is_left_out_and_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = learning.finish

    def failing(planned, progress, *, fresh):
        done, failures, fits = finish(planned, progress, fresh=fresh)
        lost = next(unit.hash for unit in planned.units if unit.model == "svm")
        if planned.judged.protocol.most == 3:
            done.pop(lost)
            failures[lost] = "MemoryError: no room"
        return done, failures, fits

    monkeypatch.setattr(learning, "finish", failing)
    found = judge(folder)
    assert set(points(found).index) == {("logreg", 3), ("logreg", 6), ("svm", 6)}
    assert [line for line in found.warnings if "MemoryError: no room" in line and "3 speakers" in line]
    assert (found.leaderboard["status"] == "ok").all()


def test_a_dry_run_counts_the_fits_of_curves(folder: Path) -> None:
    from ser_bench.api import dry_run
    from ser_bench.config import RunConfig, check_keys

    source = "tones(speakers=7,takes=1)"
    fits = {}
    for curves in (True, False):
        how = {**HOW, "trials": 5, "inner": 4, "out": str(folder / "none"), "cache": str(folder / "store"), "learning_curves": curves}
        (table,) = dry_run(RunConfig(**check_keys({"corpus": source, **how}, source="here")))
        fits[curves] = table["fits"].tolist()
    # Seven folds; five trials on four inner folds and a final fit, and one trial on three inner folds, one for each of three speakers.
    assert fits == {True: [7 * (5 * 4 + 1 + 3 + 1)] * 2, False: [7 * (5 * 4 + 1)] * 2}
