"""How far a clip is from all training clips, in units of how far clips of unseen speakers are.

In:   features of training clips and whose they are; features of other clips.
Out:  a `Cloud`, and a distance per clip: above 1 it is farther than all but a hundredth of the clips of speakers who were left out.
Rule: the limits come from grouped folds of the training speakers, so that a new voice alone is no reason to warn. No name and no order of
      clips moves a value.

Two distances, the larger one counting: to the k-th nearest training clip on the leading principal components (Sun et al. 2022,
*Out-of-distribution detection with deep nearest neighbors*, ICML), and the Mahalanobis distance to the centre of all training clips
(Lee et al. 2018, *A simple unified framework for detecting out-of-distribution samples and adversarial attacks*, NeurIPS) with a covariance
shrunk as in Ledoit and Wolf (2004, *A well-conditioned estimator for large-dimensional covariance matrices*, J. Multivariate Analysis 88),
whose part outside the leading components counts as one variance. Standardised features pass through asinh first: a few of
the usual descriptors have tails so long that a single training clip would set every limit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from ser_bench.models.packing import Packable, Packed
from ser_bench.utils.parallel import on_one_thread

MOST_AXES = 24
MOST_CLIPS = 2000
MOST_VALUES = 1 << 20
"""Of the axes together: 4 MB."""
FEWEST_CLIPS = 20
NEIGHBOUR = 5
FOLDS = 5
WITHIN = 0.99
"""The proportion of clips of speakers left out that stay within the limits."""
FARTHEST, FARTHEST_SQUASHED = 1e30, 70.0
"""What a standardised value counts as at most, and more than its asinh."""
SMALLEST = 1e-12
"""A variance or a limit."""


@dataclass(frozen=True, eq=False)
class Cloud(Packable):
    """Where training clips lie.

    Parameters
    ----------
    mean, scale : array of float32, shape (n_columns,)
        What features are standardised by before asinh; a scale of 0 leaves a column out.
    centre : array of float32, shape (n_columns,)
        Mean of the training clips after that.
    axes : array of float32, shape (n_axes, n_columns)
        The leading principal components.
    variances : array of float32, shape (n_axes,)
        Shrunk variances along them.
    points : array of float32, shape (n_points, n_axes)
        Training clips on them.
    rest : float
        Shrunk variance of a direction outside them.
    near, inside : float
        The limits: of the distance to the k-th nearest point, and of the Mahalanobis distance.
    """

    kind = "cloud of clips"
    mean: np.ndarray
    scale: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    points: np.ndarray
    rest: float
    near: float = 1.0
    inside: float = 1.0

    def distance(self, x: np.ndarray) -> np.ndarray:
        """How far clips are: the larger of the two distances, each in units of its limit.

        Parameters
        ----------
        x : array of float32, shape (n, n_columns)

        Returns
        -------
        array of float64, shape (n,)
        """
        nearest, spread = self.distances(x)
        return np.maximum(nearest / self.near, spread / self.inside)

    def distances(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To the k-th nearest training clip, and the Mahalanobis distance to the centre; each float64, shape (n,)."""
        offset = _squashed(x, self.mean, self.scale) - self.centre
        along = offset @ self.axes.T.astype(np.float64)
        outside = np.maximum((offset**2).sum(1) - (along**2).sum(1), 0)
        spread = np.sqrt((along**2 / self.variances).sum(1) + outside / self.rest)
        points = self.points.astype(np.float64)
        squares = (along**2).sum(1)[:, None] + (points**2).sum(1) - 2 * along @ points.T
        k = min(NEIGHBOUR, len(points)) - 1
        return np.sqrt(np.maximum(np.partition(squares, k, axis=1)[:, k], 0)), spread

    def pack(self) -> Packed:
        """Its arrays and its numbers."""
        arrays = {name: getattr(self, name) for name in ("mean", "scale", "centre", "axes", "variances", "points")}
        return Packed(self.kind, arrays, {name: getattr(self, name) for name in ("rest", "near", "inside")})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> Cloud:
        """What `pack` wrote down; errors as `Packable.unpack`."""
        axes = packed.array("axes", np.float32, (None, n_columns), (-1.01, 1.01))
        return cls(
            mean=packed.array("mean", np.float32, (n_columns,), (-FARTHEST, FARTHEST)),
            scale=packed.array("scale", np.float32, (n_columns,), (0, FARTHEST)),
            centre=packed.array("centre", np.float32, (n_columns,), (-FARTHEST_SQUASHED, FARTHEST_SQUASHED)),
            axes=axes,
            variances=packed.array("variances", np.float32, (len(axes),), (SMALLEST, FARTHEST)),
            points=packed.array("points", np.float32, (None, len(axes)), (-FARTHEST, FARTHEST)),
            rest=packed.number("rest", SMALLEST, FARTHEST),
            near=packed.number("near", SMALLEST, FARTHEST),
            inside=packed.number("inside", SMALLEST, FARTHEST),
        )


def cloud_of(x: np.ndarray, voices: np.ndarray) -> Cloud | None:
    """Where training clips lie, with limits that hold for voices among which none of them is.

    Parameters
    ----------
    x : array of float32, shape (n_clips, n_columns)
    voices : array, shape (n_clips,)
        Whose clips these are. Of a single voice, clips rather than voices are left out.

    Returns
    -------
    Cloud or None
        None of fewer than 20 clips, and where no column varies.
    """
    x, voices = _in_order(np.ascontiguousarray(x, np.float32), voices)
    if len(x) < FEWEST_CLIPS or not (x.min(0) < x.max(0)).any():
        return None
    with on_one_thread():
        return _limited(_fitted(x), x, _folds(voices))


def _limited(cloud: Cloud, x: np.ndarray, folds: np.ndarray) -> Cloud:
    """The cloud with limits that all but a hundredth of the clips in folds left out stay within."""
    nearest, spread = np.empty(len(x)), np.empty(len(x))
    for fold in range(folds.max() + 1):
        held = folds == fold
        nearest[held], spread[held] = _fitted(x[~held]).distances(x[held])
    near, inside = _quantile(nearest), _quantile(spread)
    both = _quantile(np.maximum(nearest / near, spread / inside))
    return replace(cloud, near=near * both, inside=inside * both)


def _quantile(distances: np.ndarray) -> float:
    return max(float(np.quantile(distances, WITHIN, method="higher")), SMALLEST)


def _fitted(x: np.ndarray) -> Cloud:
    """Principal components and shrunk variances of clips, without limits."""
    from ser_bench.evaluation.scaling import column_statistics

    mean, scale = column_statistics(x)
    squashed = _squashed(x, mean, scale)
    centre = squashed.mean(0)
    offset = squashed - centre
    n, p = len(x), max(int((scale > 0).sum()), 1)
    values, axes, squared = _components(offset, min(MOST_AXES, n - 1, p, max(1, MOST_VALUES // x.shape[1])))
    total = float((offset**2).sum()) / n
    share = shrinkage(total, squared, float(((offset**2).sum(1) ** 2).sum()), n, p)
    even = total / p
    variances = np.maximum((1 - share) * values + share * even, SMALLEST)
    rest = (1 - share) * max(total - float(values.sum()), 0) / max(p - len(values), 1) + share * even
    parts = {"centre": centre, "axes": axes, "variances": variances, "points": offset @ axes.T}
    return Cloud(mean, scale, **{name: part.astype(np.float32) for name, part in parts.items()}, rest=max(rest, SMALLEST))


def shrinkage(total: float, squared: float, fourth: float, n: int, p: int) -> float:
    """How far a covariance is to be shrunk towards a multiple of the identity, from 0 to 1: Ledoit and Wolf (2004), lemma 3.4.

    Parameters
    ----------
    total : float
        Trace of the covariance (with n in the denominator).
    squared : float
        Sum of its squared entries.
    fourth : float
        Sum over clips of the fourth power of their distance from the mean.
    n, p : int
        Clips and columns.

    >>> shrinkage(2.0, 2.0, 8.0, 4, 2)
    1.0
    """
    spread = squared / p - (total / p) ** 2
    noise = (fourth / n - squared) / (n * p)
    return float(np.clip(noise / spread, 0, 1)) if spread > 0 else 1.0


def _components(offset: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The largest eigenvalues of the covariance, their unit vectors as rows, and the sum of its squared entries."""
    from scipy.linalg import eigh

    n, columns = offset.shape
    tall = columns <= n
    matrix = (offset.T @ offset if tall else offset @ offset.T) / n
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[size - wanted, size - 1])
    real = values[::-1] > values[-1] * 1e-9
    values, vectors = values[::-1][real], vectors[:, ::-1][:, real]
    axes = vectors.T if tall else (offset.T @ vectors / np.sqrt(n * values)).T
    # An eigenvector may point either way: its largest entry is made positive.
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
    return values, axes * signs[:, None], float((matrix**2).sum())


def _squashed(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Features standardised and passed through asinh, float64; what left the range of floats counts as very far."""
    with np.errstate(all="ignore"):
        standardised = (np.asarray(x, np.float64) - mean) * scale
    return np.arcsinh(np.clip(np.nan_to_num(standardised, nan=FARTHEST), -FARTHEST, FARTHEST))


def _in_order(x: np.ndarray, voices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_CLIPS` clips, of all voices alike, in an order that only features decide; voices as numbers in that order."""
    marks = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in x]
    order = sorted(range(len(x)), key=marks.__getitem__)
    codes: dict[object, int] = {}
    taken: dict[object, int] = {}
    turns = []
    for at in order:
        voice = voices[at]
        taken[voice] = taken.get(voice, 0) + 1
        turns.append((taken[voice], codes.setdefault(voice, len(codes)), at))
    kept = np.array([at for *_, at in sorted(turns)[:MOST_CLIPS]], int)
    return x[kept], np.array([codes[voices[at]] for at in kept], int)


def _folds(voices: np.ndarray) -> np.ndarray:
    """The fold in which each clip is left out; voices in turn, or clips in turn where there is but one."""
    several = len(np.unique(voices)) > 1
    return (voices if several else np.arange(len(voices))) % min(FOLDS, len(np.unique(voices)) if several else len(voices))
