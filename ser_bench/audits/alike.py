"""The same recording again, though not sample by sample: encoded, resampled, louder or softer, padded, cut, with some noise.

In:   what stands to be judged, with the outline of each clip.
Out:  findings on pairs of clips that hold one recording.
Rule: outlines only say which pairs are worth a look; the waveforms decide. Nobody speaks a sentence twice with the same
      waveform, so different takes stay far apart. Equal samples are told of as identical audio, and not again here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.audio import read_clip
from ser_bench.audits.finding import Finding
from ser_bench.config import RunConfig
from ser_bench.plan import Ground, heard_as
from ser_bench.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

CHECK = "near-identical audio"
RESEMBLING = 0.9
"""Correlation of two outlines from which a pair is worth a look. None of the changes that `likeness` names falls below 0.92, but 8 bits
on the softest clips; of a million pairs of different clips of RAVDESS 11 reach it, of 57,000 of EMO-DB none."""
NEAREST = 8
"""So many clips that a clip resembles most are compared with it: where much resembles much, the look stays affordable."""
ONE_RECORDING = 0.75
"""Likeness of waveforms from which two clips are called one recording; see `likeness`."""
BLOCK = 512
RATE, LOWEST_HZ, HIGHEST_HZ = 8_000, 150.0, 2000.0
NAMED, NAMED_CROSSING = 3, 20


class Pair(NamedTuple):
    """Two clips of one recording, by where they stand, and how alike their waveforms are."""

    one: int
    other: int
    likeness: float


def near_twins(ground: Ground, config: RunConfig, progress: Progress) -> Iterator[Finding]:
    """One recording under two names."""
    clips = ground.judged.clips
    outlines = ground.features[heard_as("outline", config)].values
    resembling, crowded = look_alikes(outlines, clips["digest"].factorize()[0])
    found = _one_recording(clips, resembling, config, progress)
    crossing = {column: [pair for pair in found if len(set(clips[column].iloc[list(pair[:2])])) > 1] for column in ("emotion", "speaker")}
    for column, what in (("emotion", "two emotions, one of them wrong"), ("speaker", "two speakers, whom a split may part")):
        if pairs := crossing[column]:
            yield Finding("warning", CHECK, f"one recording under {what}: {_enumerate(clips, pairs, NAMED_CROSSING, column)}")
    if within := [pair for pair in found if all(pair not in pairs for pairs in crossing.values())]:
        yield Finding("warning", CHECK, f"{len(within)} pair(s) of one speaker and emotion: {_enumerate(clips, within, NAMED)}")
    if crowded:
        yield Finding("note", CHECK, f"{crowded} clips resemble more than {NEAREST} others: each was compared with the {NEAREST} nearest")


def look_alikes(outlines: np.ndarray, sounds: np.ndarray) -> tuple[list[tuple[int, int]], int]:
    """Pairs of clips whose outlines resemble each other.

    Parameters
    ----------
    outlines : array of float32, shape (n_clips, n_columns)
    sounds : array of int, shape (n_clips,)
        Equal for equal samples: these are no pairs.

    Returns
    -------
    pairs : list of (int, int)
        The clip that stands first, first; in order.
    crowded : int
        How many clips resemble more others than are paired with them.
    """
    centred = outlines - outlines.mean(1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-10)
    pairs: set[tuple[int, int]] = set()
    crowded = 0
    for begin in range(0, len(centred), BLOCK):
        alike = centred[begin : begin + BLOCK] @ centred.T
        alike[sounds[begin : begin + BLOCK, None] == sounds] = 0
        resembling = alike >= RESEMBLING
        crowded += int((resembling.sum(1) > NEAREST).sum())
        for row in np.flatnonzero(resembling.any(1)).tolist():
            nearest = np.flatnonzero(resembling[row])
            nearest = nearest[np.argsort(-alike[row, nearest], kind="stable")[:NEAREST]]
            pairs.update((min(begin + row, at), max(begin + row, at)) for at in map(int, nearest))
    return sorted(pairs), crowded


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How alike two waveforms are, at best, over all shifts: the height of their normalised cross-correlation, 0 to 1.

    It is taken from 150 to 2,000 Hz, where a voice is strongest and encoders change least, and its sign does not count.

    Measured on 180 clips of RAVDESS and 170 of EMO-DB, each changed in 18 ways; the lowest, and the 1st percentile where it differs:
    resampled to 22.05, 11.025 or 8 kHz 1.00; a tenth of the level in 16 bits 1.00; MP3 1.00, at its lowest bit rate 0.85 (0.90); Ogg
    Vorbis 0.99, at its lowest 0.97 (0.98); µ-law at 8 kHz 0.97 (0.99); clipped 0.97 (0.98); padded or cut 0.99; one of two channels
    0.99; noise 30, 20 and 10 dB below the voice 1.00, 0.99 (1.00) and 0.93 (0.97); cut, resampled, softer, padded, with noise at
    25 dB and in MP3, all at once, 0.97. Only what drowns the voice falls lower: 8 bits on the softest clips 0.43 (0.75).
    Different clips reach 0.58, two takes of one sentence, among all 48,000 pairs of one speaker and 18,000 others; the median is
    0.09, and 999 in 1,000 lie below 0.32. The threshold lies in the middle between 0.58 and 0.93.

    Parameters
    ----------
    one, other : array of float32, shape (n,)
        Samples at 8 kHz.

    >>> noise = np.random.default_rng(0).normal(size=(2, 8000)).astype(np.float32)
    >>> round(likeness(noise[0], -0.1 * noise[0, 30:]), 1), round(likeness(*noise), 1)
    (1.0, 0.1)
    """
    from scipy.fft import irfft, next_fast_len

    size = next_fast_len(len(one) + len(other), real=True)
    crossed = _voice_band(one, size) * _voice_band(other, size).conj()
    # Twice as many lags as samples: a resampled copy may lie between two.
    return float(np.abs(irfft(crossed, 2 * size)).max() * size)


def _voice_band(samples: np.ndarray, size: int) -> np.ndarray:
    """The spectrum between the two edges, the sum of its squares one; zeros where there is nothing."""
    from scipy.fft import rfft

    spectrum = rfft(samples, size)
    hertz = np.arange(len(spectrum)) * (RATE / size)
    spectrum[(hertz < LOWEST_HZ) | (hertz > HIGHEST_HZ)] = 0
    return spectrum / max(float(np.linalg.norm(spectrum)), 1e-10)


def _one_recording(clips: pd.DataFrame, pairs: list[tuple[int, int]], config: RunConfig, progress: Progress) -> list[Pair]:
    """The pairs that hold one recording, once both are heard."""
    if not pairs:
        return []
    spans = clips.reindex(columns=["path", "start", "end"])
    found = []
    heard, samples = -1, np.empty(0, np.float32)
    progress.start("comparing clips that resemble each other", len(pairs))
    try:
        for one, other in pairs:
            if one != heard:
                heard, samples = one, _waveform(spans.iloc[one], config)
            pair = Pair(one, other, likeness(samples, _waveform(spans.iloc[other], config)))
            if pair.likeness >= ONE_RECORDING:
                found.append(pair)
            progress.advance()
    finally:
        progress.stop()
    return found


def _waveform(span: pd.Series, config: RunConfig) -> np.ndarray:
    return config.hearing.window(read_clip(span["path"], span["start"], span["end"])).at(RATE)


def _enumerate(clips: pd.DataFrame, pairs: list[Pair], most: int, column: str = "") -> str:
    """The first pairs by name, with what they have in a column, and how many more there are."""
    names = [f"{clip} ({value})" for clip, value in clips[column].items()] if column else list(clips.index)
    told = sorted(f"{' ~ '.join(sorted((names[one], names[other])))}, {alike:.2f}" for one, other, alike in pairs)
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return "; ".join(told[:most]) + more
