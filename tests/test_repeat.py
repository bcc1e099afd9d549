"""Same configuration, same bytes: whatever the jobs, the order, the folder, or a crash between."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from tests import warm
from tests.small import SMALL, evaluate

ALL = {"models": ["svm", "rf", "xgb", "mlp", "logreg"], "cv": "group:2"}
QUICK = {"models": ["svm", "logreg"], "track": ["train", "speaker"], "cv": "group:3"}
"""What takes long enough to be killed at."""


def leaderboard(folder: Path) -> str:
    return pd.read_csv(folder / "leaderboard.csv").drop(columns="seconds").to_csv()


def only_run(out: Path) -> Path:
    (folder,) = out.glob("clips-*")
    return folder


@pytest.fixture(scope="module")
def undisturbed(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all models, in one process."""
    return evaluate(speech, tmp_path_factory.mktemp("undisturbed"), **ALL).folder


@pytest.fixture(scope="module")
def both_tracks(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two models and both tracks, in one process."""
    return evaluate(speech, tmp_path_factory.mktemp("both"), **QUICK).folder


def assert_equal(folder: Path, other: Path) -> None:
    """But for seconds, not a byte of the two runs' results differs."""
    assert folder.name == other.name
    assert leaderboard(folder) == leaderboard(other)
    assert (folder / "predictions.parquet").read_bytes() == (other / "predictions.parquet").read_bytes()


def test_a_run_by_several_processes_in_parts_and_in_another_order_equals_one_at_once(speech, tmp_path, undisturbed):
    """And so where both copy their studies to one database."""
    import optuna

    for models in (["mlp", "svm"], ["rf", "logreg"]):
        evaluate(speech, tmp_path, **{**ALL, "models": models}, jobs=2, storage=f"sqlite:///{tmp_path}/studies.db")
    assert len(optuna.get_all_study_summaries(f"sqlite:///{tmp_path}/studies.db")) == 8
    results = evaluate(speech, tmp_path, **ALL, jobs=2)
    assert (results.fitted, results.reused) == (2, 8)
    assert_equal(results.folder, undisturbed)


def test_svm_then_logreg_then_both_on_the_tracks_in_turn_fits_nothing_the_last_time(speech, tmp_path, both_tracks):
    for models, track in ((["svm"], ["speaker"]), (["logreg"], ["speaker", "train"]), (["svm"], ["train"])):
        evaluate(speech, tmp_path, **{**QUICK, "models": models, "track": track})
    both = evaluate(speech, tmp_path, **QUICK)
    assert (both.fitted, both.reused) == (0, 12)
    assert_equal(both.folder, both_tracks)


def test_the_working_folder_and_how_folders_are_written_change_nothing(speech, tmp_path):
    folders = []
    for place, corpus, out in (("one", "clips", "out"), ("two/deeper", "../clips", str(tmp_path / "elsewhere"))):
        working = tmp_path / place
        working.mkdir(parents=True)
        shutil.copytree(speech / "corpus", (working / corpus).resolve())
        with contextlib.chdir(working):
            ser_bench.run(f"{corpus}/clips.csv", out=out, learning_curves=False, **SMALL)
        folders.append(only_run(working / out))
    assert_equal(*folders)


def test_a_run_killed_while_it_extracts_and_while_it_fits_ends_as_an_undisturbed_one(speech, tmp_path, both_tracks):
    """Workers of one that is killed: `test_processes.py`; of one that is stopped: `test_faults.py`."""
    small = ["-f", "spectral", "--trials", "2", "--inner", "2", "--seeds", "1", "--no-learning-curves", "--jobs", "1"]
    options = [word for kind in ("models", "track") for name in QUICK[kind] for word in (f"--{kind.rstrip('s')}", name)]
    places = ["--out", tmp_path, "--cache", tmp_path / "store"]
    line = ["run", speech / "corpus" / "clips.csv", *small, *options, "--cv", QUICK["cv"], *places]
    finished = [0]
    for reached, more in (("store/*/part-*.parquet", 1), ("units/*.parquet", 2)):
        process = warm.start(*line)
        before = len(list(tmp_path.glob(reached)))
        while process.poll() is None and len(list(tmp_path.glob(reached))) < before + more:
            time.sleep(0.02)
        assert process.poll() is None, "the run ended before the last kill"
        process.kill()
        process.wait()
        finished.append(len(list(tmp_path.glob("units/*.parquet"))))
    evaluate(speech, tmp_path, **QUICK, cache=str(tmp_path / "store"))
    assert 0 < finished[-1] < len(list(both_tracks.parent.glob("units/*.parquet")))
    assert finished == sorted(finished)
    assert_equal(only_run(tmp_path), both_tracks)
