"""How many clips a fitted system warns of: unseen speakers, other corpora, made sounds, damaged recordings (docs/novelty.md).

    python benchmarks/novelty.py emodb --others emovo ravdess -f egemaps -f mfcc --cache features

Prints a Markdown table: per kind of clip and feature set the share with any warning, and in brackets with "far from all training clips".
Unseen speakers are those of the corpus itself, each left out once; all other rows are of what is fitted on the whole corpus.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sounds import CHANGES, makers

from ser_bench.audio.clip import Clip, read_clip
from ser_bench.bundle.levels import LEVELS, level_of
from ser_bench.bundle.novelty import KnownClips
from ser_bench.corpora import load_corpus
from ser_bench.features.base import Extractor
from ser_bench.features.extract import Extraction, ExtractionOptions, extract_corpus
from ser_bench.features.sets import FeatureSet, parse_features
from ser_bench.features.worker import AudioInfo
from ser_bench.utils.parallel import Workers

Heard = list[tuple[AudioInfo, np.ndarray]]
Found = dict[str, tuple[float, float]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="what is fitted on")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="other corpora")
    parser.add_argument("-f", "--features", action="append", help="feature sets [egemaps, audioemotion26, mfcc]")
    parser.add_argument("--clips", type=int, default=30, help="of each kind of made sound and damage [30]")
    parser.add_argument("--cache", default="features", help="the feature store [features]")
    options = parser.parse_args()
    feature_sets = [parse_features(text) for text in options.features or ["egemaps", "audioemotion26", "mfcc"]]
    corpora = [options.corpus, *options.others]
    extracted = {path.name: extract(path, feature_sets, Path(options.cache)) for path in corpora}
    made = dict(sounds(extracted[options.corpus.name].clips, options.clips))
    columns = {one.name: dict(measure(extracted, made, one)) for one in feature_sets}
    print(f"| fitted on {options.corpus.name} | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for kind in next(iter(columns.values())):
        cells = [f"{found[kind][0]:.2f} ({found[kind][1]:.2f})" for found in columns.values()]
        print(f"| {kind} | " + " | ".join(cells) + " |")


def extract(path: Path, feature_sets: list[FeatureSet], cache: Path) -> Extraction:
    """A corpus's features, and the levels of its clips."""
    levels = FeatureSet((LEVELS,))
    return extract_corpus(load_corpus(path, cache=str(cache)), [*feature_sets, levels], ExtractionOptions(cache, Workers(1)))


def sounds(clips: pd.DataFrame, number: int) -> Iterator[tuple[str, list[Clip]]]:
    """Made sounds of the corpus's rate and middle level, and some of its clips damaged, by kind."""
    rng = np.random.default_rng(0)
    chosen = [read_clip(path) for path in clips["path"].iloc[np.sort(rng.choice(len(clips), min(number, len(clips)), replace=False))]]
    rate, peak = int(clips["rate"].median()), float(clips["peak"].median())
    for kind, make in makers(chosen).items():
        waves = [make(rng, rate) for _ in range(number)]
        yield kind, [Clip((wave * (peak / np.abs(wave).max())).astype(np.float32), rate) for wave in waves]
    for kind, change in CHANGES.items():
        yield kind, [change(rng, clip) for clip in chosen]


def measure(
    extracted: dict[str, Extraction], made: dict[str, list[Clip]], feature_set: FeatureSet
) -> Iterator[tuple[str, tuple[float, float]]]:
    """The share of each kind of clip with any warning, and of those far from all training clips."""
    (name, own), *others = extracted.items()
    x, voices = own.features(feature_set).values, own.clips["speaker"].to_numpy()
    rates = [part.rate for part in feature_set.parts if isinstance(part, Extractor)]
    warned = np.zeros((2, len(x)))
    for voice in np.unique(voices):
        held = voices == voice
        known = KnownClips.of(x[~held], voices[~held], own.clips[~held], rates)
        warned[:, held] = shares(known, x[held], heard(own, held)).T
    yield f"unseen speakers of {name}", tuple(warned.mean(1))
    known = KnownClips.of(x, voices, own.clips, rates)
    for other, extraction in others:
        everything = np.ones(len(extraction.clips), bool)
        yield other, tuple(shares(known, extraction.features(feature_set).values, heard(extraction, everything)).mean(0))
    for kind, clips in made.items():
        rows = np.stack([vector(feature_set, clip) for clip in clips])
        infos = [(AudioInfo("", clip.seconds, clip.rate, 1, "", level_of(clip.samples).peak), LEVELS(clip)) for clip in clips]
        yield kind, tuple(shares(known, rows, infos).mean(0))


def heard(extraction: Extraction, chosen: np.ndarray) -> Heard:
    """What is known of the sound of some clips."""
    levels = extraction.features(FeatureSet((LEVELS,))).values[chosen]
    infos = extraction.clips.loc[chosen, list(AudioInfo._fields)].itertuples(index=False)
    return [(AudioInfo(*info), level) for info, level in zip(infos, levels, strict=True)]


def shares(known: KnownClips, x: np.ndarray, clips: Heard) -> np.ndarray:
    """Whether there is any warning of each clip, and whether it is far; shape (n, 2)."""
    said = [bool(known.warnings(row, *info)) for row, info in zip(x, clips, strict=True)]
    return np.column_stack([said, known.distance(x) > 1])


def vector(feature_set: FeatureSet, clip: Clip) -> np.ndarray:
    """A clip's features."""
    with np.errstate(all="ignore"):
        return np.concatenate([part(clip) for part in feature_set.parts if isinstance(part, Extractor)]).astype(np.float32)


if __name__ == "__main__":
    main()
