"""Extraction of `spectral+mfcc` with the libraries alone and with ser-bench, on one thread: milliseconds per clip, and their ratio.

    python benchmarks/extract.py path/to/corpus [--clips 300] [--as-wav]

The plain implementation uses the libraries alone: `librosa.load` at 16 kHz, then one librosa call per
descriptor, NumPy and SciPy for the functionals. Both compute the same 850 values, decoding included; by how much they differ is
printed too, as a share of each value's spread over clips.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import soundfile
from scipy import stats
from threadpoolctl import threadpool_limits

import ser_bench
from ser_bench.audio.clip import read_clip
from ser_bench.features import known_extractors
from ser_bench.utils.parallel import keep_memory

RATE = 16_000
SETS = [known_extractors()[name]() for name in ("spectral", "mfcc")]


def plain(path: str) -> np.ndarray:
    """One call per descriptor, and one per functional."""
    y, _ = librosa.load(path, sr=RATE)
    mfcc = librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=20)
    tracks = [
        librosa.feature.chroma_stft(y=y, sr=RATE),
        librosa.feature.rms(y=y),
        librosa.feature.spectral_centroid(y=y, sr=RATE),
        librosa.feature.spectral_bandwidth(y=y, sr=RATE),
        librosa.feature.spectral_rolloff(y=y, sr=RATE),
        librosa.feature.zero_crossing_rate(y),
        librosa.feature.spectral_contrast(y=y, sr=RATE),
        librosa.feature.spectral_flatness(y=y),
        mfcc,
        librosa.feature.delta(mfcc, mode="nearest"),
        librosa.feature.delta(mfcc, order=2, mode="nearest"),
    ]
    x = np.vstack(tracks)
    quartiles = np.quantile(x, [0.25, 0.5, 0.75], axis=1)
    slope = np.polyfit(np.arange(x.shape[1]) * 512 / RATE, x.T, 1)[0]
    moments = stats.skew(x, axis=1), stats.kurtosis(x, axis=1)
    return np.stack([x.mean(1), x.std(1), x.min(1), x.max(1), *quartiles, *moments, slope], axis=1).ravel()


def ours(path: str) -> np.ndarray:
    """Everything from one decode and one spectrum."""
    clip = read_clip(path)
    return np.concatenate([extractor(clip) for extractor in SETS])


def measure(function: Callable[[str], np.ndarray], paths: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, and seconds per clip."""
    vectors, seconds = [], []
    with threadpool_limits(1):
        for path in paths:
            began = time.perf_counter()
            vectors.append(function(path))
            seconds.append(time.perf_counter() - began)
    return np.stack(vectors), np.array(seconds)


def decoded(path: str) -> np.ndarray:
    """The steps that both share: decoding and resampling."""
    return read_clip(path).at(RATE)[:1]


def main() -> None:
    """Each way in a process of its own, warmed up, taking turns in blocks of clips, so that a machine that slows down slows both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--as-wav", action="store_true", help="from WAV copies: RAVDESS as it is released, where the folder holds FLAC")
    parser.add_argument("--clips", type=int, default=300, help="clips, spread over the corpus")
    arguments = parser.parse_args()
    clips = ser_bench.load_corpus(arguments.corpus).clips
    paths = clips["path"].iloc[np.linspace(0, len(clips) - 1, min(arguments.clips, len(clips))).astype(int)].tolist()
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments.corpus, as_wav(paths, Path(folder)) if arguments.as_wav else paths)


def as_wav(paths: list[str], folder: Path) -> list[str]:
    """The same clips as 16-bit WAV."""
    copies = [str(folder / f"{number}.wav") for number in range(len(paths))]
    for path, copy in zip(paths, copies, strict=True):
        samples, rate = soundfile.read(path, dtype="int16")
        soundfile.write(copy, samples, rate, subtype="PCM_16")
    return copies


def compare(corpus: str, paths: list[str]) -> None:
    """Measure both ways and print what was found."""
    blocks = [paths[at : at + 20] for at in range(0, len(paths), 20)]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as one, spawn.Pool(1, keep_memory) as another:
        for pool, function in ((one, plain), (another, ours), (another, decoded)):
            pool.apply(measure, (function, paths[:3]))
        turns = [(one.apply(measure, (plain, b)), another.apply(measure, (ours, b)), another.apply(measure, (decoded, b))) for b in blocks]
    (theirs, their_seconds), (mine, my_seconds), (_, common) = (
        [np.concatenate(parts) for parts in zip(*side, strict=True)] for side in zip(*turns, strict=True)
    )
    ratios = [a[1].sum() / b[1].sum() for a, b, _ in turns]
    print(f"{corpus}: {len(paths)} clips, one thread, decoding included")
    print(f"plain {1000 * their_seconds.mean():6.2f} ms per clip\nours  {1000 * my_seconds.mean():6.2f} ms per clip")
    print(f"ratio {their_seconds.sum() / my_seconds.sum():.1f} (blocks of 20: {min(ratios):.1f} to {max(ratios):.1f})")
    rest = [seconds.sum() - common.sum() for seconds in (their_seconds, my_seconds)]
    print(f"of which decoding and resampling {1000 * common.mean():.2f} ms in both; ratio of the rest {rest[0] / rest[1]:.1f}")
    # Skewness and kurtosis of a nearly constant track are mostly rounding, in the plain way too.
    off = np.abs(theirs - mine) / np.maximum(theirs.std(0), 1e-12)
    print("difference, as a share of a value's standard deviation over clips:", end=" ")
    print(f"median {np.median(off):.1e}, 99.9% below {np.quantile(off, 0.999):.1e}")


if __name__ == "__main__":
    main()
