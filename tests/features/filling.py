"""A store filled with features of a few clips, and what changes a clip behind its back."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import ser_bench.features.store.content_keys as keys_room
from ser_bench.corpora import load_corpus
from ser_bench.features import Extraction, ExtractionOptions, extract_corpus, parse_features
from ser_bench.utils.parallel import Workers

SETS = "spectral+audioemotion26"


def fill(folder: Path, store: Path, features: str = SETS, **how: object) -> Extraction:
    return extract_corpus(
        load_corpus(folder), [parse_features(features)], ExtractionOptions(**{"cache": store, "workers": Workers(1), **how})
    )


def halve(clip: Path) -> None:
    """Change a file's sound, not its length."""
    samples, rate = soundfile.read(clip)
    soundfile.write(clip, samples * 0.5, rate)


def freeze_times(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """Have this file look as it does now, whatever becomes of it: a clock that does not tick."""
    look = keys_room._state
    state, _ = look(str(clip), None, None)
    nan = float("nan")
    frozen = {str(clip): state.replace("None-None", f"{nan}-{nan}")}
    monkeypatch.setattr(keys_room, "_state", lambda path, *segment: (frozen.get(path, look(path, *segment)[0]), look(path, *segment)[1]))


def values(extraction: Extraction) -> np.ndarray:
    return next(iter(extraction.matrices.values())).values
