"""A unit's hash covers all that its result depends on, and nothing else."""

import dataclasses
import hashlib
import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_bench.evaluation import units
from ser_bench.evaluation.nested_cv import TUNING_VERSION, UnitResult
from ser_bench.evaluation.splits import Protocol, derive_seed
from ser_bench.evaluation.units import (
    ON_TEST_VERSION,
    EvaluationSet,
    Refit,
    StoredResult,
    Tune,
    TuneOnTest,
    UnderCondition,
    WithoutFold,
    library_versions,
    make_unit,
    read_file,
    read_unit,
    result_path,
    write_unit,
)
from ser_bench.features import Copies, Features
from ser_bench.models import Model, known_models
from ser_bench.utils.atomic import damage_of, write_table
from ser_bench.utils.spec import versions

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
LOGREG = known_models()["logreg"]()
PLAIN = {"track": "train", "seed": 0, "fold": 0, "task": Tune(5, 3)}


def hashed(eval_set: EvaluationSet = JUDGED, features: Features = FEATURES, model=LOGREG, **other) -> str:
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
    monkeypatch.setattr(type(LOGREG), "version", 99)
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


def test_a_model_s_rule_for_many_clips_is_in_the_hash_of_units_that_may_have_as_many_copies_counted(monkeypatch):
    model, before = known_models()["xgb"](), hashed(model=known_models()["xgb"]())
    copies = Copies("noise", ("12345678",), np.arange(2), np.ones((2, 1), np.float32))
    augmented = dataclasses.replace(FEATURES, copies=copies)
    plain = hashed(features=augmented, model=model)
    monkeypatch.setattr("ser_bench.models.boosting.LARGE_CLIPS", 5)
    assert hashed(model=model) == before
    assert hashed(features=augmented, model=model) != plain
    monkeypatch.setattr("ser_bench.models.boosting.LARGE_CLIPS", 3)
    assert hashed(model=model) != before


def test_balanced_classes_are_in_no_hash_and_others_are():
    assert make_unit(JUDGED, FEATURES, LOGREG, **PLAIN).search_seed == make_unit(JUDGED, FEATURES, unweighted(), **PLAIN).search_seed
    versions = [LOGREG.version, TUNING_VERSION, library_versions()]
    covered = [["logreg", "train", "loso"], 0, [JUDGED.contents[0, 0]], 5, 3, *versions, "12345678", JUDGED.hashes[0]]
    assert hashed() == hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()
    assert hashed(model=unweighted()) != hashed()


def test_standardising_by_voice_is_in_the_hash_where_somebody_has_several_ids_and_nowhere_else():
    def plainly(eval_set: EvaluationSet, track: str, *more: dict[str, str]) -> str:
        versions = [LOGREG.version, TUNING_VERSION, library_versions()]
        covered = [["logreg", track, "loso"], 0, [eval_set.contents[0, 0]], 5, 3, *versions, "12345678", eval_set.hashes[0], *more]
        return hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()

    several = dataclasses.replace(JUDGED, clips=CLIPS.assign(speaker=["1", "1b", "2", "2"]))
    renamed = dataclasses.replace(JUDGED, clips=CLIPS.assign(speaker=["x", "x", "y", "y"]))
    assert hashed(track="speaker") == plainly(JUDGED, "speaker")
    assert hashed(renamed, track="speaker") == hashed(track="speaker")
    assert hashed(several, track="speaker") == plainly(several, "speaker", {"standardised": "by voice"})
    assert hashed(several) == plainly(several, "train")


def unweighted() -> Model:
    return known_models()["logreg"]("none")


def test_another_version_of_the_tuning_is_another_unit(monkeypatch):
    before = hashed()
    monkeypatch.setattr("ser_bench.evaluation.nested_cv.TUNING_VERSION", 99)
    assert hashed() != before


REFIT = {"params": {"b": 2.0, "a": 1}, "rounds": None}


@pytest.mark.parametrize(
    ("task", "fold", "content", "extent", "more"),
    [
        (Tune(5, 3), 1, [1], [5, 3], []),
        (Tune(5, 3, {"b": 2, "a": 1}), 0, [0], [5, 3], ['{"a": 1, "b": 2}']),
        (TuneOnTest(5, 3), None, [None], [5, 3], [ON_TEST_VERSION]),
        (Refit(**REFIT), 1, [1], [0, 0], ['{"params": {"a": 1, "b": 2.0}, "rounds": null}']),
        (Refit(**REFIT | {"rounds": 7}, change=WithoutFold(0)), 1, [1, 0], [0, 0], ['{"params": {"a": 1, "b": 2.0}, "rounds": 7}']),
        (
            Refit(**REFIT, change=UnderCondition("gain", "abc")),
            1,
            [1],
            [0, 0],
            ['{"params": {"a": 1, "b": 2.0}, "rounds": null}', {"condition": "abc"}],
        ),
    ],
    ids=["tuned", "from a start", "on the test clips", "fitted again", "fitted again without a fold", "under a condition"],
)
def test_a_hash_is_of_the_task_and_what_each_task_adds_to_it(task, fold, content, extent, more):
    unit = make_unit(JUDGED, FEATURES, LOGREG, track="train", seed=0, fold=fold, task=task)
    contents = [JUDGED.contents[0, place] for place in content]
    # Results of earlier versions are found again: what is hashed, and how, must not change.
    versions = [LOGREG.version, TUNING_VERSION, library_versions()]
    covered = [["logreg", "train", "loso"], 0, contents, *extent, *versions, "12345678", JUDGED.hashes[0], *more]
    assert unit.hash == hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()
    assert (unit.features, unit.model, unit.track, unit.seed, unit.fold, unit.task) == ("set", "logreg", "train", 0, fold, task)
    assert unit.system == ("set", "logreg", "train")
    assert unit.without == (0 if len(content) > 1 else None)
    assert unit.search_seed == derive_seed(0, "logreg", contents)
    assert unit.fold_seed == JUDGED.fold_seed(0, fold)


def test_other_class_weights_and_what_brings_a_model_are_added_to_the_hash(monkeypatch):
    forest = known_models()["rf"]("none")
    monkeypatch.setattr("ser_bench.evaluation.units.provider", lambda thing: "package 1.0" if thing is type(forest) else "")
    covered = [["rf", "train", "loso"], 0, [JUDGED.contents[0, 0]], 5, 3, forest.version, TUNING_VERSION, library_versions(), "12345678"]
    covered += [JUDGED.hashes[0], versions(forest.libraries), {"class_weights": "none"}, {"provider": "package 1.0"}]
    assert hashed(model=forest) == hashlib.blake2b(json.dumps(covered).encode(), digest_size=12).hexdigest()


def test_predictions_of_units_are_joined_by_their_seeds_and_folds():
    units = [make_unit(JUDGED, FEATURES, LOGREG, **{**PLAIN, "fold": fold}) for fold in (1, 0)]
    done = {unit.hash: StoredResult(np.array([unit.fold, 5]), np.empty((2, 2)), {}) for unit in units}
    assert JUDGED.predicted(units, done).tolist() == [[0, 5, 1, 5]]


def result(predicted: list[int], **more) -> UnitResult:
    trials = [{"trial": 0, "score": 0.5}, {"trial": 1, "score": 0.25}]
    return UnitResult(np.array(predicted), np.array([[0.25, 0.75]] * len(predicted)), {"C": 1.0}, None, trials, [], 1.23456, **more)


def test_a_search_cut_short_is_kept_under_its_time_limit_and_a_whole_one_counts_before_it(tmp_path):
    unit = make_unit(JUDGED, FEATURES, LOGREG, **PLAIN)
    assert result_path(tmp_path, unit, 2.5) == tmp_path / f"{unit.hash}-2.5min.parquet"
    assert result_path(tmp_path, unit) == tmp_path / f"{unit.hash}.parquet"
    for limit in (1.0, 2.5):
        write_unit(result_path(tmp_path, unit, limit), result([1, 0], cut_short=True))
    assert read_unit(tmp_path, unit) is None
    assert read_unit(tmp_path, unit, 3.0) is None
    short = read_unit(tmp_path, unit, 2.5)
    assert short.predicted.tolist() == [1, 0]
    assert short.predicted.dtype == np.int32
    assert (short.metadata["cut_short"], short.metadata["rounds"], short.metadata["seconds"]) == (True, None, 1.235)
    assert short.metadata["trials"] == [{"trial": 0, "score": 0.5}, {"trial": 1, "score": 0.25}]
    write_unit(result_path(tmp_path, unit), result([0, 0]))
    assert read_unit(tmp_path, unit, 2.5).predicted.tolist() == [0, 0]


def test_a_file_that_is_no_unit_or_damaged_is_set_aside_with_its_reason(tmp_path):
    other, damaged = tmp_path / "other.parquet", tmp_path / "damaged.parquet"
    write_table(pa.table({"predicted": [1, 2]}), other)
    with pytest.warns(UserWarning, match=r"other.broken \(it is no unit\); it is fitted again$"):
        assert read_file(other) is None
    write_unit(damaged, result([1, 0]))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    why = damage_of(damaged)
    with pytest.warns(UserWarning, match=rf"{re.escape(str(damaged))} cannot .*damaged.broken \({re.escape(why)}\); it is fitted again$"):
        assert read_file(damaged) is None
    assert why
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.broken", "other.broken"]


def test_paths_and_names_of_clips_are_in_no_hash():
    moved = CLIPS.assign(path=list("stuv")).set_index(pd.Index(list("opqr"), name="clip"))
    assert hashed(dataclasses.replace(JUDGED, clips=moved)) == hashed()


def test_a_unit_is_read_as_it_was_written(tmp_path):
    unit = make_unit(JUDGED, FEATURES, LOGREG, **PLAIN)
    trials = [{"trial": 0, "state": "complete", "score": 0.5, "params": "{}", "seconds": 0.1, "chosen": True}]
    result = UnitResult(np.array([1, 0]), np.array([[0.25, 0.75], [0.5, 0.5]]), {"C": 1.0}, 7, trials, ["a note"], 1.5)
    assert read_unit(tmp_path, unit) is None
    write_unit(result_path(tmp_path, unit), result)
    kept = read_unit(tmp_path, unit)
    assert kept is not None
    assert kept.predicted.tolist() == [1, 0]
    assert kept.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    metadata = {"params": {"C": 1.0}, "rounds": 7, "notes": ["a note"], "seconds": 1.5, "cut_short": False}
    assert kept.metadata == metadata | {"trials": trials}
    assert [path.name for path in tmp_path.iterdir()] == [f"{unit.hash}.parquet"]


def test_only_what_took_long_to_fit_waits_for_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("ser_bench.utils.atomic.sync", synced.append)
    write_unit(tmp_path / "quick.parquet", dataclasses.replace(result([1, 0]), seconds=0.01))
    assert not synced
    write_unit(tmp_path / "slow.parquet", result([1, 0]))
    assert tmp_path in synced


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_unit_is_kept_in_the_bytes_that_pyarrow_gives_its_arrays(tmp_path, monkeypatch, dtype):
    shares = np.array([[0.25, 0.75], [0.5, 0.5], [np.nan, 1]], dtype)
    result = UnitResult(np.array([1, 0, 1]), shares, {"C": 1.0}, None, [], [], 0.0)
    write_unit(tmp_path / "quick.parquet", result)
    monkeypatch.setattr(units, "_as_arrow", pa.array)
    write_unit(tmp_path / "usual.parquet", result)
    assert (tmp_path / "quick.parquet").read_bytes() == (tmp_path / "usual.parquet").read_bytes()
