"""A wide set is the same to the logistic regression after a rotation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Regression

from ser_bench.models.base import PreparedFit, Split
from ser_bench.models.logreg import MAX_ITERATIONS, LogisticRegression, PreparedRotation
from tests.models.test_models import make_split, unbalanced


@pytest.mark.parametrize(("ours", "theirs"), [("balanced", "balanced"), ("none", None)])
@pytest.mark.parametrize("c", [1e-4, 1e-2, 1.0])
def test_a_rotated_wide_set_is_judged_as_it_stands(c: float, ours: str, theirs: str | None) -> None:
    split, model = unbalanced(make_split(columns=600, emotions=4)), LogisticRegression(ours)
    plan = model.plan(split)
    assert isinstance(plan, PreparedRotation)
    exact = Regression(C=c, class_weight=theirs, max_iter=5000, tol=1e-8).fit(split.x_train.astype(float), split.y_train)
    np.testing.assert_allclose(plan.run({"C": c}, 0).scores, exact.predict_proba(split.x_eval.astype(float)), atol=0.015)


@pytest.mark.parametrize("emotions", [2, 4])
@pytest.mark.parametrize(("ours", "theirs"), [("balanced", "balanced"), ("none", None)])
def test_a_plain_fit_is_sklearns_to_the_last_digit(ours: str, theirs: str | None, emotions: int) -> None:
    split, model = unbalanced(make_split(emotions=emotions)), LogisticRegression(ours)
    plain = Regression(C=0.1, class_weight=theirs, max_iter=MAX_ITERATIONS, tol=1e-3).fit(split.x_train, split.y_train)
    fitted = model.fit(split, {"C": 0.1}, 0)
    np.testing.assert_array_equal(fitted.weights.T, plain.coef_)
    np.testing.assert_array_equal(fitted.predict(split.x_eval).scores, as_probabilities(plain.predict_proba(split.x_eval)))


def as_probabilities(theirs: np.ndarray) -> np.ndarray:
    """Rows that sum to one in double precision, too."""
    exact = theirs.astype(np.float64)
    return exact / exact.sum(1, keepdims=True)


def test_a_narrow_set_is_left_alone() -> None:
    assert type(LogisticRegression().plan(make_split())) is PreparedFit


def test_a_wide_set_of_constant_columns_is_judged_by_chance_and_not_refused() -> None:
    split = make_split(columns=600)
    blank = Split(np.zeros_like(split.x_train), split.y_train, np.zeros_like(split.x_eval), split.y_eval, 3)
    np.testing.assert_allclose(LogisticRegression().plan(blank).run({"C": 1.0}, 0).scores, 1 / 3, atol=0.01)
