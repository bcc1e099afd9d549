"""What a user-supplied feature table may hold that no sound put there: labels, the order of clips, speakers' statistics, a selection.

In:   a table's columns, and the emotions, speakers and places of its clips.
Out:  warnings, each with the statistic and the threshold that it is given for.
Rule: only what can be inferred from the numbers is claimed. Columns of real descriptors that were chosen on all labels look like good
      ones; docs/confounds.md says what is found, how often, and what cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_bench import scores
from ser_bench.corpora.names import first
from ser_bench.errors import quoted
from ser_bench.scores.distributions import ranks as ranks_of
from ser_bench.scores.distributions import t_above, t_upper
from ser_bench.utils.formatting import format_score, number_of, plural
from ser_bench.utils.quick import held_out_labels, standardised

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

TELLING_CLIPS = 8
"""Clips of an emotion from which a column that tells them all is no chance."""
TELLING_UAR = 0.99
"""UAR of a linear system on unseen speakers from which the columns are taken to hold the label."""
DISCRETE = 32
"""Values up to which a column may be a code."""
CENTRED = 1e-3
"""By so much in deviations a speaker's mean may differ from 0, and its deviation from 1, where columns were standardised by speaker."""
MOST = 0.5
"""Share of the columns that has to show it."""
FOLLOWING = 0.95
"""Rank correlation with the order of clips from which a column follows it."""
ALPHA = 1e-3
NOISE_ALPHA = 0.05
CHOSEN_ALPHA = 1e-6
CHOSEN_COLUMNS = 5
MOST_CLIPS = 3000
"""Clips that a linear system is fitted on; of more, every second, third, ..."""
AT_A_TIME = 256


@dataclass(frozen=True)
class Rows:
    """A user-supplied table with what is known of its clips.

    Parameters
    ----------
    name : str
    columns : tuple of str
    values : array of float, shape (n_clips, n_columns)
    emotions : tuple of str
    codes, voices : array of int, shape (n_clips,)
        Emotions, by number in `emotions`, and speakers.
    places : array of int, shape (n_clips,)
        Where each clip stands in the file.
    """

    name: str
    columns: tuple[str, ...]
    values: Array
    emotions: tuple[str, ...]
    codes: Codes
    voices: Codes
    places: Codes

    @classmethod
    def of(cls, name: str, table: pd.DataFrame, clips: pd.DataFrame) -> Rows:
        """The rows of a table, indexed by clip, that a clip table with `emotion` and `speaker` knows, in the order of clips' names."""
        known = clips[clips.index.isin(table.index)].sort_index()
        emotions, codes = np.unique(known["emotion"].to_numpy(str), return_inverse=True)
        voices = np.unique(known["speaker"].to_numpy(str), return_inverse=True)[1]
        places = table.index.get_indexer(known.index)
        columns = tuple(str(column) for column in table.columns)
        return cls(name, columns, table.to_numpy(np.float64)[places], tuple(emotions.tolist()), codes, voices, places)

    @property
    def varied(self) -> NDArray[np.bool_]:
        """Which columns have so many values that they are no codes."""
        most = min(DISCRETE, len(self.values) // 2)
        return np.array([len(np.unique(column)) > most for column in self.values.T], bool)


def remarks(evaluated: Rows, whole: Rows, *, by_speaker: bool) -> list[str]:
    """All warnings about a table.

    Parameters
    ----------
    evaluated, whole : Rows
        Those of the clips and labels that are evaluated, and of the whole corpus, from which statistics were perhaps taken.
    by_speaker : bool
        Whether the transductive track is evaluated and no other.
    """
    if not len(evaluated.codes):
        return []
    alone = list(labels_alone(evaluated))
    told = [*alone, *([] if alone else labels_together(evaluated)), *following(whole), *chosen(evaluated)]
    return [f"{whole.name}: {line}" for line in [*told, *([] if by_speaker else speaker_statistics(whole))]]


def labels_alone(rows: Rows) -> Iterator[str]:
    """Columns that alone separate an emotion from all others without a mistake: no sound does that, a label among features does."""
    for code in np.unique(rows.codes):
        mine, others = rows.values[rows.codes == code], rows.values[rows.codes != code]
        apart = (mine.min(0) > others.max(0)) | (mine.max(0) < others.min(0))
        if len(mine) >= TELLING_CLIPS and apart.any():
            column, emotion = rows.columns[int(apart.argmax())], rows.emotions[code]
            more = f" (and {apart.sum() - 1} more)" if apart.sum() > 1 else ""
            yield f"the column '{column}'{more} alone tells all {len(mine)} clips of '{emotion}' from all others: was it made from labels?"


def labels_together(rows: Rows) -> Iterator[str]:
    """Columns from which unseen speakers' emotions are recognised without mistakes: by all of them linearly, or by codes."""
    if min(np.bincount(rows.codes)) < TELLING_CLIPS or len(np.unique(rows.voices)) < 2:
        return
    every = -(-len(rows.codes) // MOST_CLIPS)
    codes, voices = rows.codes[::every], rows.voices[::every]
    uar = scores.uar(codes, held_out_labels(rows.values[::every], codes, voices))
    if uar >= TELLING_UAR:
        yield (
            "its columns together tell the emotion: a linear system recognises unseen speakers with a UAR of "
            f"{format_score(uar)} (threshold {format_score(TELLING_UAR, 2)}): were they made from labels, or by a system that was "
            "trained on these clips?"
        )
        return
    coded = ~rows.varied
    if not coded.any():
        return
    uar = scores.uar(rows.codes, _by_codes(rows.values[:, coded], rows))
    if uar >= TELLING_UAR:
        names, n = ", ".join(f"'{name}'" for name, mine in zip(rows.columns, coded, strict=True) if mine), coded.sum()
        tell = f"{number_of(n, 'column')} of few values ({quoted(names)}) {plural(n, 'tells', 'together tell')} the emotion"
        yield (
            f"{tell}: a tree recognises unseen speakers "
            f"with a UAR of {format_score(uar)} (threshold {format_score(TELLING_UAR, 2)}): were they made from labels?"
        )


def _by_codes(values: Array, rows: Rows) -> Codes:
    """The label of each clip by a decision tree that was grown on other speakers."""
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    folds = GroupKFold(min(5, len(np.unique(rows.voices))))
    tree = DecisionTreeClassifier(class_weight="balanced", random_state=0)
    return np.asarray(cross_val_predict(tree, values, rows.codes, groups=rows.voices, cv=folds))


def speaker_statistics(rows: Rows) -> Iterator[str]:
    """That columns were standardised, or centred, by each speaker's clips, or by all clips."""
    counts = np.bincount(rows.voices)
    if len(counts) < 2 or counts.min() < 2:
        return
    varied = rows.varied
    if not varied.any():
        return
    means, deviations = _by_voice(rows.values[:, varied], rows.voices)
    unit = np.maximum(deviations.mean(0), 1e-12)
    centred = (np.abs(means - means.mean(0)).max(0) / unit) < CENTRED
    spread = (np.abs(deviations / unit - 1).max(0) < max(CENTRED, 1 / counts.min())) & centred
    n = int(varied.sum())
    if spread.mean() >= MOST:
        how, said = "mean 0 and deviation 1", f"in {spread.sum()} of {n} columns every speaker has the same mean and deviation"
    elif centred.mean() >= MOST:
        how, said = "mean 0", f"in {centred.sum()} of {n} columns every speaker has the same mean"
    else:
        return
    yield (
        f"{said} ({how}; threshold {CENTRED:g} deviations in {MOST:.0%} of the columns): standardised by speaker, the held-out ones "
        "included. That is transductive: evaluate it as --track speaker, or hand in the values before"
    )


def _by_voice(values: Array, voices: Codes) -> tuple[Array, Array]:
    """Means and deviations of each voice, shape (n_voices, n_columns)."""
    groups = [values[voices == voice].astype(np.float64) for voice in np.unique(voices)]
    return np.stack([group.mean(0) for group in groups]), np.stack([group.std(0) for group in groups])


def f_ratio(values: Array, groups: Codes) -> tuple[Array, int, int]:
    """One-way analysis of variance, column by column: F, and its degrees of freedom.

    >>> f_ratio(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1]))[0].tolist()
    [8.0]
    """
    counts = np.bincount(groups)
    k, n = int(np.count_nonzero(counts)), len(groups)
    centred = values - values.mean(0, dtype=np.float64)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, groups, centred)
    between = (sums**2 / np.maximum(counts, 1)[:, None]).sum(0)
    within = np.maximum((centred**2).sum(0) - between, 1e-12 * (centred**2).sum(0) + 1e-300)
    return between / (k - 1) / (within / (n - k)), k - 1, n - k


def following(rows: Rows) -> Iterator[str]:
    """Columns that follow the order of clips, of all or of each speaker's: row numbers, times, numbers in names."""
    order, n = np.arange(len(rows.codes)), len(rows.codes)
    places = {"rows of the table": rows.places, "clips by name": order}
    if (np.diff(rows.places) > 0).all():
        del places["rows of the table"]
    told: dict[str, str] = {}
    for what, mine in places.items():
        for whose, voices in (("", np.zeros(n, int)), (" of each speaker", rows.voices)):
            rho = rank_correlation(rows.values, mine, voices)
            for number in np.flatnonzero((np.abs(rho) >= FOLLOWING) & (_p_of(rho, n) < ALPHA / len(rho))):
                told.setdefault(rows.columns[number], f"'{rows.columns[number]}' ({what}{whose}, {rho[number]:.3f})")
    if told:
        yield (
            f"{number_of(len(told), 'column follows', 'columns follow')} the order of the clips (rank correlation, threshold {FOLLOWING}): "
            f"{first(list(told.values()))}: where clips are sorted by emotion or speaker, that gives them away"
        )


def rank_correlation(values: Array, places: Codes, voices: Codes) -> Array:
    """Spearman's correlation of each column with a rank, ties at their mean, ranks taken within each voice.

    >>> rank_correlation(np.array([[1.0, 3.0], [2.0, 2.0], [4.0, 1.0]]), np.array([0, 1, 2]), np.zeros(3, int)).tolist()
    [1.0, -1.0]
    """
    ranks, place = np.zeros(values.shape), np.zeros((len(values), 1))
    for voice in np.unique(voices):
        mine = voices == voice
        ranks[mine] = standardised(ranks_of(values[mine]))
        place[mine] = standardised(ranks_of(places[mine])[:, None])
    return np.asarray((ranks * place).mean(0).round(12))


def _p_of(rho: Array, n: int) -> Array:
    """The two-sided p of rank correlations, by Student's t."""
    return np.asarray(2 * t_above(np.abs(rho) * np.sqrt(max(n - 2, 1) / np.maximum(1 - rho**2, 1e-12)), max(n - 2, 1)))


def chosen(rows: Rows) -> Iterator[str]:
    """Columns that are like noise but for the emotion: no speaker and no other column shows in them."""
    from scipy.special import bdtrc, fdtrc

    values = rows.values[:, rows.varied]
    if values.shape[1] < CHOSEN_COLUMNS or len(rows.codes) < 4 * len(rows.emotions) or len(np.unique(rows.voices)) < 2:
        return
    noise = like_noise(values, rows)
    n = int(noise.sum())
    if n < CHOSEN_COLUMNS:
        return
    ratio, between, within = f_ratio(values[:, noise], rows.codes)
    going = int((fdtrc(between, within, ratio) < NOISE_ALPHA).sum())
    p = float(bdtrc(going - 1, n, NOISE_ALPHA))
    if p < CHOSEN_ALPHA and going >= CHOSEN_COLUMNS:
        yield (
            f"{n} of {values.shape[1]} columns depend neither on speakers nor on each other, as noise does, yet {going} are associated "
            f"with the emotion (F test, p < {NOISE_ALPHA}; {NOISE_ALPHA * n:.1f} expected, binomial p = {p:.0e}): were they selected on "
            "the labels of all clips? Then scores are based on test labels"
        )


def like_noise(values: Array, rows: Rows) -> NDArray[np.bool_]:
    """Columns in which, within emotions, neither the speaker nor any other column shows.

    A speaker shows by an F test at .05; another column by the largest correlation at .05 over all others (Bonferroni).
    """
    from scipy.special import fdtrc

    residual = values - _group_means(values, rows.codes)
    ratio, between, within = f_ratio(residual, rows.voices)
    silent = fdtrc(between, within, ratio) >= NOISE_ALPHA
    z = standardised(residual)
    n, d = z.shape
    freedom = n - len(np.unique(rows.codes)) - 1
    quantile = float(t_upper(NOISE_ALPHA / 2 / max(d - 1, 1), freedom))
    largest = quantile / np.sqrt(freedom + quantile**2)
    largest_other = np.zeros(d)
    columns = np.flatnonzero(silent)
    for begin in range(0, len(columns), AT_A_TIME):
        mine = columns[begin : begin + AT_A_TIME]
        r = np.abs(z[:, mine].T @ z) / n
        r[np.arange(len(mine)), mine] = 0
        largest_other[mine] = r.max(1)
    return np.asarray(silent & (largest_other < largest))


def _group_means(values: Array, groups: Codes) -> Array:
    counts = np.bincount(groups)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, groups, values)
    return np.asarray((sums / np.maximum(counts, 1)[:, None])[groups])
