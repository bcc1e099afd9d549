"""How much the speakers of a corpus can show: their effective number.

In:   the clips that a run would evaluate.
Out:  a finding, a warning where intervals would be wide and unsure.
Rule: a speaker weighs as in the UAR, by the mean share of each emotion's clips.
"""

from __future__ import annotations

from collections.abc import Iterator

from ser_bench import scores
from ser_bench.analyses.audits.finding import Finding
from ser_bench.config import RunConfig
from ser_bench.corpora import clips_each, clips_of_each, uneven_speakers
from ser_bench.evaluation.plan import PreparedData

CHECK = "effective number of speakers"


def effective_speakers(prepared: PreparedData, config: RunConfig) -> Iterator[Finding]:
    """The effective number of speakers beside their number."""
    tested = prepared.eval_set.clips[prepared.eval_set.evaluated]
    clips = clips_of_each(tested)
    per = clips.sum(axis=1)
    effective = scores.effective_voices(clips)
    if uneven := uneven_speakers(clips.to_numpy()):
        yield Finding("warning", CHECK, uneven)
    else:
        yield Finding("note", CHECK, f"{effective:.1f} for {len(per)} speakers with {clips_each(per)}")
