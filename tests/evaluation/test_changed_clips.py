"""Augmentation: copies are trained on where their originals are, and nowhere else; held-out clips stay as they are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ser_bench
from ser_bench.analyses.leakage import measure_gap
from ser_bench.analyses.sweep import points
from ser_bench.config import RunConfig, read_config
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation import changed_clips, scaling
from ser_bench.evaluation.changed_clips import make_copies
from ser_bench.evaluation.estimate import estimate_cost
from ser_bench.evaluation.plan import prepare_data
from ser_bench.evaluation.scaling import UnitData, column_statistics, scaled_split, standardised_beforehand
from ser_bench.evaluation.search import Search, folds_inside
from ser_bench.evaluation.splits import SpeakerLeak
from ser_bench.evaluation.test_tuned import tune_on_test
from ser_bench.features import ChangedClips, Copies, extract_changed, parse_features
from ser_bench.models.svm import Svm
from ser_bench.results import Results
from ser_bench.utils.progress import Silent
from tests.evaluation.test_nested_cv import make_unit, tune
from tests.small import SMALL, but_seconds, evaluate, with_pages

AUGMENTED = {"augment": "noise(snr=10)+shift"}


def with_copies(data: UnitData, times: int = 1, seed: int = 5) -> UnitData:
    """The unit with noisy copies of all its clips, those that are held out too."""
    of = np.tile(np.arange(len(data.y)), times)
    noise = np.random.default_rng(seed).normal(0, 0.5, (len(of), data.x.shape[1])).astype(np.float32)
    return replace(data, copies=Copies("noise", ("abc",), of, data.x[of] + noise))


@pytest.fixture
def unit() -> UnitData:
    return with_copies(make_unit(columns=6, seed=4))


def test_training_clips_are_followed_by_their_copies(unit):
    split = scaled_split(unit, standardised_beforehand(unit), unit.train, ~unit.train)
    rows = np.concatenate([unit.x[unit.train], unit.copies.values[unit.train]])
    mean, scale = column_statistics(rows)
    np.testing.assert_array_equal(split.x_train, (rows - mean) * scale)
    np.testing.assert_array_equal(split.y_train, np.tile(unit.y[unit.train], 2))
    np.testing.assert_array_equal(split.x_eval, (unit.x[~unit.train] - mean) * scale)
    np.testing.assert_array_equal(split.y_eval, unit.y[~unit.train])


def test_copies_are_standardised_per_speaker_as_their_originals_are(unit):
    data = replace(unit, scaling_groups=unit.voices)
    split = scaled_split(data, standardised_beforehand(data), data.train, ~data.train)
    for voice in np.unique(unit.voices[unit.train]):
        mine = unit.voices == voice
        mean, scale = column_statistics(unit.x[mine])
        place = np.flatnonzero(mine[unit.train]) + unit.train.sum()
        np.testing.assert_array_equal(split.x_train[place], (unit.copies.values[mine] - mean) * scale)


@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=24, max_size=24), st.lists(st.integers(0, 23), max_size=40))
def test_whatever_is_split_no_copy_of_a_held_out_clip_is_trained_on(chosen, of):
    train, voices = np.array(chosen), np.arange(24).astype(str)
    x = np.arange(24, dtype=np.float32)[:, None]
    of = np.array(of, int)
    data = UnitData(x, np.arange(24) % 2, voices, train, ("a", "b"), copies=Copies("c", (), of, x[of] + 100))
    if train.any() and not train.all():
        split = scaled_split(replace(data, scaling_groups=np.arange(24)), np.concatenate([x, data.copies.values]), train, ~train)
        trained = split.x_train[:, 0] % 100
        assert sorted(trained) == sorted([*x[train][:, 0], *(float(n) for n in of if train[n])])
        assert split.n_unit == 24 + len(of)


@pytest.mark.parametrize("leaky", [False, True])
def test_a_planted_copy_of_a_held_out_clip_is_refused(unit, monkeypatch, leaky):
    monkeypatch.setattr(scaling, "copies_of", lambda data, train: np.arange(len(data.copies.of)))
    with pytest.raises(SpeakerLeak, match="a changed copy of a held-out clip"):
        tune(replace(unit, leaky=leaky), trials=2)


def test_a_planted_copy_of_a_held_out_speaker_is_refused(unit, monkeypatch):
    held = np.flatnonzero(~unit.train)
    monkeypatch.setattr(scaling, "copies_of", lambda data, train: held[:1])
    inside = np.delete(held, 0)
    with pytest.raises(SpeakerLeak, match="speaker on both sides"):
        scaled_split(unit, standardised_beforehand(unit), unit.train, inside)


def test_copies_of_held_out_clips_move_nothing(unit):
    values = unit.copies.values.copy()
    values[~unit.train[unit.copies.of]] += 50
    other = replace(unit, copies=replace(unit.copies, values=values))
    for model in ("svm", "logreg"):
        one, two = (tune(data, model, trials=3) for data in (unit, other))
        np.testing.assert_array_equal(one.probabilities, two.probabilities)
        assert one.trials.drop(columns="seconds").equals(two.trials.drop(columns="seconds"))
    assert (tune(unit, trials=3).probabilities != tune(make_unit(columns=6, seed=4), trials=3).probabilities).any()


def test_inner_validation_clips_have_no_copy_among_those_trained_on(unit):
    marked = replace(unit, scaling_groups=np.arange(len(unit.y)))
    x = np.arange(2 * len(unit.y), dtype=np.float32)[:, None]
    folds = folds_inside(marked, 3, 0)
    search = Search.over(marked, x, Svm(), folds, 0)
    inside = np.flatnonzero(unit.train)
    for number, prepared in enumerate(search.prepared):
        held = set(inside[folds == number])
        assert set(prepared.split.x_eval[:, 0].astype(int)) == held
        trained = prepared.split.x_train[:, 0].astype(int) % len(unit.y)
        assert not set(trained) & held
        assert len(trained) == 2 * (len(inside) - len(held))


def test_tuning_on_test_clips_trains_on_copies_of_training_clips_too(unit):
    data = replace(unit, train=np.ones(len(unit.y), bool), outer=(~unit.train).astype(int))
    one = tune_on_test(data, Svm(), trials=2, seed=1)
    plain = tune_on_test(replace(data, copies=None), Svm(), trials=2, seed=1)
    assert (one.probabilities != plain.probabilities).any()


@pytest.fixture(scope="module")
def augmented(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    with with_pages():
        return evaluate(speech, tmp_path_factory.mktemp("augmented"), augment_only=["anger", "fear"], augment_times=2, **AUGMENTED)


def test_an_augmented_run_is_of_the_same_held_out_clips_and_says_what_it_was_trained_on(augmented, finished):
    keys = ["seed", "fold", "clip", "speaker", "emotion"]
    pd.testing.assert_frame_equal(augmented.predictions[keys], finished.predictions[keys])
    (row,) = augmented.leaderboard.to_dict("records")
    assert row["features"] == "spectral, augmented: noise(snr=10.0)+shift x2 (anger, fear)"
    copied = augmented.predictions["emotion"].isin(["anger", "fear"]).sum()
    assert f"{2 * copied} changed copies of {copied} clips over all folds" in " ".join(row["notes"])
    page = (augmented.folder / "report.html").read_text()
    assert "Training clips of anger, fear were augmented in inner and outer folds alike: each got 2 changed copies" in page
    assert "validation and held-out clips stayed as they are" in page


def test_an_augmented_run_is_repeated_by_its_configuration(augmented, finished):
    asked = read_config(augmented.folder / "run.toml")
    assert (asked["augment"], asked["augment_times"], asked["augment_only"]) == (("noise(snr=10.0)+shift",), 2, ("anger", "fear"))
    again = ser_bench.run_config(RunConfig(**asked), progress=False)[0]
    assert (again.folder, again.fitted) == (augmented.folder, 0)
    assert but_seconds(again) == but_seconds(augmented)
    assert read_config(finished.folder / "run.toml")["augment"] == ()


def test_augmented_rows_stand_beside_others_in_a_merged_leaderboard(augmented, finished, tmp_path):
    merged = ser_bench.leaderboard([augmented.folder, finished.folder], to=tmp_path / "merged").leaderboard
    assert merged["block"].tolist() == [1, 1]
    assert merged["settings"].tolist() == ["inner 2", "inner 2"]
    assert merged["features"].nunique() == 2


def prepared(manifest: Path, speech: Path, **options: Any) -> Any:
    config = RunConfig(**{**SMALL, "cache": str(speech / "store"), **options}).for_corpus(str(manifest))
    return prepare_data(config, config.features, Silent()), config


def test_copies_follow_a_clip_s_content_and_not_its_name(speech, tmp_path):
    shutil.copytree(speech / "corpus", tmp_path / "corpus")
    table = pd.read_csv(tmp_path / "corpus" / "clips.csv", dtype=str)
    for number, path in enumerate(table["path"]):
        (tmp_path / "corpus" / path).rename(tmp_path / "corpus" / f"{len(table) - number:03}.wav")
    table.assign(path=[f"{len(table) - number:03}.wav" for number in range(len(table))]).to_csv(
        tmp_path / "corpus" / "clips.csv", index=False
    )
    one, _ = prepared(speech / "corpus" / "clips.csv", speech, **AUGMENTED)
    other, _ = prepared(tmp_path / "corpus" / "clips.csv", speech, **AUGMENTED)
    ours, theirs = (data.features["spectral, augmented: noise(snr=10.0)+shift"].copies for data in (one, other))
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert ours.covered == theirs.covered


def test_only_clips_that_are_trained_on_are_copied_or_said_to_be_missing(speech, tmp_path):
    clips = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "fixed_augmented.csv"
    clips.assign(fold=clips["speaker"].map({"01": "train", "02": "dev", "03": "test", "04": "test"})).to_csv(manifest, index=False)
    data, config = prepared(manifest, speech, cv="predefined", **AUGMENTED)
    copies, _ = make_copies(data.corpus, data.eval_set, [parse_features("spectral")], config, Silent())
    assert set(data.eval_set.clips["speaker"].iloc[copies["spectral"].of]) == {"01", "02"}
    forecast = estimate_cost(replace(config, out=str(tmp_path)), Silent())
    assert (forecast.missing, forecast.table["to do"].tolist()) == (0, [1])
    assert forecast.table["features"].tolist() == list(data.features)


def test_a_subset_of_columns_or_clips_has_copies_of_its_own(speech):
    data, _ = prepared(speech / "corpus" / "clips.csv", speech, features="spectral+mfcc", **AUGMENTED)
    (features,) = data.features.values()
    mine = features.of_groups(["mfcc"])
    assert mine.copies.values.shape == (len(features.values), mine.values.shape[1])
    rows = np.array([3, 5, 8])
    few = features.take(rows)
    assert few.copies.of.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(few.copies.values, features.copies.values[rows])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"augment": "noise", "augment_only": "rage"}, "unknown class of augment_only: 'rage'"),
        ({"augment_only": "anger"}, "augment_only: no training clip is copied without augment"),
        ({"augment_times": 2}, "augment_times: no training clip is copied without augment"),
        ({"augment": "noise+echo"}, "unknown variant 'echo'"),
        ({"augment": "gain(low=1,high=1)", "augment_times": 2}, "draws nothing"),
        ({"test_variant": ""}, "test_variant: is empty"),
    ],
)
def test_an_augmentation_that_cannot_be_meant_is_refused(speech, tmp_path, options, said):
    with pytest.raises(WrongCall, match=said):
        evaluate(speech, tmp_path, **options)


@pytest.mark.parametrize("option", ["augment", "test_variant"])
def test_finished_vectors_cannot_be_had_of_another_sound(finished, speech, tmp_path, option):
    pd.DataFrame({"a.b": 1.0}, index=sorted(set(finished.predictions["clip"]))).to_parquet(tmp_path / "own.parquet")
    with pytest.raises(WrongCall, match=f"own.parquet holds finished vectors, and --{option.replace('_', '-')} needs features of other"):
        evaluate(speech, tmp_path, features=str(tmp_path / "own.parquet"), **{option: "noise"})


def test_ablations_are_augmented_too(speech, tmp_path):
    options = {
        **SMALL,
        "trials": 1,
        "out": str(tmp_path),
        "cache": str(speech / "store"),
        "features": "prosody",
        **AUGMENTED,
    }
    ablated = ser_bench.ablate(speech / "corpus" / "clips.csv", **options, modes="alone", importance=True)
    assert ablated.table["features"].iloc[0] == "prosody, augmented: noise(snr=10.0)+shift"
    assert "Training clips augmented: noise(snr=10.0)+shift." in (ablated.folder / "ablation.md").read_text()


def test_an_augmentation_can_be_swept(speech):
    config = RunConfig(**SMALL, augment="noise").for_corpus(str(speech / "corpus" / "clips.csv"))
    found = list(points({"augment": ["gain", "shift"], "augment_times": [2]}, config))
    assert [point.config.augmented for point in found] == ["gain", "shift", "noise x2"]


def test_the_leak_gap_is_of_augmented_systems(speech, tmp_path):
    options = {**SMALL, "trials": 1, "out": str(tmp_path), "cache": str(speech / "store")}
    manifest = str(speech / "corpus" / "clips.csv")
    plain, augmented = (measure_gap(RunConfig(**options, **more).for_corpus(manifest), Silent()) for more in ({}, AUGMENTED))
    assert list(augmented[0].features) == ["spectral, augmented: noise(snr=10.0)+shift"]
    assert plain[1]["uar"].tolist() != augmented[1]["uar"].tolist()


def test_corpora_are_crossed_with_copies_of_the_one_that_is_trained_on(speech, tmp_path):
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    first = table["speaker"].isin(sorted(table["speaker"].unique())[:2])
    sides = [speech / "corpus" / f"augmented_{name}.csv" for name in ("one", "other")]
    for side, mine in zip(sides, (first, ~first), strict=True):
        table[mine].to_csv(side, index=False)
    options = {**SMALL, "trials": 1, "out": str(tmp_path), "cache": str(speech / "store"), **AUGMENTED}
    crossed = ser_bench.cross(*sides, track="train", **options).table
    assert crossed["notes"].str.join(" ").str.contains("24 changed copies of 24 clips").all()


def test_what_cannot_be_measured_is_left_out_of_copies_and_stops_conditions(speech, monkeypatch):
    def lacking(corpus: Any, keys: pd.Series, sets: list[Any], variants: list[str], options: Any) -> list[ChangedClips]:
        measured = np.arange(len(keys)) != 2
        found = extract_changed(corpus, keys[measured], sets, variants, options)
        return [replace(kind, measured=measured, reasons={str(keys.index[2]): "too short"}) for kind in found]

    monkeypatch.setattr(changed_clips, "extract_changed", lacking)
    data, _ = prepared(speech / "corpus" / "clips.csv", speech, **AUGMENTED)
    (features,) = data.features.values()
    assert features.copies.of.tolist() == [0, 1, *range(3, 48)]
    assert any("augmented: 1 clip has no copy by noise(snr=10.0)+shift, the first: " in line for line in data.warnings)
    with pytest.raises(WorkFailed, match=r"--test-variant gain: 1 clip cannot be measured so \(the first: .*: too short\)"):
        prepared(speech / "corpus" / "clips.csv", speech, test_variant="gain")
