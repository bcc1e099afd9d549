"""Which feature groups matter.

In:   a corpus, feature sets, models.
Out:  a row per subset of groups: each group alone, all but one, and forward selection; its UAR, and the difference from that of all groups.
Rule: every subset is evaluated as a row of a leaderboard is: re-tuned inside the training speakers (or with the hyperparameters
      that were chosen there for all groups), on the same clips and folds. Forward selection sees inner scores alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall, unknown
from ser_bench.evaluation.analysis_folders import ABLATION
from ser_bench.evaluation.plan import Plan, PreparedData, choose_models, prepare_data, search_of
from ser_bench.evaluation.refits import losses_of
from ser_bench.evaluation.runner import finish_all
from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import StoredResult, Tune, Unit, make_unit
from ser_bench.features import Features
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.models.base import Model

MODES = ("alone", "without", "forward")
"""One group alone; all but one; the best next one."""

Groups = tuple[str, ...]


class FoldRef(NamedTuple):
    """A seed and an outer fold."""

    seed: int
    fold: int


@dataclass(frozen=True)
class Variation:
    """A way to leave groups out: for each place, the groups that are kept there.

    Parameters
    ----------
    mode : {'all', 'alone', 'without', 'forward'}
    group : str
        What the row is called.
    kept : dict of FoldRef to tuple of str
    """

    mode: str
    group: str
    kept: dict[FoldRef, Groups]


class SubsetEvaluator:
    """One feature set and one model, whose subsets are evaluated on common ground; what is evaluated once is kept.

    Parameters
    ----------
    prepared : PreparedData
    features : Features
    model : Model
    config : RunConfig
    hold : bool
        Hold the parameters that were chosen for all groups, instead of tuning each subset again.
    progress : Progress

    Attributes
    ----------
    warnings : list of str
        That refits without pairs of folds failed, and why.
    """

    def __init__(
        self, prepared: PreparedData, features: Features, model: Model, config: RunConfig, progress: Progress, *, hold: bool
    ) -> None:
        self.prepared, self.features, self.config, self.progress, self.hold = prepared, features, config, progress, hold
        self.models = {model.label: model}
        self.groups = tuple(sorted(set(features.groups)))
        self.places = [FoldRef(seed, fold) for seed, folds in prepared.eval_set.folds.items() for fold in range(folds.max() + 1)]
        self.units: dict[tuple[FoldRef, Groups], Unit] = {}
        self.found: dict[tuple[FoldRef, Groups], StoredResult] = {}
        self.warnings: list[str] = []
        self.evaluate((place, self.groups) for place in self.places)

    def evaluate(self, wanted: Iterable[tuple[FoldRef, Groups]]) -> None:
        """Evaluate subsets at places, all that were not evaluated yet in parallel.

        Raises
        ------
        WorkFailed
            Where a unit failed; the others are kept.
        """
        todo = [key for key in dict.fromkeys(wanted) if key not in self.found]
        subsets = {kept: self.features.of_groups(kept) for kept in dict.fromkeys(kept for _, kept in todo)}
        units = {key: self._unit(key[0], subsets[key[1]]) for key in todo}
        features = {subset.label: subset for subset in subsets.values()}
        done = finish_all(self._plan(features, list(units.values())), self.progress)
        self.units |= units
        self.found |= {key: done[unit.hash] for key, unit in units.items()}

    def _plan(self, features: dict[str, Features], units: list[Unit]) -> Plan:
        return Plan(dataclasses.replace(self.prepared, features=features), self.config, self.models, units)

    def _unit(self, place: FoldRef, subset: Features) -> Unit:
        (model,) = self.models.values()
        whole = self.found.get((place, self.groups))
        inner = self.config.inner
        task = Tune(1, inner, chosen(whole)) if self.hold and whole else search_of(model, self.config)
        track = self.config.track[0]
        return make_unit(self.prepared.eval_set, subset, model, track, place.seed, place.fold, task)

    @property
    def hashes(self) -> list[str]:
        """Those of the units that evaluated all groups together."""
        return [self.units[place, self.groups].hash for place in self.places]

    def predicted(self, variation: Variation) -> np.ndarray:
        """Codes predicted where these groups are kept, shape (n_seeds, n_clips)."""
        return self.prepared.eval_set.joined({place: self.found[place, groups].predicted for place, groups in variation.kept.items()})

    def counts(self, variation: Variation) -> np.ndarray:
        """Confusions by voice where these groups are kept, shape (n_seeds, n_voices, k, k)."""
        eval_set = self.prepared.eval_set
        held, predicted = eval_set.evaluated, self.predicted(variation)
        return scores.speaker_counts(eval_set.codes[held], predicted[:, held], eval_set.voices[held], classes=range(len(eval_set.emotions)))

    def everywhere(self, mode: str, group: str, kept: Iterable[str]) -> Variation:
        """A variation that keeps the same groups at every place."""
        return Variation(mode, group, dict.fromkeys(self.places, tuple(sorted(kept))))

    def losses(self, variations: Sequence[Variation]) -> list[np.ndarray]:
        """What folds lose without each other where these groups are kept.

        Each is of shape (n_seeds, n_folds, n_folds); NaN where nothing was refitted.
        """
        keys = list(dict.fromkeys(key for variation in variations for key in variation.kept.items()))
        sets = {self.units[key].features: self.features.of_groups(key[1]) for key in keys}
        units = list({self.units[key].hash: self.units[key] for key in keys}.values())
        finished = {self.units[key].hash: self.found[key] for key in keys}
        table, warnings = losses_of(self._plan(sets, units), finished, self.progress)
        self.warnings += warnings
        by_unit = dict(list(table.groupby(["features", "seed", "fold"])))
        return [self._losses(variation, by_unit) for variation in variations]

    @cached_property
    def refitted(self) -> scores.System:
        """All groups together."""
        whole = self.everywhere("all", "", self.groups)
        return scores.System(self.counts(whole), self.losses([whole])[0])

    @cached_property
    def not_refitted(self) -> scores.System:
        """All groups together, of which no losses were measured."""
        return scores.System(self.counts(self.everywhere("all", "", self.groups)), self._unmeasured())

    def _unmeasured(self) -> np.ndarray:
        n_folds = max(place.fold for place in self.places) + 1
        return np.full((len(self.prepared.eval_set.folds), n_folds, n_folds), np.nan)

    def _losses(self, variation: Variation, by_unit: dict[Any, pd.DataFrame]) -> np.ndarray:
        seeds = {seed: number for number, seed in enumerate(self.prepared.eval_set.folds)}
        found = self._unmeasured()
        for place, groups in variation.kept.items():
            rows = by_unit.get((self.units[place, groups].features, place.seed, place.fold))
            if rows is not None:
                found[seeds[place.seed], place.fold, rows["without"].to_numpy(int)] = rows["loss"].to_numpy(float)
        return found

    def row(self, variation: Variation, features: str) -> dict[str, Any]:
        """A row of `ABLATION` without its interval and its difference from others; `features` is what it calls the feature set."""
        counts, (model,) = self.counts(variation), self.models
        widths = [sum(group in kept for group in self.features.groups) for kept in variation.kept.values()]
        return {
            "corpus": self.prepared.eval_set.corpus,
            "features": features,
            "model": model,
            "mode": variation.mode,
            "group": variation.group,
            "uar": float(scores.uar_of(counts.sum(1)).mean()),
            **dict.fromkeys(("diff", "diff_low", "diff_high", "p", "uar_low", "uar_high"), np.nan),
            "dims": round(np.mean(widths)),
            "track": self.config.track[0],
            "cv": str(self.prepared.eval_set.protocol),
        }


def chosen(unit: StoredResult) -> dict[str, object]:
    """The parameters that a unit's search chose."""
    return dict(unit.metadata["params"])


def inner_score(unit: StoredResult) -> float:
    """The best inner score of a unit's search."""
    score = max(trial["score"] for trial in unit.metadata["trials"] if trial["state"] == "complete")
    if np.isnan(score):
        raise WrongCall("mode forward asks inner scores which group is best, and a single training speaker gives none; leave it out")
    return float(score)


def set_up(
    config: RunConfig, progress: Progress, *, hold: bool = False, grouped: bool = True
) -> tuple[PreparedData, list[SubsetEvaluator]]:
    """A bench for each feature set and model, all groups evaluated.

    Parameters
    ----------
    config : RunConfig
        For one corpus, of one track.
    hold : bool
        As `SubsetEvaluator` takes it.
    grouped : bool
        Whether groups are to be distinguished, so that a feature set needs several.

    Raises
    ------
    WrongCall
        As a run; for several tracks; for a feature set of a single group.
    WorkFailed
        As `SubsetEvaluator.evaluate`.
    """
    if len(config.track) > 1:
        raise WrongCall(f"track: an ablation takes one, and {', '.join(config.track)} are named")
    models = choose_models(config).values()
    prepared = prepare_data(config, config.features, progress)
    check_honest(prepared.eval_set.protocol)
    for features in prepared.features.values():
        if grouped and len(set(features.groups)) < 2:
            raise WrongCall(f"-f {features.name} has a single group of columns ('{features.groups[0]}'): there is nothing to leave out")
    sets = prepared.features.values()
    return prepared, [SubsetEvaluator(prepared, features, model, config, progress, hold=hold) for features in sets for model in models]


NOTHING = ("diff", "diff_low", "diff_high")
"""What is 0 of a row that is compared with itself."""


def fill(table: pd.DataFrame, rows: pd.Index | list[int], systems: Sequence[scores.System], reference: scores.System | None) -> None:
    """Write intervals into rows of `ABLATION`, one per system, and what these are above a reference on the same clips.

    P-values are corrected for their number; without a reference no difference is reported.
    """
    ratios = scores.ratios_of([*([reference] if reference else []), *systems])
    own = np.diag(ratios)[-len(systems) :]
    bounds = [scores.jackknife_of(system.counts, inflation=float(ratio)) for system, ratio in zip(systems, own, strict=True)]
    table.loc[rows, ["uar_low", "uar_high"]] = [found[1:] for found in bounds]
    if reference:
        found = scores.differences_of([system.counts for system in systems], reference.counts, ratios[0, 1:].tolist())
        table.loc[rows, ["diff", "diff_low", "diff_high", "p"]] = found


def check_honest(protocol: Protocol) -> None:
    """Refuse a split that shares speakers: what groups bring is asked of unseen speakers."""
    if protocol.leaky:
        raise WrongCall(f"--cv {protocol}: an ablation needs unseen speakers; use auto, loso or group:K")


def check_modes(modes: Sequence[str]) -> None:
    """Refuse a mode that nobody knows."""
    for mode in modes:
        if mode not in MODES:
            raise unknown("mode", mode, MODES)


def ablate(bench: SubsetEvaluator, modes: Sequence[str] = MODES) -> pd.DataFrame:
    """Evaluate a model on subsets of a feature set's groups.

    Parameters
    ----------
    bench : SubsetEvaluator
    modes : sequence of {'alone', 'without', 'forward'}
        One group alone; all but one; the best next one, as inner scores of each fold's training speakers have it, until all are in.

    Returns
    -------
    DataFrame
        The columns of `ABLATION`. A row of mode ``all`` comes first; then what can do most alone, what is missed most, and the steps
        forward. `diff` is a row's UAR minus the first's, with an interval over speakers and `p`, both corrected for the number of
        rows of its mode (`scores.differences_of`).

    Raises
    ------
    WorkFailed
        As `SubsetEvaluator.evaluate`.
    """
    return _tabulate(bench, list(variations(bench, modes)))


def variations(bench: SubsetEvaluator, modes: Sequence[str]) -> Iterator[Variation]:
    """All variations of the modes, evaluated."""
    yield bench.everywhere("all", "", bench.groups)
    ways = {
        "alone": [bench.everywhere("alone", group, [group]) for group in bench.groups],
        "without": [bench.everywhere("without", group, set(bench.groups) - {group}) for group in bench.groups],
    }
    fixed = [variation for mode in modes for variation in ways.get(mode, ())]
    bench.evaluate(key for variation in fixed for key in variation.kept.items())
    yield from fixed
    if "forward" in modes:
        yield from select_forward(bench)


def select_forward(bench: SubsetEvaluator) -> Iterator[Variation]:
    """Take groups in one by one, at every place the one with which the inner score of its training speakers gets best.

    The row of a step is named after the groups taken there most often, with the share of places that took them.
    """
    taken: dict[FoldRef, Groups] = dict.fromkeys(bench.places, ())
    for step in range(1, len(bench.groups)):
        options = {place: [tuple(sorted((*kept, new))) for new in bench.groups if new not in kept] for place, kept in taken.items()}
        bench.evaluate((place, option) for place, choices in options.items() for option in choices)
        before = dict(taken)
        for place, choices in options.items():
            taken[place] = max(choices, key=lambda option: inner_score(bench.found[place, option]))
        newest = Counter(next(iter(set(taken[place]) - set(before[place]))) for place in bench.places)
        group, times = min(newest.items(), key=lambda item: (-item[1], item[0]))
        yield Variation("forward", f"{step}: + {group} ({times} of {len(bench.places)} folds)", dict(taken))


def _tabulate(bench: SubsetEvaluator, varied: list[Variation]) -> pd.DataFrame:
    """One row per variation, with its difference from the first."""
    import pandas as pd

    table = pd.DataFrame([bench.row(variation, bench.features.label) for variation in varied], columns=list(ABLATION.columns))
    systems = [scores.System(bench.counts(mine), losses) for mine, losses in zip(varied, bench.losses(varied), strict=True)]
    for mode, same in table.groupby("mode"):
        fill(table, same.index, [systems[place] for place in same.index], None if mode == "all" else systems[0])
    table.loc[table["mode"] == "all", list(NOTHING)] = 0.0
    # What can do most alone first, what is missed most first, steps as they were taken.
    keys = table.assign(_mode=table["mode"].map({"all": 0, "alone": 1, "without": 2, "forward": 3}))
    keys["_first"] = np.select([keys["mode"] == "alone", keys["mode"] == "without"], [-keys["uar"], keys["uar"]], 0.0)
    return table.loc[keys.sort_values(["_mode", "_first"], kind="stable").index].round(4)
