"""Why a system does what it does: audits, ablations, cross-corpus evaluation, plans of studies.

In:   corpora and the keys of a configuration, or a finished run.
Out:  what was found, as tables; and where they are shown, a folder with pages beside those of runs.
Rule: every row is scored and given its interval as a row of a run is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ser_bench.api.options import OF_THE_GAP, AblateOptions, TuningOptions, configured, configured_for_one, load_each, takes
from ser_bench.config import BALANCED, DIFFERENCES, POWER, WIDTH, RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder, PlanningFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.results import KINDS, Ablated, Audited, Crossed
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import Progress, progress_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Source
    from ser_bench.evaluation.result_folder import ResultFolder
    from ser_bench.evaluation.run_folder import RunSource

CROSS_TRACKS = ("train", "corpus")


@takes("audit")
def audit(
    corpus: Source = "tones", *, gap: bool = False, progress: Progress | bool | None = None, **options: Unpack[TuningOptions]
) -> Audited:
    """Look for leaks, near-duplicates and confounds in a corpus.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        As in `run`.
    gap : bool
        Measure the leak gap, too: what each shortcut adds to the UAR of one feature set and one model.
    **options
        Keys of `RunConfig`. `features` (default ``egemaps``), `models` (default ``svm``) and those of the search say how the gap is
        measured, and are refused without `gap`.

    Raises
    ------
    WrongCall
        As `run`; also for several feature sets or models.
    """
    from ser_bench.analyses import audits
    from ser_bench.analyses.leakage import FEATURES, MODEL, measure_gap
    from ser_bench.reports import publish_audit
    from ser_bench.reports.index_page import indexed

    cell = {"features": FEATURES, "models": MODEL}
    if not gap and (idle := [key for key in OF_THE_GAP if key in options]):
        raise WrongCall(f"{idle[0]} has no effect without --gap (gap=True); add that, or leave it out")
    config = configured_for_one("audit", {"corpus": corpus, **cell, **options})
    for key in cell:
        if gap and len(named := getattr(config, key)) > 1:
            raise WrongCall(f"{key}: the gap is measured for one, and {', '.join(named)} are named")
    shown = progress_of(progress)
    check_writable("--out", Path(config.out))
    found = audits.audit(config, shown)
    prepared, measured = measure_gap(config, shown) if gap else (found.prepared, None)
    folder = AuditFolder.named(f"{prepared.corpus.name}-audit", config, [*prepared.eval_set.hashes.values(), str(gap)])
    system = f"{next(iter(prepared.features))} with {config.models[0]}{_unusual_weights(config, ', class weights: {}')}"
    about = folder.write_terms(prepared, config, cell=system)
    with indexed(Path(config.out)):
        publish_audit(folder, prepared.corpus.name, found.summary, found.findings, measured, about, config.figure_style)
        pages = _shown_in(folder)
    return Audited(folder.path, prepared.corpus.name, found.summary, found.findings, measured, pages)


@takes("ablate")
def ablate(
    corpus: Source = "tones",
    *,
    modes: str | Sequence[str] = (),
    hold: bool = False,
    importance: bool = True,
    sweep: dict[str, list[Any]] | None = None,
    progress: Progress | bool | None = None,
    **options: Unpack[AblateOptions],
) -> Ablated:
    """Ablate groups of columns: each alone, all but each, forward selection; and measure what the system depends on.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        As in `run`.
    modes : {'alone', 'without', 'forward'} or several
        By default all three.
    hold : bool
        Hold the hyperparameters that were chosen for all groups, instead of tuning every subset again.
    importance : bool
        Also measure permutation importance of groups and columns, across and within speakers, and groups' Shapley values.
    sweep : dict of str to list
        Other settings to try: ``{"features.mfcc.n_mfcc": [13, 40], "trim": [30.0], "cv": ["auto@8"]}``.
    **options
        Keys of `RunConfig`, such as `features` (default ``egemaps``), `models` (default ``svm``), `budget`; a single `track`.
    """
    import pandas as pd

    from ser_bench.analyses import ablation
    from ser_bench.analyses.importance import importances
    from ser_bench.analyses.sweep import points, sweep_rows
    from ser_bench.corpora import left_out, load_corpus
    from ser_bench.reports import publish_ablation
    from ser_bench.reports.index_page import indexed

    config = configured_for_one("ablate", {"corpus": corpus, "features": "egemaps", "models": "svm", **options})
    modes = [modes] if isinstance(modes, str) else list(dict.fromkeys(modes)) or list(ablation.MODES)
    ablation.check_modes(modes)
    config = config.for_corpus(load_corpus(config.corpus[0], cache=config.cache, **config.reading))  # once for all values
    values = list(points(sweep or {}, config))  # refused now, not after the first were evaluated
    check_writable("--out", Path(config.out))
    shown = progress_of(progress)
    prepared, benches = ablation.set_up(config, shown, hold=hold)
    table = pd.concat([ablation.ablate(bench, modes) for bench in benches], ignore_index=True)
    if values:
        table = pd.concat([table, sweep_rows(values, benches, shown)], ignore_index=True)
    leaned_on = pd.concat([importances(bench) for bench in benches], ignore_index=True) if importance else None
    asked = [*modes, str(hold), str(importance), str(sweep or "")]
    folder = AblationFolder.named(f"{prepared.corpus.name}-ablation", config, [unit for bench in benches for unit in bench.hashes] + asked)
    searched = f"Every subset was re-tuned: {number_of(config.trials, 'trial')} inside the training speakers of each fold."
    tuned = "Hyperparameters were held as selected for all groups in each fold." if hold else searched
    tuned += _unusual_weights(config, " Class weights: {}.") + (f" Training clips augmented: {config.augmented}." if config.augment else "")
    about = folder.write_terms(prepared, config, tuned=tuned)
    folder.write_skipped(prepared.skipped)
    warnings = list(dict.fromkeys([*prepared.warnings, *(line for bench in benches for line in bench.warnings)]))
    with indexed(Path(config.out)):
        publish_ablation(folder, table, leaned_on, about | {"warnings": [*left_out(prepared.skipped), *warnings]}, config.figure_style)
        pages = _shown_in(folder)
    return Ablated(folder.path, table, leaned_on, pages, prepared.skipped, warnings)


def _shown_in(folder: ResultFolder) -> list[Path]:
    """The pages of runs on the same clips beside an audit or ablation, made again to show it."""
    from ser_bench.reports.related import runs_beside
    from ser_bench.reports.run_page import remake_page

    return [run.page for run in runs_beside(folder) if remake_page(run)]


def _unusual_weights(config: RunConfig, words: str) -> str:
    """`words` with the class weights filled in, where these are not balanced; else empty."""
    return words.format(config.class_weights) if config.class_weights != BALANCED else ""


@takes("cross")
def cross(
    train: Source | Sequence[Source],
    test: Source | Sequence[Source] | None = None,
    *,
    track: str | Sequence[str] = CROSS_TRACKS,
    progress: Progress | bool | None = None,
    **options: Unpack[TuningOptions],
) -> Crossed:
    """Train on one corpus and evaluate on another: all pairs, and each corpus within itself, so that the loss is known.

    Parameters
    ----------
    train, test : str, Path, DataFrame, Corpus or several
        As the corpus of `run`; without `test`, every corpus of `train` evaluates every other.
    track : {'train', 'corpus', 'speaker'} or several
        Standardised by the clips trained on; by each corpus's own clips or each speaker's own, which are transductive.
    **options
        Keys of `RunConfig`, such as `features`, `models`, `budget`, `labels`.

    Raises
    ------
    WrongCall
        As `run`; also where the corpora have fewer than two classes in common, share a name or share audio.
    """
    import pandas as pd

    from ser_bench.analyses.cross_corpus import evaluate_across, own_rates
    from ser_bench.corpora import left_out
    from ser_bench.evaluation.environment import corpus_titles, describe_corpus, surroundings
    from ser_bench.reports import publish_cross
    from ser_bench.reports.index_page import indexed

    config = configured("cross", options)
    check_writable("--out", Path(config.out))
    sides = [configured("cross", {"corpus": sources}).corpus for sources in (train, train if test is None else test)]
    loaded = load_each(dataclasses.replace(config, corpus=(*sides[0], *sides[1])))
    trained, tested = ([corpus for source in side for corpus in loaded[source]] for side in sides)
    tracks = [track] if isinstance(track, str) else track
    by_source, table, predictions = evaluate_across(config, trained, tested, tracks, progress_of(progress))
    corpora = list(by_source.values())
    described = [describe_corpus(one) for one in corpora]
    titles = corpus_titles([{"corpora": described}])
    warnings = [f"{titles[one.corpus.name]}: {line}" for one in corpora for line in one.warnings]
    warnings += own_rates(by_source, config.features, titles)
    pairs = table[["train", "test", "track"]].drop_duplicates().to_csv(index=False)
    folder = CrossFolder.named("cross", config, [pairs, *(seed for one in corpora for seed in one.eval_set.hashes.values())])
    about = {"corpora": described, "configuration": config.result_keys(), "warnings": warnings}
    folder.write_environment(surroundings() | about)
    skipped = pd.concat([one.skipped.assign(corpus=one.corpus.name) for one in corpora])[["corpus", "clip", "reason"]]
    folder.write_skipped(skipped)
    emotions = corpora[0].eval_set.emotions
    with indexed(Path(config.out)):
        publish_cross(folder, table, predictions, emotions, [*left_out(skipped), *warnings], config.figure_style)
    return Crossed(folder.path, table, predictions, warnings, emotions, skipped)


@named_arguments(kinds=KINDS)
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
        The wanted half-width of the 95% confidence interval of a UAR.
    difference : float or sequence of float
        True differences in UAR between two systems that the study is to detect (two-sided, alpha .05).
    power : float
        With what probability.
    sentences : int, optional
        Plan with this number of sentences, too, beside the run's own.
    to : str or Path, optional
        The folder that `planning.csv` and `figures/` go to; by default the run's.

    Returns
    -------
    DataFrame
        One row per system (goal ``interval``) or pair of systems (goal ``difference``), target, what the result should hold for
        (`covers`), and design: ``corpus, labels, track, cv, goal, target, features, model, other_features, other_model, covers,
        sentences, clips_per_speaker, speakers, variance_ratio, half_width, least, speakers_needed, needed_low, needed_high, sd_speaker,
        sd_sentence, sd_cell, sd_clip, sd_sentence_high``. `half_width` is that of the present speakers, `least` that of any number of them.
        `speakers_needed` is infinite where no number (up to 100,000) is enough; its 95% confidence interval follows from the degrees
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
    from ser_bench.analyses.planning import plan_study, wanted_of
    from ser_bench.evaluation.environment import titled
    from ser_bench.reports.planning import draw_plan

    wanted = wanted_of(width, difference, power, sentences)
    folder = RunFolder.of(run)
    target = Path(to) if to else folder.path
    check_writable("--to", target)
    found, planned = plan_study(folder, wanted), PlanningFolder(target)
    planned.write_table(found.table)
    draw_plan(titled(found.table, folder.read_about(), "corpus"), planned.figures)
    found.table.attrs |= {"notes": found.notes, "warnings": found.warnings}
    return found.table
