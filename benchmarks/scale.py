"""Training time of each model as a function of the number of clips, and the approximate SVM compared with the exact one.

    python benchmarks/scale.py --clips 1000 4000 16000

A clip is a simulated vector that depends on emotion and speaker; the classes are not linearly separable. A fit is one trial with a
model's defaults on an inner split of three quarters of the clips; UAR is on the other quarter's speakers.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from ser_bench.evaluation.scaling import column_statistics
from ser_bench.models import Split, known_models
from ser_bench.models import svm as machines
from ser_bench.models.base import Model, prepare_split
from ser_bench.scores.metrics import uar

EMOTIONS = 8


def make_split(clips: int, columns: int) -> Split:
    """Clips of simulated speakers, three quarters of these for training."""
    rng = np.random.default_rng(0)
    speakers = max(8, clips // 60)
    who = rng.integers(0, speakers, clips)
    y = rng.integers(0, EMOTIONS, clips)
    kinds = rng.integers(0, 3, clips)
    centres = rng.normal(0, 0.42, (EMOTIONS, 3, columns))
    x = (centres[y, kinds] + rng.normal(0, 0.5, (speakers, columns))[who] + rng.normal(size=(clips, columns))).astype(np.float32)
    train = who < 0.75 * speakers
    mean, scale = column_statistics(x[train])
    x = (x - mean) * scale
    return Split(x[train], y[train], x[~train], y[~train], EMOTIONS)


def measure(model: Model, split: Split) -> tuple[float, float, float]:
    """Seconds of a plan and its first trial, seconds of another trial, and UAR."""
    started = time.perf_counter()
    plan = prepare_split(model, split)
    plan.run(dict(model.defaults), 0)
    first = time.perf_counter()
    prediction = plan.run(dict(model.defaults), 1)
    assert split.y_eval is not None
    return first - started, time.perf_counter() - first, uar(split.y_eval.astype(str), prediction.predicted.astype(str))


def main() -> None:
    """Print one row per model and size, with the exponent of time as a function of the number of clips."""
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 4000, 16000])
    parser.add_argument("--columns", type=int, default=88)
    parser.add_argument("-m", "--models", nargs="+", default=sorted(name for name, model in known_models().items() if not model.lacks()))
    options = parser.parse_args()
    exact = machines.EXACT_CLIPS
    rows = [(name, name, exact) for name in options.models if name != "svm"]
    if "svm" in options.models:
        rows += [("svm", "svm exact", max(options.clips)), ("svm", "svm approximate", 0)]
    splits = {clips: make_split(clips, options.columns) for clips in options.clips}
    print(f"{'model':18}{'clips':>8}{'first trial s':>15}{'another s':>11}{'power':>7}{'UAR':>7}")
    with threadpool_limits(1):
        for name, title, machines.EXACT_CLIPS in rows:
            # What is compiled or imported at the first call is no part of the growth.
            measure(known_models()[name](), make_split(200, options.columns))
            before: tuple[int, float] | None = None
            for clips, split in splits.items():
                first, another, score = measure(known_models()[name](), split)
                power = f"{np.log(another / before[1]) / np.log(clips / before[0]):7.1f}" if before else " " * 7
                print(f"{title:18}{clips:8,}{first:15.2f}{another:11.2f}{power}{score:7.3f}", flush=True)
                before = clips, another


if __name__ == "__main__":
    main()
