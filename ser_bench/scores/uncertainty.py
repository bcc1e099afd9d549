"""By how much more than held-out voices say a cross-validated score varies.

In:   what each voice contributes to each system's UAR, seed by seed, and what each fold loses when another fold's voices are left out of
      its training.
Out:  variance ratios: the variance of a score, or of the difference of two, over what the spread between voices alone says of it.
Rule: an interval and a p-value about the same difference use the same ratio, so they cannot contradict each other.

Why the plain variance is too small. Write the contribution of voice s, predicted by a model trained on the voices T, as
``u_s = A(s) + sum_{t in T} [B(t) + C(s, t)] + ...`` (Hoeffding's decomposition: A how well s is recognised, B how good a training voice t
is for everybody, C how good it is for s). Under cross-validation s trains the model that predicts t and the other way round. Where two
voices help or harm each other (C(s, t) goes with C(t, s), as when they sound alike), their contributions covary, and the variance of the
sum, ``sum_s var(u_s) + sum_{s != t} cov(u_s, u_t)``, has a second part that the spread between voices cannot show. Models trained without
folds g *and* h show it: with ``D(g, h)`` what fold g's contribution loses without h in its training, ``sum_{g != h} D(g, h) D(h, g)`` has
that second part as its expectation, as the noise of the two is independent.

The sample variance is itself short by the mean covariance, hence the factor ``n/(n-1)`` for n voices. Where all spread were of the kind C
and symmetric, the ratio would be ``1 + n/(n-1)``: `overlap_bound`. Under leave-one-out this is the corrected resampled variance of
Nadeau & Bengio (2003), ``(1/K + n_test/n_train) / (1/K)``, which is thus the extreme case; measured ratios lie between 1 and it.

References
----------
Nadeau & Bengio (2003), Inference for the generalization error, *Machine Learning* 52.
Hoeffding (1948), A class of statistics with asymptotically normal distribution, *Annals of Mathematical Statistics* 19(3).
Bengio & Grandvalet (2004), No unbiased estimator of the variance of k-fold cross-validation, *JMLR* 5: why refits are needed.
Bates, Hastie & Tibshirani (2023), Cross-validation: what does it estimate and how well does it do it?, *JASA* 119: models without pairs.
Austern & Zhou (2020), Asymptotics of cross-validation, arXiv:2001.11111.
"""

from __future__ import annotations

import numpy as np

from ser_bench.scores.metrics import Counts, Floats, recalls_of

BOUND = "bound"
"""What an interval allows for where overlapping training sets were not measured: the most that they can add."""
NONE = "none"
"""What it allows for where no voice that was evaluated trained any model: nothing."""
NO_VARIANCE = 1e-30
"""Variances of UARs up to this are rounding: no number of clips makes one so small, and a ratio to it means nothing."""


def overlap_bound(n_voices: int) -> float:
    """The largest variance ratio that symmetric help between n voices can bring: ``1 + n/(n-1)``.

    Raises
    ------
    ValueError
        With fewer than two voices.

    Examples
    --------
    >>> overlap_bound(2), overlap_bound(11)
    (3.0, 2.1)
    """
    if n_voices < 2:
        raise ValueError(f"training sets overlap from two speakers up; here there are {n_voices}")
    return 1 + n_voices / (n_voices - 1)


def influences_of(counts: Counts) -> Floats:
    """What each voice adds to the UAR beyond its clips' share: ``1/k sum_c (correct_sc - recall_c clips_sc) / N_c``.

    Parameters
    ----------
    counts : array of int, shape (..., n_voices, k, k)

    Returns
    -------
    array of float, shape (..., n_voices)
        Sums to zero; ``n/(n-1)`` times the sum of squares is the jackknife variance of the UAR, to first order.

    Examples
    --------
    >>> influences_of(np.array([[[2, 0], [0, 2]], [[2, 0], [2, 0]]])).round(3).tolist()
    [0.125, -0.125]
    """
    total = counts.sum(-3, keepdims=True)
    clips, all_clips = counts.sum(-1), total.sum(-1)
    occur = all_clips > 0
    recalls = np.nan_to_num(recalls_of(total))
    beyond = np.diagonal(counts, axis1=-2, axis2=-1) - recalls * clips
    influences: Floats = np.divide(beyond, all_clips, where=occur, out=np.zeros(beyond.shape)).sum(-1) / occur.sum(-1)
    return influences


def voice_covariance(influences: Floats) -> Floats:
    """Covariances of systems' UARs over voices, ``n/(n-1) sum_s e_as e_bs``; influences of shape (n_systems, n_voices)."""
    n = influences.shape[1]
    covariance: Floats = n / (n - 1) * influences @ influences.T
    return covariance


def training_covariance(losses: Floats, n_voices: int) -> Floats:
    """Covariances of systems' UARs because held-out voices train each other's models.

    ``n/(n-1) sum_{g != h} D_a(g, h) D_b(h, g)``, the mean over seeds.

    Parameters
    ----------
    losses : array of float, shape (n_systems, n_seeds, n_folds, n_folds)
        ``D[a, seed, g, h]``: what fold g's contribution to the UAR of system a loses when h is left out of its training. NaN on the
        diagonal, and for pairs that were not measured, which are taken to be like those that were.
    n_voices : int

    Returns
    -------
    array of float, shape (n_systems, n_systems)
        Symmetric, not necessarily positive. NaN where no pair was measured of a system; 0 with a single fold, whose voices train no model.

    Examples
    --------
    >>> losses = np.array([[[[np.nan, 0.02], [0.01, np.nan]]]])
    >>> training_covariance(losses, 2).round(6).tolist()
    [[0.0008]]
    """
    if losses.shape[-1] == 1:
        return np.zeros((len(losses), len(losses)))
    # Of a thousand folds few are measured without each other: products of the others are nothing, and would fill the memory.
    left_out = np.flatnonzero((~np.isnan(losses)).any((0, 1, 2)))
    found = np.ascontiguousarray(losses[..., left_out[:, None], left_out])  # sums go in the order of memory
    known = ~np.isnan(found)
    both = known & np.swapaxes(known, -1, -2)
    filled = np.where(both, found, 0)
    products = np.stack([np.einsum("sgh,bshg->bsgh", mine, filled).sum((1, 2, 3)) for mine in filled])
    measured = np.einsum("asgh,bshg->ab", both.astype(float), both.astype(float))
    n_folds = losses.shape[-1]
    mean = np.divide(products, measured, where=measured > 0, out=np.full(measured.shape, np.nan))
    covariance: Floats = n_voices / (n_voices - 1) * n_folds * (n_folds - 1) * mean
    return covariance


def seed_covariance(shares: Floats) -> Floats:
    """Covariances of systems' mean UARs over seeds because a seed moves all voices together.

    ``[cov(T_a, T_b) - sum_s cov(u_as, u_bs)] / S`` over S seeds, T being the UAR; what a seed moves voice by voice is in their spread.

    Parameters
    ----------
    shares : array of float, shape (n_systems, n_seeds, n_voices)
        Contributions to the UAR.

    Returns
    -------
    array of float, shape (n_systems, n_systems)
        Zero with a single seed: nothing is known of it then.

    Examples
    --------
    >>> seed_covariance(np.array([[[0.25, 0.25], [0.35, 0.35]]])).round(4).tolist()
    [[0.005]]
    """
    n_systems, n_seeds = shares.shape[:2]
    if n_seeds < 2:
        return np.zeros((n_systems, n_systems))
    by_voice = shares - shares.mean(1, keepdims=True)
    totals = by_voice.sum(-1)
    together = totals @ totals.T - np.einsum("ais,bis->ab", by_voice, by_voice)
    covariance: Floats = together / (n_seeds - 1) / n_seeds
    return covariance


def variance_ratios(influences: Floats, shares: Floats, losses: Floats | None = None) -> Floats:
    """Variance of each system's UAR (diagonal) and of each pair's difference, over what the spread between voices says of it.

    An estimate for one system comes from few folds, so it is moderated: half its own, half what all systems (or pairs) together show. What
    overlapping training adds lies between 0 and what `overlap_bound` adds, which stands where nothing was measured of a system. With a
    single fold it is 0: voices that were evaluated trained no model, and nothing is said of other training sets.

    Parameters
    ----------
    influences : array of float, shape (n_systems, n_seeds, n_voices)
        As `influences_of` gives them.
    shares : array of float, shape (n_systems, n_seeds, n_voices)
        Contributions to the UAR, as `contributions_of` gives them for one seed.
    losses : array of float, shape (n_systems, n_seeds, n_folds, n_folds), optional
        As `training_covariance` takes them; without, nothing was measured.

    Returns
    -------
    array of float, shape (n_systems, n_systems)

    References
    ----------
    For the moderation: Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression, *Statistical
    Applications in Genetics and Molecular Biology* 3(1).

    Examples
    --------
    >>> influences = np.array([[[0.1, -0.1, 0.0]], [[0.0, 0.1, -0.1]]])
    >>> variance_ratios(influences, influences).tolist()
    [[2.5, 2.5], [2.5, 2.5]]
    """
    n_systems, _, n = influences.shape
    voices = voice_covariance(influences.mean(1))
    training = np.full((n_systems, n_systems), np.nan) if losses is None else training_covariance(losses, n)
    plain, most = of_differences(voices), overlap_bound(n) - 1
    overlap = _moderated(of_differences(training), plain).clip(0, most)
    luck = np.maximum(0, _moderated(of_differences(seed_covariance(shares)), plain))
    ratios: Floats = np.where(plain > NO_VARIANCE, 1 + np.where(np.isnan(overlap), most, overlap) + luck, 1.0)
    return ratios


def _moderated(extra: Floats, plain: Floats) -> Floats:
    """Variances of UARs (diagonal) and of differences over plain ones.

    The mean of each ratio and that of all its kind; NaN where nothing is known.
    """
    ratios = np.full(plain.shape, np.nan)
    itself = np.eye(len(plain), dtype=bool)
    for kind in (itself, ~itself):
        known = kind & np.isfinite(extra) & (plain > NO_VARIANCE)
        if known.any():
            ratios[known] = (extra[known] / plain[known] + extra[known].sum() / plain[known].sum()) / 2
    return ratios


def of_differences(covariance: Floats) -> Floats:
    """Variances of differences, ``c_aa + c_bb - 2 c_ab``, from covariances; on the diagonal the variances themselves."""
    own = np.diag(covariance)
    variances: Floats = np.where(np.eye(len(own), dtype=bool), covariance, own[:, None] + own - 2 * covariance)
    return variances
