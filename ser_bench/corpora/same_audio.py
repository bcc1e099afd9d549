"""Which clips hold the same audio, as far as a table says: equal samples, overlapping segments, one recording in two formats.

In:   a clip table with the digest of each clip's samples, and where known `path`, `start`, `end` and `seconds`.
Out:  pairs of clips, each with the reason; segments that share less.
Rule: nothing is decoded here. Segments of a file are the same audio where more than half of the shorter lies in the other, and so are a
      file and a segment of it. One stem in two formats is the same audio in one folder, or with one speaker and emotion, where the
      lengths agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

SAMPLES, SEGMENTS, FORMATS = "equal samples", "overlapping segments of one file", "one stem in two formats"
LOSSY = (".mp3", ".ogg")
SHARED = 0.5
"""Share of the shorter of two segments above which they are the same audio."""
PADDING = 0.2
"""Seconds by which an encoder may lengthen a file: MP3 fills its last frame and puts up to two before the first."""


class Same(NamedTuple):
    """Two clips of the same audio, the one to be used first, and why they are known to be."""

    one: str
    other: str
    why: str


class Overlap(NamedTuple):
    """Two segments of one file, and the share of the shorter that lies in the other."""

    one: str
    other: str
    share: float


class AudioFacts(NamedTuple):
    """A clip as its table has it: seconds in its file, infinite where open or not known."""

    clip: str
    file: PurePath
    start: float
    end: float
    seconds: float
    voice: str
    emotion: str


def same_audio(clips: pd.DataFrame) -> list[Same]:
    """Pairs of clips that hold the same audio, in order; of the clips with equal samples each with all before it.

    Parameters
    ----------
    clips : DataFrame
        A clip table with `digest`, `emotion`, and `voice` or `speaker`.

    >>> import pandas as pd
    >>> clips = pd.DataFrame({"clip": ["a.mp3", "a.wav"], "digest": "12", "speaker": "A", "emotion": "fear"})
    >>> same_audio(clips.assign(digest=["1", "2"]).set_index("clip"))
    [Same(one='a.wav', other='a.mp3', why='one stem in two formats')]
    """
    known = _facts(clips)
    order = {fact.clip: place for place, fact in enumerate(sorted(known, key=lambda fact: (fact.file.suffix.lower() in LOSSY, fact.clip)))}
    why: dict[tuple[str, str], str] = {}
    segments = (Same(one, other, SEGMENTS) for one, other, share in overlaps(clips) if share > SHARED)
    for one, other, reason in (*_equal(clips), *_reencoded(known), *segments):
        why.setdefault((one, other) if order[one] < order[other] else (other, one), reason)
    return [Same(*pair, why[pair]) for pair in sorted(why, key=lambda pair: (order[pair[1]], order[pair[0]]))]


def overlaps(clips: pd.DataFrame) -> Iterator[Overlap]:
    """Segments of one file that share any of it, and how much."""
    segments: dict[PurePath, list[tuple[float, float, str]]] = {}
    for fact in _facts(clips):
        segments.setdefault(fact.file, []).append((fact.start, fact.start + fact.seconds if math.isinf(fact.end) else fact.end, fact.clip))
    for of_file in segments.values():
        of_file.sort()
        for place, (start, end, one) in enumerate(of_file):
            for begin, stop, other in of_file[place + 1 :]:
                if begin >= end:
                    break
                shorter = min(end - start, stop - begin)
                yield Overlap(one, other, (min(end, stop) - begin) / shorter if math.isfinite(shorter) else 1.0)


def _facts(clips: pd.DataFrame) -> list[AudioFacts]:
    """What the table says of every clip; what it does not say as if a clip were a whole file of no known length."""
    files = clips["path"] if "path" in clips else [clip.partition("#")[0] for clip in clips.index]
    defaults = {"start": 0.0, "end": math.inf, "seconds": math.inf}
    times = [clips[name].fillna(value) if name in clips else [value] * len(clips) for name, value in defaults.items()]
    voices = clips["voice" if "voice" in clips else "speaker"]
    rows = zip(clips.index, map(PurePath, files), *times, voices, clips["emotion"], strict=True)
    return [AudioFacts(*row) for row in rows]


def _equal(clips: pd.DataFrame) -> Iterator[Same]:
    repeated = clips.loc[clips["digest"].duplicated(keep=False), "digest"]
    for _, names in repeated.groupby(repeated, sort=False).groups.items():
        yield from (Same(one, other, SAMPLES) for one, other in combinations(sorted(names), 2))


def _reencoded(known: list[AudioFacts]) -> Iterator[Same]:
    """Pairs of one stem and segment in two formats: side by side, or with one speaker and emotion."""
    stems: dict[tuple[str, float, float], list[AudioFacts]] = {}
    for fact in known:
        stems.setdefault((fact.file.stem, fact.start, fact.end), []).append(fact)
    for alike in stems.values():
        if len({fact.file.suffix.lower() for fact in alike}) > 1:
            yield from (Same(one.clip, other.clip, FORMATS) for one, other in combinations(alike, 2) if _two_formats(one, other))


def _two_formats(one: AudioFacts, other: AudioFacts) -> bool:
    together = one.file.parent == other.file.parent or (one.voice, one.emotion) == (other.voice, other.emotion)
    as_long = one.seconds == other.seconds or abs(one.seconds - other.seconds) <= PADDING
    return together and as_long and one.file.suffix.lower() != other.file.suffix.lower()
