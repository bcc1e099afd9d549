"""Coverage of 95% intervals of a recall over independent speakers, also near 0 and 1 and for few or very unequal speakers.

    python benchmarks/intervals.py recall --repetitions 4000
    python benchmarks/intervals.py mixture --repetitions 4000

World `recall`: one class. The log odds of recognising a clip are normal over voices (sd .86, or `--voices`) around a level that gives the
expected recall exactly, by numeric integration; hits are binomial. Designs: `even`, eight clips per voice; `uneven`, gamma-distributed
(an effective number of voices of about half); `very uneven`, log-normal (sd 1.9: 60 voices are worth about ten).

World `mixture`: the UAR of eight classes of eight clips per voice, where log odds are class + voice (sd .5) + voice in this class (sd .7),
and a share of all voices (a fifth, a tenth, or none) is recognised by chance. `noticed` is the share of corpora in which
`scores.outlying_voices` finds one.

Intervals: `linear t`, score ± t standard errors of the jackknife over voices at n - 1 degrees of freedom, cut off at 0 and 1;
`logit t`, the same on the logit scale with half a hit and half an error added and a variance of at least that of independent
clips; `Korn-Graubard`, beta quantiles with the effective number of clips; `Wilson, n - 1`, Wilson's with the effective number
of clips; `Wilson`, with degrees of freedom of the effective number of voices, as `logit t` and `Korn-Graubard` have: the project's own
(`scores.recall_intervals_of`, `scores.jackknife_of`). `none` is the share of linear intervals without width; no other has any.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, norm, t
from simulate import decimals, parse_repetitions, print_table, share_error

from ser_bench.scores import jackknife_of, outlying_voices, recall_intervals_of

VOICES, RECALLS = (4, 6, 10, 24, 60), (0.15, 0.5, 0.9, 0.98, 1.0)
DESIGNS = ("even", "uneven", "very uneven")
INTERVALS = ("linear t", "logit t", "Korn-Graubard", "Wilson, n - 1", "Wilson")
CLASSES, CLIPS = 8, 8
SHARES = {"none": 0.0, "a tenth": 0.1, "a fifth": 0.2}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
CHECKED = 20
"""Repetitions in which the project's own interval is compared with the one counted here."""


def expected(level: float | np.ndarray, spread: float) -> float | np.ndarray:
    """Recall of a new voice whose log odds are normal around a level."""
    return expit(np.multiply.outer(level, np.ones(len(NODES))) + spread * NODES) @ WEIGHTS / WEIGHTS.sum()


def level_of(recall: float, spread: float) -> float:
    """The level that gives an expected recall; infinite for a recall of 1."""
    if recall == 1:
        return np.inf
    low, high = -15.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle, spread) < recall else (low, middle)
    return middle


def draw_clips(design: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Clips of each voice, shape (repetitions, voices)."""
    if design == "even":
        return np.full(shape, CLIPS)
    if design == "uneven":
        return 1 + rng.poisson(rng.gamma(1.0, CLIPS, shape))
    return np.maximum(1, np.round(CLIPS * np.exp(rng.normal(0, 1.9, shape)))).astype(int)


def wilson(score: np.ndarray, n: np.ndarray, quantile: np.ndarray) -> np.ndarray:
    """Bounds, shape (2, repetitions)."""
    squared = quantile**2 / n
    middle, reach = score + squared / 2, np.sqrt(squared * score * (1 - score) + squared**2 / 4)
    return np.stack([middle - reach, middle + reach]) / (1 + squared)


def bounds(hits: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """Low and high end of each of `INTERVALS`, shape (5, 2, repetitions); hits and clips of shape (repetitions, voices)."""
    voices, total = hits.shape[1], clips.sum(1)
    score = hits.sum(1) / total
    without = (hits.sum(1, keepdims=True) - hits) / (total[:, None] - clips)
    variance = (voices - 1) / voices * np.sum((without - without.mean(1, keepdims=True)) ** 2, 1)
    q, q_effective = t.ppf(0.975, voices - 1), t.ppf(0.975, np.maximum(total**2 / np.sum(clips**2, 1) - 1, 1))
    known = np.divide(score * (1 - score), variance, where=variance > 0, out=np.full(len(score), np.inf))
    n = np.minimum(known, total)
    inner = (hits.sum(1) + 0.5) / (total + 1)
    error = np.sqrt(np.maximum(variance, inner * (1 - inner) / total)) / (inner * (1 - inner))
    counted = n * (norm.ppf(0.975) / q_effective) ** 2
    with np.errstate(invalid="ignore"):
        korn = np.stack(
            [beta.ppf(0.025, score * counted, (1 - score) * counted + 1), beta.ppf(0.975, score * counted + 1, (1 - score) * counted)]
        )
    korn[0, score == 0], korn[1, score == 1] = 0, 1
    logits = expit(logit(inner) + np.multiply.outer([-1, 1], q_effective * error))
    found = [
        score + np.multiply.outer([-1, 1], q * np.sqrt(variance)),
        np.stack([np.minimum(logits[0], score), np.maximum(logits[1], score)]),
        korn,
        wilson(score, n, np.full(len(score), q)),
        wilson(score, n, q_effective),
    ]
    return np.clip(found, 0, 1)


def check_recall(hits: np.ndarray, clips: np.ndarray, found: np.ndarray) -> None:
    """Stop unless the project's own intervals are those counted here."""
    for mine, said, known in zip(hits, clips, found.T, strict=False):
        counts = np.zeros((len(mine), 2, 2), int)
        counts[:, 0, 0], counts[:, 0, 1] = mine, said - mine
        np.testing.assert_allclose(recall_intervals_of(counts)[0][1:], known, atol=1e-9)


def recall_table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per design, number of voices and recall: coverage of each interval with its mean width."""
    for design, voices, recall in product(DESIGNS, VOICES, RECALLS):
        if voices == VOICES[-1] and design != DESIGNS[-1]:
            continue
        rng = np.random.default_rng([DESIGNS.index(design), voices, round(100 * recall)])
        shape = (options.repetitions, voices)
        clips = draw_clips(design, shape, rng)
        hits = rng.binomial(clips, expit(level_of(recall, options.voices) + options.voices * rng.standard_normal(shape)))
        found = bounds(hits, clips)
        check_recall(hits[:CHECKED], clips[:CHECKED], found[-1, :, :CHECKED])
        covered = ((found[:, 0] <= recall + 1e-12) & (recall - 1e-12 <= found[:, 1])).mean(1)
        widths = (found[:, 1] - found[:, 0]).mean(1)
        none = float((found[0, 1] - found[0, 0] < 1e-12).mean())
        effective = float((clips.sum(1) ** 2 / np.sum(clips**2, 1)).mean())
        cells = [f"{decimals(float(c))} ({decimals(float(w))})" for c, w in zip(covered, widths, strict=True)]
        yield [design, str(voices), f"{effective:.1f}", decimals(recall, 2), *cells, decimals(none)]


def mixture_table(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per share of voices that are recognised by chance and number of voices."""
    level = 1.5 + np.linspace(-1, 1, CLASSES)
    usual = float(np.mean(expected(level, np.hypot(0.5, 0.7))))
    for (name, share), voices in product(SHARES.items(), VOICES):
        rng = np.random.default_rng([round(100 * share), voices])
        truth, found, noticed = share / CLASSES + (1 - share) * usual, [], []
        for _ in range(options.repetitions):
            skill = level + 0.5 * rng.standard_normal((voices, 1)) + 0.7 * rng.standard_normal((voices, CLASSES))
            hits = rng.binomial(CLIPS, np.where(rng.random((voices, 1)) < share, 1 / CLASSES, expit(skill)))
            counts = np.zeros((voices, CLASSES, CLASSES), int)
            at = np.arange(CLASSES)
            counts[:, at, at], counts[:, at, (at + 1) % CLASSES] = hits, CLIPS - hits
            uars = hits.mean(1) / CLIPS
            reach = t.ppf(0.975, voices - 1) * uars.std(ddof=1) / np.sqrt(voices)
            found.append((uars.mean() - reach, uars.mean() + reach, *jackknife_of(counts)[1:]))
            noticed.append(outlying_voices(counts).any())
        low, high = np.clip(np.array(found)[:, ::2], 0, 1), np.clip(np.array(found)[:, 1::2], 0, 1)
        covered = ((low <= truth) & (truth <= high)).mean(0)
        cells = [f"{decimals(float(c))} ({decimals(float(w))})" for c, w in zip(covered, (high - low).mean(0), strict=True)]
        yield [name, str(voices), decimals(truth), *cells, decimals(float(np.mean(noticed)))]


def main() -> None:
    """Print the table of one world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", choices=["recall", "mixture"])
    parser.add_argument("--repetitions", type=parse_repetitions, default=4000)
    parser.add_argument("--voices", type=float, default=0.86, help="of world recall: standard deviation of log odds over voices")
    options = parser.parse_args()
    error = share_error(0.95, options.repetitions)
    print(f"World `{options.world}`, {options.repetitions:,} repetitions: coverage (mean width).")
    print(f"The standard error of a coverage of .95 is {decimals(error)}.\n")
    if options.world == "recall":
        print_table(["design", "voices", "effective", "recall", *INTERVALS, "none"], recall_table(options))
    else:
        print_table(["by chance", "voices", "UAR", "linear t", "Wilson", "noticed"], mixture_table(options))


if __name__ == "__main__":
    main()
