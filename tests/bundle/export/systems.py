"""Small bundles of every kind of model, trained on random clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.bundle import Bundle
from ser_bench.evaluation.scaling import column_statistics
from ser_bench.models import Split, known_models, parse_model, prepare_split, svm
from ser_bench.models.boosting import Boosting
from ser_bench.models.calibration import Calibrator
from ser_bench.models.mlp import Mlp

CLASSES = ("anger", "fear", "joy — très", "neutral")
N_COLUMNS = 24
ROUNDS = 6


@dataclass(frozen=True)
class System:
    """A model, and what it is trained on."""

    model: str
    n_classes: int = 4
    n_columns: int = N_COLUMNS
    unknown: tuple[int, ...] = ()
    """Classes that no training clip has."""
    changed: Mapping[Any, Mapping[str, int]] = field(default_factory=dict)
    """Limits of models or of modules, so that small data are large ones to them."""


SYSTEMS = {
    "svm": System("svm"),
    "svm, linear": System("svm(kernel=linear)"),
    "svm, two classes": System("svm", n_classes=2),
    "svm, a class unknown": System("svm", unknown=(1,)),
    "svm, one class known": System("svm", unknown=(0, 1, 3)),
    "svm, plain": System("svm", changed={svm: {"SHARED_CLIPS": 1}}),
    "svm, plain, linear": System("svm(kernel=linear)", n_classes=2, changed={svm: {"SHARED_CLIPS": 1}}),
    "svm, approximate": System("svm", unknown=(3,), changed={svm: {"EXACT_CLIPS": 1}}),
    "svm, approximate, linear": System("svm(kernel=linear)", changed={svm: {"EXACT_CLIPS": 1}}),
    "rf": System("rf", unknown=(2,)),
    "rf, large leaves": System("rf(min_samples_leaf=6)"),
    "xgb": System("xgb"),
    "xgb, two of three classes": System("xgb", n_classes=3, unknown=(1,)),
    "xgb, some columns": System("xgb", changed={Boosting: {"max_features": 9}}),
    "mlp": System("mlp", unknown=(0,)),
    "mlp, some columns": System("mlp", changed={Mlp: {"max_features": 9}}),
    "mlp, one class known": System("mlp", unknown=(0, 1, 3)),
    "logreg": System("logreg"),
    "logreg, two classes": System("logreg", n_classes=2),
    "logreg, wide": System("logreg", n_columns=150),
    "logreg, wide, two classes": System("logreg", n_classes=2, n_columns=150),
    "dense": System("dense(layers=16-8,batch_norm=true)", unknown=(2,)),
    "cnn": System("cnn(layers=c4x5b-p4s-b-d-c6x2v-p2-16b)"),
    "cnn, pooling first": System("cnn(layers=p5s-c3x4)"),
}


@lru_cache
def bundle_of(name: str) -> Bundle:
    """The bundle of a system, or a skip where it lacks PyTorch."""
    system = SYSTEMS[name]
    if lacking := known_models()[system.model.partition("(")[0]].lacks():
        pytest.skip(f"{name} {lacking}")
    model, rng = parse_model(system.model), np.random.default_rng(len(name))
    x, y = clips_of(system, 120, rng)
    mean, scale = column_statistics(x)
    with pytest.MonkeyPatch.context() as patch:
        for place, limits in system.changed.items():
            for limit, value in limits.items():
                patch.setattr(place, limit, value)
        split = Split((x - mean) * scale, y, np.zeros((0, system.n_columns), np.float32), None, system.n_classes)
        fitted = prepare_split(model, split).train(model.start, 1, ROUNDS)
    columns = tuple(f"{'ab'[place % 2]}.{place:03}" for place in range(system.n_columns))
    return Bundle(
        features="mfcc",
        fingerprint="0123abcd",
        columns=columns,
        groups=tuple(column[0] for column in columns),
        preprocessing=Preprocessing(offset=0.5),
        model=model.label,
        fitted=fitted,
        probabilistic=model.probabilistic,
        calibrator=Calibrator() if model.probabilistic else Calibrator(2.5, rng.normal(size=system.n_classes)),
        mean=mean,
        scale=scale,
        classes=CLASSES[: system.n_classes],
        about={"corpus": {"title": "Random — clips", "licence": "CC0"}},
        card="# A card\n",
    )


def clips_of(system: System, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features on scales as different as those of real sets, a column of them constant; and classes, the unknown ones left out."""
    known = [code for code in range(system.n_classes) if code not in system.unknown]
    y = rng.choice(known, n)
    centres = np.random.default_rng(5).normal(size=(system.n_classes, system.n_columns))
    scales = 10 ** np.random.default_rng(6).uniform(-3, 3, system.n_columns)
    x = (rng.normal(size=(n, system.n_columns)) + centres[y]) * scales + 3 * scales
    x[:, 3] = 7
    return x.astype(np.float32), y


def unseen(name: str, n: int = 40) -> np.ndarray:
    """Clips like the training ones, three far from all of them, and one that is their mean."""
    rng, bundle = np.random.default_rng(99), bundle_of(name)
    x = clips_of(SYSTEMS[name], n, rng)[0]
    return np.concatenate([x, 20 * x[:3] - 19 * bundle.mean, bundle.mean[None]])
