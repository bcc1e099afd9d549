"""A fitted system that was saved decides as before, imports little, and takes nothing that it cannot be shown."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.archive import read_archive, write_archive
from ser_bench.bundle.bundle import Bundle, load_bundle
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.models import parse_model, prepare_split
from ser_bench.models.calibration import Calibrator
from tests.models.test_models import make_split

UNNEEDED = ("scipy", "sklearn", "pandas", "numba", "torch", "xgboost", "librosa", "optuna", "pyarrow", "opensmile")


def system(name: str = "svm", **changed: object) -> Bundle:
    """A small fitted system."""
    split, model = make_split(), parse_model(name)
    usual = Bundle(
        features="spectral",
        fingerprint="0123abcd",
        columns=tuple(f"column.{number}" for number in range(12)),
        groups=("column",) * 12,
        preprocessing=Preprocessing(offset=0.5, duration=3, trim=30.0),
        model=model.label,
        fitted=prepare_split(model, split).train(model.start, 0, 2),
        probabilistic=model.probabilistic,
        calibrator=Calibrator(1.5, np.array([0.1, 0.0, -0.1])),
        mean=np.linspace(-1, 1, 12, dtype=np.float32),
        scale=np.linspace(0, 2, 12, dtype=np.float32),
        classes=("anger", "fear", "joy"),
        about={"quality": {"uar": 0.5}},
        card="# Card",
    )
    return dataclasses.replace(usual, **changed)


@pytest.fixture(scope="module")
def svm() -> Bundle:
    return system()


@pytest.fixture
def path(svm, tmp_path):
    return svm.save(tmp_path / "some.serb")


X = np.random.default_rng(1).normal(size=(30, 12)).astype(np.float32)


@pytest.mark.parametrize("name", ["svm", "mlp(width=4)", "logreg"])
def test_a_saved_system_decides_as_before_and_its_probabilities_sum_to_one(tmp_path, name):
    before = system(name)
    again = load_bundle(before.save(tmp_path / "some.serb"))
    found, expected = again.decide(X), before.decide(X)
    np.testing.assert_array_equal(found.predicted, expected.predicted)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-12)
    for field in ("features", "fingerprint", "columns", "groups", "preprocessing", "model", "probabilistic", "classes", "about", "card"):
        assert getattr(again, field) == getattr(before, field)
    assert again.save(tmp_path / "again.serb").read_bytes() == (tmp_path / "some.serb").read_bytes()


def test_columns_are_standardised_before_the_model_sees_them(svm):
    shown = svm.standardised(X)
    np.testing.assert_array_equal(shown, (X - svm.mean) * svm.scale)
    np.testing.assert_array_equal(svm.decide(X).predicted, svm.fitted.predict(shown).predicted)


@pytest.mark.parametrize(
    ("x", "why"),
    [(X[:, 1:], "takes clips of 12 columns"), (X[0], "takes clips of 12 columns"), (np.where(X[3, 0] == X, np.nan, X), "in row 3")],
)
def test_clips_that_the_model_cannot_be_shown_are_refused(svm, x, why):
    with pytest.raises(WrongCall, match=why):
        svm.decide(x)


def test_no_decision_is_made_where_arithmetic_leaves_the_range_of_numbers():
    bundle = system("mlp(width=4)", scale=np.full(12, 1e30, np.float32))
    with pytest.raises(WorkFailed, match="was not trained on anything like them"):
        bundle.decide(X * 1e8)


FORGED = {
    "a table of features": {"features": "spectral+/etc/secret.parquet"},
    "classes of one name": {"classes": ["a", "a", "b"]},
    "one class": {"classes": ["a"]},
    "a class more": {"classes": ["a", "b", "c", "d"]},
    "a column less": {"columns": ["a"] * 11},
    "groups of other columns": {"groups": ["a"]},
    "a window before the beginning": {"preprocessing": {"offset": -1, "duration": 0, "trim": 0}},
    "no window": {"preprocessing": None},
    "a card that is no text": {"card": 1},
    "a sharpness that is no number": {"sharpness": None},
    "a word for yes": {"probabilistic": "yes"},
    "no model": {"fitted": {"kind": "svm"}},
    "something else for a model": {"fitted": {"kind": "bundle", "values": {}}},
    "extractors of another form": {"extractors": [{"name": "spectral"}]},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_file_is_refused_though_its_seal_is_right(path, what):
    arrays, values = read_archive(path)
    write_archive(path, arrays, values | FORGED[what])
    with pytest.raises(WrongCall, match="the command that wrote it makes it again"):
        load_bundle(path)


def test_other_versions_of_libraries_are_warned_of_and_other_extractors_refused(path):
    arrays, values = read_archive(path)
    assert load_bundle(path).check_extractors() == []
    (said,) = values["extractors"]
    library = min(said["libraries"])
    write_archive(path, arrays, values | {"extractors": [said | {"libraries": said["libraries"] | {library: "0.0.1"}}]})
    (warning,) = load_bundle(path).check_extractors()
    assert warning.startswith(f"{library} is ")
    assert "and was 0.0.1 when the model was fitted" in warning
    for change in ({"version": said["version"] + 1}, {"parameters": {"rate": 1}}, {"provider": "other 1.0"}):
        write_archive(path, arrays, values | {"extractors": [said | change]})
        with pytest.raises(WrongCall, match="fit it again"):
            load_bundle(path).check_extractors()


def test_a_system_that_is_loaded_and_saved_still_says_what_computed_its_columns(path, tmp_path):
    arrays, values = read_archive(path)
    (said,) = values["extractors"]
    write_archive(path, arrays, values | {"extractors": [said | {"version": 99}]})
    load_bundle(path).save(tmp_path / "again.serb")
    assert read_archive(tmp_path / "again.serb")[1]["extractors"][0]["version"] == 99


def test_opening_and_deciding_imports_no_heavy_library(tmp_path):
    for name in ("svm", "mlp(width=4)", "rf", "xgb", "logreg"):
        system(name).save(tmp_path / f"{name.partition('(')[0]}.serb")
    code = (
        "import json, pathlib, sys\nimport numpy as np\nfrom ser_bench.bundle.bundle import load_bundle\n"
        f"for path in pathlib.Path({str(tmp_path)!r}).glob('*.serb'): load_bundle(path).decide(np.ones((2, 12), np.float32))\n"
        f"print(json.dumps(sorted(set(sys.modules) & set({UNNEEDED!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
