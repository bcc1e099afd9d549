"""Near-duplicates under other speakers: detection rate of the audit per kind of change, and false alarms on unmodified clips.

    python benchmarks/copies.py path/to/ravdess [path/to/clips.csv ...] [--clips 50] [--seed 1] [--speakers 13 20] [--every 1]
        [--kinds "pitch +2" ...] [--words] [--planted]

Of every corpus a seeded sample of clips is changed in each way that `KINDS` lists, and each copy, said to be of a new speaker, is looked up
among all untouched clips: found are those that the audit's search names with their original. Then all untouched clips are looked up among
each other: a pair of different samples is a false alarm, or a recording that the corpus holds twice. `--words` does the same with single
words of 0.45 to 0.8 s cut from all clips, `--planted` with whole copies of the corpus under new speakers.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import soundfile

import ser_bench
from ser_bench.analyses.audits.fingerprint import RATE, Fingerprint, fingerprint
from ser_bench.analyses.audits.matching import candidates
from ser_bench.analyses.audits.near_duplicates import CopyPair, groups, name_pairs, same_recording
from ser_bench.audio import Clip, read_clip, resample
from ser_bench.utils.formatting import number_of

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


def louder(decibels: float) -> Change:
    """Scaled by a gain, at 16 bits."""
    return encoded("WAV", "PCM_16", gain=10 ** (decibels / 20))


def noisy(snr: float) -> Change:
    """With white noise at a signal-to-noise ratio in dB."""

    def change(samples: np.ndarray, rate: int, chance: np.random.Generator, _: np.ndarray) -> Sound:
        level = np.sqrt(np.mean(samples**2) / 10 ** (snr / 10))
        return (samples + level * chance.standard_normal(len(samples))).astype(np.float32), rate

    return change


def sped(speed: float) -> Change:
    """Resampled: faster and higher in pitch."""
    return lambda samples, rate, *_: (resample(samples, rate * speed, rate), rate)


def shifted(semitones: float) -> Change:
    """Pitch-shifted, of the same duration."""

    def change(samples: np.ndarray, rate: int, *_: Any) -> Sound:
        from librosa.effects import pitch_shift

        return pitch_shift(samples, sr=rate, n_steps=semitones), rate

    return change


def stretched(speed: float) -> Change:
    """Time-stretched, of the same pitch."""

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
    """Reverberated: 0.5 s, as much reverberation as direct sound."""
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


PLANTED: dict[str, Change] = {"0.1 dB louder": louder(0.1), "speed 1.1": sped(1.1)}


class Sounds(NamedTuple):
    """Clips as the audit compares them: names, speakers, fingerprints and samples.

    Parameters
    ----------
    names, speakers, digests : list of str
    waves : list of array of float32
        Samples at 8 kHz.
    prints : list of Fingerprint
    """

    names: list[str]
    speakers: list[str]
    digests: list[str]
    waves: list[np.ndarray]
    prints: list[Fingerprint]

    @classmethod
    def of(cls, names: list[str], speakers: list[str], waves: list[np.ndarray]) -> Sounds:
        """With what the waves give."""
        digests = [hashlib.sha256(wave.tobytes()).hexdigest() for wave in waves]
        return cls(names, speakers, digests, waves, [fingerprint(wave) for wave in waves])

    def __add__(self, other: tuple[Any, ...]) -> Sounds:
        return Sounds(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def main() -> None:
    """Print a table per corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=50, help="how many are changed in each way; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speakers", nargs="+", help="change clips of these only")
    parser.add_argument("--apart-from", nargs="+", type=int, default=[], help="change no clips that these seeds draw from the whole corpus")
    parser.add_argument("--every", type=int, default=1, help="use every so-many-th clip only")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--words", action="store_true", help="look for false alarms among single words")
    parser.add_argument("--planted", action="store_true", help="look for whole copies of the corpus")
    parser.add_argument("--no-alarms", action="store_true", help="do not look up untouched clips among each other")
    given = parser.parse_args()
    for source in given.corpus:
        table = ser_bench.load_corpus(source).clips.iloc[:: given.every]
        clips = [read_clip(path) for path in table["path"]]
        base = Sounds.of([Path(name).stem for name in table.index], list(table["speaker"].astype(str)), [clip.at(RATE) for clip in clips])
        print(f"{source}: {len(clips)} clips of {len(set(base.speakers))} speakers", flush=True)
        if given.clips:
            print_recall(base, clips, given)
        if not given.no_alarms:
            print_alarms(base)
        if given.words:
            print_alarms(words(base, np.random.default_rng(given.seed)))
        if given.planted:
            print_planted(base, clips)


def print_recall(base: Sounds, clips: list[Clip], given: argparse.Namespace) -> None:
    """Change a sample in each way, and print the share of copies that are named with their original."""
    pool = [place for place, speaker in enumerate(base.speakers) if not given.speakers or speaker in given.speakers]
    for seed in given.apart_from:
        known = np.random.default_rng(seed).choice(len(clips), min(given.clips, len(clips)), replace=False).tolist()
        pool = [place for place in pool if place not in known]
    sample = np.random.default_rng(given.seed).choice(pool, min(given.clips, len(pool)), replace=False).tolist()
    print(f"  {len(sample)} of {len(pool)} clips changed, seed {given.seed}")
    for kind in given.kinds:
        chance = np.random.default_rng([given.seed, list(KINDS).index(kind)])
        copies = [copied(clips, place, KINDS[kind], chance) for place in sample]
        both = base + Sounds.of([f"copy {n}" for n in range(len(copies))], [f"new {base.speakers[p]}" for p in sample], copies)
        is_copy = np.arange(len(both.names)) >= len(base.names)
        pairs = named(both, is_copy, [*np.flatnonzero(is_copy).tolist(), *sample])
        found = {max(pair[:2]) - len(base.names) for pair in pairs if sample[max(pair[:2]) - len(base.names)] == min(pair[:2])}
        wrong = len(pairs) - len(found)
        missed = [base.names[sample[n]] for n in range(len(sample)) if n not in found]
        print(f"  {kind:14} {len(found) / len(sample):6.1%}  with another clip {wrong}  missed {missed[:4]}", flush=True)


def copied(clips: list[Clip], place: int, change: Change, chance: np.random.Generator) -> np.ndarray:
    """A changed clip at 8 kHz."""
    other = clips[int(chance.integers(len(clips)))]
    samples, rate = change(clips[place].samples, clips[place].rate, chance, other.at(clips[place].rate))
    return resample(samples, rate, RATE) if rate != RATE else samples


def named(sounds: Sounds, sides: np.ndarray | None = None, asked: list[int] | None = None) -> list[CopyPair]:
    """The pairs that the audit would name."""
    sides = pd.factorize(np.array(sounds.digests))[0] if sides is None else sides
    looked = candidates(sounds.prints, groups(sides, pd.factorize(np.array(sounds.speakers))[0]), asked)
    pairs = [same_recording(c, sounds.prints, sounds.speakers[c.one] != sounds.speakers[c.other], sounds.waves.__getitem__) for c in looked]
    return [pair for pair in pairs if pair]


def print_alarms(sounds: Sounds) -> None:
    """Look up untouched clips among each other."""
    began = time.process_time()
    pairs = named(sounds)
    across = [pair for pair in pairs if sounds.speakers[pair.one] != sounds.speakers[pair.other]]
    print(
        f"  {len(sounds.names)} untouched clips, {np.median([len(wave) for wave in sounds.waves]) / RATE:.1f} s in the middle: named are "
        f"{number_of(len(pairs) - len(across), 'pair')} of one speaker and {len(across)} of two; {time.process_time() - began:.0f} s"
    )
    for pair in [*across[:4], *[pair for pair in pairs if pair not in across][:4]]:
        print(f"    {sounds.names[pair.one]} ~ {sounds.names[pair.other]} {pair.speed:.2f} {pair.semitones:+.1f}", flush=True)


def words(sounds: Sounds, chance: np.random.Generator) -> Sounds:
    """Pieces of 0.45 to 0.8 s, one after another, of what is louder than 30 dB below each clip's loudest frame."""
    from librosa.effects import trim

    names, speakers, waves = [], [], []
    for name, speaker, wave in zip(sounds.names, sounds.speakers, sounds.waves, strict=True):
        begin, end = trim(wave, top_db=30)[1]
        while end - begin >= (length := int(RATE * chance.uniform(0.45, 0.8))):
            names.append(f"{name} from {begin / RATE:.2f} s")
            speakers.append(speaker)
            waves.append(wave[begin : begin + length])
            begin += length
    return Sounds.of(names, speakers, waves)


def print_planted(base: Sounds, clips: list[Clip]) -> None:
    """Add the whole corpus, changed, under new speakers, and print how many copies are detected and what the audit reports."""
    chance = np.random.default_rng(0)
    everything = base
    for kind, change in PLANTED.items():
        copies = [copied(clips, place, change, chance) for place in range(len(clips))]
        everything += Sounds.of([f"{name}, {kind}" for name in base.names], [f"{speaker}, {kind}" for speaker in base.speakers], copies)
    began, n = time.process_time(), len(clips)
    pairs = named(everything)
    seconds = time.process_time() - began
    right = [pair for pair in pairs if pair.one % n == pair.other % n]
    for number, kind in enumerate(PLANTED, start=1):
        found = {place for pair in right for place in pair[:2] if place // n == number and min(pair[:2]) < n}
        print(f"  planted, {kind}: {len(found) / n:.1%} of {n} copies are named with their original")
    print(f"  planted: {len(pairs)} pairs of {len(everything.names)} clips, {len(pairs) - len(right)} of different clips; {seconds:.0f} s")
    told = pd.DataFrame({"speaker": everything.speakers, "emotion": "any"}, index=everything.names)
    for finding in name_pairs(told, pairs):
        print(f"    {finding.what}", flush=True)


if __name__ == "__main__":
    main()
