"""What a process that fits begins with, done before there is anything to fit: its imports take as long as many a search.

In:   the models of a run.
Out:  nothing: libraries that are imported, and compiled code that is loaded.
Rule: nothing comes of it: clips are made up, results are dropped, and what fails here fails again with real clips, and is told then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

VOICES, CLIPS, COLUMNS = 4, 32, 4


def warm_up(models: Sequence[str], class_weights: str) -> None:
    """Tune each model on some clips of noise."""
    import pyarrow.parquet  # noqa: F401

    from ser_bench.evaluation.nested_cv import SearchTerms, tune_unit
    from ser_bench.evaluation.scaling import UnitData
    from ser_bench.models import parse_model

    voices = np.repeat(np.arange(VOICES), CLIPS // VOICES)
    x = np.random.default_rng(0).normal(size=(CLIPS, COLUMNS)).astype(np.float32)
    data = UnitData(x, np.tile([0, 1], CLIPS // 2), voices.astype(str), voices > 0, ("a", "b"))
    for model in models:
        with contextlib.suppress(Exception):
            tune_unit(data, parse_model(model, class_weights), SearchTerms(trials=2, inner=2, seed=0, fold_seed=0))
