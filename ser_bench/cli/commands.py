"""The commands: what each is called with, and what it says. Nothing is computed here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ser_bench.cli.analyses import ablate, audit, cross, plan
from ser_bench.cli.corpora import corpora
from ser_bench.cli.demo import demo
from ser_bench.cli.export import export
from ser_bench.cli.fit import fit
from ser_bench.cli.options import (
    DEFAULTS,
    EQUIVALENCE,
    FEATURES,
    FIGURE_STYLE,
    INNER,
    INNER_BUDGET,
    MADE_USABLE_BY,
    ONE_TRACK,
    OUT,
    SEEDS,
    clips,
    reproducing,
    searching,
    splitting,
)
from ser_bench.cli.output import (
    print_catalogue,
    print_dry_runs,
    print_merged,
    print_reproduced,
    print_results,
    say,
    shown,
    warn,
    write,
)
from ser_bench.cli.parsing import cli, keys_of
from ser_bench.cli.predict import predict
from ser_bench.cli.recipes import recipes
from ser_bench.config import RunConfig
from ser_bench.errors import WorkFailed
from ser_bench.utils.atomic import check_place, csv_text, write_csv, write_parquet
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import for_terminal


@cli.command(short_help="Evaluate feature sets and models: leaderboard and report.")
@click.argument("corpus", nargs=-1)
@FEATURES
@searching
@splitting
@OUT
@clips
@click.option(
    "--no-learning-curves",
    "learning_curves",
    flag_value=False,
    default=None,
    help="Skip learning curves: each row with half, a quarter, ... of the training speakers; --time-limit implies it.",
)
@EQUIVALENCE
@FIGURE_STYLE
@reproducing
@click.option("--dry-run", is_flag=True, help="Print what would be fitted and the expected time; fit nothing.")
@click.option("--fresh", is_flag=True, help="Fit everything again, finished or not.")
def run(recipe: str | None, experiments: tuple[str, ...], max_epochs: int, dry_run: bool, fresh: bool, **given: Any) -> None:
    """Evaluate feature sets and models on each CORPUS and write a leaderboard and a report; for several corpora, also a merged one.

    CORPUS is a folder of audio, a manifest (.csv, .tsv, .jsonl or .parquet with path, emotion, speaker), a database in
    audformat, `audb:NAME`, a folder of Parquet files with audio in them (Hugging Face), or `tones`, the embedded
    synthetic corpus and the default. Features are kept in the store and finished fits are reused: a killed
    run resumes with the same command.

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
        failed = number_of(len(failures), "unit failed and its row is", "units failed and their rows are")
        raise WorkFailed(f"{failed} marked FAILED; the first: {failures[0]}")


@cli.command(short_help="Extract features of corpora into the feature store.")
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "-f", "--features", multiple=True, required=True, metavar="FEATURES", help="A feature set, or several joined by +; repeatable."
)
@clips
@click.option("--verify", is_flag=True, help="Read all audio again instead of trusting size and times.")
def extract(corpus: tuple[str, ...], features: tuple[str, ...], verify: bool, **given: Any) -> None:
    """Fill the feature store with FEATURES of each CORPUS; stored features are not computed again.

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
        say(f"{source}: {', '.join(features)} are in {config.cache}/; {number_of(len(filled.skipped), 'clip')} skipped")


@cli.command(short_help="Write a corpus's folds as a table.")
@click.argument("corpus")
@splitting
@INNER_BUDGET
@INNER
@SEEDS
@MADE_USABLE_BY
@clips
@click.option("-o", "--to", metavar="FILE", help="The table to write: .csv or .parquet.  [default: to stdout, as CSV]")
def splits(corpus: str, to: str | None, **given: Any) -> None:
    """Write the folds of CORPUS as a table, so that a system trained elsewhere uses the same ones.

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
        write(csv_text(table.map(shown) if sys.stdout.isatty() else table), end="")
    elif to.endswith(".parquet"):
        write_parquet(table, Path(to), index=False)
    else:
        write_csv(table, Path(to))


@cli.command(short_help="Evaluate predictions of an external system.")
@click.argument("predictions")
@click.argument("corpus")
@splitting
@ONE_TRACK
@SEEDS
@MADE_USABLE_BY
@EQUIVALENCE
@FIGURE_STYLE
@OUT
@clips
@click.option("--name", metavar="NAME", help="The system's name.  [default: the file's name]")
@click.option(
    "--decisions-only", is_flag=True, help="Ignore the probabilities, for instance where decisions are not the most probable emotion."
)
def score(predictions: str, corpus: str, name: str | None, decisions_only: bool, **given: Any) -> None:
    """Evaluate an external system's PREDICTIONS of CORPUS on the same clips and folds, with the same intervals.

    PREDICTIONS is a CSV or Parquet table with one row per clip: clip, predicted, and optionally fold, seed, and a
    probability p.EMOTION for every emotion: between 0 and 1, summing to 1, the largest being that of the decision. A column emotion,
    truth or label has to agree with the corpus. Predictions have to be out-of-fold: each clip predicted by a system that was trained
    without its fold (see `ser-bench splits`), with the same options for the folds there and here.

    \b
    Examples:
      ser-bench score wav2vec2.csv path/to/ravdess
      ser-bench score mine.parquet path/to/emodb --labels big4 --name "my network"
    """
    from ser_bench import api

    how = {**keys_of("score", given), "corpus": corpus}
    print_results(api.score(predictions, name=name or "", decisions_only=decisions_only, progress=for_terminal(), **how))


@cli.command(short_help="Merge runs into one leaderboard.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--out", metavar="FOLDER", default=DEFAULTS.out, help=f"The folder of the runs, if none are named.  [default: {DEFAULTS.out}]"
)
@click.option("-o", "--to", metavar="FOLDER", help="The folder of the merged leaderboard.  [default: leaderboard below --out]")
@click.option(
    "--with-external",
    is_flag=True,
    help="Include external systems in the comparison of every row with the best; otherwise they do not change other rows' p-values.",
)
@EQUIVALENCE
@FIGURE_STYLE
def leaderboard(runs: tuple[str, ...], out: str, to: str | None, with_external: bool, rope: float | None, figure_style: str | None) -> None:
    """Merge RUNs into one leaderboard, re-ranked, and compare systems across corpora.

    RUN is a folder that `run` or `score` wrote. Without any, all finished runs directly below --out are merged (not those further down,
    such as in reference/). Rows of one corpus are ranked together if labels, split, track, search and clips are the same, and
    in separate tables otherwise; a row that stands in several runs is shown once, and refused if its scores differ. Writes
    LEADERBOARD.md, leaderboard.html, leaderboard.csv and, from three corpora on, figures/critical-difference as SVG and PNG;
    and each run's report.html again, with audits and ablations added beside it since.

    \b
    Examples:
      ser-bench leaderboard
      ser-bench leaderboard results/ravdess-1a2b3c4d results/emodb-5e6f7a8b -o paper/table
    """
    from ser_bench import api

    region = DEFAULTS.rope if rope is None else rope
    print_merged(api.leaderboard(runs, out=out, to=to, with_external=with_external, rope=region, figure_style=figure_style or ""))


for analysis in (audit, cross, ablate, plan):
    cli.add_command(analysis)
cli.add_command(corpora)
cli.add_command(fit)
cli.add_command(predict)
cli.add_command(demo)
cli.add_command(recipes)
cli.add_command(export)


@cli.command(short_help="List label schemes.")
def labels() -> None:
    """The label schemes: which emotions are evaluated, and under which label."""
    from ser_bench.corpora import label_schemes

    print_catalogue(label_schemes())


@cli.command(short_help="List feature sets.")
def features() -> None:
    """The feature sets, with dimensions, parameters and their defaults, groups, rate, source and licence."""
    from ser_bench.features import catalogue

    print_catalogue(catalogue())


@cli.command(short_help="List models.")
def models() -> None:
    """The models, with their defaults."""
    from ser_bench.models import catalogue

    print_catalogue(catalogue())
