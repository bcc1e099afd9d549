"""Runs: finished work is never done again and never used for anything but itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.api import Results, run
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.models.model import Model

SMALL = {"features": "spectral", "models": "logreg", "trials": 2, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of a few synthetic clips, their audio beside it, and a warm store."""
    folder = tmp_path_factory.mktemp("speech")
    corpus = ser_bench.load_corpus("tones(speakers=4,takes=2)", cache=folder / "made")
    audio = folder / "corpus"
    shutil.copytree(corpus.folder, audio)
    table = corpus.clips[["emotion", "speaker", "gender"]].rename_axis("path").reset_index()
    table.to_csv(audio / "clips.csv", index=False)
    return folder


def judge(speech: Path, out: Path, **options: object) -> Results:
    return run(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **{**SMALL, **options})


def but_seconds(results: Results) -> str:
    return pd.read_csv(results.folder / "leaderboard.csv").drop(columns="seconds").to_csv()


def test_a_run_folder_holds_what_the_report_needs(speech, tmp_path):
    results = judge(speech, tmp_path)
    names = {path.name for path in results.folder.iterdir()}
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
        "report.html",
    }
    assert results.predictions["clip"].is_unique
    assert len(results.predictions) == 48
    assert results.fitted == 4


def test_every_clip_is_predicted_by_models_that_never_heard_its_speaker(speech, tmp_path):
    results = judge(speech, tmp_path)
    assert (results.predictions.groupby("speaker")["fold"].nunique() == 1).all()


def test_the_second_run_fits_nothing_and_says_the_same(speech, tmp_path):
    first = judge(speech, tmp_path)
    page = (first.folder / "leaderboard.csv").read_bytes()
    second = judge(speech, tmp_path)
    assert (second.fitted, second.reused) == (0, 4)
    assert (second.folder / "leaderboard.csv").read_bytes() == page


def test_svm_then_logreg_then_both_fits_nothing_the_third_time(speech, tmp_path):
    judge(speech, tmp_path, models="svm")
    judge(speech, tmp_path, models="logreg")
    both = judge(speech, tmp_path, models=["svm", "logreg"])
    at_once = judge(speech, tmp_path / "elsewhere", models=["svm", "logreg"])
    assert (both.fitted, both.reused) == (0, 8)
    assert but_seconds(both) == but_seconds(at_once)


def test_jobs_change_no_byte_but_seconds(speech, tmp_path):
    options = {"models": ["svm", "rf", "xgb", "mlp"], "track": ["train", "speaker"]}
    one, two = (judge(speech, tmp_path / str(jobs), jobs=jobs, **options) for jobs in (1, 2))
    assert but_seconds(one) == but_seconds(two)
    assert (one.folder / "predictions.parquet").read_bytes() == (two.folder / "predictions.parquet").read_bytes()
    assert one.folder.name == two.folder.name


def test_a_moved_corpus_refits_nothing(speech, tmp_path):
    first = judge(speech, tmp_path)
    shutil.copytree(speech / "corpus", tmp_path / "moved")
    moved = run(tmp_path / "moved" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **SMALL)
    assert (moved.fitted, moved.folder) == (0, first.folder)


def test_a_corrected_label_refits_and_extracts_nothing(speech, tmp_path):
    judge(speech, tmp_path)
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    table.loc[0, "emotion"] = next(e for e in table["emotion"].unique() if e != table.loc[0, "emotion"])
    shutil.copytree(speech / "corpus", tmp_path / "corrected")
    table.to_csv(tmp_path / "corrected" / "clips.csv", index=False)
    parts = sorted(path.name for path in (speech / "store").rglob("*.parquet") if path.parent.name.startswith("spectral"))
    corrected = run(tmp_path / "corrected" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **SMALL)
    assert corrected.fitted == 4
    assert parts == sorted(path.name for path in (speech / "store").rglob("*.parquet") if path.parent.name.startswith("spectral"))


def test_a_dry_run_knows_what_is_done(speech, tmp_path):
    from ser_bench.api import dry_run
    from ser_bench.config import RunConfig, check_keys

    judge(speech, tmp_path)
    options = {**SMALL, "models": ["svm", "logreg"], "out": str(tmp_path), "cache": str(speech / "store")}
    table = dry_run(RunConfig(**check_keys({"corpus": str(speech / "corpus" / "clips.csv"), **options}, source="a test")))[0]
    assert table.set_index("model")["to do"].to_dict() == {"svm": 4, "logreg": 0}
    assert table.attrs["missing"] == 0


def test_fresh_fits_everything_again(speech, tmp_path):
    judge(speech, tmp_path)
    assert judge(speech, tmp_path, fresh=True).fitted == 4


def test_a_damaged_unit_is_fitted_again(speech, tmp_path):
    first = judge(speech, tmp_path)
    table = but_seconds(first)
    next((tmp_path / "units").glob("*.parquet")).write_bytes(b"PAR1 torn")
    again = judge(speech, tmp_path)
    assert (again.fitted, but_seconds(again)) == (1, table)


def test_a_killed_run_goes_on_to_the_same_leaderboard(speech, tmp_path):
    whole = judge(speech, tmp_path / "whole", models=["svm", "logreg"], trials=4)
    command = [
        sys.executable,
        "-m",
        "ser_bench.cli",
        "run",
        str(speech / "corpus" / "clips.csv"),
        "-f",
        "spectral",
        "-m",
        "svm",
        "-m",
        "logreg",
    ]
    command += ["--trials", "4", "--inner", "2", "--jobs", "1", "--out", str(tmp_path / "cut"), "--cache", str(speech / "store")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "cut").glob("units/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = len(list((tmp_path / "cut").glob("units/*.parquet")))
    resumed = judge(speech, tmp_path / "cut", models=["svm", "logreg"], trials=4)
    assert finished >= 1
    assert resumed.reused == finished
    assert but_seconds(resumed) == but_seconds(whole)


def test_a_random_split_is_marked_leaky_and_never_ranked(speech, tmp_path):
    row = judge(speech, tmp_path, cv="random:4").leaderboard.iloc[0]
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
    results = judge(speech, tmp_path, models=["svm", "logreg"])
    status = results.leaderboard.set_index("model")["status"]
    assert status.to_dict() == {"svm": "ok", "logreg": "failed"}
    assert len(results.failures) == 4
    assert "no room" in results.failures[0]


def test_a_unit_that_kills_its_process_costs_its_own_row_only(speech, tmp_path):
    script = f"""
import os, signal
from ser_bench import runner
from ser_bench.api import run

def fit_unit(unit, *rest):
    from ser_bench.runner import fit_unit
    if unit.model == "logreg" and unit.fold == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return fit_unit(unit, *rest)

runner.fit_unit = fit_unit
options = {SMALL | {"models": ["svm", "logreg"], "jobs": 2}!r}
results = run({str(speech / "corpus" / "clips.csv")!r}, out={str(tmp_path)!r}, cache={str(speech / "store")!r}, **options)
print(results.leaderboard.set_index("model")["status"].to_dict(), results.failures)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "'svm': 'ok'" in said
    assert "'logreg': 'failed'" in said
    assert "spectral logreg train fold 2: the process that fitted it died" in said


def test_a_speaker_on_both_sides_stops_the_run(speech, tmp_path, monkeypatch):
    from ser_bench import plan
    from ser_bench.protocol import SpeakerLeak

    monkeypatch.setattr(plan, "outer_folds", lambda clips, protocol, seed: np.arange(len(clips)) % 4)
    with pytest.raises(SpeakerLeak, match="both sides"):
        judge(speech, tmp_path)
    assert not (tmp_path / "units").exists()


def test_a_leak_among_the_inner_folds_stops_the_run_too(speech, tmp_path, monkeypatch):
    from ser_bench import tuning
    from ser_bench.protocol import SpeakerLeak

    monkeypatch.setattr(tuning, "inner_folds", lambda voices, labels, k, seed, random=False: np.arange(len(voices)) % k)
    with pytest.raises(SpeakerLeak, match="both sides"):
        judge(speech, tmp_path)


def test_predefined_folds_are_used_as_they_are(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "given")
    table = pd.read_csv(tmp_path / "given" / "clips.csv", dtype=str)
    table.assign(fold=["a" if s in {"01", "03"} else "b" for s in table["speaker"]]).to_csv(tmp_path / "given" / "clips.csv", index=False)
    options = {"out": str(tmp_path), "cache": str(speech / "store"), "cv": "predefined", **SMALL}
    results = run(tmp_path / "given" / "clips.csv", **options)
    assert results.predictions.groupby("fold")["speaker"].unique().map(sorted).tolist() == [["01", "03"], ["02", "04"]]
    table.assign(fold=["a", *["b"] * 46, None]).to_csv(tmp_path / "given" / "clips.csv", index=False)
    with pytest.raises(WrongCall, match=r"1 clip\(s\) have no fold"):
        run(tmp_path / "given" / "clips.csv", **options)


def test_several_corpora_are_judged_one_after_the_other_wherever_they_lie(speech, tmp_path):
    from ser_bench.api import run_config
    from ser_bench.config import RunConfig, check_keys

    shutil.copytree(speech / "corpus", tmp_path / "mein Körper")
    (tmp_path / "mein Körper" / "clips.csv").rename(tmp_path / "mein Körper" / "Gefühle 2.csv")
    corpora = [str(speech / "corpus" / "clips.csv"), str(tmp_path / "mein Körper" / "Gefühle 2.csv")]
    options = {**SMALL, "corpus": corpora, "out": str(tmp_path / "out"), "cache": str(speech / "store")}
    both = run_config(RunConfig(**check_keys(options, source="a test")))
    assert [results.leaderboard["corpus"].tolist() for results in both] == [["clips"], ["Gefühle-2"]]
    assert both[0].folder != both[1].folder


def test_a_folder_that_cannot_be_written_to_is_named_before_any_work(speech, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongCall, match=r"--out .*file cannot be written to"):
        judge(speech, tmp_path / "file")


def test_run_toml_repeats_the_run(speech, tmp_path):
    from ser_bench.api import run_config
    from ser_bench.config import RunConfig, read_config

    first = judge(speech, tmp_path)
    again = run_config(RunConfig(**read_config(first.folder / "run.toml")))[0]
    assert (again.fitted, again.folder) == (0, first.folder)


def test_where_keeps_some_clips_and_names_a_wrong_column(speech, tmp_path):
    results = judge(speech, tmp_path, where="gender == 'female'", cv="loso")
    assert results.predictions["speaker"].nunique() == 2
    with pytest.raises(WrongCall, match=r"--where 'age > 3'.*columns: .*gender"):
        judge(speech, tmp_path, where="age > 3")
    with pytest.raises(WrongCall, match="keeps none of the 48"):
        judge(speech, tmp_path, where="speaker == 'nobody'")


def test_unusable_clips_are_left_out_of_every_row_and_listed(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "broken")
    table = pd.read_csv(tmp_path / "broken" / "clips.csv", dtype=str)
    (tmp_path / "broken" / table.loc[0, "path"]).write_bytes(b"not audio")
    (tmp_path / "broken" / table.loc[1, "path"]).unlink()
    results = run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **SMALL)
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
        run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **SMALL)
    allowed = run(tmp_path / "broken" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), max_skipped=0.2, **SMALL)
    assert len(allowed.predictions) == 40


def test_a_label_that_one_speaker_shows_is_reported(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "odd")
    table = pd.read_csv(tmp_path / "odd" / "clips.csv", dtype=str)
    table.loc[0, "emotion"] = "contempt"
    table.to_csv(tmp_path / "odd" / "clips.csv", index=False)
    results = run(tmp_path / "odd" / "clips.csv", out=str(tmp_path), cache=str(speech / "store"), **SMALL)
    assert any("contempt" in warning for warning in results.warnings)
    assert any("contempt" in warning for warning in json.loads((results.folder / "environment.json").read_text())["warnings"])


def test_several_seeds_are_averaged_and_their_spread_is_told(speech, tmp_path):
    results = judge(speech, tmp_path, seeds=2, cv="group:2")
    row = results.leaderboard.iloc[0]
    assert row["seeds"] == 2
    assert row["uar_sd_seeds"] >= 0
    assert results.predictions["seed"].unique().tolist() == [0, 1]


def test_one_s_own_features_are_judged_like_any(speech, tmp_path):
    corpus = ser_bench.load_corpus(speech / "corpus" / "clips.csv")
    vectors = ser_bench.extract(corpus, "spectral", cache=speech / "store")
    vectors.iloc[1:].to_parquet(tmp_path / "mine.parquet")
    results = judge(speech, tmp_path, features=str(tmp_path / "mine.parquet"))
    assert results.leaderboard.iloc[0]["features"] == "mine"
    assert pd.read_csv(results.folder / "skipped.csv")["reason"].tolist() == ["no row in mine.parquet"]
