"""How clips are heard: the window of each that is listened to, and what is done to its sound before it is measured.

In:   a decoded clip and its content key.
Out:  the clip that extractors are given, or `Unusable`.
Rule: what decides whether a clip is used is what is heard of it in the window, before any variant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ser_bench.audio.augmentation import Variant, label_of, parse_variant
from ser_bench.audio.clip import Clip, Unusable, check_usable
from ser_bench.errors import WrongCall
from ser_bench.utils.compiling import import_numba
from ser_bench.utils.spec import versions


@dataclass(frozen=True)
class Preprocessing:
    """A window and a variant.

    Parameters
    ----------
    offset : float
        Seconds left out at a clip's beginning.
    duration : float
        Seconds heard after that; 0 is all that is left, and a clip that is shorter is heard to its end.
    trim : float
        Then both ends are cut off where they are this many dB below the loudest frame; 0 cuts nothing.
    variant : str
        As `augmentation.parse_variant` reads it; empty leaves the sound alone.
    """

    offset: float = 0.0
    duration: float = 0.0
    trim: float = 0.0
    variant: str = ""

    def __post_init__(self) -> None:
        for name in ("offset", "duration", "trim"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise WrongCall(f"{name}: {getattr(self, name)} is not a number from 0 up")
        object.__setattr__(self, "variant", label_of(self._steps))

    @cached_property
    def _steps(self) -> tuple[Variant, ...]:
        return parse_variant(self.variant)

    def changed(self, variant: str) -> Preprocessing:
        """The same, and then another variant."""
        return replace(self, variant="+".join(filter(None, (self.variant, variant))))

    @property
    def label(self) -> str:
        """As it stands behind a feature set's name; empty where clips are heard whole and unchanged."""
        window = [f"{name} {value:g} {unit}" for name, value, unit in self._window() if value]
        return ", ".join([*window, *([self.variant] if self.variant else [])])

    def describe_window(self) -> dict[str, Any]:
        """All that decides which samples are heard."""
        return {name: value for name, value, _ in self._window()} | (versions(["librosa"]) if self.trim else {})

    def describe(self) -> dict[str, Any]:
        """All that decides what extractors are given."""
        return {"window": self.describe_window(), "variant": [step.describe() for step in self._steps]}

    def window(self, clip: Clip) -> Clip:
        """What is listened to of a clip.

        Raises
        ------
        Unusable
            Where that is too short, or constant.
        """
        if not (self.offset or self.duration or self.trim):
            return clip
        first = round(self.offset * clip.rate)
        samples = clip.samples[first : first + round(self.duration * clip.rate) if self.duration else None]
        if not len(samples):
            raise Unusable(f"ends before {self.offset:g} s, where listening begins")
        if self.trim:
            import_numba()
            from librosa.effects import trim

            samples = trim(samples, top_db=self.trim)[0]
        check_usable(samples, clip.rate)
        return Clip(samples, clip.rate, clip.channels, clip.note)

    def vary(self, clip: Clip, key: str) -> Clip:
        """The clip with what the variant does to its sound."""
        samples = clip.samples
        for step in self._steps:
            samples = step.apply(samples, clip.rate, key)
        return Clip(samples, clip.rate, clip.channels, clip.note) if self._steps else clip

    def _window(self) -> list[tuple[str, float, str]]:
        return [("offset", self.offset, "s"), ("duration", self.duration, "s"), ("trim", self.trim, "dB")]
