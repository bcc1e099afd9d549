"""Whether emotions can be told from the recording instead of the voice.

In:   properties of each clip's recording.
Out:  findings on how well unseen speakers' emotions are told from them.
Rule: the judging is that of a run: no voice is on both sides of a split, and a score comes with its interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ser_bench import scores
from ser_bench.audits.finding import Finding
from ser_bench.config import RunConfig
from ser_bench.plan import Ground, heard_as
from ser_bench.protocol import derive_seed

if TYPE_CHECKING:
    from ser_bench.features import Features
    from ser_bench.units import Judged


def recordings(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Whether emotions can be told from the recording alone, or from how a clip is cut and how loud it is."""
    features = ground.features[heard_as("recording", config)]
    no_voice = "rate, depth, channels, format, constant offset, level and bandwidth of the quietest frames"
    looked_at = {
        "recording": ("warning", f"what hardly a voice causes ({no_voice}; without a pause these hold some voice)"),
        "delivery": ("note", "loudness, length and silence at the ends, which emotions cause too"),
    }
    chance = 1 / len(ground.judged.emotions)
    for group, (kind, what) in looked_at.items():
        found = recognised_from(ground.judged, features, group, config.seed)
        told = f"UAR {found.score:.2f} [{found.low:.2f}, {found.high:.2f}] on unseen speakers, {chance:.2f} by chance"
        can = found.low > chance
        yield Finding(kind if can else "note", group, f"emotions {'can' if can else 'cannot'} be told from {what}: {told}")


def recognised_from(judged: Judged, features: Features, group: str, seed: int) -> scores.Interval:
    """UAR, with its interval over speakers, of a random forest with its defaults on one group of columns, and the file's format."""
    from ser_bench.models import known_models, plan_split
    from ser_bench.tuning import UnitData, scaled_split

    model = known_models()["rf"]()
    x = features.values[:, [mine == group for mine in features.groups]]
    if group == "recording":
        suffixes = judged.clips["path"].str.lower().str.rpartition(".")[2].to_numpy(str)
        x = np.column_stack([x, suffixes[:, None] == np.unique(suffixes)]).astype(np.float32)
    voices, folds = judged.clips["voice"].to_numpy(str), judged.folds[seed]
    predicted = np.empty_like(judged.codes)
    for fold in range(folds.max() + 1):
        train, held = judged.training(seed, fold), folds == fold
        data = UnitData(x, judged.codes, voices, train, tuple(judged.emotions))
        split = scaled_split(data, x, train, held, held_out=True)
        predicted[held] = plan_split(model, split).run(dict(model.defaults), derive_seed(seed, "audit", fold)).predicted
    return scores.jackknife_interval(judged.codes, predicted, voices)
