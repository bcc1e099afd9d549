"""Whether emotions can be told from the recording instead of the voice.

In:   properties of each clip's recording, and of its file's header.
Out:  findings on how well unseen speakers' emotions are told from them.
Rule: the judging is that of a run: no voice is on both sides of a split, and a score comes with its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
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

LOSSY = ("MPEG", "VORBIS", "OPUS")
GAP = 0.15
"""Share of bits a second by which neighbouring levels differ."""


def recordings(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Whether emotions can be told from the recording alone, or from how a clip is cut and how loud it is."""
    features = ground.features[heard_as("recording", config)]
    header = "rate, channels, format and encoding with its nominal bits, bits a second where encoding loses some"
    no_voice = f"{header}, bits in use, constant offset, level and bandwidth of the quietest frames"
    looked_at = {
        "recording": ("warning", f"what hardly a voice causes ({no_voice}; without a pause these hold some voice)"),
        "delivery": ("note", "loudness, length and silence at the ends, which emotions cause too"),
    }
    chance = 1 / len(ground.judged.emotions)
    whose = "speakers heard before: LEAKY" if ground.judged.protocol.leaky else "unseen speakers"
    for group, (kind, what) in looked_at.items():
        found = recognised_from(ground.judged, features, group, config.seed)
        told = f"UAR {found.score:.2f} [{found.low:.2f}, {found.high:.2f}] on {whose}, {chance:.2f} by chance"
        can = found.low > chance
        yield Finding(kind if can else "note", group, f"emotions {'can' if can else 'cannot'} be told from {what}: {told}")


def recognised_from(judged: Judged, features: Features, group: str, seed: int) -> scores.Interval:
    """UAR, with its interval over voices, of a random forest with its defaults on one group of columns, with `recording` the header."""
    from ser_bench.models import known_models, plan_split
    from ser_bench.tuning import UnitData, scaled_split

    model = known_models()["rf"]()
    x = features.values[:, [mine == group for mine in features.groups]]
    if group == "recording":
        x = np.column_stack([x, header_properties(judged.clips["path"].tolist())]).astype(np.float32)
    folds = judged.folds[seed]
    predicted = np.empty_like(judged.codes)
    for fold in range(folds.max() + 1):
        train, held = judged.training(seed, fold), folds == fold
        data = UnitData(x, judged.codes, judged.voices, train, tuple(judged.emotions))
        split = scaled_split(data, x, train, held, held_out=True)
        predicted[held] = plan_split(model, split).run(dict(model.defaults), derive_seed(judged.fold_seed(seed, fold), "audit")).predicted
    tested = judged.evaluated
    inflation = scores.overlap_bound(judged.n_voices)
    return scores.jackknife_interval(judged.codes[tested], predicted[tested], judged.voices[tested], inflation=inflation)


def header_properties(paths: Sequence[str]) -> np.ndarray:
    """What decoding hides of each file: a column a format and encoding (``WAV PCM_24``), and the level of bits a second.

    Lossless encoding shrinks a soft voice further than a loud one, so only of lossy files the bits are looked at.
    """
    import soundfile

    headers = {path: soundfile.info(path) for path in dict.fromkeys(paths)}
    encodings = np.array([f"{headers[path].format} {headers[path].subtype}" for path in paths])
    one_hot = encodings[:, None] == np.unique(encodings)
    lossy = np.array([headers[path].subtype.startswith(LOSSY) for path in paths])
    if not lossy.any():
        return one_hot
    bits = [8 * Path(path).stat().st_size / max(headers[path].duration, 1e-3) for path in paths]
    levels = np.zeros(len(paths))
    levels[lossy] = 1 + bit_levels(np.array(bits)[lossy])
    return np.column_stack([one_hot, levels])


def bit_levels(bits: np.ndarray) -> np.ndarray:
    """Bits a second as levels from 0 up: a new one begins where the next file below has 15 % fewer.

    At a variable rate, and by what surrounds the sound in short files, the bits follow the voice. Such differences are gradual,
    those between settings are not. In EMO-DB as MP3 at a variable rate emotions are told with a UAR of 0.70 by all that is looked at
    here and the bits themselves, with 0.54 by these levels instead, and with 0.55 by neither.

    >>> bit_levels(np.array([64_100, 129_000, 63_900, 127_500])).tolist()
    [0, 1, 0, 1]
    """
    order = np.argsort(bits)
    levels = np.empty(len(bits), int)
    levels[order] = np.cumsum(np.diff(bits[order], prepend=bits[order[0]]) > GAP * bits[order])
    return levels
