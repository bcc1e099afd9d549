"""What a run, an ablation, corpora evaluated by each other and an audit came to: tables, and the folder that they are in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.evaluation.run_folder import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Results(Run):
    """What a run of one corpus found: a `Run`, its `folder` now with `report.html`.

    Parameters
    ----------
    leaderboard : DataFrame
    resolutions : DataFrame
        What differences each block of it could have shown, and what its best row is worth (`evaluation.leaderboard.resolutions`).
    findings : DataFrame
        ``kind, check, what``: what an audit finds without listening.
    learning : DataFrame or None
        ``corpus, features, model, track, speakers, uar, uar_low, uar_high``: each row trained on fewer speakers; None where that was not
        evaluated.
    """

    leaderboard: pd.DataFrame
    resolutions: pd.DataFrame
    findings: pd.DataFrame
    learning: pd.DataFrame | None = None

    @property
    def found(self) -> list[str]:
        """The findings that a paper should answer, and that `warnings` do not say already."""
        serious = self.findings[self.findings["kind"] != "note"]
        return [
            f"{check}: {what}" for check, what in serious[["check", "what"]].astype(str).to_numpy().tolist() if what not in self.warnings
        ]


@dataclass(frozen=True)
class Crossed:
    """What came of evaluating corpora by each other.

    Parameters
    ----------
    folder : Path
        With `cross.csv`, `cross.md`, `predictions.parquet`, `skipped.csv`, and a picture in `figures/`.
    table : DataFrame
        A row per corpus trained on, corpus evaluated, feature set, model and track; `loss` is how far the UAR is below training within.
        `overlap` and `loss_overlap` say what their intervals allow for.
    predictions : DataFrame
        ``train, test, features, model, track, seed, clip, speaker, emotion, predicted``.
    warnings : list of str
    emotions : list of str
        Those that all corpora have, and are evaluated on.
    skipped : DataFrame
        ``corpus, clip, reason``.
    """

    folder: Path
    table: pd.DataFrame
    predictions: pd.DataFrame
    warnings: list[str]
    emotions: list[str]
    skipped: pd.DataFrame


@dataclass(frozen=True)
class Ablated:
    """What an ablation found.

    Parameters
    ----------
    folder : Path
        With `ablation.csv`, `ablation.md`, `ablation.html`, `skipped.csv`, and a picture in `figures/`.
    table : DataFrame
        ``corpus, features, model, mode, group, uar, diff, diff_low, diff_high, p, uar_low, uar_high, dims, track, cv``: `diff` is
        what a row's UAR is above that of all groups.
    importance : DataFrame or None
        ``corpus, features, model, kind, shuffled, name, value, low, high``: what the UAR loses with a group (kind ``group``) or a column
        shuffled across or within speakers, and groups' Shapley values.
    shown_in : list of Path
        The reports of runs beside it, on the same clips and split, that show it now.
    skipped : DataFrame
        ``clip, reason``.
    warnings : list of str
    """

    folder: Path
    table: pd.DataFrame
    importance: pd.DataFrame | None
    shown_in: list[Path]
    skipped: pd.DataFrame
    warnings: list[str]


@dataclass(frozen=True)
class Audited:
    """What an audit of one corpus found.

    Parameters
    ----------
    folder : Path
        With `audit.html`, `findings.csv`, and where the gap was measured, `gap.csv`.
    name : str
    summary : dict of str to str
        Clips, speakers, emotions, hours, durations, rates, in words.
    findings : DataFrame
        ``kind, check, what``: errors first, then warnings, then notes.
    gap : DataFrame or None
        ``split, parameters, scaling, uar, uar_low, uar_high, gap, gap_low, gap_high, overlap``, the honest row first.
    shown_in : list of Path
        The reports of runs beside it, on the same clips, that show it now.
    """

    folder: Path
    name: str
    summary: dict[str, str]
    findings: pd.DataFrame
    gap: pd.DataFrame | None
    shown_in: list[Path]
