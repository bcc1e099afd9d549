"""A unit's hash covers all that its result depends on, and nothing else."""

import dataclasses
import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.nested_cv import TUNING_VERSION, UnitResult
from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet, Tune, library_versions, make_unit, read_unit, result_path, write_unit
from ser_bench.features import Features
from ser_bench.models import Model, known_models

CLIPS = pd.DataFrame(
    {
        "key": list("abcd"),
        "emotion": ["anger", "fear"] * 2,
        "speaker": ["1", "1", "2", "2"],
        "voice": ["1", "1", "2", "2"],
        "path": list("wxyz"),
    },
    index=pd.Index(list("klmn"), name="clip"),
)
JUDGED = EvaluationSet("corpus", "all", CLIPS, Protocol("loso"), {0: np.array([0, 0, 1, 1])})
FEATURES = Features("set", "12345678", ("x.a",), ("x",), np.zeros((4, 1), np.float32))
SVM = known_models()["svm"]()
PLAIN = {"track": "train", "seed": 0, "fold": 0, "task": Tune(5, 3)}


def hashed(eval_set: EvaluationSet = JUDGED, features: Features = FEATURES, model=SVM, **other) -> str:
    return make_unit(eval_set, features, model, **{**PLAIN, **other}).hash


@pytest.mark.parametrize(
    "eval_set",
    [
        dataclasses.replace(JUDGED, clips=CLIPS.assign(emotion=["fear", "fear", "anger", "fear"])),
        dataclasses.replace(JUDGED, clips=CLIPS.assign(voice=["1", "1", "2", "3"])),
        dataclasses.replace(JUDGED, clips=CLIPS.assign(speaker=["1", "1", "2", "3"])),
        dataclasses.replace(JUDGED, clips=CLIPS.assign(key=list("abce"))),
        dataclasses.replace(JUDGED, folds={0: np.array([0, 1, 1, 1])}),
        dataclasses.replace(JUDGED, protocol=Protocol("group", 2)),
    ],
    ids=["a label", "a voice", "a speaker", "a file", "a fold", "the protocol"],
)
def test_a_change_of_what_is_judged_is_another_unit(eval_set):
    assert hashed(eval_set) != hashed()


@pytest.mark.parametrize("change", [{"track": "speaker"}, {"fold": 1}, {"task": Tune(6, 3)}, {"task": Tune(5, 4)}])
def test_a_change_of_what_is_asked_is_another_unit(change):
    assert hashed(**change) != hashed()


def test_other_features_or_another_version_of_a_model_are_another_unit(monkeypatch):
    before = hashed()
    assert hashed(features=dataclasses.replace(FEATURES, fingerprint="87654321")) != before
    monkeypatch.setattr(type(SVM), "version", 99)
    assert hashed() != before


def test_another_version_of_a_library_is_another_unit_of_the_models_that_use_it(monkeypatch):
    forest = known_models()["rf"]()
    before, other = hashed(model=forest), hashed()
    monkeypatch.setattr("ser_bench.evaluation.units.versions", lambda names: {name: "9" if name == "numba" else "0" for name in names})
    assert hashed(model=forest) != before
    monkeypatch.setattr("ser_bench.evaluation.units.versions", lambda names: {name: "8" if name == "numba" else "0" for name in names})
    both = hashed(model=forest), hashed()
    monkeypatch.setattr("ser_bench.evaluation.units.versions", lambda names: {name: "7" if name == "numba" else "0" for name in names})
    assert hashed(model=forest) != both[0]
    assert hashed() == both[1]
    assert other != before


def test_balanced_classes_are_in_no_hash_and_others_are():
    assert make_unit(JUDGED, FEATURES, SVM, **PLAIN).search_seed == make_unit(JUDGED, FEATURES, unweighted(), **PLAIN).search_seed
    versions = [SVM.version, TUNING_VERSION, library_versions()]
    covered = [["svm", "train", "loso"], 0, [JUDGED.contents[0, 0]], 5, 3, *versions, "12345678", JUDGED.hashes[0]]
    assert hashed() == hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()
    assert hashed(model=unweighted()) != hashed()


def test_standardising_by_voice_is_in_the_hash_where_somebody_has_several_ids_and_nowhere_else():
    def plainly(eval_set: EvaluationSet, track: str) -> str:
        versions = [SVM.version, TUNING_VERSION, library_versions()]
        covered = [["svm", track, "loso"], 0, [eval_set.contents[0, 0]], 5, 3, *versions, "12345678", eval_set.hashes[0]]
        return hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()

    several = dataclasses.replace(JUDGED, clips=CLIPS.assign(speaker=["1", "1b", "2", "2"]))
    renamed = dataclasses.replace(JUDGED, clips=CLIPS.assign(speaker=["x", "x", "y", "y"]))
    assert hashed(track="speaker") == plainly(JUDGED, "speaker")
    assert hashed(renamed, track="speaker") == hashed(track="speaker")
    assert hashed(several, track="speaker") != plainly(several, "speaker")
    assert hashed(several) == plainly(several, "train")


def unweighted() -> Model:
    return known_models()["svm"]("none")


def test_another_version_of_the_tuning_is_another_unit(monkeypatch):
    before = hashed()
    monkeypatch.setattr("ser_bench.evaluation.nested_cv.TUNING_VERSION", 99)
    assert hashed() != before


def test_paths_and_names_of_clips_are_in_no_hash():
    moved = CLIPS.assign(path=list("stuv")).set_index(pd.Index(list("opqr"), name="clip"))
    assert hashed(dataclasses.replace(JUDGED, clips=moved)) == hashed()


def test_a_unit_is_read_as_it_was_written(tmp_path):
    unit = make_unit(JUDGED, FEATURES, SVM, **PLAIN)
    trials = pd.DataFrame([{"trial": 0, "state": "complete", "score": 0.5, "params": "{}", "seconds": 0.1, "chosen": True}])
    result = UnitResult(np.array([1, 0]), np.array([[0.25, 0.75], [0.5, 0.5]]), {"C": 1.0}, 7, trials, ["a note"], 1.5)
    assert read_unit(tmp_path, unit) is None
    write_unit(result_path(tmp_path, unit), result)
    kept = read_unit(tmp_path, unit)
    assert kept is not None
    assert kept.predicted.tolist() == [1, 0]
    assert kept.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    metadata = {"params": {"C": 1.0}, "rounds": 7, "notes": ["a note"], "seconds": 1.5, "cut_short": False}
    assert kept.metadata == metadata | {"trials": trials.to_dict("records")}
    assert [path.name for path in tmp_path.iterdir()] == [f"{unit.hash}.parquet"]
