"""Extraction of an openSMILE set into the store and with the library alone, on as many processes: milliseconds per clip, and their ratio.

    python benchmarks/smile.py path/to/corpus [--set egemaps] [--jobs 2] [--clips 300]

The library alone: each file is read with soundfile and its samples passed to one `opensmile.Smile` per process, nothing else. Ours is what
`ser-bench extract` does: hash, decode, check, measure, write Parquet. Processes are warm in both; turns are taken.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
import opensmile
import soundfile
import soxr
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

import ser_bench
from ser_bench.corpora import Corpus
from ser_bench.features import ExtractionOptions, extract_corpus, known_extractors, parse_features
from ser_bench.features.extractors.opensmile import OpenSmile
from ser_bench.utils.parallel import Workers

RATE = 16_000


SMILES: dict[str, opensmile.Smile] = {}
"""One a process."""


def bare(config: str, path: str) -> np.ndarray:
    """Read and measure."""
    if config not in SMILES:
        folder = Path(opensmile.__file__).parent / "core" / "config"
        SMILES[config] = opensmile.Smile(str(folder / f"{config}.conf"), opensmile.FeatureLevel.Functionals, loglevel=0)
    with threadpool_limits(1):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = samples.mean(1)
        return SMILES[config](mono if rate == RATE else soxr.resample(mono, rate, RATE), RATE).ravel()


def main() -> None:
    """Take turns in blocks of clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    configs = {name: kind.config for name, kind in known_extractors().items() if issubclass(kind, OpenSmile)}
    parser.add_argument("--set", default="egemaps", choices=list(configs))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clips", type=int, default=300, help="clips, spread over the corpus")
    arguments = parser.parse_args()
    corpus = ser_bench.load_corpus(arguments.corpus)
    chosen = np.linspace(0, len(corpus.clips) - 1, min(arguments.clips, len(corpus.clips))).astype(int)
    blocks = [dataclasses.replace(corpus, clips=corpus.clips.iloc[part]) for part in np.array_split(chosen, max(1, len(chosen) // 60))]
    seconds = []
    with tempfile.TemporaryDirectory() as cache:
        for number, block in enumerate([blocks[0], *blocks]):
            # The first turn warms the processes up, in a store of its own.
            seconds.append(
                (
                    _bare(configs[arguments.set], block, arguments.jobs),
                    _ours(arguments.set, block, arguments.jobs, Path(cache) / str(not number)),
                )
            )
    theirs, ours = np.array(seconds[1:]).T
    ratios = ours / theirs
    print(f"{arguments.corpus}: {arguments.set}, {len(chosen)} clips, {arguments.jobs} processes")
    print(f"bare  {1000 * theirs.sum() / len(chosen):6.1f} ms per clip\nours  {1000 * ours.sum() / len(chosen):6.1f} ms per clip")
    print(f"ours takes {ours.sum() / theirs.sum():.2f} of the bare library's time (blocks: {ratios.min():.2f} to {ratios.max():.2f})")


def _bare(config: str, block: Corpus, jobs: int) -> float:
    began = time.perf_counter()
    Parallel(jobs, batch_size=8)(delayed(bare)(config, path) for path in block.clips["path"])
    return time.perf_counter() - began


def _ours(name: str, block: Corpus, jobs: int, cache: Path) -> float:
    began = time.perf_counter()
    extract_corpus(block, [parse_features(name)], ExtractionOptions(cache, Workers(jobs)))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
