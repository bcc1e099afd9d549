"""What the best of several systems is worth, once it is no longer evaluated by the data that chose it.

In:   correctly recognised clips per system, voice and class.
Out:  the UAR that the best system can be expected to have on new voices.
Rule: a system is chosen by some voices and evaluated by others.
"""

from __future__ import annotations

import numpy as np

from ser_bench.scores.metrics import Counts, Floats


def corrected_best(hits: Counts, clips: Counts, *, ratio: float = 1.0, resamples: int = 2000, seed: int = 0) -> float:
    """UAR of the best system, corrected for its having been chosen by the same voices (bootstrap bias-corrected cross-validation).

    A resample draws as many voices as there are, with replacement; the system with the highest UAR on these is evaluated on the voices
    that were not drawn. The best system's UAR minus the mean over resamples is its optimism as far as voices show it: luck in training
    favours a system on all voices alike, those that are drawn and those that are not. So the optimism is multiplied by `whole_optimism`.
    No model is fitted again. Resamples that draw every voice, or in which no clip of some class is drawn, say nothing and are left out.

    Parameters
    ----------
    hits : array of float, shape (n_systems, n_voices, n_classes)
        Correctly recognised clips; a mean over seeds where there are several.
    clips : array of int, shape (n_voices, n_classes)
    ratio : float
        Variance of differences between systems over what the spread between voices says of it, as `variance_ratios` gives it.
    resamples, seed : int

    Returns
    -------
    float
        Neither below 0 nor above the best system's UAR. NaN with fewer than two voices.

    References
    ----------
    Tsamardinos, Greasidou & Borboudakis (2018), Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation,
    *Machine Learning* 107(12): BBC-CV, which is `ratio` 1. Voices are drawn here, not clips.

    Examples
    --------
    >>> clips = np.full((4, 1), 10)
    >>> one_for_each = 10 * np.eye(4)[..., None]
    >>> corrected_best(one_for_each, clips)
    0.0
    """
    n_voices = len(clips)
    if n_voices < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_voices, np.full(n_voices, 1 / n_voices), size=resamples)
    drawn = drawn[(drawn == 0).any(1) & ((drawn @ clips > 0) | (clips.sum(0) == 0)).all(1)]
    inside = np.stack([_uars(drawn @ mine, drawn @ clips) for mine in hits])
    left = (drawn == 0).astype(int)
    outside = np.stack([_uars(left @ mine, left @ clips) for mine in hits])
    # Equal systems share the resample, so that their order has no say.
    best = inside >= inside.max(0) - 1e-12
    elsewhere = float(np.mean((outside * best).sum(0) / best.sum(0)))
    top = max(float(_uars(mine.sum(0), clips.sum(0))) for mine in hits)
    return max(0.0, top - whole_optimism(ratio, n_voices) * max(0.0, top - elsewhere))


def whole_optimism(ratio: float, n_voices: int) -> float:
    """How many times larger the optimism of the best of equal systems is than what a bootstrap over voices shows of it.

    Let differences between systems have a part of variance `V` that is independent between voices and one of variance `(r - 1) V` that all
    voices share. The best of N has `E_N sqrt(r V)` too much, `E_N` being the mean of the largest of N normal variables. A resample chooses
    by `V (2 - 1/n)` (each voice is drawn several times or never) and the shared part, and keeps of the latter
    `E_N (r - 1) V / sqrt((r + 1 - 1/n) V)` on voices not drawn. What it shows is the difference of the two, and `E_N` and `V` cancel.

    Parameters
    ----------
    ratio : float
        The ratio `r` of variances, at least 1.
    n_voices : int

    Examples
    --------
    >>> whole_optimism(1.0, 10), round(whole_optimism(1.5, 10), 2)
    (1.0, 1.36)
    """
    best = ratio**0.5
    return best / (best - (ratio - 1) / (ratio + 1 - 1 / n_voices) ** 0.5)


def _uars(hits: Floats, clips: Floats) -> Floats:
    """UAR over the classes that occur, shape (n_resamples,)."""
    occur = clips > 0
    recalls = np.divide(hits, clips, where=occur, out=np.zeros(hits.shape))
    uars: Floats = recalls.sum(-1) / np.maximum(1, occur.sum(-1))
    return uars
