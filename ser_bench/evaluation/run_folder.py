"""What a run came to: tables in memory, and the run folder that holds them.

In:   a run's tables, what was asked for, what it was done with.
Out:  a `Run`, and `<out>/<corpus>-<8 hex>/` with its tables; the reports are made from those.
Rule: this module alone knows the names, columns and types of a run folder's files, but of those that other kinds of folders hold, too
      (`result_folder`). Nothing but times may differ between two runs of one configuration on the same clips. A table of an earlier
      version is read as the present one would have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.evaluation import leaderboard, metrics
from ser_bench.evaluation.cautions import Outlying
from ser_bench.evaluation.evidence import ROW_KEY
from ser_bench.evaluation.leaderboard import LIKE, SCORES, UAR, WHOLE, WORTH
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.result_folder import CONFIGURATION, FINDINGS, SKIPPED, ResultFolder, TableFile
from ser_bench.evaluation.score_tables import typed, with_reasons, write_scores
from ser_bench.utils.atomic import damage_of, read_parquet, set_aside, write_csv, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.scoring import RunScores
    from ser_bench.evaluation.units import EvaluationSet


KEYS = ["corpus", "features", "model", "track", "seed", "fold"]
"""What names a unit in predictions and trials."""


UNCHANGED = "unchanged"
"""The test condition in which clips are as they are."""


CLIPS = TableFile("clips.parquet", ("emotion", "speaker", "key", "voice"))
"""Indexed by `clip`; with what else is known of clips, and the outer fold of each seed (`fold_<seed>`)."""
PREDICTIONS = TableFile("predictions.parquet", (*KEYS, "clip", "speaker", "voice", "emotion", "predicted"))
"""Then ``p.<emotion>`` and `inner`, the chosen trial's score."""
TRIALS = TableFile("trials.parquet", (*KEYS, "trial", "state", "score", "params", "seconds", "chosen"))
"""Of predictions made elsewhere empty, and with the keys alone."""
REFITS = TableFile("refits.parquet", (*KEYS, "without", "loss"))
LEADERBOARD = TableFile(
    "leaderboard.csv",
    leaderboard.COLUMNS,
    typed(("rank", *SCORES), **dict.fromkeys(WHOLE, "Int64")),
    dict.fromkeys((*LIKE, *Outlying._fields), np.nan),
)
RESOLUTIONS = TableFile("resolution.csv", leaderboard.SHOWN, typed(WORTH), {"rope": scores.ROPE})
REFERENCES = TableFile("references.csv", leaderboard.LINES, typed(("uar", "war"), kind=str), {"track": ""})
METRICS = TableFile("metrics.csv", metrics.COLUMNS, typed(metrics.NUMBERS, metric=str, gender=str, minus=str))
LEARNING = TableFile("learning.csv", (*ROW_KEY, "speakers", "draws", "sd_draws", *UAR), typed(("sd_draws",)), {"draws": 1})
CONDITIONS = TableFile("conditions.csv", (*ROW_KEY, "condition", *UAR, "diff", "diff_low", "diff_high", "p"), typed(("p",), condition=str))
"""Rows evaluated on changed held-out clips, after a row each on `UNCHANGED` ones."""
CONDITION_PREDICTIONS = TableFile(
    "condition_predictions.parquet", (*ROW_KEY, "condition", "seed", "fold", "clip", "speaker", "voice", "emotion", "predicted")
)
TABLES = (
    *(CLIPS, PREDICTIONS, TRIALS, REFITS, SKIPPED),
    *(LEADERBOARD, RESOLUTIONS, REFERENCES, METRICS, LEARNING, CONDITIONS, CONDITION_PREDICTIONS, FINDINGS),
)


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Parameters
    ----------
    folder : Path
    cells : DataFrame
        One row per cell: what it is, what it cost, and its status; the scores are the reports' to compute.
    predictions, trials, skipped, refits : DataFrame
        As in the run folder; `refits` once they are made.
    fitted, reused : int
        Units fitted now, and units reused.
    spent : dict of str to float
        Processor seconds that went into units fitted now, by model, the most first.
    failures : list of str
        One line per failed unit.
    seconds : dict of str to float
        How long each stage took.
    """

    folder: Path
    cells: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    skipped: pd.DataFrame
    warnings: list[str]
    fitted: int
    reused: int
    spent: dict[str, float]
    failures: list[str]
    refits: pd.DataFrame | None
    seconds: dict[str, float]


RunSource = str | Path | Run
"""A finished run: its folder, or what `run` gave."""


@dataclass(frozen=True)
class RunTables:
    """A run folder, read."""

    folder: Path
    leaderboard: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    clips: pd.DataFrame
    skipped: pd.DataFrame
    refits: pd.DataFrame | None
    references: pd.DataFrame
    resolutions: pd.DataFrame
    learning: pd.DataFrame
    conditions: pd.DataFrame
    metrics: pd.DataFrame
    environment: dict[str, Any]
    configuration: str


class RunFolder(ResultFolder):
    """What a run came to."""

    PAGE, MARK = "report.html", CONFIGURATION

    @classmethod
    def of(cls, run: RunSource) -> RunFolder:
        """The folder of a run, which may be named by its path."""
        return cls(run.folder if isinstance(run, Run) else Path(run))

    @property
    def configuration(self) -> Path:
        """Where it says what was asked for."""
        return self.path / CONFIGURATION

    def write_evaluation(self, prepared: PreparedData, predictions: pd.DataFrame, trials: pd.DataFrame) -> None:
        """Write what evaluating leaves; what the page reads before it is written again is set aside where it is damaged."""
        curves = self.path / LEARNING.name
        if why := damage_of(curves):
            set_aside(curves, why, "it is written again with the learning curves")
        self.write_clips(prepared.eval_set)
        self.write_predictions(predictions)
        self.write_trials(trials)
        self.write_skipped(prepared.skipped)

    def write_clips(self, eval_set: EvaluationSet) -> None:
        """Write the clips and their outer folds, in the order of their names; where they lie is `run.toml`'s to say."""
        clips = eval_set.clips.assign(**{f"fold_{seed}": fold for seed, fold in eval_set.folds.items()}).sort_index()
        write_parquet(clips.drop(columns="path"), self.path / CLIPS.name)

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write the predictions of held-out clips."""
        write_parquet(predictions, self.path / PREDICTIONS.name, index=False)

    def write_trials(self, trials: pd.DataFrame) -> None:
        """Write the trials of every search."""
        write_parquet(trials, self.path / TRIALS.name, index=False)

    def write_refits(self, refits: pd.DataFrame) -> None:
        """Write what folds lose without each other."""
        write_parquet(refits, self.path / REFITS.name, index=False)

    def write_leaderboard(self, board: pd.DataFrame) -> None:
        """Write the leaderboard."""
        write_scores(board, self.path / LEADERBOARD.name)

    def write_scored(self, scored: RunScores) -> None:
        """Write what the predictions are worth: the leaderboard, resolutions, every metric, and what these are to be read against."""
        self.write_leaderboard(scored.leaderboard)
        write_scores(scored.resolutions, self.path / RESOLUTIONS.name)
        write_scores(scored.metrics, self.path / METRICS.name)
        write_csv(scored.references, self.path / REFERENCES.name)

    def write_learning(self, learning: pd.DataFrame) -> None:
        """Write the learning curves."""
        write_scores(learning, self.path / LEARNING.name)

    def write_conditions(self, table: pd.DataFrame, predictions: pd.DataFrame) -> None:
        """Write what rows are worth under test conditions, and what they predict there."""
        write_scores(table, self.path / CONDITIONS.name)
        write_parquet(predictions, self.path / CONDITION_PREDICTIONS.name, index=False)

    def write_markdown(self, text: str) -> None:
        """Write the leaderboard as Markdown."""
        write_text(self.path / "leaderboard.md", text)

    def write_conditions_markdown(self, text: str) -> None:
        """Write what rows are worth under test conditions as Markdown."""
        write_text(self.path / "conditions.md", text)

    def read(self) -> RunTables:
        """Read everything that a page shows."""
        return RunTables(
            self.path,
            self.read_leaderboard(),
            self.read_predictions(),
            self.read_trials(),
            self.read_clips(),
            self.read_skipped(),
            self.read_refits(),
            self.read_references(),
            self.read_resolutions(),
            self.read_learning(),
            self.read_conditions(),
            self.read_metrics(),
            self.read_environment(),
            self.read_configuration(),
        )

    def read_clips(self, columns: list[str] | None = None) -> pd.DataFrame:
        """Read the clips and their outer folds, or some of their columns."""
        return read_parquet(self.path / CLIPS.name, columns)

    def read_predictions(self) -> pd.DataFrame:
        """Read the predictions; where they were written without `voice`, it is that of the clips."""
        predictions = self._read(PREDICTIONS)
        if "voice" in predictions or predictions.empty:
            return predictions
        return predictions.assign(voice=predictions["clip"].map(self.read_clips(["voice"])["voice"]))

    def predictions_as_stored(self) -> bytes:
        """The file of the predictions, for a digest of what is made from it."""
        return (self.path / PREDICTIONS.name).read_bytes()

    def read_trials(self) -> pd.DataFrame:
        """Read the trials of every search."""
        return self._read(TRIALS)

    def read_refits(self) -> pd.DataFrame | None:
        """Read what folds lose without each other; None where nothing was refitted, as of predictions that were made elsewhere."""
        return None if self.lacks(REFITS.name) else self._read(REFITS)

    def read_leaderboard(self) -> pd.DataFrame:
        """Read the leaderboard, of a run or merged."""
        return with_reasons(self._read(LEADERBOARD))

    def read_resolutions(self) -> pd.DataFrame:
        """Read what differences each block could have shown."""
        return self._read(RESOLUTIONS)

    def read_references(self) -> pd.DataFrame:
        """Read what scores are to be read against."""
        lines = self._read(REFERENCES)
        return lines if "kind" in lines else leaderboard.with_kinds(lines)

    def read_metrics(self) -> pd.DataFrame:
        """Read every metric of every row; where genders had no columns, they are told by the names of metrics."""
        table = self._read(METRICS)
        return table if "gender" in table else metrics.with_genders(table)

    def read_learning(self) -> pd.DataFrame:
        """Read the learning curves; empty where there are none, as of predictions that were made elsewhere."""
        return self._read_or_none(LEARNING)

    def read_conditions(self) -> pd.DataFrame:
        """Read what rows are worth under test conditions; empty where there are none."""
        return self._read_or_none(CONDITIONS)

    def read_configuration(self) -> str:
        """Read `run.toml`."""
        return self.configuration.read_text(encoding="utf-8")
