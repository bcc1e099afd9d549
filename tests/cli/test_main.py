"""The command line: it teaches, it answers at once, and what is wrong is one line with the right exit code."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench
from tests.calling import call
from tests.reports import fabricate


@pytest.fixture
def folder(tmp_path):
    """One speaker, one emotion, in EMO-DB's names."""
    audio = tmp_path / "wav"
    audio.mkdir()
    tone = np.sin(np.arange(8000) / 16000 * 2 * np.pi * 220)
    for take in "abc":
        soundfile.write(audio / f"03a01W{take}.wav", tone * (0.2 + ord(take) / 1000), 16000)
    return audio


def test_help_teaches_and_loads_nothing_heavy():
    heavy = ("numba", "librosa", "pandas", "sklearn", "optuna", "xgboost", "opensmile", "matplotlib", "scipy", "pyarrow")
    code = f"""
import sys
sys.argv = ["ser-bench", "run", "--help"]
import ser_bench.cli.main
try:
    ser_bench.cli.main.main()
finally:
    print([module for module in {heavy} if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Examples:" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


TONES = "tones(speakers=2,takes=1)"


@pytest.fixture(scope="module")
def wrongly(tmp_path_factory):
    """Where wrong calls are made: a corpus is synthesised there once."""
    return tmp_path_factory.mktemp("wrongly")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "did you mean 'run'"),
        (["run", "--modle", "svm"], "--model"),
        (["run", TONES, "-m", "smv"], "unknown model 'smv': did you mean 'svm'"),
        (["run", TONES, "-f", "egemap"], "did you mean 'egemaps'"),
        (["run", TONES, "-f", "mfcc(n_mfc=3)"], "did you mean 'n_mfcc'"),
        (["run", TONES, "--labels", "big44"], "did you mean 'big4'"),
        (["run", TONES, "--budget", "smok"], "did you mean 'smoke'"),
        (["run", TONES, "--track", "trian"], "did you mean 'train'"),
        (["run", TONES, "--class-weights", "nnoe"], "did you mean 'none'"),
        (["audit", TONES, "--class-weights", "none"], "class_weights has no effect without --gap"),
        (["run", TONES, "--cv", "kfold:5"], "--cv cannot be 'kfold:5'"),
        (["run", TONES, "--trials", "many"], "--trials"),
        (["run", "tones(speekers=4)"], "did you mean 'speakers'"),
        (["run", "no/such/folder"], "no/such/folder"),
        (["run", "--config", "missing.toml"], "missing.toml"),
        (["extract"], "CORPUS"),
        (["leaderboard", "no/such/run"], "no/such/run cannot be merged: it has no run.toml"),
        (["leaderboard"], "no finished run in results"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(arguments, said, wrongly):
    done = call(*arguments, cwd=wrongly)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


def test_a_folder_without_audio_is_a_wrong_call(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to hear")
    done = call("run", tmp_path)
    assert done.returncode == 2
    assert "no audio" in done.stderr


def test_unrecognised_names_say_what_to_do(tmp_path):
    soundfile.write(tmp_path / "hello.wav", np.zeros(100), 16000)
    done = call("run", tmp_path)
    assert done.returncode == 2
    assert "path, emotion, speaker" in done.stderr


def test_one_speaker_is_not_a_corpus(folder):
    done = call("run", folder)
    assert done.returncode == 2
    assert "speaker" in done.stderr


def test_more_groups_than_speakers_is_a_wrong_call(tmp_path):
    done = call("run", "tones(speakers=4,takes=1)", "-f", "audioemotion26", "--cv", "group:5", cwd=tmp_path)
    assert done.returncode == 2
    assert "5 speaker groups need as many speakers, and there are 4" in done.stderr


def test_a_missing_column_is_named_with_those_found(tmp_path):
    pd.DataFrame({"path": ["a.wav"], "emotoin": ["anger"], "speaker": ["1"]}).to_csv(tmp_path / "m.csv", index=False)
    done = call("run", tmp_path / "m.csv")
    assert done.returncode == 2
    assert "'emotion'" in done.stderr
    assert "emotoin" in done.stderr


def test_dry_run_prints_cells_and_neither_extracts_nor_fits(tmp_path):
    done = call("run", "tones(speakers=4,takes=1)", "-f", "audioemotion26", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("svm", "rf", "xgb", "mlp", "fits", "minutes", "plus feature extraction for 24 clips"))
    assert not (tmp_path / "results").exists()
    assert not list((tmp_path / "features").glob("audioemotion26-*"))


@pytest.mark.usefixtures("pages")
def test_run_prints_a_leaderboard_and_where_the_report_is(tmp_path):
    small = ["-f", "audioemotion26", "-m", "logreg", "--trials", "2", "--inner", "2", "--jobs", "1"]
    done = call("run", "tones(speakers=4,takes=1)", *small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "audioemotion26" in done.stdout
    report = done.stdout.rpartition("report: ")[2].strip()
    assert (tmp_path / report).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_leaderboard_prints_the_merged_runs_and_where_they_are_written(tmp_path):
    for corpus in ("a", "b"):
        fabricate.write_ranked_run(tmp_path / "results" / corpus, {("egemaps", "svm"): 0.8, ("egemaps", "rf"): 0.5}, corpus=corpus)
    done = call("leaderboard", "--to", "table", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Across corpora" in done.stdout
    assert "p (vs. best)" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["leaderboard: table/LEADERBOARD.md", "report: table/leaderboard.html"]
    assert (tmp_path / "table" / "leaderboard.csv").exists()


@pytest.mark.parametrize(("catalogue", "word"), [("corpora", "ravdess"), ("labels", "big4"), ("features", "egemaps"), ("models", "svm")])
def test_the_catalogues_are_printed(catalogue, word):
    done = call(catalogue)
    assert done.returncode == 0, done.stderr
    assert word in done.stdout


def test_what_may_not_be_meant_in_a_filter_is_told_by_every_way_that_lists_clips(speech):
    corpus, where = speech / "corpus" / "clips.csv", ["--where", "emotion != 'angry'", "--jobs", "1", "--cache", speech / "store"]
    for command in (["splits", corpus], ["run", corpus, "--dry-run", "-f", "spectral", "-m", "logreg"]):
        done = call(*command, *where, cwd=speech)
        assert done.returncode == 0, done.stderr
        assert "no clip has 'angry' as emotion: did you mean 'anger'?" in done.stderr
        assert "it keeps all 48 clips of clips" in done.stderr


def test_several_corpora_are_one_leaderboard_with_a_block_each_and_the_comparison(speech, tmp_path):
    parts = []
    for name, seed in (("one", 1), ("two", 2)):
        corpus = ser_bench.load_corpus(f"tones(speakers=3,takes=1,seed={seed})", cache=tmp_path)
        parts.append(corpus.folder / f"{name}.csv")
        corpus.clips[["emotion", "speaker"]].rename_axis("path").reset_index().to_csv(parts[-1], index=False)
    small = ["-f", "spectral", "-m", "logreg", "--trials", 1, "--inner", 2, "--seeds", 1, "--jobs", 1, "--no-learning-curves"]
    done = call("run", *parts, *small, "--out", tmp_path / "out", "--cache", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "out").glob("leaderboard-*")
    assert pd.read_csv(folder / "leaderboard.csv")["corpus"].tolist() == ["one", "two"]
    assert done.stdout.count(" emotions (anger, ") == 2
    assert "Across corpora, standardised with training-set statistics" in done.stdout
    assert "UAR above chance, as a share of what is possible above it: one" in " ".join(done.stdout.split())
    assert str(folder / "leaderboard.html") in done.stdout
