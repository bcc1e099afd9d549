"""Modulation: a rhythm is found at its rate."""

import numpy as np
import pytest

from ser_bench.audio.clip import Clip
from ser_bench.features.extractors.modulation import BANDS, EDGES, Modulation, describe

RATE = 16_000


def values(samples: np.ndarray) -> dict[str, float]:
    extractor = Modulation()
    return dict(zip(extractor.columns, extractor(Clip(samples.astype(np.float32), RATE)).tolist(), strict=True))


def pulsing(hertz: float, seconds: float = 3.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * np.random.default_rng(0).standard_normal(len(time)) * 10 ** (np.sin(2 * np.pi * hertz * time) / 2)


@pytest.mark.parametrize("hertz", [1.5, 3.0, 6.0])
def test_a_rhythm_stands_in_its_octave(hertz):
    found = values(pulsing(hertz))
    octaves = [name for name in found if name.startswith("modulation.band4") and name.endswith("hz")]
    loudest = max(octaves, key=found.__getitem__)
    assert loudest.startswith(f"modulation.band4.{max(edge for edge in EDGES if edge <= hertz):g}to")
    assert found["modulation.band4.centroid"] == pytest.approx(hertz, rel=0.25)


def test_the_swing_is_in_decibels():
    loudness = 10 * np.sin(2 * np.pi * 3 * np.arange(128) * 0.032)[None]
    swing = describe(loudness, 0.032)[0]
    assert swing[2] == pytest.approx(20 * np.log10(10 / np.sqrt(2)), abs=0.2)


def test_louder_is_not_more_modulated():
    quiet, loud = values(pulsing(3)), values(pulsing(3) * 4)
    assert list(quiet.values()) == pytest.approx(list(loud.values()), abs=1e-3)


def test_a_loudness_that_does_not_move_stands_at_the_floor():
    assert describe(np.full((BANDS, 50), -30.0), 0.032).tolist() == [[-60.0] * 5 + [0.0]] * BANDS
