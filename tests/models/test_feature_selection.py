"""Which columns of wide sets slow models are given."""

import numpy as np
from sklearn.feature_selection import f_classif

from ser_bench.models.feature_selection import select_k_best


def test_columns_chosen_are_those_of_anova() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice([0, 2, 3], 90)
    x = (rng.normal(size=(90, 1200)) + y[:, None] * rng.normal(0, 0.2, 1200)).astype(np.float32)
    best = np.argsort(-f_classif(x, y)[0])[:500]
    np.testing.assert_array_equal(select_k_best(x, y, 500), np.sort(best))


def test_constant_columns_are_chosen_last() -> None:
    y = np.arange(60) % 3
    x = np.random.default_rng(0).normal(size=(60, 1100)).astype(np.float32)
    x[:, :600] = 0
    assert select_k_best(x, y, 500).min() == 600


def test_all_columns_are_kept_where_there_are_not_more() -> None:
    x = np.random.default_rng(0).normal(size=(30, 88)).astype(np.float32)
    np.testing.assert_array_equal(select_k_best(x, np.arange(30) % 2, 500), np.arange(88))
