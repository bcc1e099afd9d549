"""Systems to be used: fitted on all speakers of a corpus, kept in a file, read again.

In:   a corpus and the keys of a configuration, or a row of a finished run.
Out:  a `Bundle`, written to a file where one is named.
Rule: a system is kept with its score on unseen speakers: its row is evaluated by speaker-independent cross-validation, unless that is
      refused explicitly, and then the bundle says that it was not evaluated.
"""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ser_bench.api.options import OF_A_ROW, OF_EVALUATION, PURPOSES, FitOptions, configured, configured_for_one, one_corpus, takes
from ser_bench.api.runs import evaluate_plan
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.utils.atomic import check_place
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.formatting import records
from ser_bench.utils.named_tables import is_given
from ser_bench.utils.progress import Progress, progress_of
from ser_bench.utils.spec import plainly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ser_bench.bundle.bundle import Bundle
    from ser_bench.corpora import Source
    from ser_bench.evaluation.run_folder import RunSource
    from ser_bench.results import Results

SYSTEM = {"features": "egemaps", "models": "svm"}
"""What is fitted where nothing is named."""


NAMING = ("features", "models", "track")
"""What names a row of a run."""
WORK_KEYS = ("jobs", "backend", "scheduler", "cache")
"""How the work is done, which is not taken from the run."""


@dataclass(frozen=True)
class FitRequest:
    """What is to be fitted: parameters as those of `fit`."""

    corpus: Source | None
    from_run: RunSource | None
    rank: int | None
    fold: int | None
    evaluate: bool

    def check(self) -> None:
        """Refuse what has no effect."""
        for name, given in (("rank", self.rank), ("fold", self.fold)):
            if given is not None and self.from_run is None:
                raise WrongCall(f"fit: --{name} names a row of a run; add --from RUN, or leave it out")
        if self.from_run is not None and not self.evaluate:
            raise WrongCall("fit: --no-evaluation has no effect with --from: the row of the run is evaluated already")


@dataclass(frozen=True)
class Made:
    """A bundle, what is to be known of it, and its evaluation where that was made with it."""

    bundle: Bundle
    warnings: list[str] = field(default_factory=list)
    evaluation: Results | None = None


@takes("fit")
def fit(
    corpus: Source | None = None,
    *,
    from_run: RunSource | None = None,
    rank: int | None = None,
    fold: int | None = None,
    to: str | Path | None = None,
    card: str | Path | None = None,
    evaluate: bool = True,
    progress: Progress | bool | None = None,
    **options: Unpack[FitOptions],
) -> Bundle:
    """Fit one system on all speakers of a corpus, to be used on new ones.

    Its hyperparameters are searched for on speaker-grouped inner folds of all speakers, as they are in each outer fold of a run, and it is
    then trained on all clips. The score to expect on new speakers is the leaderboard row of the same system, evaluated as `run`
    does it; finished units are reused.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus, optional
        As in `run`; with `from_run` where the corpus lies now, if elsewhere than then.
    from_run : str, Path or Results, optional
        A finished run: one of its rows is fitted with hyperparameters that were chosen there, without a new search, and has that row's
        score. Of the sets that its searches chose, the most common is taken; of equally common ones, that with the median inner score
        (`bundle.run_rows.typical_choice`). Rows that share speakers, of track ``speaker``, and of predictions made
        elsewhere are refused.
    rank : int, optional
        With `from_run`: the rank of the row, by default 1; or `features` and `models` name it, as the leaderboard does.
    fold : int, optional
        With `from_run`: fit on the training speakers of that outer fold alone, with the hyperparameters of its search. Such a system
        predicts the fold's held-out clips as the run did, bit for bit, and may honestly be tried on them. `seed` names one of the
        run's seeds.
    to, card : str or Path, optional
        The file that the bundle is written to, and one for its model card (.html for a page, else Markdown), which is also in the bundle.
    evaluate : bool
        Without `from_run`: evaluate the system. If not, the bundle says that it was not evaluated.
    progress : bool or Progress, optional
        As in `run`.
    **options
        Keys of `RunConfig`, such as `features` (default ``egemaps``), `models` (default ``svm``), `labels`, `where`, `budget`; with
        `from_run` only how the work is done, and what names a row.

    Raises
    ------
    WrongCall
        As `run`; also for several feature sets or models, and for what no bundle can be made of.

    Examples
    --------
    >>> import ser_bench
    >>> bundle = ser_bench.fit("path/to/emodb", features="audioemotion26", models="svm", to="model.serb")  # doctest: +SKIP
    >>> bundle.about["quality"]["uar"]  # doctest: +SKIP
    """
    asked = FitRequest(corpus, from_run, rank, fold, evaluate)
    made = fit_bundle(asked, to=to, card=card, progress=progress_of(progress), options=dict(options))
    for line in made.warnings:
        warnings.warn(line, stacklevel=3)
    return made.bundle


@named_arguments()
def load(path: str | Path) -> Bundle:
    """Read a fitted system that `fit` wrote.

    Nothing in the file is run.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    WrongCall
        Naming the file and what is wrong with it.
    """
    from ser_bench.bundle.bundle import load_bundle

    return load_bundle(path)


def fit_bundle(
    asked: FitRequest, *, to: str | Path | None, card: str | Path | None, progress: Progress, options: Mapping[str, Any]
) -> Made:
    """What `fit` does, with the warnings of it and its evaluation; parameters and errors as there."""
    from ser_bench.bundle.shown import write_card

    for option, path in (("--to", to), ("--card", card)):
        if path is not None:
            check_place(option, Path(path))
    asked.check()
    made = _fit_corpus(asked, progress, options) if asked.from_run is None else _fit_row(asked, progress, options)
    if to is not None:
        made.bundle.save(to)
    if card is not None:
        write_card(made.bundle, Path(card))
    return made


def _fit_corpus(asked: FitRequest, progress: Progress, options: Mapping[str, Any]) -> Made:
    from ser_bench.bundle.making import check_config, make_bundle
    from ser_bench.bundle.quality import quality_of
    from ser_bench.evaluation.plan import make_plan

    for key in OF_EVALUATION if not asked.evaluate else ():
        if key in options:
            raise WrongCall(f"fit: without an evaluation '{key}' has no effect: it says {PURPOSES[key]}; leave one of the two out")
    corpus = "tones" if asked.corpus is None else asked.corpus
    config = configured_for_one("fit", {"corpus": corpus, **SYSTEM, **options})
    check_config(config)
    planned = make_plan(config, progress, keeping=asked.evaluate)
    if not asked.evaluate:
        return Made(make_bundle(planned, progress, quality=None), planned.data.warnings)
    results = evaluate_plan(planned, progress)
    (row,) = records(results.leaderboard)
    if row["status"] == "failed":
        raise WorkFailed(f"fit: {row['features']} with {row['model']} failed: {row['reason']}")
    bundle = make_bundle(planned, progress, quality=quality_of(RunFolder(results.folder), row))
    return Made(bundle, [*results.warnings, *results.found], results)


def _fit_row(asked: FitRequest, progress: Progress, options: Mapping[str, Any]) -> Made:
    from ser_bench.bundle.making import check_config, make_bundle_of_row
    from ser_bench.bundle.run_rows import row_of
    from ser_bench.evaluation.plan import make_plan

    assert asked.from_run is not None
    for key in options:
        if key not in OF_A_ROW:
            raise WrongCall(f"fit: '{key}' has no effect with --from: the run says {PURPOSES[key]}")
    features, model, track = (_one(key, options[key]) if key in options else "" for key in NAMING)
    given = configured("fit", {key: value for key, value in options.items() if key not in NAMING})
    corpus = None if asked.corpus is None else one_corpus("fit", configured("fit", {"corpus": asked.corpus}))
    of = row_of(RunFolder.of(asked.from_run), rank=asked.rank, features=features, model=model, track=track, corpus=corpus)
    config = dataclasses.replace(of.config, **{key: getattr(given, key) for key in WORK_KEYS if key in options})
    check_config(config)
    planned = make_plan(config, progress, keeping=False)
    seed = given.seed if "seed" in options else config.seed
    bundle, told = make_bundle_of_row(planned, of, progress, seed=seed, fold=asked.fold)
    return Made(bundle, [*planned.data.warnings, *told])


def _one(key: str, value: Any) -> str:
    """The name that is given, which may be in a list; several are refused."""
    names = [value] if isinstance(value, str) or not isinstance(value, list | tuple) else list(value)
    if any(map(is_given, names)):
        raise WrongCall(f"fit: {key} takes the name of a row, not {plainly(value)}; name it as the leaderboard does")
    if len(names) != 1:
        raise WrongCall(f"fit: {key} names {len(names)}, and one row is fitted; name one")
    return str(names[0])
