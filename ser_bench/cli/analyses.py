"""The commands that say why a system does what it does: `audit`, `cross`, `ablate`, `plan`. Nothing is computed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ser_bench.cli.options import FEATURES, MODELS, ONE_TRACK, OUT, analysing, clips, measuring, plain_share, splitting
from ser_bench.cli.output import (
    print_ablated,
    print_audit,
    print_crossed,
    print_table,
    say,
    warn,
)
from ser_bench.cli.parsing import Command, keys_of
from ser_bench.config import DIFFERENCES, POWER, WIDTH, RunConfig
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.utils.atomic import check_place, write_csv
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import for_terminal


@click.command(cls=Command, short_help="Check corpora for leaks, near-duplicates and confounds.")
@click.argument("corpus", nargs=-1, required=True)
@splitting
@click.option(
    "--gap", is_flag=True, help="Also measure the effect of evaluation leaks: random splits, tuning on the test set, standardisation."
)
@measuring
@OUT
@clips
@click.option("-o", "--to", metavar="FILE", help="Also write all findings as one CSV.")
def audit(corpus: tuple[str, ...], gap: bool, to: str | None, **given: Any) -> None:
    """Check each CORPUS for leaks, near-duplicates and confounds.

    Duplicates, the same audio under two speakers or emotions, near-duplicates (encoded, resampled, padded), clips of
    identical duration, differences from the released corpus, emotion that is associated with a column of the manifest or
    predicted by recording properties, and speakers whose labels appear shuffled (docs/confounds.md). Errors stop a run
    (exit code 1); warnings should be addressed in a paper.

    With --gap, one feature set and one model are evaluated with nested, speaker-independent cross-validation and with every
    evaluation leak: a random split, hyperparameters tuned on the test set, standardisation over all clips or per speaker;
    and, where sentences are known, with these held out as well.

    \b
    Examples:
      ser-bench audit path/to/ravdess
      ser-bench audit path/to/ravdess path/to/emodb -o findings.csv
      ser-bench audit path/to/ravdess --gap -f audioemotion26 -m svm
    """
    import pandas as pd

    from ser_bench import api
    from ser_bench.api.options import OF_THE_GAP, corpora_of

    named = keys_of("audit", given, idle=() if gap else OF_THE_GAP)
    if to:
        check_place("--to", Path(to))
    corpora = corpora_of(RunConfig(**{**named, "corpus": corpus}))
    audits = [api.audit(gap=gap, progress=for_terminal(), **{**named, "corpus": one}) for one in corpora]
    for found in audits:
        print_audit(found)
    everything = pd.concat([found.findings.assign(corpus=found.name) for found in audits])[["corpus", "kind", "check", "what"]]
    if to:
        write_csv(everything, Path(to))
    errors = everything[everything["kind"] == "error"]
    if len(errors):
        told = number_of(len(errors), "error")
        raise WorkFailed(f"{told} that a run stops for; the first: {errors.iloc[0]['corpus']}: {errors.iloc[0]['what']}")


@click.command(cls=Command, short_help="Train on one corpus and evaluate on another.")
@click.option("--train", multiple=True, required=True, metavar="CORPUS", help="A corpus to train on; repeatable.")
@click.option(
    "--test", multiple=True, metavar="CORPUS", help="A corpus to evaluate on; repeatable.  [default: those to train on, all pairs]"
)
@FEATURES
@MODELS
@click.option(
    "--track",
    multiple=True,
    metavar="TRACK",
    help="Standardise with training-set statistics (train), or, transductive, per corpus (corpus) or per speaker (speaker); "
    "repeatable.  [default: train, corpus]",
)
@analysing
def cross(train: tuple[str, ...], test: tuple[str, ...], **given: Any) -> None:
    """Train on one corpus and evaluate on another, on the emotions that all have.

    Every test corpus is also cross-validated within itself, and the loss across corpora is reported with a confidence
    interval over its speakers. Writes cross.csv, cross.md, a page and a figure.

    \b
    Examples:
      ser-bench cross --train path/to/ravdess --test path/to/emodb -f egemaps -m svm
      ser-bench cross --train path/to/ravdess --train path/to/emodb           (all pairs)
    """
    from ser_bench import api

    found = api.cross(train, test or None, progress=for_terminal(), **keys_of("cross", given))
    print_crossed(found)
    failed = found.table[found.table["status"] == "failed"]
    if len(failed):
        first = failed.iloc[0]
        raise WorkFailed(f"{number_of(len(failed), 'row')} failed; the first: {first['train']} -> {first['test']}: {first['reason']}")


@click.command(cls=Command, short_help="Ablate feature groups, and measure their importance.")
@click.argument("corpus")
@click.option(
    "-f", "--features", multiple=True, metavar="FEATURES", help="A feature set, or several joined by +; repeatable.  [default: egemaps]"
)
@click.option("-m", "--model", "models", multiple=True, metavar="MODEL", help="Repeatable.  [default: svm]")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    metavar="MODE",
    help="alone (each group only), without (leave-one-out) or forward (forward selection); repeatable.  [default: all three]",
)
@click.option("--hold", is_flag=True, help="Hold the hyperparameters chosen for all groups, instead of tuning every subset again.")
@click.option("--no-importance", is_flag=True, help="Do not compute permutation importance and Shapley values.")
@ONE_TRACK
@analysing
def ablate(corpus: str, modes: tuple[str, ...], hold: bool, no_importance: bool, **given: Any) -> None:
    """Ablate feature groups: each group only, leave-one-out, and forward selection.

    Every subset is evaluated as a row of a leaderboard is, re-tuned inside the training speakers; differences from all groups have
    confidence intervals over speakers and corrected p-values. Also reported is what the system with all groups depends on: permutation
    importance of groups and columns, across and within speakers, and groups' Shapley values. Writes ablation.csv, importance.csv, a page
    and a figure.

    Any other setting is one line in a file for --config, below [sweep]: "features.mfcc.n_mfcc" = [13, 20, 40],
    "trim" = [30.0], "track" = ["speaker"], "cv" = ["auto@4", "auto@12"] (4 and 12 training speakers).

    \b
    Examples:
      ser-bench ablate path/to/ravdess -f egemaps -m svm
      ser-bench ablate path/to/emodb -f spectral+mfcc -m rf --mode without --hold
      ser-bench ablate "tones(cue=pitch)" --mode alone
    """
    from ser_bench import api

    how = {**keys_of("ablate", given), "corpus": corpus}
    print_ablated(api.ablate(modes=modes, hold=hold, importance=not no_importance, progress=for_terminal(), **how))


@click.command(cls=Command, short_help="Estimate how many speakers a study needs.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--width", type=float, default=WIDTH, metavar="W", help=f"Desired half-width of the 95% CI of a UAR.  [default: {plain_share(WIDTH)}]"
)
@click.option(
    "--difference",
    type=float,
    multiple=True,
    default=DIFFERENCES,
    metavar="D",
    help="True difference in UAR between two systems to detect; repeatable.  [default: .02, .05]",
)
@click.option(
    "--power", type=float, default=POWER, metavar="P", help=f"Power to detect it (two-sided, alpha .05).  [default: {plain_share(POWER)}]"
)
@click.option("--sentences", type=int, metavar="M", help="Also plan with M sentences, instead of as many as the corpus has.")
@click.option("-o", "--to", metavar="FOLDER", help="The folder for planning.csv and figures/.  [default: the run's folder]")
def plan(runs: tuple[str, ...], to: str | None, **wanted: Any) -> None:
    """Estimate how many speakers a study needs, from the variance seen in each RUN.

    RUN is the folder of a finished run on a corpus like the one you plan: the variance between its speakers, its sentences and its clips
    tells how wide the intervals of a larger study will be, and which differences it will detect. "for new speakers" takes the
    sentences as given; "for new speakers and sentences" treats them as a sample of all that could be spoken. With few sentences no
    number of speakers is enough for that ("never"). Each line is the median system or pair of the leaderboard; "now" is
    half the width of its 95% CI, "at best" the same with any number of speakers. The numbers needed are estimates from few
    speakers; their 95% CI shows how uncertain they are. Writes planning.csv and a figure; docs/planning.md has the formulas.

    \b
    Examples:
      ser-bench plan results/emodb-5e6f7a8b
      ser-bench plan results/ravdess-1a2b3c4d --width .02 --difference .03 --power .9
      ser-bench plan results/ravdess-1a2b3c4d --sentences 20           (what more sentences would bring)
    """
    from ser_bench.api import plan_study
    from ser_bench.evaluation.analysis_folders import PlanningFolder
    from ser_bench.evaluation.environment import titled
    from ser_bench.evaluation.run_folder import RunFolder
    from ser_bench.reports.planning import HEAD, summaries

    if to and len(runs) > 1:
        raise WrongCall(f"plan: --to names one folder for {len(runs)} runs; plan them one by one, or leave it out")
    for run in runs:
        table = plan_study(run, to=to, **wanted)
        warn(table.attrs["warnings"])
        for summary in summaries(titled(table, RunFolder(Path(run)).read_about(), "corpus")):
            print_table(HEAD, summary.rows, title=summary.title)
        for note in table.attrs["notes"]:
            say(note)
        say(f"table: {PlanningFolder(Path(to or run)).table}")
