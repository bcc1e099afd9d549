"""Tree-structured Parzen estimators of one hyperparameter at a time, to the last bit as Optuna's `TPESampler` computes them.

In:   a hyperparameter's span, and the values of it that went well and that did not.
Out:  the value to try next, of 24 drawn from the estimator of the good ones: where that is highest in comparison with the other's.
Rule: every number is computed by the steps, in the order and by the functions by which Optuna 5 computes it, so that a search tries what a
      study of Optuna's with the same seed would try; `tests/evaluation/test_proposals.py` holds the two together. What is left out is
      what does not change a number: Optuna's books of trials, copies, and work on values that are there several times.

Bergstra et al., *Algorithms for hyper-parameter optimization*, NeurIPS 2011. The truncated normal distribution is Optuna's, after SciPy's
(see NOTICE).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

CANDIDATES = 24
FLAT = 25
"""The newest trials that count in full; older ones count the less the older they are."""
NEWTON_STEPS = 100
LOG_ROOT = math.log(math.sqrt(2 * math.pi))
LOGISTIC = math.sqrt(3) / math.pi
ROOT_HALF = 1 / 2**0.5


class Choices(NamedTuple):
    """A hyperparameter that is one of some words (or numbers)."""

    choices: tuple[Any, ...]

    @property
    def single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.choices) == 1


class Numbers(NamedTuple):
    """A hyperparameter that is a number: from `low` to `high`, in whole steps where `step` is not 0, on a logarithmic scale or not."""

    low: float
    high: float
    step: float = 0.0
    log: bool = False

    @property
    def single(self) -> bool:
        """Whether there is nothing to choose."""
        return self.low == self.high

    @property
    def edges(self) -> tuple[float, float]:
        """Where the density ends: half a step outside."""
        return self.low - self.step / 2, self.high + self.step / 2


def propose(span: Choices | Numbers, good: Sequence[float], others: Sequence[float], rng: np.random.RandomState) -> float:
    """The value to try next; of choices its place, as in `good` and `others`: the values of trials so far, in their order."""
    if isinstance(span, Choices):
        return _propose_choice(len(span.choices), good, others, rng)
    below, above = NumberEstimator(span, good), NumberEstimator(span, others)
    values = below.draw(rng)
    return float(values[np.argmax(below.log_density(values) - above.log_density(values))])


def weights_of(n: int) -> np.ndarray:
    """What the kernels of n trials count, and last of all the prior's; their sum is one."""
    weights = np.ones(n + 1)
    if n > FLAT:
        weights[: n - FLAT] = np.linspace(1.0 / n, 1.0, num=n - FLAT)
    weights /= weights.sum()
    return weights


def _propose_choice(n: int, good: Sequence[float], others: Sequence[float], rng: np.random.RandomState) -> float:
    below, above = _choice_kernels(n, good), _choice_kernels(n, others)
    weights = weights_of(len(good))
    cumulated = np.cumsum(below[_draw_kernels(weights, rng)], axis=-1)
    cumulated[:, -1] = 1
    drawn = np.sum(cumulated < rng.random_sample(CANDIDATES)[:, None], axis=-1)
    ahead = _log_mixture(np.log(below.T[drawn]), weights) - _log_mixture(np.log(above.T[drawn]), weights_of(len(others)))
    return int(drawn[np.argmax(ahead)])


def _choice_kernels(n: int, seen: Sequence[float]) -> np.ndarray:
    """What each trial says of each choice, and last of all the prior, shape (n_seen + 1, n)."""
    if not seen:
        return np.full((1, n), 1.0 / n)
    kernels = np.full((len(seen) + 1, n), 1.0 / (len(seen) + 1))
    kernels[np.arange(len(seen)), np.asarray(seen, int)] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    return kernels


def _draw_kernels(weights: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """As `rng.choice(len(weights), p=weights, size=CANDIDATES)` without its checks."""
    cumulated = weights.cumsum()
    cumulated /= cumulated[-1]
    return cumulated.searchsorted(rng.random_sample(CANDIDATES), side="right")


def _log_mixture(log_kernels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The logarithm of a mixture's density from those of its kernels, shape (n, n_kernels)."""
    joint = np.ascontiguousarray(log_kernels) + np.log(weights)
    most = joint.max(axis=1)
    most[np.isneginf(most)] = 0
    with np.errstate(divide="ignore"):
        return np.log(np.exp(joint - most[:, None]).sum(axis=1)) + most


class NumberEstimator:
    """A mixture of normal distributions that end where the span does: one per value that was seen, and a wide one for the whole span.

    Parameters
    ----------
    span : Numbers
    seen : sequence of float
    """

    def __init__(self, span: Numbers, seen: Sequence[float]) -> None:
        self.span, edges, values = span, span.edges, np.asarray(seen, float)
        # On the logarithmic scale the ends of density and of kernels are taken by two functions, which may differ in the last bit.
        low, high = (np.log(edge) for edge in edges) if span.log else edges
        self.low, self.high = (math.log(edge) for edge in edges) if span.log else edges
        values = np.log(values) if span.log else values
        self.mu = np.append(values, 0.5 * (low + high))
        self.sigma = np.append(_widths(values, low, high), high - low)
        self.weights = weights_of(len(values))

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Where kernels end, in standard deviations from their middles."""
        return (self.low - self.mu) / self.sigma, (self.high - self.mu) / self.sigma

    @cached_property
    def log_mass(self) -> np.ndarray:
        """The logarithm of what of each kernel lies inside."""
        return log_gauss_mass(*self.ends)

    def draw(self, rng: np.random.RandomState) -> np.ndarray:
        """Values by the mixture's density."""
        span, kernel = self.span, _draw_kernels(self.weights, rng)
        values = self._at(rng.random_sample(CANDIDATES), kernel) * self.sigma[kernel] + self.mu[kernel]
        values = np.exp(values) if span.log else values
        if span.step:
            values = np.clip(span.low + np.round((values - span.low) / span.step) * span.step, span.low, span.high)
        return values

    def _at(self, quantiles: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Quantiles of truncated kernels, in standard deviations from their middles; those beyond the middle from the other side."""
        a, b = self.ends
        out, log_mass, left = np.empty(len(kernel)), self.log_mass[kernel], (a < 0)[kernel]
        if left.any():
            ends = log_ndtr(a)[kernel[left]]
            out[left] = inverse_log_ndtr(np.logaddexp(ends, np.log(quantiles[left]) + log_mass[left]))
        if not left.all():
            ends = log_ndtr(-b)[kernel[~left]]
            out[~left] = -inverse_log_ndtr(np.logaddexp(ends, np.log1p(-quantiles[~left]) + log_mass[~left]))
        return out

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """The logarithm of the mixture's density."""
        span = self.span
        if span.step:
            return _log_mixture(self._log_steps(values), self.weights)
        a, b = self.ends
        x = ((np.log(values) if span.log else values)[:, None] - self.mu) / self.sigma
        inside = -(x**2) / 2.0 - LOG_ROOT - self.log_mass - np.log(self.sigma)
        return _log_mixture(np.where((x < a) | (x > b), -np.inf, inside), self.weights)

    def _log_steps(self, values: np.ndarray) -> np.ndarray:
        """What of each kernel lies within half a step of values: its logarithm."""
        steps, place = np.unique(values, return_inverse=True)
        ends = steps - self.span.step / 2, steps + self.span.step / 2
        lower, upper = ((np.log(end) if self.span.log else end)[:, None] for end in ends)
        masses = log_gauss_mass(((lower - self.mu) / self.sigma).ravel(), ((upper - self.mu) / self.sigma).ravel())
        return masses.reshape(len(steps), -1)[place] - self.log_mass


def _widths(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Each kernel's standard deviation: the distance from its further neighbour, within bounds."""
    if not len(values):
        return values
    order = np.argsort(values)
    among = np.concatenate([[low], values[order], [high]])
    widths = np.maximum(among[1:-1] - among[:-2], among[2:] - among[1:-1])
    if len(values) >= 2:
        widths[0], widths[-1] = among[2] - among[1], among[-2] - among[-3]
    least = (high - low) / min(100.0, 2.0 + len(values))
    return np.clip(widths[np.argsort(order)], least, high - low)


def log_gauss_mass(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The logarithm of what of the standard normal distribution lies between a and b, shape (n,)."""
    left, right = b <= 0, a > 0
    central = ~(left | right)
    if central.all():
        return _log_mass_around(a, b)
    out = np.empty(len(a))
    out[central] = _log_mass_around(a[central], b[central])
    out[left] = _log_mass_left(a[left], b[left])
    out[right] = _log_mass_left(-b[right], -a[right])
    return out


def _log_mass_around(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.log1p(-_ndtr(a) - _ndtr(-b))


def _log_mass_left(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    upper = log_ndtr(b)
    return upper + np.log1p(-np.exp(log_ndtr(a) - upper))


def _ndtr(a: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.array([math.erf(x) for x in (a / 2**0.5).tolist()])


def log_ndtr(a: np.ndarray) -> np.ndarray:
    """The logarithm of the standard normal distribution function, shape (n,)."""
    erf, erfc, log, edge = math.erf, math.erfc, math.log, ROOT_HALF
    if a.min(initial=0.0) > -20 and a.max(initial=0.0) <= 6:
        # Nine tenths of all calls: half of a proposal's time is spent on this line.
        middle = (a / 2**0.5).tolist()
        return np.array([log(0.5 * erfc(-x) if x < -edge else 0.5 + 0.5 * erf(x) if x < edge else 1.0 - 0.5 * erfc(x)) for x in middle])
    return np.array([-_ndtr_of(-x) if x > 6 else log(_ndtr_of(x)) if x > -20 else _log_ndtr_far(x) for x in a.tolist()])


def _ndtr_of(a: float) -> float:
    x = a / 2**0.5
    if x < -ROOT_HALF:
        return 0.5 * math.erfc(-x)
    return 0.5 + 0.5 * math.erf(x) if x < ROOT_HALF else 1.0 - 0.5 * math.erfc(x)


def _log_ndtr_far(a: float) -> float:
    """By the asymptotic series, far on the left."""
    last, total, numerator, factor, sign, i = 0.0, 1.0, 1.0, 1.0, 1, 0
    while abs(last - total) > sys.float_info.epsilon:
        i, last, sign = i + 1, total, -sign
        factor *= 1 / a**2
        numerator *= 2 * i - 1
        total += sign * numerator * factor
    return -0.5 * a**2 - math.log(-a) - 0.5 * math.log(2 * math.pi) + math.log(total)


def inverse_log_ndtr(y: np.ndarray) -> np.ndarray:
    """Where `log_ndtr` is y, by Newton's steps: as many for all as the slowest needs."""
    flipped = y > -1e-2
    z = y
    if flipped.any():
        z = y.copy()
        z[flipped] = np.log(-np.expm1(y[flipped]))
    x = np.empty_like(z)
    far = z < -5
    x[far] = -np.sqrt(-2.0 * (z[far] + LOG_ROOT))
    x[~far] = -LOGISTIC * np.log(np.expm1(-z[~far]))
    for _ in range(NEWTON_STEPS):
        log_x = log_ndtr(x)
        change = (log_x - z) * np.exp(log_x - (-0.5 * x**2 - LOG_ROOT))
        x -= change
        if (np.abs(change) < 1e-8 * np.abs(x)).all():
            break
    x[flipped] *= -1
    return x
