"""What may be done to a clip's sound before it is measured: for augmentation, and to see how robust a system is.

In:   text such as `noise(snr=10)` or `pitch(low=2,high=2)+gain`, and samples.
Out:  other samples.
Rule: what is drawn at random is drawn from the clip's content and the variant's own words, so that a clip sounds the
      same in every process, order and run. A range of no width is no chance at all: `pitch(low=2,high=2)` is two semitones up.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

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
    """A change whose size is drawn evenly between `low` and `high`, both inside of `limits`."""

    limits: ClassVar[tuple[float, float]]
    low: float
    high: float
    seed: int = 0

    def __post_init__(self) -> None:
        for side in ("low", "high"):
            within(f"variant {self.name}: {side}", getattr(self, side), *self.limits)
        if self.low > self.high:
            raise WrongCall(f"variant {self.name}: low={self.low} is above high={self.high}")

    def __call__(self, samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Samples changed by what was drawn."""
        return self.change(samples, rate, rng.uniform(self.low, self.high))

    @abstractmethod
    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples changed by that much."""


@dataclass(frozen=True)
class Pitch(Ranged):
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
class Shift(Ranged):
    """Later by seconds; what leaves at one end comes back at the other."""

    name = "shift"
    limits = (-86_400.0, 86_400.0)
    low: float = -0.1
    high: float = 0.1

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        return np.roll(samples, round(size * rate))


@dataclass(frozen=True)
class Gain(Ranged):
    """Louder by dB; nothing is clipped."""

    name = "gain"
    limits = (-200.0, 200.0)
    low: float = -6.0
    high: float = 6.0

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """Samples of the same number."""
        return samples * np.float32(10 ** (size / 20))


@dataclass(frozen=True)
class Speed(Ranged):
    """Faster by a factor, and higher by as much: the clip resampled."""

    name = "speed"
    limits = (0.1, 10.0)
    libraries = ("numpy", "soxr")
    low: float = 0.9
    high: float = 1.1

    def change(self, samples: np.ndarray, rate: int, size: float) -> np.ndarray:
        """The number of samples divided by the factor, shape (ceil(n / size),)."""
        return resample(samples, rate * size, rate)


KNOWN: dict[str, type[Variant]] = {cls.name: cls for cls in (Noise, Pitch, Shift, Gain, Speed)}


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
