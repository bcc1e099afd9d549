"""Published systems: a recipe run as published, and the same system speaker-independently.

In:   a recipe's name, a corpus, and what a recipe leaves open: folds, seeds, budget, folders, processes.
Out:  `Reproduced`, whose folder has claimed, reproduced and honest scores; one ordinary run per experiment beside it.
Rule: what a recipe states cannot be set otherwise. All experiments are read and extracted before the first is evaluated; one that this
      copy of the corpus does not allow is left out and named, and refused where no other is left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from ser_bench.api.options import RunOptions, configured, takes
from ser_bench.api.publishing import published
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.analysis_folders import RecipeFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.results import Reproduced, Results
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress, progress_of
from ser_bench.utils.spec import within

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus, Source
    from ser_bench.evaluation.estimate import Forecast
    from ser_bench.evaluation.recipes import Experiment, Recipe
    from ser_bench.evaluation.reproduction import ExperimentSetup, Job

LEFT_OPEN = frozenset(
    {
        *("corpus", "columns", "table", "cv", "budget", "trials", "inner", "seeds", "seed", "rope"),
        *(
            "figure_style",
            "max_skipped",
            "allow_conflicts",
            "allow_similar_names",
            "jobs",
            "backend",
            "scheduler",
            "storage",
            "out",
            "cache",
        ),
    }
)
"""The keys of a configuration that a recipe leaves open."""
FORECAST = ["experiment", "run", "features", "model", "units", "to do", "fits", "minutes"]


class Choice(NamedTuple):
    """Which recipe is to be run, and what of it.

    Parameters
    ----------
    recipe : str
        Its name, or a TOML file.
    experiments : tuple of str
        Its experiments to run; empty for all.
    max_epochs : int
        The most epochs of a fit, stated beside every score; 0 trains as published.
    """

    recipe: str
    experiments: tuple[str, ...] = ()
    max_epochs: int = 0

    def check(self) -> None:
        """Refuse options of a recipe where none is named, and a number of epochs out of range.

        Raises
        ------
        WrongCall
        """
        within("max_epochs", self.max_epochs, 0, 1_000_000)
        for option, given in (("--max-epochs", self.max_epochs), ("--experiment", self.experiments)):
            if given and not self.recipe:
                raise WrongCall(f"{option} has no effect without --recipe: it says {PURPOSES[option]}")


PURPOSES = {
    "--max-epochs": "how many epochs a recipe's systems are trained at most",
    "--experiment": "which experiments of a recipe are run",
}


class Ready(NamedTuple):
    """A recipe with the corpus that it is run on, the configuration of what it leaves open, and what this copy lacks."""

    recipe: Recipe
    corpus: Corpus
    config: RunConfig
    lacking: list[str]


def run_recipe(choice: Choice, given: Mapping[str, Any], *, progress: Progress | bool | None = None, fresh: bool = False) -> Reproduced:
    """Run a recipe: as published, then speaker-independently, then `svm` on the same input.

    Parameters
    ----------
    choice : Choice
    given : mapping
        Keys of `RunConfig`: the corpus, and those of `LEFT_OPEN`.
    progress, fresh
        As in `run`.

    Raises
    ------
    WrongCall
        For a corpus of another reader, a key that the recipe states, and what no experiment can be run without.
    WorkFailed
        Where a unit failed; the others are kept.
    """
    ready, shown = _ready(choice, given), progress_of(progress)
    check_writable("--out", Path(ready.config.out))
    setups, left_out = _setups(ready, choice.max_epochs, shown)
    done = [_evaluated(setup, ready, shown, fresh=fresh) for setup in setups]
    return _published(ready, setups, done, left_out)


@takes("run")
def reproduce(
    corpus: Source,
    recipe: str,
    *,
    experiment: str | Sequence[str] = (),
    max_epochs: int = 0,
    progress: Progress | bool | None = None,
    fresh: bool = False,
    **options: Unpack[RunOptions],
) -> Reproduced:
    """Run a published system as published, and then, as all others are, speaker-independently.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        As `run` takes it.
    recipe : str
        A published system (``ser-bench recipes``), or a TOML file that states one.
    experiment : str or several
        The experiments to run; by default all.
    max_epochs : int
        The most epochs of a fit, stated beside every score; 0 trains as published.
    progress, fresh
        As `run` takes them.
    **options
        The keys of `RunConfig` that the recipe does not state.

    Raises
    ------
    WrongCall, WorkFailed
        As `run_recipe` does.
    """
    choice = Choice(recipe, (experiment,) if isinstance(experiment, str) else tuple(experiment), max_epochs)
    choice.check()
    return run_recipe(choice, {"corpus": corpus, **options}, progress=progress, fresh=fresh)


def _ready(choice: Choice, given: Mapping[str, Any]) -> Ready:
    from ser_bench.corpora import load_corpus
    from ser_bench.evaluation.recipes import recipe_named, with_experiments
    from ser_bench.evaluation.reproduction import check_systems

    recipe = with_experiments(recipe_named(choice.recipe), choice.experiments)
    if stated := [key for key in given if key not in LEFT_OPEN]:
        raise WrongCall(f"--recipe {recipe.name}: '{stated[0]}' is stated by the recipe; leave it out, or run the system without --recipe")
    config = configured("run", given)
    if len(config.corpus) > 1:
        raise WrongCall(f"--recipe {recipe.name} is run on one corpus, and {len(config.corpus)} are named")
    config = config.for_corpus(config.corpus[0])
    config = dataclasses.replace(config, seeds=given.get("seeds") or 1)
    check_systems(recipe.experiments, config, choice.max_epochs, recipe.name)
    corpus = load_corpus(config.corpus[0], cache=config.cache, **config.reading)
    if corpus.name.partition("(")[0] != recipe.corpus:
        raise WrongCall(f"--recipe {recipe.name} is of {recipe.corpus}, and this is {corpus.name}: name a folder of {recipe.corpus}")
    lacking = [f"the published system had {one.what} as well: not here" for one in recipe.wanted if not _has(corpus, one.where)]
    return Ready(recipe, corpus, dataclasses.replace(config, corpus=(corpus,)), lacking)


def _has(corpus: Corpus, where: str) -> bool:
    """Whether a corpus has clips for which an expression is true; one without that column has none, and so has an empty expression."""
    from ser_bench.corpora import filter_clips

    try:
        return bool(where) and len(filter_clips(corpus.clips, where, corpus.name, corpus.target)[0]) > 0
    except WrongCall:
        return False


def _setups(ready: Ready, max_epochs: int, progress: Progress) -> tuple[list[ExperimentSetup], list[str]]:
    """The experiments that this copy of the corpus allows, and why others are left out."""
    from ser_bench.evaluation.plan import prepare_data
    from ser_bench.evaluation.reproduction import config_of, set_up

    setups, left_out = [], []
    for experiment in ready.recipe.experiments:
        config, cut = config_of(experiment, ready.config, max_epochs)
        try:
            setups.append(set_up(experiment, config, prepare_data(config, config.features, progress), cut))
        except WrongCall as error:
            if len(ready.recipe.experiments) == 1:
                raise
            left_out.append(f"experiment '{experiment.name}' is left out: {error}")
    if not setups:
        raise WrongCall(
            f"--recipe {ready.recipe.name}: no experiment can be run on this copy of {ready.corpus.name}; the first: {left_out[0]}"
        )
    return setups, left_out


class Evaluated(NamedTuple):
    """What an experiment came to: its scores, where they come from, and its honest run."""

    table: pd.DataFrame
    line: str
    honest: Results
    predictions: pd.DataFrame


def _evaluated(setup: ExperimentSetup, ready: Ready, progress: Progress, *, fresh: bool) -> Evaluated:
    from ser_bench.errors import WorkFailed
    from ser_bench.evaluation import runner
    from ser_bench.evaluation.explanation import explain
    from ser_bench.evaluation.published import TEST
    from ser_bench.evaluation.reproduction import published_predictions, score_table

    done = runner.finish_all(setup.plan(honest=False), progress, fresh=fresh)
    run = runner.execute(setup.plan(honest=True), progress, fresh=fresh)
    if run.failures:
        raise WorkFailed(f"{number_of(len(run.failures), 'unit')} failed, the first: {run.failures[0]}; the others are kept")
    honest = published(run, setup.prepared, setup.config)
    notes = [*([setup.cut] if setup.cut else []), *ready.lacking]
    predictions = published_predictions(setup, done)
    table = score_table(setup, predictions, run.predictions, notes)
    line = explain(table, cut=setup.cut, shared=setup.published.shared(TEST) > 0)
    return Evaluated(table, line, honest, predictions.assign(experiment=setup.experiment.name))


def _published(ready: Ready, setups: list[ExperimentSetup], done: list[Evaluated], left_out: list[str]) -> Reproduced:
    """Write the recipe's folder, and the pages of its honest runs again, which show it."""
    import pandas as pd

    from ser_bench.evaluation.environment import evaluated, surroundings
    from ser_bench.reports import publish_recipe, write_page
    from ser_bench.reports.index_page import indexed

    recipe, table = ready.recipe, pd.concat([one.table for one in done], ignore_index=True)
    lines = {setup.experiment.name: one.line for setup, one in zip(setups, done, strict=True)}
    units = [unit.hash for setup in setups for honest in (True, False) for _, unit in setup.units(honest=honest)]
    folder = RecipeFolder.named(f"{ready.corpus.name}-{recipe.name}", ready.config, [*units, recipe.text])
    told = list(dict.fromkeys([*ready.lacking, *(setup.cut for setup in setups if setup.cut), *left_out]))
    experiments = [
        {
            "name": setup.experiment.name,
            "why": setup.experiment.why,
            "split": setup.experiment.split.words,
            "line": one.line,
            "run": one.honest.folder.name,
            **evaluated(setup.prepared),
        }
        for setup, one in zip(setups, done, strict=True)
    ]
    about = {**surroundings(), "recipe": recipe.name, "experiments": experiments, "warnings": told, "notes": list(recipe.notes)}
    folder.write_environment(about)
    folder.write_predictions(pd.concat([one.predictions for one in done], ignore_index=True))
    with indexed(Path(ready.config.out)):
        publish_recipe(folder, recipe, table, about, ready.config.figure_style)
        for one in done:
            write_page(RunFolder(one.honest.folder))
    return Reproduced(folder.path, recipe.name, table, lines, [one.honest for one in done], told, list(recipe.notes))


def forecast_recipe(choice: Choice, given: Mapping[str, Any], *, progress: Progress | bool | None = None, fresh: bool = False) -> Forecast:
    """What `run_recipe` would fit: one row per experiment, run and model, with the columns of `FORECAST`.

    Parameters, errors: see `run_recipe`.
    """
    import pandas as pd

    from ser_bench.evaluation.estimate import Forecast

    ready, shown = _ready(choice, given), progress_of(progress)
    missing = _missing(ready)
    if missing:
        rows, left_out = _counted(ready, choice.max_epochs)
    else:
        setups, left_out = _setups(ready, choice.max_epochs, shown)
        rows = [row for setup in setups for row in _rows(setup.experiment, setup.config, _to_do(setups, setup, fresh=fresh))]
    return Forecast(pd.DataFrame(rows, columns=FORECAST), missing, [*ready.lacking, *left_out])


def _missing(ready: Ready) -> int:
    """How many clips would have to be decoded, as they are and as copies, each once for all experiments that can be run."""
    from ser_bench.evaluation.plan import choose_clips
    from ser_bench.evaluation.reproduction import config_of
    from ser_bench.features import count_missing, parse_features

    wanted: dict[tuple[Any, ...], set[str]] = {}
    for experiment in ready.recipe.experiments:
        config, _ = config_of(experiment, ready.config, 0)
        try:
            clips = choose_clips(config).corpus.clips
        except WrongCall:
            continue
        copied = clips[clips["emotion"].isin(config.augment_only)] if config.augment_only else clips
        for variant, mine in (("", clips), *((kind, copied) for kind in config.copies)):
            wanted.setdefault((config.features, config.preprocessing.changed(variant)), set()).update(mine.index)
    missing = 0
    for (features, preprocessing), names in wanted.items():
        some = dataclasses.replace(ready.corpus, clips=ready.corpus.clips[ready.corpus.clips.index.isin(names)])
        missing += count_missing(
            some, [parse_features(text) for text in features], cache=Path(ready.config.cache), preprocessing=preprocessing
        )
    return missing


def _counted(ready: Ready, max_epochs: int) -> tuple[list[list[Any]], list[str]]:
    """What all experiments would fit where features are missing yet: every clip counts as usable and every unit as not done."""
    from ser_bench.corpora import voices_of
    from ser_bench.evaluation.plan import choose_clips, choose_models, split
    from ser_bench.evaluation.published import as_published
    from ser_bench.evaluation.reproduction import config_of, jobs_of
    from ser_bench.evaluation.units import EvaluationSet
    from ser_bench.features import parse_features

    rows: list[list[Any]] = []
    left_out: list[str] = []
    for experiment in ready.recipe.experiments:
        config, _ = config_of(experiment, ready.config, max_epochs)
        models = choose_models(config)
        try:
            corpus = choose_clips(config).corpus
            clips = corpus.clips.assign(voice=voices_of(corpus.clips))
            eval_set = EvaluationSet(corpus.name, config.labels, clips, *split(clips, corpus, config))
            jobs = list(jobs_of(eval_set, as_published(eval_set, experiment.split), models, config))
        except WrongCall as error:
            left_out.append(f"experiment '{experiment.name}' is left out: {error}")
            continue
        n_columns = sum(len(part.columns) for text in config.features for part in parse_features(text).parts)
        each = [(job, True, models[job.model].seconds(len(clips), n_columns, job.task.trials, job.task.inner)) for job in jobs]
        rows += _rows(experiment, config, each)
    return rows, left_out


def _to_do(setups: list[ExperimentSetup], setup: ExperimentSetup, *, fresh: bool) -> Iterator[tuple[Job, bool, float]]:
    """Each job of an experiment, whether it is not done yet, and its seconds; a unit that an earlier one has as well is done there."""
    from ser_bench.evaluation.units import read_unit

    store = Path(setup.config.out) / "units"
    earlier = setups[: setups.index(setup)]
    seen = {unit.hash for other in earlier for honest in (True, False) for _, unit in other.units(honest=honest)}
    for honest in (False, True):
        planned = setup.plan(honest=honest)
        for job, unit in setup.units(honest=honest):
            yield job, unit.hash not in seen and (fresh or read_unit(store, unit) is None), planned.cost(unit)


def _rows(experiment: Experiment, config: RunConfig, jobs: Iterable[tuple[Job, bool, float]]) -> Iterator[list[Any]]:
    """The rows of one experiment, with the columns of `FORECAST`."""
    rows: dict[tuple[str, str], list[float]] = {}
    for job, waiting, seconds in jobs:
        row = rows.setdefault((job.run, job.model), [0, 0, 0, 0.0])
        fits = job.task.trials * job.task.inner + 1
        more = (1, waiting, waiting * fits, waiting * seconds / config.workers.number / 60)
        row[:] = [before + another for before, another in zip(row, more, strict=True)]
    for (run, model), (*counts, minutes) in rows.items():
        yield [experiment.name, run, config.features[0], model, *map(int, counts), round(minutes, 1)]
