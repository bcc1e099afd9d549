"""The two halves of VGGish: a signal's log-mel patches, and the network that describes each of them.

In:   samples at 16 kHz; weights as `utils.checkpoints` reads them.
Out:  patches of 96 frames by 64 mel bands; a vector per patch.
Rule: both are those of the released definition (Hershey et al., 2017, "CNN architectures for large-scale audio classification", ICASSP;
      github.com/tensorflow/models, research/audioset/vggish), here in NumPy alone. The network has the sizes that its weights have.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np

RATE = 16_000
FRAME, HOP, TRANSFORMED = 400, 160, 512
"""Samples of a frame, from frame to frame, and of its transform, which is filled up with zeros."""
BANDS, LOWEST_HZ, HIGHEST_HZ = 64, 125.0, 7500.0
OFFSET = 0.01
PATCH_FRAMES = 96
PATCH_SAMPLES = FRAME + (PATCH_FRAMES - 1) * HOP
FRAMES_AT_A_TIME, PATCHES_AT_A_TIME = 1024, 16
"""No more memory for an hour than for a minute."""


class Arrays(Protocol):
    """Arrays by name, and their shapes."""

    shapes: dict[str, tuple[int, ...]]

    def __getitem__(self, name: str) -> np.ndarray: ...


class VggishSizes(NamedTuple):
    """Channels of the convolutions between one pooling and the next, and units of the dense layers."""

    convolutions: tuple[tuple[int, ...], ...] = ((64,), (128,), (256, 256), (512, 512))
    dense: tuple[int, ...] = (4096, 4096, 128)

    @property
    def pooled(self) -> int:
        """How many values a patch has after the last pooling."""
        halved = 2 ** len(self.convolutions)
        return PATCH_FRAMES // halved * (BANDS // halved) * self.convolutions[-1][-1]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The arrays of a state dict by their names in torchvggish, layer by layer."""
        shapes: dict[str, tuple[int, ...]] = {}
        place, before = 0, 1
        for stage in self.convolutions:
            for channels in stage:
                shapes |= {f"features.{place}.weight": (channels, before, 3, 3), f"features.{place}.bias": (channels,)}
                # A rectifier follows each convolution, and a pooling each stage.
                place, before = place + 2, channels
            place += 1
        before = self.pooled
        for number, units in enumerate(self.dense):
            shapes |= {f"embeddings.{2 * number}.weight": (units, before), f"embeddings.{2 * number}.bias": (units,)}
            before = units
        return shapes


class VggishLayer(NamedTuple):
    """Weights, shape (n_in, n_out), and biases."""

    weights: np.ndarray
    biases: np.ndarray


class VggishNetwork(NamedTuple):
    """Stages of convolutions, each followed by a pooling, then dense layers."""

    stages: tuple[tuple[VggishLayer, ...], ...]
    dense: tuple[VggishLayer, ...]

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """A vector per patch: the last dense layer's, or what is left after the last pooling where there is none.

        Parameters
        ----------
        patches : array of float32, shape (n_patches, n_frames, n_bands)

        Returns
        -------
        array of float32, shape (n_patches, n_values)
            After the rectifier; of a pooling frame by frame, band by band, channel by channel.
        """
        described = []
        for begin in range(0, len(patches), PATCHES_AT_A_TIME):
            x = patches[begin : begin + PATCHES_AT_A_TIME, :, :, None]
            for stage in self.stages:
                for layer in stage:
                    x = convolve(x, layer)
                x = pool(x)
            x = x.reshape(len(x), -1)
            for layer in self.dense:
                x = rectified(x, layer)
            described.append(x)
        return np.concatenate(described)


def make_network(arrays: Arrays, sizes: VggishSizes, *, dense: bool) -> VggishNetwork:
    """The network with the weights of a state dict, without its dense layers where they are not asked for."""
    names = iter(sizes.shapes())
    stages = tuple(
        tuple(VggishLayer(arrays[next(names)].transpose(2, 3, 1, 0).reshape(-1, channels), arrays[next(names)]) for channels in stage)
        for stage in sizes.convolutions
    )
    return VggishNetwork(stages, tuple(VggishLayer(arrays[next(names)].T, arrays[next(names)]) for _ in sizes.dense) if dense else ())


def wrong_shapes(found: Mapping[str, tuple[int, ...]], sizes: VggishSizes) -> str:
    """What first differs from the arrays of a network of these sizes, or nothing.

    >>> wrong_shapes({"features.0.weight": (3, 1, 3, 3)}, VggishSizes(((2,),), (1,)))
    'features.0.weight is of shape (3, 1, 3, 3), not (2, 1, 3, 3)'
    """
    for name, shape in sizes.shapes().items():
        if name not in found:
            return f"there is no {name}"
        if found[name] != shape:
            return f"{name} is of shape {found[name]}, not {shape}"
    return ""


def convolve(x: np.ndarray, layer: VggishLayer) -> np.ndarray:
    """Convolution of 3 by 3 with zeros around, rectified; shape (n, height, width, n_in) to (n, height, width, n_out)."""
    n, height, width, channels = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    around = np.empty((n, height, width, 9, channels), np.float32)
    for place in range(9):
        down, right = divmod(place, 3)
        around[:, :, :, place] = padded[:, down : down + height, right : right + width]
    return rectified(around.reshape(-1, 9 * channels), layer).reshape(n, height, width, -1)


def rectified(x: np.ndarray, layer: VggishLayer) -> np.ndarray:
    """A linear layer, rectified; shape (n, n_in) to (n, n_out)."""
    y = x @ layer.weights
    y += layer.biases
    return np.maximum(y, 0, out=y)


def pool(x: np.ndarray) -> np.ndarray:
    """The largest of each 2 by 2 places; shape (n, height, width, channels) to half of both."""
    rows = np.maximum(x[:, ::2], x[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def patches(samples: np.ndarray) -> np.ndarray:
    """Log-mel patches of 0.96 s, one after the other; a last one that is not full is left out, unless it is the only one.

    Parameters
    ----------
    samples : array of float32, shape (n_samples,)
        At 16 kHz. Fewer than one patch needs (15,600) are followed by zeros.

    Returns
    -------
    array of float32, shape (n_patches, 96, 64)
    """
    samples = np.pad(samples, (0, max(PATCH_SAMPLES - len(samples), 0)))
    mel = log_mel(samples)
    n = len(mel) // PATCH_FRAMES
    return mel[: n * PATCH_FRAMES].reshape(n, PATCH_FRAMES, BANDS)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Log of mel bands' magnitudes, frame by frame; frames are whole, not centred.

    Returns
    -------
    array of float32, shape (1 + (n_samples - 400) // 160, 64)
    """
    framed = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    mel = np.empty((len(framed), BANDS), np.float32)
    for begin in range(0, len(framed), FRAMES_AT_A_TIME):
        some = slice(begin, begin + FRAMES_AT_A_TIME)
        magnitudes = np.abs(np.fft.rfft(framed[some] * window, TRANSFORMED))
        mel[some] = np.log(magnitudes @ mel_bands() + OFFSET)
    return mel


@cache
def mel_bands() -> np.ndarray:
    """Triangles between equal steps of HTK's mel scale, straight in mel and not in Hz; shape (257, 64)."""
    bins = _mel(np.fft.rfftfreq(TRANSFORMED, 1 / RATE))[:, None]
    lowest, highest = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges = np.linspace(float(lowest), float(highest), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0)


def _mel(hertz: np.ndarray) -> np.ndarray:
    return 1127 * np.log1p(hertz / 700)
