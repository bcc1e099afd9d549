"""Where the difference between claimed and honest comes from, in one line, from what was measured.

In:   the scores of one experiment (`reproduction.score_table`).
Out:  a sentence or two: whether the claim was reached, what each shortcut adds, what `svm` does on the same input.
Rule: nothing is asserted that the table does not hold; a difference is a difference of two of its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ser_bench.evaluation.published import TEST, VALIDATION
from ser_bench.evaluation.recipes import metric_words
from ser_bench.evaluation.reproduction import ABOVE, CLAIMED, COMPARED, HONEST, INSIDE, REPRODUCED
from ser_bench.utils.formatting import format_score, interval, records, signed

if TYPE_CHECKING:
    import pandas as pd

SMALL = 0.005
"""A difference that a table of two digits would not show."""


class ExperimentScores:
    """The values of one experiment by system, run and part, in one metric."""

    def __init__(self, table: pd.DataFrame, metric: str) -> None:
        mine = table[table["metric"] == metric]
        self.metric = metric
        self.rows: dict[tuple[str, str, str], tuple[float, ...]] = {
            (row["system"], row["run"], row["part"]): tuple(row[key] for key in ("value", "low", "high")) for row in records(mine)
        }

    def of(self, system: str, run: str, part: str = TEST) -> float | None:
        """A value, or None where it was not measured."""
        found = self.rows.get((system, run, part))
        return None if found is None else found[0]


def explain(table: pd.DataFrame, *, cut: str, shared: bool) -> str:
    """The line of one experiment.

    Parameters
    ----------
    table : DataFrame
        The rows of one experiment, as `score_table` gives them.
    cut : str
        How far epochs were cut, in words; empty where they were not.
    shared : bool
        Whether speakers of the published test clips are trained on as well.
    """
    claims = table[table["run"] == CLAIMED]
    system = str(table["system"].iloc[0])
    measured = set(table.loc[table["run"] == REPRODUCED, ["metric", "part"]].itertuples(index=False, name=None))
    claims = claims[[pair in measured for pair in claims[["metric", "part"]].itertuples(index=False, name=None)]]
    metric, part = (str(claims["metric"].iloc[0]), str(claims["part"].iloc[0])) if len(claims) else ("accuracy", TEST)
    found = ExperimentScores(table, metric)
    lines = [*_met(claims, found, system, cut), *_steps(found, system, part, shared=shared), *_compared(table, found, system, part)]
    return "; ".join(lines)


def _met(claims: pd.DataFrame, found: ExperimentScores, system: str, cut: str) -> Iterator[str]:
    """Whether the first claim was reached as published, or with epochs `cut`; an interval that holds it neither reaches nor misses it."""
    if claims.empty:
        return
    claim = records(claims)[0]
    measured = found.rows.get((system, REPRODUCED, claim["part"]))
    if measured is None:
        return
    value, low, high = measured
    amount = f"{'over ' if claim['over'] else ''}{format_score(claim['value'], 2)}"
    verdict = "not reached" if high < claim["value"] else "exceeded" if low > claim["value"] else "within the interval"
    how = f"with its own split, {cut}" if cut else "as published"
    metric = metric_words(claim["metric"], claim["part"])
    yield f"{metric} {amount} claimed, {verdict} {how} ({format_score(value, 2)} {interval(low, high)})"


def _steps(found: ExperimentScores, system: str, part: str, *, shared: bool) -> Iterator[str]:
    """What each step from the published to the honest evaluation takes away."""
    honest, tested = found.of(system, HONEST), found.of(system, REPRODUCED)
    inside, first = found.of(system, INSIDE), found.of(system, REPRODUCED, part)
    if honest is None or tested is None or first is None:
        return
    steps = [("validation clips instead of the test clips", first - tested)] if part == VALIDATION else []
    steps += [("selecting the epoch on the test clips", tested - inside)] if inside is not None else []
    last = "testing on speakers of the training clips" if shared else "testing on these few speakers instead of all"
    steps.append((last, (tested if inside is None else inside) - honest))
    total = first - honest
    told = ", ".join(f"{signed(amount, 2)} by {what}" for what, amount in steps)
    side = "below" if total > 0 else "above"
    than = f" the {metric_words(found.metric, part)} as published" if part == VALIDATION else ""
    apart = f"{format_score(abs(total), 2)} {side}{than} ({told})" if abs(total) >= SMALL else "the same"
    yield f"the honest {metric_words(found.metric, TEST)} is {format_score(honest, 2)}, {apart}"


def _compared(table: pd.DataFrame, found: ExperimentScores, system: str, part: str) -> Iterator[str]:
    """What `COMPARED` does on the same input."""
    if system == COMPARED:
        return
    first, honest = found.of(COMPARED, REPRODUCED, part), found.of(COMPARED, HONEST)
    if first is not None and honest is not None:
        yield f"{COMPARED} on the same input has {format_score(first, 2)} as published and {format_score(honest, 2)} honestly"
    above = table[table["metric"] == ABOVE]
    for row in records(above):
        value, low, high = (row[key] for key in ("value", "low", "high"))
        side = "above" if value >= 0 else "below"
        yield f"for unseen speakers its UAR is {format_score(abs(value), 2)} {side} {COMPARED}'s ({signed(value, 2)} {interval(low, high)})"
