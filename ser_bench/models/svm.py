"""Support vector machine with a radial or a linear kernel.

In:   a split and hyperparameters.
Out:  a machine that decides by vote of its pairs of classes, with a score per class.
Rule: the decision is the machine's own, never that of calibrated probabilities.

The plan measures all distances and inner products between clips once per split; a trial only makes its kernel from them (`kernels`),
and solves all pairs of emotions on it in one compiled call (`compiled.machines`): LIBSVM's problem and tolerance, not its code.
`gamma` is in units of 1 / (columns x variance), scikit-learn's ``scale``, and multiplies the linear kernel too, so that one
range of C suits both kernels and any number of columns.

The work of an exact machine grows faster than the square of the clips. In units of more than `EXACT_CLIPS` training clips
a linear least-squares machine on Nystroem features stands for it, inner folds included, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.models.base import Fitted, Model, Params, Prediction, PreparedFit, Split, expand_classes
from ser_bench.models.kernels import on_grid, radial, squared_distances
from ser_bench.models.packing import LARGEST, Packed, Unfit

if TYPE_CHECKING:
    import optuna
    from sklearn.svm import SVC

CACHE_MB = 500
EXACT_CLIPS = 20_000
"""Training clips of a unit up to which the machine is exact."""
SHARED_CLIPS = 6_000
"""Training clips of a split up to which what is shared between trials is kept: two matrices of that size squared."""
LANDMARKS = 1_000
ROWS = 256
"""Clips that are decided about at once, so that their kernel stays in a processor's cache."""
TOLERANCE = 1e-3
"""Of the machine's optimum, as LIBSVM has it by default."""


class Svm(Model):
    """One machine for each pair of emotions, decided by vote."""

    name = "svm"
    version = 4
    libraries = ("numba",)
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
        """Grows with pairs of clips, and the columns only matter once per split; of the approximation, with clips."""
        if n_train > EXACT_CLIPS:
            return 2e-4 * n_train
        per_pair = 1e-8 if n_train <= SHARED_CLIPS else 2.5e-8
        return per_pair * n_train**2 * (1 + n_columns / 10_000)

    def notes(self, n_train: int, n_columns: int) -> list[str]:
        """Whether the machine is approximate."""
        return [f"svm: approximate: least squares on {LANDMARKS} Nystroem features"] if n_train > EXACT_CLIPS else []


class FittedSvm(Fitted):
    """A trained machine."""

    kind = "svm.plain"

    def __init__(self, machine: SVC, n_classes: int) -> None:
        self.machine = machine
        self.n_classes = n_classes

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide by the machine's own vote."""
        margins = self.machine.decision_function(x)
        return prediction_of(margins if margins.ndim == 2 else -margins[:, None], self.machine.classes_, self.n_classes)

    def decide(self, x: np.ndarray) -> np.ndarray:
        """What `predict` decides, in a fraction of its time: by one product of matrices.

        Only signs of margins decide. One that rounding could turn is left to LIBSVM; bounds are those of inner products and sums
        (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, ch. 3), of both ways together, and some more.
        """
        codes = np.empty(len(x), int)
        for start in range(0, len(x), ROWS):
            here = slice(start, start + ROWS)
            codes[here], sure = self._decided(x[here])
            if not sure.all():
                unsure = start + np.flatnonzero(~sure)
                codes[unsure] = self.predict(x[unsure]).predicted
        return codes

    def decide_all(self, x: np.ndarray) -> np.ndarray:
        """All at once: no clip's decision depends on which others are decided about with it."""
        return self.decide(x.reshape(-1, x.shape[-1])).reshape(x.shape[:-1])

    @cached_property
    def _plain(self) -> tuple[Machine, np.ndarray, np.ndarray]:
        """The machine, its clips, and their squared lengths."""
        clips = self.machine.support_vectors_
        return Machine.of(self.machine), clips, np.square(clips).sum(1)

    def _decided(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decisions by products of matrices, and which of them no rounding could turn."""
        (machine, clips, norms), seen = self._plain, x.astype(np.float64)
        squares, most = np.square(seen).sum(1), norms.max(initial=0.0)
        kernel, size, width = seen @ clips.T, squares + most, 1.0
        if self.machine.kernel == "rbf":
            size, width = np.ones(len(x)), float(self.machine.gamma)
            kernel *= 2
            kernel -= squares[:, None]
            kernel -= norms
            np.minimum(kernel, 0, out=kernel)
            kernel *= width
            np.exp(kernel, out=kernel)
        margins = kernel @ machine.by_pair + machine.offsets
        n, d = clips.shape
        rounding = 32 * np.finfo(np.float64).eps * ((d + 2) * width * (squares + most) + (n + 2) * size)
        weights = np.abs(machine.weights).sum() + np.abs(machine.offsets).max(initial=0.0)
        codes = prediction_of(margins, machine.present, self.n_classes).predicted
        return codes, (np.abs(margins) > (rounding * weights)[:, None]).all(1)

    def pack(self) -> Packed:
        """The clips that it is made of, their weights, and the kernel's width."""
        gamma = float(self.machine.gamma) if self.machine.kernel == "rbf" else None
        clips = self.machine.support_vectors_.astype(np.float32)
        return Packed(self.kind, {"clips": clips, **Machine.of(self.machine).arrays()}, {"gamma": gamma})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> FittedSvm:
        """A machine over so many columns."""
        machine = Machine.read(packed, n_classes)
        clips = packed.array("clips", np.float32, (len(machine.support), n_columns), (-LARGEST, LARGEST))
        gamma = None if packed.values.get("gamma") is None else packed.number("gamma", 0, LARGEST)
        return cls(machine.rebuilt(clips, gamma), n_classes)


@dataclass(frozen=True)
class Landmarks:
    """Training clips whose radial kernel with any clip stands for that clip, whitened, so that inner products are near the kernel's values.

    After Williams & Seeger, *Using the Nystroem method to speed up kernel machines*, 2001.

    Parameters
    ----------
    clips : array of float32, shape (n, n_columns)
    gamma : float
    whitening : array of float32, shape (n, n)
    """

    clips: np.ndarray
    gamma: float
    whitening: np.ndarray

    @classmethod
    def of(cls, clips: np.ndarray, gamma: float) -> Landmarks:
        """Those clips, with the whitening that is theirs."""
        values, vectors = np.linalg.eigh(_kernel(clips.astype(np.float64), clips, gamma))
        return cls(clips, gamma, (vectors / np.sqrt(values.clip(1e-6))).astype(np.float32))

    def features(self, x: np.ndarray) -> np.ndarray:
        """What stands for clips, shape (n_clips, n)."""
        return _kernel(x, self.clips, self.gamma) @ self.whitening


def _kernel(x: np.ndarray, landmarks: np.ndarray, gamma: float) -> np.ndarray:
    from sklearn.metrics.pairwise import rbf_kernel

    return rbf_kernel(x, landmarks, gamma=gamma)


@dataclass(frozen=True)
class ApproximateSvm(Fitted):
    """A linear least-squares machine (Suykens & Vandewalle, *Least squares support vector machine classifiers*, 1999).

    Each emotion stands against the rest.

    Parameters
    ----------
    landmarks : Landmarks or None
        What stands for clips; None where they are seen themselves.
    weights : array of float32, shape (n_seen + 1, n_classes)
        The last row is a constant's.
    absent : array of bool, shape (n_classes,)
        Which classes training lacked.
    """

    kind = "svm.approximate"
    landmarks: Landmarks | None
    weights: np.ndarray
    absent: np.ndarray

    @classmethod
    def fit(cls, landmarks: Landmarks | None, split: Split, c: float, clip_weights: np.ndarray) -> ApproximateSvm:
        """Find the weights with the least squared error over weighted clips, plus their own square by 1 / c."""
        seen = _with_constant(landmarks, split.x_train)
        weighted = (seen * clip_weights.astype(np.float32)[:, None]).T
        target = np.where(split.y_train[:, None] == np.arange(split.n_classes), np.float32(1), np.float32(-1))
        square = (weighted @ seen).astype(np.float64)
        square[np.diag_indices_from(square)] += 1 / c
        weights = np.linalg.solve(square, (weighted @ target).astype(np.float64)).astype(np.float32)
        return cls(landmarks, weights, np.bincount(split.y_train, minlength=split.n_classes) == 0)

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the emotion with the highest score."""
        scores = (_with_constant(self.landmarks, x) @ self.weights).astype(np.float64)
        scores[:, self.absent] = -np.inf
        return Prediction(scores.argmax(1), scores)

    def pack(self) -> Packed:
        """The weights, and the landmarks where there are any."""
        arrays, seen = {"weights": self.weights, "absent": self.absent}, self.landmarks
        if seen is None:
            return Packed(self.kind, arrays, {"gamma": None})
        return Packed(self.kind, arrays | {"landmarks": seen.clips, "whitening": seen.whitening}, {"gamma": float(seen.gamma)})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> ApproximateSvm:
        """A machine that sees so many columns, or its landmarks."""
        landmarks, seen = None, n_columns
        if packed.values.get("gamma") is not None:
            gamma = packed.number("gamma", 0, LARGEST)
            clips = packed.array("landmarks", np.float32, (None, n_columns), (-LARGEST, LARGEST))
            seen = len(clips)
            landmarks = Landmarks(clips, gamma, packed.array("whitening", np.float32, (seen, seen), (-LARGEST, LARGEST)))
        weights = packed.array("weights", np.float32, (seen + 1, n_classes), (-LARGEST, LARGEST))
        absent = packed.array("absent", np.bool_, (n_classes,))
        if absent.all():
            raise Unfit("its array 'absent' leaves no class")
        return cls(landmarks, weights, absent)


def _with_constant(landmarks: Landmarks | None, x: np.ndarray) -> np.ndarray:
    """What the machine sees of clips, and a constant."""
    seen = x if landmarks is None else landmarks.features(x)
    return np.column_stack([seen, np.ones(len(x), np.float32)])


def fit_approximately(split: Split, params: Params, scale: float, weights: np.ndarray) -> ApproximateSvm:
    """Train on the clips, or for the radial kernel on their Nystroem features."""
    if params["kernel"] == "linear":
        return ApproximateSvm.fit(None, split, params["C"] * scale, weights)
    # Clips stand in no order that means anything: every so-many-th of them is a sample.
    landmarks = split.x_train[:: max(1, len(split.x_train) // LANDMARKS)][:LANDMARKS]
    return ApproximateSvm.fit(Landmarks.of(landmarks, params["gamma"] * scale), split, params["C"], weights)


class PreparedKernel(PreparedFit):
    """Inner products of a split, once; training clips stand class by class, as compiled loops take them."""

    def __init__(self, model: Model, split: Split) -> None:
        super().__init__(model, split)
        self.order = np.argsort(split.y_train, kind="stable")
        y = split.y_train[self.order]
        self.present, starts = np.unique(y, return_index=True)
        self.starts = np.append(starts, len(y)).astype(np.int64)
        self.weights = np.asarray(model.weights(y), np.float64)
        self.scale = scale_of(split.x_train)
        x_train, x_eval = on_grid(split.x_train[self.order]), on_grid(split.x_eval)
        self.products = (x_train @ x_train.T).astype(np.float32)
        self.products_eval = (x_train @ x_eval.T).astype(np.float32)
        self.norms_eval = np.square(x_eval).sum(1).astype(np.float32)

    @cached_property
    def distances(self) -> np.ndarray:
        """Squared distances among training clips."""
        norms = np.diagonal(self.products)
        among = squared_distances(norms, norms, self.products)
        np.fill_diagonal(among, 0)
        return among

    @cached_property
    def distances_eval(self) -> np.ndarray:
        """Squared distances of training clips from `x_eval`, shape (n_train, n_eval)."""
        return squared_distances(np.diagonal(self.products), self.norms_eval, self.products_eval)

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Train on a kernel made from what is shared, and decide by it."""
        from ser_bench.models.compiled.machines import fill_radial, margins

        weights, offsets, gamma = self.solved(params)
        kernel = self.products_eval
        if gamma is not None:
            kernel = np.empty_like(kernel)
            fill_radial(self.distances_eval, gamma, kernel)
        return prediction_of(margins(kernel, self.starts, weights, offsets).T, self.present, self.split.n_classes)

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train in the same way, and keep the clips that the machine is made of."""
        weights, offsets, gamma = self.solved(params)
        heavy = weights.any(0)
        support, sizes = self.order[heavy], np.add.reduceat(heavy.astype(np.int64), self.starts[:-1])
        machine = Machine(support, sizes, weights[:, heavy], offsets, self.present)
        return KernelSvm(machine, self.split.x_train[support], gamma, self.split.n_classes)

    def solved(self, params: Params) -> tuple[np.ndarray, np.ndarray, np.float32 | None]:
        """Weights and offsets of all pairs, and the width of their radial kernel; none of a linear one."""
        if params["kernel"] != "rbf":
            return *self.solve(self.products, params["C"] * self.scale), None
        from ser_bench.models.compiled.machines import fill_radial

        gamma, kernel = np.float32(params["gamma"] * self.scale), np.empty_like(self.products)
        fill_radial(self.distances, gamma, kernel)
        return *self.solve(kernel, params["C"]), gamma

    def solve(self, kernel: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights and offsets of all pairs on a kernel between training clips, as `compiled.machines.solve` gives them.

        Raises
        ------
        ValueError
            For a kernel that is not finite, clips of one class, and as `compiled.machines.solve`.
        """
        if len(self.present) < 2 or not np.isfinite(kernel).all():
            raise ValueError("a machine needs clips of two classes" if len(self.present) < 2 else "the kernel is not finite")
        from ser_bench.models.compiled.machines import solve

        return solve(kernel, self.starts, c * self.weights, TOLERANCE)


@dataclass(frozen=True)
class Machine:
    """What a trained machine decides by, whatever its kernel.

    Parameters
    ----------
    support : array of int, shape (n_support,)
        The training clips that it is made of, those of each class together.
    sizes : array of int, shape (k,)
        How many of them each class has.
    weights : array of float64, shape (k - 1, n_support)
        Of the clips of class i against class j: row j - 1 where j > i, row j where j < i.
    offsets : array of float64, shape (k * (k - 1) / 2,)
        Of the pairs (0, 1), (0, 2), ..., (1, 2), ...
    present : array of int, shape (k,)
        The classes.
    """

    support: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, machine: SVC) -> Machine:
        """What scikit-learn's machine found; of two classes it turns the signs round."""
        sign = -1 if len(machine.classes_) == 2 else 1
        return cls(machine.support_, machine.n_support_, sign * machine.dual_coef_, sign * machine.intercept_, machine.classes_)

    def rebuilt(self, clips: np.ndarray, gamma: float | None) -> SVC:
        """Scikit-learn's machine, as it was, with a radial kernel or a linear one over the clips of `support`."""
        machine = machine_of(1.0, kernel="linear") if gamma is None else machine_of(1.0, kernel="rbf", gamma=gamma)
        sign = -1 if len(self.present) == 2 else 1
        machine.classes_, machine.n_features_in_, machine.shape_fit_ = self.present, clips.shape[1], clips.shape
        machine.support_, machine._n_support = self.support.astype(np.int32), self.sizes.astype(np.int32)
        machine.support_vectors_ = clips.astype(np.float64)
        machine._dual_coef_, machine._intercept_ = np.ascontiguousarray(self.weights), np.ascontiguousarray(self.offsets)
        machine.dual_coef_, machine.intercept_ = sign * self.weights, sign * self.offsets
        machine._probA, machine._probB = np.empty(0), np.empty(0)
        machine._sparse, machine._gamma, machine.fit_status_ = False, gamma or 0.0, 0
        return machine

    def predict(self, kernel: np.ndarray, n_classes: int) -> Prediction:
        """Decide about clips by their kernel with `support`, shape (n, n_support)."""
        return prediction_of(self.margins(kernel), self.present, n_classes)

    def margins(self, kernel: np.ndarray) -> np.ndarray:
        """Of each pair of classes, above zero for the first of the two, shape (n, n_pairs).

        Added up one after the other, as LIBSVM does it: the same bits as `SVC.decision_function` gives.
        """
        of_clips = np.ascontiguousarray(kernel.T, np.float64)
        out = np.empty((len(kernel), len(self.offsets)))
        for pair, sides in enumerate(self._sides()):
            terms = np.concatenate([weights[:, None] * of_clips[mine] for weights, mine in sides])
            out[:, pair] = (np.add.accumulate(terms, out=terms)[-1] if len(terms) else 0) + self.offsets[pair]
        return out

    @cached_property
    def by_pair(self) -> np.ndarray:
        """What each clip weighs in each pair of classes, shape (n_support, n_pairs)."""
        found = np.zeros((len(self.support), len(self.offsets)))
        for pair, sides in enumerate(self._sides()):
            for weights, mine in sides:
                found[mine, pair] = weights
        return found

    def _sides(self) -> Iterator[tuple[tuple[np.ndarray, slice], tuple[np.ndarray, slice]]]:
        """Of each pair of classes, the weights of the first one's clips and where these stand, and those of the second one's."""
        ends = np.cumsum(self.sizes)
        rows = [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]
        for one, other in combinations(range(len(self.sizes)), 2):
            yield (self.weights[other - 1, rows[one]], rows[one]), (self.weights[one, rows[other]], rows[other])

    def arrays(self) -> dict[str, np.ndarray]:
        """All but which clips it was made of."""
        return {
            "sizes": self.sizes.astype(np.int64),
            "weights": self.weights,
            "offsets": self.offsets,
            "present": self.present.astype(np.int64),
        }

    @classmethod
    def read(cls, packed: Packed, n_classes: int) -> Machine:
        """What `arrays` gave; errors as `Packed.array`."""
        present = packed.present(n_classes)
        k = len(present)
        weights = packed.array("weights", np.float64, (k - 1, None), (-LARGEST, LARGEST))
        sizes = packed.array("sizes", np.int64, (k,), (0, weights.shape[1]))
        if sizes.sum() != weights.shape[1]:
            raise Unfit("its array 'sizes' is not of as many clips as 'weights'")
        offsets = packed.array("offsets", np.float64, (k * (k - 1) // 2,), (-LARGEST, LARGEST))
        return cls(np.arange(weights.shape[1]), sizes, weights, offsets, present)


class KernelSvm(Fitted):
    """A machine whose kernel is made from values on a grid, as `PreparedKernel` makes it.

    Parameters
    ----------
    machine : Machine
    clips : array of float32, shape (n_support, n_columns)
        The training clips that it is made of.
    gamma : float32 or None
        The width of the radial kernel; none for a linear one.
    n_classes : int
    """

    kind = "svm"

    def __init__(self, machine: Machine, clips: np.ndarray, gamma: np.float32 | None, n_classes: int) -> None:
        self.machine, self.clips, self.gamma, self.n_classes = machine, clips, gamma, n_classes

    @cached_property
    def placed(self) -> tuple[np.ndarray, np.ndarray]:
        """The clips on the grid, and their squared lengths."""
        clips = on_grid(self.clips)
        return clips, np.square(clips).sum(1).astype(np.float32)

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide by the machine's vote."""
        (clips, norms), x = self.placed, on_grid(x)
        kernel = (x @ clips.T).astype(np.float32)
        if self.gamma is not None:
            kernel = radial(squared_distances(np.square(x).sum(1).astype(np.float32), norms, kernel), self.gamma)
        return self.machine.predict(kernel, self.n_classes)

    def pack(self) -> Packed:
        """The clips, their weights, and the kernel's width."""
        gamma = None if self.gamma is None else float(self.gamma)
        return Packed(self.kind, {"clips": self.clips, **self.machine.arrays()}, {"gamma": gamma})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> KernelSvm:
        """A machine over so many columns."""
        machine = Machine.read(packed, n_classes)
        clips = packed.array("clips", np.float32, (len(machine.support), n_columns), (-LARGEST, LARGEST))
        gamma = None if packed.values.get("gamma") is None else np.float32(packed.number("gamma", 0, LARGEST))
        return cls(machine, clips, gamma, n_classes)


def scale_of(x: np.ndarray) -> float:
    """1 / (columns x variance): scikit-learn's ``gamma='scale'``."""
    variance = float(x.var(dtype=np.float64))
    return 1 / (x.shape[1] * variance) if variance else 1.0


def machine_of(c: float, **kernel: Any) -> SVC:
    """An untrained machine."""
    from sklearn.svm import SVC

    return SVC(C=c, decision_function_shape="ovo", cache_size=CACHE_MB, **kernel)


def prediction_of(margins: np.ndarray, present: np.ndarray, n_classes: int) -> Prediction:
    """The vote of a machine's pairs, and its scores: of two emotions the signed distance and its opposite.

    Both come from one look at the margins of pairs (n, n_pairs), which costs most: they are what `SVC.predict` and
    `SVC.decision_function` (``ovr``) would give.
    """
    if len(present) == 2:
        # Equal sides are the second's.
        winners, scores = (margins[:, 0] <= 0).astype(int), np.column_stack([margins[:, 0], -margins[:, 0]])
    else:
        winners, scores = vote(margins, len(present))
    return Prediction(present[winners], expand_classes(scores, present, n_classes, -np.inf))


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
    votes, sums = np.zeros((len(margins), k)), np.zeros((len(margins), k))
    for pair, (first, second) in enumerate(combinations(range(k), 2)):
        ahead = margins[:, pair] > 0
        votes[:, first] += ahead
        votes[:, second] += ~ahead
        sums[:, first] += margins[:, pair]
        sums[:, second] -= margins[:, pair]
    return votes.argmax(1), votes + sums / (3 * (np.abs(sums) + 1))
