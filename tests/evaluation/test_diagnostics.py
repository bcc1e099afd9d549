"""What one system's predictions show: the same numbers as its scores, by class, by speaker, by probability."""

import numpy as np
import pandas as pd
import pytest

from ser_bench import scores
from ser_bench.evaluation.diagnostics import BINS, Diagnostics
from tests.reports import fabricate


def rows(*, seeds: int = 1) -> pd.DataFrame:
    table = fabricate.clips()
    return pd.concat([fabricate.predictions(table, "egemaps", "svm", 0.6, seed=seed) for seed in range(seeds)], ignore_index=True)


def test_confusions_hold_every_prediction_of_every_seed():
    found = Diagnostics(rows(seeds=2))
    expected = pd.crosstab(found.rows["emotion"], found.rows["predicted"])
    assert found.confusions.classes == list(expected.index)
    np.testing.assert_array_equal(found.confusions.counts, expected)
    np.testing.assert_allclose(found.confusions.shares.sum(1), 1)
    assert (found.n_seeds, found.confusions.clips.sum()) == (2, len(found.rows))


def test_a_class_that_is_only_predicted_has_no_shares():
    found = Diagnostics(rows().query("emotion != 'fear'")).confusions
    assert found.clips[found.classes.index("fear")] == 0
    assert found.shares[found.classes.index("fear")].tolist() == [0.0] * 3


def test_speakers_may_be_one_voice():
    found = Diagnostics(rows().assign(voice="one"))
    whole = scores.uar(found.rows["emotion"], found.rows["predicted"])
    assert found.uar_by("voice") == {"one": pytest.approx(whole)}
    assert set(found.uar_by("speaker")) == {f"s{n}" for n in range(8)}


def test_the_area_below_a_curve_is_the_auc():
    found = Diagnostics(rows(seeds=2))
    curves = found.roc_curves(20_001)
    assert {name: pytest.approx(np.trapezoid(curve, dx=1 / 20_000), abs=1e-3) for name, curve in curves.items()} == found.aucs


def test_calibration_and_its_error_are_over_the_same_bins():
    table = rows()
    p = np.random.default_rng(0).dirichlet(np.ones(3), len(table))
    found = Diagnostics(table.assign(**{f"p.{name}": column for name, column in zip(fabricate.EMOTIONS, p.T, strict=True)}))
    confidence, accuracy, clips = found.calibration
    said = p[np.arange(len(table)), [fabricate.EMOTIONS.index(name) for name in table["predicted"]]]
    assert clips.tolist() == np.unique((said * BINS).astype(int), return_counts=True)[1].tolist()
    assert found.calibration_error == pytest.approx((clips * np.abs(accuracy - confidence)).sum() / clips.sum())


def test_without_the_probabilities_of_a_class_nothing_is_said_of_any():
    found = Diagnostics(rows().drop(columns="p.fear"))
    assert not found.of_probabilities
    assert (found.roc_curves(3), found.aucs, found.calibration, found.calibration_error) == ({}, {}, None, None)
