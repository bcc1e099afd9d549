"""`vggish`: what a network trained on the sound of videos makes of a clip, averaged over its patches of 0.96 s.

In:   a clip, and the weights of torchvggish: a user's file, or the released one, which is downloaded when it is first needed.
Out:  128 values, or the 12,288 before the dense layers (`layer=pool4`).
Rule: what the weights are is part of the fingerprint, where they lie is not. They are read as numbers alone (`utils.checkpoints`).

Turi Create's sound classifier classifies each patch and averages probabilities. Here the vectors are averaged and a clip is classified
once, so that a clip is one row for every model, as it is with every other feature set.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ser_bench.audio.clip import Clip
from ser_bench.errors import WorkFailed, WrongCall, quoted, unknown
from ser_bench.features.base import Extractor
from ser_bench.features.signal.vggish import RATE, VggishNetwork, VggishSizes, make_network, patches, wrong_shapes
from ser_bench.utils.checkpoints import Checkpoint, read_checkpoint, read_weights_file
from ser_bench.utils.progress import Progress

SIZES = VggishSizes()
URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
RELEASED = "10086976"
"""How the SHA-256 of the released file begins, which its name says."""
SIZE = "289 MB"
LAYERS = {"embedding": SIZES.dense[-1], "pool4": SIZES.pooled}
"""Layers that can be asked for, with the number of their values."""


@dataclass(frozen=True)
class VGGish(Extractor):
    """A layer of VGGish, rectified, as the mean over a clip's patches.

    Parameters
    ----------
    weights : str
        A file: a state dict of torchvggish saved by PyTorch, or an ``.npz`` of its arrays; empty is the released one.
    layer : str
        ``embedding``, or ``pool4``: the last pooling, frame by frame, band by band, channel by channel.
    """

    name = "vggish"
    description = f"128-value embedding of 0.96 s patches by VGGish, averaged over the clip; weights ({SIZE}) are downloaded at first use"
    about_groups: ClassVar[dict[str, str]] = {"vggish": "layers of VGGish, a network trained on AudioSet's videos"}
    version = 1
    source = "Hershey et al. (2017), CNN architectures for large-scale audio classification. ICASSP; weights of torchvggish"
    licence = "weights: Apache 2.0"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "soundfile", "soxr")
    rate = RATE
    weights: str = ""
    layer: str = "embedding"

    def __post_init__(self) -> None:
        if self.layer not in LAYERS:
            raise unknown("layer of vggish", self.layer, LAYERS)
        # Beside the parameters, so that a worker finds the very weights that the fingerprint is of.
        object.__setattr__(self, "content", content_of(self.weights) if self.weights else RELEASED)

    content: ClassVar[str]
    """The first eight hex digits of the SHA-256 of the weights."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Value by value."""
        size = LAYERS[self.layer]
        return tuple(f"vggish.{self.layer}.{number:0{len(str(size))}}" for number in range(1, size + 1))

    @property
    def label(self) -> str:
        """Name and parameters that are not at their defaults; weights by their content."""
        changed = {"layer": self.layer, "weights": self.content}
        inside = ",".join(f"{key}={value}" for key, value in changed.items() if value not in ("embedding", RELEASED))
        return f"{self.name}({inside})" if inside else self.name

    def describe(self) -> dict[str, Any]:
        """What values depend on; weights by their content."""
        known = super().describe()
        return known | {"parameters": known["parameters"] | {"weights": self.content}}

    def prepare(self, progress: Progress) -> None:
        """Download the weights where they are not at hand, and look whether they are VGGish's.

        Raises
        ------
        WorkFailed
            Where they cannot be had.
        WrongCall
            Where the file holds something else.
        """
        if not self.weights:
            obtain(released_place(), progress)
        load(self._place, self.content)

    def __call__(self, clip: Clip) -> np.ndarray:
        """The vector of a clip."""
        network = network_of(self._place, self.content, self.layer)
        return network(clip.once("vggish patches", lambda: patches(clip.at(RATE)))).mean(0)

    @property
    def _place(self) -> Path:
        return Path(self.weights) if self.weights else released_place()


def released_place() -> Path:
    """Where the released weights are kept: in the user's cache folder."""
    import pooch

    return Path(pooch.os_cache("ser-bench")) / Path(URL).name


def obtain(place: Path, progress: Progress) -> None:
    """Download the released weights, unless they are there.

    Raises
    ------
    WorkFailed
        Saying where they are to be had, how large they are, and how to give them.
    """
    from ser_bench.utils.download import fetch

    if place.exists():
        return
    try:
        checksum = fetch(URL, place, progress=progress)
    except WorkFailed as error:
        why = str(error).removeprefix(f"{URL}: ")
        how = f"download {URL} elsewhere and put it there, or give it as vggish(weights=FILE)"
        raise WorkFailed(f"vggish needs its weights ({SIZE}), which are not at {place}: {how} ({why})") from None
    if not checksum.startswith(f"sha256:{RELEASED}"):
        place.unlink()
        raise WorkFailed(f"{URL}: what came is not the released file, whose SHA-256 begins with {RELEASED}, and was not kept; try again")


def content_of(weights: str) -> str:
    """The first eight hex digits of a file's SHA-256, computed once for as long as it does not change.

    Raises
    ------
    WrongCall
        Where it cannot be read.
    """
    try:
        seen = Path(weights).stat()
    except (OSError, ValueError) as error:
        raise WrongCall(f"vggish: weights={quoted(weights)}: {getattr(error, 'strerror', None) or error}") from None
    return _content(weights, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


@cache
def _content(weights: str, *_: int) -> str:
    return hashlib.sha256(read_weights_file(Path(weights))).hexdigest()[: len(RELEASED)]


def load(place: Path, content: str) -> Checkpoint:
    """The arrays of a file of weights.

    Raises
    ------
    WrongCall
        Where it is another file than the one whose content is known, or none of VGGish's weights.
    """
    data = read_weights_file(place)
    if hashlib.sha256(data).hexdigest()[: len(content)] != content:
        raise WrongCall(f"{place} is not the file whose SHA-256 begins with {content}: it changed, or is damaged; remove it")
    checkpoint = read_checkpoint(data, place)
    if wrong := wrong_shapes(checkpoint.shapes, SIZES):
        raise WrongCall(f"{place} holds no weights of VGGish: {wrong}")
    return checkpoint


@lru_cache(maxsize=2)
def network_of(place: Path, content: str, layer: str) -> VggishNetwork:
    """The network up to a layer, made once per process."""
    return make_network(load(place, content), SIZES, dense=layer == "embedding")
