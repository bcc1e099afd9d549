"""Every descriptor is librosa's, track for track."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from ser_bench.audio.clip import read_clip
from ser_bench.features.extractors.mfcc import delta
from ser_bench.features.signal.frames import FRAME, HOP, Frames, chroma_bank

RATE = 16_000
OURS = {
    "chroma": lambda f: f.chroma(),
    "rms": lambda f: f.rms(),
    "centroid": lambda f: f.centroid(),
    "bandwidth": lambda f: f.bandwidth(),
    "rolloff": lambda f: f.rolloff(),
    "zero_crossing_rate": lambda f: f.zero_crossing_rate(),
    "contrast": lambda f: f.contrast(),
    "flatness": lambda f: f.flatness(),
    "mfcc": lambda f: f.mfcc(20),
    "delta": lambda f: delta(f.mfcc(20), 1),
    "delta2": lambda f: delta(f.mfcc(20), 2),
}
LIBROSA = {
    "chroma": lambda y, sr, n, hop: librosa.feature.chroma_stft(y=y, sr=sr, n_fft=n, hop_length=hop),
    "rms": lambda y, sr, n, hop: librosa.feature.rms(y=y, frame_length=n, hop_length=hop),
    "centroid": lambda y, sr, n, hop: librosa.feature.spectral_centroid(y=y, sr=sr, n_fft=n, hop_length=hop),
    "bandwidth": lambda y, sr, n, hop: librosa.feature.spectral_bandwidth(y=y, sr=sr, n_fft=n, hop_length=hop),
    "rolloff": lambda y, sr, n, hop: librosa.feature.spectral_rolloff(y=y, sr=sr, n_fft=n, hop_length=hop),
    "zero_crossing_rate": lambda y, sr, n, hop: librosa.feature.zero_crossing_rate(y, frame_length=n, hop_length=hop),
    "contrast": lambda y, sr, n, hop: librosa.feature.spectral_contrast(y=y, sr=sr, n_fft=n, hop_length=hop),
    "flatness": lambda y, sr, n, hop: librosa.feature.spectral_flatness(y=y, n_fft=n, hop_length=hop),
    "mfcc": lambda y, sr, n, hop: librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20, n_fft=n, hop_length=hop),
    "delta": lambda *given: librosa.feature.delta(LIBROSA["mfcc"](*given), mode="nearest"),
    "delta2": lambda *given: librosa.feature.delta(LIBROSA["mfcc"](*given), order=2, mode="nearest"),
}


def synthetic(seconds: float, kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    sounds = {
        "voice": sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20)) * (0.2 + 0.1 * np.sin(2 * np.pi * 4 * time)),
        "noise": 0.1 * rng.standard_normal(len(time)),
        "chirp": 0.5 * np.sin(2 * np.pi * (100 * time + 1500 * time**2)),
        "speech then silence": 0.1 * rng.standard_normal(len(time)) * (time < seconds / 2),
        "faint": 1e-4 * rng.standard_normal(len(time)),
    }
    # The noise of 16 bits: below it the digits of any two transforms differ, and nothing was measured.
    return (sounds[kind] + rng.uniform(-1, 1, len(time)) / 32768).astype(np.float32)


def assert_librosa_s(name: str, samples: np.ndarray, rate: int, frame: int = FRAME, hop: int = HOP) -> None:
    ours, theirs = OURS[name](Frames(samples, rate, frame, hop)), LIBROSA[name](samples, rate, frame, hop)
    assert ours.shape == theirs.shape
    reach = np.maximum(np.ptp(theirs, axis=1, keepdims=True), 1e-6)
    off = np.abs(ours - theirs) > 1e-4 * reach
    if name == "rolloff":
        assert off.mean() <= 0.001
        assert np.abs(ours - theirs).max() <= rate / frame * 1.01
    else:
        assert not off.any()


@pytest.mark.parametrize("kind", ["voice", "noise", "chirp", "speech then silence", "faint"])
@pytest.mark.parametrize("name", OURS)
def test_a_descriptor_is_librosa_s_on_synthetic_sound(name, kind):
    assert_librosa_s(name, synthetic(2.0, kind), RATE)


@pytest.mark.parametrize("name", OURS)
def test_a_descriptor_is_librosa_s_on_the_shortest_clip(name):
    assert_librosa_s(name, synthetic(0.1, "voice"), RATE)


@pytest.mark.parametrize("name", OURS)
def test_a_descriptor_is_librosa_s_on_a_clip_of_more_frames_than_are_done_at_a_time(name):
    assert_librosa_s(name, synthetic(4.5, "voice"), RATE)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize(("frame", "hop"), [(160, 160), (400, 80), (512, 128), (1024, 512), (8192, 1000)])
@pytest.mark.parametrize("name", OURS)
def test_a_descriptor_is_librosa_s_in_other_frames(name, frame, hop):
    assert_librosa_s(name, synthetic(2.0, "voice"), RATE, frame, hop)


@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.49])
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_the_chroma_filters_are_librosa_s(rate, tuning):
    theirs = librosa.filters.chroma(sr=rate, n_fft=2048, tuning=tuning).T
    np.testing.assert_allclose(chroma_bank(rate, 2048, tuning), theirs, atol=1e-6)


@pytest.mark.parametrize("name", OURS)
def test_a_descriptor_is_librosa_s_on_real_speech(name, real_corpora: Path):
    files = [*sorted(real_corpora.glob("emodb/wav/*.wav"))[::60], *sorted(real_corpora.glob("ravdess/*/*.flac"))[::300]]
    for file in files:
        clip = read_clip(file)
        assert_librosa_s(name, clip.at(RATE), RATE)
        assert_librosa_s(name, clip.samples, clip.rate)


def test_the_tuning_is_librosa_s_on_real_speech(real_corpora: Path):
    files = sorted(real_corpora.glob("emodb/wav/*.wav"))[::10]
    for file in files:
        samples = read_clip(file).samples
        power = np.abs(librosa.stft(samples)) ** 2
        assert Frames(samples, RATE).tuning == pytest.approx(librosa.estimate_tuning(S=power, sr=RATE), abs=1e-9)
