"""The commands: what each is called with, and what it says. Nothing is computed here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from ser_bench.cli.corpora import corpora
from ser_bench.cli.fit import fit
from ser_bench.cli.demo import demo
from ser_bench.cli.options import (
    DEFAULTS,
    EQUIVALENCE,
    FEATURES,
    INNER,
    INNER_BUDGET,
    MADE_USABLE_BY,
    MODELS,
    ONE_TRACK,
    OUT,
    SEARCH,
    SEEDS,
    extracting,
    hearing,
    measuring,
    reading,
    reproducing,
    searching,
    splitting,
)
from ser_bench.cli.output import (
    print_ablated,
    print_audit,
    print_catalogue,
    print_crossed,
    print_dry_runs,
    print_merged,
    print_reproduced,
    print_results,
    print_table,
    say,
    shown,
    warn,
    write,
)
from ser_bench.cli.parsing import cli, keys_of
from ser_bench.cli.predict import predict
from ser_bench.cli.recipes import recipes
from ser_bench.config import DIFFERENCES, POWER, WIDTH, RunConfig
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.utils.atomic import check_place, without_formulas, write_csv, write_parquet
from ser_bench.utils.progress import for_terminal


@cli.command()
@click.argument("corpus", nargs=-1)
@FEATURES
@searching
@splitting
@OUT
@reading
@hearing
@extracting
@click.option(
    "--no-learning-curves",
    "learning_curves",
    flag_value=False,
    default=None,
    help="Do not also evaluate each row with half, a quarter, ... of the training speakers; --time-limit implies it.",
)
@EQUIVALENCE
@reproducing
@click.option("--dry-run", is_flag=True, help="Print cells, fits and expected time; fit nothing.")
@click.option("--fresh", is_flag=True, help="Fit everything again, finished or not.")
def run(recipe: str | None, experiments: tuple[str, ...], max_epochs: int, dry_run: bool, fresh: bool, **given: Any) -> None:
    """Evaluate feature sets and models on each CORPUS and write a leaderboard and a report; of several, also one of all of them.

    CORPUS is a folder of audio, a manifest (.csv, .tsv, .jsonl or .parquet with path, emotion, speaker), a database in
    audformat, `audb:NAME`, a folder of Parquet files with audio in them (Hugging Face), or `tones`, the embedded
    synthetic corpus and the default. Features are kept in the store and finished work is never done again: a killed
    run goes on where it was with the same command.

    \b
    Examples:
      ser-bench run
      ser-bench run path/to/ravdess -f egemaps -m svm --budget smoke
      ser-bench run path/to/emodb --labels big4 --track train --track speaker
      ser-bench run path/to/ravdess path/to/emodb -f egemaps -m svm    (one leaderboard, compared across corpora)
      ser-bench run path/to/ravdess -f audioemotion26 -m svm --cv random:6    (the score that a leaky split gives)
      ser-bench run path/to/ravdess --recipe speech-emotion-analyzer-2018 --max-epochs 30
      ser-bench run --config results/emodb-1a2b3c4d/run.toml
    """
    from ser_bench import api

    named, shown = keys_of("run", given), for_terminal()
    choice = api.Choice(recipe or "", experiments, max_epochs)
    choice.check()
    if recipe and dry_run:
        return print_dry_runs([api.forecast_recipe(choice, named, progress=shown, fresh=fresh)])
    if recipe:
        return print_reproduced(api.run_recipe(choice, named, progress=shown, fresh=fresh))
    config = RunConfig(**named)
    if dry_run:
        return print_dry_runs(api.dry_run(config, progress=shown, fresh=fresh))
    results = api.run_config(config, progress=shown, fresh=fresh)
    for result in results:
        print_results(result, named=len(results) > 1)
    if len(results) > 1:
        print_merged(api.leaderboard_of(results, config))
    failures = [line for result in results for line in result.failures]
    if failures:
        raise WorkFailed(f"{len(failures)} unit(s) failed and their rows are marked FAILED; the first: {failures[0]}")


@cli.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "-f", "--features", multiple=True, required=True, metavar="FEATURES", help="A feature set, or several joined by +; repeatable."
)
@reading
@hearing
@extracting
@click.option("--verify", is_flag=True, help="Read all audio again instead of trusting size and times.")
def extract(corpus: tuple[str, ...], features: tuple[str, ...], verify: bool, **given: Any) -> None:
    """Fill the feature store with FEATURES of each CORPUS; what is there already is not computed again.

    \b
    Examples:
      ser-bench extract path/to/ravdess path/to/emodb -f egemaps -f spectral+mfcc
      ser-bench extract path/to/ravdess -f "mfcc(n_mfcc=13,rate=8000)" --variant "noise(snr=10)"
    """
    from ser_bench import api

    config = RunConfig(**keys_of("extract", given))
    done = api.extract_all(corpus, features, config=config, progress=for_terminal(), verify=verify)
    for source, filled in done.items():
        warn(filled.warnings)
        for row in filled.skipped.itertuples():
            say(f"skipped {row.clip}: {row.reason}", err=True)
        say(f"{source}: {', '.join(features)} are in {config.cache}/; {len(filled.skipped)} clip(s) skipped")


@cli.command()
@click.argument("corpus", nargs=-1, required=True)
@splitting
@click.option(
    "--gap", is_flag=True, help="Also measure the effect of evaluation leaks: random splits, tuning on the test set, standardisation."
)
@measuring
@OUT
@reading
@hearing
@extracting
@click.option("-o", "--to", metavar="FILE", help="Write the findings of all as one CSV, too.")
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
        raise WorkFailed(f"{len(errors)} error(s) that a run stops for; the first: {errors.iloc[0]['corpus']}: {errors.iloc[0]['what']}")


@cli.command()
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
@SEARCH
@splitting
@OUT
@reading
@hearing
@extracting
def cross(train: tuple[str, ...], test: tuple[str, ...], **given: Any) -> None:
    """Train on one corpus and evaluate on another, on the emotions that all have.

    Every test corpus is also cross-validated within itself, and the loss across corpora is reported with a confidence
    interval over its speakers. Writes cross.csv, cross.md and a figure.

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
        raise WorkFailed(f"{len(failed)} row(s) failed; the first: {first['train']} -> {first['test']}: {first['notes']}")


@cli.command()
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
    help="alone (one group), without (all but one) or forward (the best next one); repeatable.  [default: all three]",
)
@click.option("--hold", is_flag=True, help="Hold the hyperparameters chosen for all groups, instead of tuning every subset again.")
@click.option("--no-importance", is_flag=True, help="Do not compute permutation importance and Shapley values.")
@ONE_TRACK
@SEARCH
@splitting
@OUT
@reading
@hearing
@extracting
def ablate(corpus: str, modes: tuple[str, ...], hold: bool, no_importance: bool, **given: Any) -> None:
    """Ablate feature groups: each group only, leave-one-out, and forward selection.

    Every subset is evaluated as a row of a leaderboard is, re-tuned inside the training speakers; differences from all groups have
    confidence intervals over speakers and corrected p-values. Also reported is what the system with all groups depends on: permutation
    importance of groups and columns, across and within speakers, and groups' Shapley values. Writes ablation.csv, importance.csv, a page
    and a figure.

    Any other setting is one line in a file for --config, below [sweep]: "features.mfcc.n_mfcc" = [13, 20, 40],
    "trim" = [30.0], "track" = ["speaker"], "cv" = ["auto@4", "auto@12"] (the number of training speakers).

    \b
    Examples:
      ser-bench ablate path/to/ravdess -f egemaps -m svm
      ser-bench ablate path/to/emodb -f spectral+mfcc -m rf --mode without --hold
      ser-bench ablate "tones(cue=pitch)" --mode alone
    """
    from ser_bench import api

    how = {**keys_of("ablate", given), "corpus": corpus}
    print_ablated(api.ablate(modes=modes, hold=hold, importance=not no_importance, progress=for_terminal(), **how))


@cli.command()
@click.argument("corpus")
@splitting
@INNER_BUDGET
@INNER
@SEEDS
@MADE_USABLE_BY
@reading
@hearing
@extracting
@click.option("-o", "--to", metavar="FILE", help="Where the table goes: .csv or .parquet.  [default: to stdout, as CSV]")
def splits(corpus: str, to: str | None, **given: Any) -> None:
    """The folds of CORPUS as a table, so that a system trained elsewhere uses the very same ones.

    One row per clip (and seed): clip, speaker, emotion, seed, fold (the outer fold in which it is held out), and for each outer fold k
    the column inner_k: its inner fold where fold k is held out. With -f, clips on which these features cannot be
    extracted are left out, as in a run of them.

    \b
    Examples:
      ser-bench splits path/to/ravdess -o folds.csv
      ser-bench splits path/to/emodb --labels big4 --inner 5 -o folds.parquet
    """
    from ser_bench import api

    if to:
        check_place("--to", Path(to))
    table = api.splits(progress=for_terminal(), **{**keys_of("splits", given), "corpus": corpus})
    warn(table.attrs["warnings"])
    for clip, why in table.attrs["skipped"].items():
        say(f"skipped {clip}: {why}", err=True)
    if to is None:
        write(without_formulas(table.map(shown) if sys.stdout.isatty() else table).to_csv(index=False), end="")
    elif to.endswith(".parquet"):
        write_parquet(table, Path(to), index=False)
    else:
        write_csv(table, Path(to))


@cli.command()
@click.argument("predictions")
@click.argument("corpus")
@splitting
@ONE_TRACK
@SEEDS
@MADE_USABLE_BY
@EQUIVALENCE
@OUT
@reading
@hearing
@extracting
@click.option("--name", metavar="NAME", help="What the system is called.  [default: the file's name]")
@click.option(
    "--decisions-only", is_flag=True, help="Leave the probabilities out, such as where decisions are not the most probable emotion."
)
def score(predictions: str, corpus: str, name: str | None, decisions_only: bool, **given: Any) -> None:
    """Evaluate an outside system's PREDICTIONS of CORPUS by the same rules: the same clips, folds, intervals.

    PREDICTIONS is a CSV or Parquet table with one row per clip: clip, predicted, and where there are, fold, seed, and a
    probability p.EMOTION for every emotion, between 0 and 1, their sum 1 and the decision's the largest. A column emotion, truth or
    label has to agree with the corpus. They are to be out-of-fold: of each clip, by a system that was trained without
    its fold (see `ser-bench splits`). The options that make the folds are to be the same there and here.

    \b
    Examples:
      ser-bench score wav2vec2.csv path/to/ravdess
      ser-bench score mine.parquet path/to/emodb --labels big4 --name "my network"
    """
    from ser_bench import api

    how = {**keys_of("score", given), "corpus": corpus}
    print_results(api.score(predictions, name=name or "", decisions_only=decisions_only, progress=for_terminal(), **how))


@cli.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--out", metavar="FOLDER", default=DEFAULTS.out, help=f"Where runs lie, if none are named.  [default: {DEFAULTS.out}]")
@click.option("-o", "--to", metavar="FOLDER", help="Where the merged leaderboard goes.  [default: leaderboard below --out]")
@click.option(
    "--with-external",
    is_flag=True,
    help="Include external systems in the comparison of every row with the best; otherwise they change no p of other rows.",
)
@EQUIVALENCE
def leaderboard(runs: tuple[str, ...], out: str, to: str | None, with_external: bool, rope: float | None) -> None:
    """Merge RUNs into one leaderboard, re-ranked, and compare systems across corpora.

    RUN is a folder that `run` or `score` wrote. Without any, all finished runs right below --out are merged (not those further down,
    such as in reference/). Rows of one corpus are ranked together if labels, split, track, search and clips are the same, and
    kept apart otherwise; a row that stands in several runs is shown once, and refused if its scores differ. Writes
    LEADERBOARD.md, leaderboard.html, leaderboard.csv and, from three corpora on, figures/critical-difference as PNG, SVG and PDF;
    and each run's report.html again, with the audits and ablations that lie beside it by now.

    \b
    Examples:
      ser-bench leaderboard
      ser-bench leaderboard results/ravdess-1a2b3c4d results/emodb-5e6f7a8b -o paper/table
    """
    from ser_bench import api

    region = DEFAULTS.rope if rope is None else rope
    print_merged(api.leaderboard(runs, out=out, to=to, with_external=with_external, rope=region))


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--width", type=float, default=WIDTH, show_default=True, metavar="W", help="Half-width wanted of the 95% interval of a UAR.")
@click.option(
    "--difference",
    type=float,
    multiple=True,
    default=DIFFERENCES,
    metavar="D",
    help="True difference in UAR between two systems to be shown; repeatable.  [default: .02, .05]",
)
@click.option("--power", type=float, default=POWER, show_default=True, metavar="P", help="Chance of showing it (two-sided, alpha .05).")
@click.option("--sentences", type=int, metavar="M", help="Plan with M sentences as well, instead of those the corpus has.")
@click.option("-o", "--to", metavar="FOLDER", help="Where planning.csv and figures/ go.  [default: the run's folder]")
def plan(runs: tuple[str, ...], to: str | None, **wanted: Any) -> None:
    """How many speakers a study needs, from the spreads seen in each RUN.

    RUN is the folder of a finished run on a corpus like the one you plan: the variance between its speakers, its sentences and its clips
    says how wide intervals of a larger study will be, and what differences it will show. "for new speakers" takes the
    sentences as given; "for new speakers and sentences" treats them as a sample of all that could be spoken. With few sentences no
    number of speakers is enough for that ("never"). Each line is the system or pair in the middle of the leaderboard; "now" is
    half the width of its 95% interval, "at best" that with any number of speakers. The numbers needed
    are estimates from few speakers, and the 95% CI shows how rough. Writes planning.csv and a figure;
    docs/planning.md has the formulas.

    \b
    Examples:
      ser-bench plan results/emodb-5e6f7a8b
      ser-bench plan results/ravdess-1a2b3c4d --width .02 --difference .03 --power .9
      ser-bench plan results/ravdess-1a2b3c4d --sentences 20           (what more sentences would bring)
    """
    from ser_bench.api import plan_study
    from ser_bench.reports.planning import HEAD, summaries

    if to and len(runs) > 1:
        raise WrongCall(f"plan: --to names one folder for {len(runs)} runs; plan them one by one, or leave it out")
    for run in runs:
        table = plan_study(run, to=to, **wanted)
        warn(table.attrs["warnings"])
        for summary in summaries(table):
            print_table(HEAD, summary.rows, title=summary.title)
        for note in table.attrs["notes"]:
            say(note)
        say(f"table: {os.path.join(to or run, 'planning.csv')}")


cli.add_command(corpora)
cli.add_command(fit)
cli.add_command(predict)
cli.add_command(demo)
cli.add_command(recipes)


@cli.command()
def labels() -> None:
    """The label schemes: which emotions are evaluated, and under which label."""
    from ser_bench.corpora import label_schemes

    print_catalogue(label_schemes())


@cli.command()
def features() -> None:
    """The feature sets, with dimensions, parameters and their defaults, groups, rate, source and licence."""
    from ser_bench.features import catalogue

    print_catalogue(catalogue())


@cli.command()
def models() -> None:
    """The models, with their defaults."""
    from ser_bench.models import catalogue

    print_catalogue(catalogue())
