"""Same configuration, same bytes: whatever the jobs, the order, the folder, or a crash between."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from tests.small import SMALL, but_seconds, evaluate
from tests.utils.test_processes import in_session, wait_until

MODELS = ["svm", "rf", "xgb", "mlp", "logreg"]
ALL = {"models": MODELS, "track": ["train", "speaker"], "cv": "group:3"}


def leaderboard(folder: Path) -> str:
    return pd.read_csv(folder / "leaderboard.csv").drop(columns="seconds").to_csv()


def command(speech: Path, *options: str) -> list[str]:
    small = ["-f", "spectral", "--trials", "2", "--inner", "2", "--seeds", "1", "--no-learning-curves"]
    return [sys.executable, "-m", "ser_bench", "run", str(speech / "corpus" / "clips.csv"), *small, *options]


def only_run(out: Path) -> Path:
    (folder,) = out.glob("clips-*")
    return folder


@pytest.fixture(scope="module")
def undisturbed(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all models and both tracks, in one process."""
    return evaluate(speech, tmp_path_factory.mktemp("undisturbed"), **ALL).folder


def test_jobs_change_no_byte_but_seconds(speech, tmp_path, undisturbed):
    results = evaluate(speech, tmp_path, **ALL, jobs=2)
    assert results.folder.name == undisturbed.name
    assert leaderboard(results.folder) == leaderboard(undisturbed)
    assert (results.folder / "predictions.parquet").read_bytes() == (undisturbed / "predictions.parquet").read_bytes()


def test_a_run_in_parts_and_in_another_order_equals_one_at_once(speech, tmp_path, undisturbed):
    for models, track in ((["mlp", "svm"], ["speaker"]), (["rf", "logreg", "xgb"], ["speaker", "train"]), (["svm"], ["train"])):
        evaluate(speech, tmp_path, **{**ALL, "models": models, "track": track})
    results = evaluate(speech, tmp_path, **ALL)
    assert (results.fitted, results.reused) == (3, 27)
    assert leaderboard(results.folder) == leaderboard(undisturbed)
    assert (results.folder / "predictions.parquet").read_bytes() == (undisturbed / "predictions.parquet").read_bytes()


def test_svm_then_logreg_then_both_fits_nothing_the_third_time(speech, tmp_path):
    evaluate(speech, tmp_path, models="svm")
    evaluate(speech, tmp_path, models="logreg")
    both = evaluate(speech, tmp_path, models=["svm", "logreg"])
    at_once = evaluate(speech, tmp_path / "elsewhere", models=["svm", "logreg"])
    assert (both.fitted, both.reused) == (0, 8)
    assert but_seconds(both) == but_seconds(at_once)


def test_the_working_folder_and_how_folders_are_written_change_nothing(speech, tmp_path):
    folders = []
    for place, corpus, out in (("one", "clips", "out"), ("two/deeper", "../clips", str(tmp_path / "elsewhere"))):
        working = tmp_path / place
        working.mkdir(parents=True)
        shutil.copytree(speech / "corpus", (working / corpus).resolve())
        with contextlib.chdir(working):
            ser_bench.run(f"{corpus}/clips.csv", out=out, learning_curves=False, **SMALL)
        folders.append(only_run(working / out))
    assert folders[0].name == folders[1].name
    assert leaderboard(folders[0]) == leaderboard(folders[1])
    assert (folders[0] / "predictions.parquet").read_bytes() == (folders[1] / "predictions.parquet").read_bytes()


def test_a_run_killed_while_it_extracts_and_while_it_fits_ends_as_an_undisturbed_one(speech, tmp_path, undisturbed):
    options = [word for model in MODELS for word in ("-m", model)] + [
        "--track",
        "train",
        "--track",
        "speaker",
        "--cv",
        "group:3",
        "--jobs",
        "2",
    ]
    line = command(speech, *options, "--out", str(tmp_path), "--cache", str(tmp_path / "store"))
    finished = [0]
    for reached, more in (("store/*/part-*.parquet", 1), ("units/*.parquet", 4)):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        before = len(list(tmp_path.glob(reached)))
        while process.poll() is None and len(list(tmp_path.glob(reached))) < before + more:
            time.sleep(0.005)
        assert process.poll() is None, "the run ended before the last kill"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert wait_until(lambda session=process.pid: not in_session(session)), "workers outlive the run"
        finished.append(len(list(tmp_path.glob("units/*.parquet"))))
    evaluate(speech, tmp_path, **ALL, cache=str(tmp_path / "store"))
    assert 0 < finished[-1] < 30
    assert finished == sorted(finished)
    assert only_run(tmp_path).name == undisturbed.name
    assert leaderboard(only_run(tmp_path)) == leaderboard(undisturbed)
    assert (only_run(tmp_path) / "predictions.parquet").read_bytes() == (undisturbed / "predictions.parquet").read_bytes()
