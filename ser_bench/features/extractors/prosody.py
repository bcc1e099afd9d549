"""`prosody`: how a clip is spoken: pitch, intensity, voicing, pauses and syllables.

Fundamental frequency is found by YIN in frames of 50 ms every 10 ms. A frame is voiced where it correlates with itself one period
later by more than `1 - APERIODIC`, and its level is within `AUDIBLE` dB of the clip's loudest frame; voiced runs shorter than
three frames do not count. A pause is a silence (`SILENT` dB below the loudest frame) of 150 ms or more between sounds.

What cannot be measured is 0, and another column tells: without a voiced frame all of group `f0` and `voice_quality` and the
lengths of voiced segments are 0, and `voicing.any` is 0 (else 1); without a pause their mean length is 0, and `pause.rate` is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.base import Extractor, check_rate
from ser_bench.features.signal.functionals import FUNCTIONALS, functionals

if TYPE_CHECKING:
    from ser_bench.audio.clip import Clip

FRAME_SECONDS, HOP_SECONDS = 0.05, 0.01
TROUGH = 0.1
"""YIN's absolute threshold: the first trough below it is the period, else the deepest one."""
APERIODIC = 0.35
AUDIBLE, SILENT, QUIETEST = 40.0, 25.0, 60.0
SHORTEST_RUN = 3
PAUSE_SECONDS = 0.15
NUCLEUS_DB = 2.0
LOWEST_RATE = 8_000
MOVES = ("range", "rise", "fall", "change")


class Track(NamedTuple):
    """What is known of each frame; arrays of shape (n_frames,).

    Parameters
    ----------
    f0 : array
        Hz.
    aperiodicity : array
        1 less the correlation of a frame with itself one period later: 0 for a periodic sound, about 1 for noise.
    level : array
        Root mean square in dB.
    voiced : array of bool
    """

    f0: np.ndarray
    aperiodicity: np.ndarray
    level: np.ndarray
    voiced: np.ndarray


@dataclass(frozen=True)
class Prosody(Extractor):
    """Pitch in semitones above 27.5 Hz over voiced frames, intensity in dB over all, and what tempo and voicing tell."""

    name = "prosody"
    description = "pitch (YIN), intensity, jitter and shimmer, voicing, pauses, syllable rate"
    version = 1
    source = "de Cheveigné & Kawahara (2002), YIN. JASA 111(4); de Jong & Wempe (2009), syllable nuclei. Behavior Research Methods 41(2)"
    fmin: float = 65.0
    fmax: float = 500.0
    rate: int = 16_000

    def __post_init__(self) -> None:
        check_rate(self.name, self.rate, LOWEST_RATE)
        if not 2 / FRAME_SECONDS <= self.fmin < self.fmax <= self.rate / 4:
            raise WrongCall(
                f"prosody: fmin={self.fmin}, fmax={self.fmax}; two periods fit a frame from 40 Hz up, and fmax ends at rate / 4"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Pitch, intensity, perturbation, voicing, tempo."""
        moving = [f"{track}.{name}" for track in ("f0.semitones", "loudness.intensity") for name in (*FUNCTIONALS, *MOVES)]
        quality = [f"voice_quality.{name}" for name in ("jitter.mean", "shimmer.mean", "aperiodicity.mean", "aperiodicity.std")]
        voicing = [f"voicing.{name}" for name in ("any", "fraction", "segment.rate", "segment.mean", "segment.std")]
        tempo = [f"temporal.{name}" for name in ("speech.seconds", "pause.share", "pause.rate", "pause.mean", "syllable.rate")]
        return (*moving, *quality, *voicing, *tempo)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        track = follow(clip.at(self.rate), self.rate, self.fmin, self.fmax)
        values = [*_pitch(track), *_intensity(track), *_quality(track), *_voicing(track), *_tempo(track)]
        return np.array(values, np.float32)


def follow(samples: np.ndarray, rate: int, fmin: float, fmax: float) -> Track:
    """Fundamental frequency, periodicity and level of centred frames; F0 equals `librosa.yin` with this frame and hop.

    Parameters
    ----------
    samples : array of float32, shape (n,)
    rate : int
        Samples a second.
    fmin, fmax : float
        Hz.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    from ser_bench.features.signal import kernels

    frame, hop = round(FRAME_SECONDS * rate), round(HOP_SECONDS * rate)
    shortest, longest = int(rate / fmax), int(np.ceil(rate / fmin))
    # Scaled to the loudest sample, so that a faint clip's differences do not vanish.
    scaled = samples / np.float32(np.abs(samples).max())
    padded = np.pad(scaled.astype(np.float64), frame // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    size = next_fast_len(frame + longest, real=True)
    correlation = irfft(np.abs(rfft(framed, size)) ** 2, size)[:, : longest + 1]
    period, aperiodicity = np.empty((2, len(framed)))
    kernels.yin(framed, correlation, shortest, longest, TROUGH, period, aperiodicity)
    power = np.einsum("ti,ti->t", framed, framed) / frame
    level = 10 * np.log10(np.maximum(power, power.max() * 10 ** (-QUIETEST / 10)))
    voiced = _long_runs((aperiodicity < APERIODIC) & (level > level.max() - AUDIBLE), SHORTEST_RUN)
    return Track(rate / period, aperiodicity, level + 20 * np.log10(np.abs(samples).max()), voiced)


def runs(mask: np.ndarray) -> np.ndarray:
    """Where a mask is true without a gap: first index and length of each run, shape (n_runs, 2).

    >>> runs(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 1]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return np.stack([edges[::2], edges[1::2] - edges[::2]], axis=1)


def _long_runs(mask: np.ndarray, shortest: int) -> np.ndarray:
    kept = np.zeros_like(mask)
    for first, length in runs(mask):
        kept[first : first + length] = length >= shortest
    return kept


def _pitch(track: Track) -> list[float]:
    if not track.voiced.any():
        return [0.0] * (len(FUNCTIONALS) + len(MOVES))
    semitones = 12 * np.log2(track.f0 / 27.5)
    voiced = semitones[track.voiced]
    values = functionals(voiced[None].astype(np.float32), HOP_SECONDS)[0]
    # The slope against time as it passes, gaps between voiced frames included.
    time = np.flatnonzero(track.voiced) * HOP_SECONDS
    values[FUNCTIONALS.index("slope")] = np.polyfit(time - time.mean(), voiced - voiced.mean(), 1)[0]
    return [*values, *_moves(semitones, track.voiced)]


def _intensity(track: Track) -> list[float]:
    values = functionals(track.level[None].astype(np.float32), HOP_SECONDS)[0]
    return [*values, *_moves(track.level, np.ones(len(track.level), bool))]


def _moves(values: np.ndarray, mask: np.ndarray) -> list[float]:
    """Between successive frames of the mask: 10 to 90% range, mean rise and fall a second where it rises and falls, mean change."""
    low, high = np.quantile(values[mask], [0.1, 0.9])
    steps = np.diff(values)[mask[1:] & mask[:-1]] / HOP_SECONDS
    rise, fall = steps[steps > 0], steps[steps < 0]
    return [high - low, *(float(part.mean()) if len(part) else 0.0 for part in (rise, fall, np.abs(steps)))]


def _quality(track: Track) -> list[float]:
    if not track.voiced.any():
        return [0.0] * 4
    pairs = track.voiced[1:] & track.voiced[:-1]
    period = 1 / track.f0
    jitter = np.abs(np.diff(period))[pairs].mean() / period[track.voiced].mean()
    shimmer = np.abs(np.diff(track.level))[pairs].mean()
    aperiodicity = track.aperiodicity[track.voiced]
    return [jitter, shimmer, aperiodicity.mean(), aperiodicity.std()]


def _voicing(track: Track) -> list[float]:
    lengths = runs(track.voiced)[:, 1] * HOP_SECONDS
    seconds = len(track.voiced) * HOP_SECONDS
    spread = [lengths.mean(), lengths.std()] if len(lengths) else [0.0, 0.0]
    return [float(len(lengths) > 0), track.voiced.mean(), len(lengths) / seconds, *spread]


def _tempo(track: Track) -> list[float]:
    sounding = np.flatnonzero(track.level > track.level.max() - SILENT)
    first, last = sounding[0], sounding[-1] + 1
    seconds = (last - first) * HOP_SECONDS
    silences = runs(track.level[first:last] <= track.level.max() - SILENT)[:, 1] * HOP_SECONDS
    pauses = silences[silences >= PAUSE_SECONDS]
    mean = pauses.mean() if len(pauses) else 0.0
    return [seconds, pauses.sum() / seconds, len(pauses) / seconds, mean, _syllables(track, first, last) / seconds]


def _syllables(track: Track, first: int, last: int) -> int:
    """Voiced peaks of intensity that stand above the dips on both sides."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    smooth = uniform_filter1d(track.level[first:last], 5, mode="nearest")
    peaks, _ = find_peaks(np.pad(smooth, 1, constant_values=smooth.min() - 2 * NUCLEUS_DB), prominence=NUCLEUS_DB)
    return int((track.voiced[first:last][peaks - 1]).sum())
