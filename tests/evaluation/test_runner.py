"""Runs: finished work is never done again and never used for anything but itself."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.api import run
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation import runner
from ser_bench.evaluation.plan import check_skipped
from ser_bench.models.base import Model
from ser_bench.utils.formatting import format_score
from ser_bench.utils.parallel import Died
from ser_bench.utils.progress import Silent
from tests.small import WITHOUT_CURVES, but_seconds, evaluate


def test_a_run_folder_holds_what_the_report_needs(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names >= {
        "run.toml",
        "environment.json",
        "clips.parquet",
        "skipped.csv",
        "predictions.parquet",
        "trials.parquet",
        "references.csv",
        "leaderboard.csv",
        "leaderboard.md",
        "metrics.csv",
        "report.html",
    }
    corpus = json.loads((finished.folder / "environment.json").read_text())["corpus"]
    assert 1 < corpus["effective_speakers"] <= corpus["speakers"]
    assert finished.predictions["clip"].is_unique
    assert len(finished.predictions) == 48
    assert finished.fitted == 2


def test_every_clip_is_predicted_by_models_that_never_heard_its_speaker(finished):
    assert (finished.predictions.groupby("speaker")["fold"].nunique() == 1).all()


def test_the_second_run_fits_nothing_and_says_the_same(first, speech, tmp_path):
    page = (first.folder / "leaderboard.csv").read_bytes()
    about = first.folder / "environment.json"
    made = {"at": "2020-01-31T12:00:00+00:00", "ser_bench": "0.0.9", "commit": "0123456789"}
    about.write_text(json.dumps(json.loads(about.read_text()) | {"computed": made}) + "\n")
    second = evaluate(speech, tmp_path)
    assert (second.fitted, second.reused) == (0, 2)
    assert (second.folder / "leaderboard.csv").read_bytes() == page
    assert json.loads(about.read_text())["computed"] == made


def test_a_moved_corpus_refits_nothing(first, speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "moved")
    moved = run(tmp_path / "moved" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    assert (moved.fitted, moved.folder) == (0, first.folder)


def test_a_corrected_label_refits_and_extracts_nothing(first, speech, tmp_path):
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    table.loc[0, "emotion"] = next(e for e in table["emotion"].unique() if e != table.loc[0, "emotion"])
    shutil.copytree(speech / "corpus", tmp_path / "corrected")
    table.to_csv(tmp_path / "corrected" / "clips.csv", index=False)
    parts = sorted(path.name for path in (speech / "store").rglob("*.parquet") if path.parent.name.startswith("spectral"))
    corrected = run(tmp_path / "corrected" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    assert corrected.fitted == 2
    assert parts == sorted(path.name for path in (speech / "store").rglob("*.parquet") if path.parent.name.startswith("spectral"))


def test_a_dry_run_knows_what_is_done(first, speech, tmp_path):
    from ser_bench.api import dry_run
    from ser_bench.config import RunConfig, check_keys

    options = {**WITHOUT_CURVES, "models": ["svm", "logreg"], "out": str(tmp_path), "cache": str(speech / "store")}
    config = RunConfig(**check_keys({"corpus": str(speech / "corpus" / "clips.csv"), **options}, source="a test"))
    first_time, again = dry_run(config)[0], dry_run(config, fresh=True)[0].table
    assert first_time.table.set_index("model")["to do"].to_dict() == {"svm": 2, "logreg": 0}
    assert again.set_index("model")["to do"].to_dict() == again.set_index("model")["units"].to_dict()
    assert first_time.missing == 0


def test_fresh_fits_everything_again(first, speech, tmp_path):
    assert evaluate(speech, tmp_path, fresh=True).fitted == 2


def test_damaged_units_are_fitted_again(first, speech, tmp_path):
    table = but_seconds(first)
    for path in (tmp_path / "units").glob("*.parquet"):
        path.write_bytes(b"PAR1 torn")
    again = evaluate(speech, tmp_path)
    assert (again.fitted, but_seconds(again)) == (first.fitted, table)


def test_a_random_split_is_marked_leaky_and_never_ranked(speech, tmp_path):
    row = evaluate(speech, tmp_path, cv="random:4").leaderboard.iloc[0]
    assert row["status"] == "leaky"
    assert pd.isna(row["rank"])
    assert "LEAKY" in next(tmp_path.glob("*/leaderboard.md")).read_text()


def test_a_failing_model_costs_its_own_rows_only(speech, tmp_path, monkeypatch):
    from ser_bench.models import known_models

    def fail(*_: object) -> None:
        raise MemoryError("no room")

    logreg = known_models()["logreg"]
    monkeypatch.setattr(logreg, "fit", fail)
    monkeypatch.setattr(logreg, "plan", Model.plan)
    results = evaluate(speech, tmp_path, models=["svm", "logreg"])
    status = results.leaderboard.set_index("model")["status"]
    assert status.to_dict() == {"svm": "ok", "logreg": "failed"}
    assert len(results.failures) == 2
    assert "no room" in results.failures[0]


def test_a_unit_that_kills_its_process_costs_its_own_row_only(speech, tmp_path, monkeypatch):
    def in_parallel(fit, calls, *_):
        """`test_parallel.py` and `test_extract.py` have processes killed."""
        for unit, *rest in calls:
            yield Died((unit, *rest)) if (unit.model, unit.fold) == ("logreg", 1) else fit(unit, *rest)

    monkeypatch.setattr(runner, "in_parallel", in_parallel)
    results = evaluate(speech, tmp_path, models=["svm", "logreg"])
    assert results.leaderboard.set_index("model")["status"].to_dict() == {"svm": "ok", "logreg": "failed"}
    assert [failure for failure in results.failures if "spectral logreg train fold 1: the process that fitted it died" in failure]


def test_searches_end_at_the_time_limit_and_are_marked_and_never_reused_without_it(speech, tmp_path):
    options = {"models": ["logreg", "svm"], "trials": 12, "cv": "group:2"}
    limited = evaluate(speech, tmp_path, time_limit=1e-6, **options)
    assert [notes[0] for notes in limited.leaderboard["notes"]] == ["TIME LIMIT: 1 of 12 trials"] * 2
    assert "TIME LIMIT: 1 of 12 trials (all rows)." in (limited.folder / "leaderboard.md").read_text()
    assert limited.trials["chosen"].all()
    again = evaluate(speech, tmp_path, time_limit=1e-6, **options)
    assert (again.fitted, again.reused) == (0, 4)
    whole = evaluate(speech, tmp_path, **options)
    assert (whole.fitted, whole.reused) == (4, 0)
    assert not any("TIME LIMIT" in note for notes in whole.leaderboard["notes"] for note in notes)
    assert whole.folder != limited.folder
    after = evaluate(speech, tmp_path, time_limit=1e-6, **options)
    assert but_seconds(after) == but_seconds(whole)


def test_a_generous_time_limit_changes_nothing(finished, speech, tmp_path):
    limited = evaluate(speech, tmp_path, time_limit=60)
    assert but_seconds(limited) == but_seconds(finished)
    assert evaluate(speech, tmp_path).fitted == 0


@pytest.mark.parametrize(("units", "workers"), [(1, 8), (4, 2), (16, 8), (3, 3)])
def test_no_unit_is_allowed_more_than_is_left_however_early_it_is_handed_out(units, workers):
    from types import SimpleNamespace

    from ser_bench.evaluation.runner import TimeBudget

    left = TimeBudget(60, workers, {str(n): 10.0 for n in range(units)})
    all_at_once = [left.allowance(SimpleNamespace(hash=str(n))) for n in range(units)]
    assert max(all_at_once) <= 3600
    assert sum(all_at_once) <= 3600 * min(units, workers) + 1
    left.ended(SimpleNamespace(hash="0"))
    if units > workers:
        assert left.allowance(SimpleNamespace(hash="1")) > all_at_once[1]


def test_fresh_under_a_time_limit_reports_what_it_fitted(speech, tmp_path):
    evaluate(speech, tmp_path, trials=8)
    again = evaluate(speech, tmp_path, trials=8, cv="group:2", time_limit=1e-6, fresh=True)
    assert again.fitted == 2
    assert again.leaderboard["notes"].item()[0] == "TIME LIMIT: 1 of 8 trials"


def test_a_password_for_the_database_is_written_nowhere(speech, tmp_path, monkeypatch):
    from ser_bench.api import runs

    monkeypatch.setattr(runs, "open_storage", lambda url: None)
    results = evaluate(speech, tmp_path, storage="mysql://me:secret@nowhere/studies")
    assert any("mysql://me:***@nowhere" in warning for warning in results.warnings)
    for path in results.folder.rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_studies_are_copied_to_a_database_and_change_nothing(finished, speech, tmp_path):
    import optuna

    url = f"sqlite:///{tmp_path}/studies.db"
    copied = evaluate(speech, tmp_path / "a", storage=url)
    assert but_seconds(copied) == but_seconds(finished)
    studies = {s.study_name: s for s in optuna.get_all_study_summaries(url)}
    assert len(studies) == 2
    mine = copied.trials[copied.trials["fold"] == 1]
    study = next(s for name, s in studies.items() if name.startswith("clips: spectral logreg train, seed 0, fold 1"))
    assert study.n_trials == 2
    assert study.best_trial.value == pytest.approx(mine["score"].max())


def test_a_database_that_fails_costs_no_result(speech, tmp_path, monkeypatch):
    from ser_bench.evaluation.study_storage import StudyCopy

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(StudyCopy, "_begin", fail)
    results = evaluate(speech, tmp_path, storage=f"sqlite:///{tmp_path}/studies.db")
    assert results.leaderboard["status"].tolist() == ["ok"]
    assert any(w.startswith("2 studies could not be copied to sqlite:") and w.endswith("disk full") for w in results.warnings)


def test_a_database_that_cannot_be_opened_is_told_before_any_work(speech, tmp_path):
    with pytest.raises(WrongCall, match=r"--storage nothing://here cannot be opened"):
        evaluate(speech, tmp_path, storage="nothing://here")


def test_progress_tells_the_best_inner_score_and_the_end_where_time_went(speech, tmp_path):
    told, stages = [], []

    class Told(Silent):
        def start(self, what: str, total: int) -> None:
            stages.append(what)

        def advance(self, note: str = "", share: float | None = None) -> None:
            told.append(note)

    how = {"models": ["svm", "logreg"], "cv": "group:2"}
    results = evaluate(speech, tmp_path, progress=Told(), **how)
    best = results.trials[results.trials["chosen"]].groupby("model")["score"].mean()
    # Refits and learning curves come after the searches and have no inner score.
    assert [line for line in told if line][-1] == f"best inner UAR {format_score(best.max())}: spectral {best.idxmax()} train"
    assert stages[-1] == "evaluating clips (group:2)"
    assert set(results.spent) == {"svm", "logreg"}
    assert sum(results.spent.values()) > 0
    assert evaluate(speech, tmp_path, **how).spent == {}


def test_a_result_that_never_reaches_the_folder_of_units_fails_its_row(speech, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "write_unit", lambda path, result: None)
    results = evaluate(speech, tmp_path)
    assert results.leaderboard["status"].tolist() == ["failed"]
    assert "do all workers share it" in results.failures[0]


def test_a_speaker_on_both_sides_stops_the_run(speech, tmp_path, monkeypatch):
    from ser_bench.evaluation import plan
    from ser_bench.evaluation.splits import SpeakerLeak

    monkeypatch.setattr(plan, "outer_folds", lambda clips, protocol, seed: np.arange(len(clips)) % 4)
    with pytest.raises(SpeakerLeak, match="both sides"):
        evaluate(speech, tmp_path)
    assert not (tmp_path / "units").exists()


def test_a_leak_among_the_inner_folds_stops_the_run_too(speech, tmp_path, monkeypatch):
    from ser_bench.evaluation import search
    from ser_bench.evaluation.splits import SpeakerLeak

    monkeypatch.setattr(search, "inner_folds", lambda voices, labels, k, seed, random=False: np.arange(len(voices)) % k)
    with pytest.raises(SpeakerLeak, match="both sides"):
        evaluate(speech, tmp_path)


def test_predefined_folds_are_used_as_they_are(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "given")
    table = pd.read_csv(tmp_path / "given" / "clips.csv", dtype=str)
    table.assign(fold=["a" if s in {"01", "03"} else "b" for s in table["speaker"]]).to_csv(tmp_path / "given" / "clips.csv", index=False)
    options = {"out": str(tmp_path), "cache": str(speech / "store"), **WITHOUT_CURVES, "cv": "predefined"}
    results = run(tmp_path / "given" / "clips.csv", **options)
    assert results.predictions.groupby("fold")["speaker"].unique().map(sorted).tolist() == [["01", "03"], ["02", "04"]]
    table.assign(fold=["a", *["b"] * 46, None]).to_csv(tmp_path / "given" / "clips.csv", index=False)
    with pytest.raises(WrongCall, match=r"1 clip has no fold"):
        run(tmp_path / "given" / "clips.csv", **options)


def test_several_corpora_are_judged_one_after_the_other_wherever_they_lie(speech, tmp_path):
    from ser_bench.api import run_config
    from ser_bench.config import RunConfig, check_keys

    shutil.copytree(speech / "corpus", tmp_path / "mein Körper")
    (tmp_path / "mein Körper" / "clips.csv").rename(tmp_path / "mein Körper" / "Gefühle 2.csv")
    corpora = [str(speech / "corpus" / "clips.csv"), str(tmp_path / "mein Körper" / "Gefühle 2.csv")]
    options = {**WITHOUT_CURVES, "corpus": corpora, "out": str(tmp_path / "out"), "cache": str(speech / "store")}
    both = run_config(RunConfig(**check_keys(options, source="a test")))
    assert [results.leaderboard["corpus"].tolist() for results in both] == [["clips"], ["Gefühle-2"]]
    assert both[0].folder != both[1].folder


def test_a_folder_that_cannot_be_written_to_is_named_before_any_work(speech, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongCall, match=r"--out .*file cannot be written to"):
        evaluate(speech, tmp_path / "file")


def test_run_toml_repeats_the_run(finished):
    from ser_bench.api import run_config
    from ser_bench.config import RunConfig, read_config

    again = run_config(RunConfig(**read_config(finished.folder / "run.toml")))[0]
    assert (again.fitted, again.folder) == (0, finished.folder)


def test_where_keeps_some_clips_and_names_a_wrong_column(speech, tmp_path):
    results = evaluate(speech, tmp_path, where="gender == 'female'", cv="loso")
    assert results.predictions["speaker"].nunique() == 2
    with pytest.raises(WrongCall, match=r"unknown column 'age' \(known: .*gender"):
        evaluate(speech, tmp_path, where="age > 3")
    with pytest.raises(WrongCall, match="keeps none of the 48"):
        evaluate(speech, tmp_path, where="speaker == 'nobody'")


def test_unusable_clips_are_left_out_of_every_row_and_listed(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "broken")
    table = pd.read_csv(tmp_path / "broken" / "clips.csv", dtype=str)
    (tmp_path / "broken" / table.loc[0, "path"]).write_bytes(b"not audio")
    (tmp_path / "broken" / table.loc[1, "path"]).unlink()
    results = run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    skipped = pd.read_csv(results.folder / "skipped.csv")
    assert skipped["clip"].tolist() == sorted(table.loc[:1, "path"])
    assert skipped["reason"].str.len().min() > 3
    assert results.skipped["clip"].tolist() == skipped["clip"].tolist()
    assert len(results.predictions) == 46


def test_too_many_unusable_clips_stop_the_run_unless_allowed(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "broken")
    table = pd.read_csv(tmp_path / "broken" / "clips.csv", dtype=str)
    for path in table["path"][::6]:
        (tmp_path / "broken" / path).write_bytes(b"")
    with pytest.raises(WorkFailed, match=r"8 of 48 clips are unusable .*--max-skipped"):
        run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    options = {**WITHOUT_CURVES, "max_skipped": 0.2}
    allowed = run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **options)
    assert len(allowed.predictions) == 40


@pytest.mark.parametrize(("unusable", "total", "allowed"), [(29, 100, 0.29), (7, 100, 0.07), (3, 30, 0.1), (0, 30, 0.0), (30, 30, 1.0)])
def test_as_many_unusable_clips_as_allowed_are_allowed_and_one_more_is_not(unusable, total, allowed):
    skipped = pd.DataFrame({"clip": "a", "reason": "silent", "counts": [True] * unusable + [False] * 5})
    check_skipped(total, skipped, allowed)
    if unusable < total:
        with pytest.raises(WorkFailed, match=f"^{unusable + 1} of {total} clips are unusable"):
            check_skipped(total, skipped.assign(counts=[True] * (unusable + 1) + [False] * 4), allowed)


def test_a_run_with_a_corrected_label_leaves_the_earlier_run_as_it_was(first, speech, tmp_path):
    before = (first.folder / "predictions.parquet").read_bytes()
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    table.loc[0, "emotion"] = table["emotion"].iloc[-1]
    table.assign(path=[str(speech / "corpus" / path) for path in table["path"]]).to_csv(tmp_path / "clips.csv", index=False)
    second = run(tmp_path / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    assert second.leaderboard["corpus"].tolist() == first.leaderboard["corpus"].tolist()
    assert second.folder != first.folder
    assert (first.folder / "predictions.parquet").read_bytes() == before


def test_a_label_that_one_speaker_shows_is_reported(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "odd")
    table = pd.read_csv(tmp_path / "odd" / "clips.csv", dtype=str)
    table.loc[0, "emotion"] = "contempt"
    table.to_csv(tmp_path / "odd" / "clips.csv", index=False)
    results = run(tmp_path / "odd" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    assert any("contempt" in warning for warning in results.warnings)
    assert any("contempt" in warning for warning in json.loads((results.folder / "environment.json").read_text())["warnings"])


def test_several_seeds_are_averaged_and_their_spread_is_told(speech, tmp_path):
    results = evaluate(speech, tmp_path, seeds=2)
    row = results.leaderboard.iloc[0]
    assert row["seeds"] == 2
    assert row["uar_sd_seeds"] >= 0
    assert results.predictions["seed"].unique().tolist() == [0, 1]


def test_one_s_own_features_are_judged_like_any(speech, tmp_path):
    corpus = ser_bench.load_corpus(speech / "corpus" / "clips.csv")
    vectors = ser_bench.extract(corpus, "spectral", cache=speech / "store")
    vectors.iloc[1:].to_parquet(tmp_path / "mine.parquet")
    results = evaluate(speech, tmp_path, features=str(tmp_path / "mine.parquet"), cv="group:2")
    assert results.leaderboard.iloc[0]["features"] == "mine"
    assert pd.read_csv(results.folder / "skipped.csv")["reason"].tolist() == ["no row in mine.parquet"]
