"""Every metric of every system with its interval, as one tidy table.

In:   the evidence of a run's cells, and its clips.
Out:  `metrics.csv`: ``corpus, features, model, track, metric, gender, minus, value, low, high``.
Rule: one jackknife over voices for all, with the same inflation as the UAR's; the worst voice's UAR alone is over its clips.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.evaluation.evidence import ROW_KEY, Evidence, Found, coded, folds_of
from ser_bench.scores import Interval

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("value", "low", "high")
COLUMNS = (*ROW_KEY, "metric", "gender", "minus", *NUMBERS)
"""The UAR of a gender has this one in `gender`; a difference between two the other in `minus`. Both are blank for all other metrics."""


class Metric(NamedTuple):
    """A metric of one system: its name, its value with the interval, and of which gender it is, `minus` which."""

    name: str
    interval: Interval
    gender: str = ""
    minus: str = ""


class Probabilities(NamedTuple):
    """Of each row, shape (n_rows, n_classes), and the classes."""

    p: pd.DataFrame
    classes: list[str]


class Counted(NamedTuple):
    """One system's predictions, seeds and folds in order.

    The rows, the emotions and voices in them, true and predicted emotion and voice of each by their places among these, and confusions by
    seed and voice, shape (n_seeds, n_voices, k, k).
    """

    rows: pd.DataFrame
    emotions: list[str]
    voices: list[str]
    truth: np.ndarray
    predicted: np.ndarray
    voice: np.ndarray
    counts: np.ndarray
    inflation: float


def metric_table(found: Found, clips: pd.DataFrame, board: pd.DataFrame) -> pd.DataFrame:
    """The columns of `COLUMNS`, rounded to four digits, systems in sorted order.

    Metrics are ``uar, war, macro_f1, auc, micro_auc, log_loss, calibration_error``; ``uar.fold`` (the mean over folds);
    ``recall.<emotion>``, ``precision.<emotion>``, ``f1.<emotion>``, ``auc.<emotion>``; where genders are known ``uar.<gender>`` and
    ``uar.<gender>-<gender>`` (the one above the other), whose genders are columns too; and ``uar.worst_speaker``. ``sd.<source>`` are
    the standard deviations of the UAR that `scores.decompose` finds, without intervals; none of a source that cannot be separated.

    Parameters
    ----------
    found : mapping of tuple of str to Evidence
        As `leaderboard.rank` takes it.
    clips : DataFrame
        The clips evaluated, with `gender` where that is known.
    board : DataFrame
        What `leaderboard.rank` gave, with each row's `variance_ratio`.
    """
    import pandas as pd

    ratios = {(*cell,): ratio for *cell, ratio in board[[*ROW_KEY, "variance_ratio"]].itertuples(index=False, name=None)}
    rows = []
    for cell, system in sorted(found.items()):
        rows += [(*cell, m.name, m.gender, m.minus, *m.interval) for m in metrics_of(pd.concat(system.rows), clips, ratios[cell])]
        rows += [(*cell, f"sd.{source}", "", "", sd, np.nan, np.nan) for source, sd in sources_of(system)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4)


def metrics_of(rows: pd.DataFrame, clips: pd.DataFrame, inflation: float) -> Iterator[Metric]:
    """The metrics of one system's predictions over all seeds; `inflation` is the variance ratio of its UAR."""
    found = count(rows, inflation)
    counts = found.counts
    yield Metric("uar", scores.jackknife_of(counts, inflation=inflation))
    yield Metric("uar.fold", _fold_uar(found))
    yield Metric("war", scores.war_interval_of(counts, inflation=inflation))
    yield Metric("macro_f1", scores.macro_f1_interval_of(counts, inflation=inflation))
    by_class = {
        "recall": scores.recall_intervals_of(counts, inflation=inflation),
        "precision": scores.precision_intervals_of(counts, inflation=inflation),
        "f1": scores.f1_intervals_of(counts, inflation=inflation),
    }
    yield from _of_probabilities(found)
    for name, intervals in by_class.items():
        yield from (Metric(f"{name}.{emotion}", interval) for emotion, interval in zip(found.emotions, intervals, strict=True))
    yield from _by_gender(found, clips)
    yield Metric("uar.worst_speaker", scores.worst_voice_of(counts)[1])


def sources_of(system: Evidence) -> Iterator[tuple[str, float]]:
    """What the uncertainty of a system's UAR comes from, as standard deviations."""
    hits, folds = (
        np.stack(parts)
        for parts in zip(
            *(((seed["predicted"] == seed["emotion"]).to_numpy(float), seed["fold"].to_numpy(int)) for seed in system.rows), strict=True
        )
    )
    if (folds.max(1) == 0).any() or system.counts.shape[1] < 2:
        return
    emotions, voices = (coded(system.rows[0][column])[0][0] for column in ("emotion", "voice"))
    training = float(scores.training_covariance(system.losses[None], system.counts.shape[1])[0, 0])
    for source in scores.decompose(hits, emotions, voices, folds, training=training):
        if not np.isnan(source.variance):
            yield source.component, source.sd


def count(rows: pd.DataFrame, inflation: float) -> Counted:
    """Count a system's confusions by seed and voice."""
    rows = rows.sort_values(["seed", "fold"], kind="stable")
    (truth, predicted), emotions = coded(rows["emotion"], rows["predicted"])
    (voice,), voices = coded(rows["voice"])
    seeds, classes = rows["seed"].to_numpy(), range(len(emotions))
    by_seed = [seeds == seed for seed in np.unique(seeds)]
    counts = np.zeros((len(by_seed), len(voices), len(classes), len(classes)), int)
    for place, one in enumerate(by_seed):  # a random split may leave a voice out in some seed
        counts[place, np.unique(voice[one])] = scores.speaker_counts(truth[one], predicted[one], voice[one], classes=classes)
    return Counted(rows, emotions, voices, truth, predicted, voice, counts, inflation)


def probabilities(rows: pd.DataFrame) -> Probabilities | None:
    """None where some are not known or an emotion has none."""
    columns = [column for column in rows.columns if column.startswith("p.") and rows[column].notna().any()]
    classes = [column.removeprefix("p.") for column in columns]
    known = columns and rows[columns].notna().to_numpy().all() and {*rows["emotion"].unique(), *rows["predicted"].unique()} <= {*classes}
    return Probabilities(rows[columns], classes) if known else None


def _fold_uar(found: Counted) -> Interval:
    (fold,), _ = coded(folds_of(found.rows))
    part = fold * len(found.voices) + found.voice
    counts = scores.speaker_counts(found.truth, found.predicted, part, classes=range(len(found.emotions)))
    places = np.column_stack(np.divmod(np.unique(part), len(found.voices)))
    return scores.fold_uar_interval_of(counts, places, inflation=found.inflation)


def _of_probabilities(found: Counted) -> Iterator[Metric]:
    known = probabilities(found.rows)
    if not known:
        return
    (folds,), _ = coded(folds_of(found.rows))
    column = np.array([known.classes.index(emotion) for emotion in found.emotions])
    scored = scores.probability_intervals(
        *(column[found.truth], column[found.predicted], known.p, found.voice, folds),
        classes=range(len(known.classes)),
        repeats=len(found.counts),
        inflation=found.inflation,
    )
    yield Metric("auc", scored.auc)
    yield Metric("micro_auc", scored.micro_auc)
    yield Metric("log_loss", scored.log_loss)
    yield Metric("calibration_error", scored.calibration_error)
    yield from (Metric(f"auc.{emotion}", interval) for emotion, interval in zip(known.classes, scored.auc_by_class, strict=True))


def _by_gender(found: Counted, clips: pd.DataFrame) -> Iterator[Metric]:
    """UAR of each gender, and the differences between those that share no voice; nothing where a clip's is not known."""
    if "gender" not in clips:
        return
    gender = found.rows["clip"].map(clips["gender"])
    if gender.isna().any():
        return
    groups: dict[str, Counted] = {}
    for name, rows in ((str(name), rows) for name, rows in found.rows.groupby(gender.to_numpy(str))):
        if name and rows["voice"].nunique() > 1:
            groups[name] = count(rows, found.inflation)
            yield Metric(f"uar.{name}", scores.jackknife_of(groups[name].counts, inflation=found.inflation), name)
        elif name:
            yield Metric(f"uar.{name}", Interval(scores.uar(rows["emotion"], rows["predicted"]), np.nan, np.nan), name)
    for (name, mine), (other, theirs) in combinations(groups.items(), 2):
        if not set(mine.voices) & set(theirs.voices):
            above = scores.unpaired_difference_of(mine.counts, theirs.counts, inflation=found.inflation)
            yield Metric(f"uar.{name}-{other}", above, name, other)


def with_genders(table: pd.DataFrame) -> pd.DataFrame:
    """A table written before genders had columns, with those that can be told: ``uar.a-b`` is a difference if `a` and `b` have a UAR each.

    >>> import pandas as pd
    >>> old = pd.DataFrame({"metric": ["uar", "uar.fold", "uar.f", "uar.non-binary", "uar.f-non-binary", "uar.worst_speaker"]})
    >>> with_genders(old)[["gender", "minus"]].to_numpy().tolist()
    [['', ''], ['', ''], ['f', ''], ['non-binary', ''], ['f', 'non-binary'], ['', '']]
    """
    there = {name.removeprefix("uar.") for name in table["metric"] if name.startswith("uar.")} - {"fold", "worst_speaker"}
    pairs = {f"uar.{a}-{b}": (a, b) for a in there for b in there}
    told = {f"uar.{name}": (name, "") for name in there} | pairs
    genders, minus = zip(*(told.get(name, ("", "")) for name in table["metric"]), strict=True) if len(table) else ((), ())
    return table.assign(gender=genders, minus=minus)
