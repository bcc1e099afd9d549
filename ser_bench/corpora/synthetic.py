"""The embedded corpus: synthetic voices that act six emotions, synthesised when used.

In:   how many speakers, emotions and takes, and a seed.
Out:  a folder of WAV files in the cache, and the `Corpus` that it holds.
Rule: voices differ more than emotions do, so that a split which knows the voice scores visibly higher than an honest one.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.corpora.base import Corpus, CorpusInfo, FileNameReader
from ser_bench.corpora.files import find_audio
from ser_bench.errors import WorkFailed, WrongCall, unknown
from ser_bench.utils import spec
from ser_bench.utils.atomic import folder_aside, sync

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
RATE = 16_000
CUES = ("pitch", "loudness", "tempo", "timbre")

# How far an emotion moves each cue, in the units of EMOTION_REACH.
EMOTIONS = {
    "anger": (0.3, 1.0, 0.5, 1.0),
    "happiness": (0.8, 0.6, 0.2, 0.5),
    "neutral": (0.0, 0.0, 0.0, 0.0),
    "sadness": (-0.5, -1.0, -0.6, -1.0),
    "fear": (1.2, -0.3, 1.0, -0.2),
    "boredom": (-0.9, -0.5, -1.0, -0.6),
}
# Octaves of pitch, dB of level, octaves of syllable rate, dB an octave of spectral tilt.
EMOTION_REACH = np.array([0.45, 8.0, 0.6, 4.5])
VOICE_REACH = np.array([0.25, 7.0, 0.4, 4.0])
CLIP_SPREAD = np.array([0.08, 2.0, 0.12, 1.2])

# The same for a corpus of one cue: the emotion's reach, and what speakers and chance do to the planted cue and to the others.
ALONE_REACH = np.array([0.35, 6.0, 0.6, 3.5])
PLANTED_VOICE, PLANTED_SPREAD = np.array([0.05, 1.0, 0.08, 0.7]), np.array([0.03, 0.7, 0.05, 0.5])
OTHER_VOICE, OTHER_SPREAD = np.array([0.15, 4.0, 0.25, 2.5]), np.array([0.08, 4.0, 0.2, 1.5])

PITCH = {"male": 115.0, "female": 205.0}
FORMANT_SCALE = {"male": 1.0, "female": 1.16}
LEVEL = -38.0
SYLLABLES_PER_SECOND = 4.5
ALONE_PITCH = 154.0
VOICED_SHARE = 0.7
VOWELS = np.array([[730.0, 1090.0, 2440.0, 3500.0], [270.0, 2290.0, 3010.0, 3700.0], [300.0, 870.0, 2240.0, 3300.0]])
BANDWIDTHS = np.array([80.0, 110.0, 160.0, 250.0])


class TonesReader(FileNameReader):
    """The embedded corpus, read as any other is."""

    name = "tones"
    pattern = r"(?:^|/)speaker(?P<speaker>\d\d)/(?P=speaker)-(?P<emotion>[a-z]+)-(?P<take>\d+)\.wav$"
    protocol = "group:4"
    facts = CorpusInfo(
        title="synthetic tones",
        clips=360,
        speakers=12,
        rate=RATE,
        licence="MIT, as ser-bench",
        citation="synthetic, ser-bench",
        obtain="built in: synthesised when used",
    )

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """Tell gender from the speaker's number."""
        return clips.assign(gender=clips["speaker"].map(_gender))


@dataclass(frozen=True)
class Tones:
    """Synthetic emotional speech.

    A clip is a second or so of sung-spoken syllables. Its source is a pulse train with geometrically falling
    harmonics, mixed with breath noise; three vowels' formants filter it and take turns syllable by syllable. Four cues carry the
    emotion: pitch (its height and how far it moves), loudness (level), tempo (syllables per second) and timbre (spectral tilt).
    Each cue is the sum of what the emotion does, of the speaker's habit, and of a little chance; the habits reach further than the
    emotions. Formant lengths, vowel colours and breath distinguish speakers as well, and say nothing of emotions.

    With one `cue`, the other three hold speaker and chance alone, the planted one's habits are small, and clips are made by
    `synthesise_alone`, which keeps a cue from being heard in descriptors of another family.

    Parameters
    ----------
    speakers : int
        2 to 99; those with odd numbers have male voices.
    emotions : int
        The first so many of `EMOTIONS`, 2 to 6.
    takes : int
        Clips per speaker and emotion.
    seed : int
        Voices and chance; equal seeds make equal files.
    cue : {'all', 'pitch', 'loudness', 'tempo', 'timbre'}
        Where the emotion is to be heard: in all four cues or in one only.
    """

    speakers: int = 12
    emotions: int = 6
    takes: int = 5
    seed: int = 0
    cue: str = "all"

    def __post_init__(self) -> None:
        for parameter, low, high in (("speakers", 2, 99), ("emotions", 2, len(EMOTIONS)), ("takes", 1, 99), ("seed", 0, 2**31)):
            if not low <= getattr(self, parameter) <= high:
                raise WrongCall(f"tones: {parameter} is {getattr(self, parameter)}; it can be {low} to {high}")
        if self.cue not in ("all", *CUES):
            raise unknown("cue of tones", self.cue, ("all", *CUES))

    def corpus(self, cache: Path) -> Corpus:
        """The corpus, made unless the cache holds it."""
        folder = self.make(cache.absolute())
        corpus = TonesReader().read(folder, find_audio(folder))
        facts = replace(TonesReader.facts, clips=len(corpus.clips), speakers=corpus.clips["speaker"].nunique())
        return replace(corpus, facts=facts, name=spec.canonical("tones", self), protocol="group:4" if self.speakers >= 4 else "loso")

    def folder(self, cache: Path) -> Path:
        """Where the clips lie once made."""
        hashed = hashlib.blake2b(json.dumps([VERSION, asdict(self)]).encode(), digest_size=4)
        return cache / f"tones-{hashed.hexdigest()}{'' if self.cue == 'all' else f'-{self.cue}'}"

    def make(self, cache: Path) -> Path:
        """Write the clips to a folder of the cache, whole or not at all, and name it.

        Raises
        ------
        WorkFailed
            Where the cache cannot be written.
        """
        folder = self.folder(cache)
        if folder.is_dir():
            return folder
        try:
            with folder_aside(cache, ".tones-") as aside:
                self._write(aside / "tones")
                _move(aside / "tones", folder)
        except OSError as error:
            raise WorkFailed(f"cannot make tones in {cache}: {error.strerror}; choose another --cache") from None
        return folder

    def _write(self, folder: Path) -> None:
        import soundfile

        for number, voice in enumerate(draw_voices(self.speakers, self.seed), start=1):
            home = folder / f"speaker{number:02d}"
            home.mkdir(parents=True)
            for index, emotion in enumerate(list(EMOTIONS)[: self.emotions]):
                for take in range(1, self.takes + 1):
                    rng = np.random.default_rng([self.seed, number, index, take])
                    samples = self._synthesise(voice, self._reach(emotion), rng)
                    clip = home / f"{number:02d}-{emotion}-{take}.wav"
                    soundfile.write(clip, np.round(samples * 32767).astype(np.int16), RATE)
                    sync(clip)

    def _reach(self, emotion: str) -> np.ndarray:
        """How far the emotion moves each cue."""
        planted = np.array([self.cue in ("all", cue) for cue in CUES])
        return np.array(EMOTIONS[emotion]) * (EMOTION_REACH if self.cue == "all" else ALONE_REACH) * planted

    def _synthesise(self, voice: Voice, reach: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return synthesise(voice, reach, rng) if self.cue == "all" else synthesise_alone(voice, self.cue, reach, rng)


@dataclass(frozen=True)
class Voice:
    """A speaker.

    Parameters
    ----------
    gender : {'male', 'female'}
    habits : array, shape (4,)
        What the speaker adds to each cue.
    formants : array, shape (3, 4)
        Of each vowel, in Hz.
    breath : float
        Noise relative to the voice.
    """

    gender: str
    habits: np.ndarray
    formants: np.ndarray
    breath: float


def draw_voices(n: int, seed: int) -> list[Voice]:
    """Different voices: each trait is spread evenly over its range, and dealt to the speakers independently of the others."""
    rng = np.random.default_rng([seed, n])
    spread = np.stack([rng.permutation(np.linspace(-1, 1, n)) for _ in range(len(CUES) + 2)], axis=1)
    voices = []
    for number, traits in enumerate(spread, start=1):
        gender = _gender(str(number))
        colour = 1 + 0.06 * rng.standard_normal(VOWELS.shape)
        formants = VOWELS * colour * FORMANT_SCALE[gender] * (1 + 0.08 * traits[4])
        voices.append(Voice(gender, VOICE_REACH * traits[:4], formants, 0.03 * 10 ** (0.6 * traits[5])))
    return voices


def synthesise(voice: Voice, reach: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One clip.

    Parameters
    ----------
    voice : Voice
    reach : array, shape (4,)
        How far the emotion moves pitch (octaves), level (dB), syllable rate (octaves) and tilt (dB an octave).
    rng : Generator

    Returns
    -------
    array of float, shape (n,)
        At `RATE`, within -1 and 1.
    """
    pitch, level, tempo, tilt = voice.habits + reach + CLIP_SPREAD * rng.standard_normal(4)
    n = RATE * int(rng.integers(20, 31)) // 20
    time = np.arange(n) / RATE
    syllable = SYLLABLES_PER_SECOND * 2**tempo * time + rng.random()

    liveliness = 0.12 * 2 ** (2 * reach[0])
    melody = liveliness * np.sin(2 * np.pi * (syllable / 3 + rng.random())) - 0.1 * time
    phase = 2 * np.pi * np.cumsum(PITCH[voice.gender] * 2 ** (pitch + melody)) / RATE
    spoken = _filter(_pulses(phase) + voice.breath * rng.standard_normal(n), voice.formants, tilt, syllable)
    spoken *= np.sin(np.pi * (syllable % 1)) ** 0.7
    spoken *= 10 ** ((LEVEL + level) / 20) / np.sqrt(np.mean(spoken**2))
    return np.clip(spoken, -1, 1)


def synthesise_alone(voice: Voice, cue: str, reach: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One clip whose cues can be distinguished: parameters and result as `synthesise`, and the cue that is planted.

    Syllables are parted by whispered joints, a fixed share of each, so that tempo shows in voicing rather than in level;
    vowels and melody keep time of their own; formants are wide, so that harmonics matter little; depth of the joints, phrasing
    and breath vary by chance, and every vowel has the same power.
    """
    planted = np.array([cue == other for other in CUES])
    habits = voice.habits / VOICE_REACH * np.where(planted, PLANTED_VOICE, OTHER_VOICE)
    chance = np.where(planted, PLANTED_SPREAD, OTHER_SPREAD) * rng.standard_normal(4)
    pitch, level, tempo, tilt = habits + reach + chance
    n = RATE * int(rng.integers(40, 53)) // 20
    time = np.arange(n) / RATE
    syllable = SYLLABLES_PER_SECOND * 2**tempo * time + rng.random()
    vowel = 4 * 2 ** rng.uniform(-0.5, 0.5) * time + 3 * rng.random()

    melody = 0.13 * np.sin(2 * np.pi * (rng.uniform(1.5, 2.5) * time + rng.random()))
    source = _joined(2 * np.pi * np.cumsum(ALONE_PITCH * 2 ** (pitch + melody)) / RATE, syllable, rng)
    spoken = _filter(source, voice.formants, tilt, vowel, width=2, even=True)
    dips = rng.uniform(2, 10) * (0.5 + 0.5 * np.cos(2 * np.pi * syllable)) ** 2
    phrase = rng.uniform(0, 6) * np.sin(2 * np.pi * (rng.uniform(0.3, 0.8) * time + rng.random()))
    spoken *= 10 ** ((phrase - dips) / 20)
    spoken *= 10 ** ((LEVEL + level) / 20) / np.sqrt(np.mean(spoken**2))
    return np.clip(spoken, -1, 1)


def _joined(phase: np.ndarray, syllable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Voice with some breath, and between syllables a whisper of the same power and colour."""
    fall = 0.92 ** (np.fft.rfftfreq(len(phase), 1 / RATE) / ALONE_PITCH)
    whisper = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(phase))) * fall, len(phase))
    voice, whisper = _pulses(phase), whisper / whisper.std()
    from_joint = np.minimum(syllable % 1, 1 - syllable % 1)
    voiced = np.clip((from_joint - (1 - VOICED_SHARE) / 2) / 0.03 + 0.5, 0, 1)
    breath = 0.05 * 10 ** rng.random()
    return voiced * (voice / voice.std() + breath * whisper) + (1 - voiced) * whisper


def _pulses(phase: np.ndarray, fall: float = 0.92) -> np.ndarray:
    """A pulse train whose k-th harmonic has the amplitude fall**k: the closed form of that sum."""
    turn = np.cos(phase)
    return (fall * turn - fall**2) / (1 - 2 * fall * turn + fall**2)


def _filter(
    source: np.ndarray, formants: np.ndarray, tilt: float, syllable: np.ndarray, width: float = 1, even: bool = False
) -> np.ndarray:
    """Give a source its vowels and tilt; vowels follow each other syllable by syllable, `even` ones with the same power."""
    frequency = np.fft.rfftfreq(len(source), 1 / RATE)[:, None]
    slope = (np.maximum(frequency[:, 0], 50) / 500) ** (tilt / 6.02)
    spectrum = np.fft.rfft(source) * slope
    which = syllable.astype(int) % len(formants)
    filtered = np.empty_like(source)
    for vowel, centres in enumerate(formants):
        resonances = 1 / (1 + ((frequency - centres) / (width * BANDWIDTHS)) ** 2)
        shaped = np.fft.irfft(spectrum * (resonances.sum(1) + 0.02), len(source))
        filtered[which == vowel] = shaped[which == vowel] / (shaped.std() if even else 1)
    return filtered


def _gender(speaker: str) -> str:
    return "male" if int(speaker) % 2 else "female"


def _move(made: Path, folder: Path) -> None:
    try:
        os.rename(made, folder)
    except OSError:
        # Another process was faster; its folder holds the same.
        if not folder.is_dir():
            raise
