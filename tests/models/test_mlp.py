"""The network is scikit-learn's, without what surrounds it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from ser_bench.models.base import Split, balanced_weights
from ser_bench.models.mlp import BATCH, NETWORKS, Mlp


@pytest.mark.parametrize(("class_weights", "weigh"), [("balanced", balanced_weights), ("none", np.ones_like)])
@pytest.mark.parametrize("n_clips", [100, 300])
def test_training_is_scikit_learns(n_clips: int, class_weights: str, weigh: Callable[[np.ndarray], np.ndarray]) -> None:
    rng, model = np.random.default_rng(0), Mlp(class_weights)
    x, y = rng.normal(size=(n_clips, 9)).astype(np.float32), rng.integers(0, 4, n_clips)
    params = {"width": 16, "alpha": 0.7, "learning_rate": 3e-3}
    ours = model.fit(Split(x, y, x, y, 4), params, seed=3, rounds=15)
    theirs = MLPClassifier((16,), alpha=0.7, learning_rate_init=3e-3, batch_size=min(BATCH, n_clips), random_state=np.random.RandomState(3))
    for _ in range(15):
        theirs.partial_fit(x, y, classes=np.arange(4), sample_weight=weigh(y))
    np.testing.assert_allclose(ours.predict(x).scores, theirs.predict_proba(x), atol=1e-4)


def test_the_best_epochs_weights_are_kept() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 30)).astype(np.float32), rng.integers(0, 3, 60)
    split = Split(x, y, rng.normal(size=(40, 30)).astype(np.float32), rng.integers(0, 3, 40), 3)
    params = {"width": 64, "alpha": 1e-4, "learning_rate": 1e-2}
    watched = Mlp().fit(split, params, seed=0).predict(split.x_eval)
    again = Mlp().fit(split, params, seed=0, rounds=watched.rounds).predict(split.x_eval)
    np.testing.assert_array_equal(watched.scores, again.scores)


def test_the_final_fit_is_the_mean_of_several_networks() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(80, 6)).astype(np.float32), rng.integers(0, 3, 80)
    fitted = Mlp().fit(Split(x, y, x, None, 3), dict(Mlp.defaults), seed=0, rounds=4)
    alone = [network.activate(x)[1] for network in fitted.networks]
    assert len(alone) == NETWORKS
    assert np.abs(alone[0] - alone[1]).max() > 0.01
    np.testing.assert_allclose(fitted.predict(x).scores, np.mean(alone, axis=0), atol=1e-6)
