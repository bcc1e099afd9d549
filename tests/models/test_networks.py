"""Networks compute what NumPy does with Keras's formulas, and nothing else moves them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.models import Fitted, known_models, parse_model
from ser_bench.models.checkpoints import keeping_in
from ser_bench.models.layers import parse_layers
from ser_bench.models.networks import Network, Stage, least_columns, stages_of
from tests.models.test_models import make_split

pytestmark = pytest.mark.skipif(bool(known_models()["cnn"].lacks()), reason="no PyTorch here: pip install 'ser-bench[deep]'")


def padded(x: np.ndarray, total: int, value: float = 0.0) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), (total // 2, total - total // 2)), constant_values=value)


def conv(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray, *, same: bool) -> np.ndarray:
    """A kernel's products with every window of columns, shape (n, kernels, windows)."""
    width = kernels.shape[2]
    windows = sliding_window_view(padded(x, width - 1) if same else x, width, axis=2)
    return np.einsum("nclw,kcw->nkl", windows, kernels) + bias[:, None]


def pool(x: np.ndarray, width: int, *, same: bool) -> np.ndarray:
    n, channels, columns = x.shape
    if same:
        x = padded(x, -columns % width, -np.inf)
    return x[:, :, : x.shape[2] // width * width].reshape(n, channels, -1, width).max(3)


def norm(x: np.ndarray, scale: np.ndarray, shift: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    shape = (1, -1, 1) if x.ndim == 3 else (1, -1)
    whitened = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-3)
    return whitened * scale.reshape(shape) + shift.reshape(shape)


def forward(stages: list[Stage], weights: list[np.ndarray], moving: list[np.ndarray], x: np.ndarray, *, training: bool) -> np.ndarray:
    """Scores in double precision."""
    left, statistics = iter(weights), iter(moving)
    x = x.reshape(len(x), *stages[0].comes)
    for stage in stages:
        if stage.kind == "conv":
            x = conv(x, next(left), next(left), same=stage.layer.same)
        elif stage.kind == "dense":
            x = x @ next(left).T + next(left)
        elif stage.kind == "norm":
            mean, variance = next(statistics), next(statistics)
            if training:
                axes = (0, 2) if x.ndim == 3 else (0,)
                mean, variance = x.mean(axes), x.var(axes)
            x = norm(x, next(left), next(left), mean, variance)
        elif stage.kind == "relu":
            x = np.maximum(x, 0)
        elif stage.kind == "pool":
            x = pool(x, stage.layer.width, same=stage.layer.same)
        elif stage.kind == "flatten":
            x = x.reshape(len(x), -1)
    return x


def network_of(layers: str, columns: int, outputs: int = 3, *, flat: bool = False, seed: int = 0) -> Network:
    import torch

    stages = stages_of(parse_layers(layers), (columns,) if flat else (1, columns), outputs)
    return Network(stages, 0.5, torch.Generator().manual_seed(seed))


def doubles(values: list) -> list[np.ndarray]:
    return [value.detach().numpy().astype(np.float64) for value in values]


def stirred(network: Network, rng: np.random.Generator) -> Network:
    """The network with weights and statistics that are nowhere 0 or 1."""
    network.restore([rng.uniform(0.2, 1.0, values.shape).astype(np.float32) for values in network.state])
    return network


LAYERS = ["c4x3-c3x4vb-p3-d.5-5", "b-c4x5b-p4s-c2x2v-p2s-6b-4", "p2-b", "7-b-d-5b"]


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("training", [False, True])
def test_a_forward_pass_is_numpys(layers: str, training: bool) -> None:
    import torch

    rng = np.random.default_rng(0)
    network = stirred(network_of(layers.replace("d.5-", "").replace("d-", "") if training else layers, 22), rng)
    x = rng.normal(size=(6, 22)).astype(np.float32)
    expected = forward(network.stages, doubles(network.weights), doubles(network.moving), x.astype(float), training=training)
    found = network.scores(torch.from_numpy(x), training=training).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_moving_statistics_are_a_hundredth_of_the_batchs() -> None:
    import torch

    x = np.random.default_rng(0).normal(3, 2, (9, 4)).astype(np.float32)
    network = network_of("b-5", 4, flat=True)
    network.scores(torch.from_numpy(x), training=True)
    mean, variance = network.moving
    np.testing.assert_allclose(mean, 0.01 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, 0.99 + 0.01 * x.var(0), rtol=1e-5)


def test_weights_start_uniform_within_glorots_bounds_and_biases_at_zero() -> None:
    kernels, bias, more, *_ = doubles(network_of("c50x5-c40x3", 30).weights)
    for values, bound in ((kernels, (6 / (5 + 50 * 5)) ** 0.5), (more, (6 / (50 * 3 + 40 * 3)) ** 0.5)):
        assert 0.95 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < 0.1 * bound
    assert not bias.any()


def test_dropout_drops_its_share_and_divides_the_rest() -> None:
    import torch

    network = network_of("d.25-4", 5000, flat=True)
    dropped = network._dropped(torch.ones(2, 5000), 0.25).numpy()
    assert 0.22 < (dropped == 0).mean() < 0.28
    np.testing.assert_allclose(dropped[dropped > 0], 4 / 3, rtol=1e-6)


class Steps:
    """Keras's formulas, in double precision."""

    def __init__(self, kind: str, rate: float, decay: float, momentum: float) -> None:
        self.kind, self.rate, self.decay, self.momentum = kind, rate, decay, momentum
        self.first = self.second = 0.0
        self.taken = 0

    def __call__(self, weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        rate = self.rate / (1 + self.decay * self.taken)
        self.taken += 1
        if self.kind == "sgd":
            self.first = self.momentum * self.first - rate * gradient
            return weights + self.first
        if self.kind == "rmsprop":
            self.second = 0.9 * self.second + 0.1 * gradient**2
            if not self.momentum:
                return weights - rate * gradient / (np.sqrt(self.second) + 1e-7)
            self.first = self.momentum * self.first + rate * gradient / np.sqrt(self.second + 1e-7)
            return weights - self.first
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        rate *= np.sqrt(1 - 0.999**self.taken) / (1 - 0.9**self.taken)
        return weights - rate * self.first / (np.sqrt(self.second) + 1e-7)


def loss_of(stages: list[Stage], weights: list[np.ndarray], moving: list[np.ndarray], clips: tuple[np.ndarray, ...]) -> float:
    x, y, counted = clips
    scores = forward(stages, weights, moving, x, training=True)
    scores -= scores.max(1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    return float(-(counted * log_p[np.arange(len(y)), y]).mean())


def slopes(stages: list[Stage], weights: list[np.ndarray], moving: list[np.ndarray], clips: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """The loss's gradient by differences."""
    found = [np.zeros_like(values) for values in weights]
    for values, slope in zip(weights, found, strict=True):
        for place in np.ndindex(values.shape):
            before = values[place]
            sides = []
            for moved in (before + 1e-6, before - 1e-6):
                values[place] = moved
                sides.append(loss_of(stages, weights, moving, clips))
            values[place] = before
            slope[place] = (sides[0] - sides[1]) / 2e-6
    return found


@pytest.mark.parametrize(
    ("layers", "how"),
    [
        ("c3x3-p2-b-4", ("adam", 0.01, 0.0, 0.0)),
        ("c2x4v-p3s-c2x3-b", ("rmsprop", 0.01, 0.5, 0.0)),
        ("b-4-3", ("rmsprop", 0.01, 0.0, 0.9)),
        ("4-b", ("sgd", 0.1, 0.5, 0.9)),
        ("c3x3", ("sgd", 0.1, 0.0, 0.0)),
    ],
)
def test_training_steps_are_numpys(layers: str, how: tuple[str, float, float, float]) -> None:
    import torch

    from ser_bench.models.training import Course

    rng = np.random.default_rng(1)
    x, y, counted = rng.normal(size=(5, 11)), rng.integers(0, 3, 5), rng.uniform(0.5, 1.5, 5)
    network = network_of(layers, 11)
    course = Course(network, (x, y, counted), dict(zip(("optimiser", "learning_rate", "decay", "momentum"), how, strict=True)))
    weights, movers = doubles(network.weights), [Steps(*how) for _ in network.weights]
    for _ in range(3):
        gradients = slopes(network.stages, weights, doubles(network.moving), (x, y, counted))
        weights = [move(values, slope) for move, values, slope in zip(movers, weights, gradients, strict=True)]
        course.step(torch.arange(5))
    for found, expected in zip(doubles(network.weights), weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=3e-4)


def test_an_epoch_shows_every_clip_once_and_the_last_batch_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_bench.models.training import Course

    shown: list[list[int]] = []
    monkeypatch.setattr(Course, "step", lambda self, rows: shown.append(rows.tolist()) or 0.0)
    course = Course(network_of("4", 3), (np.zeros((10, 3)), np.zeros(10, int), np.ones(10)), FREE | {"batch": 4})
    course.epoch()
    course.epoch()
    assert [len(rows) for rows in shown] == [4, 4, 2] * 2
    orders = [[row for rows in epoch for row in rows] for epoch in (shown[:3], shown[3:])]
    assert [sorted(order) for order in orders] == [list(range(10))] * 2
    assert orders[0] != orders[1]


FREE = {"optimiser": "sgd", "learning_rate": 0.1, "decay": 0.0, "momentum": 0.0}


@pytest.mark.parametrize("watch", ["loss", "accuracy"])
def test_the_best_epoch_is_kept_and_training_it_alone_gives_the_same(watch: str) -> None:
    model = parse_model(f"dense(watch={watch},layers=8,epochs=30,patience=4,learning_rate=0.05)")
    split = make_split()
    split = replace(split, y_eval=np.random.default_rng(5).permutation(split.y_eval))
    kept = model.fit(split, model.start, 3).predict(split.x_eval)
    assert kept.rounds is not None
    assert kept.rounds < 30
    again = model.fit(split, model.start, 3, kept.rounds).predict(split.x_eval)
    np.testing.assert_array_equal(again.scores, kept.scores)


def test_without_patience_all_epochs_are_trained_and_without_watching_the_last_is_kept() -> None:
    from ser_bench.utils.progress import watching_epochs

    heard: list[tuple[int, int]] = []
    with watching_epochs(lambda number, of, loss: heard.append((number, of))):
        fit("dense(layers=4,epochs=12,patience=0,learning_rate=0.5)", make_split())
        assert fit("dense(layers=4,epochs=7,watch=none)", make_split()).predict(make_split().x_eval).rounds == 7
    assert heard == [(number, 12) for number in range(1, 13)] + [(number, 7) for number in range(1, 8)]


def test_the_learning_rate_falls_after_epochs_without_gain() -> None:
    from ser_bench.models.training import Validation

    class Rate:
        rate = 1.0

    errors = iter([1.0, 0.5, 0.6, 0.49995, 0.7, 0.4, 0.5])
    validation, rates = Validation(np.zeros((0, 1)), np.zeros(0, int), np.zeros(0), {"patience": 0, "lr_factor": 0.5, "lr_patience": 2}), []
    validation.error = lambda network, epoch: next(errors)  # type: ignore[method-assign]
    for epoch in range(1, 8):
        validation.look(network_of("2", 1), Rate, epoch)  # type: ignore[arg-type]
        rates.append(Rate.rate)
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.5]
    assert validation.best_epoch == 6


def fit(text: str, split=None, seed: int = 1, rounds: int | None = None) -> Fitted:  # type: ignore[no-untyped-def]
    model = parse_model(text)
    return model.fit(make_split(searching=False) if split is None else split, model.start, seed, rounds)


def test_nothing_outside_of_a_fit_moves_it_and_it_moves_nothing_outside() -> None:
    import torch

    text, x = "cnn(layers=c4x3b-p2-d.3-5,epochs=2)", make_split().x_eval
    before = fit(text).predict(x).scores
    torch.manual_seed(5)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            after = fit(text).predict(x).scores
        assert torch.get_num_threads() == 2
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)
    assert after.tobytes() == before.tobytes()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("text", "searching", "rounds"),
    [
        ("cnn(layers=c3x3b-p2-d.3-4,epochs=9,patience=0,lr_factor=0.5,lr_patience=1,decay=0.1)", True, None),
        ("dense(layers=4-4,batch_norm=true,epochs=40,patience=7,watch=accuracy,optimiser=rmsprop,momentum=0.5)", True, None),
        ("dense(layers=5,optimiser=sgd,momentum=0.9)", False, 8),
    ],
)
def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    text: str, searching: bool, rounds: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ser_bench.models.training import Course

    monkeypatch.setattr("ser_bench.models.checkpoints.SECONDS_BETWEEN", 0.0)
    folder, split, trained = tmp_path / "unit.epochs", make_split(searching=searching), Course.epoch
    whole, done = fit(text, split, rounds=rounds), []

    def epoch(course: Course, until: int = 5) -> float:
        if len(done) == until:
            raise KeyboardInterrupt
        done.append(1)
        return trained(course)

    monkeypatch.setattr(Course, "epoch", epoch)
    with pytest.raises(KeyboardInterrupt), keeping_in(folder):
        fit(text, split, rounds=rounds)
    assert len(list(folder.iterdir())) == 1
    done += [0] * 1000
    with keeping_in(folder):
        again = fit(text, split, rounds=rounds)
        n_epochs = sum(done)
        fit(text, split, rounds=rounds)
        assert sum(done) == n_epochs, "what had ended is not trained again"
        fit(text, split, seed=2, rounds=rounds)
        assert sum(done) > n_epochs
    assert n_epochs >= again.predict(split.x_eval).rounds
    assert [values.tobytes() for values in again.state] == [values.tobytes() for values in whole.state]
    assert not folder.exists()


def test_how_clips_lie_in_memory_changes_no_byte() -> None:
    split = make_split(searching=False)
    turned = replace(split, x_train=np.asfortranarray(split.x_train), x_eval=split.x_eval.astype(np.float64))
    one, two = (fit("cnn(layers=c3x3b-4,epochs=2)", some).predict(some.x_eval).scores for some in (split, turned))
    assert one.tobytes() == two.tobytes()
    assert fit("dense(layers=3,epochs=1)").predict(split.x_eval[:0]).scores.shape == (0, 3)


def test_what_is_kept_of_a_fit_holds_no_tensor() -> None:
    kept = pickle.dumps(fit("dense(layers=4,epochs=1)"))
    assert b"torch" not in kept


def test_a_loss_that_is_no_number_is_said_with_its_cause() -> None:
    with pytest.raises(WorkFailed, match="the learning rate 10 is too large"):
        fit("dense(layers=64-64-64,optimiser=sgd,learning_rate=10,momentum=0.999,epochs=60,dropout=0)")


@pytest.mark.parametrize("layers", ["c4x5v-p4", "p3-p3", "c4x3v-c4x3v-p2s-c2x2v"])
def test_columns_that_are_too_few_are_refused_with_the_number_needed(layers: str) -> None:
    parsed = parse_layers(layers)
    least = least_columns(parsed)
    assert stages_of(parsed, (1, least), 3)
    with pytest.raises(WrongCall, match=f"at least {least} are needed"):
        stages_of(parsed, (1, least - 1), 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dense(layers=c64x5)", "model dense: 'layers': 'c64x5' is no number of units"),
        ("cnn(layers=c64)", "model cnn: 'layers': cannot read 'c64'"),
        ("cnn(layers=c64x5-d.5,dropout=0.1)", "'dropout' is not used with these others"),
        ("dense(optimiser=adamw)", "model dense: 'optimiser' takes one of adam, rmsprop, sgd, not 'adamw'"),
        ("dense(momentum=0.9)", "adam has no 'momentum'"),
        ("dense(epochs=0)", "model dense: 'epochs': 0 is not in the range from 1 to 100,000"),
        ("dense(dropout=1)", "model dense: 'dropout': 1.0 is not in the range"),
        ("cnn(batch_norm=true)", "unknown parameter of model 'cnn' 'batch_norm'"),
        ("dense(batch_norm=yes)", "model dense: 'batch_norm' takes true or false, not 'yes'"),
    ],
)
def test_networks_that_cannot_be_are_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(WrongCall) as refused:
        parse_model(text)
    assert told in str(refused.value)


def test_published_systems_can_be_stated_and_leave_nothing_to_search() -> None:
    fixed = "optimiser=rmsprop,learning_rate=1e-5,decay=1e-6,batch=16,epochs=700,patience=0,watch=accuracy"
    model = parse_model(f"cnn(layers=c256x5-c128x5-d.1-p8-c128x5-c128x5,{fixed})")
    assert model.trials(30) == 1
    kinds = [stage.kind for stage in model.stages(model.setting(model.start), 216, 10)]
    assert kinds == ["conv", "relu"] * 2 + ["dropout", "pool"] + ["conv", "relu"] * 2 + ["flatten", "dense"]
    dense = parse_model(
        "dense(layers=512-512-256-128-64,batch_norm=true,dropout=0.5,learning_rate=0.001,batch=1000,epochs=1000,patience=0)"
    )
    kinds = [stage.kind for stage in dense.stages(dense.setting(dense.start), 26, 8)]
    assert kinds == ["norm", "dense", "relu", "dropout"] * 5 + ["dense"]
