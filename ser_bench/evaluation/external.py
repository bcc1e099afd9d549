"""External systems, by the same rules: the folds to train them on, and their predictions evaluated.

In:   an evaluated corpus; a table of somebody's out-of-fold predictions.
Out:  the outer and inner folds as a table; a `Run` of one row, of model ``external``.
Rule: every clip is predicted once per seed, in its own fold, with probabilities that are such and agree with the decision; what is not,
      is refused by name. That the held-out clips took no part in training cannot be checked here: it is
      stated by the author of the predictions.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.config import RunConfig
from ser_bench.corpora.labels import name_emotion
from ser_bench.errors import WrongCall
from ser_bench.evaluation.evidence import EXTERNAL
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.run_folder import KEYS, Run, RunFolder
from ser_bench.evaluation.splits import NEVER, inner_folds
from ser_bench.utils.atomic import restored
from ser_bench.utils.formatting import number_of
from ser_bench.utils.named_tables import NamedTable
from ser_bench.utils.tables import as_counts, as_text, check_columns, read_table, refuse_rows, to_numbers

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.units import EvaluationSet

LABELS = ("emotion", "truth", "label")
"""Columns of a table of predictions that tell what clips show, and have to agree with the corpus."""

WORDS = ("clip", "predicted", *LABELS)
NUMBERS = ("seed", "fold")
PROBABILITY = "p."
TOLERANCE = 1e-3
"""By so much the sum of a clip's probabilities may differ from 1."""

TIE = 1e-6
"""By so much another emotion may be more probable than the decision, as numbers are rounded where they are written."""


class Remark(NamedTuple):
    """What is to be said of predictions: a warning for whoever hands them in, and a note for whoever reads their row."""

    warning: str
    note: str = ""


def split_table(eval_set: EvaluationSet, inner: int) -> pd.DataFrame:
    """The folds of every clip: ``clip, speaker, emotion, seed, fold, inner_0, inner_1, ...``.

    `fold` is the outer fold in which a clip is held out. `inner_k` is its inner fold where outer fold k is held out, blank for clips
    that are not trained on then, and for all where a single training voice allows no inner folds. Of a fixed split only the test part is
    held out, in fold 0; the others have fold -1, and where there is a dev part, inner fold 0 is that and -1 what is fitted.
    """
    import pandas as pd

    voices = eval_set.clips["voice"].to_numpy(str)
    tables = []
    for seed, folds in eval_set.folds.items():
        table = eval_set.clips[["speaker", "emotion"]].assign(seed=seed, fold=folds)
        for held_out in range(folds.max() + 1):
            train = eval_set.training(seed, held_out)
            column = pd.array([pd.NA] * len(table), dtype="Int64")
            if eval_set.selecting is not None:
                column[train] = np.where(eval_set.selecting[train], 0, NEVER)
            elif eval_set.protocol.leaky or len(np.unique(voices[train])) > 1:
                seed_inside = eval_set.fold_seed(seed, held_out)
                column[train] = inner_folds(voices[train], eval_set.codes[train], inner, seed_inside, random=eval_set.protocol.leaky)
            table[f"inner_{held_out}"] = column
        tables.append(table.sort_index())
    return pd.concat(tables).rename_axis("clip").reset_index()


def read_predictions(source: Path | NamedTable) -> pd.DataFrame:
    """A table of predictions: ``clip`` (or ``file``), ``predicted``, and where there are, ``seed, fold, p.<emotion>...`` and labels.

    Names, emotions and labels (`LABELS`) are text, a cell that is missing is empty; seeds and folds are whole numbers. In Parquet clips
    may be the index.

    Raises
    ------
    WrongCall
        Naming the table, and the column or row.
    """
    table, path = (read_table(source), source) if isinstance(source, Path) else (source.frame, Path(str(source)))
    if "clip" not in table:
        table = table.rename(columns={"file": "clip"})
    check_columns(table, ("clip", "predicted"), path)
    read = {column: as_text(table[column], keep_words=column == "clip") for column in WORDS if column in table}
    for column in ("clip", "predicted"):
        refuse_rows(read[column] == "", path, f"no {column}")
    return table.assign(**read, **{column: as_counts(table[column], path) for column in NUMBERS if column in table})


def align(table: pd.DataFrame, eval_set: EvaluationSet, path: Path) -> pd.DataFrame:
    """Predictions in a run's columns and order, after a check that each clip has one per seed, in its own fold, of known emotions.

    Parameters
    ----------
    table : DataFrame
        As `read_predictions` gives it.
    eval_set : EvaluationSet
    path : Path
        What errors call it.

    Raises
    ------
    WrongCall
        Naming the clip.
    """
    import pandas as pd

    seeds = table["seed"] if "seed" in table else pd.Series(min(eval_set.folds), table.index)
    if unknown := sorted(set(seeds) - set(eval_set.folds)):
        raise WrongCall(
            f"{path}: seed {unknown[0]} is none of this protocol's ({', '.join(map(str, eval_set.folds))}); see --seed and --seeds"
        )
    aligned = [_align_seed(table[seeds == seed], eval_set, seed, path) for seed in sorted(set(seeds)) or [min(eval_set.folds)]]
    whole = pd.concat(aligned).rename_axis("clip").reset_index().sort_values(["seed", "clip"], ignore_index=True)
    return whole[["seed", "fold", "clip", "speaker", "voice", "emotion", "predicted"]].join(_probabilities(whole, eval_set.emotions, path))


def _align_seed(table: pd.DataFrame, eval_set: EvaluationSet, seed: int, path: Path) -> pd.DataFrame:
    held = eval_set.clips[eval_set.evaluated]
    clips = held.index
    table = table.assign(clip=_as_known(table["clip"], clips), predicted=_as_known(table["predicted"], eval_set.emotions))
    _refuse(path, table.loc[table["clip"].duplicated(), "clip"], "is predicted twice")
    _refuse(path, table.loc[~table["clip"].isin(clips), "clip"], "is not evaluated in this corpus, or not known in it")
    _refuse(path, clips[~clips.isin(table["clip"])], "is not predicted")
    given = table.set_index("clip")
    known = held[["speaker", "voice", "emotion"]].assign(seed=seed, own=eval_set.folds[seed][eval_set.evaluated])
    rows = known.join(given[[c for c in given.columns if c in {"predicted", "fold"} or c.startswith(PROBABILITY)]])
    if "fold" in rows:
        _refuse(path, rows.index[rows["fold"] != rows["own"]], "is predicted in another fold than its own; see ser-bench splits")
    for column in [column for column in LABELS if column in given]:
        _check_labels(given[column], eval_set.clips.loc[given.index], path)
    strange = rows.loc[~rows["predicted"].isin(eval_set.emotions), "predicted"]
    _refuse(
        path,
        strange.index,
        f"is predicted as '{strange.iloc[0] if len(strange) else ''}', which is none of {', '.join(eval_set.emotions)}",
    )
    return rows.assign(fold=rows["own"])


def _check_labels(told: pd.Series, clips: pd.DataFrame, path: Path) -> None:
    """Refuse labels that contradict the corpus, rows as `clips`; a blank one tells nothing, the corpus's own word for a label agrees."""
    told = _as_known(told, {*clips["emotion"], *clips.get("original", [])})
    same = (told == "") | (told == clips["emotion"]) | (told.map(name_emotion) == clips["emotion"])
    if "original" in clips:
        same |= told == clips["original"]
    wrong = told[~same]
    if len(wrong):
        says = f"is '{wrong.iloc[0]}' by the column '{told.name}' and {clips.loc[wrong.index[0], 'emotion']} in this corpus"
        _refuse(path, wrong.index, f"{says}; correct the table, or leave that column out")


def _as_known(names: pd.Series, known: Iterable[str]) -> pd.Series:
    """Names, those that our own tables write with an apostrophe as they are known."""
    mine = set(known)
    return names.map(lambda name: plain if isinstance(name, str) and (plain := restored(name)) in mine else name)


def _probabilities(rows: pd.DataFrame, emotions: list[str], path: Path) -> pd.DataFrame:
    import pandas as pd

    given = probability_columns(rows)
    names = [f"{PROBABILITY}{emotion}" for emotion in emotions]
    if not given:
        return pd.DataFrame(np.nan, index=rows.index, columns=names)
    if missing := sorted(set(names) ^ set(given)):
        raise WrongCall(f"{path}: probabilities are for all evaluated emotions or for none: {missing[0]} is too few or too many")
    values = np.column_stack([to_numbers(rows[name]) for name in names])
    wrong = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(wrong):
        at, which = wrong[0]
        per_cent = " (per cent are to be divided by 100)" if 1 < values[at, which] <= 100 else ""
        why = f"has {names[which]} = '{rows[names[which]].iloc[at]}', which is no probability between 0 and 1{per_cent}"
        _refuse(path, rows["clip"].iloc[np.unique(wrong[:, 0])], why)
    sums = values.sum(1)
    off = np.asarray(np.abs(sums - 1) > TOLERANCE)
    _refuse(path, rows.loc[off, "clip"], f"has probabilities that sum to {sums[off.argmax()]:.4g} and not to 1")
    decided = values[np.arange(len(rows)), np.searchsorted(emotions, rows["predicted"].to_numpy(str))]
    other = np.asarray(decided < values.max(1) - TIE)
    said, argmax_prediction = rows["predicted"].iloc[other.argmax()], emotions[values[other.argmax()].argmax()]
    why = f"is predicted as {said} and {argmax_prediction} is its most probable emotion; --decisions-only leaves the probabilities out"
    _refuse(path, rows.loc[other, "clip"], why)
    return pd.DataFrame(values, index=rows.index, columns=names)


def probability_columns(table: pd.DataFrame) -> list[str]:
    """The columns that hold probabilities."""
    return [column for column in table.columns if column.startswith(PROBABILITY)]


def _refuse(path: Path, clips: Any, why: str) -> None:
    if len(clips):
        others = f" (and {len(clips) - 1} more)" if len(clips) > 1 else ""
        raise WrongCall(f"{path}: {next(iter(clips))} {why}{others}")


def remarks(table: pd.DataFrame, found: pd.DataFrame, path: Path, *, decisions_only: bool) -> list[Remark]:
    """What is to be said of predictions: which of their columns were not read, and whether they are the corpus's own labels.

    Parameters
    ----------
    table, found : DataFrame
        As `read_predictions` and `align` give them.
    path : Path
    decisions_only : bool
        Whether probabilities are left out.
    """
    said = []
    if decisions_only:
        many = len(probability_columns(table))
        are = number_of(many, "column of probabilities is", "columns of probabilities are")
        said.append(Remark(f"{path}: decisions only: {are} left out", "decisions only: probabilities left out"))
    unread = [c for c in table.columns if c not in {*WORDS, *NUMBERS} and not c.startswith(PROBABILITY)]
    unread += table.attrs.get("left_out", {})
    if unread:
        more = f" and {len(unread) - 5} more" if len(unread) > 5 else ""
        said.append(Remark(f"{path}: {number_of(len(unread), 'column is', 'columns are')} not read: {', '.join(unread[:5])}{more}"))
    if (found["predicted"] == found["emotion"]).all():
        clips = found["clip"].nunique()
        warning = f"{path}: the predictions equal the corpus's labels on all {clips:,} clips: were the labels themselves handed in?"
        said.append(Remark(warning, "equal to the corpus's labels on all clips"))
    return said


def score_predictions(
    prepared: PreparedData, source: Path | NamedTable, name: str, config: RunConfig, *, decisions_only: bool = False
) -> Run:
    """Evaluate a table of predictions and write a run folder of its one row.

    Parameters
    ----------
    prepared : PreparedData
    source : Path or NamedTable
        The table, as `read_predictions` takes it.
    name : str
        What the system is called: its row's `features`.
    config : RunConfig
        For one corpus, of one track.
    decisions_only : bool
        Leave probabilities out.

    Raises
    ------
    WrongCall
        As `align`; also for several tracks, and where there are no probabilities to be left out.
    """
    import pandas as pd

    if len(config.track) > 1:
        raise WrongCall(f"track: predictions are evaluated on one, and {', '.join(config.track)} are named")
    path = source if isinstance(source, Path) else Path(str(source))
    eval_set, table = prepared.eval_set, read_predictions(source)
    if decisions_only and not probability_columns(table):
        raise WrongCall(f"{path} has no probabilities (p.EMOTION) to be left out; drop --decisions-only")
    found = align(table.drop(columns=probability_columns(table)) if decisions_only else table, eval_set, path)
    said = remarks(table, found, path, decisions_only=decisions_only)
    prepared = dataclasses.replace(prepared, corpus_warnings=[*prepared.corpus_warnings, *(remark.warning for remark in said)])
    row = _row(eval_set, name, config.track[0], found["seed"].nunique(), [remark.note for remark in said if remark.note])
    predictions = pd.DataFrame({**{key: row[key] for key in KEYS if key in row}, **found})
    digest = hashlib.blake2b(found.to_csv(index=False).encode(), digest_size=12).hexdigest()
    folder = RunFolder.named(prepared.corpus.name, config, [EXTERNAL, name, digest, *eval_set.hashes.values()])
    trials = pd.DataFrame(columns=KEYS)
    folder.write_evaluation(prepared, predictions, trials)
    return Run(
        folder.path, pd.DataFrame([row]), predictions, trials, prepared.skipped, prepared.warnings, 0, 0, {}, [], None, prepared.seconds
    )


def _row(eval_set: EvaluationSet, name: str, track: str, seeds: int, notes: list[str]) -> dict[str, Any]:
    """The row of an external system, but for its scores."""
    import pandas as pd

    return {
        "corpus": eval_set.corpus,
        "features": name,
        "model": EXTERNAL,
        "track": track,
        "labels": eval_set.labels,
        "dims": pd.NA,
        "cv": str(eval_set.protocol),
        "speakers": eval_set.n_voices,
        "clips": int(eval_set.evaluated.sum()),
        "budget": EXTERNAL,
        "trials": 0,
        "seeds": seeds,
        "status": "leaky" if eval_set.protocol.leaky else "ok",
        "reason": "",
        "notes": [*eval_set.notes, "external: out-of-fold by the word of whoever made the predictions", *notes],
        "seconds": 0.0,
    }
