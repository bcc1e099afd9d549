"""How well a bundle can be expected to do: its row of the leaderboard, by class, by gender, by speaker.

In:   the folder of a finished run, and which of its rows.
Out:  a dictionary of numbers, as JSON has them.
Rule: every score is of clips of speakers that the system which predicted them was not trained on. A row that was picked as the best
      of several also has what the pick is worth on new speakers, and no row says more than its run does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.evaluation.cautions import note_words
from ser_bench.evaluation.evidence import rows_of
from ser_bench.evaluation.leaderboard import AUC, BLOCK, CHANCE, F1, UAR, WAR, lines_of
from ser_bench.evaluation.metrics import NUMBERS, count
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.utils.formatting import records

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
"""A row of a leaderboard."""


def quality_of(folder: RunFolder, row: Row) -> dict[str, Any]:
    """What a row of a run is worth.

    Parameters
    ----------
    folder : RunFolder
    row : mapping of str to object
        A row of its leaderboard that is ranked.

    Returns
    -------
    dict
        ``uar, uar_low, uar_high`` and the same of WAR, macro F1 and AUC; ``calibration_error, chance, cv, track, speakers, clips, seeds``;
        ``by_class`` (recall with its 95% confidence interval, precision, clips), ``by_gender`` (UAR with interval, where genders are
        known), ``speaker_range`` (UAR of the lowest, the median and the highest speaker); ``chosen_from`` (among how many rows it was
        ranked), ``corrected`` (of the best of several: its UAR corrected for that), ``notes``. None for what is not known.
    """
    predictions = rows_of(row, folder.read_predictions())
    table = rows_of(row, folder.read_metrics())
    genders = table["gender"] != ""
    metrics = _numbers(table[~genders], "metric")
    board = folder.read_leaderboard()
    return {
        **{name: known(row[name]) for group in (UAR, WAR, F1, AUC) for name in group},
        "calibration_error": metrics.get("calibration_error", (None,))[0],
        "chance": chance_of(folder, row),
        "cv": row["cv"],
        "track": row["track"],
        "speakers": int(row["speakers"]),
        "clips": int(row["clips"]),
        "seeds": int(row["seeds"]),
        "by_class": _by_class(metrics, predictions),
        "by_gender": {
            gender: dict(zip(UAR, found, strict=True))
            for gender, found in sorted(_numbers(table[genders & (table["minus"] == "")], "gender").items())
        },
        "speaker_range": speaker_range(predictions),
        "chosen_from": _ranked_beside(board, row),
        "corrected": _corrected(folder, row),
        "notes": [note_words(note, row) for note in row["notes"]],
    }


LOWEST, MEDIAN, HIGHEST = "lowest", "median", "highest"


def known(value: Any) -> float | None:
    """A score as JSON has it, which knows no NaN."""
    return None if value is None or math.isnan(value) else float(value)


def speaker_range(predictions: pd.DataFrame) -> dict[str, float]:
    """The UAR of the lowest, the median and the highest speaker, each the mean over seeds, to four digits.

    Parameters
    ----------
    predictions : DataFrame
        Those of one row: ``seed, fold, voice, emotion, predicted``.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"seed": 0, "fold": 0, "voice": list("aabbc"), "emotion": list("xyxyx"), "predicted": list("xyxxy")})
    >>> speaker_range(rows)
    {'lowest': 0.0, 'median': 0.5, 'highest': 1.0}
    """
    by_speaker = np.nanmean(scores.uar_of(count(predictions, 1.0).counts), 0)
    at = {LOWEST: by_speaker.min(), MEDIAN: np.median(by_speaker), HIGHEST: by_speaker.max()}
    return {name: round(float(value), 4) for name, value in at.items()}


def chance_of(folder: RunFolder, row: Row) -> float | None:
    """The UAR of a guess, as the run's references have it."""
    import pandas as pd

    lines = lines_of(pd.DataFrame([dict(row)]), folder.read_references())
    found = lines.loc[lines["kind"] == CHANCE, "uar"]
    return known(found.iloc[0]) if len(found) else None


def _numbers(table: pd.DataFrame, name: str) -> dict[str, tuple[float | None, ...]]:
    """The value and the interval of each row, by the column `name`."""
    return {key: tuple(map(known, numbers)) for key, *numbers in table[[name, *NUMBERS]].itertuples(index=False, name=None)}


def _by_class(metrics: Mapping[str, tuple[float | None, ...]], predictions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    clips = predictions.drop_duplicates("clip")["emotion"].value_counts().sort_index()
    none = (None, None, None)
    return {
        str(name): {
            **dict(zip(("recall", "recall_low", "recall_high"), metrics.get(f"recall.{name}", none), strict=True)),
            "precision": metrics.get(f"precision.{name}", none)[0],
            "clips": int(n),
        }
        for name, n in clips.items()
    }


def _block(table: pd.DataFrame, row: Row) -> pd.DataFrame:
    return table[np.logical_and.reduce([(table[name] == row[name]).to_numpy(bool) for name in BLOCK])]


def _ranked_beside(board: pd.DataFrame, row: Row) -> int:
    return int((_block(board, row)["status"] == "ok").sum())


def _corrected(folder: RunFolder, row: Row) -> dict[str, float | None] | None:
    """What the best of several rows is worth, as it was chosen by these speakers' scores; None of any other."""
    if row["rank"] != 1:
        return None
    for mine in records(_block(folder.read_resolutions(), row)):
        if known(mine["best"]) is not None:
            return {name: known(mine[f"best{name.removeprefix('uar')}"]) for name in UAR}
    return None
