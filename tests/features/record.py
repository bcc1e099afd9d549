"""What stands recorded of each feature set: `python -m tests.features.record [NAME ...]` writes it, one file per set in `recorded/`."""

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np

from ser_bench.audio.clip import Clip
from ser_bench.features import Extractor, known_extractors
from ser_bench.utils.plugins import provider

RECORDED = Path(__file__).with_name("recorded")


@cache
def vowel() -> np.ndarray:
    """Two seconds of something like a vowel, at 44.1 kHz, with the noise of 16 bits."""
    time = np.arange(88_200) / 44_100
    pitch = 2 * np.pi * (150 * time + 10 * np.sin(3 * time))
    tone = sum(np.sin(k * pitch) / k**1.5 for k in range(1, 30)) * (0.15 + 0.1 * np.sin(2 * np.pi * 3 * time))
    noise = np.random.default_rng(0).uniform(-1, 1, len(time)) / 3000
    return (tone + noise).astype(np.float32)


def voice() -> Clip:
    """It as a clip of which nothing is known yet."""
    return Clip(vowel(), 44_100)


def built_in() -> dict[str, type[Extractor]]:
    """The extractors of the package itself that need nothing beside it; others have values of their own in their tests."""
    return {name: cls for name, cls in known_extractors().items() if not provider(cls) and cls.prepare is Extractor.prepare}


def sample(vector: np.ndarray) -> list[float]:
    """Ten values, evenly spread over the columns."""
    return [float(f"{value:.6g}") for value in vector[np.linspace(0, len(vector) - 1, 10).astype(int)]]


def recorded(name: str) -> dict:
    """Version, number of columns and ten values of a set, as they stand recorded."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def record(name: str) -> None:
    """Write them."""
    extractor = built_in()[name]()
    found = {"version": extractor.version, "columns": len(extractor.columns), "values": sample(extractor(voice()))}
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:] or sorted(built_in()):
        record(each)
