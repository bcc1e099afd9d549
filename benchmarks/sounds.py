"""Sounds that are no single voice, made by code: music, noise, hum, babble; and what can happen to a recording.

All are functions of a generator and of sizes, so that a seed gives the same sounds again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ser_bench.audio.clip import Clip, resample

SECONDS = 3.0
MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
PARTIALS = 10
VOICES_OF_BABBLE = 8
TELEPHONE = 8_000

Maker = Callable[[np.random.Generator, int], np.ndarray]
Change = Callable[[np.random.Generator, Clip], Clip]


def tone(rng: np.random.Generator, pitch: float, n: int, rate: int) -> np.ndarray:
    """A plucked note with overtones."""
    t = np.arange(n) / rate
    brightness, decay = rng.uniform(0.4, 0.7), rng.uniform(0.2, 1.0)
    partials = [k for k in range(1, PARTIALS + 1) if pitch * k < 0.47 * rate]
    wave = np.sum([brightness**k * np.sin(2 * np.pi * pitch * k * t + rng.uniform(0, 6)) for k in partials], axis=0)
    return wave * np.minimum(1, t / 0.01) * np.exp(-t / decay)


def drum(rng: np.random.Generator, n: int, rate: int) -> np.ndarray:
    """A bass drum, or a snare or cymbal."""
    t = np.arange(n) / rate
    if rng.random() < 0.5:
        return 2 * np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-30 * t)))) * np.exp(-15 * t)
    return rng.normal(size=n) * np.exp(-rng.uniform(20, 60) * t)


def music(*parts: str) -> Maker:
    """A maker of music of some of `melody`, `chords` and `drums`, in a key and a tempo of its own each time."""

    def make(rng: np.random.Generator, rate: int) -> np.ndarray:
        n, beat, root = round(SECONDS * rate), round(rate * rng.uniform(0.15, 0.4)), rng.uniform(110, 330)
        heard = np.zeros(n + 3 * beat)
        for number, at in enumerate(range(0, n, beat)):
            degree, here = rng.integers(0, 7), slice(at, at + 3 * beat)
            if "melody" in parts:
                heard[here] += tone(rng, root * 2 ** (MAJOR[degree] / 12 + rng.integers(0, 2)), 3 * beat, rate)
            if "chords" in parts and number % 2 == 0:
                heard[here] += sum(tone(rng, root * 2 ** (MAJOR[(degree + third) % 7] / 12), 3 * beat, rate) for third in (0, 2, 4))
            if "drums" in parts:
                heard[here] += drum(rng, 3 * beat, rate)
        return heard[:n]

    return make


def white(rng: np.random.Generator, rate: int) -> np.ndarray:
    """Equal power at all frequencies."""
    return rng.normal(size=round(SECONDS * rate))


def pink(rng: np.random.Generator, rate: int) -> np.ndarray:
    """Equal power per octave."""
    n = round(SECONDS * rate)
    spectrum = np.fft.rfft(rng.normal(size=n))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), n)


def hum(rng: np.random.Generator, rate: int) -> np.ndarray:
    """The mains and five harmonics, with a little noise."""
    t, mains = np.arange(round(SECONDS * rate)) / rate, rng.choice([50, 60])
    wave = np.sum([rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * mains * k * t + rng.uniform(0, 6)) for k in range(1, 7)], axis=0)
    return wave + 0.003 * rng.normal(size=len(t))


def babble(clips: list[Clip]) -> Maker:
    """A maker of several of these clips at once, each again and again."""

    def make(rng: np.random.Generator, rate: int) -> np.ndarray:
        chosen = rng.choice(len(clips), min(VOICES_OF_BABBLE, len(clips)), replace=False)
        return np.sum([np.resize(clips[i].at(rate), round(SECONDS * rate)) for i in chosen], axis=0)

    return make


def makers(clips: list[Clip]) -> dict[str, Maker]:
    """All kinds of sound, by name; babble of these clips."""
    return {
        "music: melody": music("melody"),
        "music: chords": music("chords"),
        "music: drums": music("drums"),
        "music: all three": music("melody", "chords", "drums"),
        "white noise": white,
        "pink noise": pink,
        "mains hum": hum,
        f"babble of {VOICES_OF_BABBLE} clips": babble(clips),
    }


def clipped(times: float) -> Change:
    """Amplified and cut off at full scale."""
    return lambda rng, clip: Clip(np.clip(clip.samples * (times / np.abs(clip.samples).max()), -1, 1).astype(np.float32), clip.rate)


def quieter(decibels: float) -> Change:
    """So many decibels quieter."""
    return lambda rng, clip: Clip((clip.samples * 10 ** (-decibels / 20)).astype(np.float32), clip.rate)


def noisy(decibels: float) -> Change:
    """With white noise, so many decibels below the voice."""

    def change(rng: np.random.Generator, clip: Clip) -> Clip:
        noise = rng.normal(size=len(clip.samples)) * clip.samples.std() * 10 ** (-decibels / 20)
        return Clip((clip.samples + noise).astype(np.float32), clip.rate)

    return change


def telephone(rng: np.random.Generator, clip: Clip) -> Clip:
    """At 8 kHz."""
    return Clip(clip.at(TELEPHONE), TELEPHONE)


def muffled(rng: np.random.Generator, clip: Clip) -> Clip:
    """At 8 kHz, and then at its own rate again, with nothing above 4 kHz."""
    return Clip(resample(clip.at(TELEPHONE), TELEPHONE, clip.rate)[: len(clip.samples)], clip.rate)


def silent(rng: np.random.Generator, clip: Clip) -> Clip:
    """The noise of a converter in its place, 80 dB below full scale."""
    return Clip((1e-4 * rng.normal(size=len(clip.samples))).astype(np.float32), clip.rate)


CHANGES: dict[str, Change] = {
    "clipped, 6 dB over": clipped(2),
    "clipped, 12 dB over": clipped(4),
    "clipped, 20 dB over": clipped(10),
    "at 8 kHz": telephone,
    "at 8 kHz and back": muffled,
    "20 dB quieter": quieter(20),
    "40 dB quieter": quieter(40),
    "white noise at 10 dB SNR": noisy(10),
    "near silence": silent,
}
