"""Standardising: whose clips give the statistics, and what becomes of those held out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from ser_bench.evaluation.scaling import UnitData, column_statistics, scaled_split, standardise_together, standardised_beforehand

VOICES = np.array(list("aabbcc"))
TRAIN = np.array([True] * 4 + [False] * 2)


def unit(*, groups: np.ndarray | None = None, order: str = "C") -> UnitData:
    """Six clips by three voices, the last of which is held out and moved far away."""
    x = np.random.default_rng(0).normal(3, 2, (6, 4)) + 50 * ~TRAIN[:, None]
    return UnitData(np.asarray(x, np.float32, order=order), np.array([0, 1, 0, 2, 1, 0]), VOICES, TRAIN, ("x", "y", "z"), groups)


@pytest.mark.parametrize("kind", [bool, int])
def test_a_split_is_standardised_by_its_training_clips_alone(kind):
    data = unit()
    sides = (TRAIN, ~TRAIN) if kind is bool else (np.flatnonzero(TRAIN), np.flatnonzero(~TRAIN))
    split = scaled_split(data, data.x, *sides)
    scaler = StandardScaler().fit(data.x[TRAIN])
    assert_allclose(split.x_train, scaler.transform(data.x[TRAIN]), atol=1e-5)
    assert_allclose(split.x_eval, scaler.transform(data.x[~TRAIN]), rtol=1e-4)
    assert (split.x_train.dtype, split.x_eval.dtype) == (np.float32, np.float32)
    assert split.y_train.tolist() == [0, 1, 0, 2]
    assert split.y_eval.tolist() == [1, 0]
    assert split.n_classes == 3


def test_emotions_of_held_out_clips_stay_unknown():
    data = unit()
    assert scaled_split(data, data.x, TRAIN, ~TRAIN, held_out=True).y_eval is None
    assert scaled_split(data, data.x, TRAIN, ~TRAIN, held_out=True).y_train.tolist() == [0, 1, 0, 2]


def test_groups_are_standardised_by_their_own_clips_once():
    data = unit(groups=VOICES)
    x = standardised_beforehand(data)
    for voice in "abc":
        assert_allclose(x[voice == VOICES], StandardScaler().fit_transform(data.x[voice == VOICES]), atol=1e-5)
    split = scaled_split(data, x, TRAIN, ~TRAIN)
    assert_array_equal(split.x_train, x[TRAIN])
    assert_array_equal(split.x_eval, x[~TRAIN])


@pytest.mark.parametrize("groups", [None, VOICES])
def test_where_features_lie_in_memory_changes_nothing(groups):
    rows, columns = (standardised_beforehand(unit(groups=groups, order=order)) for order in "CF")
    assert_array_equal(rows, columns)
    assert rows.flags.c_contiguous
    assert columns.flags.c_contiguous
    assert (
        standardised_beforehand(unit()).dtype
        == standardised_beforehand(UnitData(**{**vars(unit()), "x": unit().x.astype(float)})).dtype
        == np.float32
    )
    assert_array_equal(standardised_beforehand(unit()), unit().x)


def test_standardising_together_leaves_what_it_is_given_as_it_was():
    data = unit()
    before = data.x.copy()
    assert standardise_together(data.x, VOICES).dtype == np.float32
    assert_array_equal(data.x, before)


def test_sums_are_taken_in_double_precision():
    x = np.random.default_rng(0).normal(1e4, 1, (100_000, 2)).astype(np.float32)
    mean, scale = column_statistics(x)
    assert_array_equal(mean, x.astype(float).mean(0).astype(np.float32))
    assert_array_equal(scale, (1 / x.astype(float).std(0)).astype(np.float32))
    assert np.abs(x.mean(0) - mean).max() > 0.01


def test_a_constant_column_vanishes_even_where_rounding_gives_it_a_deviation():
    x = np.column_stack([np.full(3, 0.1), np.arange(3), -np.arange(3)])
    assert x.std(0)[0] > 0
    assert_array_equal(column_statistics(x)[1] > 0, [False, True, True])
    assert standardise_together(x, np.zeros(3))[:, 0].tolist() == [0.0] * 3


def test_a_column_that_varies_below_what_a_deviation_can_hold_vanishes():
    x = np.array([[0], [5e-324]])
    assert x.std() == 0 < np.ptp(x)
    assert column_statistics(x)[1].tolist() == [0]
