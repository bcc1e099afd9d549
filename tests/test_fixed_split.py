"""A manifest's train, dev and test are one split: dev selects, test is evaluated once, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench import scores
from ser_bench.analyses import cross_corpus
from ser_bench.api import ablate, leaderboard, run
from ser_bench.config import RunConfig, check_keys
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation.plan import prepare_data
from ser_bench.evaluation.scaling import UnitData
from ser_bench.evaluation.search import Search, folds_inside
from ser_bench.evaluation.splits import NEVER, Protocol, fixed_parts, outer_folds, training_clips
from ser_bench.evaluation.units import EvaluationSet
from ser_bench.results import Results
from ser_bench.utils.progress import Silent
from tests.small import SMALL, with_pages

PARTS = {"01": "Train", "02": "devel", "03": "test", "04": "TEST"}
CV = Protocol("predefined")


def table(parts: str, **others: list[str]) -> pd.DataFrame:
    names = {"t": "train", "d": "dev", "e": "test"}
    who = [str(number) for number in range(len(parts))]
    return pd.DataFrame({"emotion": "x", "speaker": who, "voice": who, "fold": [names[part] for part in parts], **others})


@pytest.fixture(scope="module")
def made(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], Results]:
    """A manifest with a fixed split, how it was judged, and what came of it."""
    out = tmp_path_factory.mktemp("fixed")
    shutil.copytree(speech / "corpus", out / "given")
    clips = pd.read_csv(out / "given" / "clips.csv", dtype=str)
    manifest = out / "given" / "clips.csv"
    clips.assign(fold=clips["speaker"].map(PARTS)).to_csv(manifest, index=False)
    options = {**SMALL, "cv": "predefined", "seeds": 1, "out": str(out), "cache": str(speech / "store")}
    with with_pages():
        return manifest, options, run(manifest, **options)


def test_only_the_test_part_is_held_out():
    clips = table("tdeet")
    folds = outer_folds(clips, CV, 0)
    assert folds.tolist() == [NEVER, NEVER, 0, 0, NEVER]
    assert training_clips(clips, CV, folds, 0, 0).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("names", [["1", "2", "test"], ["train", "dev", "dev"], ["dev", "test", "test"], ["train", "test", "other"]])
def test_other_names_are_rotated(names):
    clips = table("tde").assign(fold=names)
    assert fixed_parts(clips, CV) is None
    assert outer_folds(clips, CV, 0).min() == 0


def test_a_speaker_in_two_parts_stops_everything():
    for one, other in ("td", "te", "de"):
        clips = table(f"tde{one}{other}")
        clips.loc[3:, "voice"] = "x"
        with pytest.raises(WorkFailed, match="both sides of a split: x"):
            outer_folds(clips, CV, 0)


def test_sentences_of_other_test_speakers_are_not_trained_on():
    clips = table("ttteee", sentence=["a", "b", "c", "a", "b", "c"])
    protocol = Protocol("predefined", text=True)
    folds = outer_folds(clips, protocol, 0)
    for fold in range(3):
        train = training_clips(clips, protocol, folds, fold, 0)
        assert not train[3:].any()
        assert set(clips["sentence"][train]) == {"a", "b", "c"} - set(clips["sentence"][folds == fold])


def test_the_dev_part_alone_selects():
    data = UnitData(
        np.zeros((4, 1), np.float32),
        np.array([0, 1, 0, 1]),
        np.array(list("aabb")),
        np.array([True] * 4),
        ("x", "y"),
        selecting=np.array([False, False, True, True]),
    )
    folds = folds_inside(data, 3, 0)
    assert folds.tolist() == [-1, -1, 0, 0]
    search = Search(None, [], data.y, folds, data.voices, 0)
    assert search.clip_weights[2:].tolist() == [0.5, 0.5]


def test_a_test_part_of_one_speaker_is_refused_before_any_work(made, tmp_path):
    manifest, options, _ = made
    clips = pd.read_csv(manifest, dtype=str)
    one = clips["fold"].where(clips["speaker"] != "03", "train")
    clips.assign(fold=one, path=[str(manifest.parent / path) for path in clips["path"]]).to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(WrongCall, match="the test part shows a single speaker"):
        run(tmp_path / "one.csv", **options)


def test_another_dev_part_is_another_unit():
    clips = table("tdde").assign(key=list("abcd"))
    folds = {0: outer_folds(clips, CV, 0)}
    hashes = [
        EvaluationSet("c", "all", clips.assign(fold=fold), CV, folds).hashes[0]
        for fold in (clips["fold"], ["train", "train", "dev", "test"])
    ]
    assert hashes[0] != hashes[1]


def test_train_and_test_exchanged_are_another_split():
    clips = table("ttee").assign(key=list("abcd"))
    clips = [clips.assign(fold=fold) for fold in (["train", "train", "test", "test"], ["test", "test", "train", "train"])]
    one, other = (EvaluationSet("c", "all", mine, CV, {0: outer_folds(mine, CV, 0)}) for mine in clips)
    assert one.hashes[0] != other.hashes[0]


def test_a_run_evaluates_the_test_part_once_and_says_so(made):
    _, _, results = made
    assert set(results.predictions["speaker"]) == {"03", "04"}
    assert results.predictions["clip"].is_unique
    row = results.leaderboard.iloc[0]
    assert (row["clips"], row["speakers"]) == (24, 2)
    assert any("24 clips of 2 speakers are evaluated (test)" in line for line in results.warnings)
    page = (results.folder / "report.html").read_text()
    assert "24 are trained on and never held out" in page
    assert "on the dev part" in page


@pytest.mark.parametrize(("cv", "said"), [("auto", True), ("loso", False)])
def test_a_fixed_split_that_nobody_asks_for_is_said_not_to_be_used(made, cv, said):
    manifest, options, _ = made
    config = RunConfig(**check_keys({"corpus": str(manifest), **options, "cv": cv}, source="a test")).for_corpus(str(manifest))
    told = [line for line in prepare_data(config, (), Silent()).warnings if "'fold' names a fixed split (dev, test, train)" in line]
    assert [line.endswith("--cv predefined evaluates its test part alone") for line in told] == [True] * said


def test_predictions_do_not_depend_on_what_is_called_train(made):
    _, _, results = made
    right = results.predictions["emotion"] == results.predictions["predicted"]
    recalls = right.groupby(results.predictions["emotion"]).mean()
    assert results.leaderboard["uar"].iloc[0] == pytest.approx(recalls.mean(), abs=1e-4)


def test_splits_say_what_selects_and_what_is_fitted(made):
    manifest, options, _ = made
    told = ser_bench.splits(manifest, **{key: options[key] for key in ("cv", "seeds", "cache")})
    by_speaker = told.groupby("speaker")[["fold", "inner_0"]].first().astype("Int64")
    assert by_speaker["fold"].tolist() == [-1, -1, 0, 0]
    assert by_speaker["inner_0"].tolist()[:2] == [-1, 0]
    assert by_speaker["inner_0"].isna().tolist() == [False, False, True, True]


def test_predictions_from_elsewhere_are_of_the_test_part(made, tmp_path):
    manifest, options, results = made
    where = {key: options[key] for key in ("cv", "seeds", "out", "cache")}
    theirs = results.predictions[["clip", "predicted"]]
    theirs.to_csv(tmp_path / "theirs.csv", index=False, sep=";")
    scored = ser_bench.score(tmp_path / "theirs.csv", manifest, **where)
    assert scored.leaderboard["uar"].iloc[0] == results.leaderboard["uar"].iloc[0]
    assert scored.leaderboard["clips"].iloc[0] == 24
    theirs.iloc[1:].to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(WrongCall, match="is not predicted"):
        ser_bench.score(tmp_path / "theirs.csv", manifest, **where)
    merged = leaderboard([results.folder, scored.folder], to=tmp_path / "merged")
    assert merged.leaderboard["clips"].tolist() == [24, 24]


def test_learning_curves_and_ablations_are_of_the_test_part(made):
    manifest, options, results = made
    assert results.learning["uar"].between(0, 1).all()
    one = ablate(manifest, **{**options, "features": "mfcc", "trials": 1}, modes="alone", importance=False)
    assert one.table["uar"].between(0, 1).all()


def test_speakers_who_train_no_model_have_nothing_to_allow_for(made):
    _, _, results = made
    assert results.leaderboard["variance_ratio"].tolist() == [1.0]
    (notes,) = results.leaderboard["notes"]
    assert any(note.startswith("one fixed split: intervals and p are for new test speakers") for note in notes)
    method = (results.folder / "report.html").read_text().partition('id="method-text"')[2].partition("</p>")[0]
    assert "given the one training part" in method
    assert "refits" not in method


def test_a_study_is_planned_for_test_speakers_and_says_so(made):
    _, _, results = made
    table = ser_bench.plan_study(results.folder)
    assert set(table["speakers"]) == {2}
    assert set(table["clips_per_speaker"]) == {12, 24}
    assert set(table["variance_ratio"]) == {1.0}
    (note,) = [note for note in table.attrs["notes"] if "fixed split" in note]
    assert "trained on the same 24 clips" in note
    assert "cannot be seen in one training part" in note
    counts = scores.speaker_counts(*(results.predictions[name] for name in ("emotion", "predicted", "voice")))
    ((_, low, high),) = scores.combinations_of([counts], [[1.0]])
    now = table[(table["clips_per_speaker"] == 12) & (table["covers"] == "speakers")]
    assert now["half_width"].iloc[0] == pytest.approx((high - low) / 2)


def test_what_needs_every_clip_held_out_refuses_a_fixed_split(made):
    manifest, options, _ = made
    with pytest.raises(WrongCall, match="use loso or group:K"):
        ser_bench.audit(manifest, gap=True, **options)
    config = RunConfig(**check_keys({"corpus": str(manifest), **options}, source="a test")).for_corpus(str(manifest))
    with pytest.raises(WrongCall, match="use auto, loso or group:K"):
        cross_corpus._keep(prepare_data(config, (), Silent()), {"anger", "sadness"}, config)
