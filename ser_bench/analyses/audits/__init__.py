"""What a reviewer would ask of a corpus, asked first.

In:   a corpus, read and decoded.
Out:  findings: errors, which a run would stop for; warnings, which a paper should answer; notes.
Rule: a finding names clips or numbers. None is passed by not looking: what could not be checked is a note.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.analyses.audits.clips import audible_levels, official_facts, sentences, skipped_clips, uniform_lengths
from ser_bench.analyses.audits.columns import columns
from ser_bench.analyses.audits.confounding import confounds, cramers_v
from ser_bench.analyses.audits.duplicates import duplicated_clips
from ser_bench.analyses.audits.finding import KINDS, Finding
from ser_bench.analyses.audits.known_scores import best_of_runs
from ser_bench.analyses.audits.naming import names
from ser_bench.analyses.audits.near_duplicates import near_duplicates
from ser_bench.analyses.audits.recording import recordings
from ser_bench.analyses.audits.shuffled import best_row, shuffled_by_ear, shuffled_by_row
from ser_bench.analyses.audits.speakers import effective_speakers
from ser_bench.config import NO_CHANGES, RunConfig, table_of
from ser_bench.corpora import clips_each
from ser_bench.evaluation.environment import evaluated
from ser_bench.evaluation.plan import PreparedData, prepare_data
from ser_bench.evaluation.run_folder import Run
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audit", "Finding", "audit", "cramers_v", "quick_audit"]

FEATURES = ("recording", "outline")
SAME = ("table", "target", "labels", "where", "cv", "seed", "offset", "duration", "trim", "variant", "out", "cache")
"""What an audit is to have in common with a run whose clips it looks at."""
QUICK_CHECKS = (skipped_clips, duplicated_clips, official_facts, effective_speakers, uniform_lengths, confounds, sentences)
"""The checks that need no features."""


@dataclass(frozen=True)
class Audit:
    """What is in a corpus, and what was found.

    Parameters
    ----------
    prepared : PreparedData
        The corpus, and the clips that a run would evaluate.
    summary : dict of str to str
        Clips, speakers, emotions, hours, durations, rates, in words.
    findings : DataFrame
        ``kind, check, what``: errors first, then warnings, then notes.
    """

    prepared: PreparedData
    summary: dict[str, str]
    findings: pd.DataFrame


def audit(config: RunConfig, progress: Progress) -> Audit:
    """Look at a corpus from all sides.

    Parameters
    ----------
    config : RunConfig
        For one corpus; its labels, `where` and protocol count, and the best UAR of runs in `out` on the same clips and folds.
    """
    # Nothing is to stop an audit that it is there to report, and it looks at clips as they are.
    everything = dataclasses.replace(config, allow_conflicts=True, allow_similar_names=True, max_skipped=1.0)
    prepared = prepare_data(dataclasses.replace(everything, **NO_CHANGES), FEATURES, progress)
    known = best_of_runs(Path(config.out), evaluated(prepared))
    asked, heard = partial(columns, best=known), partial(recordings, best=known)
    # What the ground warns of goes last: other checks say some of it under a name of their own.
    checks = (*QUICK_CHECKS, audible_levels, asked, partial(near_duplicates, progress=progress), shuffled_by_ear, heard, names)
    return Audit(prepared, summary(prepared), _ranked([finding for check in checks for finding in check(prepared, config)]))


def quick_audit(prepared: PreparedData, config: RunConfig, run: Run) -> pd.DataFrame:
    """What an audit finds without listening, as a run can afford it: `findings` as in `Audit`, with a note that says so."""
    usual = RunConfig()
    named = [part for key in SAME if (value := getattr(config, key)) != getattr(usual, key) for part in (f"--{key}", str(value))]
    named += ["--columns", ",".join(f"{ours}={theirs}" for ours, theirs in config.columns.items())] if config.columns else []
    corpus = config.corpus[0]
    command = f"ser_bench.audit of {corpus}" if table_of(corpus) else shlex.join(["ser-bench", "audit", str(corpus), *named])
    best = best_row(run)
    checks = (*QUICK_CHECKS, partial(columns, best=best.uar if best else None))
    found = [finding for check in checks for finding in check(prepared, config)]
    found += list(shuffled_by_row(best)) if best else []
    unheard = f"recordings were not compared, nor was it asked whether they predict {prepared.eval_set.targets}: {command}"
    return _ranked([*found, Finding("note", "listening", unheard)])


def _ranked(found: list[Finding]) -> pd.DataFrame:
    """Errors first, then warnings, then notes; what several checks say, once."""
    import pandas as pd

    told = {finding.what: finding for finding in reversed(found)}
    return pd.DataFrame(
        [finding for kind in KINDS for finding in found if finding.kind == kind and told[finding.what] is finding],
        columns=list(Finding._fields),
    )


def summary(prepared: PreparedData) -> dict[str, str]:
    """What is evaluated, in words."""
    clips = prepared.eval_set.clips
    seconds = clips["seconds"]
    emotions = ", ".join(f"{emotion} {n}" for emotion, n in clips["emotion"].value_counts().sort_index().items())
    spread = f"{seconds.min():.2f} to {seconds.max():.2f} s, median {seconds.median():.2f} s"
    rates = ", ".join(f"{rate:,} Hz {n}" for rate, n in clips["rate"].value_counts().sort_index().items())
    per = clips["voice"].value_counts()
    return {
        "clips": f"{len(clips):,} used, {len(prepared.skipped):,} skipped",
        "speakers": "; ".join([f"{len(per)}, with {clips_each(per)}", *prepared.eval_set.voice_notes]),
        prepared.eval_set.targets: emotions,
        "hours": f"{seconds.sum() / 3600:.2f}; a clip lasts {spread}",
        "rates": rates,
        "protocol": str(prepared.eval_set.protocol),
    }
