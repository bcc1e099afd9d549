"""A recipe, run: each experiment as published and speaker-independently, the same input with `svm` beside it.

In:   a recipe's experiment and a corpus.
Out:  what is to be fitted (`jobs_of`), and scores of it in every metric (`score_table`), with what they come from (`explain`).
Rule: nothing is tuned to meet a claim. What is stated is held fixed both ways; the honest way selects epochs on training speakers alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.metrics import metrics_of, probabilities
from ser_bench.evaluation.plan import Plan, PreparedData, check_widths, choose_models
from ser_bench.evaluation.published import TEST, AsPublished, as_published
from ser_bench.evaluation.recipes import COLUMNS
from ser_bench.evaluation.tabulation import prediction_rows
from ser_bench.evaluation.units import EvaluationSet, PublishedFit, StoredResult, Task, Tune, Unit, make_unit
from ser_bench.scores import Interval
from ser_bench.utils.spec import parse

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.recipes import Experiment
    from ser_bench.models.base import Model

COMPARED = "svm"
"""The model that each system is set beside, on the same input."""
CLAIMED, REPRODUCED, INSIDE, HONEST = "claimed", "reproduced", "selected inside", "honest"
RUNS = {
    CLAIMED: "claimed",
    REPRODUCED: "as published",
    INSIDE: "published split, epoch selected on training clips",
    HONEST: "honest: speaker-independent",
}
"""What stands in the column `run`, and in words."""
ABOVE = f"uar above {COMPARED}"
"""The metric of a difference."""
STATED = ("labels", "where", "class_weights", "offset", "duration", "trim", "augment", "augment_times", "augment_only")
"""The keys of a configuration that are an experiment's own, beside its feature set, model and scaling."""
MICRO = ("micro_precision", "micro_recall", "micro_f1")
"""Each of which is the accuracy, where a clip has one class and one decision."""


class Job(NamedTuple):
    """A unit of an experiment before it is hashed: in which run, of which model, and what is to be done."""

    run: str
    model: str
    track: str
    seed: int
    fold: int
    task: Task


@dataclass(frozen=True)
class ExperimentSetup:
    """An experiment on the clips that it is evaluated on.

    Parameters
    ----------
    experiment : Experiment
    config : RunConfig
        Of its honest run.
    prepared : PreparedData
    published : AsPublished
    models : mapping of str to Model
    cut : str
        By how much epochs were cut, in words; empty where they were not.
    """

    experiment: Experiment
    config: RunConfig
    prepared: PreparedData
    published: AsPublished
    models: Mapping[str, Model]
    cut: str

    @property
    def system(self) -> str:
        """The model of the published system."""
        return next(iter(self.models))

    def plan(self, *, honest: bool) -> Plan:
        """The units of the honest run, or of those under the published split."""
        eval_set = self.prepared.eval_set if honest else self.published.eval_set
        data = dataclasses.replace(self.prepared, eval_set=eval_set)
        return Plan(data, self.config, dict(self.models), [unit for _, unit in self.units(honest=honest)])

    def units(self, *, honest: bool) -> Iterator[tuple[Job, Unit]]:
        """Each unit with its job."""
        eval_set = self.prepared.eval_set if honest else self.published.eval_set
        (matrix,) = self.prepared.features.values()
        for job in jobs_of(self.prepared.eval_set, self.published, self.models, self.config):
            if (job.run == HONEST) == honest:
                yield job, make_unit(eval_set, matrix, self.models[job.model], job.track, job.seed, job.fold, job.task)


def set_up(experiment: Experiment, config: RunConfig, prepared: PreparedData, cut: str) -> ExperimentSetup:
    """An experiment on prepared clips.

    Raises
    ------
    WrongCall
        Where the published split cannot be made of these clips.
    """
    return ExperimentSetup(experiment, config, prepared, as_published(prepared.eval_set, experiment.split), choose_models(config), cut)


def config_of(experiment: Experiment, config: RunConfig, most_epochs: int) -> tuple[RunConfig, str]:
    """The configuration of an experiment's honest run, and how far epochs were cut, in words.

    Parameters
    ----------
    config : RunConfig
        For one corpus, with what a recipe leaves open: folds, seeds, budget, folders.
    most_epochs : int
        Epochs of a fit at most; 0 is as stated.
    """
    model, cut = cut_epochs(experiment.model, most_epochs)
    stated = {name: getattr(experiment, name) for name in STATED}
    models = tuple(dict.fromkeys([model, COMPARED]))
    tracks = tuple(dict.fromkeys([experiment.scaling, "train"]))
    return dataclasses.replace(config, features=(experiment.features,), models=models, track=tracks, learning_curves=False, **stated), cut


def cut_epochs(model: str, most: int) -> tuple[str, str]:
    """A model with no more than so many epochs, and what was cut in words.

    >>> cut_epochs("dense(layers=64-32,epochs=1000)", 50)
    ('dense(layers=64-32,epochs=50)', 'epochs cut from 1,000 to 50')
    """
    name, parameters = parse(model)
    epochs = parameters.get("epochs", 0)
    if not most or epochs <= most:
        return model, ""
    inside = ",".join(f"{key}={most if key == 'epochs' else value}" for key, value in parameters.items())
    return f"{name}({inside})", f"epochs cut from {epochs:,} to {most:,}"


def jobs_of(eval_set: EvaluationSet, published: AsPublished, models: Mapping[str, Model], config: RunConfig) -> Iterator[Job]:
    """What is to be fitted for an experiment: its system and `COMPARED`, both ways.

    Where the test clips selected the epoch, the system is also fitted under the published split with its epoch selected on training clips,
    so that the two leaks are measured separately.
    """
    system, *others = models
    stated, searched = Tune(1, config.inner), Tune(config.trials, config.inner)
    for seed, folds in published.eval_set.folds.items():
        for fold in range(folds.max() + 1):
            yield Job(REPRODUCED, system, config.track[0], seed, fold, as_stated(models[system], published, seed))
            if published.selection == TEST:
                yield Job(INSIDE, system, config.track[0], seed, fold, stated)
            yield from (Job(REPRODUCED, other, "train", seed, fold, searched) for other in others)
    for seed, folds in eval_set.folds.items():
        for fold in range(folds.max() + 1):
            yield Job(HONEST, system, config.track[0], seed, fold, stated)
            yield from (Job(HONEST, other, "train", seed, fold, searched) for other in others)


def as_stated(model: Model, published: AsPublished, seed: int) -> PublishedFit:
    """A fit with the hyperparameters that are stated, those that are not at the model's defaults."""
    selecting = published.selecting(seed)
    return PublishedFit(model.start, None if selecting else model.setting(model.start).get("epochs"), selecting)


def published_predictions(setup: ExperimentSetup, done: Mapping[str, StoredResult]) -> pd.DataFrame:
    """What was predicted under the published split: the columns of `PREDICTIONS`, and `run` and `part`."""
    import pandas as pd

    planned, rows = setup.plan(honest=False), []
    for job, unit in setup.units(honest=False):
        held = setup.published.eval_set.held_out(unit.seed, unit.fold)
        parts = setup.published.parts[unit.seed][held]
        rows.append(prediction_rows(planned, unit, done[unit.hash]).assign(run=job.run, part=parts))
    return pd.concat(rows, ignore_index=True)


def score_table(setup: ExperimentSetup, published: pd.DataFrame, honest: pd.DataFrame, notes: Iterable[str]) -> pd.DataFrame:
    """Every metric of every system, claimed and measured: the columns of `COLUMNS`, rounded to four digits.

    Parameters
    ----------
    setup : ExperimentSetup
    published : DataFrame
        As `published_predictions` gives it.
    honest : DataFrame
        The predictions of the honest run.
    notes : iterable of str
        What every measured row is to say.
    """
    import pandas as pd

    name, told = setup.experiment.name, list(notes)
    rows: list[tuple[object, ...]] = [
        (name, setup.system, CLAIMED, c.part, c.metric, c.value, np.nan, np.nan, c.over, 0, 0, "", []) for c in setup.experiment.claimed
    ]
    everything = pd.concat([published, honest.assign(run=HONEST, part=TEST)], ignore_index=True)
    crossed = bool(setup.experiment.split.folds)
    for (model, run, part), mine in everything.groupby(["model", "run", "part"], sort=False):
        voices, clips = mine["voice"].nunique(), mine["clip"].nunique()
        inflation = scores.overlap_bound(voices) if run == HONEST or crossed else 1.0
        leaks = leaks_of(setup.published, model == setup.system, str(run), str(part))
        status, said = "leaky" if leaks else "ok", [*told, *leaks]
        for metric, interval in metrics_in(mine, setup.prepared.eval_set, inflation):
            rows.append((name, model, run, part, metric, *interval, False, clips, voices, status, said))
    rows += [(name, setup.system, HONEST, TEST, ABOVE, *found, False, 0, 0, "ok", told) for found in _above(honest, setup)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4)


def _above(honest: pd.DataFrame, setup: ExperimentSetup) -> Iterator[Interval]:
    """The difference in UAR of the system from `COMPARED`, paired by speaker; nothing where the two are one."""
    if setup.system == COMPARED:
        return
    classes, tables = setup.prepared.eval_set.emotions, []
    for model in (setup.system, COMPARED):
        mine = honest[honest["model"] == model]
        by_seed = [rows for _, rows in mine.groupby("seed")]
        counted = [scores.speaker_counts(rows["emotion"], rows["predicted"], rows["voice"], classes=classes) for rows in by_seed]
        tables.append(np.stack(counted))
    yield scores.difference_of(*tables, inflation=scores.overlap_bound(tables[0].shape[1]))


def leaks_of(published: AsPublished, stated: bool, run: str, part: str) -> list[str]:
    """Why a score is LEAKY: whom it was trained on, and whether its clips selected the epoch, as they do for the `stated` system alone."""
    if run == HONEST:
        return []
    return published.leaks(part, selected=stated and run == REPRODUCED)


def metrics_in(rows: pd.DataFrame, eval_set: EvaluationSet, inflation: float) -> Iterator[tuple[str, Interval]]:
    """The metrics of one system's predictions, named as claims name them; of two-column labels also the reading in two steps."""
    for found in metrics_of(rows, eval_set.clips, inflation):
        yield from ((name, found.interval) for name in (("accuracy", *MICRO) if found.name == "war" else (found.name,)))
    if len(eval_set.made_of) == 2:
        yield from _in_two_steps(rows, eval_set, inflation)


def _in_two_steps(rows: pd.DataFrame, eval_set: EvaluationSet, inflation: float) -> Iterator[tuple[str, Interval]]:
    """First the value of the first column, by summed probability, then the class: nothing where probabilities are not known."""
    known = probabilities(rows)
    if known is None:
        return
    classes = np.array(known.classes)
    groups = np.array([eval_set.parts[name][0] for name in known.classes])
    found = scores.two_steps(known.p, groups)
    truth, voices = rows["emotion"].to_numpy(str), rows["voice"].to_numpy(str)
    counts = scores.speaker_counts(truth, classes[found.classes], voices, classes=classes)[None]
    yield "two_steps.accuracy", scores.war_interval_of(counts, inflation=inflation)
    yield "two_steps.uar", scores.jackknife_of(counts, inflation=inflation)
    meant = np.array([eval_set.parts[name][0] for name in truth])
    names = np.unique(groups)
    by_group = scores.speaker_counts(meant, names[found.groups], voices, classes=names)[None]
    yield f"two_steps.{eval_set.made_of[0]}", scores.war_interval_of(by_group, inflation=inflation)


def check_systems(experiments: Iterable[Experiment], config: RunConfig, most_epochs: int, name: str) -> None:
    """Refuse models that are not installed or want more columns than they are given, and to cut epochs of systems that have none.

    Parameters
    ----------
    experiments, config, most_epochs
        As in `config_of`.
    name : str
        The recipe's.

    Raises
    ------
    WrongCall
    """
    for experiment in experiments:
        mine, _ = config_of(experiment, config, most_epochs)
        check_widths(mine.features, choose_models(mine))
    if most_epochs and not any("epochs" in parse(one.model)[1] for one in experiments):
        raise WrongCall(f"--max-epochs {most_epochs}: the recipe {name} states no epochs; leave it out")
