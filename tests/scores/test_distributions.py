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
