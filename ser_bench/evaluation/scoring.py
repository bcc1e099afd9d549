"""What a run's predictions are worth, computed once: rows scored and ranked, what they could have shown, every metric, reference levels.

In:   a run's cells, its predictions and refits, the clips evaluated, and what scores are to be read against.
Out:  `RunScores`, which `RunFolder.write_scored` writes and reports show.
Rule: whatever is shown of a run's scores is from here: reports score nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_bench.evaluation.leaderboard import evidence_of, rank, resolutions
from ser_bench.evaluation.metrics import metric_table
from ser_bench.scores import ROPE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunScores:
    """What a run's predictions are worth.

    Parameters
    ----------
    leaderboard : DataFrame
        As `rank` gives it.
    resolutions : DataFrame
        As `leaderboard.resolutions` gives them.
    metrics : DataFrame
        As `metric_table` gives them.
    references : DataFrame
        As `leaderboard.references` gives them.
    """

    leaderboard: pd.DataFrame
    resolutions: pd.DataFrame
    metrics: pd.DataFrame
    references: pd.DataFrame


def score_run(
    cells: pd.DataFrame,
    predictions: pd.DataFrame,
    refits: pd.DataFrame | None,
    clips: pd.DataFrame,
    references: pd.DataFrame,
    *,
    rope: float = ROPE,
) -> RunScores:
    """Score and rank a run's rows.

    Parameters
    ----------
    cells, predictions, refits : DataFrame
        As `evidence_of` takes them.
    clips : DataFrame
        As `metric_table` takes them.
    references : DataFrame
        As `leaderboard.references` gives them.
    rope : float
        As `rank` takes it.

    Raises
    ------
    WorkFailed
        As `rank` and `evidence_of`.
    """
    found = evidence_of(predictions, cells, refits)
    board = rank(found, cells, rope=rope)
    return RunScores(board, resolutions(board, found, rope=rope), metric_table(found, clips, board), references)
