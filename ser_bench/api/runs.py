"""Runs: features extracted, systems evaluated, several runs merged.

In:   corpora and the keys of a configuration, or a whole `RunConfig`; for a leaderboard, run folders.
Out:  `Results`, one per corpus, whose folder holds tables and report; `Merged`, one leaderboard of several.
Rule: all corpora are read and extracted before the first is evaluated, so that what is wrong with the last is reported at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ser_bench.api.options import RunOptions, configured, corpora_of, one_corpus, takes
from ser_bench.api.publishing import published
from ser_bench.config import RunConfig
from ser_bench.evaluation.run_folder import Run, RunFolder
from ser_bench.evaluation.study_storage import open_storage
from ser_bench.results import KINDS, Results
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.progress import Progress, progress_of
from ser_bench.utils.spec import ValueKind

if TYPE_CHECKING:
    from ser_bench.corpora import Source
    from ser_bench.evaluation.estimate import Forecast
    from ser_bench.evaluation.merge import Merged
    from ser_bench.evaluation.plan import Plan
    from ser_bench.evaluation.run_folder import RunSource
    from ser_bench.features.extract import FillReport

LONG = 60.0
"""If a run is expected to fit for so many seconds, its page is written before its learning curves are there, and again with them."""


@takes("run")
def run(
    corpus: Source = "tones", *, progress: Progress | bool | None = None, fresh: bool = False, **options: Unpack[RunOptions]
) -> Results:
    """Evaluate a corpus: extract, tune inside the training speakers, predict the held-out ones, rank.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        A folder, a manifest, or ``"tones"``; the table of a manifest, whose relative paths begin in the current folder; or what
        `load_corpus` made of any of these.
    progress : bool or Progress, optional
        By default a bar in notebooks and on a terminal, nothing elsewhere; False shows nothing, True prints lines where there is no bar.
    fresh : bool
        Fit everything again, finished or not.
    **options
        The keys of `RunConfig`: ``features="egemaps+mfcc"``, ``models=["svm", "rf"]``, ``cv="loso"``, ... User-supplied features may be a
        DataFrame: ``features={"wav2vec2": vectors}``, with a row per clip.

    Raises
    ------
    WrongCall, WorkFailed
        With one line that says what, where, and what to do.
    """
    from ser_bench.corpora import load_corpus

    config = configured("run", {"corpus": corpus, **options})
    one = load_corpus(one_corpus("run", config), cache=config.cache, **config.reading)
    return run_config(dataclasses.replace(config, corpus=(one,)), progress=progress, fresh=fresh)[0]


@named_arguments(kinds={"RunConfig": ValueKind("a RunConfig", lambda value: isinstance(value, RunConfig))})
def run_config(config: RunConfig, *, progress: Progress | bool | None = None, fresh: bool = False) -> list[Results]:
    """Evaluate all corpora of a configuration, and of its folders of several: one `Results` each. `leaderboard_of` makes them one."""
    from ser_bench.evaluation import plan

    shown = progress_of(progress)
    if config.storage:
        open_storage(config.storage)
    # All corpora are read and extracted before the first is evaluated: what is wrong with the last is reported now, not hours later.
    plans = [plan.make_plan(config.for_corpus(corpus), shown) for corpus in corpora_of(config)]
    return [_finish(planned, shown, fresh=fresh) for planned in plans]


def _finish(planned: Plan, progress: Progress, *, fresh: bool) -> Results:
    """Do what is not done yet of a plan."""
    from ser_bench.api.finished import recall, remember

    if not fresh and (done := recall(planned)):
        return done
    from ser_bench.evaluation.learning_curves import curves_of
    from ser_bench.reports.index_page import indexed

    curves = curves_of(planned.config, planned.eval_set)
    once = bool(curves or planned.config.test_variant) and sum(map(planned.cost, planned.units)) < LONG
    with indexed(Path(planned.config.out)) if once else contextlib.nullcontext():
        found = evaluate_plan(planned, progress, fresh=fresh, page=not once)
        if planned.config.test_variant:
            found = _with_conditions(found, planned, progress, fresh=fresh)
        if curves:
            found = _with_curves(found, planned, progress, fresh=fresh)
    remember(planned, found)
    return found


def evaluate_plan(planned: Plan, progress: Progress, *, fresh: bool = False, page: bool = True) -> Results:
    """Do a plan's units as far as they are not done, and rank and publish what they come to; with its page, or all but that."""
    from ser_bench.evaluation import runner
    from ser_bench.evaluation.refits import refit_without_pairs
    from ser_bench.reports.drawing import import_all

    done = runner.execute(planned, progress, fresh=fresh, meanwhile=import_all)
    return published(refit_without_pairs(planned, done, progress, fresh=fresh), planned.data, planned.config, page=page)


def _with_curves(found: Results, planned: Plan, progress: Progress, *, fresh: bool) -> Results:
    """A run's results with its learning curves, which its folder and its page get last, so that nobody waits for them to read the rest."""
    from ser_bench.evaluation.learning_curves import learning_curves
    from ser_bench.reports import publish_learning

    began = time.perf_counter()
    learning, warnings = learning_curves(planned, found, progress, ratios=_ratios(found), fresh=fresh)
    seconds = found.seconds | {"learning curves": time.perf_counter() - began}
    found = dataclasses.replace(found, warnings=[*found.warnings, *warnings], learning=learning, seconds=seconds)
    folder = RunFolder(found.folder)
    folder.write_terms(planned.data, planned.config, found)
    folder.write_learning(learning)
    publish_learning(folder, found.leaderboard, learning, planned.config.figure_style)
    return found


def _with_conditions(found: Results, planned: Plan, progress: Progress, *, fresh: bool) -> Results:
    """A run's results with what its systems are worth under test conditions, which its folder and its page get, too."""
    from ser_bench.evaluation.conditions import evaluate_conditions
    from ser_bench.reports import publish_conditions

    began = time.perf_counter()
    robust = evaluate_conditions(planned, found, progress, ratios=_ratios(found), fresh=fresh)
    seconds = found.seconds | {"conditions": time.perf_counter() - began}
    found = dataclasses.replace(found, warnings=[*found.warnings, *robust.warnings], conditions=robust.table, seconds=seconds)
    folder = RunFolder(found.folder)
    folder.write_terms(planned.data, planned.config, found)
    folder.write_conditions(robust.table, robust.predictions)
    publish_conditions(folder, robust.table, planned.config.figure_style)
    return found


def _ratios(found: Results) -> dict[tuple[str, str, str], float]:
    """Each row's variance ratio, by feature set, model and track."""
    rows = found.leaderboard[["features", "model", "track", "variance_ratio"]]
    return {(features, model, track): ratio for features, model, track, ratio in rows.itertuples(index=False, name=None)}


@named_arguments(kinds=KINDS)
def leaderboard(
    runs: RunSource | Sequence[RunSource] = (),
    *,
    out: str | Path = RunConfig.out,
    to: str | Path | None = None,
    with_external: bool = False,
    rope: float = RunConfig.rope,
    figure_style: str = RunConfig.figure_style,
) -> Merged:
    """Merge runs into one leaderboard, and compare systems across their corpora.

    Parameters
    ----------
    runs : str, Path, Results or several
        Run folders, or what `run` gave; without any, all finished ones right below `out`, of which those that cannot be read are left out
        with a warning.
    out : str or Path
    to : str or Path, optional
        The folder that `LEADERBOARD.md`, `leaderboard.html`, `leaderboard.csv` and `figures/` are written to; by default `leaderboard`
        below `out`.
    with_external : bool
        Whether external systems enter the comparison of every row with the best; otherwise they change no p of other rows.
    rope : float
        Half the width of the region of practical equivalence, in UAR, whatever those of the runs were.
    figure_style : {'column', 'page', 'slides'}, optional
        Draw the figures in this style, too, as `run` does.

    Raises
    ------
    WrongCall
        Naming a folder that is no finished run, or a row whose scores differ between runs.
    """
    from ser_bench.evaluation import merge
    from ser_bench.reports.index_page import indexed
    from ser_bench.reports.merged_page import write_merged

    how = configured("leaderboard", {"rope": rope, "figure_style": figure_style})
    named = [RunFolder.of(run) for run in ([runs] if isinstance(runs, str | Path | Run) else runs)]
    target, folders = Path(to or Path(out) / "leaderboard"), named or merge.find_runs(Path(out))
    check_writable("--to", target)
    merged = merge.merge(folders, target, with_external=with_external, named=bool(named), rope=how.rope)
    within = target.absolute().parent == Path(out).absolute()
    with indexed(Path(out)) if within else contextlib.nullcontext():
        write_merged(merged, how.figure_style)
    return merged


def leaderboard_of(results: Sequence[Results], config: RunConfig) -> Merged:
    """One leaderboard of the runs of a configuration, a block per corpus, with the comparison across corpora.

    It is written to a folder below `out` that is named after its runs, so that other runs there have no part in it.

    Raises
    ------
    WrongCall
        As `leaderboard`.
    """
    names = [result.folder.name for result in results]
    digest = hashlib.blake2b(json.dumps(sorted(names)).encode(), digest_size=4).hexdigest()
    return leaderboard(
        results, out=config.out, to=Path(config.out) / f"leaderboard-{digest}", rope=config.rope, figure_style=config.figure_style
    )


def dry_run(config: RunConfig, *, progress: Progress | bool | None = None, fresh: bool = False) -> list[Forecast]:
    """What `run_config` would fit, for each corpus: systems, units to do, fits, and roughly how many minutes they take."""
    from ser_bench.evaluation.estimate import estimate_cost

    return [estimate_cost(config.for_corpus(corpus), progress_of(progress), fresh=fresh) for corpus in corpora_of(config)]


def extract_all(
    sources: Iterable[str], features: Iterable[str], *, config: RunConfig, progress: Progress, verify: bool = False
) -> dict[str, FillReport]:
    """Fill the store with feature sets of several corpora; what came of it, by how each corpus is named."""
    from ser_bench.evaluation import plan
    from ser_bench.features import ExtractionOptions, fill_store, parse_features

    feature_sets = [parse_features(text) for text in features]
    done = {}
    for corpus in corpora_of(dataclasses.replace(config, corpus=tuple(sources))):
        filled = fill_store(corpus, feature_sets, ExtractionOptions.of(config, progress, verify=verify))
        plan.check_skipped(len(corpus.clips), filled.skipped, config.max_skipped)
        done[str(corpus)] = filled
    return done
