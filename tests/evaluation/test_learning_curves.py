"""Learning curves: every row again, trained on fewer of the training speakers, several sets of them drawn."""

import json
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_bench import scores
from ser_bench.api import dry_run, run, runs
from ser_bench.config import RunConfig, check_keys
from ser_bench.evaluation import learning_curves as learning
from ser_bench.evaluation.plan import Plan, make_plan
from ser_bench.evaluation.runner import stage_of
from ser_bench.evaluation.splits import halvings
from ser_bench.evaluation.units import StoredResult
from ser_bench.results import Results
from ser_bench.utils.progress import Silent

CORPUS = "tones(speakers=7,takes=1)"
EXECUTION_KEYS = {"features": "spectral", "models": ["logreg", "svm"], "cv": "loso", "trials": 1, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curves")


def evaluate(folder: Path, **options: object) -> Results:
    return run(CORPUS, **{**EXECUTION_KEYS, "out": str(folder / "out"), "cache": str(folder / "store"), **options})


def configuration(folder: Path, **options: object) -> RunConfig:
    how = {**EXECUTION_KEYS, "corpus": CORPUS, "out": str(folder / "out"), "cache": str(folder / "store"), **options}
    return RunConfig(**check_keys(how, source="here"))


@pytest.fixture(scope="module")
def curved(folder: Path) -> Results:
    return evaluate(folder)


def points(results: Results) -> pd.DataFrame:
    assert results.learning is not None
    return results.learning.set_index(["model", "speakers"])[["uar", "uar_low", "uar_high"]]


def test_speakers_are_halved_down_to_two() -> None:
    assert [halvings(n) for n in (2, 3, 4, 9, 20)] == [[], [], [2], [4, 2], [10, 5, 2]]


def test_a_curve_ends_in_the_row_of_the_leaderboard(curved: Results) -> None:
    board = curved.leaderboard.set_index("model")
    for model in ("logreg", "svm"):
        assert points(curved).loc[(model, 6)].tolist() == board.loc[model, ["uar", "uar_low", "uar_high"]].tolist()


def fewer_speakers(folder: Path, results: Results, n: int, draw: int, **options: object) -> dict[str, np.ndarray]:
    """The codes that a draw of n training speakers predicts, shape (n_seeds, n_clips), by model."""
    planned = make_plan(configuration(folder, **options).for_corpus(CORPUS), Silent())
    held = {key: learning.refit_of(unit) for key, unit in learning.finished_units(planned, results).items()}
    fewer = learning.plan_fewer(planned, held, n, draw)
    done, failures, _ = learning.run_units(fewer, Silent())
    assert not failures
    return {cell[1]: codes for cell, codes in learning._predicted(fewer, done).items()}


def test_the_first_draw_is_a_run_on_so_many_speakers(curved: Results, folder: Path) -> None:
    # A single trial is of the defaults: here and there the same parameters.
    fewer = evaluate(folder, cv="loso@3", learning_curves=False).predictions.set_index(["model", "clip"])["predicted"]
    planned = make_plan(configuration(folder).for_corpus(CORPUS), Silent())
    for model, (codes,) in fewer_speakers(folder, curved, 3, 0).items():
        assert np.array(planned.eval_set.emotions)[codes].tolist() == fewer[model][planned.eval_set.clips.index].tolist()


@pytest.mark.parametrize(("seeds", "draws"), [(1, 3), (2, 2)])
def test_a_point_is_the_mean_over_draws_and_its_interval_holds_their_luck(folder: Path, seeds: int, draws: int) -> None:
    options = {"models": "logreg", "seeds": seeds, "cv": "group:3"}
    found = evaluate(folder, **options)
    eval_set = make_plan(configuration(folder, **options).for_corpus(CORPUS), Silent()).eval_set
    drawn = np.concatenate([fewer_speakers(folder, found, 2, draw, **options)["logreg"] for draw in range(draws)])
    uars = [scores.uar(eval_set.codes, codes) for codes in drawn]
    row = found.learning.set_index("speakers").loc[2]
    assert row["draws"] == len(drawn) == seeds * draws
    assert row["uar"] == pytest.approx(np.mean(uars), abs=1e-4)
    assert row["sd_draws"] == pytest.approx(np.std(uars, ddof=1), abs=1e-4)
    counts = scores.speaker_counts(eval_set.codes, drawn, eval_set.voices)
    expected = scores.mean_over_draws(counts, inflation=found.leaderboard["variance_ratio"].iloc[0])
    assert (row["uar_low"], row["uar_high"]) == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_what_the_draws_of_training_speakers_do_is_what_a_point_tells(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that recognises everything when trained on a certain speaker, and else says always the same."""
    found = evaluate(folder, models="logreg", cv="group:3")
    lucky: list[float] = []

    def planted(fewer: Plan, progress: Silent, *, fresh: bool) -> tuple[dict[str, StoredResult], dict[str, str], list[object]]:
        eval_set, done = fewer.eval_set, {}
        for unit in fewer.units:
            held = eval_set.folds[unit.seed] == unit.fold
            knows = "01" in eval_set.voices[eval_set.training(unit.seed, unit.fold)]
            done[unit.hash] = StoredResult(eval_set.codes[held] if knows else np.zeros(held.sum(), int), np.empty(0), {})
        lucky.append(scores.uar(eval_set.codes, eval_set.predicted(fewer.units, done)[0]))
        return done, {}, []

    planned = make_plan(configuration(folder, models="logreg", cv="group:3").for_corpus(CORPUS), Silent())
    monkeypatch.setattr(learning, "run_units", planted)
    table, _ = learning.learning_curves(planned, found, Silent(), ratios={("spectral", "logreg", "train"): 1.5})
    row = table.set_index("speakers").loc[2]
    assert len(set(lucky)) > 1
    assert row["uar"] == pytest.approx(np.mean(lucky), abs=1e-4)
    assert row["sd_draws"] == pytest.approx(np.std(lucky, ddof=1), abs=1e-4)
    assert row["uar_high"] - row["uar_low"] > 2 * np.std(lucky, ddof=1) / np.sqrt(3)


def test_a_progress_says_on_how_many_speakers_rows_are_trained_again(folder: Path) -> None:
    planned = make_plan(configuration(folder).for_corpus(CORPUS), Silent())
    fewer = learning.plan_fewer(planned, {}, 3, 1)
    assert stage_of(fewer, planned.units[0]) == f"evaluating {CORPUS} (loso, 3 training speakers, draw 2)"


def test_draws_are_of_other_speakers_and_the_same_for_all_rows_and_again(folder: Path) -> None:
    planned = make_plan(configuration(folder).for_corpus(CORPUS), Silent())

    def drawn(draw: int) -> Mapping[int, tuple[str, ...]]:
        eval_set = learning.plan_fewer(planned, {}, 3, draw).eval_set
        return {fold: tuple(np.unique(eval_set.voices[eval_set.training(0, fold)])) for fold in range(7)}

    sets = [drawn(draw) for draw in range(3)]
    assert sets == [drawn(draw) for draw in range(3)]
    assert all(len(names) == 3 for mine in sets for names in mine.values())
    assert all(one != other for one, other in pairwise(sets))


def test_where_nobody_is_drawn_there_is_one_set_and_nothing_between_sets(curved: Results) -> None:
    last = curved.learning[curved.learning["speakers"] == 6]
    assert last["draws"].tolist() == [1, 1]
    assert last["sd_draws"].isna().all()


def test_parameters_are_held_as_the_whole_search_chose_them(folder: Path) -> None:
    searched = evaluate(folder, models="svm", trials=8, learning_curves=False)
    chosen = searched.trials[searched.trials["chosen"]].set_index("fold")["params"]
    assert chosen.nunique() > 1
    planned = make_plan(configuration(folder, models="svm", trials=8).for_corpus(CORPUS), Silent())
    fewer = learning.plan_fewer(
        planned, {key: learning.refit_of(unit) for key, unit in learning.finished_units(planned, searched).items()}, 3
    )
    assert [unit.task.params for unit in fewer.units] == [json.loads(params) for params in chosen.sort_index()]


def test_what_is_judged_once_is_not_judged_again(curved: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_bench.evaluation import runner

    monkeypatch.setattr(runner, "_fit_all", None)
    pd.testing.assert_frame_equal(evaluate(folder).learning, curved.learning)
    written = pd.read_csv(curved.folder / "learning.csv")
    pd.testing.assert_frame_equal(written, curved.learning)


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("options", [{"learning_curves": False}, {"time_limit": 5.0}, {"cv": "random:3"}])
def test_no_curve_where_none_is_asked_for_or_none_would_be_honest(folder: Path, options: dict[str, object]) -> None:
    found = evaluate(folder, models="logreg", **options)
    assert found.learning is None
    assert "Learning curve" not in (found.folder / "report.html").read_text()


def test_a_point_of_which_a_unit_failed_is_left_out_and_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_units = learning.run_units

    def failing(planned, progress, *, fresh):
        done, failures, fits = run_units(planned, progress, fresh=fresh)
        lost = next(unit.hash for unit in planned.units if unit.model == "svm")
        if planned.eval_set.protocol.max_speakers == 3:
            done.pop(lost)
            failures[lost] = "MemoryError: no room"
        return done, failures, fits

    monkeypatch.setattr(learning, "run_units", failing)
    found = evaluate(folder)
    assert set(points(found).index) == {("logreg", 3), ("logreg", 6), ("svm", 6)}
    assert [line for line in found.warnings if "MemoryError: no room" in line and "3 speakers" in line]
    assert (found.leaderboard["status"] == "ok").all()


@pytest.mark.usefixtures("pages")
def test_the_report_of_a_long_run_does_not_wait_for_curves_and_that_of_a_short_one_is_made_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    def evaluated() -> Results:
        return evaluate(folder, models="logreg", cv="group:3", out=str(tmp_path))

    with monkeypatch.context() as during:
        during.setattr(learning, "run_units", stopped)
        for expected in (runs.LONG, 0.0):
            during.setattr(runs, "LONG", expected)
            with pytest.raises(KeyboardInterrupt):
                evaluated()
            assert next(tmp_path.glob("*/leaderboard.csv")).is_file()
            assert len(list(tmp_path.glob("*/report.html"))) == (expected == 0)
    shutil.rmtree(next(tmp_path.glob("*/leaderboard.csv")).parent)
    page = evaluated().folder / "report.html"
    assert "Learning curve" in page.read_text()
    assert f"{page.parent.name}/{page.name}" in (tmp_path / "index.html").read_text()


@pytest.mark.usefixtures("pages")
def test_without_curves_those_that_were_judged_stay(folder: Path, tmp_path: Path) -> None:
    found = evaluate(folder, models="logreg", cv="group:3", out=str(tmp_path))
    again = evaluate(folder, models="logreg", cv="group:3", out=str(tmp_path), learning_curves=False)
    assert again.folder == found.folder
    assert "Learning curve" in (again.folder / "report.html").read_text()


def test_a_dry_run_counts_the_fits_of_curves(folder: Path) -> None:
    fits = {}
    for curves in (True, False):
        (forecast,) = dry_run(configuration(folder, trials=5, inner=4, out=str(folder / "none"), learning_curves=curves))
        fits[curves] = forecast.table["fits"].tolist()
    # Seven folds; five trials on four inner folds and a final fit, and one on each of three draws of three speakers.
    assert fits == {True: [7 * (5 * 4 + 1 + 3)] * 2, False: [7 * (5 * 4 + 1)] * 2}


def test_a_dry_run_knows_which_points_are_done(folder: Path, tmp_path: Path) -> None:
    how = {"models": "logreg", "cv": "group:3", "out": str(tmp_path)}
    evaluate(folder, **how, learning_curves=False)
    (without,) = dry_run(configuration(folder, **how))
    # Three folds, and each again on three draws of two speakers.
    assert without.table[["units", "to do", "fits"]].to_numpy().tolist() == [[12, 9, 9]]
    evaluate(folder, **how)
    (whole,) = dry_run(configuration(folder, **how))
    assert whole.table[["to do", "fits"]].to_numpy().tolist() == [[0, 0]]
