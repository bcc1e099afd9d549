"""Window, mel filters, transforms and deltas against librosa and SciPy, to the last bit."""

import warnings

import librosa
import numpy as np
import pytest
from scipy.fft import dct, rfft
from scipy.ndimage import convolve1d
from scipy.signal import savgol_coeffs

from ser_bench.features.signal import filters

PLACES = [
    (16_000, 2048),
    (16_000, 512),
    (8_000, 2048),
    (4_000, 256),
    (1_500, 64),
    (44_100, 2048),
    (48_000, 4096),
    (22_050, 1026),
    (192_000, 65_536),
]


@pytest.mark.parametrize(("rate", "frame"), PLACES)
def test_window_frequencies_and_mel_filters_are_those_of_librosa(rate, frame):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Empty filters")
        theirs = librosa.filters.mel(sr=rate, n_fft=frame)
    np.testing.assert_array_equal(filters.mel(rate, frame), theirs, strict=True)
    np.testing.assert_array_equal(filters.hann(frame), librosa.filters.get_window("hann", frame), strict=True)
    np.testing.assert_array_equal(np.fft.rfftfreq(frame, 1 / rate), librosa.fft_frequencies(sr=rate, n_fft=frame), strict=True)


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_are_those_of_scipy_signal(order):
    np.testing.assert_array_equal(filters.derivative(9, order), savgol_coeffs(9, order, deriv=order), strict=True)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n_frames", [1, 4, 9, 200])
def test_deltas_take_frames_together_as_scipy_ndimage_does(order, n_frames):
    weights = filters.derivative(9, order)
    tracks = np.random.default_rng(n_frames).standard_normal((20, n_frames)).astype(np.float32)
    theirs = convolve1d(tracks, weights, axis=1, mode="nearest")
    np.testing.assert_array_equal(filters.convolved(tracks, weights), theirs, strict=True)


def test_cosines_are_those_of_scipy_fft():
    theirs = dct(np.eye(128), axis=0, norm="ortho").astype(np.float32)
    np.testing.assert_array_equal(filters.cosines(128), theirs, strict=True)


@pytest.mark.parametrize("frame", sorted({frame for _, frame in PLACES}))
def test_spectra_are_those_of_scipy_fft(frame):
    framed = np.random.default_rng(0).standard_normal((3, frame))
    np.testing.assert_array_equal(np.fft.rfft(framed), rfft(framed), strict=True)
