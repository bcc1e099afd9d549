"""What the uncertainty of one row's UAR is made of: test speakers, folds, seeds, clips, and training speakers.

In:   correctness per seed and clip, with emotions, voices and folds; the variance due to training speakers where it was measured.
Out:  one variance of the row's UAR per source, with its standard deviation and share.
Rule: what the design cannot separate is NaN and named, never zero: one seed says nothing of seeds, and where each fold is one speaker the
      fold belongs to the speaker.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ser_bench.scores.metrics import Floats, codes, labels
from ser_bench.scores.pairs import mean_of, pairs_within
from ser_bench.scores.variance import clip_component, concentration

SOURCES = ("test speakers", "folds", "seeds", "clips", "training speakers")


class Source(NamedTuple):
    """One source of the variance of a UAR (the mean over seeds).

    Attributes
    ----------
    component : str
        One of `SOURCES`.
    variance : float
        In squared UAR; an estimate may fall below zero. NaN where it is not known.
    sd : float
        Its root, in UAR; 0 for a variance below zero.
    share : float
        Of the sum of all known variances, those below zero counted as zero.
    """

    component: str
    variance: float
    sd: float
    share: float


def decompose(
    hits: ArrayLike, emotions: ArrayLike, speakers: ArrayLike, folds: ArrayLike, *, training: float = float("nan")
) -> tuple[Source, ...]:
    """Split the variance of a row's UAR by where it comes from.

    With the clips' weights ``w_i = 1/(k N_c)``, W_g their sum over a group g, and R seeds:

    - *test speakers*: ``sigma_s^2 sum_s W_s^2``, sigma_s^2 being the covariance of two clips of one speaker, less that of clips of two
      speakers (of one fold, where folds hold several speakers).
    - *folds*: ``sigma_f^2 sum_f W_f^2`` from the covariance of clips of two speakers in one fold, less that across folds. Where
      every seed draws folds of its own this is taken within seeds and divided by R.
    - *clips*: ``sigma_i^2 sum_i w_i^2``, the variance of a clip beyond what it shares with others of its speaker.
    - *seeds*: ``var_r(UAR_r) / R``, the variance between seeds (n - 1): search, initial weights and what clips flip; less *folds*
      where these are drawn by seed.
    - *training speakers*: as given.

    With several seeds the first three are covariances between different seeds, so that they hold only what persists and nothing is
    counted twice. With one seed, what seeds change is in folds and clips. Covariances are averaged over pairs of emotions,
    as in `ser_bench.scores.crossed_spread`.

    Parameters
    ----------
    hits : array of float, shape (n_clips,) or (n_seeds, n_clips)
        1 where the emotion was recognised, else 0.
    emotions, speakers : array of labels, shape (n_clips,)
        The speakers are voices: those who are one person are one.
    folds : array of labels, shape (n_clips,) or (n_seeds, n_clips)
        The outer fold in which each clip was held out.
    training : float
        Variance of the UAR over draws of training speakers; NaN if it was not measured.

    Returns
    -------
    tuple of Source
        In the order of `SOURCES`. NaN: folds where each holds one speaker (they are part of *test speakers*); seeds if there is one.

    Raises
    ------
    ValueError
        If shapes differ, or there is one speaker or one fold.

    References
    ----------
    Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, *MLSys*; estimators as in `crossed_spread`.

    Examples
    --------
    >>> hits = [[1, 1, 1, 1, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0]]
    >>> found = decompose(hits, ["anger"] * 8, list("aabbccdd"), list("11112222"))
    >>> [(source.component, round(source.sd, 3)) for source in found[:4]]
    [('test speakers', 0.0), ('folds', 0.433), ('seeds', 0.062), ('clips', 0.0)]
    """
    truth = labels("emotions", emotions)
    values, who = np.atleast_2d(np.asarray(hits, dtype=float)), labels("speakers", speakers, like=truth)
    fold = np.atleast_2d(labels("folds", folds, like=truth))
    if values.shape[1] != len(truth) or len(fold) not in (1, len(values)):
        raise ValueError(f"hits have shape {values.shape} and folds {fold.shape} for {len(truth)} clips: one per seed and clip is needed")
    emotion, speaker = codes(truth, np.unique(truth)), np.unique(who, return_inverse=True)[1]
    fold = np.stack([_in_order(row) for row in fold])
    if speaker.max() == 0 or (fold.max(1) == 0).any():
        raise ValueError("one speaker or one fold: nothing can be said about others")
    uars = np.mean([np.bincount(emotion, row) / np.bincount(emotion) for row in values], axis=1)
    values = values - (np.bincount(emotion, values.mean(0)) / np.bincount(emotion))[emotion]
    by_seed = any((row != fold[0]).any() for row in fold)
    from_speakers, from_folds, from_clips = _lasting(values, emotion, speaker, None if by_seed else fold[0])
    if by_seed:
        from_folds = _drawn(values, emotion, speaker, fold)
    between = float(uars.var(ddof=1)) / len(values) if len(values) > 1 else float("nan")
    from_seeds = between - from_folds if by_seed and not np.isnan(from_folds) else between
    return _shared_out([from_speakers, from_folds, from_seeds, from_clips, training])


def _in_order(fold: np.ndarray) -> np.ndarray:
    """Numbers for folds in the order in which they come: two names of one partition give the same."""
    _, first, number = np.unique(fold, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def _lasting(values: Floats, emotion: np.ndarray, speaker: np.ndarray, fold: np.ndarray | None) -> tuple[float, float, float]:
    """Variances due to speakers, folds (NaN without, or where each is one speaker) and clips, between seeds where there are several."""
    everybody, itself = (pairs_within(values, emotion, group) for group in (np.zeros_like(speaker), np.arange(len(speaker))))
    by_speaker = pairs_within(values, emotion, speaker)
    by_fold = by_speaker if fold is None else pairs_within(values, emotion, fold)
    none, itself_shared = np.nan_to_num((everybody - by_fold).means()), (by_speaker - itself).means()
    several = fold is not None and bool((by_fold - by_speaker).numbers.any())
    fellows = (by_fold - by_speaker).means() if several else none
    alike = itself_shared - fellows
    of_speaker, of_fold = mean_of(alike), mean_of(fellows - none)
    of_clip = clip_component(itself.means() - none, itself_shared - none, of_speaker + of_fold, emotion) / len(speaker)
    from_folds = of_fold * concentration(emotion, fold) if several and fold is not None else float("nan")
    return of_speaker * concentration(emotion, speaker), from_folds, of_clip


def _drawn(values: Floats, emotion: np.ndarray, speaker: np.ndarray, fold: np.ndarray) -> float:
    """Variance due to folds that each seed draws again; NaN where each is one speaker."""
    everybody, by_speaker, by_fold = (
        pairs_within(values, emotion, group, same_seed=True) for group in (np.zeros_like(speaker), speaker, fold)
    )
    fellows = by_fold - by_speaker
    if not fellows.numbers.any():
        return float("nan")
    of_fold = mean_of(fellows.means() - (everybody - by_fold).means())
    return of_fold * float(np.mean([concentration(emotion, row) for row in fold])) / len(fold)


def _shared_out(variances: list[float]) -> tuple[Source, ...]:
    """Variances with their roots and shares."""
    kept = np.maximum(variances, 0.0)
    total = float(np.nansum(kept))
    shares = kept / total if total > 0 else kept
    return tuple(
        Source(name, float(variance), float(np.sqrt(own)), float(share))
        for name, variance, own, share in zip(SOURCES, variances, kept, shares, strict=True)
    )
