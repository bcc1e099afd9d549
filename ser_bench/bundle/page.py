"""Predictions as a page of their own in a folder of results, with the model card of the system that made them.

In:   rows that were predicted, and the bundle.
Out:  `<out>/predictions-<bundle>-<8 hex>/` with `predictions.csv`, `environment.json` and `predictions.html`, listed in the index of
      `<out>`.
Rule: the same call on the same bundle has the same folder. A probability never stands without what to expect of the system on unseen
      speakers; what the page has no room for is said, and in the CSV.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.bundle.listing import clock
from ser_bench.bundle.rows import Layout, PredictionRow, as_csv, parts_of_one
from ser_bench.bundle.shown import card_html, corpus_of, expected
from ser_bench.config import RunConfig
from ser_bench.errors import quoted
from ser_bench.evaluation.analysis_folders import PredictionsFolder
from ser_bench.evaluation.environment import computed, surroundings
from ser_bench.reports.index_page import indexed
from ser_bench.reports.rendering import render, way_back
from ser_bench.utils.formatting import format_score, signed

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle
    from ser_bench.bundle.prediction import PredictionOptions

MOST_ROWS = 2000
"""Rows that a page shows."""
MOST_GROUPS = 3
"""Groups of features that a page names as what moved a decision."""
NAMED = 200
"""Letters of a feature set's or model's name."""


@dataclass(frozen=True)
class Predicted:
    """What was predicted, by which bundle, and how.

    Parameters
    ----------
    bundle : Bundle
    file : Path
        The bundle's.
    rows : sequence of PredictionRow
    asked : PredictionOptions
    """

    bundle: Bundle
    file: Path
    rows: Sequence[PredictionRow]
    asked: PredictionOptions

    @property
    def layout(self) -> Layout:
        """The columns of rows."""
        return Layout.of(self.bundle, explain=self.asked.explain)

    @property
    def system(self) -> str:
        """The feature set and the model."""
        return f"{quoted(self.bundle.features, NAMED)} with {quoted(self.bundle.model, NAMED)}"

    def folder(self, out: str) -> PredictionsFolder:
        """Where it is written."""
        with self.file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "blake2b").hexdigest()
        how = [repr(self.asked.windows), str(self.asked.explain)]
        spans = [f"{row.clip}\n{row.start}\n{row.end}" for row in self.rows]
        return PredictionsFolder.named(f"predictions-{self.file.stem}", RunConfig(out=out), [digest, *how, *spans])


def publish_predictions(found: Predicted, out: str) -> Path:
    """Write what was predicted below a folder of results; returns the page."""
    folder = found.folder(out)
    folder.write_rows("".join(as_csv(found.rows, found.layout)))
    counts = count(found.rows) | {"windows": found.asked.windows is not None}
    about = surroundings() | {
        "computed": computed(),
        "corpus": {"title": corpus_of(found.bundle)},
        "system": found.system,
        "predicted": counts,
    }
    folder.write_environment(about)
    with indexed(Path(out)):
        folder.write_page(make_page(found, about, way_back(folder.path)))
    return folder.page


def count(rows: Sequence[PredictionRow]) -> dict[str, Any]:
    """How many rows, clips and predictions there are, how many with a warning, and how many of each emotion, the most frequent first."""
    predicted = [row for row in rows if not row.reason]
    return {
        "rows": len(rows),
        "clips": len({row.clip for row in rows}),
        "predicted": len(predicted),
        "warned": sum(bool(row.warnings) for row in predicted),
        "emotions": dict(Counter(row.emotion for row in predicted).most_common()),
    }


def make_page(found: Predicted, about: dict[str, Any], back: str = "") -> str:
    """The page of predictions."""
    layout, timed, above = found.layout, found.asked.windows is not None, folder_above(found.rows)
    return render(
        "predictions.html.j2",
        system=found.system,
        corpus=about["corpus"]["title"],
        counts=about["predicted"],
        what="window" if timed else "clip",
        expected=expected(found.bundle),
        classes=layout.classes,
        above=above,
        rows=[_shown(row, layout, above, timed=timed) for row in found.rows[:MOST_ROWS]],
        timed=timed,
        gendered=layout.gendered,
        explained=bool(layout.groups),
        most=MOST_GROUPS,
        csv=PredictionsFolder.ROWS,
        card=card_html(found.bundle),
        about=about,
        back=back,
    )


def folder_above(rows: Sequence[PredictionRow]) -> str:
    """The folder that all clips lie in or below, with its last slash, where they are of one; a page need not repeat it in each row."""
    folders = {os.path.dirname(row.clip) for row in rows}
    shared = os.path.join(os.path.commonpath(folders), "") if len({os.path.isabs(folder) for folder in folders}) == 1 else ""
    return shared if all(row.clip.startswith(shared) for row in rows) else ""  # "./a" and "a//b" are written otherwise there


def _shown(row: PredictionRow, layout: Layout, above: str, *, timed: bool) -> dict[str, Any]:
    """A row as the page shows it; its probabilities in hundredths that sum to one, `shade` as deep as each is high."""
    shares = [] if row.reason else parts_of_one(row.probabilities, 2)
    changes = sorted(row.explained.items(), key=lambda item: -abs(item[1]))[:MOST_GROUPS]
    return {
        "clip": row.clip.removeprefix(above),
        "time": f"{clock(row.start)}\N{EN DASH}{clock(row.end)}" if timed else "",
        "start": row.start,
        "emotion": row.emotion,
        "decided": format_score(shares[layout.classes.index(row.emotion)], 2) if shares else "",
        "cells": [{"emotion": name, "p": format_score(p, 2), "shade": p} for name, p in zip(layout.classes, shares, strict=False)],
        "gender": row.gender,
        "why": ", ".join(f"{group} {signed(change, 2)}" for group, change in changes),
        "remarks": [*row.warnings, *([f"not predicted: {row.reason}"] if row.reason else [])],
    }
