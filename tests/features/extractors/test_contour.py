"""Contours: those of librosa, of the window that `librosa.load` cuts; no clip is too short for one."""

import librosa
import numpy as np
import pytest
import soundfile

from ser_bench.audio.clip import Clip, read_clip
from ser_bench.errors import WrongCall
from ser_bench.features import parse_features
from ser_bench.features.extractors.contour import Contour

WINDOWS = {
    "contour(offset=0.5)": 216,
    "contour(offset=0.5,seconds=3)": 259,
    "contour(n_mfcc=20,offset=0.15,rate=22050,seconds=3)": 130,
}
"""Those of published systems, and how many values they have."""


def contour(text: str) -> Contour:
    (part,) = parse_features(text).parts
    assert isinstance(part, Contour)
    return part


def noise(seconds: float, rate: int) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.1 * np.random.default_rng(0).standard_normal(len(time)) * 10 ** (np.sin(4 * np.pi * time) / 2)).astype(np.float32)


def by_librosa(extractor: Contour, samples: np.ndarray) -> np.ndarray:
    return librosa.feature.mfcc(y=samples, sr=extractor.rate, n_mfcc=extractor.n_mfcc).mean(axis=0)


@pytest.mark.parametrize(("text", "size"), WINDOWS.items())
@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050, 16_000, 11_025])
def test_a_window_is_the_one_that_librosa_loads(text, size, rate, tmp_path):
    extractor = contour(text)
    soundfile.write(tmp_path / "a.wav", noise(3.6, rate), rate, subtype="FLOAT")
    samples, _ = librosa.load(tmp_path / "a.wav", sr=extractor.rate, offset=extractor.offset, duration=extractor.seconds)
    found = extractor(read_clip(tmp_path / "a.wav"))
    assert found.shape == (size,) == (len(extractor.columns),)
    np.testing.assert_allclose(found, by_librosa(extractor, samples), atol=1e-3)


def test_frames_after_a_clip_s_end_are_zero():
    extractor = Contour(rate=16_000, offset=0.2)
    samples = noise(1.0, 16_000)
    mfcc = by_librosa(extractor, samples[3_200:])
    found = extractor(Clip(samples, 16_000))
    np.testing.assert_allclose(found[: len(mfcc)], mfcc, atol=1e-3)
    assert len(found) == 79
    assert not found[len(mfcc) :].any()


@pytest.mark.parametrize("offset", [1.0, 5.0])
def test_a_clip_that_ends_before_the_window_begins_is_zero_and_not_refused(offset):
    assert not Contour(offset=offset)(Clip(noise(1.0, 16_000), 16_000)).any()


@pytest.mark.parametrize("left", [1, 2, 100])
def test_a_few_samples_are_a_frame(left):
    assert np.count_nonzero(Contour(rate=16_000, offset=0.5)(Clip(noise(0.5, 16_000 + 2 * left), 16_000))) == 1


def test_a_window_that_is_no_whole_number_of_samples_has_all_its_frames():
    extractor = Contour(rate=16_000, seconds=0.512)
    found = extractor(Clip(noise(1.0, 11_025), 11_025))
    assert len(found) == 17
    assert found.all()


def test_what_lies_outside_of_the_window_changes_nothing():
    samples = noise(4.0, 16_000)
    changed = samples.copy()
    changed[:8_000], changed[48_000:] = 0.9, -0.9
    extractor = Contour(rate=16_000, offset=0.5)
    np.testing.assert_array_equal(extractor(Clip(samples, 16_000)), extractor(Clip(changed, 16_000)))


def test_contours_of_one_clip_do_not_mix_their_windows():
    clip = Clip(noise(4.0, 16_000), 16_000)
    for extractor in (Contour(), Contour(n_mfcc=20), Contour(offset=1.0), Contour(seconds=1.0), Contour(rate=16_000)):
        np.testing.assert_array_equal(extractor(clip), extractor(Clip(clip.samples, clip.rate)))


@pytest.mark.parametrize(
    "inside", ["seconds=0", "seconds=0.01", "seconds=3601", "offset=-1", "offset=3601", "n_mfcc=0", "rate=1", "length=216"]
)
def test_a_contour_that_cannot_be_meant_is_refused(inside):
    with pytest.raises(WrongCall, match="contour"):
        contour(f"contour({inside})")


def test_a_moment_that_is_no_number_is_refused():
    for wrong in ({"seconds": float("nan")}, {"offset": float("nan")}):
        with pytest.raises(WrongCall, match="contour"):
            Contour(**wrong)
