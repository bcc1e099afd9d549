"""The same audio more than once.

In:   the clips that are evaluated, and those that were left out.
Out:  findings on copies of a clip, and on equal samples under two names.
Rule: what a run would stop for is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ser_bench.analyses.audits.finding import Finding
from ser_bench.config import RunConfig
from ser_bench.evaluation.plan import PreparedData

if TYPE_CHECKING:
    import pandas as pd

COPIED_SHARE = 0.4


def duplicated_clips(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """The same audio more than once."""
    copies = prepared.skipped[is_copy(prepared)]
    if len(copies):
        share = len(copies) / (len(copies) + len(prepared.eval_set.clips))
        whole = "the corpus seems to be copied into itself" if share > COPIED_SHARE else "copies of other clips, which are not used"
        yield Finding(
            "warning",
            "copies",
            f"{len(copies)} clips ({share:.0%}): {whole}; the first: {copies.iloc[0]['clip']}: {copies.iloc[0]['reason']}",
        )
    for occurrence in prepared.duplicates.occurrences:
        yield Finding("error" if occurrence.conflict and not config.allow_conflicts else "warning", "identical audio", occurrence.line)


def is_copy(prepared: PreparedData) -> pd.Series:
    """Which of the clips that are left out are copies of others."""
    return prepared.skipped["clip"].isin(prepared.duplicates.skipped["clip"])
