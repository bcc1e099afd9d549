"""`ser-bench fit`: what it writes, what it says, and what it refuses in one line."""

import json

import pandas as pd
import pytest

import ser_bench
from tests.calling import call

FIT = ("fit", "tones(speakers=4,takes=1)", "-o", "m.serb")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-f", "spectral", "-f", "mfcc"), "fit: one system is fitted, and -f names 2: spectral, mfcc; name one"),
        (("-m", "svm", "-m", "rf"), "fit: one system is fitted, and -m names 2: svm, rf; name one"),
        (("--track", "speaker"), "fit: track 'speaker' standardises by all clips of a speaker"),
        (("--cv", "random:5"), "fit: --cv random:5 shares speakers"),
        (("--rank", "1"), "fit: --rank names a row of a run; add --from RUN, or leave it out"),
        (("--no-evaluation", "--cv", "loso"), "fit: without an evaluation 'cv' has no effect: it says how clips are split"),
        (("--from", "nowhere", "--labels", "big4"), "fit: 'labels' has no effect with --from: the run says which emotions are evaluated"),
        (("--from", "nowhere", "--no-evaluation"), "fit: --no-evaluation has no effect with --from"),
        (("--from", "nowhere"), "--from nowhere is no finished run: it has no run.toml"),
        (("--variant", "noise"), "fit: --variant has no effect here: it says which perturbation is applied to each clip"),
    ],
)
def test_what_no_bundle_can_be_made_of_is_refused_in_one_line(arguments, said, tmp_path):
    done = call(*FIT, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ser-bench: {said}")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "m.serb").exists()


def test_vectors_of_one_s_own_cannot_be_computed_of_new_audio(tmp_path):
    pd.DataFrame({"x": [1.0]}, index=pd.Index(["a.wav"], name="clip")).to_parquet(tmp_path / "mine.parquet")
    done = call(*FIT, "-f", "mine.parquet", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("ser-bench: fit: -f mine.parquet: its features are a user-supplied table")


def test_a_system_that_was_not_evaluated_says_that_no_quality_is_known(speech, tmp_path):
    manifest = speech / "corpus" / "clips.csv"
    where = ("-f", "spectral", "-m", "svm", "--trials", 2, "--inner", 2, "--jobs", 1, "--cache", speech / "store")
    done = call("fit", manifest, *where, "--no-evaluation", "-o", "m.serb", "--card", "m.md", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no score on unseen speakers is known" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.md", "m.serb"]
    bundle = ser_bench.load(tmp_path / "m.serb")
    assert bundle.about["quality"] is None
    assert bundle.card == (tmp_path / "m.md").read_text(encoding="utf-8")
    assert bundle.about["search"]["trained_clips"] == bundle.known.clips == len(ser_bench.load_corpus(manifest).clips)
    assert bundle.known.describe()[0] in bundle.card


@pytest.mark.filterwarnings("ignore:the effective number")
def test_a_row_of_a_run_is_fitted_with_its_own_quality(speech, tmp_path):
    manifest = speech / "corpus" / "clips.csv"
    how = {"trials": 2, "inner": 2, "seeds": 1, "jobs": 1, "cache": speech / "store", "out": tmp_path / "out", "learning_curves": False}
    run = ser_bench.run(manifest, features="spectral", models=["svm", "svm(C=1)"], cv="group:2", **how)
    done = call("fit", "--from", run.folder, "--rank", 2, "-o", "m.serb", "--jobs", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = run.leaderboard.iloc[1]
    bundle = ser_bench.load(tmp_path / "m.serb")
    assert (bundle.model, bundle.about["quality"]["uar"]) == (row["model"], row["uar"])
    assert (bundle.about["quality"]["chosen_from"], bundle.about["quality"]["corrected"]) == (2, None)
    chosen = run.trials[(run.trials["model"] == row["model"]) & run.trials["chosen"]]
    assert bundle.about["search"]["params"] in [json.loads(params) for params in chosen["params"]]
    best = ser_bench.fit(from_run=run, jobs=1)
    assert best.model == run.leaderboard.iloc[0]["model"]
    assert best.about["quality"]["corrected"]["uar"] == run.resolutions.iloc[0]["best"]
    assert "best of 2 systems" in best.card
