"""The folders of audits, ablations, evaluations across corpora, recipes, merged leaderboards, predictions and plans of studies.

In:   their tables, their pages as text.
Out:  a `ResultFolder` of each kind.
Rule: this module alone knows the names, columns and types of their files, as `run_folder` does those of a run. A table of an earlier
      version is read as the present one would have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.evaluation import leaderboard, recipes
from ser_bench.evaluation.leaderboard import BLOCK
from ser_bench.evaluation.result_folder import ResultFolder, TableFile
from ser_bench.evaluation.run_folder import LEADERBOARD, PREDICTIONS
from ser_bench.evaluation.score_tables import typed, with_reasons, write_scores
from ser_bench.utils.atomic import write_csv, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd

GAP = TableFile("gap.csv", ("split", "parameters", "scaling", "uar", "uar_low", "uar_high", "gap", "gap_low", "gap_high", "overlap"))
"""Of an audit: a row per way to evaluate, the honest one first."""

ABLATION = TableFile(
    "ablation.csv",
    (
        *("corpus", "features", "model", "mode", "group", "uar", "diff", "diff_low", "diff_high", "p"),
        *("uar_low", "uar_high", "dims", "track", "cv"),
    ),
    typed(("uar", "diff", "diff_low", "diff_high", "p")),
)
"""A row per subset of groups of columns."""
IMPORTANCE = TableFile(
    "importance.csv",
    ("corpus", "features", "model", "kind", "shuffled", "name", "value", "low", "high"),
    typed(("value", "low", "high")),
    {"shuffled": "among a fold's held-out clips"},
)
"""Of an ablation, where it was measured: what the system with all groups depends on."""

CROSS = TableFile(
    "cross.csv",
    (
        *("train", "test", "emotions", "features", "dims", "model", "track", "cv", "speakers", "clips"),
        *("uar", "uar_low", "uar_high", "war", "macro_f1", "loss", "loss_low", "loss_high", "overlap", "loss_overlap"),
        *("budget", "trials", "seeds", "status", "reason", "notes", "seconds"),
    ),
    typed(("uar", "uar_low", "uar_high", "loss", "loss_low", "loss_high", "war", "macro_f1", "seconds")),
)
"""A row per corpus trained on, corpus evaluated, feature set, model and track."""
CROSS_PREDICTIONS = TableFile(
    PREDICTIONS.name, ("train", "test", "features", "model", "track", "seed", "clip", "speaker", "voice", "emotion", "predicted")
)

REPRODUCTION = TableFile("recipe.csv", recipes.COLUMNS, typed(recipes.COLUMNS[5:8], **dict.fromkeys(recipes.COLUMNS[:5], str), status=str))
"""Of a recipe: what was claimed, and every score measured."""
REPRODUCED_PREDICTIONS = TableFile(PREDICTIONS.name, (*PREDICTIONS.columns, "experiment", "run", "part"))

MERGED = TableFile(LEADERBOARD.name, ("block", *leaderboard.COLUMNS, "settings", "runs"), LEADERBOARD.reading, LEADERBOARD.added)

PLANNING = TableFile(
    "planning.csv",
    (
        *(*BLOCK, "goal", "target", "features", "model", "other_features", "other_model", "covers", "sentences", "clips_per_speaker"),
        *("speakers", "variance_ratio", "half_width", "least", "speakers_needed", "needed_low", "needed_high"),
        *("sd_speaker", "sd_sentence", "sd_cell", "sd_clip", "sd_sentence_high"),
    ),
)


TABLES = (GAP, ABLATION, IMPORTANCE, CROSS, CROSS_PREDICTIONS, REPRODUCTION, REPRODUCED_PREDICTIONS, MERGED, PLANNING)


class AblationTables(NamedTuple):
    """What an ablation found; `importance` is None where it was not measured."""

    table: pd.DataFrame
    importance: pd.DataFrame | None


class AuditFolder(ResultFolder):
    """What an audit found: findings and, where it was measured, the leak gap."""

    PAGE = MARK = "audit.html"

    def write_gap(self, gap: pd.DataFrame) -> None:
        """Write what each leak adds."""
        write_scores(gap, self.path / GAP.name)

    def read_gap(self) -> pd.DataFrame | None:
        """Read what each leak adds; None where that was not measured."""
        return None if self.lacks(GAP.name) else self._read(GAP)


class AblationFolder(ResultFolder):
    """What an ablation found: subsets of groups, and where it was measured, what the system with all of them depends on."""

    PAGE, MARK = "ablation.html", ABLATION.name

    def write_tables(self, table: pd.DataFrame, importance: pd.DataFrame | None) -> None:
        """Write what was found."""
        write_scores(table, self.path / ABLATION.name)
        if importance is not None:
            write_scores(importance, self.path / IMPORTANCE.name)

    def read_tables(self) -> AblationTables:
        """Read what was found."""
        return AblationTables(self._read(ABLATION), None if self.lacks(IMPORTANCE.name) else self._read(IMPORTANCE))

    def write_markdown(self, text: str) -> None:
        """Write the tables as Markdown."""
        write_text(self.path / "ablation.md", text)


class CrossFolder(ResultFolder):
    """What came of evaluating corpora by each other."""

    PAGE, MARK = "cross.html", CROSS.name

    @property
    def table(self) -> Path:
        """Where its table lies."""
        return self.path / CROSS.name

    def write_tables(self, table: pd.DataFrame, predictions: pd.DataFrame) -> None:
        """Write what came of it, and what was predicted."""
        write_scores(table, self.table)
        write_parquet(predictions, self.path / CROSS_PREDICTIONS.name, index=False)

    def read_table(self) -> pd.DataFrame:
        """Read what came of it."""
        return with_reasons(self._read(CROSS), after_notes=True)

    def write_markdown(self, text: str) -> None:
        """Write the matrices as Markdown."""
        write_text(self.path / "cross.md", text)


class RecipeFolder(ResultFolder):
    """What a recipe claimed and came to."""

    PAGE, MARK = "recipe.html", REPRODUCTION.name

    def write_reproduction(self, table: pd.DataFrame, recipe: str, markdown: str) -> None:
        """Write the scores, the recipe itself, and the scores as Markdown."""
        write_scores(table, self.path / REPRODUCTION.name)
        write_text(self.path / "recipe.toml", recipe)
        write_text(self.path / "recipe.md", markdown)

    def read_reproduction(self) -> pd.DataFrame:
        """Read the scores; that a claim is `over` its value once was its note."""
        table = self._read(REPRODUCTION)
        if "over" in table:
            return table
        over = [notes == ["over"] for notes in table["notes"]]
        rest = [[] if its_note else notes for its_note, notes in zip(over, table["notes"], strict=True)]
        return table.assign(over=over, notes=rest)[list(recipes.COLUMNS)]

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write what was predicted under published splits."""
        write_parquet(predictions, self.path / REPRODUCED_PREDICTIONS.name, index=False)

    def read_predictions(self) -> pd.DataFrame:
        """Read what was predicted under published splits."""
        return self._read(REPRODUCED_PREDICTIONS)


class MergedFolder(ResultFolder):
    """Several runs as one leaderboard."""

    PAGE = MARK = "leaderboard.html"

    @property
    def markdown(self) -> Path:
        """Where the leaderboard lies as Markdown."""
        return self.path / "LEADERBOARD.md"

    def write_leaderboard(self, board: pd.DataFrame) -> None:
        """Write the leaderboard."""
        write_scores(board, self.path / MERGED.name)

    def read_leaderboard(self) -> pd.DataFrame:
        """Read the leaderboard."""
        return with_reasons(self._read(MERGED))

    def write_markdown(self, text: str) -> None:
        """Write the leaderboard as Markdown."""
        write_text(self.markdown, text)


class PredictionsFolder(ResultFolder):
    """What a fitted system predicted of recordings."""

    PAGE = "predictions.html"
    ROWS = MARK = "predictions.csv"

    def write_rows(self, text: str) -> None:
        """Write the predictions as CSV, whose columns are those that the system has (`bundle.rows`)."""
        write_text(self.path / self.ROWS, text)


class PlanningFolder(ResultFolder):
    """What a study like a run would need, in its own folder or another."""

    MARK = PLANNING.name

    @property
    def table(self) -> Path:
        """Where its table lies."""
        return self.path / PLANNING.name

    def write_table(self, table: pd.DataFrame) -> None:
        """Write what is needed."""
        write_csv(table, self.table, float_format="%.6g")
