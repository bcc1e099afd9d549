"""What a system's training clips were like, and warnings for a clip unlike them.

In:   features, voices and `AudioInfo` of the training clips; the same of a clip that is to be predicted.
Out:  `KnownClips`; of a clip a list of warnings in plain words, empty for one like the training clips.
Rule: a warning instead of false confidence. Limits come from the training clips alone, for voices that are not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.bundle.distance import FEWEST_CLIPS, WITHIN, Cloud, cloud_of
from ser_bench.bundle.levels import CLIPPED, Level, decibels
from ser_bench.models.packing import Packable, Packed, unpack
from ser_bench.utils.formatting import from_to, plural

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.features.worker import AudioInfo

LEVEL_MARGIN = 10.0
"""How many dB quieter or louder than every training clip is much."""
LENGTH_MARGIN = 2.0
"""How many times shorter or longer than every training clip is much."""
HIGHEST, MOST_COUNTED = 1e40, 2**53
"""What no rate, length or peak exceeds, and no count."""
RANGES = ("rate", "seconds", "peak", "channels")

Range = tuple[float, float]


@dataclass(frozen=True)
class KnownClips(Packable):
    """What training clips were like.

    Parameters
    ----------
    clips, voices : int
        How many there were.
    rate, seconds, peak, channels : (float, float)
        The lowest and the highest of them: Hz, seconds, 1 at full scale, a number.
    heard_at : int
        The highest rate, in Hz, that the features hear; 0 where one of them hears each file at its own.
    cloud : Cloud or None
        Where they lie; None of fewer than 20 clips.
    """

    kind = "known clips"
    clips: int
    voices: int
    rate: Range
    seconds: Range
    peak: Range
    channels: Range
    heard_at: int
    cloud: Cloud | None

    @classmethod
    def of(cls, x: np.ndarray, voices: np.ndarray, clips: pd.DataFrame, rates: Sequence[int | None] = ()) -> KnownClips:
        """What these clips are like.

        Parameters
        ----------
        x : array of float32, shape (n_clips, n_columns)
            Features of the clips themselves, no changed copies, standardised or not: as those of other clips will be.
        voices : array, shape (n_clips,)
            What no split may separate.
        clips : DataFrame
            Columns `rate`, `seconds`, `peak` and `channels`; rows as `x`.
        rates : sequence of int or None
            Samples a second that each extractor of the feature set hears; None: each file's own.
        """
        rate, seconds, peak, channels = ((float(clips[name].min()), float(clips[name].max())) for name in RANGES)
        heard_at = 0 if None in rates else max((rate for rate in rates if rate), default=0)
        return cls(len(x), len(np.unique(voices)), rate, seconds, peak, channels, heard_at, cloud_of(x, np.asarray(voices)))

    def distance(self, x: np.ndarray) -> np.ndarray:
        """How far clips are from all training clips: above 1 is far; zeros where that was not fitted. Float64, shape (n,)."""
        return self.cloud.distance(x) if self.cloud else np.zeros(len(x))

    def warnings(self, row: np.ndarray, heard: AudioInfo, levels: Sequence[float] | np.ndarray | None = None) -> list[str]:
        """What is unlike the training clips in a clip, a sentence each.

        Parameters
        ----------
        row : array of float32, shape (n_columns,)
            Its features, standardised as the training clips' were.
        heard : AudioInfo
        levels : array, shape (3,), optional
            As `LEVELS` measures them; without, clipping is not looked for.
        """
        level = None if levels is None else Level(*(float(value) for value in levels))
        said = [self._of_rate(heard.rate), self._of_level(heard.peak, level), _of_clipping(level), self._of_length(heard.seconds)]
        return [sentence for sentence in [*said, self._of_distance(row)] if sentence]

    def describe(self) -> list[str]:
        """What the training clips were like and how the limit was set, a sentence each."""
        channels = f"{from_to(*self.channels, '.0f')} {plural(self.channels[1], 'channel', 'channels')}"
        ranges = (
            f"{from_to(*self.rate, ',.0f')} Hz, {from_to(*self.seconds, '.1f')} s, {channels}, "
            f"peaks of {from_to(decibels(self.peak[0]), decibels(self.peak[1]), '.0f')} dB of full scale"
        )
        about = f"Fitted on {self.clips:,} clips of {self.voices:,} speakers: {ranges}."
        if not self.cloud:
            return [about, f"How far a clip is from all training clips is not measured: that takes {FEWEST_CLIPS} clips that differ."]
        left_out = "speakers" if self.voices > 1 else "folds (there is one speaker: others may be warned of)"
        return [
            about,
            f"A clip counts as far from them beyond the limit within which {WITHIN:.0%} of them lie with their own {left_out} left out.",
        ]

    def pack(self) -> Packed:
        """All of it, as arrays and values."""
        counts = {"clips": self.clips, "voices": self.voices, "heard_at": self.heard_at}
        ends = {f"{name}.{end}": value for name in RANGES for end, value in zip(("least", "most"), getattr(self, name), strict=True)}
        packed = Packed(self.kind, {}, {**counts, **ends})
        return packed.with_part("cloud", self.cloud.pack()) if self.cloud else packed

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> KnownClips:
        """What `pack` wrote down; errors as `Packable.unpack`."""
        ends = [(name, packed.number(f"{name}.least", 0, HIGHEST)) for name in RANGES]
        rate, seconds, peak, channels = ((least, packed.number(f"{name}.most", least, HIGHEST)) for name, least in ends)
        clips, voices = (packed.whole(name, 1, MOST_COUNTED) for name in ("clips", "voices"))
        cloud = unpack(packed.part("cloud"), n_columns, n_classes, Cloud) if "cloud" in packed.values else None
        return cls(clips, voices, rate, seconds, peak, channels, packed.whole("heard_at", 0, MOST_COUNTED), cloud)

    def _of_rate(self, rate: int) -> str:
        lowest, highest = self.rate
        theirs = f"sampled at {rate:,} Hz, training clips at {from_to(*self.rate, ',.0f')} Hz"
        if rate < (min(lowest, self.heard_at) if self.heard_at else lowest):
            return f"{theirs}: what they have above {rate / 2:,.0f} Hz is missing"
        if not self.heard_at and rate > highest:
            return f"{theirs}, and the features depend on the rate: resample it"
        return ""

    def _of_level(self, peak: float, level: Level | None) -> str:
        level = level or Level(peak, peak, 0.0)
        quietest, loudest = (decibels(end) for end in self.peak)
        at = f"peak {decibels(peak):.0f} dB of full scale"
        if level.near_silence:
            return f"near silence ({at}, RMS {decibels(level.rms):.0f} dB): nothing can be heard"
        if decibels(peak) < quietest - LEVEL_MARGIN:
            return f"much quieter than all training clips: {at}, theirs at least {quietest:.0f} dB"
        if decibels(peak) > loudest + LEVEL_MARGIN:
            return f"much louder than all training clips: {at}, theirs at most {loudest:.0f} dB"
        return ""

    def _of_length(self, seconds: float) -> str:
        shortest, longest = self.seconds
        if seconds * LENGTH_MARGIN < shortest:
            return f"much shorter than all training clips: {seconds:.2f} s, theirs at least {shortest:.2f} s"
        if seconds > longest * LENGTH_MARGIN:
            return f"much longer than all training clips: {seconds:.1f} s, theirs at most {longest:.1f} s: cut it, or follow it in windows"
        return ""

    def _of_distance(self, row: np.ndarray) -> str:
        far = float(self.distance(np.asarray(row)[None])[0])
        if not far > 1:
            return ""
        return f"far from all training clips ({far:.1f} times the limit for unseen speakers): the probabilities mean little"


def _of_clipping(level: Level | None) -> str:
    if level is None or level.clipped < CLIPPED:
        return ""
    return f"clipped: {level.clipped:.1%} of the samples are cut off at the highest or lowest value"
