"""Variants: what is done to the sound, the same in every process and run."""

import numpy as np
import pytest

from ser_bench.audio.augmentation import KNOWN, kinds_of_copies, parse_variant
from ser_bench.errors import WrongCall

RATE = 16_000
TIME = np.arange(2 * RATE) / RATE
TONE = (0.3 * np.sin(2 * np.pi * 200 * TIME) * (1 + 0.5 * np.sin(2 * np.pi * 3 * TIME))).astype(np.float32)


def varied(text: str, key: str = "clip") -> np.ndarray:
    samples = TONE
    for step in parse_variant(text):
        samples = step.apply(samples, RATE, key)
    return samples


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("name", KNOWN)
def test_a_variant_is_the_clip_s_own_and_the_same_each_time(name):
    one = varied(name)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, varied(name))
    other = varied(name, key="another clip")
    assert len(one) != len(other) or (one != other).any()
    reseeded = varied(f"{name}(seed=1)")
    assert len(one) != len(reseeded) or (one != reseeded).any()


@pytest.mark.parametrize("snr", [0, 10, 30])
def test_noise_is_as_far_below_the_clip_as_asked(snr):
    noise = varied(f"noise(snr={snr})") - TONE
    assert 10 * np.log10(np.mean(TONE.astype(float) ** 2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.2)


def test_pitch_moves_by_semitones_and_keeps_the_length():
    higher = varied("pitch(low=12,high=12)")
    assert len(higher) == len(TONE)
    assert pitch(higher) == pytest.approx(400, rel=0.02)


def test_speed_moves_pitch_and_length_together():
    faster = varied("speed(low=1.25,high=1.25)")
    assert len(faster) == pytest.approx(len(TONE) / 1.25, abs=1)
    assert pitch(faster) == pytest.approx(250, rel=0.01)


def test_gain_is_in_decibels_and_shift_in_seconds():
    np.testing.assert_allclose(varied("gain(low=20,high=20)"), 10 * TONE, rtol=1e-6)
    np.testing.assert_array_equal(varied("shift(low=0.5,high=0.5)"), np.roll(TONE, RATE // 2))


def test_steps_are_done_in_the_order_in_which_they_are_written():
    assert (varied("gain(low=20,high=20)+noise(snr=0)") != varied("noise(snr=0)+gain(low=20,high=20)")).any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nois", "did you mean 'noise'"),
        ("noise(srn=3)", "did you mean 'snr'"),
        ("pitch(low=2,high=1)", "above"),
        ("speed(low=0)", "from 0.1 to 10"),
    ],
)
def test_a_variant_that_cannot_be_meant_is_refused(text, said):
    with pytest.raises(WrongCall, match=said):
        parse_variant(text)


def test_noise_by_the_peak_is_no_louder_than_asked():
    noise = varied("peak_noise(low=0.01,high=0.01)") - TONE
    assert noise.std() == pytest.approx(0.01 * np.abs(TONE).max(), rel=0.02)
    deviations = [(varied("peak_noise(high=0.01)", key=str(key)) - TONE).std() for key in range(20)]
    assert max(deviations) < 0.0105 * np.abs(TONE).max()
    assert min(deviations) < 0.5 * max(deviations)


def test_amplify_is_by_a_factor_and_drawn_evenly():
    np.testing.assert_allclose(varied("amplify(low=3,high=3)"), 3 * TONE, rtol=1e-6)
    factors = [varied("amplify(low=1.5,high=3)", key=str(key))[100] / TONE[100] for key in range(200)]
    assert 1.5 <= min(factors) < max(factors) <= 3
    assert np.mean(factors) == pytest.approx(2.25, abs=0.1)


def test_copies_of_a_clip_draw_differently():
    first, second = kinds_of_copies(["shift+noise"], 2)
    assert first == "shift+noise"
    assert (varied(first) != varied(second)).any()


@pytest.mark.parametrize(
    ("texts", "times"), [(["gain(low=3,high=3)"], 2), (["noise", "noise(seed=1)"], 2), (["noise", "noise(snr=15)"], 1)]
)
def test_a_copy_is_not_made_twice(texts, times):
    with pytest.raises(WrongCall, match=r"^augment"):
        kinds_of_copies(texts, times)
