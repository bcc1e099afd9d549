"""Whether names are names: speakers and emotions that may be one, and what was joined, left out or read as something else.

In:   the clips that are evaluated.
Out:  findings on names, labels and columns.
Rule: what a run would stop for is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ser_bench.analyses.audits.finding import Finding
from ser_bench.config import EMOTION, RunConfig
from ser_bench.evaluation.plan import PreparedData


def names(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """Names that may be one, or none, and contradictions between rows of one speaker."""
    from ser_bench.corpora import ASKED, questions

    for column, what in questions(prepared.corpus.clips, ASKED).items():
        called = prepared.eval_set.target if column == EMOTION else column
        yield Finding("warning" if config.allow_similar_names else "error", "names", f"{called}: {what}")
    for line in prepared.warnings:
        yield Finding("warning", "names and labels", line)
