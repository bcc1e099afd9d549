"""Which clips may be copies of which, by their fingerprints: candidates first, then a close look at each.

In:   fingerprints of clips, and which pairs of them to ask about.
Out:  pairs with the tempo and pitch of one against the other, and how steady both are.
Rule: two takes of a sentence may look alike, but nobody speaks one twice with the same timing and melody. So what decides is not how
      alike two pictures are but whether one time shift, one tempo and one pitch carry the one into the other from window to window.
      Two speakers' takes differ more than one speaker's: between speakers windows may lie further off, if they are alike where they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ser_bench.analyses.audits.fingerprint import BANDS, VARIANTS, Fingerprint, variant_maps

QUERIED = 6
"""Peaks of a clip that are looked up, the highest ones."""
BEST = 3
"""Of these, so many count: an excerpt has some, a joined clip has strangers."""
RESEMBLING = 0.55
"""Mean cosine of the vectors' best from which a pair is looked at closely."""
NEAREST = 3
"""So many clips that a clip resembles most are looked at closely, of its own voice and of others."""
SHRINKAGE = 0.1
WINDOW, STEP, REACH = 25, 5, 5
"""Frames in a window, from one to the next, and by which it is shifted to where it fits best."""
PITCHES = np.arange(-2, 3) / 2
"""Semitones by which it is shifted."""
LIVE = 0.6
FEWEST, ENOUGH = 5, 10
"""Windows below which nothing is said, 0.7 s of speech, and below which none may lie further off, 1.1 s."""
STEADY_FRAMES, STEADY_SEMITONES = 0.5, 0.2
SAME_SPEED, SAME_PITCH = 0.015, 0.2
LEAST_SPEED, LEAST_SEMITONES = 0.035, 0.6
"""Two takes of one sentence often differ by less than these, so that nothing smaller is taken for a change."""
FURTHEST_SPEED, FURTHEST_SEMITONES = 1.13, 2.4
LEAST_ALIKE, LEAST_STEADY = 0.6, 0.75
"""Median correlation of windows, and share of steady ones, from which a pair may be a copy."""
HOPELESS, HARDLY = 0.55, 0.35
"""Median correlation, and share of near windows, at the first of three looks, below which there is no other."""
NEAR_FRAMES, NEAR_SEMITONES = 2.0, 0.4
"""How far a phase vocoder moves windows of a copy."""
SMOOTHED = 17
"""Frames over which pictures are smoothed, as a phase vocoder smooths them."""
ANOTHER_SPEED, ANOTHER_PITCH = 0.035, 0.3
ANOTHER_FURTHEST, LEAST_NEAR = 1.15, 0.65
ALONG, ALONG_UNCHANGED = 0.86, 0.8
"""Between two voices: median correlation of smoothed windows from which a changed and an unchanged copy are named."""


class Candidate(NamedTuple):
    """Two clips worth a close look: about which tempo and pitch the one has against the other, and a frame of each that belong together."""

    one: int
    other: int
    speed: float
    semitones: float
    peak: int
    other_peak: int

    def reversed(self) -> Candidate:
        """The same of the other."""
        return Candidate(self.other, self.one, 1 / self.speed, -self.semitones, self.other_peak, self.peak)


class Match(NamedTuple):
    """One clip against another.

    Parameters
    ----------
    speed, semitones : float
        Tempo and pitch of the one against the other.
    alike : float
        Median correlation of windows.
    steady : float
        Share of windows that lie within half a frame and a fifth of a semitone of one straight line.
    windows : int
    near, firm : float
        Shares of windows that lie within two frames, and within half a frame, of the line, and within 0.4 semitones.
    along : float
        Median correlation of smoothed windows, all on the line; 0 where it was not looked at.
    """

    speed: float
    semitones: float
    alike: float
    steady: float
    windows: int
    near: float = 0.0
    firm: float = 0.0
    along: float = 0.0

    @property
    def unchanged(self) -> bool:
        """Whether tempo and pitch are the same."""
        return abs(self.speed - 1) < SAME_SPEED and abs(self.semitones) < SAME_PITCH

    @property
    def resampled(self) -> bool:
        """Whether tempo and pitch go together, as in what is played faster."""
        return bool(abs(self.semitones - 12 * np.log2(self.speed)) < SAME_PITCH)

    @property
    def copy(self) -> bool:
        """Whether one may be a copy of the other: unchanged, or clearly resampled, shifted or stretched, but in one of these ways only."""
        tempo, pitch = abs(self.speed - 1), abs(self.semitones)
        clearly = tempo > LEAST_SPEED or pitch > LEAST_SEMITONES
        one_way = clearly and (self.resampled or pitch < SAME_PITCH or tempo < SAME_SPEED)
        small = pitch < FURTHEST_SEMITONES and abs(np.log(self.speed)) < np.log(FURTHEST_SPEED)
        certain = self.windows >= FEWEST and self.alike >= LEAST_ALIKE and self.steady >= LEAST_STEADY
        return bool((self.unchanged or one_way) and small and certain)

    @property
    def copy_across(self) -> bool:
        """Whether one may be a copy of the other, given that they are said to be of two voices."""
        tempo, pitch = abs(self.speed - 1), abs(self.semitones)
        one_way = self.resampled or pitch < ANOTHER_PITCH or tempo < ANOTHER_SPEED
        small = pitch < FURTHEST_SEMITONES and abs(np.log(self.speed)) < np.log(ANOTHER_FURTHEST)
        near = one_way and small and self.windows >= ENOUGH and self.near >= LEAST_NEAR
        kept = self.unchanged and self.windows >= FEWEST and self.firm >= LEAST_NEAR
        return bool(((near or self.copy) and self.along >= ALONG) or (kept and self.along >= ALONG_UNCHANGED))


def candidates(
    prints: Sequence[Fingerprint], against: Callable[[int], Sequence[np.ndarray]], asked: Sequence[int] | None = None
) -> list[Candidate]:
    """Pairs of clips that resemble each other, at any of the speeds and pitches tried.

    Parameters
    ----------
    prints : sequence of Fingerprint
    against : callable
        For the place of a clip, which groups of clips it is compared with, each bool, shape (n_clips,): the nearest of each are candidates.
    asked : sequence of int, optional
        The clips to be looked up; all without.

    Returns
    -------
    list of Candidate
        Each pair once, for the direction in which it resembles more.
    """
    first = np.r_[0, np.cumsum([len(one.peaks) for one in prints])]
    whiten = _whitening(np.concatenate([one.vectors for one in prints]))
    known = whiten(np.concatenate([one.vectors for one in prints]))
    found: dict[tuple[int, int], tuple[float, int, int]] = {}
    for place in range(len(prints)) if asked is None else asked:
        top = np.argsort(-prints[place].heights, kind="stable")[:QUERIED]
        alike, variant = _best_variants(prints[place].vectors[top], known, first[:-1], whiten)
        alike[place] = -1
        for group in against(place):
            for other in np.argsort(-np.where(group, alike, -1), kind="stable")[:NEAREST].tolist():
                pair = (min(place, other), max(place, other))
                if group[other] and alike[other] >= max(RESEMBLING, found.get(pair, (0.0,))[0]):
                    found[pair] = (float(alike[other]), place, int(variant[other]))
    result = []
    for pair, (_, one, number) in sorted(found.items()):
        other = pair[0] + pair[1] - one
        mine = whiten(prints[one].vectors @ variant_maps()[number])
        peaks = _anchored(prints[one], prints[other], number, mine @ known[first[other] : first[other + 1]].T)
        candidate = Candidate(one, other, *VARIANTS[number], *peaks)
        # What was joined, or is noisy, has more that counts as speech: it is asked where the other's windows lie in it.
        result.append(candidate.reversed() if prints[one].live.sum() > prints[other].live.sum() else candidate)
    return result


def verify(one: Fingerprint, other: Fingerprint, candidate: Candidate) -> Match:
    """Look closely: fit a line through where each window of the one lies in the other, and say how steady they lie on it."""
    match = _looked_at(one, other, candidate)
    if match.near >= LEAST_NEAR or candidate.speed == 1 or candidate.semitones == 0:
        return match
    # What resembles a resampled copy most may be a shifted one.
    return max(match, _looked_at(one, other, candidate._replace(speed=1.0)), key=lambda match: match.near)


def _looked_at(one: Fingerprint, other: Fingerprint, candidate: Candidate) -> Match:
    speed, semitones = candidate.speed, candidate.semitones
    mine, theirs = (np.pad(p.picture.astype(np.float32), ((0, max(0, WINDOW - len(p.picture))), (0, 0)), mode="edge") for p in (one, other))
    starts = np.arange(0, len(mine) - WINDOW + 1, STEP)
    live = np.array([one.live[start : start + WINDOW].mean() for start in starts]) > LIVE
    lag = candidate.other_peak - speed * candidate.peak
    match = Match(speed, semitones, 0.0, 0.0, 0)
    for look in range(3):
        begin, end = speed * starts + lag, speed * (starts + WINDOW - 1) + lag
        used = starts[live & (begin >= -2) & (end <= len(theirs) + 1)]
        if not len(used):
            return match
        alike, shifts, pitches = _fits(mine, theirs, used, speed, lag, semitones)
        centres = used + WINDOW / 2
        slope = _slope(centres, shifts)
        level, pitch = np.median(shifts - slope * centres), np.median(pitches)
        off, wrong = np.abs(shifts - slope * centres - level), np.abs(pitches - pitch)
        # A frame of the one, t, lies at speed * (t + level + slope * t) + lag of the other.
        lag, speed, semitones = lag + speed * level, speed * (1 + slope), semitones + pitch
        match = Match(float(speed), float(semitones), float(np.median(alike)), *_shares(off, wrong))
        if look == 0 and (match.alike < HOPELESS or match.near < HARDLY):
            return match
    if match.near < LEAST_NEAR:
        return match
    there = _higher(_at_times(theirs, speed * np.arange(len(mine)) + lag), np.array([semitones]))[:, 0]
    return match._replace(along=_along(mine, there, used))


def _shares(off: np.ndarray, wrong: np.ndarray) -> tuple[float, int, float, float]:
    """Of windows so many frames and semitones off: the share of steady ones, their number, and the shares of near and of firm ones."""
    steady = (off < STEADY_FRAMES) & (wrong < STEADY_SEMITONES)
    near, firm = ((off < frames) & (wrong < NEAR_SEMITONES) for frames in (NEAR_FRAMES, STEADY_FRAMES))
    return float(steady.mean()), len(off), float(near.mean()), float(firm.mean())


def _along(mine: np.ndarray, theirs: np.ndarray, starts: np.ndarray) -> float:
    """The median correlation of windows of two smoothed pictures, from which the means over time and over bands are taken off."""
    bell = np.hanning(SMOOTHED + 2)[1:-1]
    size = len(mine) + SMOOTHED - 1
    padded = (np.pad(picture, ((SMOOTHED // 2, SMOOTHED // 2), (0, 0)), mode="edge") for picture in (mine, theirs))
    spectra = (np.fft.rfft(picture, size, axis=0) * np.fft.rfft(bell / bell.sum(), size)[:, None] for picture in padded)
    smooth = (np.fft.irfft(spectrum, size, axis=0)[SMOOTHED - 1 :] for spectrum in spectra)
    one, other = (np.stack([picture[start : start + WINDOW] for start in starts]) for picture in smooth)
    one, other = (cut - cut.mean(1, keepdims=True) - cut.mean(2, keepdims=True) + cut.mean((1, 2), keepdims=True) for cut in (one, other))
    return float(np.median((one * other).sum((1, 2)) / np.sqrt(np.maximum((one**2).sum((1, 2)) * (other**2).sum((1, 2)), 1e-9))))


def _whitening(vectors: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What makes vectors of length one, in which differences count that are rare among these: the same words are said by many."""
    mean = vectors.mean(0)
    values, directions = np.linalg.eigh(np.cov((vectors - mean).T) if len(vectors) > 1 else np.eye(vectors.shape[1]))
    scale = (directions / np.sqrt(values + SHRINKAGE * values.mean() + 1e-9)).astype(np.float32)

    def whiten(vectors: np.ndarray) -> np.ndarray:
        whitened = (vectors - mean) @ scale
        return whitened / np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), 1e-6)

    return whiten


def _best_variants(
    vectors: np.ndarray, known: np.ndarray, first: np.ndarray, whiten: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """How much each clip resembles these vectors at best, and with which of `VARIANTS`, shape (n_clips,) each."""
    queries = whiten(np.concatenate([vectors @ change for change in variant_maps()]))
    nearest = np.maximum.reduceat(queries @ known.T, first, axis=1).reshape(len(VARIANTS), len(vectors), -1)
    best = np.sort(nearest, axis=1)[:, -BEST:].mean(1)
    return best.max(0), best.argmax(0)


def _anchored(one: Fingerprint, other: Fingerprint, variant: int, alike: np.ndarray) -> tuple[int, int]:
    """The two peaks, one of each, whose time shift most others agree with."""
    lags = other.peaks - VARIANTS[variant][0] * one.peaks[:, None]
    best = (-1.0, 0, 0)
    for place in np.argsort(-alike, axis=None, kind="stable")[:4].tolist():
        mine, theirs = divmod(place, alike.shape[1])
        near = np.abs(lags - lags[mine, theirs]) <= 4 + 0.03 * np.abs(one.peaks - one.peaks[mine])[:, None]
        agreeing = float(np.where(near, alike, 0).max(1).sum())
        best = max(best, (agreeing, int(one.peaks[mine]), int(other.peaks[theirs])))
    return best[1:]


def _fits(
    mine: np.ndarray, theirs: np.ndarray, starts: np.ndarray, speed: float, lag: float, semitones: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each window its highest correlation, and the frames and semitones by which it is shifted there: arrays of shape (n_windows,)."""
    moved = _at_times(theirs, speed * np.arange(-REACH, len(mine) + REACH) + lag)
    # What is linear in a picture's bands is the same of sums over windows.
    warped, sums = (_higher(values, semitones + PITCHES) for values in (moved, _over_windows(moved)))
    own, own_sums = mine[:, None], _over_windows(mine)[:, None]
    lengths = _lengths(own, own_sums)[starts, :, None] * _shifted(_lengths(warped, sums))[starts]
    # Neighbouring windows share frames, so each frame is compared once with those that it may lie on. Without its means a window's
    # products with another do not see the other's, which need not be taken off.
    products = _over_windows((own[:, None] @ _shifted(warped))[:, :, 0])[starts]
    fit = ((products - (own_sums[starts, None] @ _shifted(sums)[starts])[:, :, 0] / WINDOW) / lengths).astype(np.float32)
    rows, columns = np.unravel_index(fit.reshape(len(starts), -1).argmax(1), fit.shape[1:])
    each = np.arange(len(starts))
    shifts = _summit(fit[each, rows], columns) - REACH
    return fit[each, rows, columns], shifts, PITCHES[0] + _summit(fit[each, :, columns], rows) * (PITCHES[1] - PITCHES[0])


def _shifted(values: np.ndarray) -> np.ndarray:
    """What stands at each of the shifts from each frame on, along a last axis of its own: shape (n_frames, ..., 11)."""
    return np.lib.stride_tricks.sliding_window_view(values, 2 * REACH + 1, axis=0)


def _lengths(pictures: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """For the window that begins at each frame, its length as a vector that has no mean in any band, shape (n_windows, n_pictures)."""
    squares, of_sums = (np.einsum("fpb,fpb->fp", values, values) for values in (pictures, sums))
    return np.asarray(np.sqrt(np.maximum(_over_windows(squares) - of_sums / WINDOW, 1e-6)))


def _over_windows(values: np.ndarray) -> np.ndarray:
    """The sum over the window that begins at each frame."""
    sums = np.cumsum(values, 0, float)
    return sums[WINDOW - 1 :] - np.concatenate([np.zeros_like(sums[:1]), sums[:-WINDOW]])


def _at_times(picture: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A picture at these frames, linearly interpolated; beyond the edges as at them."""
    times = np.clip(times, 0, len(picture) - 1)
    before = np.minimum(times.astype(int), len(picture) - 2)
    part = (times - before)[:, None].astype(np.float32)
    return picture[before] * (1 - part) + picture[before + 1] * part


def _higher(picture: np.ndarray, semitones: np.ndarray) -> np.ndarray:
    """A picture so many semitones higher, linearly interpolated; beyond the edges as at them: shape (n_frames, n_semitones, 60)."""
    edged = np.pad(picture, ((0, 0), (BANDS, BANDS)), mode="edge")
    moved = np.empty((len(picture), len(semitones), BANDS), picture.dtype)
    for place, down in enumerate(np.clip(-semitones, 1 - BANDS, BANDS - 1)):
        first = BANDS + int(np.floor(down))
        part = picture.dtype.type(down - np.floor(down))
        moved[:, place] = edged[:, first : first + BANDS] * (1 - part) + edged[:, first + 1 : first + 1 + BANDS] * part
    return moved


def _summit(heights: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Where a parabola through the highest and its two neighbours is highest, row by row."""
    at = np.clip(highest, 1, heights.shape[1] - 2)
    left, middle, right = (np.take_along_axis(heights, at[:, None] + side, axis=1)[:, 0] for side in (-1, 0, 1))
    bend = left - 2 * middle + right
    return at + np.where(bend < 0, np.clip((left - right) / np.where(bend < 0, 2 * bend, 1), -0.5, 0.5), 0)


def _slope(times: np.ndarray, values: np.ndarray) -> float:
    """The median slope over pairs of windows that do not share much (Theil and Sen), at most 4%; 0 for too few."""
    one, other = np.triu_indices(len(times), 1)
    apart = times[other] - times[one] >= 3 * STEP
    slopes = (values[other] - values[one])[apart] / (times[other] - times[one])[apart]
    return float(np.clip(np.median(slopes), -0.04, 0.04)) if len(slopes) else 0.0
