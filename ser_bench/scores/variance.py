"""Where the uncertainty of a UAR comes from, and how many speakers a study needs.

In:   correctness of each clip (or the difference in correctness of two systems), with its emotion, speaker and sentence.
Out:  variance components, and from these the interval, the power and the number of speakers of a study of another size.
Rule: speakers and sentences are both samples. An interval over speakers alone is about these very sentences, and with few sentences no
      number of speakers makes up for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_bench.scores.distributions import chi2_quantile, t_quantile, t_upper
from ser_bench.scores.metrics import Floats, codes, labels
from ser_bench.scores.pairs import mean_of, pairs_within

MOST = 100_000
"""Speakers: a study that needs more is said to need infinitely many."""


class Spread(NamedTuple):
    """Variance components of a UAR: of n speakers, m sentences and N clips, ``Var(UAR) = speaker/n + sentence/m + cell/(n m) + clip/N``.

    Attributes
    ----------
    speaker, sentence, cell, clip : float
        What one speaker, one sentence, one pair of speaker and sentence, and one clip bring, in squared UAR. Estimates may fall below
        zero; they count as zero where a study is planned. Without sentences, `sentence` and `cell` are 0.
    speakers, sentences, clips : int
        How many there are: no `sentences` where they are not a random factor. A study with other sentences or more clips per speaker is
        planned with ``spread._replace(sentences=..., clips=...)``.
    inflation : float
        The variance ratio of cross-validation, as `scores.variance_ratios` gives it, which multiplies what comes from speakers and clips.
    """

    speaker: float
    sentence: float
    cell: float
    clip: float
    speakers: int
    sentences: int
    clips: int
    inflation: float = 1.0

    @property
    def per_speaker(self) -> float:
        """Clips per speaker."""
        return self.clips / self.speakers

    def times(self, factor: float) -> Spread:
        """The same design with all variances times a factor."""
        speaker, sentence, cell, clip = (factor * part for part in self[:4])
        return self._replace(speaker=speaker, sentence=sentence, cell=cell, clip=clip)


def crossed_spread(hits: ArrayLike, emotions: ArrayLike, speakers: ArrayLike, sentences: ArrayLike | None = None) -> Spread:
    """Estimate variance components from data that need not be balanced.

    The model: ``h_i = recall of emotion + speaker + sentence + speaker x sentence + clip``, where speaker, sentence and their
    pair may act differently on each emotion; emotions are fixed. From all pairs of clips of emotions c and d, the mean product is
    taken of those that share neither speaker nor sentence (``P_0 = recall_c * recall_d``), only the speaker (``P_s``), only the
    sentence (``P_t``), both (``P_st``), or are one and the same clip (``P_i``). Then for emotions c and d

    ``speaker = P_s - P_0``, ``sentence = P_t - P_0``, ``cell = P_st - P_s - P_t + P_0``, ``clip = P_i - P_st`` (c = d only),

    which equals an analysis of variance where data are balanced, and is close to unbiased where they are not (hits are taken less the
    recall of their emotion, as the estimator would otherwise depend on its level). The UAR averages over emotions, so the components
    are averaged over all c and d (pairs of emotions that have none of a kind are left out), each times how unevenly clips are
    spread: ``n * sum_s W_s**2``, W being the share of the weight ``1/(k N_c)`` of clips that speaker s has, and likewise for the
    others; 1 in a balanced corpus.

    Parameters
    ----------
    hits : array of float, shape (n_clips,)
        1 where the emotion was recognised, else 0; the mean over seeds; or the difference between two systems.
    emotions, speakers : array of labels, shape (n_clips,)
    sentences : array of labels, shape (n_clips,), optional
        Without, the sentences are taken as fixed: what is said holds for these.

    Raises
    ------
    ValueError
        With fewer than two speakers, or fewer than two sentences; or where these are not crossed.

    References
    ----------
    Koch (1967), A general approach to the estimation of variance components, *Technometrics* 9(1); Henderson (1953), Estimation of
    variance and covariance components, *Biometrics* 9(2). Sentences as a random factor: Clark (1973), The language-as-fixed-effect
    fallacy, *Journal of Verbal Learning and Verbal Behavior* 12(4).

    Examples
    --------
    >>> speakers, sentences = np.repeat(list("uvwxyz"), 4), list("abcd") * 6
    >>> easy = np.repeat([1, 1, 1, 0, 0, 0], 4)
    >>> spread = crossed_spread(easy, ["anger"] * 24, speakers, sentences)
    >>> round(spread.speaker, 2), round(spread.sentence, 2), round(spread.clip, 2)
    (0.3, 0.0, 0.0)
    """
    truth = labels("emotions", emotions)
    values = np.asarray(hits, dtype=float)
    if values.shape != truth.shape:
        raise ValueError(f"hits have shape {values.shape} for {len(truth)} clips")
    emotion, speaker = codes(truth, np.unique(truth)), _codes("speakers", speakers, truth)
    values = values - (np.bincount(emotion, values) / np.bincount(emotion))[emotion]
    if sentences is None:
        return _over_speakers(values, emotion, speaker)
    return _over_both(values, emotion, speaker, _codes("sentences", sentences, truth))


def _over_speakers(values: Floats, emotion: np.ndarray, speaker: np.ndarray) -> Spread:
    itself, everybody = (pairs_within(values, emotion, group) for group in (np.arange(len(values)), np.zeros_like(speaker)))
    by_speaker = pairs_within(values, emotion, speaker)
    none = np.nan_to_num((everybody - by_speaker).means())
    shared = (by_speaker - itself).means() - none
    of_speaker = mean_of(shared)
    of_clip = clip_component(itself.means() - none, shared, of_speaker, emotion)
    n = int(speaker.max()) + 1
    return Spread(of_speaker * n * concentration(emotion, speaker), 0.0, 0.0, of_clip, n, 0, len(values))


def _over_both(values: Floats, emotion: np.ndarray, speaker: np.ndarray, sentence: np.ndarray) -> Spread:
    n, m = int(speaker.max()) + 1, int(sentence.max()) + 1
    cell = speaker * m + sentence
    itself, everybody = (pairs_within(values, emotion, group) for group in (np.arange(len(values)), np.zeros_like(speaker)))
    by_speaker, by_sentence, by_cell = (pairs_within(values, emotion, group) for group in (speaker, sentence, cell))
    apart = everybody - by_speaker - by_sentence + by_cell
    if not all(pairs.numbers.any() for pairs in (apart, by_speaker - by_cell, by_sentence - by_cell)):
        raise ValueError("speakers and sentences are not crossed: no speaker says two of them, or no sentence is said by two speakers")
    none = np.nan_to_num(apart.means())
    from_speaker, from_sentence = ((one - by_cell).means() - none for one in (by_speaker, by_sentence))
    shared = (by_cell - itself).means() - none
    parts = [mean_of(part) for part in (from_speaker, from_sentence, shared - from_speaker - from_sentence)]
    of_clip = clip_component(itself.means() - none, shared, sum(parts), emotion)
    uneven = [size * concentration(emotion, group) for size, group in ((n, speaker), (m, sentence), (n * m, cell))]
    of_speaker, of_sentence, of_cell = (part * factor for part, factor in zip(parts, uneven, strict=True))
    return Spread(of_speaker, of_sentence, of_cell, of_clip, n, m, len(values))


def standard_error(spread: Spread, speakers: ArrayLike | None = None) -> Floats:
    """Standard error of the UAR of a study of this size: the root of `Spread`'s formula.

    Parameters
    ----------
    spread : Spread
    speakers : array of int, optional
        Numbers of speakers; those of `spread` without.

    Examples
    --------
    >>> spread = Spread(0.01, 0.001, 0.02, 0.2, speakers=24, sentences=2, clips=1440)
    >>> standard_error(spread, [24, 96]).round(4).tolist()
    [0.0384, 0.0273]
    """
    n = _numbers(spread, speakers)
    by_speaker, by_sentence, rest = _sources(spread, n)
    error: Floats = np.sqrt(spread.inflation * (by_speaker + rest) + by_sentence)
    return error


def degrees_of_freedom(spread: Spread, speakers: ArrayLike | None = None) -> Floats:
    """Degrees of freedom of `standard_error`: n - 1 over speakers alone, else Satterthwaite's for speakers crossed with sentences.

    With ``S = speaker/n``, ``T = sentence/m`` and ``R = cell/(n m) + clip/N`` the variance is estimated by the mean squares
    ``(S + R) + (T + R) - R``, so ``df = (S + T + R)**2 / ((S + R)**2/(n-1) + (T + R)**2/(m-1) + R**2/((n-1)(m-1)))``,
    and no less than the smaller of n - 1 and m - 1.

    Parameters: see `standard_error`.

    References
    ----------
    Satterthwaite (1946), An approximate distribution of estimates of variance components, *Biometrics Bulletin* 2(6); Clark (1973)
    uses it for the quasi-F.

    Examples
    --------
    >>> spread = Spread(0.01, 0.001, 0.02, 0.2, speakers=24, sentences=2, clips=1440)
    >>> degrees_of_freedom(spread, [24, 1000]).round(1).tolist()
    [1.9, 1.0]
    """
    n = _numbers(spread, speakers)
    if not spread.sentences:
        return n - 1.0
    m = spread.sentences
    s, t, r = _sources(spread, n)
    total = (s + t + r) ** 2
    noise = (s + r) ** 2 / (n - 1) + (t + r) ** 2 / (m - 1) + r**2 / ((n - 1) * (m - 1))
    fewest: Floats = np.asarray(np.minimum(n - 1.0, m - 1.0))
    return np.maximum(fewest, np.divide(total, noise, where=noise > 0, out=fewest.copy()))


def half_width(spread: Spread, speakers: ArrayLike | None = None, *, level: float = 0.95) -> Floats:
    """Half the width of the confidence interval of a study of this size: ``t((1 + level)/2, df) * standard_error``.

    Parameters: see `standard_error`; `level` is the coverage.

    Examples
    --------
    >>> spread = Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1440)
    >>> half_width(spread, [24, 96]).round(3).tolist()
    [0.049, 0.023]
    """
    df = degrees_of_freedom(spread, speakers)
    error = standard_error(spread, speakers)
    reach: Floats = t_quantile((1 + level) / 2, df) * error
    return reach


def power(
    spread: Spread,
    difference: float,
    speakers: ArrayLike | None = None,
    *,
    alpha: float = 0.05,
) -> Floats:
    """Chance that a study of this size shows a true difference by a two-sided t test.

    ``P(|T| > t(1 - alpha/2, df))`` with T of the noncentral t distribution at noncentrality ``difference / standard_error``.

    Parameters
    ----------
    spread : Spread
        Of the clip-by-clip differences between two systems.
    difference : float
        In UAR, above 0.
    alpha : float
        Level of the test.
    speakers
        As in `standard_error`.

    References
    ----------
    Westfall, Kenny & Judd (2014), Statistical power and optimal design in experiments in which samples of participants respond to
    samples of stimuli, *Journal of Experimental Psychology: General* 143(5).

    Examples
    --------
    >>> spread = Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1440)
    >>> power(spread, 0.05, [24, 48]).round(2).tolist()
    [0.53, 0.84]
    """
    from scipy.stats import nct

    df = degrees_of_freedom(spread, speakers)
    error = standard_error(spread, speakers)
    needed = t_upper(alpha / 2, df)
    shift = np.divide(difference, error, where=error > 0, out=np.full(error.shape, np.inf))
    certain = shift > 40 * np.maximum(1, needed)
    drawn = np.where(certain, 0.0, shift)
    # The far tail is below alpha/2, and NaN where it is too small to be computed.
    found: Floats = np.where(certain, 1.0, nct.sf(needed, df, drawn) + np.nan_to_num(nct.cdf(-needed, df, drawn)))
    return found


def speakers_for_width(spread: Spread, width: float, *, level: float = 0.95) -> float:
    """The fewest speakers whose interval reaches no farther than `width` to either side; infinite if more than `MOST` would be needed.

    Parameters
    ----------
    spread : Spread
    width : float
        Half-width, in UAR.
    level
        As in `half_width`.

    Examples
    --------
    >>> speakers_for_width(Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1440), 0.03)
    60.0
    """
    return _fewest(lambda n: half_width(spread, n, level=level) <= width)


def speakers_for_difference(spread: Spread, difference: float, *, power_wanted: float = 0.8, alpha: float = 0.05) -> float:
    """The fewest speakers that show a true difference with this power; infinite if more than `MOST` would be needed.

    Parameters
    ----------
    spread : Spread
        Of the clip-by-clip differences between two systems.
    difference : float
        In UAR.
    power_wanted : float
    alpha
        As in `power`.

    Examples
    --------
    >>> speakers_for_difference(Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=0, clips=1440), 0.05)
    44.0
    """
    return _fewest(lambda n: power(spread, difference, n, alpha=alpha) >= power_wanted)


def smallest_half_width(spread: Spread) -> float:
    """Half the width of the narrowest interval that any number of speakers (up to `MOST`) gives.

    Without sentences it falls towards 0. With m of them it is about ``t(.975, m-1) * sqrt(sentence/m)``, and somewhat less where the
    number of speakers is such that their spread, which is known better, still hides that of the sentences.
    """
    return float(half_width(spread, _grid()).min())


def sentence_limit(spread: Spread, *, level: float = 0.95) -> float:
    """One-sided upper confidence limit of the sentence component, which a few sentences may estimate as zero though it is not.

    The mean square of sentences estimates ``T + R`` (see `degrees_of_freedom`) with m - 1 degrees of freedom, so the limit is
    ``m * ((T + R) (m - 1) / chi2(1 - level, m - 1) - R)``. Components below zero count as zero, so that chance never makes it zero;
    it is too high rather than too low where sentences hardly differ.

    Examples
    --------
    >>> few, many = (Spread(0.01, 0.0, 0.0, 0.2, speakers=24, sentences=m, clips=1440) for m in (2, 20))
    >>> round(sentence_limit(few) ** 0.5, 3), round(sentence_limit(many) ** 0.5, 3)
    (0.265, 0.049)
    """
    m = spread.sentences
    _, by_sentence, rest = _sources(spread, _numbers(spread, None))
    return float(m * ((by_sentence + rest) * (m - 1) / chi2_quantile(1 - level, m - 1) - rest))


def _fewest(enough: Callable[[Floats], NDArray[np.bool_]]) -> float:
    """The smallest number from 2 to `MOST` that is enough; infinite if none is. It need not be enough from there on."""
    grid = _grid()
    reached = enough(grid)
    if not reached.any():
        return float("inf")
    place = int(np.argmax(reached))
    between = np.arange(grid[max(place - 1, 0)], grid[place] + 1)
    return float(between[np.argmax(enough(between))])


def _grid() -> Floats:
    """Numbers of speakers from 2 to `MOST`, each about a tenth more than the one before."""
    return np.unique(np.geomspace(2, MOST, 120).round())


def _numbers(spread: Spread, speakers: ArrayLike | None) -> Floats:
    """Numbers of speakers as an array, or a ValueError."""
    n = np.asarray(spread.speakers if speakers is None else speakers, dtype=float)
    if not (n >= 2).all():
        raise ValueError("an interval over speakers needs at least two")
    return n


def _sources(spread: Spread, n: Floats) -> tuple[Floats, Floats, Floats]:
    """What speakers, sentences and the rest bring to the variance of the UAR, components below zero as zero."""
    speaker, sentence, cell, clip = (max(0.0, part) for part in spread[:4])
    m = max(1, spread.sentences)
    return speaker / n, np.full(n.shape, sentence / m), cell / (n * m) + clip / (n * spread.per_speaker)


def clip_component(itself: Floats, shared: Floats, otherwise: float, emotion: np.ndarray) -> float:
    """The component of single clips, as in `Spread`: their variance less what clips of one speaker (and sentence) share, by emotion.

    Parameters
    ----------
    itself, shared : array of float, shape (k, k)
        Covariances of a clip with itself, and with others of its group; NaN where an emotion has no others.
    otherwise : float
        What stands in where it has none.
    emotion : array of int, shape (n_clips,)
    """
    own = np.diagonal(itself) - np.where(np.isnan(np.diagonal(shared)), otherwise, np.diagonal(shared))
    clips = np.bincount(emotion)
    return float(len(emotion) * np.mean(own / clips) / len(clips))


def concentration(emotion: np.ndarray, group: np.ndarray) -> float:
    """``sum_g W_g**2``, W being the share of the weight ``1/(k N_c)`` of clips that a group has: 1/n where n groups are alike."""
    weights = 1 / np.bincount(emotion)[emotion] / (int(emotion.max()) + 1)
    shares = np.bincount(group, weights)
    return float(shares @ shares)


def _codes(what: str, values: ArrayLike, like: np.ndarray) -> np.ndarray:
    """Numbers for the labels, of which there are at least two."""
    who = np.unique(labels(what, values, like=like), return_inverse=True)[1]
    if who.max() == 0:
        raise ValueError(f"{what} are all the same; their spread cannot be known from one")
    return who
