"""Same configuration, same bytes: whatever the jobs, the order, the folder, or a crash between."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.small import but_seconds, evaluate

MODELS = ["svm", "rf", "xgb", "mlp", "logreg"]


def leaderboard(folder: Path) -> str:
    return pd.read_csv(folder / "leaderboard.csv").drop(columns="seconds").to_csv()


def command(speech: Path, *options: str) -> list[str]:
    small = ["-f", "spectral", "--trials", "3", "--inner", "2", "--seeds", "1"]
    return [sys.executable, "-m", "ser_bench", "run", str(speech / "corpus" / "clips.csv"), *small, *options]


def only_run(out: Path) -> Path:
    (folder,) = out.glob("clips-*")
    return folder


@pytest.fixture(scope="module")
def undisturbed(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all models and both tracks, in one process."""
    options = {"models": MODELS, "track": ["train", "speaker"], "trials": 3}
    return evaluate(speech, tmp_path_factory.mktemp("undisturbed"), **options).folder


@pytest.mark.parametrize("jobs", [2, 4])
def test_jobs_change_no_byte_but_seconds(speech, tmp_path, undisturbed, jobs):
    results = evaluate(speech, tmp_path, models=MODELS, track=["train", "speaker"], trials=3, jobs=jobs)
    assert results.folder.name == undisturbed.name
    assert leaderboard(results.folder) == leaderboard(undisturbed)
    assert (results.folder / "predictions.parquet").read_bytes() == (undisturbed / "predictions.parquet").read_bytes()


def test_a_run_in_parts_and_in_another_order_equals_one_at_once(speech, tmp_path, undisturbed):
    for models, track in ((["mlp", "svm"], ["speaker"]), (["rf", "logreg", "xgb"], ["speaker", "train"]), (["svm"], ["train"])):
        evaluate(speech, tmp_path, models=models, track=track, trials=3)
    results = evaluate(speech, tmp_path, models=MODELS, track=["train", "speaker"], trials=3)
    assert (results.fitted, results.reused) == (4, 36)
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
        line = [sys.executable, "-m", "ser_bench", "run", f"{corpus}/clips.csv", "-f", "spectral", "-m", "svm", "--trials", "2"]
        subprocess.run([*line, "--inner", "2", "--out", out], cwd=working, check=True, capture_output=True)
        folders.append(only_run(working / out))
    assert folders[0].name == folders[1].name
    assert leaderboard(folders[0]) == leaderboard(folders[1])
    assert (folders[0] / "predictions.parquet").read_bytes() == (folders[1] / "predictions.parquet").read_bytes()


def test_a_run_killed_at_five_moments_ends_as_an_undisturbed_one(speech, tmp_path, undisturbed):
    options = [word for model in MODELS for word in ("-m", model)] + ["--track", "train", "--track", "speaker", "--jobs", "2"]
    line = command(speech, *options, "--out", str(tmp_path), "--cache", str(tmp_path / "store"))
    moment, killed, finished = random.Random(0), 0, []
    while killed < 5:
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        # From the imports, over extracting, to whatever comes after a few units.
        before = len(list(tmp_path.glob("units/*.parquet")))
        more, wait = moment.randint(0, 4), moment.uniform(0, 2)
        deadline = time.monotonic() + (wait if more == 0 else 60)
        while time.monotonic() < deadline and (more == 0 or len(list(tmp_path.glob("units/*.parquet"))) < before + more):
            time.sleep(0.005)
        assert process.poll() is None, "the run ended before the fifth kill"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
        finished.append(len(list(tmp_path.glob("units/*.parquet"))))
    subprocess.run(line, check=True, capture_output=True)
    assert 0 < finished[-1] < 40
    assert finished == sorted(finished)
    assert only_run(tmp_path).name == undisturbed.name
    assert leaderboard(only_run(tmp_path)) == leaderboard(undisturbed)
    assert (only_run(tmp_path) / "predictions.parquet").read_bytes() == (undisturbed / "predictions.parquet").read_bytes()
