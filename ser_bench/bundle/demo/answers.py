"""What a recording comes to, line by line, as the page shows it.

In:   a bundle, and the bytes of a recording.
Out:  dictionaries of plain values: first what was heard, then the whole recording's probabilities, then those of windows along a long one.
Rule: everything stays in memory; the probabilities are those that `ser-bench predict` gives for the same file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.audio.clip import Clip, decode
from ser_bench.errors import printable

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle

WINDOW, HOP = 3.0, 1.0
"""Seconds."""
MOST_WINDOWS = 240
"""A longer recording is followed in longer steps, of whole seconds."""
FOLLOWED = 6.0
"""Seconds from which on a recording is followed along its windows."""
WAVE_POINTS = 480


def answer(bundle: Bundle, data: bytes) -> Iterator[dict[str, Any]]:
    """What is found in a recording.

    Parameters
    ----------
    bundle : Bundle
    data : bytes
        A WAV, FLAC, OGG or MP3 file.

    Yields
    ------
    dict
        ``{"heard": ...}``, ``{"whole": ...}``; from 6 s on also ``{"following": ...}`` and ``{"window": ...}`` for each window.

    Raises
    ------
    Unusable
        Where it is no audio, or none that can be evaluated.
    """
    from ser_bench.bundle.prediction import predict_clip, predict_windows

    clip = decode(data)
    yield {"heard": heard(clip)}
    yield {"whole": shown(predict_clip(bundle, clip), bundle.classes)}
    if clip.seconds < FOLLOWED:
        return
    hop = hop_of(clip.seconds)
    yield {"following": {"window": WINDOW, "hop": hop, "count": math.floor((clip.seconds - WINDOW) / hop) + 1}}
    for row in predict_windows(bundle, clip, WINDOW, hop):
        yield {"window": shown(row, bundle.classes)}


def heard(clip: Clip) -> dict[str, Any]:
    """Of a clip its length, rate, channels, peak, what is odd about its file, and its outline: the extremes of equal parts, shape (n, 2).

    Amplitudes are 1 at full scale.
    """
    parts = np.array_split(clip.samples, min(WAVE_POINTS, len(clip.samples)))
    outline = [[round(float(part.min()), 5), round(float(part.max()), 5)] for part in parts]
    peak = float(np.abs(clip.samples).max())
    told = {"seconds": clip.seconds, "rate": clip.rate, "channels": clip.channels, "note": clip.note}
    return {**told, "peak": peak, "outline": outline}


def hop_of(seconds: float) -> float:
    """Seconds from one window to the next.

    >>> hop_of(10), hop_of(3600)
    (1.0, 16.0)
    """
    return max(HOP, float(math.ceil((seconds - WINDOW) / (MOST_WINDOWS - 1))))


def shown(row: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """A row of predictions as plain values: its probabilities as a list, in the order of classes; none where there is a reason why not."""
    told = {key: printable(row.get(key) or "") for key in ("emotion", "gender", "reason")}
    probabilities = [] if told["reason"] else [float(row[f"p.{name}"]) for name in classes]
    return {**told, "start": row["start"], "end": row["end"], "p": probabilities, "warnings": [*map(printable, row["warnings"])]}
