"""What may be done to a clip's sound before it is measured: for augmentation, and to see how robust a system is.

In:   text such as `noise(snr=10)` or `pitch(low=2,high=2)+gain`, and samples.
Out:  other samples.
Rule: what is drawn at random is drawn from the clip's content and the variant's own words, so that a clip sounds the
      same in every process, order and run. A range of no width is no chance at all: `pitch(low=2,high=2)` is two semitones up.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from ser_bench.audio.clip import resample
from ser_bench.errors import WrongCall
from ser_bench.utils.compiling import import_numba
from ser_bench.utils.plugins import find
from ser_bench.utils.spec import build, canonical, describe, parse, split_sum, within


class Variant(ABC):
    """One change of sound. A subclass is a frozen dataclass; its fields are the parameters, `seed` among them.

    Attributes
    ----------
    name : str
    version : int
        Changes whenever the sound does.
    libraries : tuple of str
        Packages whose versions can change the sound.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    seed: int

    @property
    def draws(self) -> bool:
        """Whether another seed gives another sound."""
        return True

    def drawn_again(self, number: int) -> Self:
        """The same change with other draws: its seed counted up by a number, itself for 0."""
        return replace(self, seed=self.seed + number)  # type: ignore[type-var]

    @abstractmethod
    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Other samples: float32, shape (m,)."""

    @property
    def label(self) -> str:
        """As it is written."""
        return canonical(self.name, self)

    def describe(self) -> dict[str, Any]:
        """All that the sound depends on beside the clip."""
        return describe(self)

    def apply(self, samples: np.ndarray, rate: int, key: str) -> np.ndarray:
        """The samples of the clip of that content key, changed."""
        seed = int.from_bytes(hashlib.blake2b(f"{key} {self.label}".encode(), digest_size=8).digest(), "big")
        return self(samples, rate, np.random.default_rng(seed)).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Noise(Variant):
    """White Gaussian noise, `snr` dB below the clip's mean power."""

    name = "noise"
    snr: float = 15.0
    seed: int = 0

    def __post_init__(self) -> None:
        within("variant noise: snr", self.snr, -200, 200)

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Samples of the same number."""
        power = np.mean(np.square(samples, dtype=np.float64))
        return samples + rng.standard_normal(len(samples)) * np.sqrt(power / 10 ** (self.snr / 10))


@dataclass(frozen=True)
class Ranged(Variant):
    """A change with a number that is drawn evenly between `low` and `high`, both inside of `limits`."""

    limits: ClassVar[tuple[float, float]]
    low: float
    high: float
    seed: int = 0

    def __post_init__(self) -> None:
        for side in ("low", "high"):
            within(f"variant {self.name}: {side}", getattr(self, side), *self.limits)
        if self.low > self.high:
            raise WrongCall(f"variant {self.name}: low={self.low} is above high={self.high}")


class Sized(Ranged):
    """A change in which nothing else is drawn than its size."""

    @property
    def draws(self) -> bool:
        """Whether the range has a width."""
        return self.low < self.high

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Samples changed by what was drawn."""
        return self.change(samples, rate, rng.uniform(self.low, self.high))

    @abstractmethod
    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples changed by that much."""


@dataclass(frozen=True)
class Pitch(Sized):
    """Higher or lower by semitones, as long as before: librosa's phase vocoder."""

    name = "pitch"
    limits = (-48.0, 48.0)
    libraries = ("librosa", "numpy", "scipy", "soxr")
    low: float = -2.0
    high: float = 2.0

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        import_numba()
        from librosa.effects import pitch_shift

        return pitch_shift(samples, sr=rate, n_steps=size)


@dataclass(frozen=True)
class Shift(Sized):
    """Later by seconds; what leaves at one end comes back at the other."""

    name = "shift"
    limits = (-86_400.0, 86_400.0)
    low: float = -0.1
    high: float = 0.1

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        return np.roll(samples, round(size * rate))


@dataclass(frozen=True)
class Gain(Sized):
    """Louder by dB; nothing is clipped."""

    name = "gain"
    limits = (-200.0, 200.0)
    low: float = -6.0
    high: float = 6.0

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        return samples * np.float32(10 ** (size / 20))


@dataclass(frozen=True)
class Amplify(Sized):
    """Louder by a factor, which is drawn evenly where that of `gain` is drawn evenly in dB; nothing is clipped."""

    name = "amplify"
    limits = (0.0, 1e6)
    low: float = 0.5
    high: float = 2.0

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        return samples * np.float32(size)


@dataclass(frozen=True)
class PeakNoise(Ranged):
    """White Gaussian noise whose standard deviation is drawn evenly, as a share of the clip's largest sample."""

    name = "peak_noise"
    limits = (0.0, 1e3)
    low: float = 0.0
    high: float = 0.005

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Samples of the same number."""
        deviation = rng.uniform(self.low, self.high) * np.abs(samples).max()
        return samples + rng.standard_normal(len(samples)) * deviation


@dataclass(frozen=True)
class Speed(Sized):
    """Faster by a factor, and higher by as much: the clip resampled."""

    name = "speed"
    limits = (0.1, 10.0)
    libraries = ("numpy", "soxr")
    low: float = 0.9
    high: float = 1.1

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """The number of samples divided by the factor, shape (ceil(n / size),)."""
        return resample(samples, rate * size, rate)


KNOWN: dict[str, type[Variant]] = {cls.name: cls for cls in (Noise, PeakNoise, Pitch, Shift, Gain, Amplify, Speed)}


def parse_variant(text: str) -> tuple[Variant, ...]:
    """Read a variant: names with parameters, joined by ``+`` in the order in which they are done.

    >>> [step.label for step in parse_variant("pitch(low=1,high=1)+noise")]
    ['pitch(high=1.0,low=1.0)', 'noise']
    """
    steps = []
    for term in split_sum(text) if text else []:
        name, parameters = parse(term)
        steps.append(build("variant", find("variant", name, KNOWN), name, parameters))
    return tuple(steps)


def kinds_of_copies(texts: Sequence[str], times: int) -> list[str]:
    """The variant of each copy that a clip gets: every kind so many times, each with draws of its own.

    Raises
    ------
    WrongCall
        Where two copies of a clip would be the same.

    Examples
    --------
    >>> kinds_of_copies(["noise(snr=10)+gain", "pitch"], 2)
    ['noise(snr=10.0)+gain', 'pitch', 'noise(seed=1,snr=10.0)+gain(seed=1)', 'pitch(seed=1)']
    """
    kinds = [parse_variant(text) for text in texts]
    for steps in kinds:
        if times > 1 and not any(step.draws for step in steps):
            raise WrongCall(f"augment_times: {label_of(steps)} draws nothing, so that {times} copies of a clip would be the same")
    copies = [label_of(tuple(step.drawn_again(number) for step in steps)) for number in range(times) for steps in kinds]
    if len(set(copies)) < len(copies):
        twice = next(copy for copy in copies if copies.count(copy) > 1)
        raise WrongCall(f"augment: {twice} would be made twice of each clip; name each kind once, and seeds that are far apart")
    return copies


def label_of(steps: Sequence[Variant]) -> str:
    """A variant as it is written."""
    return "+".join(step.label for step in steps)
