"""What more training speakers bring: every row of a run again, trained on fewer of them.

In:   a plan, and what its run came to.
Out:  a row per system and number of training speakers: its mean UAR on the same held-out clips, over several draws of them.
Rule: in each fold some training speakers are drawn, the same for all rows, and nobody else is used for training. Which they are is luck: at
      least `DRAWS` sets are drawn, and what they differ by is part of the interval. Hyperparameters and rounds are held as the fold's
      search chose them among all: a point shows what fewer speakers cost a system. What searches among these would find, a sweep
      shows (``[sweep]``, ``"cv" = ["auto@4"]``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.refits import finished_units, refit_of
from ser_bench.evaluation.run_folder import LEARNING, Run
from ser_bench.evaluation.runner import run_units
from ser_bench.evaluation.splits import halvings
from ser_bench.evaluation.units import EvaluationSet, Refit, StoredResult, SystemName, make_unit
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 3
"""At least so many sets of training speakers are drawn for each fold, over all seeds."""


def curves_of(config: RunConfig, eval_set: EvaluationSet) -> bool:
    """Whether rows get curves: where they are asked for, and not under a LEAKY split."""
    return config.curves and not eval_set.protocol.leaky


def draws_per_seed(seeds: int) -> int:
    """How many sets of training speakers each seed draws for a fold.

    >>> [draws_per_seed(seeds) for seeds in (1, 2, 3, 5)]
    [3, 2, 1, 1]
    """
    return -(-DRAWS // seeds)


def learning_curves(
    planned: Plan, run: Run, progress: Progress, *, ratios: Mapping[SystemName, float], fresh: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """Evaluate every row that did not fail with half of the training speakers, a quarter, and so on, as long as there are two.

    The score of a point is the mean over draws of its training speakers, each seed's own. Its interval is that of
    `scores.mean_over_draws`: it holds what speakers evaluated differ by, and what draws do (with several seeds also their folds).

    Parameters
    ----------
    planned : Plan
    run : Run
        What it came to.
    ratios : mapping of tuple of str to float
        Each row's variance ratio, as `scores.variance_ratios` gives it.
    fresh : bool
        Fit everything again, finished or not.

    Returns
    -------
    table : DataFrame
        The columns of `LEARNING`. `speakers` counts training speakers, all ids of one person as one; at the end of a row's curve it is
        all of them, the fewest where folds differ. `draws` is how many sets of them each fold had over all seeds, `sd_draws` the standard
        deviation of the UAR between them; at the end, where nobody is drawn, 1 and blank, and the row is the leaderboard's.
    warnings : list of str
        That points are missing, and why.
    """
    import pandas as pd

    eval_set = planned.eval_set
    kept, warnings = finished_units(planned, run), []
    refits = {key: refit_of(unit) for key, unit in kept.items()}
    everybody = eval_set.fewest_voices()
    rows = [_whole_row(eval_set, system, everybody, codes, ratios[system]) for system, codes in _predicted(planned, kept).items()]
    for n in halvings(everybody):
        drawn = []
        failures: dict[str, str] = {}
        for draw in range(draws_per_seed(len(eval_set.folds))):
            fewer = plan_fewer(planned, refits, n, draw)
            done, failed, _ = run_units(fewer, progress, fresh=fresh)
            drawn.append(_predicted(fewer, done))
            failures |= failed
        rows += [
            _drawn_row(eval_set, system, n, [codes[system] for codes in drawn], ratios[system])
            for system in drawn[0]
            if all(system in codes for codes in drawn)
        ]
        if failures:
            first = next(iter(failures.values()))
            units = number_of(len(failures), "unit")
            warnings.append(f"learning curves: {units} trained on {n} speakers failed, the first: {first}")
    return pd.DataFrame(rows, columns=list(LEARNING.columns)).round(4).sort_values(list(LEARNING.columns[:5]), ignore_index=True), warnings


def _whole_row(eval_set: EvaluationSet, system: SystemName, n: int, codes: np.ndarray, ratio: float) -> tuple[Any, ...]:
    """The end of a system's curve: a row of `LEARNING`."""
    held = eval_set.evaluated
    found = scores.jackknife_interval(eval_set.codes[held], codes[:, held], eval_set.voices[held], inflation=ratio)
    return (eval_set.corpus, *system, n, 1, np.nan, *found)


def _drawn_row(eval_set: EvaluationSet, system: SystemName, n: int, codes: list[np.ndarray], ratio: float) -> tuple[Any, ...]:
    """A point of a system's curve, a row of `LEARNING`, from the codes of each draw, shape (n_seeds, n_clips)."""
    held, drawn = eval_set.evaluated, np.concatenate(codes)
    counts = scores.speaker_counts(eval_set.codes[held], drawn[:, held], eval_set.voices[held])
    score, low, high, sd_draws = scores.mean_over_draws(counts, inflation=ratio)
    return (eval_set.corpus, *system, n, len(drawn), sd_draws, score, low, high)


def _predicted(planned: Plan, done: Mapping[str, StoredResult]) -> dict[SystemName, np.ndarray]:
    """The codes that each system whose units are all done predicts, shape (n_seeds, n_clips)."""
    whole = {system: units for system, units in planned.systems.items() if all(unit.hash in done for unit in units)}
    return {system: planned.eval_set.predicted(units, done) for system, units in whole.items()}


def plan_fewer(planned: Plan, refits: Mapping[str, Refit], n: int, draw: int = 0) -> Plan:
    """The same rows trained on n speakers.

    Parameters
    ----------
    planned : Plan
    refits : mapping of str to Refit
        As `refit_of` gives them, by the hashes of the units that they are of; others are left out.
    n, draw : int
        Which of the sets of so many speakers they are trained on.
    """
    eval_set = dataclasses.replace(planned.eval_set, protocol=dataclasses.replace(planned.eval_set.protocol, max_speakers=n, draw=draw))
    units = [
        make_unit(eval_set, planned.features[u.features], planned.models[u.model], u.track, u.seed, u.fold, refits[u.hash])
        for u in planned.units
        if u.hash in refits
    ]
    # There are no studies to be copied.
    config = dataclasses.replace(planned.config, storage="")
    return dataclasses.replace(planned, data=dataclasses.replace(planned.data, eval_set=eval_set), config=config, units=units)
