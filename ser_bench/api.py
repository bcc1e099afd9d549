"""The Python interface, with the command line's words: `load_corpus`, `extract`, `run`.

The command line is a thin face over these.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ser_bench.config import BALANCED, DIFFERENCES, POWER, WIDTH, CrossOptions, Options, RunConfig, RunOptions, check_keys
from ser_bench.errors import WrongCall
from ser_bench.evaluation.run_folder import Run, RunFolder, folder_of
from ser_bench.evaluation.study_storage import open_storage
from ser_bench.results import Ablated, Audited, Crossed, Results
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.progress import Progress, progress_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus, Source
    from ser_bench.evaluation.merge import Merged
    from ser_bench.evaluation.plan import Plan, PreparedData
    from ser_bench.features.extract import FillReport

    RunSource = str | Path | Run

CROSS_TRACKS = ("train", "corpus")
FIELDS = [field.name for field in dataclasses.fields(RunConfig)]


@named_arguments(FIELDS)
def run(
    corpus: Source = "tones", *, progress: Progress | bool | None = None, fresh: bool = False, **options: Unpack[RunOptions]
) -> Results:
    """Evaluate a corpus: extract, tune inside the training speakers, predict the held-out ones, rank.

    Parameters
    ----------
    corpus : str, Path or Corpus
        A folder, a manifest, or ``"tones"``; or what `load_corpus` made of it.
    progress : bool or Progress, optional
        A bar in notebooks and on a terminal, and nothing elsewhere, without; False shows nothing, True lines where there is no bar.
    fresh : bool
        Fit everything again, finished or not.
    **options
        The keys of `RunConfig`: ``features="egemaps+mfcc"``, ``models=["svm", "rf"]``, ``cv="loso"``, ...

    Raises
    ------
    WrongCall, WorkFailed
        With one line that says what, where, and what to do.
    """
    config = RunConfig(**check_keys({"corpus": corpus, **options}, source="run()"))
    return run_config(config, progress=progress, fresh=fresh)[0]


@named_arguments()
def run_config(config: RunConfig, *, progress: Progress | bool | None = None, fresh: bool = False) -> list[Results]:
    """Evaluate every corpus of a configuration, one after the other; one `Results` per corpus."""
    from ser_bench.evaluation import plan, runner
    from ser_bench.evaluation.learning_curves import curves_of
    from ser_bench.evaluation.refits import refit_without_pairs

    shown = progress_of(progress)
    if config.storage:
        open_storage(config.storage)
    results = []
    # All corpora are read and extracted before the first is evaluated: what is wrong with the last is told now, not hours later.
    for planned in [plan.make_plan(config.for_corpus(source), shown) for source in config.corpus]:
        done = runner.execute(planned, shown, fresh=fresh)
        done = refit_without_pairs(planned, done, shown, fresh=fresh)
        RunFolder(done.folder).write_terms(planned.data, planned.config, done)
        found = _published(done, planned.data, planned.config)
        results.append(_with_curves(found, planned, shown, fresh=fresh) if curves_of(planned.config, planned.eval_set) else found)
    return results


def _with_curves(found: Results, planned: Plan, progress: Progress, *, fresh: bool) -> Results:
    """A run's results with its learning curves, which its folder and its page get last: nobody has to wait for them to read the others."""
    from ser_bench.evaluation.learning_curves import learning_curves
    from ser_bench.reports import write_page

    rows = found.leaderboard[["features", "model", "track", "variance_ratio"]]
    ratios = {(features, model, track): ratio for features, model, track, ratio in rows.itertuples(index=False, name=None)}
    began = time.perf_counter()
    learning, warnings = learning_curves(planned, found, progress, ratios=ratios, fresh=fresh)
    seconds = found.seconds | {"learning curves": time.perf_counter() - began}
    found = dataclasses.replace(found, warnings=[*found.warnings, *warnings], learning=learning, seconds=seconds)
    folder = RunFolder(found.folder)
    folder.write_terms(planned.data, planned.config, found)
    folder.write_learning(learning)
    write_page(folder)
    return found


def _published(run: Run, prepared: PreparedData, config: RunConfig) -> Results:
    """A run with its leaderboard and report, which are written to its folder."""
    from ser_bench import reports
    from ser_bench.analyses import audits

    folder, findings = RunFolder(run.folder), audits.quick_audit(prepared, config, run)
    folder.write_findings(findings)
    baselines = reports.references(prepared.corpus, prepared.eval_set.labels, prepared.eval_set.clips[prepared.eval_set.evaluated])
    board, shown = reports.publish(folder, run.cells, run.predictions, baselines, run.refits, rope=config.rope)
    return Results(**vars(run), leaderboard=board, resolutions=shown, findings=findings)


@named_arguments(FIELDS)
def splits(corpus: Source = "tones", *, progress: Progress | bool | None = None, **options: Unpack[Options]) -> pd.DataFrame:
    """The folds that `run` uses, for systems that are trained elsewhere: ``clip, speaker, emotion, seed, fold, inner_0, inner_1, ...``.

    `fold` is the outer fold in which a clip is held out, `inner_k` its inner fold where outer fold k is held out. ``attrs["warnings"]`` is
    a list of what is to be known of the clips, as `Results.warnings` is, and ``attrs["skipped"]`` a mapping of those that are left
    out to why.

    Parameters
    ----------
    corpus : str, Path or Corpus
        As in `run`.
    **options
        The keys of `RunConfig`, such as ``cv``, ``labels``, ``inner``, ``seeds`` (1 without). With ``features``, clips on which these
        cannot be extracted are left out, as in a run of them.
    """
    from ser_bench.evaluation import external

    config, prepared = _prepared(corpus, options, progress)
    table = external.split_table(prepared.eval_set, config.inner)
    table.attrs["warnings"] = prepared.warnings
    table.attrs["skipped"] = dict(zip(prepared.skipped["clip"], prepared.skipped["reason"], strict=True))
    return table


@named_arguments(FIELDS)
def score(
    predictions: str | Path | pd.DataFrame,
    corpus: Source,
    *,
    name: str = "",
    decisions_only: bool = False,
    progress: Progress | bool | None = None,
    **options: Unpack[Options],
) -> Results:
    """Evaluate an outside system's out-of-fold predictions by the rules that `run` evaluates its own by.

    Parameters
    ----------
    predictions : str, Path or DataFrame
        CSV or Parquet, or such a table: ``clip, predicted``, and where there are, ``fold``, ``seed``, a probability ``p.<emotion>`` for
        each emotion. A column ``emotion``, ``truth`` or ``label`` has to agree with the corpus; others are not read, which a warning says.
    corpus : str, Path or Corpus
        As in `run`.
    name : str
        What the system is called; the file's name without. A DataFrame has none, so that it is needed there.
    decisions_only : bool
        Leave the probabilities out, such as where a decision is not the most probable emotion.
    **options
        As in `splits`, the same as there.

    Raises
    ------
    WrongCall
        Naming a clip that is predicted twice, not at all, or in another fold than its own; whose label is another in the corpus; or whose
        probabilities are none, do not sum to one, or are highest for another emotion than its decision.
    """
    from ser_bench.evaluation import external

    check_writable("--out", Path(str(options.get("out", RunConfig.out))))
    config, prepared = _prepared(corpus, options, progress)
    if not (name or isinstance(predictions, str | Path)):
        raise WrongCall("name: a DataFrame of predictions has no file name; say what the system is called, such as name='wav2vec2'")
    table = Path(predictions) if isinstance(predictions, str | Path) else predictions
    called = name or (table.stem if isinstance(table, Path) else "")
    return _published(external.score_predictions(prepared, table, called, config, decisions_only=decisions_only), prepared, config)


@named_arguments()
def leaderboard(
    runs: RunSource | Sequence[RunSource] = (),
    *,
    out: str | Path = RunConfig.out,
    to: str | Path | None = None,
    with_external: bool = False,
    rope: float = RunConfig.rope,
) -> Merged:
    """Merge runs into one leaderboard, and compare systems across their corpora.

    Parameters
    ----------
    runs : str, Path, Results or several
        Run folders, or what `run` gave; without any, all finished ones right below `out`, of which those that cannot be read are left out
        with a warning.
    out : str or Path
    to : str or Path, optional
        The folder that `LEADERBOARD.md`, `leaderboard.html`, `leaderboard.csv` and `figures/` are written to; `leaderboard` below `out`
        without.
    with_external : bool
        Whether external systems enter the comparison of every row with the best; otherwise they change no p of other rows.
    rope : float
        Half the width of the region of practical equivalence, in UAR, whatever those of the runs were.

    Raises
    ------
    WrongCall
        Naming a folder that is no finished run, or a row whose scores differ between runs.
    """
    from ser_bench.evaluation import merge
    from ser_bench.reports.merged_page import write_merged

    named = [_folder(run) for run in ([runs] if isinstance(runs, str | Path | Run) else runs)]
    target, folders = Path(to or Path(out) / "leaderboard"), named or merge.find_runs(Path(out))
    check_writable("--to", target)
    rope = RunConfig(**check_keys({"rope": rope}, source="leaderboard()")).rope
    merged = merge.merge(folders, target, with_external=with_external, named=bool(named), rope=rope)
    write_merged(merged)
    return merged


@named_arguments(FIELDS)
def cross(
    train: Source | Sequence[Source],
    test: Source | Sequence[Source] | None = None,
    *,
    track: str | Sequence[str] = CROSS_TRACKS,
    progress: Progress | bool | None = None,
    **options: Unpack[CrossOptions],
) -> Crossed:
    """Train on one corpus and evaluate on another: all pairs, and each corpus evaluated by itself to tell what is lost.

    Parameters
    ----------
    train, test : str, Path, Corpus or several
        As the corpus of `run`; without `test`, every corpus of `train` evaluates every other.
    track : {'train', 'corpus', 'speaker'} or several
        Scaled by the clips trained on; by each corpus's own clips or by each speaker's own, which are transductive.
    **options
        The keys of `RunConfig`, such as `features`, `models`, `budget`, `labels`.

    Raises
    ------
    WrongCall
        As `run`; also where the corpora have fewer than two emotions in common, share a name or share audio.
    """
    import pandas as pd

    from ser_bench.analyses.cross_corpus import evaluate_across, own_rates
    from ser_bench.corpora import left_out
    from ser_bench.evaluation.environment import describe_corpus, surroundings
    from ser_bench.reports import publish_cross

    if "corpus" in options:
        raise WrongCall("corpus: name corpora by train and test")
    config = _whole_searches(RunConfig(**check_keys({**options}, source="cross()")))
    check_writable("--out", Path(config.out))
    trained, tested = _sources(train), _sources(train if test is None else test)
    tracks = [track] if isinstance(track, str) else track
    by_source, table, predictions = evaluate_across(config, trained, tested, tracks, progress_of(progress))
    corpora = list(by_source.values())
    warnings = [*(line for one in corpora for line in one.warnings), *own_rates(by_source, config.features)]
    pairs = table[["train", "test", "track"]].drop_duplicates().to_csv(index=False)
    path = folder_of("cross", config, [pairs, *(seed for one in corpora for seed in one.eval_set.hashes.values())])
    about = {"corpora": [describe_corpus(one) for one in corpora], "configuration": config.result_keys(), "warnings": warnings}
    folder, emotions = RunFolder(path), corpora[0].eval_set.emotions
    folder.write_environment(surroundings() | about)
    skipped = pd.concat([one.skipped.assign(corpus=one.corpus.name) for one in corpora])[["corpus", "clip", "reason"]]
    folder.write_skipped(skipped)
    publish_cross(path, table, predictions, emotions, [*left_out(skipped), *warnings])
    return Crossed(path, table, predictions, warnings, emotions, skipped)


@named_arguments(FIELDS)
def ablate(
    corpus: Source = "tones",
    *,
    modes: str | Sequence[str] = (),
    hold: bool = False,
    importance: bool = True,
    sweep: dict[str, list[Any]] | None = None,
    progress: Progress | bool | None = None,
    **options: Unpack[Options],
) -> Ablated:
    """Which groups of columns matter: each alone, all without each, and one after the other; and what the system depends on.

    Parameters
    ----------
    corpus : str, Path or Corpus
        As in `run`.
    modes : {'alone', 'without', 'forward'} or several
        All without.
    hold : bool
        Hold the parameters that were chosen for all groups, instead of tuning every subset again.
    importance : bool
        Measure what is lost with the values of a group or column shuffled across and within speakers, and groups' Shapley values, too.
    sweep : dict of str to list
        Other settings to try: ``{"features.mfcc.n_mfcc": [13, 40], "trim": [30.0], "cv": ["auto@8"]}``.
    **options
        The keys of `RunConfig`, such as `features`, `models`, `budget`; of one track. ``egemaps`` and ``svm`` without.
    """
    import pandas as pd

    from ser_bench.analyses import ablation
    from ser_bench.analyses.importance import importances
    from ser_bench.analyses.sweep import points, sweep_rows
    from ser_bench.corpora import left_out
    from ser_bench.reports import publish_ablation

    named = {"features": "egemaps", "models": "svm", **options, "corpus": corpus}
    config = _whole_searches(RunConfig(**check_keys(named, source="ablate()"))).for_corpus(_named(corpus))
    modes = [modes] if isinstance(modes, str) else list(dict.fromkeys(modes)) or list(ablation.MODES)
    ablation.check_modes(modes)
    list(points(sweep or {}, config))  # what is wrong with the last is told now
    check_writable("--out", Path(config.out))
    shown = progress_of(progress)
    prepared, benches = ablation.set_up(config, shown, hold=hold)
    table = pd.concat([ablation.ablate(bench, modes) for bench in benches], ignore_index=True)
    if sweep:
        table = pd.concat([table, sweep_rows(sweep, config, benches, shown)], ignore_index=True)
    leaned_on = pd.concat([importances(bench) for bench in benches], ignore_index=True) if importance else None
    asked = [*modes, str(hold), str(importance), str(sweep or "")]
    folder = folder_of(f"{prepared.corpus.name}-ablation", config, [unit for bench in benches for unit in bench.hashes] + asked)
    searched = f"Every subset was re-tuned: {config.trials} trials inside the training speakers of each fold."
    tuned = "Hyperparameters were held as selected for all groups in each fold." if hold else searched
    about = RunFolder(folder).write_terms(prepared, config, tuned=f"{tuned}{_unusual_weights(config, ' Class weights: {}.')}")
    RunFolder(folder).write_skipped(prepared.skipped)
    warnings = list(dict.fromkeys([*prepared.warnings, *(line for bench in benches for line in bench.warnings)]))
    publish_ablation(folder, table, leaned_on, about | {"warnings": [*left_out(prepared.skipped), *warnings]})
    return Ablated(folder, table, leaned_on, _shown_in(folder), prepared.skipped, warnings)


def _shown_in(folder: Path) -> list[Path]:
    """The pages of runs on the same clips beside an audit or ablation, made again to show it."""
    from ser_bench.reports.related import runs_beside
    from ser_bench.reports.run_page import remake_page

    return [run.page for run in runs_beside(RunFolder(folder)) if remake_page(run)]


def _whole_searches(config: RunConfig) -> RunConfig:
    """Refuse what only `run` keeps account of."""
    for key in ("time_limit", "storage"):
        if getattr(config, key):
            raise WrongCall(f"{key}: only a run takes it; leave it out, the same call goes on where it was stopped")
    return config


def _unusual_weights(config: RunConfig, words: str) -> str:
    """The words with the class weights in them, where these are not balanced; else none."""
    return words.format(config.class_weights) if config.class_weights != BALANCED else ""


def _sources(given: Source | Sequence[Source]) -> list[str | Corpus]:
    return [_named(source) for source in (given if isinstance(given, Sequence) and not isinstance(given, str) else [given])]


def _named(source: Source) -> str | Corpus:
    """A corpus as a configuration has it: a path as text."""
    return str(source) if isinstance(source, Path) else source


def _folder(run: RunSource) -> RunFolder:
    return RunFolder(run.folder if isinstance(run, Run) else Path(run))


@named_arguments(FIELDS)
def audit(corpus: Source = "tones", *, gap: bool = False, progress: Progress | bool | None = None, **options: Unpack[Options]) -> Audited:
    """Look for leaks, near-duplicates and confounds in a corpus.

    Parameters
    ----------
    corpus : str, Path or Corpus
        As in `run`.
    gap : bool
        Measure the leak gap, too: what each shortcut adds to the UAR of one feature set and one model.
    **options
        The keys of `RunConfig`. `features`, `models` and what a search takes count for the gap alone; ``egemaps`` and ``svm`` without.
    """
    from ser_bench.analyses import audits
    from ser_bench.analyses.leakage import FEATURES, MODEL, measure_gap
    from ser_bench.evaluation.environment import evaluated
    from ser_bench.reports import publish_audit
    from ser_bench.reports.related import best_beside

    cell = {"features": FEATURES, "models": MODEL}
    config = _whole_searches(RunConfig(**check_keys({"corpus": corpus, **cell, **options}, source="audit()"))).for_corpus(_named(corpus))
    for key in cell:
        if gap and len(named := getattr(config, key)) > 1:
            raise WrongCall(f"{key}: the gap is measured of one, and {', '.join(named)} are named")
    shown = progress_of(progress)
    check_writable("--out", Path(config.out))
    found = audits.audit(config, shown, lambda prepared: best_beside(Path(config.out), evaluated(prepared)))
    prepared, measured = measure_gap(config, shown) if gap else (found.prepared, None)
    folder = folder_of(f"{prepared.corpus.name}-audit", config, [*prepared.eval_set.hashes.values(), str(gap)])
    system = f"{next(iter(prepared.features))} with {config.models[0]}{_unusual_weights(config, ', class weights: {}')}"
    about = RunFolder(folder).write_terms(prepared, config, cell=system)
    publish_audit(folder, prepared.corpus.name, found.summary, found.findings, measured, about)
    return Audited(folder, prepared.corpus.name, found.summary, found.findings, measured, _shown_in(folder))


def _prepared(corpus: Source, options: Options, progress: Progress | bool | None) -> tuple[RunConfig, PreparedData]:
    """A configuration, and what its rows stand on; features only as far as they are named."""
    from ser_bench.evaluation import plan

    # Predictions made elsewhere are seldom made again on other folds.
    config = RunConfig(**check_keys({"corpus": corpus, "seeds": 1, **options}, source="the call")).for_corpus(_named(corpus))
    return config, plan.prepare_data(config, config.features if "features" in options else (), progress_of(progress))


def dry_run(config: RunConfig, *, progress: Progress | bool | None = None) -> list[pd.DataFrame]:
    """What `run_config` would fit, one table per corpus: cells, units to do, fits, and roughly how many minutes they take.

    ``attrs["missing"]`` is the number of clips whose features would have to be extracted first, ``attrs["warnings"]`` what may not be
    meant by `where`.
    """
    from ser_bench.evaluation.estimate import estimate_cost

    return [estimate_cost(config.for_corpus(source), progress_of(progress)) for source in config.corpus]


def extract_all(
    sources: Iterable[str], features: Iterable[str], *, config: RunConfig, progress: Progress, verify: bool = False
) -> list[FillReport]:
    """Fill the store with feature sets of several corpora; what came of it, one per corpus."""
    from ser_bench.corpora import load_corpus
    from ser_bench.evaluation import plan
    from ser_bench.features import ExtractionOptions, fill_store, parse_features

    feature_sets = [parse_features(text) for text in features]
    done = []
    for source in sources:
        corpus = load_corpus(source, cache=config.cache)
        filled = fill_store(corpus, feature_sets, ExtractionOptions.of(config, progress, verify=verify))
        plan.check_skipped(len(corpus.clips), filled.skipped, config.max_skipped)
        done.append(filled)
    return done


@named_arguments()
def plan_study(
    run: RunSource,
    *,
    width: float = WIDTH,
    difference: float | Sequence[float] = DIFFERENCES,
    power: float = POWER,
    sentences: int | None = None,
    to: str | Path | None = None,
) -> pd.DataFrame:
    """How many speakers a study needs, from the spread over speakers and sentences in a finished run.

    Parameters
    ----------
    run : str, Path or Results
        The folder of a finished run, or what `run` gave.
    width : float
        Half the width of the 95% confidence interval of a UAR that is wanted.
    difference : float or sequence of float
        True differences in UAR between two systems that should be shown (two-sided, alpha .05).
    power : float
        With what chance.
    sentences : int, optional
        Plan with so many sentences besides those there are.
    to : str or Path, optional
        The folder that `planning.csv` and `figures/` go to; the run's own without.

    Returns
    -------
    DataFrame
        One row per system (goal ``interval``) or pair of systems (goal ``difference``), target, what the result should hold for
        (`covers`), and design: ``corpus, labels, track, cv, goal, target, features, model, other_features, other_model, covers,
        sentences, clips_per_speaker, speakers, variance_ratio, half_width, least, speakers_needed, needed_low, needed_high, sd_speaker,
        sd_sentence, sd_cell, sd_clip, sd_sentence_high``. `half_width` is that of the present speakers, `least` that of any number of them.
        `speakers_needed` is infinite where no number (up to 100,000) is enough, its 95% confidence interval follows from the degrees
        of freedom of the spread seen. Of a fixed split, speakers are those to evaluate with systems trained as they are. ``sd_*`` are
        the roots of the components of `scores.Spread` (negative for an estimate below zero), the last one the 95% upper limit of
        `sd_sentence`. ``attrs["notes"]`` says what is left out, and why, ``attrs["warnings"]`` what the run warned of.

    Raises
    ------
    WrongCall
        If the folder is no finished run, has no row to plan from, or an option is outside its range.
    WorkFailed
        If a row's predictions lack clips.
    """
    from ser_bench.analyses.planning import needed, wanted_of
    from ser_bench.reports.planning import draw_plan
    from ser_bench.utils.atomic import write_csv

    wanted = wanted_of(width, difference, power, sentences)
    folder = _folder(run)
    target = Path(to) if to else folder.path
    check_writable("--to", target)
    table = needed(folder, wanted)
    write_csv(table, target / "planning.csv", float_format="%.6g")
    draw_plan(table, target / "figures")
    return table
