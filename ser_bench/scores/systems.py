"""Systems whose scores vary more than held-out voices show, and by how much.

In:   the confusions of several systems by seed and voice, and what their folds lose without each other.
Out:  the variance ratios of their UARs and differences.
Rule: one inference. Leaderboards, ablations and sweeps take the ratios from here, so an interval and a p-value have the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_bench.scores.comparisons import contributions_of
from ser_bench.scores.metrics import Counts, Floats
from ser_bench.scores.uncertainty import influences_of, variance_ratios


@dataclass(frozen=True)
class System:
    """What is known of a system's UAR.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
        Confusions.
    losses : array of float, shape (n_seeds, n_folds, n_folds)
        What folds lose without each other, as `training_covariance` takes it; all NaN where nothing was refitted.
    """

    counts: Counts
    losses: Floats

    @property
    def shares(self) -> Floats:
        """Contributions to the UAR, shape (n_seeds, n_voices)."""
        return np.stack([contributions_of(seed) for seed in self.counts])


def ratios_of(systems: Sequence[System]) -> Floats:
    """`variance_ratios` of systems on the same clips, shape (n_systems, n_systems).

    What was measured of a system with fewer seeds or folds than others does not count, as it has no counterpart.

    Examples
    --------
    >>> counts = np.array([[np.diag([4, 2]), np.diag([2, 4]), np.full((2, 2), 2)]])
    >>> nothing, unknown = np.zeros((1, 3, 3)), np.full((1, 3, 3), np.nan)
    >>> ratios_of([System(counts, nothing)]).tolist(), ratios_of([System(counts, unknown)]).tolist()
    ([[1.0]], [[2.5]])
    """
    seeds = max(len(system.counts) for system in systems)
    folds = max(system.losses.shape[-1] for system in systems)
    losses = np.full((len(systems), seeds, folds, folds), np.nan)
    for mine, system in zip(losses, systems, strict=True):
        if system.losses.shape == mine.shape:
            mine[:] = system.losses
    shares = np.stack([_repeated(system.shares, seeds) for system in systems])
    influences = np.stack([_repeated(influences_of(system.counts), seeds) for system in systems])
    return variance_ratios(influences, shares, losses)


def _repeated(by_seed: Floats, seeds: int) -> Floats:
    """Values by seed; those of a system with other seeds than the rest are its means, which say nothing about seeds."""
    return by_seed if len(by_seed) == seeds else np.repeat(by_seed.mean(0, keepdims=True), seeds, axis=0)
