"""Copies of recordings among others: how many are found per kind of change, and how many untouched clips are named wrongly.

    python benchmarks/copies.py path/to/ravdess [path/to/emodb ...] [--clips 50] [--seed 1] [--every 1] [--kinds "pitch +2" ...]

Of every corpus a seeded sample of clips is changed in each way that `KINDS` lists, and each copy is looked up among all untouched clips:
found are those whose original is named. Then all untouched clips are looked up among each other: a pair of different samples is a false
alarm. Clips that hold equal samples are no alarm.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ser_bench.analyses.audits.fingerprint import RATE, fingerprint
from ser_bench.analyses.audits.matching import candidates, verify
from ser_bench.audio.clip import read_clip, resample
from ser_bench.corpora.files import find_audio

Sound = tuple[np.ndarray, int]
Change = Callable[[np.ndarray, int, np.random.Generator, np.ndarray], Sound]
"""Samples, their rate, chance, and samples of another clip at that rate, to a copy."""


def encoded(container: str, encoding: str, rate: int = 0, gain: float = 1.0) -> Change:
    """Written to a file and read again."""

    def change(samples: np.ndarray, own: int, *_: Any) -> Sound:
        file = io.BytesIO()
        soundfile.write(file, gain * (resample(samples, own, rate) if rate else samples), rate or own, format=container, subtype=encoding)
        file.seek(0)
        return soundfile.read(file, dtype="float32")

    return change


def noisy(snr: float) -> Change:
    """With white noise, so many dB below."""

    def change(samples: np.ndarray, rate: int, chance: np.random.Generator, _: np.ndarray) -> Sound:
        level = np.sqrt(np.mean(samples**2) / 10 ** (snr / 10))
        return (samples + level * chance.standard_normal(len(samples))).astype(np.float32), rate

    return change


def sped(speed: float) -> Change:
    """Resampled: faster and higher."""
    return lambda samples, rate, *_: (resample(samples, rate * speed, rate), rate)


def shifted(semitones: float) -> Change:
    """Higher, as long as before."""

    def change(samples: np.ndarray, rate: int, *_: Any) -> Sound:
        from librosa.effects import pitch_shift

        return pitch_shift(samples, sr=rate, n_steps=semitones), rate

    return change


def stretched(speed: float) -> Change:
    """Faster, as high as before."""

    def change(samples: np.ndarray, rate: int, *_: Any) -> Sound:
        from librosa.effects import time_stretch

        return time_stretch(samples, rate=speed), rate

    return change


def excerpt(samples: np.ndarray, rate: int, chance: np.random.Generator, _: np.ndarray) -> Sound:
    """Half of what is louder than 30 dB below the loudest frame, but at least 1 s of it."""
    from librosa.effects import trim

    begin, end = trim(samples, top_db=30)[1]
    length = min(max((end - begin) // 2, rate), end - begin)
    first = begin + int(chance.integers(end - begin - length + 1))
    return samples[first : first + length], rate


def reverberated(samples: np.ndarray, rate: int, chance: np.random.Generator, _: np.ndarray) -> Sound:
    """In a room of 0.5 s, as much reverberation as direct sound."""
    from scipy.signal import fftconvolve

    seconds = np.arange(rate // 2) / rate
    room = chance.standard_normal(len(seconds)) * 10 ** (-3 * seconds / 0.5)
    room[0] = np.sqrt(np.sum(room[1:] ** 2))
    return (fftconvolve(samples, room) / np.abs(room).sum()).astype(np.float32), rate


def joined(samples: np.ndarray, rate: int, chance: np.random.Generator, other: np.ndarray) -> Sound:
    """Before or after another clip."""
    parts = [samples, np.zeros(rate // 5, np.float32), other]
    return np.concatenate(parts if chance.random() < 0.5 else parts[::-1]), rate


KINDS: dict[str, Change] = {
    "MP3": encoded("MP3", "MPEG_LAYER_III"),
    "Ogg, 22 kHz": encoded("OGG", "VORBIS", 22_050),
    "8 bits": encoded("WAV", "PCM_U8"),
    "20 dB quieter": encoded("WAV", "PCM_16", gain=0.1),
    "8 kHz": encoded("WAV", "PCM_16", 8_000),
    "noise, 20 dB": noisy(20),
    "noise, 10 dB": noisy(10),
    "reverberation": reverberated,
    "excerpt": excerpt,
    "joined": joined,
    **{f"speed {speed:g}": sped(speed) for speed in (0.9, 0.95, 1.05, 1.1)},
    **{f"pitch {semitones:+g}": shifted(semitones) for semitones in (-2, -1, 1, 2)},
    **{f"stretch {speed:g}": stretched(speed) for speed in (0.9, 1.1)},
}


def main() -> None:
    """Print a table per corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=50, help="how many are changed in each way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="use every so-many-th clip only")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    given = parser.parse_args()
    for folder in given.corpus:
        measure(folder, given.clips, given.seed, given.every, given.kinds)


def measure(folder: Path, n_clips: int, seed: int, every: int, kinds: list[str]) -> None:
    """Print what is found in a corpus."""
    paths = [folder / file for file in find_audio(folder)][::every]
    clips = [read_clip(path) for path in paths]
    base = [fingerprint(clip.at(RATE)) for clip in clips]
    chance = np.random.default_rng(seed)
    sample = chance.choice(len(paths), min(n_clips, len(paths)), replace=False).tolist()
    print(f"{folder}: {len(sample)} of {len(paths)} clips, seed {seed}")
    for kind in kinds:
        copies, others = [], []
        for place in sample:
            other = clips[int(chance.integers(len(clips)))]
            samples, rate = KINDS[kind](clips[place].samples, clips[place].rate, chance, other.at(clips[place].rate))
            copies.append(fingerprint(resample(samples, rate, RATE) if rate != RATE else samples))
            others.append(other)
        hits = found_originals([*base, *copies], sample)
        print(f"  {kind:14} {np.mean(list(hits.values())):6.1%}  {[paths[p].stem for p, hit in hits.items() if not hit][:4]}", flush=True)
    print_false_alarms(base, clips, paths)


def found_originals(prints: list[Any], sample: list[int]) -> dict[int, bool]:
    """Whether each original is named with its copy; the copies stand last."""
    n_base = len(prints) - len(sample)
    is_copy = np.arange(len(prints)) >= n_base
    asked = [*range(n_base, len(prints)), *sample]
    hits = dict.fromkeys(sample, False)
    for candidate in candidates(prints, lambda place: is_copy != is_copy[place], asked):
        base, copy = sorted((candidate.one, candidate.other))
        if sample[copy - n_base] == base:
            hits[base] |= verify(prints[candidate.one], prints[candidate.other], candidate).copy
    return hits


def print_false_alarms(base: list[Any], clips: list[Any], paths: list[Path]) -> None:
    """Look up all untouched clips among each other."""
    began = time.process_time()
    looked = candidates(base, lambda place: np.ones(len(base), bool))
    searched = time.process_time()
    matches = [(verify(base[c.one], base[c.other], c), c) for c in looked]
    digests = [clip.digest for clip in clips]
    wrong = [(match, c) for match, c in matches if match.copy and digests[c.one] != digests[c.other]]
    seconds = f"{searched - began:.0f} s to search, {time.process_time() - searched:.0f} s to look at {len(looked)} pairs"
    print(f"  false alarms: {len(wrong)} pair(s) among {len(paths)} untouched clips; {seconds}")
    for match, c in sorted(matches, key=lambda found: (-found[0].copy, -found[0].steady))[:8]:
        print(f"    {paths[c.one].stem} {paths[c.other].stem} {match}")


if __name__ == "__main__":
    main()
