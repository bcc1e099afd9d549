"""The support vector machine's plan against scikit-learn's own machine."""

import numpy as np
import pytest
from sklearn.svm import SVC

from ser_bench.models import Split
from ser_bench.models.svm import Svm
from tests.models.test_models import make_split


@pytest.mark.parametrize("c", [0.1, 3.0, 100.0])
def test_kernels_from_shared_distances_decide_as_sklearn_does(c: float) -> None:
    split = make_split(emotions=4)
    plain = SVC(C=c, class_weight="balanced").fit(split.x_train, split.y_train)
    shared = Svm().plan(split).run({"kernel": "rbf", "C": c, "gamma": 1.0}, 0)
    np.testing.assert_array_equal(shared.predicted, plain.predict(split.x_eval))
    np.testing.assert_allclose(shared.scores, plain.decision_function(split.x_eval), atol=1e-3)


def test_one_plan_serves_both_kernels_in_any_order() -> None:
    split, model = make_split(), Svm()
    plan = model.plan(split)
    asked = [{"kernel": k, "C": 1.0, "gamma": 0.3} for k in ("rbf", "linear", "rbf")]
    first, _, again = (plan.run(params, 0) for params in asked)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_scores_of_two_emotions_are_opposite() -> None:
    scores = Svm().plan(make_split(emotions=2)).run(dict(Svm.defaults), 0).scores
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1])


def test_columns_without_variance_do_not_stop_the_machine() -> None:
    split = make_split()
    blank = Split(np.zeros_like(split.x_train), split.y_train, np.zeros_like(split.x_eval), split.y_eval, 3)
    assert np.isfinite(Svm().plan(blank).run(dict(Svm.defaults), 0).scores).all()
