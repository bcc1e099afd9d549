"""A few clips to be extracted, and watchers of what is done with them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import ser_bench.features.worker as measure_room
from ser_bench.corpora import load_corpus


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of few synthetic clips."""
    return load_corpus("tones(speakers=2,emotions=3,takes=2)", cache=tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "corpus"))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of clips that are decoded, as they are."""
    paths: list[str] = []
    extract_clip = measure_room.extract_clip
    monkeypatch.setattr(measure_room, "extract_clip", lambda task: paths.append(task.path) or extract_clip(task))
    return paths


@pytest.fixture
def forgetful(monkeypatch):
    """`spectral`, whose first clip meets this fault; the others do not."""
    from ser_bench.features.extractors.spectral import Spectral

    compute, met = Spectral.__call__, []

    def normalise_columns(fault: Exception) -> None:
        def fail_once(self: Spectral, clip: object) -> np.ndarray:
            if not met:
                met.append(clip)
                raise fault
            return compute(self, clip)

        monkeypatch.setattr(Spectral, "__call__", fail_once)

    return normalise_columns
