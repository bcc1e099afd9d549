"""Functionals: NumPy's and SciPy's values, and a documented one where those are undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_bench.features.signal.functionals import FUNCTIONALS, functionals


def plain(track: np.ndarray, step: float) -> list[float]:
    quartiles = np.quantile(track, [0.25, 0.5, 0.75])
    slope = stats.linregress(np.arange(len(track)) * step, track).slope
    return [track.mean(), track.std(), track.min(), track.max(), *quartiles, stats.skew(track), stats.kurtosis(track), slope]


@settings(deadline=None)
@given(st.integers(2, 200), st.integers(0, 1000), st.floats(0.001, 1.0))
def test_functionals_are_numpy_s_and_scipy_s(n, seed, step):
    tracks = np.random.default_rng(seed).gamma(2, 3, (3, n)).astype(np.float32)
    expected = [plain(track.astype(float), step) for track in tracks]
    np.testing.assert_allclose(functionals(tracks, step), expected, rtol=1e-4, atol=1e-4)


def test_a_constant_track_has_no_skewness_no_kurtosis_and_no_slope():
    values = dict(zip(FUNCTIONALS, functionals(np.full((1, 9), 0.1, np.float32), 0.01)[0], strict=True))
    assert [values[name] for name in ("std", "skewness", "kurtosis", "slope")] == pytest.approx([0, 0, 0, 0], abs=1e-7)


def test_a_track_that_is_constant_but_for_rounding_has_no_skewness_and_no_kurtosis():
    track = np.float32(0.1) * (1 + np.float32(1e-7) * np.arange(9, dtype=np.float32)[None])
    values = dict(zip(FUNCTIONALS, functionals(track, 0.01)[0], strict=True))
    assert (values["skewness"], values["kurtosis"]) == (0, 0)


def test_a_single_frame_is_its_own_mean():
    assert functionals(np.array([[3.0]], np.float32), 0.01)[0].tolist() == [3, 0, 3, 3, 3, 3, 3, 0, 0, 0]


@pytest.mark.parametrize("name", ["mfcc", "spectral"])
def test_a_set_of_some_functionals_is_those_columns_of_the_whole(name):
    from ser_bench.audio.clip import Clip
    from ser_bench.features import parse_features

    clip = Clip(np.random.default_rng(0).normal(size=16_000).astype(np.float32), 16_000)
    (whole,), (some,) = (parse_features(text).parts for text in (name, f"{name}(functionals=std+mean)"))
    assert some.label == f"{name}(functionals=mean+std)"
    at = [whole.columns.index(column) for column in some.columns]
    assert len(at) == len(whole.columns) / 5
    np.testing.assert_array_equal(some(clip), whole(clip)[at])
