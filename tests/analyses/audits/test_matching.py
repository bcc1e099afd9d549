"""Fingerprints find what was resampled, shifted or cut, and leave apart what only sounds alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ser_bench.analyses.audits.fingerprint import RATE, VARIANTS, Fingerprint, fingerprint, variant_maps
from ser_bench.analyses.audits.matching import Match, candidates, verify
from ser_bench.analyses.audits.near_duplicates import groups, same_recording
from ser_bench.audio import read_clip, resample


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As with one job: threads wait for each other where other tests run beside these."""
    with threadpool_limits(1):
        yield


def utterance(seed: int, seconds: float = 2.0) -> np.ndarray:
    """Harmonics of a wandering pitch under wandering formants, syllable by syllable."""
    chance = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    knots = np.arange(0, seconds + 0.3, 0.1)

    def course(low: float, high: float) -> np.ndarray:
        return np.interp(times, knots, chance.uniform(low, high, len(knots)))

    pitch, first, second, level = course(110, 190), course(300, 900), course(1000, 2400), course(-3, 0)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(
        np.sin(order * phase) * (np.exp(-(((order * pitch - first) / 150) ** 2)) + 0.5 * np.exp(-(((order * pitch - second) / 250) ** 2)))
        for order in range(1, 25)
    )
    return (10**level * sound).astype(np.float32)


@pytest.fixture(scope="module")
def prints() -> list[Fingerprint]:
    return [fingerprint(utterance(seed)) for seed in range(12)]


def found(prints: list[Fingerprint], copy: np.ndarray) -> dict[int, Match]:
    """The clips of which this may be a copy, each with how."""
    everything = [*prints, fingerprint(copy)]
    last = len(prints)
    looked = candidates(everything, lambda place: [np.arange(last + 1) != place])
    matches = {c.one + c.other - last: verify(everything[c.one], everything[c.other], c) for c in looked if last in c[:2]}
    return {place: match for place, match in matches.items() if match.copy}


@pytest.mark.parametrize("speed", [0.9, 0.94, 1.0, 1.06, 1.1])
def test_a_clip_is_found_at_another_speed(prints, speed):
    matches = found(prints, 0.1 * resample(utterance(3), RATE * speed, RATE))
    assert list(matches) == [3]
    tempo = matches[3].speed
    assert min(abs(tempo - speed), abs(1 / tempo - speed)) < 0.02


def test_both_parts_of_a_joined_clip_are_found(prints):
    assert sorted(found(prints, np.concatenate([utterance(3), np.zeros(RATE // 5, np.float32), 0.2 * utterance(5)]))) == [3, 5]


def test_a_clip_is_found_though_it_was_joined_with_one_that_is_much_louder(prints):
    assert sorted(found(prints, np.concatenate([0.04 * utterance(3), np.zeros(RATE, np.float32), utterance(5)]))) == [3, 5]


def test_a_voice_s_own_takes_do_not_crowd_out_another_s_copy():
    takes = [fingerprint(utterance(3) + np.random.default_rng(n).normal(0, 0.001, 2 * RATE)) for n in range(5)]
    everything = [*takes, fingerprint(resample(utterance(3), RATE * 1.05, RATE)), *(fingerprint(utterance(seed)) for seed in range(10, 16))]
    voices = np.repeat([0, 1], [5, 7])
    assert {0, 5} in [{c.one, c.other} for c in candidates(everything, groups(np.arange(12), voices), asked=[0])]


def test_other_utterances_are_not_found(prints):
    assert found(prints, utterance(99)) == {}


def test_a_clip_too_faint_for_its_power_to_be_written_has_the_fingerprint_of_a_loud_one():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    loud, faint = fingerprint(noise), fingerprint(noise * np.float32(2**-100))
    np.testing.assert_array_equal(faint.peaks, loud.peaks)
    np.testing.assert_array_equal(faint.vectors, loud.vectors)


def test_a_clip_in_which_nothing_is_left_to_hear_has_a_peak_and_is_not_live():
    nothing = fingerprint(np.zeros(RATE, np.float32))
    assert len(nothing.peaks)
    assert not nothing.live.any()


def test_level_and_silence_around_leave_the_vectors_alone():
    one, other = (fingerprint(np.pad(gain * utterance(1), 128 * frames)) for gain, frames in ((1.0, 40), (0.01, 60)))
    np.testing.assert_allclose(other.vectors, one.vectors, atol=0.2 * np.abs(one.vectors).max())
    assert (other.peaks - one.peaks == 20).all()


@pytest.mark.parametrize("variant", range(1, len(VARIANTS)))
def test_maps_take_a_copy_s_vectors_towards_the_original_s(variant):
    # Of a smooth picture the map is nearly exact, so it is compared with what a changed picture gives.
    speed, semitones = VARIANTS[variant]
    original, changed = smooth(1.0, 0.0), smooth(speed, semitones)
    mapped = changed @ variant_maps()[variant]
    assert np.linalg.norm(mapped - original) < 0.7 * np.linalg.norm(changed - original)


def smooth(speed: float, semitones: float) -> np.ndarray:
    """The vector of a smooth bump in time and bands, so much faster and higher."""
    from ser_bench.analyses.audits import fingerprint as own

    times, bands = own._places()
    in_time, over_bands = own._bases()
    picture = np.outer(np.exp(-((times * speed / 0.15) ** 2)), np.exp(-(((bands - semitones / own.BANDS) / 0.2) ** 2)))
    return (in_time.T @ picture @ over_bands).ravel()


def test_an_utterance_too_short_to_tell_is_no_copy():
    assert not Match(1.0, 0.0, 1.0, 1.0, 2).copy


@pytest.mark.parametrize(
    ("speed", "semitones", "copy"),
    [(1.1, 1.65, True), (1.1, 0, True), (1, -2, True), (0.92, 1.3, False), (1.3, 0, False), (0.99, 0.4, False)],
)
def test_what_was_changed_in_two_ways_is_no_copy(speed, semitones, copy):
    assert Match(speed, semitones, 0.9, 0.9, 20).copy == copy


@pytest.mark.parametrize(
    ("change", "copy"),
    [
        ({}, True),
        ({"along": 0.82}, False),
        ({"near": 0.6}, False),
        ({"windows": 8}, False),
        ({"speed": 1.08}, False),
        ({"speed": 1.3}, False),
    ],
)
def test_windows_may_lie_further_off_between_two_voices_where_they_are_alike(change, copy):
    shifted = Match(1.02, -1.9, alike=0.75, steady=0.4, windows=20, near=0.9, firm=0.5, along=0.9)._replace(**change)
    assert shifted.copy_across == copy
    assert not shifted.copy


def test_steady_windows_that_are_not_alike_make_no_copy_between_two_voices():
    like = Match(1.0, 0.0, alike=0.7, steady=0.9, windows=12, near=1.0, firm=1.0, along=0.62)
    assert like.copy
    assert not like.copy_across


def test_a_phase_vocoder_s_copy_of_real_speech_is_found_under_another_speaker(real_corpora):
    from librosa.effects import pitch_shift, time_stretch

    clips = [read_clip(path) for path in sorted((real_corpora / "emodb" / "wav").glob("03*.wav"))[:12]]
    changed = [pitch_shift(clips[2].samples, sr=clips[2].rate, n_steps=1), time_stretch(clips[6].samples, rate=0.9)]
    copies = [fingerprint(resample(samples, clips[2].rate, RATE)) for samples in changed]
    everything = [*(fingerprint(clip.at(RATE)) for clip in clips), *copies]
    voices = np.repeat([0, 1], [12, 2])
    looked = candidates(everything, groups(np.arange(14), voices))
    across = [c for c in looked if voices[c.one] != voices[c.other]]
    named = [pair for c in across if (pair := same_recording(c, everything, True, lambda _: np.zeros(RATE, np.float32)))]
    assert sorted(sorted(pair[:2]) for pair in named) == [[2, 12], [6, 13]]


def test_a_take_of_real_speech_is_no_copy_and_a_faster_one_is(real_corpora):
    paths = sorted((real_corpora / "ravdess" / "Actor_13").glob("*.flac"))[:16]
    sounds = [read_clip(path).at(RATE) for path in paths]
    prints = [fingerprint(sound) for sound in sounds]
    assert found(prints[1:], sounds[0]) == {}
    assert list(found(prints, resample(sounds[5], RATE * 1.1, RATE))) == [5]
