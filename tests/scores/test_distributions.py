"""Tails, quantiles and ranks against `scipy.stats`, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from ser_bench.scores import distributions

VALUES = np.concatenate([[-np.inf, -40.0, -1e-9, 0.0, 1e-9, 3.5, 200.0, np.inf, np.nan], np.linspace(-5, 5, 41)])
SHARES = np.concatenate([[0.0, 1e-12, 1e-5, 0.5, 1 - 1e-9, 1.0], np.linspace(0.01, 0.99, 41)])
DF = np.array([[1.0], [1.7], [2.0], [9.0], [23.4], [500.0], [1e6]])
T, CHI2 = stats.t, stats.chi2


@pytest.mark.parametrize(
    ("ours", "theirs", "over"),
    [
        (distributions.t_below, T.cdf, VALUES),
        (distributions.t_above, T.sf, VALUES),
        (distributions.t_quantile, T.ppf, SHARES),
        (distributions.t_upper, T.isf, SHARES),
        (distributions.chi2_quantile, CHI2.ppf, SHARES),
    ],
)
def test_tails_and_quantiles_are_those_of_scipy_stats(ours, theirs, over):
    np.testing.assert_array_equal(ours(over, DF), theirs(over, DF))


@given(arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.sampled_from([-1.5, 0.0, 0.25, 2.0, 7.0])))
def test_ranks_are_those_of_scipy_stats(values):
    np.testing.assert_array_equal(distributions.ranks(values), stats.rankdata(values, axis=0))
    np.testing.assert_array_equal(distributions.ranks(values[:, 0]), stats.rankdata(values[:, 0]))
    np.testing.assert_array_equal(distributions.dense_ranks(values), stats.rankdata(values, "dense", axis=0))


@pytest.mark.parametrize("shape", [(1,), (2, 0), (3, 2, 4), (40, 3)])
def test_arrays_of_any_shape_are_ranked_along_their_first_axis(shape):
    values = np.random.default_rng(0).integers(0, 4, shape)
    for ours, method in ((distributions.ranks, "average"), (distributions.dense_ranks, "dense")):
        found = ours(values)
        assert found.shape == shape
        np.testing.assert_array_equal(found, stats.rankdata(values, method, axis=0))
    assert distributions.dense_ranks(values).dtype.kind == "i"
    assert distributions.ranks(values).dtype == float


def test_lists_and_whole_numbers_are_taken_as_arrays_are():
    assert distributions.t_below([0, 1], 3).tolist() == T.cdf([0, 1], 3).tolist()
    assert distributions.t_above([0, 1], 3).tolist() == T.sf([0, 1], 3).tolist()
    assert distributions.t_quantile([0, 0.5, 1], [3, 3, 3]).tolist() == [-np.inf, T.ppf(0.5, 3), np.inf]
    assert distributions.t_upper([0, 0.5, 1], 3).tolist() == [np.inf, T.isf(0.5, 3), -np.inf]
    assert distributions.chi2_quantile([0.5, 0.9], [3, 4]).tolist() == CHI2.ppf([0.5, 0.9], [3, 4]).tolist()
    assert all(isinstance(found, np.ndarray) for found in (distributions.t_below(0, 3), distributions.chi2_quantile(0.5, 3)))
    assert distributions.ranks([3, 1, 3]).tolist() == [2.5, 1, 2.5]
