"""Systems from elsewhere are judged on the same clips and folds as our own, and what does not fit is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.errors import WrongCall
from tests.calling import call
from tests.small import evaluate


@pytest.fixture
def where(speech: Path, tmp_path: Path) -> dict[str, Any]:
    return {"cache": str(speech / "store"), "out": str(tmp_path / "out"), "seeds": 1}


@pytest.fixture
def corpus(speech: Path) -> Path:
    return speech / "corpus" / "clips.csv"


@pytest.fixture(scope="module")
def made(speech: Path) -> pd.DataFrame:
    return ser_bench.splits(speech / "corpus" / "clips.csv", cache=str(speech / "store"))


@pytest.fixture
def folds(made: pd.DataFrame) -> pd.DataFrame:
    """The folds of the clips, to be changed at will."""
    return made.copy()


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def test_splits_are_those_that_a_run_uses(speech, tmp_path, corpus, monkeypatch):
    from ser_bench.evaluation import search

    used = []
    inner = search.inner_folds
    monkeypatch.setattr(search, "inner_folds", lambda *given, **how: used.append(inner(*given, **how)) or used[-1])
    results = evaluate(speech, tmp_path, cv="group:2", inner=2, seeds=2)
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
    table = ser_bench.splits(corpus, where="gender == 'female'", cv="loso", cache=where["cache"])
    assert table["inner_0"].isna().all()


def test_a_run_s_own_predictions_score_as_the_run_did(finished, tmp_path, corpus, where):
    found = write(tmp_path / "mine.csv", finished.predictions.drop(columns=["corpus", "features", "model", "track", "speaker", "emotion"]))
    scored = ser_bench.score(found, corpus, cv="group:2", **where).leaderboard.iloc[0]
    scores, own = ["uar", "war", "macro_f1", "auc"], finished.leaderboard.iloc[0]
    assert scored[scores].to_dict() == pytest.approx(own[scores].to_dict(), abs=1e-4)
    # Nobody can refit it, so that overlapping training sets count with the most that they can bring.
    assert scored["uar_low"] <= own["uar_low"] < own["uar_high"] <= scored["uar_high"]
    assert (scored["features"], scored["model"], scored["status"], scored["rank"]) == ("mine", "external", "ok", 1)


@pytest.mark.usefixtures("pages")
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
        (lambda t: pd.concat([t, t.iloc[:1].assign(clip="x.wav")]), r"x\.wav is not evaluated in this corpus"),
        (lambda t: t.assign(fold=(t["fold"] + 1) % 4), r"another fold than its own; see ser-bench splits"),
        (lambda t: t.assign(predicted="joy"), r"is predicted as 'joy', which is none of anger"),
        (lambda t: t.assign(**{"p.anger": 1.0}), r"for all evaluated emotions or for none"),
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


def probable(folds: pd.DataFrame) -> pd.DataFrame:
    """Predictions with a probability for each emotion, all the same."""
    emotions = sorted(folds["emotion"].unique())
    return folds[["clip"]].assign(predicted="anger", **{f"p.{e}": 1 / len(emotions) for e in emotions})


@pytest.mark.parametrize("bad", [-0.1, "high", "", np.nan, np.inf, -np.inf, 1e19, "1e400", 1.1, True])
def test_a_probability_that_is_none_is_refused_by_clip(tmp_path, corpus, where, folds, bad):
    table = probable(folds).astype({"p.fear": object})
    table.loc[5, "p.fear"] = bad
    with pytest.raises(WrongCall, match=f"{table.loc[5, 'clip']} has p.fear = .*, which is no probability between 0 and 1"):
        ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"p.anger": 85.0, "p.fear": 15.0},
            r"has p\.anger = '85\.0', which is no probability between 0 and 1 \(per cent are to be divided",
        ),
        ({"p.anger": 1 / 6 + 0.01}, r"has probabilities that sum to 1\.01 and not to 1"),
        ({"p.anger": 0.1, "p.fear": 1 / 3 - 0.1}, r"is predicted as anger and fear is its most probable emotion; --decisions-only leaves"),
    ],
)
def test_probabilities_that_cannot_be_meant_are_refused_by_clip(tmp_path, corpus, where, folds, change, message):
    table = probable(folds)
    table.loc[7, list(change)] = list(change.values())
    with pytest.raises(WrongCall, match=rf"theirs\.csv: {table.loc[7, 'clip']} {message}"):
        ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)


def test_rounded_and_tied_probabilities_are_taken(tmp_path, corpus, where, folds):
    table = probable(folds).assign(**{"p.anger": 0.167, "p.fear": 0.167})
    assert ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where).leaderboard["auc"].notna().all()


def test_decisions_only_leaves_probabilities_out_and_says_so(tmp_path, corpus, where, folds):
    table = probable(folds).assign(**{"p.anger": 0.1, "p.fear": 40.0})
    results = ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, decisions_only=True, **where)
    assert results.leaderboard["auc"].isna().all()
    assert "decisions only: probabilities left out" in results.leaderboard["notes"].item()
    assert any("decisions only: 6 columns of probabilities are left out" in warning for warning in results.warnings)
    without = write(tmp_path / "without.csv", table[["clip", "predicted"]])
    with pytest.raises(WrongCall, match=r"has no probabilities .* drop --decisions-only"):
        ser_bench.score(without, corpus, decisions_only=True, **where)


@pytest.mark.parametrize("column", ["emotion", "truth", "label"])
def test_labels_that_contradict_the_corpus_are_refused_and_others_taken(tmp_path, corpus, where, folds, column):
    told = folds["emotion"].replace({"anger": "Angry", "happiness": "joy"})
    told.iloc[3] = ""
    table = folds[["clip"]].assign(predicted="anger", **{column: told})
    ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)
    table.loc[8:10, column] = "boredom"
    said = rf"{table.loc[8, 'clip']} is 'boredom' by the column '{column}' and {folds.loc[8, 'emotion']} in this corpus; .* \(and 2 more\)"
    with pytest.raises(WrongCall, match=said):
        ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)


@pytest.mark.usefixtures("pages")
def test_predictions_that_equal_the_labels_are_said_to(tmp_path, corpus, where, folds):
    table = folds[["clip"]].assign(predicted=folds["emotion"])
    results = ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)
    assert any("equal the corpus's labels on all 48 clips" in warning for warning in results.warnings)
    assert "equal to the corpus's labels on all clips" in results.leaderboard["notes"].item()
    assert "equal the corpus" in (results.folder / "report.html").read_text()
    table.loc[0, "predicted"] = "sadness"
    results = ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)
    assert not any("equal to" in note for note in results.leaderboard["notes"].item())


@pytest.mark.parametrize("column", ["seed", "fold"])
@pytest.mark.parametrize("bad", ["1e400", "inf", "nan", "", "-1", "0.5", "first", "1e19"])
def test_a_seed_or_fold_that_is_no_number_is_told_by_row(tmp_path, corpus, where, folds, column, bad):
    table = folds[["clip", "seed", "fold"]].assign(predicted="anger").astype({column: object})
    table.loc[4, column] = bad
    with pytest.raises(WrongCall, match=rf"'{column}' .*row 5"):
        ser_bench.score(write(tmp_path / "theirs.csv", table), corpus, **where)


def test_one_table_scores_the_same_however_it_is_written(tmp_path, corpus, where, folds):
    table = folds[["clip", "seed", "fold"]].assign(predicted="anger", emotion=folds["emotion"])
    written = [write(tmp_path / "theirs.csv", table)]
    shapes = [
        table,
        table.set_index("clip"),
        table.set_index("clip").rename_axis(None),
        table.set_index(["seed", "clip"]),
        table.astype({"predicted": "category", "fold": float, "seed": str}),
    ]
    for number, shape in enumerate(shapes):
        written.append(tmp_path / f"{number}.parquet")
        shape.to_parquet(written[-1])
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbf" + written[0].read_bytes())
    folders = {ser_bench.score(path, corpus, name="theirs", **where).folder for path in [*written, tmp_path / "marked.csv"]}
    assert len(folders) == 1


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_clips_that_are_called_by_numbers_are_found(speech, tmp_path, where, suffix):
    rows = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    names = [str(number) for number in range(len(rows))]
    for name, path in zip(names, rows["path"], strict=True):
        (tmp_path / name).with_suffix(".wav").write_bytes((speech / "corpus" / path).read_bytes())
    emotions = dict(zip(sorted(rows["emotion"].unique()), ("1", "2", "3", "4", "05", "6.0"), strict=True))
    rows.assign(path=[f"{name}.wav" for name in names], emotion=rows["emotion"].map(emotions)).to_csv(tmp_path / "numbers.csv", index=False)
    table = pd.DataFrame({"clip": [f"{name}.wav" for name in names], "predicted": 3.0, "label": rows["emotion"].map(emotions)})
    path = tmp_path / f"theirs{suffix}"
    if suffix == ".csv":
        table.assign(predicted="1").to_csv(path, index=False)
    else:
        table.to_parquet(path)
    found = ser_bench.score(path, tmp_path / "numbers.csv", **where)
    assert found.leaderboard["uar"].item() == pytest.approx(1 / 6, abs=1e-4)


def test_columns_that_are_not_read_are_named(tmp_path, corpus, where, folds):
    found = write(tmp_path / "theirs.csv", folds[["clip"]].assign(predicted="anger", p_anger=0.5, note="x"))
    assert any("2 columns are not read: p_anger, note" in warning for warning in ser_bench.score(found, corpus, **where).warnings)


def test_predictions_are_of_one_track(tmp_path, corpus, where, folds):
    found = write(tmp_path / "theirs.csv", folds[["clip"]].assign(predicted="anger"))
    with pytest.raises(WrongCall, match="predictions are evaluated on one"):
        ser_bench.score(found, corpus, track=["train", "speaker"], **where)


@pytest.mark.parametrize("bytes_", [b"", b"\x00\xff\xfe", b"PAR1"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_that_is_no_table_is_told_in_one_line(tmp_path, corpus, where, bytes_, suffix):
    path = tmp_path / f"theirs{suffix}"
    path.write_bytes(bytes_)
    with pytest.raises(WrongCall, match="theirs"):
        ser_bench.score(path, corpus, **where)


def test_the_command_line_writes_splits_and_scores(tmp_path, corpus, where):
    options = ["--cache", where["cache"]]
    assert call("splits", corpus, *options).stdout.startswith("clip,speaker,emotion,seed,fold,inner_0")
    assert call("splits", corpus, *options, "-o", tmp_path / "f.parquet").returncode == 0
    table = pd.read_parquet(tmp_path / "f.parquet")
    found = write(tmp_path / "guess.csv", table[["clip", "fold"]].assign(predicted=table["emotion"]))
    scored = call("score", found, corpus, *options, "--out", where["out"])
    assert scored.returncode == 0, scored.stderr
    assert "external" in scored.stdout
    assert "1.000" in scored.stdout
    wrong = write(tmp_path / "wrong.csv", probable(table).assign(**{"p.anger": 85.0}))
    score = ["score", wrong, corpus, *options, "--out", where["out"]]
    refused = call(*score)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    done = call(*score, "--decisions-only")
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert "decisions only" in done.stderr
    assert call("leaderboard", "--out", where["out"], "--with-external", cwd=tmp_path).returncode == 0


def test_a_run_s_configuration_gives_its_splits(speech, tmp_path, corpus, where):
    results = evaluate(speech, tmp_path)
    assert call("splits", corpus, "--config", results.folder / "run.toml", "-o", tmp_path / "f.parquet").returncode == 0
    table = pd.read_parquet(tmp_path / "f.parquet")
    assert table.set_index("clip")["fold"].to_dict() == results.predictions.set_index("clip")["fold"].to_dict()
