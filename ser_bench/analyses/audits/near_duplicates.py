"""The same recording again, though not sample by sample: encoded, resampled, softer, faster, higher, stretched, cut, joined, in a room.

In:   the clips that are evaluated, of one corpus or of several.
Out:  pairs of clips that may hold one recording, and findings on them.
Rule: fingerprints say which pairs are worth a look. A pair is named where waveforms agree, or where one tempo and one pitch carry the
      one into the other throughout. Equal samples are reported as identical audio, and not again here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ser_bench.analyses.audits.finding import Finding
from ser_bench.analyses.audits.fingerprint import RATE, Fingerprint, fingerprint
from ser_bench.analyses.audits.matching import FEWEST, LEAST_ALIKE, Candidate, candidates, verify
from ser_bench.audio.clip import read_clip
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.config import RunConfig
from ser_bench.errors import WorkFailed
from ser_bench.evaluation.plan import PreparedData
from ser_bench.utils.formatting import number_of
from ser_bench.utils.parallel import Died, in_parallel
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

CHECK = "near-identical audio"
ONE_RECORDING = 0.7
"""Likeness of waveforms from which two clips may be one recording; see `likeness`."""
VOICE_BANDS = ((150.0, 600.0), (600.0, 2000.0))
"""Hz."""
WINDOW = RATE // 10
QUIET = 0.01
NAMED, NAMED_CROSSING, NAMED_BETWEEN = 3, 20, 5
CLIPS_PER_CALL, PAIRS_PER_CALL = 50, 50

T = TypeVar("T")
Segment = tuple[str, float, float]
"""A clip's file, and where it begins and ends in seconds, as `read_clip` takes them."""


class CopyPair(NamedTuple):
    """Two clips that may be one recording, by where they stand, and what was done to the one: tempo, and semitones."""

    one: int
    other: int
    speed: float = 1.0
    semitones: float = 0.0

    def reversed(self) -> CopyPair:
        """The same of the other."""
        return CopyPair(self.other, self.one, 1 / self.speed, -self.semitones)


class FingerprintedCorpus(NamedTuple):
    """A corpus and the fingerprints of its clips."""

    prepared: PreparedData
    prints: list[Fingerprint]


def near_duplicates(prepared: PreparedData, config: RunConfig, progress: Progress) -> Iterator[Finding]:
    """One recording under two names."""
    clips = prepared.eval_set.clips
    sides, voices = (clips[column].factorize()[0] for column in ("digest", "voice"))
    yield from name_pairs(clips, one_recording(clips, listen(prepared, config, progress), sides, voices, config, progress))


def name_pairs(clips: pd.DataFrame, found: list[CopyPair]) -> Iterator[Finding]:
    """Findings on pairs of clips of a table with `emotion` and `speaker`: under two emotions, two speakers, and neither."""
    values = {column: clips[column].to_numpy() for column in ("emotion", "speaker")}
    crossing = {column: [pair for pair in found if of[pair.one] != of[pair.other]] for column, of in values.items()}
    advice = {"emotion": "listen to them: one label may be wrong", "speaker": "a split may part them"}
    for column, pairs in crossing.items():
        if pairs:
            yield Finding(
                "warning", CHECK, f"may be one recording under two {column}s ({advice[column]}): {_enumerate(clips, pairs, column)}"
            )
    if within := [pair for pair in found if all(of[pair.one] == of[pair.other] for of in values.values())]:
        yield Finding("warning", CHECK, f"may be one recording, of one speaker and emotion: {_enumerate(clips, within)}")


def shared_recordings(one: FingerprintedCorpus, other: FingerprintedCorpus, config: RunConfig, progress: Progress) -> str:
    """That clips of one corpus may be copies of another's, how many, and the first; nothing where none may."""
    import pandas as pd

    clips = pd.concat([heard.prepared.eval_set.clips for heard in (one, other)])
    sides = np.repeat([0, 1], [len(heard.prints) for heard in (one, other)])
    found = one_recording(clips, [*one.prints, *other.prints], sides, sides, config, progress)
    if not found:
        return ""
    counts = [len({pair[:2][side] for pair in map(_sorted, found)}) for side in (0, 1)]
    first = _sorted(found[0])
    mine, theirs = (heard.prepared.corpus.name for heard in (one, other))
    return (
        f"{number_of(counts[0], 'clip')} of {mine} and {counts[1]} of {theirs} may be the same recordings, so that one corpus "
        f"does not test the other: {clips.index[first.one]} ~ {clips.index[first.other]}{_change(first)}"
    )


def listen(prepared: PreparedData, config: RunConfig, progress: Progress) -> list[Fingerprint]:
    """The fingerprints of a corpus's clips."""
    segments = _segments(prepared.eval_set.clips)
    chunks = [segments[first : first + CLIPS_PER_CALL] for first in range(0, len(segments), CLIPS_PER_CALL)]
    calls = [(place, chunk, config.preprocessing) for place, chunk in enumerate(chunks)]
    found = dict(_over_processes("listening for copies", fingerprints, calls, config, progress))
    return [one for place in sorted(found) for one in found[place]]


def fingerprints(place: int, segments: list[Segment], preprocessing: Preprocessing) -> tuple[int, list[Fingerprint]]:
    """Which call this is, and the fingerprints of its clips."""
    return place, [fingerprint(_waveform(segment, preprocessing)) for segment in segments]


def _over_processes(
    what: str, function: Callable[..., tuple[int, list[T]]], calls: list[tuple[Any, ...]], config: RunConfig, progress: Progress
) -> Iterator[tuple[int, list[T]]]:
    """What the calls give as they end; the first two arguments of each are its place among them, and what it goes through."""
    if not calls:
        return
    progress.start(what, sum(len(through) for _, through, *_ in calls))
    try:
        for done in in_parallel(function, calls, config.workers):
            if isinstance(done, Died):
                raise WorkFailed(f"{what}: a process died, most likely for want of memory: try fewer --jobs")
            yield done
            for _ in calls[done[0]][1]:
                progress.advance()
    finally:
        progress.stop()


def one_recording(
    clips: pd.DataFrame, prints: list[Fingerprint], sides: np.ndarray, voices: np.ndarray, config: RunConfig, progress: Progress
) -> list[CopyPair]:
    """Pairs of clips that may be one recording.

    Parameters
    ----------
    clips : DataFrame
        With `path`, and for segments `start` and `end`.
    prints : list of Fingerprint
        As `listen` gives them.
    sides : array of int, shape (n_clips,)
        Only clips with different numbers are compared.
    voices : array of int, shape (n_clips,)
        Whose voice each is said to be: of two, takes are less alike, so that more is named.

    Returns
    -------
    list of Pair
        In order.
    """
    from threadpoolctl import threadpool_limits

    segments = _segments(clips)
    with threadpool_limits(config.workers.jobs or None):
        looked = candidates(prints, groups(sides, voices)) if prints else []
    chunks = [looked[first : first + PAIRS_PER_CALL] for first in range(0, len(looked), PAIRS_PER_CALL)]
    calls = []
    for number, chunk in enumerate(chunks):
        needed = {place: (prints[place], segments[place]) for candidate in chunk for place in (candidate.one, candidate.other)}
        calls.append((number, chunk, [bool(voices[pair.one] != voices[pair.other]) for pair in chunk], needed, config.preprocessing))
    compared = _over_processes("comparing clips that resemble each other", compare, calls, config, progress)
    return sorted((pair for _, pairs in compared for pair in pairs), key=lambda pair: sorted(pair[:2]))


def compare(
    number: int, looked: list[Candidate], across: list[bool], clips: dict[int, tuple[Fingerprint, Segment]], preprocessing: Preprocessing
) -> tuple[int, list[CopyPair]]:
    """Which call this is, and the pairs that may be one recording, of clips by their place."""
    prints = {place: heard for place, (heard, _) in clips.items()}
    pairs = (
        same_recording(candidate, prints, of_two, lambda place: _waveform(clips[place][1], preprocessing))
        for candidate, of_two in zip(looked, across, strict=True)
    )
    return number, [pair for pair in pairs if pair]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How alike two waveforms are, where one lies on the other as it fits best, 0 to 1; the sign does not count.

    The shift is that of the highest cross-correlation from 150 to 2,000 Hz. There, windows of 0.1 s are correlated, each for itself, from
    150 to 600 Hz and from 600 to 2,000 Hz; the lower of the two bands' medians counts. So one loud vowel on one pitch, which two people
    may share, decides nothing. `docs/leaks.md` has what was measured.

    Parameters
    ----------
    one, other : array of float32, shape (n,)
        Samples at 8 kHz.

    >>> noise = np.random.default_rng(0).normal(size=(2, 8000)).astype(np.float32)
    >>> round(likeness(noise[0], -0.1 * noise[0, 30:]), 1), likeness(*noise) < 0.5
    (1.0, True)
    """
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(one) + len(other), real=True)
    hertz = np.arange(size // 2 + 1) * (RATE / size)
    spectra = rfft(one, size), rfft(other, size)
    heard = (hertz >= VOICE_BANDS[0][0]) & (hertz < VOICE_BANDS[-1][1])
    # Twice as many lags as samples: a resampled copy may lie between two.
    crossed = irfft(spectra[0] * spectra[1].conj() * heard, 2 * size)
    peak = int(np.abs(crossed).argmax())
    lag = peak / 2 if peak < size else peak / 2 - size
    shifted = np.sign(crossed[peak]) * spectra[1] * np.exp(-2j * np.pi * hertz / RATE * lag)
    begin, end = max(0, int(np.ceil(lag))), min(len(one), int(lag) + len(other))
    if end - begin < WINDOW:
        return 0.0
    bands = ((hertz >= low) & (hertz < high) for low, high in VOICE_BANDS)
    return min(_median_likeness(*(irfft(spectrum * band, size)[begin:end] for spectrum in (spectra[0], shifted))) for band in bands)


def _median_likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The median correlation of windows in which either is not silent."""
    mine, theirs = (np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[:: WINDOW // 2] for samples in (one, other))
    power, their_power = (np.square(windows).sum(1) for windows in (mine, theirs))
    live = (power > QUIET * power.max()) | (their_power > QUIET * their_power.max())
    return float(np.median(((mine * theirs).sum(1) / np.sqrt(np.maximum(power * their_power, 1e-20)))[live])) if live.any() else 0.0


def groups(sides: np.ndarray, voices: np.ndarray) -> Callable[[int], list[np.ndarray]]:
    """For the place of a clip, the clips of its voice and those of others, as far as their sides differ, for `candidates`."""

    def against(place: int) -> list[np.ndarray]:
        compared, own = sides != sides[place], voices == voices[place]
        return [compared & own, compared & ~own]

    return against


def same_recording(
    candidate: Candidate, prints: Sequence[Fingerprint] | Mapping[int, Fingerprint], across: bool, waveform: Callable[[int], np.ndarray]
) -> CopyPair | None:
    """The pair, where a close look says that it may be one recording.

    Parameters
    ----------
    candidate : Candidate
    prints : list of Fingerprint, or dict by place
    across : bool
        Whether the two are said to be of two voices.
    waveform : callable
        Samples at 8 kHz of the clip in a place.
    """
    one, other = candidate.one, candidate.other
    match = verify(prints[one], prints[other], candidate)
    if match.copy_across if across else match.copy:
        return CopyPair(one, other, match.speed, match.semitones)
    heard = match.unchanged and (match.windows < FEWEST or match.alike >= LEAST_ALIKE)
    return CopyPair(one, other) if heard and likeness(waveform(one), waveform(other)) >= ONE_RECORDING else None


def _segments(clips: pd.DataFrame) -> list[Segment]:
    return list(clips.reindex(columns=["path", "start", "end"]).itertuples(index=False, name=None))


def _waveform(segment: Segment, preprocessing: Preprocessing) -> np.ndarray:
    return preprocessing.window(read_clip(*segment)).at(RATE)


def _sorted(pair: CopyPair) -> CopyPair:
    return pair if pair.one < pair.other else pair.reversed()


def _change(pair: CopyPair) -> str:
    """What was done to the one, where it can be heard: ``, 1.10 times as fast, 1.7 semitones higher``."""
    told = []
    if abs(pair.speed - 1) >= 0.02:
        told.append(f"{pair.speed:.2f} times as fast")
    if abs(pair.semitones) >= 0.3:
        told.append(f"{abs(pair.semitones):.1f} semitones {'higher' if pair.semitones > 0 else 'lower'}")
    return f" (the first {' and '.join(told)})" if told else ""


def _enumerate(clips: pd.DataFrame, pairs: list[CopyPair], column: str = "") -> str:
    """How many pairs, between which values of a column where these are many, and the first by name."""
    most = NAMED_CROSSING if column else NAMED
    names = [f"{clip} ({value})" for clip, value in clips[column].items()] if column else list(clips.index)
    ordered = [pair if names[pair.one] <= names[pair.other] else pair.reversed() for pair in pairs]
    told = sorted(f"{names[pair.one]} ~ {names[pair.other]}{_change(pair)}" for pair in ordered)
    n_pairs = number_of(len(told), "pair")
    if len(told) <= most:
        return f"{n_pairs}: {'; '.join(told)}"
    if not column:
        return f"{n_pairs}: {'; '.join(told[:most])} and {len(told) - most} more"
    values = clips[column].astype(str).to_numpy()
    between = Counter(" ~ ".join(sorted((values[pair.one], values[pair.other]))) for pair in pairs)
    shown = ", ".join(f"{values} {n}" for values, n in between.most_common(NAMED_BETWEEN))
    more = f" and {len(between) - NAMED_BETWEEN} more" if len(between) > NAMED_BETWEEN else ""
    n_clips = len({place for pair in pairs for place in pair[:2]})
    return f"{n_pairs} of {n_clips:,} of {number_of(len(clips), 'clip')}, between {shown}{more}; the first: {'; '.join(told[:NAMED])}"
