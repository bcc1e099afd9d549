"""Prosody: pitch is librosa's YIN, tempo is what was put in, and nothing that was not measured passes for a measurement."""

import librosa
import numpy as np
import pytest

from ser_bench.audio.clip import Clip, read_clip
from ser_bench.errors import WrongCall
from ser_bench.features.extractors.prosody import Prosody, follow

RATE = 16_000
UNMEASURED = ("f0.", "voice_quality.", "voicing.segment", "voicing.fraction")


def values(samples: np.ndarray, rate: int = RATE) -> dict[str, float]:
    extractor = Prosody()
    return dict(zip(extractor.columns, extractor(Clip(samples.astype(np.float32), rate)).tolist(), strict=True))


def harmonics(f0: np.ndarray | float, seconds: float = 2.0) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0, round(seconds * RATE)) / RATE)
    return 0.1 * sum(np.sin(k * phase) / k for k in range(1, 8))


def syllables(n: int, long: float, gap: float) -> np.ndarray:
    """Tones of 200 Hz with silences between them."""
    tone = harmonics(200.0, long) * np.hanning(round(long * RATE))
    return np.concatenate([part for _ in range(n) for part in (tone, np.zeros(round(gap * RATE)))][:-1])


@pytest.mark.parametrize("f0", [80.0, 200.0, 450.0])
def test_a_steady_voice_has_its_pitch_and_no_perturbation(f0):
    found = values(harmonics(f0))
    assert found["f0.semitones.mean"] == pytest.approx(12 * np.log2(f0 / 27.5), abs=0.1)
    assert found["voice_quality.jitter.mean"] < 0.01
    assert found["voicing.fraction"] > 0.95
    assert found["voicing.any"] == 1


def test_a_falling_voice_has_a_negative_slope_in_semitones_a_second():
    falling = 200 * 2 ** (-np.arange(2 * RATE) / RATE / 2)
    assert values(harmonics(falling))["f0.semitones.slope"] == pytest.approx(-6, abs=0.3)


def test_pauses_and_syllables_are_counted():
    found = values(syllables(5, long=0.3, gap=0.3))
    seconds = found["temporal.speech.seconds"]
    assert found["temporal.pause.rate"] * seconds == pytest.approx(4)
    assert found["temporal.syllable.rate"] * seconds == pytest.approx(5)
    assert found["temporal.pause.mean"] == pytest.approx(0.3, abs=0.1)
    assert found["voicing.segment.rate"] * 2.7 == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("decibels", [-40, 20])
def test_loudness_moves_the_level_and_nothing_else(decibels):
    speech = syllables(4, long=0.25, gap=0.2) + 1e-4 * np.random.default_rng(0).standard_normal(round(1.6 * RATE))
    before, after = values(speech), values(speech * 10 ** (decibels / 20))
    levels = {f"loudness.intensity.{name}" for name in ("mean", "min", "max", "q25", "q50", "q75")}
    for column, value in before.items():
        assert after[column] == pytest.approx(value + (decibels if column in levels else 0), abs=2e-3, rel=1e-3)


@pytest.mark.parametrize("sound", ["noise", "click"])
def test_without_a_voice_pitch_is_zero_and_a_column_says_so(sound):
    click = np.zeros(RATE)
    click[RATE // 2] = 0.5
    found = values({"noise": 0.1 * np.random.default_rng(0).standard_normal(RATE), "click": click}[sound])
    assert found["voicing.any"] == 0
    assert {value for column, value in found.items() if column.startswith(UNMEASURED)} == {0.0}
    assert np.isfinite(list(found.values())).all()


def test_without_a_pause_their_length_is_zero_and_so_is_their_rate():
    found = values(harmonics(150.0))
    assert (found["temporal.pause.rate"], found["temporal.pause.mean"]) == (0, 0)


def test_pitch_is_librosa_s_yin(real_corpora):
    for file in sorted(real_corpora.glob("emodb/wav/*.wav"))[::100]:
        samples = read_clip(file).at(RATE)
        theirs = librosa.yin(samples.astype(np.float64), fmin=65, fmax=500, sr=RATE, frame_length=800, hop_length=160)
        ours = follow(samples, RATE, 65.0, 500.0)
        np.testing.assert_allclose(ours.f0[ours.voiced], theirs[ours.voiced], rtol=1e-4)


@pytest.mark.parametrize("wrong", [{"fmin": 20.0}, {"fmin": 300.0, "fmax": 200.0}, {"fmax": 5000.0}, {"rate": 100}])
def test_limits_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(WrongCall, match="prosody"):
        Prosody(**wrong)
