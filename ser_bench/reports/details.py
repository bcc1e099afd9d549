"""Details per system: what one row of the leaderboard is made of.

In:   a row of the leaderboard, the run's metrics and trials, and what its predictions show (`evaluation.diagnostics`).
Out:  confusions, scores and curves by class, UAR by speaker, what else is known, and the hyperparameters chosen.
Rule: what is drawn is also given in words beside it, and curves are few points: fifty systems fit on one page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.diagnostics import Confusions, Diagnostics
from ser_bench.evaluation.evidence import ROW_KEY, rows_of
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.reports.board_text import own_notes, row_cells
from ser_bench.utils.formatting import format_score, interval, records

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.run_folder import RunTables

SIDE = 200
"""A curve's picture is a square of so many units a side."""
WIDE, INSET = 320, 30
"""The width of a learning curve's, and how far its ends are from the edges."""
FALSE_POSITIVE_RATES = (0.1, 0.2, 0.5)
"""At which a ROC curve is given in words."""
POINTS = 41
"""Of a ROC curve."""
NAMED_SPEAKERS = 8
"""Speakers that a fold is named by."""
BY_CLASS = ("recall", "precision", "f1", "auc")
NAMED = {
    "uar.fold": "UAR, mean over folds",
    "war": "WAR",
    "macro_f1": "macro F1",
    "auc": "AUC",
    "micro_auc": "micro-averaged AUC",
    "log_loss": "log loss",
    "calibration_error": "expected calibration error (ECE)",
    "uar.worst_speaker": "UAR, worst speaker (95% CI over clips)",
}
"""Metrics shown with the headline, and what they are called there."""


def cell_id(record: dict[str, Any]) -> str:
    """Where a cell stands on the page."""
    return "cell-" + "-".join("".join(c if c.isalnum() else "_" for c in record[name]) for name in ROW_KEY)


def open_cell(record: dict[str, Any], run: RunTables) -> dict[str, Any]:
    """A cell for the page; a failed one has nothing but its row."""
    rows = of_cell(record, run.predictions)
    opened = {**record, "id": cell_id(record), "told": own_notes(record), "read": row_cells(record)}
    if rows.empty:
        return opened
    found, metrics = Diagnostics(rows), records(rows_of(record, run.metrics))
    told = {row["metric"]: row for row in metrics if not row["gender"]}
    speakers = found.uar_by("speaker")
    return {
        **opened,
        **confusion_view(found.confusions),
        "classes": class_scores(found.confusions, told),
        "speakers": [{"name": name, "uar": value} for name, value in sorted(speakers.items(), key=lambda pair: (pair[1], pair[0]))],
        "beside": _beside(metrics),
        "sources": _sources(told),
        "curves": curves_of(found, told),
        "reliability": _reliability(found),
        "learning": _learning(rows_of(record, run.learning), len(found.confusions.classes)),
        "chosen": _chosen(record, run.trials, held_out(rows)),
    }


def of_cell(record: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one cell, in the order of seeds and folds."""
    return rows_of(record, table).sort_values(["seed", "fold"], kind="stable")


def confusion_view(found: Confusions) -> dict[str, Any]:
    """The `emotions`, and a field per true and predicted one."""
    rows = zip(found.counts, found.shares, strict=True)
    return {
        "emotions": found.classes,
        "confusions": [[{"n": int(n), "share": float(share)} for n, share in zip(*row, strict=True)] for row in rows],
    }


def class_scores(found: Confusions, told: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Recall, precision, F1 and AUC of each emotion, with their intervals."""
    return [
        {
            "emotion": e,
            "n": int(n),
            "recall": told[f"recall.{e}"]["value"],
            "scores": {name: _read(told.get(f"{name}.{e}")) for name in BY_CLASS},
        }
        for e, n in zip(found.classes, found.clips, strict=True)
    ]


def _read(row: dict[str, Any] | None) -> tuple[str, str]:
    """A value and its interval as they are read, both empty where there is none."""
    if row is None or np.isnan(row["value"]):
        return "", ""
    return format_score(row["value"]), "" if np.isnan(row["low"]) else interval(row["low"], row["high"])


def _beside(metrics: list[dict[str, Any]]) -> list[tuple[str, str, str, bool]]:
    """Metrics other than the headline: name, value, interval, and whether it is a score, which may be read in per cent."""
    named = [(_of_gender(row["gender"], row["minus"]) if row["gender"] else NAMED.get(row["metric"]), row) for row in metrics]
    return [(name, *_read(row), row["metric"] != "log_loss") for name, row in named if name]


def _sources(told: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """What the uncertainty of the UAR comes from: source, standard deviation."""
    return [(metric.removeprefix("sd."), format_score(row["value"])) for metric, row in told.items() if metric.startswith("sd.")]


def _of_gender(gender: str, minus: str) -> str:
    """What the UAR of a gender, or the difference between two, is called.

    >>> _of_gender("non-binary", ""), _of_gender("female", "non-binary")
    ('UAR, non-binary', 'UAR, female minus non-binary')
    """
    return f"UAR, {gender} minus {minus}" if minus else f"UAR, {gender}"


def curves_of(found: Diagnostics, told: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """The ROC curve of each emotion that has one: its name, its AUC, its points on a square, and itself in words."""
    curves = found.roc_curves(POINTS)
    return [
        {"emotion": e, "auc": _read(told.get(f"auc.{e}"))[0], "points": _points(curves[e]), "words": _roc_words(curves[e])}
        for e in found.confusions.classes
        if e in curves
    ]


def _points(curve: np.ndarray) -> str:
    """A curve from the lower left corner, as SVG has it; what lies straight between its neighbours is left out."""
    corners = [(0, SIDE), *zip(np.linspace(0, SIDE, len(curve)).round().astype(int), (SIDE * (1 - curve)).round().astype(int), strict=True)]
    inner = zip(corners, corners[1:], corners[2:], strict=False)
    kept = [here for before, here, after in inner if not (before[1] == here[1] == after[1])]
    return " ".join(f"{x},{y}" for x, y in [corners[0], *kept, corners[-1]])


def _roc_words(curve: np.ndarray) -> str:
    rates = np.linspace(0, 1, len(curve))
    return ", ".join(
        f"true positive rate {np.interp(rate, rates, curve):.0%} at a false positive rate of {rate:.0%}" for rate in FALSE_POSITIVE_RATES
    )


def _reliability(found: Diagnostics) -> dict[str, Any] | None:
    """Dots on a square, their area by the number of clips, and the same in words; None without probabilities."""
    if found.calibration is None:
        return None
    bins, most = list(zip(*found.calibration, strict=True)), found.calibration.clips.max()
    dots = [{"x": round(SIDE * said), "y": round(SIDE * (1 - right)), "r": round(2 + 9 * np.sqrt(n / most), 1)} for said, right, n in bins]
    return {
        "dots": dots,
        "words": "; ".join(
            f"confidence {format_score(said, 2)}, accuracy {format_score(right, 2)}, {n:.0f} clips" for said, right, n in bins
        ),
    }


def _learning(points: pd.DataFrame, n_emotions: int) -> dict[str, Any] | None:
    """UAR over the number of speakers trained on, on a plane `SIDE` high and wider, and the same in words; None for a single point."""
    if len(points) < 2:
        return None
    chance = chance_level(n_emotions)
    low, high = np.floor(10 * min(chance, points["uar_low"].min())) / 10, np.ceil(10 * points["uar_high"].max()) / 10
    ends = low, max(high, low + 0.1)
    doublings = np.log2(points["speakers"] / points["speakers"].min())
    across = INSET + (WIDE - 2 * INSET) * doublings / doublings.max()

    def up(uars: Any) -> Any:
        return SIDE * (1 - (uars - ends[0]) / (ends[1] - ends[0]))

    drawn = points.assign(x=across.round(1), y=up(points["uar"]).round(1), top=up(points["uar_high"]).round(1))
    drawn = drawn.assign(bottom=up(points["uar_low"]).round(1), read=points["uar"].map(format_score))
    said = [f"{row['speakers']} speakers {row['read']} {interval(row['uar_low'], row['uar_high'])}" for row in records(drawn)]
    first, last = (round(10 * end) for end in ends)
    step = 2 if last - first > 4 else 1
    tenths = np.arange(first + first % step, last + 1, step) / 10
    ticks = [{"y": round(float(up(uar)), 1), "text": format_score(uar, 1)} for uar in tenths]
    sets = int(points["draws"].max())
    return {"points": records(drawn), "sets": sets, "chance": round(float(up(chance)), 1), "ticks": ticks, "words": "; ".join(said)}


def _chosen(record: dict[str, Any], trials: pd.DataFrame, held: dict[Any, str]) -> list[dict[str, Any]]:
    """The parameters chosen in each fold, with the inner score that chose them."""
    mine = of_cell(record, trials[trials["chosen"].astype(bool)] if len(trials) else trials)
    return [
        {"seed": seed, "speakers": held[seed, fold], "score": score, "params": _params(params)}
        for seed, fold, score, params in mine.reindex(columns=["seed", "fold", "score", "params"]).itertuples(index=False)
    ]


def held_out(rows: pd.DataFrame) -> dict[Any, str]:
    """The speakers whom each seed's folds hold out, by both; of many the first, and how many more."""
    found = {}
    for place, part in rows.groupby(["seed", "fold"]):
        speakers = sorted(part["speaker"].astype(str).unique())
        first, more = speakers[:NAMED_SPEAKERS], len(speakers) - NAMED_SPEAKERS
        found[place] = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    return found


def _params(text: str) -> str:
    values = json.loads(text)
    return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in sorted(values.items()))
