"""Speakers whose labels look shuffled: recognised no better than by chance, though all others are recognised well.

In:   what a system predicts of each clip, and whose voice it is.
Out:  the speakers that stand out, with the test that says so.
Rule: two tests have to agree: the speaker's UAR is lower than others' vary (Holm over speakers), and no higher than with the speaker's
      own labels permuted. A speaker whose recordings a system cannot use looks the same, and the sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.analyses.audits.finding import Finding, figure, p_value
from ser_bench.config import RunConfig
from ser_bench.corpora.names import first
from ser_bench.evaluation.evidence import SYSTEM
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.run_folder import Run
from ser_bench.features import feature_label
from ser_bench.scores.distributions import t_above
from ser_bench.utils.formatting import plural
from ser_bench.utils.quick import held_out_labels

CHECK = "labels"
ALPHA = 0.05
PERMUTATIONS = 999
FEWEST = 5
"""Speakers below which their spread is not known well enough."""


class Lost(NamedTuple):
    """A speaker who is recognised by chance, alone among the others.

    Parameters
    ----------
    voice : str
    uar : float
    p_low : float
        Of a UAR as far below the others', corrected.
    p_chance : float
        Of a UAR as high with this speaker's labels permuted.
    """

    voice: str
    uar: float
    p_low: float
    p_chance: float


def shuffled(truth: np.ndarray, predicted: np.ndarray, voices: np.ndarray) -> list[Lost]:
    """The speakers who stand out.

    A speaker's distance below the median UAR is measured in robust standard deviations: 1.4826 times the median deviation of the
    speakers above the median, whom nobody's shuffled labels reach, no less than the median standard error of a speaker's UAR by its
    number of clips. Its p is that of Student's t with a degree of freedom for each of these. Fewer than half may be shuffled.

    Parameters
    ----------
    truth : array of int, shape (n_clips,)
    predicted : array of int, shape (n_seeds, n_clips)
    voices : array of str, shape (n_clips,)
    """
    names = np.unique(voices)
    if len(names) < FEWEST:
        return []
    counts = scores.speaker_counts(truth, predicted, voices)
    uars = scores.uar_of(counts).mean(0)
    below = np.median(uars) - uars
    spread = max(1.4826 * float(np.median(-below[below <= 0])), float(np.median(_standard_errors(counts))))
    p_low = scores.holm(t_above(below / spread, np.count_nonzero(below <= 0)))
    found = []
    for number in np.flatnonzero(p_low < ALPHA):
        mine = voices == names[number]
        if len(np.unique(truth[mine])) == 1:  # whose labels are the same in any order
            continue
        p_chance = _p_chance(truth[mine], predicted[:, mine])
        if p_chance >= ALPHA:
            found.append(Lost(str(names[number]), float(uars[number]), float(p_low[number]), p_chance))
    return found


class ShuffledRow(NamedTuple):
    """What one row of a run predicts: codes of emotions, shapes (n_clips,) and (n_seeds, n_clips), whose voices, and its UAR."""

    name: str
    truth: np.ndarray
    predicted: np.ndarray
    voices: np.ndarray
    chance: float
    uar: float


def best_row(run: Run) -> ShuffledRow | None:
    """The row with the highest UAR of those that were evaluated without leaks; None where there is none."""
    rows = [_row(run, cell) for cell in run.cells.loc[run.cells["status"] == "ok", SYSTEM].itertuples(index=False, name=None)]
    return max(rows, key=lambda row: row.uar, default=None)


def _row(run: Run, cell: tuple[str, ...]) -> ShuffledRow:
    table = run.predictions
    mine = table[np.logical_and.reduce([table[name] == value for name, value in zip(SYSTEM, cell, strict=True)])]
    emotions = sorted({*mine["emotion"], *mine["predicted"]})
    wide = mine.pivot(index="clip", columns="seed", values="predicted")
    known = mine.drop_duplicates("clip").set_index("clip").loc[wide.index]
    truth = np.searchsorted(emotions, known["emotion"].to_numpy(str))
    predicted = np.stack([np.searchsorted(emotions, wide[seed].to_numpy(str)) for seed in wide])
    uar = float(np.mean([scores.uar(truth, codes) for codes in predicted]))
    return ShuffledRow(" ".join(cell), truth, predicted, known["voice"].to_numpy(str), chance_level(len(np.unique(truth))), uar)


def shuffled_by_ear(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """The speakers who stand out by what a linear system predicts from the outlines and spectra of recordings."""
    eval_set = prepared.eval_set
    outline, recording = (prepared.features[feature_label(name, config.preprocessing.label)] for name in ("outline", "recording"))
    x = np.hstack([outline.values, recording.values[:, [group != "recording" for group in recording.groups]]])
    predicted = held_out_labels(x, eval_set.codes, np.unique(eval_set.voices, return_inverse=True)[1])
    name = "a linear system on outlines, spectra and delivery"
    chance, uar = chance_level(len(eval_set.emotions)), scores.uar(eval_set.codes, predicted)
    yield from shuffled_by_row(ShuffledRow(name, eval_set.codes, predicted[None], eval_set.voices, chance, uar))


def shuffled_by_row(row: ShuffledRow) -> Iterator[Finding]:
    """The speakers who stand out by what a row predicts."""
    found = shuffled(row.truth, row.predicted, row.voices)
    if not found:
        return
    uars = scores.uar_of(scores.speaker_counts(row.truth, row.predicted, row.voices)).mean(0)
    who = [f"{one.voice} (UAR {figure(one.uar)}, p = {p_value(one.p_low)} and {p_value(one.p_chance)})" for one in found]
    level = f"chance {figure(row.chance)}, the median speaker {figure(float(np.median(uars)))}; by {row.name}"
    n = len(found)
    yield Finding(
        "warning",
        CHECK,
        f"{n} of {len(uars)} speakers {plural(n, 'is', 'are')} recognised by chance, unlike the others: {first(who)} ({level}). "
        "p is that of a UAR so far below the others' (Holm over speakers), and of one as high with the speaker's own labels permuted: "
        "their labels may be shuffled or shifted, or their recordings unlike the others'",
    )


def _standard_errors(counts: np.ndarray) -> np.ndarray:
    """Those of each speaker's UAR by the number of clips alone, half an error and half a hit added to each class."""
    clips, right = counts[0].sum(-1), np.diagonal(counts, axis1=-2, axis2=-1).mean(0)
    shares = (right + 0.5) / (clips + 1)
    variances = np.divide(shares * (1 - shares), clips, where=clips > 0, out=np.zeros(clips.shape))
    return np.asarray(np.sqrt(variances.sum(1)) / np.count_nonzero(clips, axis=1))


def _p_chance(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The share of permutations of one speaker's labels that are recognised at least as well."""
    weights = 1 / np.maximum(np.bincount(truth), 1) / len(np.unique(truth))
    permuted = np.random.default_rng(0).permuted(np.tile(truth, (PERMUTATIONS, 1)), axis=1)
    drawn = np.mean([(weights[permuted] * (permuted == mine)).sum(1) for mine in predicted], axis=0)
    seen = np.mean([(weights[truth] * (truth == mine)).sum() for mine in predicted])
    return float(1 + np.count_nonzero(drawn >= seen - 1e-12)) / (1 + PERMUTATIONS)
