"""What a run came to: tables in memory, and the run folder that holds them.

In:   a run's tables, what was asked for, what it was done with.
Out:  a `Run`, and `<out>/<corpus>-<8 hex>/` with its tables; the reports are made from those.
Rule: this module alone knows the names, columns and types of a run folder's files. Nothing but times may differ between two runs
      of one configuration on the same clips. A table of an earlier version is read as the present one would have it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig, labels_copy, to_toml
from ser_bench.evaluation import leaderboard, metrics, recipes
from ser_bench.evaluation.cautions import Outlying
from ser_bench.evaluation.environment import environment
from ser_bench.evaluation.evidence import CELL
from ser_bench.evaluation.leaderboard import LIKE, SCORES, UAR, WHOLE, WORTH
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.score_tables import typed, with_reasons, write_scores
from ser_bench.utils.atomic import clear_abandoned, damage_of, read_csv, read_parquet, set_aside, write_csv, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.scoring import RunScores
    from ser_bench.evaluation.units import EvaluationSet


KEYS = ["corpus", "features", "model", "track", "seed", "fold"]
"""What names a unit in predictions and trials."""


UNCHANGED = "unchanged"
"""The test condition in which clips are as they are."""


@dataclass(frozen=True)
class TableFile:
    """A table of a run folder.

    Parameters
    ----------
    name : str
        Of its file.
    columns : tuple of str
        All of a CSV file, in this order; of a Parquet file, which knows their types, those that it always has.
    reading : mapping of str to object
        Of a CSV file, its types and what a blank is, as options of pandas.
    added : mapping of str to scalar
        Columns that earlier versions did not write, and what their rows have there.
    """

    name: str
    columns: tuple[str, ...]
    reading: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)


CLIPS = TableFile("clips.parquet", ("emotion", "speaker", "key", "voice"))
"""Indexed by `clip`; with what else is known of clips, and the outer fold of each seed (`fold_<seed>`)."""
PREDICTIONS = TableFile("predictions.parquet", (*KEYS, "clip", "speaker", "voice", "emotion", "predicted"))
"""Then ``p.<emotion>`` and `inner`, the chosen trial's score."""
TRIALS = TableFile("trials.parquet", (*KEYS, "trial", "state", "score", "params", "seconds", "chosen"))
"""Of predictions made elsewhere empty, and with the keys alone."""
REFITS = TableFile("refits.parquet", (*KEYS, "without", "loss"))
SKIPPED = TableFile("skipped.csv", ("clip", "reason"), {"dtype": str})
LEADERBOARD = TableFile(
    "leaderboard.csv",
    leaderboard.COLUMNS,
    typed(("rank", *SCORES), **dict.fromkeys(WHOLE, "Int64")),
    dict.fromkeys((*LIKE, *Outlying._fields), np.nan),
)
RESOLUTIONS = TableFile("resolution.csv", leaderboard.SHOWN, typed(WORTH), {"rope": scores.ROPE})
REFERENCES = TableFile("references.csv", leaderboard.LINES, typed(("uar", "war"), kind=str), {"track": ""})
METRICS = TableFile("metrics.csv", metrics.COLUMNS, typed(metrics.NUMBERS, metric=str, gender=str, minus=str))
LEARNING = TableFile("learning.csv", (*CELL, "speakers", "draws", "sd_draws", *UAR), typed(("sd_draws",)), {"draws": 1})
CONDITIONS = TableFile("conditions.csv", (*CELL, "condition", *UAR, "diff", "diff_low", "diff_high", "p"), typed(("p",), condition=str))
"""Rows evaluated on changed held-out clips, after a row each on `UNCHANGED` ones."""
CONDITION_PREDICTIONS = TableFile(
    "condition_predictions.parquet", (*CELL, "condition", "seed", "fold", "clip", "speaker", "voice", "emotion", "predicted")
)
FINDINGS = TableFile("findings.csv", ("kind", "check", "what"), {"keep_default_na": False})
REPRODUCTION = TableFile("recipe.csv", recipes.COLUMNS, typed(recipes.COLUMNS[5:8], **dict.fromkeys(recipes.COLUMNS[:5], str), status=str))
"""Of a recipe's folder: what was claimed, and every score measured."""
TABLES = (
    *(CLIPS, PREDICTIONS, TRIALS, REFITS, SKIPPED),
    *(LEADERBOARD, RESOLUTIONS, REFERENCES, METRICS, LEARNING, CONDITIONS, CONDITION_PREDICTIONS, FINDINGS),
)

CONFIGURATION, ENVIRONMENT, MARKDOWN, RUN_PAGE = "run.toml", "environment.json", "leaderboard.md", "report.html"
CONDITIONS_MARKDOWN, PLANNING, MADE = "conditions.md", "planning.csv", "made.json"
AUDIT_PAGE, GAP = "audit.html", "gap.csv"
ABLATION_PAGE, ABLATION, IMPORTANCE, ABLATION_MARKDOWN = "ablation.html", "ablation.csv", "importance.csv", "ablation.md"
RECIPE_PAGE, RECIPE, RECIPE_MARKDOWN = "recipe.html", "recipe.toml", "recipe.md"
"""What folders of audits, ablations and recipes hold that a run's page shows."""
CROSS_PAGE, CROSS, CROSS_MARKDOWN = "cross.html", "cross.csv", "cross.md"
MERGED_PAGE, MERGED_MARKDOWN = "leaderboard.html", "LEADERBOARD.md"
PREDICTED_PAGE, PREDICTED = "predictions.html", "predictions.csv"
"""What a fitted system predicted of recordings."""


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


@dataclass(frozen=True, order=True)
class RunFolder:
    """A run folder: the one way to its files. Folders of audits, ablations and crossings hold some of the same.

    Every file is written whole or not at all. What cannot be read raises OSError where it is not there, `Damaged` where it is not as it
    was written.
    """

    path: Path

    @classmethod
    def named(cls, name: str, config: RunConfig, covered: list[str]) -> RunFolder:
        """Where tables lie: a name, such as the corpus's, and a hash of the configuration and of what else their rows depend on."""
        name = re.sub(r"[^\w-]+", "_", name).strip("_")
        digest = hashlib.blake2b(json.dumps([config.result_keys(), covered]).encode(), digest_size=4).hexdigest()
        return cls(Path(config.out) / f"{name}-{digest}")

    @classmethod
    def of(cls, run: RunSource) -> RunFolder:
        """The folder of a run, which may be named by its path."""
        return cls(run.folder if isinstance(run, Run) else Path(run))

    @property
    def page(self) -> Path:
        """Where its page lies."""
        return self.path / RUN_PAGE

    @property
    def figures(self) -> Path:
        """Where its figures lie."""
        return self.path / "figures"

    def lacks(self, *names: str) -> str:
        """The first of some files that is not there; empty where all are."""
        return next((name for name in names if not (self.path / name).is_file()), "")

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

    def write_skipped(self, skipped: pd.DataFrame) -> None:
        """Write which clips were left out, and why."""
        write_csv(skipped, self.path / SKIPPED.name)

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

    def write_findings(self, findings: pd.DataFrame) -> None:
        """Write what was found out about the corpus."""
        write_scores(findings, self.path / FINDINGS.name)

    def write_reproduction(self, table: pd.DataFrame, recipe: str, markdown: str) -> None:
        """Write what a recipe claimed and came to: the scores, the recipe itself, and the scores as Markdown."""
        write_scores(table, self.path / REPRODUCTION.name)
        write_text(self.path / RECIPE, recipe)
        write_text(self.path / RECIPE_MARKDOWN, markdown)

    def write_markdown(self, text: str) -> None:
        """Write the leaderboard as Markdown."""
        write_text(self.path / MARKDOWN, text)

    def write_conditions_markdown(self, text: str) -> None:
        """Write what rows are worth under test conditions as Markdown."""
        write_text(self.path / CONDITIONS_MARKDOWN, text)

    def write_planning(self, table: pd.DataFrame) -> None:
        """Write what a study like this run would need."""
        write_csv(table, self.path / PLANNING, float_format="%.6g")

    def write_page(self, text: str) -> None:
        """Write the page."""
        write_text(self.page, text)

    def write_made(self, record: dict[str, Any]) -> None:
        """Write what its reports were made from."""
        write_text(self.path / MADE, json.dumps(record, indent=2, sort_keys=True) + "\n")

    def write_terms(self, prepared: PreparedData, config: RunConfig, run: Run | None = None, **said: str) -> dict[str, Any]:
        """Write what was asked for and what it was done with, which is returned, with what is `said` besides.

        Of a `run`, its seconds and warnings are written, which are more than those of the data. One for which nothing was fitted now keeps
        the date and commit that it was computed at.
        """
        before = self.read_about()
        write_text(self.path / CONFIGURATION, to_toml(config))
        if prepared.scheme.own:
            write_text(self.path / labels_copy(config.labels), prepared.scheme.to_toml())
        known = prepared if run is None else run
        metadata = environment(prepared, seconds=known.seconds, warnings=known.warnings) | said
        if run is not None and not run.fitted and before:
            metadata.pop("computed")
            metadata |= {key: value for key, value in before.items() if key == "computed"}  # earlier versions did not write it
        self.write_environment(metadata)
        return metadata

    def write_environment(self, metadata: dict[str, Any]) -> None:
        """Write `environment.json`; what killed processes left in the folder goes."""
        for place in (self.path, self.figures, *self.figures.glob("*/")):
            clear_abandoned(place)
        write_text(self.path / ENVIRONMENT, json.dumps(metadata, indent=2, ensure_ascii=False) + "\n")

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
        predictions = read_parquet(self.path / PREDICTIONS.name)
        if "voice" in predictions or predictions.empty:
            return predictions
        return predictions.assign(voice=predictions["clip"].map(self.read_clips(["voice"])["voice"]))

    def predictions_as_stored(self) -> bytes:
        """The file of the predictions, for a digest of what is made from it."""
        return (self.path / PREDICTIONS.name).read_bytes()

    def read_trials(self) -> pd.DataFrame:
        """Read the trials of every search."""
        return read_parquet(self.path / TRIALS.name)

    def read_refits(self) -> pd.DataFrame | None:
        """Read what folds lose without each other; None where nothing was refitted, as of predictions that were made elsewhere."""
        return None if self.lacks(REFITS.name) else read_parquet(self.path / REFITS.name)

    def read_skipped(self) -> pd.DataFrame:
        """Read which clips were left out, and why."""
        return self._read_csv(SKIPPED)

    def read_leaderboard(self) -> pd.DataFrame:
        """Read the leaderboard, of a run or merged."""
        table = self._read_csv(LEADERBOARD)
        return table if "reason" in table else with_reasons(table)

    def read_resolutions(self) -> pd.DataFrame:
        """Read what differences each block could have shown."""
        return self._read_csv(RESOLUTIONS)

    def read_references(self) -> pd.DataFrame:
        """Read what scores are to be read against."""
        lines = self._read_csv(REFERENCES)
        return lines if "kind" in lines else leaderboard.with_kinds(lines)

    def read_metrics(self) -> pd.DataFrame:
        """Read every metric of every row; where genders had no columns, they are told by the names of metrics."""
        table = self._read_csv(METRICS)
        return table if "gender" in table else metrics.with_genders(table)

    def read_learning(self) -> pd.DataFrame:
        """Read the learning curves; empty where there are none, as of predictions that were made elsewhere."""
        return self._read_csv_or_none(LEARNING)

    def read_conditions(self) -> pd.DataFrame:
        """Read what rows are worth under test conditions; empty where there are none."""
        return self._read_csv_or_none(CONDITIONS)

    def read_findings(self) -> pd.DataFrame:
        """Read what was found out about the corpus; empty where nobody looked."""
        return self._read_csv_or_none(FINDINGS)

    def read_reproduction(self) -> pd.DataFrame:
        """Read what a recipe claimed and came to; that a claim is `over` its value once was its note."""
        table = self._read_csv(REPRODUCTION)
        if "over" in table:
            return table
        over = [notes == ["over"] for notes in table["notes"]]
        rest = [[] if its_note else notes for its_note, notes in zip(over, table["notes"], strict=True)]
        return table.assign(over=over, notes=rest)[list(recipes.COLUMNS)]

    def read_configuration(self) -> str:
        """Read `run.toml`."""
        return (self.path / CONFIGURATION).read_text(encoding="utf-8")

    def read_environment(self) -> dict[str, Any]:
        """Read `environment.json`."""
        return dict(json.loads((self.path / ENVIRONMENT).read_text(encoding="utf-8")))

    def read_about(self) -> dict[str, Any]:
        """What the folder says of itself; nothing where that cannot be read."""
        try:
            return self.read_environment()
        except (OSError, ValueError, TypeError):
            return {}

    def read_made(self) -> dict[str, Any]:
        """Read what its reports were made from; nothing where that cannot be read."""
        try:
            return dict(json.loads((self.path / MADE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def _read_csv(self, file: TableFile) -> pd.DataFrame:
        table = read_csv(self.path / file.name, **file.reading)
        return table.assign(**{name: value for name, value in file.added.items() if name not in table})

    def _read_csv_or_none(self, file: TableFile) -> pd.DataFrame:
        """The table; without rows where it is not there."""
        import pandas as pd

        return pd.DataFrame(columns=list(file.columns)) if self.lacks(file.name) else self._read_csv(file)
