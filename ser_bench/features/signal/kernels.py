"""The loops that are worth compiling: what a clip's frames tell, found in few passes over memory.

In:   samples, or power spectra: one row per frame, or 64 frames side by side ("lanes"), shape (n_blocks, n_bins, LANES).
Out:  arrays that the caller brings, written to.
Rule: sums run along a row; what would branch on the sound, or reads few bins at a time, runs along the lanes, where one
      instruction serves many frames. numba compiles at the first call and keeps the machine code on disk. This room is
      imported by whoever measures, not by whoever lists what could be measured. Arrays are filled and copied by plain loops, as
      slices take several times as long to compile.
"""

from __future__ import annotations

from math import exp, log
from typing import TypeAlias

import numpy as np

from ser_bench.utils.compiling import import_numba

import_numba()
from numba import njit  # noqa: E402  (its cache has a place by now)

Array: TypeAlias = np.ndarray
LANES = 64
TILE = 16
QUIET = np.float32(1e-10)
"""Below it, power counts as this and a sample as not negative: librosa's `amin` and zero-crossing threshold."""

# Sums may be taken in any order, but infinities and NaN are kept: they tell of a clip that cannot be measured.
compiled = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


@compiled
def window_frames(samples: Array, window: Array, hop: int, begin: int, framed: Array, rms: Array, crossings: Array) -> None:
    """Centred frames, windowed, with the root mean square and the share of sign changes of each.

    Parameters
    ----------
    samples : array of float32, shape (n,)
    window : array of float64, shape (frame,)
    hop, begin : int
        Samples from frame to frame, and the number of the first frame.
    framed : array of float64, shape (n_frames, frame)
        Written: samples times window, zeros beyond both ends.
    rms, crossings : array of float32, shape (n_frames,)
        Written. A frame's first sample has no predecessor in it.
    """
    n, frame = len(samples), framed.shape[1]
    for t in range(framed.shape[0]):
        start = (begin + t) * hop - frame // 2
        first, last = max(0, -start), max(0, min(frame, n - start))
        row = framed[t]
        for i in range(first):
            row[i] = 0
        for i in range(last, frame):
            row[i] = 0
        heard = samples[start + first : start + last]
        squares = 0.0
        for i in range(len(heard)):
            x = np.float64(heard[i])
            squares += x * x
            row[first + i] = x * window[first + i]
        changes = np.int32(0)
        for i in range(1, len(heard)):
            changes += np.int32((heard[i] < -QUIET) != (heard[i - 1] < -QUIET))
        rms[t] = np.sqrt(squares / frame)
        crossings[t] = changes / frame


@compiled
def power_of(spectra: Array, power: Array) -> None:
    """Squared magnitudes, in single precision.

    Parameters
    ----------
    spectra : array of complex128, shape (n_frames, n_bins)
    power : array of float32, shape (n_frames, n_bins)
        Written.
    """
    for t in range(spectra.shape[0]):
        for k in range(spectra.shape[1]):
            re, im = np.float32(spectra[t, k].real), np.float32(spectra[t, k].imag)
            power[t, k] = re * re + im * im


@compiled
def shape(power: Array, share: float, sums: Array, reached: Array, flat: Array) -> None:
    """Moments, roll-off and flatness of every frame.

    Parameters
    ----------
    power : array of float32, shape (n_frames, n_bins)
    share : float
        Of the summed magnitudes, that the roll-off reaches.
    sums : array of float64, shape (3, n_frames)
        Written: magnitude, magnitude times bin, magnitude times bin squared, each summed in double precision, since
        bandwidth is a small difference of them.
    reached : array of int64, shape (n_frames,)
        Written: the first bin at which the summed magnitudes reach the share.
    flat : array of float32, shape (n_frames,)
        Written: geometric over arithmetic mean of power.
    """
    n_frames, n_bins = power.shape
    bins = np.empty(n_bins)
    for k in range(n_bins):
        bins[k] = k
    magnitudes, scratch = np.empty(n_bins, np.float32), np.empty(n_bins, np.float32)
    for t in range(n_frames):
        zeroth = first = second = 0.0
        for k in range(n_bins):
            magnitudes[k] = np.sqrt(power[t, k])
        for k in range(n_bins):
            magnitude = np.float64(magnitudes[k])
            zeroth += magnitude
            first += magnitude * bins[k]
            second += magnitude * bins[k] * bins[k]
        sums[0, t], sums[1, t], sums[2, t] = zeroth, first, second
        reached[t] = _first_bin_at(magnitudes, share * zeroth)
        flat[t] = _flatness(power[t], scratch)


@compiled
def _first_bin_at(magnitudes: Array, goal: float) -> int:
    below, k, step = 0.0, 0, 32
    while k + step < len(magnitudes):
        ahead = 0.0
        for i in range(k, k + step):
            ahead += np.float64(magnitudes[i])
        if below + ahead >= goal:
            break
        below += ahead
        k += step
    below += magnitudes[k]
    while below < goal and k < len(magnitudes) - 1:
        k += 1
        below += magnitudes[k]
    return k


@compiled
def _flatness(power: Array, scratch: Array) -> float:
    # The logarithm of a product: exponents are added, and mantissas (1 to 2) multiplied, 512 at a time.
    n, bits = len(power), scratch.view(np.int32)
    total, exponents, logarithm = 0.0, 0, 0.0
    for k in range(n):
        scratch[k] = max(power[k], QUIET)
        total += np.float64(scratch[k])
    for k in range(n):
        exponents += (bits[k] >> 23) - 127
    for k in range(n):
        bits[k] = (bits[k] & 0x7FFFFF) | 0x3F800000
    for begin in range(0, n, 512):
        product = 1.0
        for k in range(begin, min(begin + 512, n)):
            product *= np.float64(scratch[k])
        logarithm += log(product)
    return exp((logarithm + exponents * log(2.0)) / n) / (total / n)


@compiled
def side_by_side(power: Array, lanes: Array) -> None:
    """Frames side by side; lanes beyond the last frame are zero.

    Parameters
    ----------
    power : array of float32, shape (n_frames, n_bins)
    lanes : array of float32, shape (n_blocks, n_bins, LANES)
        Written.
    """
    n_frames, n_bins = power.shape
    for first in range(0, lanes.shape[0] * LANES, TILE):
        block, lane = first // LANES, first % LANES
        for k in range(n_bins):
            for i in range(TILE):
                lanes[block, k, lane + i] = power[first + i, k] if first + i < n_frames else np.float32(0)


@compiled
def extremes(power: Array, first: int, last: int, count: int, high: Array, low: Array) -> None:
    """Mean of the `count` largest and of the `count` smallest magnitudes of a band.

    Each value sinks through the few that are kept in order: a minimum and a maximum a step, whatever the sound.

    Parameters
    ----------
    power : array of float32, shape (n_blocks, n_bins, n_lanes)
    first, last, count : int
        The band's first bin, the bin after its last, and how many are averaged.
    high, low : array of float32, shape (n_blocks, n_lanes)
        Written.
    """
    n_lanes = power.shape[2]
    largest, smallest = np.empty((count, n_lanes), np.float32), np.empty((count, n_lanes), np.float32)
    sinking = np.empty(n_lanes, np.float32)
    for block in range(power.shape[0]):
        for place in range(count):
            for lane in range(n_lanes):
                largest[place, lane], smallest[place, lane] = 0, np.inf
        for k in range(first, last):
            for lane in range(n_lanes):
                sinking[lane] = power[block, k, lane]
            for place in range(count):
                kept = largest[place]
                for lane in range(n_lanes):
                    kept[lane], sinking[lane] = max(kept[lane], sinking[lane]), min(kept[lane], sinking[lane])
            for lane in range(n_lanes):
                sinking[lane] = power[block, k, lane]
            for place in range(count):
                kept = smallest[place]
                for lane in range(n_lanes):
                    kept[lane], sinking[lane] = min(kept[lane], sinking[lane]), max(kept[lane], sinking[lane])
        _mean_root(largest, high[block])
        _mean_root(smallest, low[block])


@compiled
def _mean_root(kept: Array, mean: Array) -> None:
    for lane in range(len(mean)):
        mean[lane] = 0
    for place in range(len(kept)):
        for lane in range(len(mean)):
            mean[lane] += np.sqrt(kept[place, lane]) / len(kept)


@compiled
def filter_bank(power: Array, first: Array, width: Array, weights: Array, energy: Array) -> None:
    """Energy within filters, each of which spans a few neighbouring bins.

    Parameters
    ----------
    power : array of float32, shape (n_blocks, n_bins, n_lanes)
    first, width : array of int64, shape (n_filters,)
        The first bin of each filter, and how many it spans.
    weights : array of float32, shape (n_filters, max(width))
    energy : array of float32, shape (n_filters, n_blocks, n_lanes)
        Written.
    """
    n_lanes = power.shape[2]
    total = np.empty(n_lanes, np.float32)
    for block in range(power.shape[0]):
        for f in range(len(first)):
            for lane in range(n_lanes):
                total[lane] = 0
            for i in range(width[f]):
                weight, row = weights[f, i], power[block, first[f] + i]
                for lane in range(n_lanes):
                    total[lane] += weight * row[lane]
            for lane in range(n_lanes):
                energy[f, block, lane] = total[lane]


@compiled
def spectral_peaks(power: Array, low: int, high: int, floor: Array, bins: Array, heights: Array) -> int:
    """Local maxima of the spectrum above a frame's floor, placed between bins by a parabola.

    Parameters
    ----------
    power : array of float32, shape (n_frames, n_bins)
    low, high : int
        The first bin that is looked at, and the one after the last.
    floor : array of float32, shape (n_frames,)
    bins, heights : array of float32, shape (n_frames * ((high - low) // 2 + 1),)
        Written: fractional bins, and power there.

    Returns
    -------
    int
        How many were found.
    """
    found = 0
    half = np.float32(0.5)
    peaks = np.empty(high - low, np.bool_)
    for t in range(power.shape[0]):
        row = power[t]
        for k in range(low, high):
            peaks[k - low] = (row[k] > floor[t]) & (row[k] > row[k - 1]) & (row[k] >= row[k + 1])
        for k in range(low, high):
            if peaks[k - low]:
                before, here, after = row[k - 1], row[k], row[k + 1]
                rise, bend = (after - before) * half, before + after - here - here
                shift = -rise / bend if abs(rise) < abs(bend) else np.float32(0)
                bins[found] = k + shift
                heights[found] = here + half * rise * shift
                found += 1
    return found


@compiled
def central_moments(tracks: Array, time: Array, out: Array) -> None:
    """Mean and central moments of tracks, and their least-squares slope.

    Parameters
    ----------
    tracks : array of float32, shape (n_tracks, n_frames)
    time : array of float64, shape (n_frames,)
        Of mean zero.
    out : array of float64, shape (5, n_tracks)
        Written: mean, second, third and fourth central moment, slope.
    """
    n = tracks.shape[1]
    span = 0.0
    for t in range(n):
        span += time[t] * time[t]
    for row in range(tracks.shape[0]):
        total = 0.0
        for t in range(n):
            total += np.float64(tracks[row, t])
        mean = total / n
        second = third = fourth = along = 0.0
        for t in range(n):
            x = np.float64(tracks[row, t]) - mean
            second += x * x
            third += x * x * x
            fourth += x * x * x * x
            along += x * time[t]
        out[0, row], out[1, row], out[2, row], out[3, row] = mean, second / n, third / n, fourth / n
        out[4, row] = along / span if span > 0 else 0.0


@compiled
def yin(framed: Array, correlation: Array, shortest: int, longest: int, threshold: float, period: Array, aperiodicity: Array) -> None:
    """The period of each frame (de Cheveigné & Kawahara 2002, equations 7 and 8, and the steps after them).

    Parameters
    ----------
    framed : array of float64, shape (n_frames, frame)
    correlation : array of float64, shape (n_frames, longest + 1)
        Autocorrelation of each frame, beyond whose ends is silence.
    shortest, longest : int
        Periods that are looked at, in samples.
    threshold : float
        The first trough below it is the period, else the lowest value.
    period, aperiodicity : array of float64, shape (n_frames,)
        Written: samples, placed between them by a parabola; and 1 less the correlation of the frame with itself a period later.
    """
    n = longest - shortest + 1
    normalised = np.empty(n)
    for t in range(framed.shape[0]):
        energy = total = 0.0
        for lag in range(1, longest + 1):
            energy += framed[t, lag - 1] ** 2
            difference = 2 * (correlation[t, 0] - correlation[t, lag]) - energy
            total += difference
            if lag >= shortest:
                normalised[lag - shortest] = difference * lag / total if total > 0 else 1.0
        found = -1
        for i in range(n):
            before = normalised[i - 1] if i > 0 else np.inf
            after = normalised[i + 1] if i < n - 1 else np.inf
            if normalised[i] < threshold and normalised[i] < before and normalised[i] <= after:
                found = i
                break
        if found < 0:
            found = 0
            for i in range(1, n):
                if normalised[i] < normalised[found]:
                    found = i
        shift = 0.0
        if 0 < found < n - 1:
            rise = (normalised[found + 1] - normalised[found - 1]) / 2
            bend = normalised[found + 1] + normalised[found - 1] - 2 * normalised[found]
            shift = -rise / bend if abs(rise) < abs(bend) else 0.0
        period[t] = shortest + found + shift
        aperiodicity[t] = 1 - _correlation_at(framed[t], correlation[t, shortest + found], shortest + found)


@compiled
def _correlation_at(frame: Array, product: float, lag: int) -> float:
    earlier = later = 0.0
    for i in range(len(frame) - lag):
        earlier += frame[i] ** 2
        later += frame[i + lag] ** 2
    return product / np.sqrt(earlier * later) if earlier * later > 0 else 0.0
