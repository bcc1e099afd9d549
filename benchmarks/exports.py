"""Exports against the systems that they are made of: the largest difference of probabilities, and decisions that differ.

    python benchmarks/exports.py path/to/emodb -f egemaps -f compare [-m svm ...] [--clips 1000] [--coreml] [--cache features]

Every model is trained on all clips of the corpus with its default hyperparameters, written as ONNX, and run by onnxruntime on one thread,
on the corpus's own clips and on as many further ones as make up `--clips`: each lies between, or as far beyond, two clips of the corpus,
with noise of a fifth of a standard deviation. With `--coreml` the Core ML package is written, too, and what its specification says is
computed in NumPy. Printed are the size of the file, the largest difference, how many decisions differ, and CPU time in milliseconds per
clip of onnxruntime and of the system itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from simulate import print_table

import ser_bench
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.bundle import Bundle
from ser_bench.bundle.export import export_bundle
from ser_bench.evaluation.scaling import column_statistics
from ser_bench.models import Split, parse_model, prepare_split
from ser_bench.models.calibration import fit_calibrator

MODELS = ("svm", "svm(kernel=linear)", "rf", "xgb", "mlp", "logreg", "dense(epochs=20)", "cnn(epochs=5)")
ROUNDS = 30
HEAD = ("features", "model", "format", "MB", "clips", "largest difference", "other decisions", "ms per clip", "system's")


class Data(NamedTuple):
    """Features of a corpus, its classes as codes, and clips to compare on."""

    features: str
    columns: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    compared: np.ndarray


def read(source: str, features: str, clips: int, cache: str) -> Data:
    """A corpus's features, and clips between its own."""
    corpus = ser_bench.load_corpus(source)
    table = ser_bench.extract(corpus, features, cache=cache)
    emotions = corpus.clips.loc[table.index, "emotion"]
    classes, y = np.unique(emotions, return_inverse=True)
    x, rng = table.to_numpy(np.float32), np.random.default_rng(1)
    pairs = rng.integers(0, len(x), (2, max(0, clips - len(x))))
    between = x[pairs[0]] + rng.uniform(-1, 2, (pairs.shape[1], 1)) * (x[pairs[1]] - x[pairs[0]])
    further = between + 0.2 * x.std(0) * rng.standard_normal(between.shape)
    compared = np.concatenate([x, further.astype(np.float32)])[:clips]
    return Data(features, tuple(table.columns), x, y, tuple(map(str, classes)), compared)


def fitted(data: Data, text: str) -> Bundle:
    """A system trained on all clips; a calibrator is fitted on the same, where the model has no probabilities of its own."""
    model, (mean, scale) = parse_model(text), column_statistics(data.x)
    x = (data.x - mean) * scale
    trained = prepare_split(model, Split(x, data.y, x[:0], None, len(data.classes))).train(model.start, 1, ROUNDS)
    return Bundle(
        features=data.features,
        fingerprint="",
        columns=data.columns,
        groups=("",) * len(data.columns),
        preprocessing=Preprocessing(),
        model=model.label,
        fitted=trained,
        probabilistic=model.probabilistic,
        calibrator=fit_calibrator(trained.predict(x).scores, data.y),
        mean=mean,
        scale=scale,
        classes=data.classes,
        about={},
        card="",
    )


def timed(run: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """What a function gives, and CPU time in seconds."""
    start = time.process_time()
    return run(*given), time.process_time() - start


def onnx_of(bundle: Bundle, path: Path, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities and codes by onnxruntime, and seconds."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(export_bundle(bundle, path), options)
    (probabilities, labels), seconds = timed(session.run, ["probabilities", "label"], {"features": x})
    return probabilities, np.array([bundle.classes.index(label) for label in labels]), seconds


def coreml_of(bundle: Bundle, path: Path, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities and codes by the package's specification; no seconds, as NumPy is not what runs it."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.bundle.export.coreml_arithmetic import run_package

    return *run_package(export_bundle(bundle, path), x), np.nan


def rows(data: Data, text: str, *, coreml: bool) -> Iterator[list[str]]:
    """One row per format."""
    bundle = fitted(data, text)
    expected, own = timed(bundle.decide, data.compared)
    for name, compute in {"onnx": onnx_of, **({"mlpackage": coreml_of} if coreml else {})}.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model.{name}"
            probabilities, codes, seconds = compute(bundle, path, data.compared)
            size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
        difference, others = np.abs(probabilities - expected.scores).max(), int((codes != expected.predicted).sum())
        per_clip = [f"{1000 * spent / len(data.compared):.3f}" for spent in (seconds, own)]
        yield [data.features, text, name, f"{size / 1e6:.1f}", str(len(data.compared)), f"{difference:.1e}", str(others), *per_clip]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="tones")
    parser.add_argument("-f", "--features", action="append")
    parser.add_argument("-m", "--models", action="append")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--coreml", action="store_true")
    parser.add_argument("--cache", default="features")
    asked = parser.parse_args()
    print_table(HEAD, table(asked))


def table(asked: argparse.Namespace) -> Iterator[list[str]]:
    """The rows of all feature sets and models."""
    for features in asked.features or ["spectral+mfcc"]:
        data = read(asked.corpus, features, asked.clips, asked.cache)
        for text in asked.models or MODELS:
            yield from rows(data, text, coreml=asked.coreml)


if __name__ == "__main__":
    main()
