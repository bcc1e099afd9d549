"""Systems from elsewhere, by the same rules: the folds to train them on, and their predictions judged.

In:   a judged corpus; a table of somebody's out-of-fold predictions.
Out:  the outer and inner folds as a table; a `Run` of one row, of model ``external``.
Rule: every clip is predicted once a seed, in its own fold; what is not, is refused by name. That the held-out clips took no part
      in training cannot be seen from here: it is the word of whoever made the predictions.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.plan import Ground
from ser_bench.protocol import NEVER, inner_folds
from ser_bench.record import KEYS, Run, folder_of, write_folder
from ser_bench.tables import as_counts, as_text, check_columns, read_table, refuse_rows, to_numbers

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.units import Judged

MODEL = "external"


def split_table(judged: Judged, inner: int) -> pd.DataFrame:
    """The folds of every clip: ``clip, speaker, emotion, seed, fold, inner_0, inner_1, ...``.

    `fold` is the outer fold in which a clip is held out. `inner_k` is its inner fold where outer fold k is held out, blank for clips
    that are not learnt from then, and for all where a single training voice allows no inner folds. Of a fixed split only the test part is
    held out, in fold 0; the others have fold -1, and where there is a dev part, inner fold 0 is that and -1 what is fitted.
    """
    import pandas as pd

    voices = judged.clips["voice"].to_numpy(str)
    tables = []
    for seed, folds in judged.folds.items():
        table = judged.clips[["speaker", "emotion"]].assign(seed=seed, fold=folds)
        for held_out in range(folds.max() + 1):
            train = judged.training(seed, held_out)
            column = pd.array([pd.NA] * len(table), dtype="Int64")
            if judged.selecting is not None:
                column[train] = np.where(judged.selecting[train], 0, NEVER)
            elif judged.protocol.leaky or len(np.unique(voices[train])) > 1:
                seed_inside = judged.fold_seed(seed, held_out)
                column[train] = inner_folds(voices[train], judged.codes[train], inner, seed_inside, random=judged.protocol.leaky)
            table[f"inner_{held_out}"] = column
        tables.append(table.sort_index())
    return pd.concat(tables).rename_axis("clip").reset_index()


def read_predictions(path: Path) -> pd.DataFrame:
    """A table of predictions: ``clip`` (or ``file``), ``predicted``, and where there are, ``seed, fold, p.<emotion>...``.

    Raises
    ------
    WrongCall
        Naming the file and the column.
    """
    table = read_table(path)
    if "clip" not in table:
        table = table.rename(columns={"file": "clip"})
    check_columns(table, ("clip", "predicted"), path)
    read: dict[str, pd.Series] = {"clip": as_text(table["clip"], keep_words=True), "predicted": as_text(table["predicted"])}
    for column, cells in read.items():
        refuse_rows(cells == "", path, f"no {column}")
    read |= {column: as_counts(table[column], path) for column in ("seed", "fold") if column in table}
    read |= {str(column): to_numbers(table[column]) for column in table.columns if column.startswith("p.")}
    return table.assign(**read)


def align(table: pd.DataFrame, judged: Judged, path: Path) -> pd.DataFrame:
    """Predictions in a run's columns and order, after a check that each clip has one a seed, in its own fold, of known emotions.

    Raises
    ------
    WrongCall
        Naming the clip.
    """
    import pandas as pd

    seeds = table["seed"] if "seed" in table else pd.Series(min(judged.folds), table.index)
    if unknown := sorted(set(seeds) - set(judged.folds)):
        raise WrongCall(
            f"{path}: seed {unknown[0]} is none of this protocol's ({', '.join(map(str, judged.folds))}); see --seed and --seeds"
        )
    aligned = [_align_seed(table[seeds == seed], judged, seed, path) for seed in sorted(set(seeds)) or [min(judged.folds)]]
    whole = pd.concat(aligned).rename_axis("clip").reset_index().sort_values(["seed", "clip"], ignore_index=True)
    return whole[["seed", "fold", "clip", "speaker", "emotion", "predicted"]].join(_probabilities(whole, judged.emotions, path))


def _align_seed(table: pd.DataFrame, judged: Judged, seed: int, path: Path) -> pd.DataFrame:
    held = judged.clips[judged.evaluated]
    clips = held.index
    _refuse(path, table.loc[table["clip"].duplicated(), "clip"], "is predicted twice")
    _refuse(path, table.loc[~table["clip"].isin(clips), "clip"], "is not judged in this corpus, or not known in it")
    _refuse(path, clips[~clips.isin(table["clip"])], "is not predicted")
    known = held[["speaker", "emotion"]].assign(seed=seed, own=judged.folds[seed][judged.evaluated])
    rows = known.join(table.set_index("clip")[[c for c in table.columns if c in {"predicted", "fold"} or c.startswith("p.")]])
    if "fold" in rows:
        _refuse(path, rows.index[rows["fold"] != rows["own"]], "is predicted in another fold than its own; see ser-bench splits")
    strange = rows.loc[~rows["predicted"].isin(judged.emotions), "predicted"]
    _refuse(
        path, strange.index, f"is predicted as '{strange.iloc[0] if len(strange) else ''}', which is none of {', '.join(judged.emotions)},"
    )
    return rows.assign(fold=rows["own"])


def _probabilities(rows: pd.DataFrame, emotions: list[str], path: Path) -> pd.DataFrame:
    import pandas as pd

    given = [column for column in rows.columns if column.startswith("p.")]
    names = [f"p.{emotion}" for emotion in emotions]
    if not given:
        return pd.DataFrame(np.nan, index=rows.index, columns=names)
    if missing := sorted(set(names) ^ set(given)):
        raise WrongCall(f"{path}: probabilities are for all emotions judged or for none: {missing[0]} is too few or too many")
    values = rows[names].apply(pd.to_numeric, errors="coerce")
    wrong = ~np.isfinite(values.to_numpy(float)).all(1) | (values.to_numpy(float) < 0).any(1)
    _refuse(path, rows["clip"][wrong], "has a probability that is no number from 0 upwards")
    return values


def _refuse(path: Path, clips: Any, why: str) -> None:
    if len(clips):
        others = f" (and {len(clips) - 1} more)" if len(clips) > 1 else ""
        raise WrongCall(f"{path}: {next(iter(clips))} {why}{others}")


def judge(ground: Ground, path: Path, name: str, config: RunConfig) -> Run:
    """Judge a table of predictions and write a run folder of its one row.

    Parameters
    ----------
    ground : Ground
    path : Path
        The table, as `read_predictions` takes it.
    name : str
        What the system is called: its row's `features`.
    config : RunConfig
        For one corpus.
    """
    import pandas as pd

    judged = ground.judged
    found = align(read_predictions(path), judged, path)
    cell = {"corpus": judged.corpus, "features": name, "model": MODEL, "track": config.track[0]}
    predictions = pd.DataFrame({**cell, **found})
    seeds = found["seed"].nunique()
    row = cell | {
        "labels": judged.labels,
        "dims": pd.NA,
        "cv": str(judged.protocol),
        "speakers": judged.clips.loc[judged.evaluated, "speaker"].nunique(),
        "clips": int(judged.evaluated.sum()),
        "budget": MODEL,
        "trials": 0,
        "seeds": seeds,
        "status": "leaky" if judged.protocol.leaky else "ok",
        "notes": "external: out-of-fold by the word of whoever made the predictions",
        "seconds": 0.0,
    }
    digest = hashlib.blake2b(found.to_csv(index=False).encode(), digest_size=12).hexdigest()
    folder = folder_of(ground.corpus.name, config, [MODEL, name, digest, *judged.hashes.values()])
    trials = pd.DataFrame(columns=KEYS)
    write_folder(folder, ground, config, predictions, trials)
    return Run(folder, pd.DataFrame([row]), predictions, trials, ground.skipped, ground.warnings, 0, 0, {}, [])
