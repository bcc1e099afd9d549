"""Leaks, planted one by one: each is caught, or there is no way to ask for it.

Where a leak would have to be written into the house itself, the test writes it there and shows that the property which
other tests hold the house to (nothing held out moves anything fitted) breaks at once.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench
from ser_bench.errors import SerBenchError, WorkFailed, WrongCall
from ser_bench.evaluation import nested_cv, plan, scaling, search
from ser_bench.evaluation.scaling import UnitData
from ser_bench.evaluation.splits import random_folds
from ser_bench.evaluation.test_tuned import tune_on_test
from ser_bench.models import base as contract
from ser_bench.models.feature_selection import select_k_best
from ser_bench.models.svm import Svm
from tests.evaluation.test_nested_cv import make_unit, tune
from tests.small import WITHOUT_CURVES, evaluate


def moved_by_held_out_features(data: UnitData, decide: Callable[[UnitData], np.ndarray]) -> bool:
    """Whether decisions about some held-out clips, or what led to them, change with the features of others."""
    x = data.x.copy()
    x[np.flatnonzero(~data.train)[:12]] += np.random.default_rng(3).normal(20, 10, (12, x.shape[1])).astype(np.float32)
    return bool((decide(data)[12:] != decide(replace(data, x=x))[12:]).any())


def moved_by_held_out_labels(data: UnitData, decide: Callable[[UnitData], np.ndarray]) -> bool:
    """Whether decisions about held-out clips change with their emotions."""
    y = data.y.copy()
    y[~data.train] = np.roll(y[~data.train], 1)
    return bool((decide(data) != decide(replace(data, y=y))).any())


def scores_of(data: UnitData, model: Any = "svm") -> np.ndarray:
    """What a unit believes about its held-out clips, rounded to what single precision can hold."""
    return tune(data, model, trials=3).probabilities.round(5)


@pytest.fixture
def unit() -> UnitData:
    """A unit in which little is easy, so that what moves anything shows."""
    return make_unit(columns=12, seed=4)


def test_a_scaler_fitted_on_all_clips_would_be_seen(unit, monkeypatch):
    assert not moved_by_held_out_features(unit, scores_of)
    honest = scaling.scaled_split

    def fitted_on_all(data: UnitData, x: np.ndarray, *split: Any, **how: Any) -> Any:
        mean, scale = scaling.column_statistics(x)
        return honest(replace(data, scaling_groups=np.zeros(len(x))), (x - mean) * scale, *split, **how)

    for room in (search, nested_cv):
        monkeypatch.setattr(room, "scaled_split", fitted_on_all)
    assert moved_by_held_out_features(unit, scores_of)


class Choosy(Svm):
    """A machine that is given the three columns that best tell emotions apart."""

    name = "choosy"
    max_features = 3


def test_columns_chosen_before_the_split_would_be_seen(unit, monkeypatch):
    def decide(data: UnitData) -> np.ndarray:
        return scores_of(data, Choosy())

    assert not moved_by_held_out_labels(unit, decide)

    def decide_with_a_look(data: UnitData) -> np.ndarray:
        monkeypatch.setattr(contract, "select_k_best", lambda x, y, most: select_k_best(data.x, data.y, most))
        return scores_of(data, Choosy())

    assert moved_by_held_out_labels(unit, decide_with_a_look)


def test_parameters_tuned_on_the_test_clips_would_be_seen(unit):
    def on_test(data: UnitData) -> np.ndarray:
        everything = replace(data, train=np.ones(len(data.y), bool), outer=(~data.train).astype(int))
        return tune_on_test(everything, Svm(), trials=8, seed=1).predicted[~data.train]

    assert not moved_by_held_out_labels(unit, scores_of)
    assert moved_by_held_out_labels(unit, on_test)


def test_no_configuration_can_ask_for_parameters_from_the_test_score_or_scaling_by_all():
    for options in ({"nested": False}, {"track": "all"}, {"track": "corpus"}):
        with pytest.raises(SerBenchError):
            ser_bench.run("tones(speakers=2,takes=1)", **options)


def test_scaling_by_speaker_in_the_train_track_would_be_seen(unit):
    assert not moved_by_held_out_features(unit, scores_of)
    assert moved_by_held_out_features(replace(unit, scaling_groups=unit.voices), scores_of)


def test_transductive_rows_are_ranked_apart(speech, tmp_path):
    board = evaluate(speech, tmp_path, track=["train", "speaker"]).leaderboard
    assert board["rank"].tolist() == [1, 1]
    assert board["track"].tolist() == ["train", "speaker"]


def test_a_speaker_in_two_folds_stops_the_run(speech, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "outer_folds", lambda clips, protocol, seed: random_folds(clips["emotion"].to_numpy(str), 4, seed))
    with pytest.raises(WorkFailed, match="speaker on both sides of a split"):
        evaluate(speech, tmp_path)


def test_a_speaker_in_two_predefined_folds_stops_the_run(speech, tmp_path):
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "predefined.csv"
    table.assign(fold=[str(i % 2) for i in range(len(table))]).to_csv(manifest, index=False)
    with pytest.raises(WorkFailed, match="speaker on both sides of a split"):
        ser_bench.run(manifest, out=str(tmp_path), cache=str(speech / "store"), **{**WITHOUT_CURVES, "cv": "predefined"})


def test_a_speaker_spelt_twice_is_on_one_side_or_asked_about(speech):
    clips = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "spelt.csv"
    options = {"cache": str(speech / "store"), "jobs": 1}
    half = clips.index % 2 == 0
    for other in ("{}\u200b", " {}", "{}.0"):
        clips.assign(speaker=clips["speaker"].str.lstrip("0").where(half, clips["speaker"].str.lstrip("0").map(other.format))).to_csv(
            manifest
        )
        assert ser_bench.splits(manifest, **options)["fold"].nunique() == 4
    clips.assign(speaker=clips["speaker"].where(half, clips["speaker"].str.lstrip("0"))).to_csv(manifest)
    with pytest.raises(WrongCall, match=r"'01' .* and '1' .* may be one.*--allow-similar-names"):
        ser_bench.splits(manifest, **options)
    assert ser_bench.splits(manifest, allow_similar_names=True, **options)["fold"].nunique() == 8


def test_train_dev_and_test_are_not_rotated(speech, tmp_path):
    clips = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "fixed.csv"
    clips.assign(fold=clips["speaker"].map({"01": "train", "02": "dev", "03": "test", "04": "test"})).to_csv(manifest, index=False)
    results = ser_bench.run(manifest, out=str(tmp_path), cache=str(speech / "store"), **{**WITHOUT_CURVES, "cv": "predefined"})
    assert set(results.predictions["speaker"]) == {"03", "04"}


def test_a_speaker_on_both_sides_stops_the_unit_too(unit):
    with pytest.raises(WorkFailed, match="s4"):
        tune(replace(unit, train=unit.train | (np.arange(len(unit.y)) == 16 * 4)))


@pytest.fixture
def corpus(speech: Path, tmp_path: Path) -> pd.DataFrame:
    """The clips of `speech` in a folder of their own; the manifest that stands beside them."""
    shutil.copytree(speech / "corpus", tmp_path / "corpus")
    return pd.read_csv(tmp_path / "corpus" / "clips.csv", dtype=str)


def run(table: pd.DataFrame, tmp_path: Path, **options: object) -> Any:
    manifest = tmp_path / "corpus" / "mine.csv"
    table.to_csv(manifest, index=False)
    return ser_bench.run(manifest, out=str(tmp_path / "results"), cache=str(tmp_path / "store"), **{**WITHOUT_CURVES, **options})


def test_one_audio_under_two_speakers_is_never_on_both_sides(corpus, tmp_path):
    first, other = corpus.iloc[0], next(row for _, row in corpus.iterrows() if row["speaker"] != corpus.iloc[0]["speaker"])
    shutil.copy(tmp_path / "corpus" / first["path"], tmp_path / "corpus" / "copy.wav")
    copy = first.to_dict() | {"path": "copy.wav", "speaker": other["speaker"]}
    found = run(pd.concat([corpus, pd.DataFrame([copy])], ignore_index=True), tmp_path)
    folds = found.predictions.groupby("speaker")["fold"].unique()
    assert set(folds[first["speaker"]]) == set(folds[other["speaker"]])
    assert any("under two speakers" in warning for warning in found.warnings)


def test_copies_made_by_augmentation_stay_with_their_speaker(corpus, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for row in corpus.to_dict("records"):
        samples, rate = soundfile.read(tmp_path / "corpus" / row["path"])
        soundfile.write(tmp_path / "corpus" / f"noisy-{Path(row['path']).name}", samples + rng.normal(0, 0.01, len(samples)), rate)
        rows.append(row | {"path": f"noisy-{Path(row['path']).name}"})
    found = run(pd.concat([corpus, pd.DataFrame(rows)], ignore_index=True), tmp_path)
    assert (found.predictions.groupby("speaker")["fold"].nunique() == 1).all()


def test_a_variant_replaces_the_sound_of_every_clip_and_adds_none(finished, speech, tmp_path):
    plain, noisy = finished, evaluate(speech, tmp_path, variant="noise(snr=10)")
    assert plain.predictions["clip"].tolist() == noisy.predictions["clip"].tolist()
    assert plain.leaderboard["clips"].tolist() == noisy.leaderboard["clips"].tolist()


def test_a_label_in_a_file_s_name_reaches_nothing(corpus, tmp_path):
    lying = corpus.copy()
    for at, row in corpus.iterrows():
        name = f"{corpus['emotion'].iloc[-1 - int(at)]}-{at}.wav"
        shutil.copy(tmp_path / "corpus" / row["path"], tmp_path / "corpus" / name)
        lying.loc[at, "path"] = name
    one, other = run(corpus, tmp_path, cv="group:2"), run(lying, tmp_path, cv="group:2")
    # The order of clips is that of their names; what is predicted of each sound is the same.
    names = dict(zip(lying["path"], corpus["path"], strict=True))
    renamed = other.predictions.assign(clip=other.predictions["clip"].map(names))
    columns = ["clip", "fold", "predicted", *(column for column in one.predictions if column.startswith("p."))]
    sort = {"by": "clip", "ignore_index": True}
    pd.testing.assert_frame_equal(one.predictions[columns].sort_values(**sort), renamed[columns].sort_values(**sort))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_label_among_features_of_one_s_own_is_named(corpus, tmp_path, noise):
    rng = np.random.default_rng(0)
    codes = corpus["emotion"].astype("category").cat.codes.to_numpy(float)
    table = pd.DataFrame(rng.normal(size=(len(corpus), 3)), columns=["a", "b", "c"], index=corpus["path"])
    table["sneaky"] = codes + rng.uniform(0, noise, len(codes))
    table.to_parquet(tmp_path / "mine.parquet")
    how = {"features": str(tmp_path / "mine.parquet"), "cv": "group:2"}
    warnings = run(corpus, tmp_path, **how).warnings
    assert any(re.search(r"the column 'sneaky' alone tells all \d+ clips of '\w+' from all others", warning) for warning in warnings)
    table.drop(columns="sneaky").to_parquet(tmp_path / "mine.parquet")
    assert not any("alone tells" in warning for warning in run(corpus, tmp_path, **how).warnings)


def test_a_leaky_split_has_no_rank_and_says_so(speech, tmp_path):
    board = evaluate(speech, tmp_path, cv="random:3").leaderboard
    assert board["status"].tolist() == ["leaky"]
    assert board["rank"].isna().all()


def test_one_audio_under_two_emotions_stops_the_run(corpus, tmp_path):
    first = corpus.iloc[0]
    shutil.copy(tmp_path / "corpus" / first["path"], tmp_path / "corpus" / "copy.wav")
    other = next(emotion for emotion in corpus["emotion"] if emotion != first["emotion"])
    copy = first.to_dict() | {"path": "copy.wav", "emotion": other}
    with pytest.raises(WrongCall, match="under two emotions"):
        run(pd.concat([corpus, pd.DataFrame([copy])], ignore_index=True), tmp_path)
