"""What predictions are worth: pure functions on plain arrays, with nothing of the benchmark behind them.

`metrics` scores, `intervals` says how far a score would move with other speakers, `comparisons` says which
systems cannot be told apart from the best.
"""

from ser_bench.scores.comparisons import contributions, contributions_of, p_vs_best, smallest_p
from ser_bench.scores.intervals import Interval, difference_interval, difference_of, jackknife_interval, jackknife_of
from ser_bench.scores.metrics import (
    auc,
    aucs,
    calibration_error,
    confusion_counts,
    f1s,
    f1s_of,
    log_loss,
    macro_f1,
    macro_f1_of,
    micro_auc,
    precisions,
    precisions_of,
    recalls,
    recalls_of,
    speaker_counts,
    uar,
    uar_by,
    uar_of,
    war,
    war_of,
)

__all__ = [
    "Interval",
    "auc",
    "aucs",
    "calibration_error",
    "confusion_counts",
    "contributions",
    "contributions_of",
    "difference_interval",
    "difference_of",
    "f1s",
    "f1s_of",
    "jackknife_interval",
    "jackknife_of",
    "log_loss",
    "macro_f1",
    "macro_f1_of",
    "micro_auc",
    "p_vs_best",
    "precisions",
    "precisions_of",
    "recalls",
    "recalls_of",
    "smallest_p",
    "speaker_counts",
    "uar",
    "uar_by",
    "uar_of",
    "war",
    "war_of",
]
