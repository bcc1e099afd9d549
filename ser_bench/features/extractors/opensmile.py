"""Feature sets that openSMILE computes, under their official names behind a group.

openSMILE may be used freely for research and education only.

Groups come from one table, `GROUPS`: the first pattern that a descriptor's name matches decides, and every column of
every set matches one.
"""

from __future__ import annotations

import json
import os
import re
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ser_bench.features.base import Extractor, fingerprint_of
from ser_bench.utils.spec import describe

if TYPE_CHECKING:
    import opensmile

    from ser_bench.audio.clip import Clip

RATE = 16_000
LARGEST = np.float32(1 - 2**-15)

GROUPS = (
    ("temporal", r"PeaksPerSec|SegmentsPerSec|SegmentLength|__Turn"),
    ("formants", r"^F\d(?:frequency|bandwidth|amplitude)|^lsp"),
    ("voice_quality", r"jitter|shimmer|HNR|H1-|voicing|voiceProb"),
    ("f0", r"^F0"),
    ("mfcc", r"mfcc"),
    ("loudness", r"loudness|SoundLevel|[eE]nergy|intensity|lengthL1norm"),
    ("auditory_spectrum", r"^audSpec|^logMel"),
    ("zero_crossing", r"zcr"),
    ("spectral_shape", r"alphaRatio|hammarberg|^slope|spectralFlux|fftMag"),
)


@dataclass(frozen=True)
class OpenSmile(Extractor):
    """A configuration that ships with openSMILE, at 16 kHz and on clips of any length."""

    version = 1
    licence = "openSMILE: research and education only"
    libraries = ("numpy", "opensmile", "soundfile", "soxr")
    rate = RATE
    config: ClassVar[str]
    sizes: ClassVar[Mapping[str, int]]
    """As `group_sizes`: openSMILE takes long to be asked for what its official sets do not change."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names that openSMILE gives, each behind its group."""
        return tuple(f"{group_of(name)}.{name}" for name in official_names(self.config))

    @property
    def group_sizes(self) -> Mapping[str, int]:
        """As they stand in the class."""
        return self.sizes

    def recall(self, store: Path) -> None:
        """Take the names from a table of this very set, by the same version of openSMILE, whose folder bears the hash of what it says."""
        if self.config not in _recalled:
            known = describe(self) | {"rate": RATE}
            for about in sorted(store.glob(f"{self.name}-*/extractor.json")):
                if names := _names_in(about, known):
                    _recalled[self.config] = names
                    return

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip. openSMILE takes 16-bit samples and wraps what is louder than full scale: it is clipped here."""
        samples = (np.clip(clip.at(RATE), -1, LARGEST) * np.float32(2**15)).astype(np.int16)
        return _session(self.config).compute(samples)


class Gemaps(OpenSmile):
    """GeMAPSv01b."""

    name = "gemaps"
    description = "GeMAPSv01b"
    config = "gemaps/v01b/GeMAPSv01b"
    sizes = {"f0": 10, "loudness": 10, "voice_quality": 10, "formants": 14, "spectral_shape": 12, "temporal": 6}
    source = "Eyben et al. (2016), The Geneva minimalistic acoustic parameter set. IEEE TAC 7(2)"


class Egemaps(OpenSmile):
    """eGeMAPSv02."""

    name = "egemaps"
    description = "eGeMAPSv02"
    config = "egemaps/v02/eGeMAPSv02"
    sizes = {"f0": 10, "loudness": 11, "spectral_shape": 17, "mfcc": 16, "voice_quality": 10, "formants": 18, "temporal": 6}
    source = "Eyben et al. (2016), The Geneva minimalistic acoustic parameter set. IEEE TAC 7(2)"


class Is09(OpenSmile):
    """The emotion challenge's baseline."""

    name = "is09"
    description = "Interspeech 2009 emotion challenge"
    config = "is09-13/IS09_emotion"
    sizes = {"loudness": 24, "mfcc": 288, "zero_crossing": 24, "voice_quality": 24, "f0": 24}
    source = "Schuller, Steidl & Batliner (2009), The Interspeech 2009 emotion challenge"


class Is10(OpenSmile):
    """The paralinguistic challenge's baseline of 2010."""

    name = "is10"
    description = "Interspeech 2010 paralinguistic challenge"
    config = "is09-13/IS10_paraling_compat"
    sizes = {"loudness": 42, "mfcc": 630, "auditory_spectrum": 336, "formants": 336, "f0": 80, "voice_quality": 156, "temporal": 2}
    source = "Schuller et al. (2010), The Interspeech 2010 paralinguistic challenge"


class Is13(OpenSmile):
    """The computational paralinguistics challenge's baseline of 2013."""

    name = "is13"
    description = "Interspeech 2013 ComParE"
    config = "is09-13/IS13_ComParE"
    sizes = {
        "loudness": 300,
        "zero_crossing": 100,
        "auditory_spectrum": 2600,
        "spectral_shape": 1500,
        "mfcc": 1400,
        "f0": 83,
        "voice_quality": 390,
    }
    source = "Schuller et al. (2013), The Interspeech 2013 computational paralinguistics challenge"


class Compare(OpenSmile):
    """ComParE_2016."""

    name = "compare"
    description = "ComParE 2016"
    config = "compare/ComParE_2016"
    sizes = Is13.sizes
    source = "Schuller et al. (2016), The Interspeech 2016 computational paralinguistics challenge"


class Emobase(OpenSmile):
    """openEAR's base set."""

    name = "emobase"
    description = "openEAR's base set"
    config = "emobase/emobase"
    sizes = {"loudness": 76, "mfcc": 456, "formants": 304, "zero_crossing": 38, "voice_quality": 38, "f0": 76}
    source = "Eyben, Wöllmer & Schuller (2009), openEAR. ACII"


class Session:
    """openSMILE set up once, and reset between clips: as a new one measures, without its configuration read again for each clip.

    Parameters
    ----------
    config : str
        Of its own configurations, without the ending.
    """

    def __init__(self, config: str) -> None:
        from opensmile.core.config import config as names

        self.smile, self.names, self.core = _smile(config), names, None

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """The functionals of samples at 16 kHz, 16 bits each; NaN where openSMILE gives none, as of what is too short for it."""
        core, self.core = self._begun(), None  # what fails is not used again
        found: list[np.ndarray] = []
        core.external_sink_set_callback_ex(self.names.EXTERNAL_OUTPUT_COMPONENT, lambda rows, _: found.append(rows.copy()))
        core.external_audio_source_write_data(self.names.EXTERNAL_SOURCE_COMPONENT, samples.tobytes())
        core.external_audio_source_set_eoi(self.names.EXTERNAL_SOURCE_COMPONENT)
        core.run()
        self.core = core
        return np.concatenate(found).ravel() if found else np.full(self.smile.num_features, np.nan, np.float32)

    def _begun(self) -> Any:
        """An openSMILE that has heard nothing."""
        if self.core is not None:
            self.core.reset()
            self.core._callbacks.clear()
            return self.core
        source = os.path.join(self.smile.default_config_root, self.names.EXTERNAL_INPUT_CONFIG)
        core = self.smile._smile(self.smile._options() | {"source": source, "sampleRate": RATE, "nBits": 16})
        weakref.finalize(self, core.free).atexit = False
        return core


_sessions = threading.local()
"""By configuration; a thread's own, as two cannot share one."""


def _session(config: str) -> Session:
    sessions: dict[str, Session] = _sessions.__dict__
    if config not in sessions:
        sessions[config] = Session(config)
    return sessions[config]


def group_of(name: str) -> str:
    """The group of an official column name.

    >>> group_of("F0semitoneFrom27.5Hz_sma3nz_amean"), group_of("mfcc1V_sma3nz_amean")
    ('f0', 'mfcc')
    """
    # Before the smoothing's mark stands the descriptor, behind it functionals, whose names would mislead.
    descriptor = name.partition("_sma")[0]
    return next(group for group, pattern in GROUPS if re.search(pattern, descriptor))


def official_names(config: str) -> list[str]:
    """A configuration's column names, asked of openSMILE itself where no store holds them."""
    return _recalled.get(config) or list(_smile(config).feature_names)


_recalled: dict[str, list[str]] = {}
"""Column names that a store held, by configuration."""


def _names_in(about: Path, known: dict[str, Any]) -> list[str]:
    """The names in an `extractor.json` that is whole and of what is `known`; none of another."""
    try:
        told = json.loads(about.read_text(encoding="utf-8"))
        columns = told["columns"]
        if about.parent.name.rpartition("-")[2] != fingerprint_of(told) or any(told.get(name) != value for name, value in known.items()):
            return []
        return [column.partition(".")[2] for column in columns]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []


@cache
def _smile(config: str) -> opensmile.Smile:
    """One openSMILE a process and configuration, quiet and single-threaded."""
    import opensmile

    folder = os.path.join(os.path.dirname(opensmile.__file__), "core", "config")
    return opensmile.Smile(os.path.join(folder, f"{config}.conf"), opensmile.FeatureLevel.Functionals, loglevel=0)
