"""What a run came to, published: its leaderboard, findings and report.

In:   a `Run`, the data that it evaluated, its configuration.
Out:  `Results`, and in the run's folder all that is shown.
Rule: our own systems, published ones and those trained elsewhere are scored and shown by this one way.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import RunConfig
from ser_bench.evaluation.run_folder import Run, RunFolder
from ser_bench.results import Results

if TYPE_CHECKING:
    from ser_bench.evaluation.plan import PreparedData


def published(run: Run, prepared: PreparedData, config: RunConfig, *, page: bool = True) -> Results:
    """A run with its leaderboard and report, which are written to its folder; the report where `page` says so."""
    from ser_bench import reports
    from ser_bench.analyses import audits
    from ser_bench.evaluation.leaderboard import references
    from ser_bench.evaluation.scoring import score_run
    from ser_bench.reports.index_page import indexed

    folder, findings = RunFolder(run.folder), audits.quick_audit(prepared, config, run)
    folder.write_terms(prepared, config, run)
    folder.write_findings(findings)
    eval_set, modified = prepared.eval_set, bool(prepared.eval_set.copy)
    tested = eval_set.clips[eval_set.evaluated]
    baselines = references(prepared.corpus, eval_set.labels, tested, eval_set.target, modified=modified)
    scored = score_run(run.cells, run.predictions, run.refits, folder.read_clips(), baselines, rope=config.rope)
    folder.write_scored(scored)
    with indexed(Path(config.out)) if page else contextlib.nullcontext():
        reports.publish(folder, scored, run.predictions, style=config.figure_style, page=page)
    return Results(**vars(run), leaderboard=scored.leaderboard, resolutions=scored.resolutions, findings=findings)
