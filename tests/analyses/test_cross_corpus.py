"""Corpora judged by each other: on the same emotions and clips, by models that never saw the corpus judged, and against itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench
from ser_bench import scores
from ser_bench.errors import SerBenchError, WrongCall
from ser_bench.reports.cross import matrices
from ser_bench.results import Crossed
from ser_bench.utils.formatting import format_score, interval
from tests.calling import call
from tests.small import SMALL, WITHOUT_CURVES


@pytest.fixture(scope="module")
def corpora(speech: Path) -> tuple[Path, Path]:
    """The clips of `speech` as two corpora of two speakers, of which the second lacks an emotion that the first has."""
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    speakers = sorted(table["speaker"].unique())
    left, right = speech / "corpus" / "left.csv", speech / "corpus" / "right.csv"
    table[table["speaker"].isin(speakers[:2])].to_csv(left, index=False)
    table[table["speaker"].isin(speakers[2:]) & (table["emotion"] != table["emotion"].iloc[0])].to_csv(right, index=False)
    return left, right


def cross(speech: Path, out: Path, train: object, test: object = None, **options: object) -> Crossed:
    return ser_bench.cross(train, test, **{"out": str(out), "cache": str(speech / "store"), **SMALL, **options})


@pytest.fixture(scope="module")
def found(corpora: tuple[Path, Path], speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Crossed:
    return cross(speech, tmp_path_factory.mktemp("cross"), corpora, track=["train", "corpus", "speaker"])


def row(found: Crossed, train: str, test: str, track: str = "train") -> pd.Series:
    (row,) = (r for _, r in found.table.iterrows() if (r["train"], r["test"], r["track"]) == (train, test, track))
    return row


def test_all_pairs_stand_there_on_every_track(found):
    assert len(found.table) == 2 * 2 * 3
    assert set(found.table["status"]) == {"ok"}


def test_everything_is_judged_on_the_emotions_that_both_have(found, corpora):
    shared = sorted(set(pd.read_csv(corpora[1])["emotion"]))
    assert set(found.table["emotions"]) == {"+".join(shared)}
    assert sorted(found.predictions["emotion"].unique()) == shared


def test_the_diagonal_is_a_run_of_those_clips(found, corpora, speech, tmp_path):
    emotions = found.table.loc[0, "emotions"].split("+")
    where = f"emotion in {emotions}"
    run = ser_bench.run(corpora[0], where=where, out=str(tmp_path), cache=str(speech / "store"), **WITHOUT_CURVES)
    mine = row(found, "left", "left")
    # Folds and clips are the same; the search's seed follows from the emotions' name.
    assert mine["clips"] == run.leaderboard.loc[0, "clips"]
    assert mine["cv"] == run.leaderboard.loc[0, "cv"]


def test_the_loss_is_what_is_below_training_within_on_the_same_clips(found):
    across, within = row(found, "left", "right"), row(found, "right", "right")
    assert across["loss"] == pytest.approx(within["uar"] - across["uar"], abs=2e-4)
    assert across["loss_low"] <= across["loss"] <= across["loss_high"]
    assert np.isnan(within["loss"])


def test_a_loss_has_one_sign_wherever_it_is_read(found):
    across = row(found, "left", "right")
    read = f"loss {format_score(across['loss'])} {interval(across['loss_low'], across['loss_high'])}"
    assert read in "".join(cell for matrix in matrices(found.table) for line in matrix.rows for cell in line)
    assert read in (found.folder / "cross.md").read_text()
    assert format_score(across["loss"]) in found.table_shown()["loss"].tolist()


def test_no_name_of_a_manifest_moves_a_score(found, corpora, speech, tmp_path):
    folder = shutil.copytree(speech / "corpus", tmp_path / "elsewhere")
    for path, name in zip(corpora, ("zz", "aa"), strict=True):
        (folder / path.name).rename(folder / f"{name}.csv")
    renamed = cross(speech, tmp_path, (folder / "zz.csv", folder / "aa.csv"), track=["train", "corpus", "speaker"]).table
    scored = [column for column in renamed if column not in ("train", "test", "seconds")]
    pd.testing.assert_frame_equal(renamed[scored], found.table[scored])


def test_labels_are_compared_before_anything_is_extracted(corpora, speech, tmp_path):
    odd = speech / "corpus" / "odd.csv"
    table = pd.read_csv(corpora[1], dtype=str)
    table.assign(emotion=[f"mood{i % 2}" for i in range(len(table))]).to_csv(odd, index=False)
    with pytest.raises(WrongCall, match="fewer than two classes in common"):
        cross(speech, tmp_path, corpora[0], odd, cache=str(tmp_path / "store"))
    assert not list((tmp_path / "store").glob("spectral-*"))


def test_the_same_audio_under_two_names_is_evaluated_once_and_named(found, corpora, speech, tmp_path):
    copy = speech / "corpus" / "again.csv"
    shutil.copy(corpora[0], copy)
    three = cross(speech, tmp_path, (*corpora, copy), track=["train", "corpus", "speaker"])
    pd.testing.assert_frame_equal(three.table.drop(columns="seconds"), found.table.drop(columns="seconds"))
    assert "left: again holds the same audio: they are one corpus, evaluated once" in three.warnings


def test_intervals_allow_for_overlap_where_there_is_some_and_say_so(found):
    across, within = row(found, "left", "right"), row(found, "right", "right")
    assert (across["overlap"], across["loss_overlap"]) == ("none", "bound")
    assert within["overlap"] == "bound"
    assert pd.isna(within["loss_overlap"])
    for mine, allowed in ((across, 1.0), (within, scores.overlap_bound(2))):
        rows = found.predictions.query("train == @mine.train and test == 'right' and track == 'train'")
        known = scores.jackknife_interval(*(rows[name] for name in ("emotion", "predicted", "voice")), inflation=allowed)
        assert mine[["uar_low", "uar_high"]].tolist() == pytest.approx(known[1:], abs=1e-4)
    text = (found.folder / "cross.md").read_text()
    assert "no speaker evaluated was trained on, and the interval is for this training corpus" in text


def test_a_row_s_uar_is_that_of_its_predictions(found):
    mine = found.predictions.query("train == 'left' and test == 'right' and track == 'train'")
    assert row(found, "left", "right")["uar"] == pytest.approx(scores.uar(mine["emotion"], mine["predicted"]), abs=1e-4)
    assert mine["clip"].is_unique


def test_only_transductive_tracks_look_at_the_other_corpus(found):
    tracks = [row(found, "left", "right", track)["uar"] for track in ("train", "corpus", "speaker")]
    assert len(set(tracks)) > 1


def test_speakers_of_two_corpora_who_have_the_same_ids_are_no_less_distinct(found, corpora, speech, tmp_path):
    right = pd.read_csv(corpora[1], dtype=str)
    ids = dict(zip(sorted(right["speaker"].unique()), sorted(set(pd.read_csv(corpora[0], dtype=str)["speaker"])), strict=True))
    folder = shutil.copytree(speech / "corpus", tmp_path / "same ids")
    right.assign(speaker=right["speaker"].map(ids)).to_csv(folder / "right.csv", index=False)
    same = cross(speech, tmp_path, (folder / "left.csv", folder / "right.csv"), track=["train", "corpus", "speaker"]).table
    across = ["train", "test", "track", "status", "uar", "uar_low", "uar_high", "loss"]
    pd.testing.assert_frame_equal(same[across], found.table[across])


def test_one_pair_brings_the_corpus_judged_by_itself_along(corpora, speech, tmp_path):
    table = cross(speech, tmp_path, corpora[0], corpora[1], track="train").table
    assert table[["train", "test"]].to_numpy().tolist() == [["right", "right"], ["left", "right"]]


@pytest.mark.usefixtures("pages")
def test_again_gives_the_same_bytes_and_fits_nothing(corpora, speech, tmp_path, capsys):
    from ser_bench.utils.progress import Lines

    one = cross(speech, tmp_path, corpora, track="train")
    kept = {name: (one.folder / name).read_bytes() for name in ("cross.csv", "cross.md", "predictions.parquet", "figures/cross.svg")}
    other = cross(speech, tmp_path, corpora, track="train", progress=Lines())
    assert "evaluating" not in capsys.readouterr().err
    assert all((other.folder / name).read_bytes() == content for name, content in kept.items())


def test_a_corpus_cannot_judge_audio_that_it_was_trained_on(corpora, speech, tmp_path):
    with pytest.raises(WrongCall, match="hold the same audio"):
        cross(speech, tmp_path, speech / "corpus" / "clips.csv", corpora[1])


def test_two_corpora_of_one_name_are_refused(corpora, speech, tmp_path):
    twin = speech / "corpus" / "elsewhere" / "left.csv"
    twin.parent.mkdir(exist_ok=True)
    table = pd.read_csv(corpora[1], dtype=str)
    table.assign(path=[f"../{path}" for path in table["path"]]).to_csv(twin, index=False)
    with pytest.raises(WrongCall, match="both called 'left'"):
        cross(speech, tmp_path, corpora[0], twin)


@pytest.mark.parametrize("cv", ["random:2", "auto+sentence"])
def test_a_split_that_holds_within_a_corpus_alone_is_refused(corpora, speech, tmp_path, cv):
    with pytest.raises(WrongCall, match=r"without leaks|does not tell which sentence"):
        cross(speech, tmp_path, corpora, cv=cv)


def test_one_row_of_a_table_cannot_serve_two_corpora(speech, tmp_path):
    paths = []
    for name, seed in (("one", 1), ("two", 2)):
        corpus = ser_bench.load_corpus(f"tones(speakers=3,takes=1,seed={seed})", cache=tmp_path)
        table = corpus.clips[["emotion", "speaker"]].rename_axis("path").reset_index()
        table.to_csv(corpus.folder / f"{name}.csv", index=False)
        paths.append(corpus.folder / f"{name}.csv")
    vectors = pd.DataFrame(np.random.default_rng(0).normal(size=(len(table), 3)), columns=list("abc"), index=table["path"])
    vectors.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(WrongCall, match="is a clip of several corpora"):
        cross(speech, tmp_path, paths, features=str(tmp_path / "mine.parquet"))


def test_a_pair_is_never_called_within_whatever_failed(found):
    table = found.table.assign(loss=np.nan)
    across = [row for matrix in matrices(table) for row in matrix.rows]
    assert sum("within" in cell for row in across for cell in row) == (table["train"] == table["test"]).sum()


@pytest.mark.parametrize("options", [{"track": []}, {"corpus": "x"}, {"time_limit": 1.0}])
def test_what_cannot_be_meant_is_refused(corpora, speech, tmp_path, options):
    with pytest.raises(WrongCall):
        cross(speech, tmp_path, corpora, **options)


def test_a_track_nobody_knows_is_refused(corpora, speech, tmp_path):
    with pytest.raises(SerBenchError, match="unknown track 'all'"):
        cross(speech, tmp_path, corpora, track="all")


def test_the_command_line_prints_the_matrix(corpora, speech, tmp_path):
    small = ["-f", "spectral", "-m", "logreg", "--trials", 2, "--inner", 2, "--seeds", 1, "--jobs", 1]
    where = ["--out", tmp_path, "--cache", speech / "store"]
    done = call("cross", "--train", corpora[0], "--train", corpora[1], "--track", "train", *small, *where)
    assert done.returncode == 0, done.stderr
    assert "on left" in done.stdout
    assert "within" in done.stdout
    assert call("cross").returncode == 2


def test_a_copy_between_two_corpora_is_noted_on_their_rows_alone(corpora, speech, tmp_path):
    folder = shutil.copytree(speech / "corpus", tmp_path / "corpus")
    left, right = (pd.read_csv(folder / path.name, dtype=str) for path in corpora)
    mine = left.index[left["emotion"].isin(set(right["emotion"]))][0]
    samples, rate = soundfile.read(folder / left.loc[mine, "path"], dtype="float32")
    # 1.25 dB quieter, and another format.
    soundfile.write(folder / "again.ogg", 0.866 * samples, rate)
    planted = {**right.iloc[0], "path": "again.ogg", "emotion": left.loc[mine, "emotion"]}
    pd.concat([right, pd.DataFrame([planted])]).to_csv(folder / "right.csv", index=False)
    table = cross(speech, tmp_path / "out", [folder / "left.csv", folder / "right.csv"], track="train").table
    across = table["train"] != table["test"]
    assert across.sum() == 2
    firsts = table.loc[across, "notes"].str[0]
    assert firsts.str.startswith("1 clip of left and 1 of right may be the same recordings").all()
    assert not any("same recordings" in note for notes in table.loc[~across, "notes"] for note in notes)
