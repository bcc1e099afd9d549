"""Exports decide as the bundle does, and say what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import ser_bench
from ser_bench.bundle import export
from ser_bench.bundle.bundle import Bundle
from ser_bench.bundle.export import beside, check_format, export_bundle, onnx_file
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.models import Fitted, Prediction
from ser_bench.models.packing import Packed
from tests.bundle.export.systems import SYSTEMS, bundle_of, unseen
from tests.calling import call

onnx = pytest.mark.skipif(not (find_spec("onnx") and find_spec("onnxruntime")), reason="no ONNX here: pip install 'ser-bench[export]'")
coreml = pytest.mark.skipif(not find_spec("coremltools"), reason="no coremltools here: pip install 'ser-bench[export]'")
TOLERANCE = 1e-5


def run_onnx(path: Path, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels of clips, by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return tuple(onnxruntime.InferenceSession(path, options).run(["probabilities", "label"], {"features": x}))


def check_equal(bundle: Bundle, x: np.ndarray, probabilities: np.ndarray, codes: np.ndarray) -> None:
    expected = bundle.decide(x)
    assert np.abs(probabilities - expected.scores).max() < TOLERANCE
    assert codes.tolist() == expected.predicted.tolist()


@onnx
@pytest.mark.parametrize("name", SYSTEMS)
def test_onnx_gives_the_probabilities_and_decisions_of_the_bundle(name, tmp_path):
    bundle, x = bundle_of(name), unseen(name)
    probabilities, labels = run_onnx(export_bundle(bundle, tmp_path / "model.onnx"), x)
    assert probabilities.dtype == np.float32
    check_equal(bundle, x, probabilities, np.array([bundle.classes.index(label) for label in labels]))


@coreml
@pytest.mark.parametrize("name", ["svm, a class unknown", "xgb, some columns", "rf, large leaves", "cnn"])
def test_core_ml_s_specification_gives_the_probabilities_and_decisions_of_the_bundle(name, tmp_path):
    from tests.bundle.export.coreml_arithmetic import run_package

    bundle, x = bundle_of(name), unseen(name)
    check_equal(bundle, x, *run_package(export_bundle(bundle, tmp_path / "model.mlpackage"), x))


@onnx
@pytest.mark.parametrize(("name", "kind"), [("rf, large leaves", "cut"), ("xgb", "cut")])
def test_a_clip_that_lies_on_a_cut_goes_where_the_model_sends_it(name, kind, tmp_path):
    bundle = bundle_of(name)
    packed = bundle.fitted.pack()
    inside = np.flatnonzero(packed.arrays["column"] >= 0)[:60]
    x = np.zeros((len(inside), len(bundle.columns)), np.float32)
    x[np.arange(len(inside)), packed.arrays["column"][inside]] = packed.arrays["cut"][inside]
    plain = replace(bundle, mean=np.zeros_like(bundle.mean), scale=np.ones_like(bundle.scale))
    probabilities, labels = run_onnx(export_bundle(plain, tmp_path / "model.onnx"), x)
    check_equal(plain, x, probabilities, np.array([plain.classes.index(label) for label in labels]))


@onnx
def test_an_onnx_file_says_what_it_takes_and_what_it_is(tmp_path):
    import onnx

    bundle = bundle_of("rf, large leaves")
    model = onnx.load(export_bundle(bundle, tmp_path / "model.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert sum(len(array.raw_data) for array in model.graph.initializer) < 1.5 * sum(
        array.nbytes for array in bundle.fitted.pack().arrays.values()
    )
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", onnx_file.OPSET)]
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["columns"]) == list(bundle.columns)
    assert json.loads(said["classes"]) == list(bundle.classes)
    assert json.loads(said["about"]) == bundle.about
    assert json.loads(said["preprocessing"]) == {"offset": 0.5, "duration": 0.0, "trim": 0.0}
    assert (said["features"], said["fingerprint"], said["model"], said["card"]) == ("mfcc", "0123abcd", bundle.model, bundle.card)


@coreml
def test_a_core_ml_package_says_what_it_takes_and_what_it_is(tmp_path):
    from tests.bundle.export.coreml_arithmetic import read_specification

    bundle = bundle_of("logreg")
    described = read_specification(export_bundle(bundle, tmp_path / "model.mlpackage")).description
    assert list(described.input[0].type.multiArrayType.shape) == [1, len(bundle.columns)]
    assert [output.name for output in described.output] == ["probabilities", "code"]
    said = dict(described.metadata.userDefined)
    assert json.loads(said["columns"]) == list(bundle.columns)
    assert (json.loads(said["classes"]), said["fingerprint"], said["card"]) == (list(bundle.classes), "0123abcd", bundle.card)


def contents(place: Path) -> dict[str, bytes]:
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("form", [pytest.param("onnx", marks=onnx), pytest.param("coreml", marks=coreml)])
def test_the_same_bundle_gives_the_same_bytes_and_nothing_beside_them(form, tmp_path):
    bundle = bundle_of("logreg")
    places = [beside(tmp_path / name / "model.serb", form) for name in ("one", "other", "other")]
    one, *_, other = [contents(export_bundle(bundle, place)) for place in places]
    assert one == other
    assert [path.name for path in (tmp_path / "other").iterdir()] == [places[0].name]


@onnx
def test_the_command_exports_a_bundle_s_file(tmp_path):
    bundle_of("logreg").save(tmp_path / "model.serb")
    done = call("export", "model.serb", "folder/model.onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "exported: folder/model.onnx\n", "")
    check = ser_bench.export(bundle_of("logreg"), tmp_path / "python.onnx")
    assert check.read_bytes() == (tmp_path / "folder" / "model.onnx").read_bytes()


@onnx
def test_fit_writes_exports_beside_the_bundle(speech, tmp_path):
    corpus, store = speech / "corpus" / "clips.csv", speech / "store"
    how = ["-f", "spectral", "-m", "logreg(C=1)", "--inner", "2", "--no-evaluation", "--jobs", "1", "--cache", store]
    done = call("fit", corpus, *how, "-o", "model.serb", "--export", "onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "exported: model.onnx")
    bundle = ser_bench.load(tmp_path / "model.serb")
    x = bundle.mean + np.float32(0.5) * np.eye(3, len(bundle.mean), dtype=np.float32)
    probabilities, _ = run_onnx(tmp_path / "model.onnx", x)
    assert np.abs(probabilities - bundle.decide(x).scores).max() < TOLERANCE


def test_fit_refuses_an_export_that_cannot_be_written_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "versions", lambda libraries: dict.fromkeys(libraries, ""))
    done = call("fit", "absent", "-o", "model.serb", "--export", "coreml", cwd=tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert done.stderr.startswith("ser-bench: exporting to model.mlpackage needs coremltools: pip install 'ser-bench[export]'")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("model.pt", "ser-bench: cannot export to 'model.pt': name a file that ends in .onnx or .mlpackage\n"),
        ("folder.onnx", "ser-bench: folder.onnx exists and is no file: name another place\n"),
        ("folder.mlpackage", "ser-bench: folder.mlpackage exists and is no Core ML package: name another place\n"),
    ],
)
def test_a_place_that_cannot_be_exported_to_is_refused_before_the_bundle_is_read(file, line, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "versions", lambda libraries: dict.fromkeys(libraries, "1"))
    for name in ("folder.onnx", "folder.mlpackage"):
        (tmp_path / name).mkdir()
    done = call("export", "absent.serb", file, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, line)


@pytest.mark.parametrize(("name", "library"), [("model.onnx", "onnx"), ("model.mlpackage", "coremltools")])
def test_without_its_library_a_format_says_what_to_install(name, library, monkeypatch, tmp_path):
    monkeypatch.setattr(export, "versions", lambda libraries: dict.fromkeys(libraries, ""))
    with pytest.raises(WrongCall, match=rf"needs {library}: pip install 'ser-bench\[export\]'"):
        check_format(tmp_path / name)


class Foreign(Fitted):
    """A model of another package."""

    kind = "foreign"

    def predict(self, x: np.ndarray) -> Prediction:
        return Prediction(np.zeros(len(x), int), np.ones((len(x), 4)) / 4)

    def pack(self) -> Packed:
        return Packed(self.kind)


@onnx
def test_a_model_of_another_package_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(WorkFailed, match="'foreign' cannot be exported: only those that come with ser-bench can"):
        export_bundle(replace(bundle_of("rf"), fitted=Foreign()), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@onnx
def test_a_model_too_large_for_an_onnx_file_is_refused_and_nothing_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 1000)
    with pytest.raises(WorkFailed, match="an ONNX file holds 2 GB at most: fit fewer clips or columns"):
        export_bundle(bundle_of("rf"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
