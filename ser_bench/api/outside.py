"""Systems that are trained elsewhere: the folds to train them on, and their predictions evaluated as `run` evaluates its own.

In:   a corpus, the keys of a configuration; a table of out-of-fold predictions.
Out:  the folds as a table; `Results` of one row.
Rule: clips, folds, intervals and ranks are those of `run`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ser_bench.api.options import ScoreOptions, SplitsOptions, configured_for_one, takes
from ser_bench.api.publishing import published
from ser_bench.config import Frames, RunConfig
from ser_bench.errors import WrongCall, quoted, writable
from ser_bench.results import Results
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.named_tables import NamedTable, given_tables, is_frame
from ser_bench.utils.progress import Progress, progress_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ser_bench.corpora import Source
    from ser_bench.evaluation.plan import PreparedData


@takes("splits")
def splits(corpus: Source = "tones", *, progress: Progress | bool | None = None, **options: Unpack[SplitsOptions]) -> pd.DataFrame:
    """The folds that `run` uses, for systems that are trained elsewhere: ``clip, speaker, emotion, seed, fold, inner_0, inner_1, ...``.

    `fold` is the outer fold in which a clip is held out, `inner_k` its inner fold where outer fold k is held out. ``attrs["warnings"]`` is
    a list of what is to be known of the clips, as `Results.warnings` is, and ``attrs["skipped"]`` maps those that are left out to
    the reason.

    Parameters
    ----------
    corpus : str, Path, DataFrame or Corpus
        As in `run`.
    **options
        Keys of `RunConfig`, such as ``cv``, ``labels``, ``inner``, ``seeds`` (default 1). With ``features``, clips on which these
        cannot be extracted are left out, as in a run of them.
    """
    from ser_bench.evaluation import external

    config, prepared = _prepared("splits", corpus, options, progress)
    table = external.split_table(prepared.eval_set, config.inner)
    table.attrs["warnings"] = prepared.warnings
    table.attrs["skipped"] = dict(zip(prepared.skipped["clip"], prepared.skipped["reason"], strict=True))
    return table


@takes("score")
def score(
    predictions: str | Path | Frames,
    corpus: Source,
    *,
    name: str = "",
    decisions_only: bool = False,
    progress: Progress | bool | None = None,
    **options: Unpack[ScoreOptions],
) -> Results:
    """Evaluate an external system's out-of-fold predictions by the rules of `run`.

    Parameters
    ----------
    predictions : str, Path or DataFrame
        A CSV or Parquet file, or a DataFrame: ``clip, predicted`` and, optionally, ``fold``, ``seed`` and a probability ``p.<emotion>``
        for each emotion. A column ``emotion``, ``truth`` or ``label`` has to agree with the corpus; others are not read, with a warning.
    corpus : str, Path, DataFrame or Corpus
        As in `run`.
    name : str
        The system's name, by default the file's. A DataFrame needs one, or is given as ``{"mine": table}``.
    decisions_only : bool
        Ignore the probabilities, for instance where decisions are not the most probable emotion.
    **options
        Keys of `RunConfig`: those that make the folds, with the values that `splits` was given; ``track``, ``rope``, ``out``.

    Raises
    ------
    WrongCall
        Naming a clip that is predicted twice, not at all, or in another fold than its own; whose label is another in the corpus; or whose
        probabilities are not between 0 and 1, do not sum to one, or are highest for another emotion than its decision.
    """
    from ser_bench.evaluation import external

    check_writable("--out", Path(str(options.get("out", RunConfig.out))))
    if not writable(name):
        raise WrongCall(f"name: '{quoted(name)}' holds a character that no file of text can; choose another name")
    source = _named(predictions, name)
    config, prepared = _prepared("score", corpus, options, progress)
    called = name or (source.stem if isinstance(source, Path) else source.name)
    return published(external.score_predictions(prepared, source, called, config, decisions_only=decisions_only), prepared, config)


def _named(predictions: str | Path | Frames, name: str) -> Path | NamedTable:
    """A table of predictions, by its path or handed in under a name."""
    if isinstance(predictions, str | Path):
        return Path(predictions)
    if is_frame(predictions) and not name:
        raise WrongCall("name: a DataFrame of predictions has no file name; say what the system is called, such as name='wav2vec2'")
    tables = given_tables({name: predictions} if is_frame(predictions) else predictions, "predictions")
    if len(tables) > 1:
        raise WrongCall(f"predictions: one system is scored, and {len(tables)} tables are given; leave the others out")
    return tables[0]


def _prepared(command: str, corpus: Source, options: Mapping[str, Any], progress: Progress | bool | None) -> tuple[RunConfig, PreparedData]:
    """The configuration, and the data that rows are evaluated on; with features only where these are named."""
    from ser_bench.evaluation import plan

    # Predictions made elsewhere are seldom made again on other folds.
    config = configured_for_one(command, {"corpus": corpus, "seeds": 1, **options})
    return config, plan.prepare_data(config, config.features if "features" in options else (), progress_of(progress))
