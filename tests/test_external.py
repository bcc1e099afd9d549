"""Systems from elsewhere are judged on the same clips and folds as our own, and what does not fit is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.errors import WrongCall
from tests.small import judge


@pytest.fixture
def where(speech: Path, tmp_path: Path) -> dict[str, str]:
    return {"cache": str(speech / "store"), "out": str(tmp_path / "out")}


@pytest.fixture
def corpus(speech: Path) -> Path:
    return speech / "corpus" / "clips.csv"


@pytest.fixture
def folds(corpus: Path, where: dict[str, str]) -> pd.DataFrame:
    return ser_bench.splits(corpus, **where)


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def test_splits_are_those_that_a_run_uses(speech, tmp_path, corpus, monkeypatch):
    from ser_bench import tuning

    used = []
    inner = tuning.inner_folds
    monkeypatch.setattr(tuning, "inner_folds", lambda *given, **how: used.append(inner(*given, **how)) or used[-1])
    results = judge(speech, tmp_path, cv="group:2", inner=2, seeds=2)
    table = ser_bench.splits(corpus, cv="group:2", inner=2, seeds=2, cache=str(speech / "store"))
    own = results.predictions.set_index(["seed", "clip"])["fold"]
    assert table.set_index(["seed", "clip"])["fold"].to_dict() == own.to_dict()
    # Clips stand in the order of their keys inside a unit: as sets of sizes, fold by fold, they are compared.
    told = [table.loc[table["seed"] == seed, f"inner_{k}"].dropna() for seed in (0, 1) for k in (0, 1)]
    assert sorted(tuple(np.bincount(fold)) for fold in used) == sorted(tuple(np.bincount(fold.astype(int))) for fold in told)


def test_splits_keep_speakers_together_outside_and_inside(folds):
    assert (folds.groupby("speaker")["fold"].nunique() == 1).all()
    for k in range(4):
        inside = folds[folds["fold"] != k]
        assert (inside.groupby("speaker")[f"inner_{k}"].nunique() == 1).all()
        assert inside[f"inner_{k}"].notna().all()
        assert folds.loc[folds["fold"] == k, f"inner_{k}"].isna().all()


def test_with_two_speakers_there_are_no_inner_folds(corpus, where):
    table = ser_bench.splits(corpus, where="gender == 'female'", cv="loso", **where)
    assert table["inner_0"].isna().all()


def test_a_run_s_own_predictions_score_as_the_run_did(speech, tmp_path, corpus, where):
    results = judge(speech, tmp_path)
    found = write(tmp_path / "mine.csv", results.predictions.drop(columns=["corpus", "features", "model", "track", "speaker", "emotion"]))
    scored = ser_bench.score(found, corpus, inner=2, **where).leaderboard.iloc[0]
    scores = ["uar", "uar_low", "uar_high", "war", "macro_f1", "auc"]
    assert scored[scores].to_dict() == pytest.approx(results.leaderboard.iloc[0][scores].to_dict(), abs=1e-4)
    assert (scored["features"], scored["model"], scored["status"], scored["rank"]) == ("mine", "external", "ok", 1)


def test_the_report_says_that_the_predictions_are_somebody_s_word(tmp_path, corpus, where, folds):
    found = write(tmp_path / "guess.csv", folds[["clip"]].assign(predicted="anger"))
    results = ser_bench.score(found, corpus, name="always angry", **where)
    assert "made elsewhere" in (results.folder / "report.html").read_text()
    text = (results.folder / "leaderboard.md").read_text()
    assert "by the word of whoever made the predictions (always angry external)" in text
    assert "Optuna" not in text


def test_a_random_split_is_leaky_for_others_too(tmp_path, corpus, where, folds):
    found = write(tmp_path / "guess.csv", folds[["clip"]].assign(predicted="anger"))
    assert ser_bench.score(found, corpus, cv="random:4", **where).leaderboard.iloc[0]["status"] == "leaky"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.iloc[1:], r"is not predicted"),
        (lambda t: pd.concat([t, t.iloc[:2]]), r"is predicted twice \(and 1 more\)"),
        (lambda t: pd.concat([t, t.iloc[:1].assign(clip="x.wav")]), r"x\.wav is not judged in this corpus"),
        (lambda t: t.assign(fold=(t["fold"] + 1) % 4), r"another fold than its own; see ser-bench splits"),
        (lambda t: t.assign(predicted="joy"), r"is predicted as 'joy', which is none of anger"),
        (lambda t: t.assign(**{"p.anger": 1.0}), r"for all emotions judged or for none"),
        (lambda t: t.assign(seed=7), r"seed 7 is none of this protocol's \(0\)"),
        (lambda t: t.drop(columns="predicted"), r"no column 'predicted'"),
        (lambda t: t.assign(predicted=[None, *t["predicted"][1:]]), r"no predicted in row 1"),
        (lambda t: t.iloc[:0], r"has no rows"),
    ],
)
def test_predictions_that_do_not_fit_are_refused_by_name(tmp_path, corpus, where, folds, change, message):
    table = folds[["clip", "fold"]].assign(predicted="anger")
    found = write(tmp_path / "theirs.csv", change(table))
    with pytest.raises(WrongCall, match=rf"theirs\.csv.*{message}"):
        ser_bench.score(found, corpus, **where)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("bad", [-0.1, "high", np.nan, np.inf])
def test_a_probability_that_is_none_is_refused_by_clip(tmp_path, corpus, where, folds, bad):
    emotions = sorted(folds["emotion"].unique())
    table = folds[["clip"]].assign(predicted="anger", **{f"p.{e}": 1 / len(emotions) for e in emotions}).astype({"p.fear": object})
    table.loc[5, "p.fear"] = bad
    with pytest.raises(WrongCall, match=f"{table.loc[5, 'clip']} has a probability"):
        ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)


@pytest.mark.parametrize("bytes_", [b"", b"\x00\xff\xfe", b"PAR1"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_that_is_no_table_is_told_in_one_line(tmp_path, corpus, where, bytes_, suffix):
    path = tmp_path / f"theirs{suffix}"
    path.write_bytes(bytes_)
    with pytest.raises(WrongCall, match="theirs"):
        ser_bench.score(path, corpus, **where)


def test_the_command_line_writes_splits_and_scores(tmp_path, corpus, where):
    line = [sys.executable, "-m", "ser_bench.cli"]
    options = ["--cache", where["cache"]]
    told = subprocess.run([*line, "splits", str(corpus), *options], check=True, capture_output=True, text=True).stdout
    assert told.startswith("clip,speaker,emotion,seed,fold,inner_0")
    subprocess.run([*line, "splits", str(corpus), *options, "-o", str(tmp_path / "f.parquet")], check=True, capture_output=True)
    table = pd.read_parquet(tmp_path / "f.parquet")
    found = write(tmp_path / "guess.csv", table[["clip", "fold"]].assign(predicted=table["emotion"]))
    scored = subprocess.run(
        [*line, "score", str(found), str(corpus), *options, "--out", where["out"]], check=True, capture_output=True, text=True
    ).stdout
    assert "external" in scored
    assert "1.000" in scored


@pytest.mark.parametrize(("command", "option"), [("splits", "--model"), ("score", "--time-limit"), ("audit", "--track")])
def test_an_option_that_would_be_ignored_is_refused(corpus, command, option):
    line = [sys.executable, "-m", "ser_bench.cli", command, *(["x.csv"] if command == "score" else []), str(corpus), option, "1"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"No such option '{option}'" in done.stderr


def test_a_run_s_configuration_gives_its_splits(speech, tmp_path, corpus, where):
    results = judge(speech, tmp_path, cv="group:2")
    line = [sys.executable, "-m", "ser_bench.cli", "splits", str(corpus), "--config", str(results.folder / "run.toml")]
    subprocess.run([*line, "-o", str(tmp_path / "f.parquet")], check=True, capture_output=True)
    table = pd.read_parquet(tmp_path / "f.parquet")
    assert table.set_index("clip")["fold"].to_dict() == results.predictions.set_index("clip")["fold"].to_dict()
