"""What is packed is unpacked as it was, to the last bit, and nothing else is taken for it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from ser_bench.errors import WrongCall
from ser_bench.models import Fitted, Prediction, Split, known_models, parse_model, prepare_split, svm
from ser_bench.models.base import ConstantModel, Estimator
from ser_bench.models.packing import Packed, Unfit, unpack
from tests.models.test_models import make_split

SMALL = {
    "dense": "dense(layers=4,epochs=1,batch_norm=true)",
    "cnn": "cnn(layers=c2x3b-p2s-d-4,epochs=1)",
    "mlp": "mlp(width=4)",
    "svm linear": "svm(kernel=linear)",
}
MODELS = sorted({*(name for name, model in known_models().items() if not model.lacks()), "svm linear"})


def stored(fitted: Fitted, columns: int, classes: int) -> Fitted:
    """The model, through what a file keeps of it."""
    packed = fitted.pack()
    arrays = {name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in packed.arrays.items()}
    return unpack(Packed(packed.kind, arrays, json.loads(json.dumps(packed.values))), columns, classes, Fitted)


def assert_same(found: Prediction, before: Prediction) -> None:
    np.testing.assert_array_equal(found.predicted, before.predicted)
    np.testing.assert_array_equal(found.scores, before.scores)
    assert found.rounds == before.rounds


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=3)
@given(
    seed=st.integers(0, 1000),
    emotions=st.integers(3, 5),
    columns=st.sampled_from([5, 40, 150]),
    absent=st.one_of(st.none(), st.integers(0, 2)),
    most=st.sampled_from([None, 9]),
)
def test_a_model_from_a_file_predicts_as_the_run_that_trained_it(name, seed, emotions, columns, absent, most):
    model, split = (
        parse_model(SMALL.get(name, name)),
        make_split(searching=False, emotions=emotions, columns=columns, seed=seed, absent=absent),
    )
    model.max_features = most
    prepared = prepare_split(model, split)
    trained = prepared.train(model.start, seed, 2)
    again = stored(trained, columns, emotions)
    assert_same(again.predict(split.x_eval), prepared.run(model.start, seed, 2))
    for importances, before in [(again.feature_importances(), trained.feature_importances())]:
        assert (importances is None) == (before is None)
        assert importances is None or np.array_equal(importances, before)
    packed, before = again.pack(), trained.pack()
    assert packed.arrays.keys() == before.arrays.keys()
    assert all(np.array_equal(packed.arrays[key], before.arrays[key]) for key in before.arrays)
    assert packed.values == before.values


@pytest.mark.parametrize("emotions", [2, 4])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("exact", [True, False])
def test_machines_of_many_clips_predict_from_a_file_as_before(monkeypatch, exact, kernel, emotions):
    monkeypatch.setattr(svm, "SHARED_CLIPS" if exact else "EXACT_CLIPS", 10)
    split, params = make_split(emotions=emotions), {"kernel": kernel, "C": 2.0, "gamma": 0.7}
    prepared = prepare_split(svm.Svm(), split)
    trained = prepared.train(params, 0)
    assert isinstance(trained, svm.FittedSvm if exact else svm.ApproximateSvm)
    assert_same(stored(trained, 12, emotions).predict(split.x_eval), prepared.run(params, 0))


def test_one_emotion_in_training_is_all_that_is_kept():
    split = make_split()
    prepared = prepare_split(parse_model("svm"), Split(split.x_train, np.ones_like(split.y_train), split.x_eval, None, 3))
    assert_same(stored(prepared.train({}, 0), 12, 3).predict(split.x_eval), prepared.run({}, 0))


@pytest.mark.parametrize("emotions", [2, 3, 6])
def test_margins_are_those_of_libsvm(emotions):
    split = make_split(emotions=emotions)
    kernels = [(x @ split.x_train.T).astype(np.float32) for x in (split.x_train, split.x_eval)]
    theirs = SVC(C=0.5, kernel="precomputed", decision_function_shape="ovo").fit(kernels[0], split.y_train)
    ours = svm.Machine.of(theirs)
    margins = ours.margins(kernels[1][:, ours.support])
    expected = theirs.decision_function(kernels[1])
    # Processors that multiply and add in one step round once less.
    np.testing.assert_allclose(margins, -expected[:, None] if emotions == 2 else expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(kernels[1][:, ours.support], emotions).predicted, theirs.predict(kernels[1]))


def test_a_classifier_of_one_s_own_is_kept_where_it_is_a_logistic_regression():
    split = make_split()
    own = Estimator(LogisticRegression().fit(split.x_train, split.y_train), 3)
    assert_same(stored(own, 12, 3).predict(split.x_eval), own.predict(split.x_eval))
    with pytest.raises(WrongCall, match="a KNeighborsClassifier cannot be written"):
        Estimator(KNeighborsClassifier().fit(split.x_train, split.y_train), 3).pack()


def test_a_model_that_does_not_say_how_it_is_kept_is_refused_in_a_line():
    class Own(Fitted):
        def predict(self, x: np.ndarray) -> Prediction:
            return ConstantModel(0, 3).predict(x)

    with pytest.raises(WrongCall, match=r"Own cannot be written to a file: give it 'kind', 'pack' and 'unpack'"):
        Own().pack()


@pytest.mark.parametrize(
    ("kind", "among", "why"),
    [("own", Fitted, "which nothing here reads"), ("", Fitted, "which nothing here reads"), ("svm", ConstantModel, "which nothing")],
)
def test_a_kind_is_one_that_is_known_and_asked_for(kind, among, why):
    with pytest.raises(Unfit, match=why):
        unpack(Packed(kind), 12, 3, among)


def changed(array: np.ndarray, place: int, value: float) -> np.ndarray:
    array = array.copy()
    array.reshape(-1)[place] = value
    return array


FORGED = {
    "a split that leads back": ("rf", {"right": lambda a: changed(a, np.flatnonzero(a > 0)[0], 0)}),
    "a split that leads out": ("rf", {"right": lambda a: changed(a, np.flatnonzero(a > 0)[0], len(a))}),
    "a last node that is no leaf": ("rf", {"column": lambda a: changed(a, -1, 0)}),
    "a column that is none": ("rf", {"column": lambda a: changed(a, 0, 12)}),
    "a root that is none": ("rf", {"roots": lambda a: changed(a, 0, -1)}),
    "leaves without shares": ("rf", {"shares": lambda a: a * 0}),
    "a tree of no class": ("xgb", {"of_class": lambda a: changed(a, 0, 3)}),
    "a leaf that is no number": ("xgb", {"cut": lambda a: changed(a, -1, np.nan)}),
    "clips that no class has": ("svm", {"sizes": lambda a: changed(a, 0, a[0] - 1)}),
    "clips of other columns": ("svm", {"clips": lambda a: a[:, 1:].copy()}),
    "clips that are no numbers": ("svm", {"clips": lambda a: changed(a, 0, np.inf)}),
    "classes in disorder": ("svm", {"present": lambda a: a[::-1].copy()}),
    "a class that is none": ("mlp", {"present": lambda a: changed(a, -1, 3)}),
    "weights of another width": ("mlp", {"weights": lambda a: a[:, 1:].copy()}),
    "weights of another type": ("logreg", {"weights": lambda a: a.astype(np.int32)}),
    "offsets in another precision": ("logreg", {"offsets": lambda a: a.astype(np.float64 if a.dtype == np.float32 else np.float32)}),
    "no weights": ("logreg", {"weights": lambda a: a[:0]}),
}


@pytest.fixture(scope="module")
def packed() -> dict[str, Packed]:
    """One packed model of each family that is forged."""
    split = make_split()
    return {
        name: prepare_split(model, split).train(model.start, 0, 2).pack()
        for name, model in ((name, parse_model(SMALL.get(name, name))) for name in sorted({name for name, _ in FORGED.values()}))
    }


@pytest.mark.parametrize("what", FORGED)
def test_arrays_that_could_mislead_arithmetic_are_refused(packed, what):
    name, change = FORGED[what]
    whole = packed[name]
    arrays = {key: change.get(key, lambda a: a)(array) for key, array in whole.arrays.items()}
    unpack(whole, 12, 3)
    with pytest.raises(Unfit):
        unpack(Packed(whole.kind, arrays, whole.values), 12, 3)


@pytest.mark.parametrize(
    "stages", [None, [], [["dense", 3, 0]], [["dense", -1, 0, False]], [["lambda", 3, 0, False]], [["conv", 3, 3, False]]]
)
def test_steps_of_a_network_that_cannot_be_are_refused(stages):
    pytest.importorskip("torch", reason="networks need PyTorch: the extra 'deep'")
    with pytest.raises(Unfit):
        unpack(Packed("network", {"present": np.arange(3)}, {"stages": stages, "flat": True, "rounds": 1}), 12, 3)
