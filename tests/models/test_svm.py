"""The support vector machine's plan against scikit-learn's own machine."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from ser_bench.models import Split, kernels, svm
from ser_bench.models.base import Params
from ser_bench.models.compiled import machines
from ser_bench.models.svm import PreparedKernel, Svm
from tests.kernels import chooses_kernels, printed
from tests.models.test_models import make_split, unbalanced


@pytest.mark.parametrize(("ours", "theirs"), [("balanced", "balanced"), ("none", None)])
@pytest.mark.parametrize("c", [0.1, 3.0, 100.0])
def test_kernels_from_shared_distances_decide_as_sklearn_does(c: float, ours: str, theirs: str | None) -> None:
    split, model = unbalanced(make_split(emotions=4)), Svm(ours)
    plain = SVC(C=c, class_weight=theirs).fit(split.x_train, split.y_train)
    shared = model.plan(split).run({"kernel": "rbf", "C": c, "gamma": 1.0}, 0)
    np.testing.assert_array_equal(shared.predicted, plain.predict(split.x_eval))
    np.testing.assert_allclose(shared.scores, plain.decision_function(split.x_eval), atol=1e-3)


@pytest.mark.parametrize("emotions", [2, 4])
@pytest.mark.parametrize(("ours", "theirs"), [("balanced", "balanced"), ("none", None)])
def test_a_plain_fit_is_sklearns_to_the_last_digit(ours: str, theirs: str | None, emotions: int) -> None:
    split, model = unbalanced(make_split(emotions=emotions)), Svm(ours)
    scale = svm.scale_of(split.x_train)
    for params, kernel in [
        ({"kernel": "rbf", "C": 3.0, "gamma": 0.5}, {"C": 3.0, "gamma": 0.5 * scale}),
        ({"kernel": "linear", "C": 3.0}, {"C": 3.0 * scale}),
    ]:
        plain = SVC(kernel=params["kernel"], class_weight=theirs, **kernel).fit(split.x_train, split.y_train)
        found, scores = model.fit(split, params, 0).predict(split.x_eval), plain.decision_function(split.x_eval)
        np.testing.assert_array_equal(found.predicted, plain.predict(split.x_eval))
        np.testing.assert_array_equal(found.scores, np.column_stack([-scores, scores]) if emotions == 2 else scores)


@pytest.mark.parametrize("emotions", [2, 4])
@pytest.mark.parametrize("params", [{"kernel": "rbf", "C": 30.0, "gamma": 0.5}, {"kernel": "linear", "C": 3.0}])
def test_decisions_alone_are_those_of_libsvm_which_is_asked_where_rounding_could_decide(
    params: Params, emotions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = unbalanced(make_split(emotions=emotions))
    fitted, rng = Svm().fit(split, params, 0), np.random.default_rng(0)
    x = np.concatenate([split.x_eval, rng.normal(size=(300, split.x_eval.shape[1])).astype(np.float32)])
    expected, asked, predict = fitted.predict(x).predicted, [], type(fitted).predict
    monkeypatch.setattr(type(fitted), "predict", lambda self, x: asked.append(len(x)) or predict(self, x))
    np.testing.assert_array_equal(fitted.decide(x), expected)
    np.testing.assert_array_equal(fitted.decide_all(np.stack([x, x[::-1]])), [expected, expected[::-1]])
    assert not asked, "no sign hangs on rounding here"
    # So far away that the bound on rounding is above any margin.
    far = np.concatenate([x, 1e12 * x[:5], np.zeros_like(x[:1])])
    np.testing.assert_array_equal(fitted.decide(far), predict(fitted, far).predicted)
    assert asked == [5]


def test_one_plan_serves_both_kernels_in_any_order() -> None:
    split, model = make_split(), Svm()
    plan = model.plan(split)
    asked = [{"kernel": k, "C": 1.0, "gamma": 0.3} for k in ("rbf", "linear", "rbf")]
    first, _, again = (plan.run(params, 0) for params in asked)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_shared_inner_products_are_those_of_whole_numbers() -> None:
    split = make_split(emotions=4)
    plan = Svm().plan(split)
    train, held = (np.rint(x.astype(float) / kernels.GRID).astype(np.int64) for x in (split.x_train[plan.order], split.x_eval))
    np.testing.assert_array_equal(plan.products, (train @ train.T * kernels.GRID**2).astype(np.float32))
    np.testing.assert_array_equal(plan.products_eval, (train @ held.T * kernels.GRID**2).astype(np.float32))


SCORES = """
import numpy as np
from ser_bench.models.base import Split
from ser_bench.models.svm import Svm

rng = np.random.default_rng(0)
y = np.repeat(np.arange(4), 40)
x = (rng.normal(size=(160, 60)) + rng.normal(size=(4, 60))[y] / 3).astype(np.float32)
plan = Svm().plan(Split(x[::2], y[::2], x[1::2], y[1::2], 4))
for kernel in ("rbf", "linear"):
    print(plan.run({"kernel": kernel, "C": 20.0, "gamma": 0.1}, 0).scores.tobytes().hex())
"""


@chooses_kernels
def test_scores_are_the_same_bytes_whichever_kernel_the_blas_takes() -> None:
    found = {printed(SCORES, OPENBLAS_CORETYPE=core) for core in ("Haswell", "Prescott")}
    assert len(found) == 1


def test_scores_of_two_emotions_are_opposite() -> None:
    scores = Svm().plan(make_split(emotions=2)).run(dict(Svm.defaults), 0).scores
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1])


def test_columns_without_variance_do_not_stop_the_machine() -> None:
    split = make_split()
    blank = Split(np.zeros_like(split.x_train), split.y_train, np.zeros_like(split.x_eval), split.y_eval, 3)
    assert np.isfinite(Svm().plan(blank).run(dict(Svm.defaults), 0).scores).all()


def rings(n: int = 900, seed: int = 0) -> Split:
    """Three emotions, one around the other, which no plane tells apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    x = np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + y)[:, None] + rng.normal(0, 0.3, (n, 2))
    x = x.astype(np.float32)
    return Split(x[: n // 2], y[: n // 2], x[n // 2 :], y[n // 2 :], 3)


@pytest.fixture
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every unit counts as large."""
    monkeypatch.setattr(svm, "EXACT_CLIPS", 0)


@pytest.mark.usefixtures("approximate")
@pytest.mark.parametrize("split", [rings(), make_split(emotions=4)], ids=["rings", "clouds"])
def test_the_approximate_machine_decides_mostly_as_the_exact_one(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"kernel": "rbf", "C": 3.0, "gamma": 1.0}
    near = Svm().plan(split).run(params, 0).predicted
    monkeypatch.setattr(svm, "EXACT_CLIPS", 10**6)
    exact = Svm().plan(split).run(params, 0).predicted
    assert (near == exact).mean() > 0.85
    assert (near == split.y_eval).mean() > (exact == split.y_eval).mean() - 0.05


@pytest.mark.usefixtures("approximate")
@pytest.mark.parametrize(("class_weights", "weights"), [("balanced", (120 / 160, 120 / 80)), ("none", (1, 1))])
def test_the_approximate_machine_is_kernel_ridge_where_every_clip_is_a_landmark(class_weights: str, weights: tuple[float, float]) -> None:
    from sklearn.kernel_ridge import KernelRidge

    rng, model = np.random.default_rng(0), Svm(class_weights)
    y = np.tile([0, 1, 0], 40)
    x, new = (rng.normal(size=(120, 5)).astype(np.float32) for _ in range(2))
    ours = model.fit(Split(x, y, new, None, 2), {"kernel": "rbf", "C": 2.0, "gamma": 1.0}, 0).predict(new).scores
    # The constant is a feature of its own: a kernel that is higher by one everywhere.
    gram = [np.exp(-svm.scale_of(x) * ((a[:, None] - x) ** 2).sum(2)) + 1 for a in (x, new)]
    theirs = KernelRidge(alpha=0.5, kernel="precomputed").fit(gram[0], 2.0 * y - 1, np.array(weights)[y]).predict(gram[1])
    np.testing.assert_allclose(ours[:, 1], theirs, atol=2e-3)
    np.testing.assert_allclose(ours[:, 0], -theirs, atol=2e-3)


@pytest.mark.usefixtures("approximate")
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_an_emotion_absent_from_training_is_never_believed_by_the_approximate_machine(kernel: str) -> None:
    prediction = Svm().plan(make_split(absent=1)).run({"kernel": kernel, "C": 1.0, "gamma": 1.0}, 0)
    assert (prediction.scores[:, 1] == -np.inf).all()
    assert 1 not in prediction.predicted


def test_a_unit_is_exact_or_approximate_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split()
    monkeypatch.setattr(svm, "EXACT_CLIPS", 179)
    assert split.n_unit == 180
    assert isinstance(Svm().fit(split, dict(Svm.defaults), 0), svm.ApproximateSvm)
    whole = Split(np.tile(split.x_train, (2, 1))[:180], np.tile(split.y_train, 2)[:180], split.x_eval, None, 3)
    assert isinstance(Svm().fit(whole, dict(Svm.defaults), 0), svm.ApproximateSvm)
    monkeypatch.setattr(svm, "EXACT_CLIPS", 180)
    assert not isinstance(Svm().fit(split, dict(Svm.defaults), 0), svm.ApproximateSvm)


def test_kernels_too_large_to_keep_give_the_same_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split(emotions=4)
    kept = Svm().plan(split).run(dict(Svm.defaults), 0)
    monkeypatch.setattr(svm, "SHARED_CLIPS", 10)
    np.testing.assert_array_equal(Svm().plan(split).run(dict(Svm.defaults), 0).predicted, kept.predicted)


def test_the_row_says_that_the_machine_is_approximate() -> None:
    assert Svm().notes(svm.EXACT_CLIPS, 88) == []
    assert Svm().notes(svm.EXACT_CLIPS + 1, 88) == ["svm: approximate: least squares on 1000 Nystroem features"]


def dual_objective(weights: np.ndarray, y: np.ndarray, kernel: np.ndarray) -> float:
    """What a pair's machine makes as large as it can; `y` is 1 and -1, and weights have its sign."""
    return float(weights @ y - weights @ kernel @ weights / 2)


@given(
    st.integers(2, 5),
    st.integers(10, 60),
    st.sampled_from([0.01, 1.0, 3.0, 100.0]),
    st.sampled_from([0.02, 0.2, 2.0, None]),
    st.sampled_from(["balanced", "none"]),
    st.integers(0, 10**6),
)
@settings(max_examples=40, deadline=None)
def test_a_machine_on_a_shared_kernel_is_as_good_as_the_one_that_libsvm_finds(
    k: int, n: int, c: float, gamma: float | None, weighed: str, seed: int
) -> None:
    rng, n_columns = np.random.default_rng(seed), 8
    y = np.concatenate([np.arange(k), rng.integers(0, k, n)]) * 2
    x, new = (rng.normal(size=(size, n_columns)).astype(np.float32) for size in (len(y), 50))
    x += rng.normal(size=(2 * k, n_columns)).astype(np.float32)[y]
    plan = PreparedKernel(Svm(weighed), Split(x, y, new, None, 2 * k))
    gram, held = plan.products, plan.products_eval
    if gamma is not None:
        gram, held = (svm.radial(distances, np.float32(gamma)) for distances in (plan.distances, plan.distances_eval))
    weights, offsets = plan.solve(gram, c)
    # Far below its usual tolerance, and ours: what can be reached at all.
    libsvm = SVC(C=c, kernel="precomputed", decision_function_shape="ovo", tol=1e-6)
    theirs = svm.Machine.of(libsvm.fit(gram, y[plan.order], plan.weights))
    expected = np.zeros_like(weights)
    expected[:, theirs.support] = theirs.weights
    for one, other in combinations(range(k), 2):
        first, second = (slice(plan.starts[which], plan.starts[which + 1]) for which in (one, other))
        clips = np.r_[first, second]
        sides = np.repeat([1.0, -1.0], [first.stop - first.start, second.stop - second.start])
        ours, best = (np.concatenate([found[other - 1, first], found[one, second]]) for found in (weights, expected))
        assert (ours * sides >= 0).all()
        assert (np.abs(ours) <= c * plan.weights[clips]).all()
        assert abs(ours.sum()) < 1e-9 * max(1, c) * len(clips)
        block = gram[np.ix_(clips, clips)].astype(float)
        assert dual_objective(ours, sides, block) == pytest.approx(dual_objective(best, sides, block), rel=1e-4)
    margins, found = theirs.margins(held[theirs.support].T), machines.margins(held, plan.starts, weights, offsets).T
    clear = np.abs(margins).min(1) > 0.02
    ours, best = (svm.prediction_of(each[clear], theirs.present, 2 * k).predicted for each in (found, margins))
    np.testing.assert_array_equal(ours, best)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("labels", [[0, 3], [0, 1, 3, 4]])
def test_what_is_kept_of_a_machine_predicts_as_compiled_code_does_to_the_last_bit(labels: list[int], kernel: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(labels, 90)
    new = rng.normal(size=(200, 8)).astype(np.float32)
    plan = Svm().plan(Split(rng.normal(size=(90, 8)).astype(np.float32), y, new, None, 5))
    params = {"kernel": kernel, "C": 2.0, "gamma": 0.7}
    kept, compiled = plan.train(params, 0).predict(new), plan.run(params, 0)
    assert kept.scores.tobytes() == compiled.scores.tobytes()
    np.testing.assert_array_equal(kept.predicted, compiled.predicted)


def test_clips_in_another_order_make_the_same_machine() -> None:
    split = unbalanced(make_split(emotions=4))
    by_class = np.argsort(split.y_train, kind="stable")
    turned = Split(split.x_train[by_class], split.y_train[by_class], split.x_eval, split.y_eval, 4)
    here, there = (Svm().plan(each).run(dict(Svm.defaults), 0).scores for each in (split, turned))
    np.testing.assert_array_equal(here, there)


def test_a_machine_that_is_not_solved_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_solve_pairs", lambda *_: False)
    with pytest.raises(ValueError, match="not solved, in 100,000,000 steps at most: try a smaller C"):
        Svm().plan(make_split()).run(dict(Svm.defaults), 0)


@pytest.mark.parametrize(("value", "labels", "why"), [(np.nan, [0, 1], "not finite"), (1.0, [1], "two classes")])
def test_no_machine_is_made_of_one_class_or_of_a_kernel_that_is_not_finite(value: float, labels: list[int], why: str) -> None:
    y = np.resize(labels, 6)
    prepared = PreparedKernel(Svm(), Split(np.eye(6, dtype=np.float32), y, np.zeros((1, 6), np.float32), None, 2))
    with pytest.raises(ValueError, match=why):
        prepared.solve(np.full((6, 6), value, np.float32), 1.0)
