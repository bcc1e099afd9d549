"""The line of a recipe says what was claimed of which clips, in the field's names, and claims no more than its interval holds."""

from __future__ import annotations

import pandas as pd
import pytest

from ser_bench.evaluation.explanation import explain
from ser_bench.evaluation.recipes import COLUMNS


def line(claimed: float, low: float, high: float, metric: str = "micro_f1", part: str = "test") -> str:
    rows = [
        ("", "net", "claimed", part, metric, claimed),
        ("", "net", "reproduced", part, metric, 0.62, low, high),
        ("", "net", "reproduced", "test", metric, 0.6, 0.1, 0.9),
        ("", "net", "honest", "test", metric, 0.49, 0.2, 0.7),
    ]
    whole = [(*row, *[""] * (len(COLUMNS) - len(row))) for row in dict.fromkeys(rows)]
    return explain(pd.DataFrame(whole, columns=list(COLUMNS)), cut="", shared=True)


@pytest.mark.parametrize(
    ("interval", "verdict"), [((0.5, 0.7), "not reached"), ((0.5, 0.9), "within the interval"), ((0.8, 0.9), "exceeded")]
)
def test_a_claim_is_met_only_as_far_as_the_interval_says(interval, verdict):
    assert line(0.75, *interval, part="validation").startswith(f"validation micro F1 .75 claimed, {verdict} as published (.62 ")


def test_metrics_have_the_names_of_the_tables():
    told = line(0.75, 0.5, 0.7, part="validation")
    assert "the honest micro F1 is .49, .13 below the validation micro F1 as published (+.02 by validation clips" in told
    assert "_" not in told
