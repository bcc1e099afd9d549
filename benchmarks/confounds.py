"""How often the checks of docs/confounds.md warn of planted faults, and raise false alarms.

    python benchmarks/confounds.py columns --repetitions 60
    python benchmarks/confounds.py speakers
    python benchmarks/confounds.py tables --repetitions 40

Everything is synthetic: clip tables, predictions and feature tables with a known fault, or none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from simulate import parse_repetitions

from ser_bench.analyses.audits.links import Cells, link
from ser_bench.analyses.audits.shuffled import shuffled
from ser_bench.evaluation.own_tables import Rows, f_ratio, remarks

Line = tuple[str, float]


def columns(repeats: int) -> Iterator[Line]:
    """One column with two values: a proportion of one emotion's clips has the second, and so have 10% of all clips."""
    for speakers, emotions, takes in ((6, 7, 12), (10, 4, 8), (24, 8, 8)):
        voices = np.repeat(np.arange(speakers), emotions * takes)
        codes = np.tile(np.repeat(np.arange(emotions), takes), speakers)
        for share in (0.0, 0.25, 0.5, 1.0):
            found = 0
            for repeat in range(repeats):
                rng = np.random.default_rng([repeat, speakers])
                values = ((codes == 0) & (rng.random(len(codes)) < share)) | (rng.random(len(codes)) < 0.1)
                cells = Cells.of(voices, values.astype(int))
                found += min(link(cells, codes, how, permutations=199).p for how in ("across", "within")) * 2 < 0.05
            yield f"{speakers} speakers, {emotions} emotions, {len(codes)} clips, {share:.0%} of one emotion", found / repeats


def speakers(repeats: int) -> Iterator[Line]:
    """Speakers whose UAR varies with a standard deviation of .09, the labels of some shuffled."""
    for n, clips, k, level in ((10, 36, 4, 0.85), (10, 36, 4, 0.6), (6, 84, 7, 0.45), (24, 64, 8, 0.6)):
        for many in (0, 1, 3):
            false = found = 0
            for repeat in range(repeats):
                rng = np.random.default_rng([repeat, n])
                truth, voices = np.tile(np.arange(k), n * (clips // k)), np.repeat(np.arange(n), clips // k * k)
                right = rng.random(len(truth)) < np.clip(rng.normal(level, 0.09, n), 1 / k, 1)[voices]
                predicted = np.where(right, truth, (truth + rng.integers(1, k, len(truth))) % k)
                for voice in range(many):
                    truth[voices == voice] = rng.permutation(truth[voices == voice])
                named = {int(one.voice) for one in shuffled(truth, predicted[None], voices.astype(str))}
                false += bool(named - set(range(many)))
                found += len(named & set(range(many)))
            what = f"{n} speakers of {clips} clips, {k} emotions, UAR {level}, {many} shuffled"
            yield f"{what}: false positives", false / repeats
            if many:
                yield f"{what}: detected", found / repeats / many


def tables(repeats: int) -> Iterator[Line]:
    """Tables of 240 clips of 10 speakers and 4 emotions."""
    clips = pd.DataFrame([(f"s{s}", e, t) for s in range(10) for e in "abcd" for t in range(6)], columns=["speaker", "emotion", "take"])
    codes, voices = (np.unique(clips[name], return_inverse=True)[1] for name in ("emotion", "speaker"))
    n = len(clips)

    def real(rng: np.random.Generator) -> np.ndarray:
        hidden = rng.normal(size=(10, 5))[voices] + 0.7 * rng.normal(size=(4, 5))[codes] + rng.normal(size=(n, 5))
        return np.asarray(hidden @ rng.normal(size=(5, 40)) + 0.5 * rng.normal(size=(n, 40)))

    def best(values: np.ndarray, many: int) -> np.ndarray:
        return values[:, np.argsort(-f_ratio(values, codes)[0])[:many]]

    def by_speaker(values: np.ndarray) -> np.ndarray:
        groups = [values[voices == voice] for voice in range(10)]
        return np.concatenate([(group - group.mean(0)) / group.std(0) for group in groups])

    kinds = {
        "descriptors": real,
        "descriptors, the 10 best of 40 selected on all labels": lambda rng: best(real(rng), 10),
        "noise, 300 columns": lambda rng: rng.normal(size=(n, 300)),
        "noise, the 30 best of 5,000 selected on all labels": lambda rng: best(rng.normal(size=(n, 5000)), 30),
        "noise, the 30 best of 300 selected on all labels": lambda rng: best(rng.normal(size=(n, 300)), 30),
        "descriptors with the 10 best of 5,000 columns of noise": lambda rng: np.hstack([real(rng), best(rng.normal(size=(n, 5000)), 10)]),
        "standardised per speaker": lambda rng: by_speaker(real(rng)),
        "labels spread over 30 columns under noise of .8": lambda rng: np.hstack(
            [real(rng), np.eye(4)[codes] @ rng.normal(size=(4, 30)) + 0.8 * rng.normal(size=(n, 30))]
        ),
        "the number of the clip, with noise of 5%": lambda rng: np.hstack(
            [real(rng), (np.arange(n) + rng.normal(0, 0.05 * n, n))[:, None]]
        ),
    }
    for name, make in kinds.items():
        warned = 0
        for repeat in range(repeats):
            rows = Rows.of("t", pd.DataFrame(make(np.random.default_rng(repeat))), clips)
            warned += bool(remarks(rows, rows, by_speaker=False))
        yield name, warned / repeats


CHECKS = {"columns": columns, "speakers": speakers, "tables": tables}


def main() -> None:
    """Print a line per world of one check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=list(CHECKS))
    parser.add_argument("--repetitions", type=parse_repetitions, default=100)
    options = parser.parse_args()
    for line, share in CHECKS[options.check](options.repetitions):
        print(f"{share:6.2f}  {line}", flush=True)


if __name__ == "__main__":
    main()
