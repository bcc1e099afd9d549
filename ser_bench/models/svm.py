"""Support vector machine with a radial or a linear kernel.

The plan measures all distances and inner products between clips once a split; a trial only makes its kernel from them.
They are the same bits on every processor (`on_grid`): one decision that hangs on a last digit can send a search another way.
`gamma` is in units of 1 / (columns x variance), scikit-learn's ``scale``, and multiplies the linear kernel too, so that one
range of C suits both kernels and any number of columns.

The work of an exact machine grows faster than the square of the clips. In units of more than `EXACT_CLIPS` training clips
a linear least-squares machine on Nystroem features stands for it, inner folds included, and the row says so.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, expand_classes

if TYPE_CHECKING:
    import optuna
    from sklearn.svm import SVC

CACHE_MB = 500
EXACT_CLIPS = 20_000
"""Training clips of a unit up to which the machine is exact."""
SHARED_CLIPS = 6_000
"""Training clips of a split up to which what is shared between trials is kept: two matrices of that size squared."""
LANDMARKS = 1_000
GRID = 2.0**-14
"""What standardised features are multiples of where inner products are shared, in standard deviations."""


class Svm(Model):
    """One machine for each pair of emotions, decided by vote."""

    name = "svm"
    version = 3
    description = "support vector machine, radial or linear kernel, classes balanced by default"
    probabilistic = False
    defaults = {"kernel": "rbf", "C": 3.0, "gamma": 1.0}
    bounds = {"C": (1e-6, 1e6), "gamma": (1e-6, 1e3)}

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the kernel, C and, for the radial kernel, gamma."""
        kernel = trial.suggest_categorical("kernel", ["rbf", "linear"])
        params = {"kernel": kernel, "C": trial.suggest_float("C", 0.03, 100.0, log=True)}
        if kernel == "rbf":
            params["gamma"] = trial.suggest_float("gamma", 0.03, 3.0, log=True)
        return params

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train on the clips themselves."""
        scale, weights = scale_of(split.x_train), self.weights(split.y_train)
        if split.n_unit > EXACT_CLIPS:
            return fit_approximately(split, params, scale, weights)
        if params["kernel"] == "rbf":
            machine = machine_of(params["C"], kernel="rbf", gamma=params["gamma"] * scale)
        else:
            machine = machine_of(params["C"] * scale, kernel="linear")
        return FittedSvm(machine.fit(split.x_train, split.y_train, weights), split.n_classes)

    def plan(self, split: Split) -> PreparedFit:
        """Share distances and inner products, where they are not too many to keep."""
        return (
            PreparedKernel(self, split) if split.n_unit <= EXACT_CLIPS and len(split.x_train) <= SHARED_CLIPS else PreparedFit(self, split)
        )

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with pairs of clips, and the columns only matter once a split; of the approximation, with clips."""
        if n_train > EXACT_CLIPS:
            return 2e-4 * n_train
        return 2.5e-8 * n_train**2 * (1 + n_columns / 10_000)

    def notes(self, n_train: int, n_columns: int) -> list[str]:
        """Whether the machine is approximate."""
        return [f"svm: approximate: least squares on {LANDMARKS} Nystroem features"] if n_train > EXACT_CLIPS else []


class FittedSvm(Fitted):
    """A trained machine."""

    def __init__(self, machine: SVC, n_classes: int) -> None:
        self.machine = machine
        self.n_classes = n_classes

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide by the machine's own vote."""
        return prediction_of(self.machine, x, self.n_classes)


class ApproximateSvm(Fitted):
    """A linear least-squares machine (Suykens & Vandewalle, *Least squares support vector machine classifiers*, 1999).

    It sees clips themselves, or their kernel with landmarks, whitened, so that inner products are near the kernel's values
    (Williams & Seeger, *Using the Nystroem method to speed up kernel machines*, 2001). Each emotion stands against the rest.
    """

    def __init__(self, landmarks: np.ndarray | None = None, gamma: float = 0.0) -> None:
        self.landmarks, self.gamma = landmarks, gamma
        if landmarks is not None:
            values, vectors = np.linalg.eigh(self.kernel(landmarks.astype(np.float64)))
            self.whitening = (vectors / np.sqrt(values.clip(1e-6))).astype(np.float32)

    def kernel(self, x: np.ndarray) -> np.ndarray:
        """The radial kernel between clips and landmarks."""
        from sklearn.metrics.pairwise import rbf_kernel

        return rbf_kernel(x, self.landmarks, gamma=self.gamma)

    def features(self, x: np.ndarray) -> np.ndarray:
        """What the machine sees of clips, and a constant."""
        seen = x if self.landmarks is None else self.kernel(x) @ self.whitening
        return np.column_stack([seen, np.ones(len(x), np.float32)])

    def fit(self, split: Split, c: float, clip_weights: np.ndarray) -> ApproximateSvm:
        """Find the weights with the least squared error over weighted clips, plus their own square by 1 / c."""
        seen = self.features(split.x_train)
        weighted = (seen * clip_weights.astype(np.float32)[:, None]).T
        target = np.where(split.y_train[:, None] == np.arange(split.n_classes), np.float32(1), np.float32(-1))
        square = (weighted @ seen).astype(np.float64)
        square[np.diag_indices_from(square)] += 1 / c
        self.weights = np.linalg.solve(square, (weighted @ target).astype(np.float64)).astype(np.float32)
        self.absent = np.bincount(split.y_train, minlength=split.n_classes) == 0
        return self

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the emotion with the highest score."""
        scores = (self.features(x) @ self.weights).astype(np.float64)
        scores[:, self.absent] = -np.inf
        return Prediction(scores.argmax(1), scores)


def fit_approximately(split: Split, params: Params, scale: float, weights: np.ndarray) -> ApproximateSvm:
    """Train on the clips, or for the radial kernel on their Nystroem features."""
    if params["kernel"] == "linear":
        return ApproximateSvm().fit(split, params["C"] * scale, weights)
    # Clips stand in no order that means anything: every so-many-th of them is a sample.
    landmarks = split.x_train[:: max(1, len(split.x_train) // LANDMARKS)][:LANDMARKS]
    return ApproximateSvm(landmarks, params["gamma"] * scale).fit(split, params["C"], weights)


class PreparedKernel(PreparedFit):
    """Inner products of a split, once."""

    def __init__(self, model: Model, split: Split) -> None:
        super().__init__(model, split)
        self.scale = scale_of(split.x_train)
        x_train, x_eval = on_grid(split.x_train), on_grid(split.x_eval)
        self.products = (x_train @ x_train.T).astype(np.float32)
        self.products_eval = (x_eval @ x_train.T).astype(np.float32)
        self.norms_eval = np.square(x_eval).sum(1).astype(np.float32)

    @cached_property
    def distances(self) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances among training clips, and from `x_eval` to them."""
        norms = np.diagonal(self.products)
        among = norms[:, None] + norms - 2 * self.products
        np.fill_diagonal(among, 0)
        return among.clip(0), (self.norms_eval[:, None] + norms - 2 * self.products_eval).clip(0)

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Train on a kernel made from what is shared."""
        if params["kernel"] == "rbf":
            gamma = np.float32(params["gamma"] * self.scale)
            kernel, kernel_eval = (np.exp(-gamma * d, dtype=np.float64).astype(np.float32) for d in self.distances)
            machine = machine_of(params["C"], kernel="precomputed")
        else:
            kernel, kernel_eval = self.products, self.products_eval
            machine = machine_of(params["C"] * self.scale, kernel="precomputed")
        y = self.split.y_train
        return prediction_of(machine.fit(kernel, y, self.model.weights(y)), kernel_eval, self.split.n_classes)


def on_grid(x: np.ndarray) -> np.ndarray:
    """Standardised clips as multiples of `GRID`, in double precision, so that no inner product of two is rounded.

    Products of such values are multiples of 2**-28, and sums of these up to 2**25 fit the 53 bits of a double: they come out the same in
    whatever order, and with whatever instructions, a BLAS kernel adds them up.

    >>> on_grid(np.array([0.1], np.float32)) * 2**14
    array([1638.])
    """
    return np.rint(x.astype(np.float64) / GRID) * GRID


def scale_of(x: np.ndarray) -> float:
    """1 / (columns x variance): scikit-learn's ``gamma='scale'``."""
    variance = float(x.var(dtype=np.float64))
    return 1 / (x.shape[1] * variance) if variance else 1.0


def machine_of(c: float, **kernel: Any) -> SVC:
    """An untrained machine."""
    from sklearn.svm import SVC

    return SVC(C=c, decision_function_shape="ovo", cache_size=CACHE_MB, **kernel)


def prediction_of(machine: SVC, x: np.ndarray, n_classes: int) -> Prediction:
    """The machine's vote, and its scores: of two emotions the signed distance and its opposite.

    Both come from one look at the margins of pairs, which costs most: they are what `SVC.predict` and `SVC.decision_function` (``ovr``)
    would give.
    """
    margins = machine.decision_function(x)
    if margins.ndim == 1:
        winners, scores = (margins >= 0).astype(int), np.column_stack([-margins, margins])
    else:
        winners, scores = vote(margins, len(machine.classes_))
    return Prediction(machine.classes_[winners], expand_classes(scores, machine.classes_, n_classes, -np.inf))


def vote(margins: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of k classes most pairs vote for, the first of equals; and votes, with less than half of one for the sum of margins.

    Parameters
    ----------
    margins : array of float, shape (n, k * (k - 1) / 2)
        Of (0, 1), (0, 2), ..., (1, 2), ...; above zero for the first of the two.

    >>> winners, scores = vote(np.array([[1.0, -2.0, -1.0]]), 3)
    >>> winners, scores.round(2)
    (array([2]), array([[ 0.83, -0.22,  2.25]]))
    """
    one, other = np.triu_indices(k, 1)
    votes, sums = np.zeros((len(margins), k)), np.zeros((len(margins), k))
    for pair, (first, second) in enumerate(zip(one, other, strict=True)):
        ahead = margins[:, pair] > 0
        votes[:, first] += ahead
        votes[:, second] += ~ahead
        sums[:, first] += margins[:, pair]
        sums[:, second] -= margins[:, pair]
    return votes.argmax(1), votes + sums / (3 * (np.abs(sums) + 1))
