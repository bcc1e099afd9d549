"""The options of the command line, and groups of them that several commands share.

In:   the defaults of `RunConfig`.
Out:  decorators of click.
Rule: an option is written here once, with its default; `api/options.py` says which keys of a configuration a command uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ser_bench.audio.augmentation import KNOWN as VARIANTS
from ser_bench.config import BUDGETS, FIGURE_STYLES, RunConfig
from ser_bench.utils.formatting import number_of

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = RunConfig()


def plain_share(share: float) -> str:
    """A share as the package writes scores: without the zero before the point."""
    return f"{share:g}".removeprefix("0")


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order given."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


reading = options(
    click.option(
        "--columns",
        multiple=True,
        metavar="OURS=THEIRS",
        help="Columns of a table whose names differ from ours, such as path=file,emotion=label,speaker=spk; repeatable.",
    ),
    click.option(
        "--table",
        metavar="NAME",
        help="Which table to read of a database, or configuration of a data set, with several; 'A,B' or 'train.*' name more than one.",
    ),
    click.option("--target", metavar="COLUMN", help=f"The column to predict, such as intensity or stress.  [default: {DEFAULTS.target}]"),
)


extracting = options(
    click.option("--jobs", type=int, metavar="N", help="Number of worker processes, one thread each.  [default: one per core]"),
    click.option(
        "--backend", metavar="BACKEND", help="local, or dask: the workers of a Dask cluster that shares the file system.  [default: local]"
    ),
    click.option("--scheduler", metavar="URL", help="With --backend dask: the address of its scheduler, such as tcp://host:8786."),
    click.option("--cache", metavar="FOLDER", help=f"The feature store.  [default: {DEFAULTS.cache}]"),
    click.option(
        "--max-skipped",
        type=float,
        metavar="SHARE",
        help=f"Stop if more than this fraction of clips is unusable.  [default: {plain_share(DEFAULTS.max_skipped)}]",
    ),
)


segment = options(
    click.option("--offset", type=float, metavar="S", help="Skip the first S seconds of each clip."),
    click.option("--duration", type=float, metavar="S", help="Analyse at most S seconds of each clip.  [default: all]"),
    click.option(
        "--trim",
        type=float,
        metavar="DB",
        help="Trim leading and trailing silence: what is DB decibels below the loudest frame, such as 30.",
    ),
)


preprocessing = options(
    segment,
    click.option(
        "--variant",
        metavar="VARIANT",
        help=f'Apply a perturbation before extraction: {", ".join(VARIANTS)}, such as "noise(snr=10)"; + joins several.',
    ),
)

clips = options(reading, preprocessing, extracting)

FEATURES = click.option(
    "-f",
    "--features",
    multiple=True,
    metavar="FEATURES",
    help=f"A feature set, several joined by +, or FILE.parquet; repeatable.  [default: {', '.join(map(str, DEFAULTS.features))}]",
)

MADE_USABLE_BY = click.option(
    "-f", "--features", multiple=True, metavar="FEATURES", help="Leave out clips on which this set cannot be extracted; repeatable."
)

OUT = click.option("--out", metavar="FOLDER", help=f"Output folder: runs, and fits that are reused.  [default: {DEFAULTS.out}]")

BUDGET = click.option(
    "--budget",
    metavar="BUDGET",
    help="; ".join(f"{name}: {b.trials} trials, {b.inner} inner folds, {number_of(b.seeds, 'seed')}" for name, b in BUDGETS.items())
    + ".  [default: standard; smoke for tones]",
)

INNER_BUDGET = click.option(
    "--budget",
    metavar="BUDGET",
    help="The budget whose number of inner folds is used: "
    + "; ".join(f"{name}: {b.inner}" for name, b in BUDGETS.items())
    + ".  [default: standard; smoke for tones]",
)

INNER = click.option("--inner", type=int, metavar="K", help="Inner folds, instead of the budget's.")

SEEDS = click.option("--seeds", type=int, metavar="N", help="Repeats, with seeds --seed, --seed + 1, ..., instead of the budget's.")

TRACK = click.option(
    "--track",
    multiple=True,
    metavar="TRACK",
    help="Standardise with training-set statistics (train), with each speaker's own unlabelled clips (speaker: transductive, ranked "
    "separately), or not at all (none); repeatable.  [default: train]",
)

ONE_TRACK = click.option("--track", metavar="TRACK", help="Standardisation: train, speaker (transductive) or none.  [default: train]")


splitting = options(
    click.option(
        "--labels",
        metavar="SCHEME",
        help=f"Which labels are evaluated: a scheme (see 'ser-bench labels') or a FILE.toml of your own.  [default: {DEFAULTS.labels}]",
    ),
    click.option(
        "--where", metavar="EXPR", help="Keep the clips for which this is true (docs/filters.md), such as \"intensity == 'strong'\"."
    ),
    click.option(
        "--cv",
        metavar="PROTOCOL",
        help="auto (the corpus's standard protocol, else loso up to 12 speakers, else group:6), loso, group:K, predefined; each with "
        "+sentence to hold out sentences as well, and @N to train on N speakers only; or random:K, which shares speakers and is marked "
        "LEAKY.  [default: auto]",
    ),
    click.option("--seed", type=int, metavar="N", help=f"The first seed.  [default: {DEFAULTS.seed}]"),
    click.option("--allow-conflicts", is_flag=True, default=None, help="Continue even if identical audio carries two labels."),
    click.option(
        "--allow-similar-names",
        is_flag=True,
        default=None,
        help="Treat similar names of speakers or emotions ('3' and '03') as different, and 'unknown' as a name.",
    ),
    click.option(
        "--config",
        metavar="FILE",
        help="A TOML file with these options; command-line options override it. Keys without effect here are named.",
    ),
)

TRIALS = click.option("--trials", type=int, metavar="N", help="Optuna trials per outer fold (overrides the budget).")

CLASS_WEIGHTS = click.option(
    "--class-weights",
    metavar="WEIGHTS",
    help=f"Class weighting in training: balanced or none.  [default: {DEFAULTS.class_weights}]",
)

AUGMENTATION = options(
    click.option(
        "--augment",
        multiple=True,
        metavar="VARIANT",
        help="Also train on a changed copy of each training clip, in inner and outer folds; held-out clips stay unchanged. A "
        'variant as for --variant, such as "noise(snr=10)+shift"; repeatable, one copy per variant.',
    ),
    click.option(
        "--augment-times",
        type=int,
        metavar="N",
        help=f"Copies per variant, each with random draws of its own.  [default: {DEFAULTS.augment_times}]",
    ),
    click.option("--augment-only", multiple=True, metavar="EMOTION", help="Copy only clips of this class; repeatable.  [default: all]"),
)

CONDITIONS = click.option(
    "--test-variant",
    multiple=True,
    metavar="VARIANT",
    help="Also evaluate the same fitted systems with the held-out clips changed, such as noise(snr=5): a robustness table with paired "
    "differences from unchanged clips; repeatable.",
)


FIGURE_STYLE = click.option(
    "--figure-style",
    metavar="STYLE",
    help=f"{', '.join(FIGURE_STYLES[:-1])} or {FIGURE_STYLES[-1]}: draw every figure for a column (3.3 in) or page (6.9 in) of a paper, or "
    "for slides (10 in), as PDF, SVG and PNG with a caption, in figures/STYLE/.  [default: the first figure alone, SVG and PNG]",
)


measuring = options(
    click.option("-f", "--features", metavar="FEATURES", help="With --gap: the feature set.  [default: egemaps]"),
    click.option("-m", "--model", "models", metavar="MODEL", help="With --gap: the model.  [default: svm]"),
    BUDGET,
    TRIALS,
    INNER,
    SEEDS,
    CLASS_WEIGHTS,
    AUGMENTATION,
    FIGURE_STYLE,
)

EQUIVALENCE = click.option(
    "--rope",
    type=float,
    metavar="UAR",
    help="Rows that differ from the best by less are equally good for practical purposes (two one-sided tests); changes what is reported, "
    f"not what is fitted.  [default: {plain_share(DEFAULTS.rope)}]",
)

MODELS = click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help=f"Repeatable; svm(C=1) fixes C.  [default: {', '.join(DEFAULTS.models)}]",
)

SEARCH = options(BUDGET, TRIALS, INNER, SEEDS, CLASS_WEIGHTS, AUGMENTATION)


analysing = options(SEARCH, splitting, FIGURE_STYLE, OUT, clips)


searching = options(
    MODELS,
    TRACK,
    SEARCH,
    CONDITIONS,
    click.option(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        help="Stop searching after MINUTES of evaluation per corpus, counted from each start, and evaluate the best found by then: marked "
        "in the notes, and no longer reproducible. --fresh searches again.",
    ),
    click.option(
        "--storage", metavar="URL", help="Copy Optuna's studies to a database, such as sqlite:///studies.db, for optuna-dashboard to show."
    ),
)


reproducing = options(
    click.option(
        "--recipe",
        metavar="NAME",
        help="Run a published system (see 'ser-bench recipes', or a FILE.toml) as published, and then speaker-independently.",
    ),
    click.option(
        "--experiment",
        "experiments",
        multiple=True,
        metavar="NAME",
        help="With --recipe: the experiments to run; repeatable.  [default: all]",
    ),
    click.option(
        "--max-epochs",
        type=int,
        default=0,
        metavar="N",
        help="With --recipe: train for at most N epochs, which is stated beside every score.  [default: as published]",
    ),
)
