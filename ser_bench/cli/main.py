"""The command line: parse, call, print. Nothing is computed here."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ser_bench.audio.augmentation import KNOWN as VARIANTS
from ser_bench.config import BUDGETS, RunConfig, check_keys, read_config, read_sweep
from ser_bench.errors import SerBenchError, WorkFailed, WrongCall, lines, printable, quoted, unknown
from ser_bench.evaluation.study_storage import without_command_secrets
from ser_bench.utils.atomic import check_place, without_formulas, write_csv, write_parquet
from ser_bench.utils.processes import Stopped, clear_shared, end_workers, stop_on_signals
from ser_bench.utils.progress import for_terminal
from ser_bench.utils.streams import CLOSED, Steady, steady_streams

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from ser_bench.api import Ablated, Audited, Crossed, Results
    from ser_bench.evaluation.merge import Merged

F = TypeVar("F", bound=Callable[..., Any])
DEFAULTS = RunConfig()
LONGEST_LINE = 10_000


class Commands(click.Group):
    """A group that suggests the nearest command for one that it does not have."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or say which was probably meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise unknown("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order given."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


extracting = options(
    click.option("--jobs", type=int, metavar="N", help="Processes of this machine, one thread each.  [default: one a core]"),
    click.option(
        "--backend", metavar="BACKEND", help="local, or dask: the workers of a Dask cluster that shares the file system.  [default: local]"
    ),
    click.option("--scheduler", metavar="URL", help="Of backend dask: the address of its scheduler, such as tcp://host:8786."),
    click.option("--cache", metavar="FOLDER", help=f"The feature store.  [default: {DEFAULTS.cache}]"),
    click.option("--max-skipped", type=float, metavar="SHARE", help=f"Unusable clips allowed.  [default: {DEFAULTS.max_skipped}]"),
)
hearing = options(
    click.option("--offset", type=float, metavar="S", help="Seconds of each clip that are left out at its beginning."),
    click.option("--duration", type=float, metavar="S", help="Seconds of each clip that are heard then.  [default: all]"),
    click.option("--trim", type=float, metavar="DB", help="Cut both ends off where they are DB below the loudest frame, such as 30."),
    click.option(
        "--variant", metavar="VARIANT", help=f'Change the sound first: {", ".join(VARIANTS)}, such as "noise(snr=10)"; + joins several.'
    ),
)
FEATURES = click.option(
    "-f",
    "--features",
    multiple=True,
    metavar="FEATURES",
    help=f"A feature set, several joined by +, or FILE.parquet; repeatable.  [default: {', '.join(DEFAULTS.features)}]",
)
MADE_USABLE_BY = click.option(
    "-f", "--features", multiple=True, metavar="FEATURES", help="Leave out clips on which this set cannot be extracted; repeatable."
)
OUT = click.option("--out", metavar="FOLDER", help=f"Where runs and finished units lie.  [default: {DEFAULTS.out}]")
BUDGET = click.option(
    "--budget",
    metavar="BUDGET",
    help="; ".join(f"{name}: {b.trials} trials, {b.inner} inner folds, {b.seeds} seed(s)" for name, b in BUDGETS.items())
    + ".  [default: standard; smoke for tones]",
)
INNER = click.option("--inner", type=int, metavar="K", help="Inner folds, instead of the budget's.")
SEEDS = click.option("--seeds", type=int, metavar="N", help="Repeats with seeds counting up, instead of the budget's.")
TRACK = click.option(
    "--track",
    multiple=True,
    metavar="TRACK",
    help="Scaling from training clips only (train), or from each speaker's own unlabelled clips (speaker: "
    "transductive, ranked apart); repeatable.  [default: train]",
)
splitting = options(
    click.option("--labels", metavar="SCHEME", help=f"Which emotions are judged: all, big4.  [default: {DEFAULTS.labels}]"),
    click.option(
        "--where", metavar="EXPR", help="Keep the clips for which this is true (docs/filters.md), such as \"intensity == 'strong'\"."
    ),
    click.option(
        "--cv",
        metavar="PROTOCOL",
        help="auto (the corpus's custom, else loso up to 12 speakers, else group:6), loso, group:K, predefined; each with +sentence "
        "to hold out what is said, too, and @N to learn from N speakers only; or random:K, which shares speakers and is marked LEAKY.  "
        "[default: auto]",
    ),
    click.option("--seed", type=int, metavar="N", help=f"The first seed.  [default: {DEFAULTS.seed}]"),
    click.option("--allow-conflicts", is_flag=True, default=None, help="Go on although one audio stands under two emotions."),
    click.option(
        "--allow-similar-names",
        is_flag=True,
        default=None,
        help="Take nearly equal names of speakers or emotions ('3' and '03') as different, and 'unknown' as a name.",
    ),
    click.option("--config", metavar="FILE", help="A TOML file with these options; what stands on the command line goes first."),
)
TRIALS = click.option("--trials", type=int, metavar="N", help="Optuna trials a unit, instead of the budget's.")
CLASS_WEIGHTS = click.option(
    "--class-weights",
    metavar="WEIGHTS",
    help=f"What training clips count: every emotion the same (balanced), or every clip (none).  [default: {DEFAULTS.class_weights}]",
)
MEASURED_BY = ("features", "models", "budget", "trials", "inner", "seeds", "class_weights")
measuring = options(
    click.option("-f", "--features", metavar="FEATURES", help="Of --gap: the feature set.  [default: egemaps]"),
    click.option("-m", "--model", "models", metavar="MODEL", help="Of --gap: the model.  [default: svm]"),
    BUDGET,
    TRIALS,
    INNER,
    SEEDS,
    CLASS_WEIGHTS,
)
EQUIVALENCE = click.option(
    "--rope",
    type=float,
    metavar="UAR",
    help="Rows that differ from the best by less are equally good for practical purposes (two one-sided tests); changes what is reported, "
    f"not what is fitted.  [default: {DEFAULTS.rope}]",
)
MODELS = click.option(
    "-m", "--model", "models", multiple=True, metavar="MODEL", help=f"Repeatable.  [default: {', '.join(DEFAULTS.models)}]"
)
SEARCH = options(BUDGET, TRIALS, INNER, SEEDS, CLASS_WEIGHTS)
searching = options(
    MODELS,
    TRACK,
    SEARCH,
    click.option(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        help="End searches after that long (of judging, a corpus; anew at each start) and judge what they found: marked in the notes, and "
        "no longer the same from run to run. --fresh searches again.",
    ),
    click.option(
        "--storage", metavar="URL", help="Copy Optuna's studies to a database, such as sqlite:///studies.db, for optuna-dashboard to show."
    ),
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-bench", message="ser-bench %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; may stand anywhere.")
def cli(debug: bool) -> None:
    """How well do hand-crafted features recognise emotion in voices never heard before?

    ser-bench turns a folder of emotional speech into a leaderboard of feature set x classifier: tuned inside the
    training speakers, judged on others, every number with its interval.

    \b
    Try it now, without any data:        ser-bench run
    On a folder of your own:             ser-bench run path/to/ravdess
    Two feature sets, one model:         ser-bench run path/to/emodb -f egemaps -f mfcc -m svm
    What it would do, and how long:      ser-bench run path/to/emodb --dry-run
    """


@cli.command()
@click.argument("corpus", nargs=-1)
@FEATURES
@searching
@splitting
@OUT
@hearing
@extracting
@click.option(
    "--no-learning-curves",
    "learning_curves",
    flag_value=False,
    default=None,
    help="Do not judge each row with half, a quarter, ... of the training speakers, too; --time-limit implies it.",
)
@EQUIVALENCE
@click.option("--dry-run", is_flag=True, help="Print cells, fits and expected time; fit nothing.")
@click.option("--fresh", is_flag=True, help="Do every unit again, finished or not.")
def run(dry_run: bool, fresh: bool, **given: Any) -> None:
    """Judge feature sets and models on each CORPUS and write a leaderboard and a report.

    CORPUS is a folder of audio, a manifest (.csv or .parquet with path, emotion, speaker), or `tones`, the embedded
    synthetic corpus and the default. Features are kept in the store and finished work is never done again: a killed
    run goes on where it was with the same command.

    \b
    Examples:
      ser-bench run
      ser-bench run path/to/ravdess -f egemaps -m svm --budget smoke
      ser-bench run path/to/emodb --labels big4 --track train --track speaker
      ser-bench run path/to/ravdess -f audioemotion26 -m svm --cv random:6    (what a leaky split would claim)
      ser-bench run --config results/emodb-1a2b3c4d/run.toml
    """
    from ser_bench import api

    config = _config(given)
    if dry_run:
        for table in api.dry_run(config, progress=for_terminal()):
            _warn(table.attrs["warnings"])
            _print_table(table.columns, table.itertuples(index=False))
            _print_forecast(table)
        return
    results = api.run_config(config, progress=for_terminal(), fresh=fresh)
    for result in results:
        _print_results(result)
    if len(results) > 1:
        _say(f"compare them: ser-bench leaderboard {' '.join(str(result.folder) for result in results)}")
    failures = [line for result in results for line in result.failures]
    if failures:
        raise WorkFailed(f"{len(failures)} unit(s) failed and their rows are marked FAILED; the first: {failures[0]}")


@cli.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "-f", "--features", multiple=True, required=True, metavar="FEATURES", help="A feature set, or several joined by +; repeatable."
)
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

    config = _config(given)
    done = api.extract_all(corpus, features, config=config, progress=for_terminal(), verify=verify)
    for source, filled in zip(corpus, done, strict=True):
        _warn(filled.warnings)
        for row in filled.skipped.itertuples():
            _say(f"skipped {row.clip}: {row.reason}", err=True)
        _say(f"{source}: {', '.join(features)} are in {config.cache}/; {len(filled.skipped)} clip(s) skipped")


@cli.command()
@click.argument("corpus", nargs=-1, required=True)
@splitting
@click.option("--gap", is_flag=True, help="Measure what each shortcut adds, too: random splits, parameters by the test score, scaling.")
@measuring
@OUT
@hearing
@extracting
@click.option("-o", "--to", metavar="FILE", help="Write the findings of all as one CSV, too.")
def audit(corpus: tuple[str, ...], gap: bool, to: str | None, **given: Any) -> None:
    """Look for leaks, twins and confounds in each CORPUS before somebody else does.

    Copies, the same audio under two speakers or emotions, the same recording encoded, resampled or padded anew, clips that
    are all of one length, differences from the corpus as released, emotions that go with any column of the manifest or are
    predicted by the recording instead of the voice, and speakers whose labels look shuffled (docs/confounds.md). Errors are
    what a run would stop for (and end with exit code 1), warnings what a paper should answer.

    With --gap, one feature set and one model are judged honestly and with every shortcut: split at random, parameters
    chosen by the test score, scaled by all clips or by speaker; and where sentences are known, with these held out, too.

    \b
    Examples:
      ser-bench audit path/to/ravdess
      ser-bench audit path/to/ravdess path/to/emodb -o findings.csv
      ser-bench audit path/to/ravdess --gap -f audioemotion26 -m svm
    """
    import pandas as pd

    from ser_bench import api

    if not gap and (idle := [key for key in MEASURED_BY if given[key]]):
        raise WrongCall(f"audit: --{idle[0].replace('models', 'model').replace('_', '-')} is about the leak gap; add --gap to measure it")
    named = _named(given)
    if to:
        check_place("--to", Path(to))
    audits = [api.audit(gap=gap, progress=for_terminal(), **{**named, "corpus": source}) for source in corpus]
    for found in audits:
        _print_audit(found)
    everything = pd.concat([found.findings.assign(corpus=found.name) for found in audits])[["corpus", "kind", "check", "what"]]
    if to:
        write_csv(everything, Path(to))
    errors = everything[everything["kind"] == "error"]
    if len(errors):
        raise WorkFailed(f"{len(errors)} error(s) that a run stops for; the first: {errors.iloc[0]['corpus']}: {errors.iloc[0]['what']}")


@cli.command()
@click.option("--train", multiple=True, required=True, metavar="CORPUS", help="A corpus to train on; repeatable.")
@click.option("--test", multiple=True, metavar="CORPUS", help="A corpus to judge; repeatable.  [default: those to train on, all pairs]")
@FEATURES
@MODELS
@click.option(
    "--track",
    multiple=True,
    metavar="TRACK",
    help="Scaling by the clips trained on (train), or, transductive, by each corpus's own clips (corpus) or each speaker's own (speaker); "
    "repeatable.  [default: train, corpus]",
)
@SEARCH
@splitting
@OUT
@hearing
@extracting
def cross(train: tuple[str, ...], test: tuple[str, ...], track: tuple[str, ...], **given: Any) -> None:
    """Train on one corpus and judge on another, on the emotions that all have.

    Every corpus judged is also judged by itself, out of fold on speakers never heard, and what is lost across corpora is told with an
    interval over its speakers. Writes cross.csv, cross.md and a picture.

    \b
    Examples:
      ser-bench cross --train path/to/ravdess --test path/to/emodb -f egemaps -m svm
      ser-bench cross --train path/to/ravdess --train path/to/emodb           (all pairs)
    """
    from ser_bench import api

    named = _named(given)
    for key in ("corpus", "track"):  # a run's configuration may serve here, too
        named.pop(key, None)
    found = api.cross(train, test or None, track=track or api.CROSS_TRACKS, progress=for_terminal(), **named)
    _print_crossed(found)
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
@click.option("--hold", is_flag=True, help="Hold the parameters chosen for all groups, instead of tuning every subset anew.")
@click.option("--no-importance", is_flag=True, help="Leave out what is lost with values shuffled, and Shapley values.")
@click.option("--track", metavar="TRACK", help="Scaling: train, or speaker (transductive).  [default: train]")
@SEARCH
@splitting
@OUT
@hearing
@extracting
def ablate(corpus: str, modes: tuple[str, ...], hold: bool, no_importance: bool, **given: Any) -> None:
    """Which groups of columns earn their place: each alone, all without each, and one after the other.

    Every subset is judged as a row of a leaderboard is, tuned anew inside the training speakers; differences to all groups come with
    intervals over speakers and corrected p. Beside them, what the system that has all groups leans on: what it loses with a group's or
    a column's values shuffled across and within speakers, and groups' Shapley values. Writes ablation.csv, importance.csv, a page and a
    plot.

    Anything else that people argue about is a line in a file for --config, below [sweep]: "features.mfcc.n_mfcc" = [13, 20, 40],
    "trim" = [30.0], "track" = ["speaker"], "cv" = ["auto@4", "auto@12"] (how many speakers are learnt from).

    \b
    Examples:
      ser-bench ablate path/to/ravdess -f egemaps -m svm
      ser-bench ablate path/to/emodb -f spectral+mfcc -m rf --mode without --hold
      ser-bench ablate "tones(cue=pitch)" --mode alone
    """
    from ser_bench import api

    config = given.pop("config")
    file, sweep = ({}, {}) if config is None else read_sweep(config)
    how = {**file, **_named(given), "corpus": corpus}
    _print_ablated(api.ablate(modes=modes, hold=hold, importance=not no_importance, sweep=sweep, progress=for_terminal(), **how))


@cli.command()
@click.argument("corpus")
@splitting
@BUDGET
@INNER
@SEEDS
@MADE_USABLE_BY
@hearing
@extracting
@click.option("-o", "--to", metavar="FILE", help="Where the table goes: .csv or .parquet.  [default: to stdout, as CSV]")
def splits(corpus: str, to: str | None, **given: Any) -> None:
    """The folds of CORPUS as a table, so that a system trained elsewhere uses the very same ones.

    A row a clip (and seed): clip, speaker, emotion, seed, fold (the outer fold in which it is held out), and for each outer fold k
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
    table = api.splits(progress=for_terminal(), **{**_named(given), "corpus": corpus})
    _warn(table.attrs["warnings"])
    for clip, why in table.attrs["skipped"].items():
        _say(f"skipped {clip}: {why}", err=True)
    if to is None:
        _write(without_formulas(table.map(_shown) if sys.stdout.isatty() else table).to_csv(index=False), end="")
    elif to.endswith(".parquet"):
        write_parquet(table, Path(to), index=False)
    else:
        write_csv(table, Path(to))


@cli.command()
@click.argument("predictions")
@click.argument("corpus")
@splitting
@TRACK
@SEEDS
@MADE_USABLE_BY
@EQUIVALENCE
@OUT
@hearing
@extracting
@click.option("--name", metavar="NAME", help="What the system is called.  [default: the file's name]")
@click.option(
    "--decisions-only", is_flag=True, help="Leave the probabilities out, such as where decisions are not the most probable emotion."
)
def score(predictions: str, corpus: str, name: str | None, decisions_only: bool, **given: Any) -> None:
    """Judge an outside system's PREDICTIONS of CORPUS by the same rules: the same clips, folds, intervals.

    PREDICTIONS is a CSV or Parquet table with a row a clip: clip, predicted, and where there are, fold, seed, and a
    probability p.EMOTION for every emotion, between 0 and 1, their sum 1 and the decision's the largest. A column emotion, truth or
    label has to agree with the corpus. They are to be out-of-fold: of each clip, by a system that was trained without
    its fold (see `ser-bench splits`). The options that make the folds are to be the same there and here.

    \b
    Examples:
      ser-bench score wav2vec2.csv path/to/ravdess
      ser-bench score mine.parquet path/to/emodb --labels big4 --name "my network"
    """
    from ser_bench import api

    how = {**_named(given), "corpus": corpus}
    _print_results(api.score(predictions, name=name or "", decisions_only=decisions_only, progress=for_terminal(), **how))


@cli.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--out", metavar="FOLDER", default=DEFAULTS.out, help=f"Where runs lie, if none are named.  [default: {DEFAULTS.out}]")
@click.option("-o", "--to", metavar="FOLDER", help="Where the merged leaderboard goes.  [default: leaderboard below --out]")
@click.option(
    "--with-external",
    is_flag=True,
    help="Include systems from elsewhere in the comparison of every row with the best; otherwise they change no p of other rows.",
)
@EQUIVALENCE
def leaderboard(runs: tuple[str, ...], out: str, to: str | None, with_external: bool, rope: float | None) -> None:
    """Merge RUNs into one leaderboard, ranked anew, and compare systems across corpora.

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
    _print_merged(api.leaderboard(runs, out=out, to=to, with_external=with_external, rope=region))


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--width", type=float, default=0.03, show_default=True, metavar="W", help="Half-width wanted of the 95% interval of a UAR.")
@click.option(
    "--difference",
    type=float,
    multiple=True,
    default=(0.02, 0.05),
    metavar="D",
    help="True difference in UAR between two systems to be shown; repeatable.  [default: .02, .05]",
)
@click.option("--power", type=float, default=0.8, show_default=True, metavar="P", help="Chance of showing it (two-sided, alpha .05).")
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
        _warn(table.attrs["warnings"])
        for summary in summaries(table):
            _print_table(HEAD, summary.rows, title=summary.title)
        for note in table.attrs["notes"]:
            _say(note)
        _say(f"table: {os.path.join(to or run, 'planning.csv')}")


@cli.command()
def corpora() -> None:
    """The corpora that are recognised from their file names, with licence, citation and where to get them."""
    from ser_bench.corpora import catalogue

    _print_catalogue(catalogue())


@cli.command()
def features() -> None:
    """The feature sets, with dimensions, parameters and their defaults, groups, rate, source and licence."""
    from ser_bench.features import catalogue

    _print_catalogue(catalogue())


@cli.command()
def models() -> None:
    """The models, with their defaults."""
    from ser_bench.models import catalogue

    _print_catalogue(catalogue())


def main() -> None:
    """Run the command line; every error is one line on stderr, exit 2 for a wrong call, 1 for work that failed, 128 + n for a signal n."""
    stdout = steady_streams()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {printable(str(message))}\n"
    stop_on_signals()
    if left := clear_shared():
        _warn([f"shared memory that {len(left)} killed process(es) of ser-bench left behind was cleared: {', '.join(left)}"])
    try:
        _run(stdout)
    finally:
        end_workers()


def _run(stdout: Steady) -> None:
    try:
        cli.main([argument for argument in sys.argv[1:] if argument != "--debug"], standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _write(error.format_message())
    except (click.ClickException, SerBenchError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        _fail(message, error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        _stopped(error.__cause__ or error)
    except OSError as error:
        _fail(f"{error}; what is finished is kept: make room, or choose another --out or --cache, and run the same command again", 1)
    except MemoryError:
        _fail("not enough memory; what is finished is kept: use fewer --jobs, or more memory, and run the same command again", 1)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error} (with --debug: where)", 1)
    stdout.flush()
    if stdout.fault:
        _say(f"ser-bench: not all could be written to stdout ({stdout.fault}); files are complete", err=True)
        sys.exit(0 if stdout.fault == CLOSED else 1)


def _stopped(why: BaseException) -> None:
    """Say that somebody stopped the command; click takes a file that ends too early for that, which it is not."""
    if isinstance(why, EOFError):
        _fail(f"{type(why).__name__}: {why} (with --debug: where)", 1)
    code = why.exit_code if isinstance(why, Stopped) else 130
    _fail("stopped; finished work is kept: the same command goes on from here", code)


def _fail(message: str, code: int) -> None:
    if "--debug" in sys.argv:
        raise
    _say(f"ser-bench: {' '.join(without_command_secrets(message, sys.argv[1:]).split())}", err=True)
    sys.exit(code)


def _say(line: str, *, err: bool = False, **style: Any) -> None:
    """Print a line, whatever names in it hold."""
    _write(click.style(quoted(line, LONGEST_LINE), **style), err=err)


def _write(text: str, *, end: str = "\n", err: bool = False) -> None:
    """Print as the stream takes it: in colours on terminals alone."""
    stream = sys.stderr if err else sys.stdout
    print(text if stream.isatty() else click.unstyle(text), end=end, file=stream, flush=True)


def _shown(value: Any) -> Any:
    """A cell of a table that goes to a terminal."""
    return printable(value) if isinstance(value, str) else value


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        _say(f"warning: {warning}", err=True)


def _config(given: dict[str, Any]) -> RunConfig:
    """The file's configuration, with what stands on the command line put over it."""
    return RunConfig(**_named(given))


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """What the file and the command line name, the latter put over the former."""
    file = given.pop("config", None)
    named = {key: value for key, value in given.items() if value not in (None, ())}
    return {**({} if file is None else read_config(file)), **check_keys(named, source="the command line")}


def _print_results(result: Results) -> None:
    from ser_bench.reports import terminal_tables

    _warn([*result.warnings, *result.found])
    _print_skipped(result.skipped, result.folder)
    console = _console()
    for table in terminal_tables(result.leaderboard, result.resolutions, width=console.width):
        console.print(table)
    if result.fitted or result.reused:
        _say(f"{result.fitted} unit(s) fitted{_where_time_went(result.spent)}, {result.reused} found finished")
    _say(f"report: {result.folder / 'report.html'}")


def _print_skipped(skipped: pd.DataFrame, folder: Path) -> None:
    """How many clips were left out, and where they all stand."""
    from ser_bench.corpora import left_out

    for line in left_out(skipped):
        _say(f"{line}; all in {folder / 'skipped.csv'}", err=True)


def _print_merged(merged: Merged) -> None:
    from ser_bench.reports.merged_page import merged_tables

    console = _console()
    for table in merged_tables(merged, console.width):
        console.print(table)
    for line in merged.unsaid:
        _say(line)
    _say(f"leaderboard: {merged.folder / 'LEADERBOARD.md'}")
    _say(f"report: {merged.folder / 'leaderboard.html'}")


def _where_time_went(spent: dict[str, float]) -> str:
    """Such as `` in 12.5 processor minutes (xgb 62 %, rf 30 %, svm 8 %)``."""
    total = sum(spent.values())
    if not total:
        return ""
    shares = ", ".join(f"{model} {seconds / total:.0%}" for model, seconds in spent.items())
    return f" in {f'{total / 60:.1f} processor minutes' if total > 90 else f'{total:.1f} processor seconds'} ({shares})"


def _print_ablated(found: Ablated) -> None:
    from ser_bench.reports import ablation_rows
    from ser_bench.reports.ablation import HEAD, importance_table

    _warn(found.warnings)
    _print_skipped(found.skipped, found.folder)
    system = ["features", "model"]
    for (features, model), rows in found.table.groupby(system, sort=False):
        _print_table(HEAD, [row["read"] for row in ablation_rows(rows)], title=f"{features} with {model}")
    for (features, model), rows in found.importance.groupby(system, sort=False) if found.importance is not None else ():
        _print_table(*importance_table(rows), title=f"what {features} with {model} leans on")
    _say(f"report: {found.folder / 'ablation.html'}")
    _print_shown_in(found.shown_in)


def _print_crossed(found: Crossed) -> None:
    from ser_bench.reports import matrices

    _warn(found.warnings)
    _print_skipped(found.skipped, found.folder)
    for matrix in matrices(found.table):
        _print_table(matrix.head, matrix.rows, title=matrix.title, below="\n".join(matrix.notes))
    _say(
        f"emotions: {', '.join(found.emotions)}; by chance {1 / len(found.emotions):.3f}; below a UAR, what is lost against training within"
    )
    _say("intervals within a corpus, and of losses, have the bound of what overlapping training sets can add")
    _say(f"tables: {found.folder / 'cross.csv'}")


def _print_audit(found: Audited) -> None:
    _say(found.name, bold=True)
    for name, value in found.summary.items():
        _print_entry(name, value)
    colours = {"error": "red", "warning": "yellow", "note": None}
    for kind, check, what in found.findings[["kind", "check", "what"]].astype(str).to_numpy().tolist():
        _say(f"{kind}: {check}", fg=colours[kind], bold=True)
        _print_entry("", what)
    if found.gap is not None:
        _print_gap(found.gap)
    _say(f"report: {found.folder / 'audit.html'}")
    _print_shown_in(found.shown_in)


def _print_shown_in(pages: Sequence[Path]) -> None:
    if pages:
        _say(f"also shown in: {', '.join(map(str, pages))}")


def _print_gap(gap: pd.DataFrame) -> None:
    """The leak gap, the honest row first and the leaky ones in red."""
    from ser_bench.reports import gap_rows

    rows = list(gap_rows(gap))
    read = [[*row["words"], *row["read"][3:], row["added"]] for row in rows]
    styles = ["red" if row["status"] == "leaky" else "" for row in rows]
    _print_table(("split", "parameters", "scaled by", "UAR", "95 % (bound)", "above the first"), read, styles=styles)


def _print_catalogue(table: pd.DataFrame) -> None:
    """An entry a paragraph, whatever the terminal's width: its name, and below it what is known of it."""
    for name, *values in table.itertuples(index=False):
        _say(str(name), bold=True)
        for column, value in zip(table.columns[1:], values, strict=True):
            if value != "":
                _print_entry(column, str(value))


def _print_entry(name: str, text: str) -> None:
    """What is known under a name, in a column of its own."""
    import shutil
    import textwrap

    head = f"  {name:12} " if name else "  "
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    filled = textwrap.wrap(printable(" ".join(text.split())), width, initial_indent=head, subsequent_indent=" " * len(head))
    for line in filled or [head]:
        _say(line)


def _print_forecast(table: pd.DataFrame) -> None:
    _say(f"{table['fits'].sum():,} fits in {table['to do'].sum()} unit(s) still to do, about {table['minutes'].sum():.0f} minutes")
    if table.attrs["missing"]:
        _say(f"before that, features of {table.attrs['missing']} clip(s) are to be extracted")


def _print_table(
    head: Iterable[str], rows: Iterable[Iterable[Any]], *, title: str = "", below: str = "", styles: Sequence[str] = ()
) -> None:
    """Print a table; `styles` has one for each row, or is empty. What is in it is not read as markup."""
    from rich.table import Table
    from rich.text import Text

    heading = Text(printable(title)) if title else None
    table = Table(title=heading, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in head:
        table.add_column(Text(printable(name)))
    for number, row in enumerate(rows):
        table.add_row(*(Text(lines(str(cell))) for cell in row), style=styles[number] if styles else "")
    table.caption, table.caption_justify = Text(lines(below)) if below else None, "left"
    _console().print(table)


def _console() -> Console:
    """A terminal as wide as it is; a file or a pipe wide enough for every column."""
    from rich.console import Console

    from ser_bench.reports.tables import WIDE

    return Console() if sys.stdout.isatty() else Console(width=WIDE)


if __name__ == "__main__":
    main()
