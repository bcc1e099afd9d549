"""How often 95 % intervals of the UAR over held-out speakers hold the truth, in simulated corpora whose truth is known.

    python benchmarks/coverage.py skills --repetitions 2000
    python benchmarks/coverage.py features --repetitions 2000
    python benchmarks/coverage.py features --columns 20 --voices 1.5 --speakers 10 24 --repetitions 1500

World `skills`: log odds of recognition are emotion + speaker (sd .5) + speaker in this emotion (sd .7), hits are binomial.
The truth is the mean over emotions of the recall expected of a new speaker, by numeric integration.

World `features`: clips are vectors: emotion + speaker's shift + speaker's shift in this emotion + noise. Speakers are held out
as the benchmark does (one at a time up to 12 speakers, else six groups), the training clips' scaling and a linear
discriminant fitted without them. Two truths: `models`, the UAR that this repetition's fold models have over new speakers, each
fold weighted by the clips it judged; and `training`, the mean of that over repetitions, that is over training speakers too.
`--columns` and `--voices` make it harder: more columns to learn, stronger voices.

Intervals: the project's (`scores.jackknife_of`: jackknife over speakers, Wilson's bounds with Student's t), plain and widened by
`scores.overlap_bound`; bootstraps over speakers: percentile, BCa (Efron, 1987) and studentised by the jackknife's standard error;
and the usual percentile bootstrap over clips. A resample that lacks an emotion has the mean over the emotions that it holds; a
resample of one speaker only, which has no standard error, is left out of the studentised ones. An interval is cut off at 0 and 1.
"""

from __future__ import annotations

if __name__ != "__main__":
    # Scripts beside this one have this folder first on their path, and numba asks for a package of this name.
    raise ImportError("this is a command, not the package `coverage`")

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.special import expit, ndtr, ndtri
from scipy.stats import qmc
from simulate import DESIGNS, Design, decimals, draw_clips, print_table, share_error
from threadpoolctl import threadpool_limits

from ser_bench.protocol import LOSO_LIMIT, voice_folds
from ser_bench.scores import jackknife_of, overlap_bound
from ser_bench.tuning import UnitData, scaled_split

SPEAKERS = (4, 6, 10, 24, 91)
INTERVALS = ("plain", "widened", "percentile", "BCa", "studentised", "clips")
BY_SPEAKER, BY_SPEAKER_AND_EMOTION = 0.5, 0.7
BLOCK = 20
"""Repetitions that share one set of resamples."""

Corpus = tuple[np.ndarray, np.ndarray, dict[str, float]]
"""Hits and clips, shape (speakers, k) each, and what is known of the truth."""


def skill_corpora(design: Design, speakers: int, options: argparse.Namespace, rng: np.random.Generator) -> Iterator[Corpus]:
    """Corpora of speakers who are recognised more or less well."""
    level = design.skill + np.linspace(-1, 1, len(design.clips))
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    new_speaker = expit(level[:, None] + np.hypot(BY_SPEAKER, BY_SPEAKER_AND_EMOTION) * nodes) @ weights / weights.sum()
    for clips in draw_clips(design, speakers, options.repetitions, rng):
        skill = level + BY_SPEAKER * rng.standard_normal((speakers, 1)) + BY_SPEAKER_AND_EMOTION * rng.standard_normal(clips.shape)
        yield rng.binomial(clips, expit(skill)), clips, {"new speakers": float(new_speaker.mean())}


class Voices:
    """Emotions, speakers and clips as vectors.

    Parameters
    ----------
    design : Design
    columns : int
    voices : float
        How strong speakers' shifts are.
    """

    def __init__(self, design: Design, columns: int, voices: float) -> None:
        rng = np.random.default_rng(len(design.clips))
        self.columns = columns
        self.emotions = rng.normal(0, 0.7 + 0.25 * design.skill, (len(design.clips), columns)) * np.sqrt(8 / columns)
        self.shift, self.own_shift = voices * np.linspace(0.2, 1.2, columns), voices * 0.7

    def say(self, clips: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features, emotion and speaker of each clip of one corpus; `clips` of shape (speakers, k)."""
        cell = np.repeat(np.arange(clips.size), clips.ravel())
        speaker, emotion = np.divmod(cell, clips.shape[1])
        shift = self.shift * rng.standard_normal((len(clips), self.columns))
        own = self.own_shift * rng.standard_normal((clips.size, self.columns))
        return self.emotions[emotion] + shift[speaker] + own[cell] + rng.standard_normal((len(cell), self.columns)), emotion, speaker

    def strangers(self) -> np.ndarray:
        """One clip each of 4,096 new speakers in each emotion, emotion by emotion, evenly strewn (Sobol's points)."""
        points = ndtri(qmc.Sobol(self.columns, seed=0).random(4096))
        clips = self.emotions[:, None] + np.sqrt(self.shift**2 + self.own_shift**2 + 1) * points
        return clips.reshape(-1, self.columns)


def decide(x: np.ndarray, y: np.ndarray, new: np.ndarray, k: int) -> np.ndarray:
    """Emotions of new clips by a linear discriminant that takes all for equally likely and never chooses one unseen."""
    counts = np.bincount(y, minlength=k)
    means = np.stack([np.bincount(y, column, minlength=k) for column in x.T], 1) / np.maximum(counts, 1)[:, None]
    inside = x - means[y]
    slopes = np.linalg.solve(inside.T @ inside / len(x) + 1e-6 * np.eye(x.shape[1]), means.T)
    offsets = np.where(counts > 0, -0.5 * np.sum(means.T * slopes, 0), -np.inf)
    return np.argmax(new @ slopes.astype(np.float32) + offsets.astype(np.float32), 1)


def feature_corpora(design: Design, speakers: int, options: argparse.Namespace, rng: np.random.Generator) -> Iterator[Corpus]:
    """Corpora judged by models of their own, fold by fold."""
    voices, k = Voices(design, options.columns, options.voices), len(design.clips)
    strangers = voices.strangers().astype(np.float32)
    for number, clips in enumerate(draw_clips(design, speakers, options.repetitions, rng)):
        x, y, speaker = voices.say(clips, rng)
        folds = speaker if speakers <= LOSO_LIMIT else voice_folds(speaker, y, 6, number)
        # New speakers stand behind the corpus, so that they go through each fold's own scaling.
        everybody, new = np.concatenate([x.astype(np.float32), strangers]), len(x) + np.arange(len(strangers))
        data = UnitData(everybody, y, speaker, folds >= 0, tuple(map(str, range(k))))
        predicted, truth = np.empty_like(y), 0.0
        for fold in np.unique(folds):
            held = np.flatnonzero(folds == fold)
            split = scaled_split(data, everybody, np.flatnonzero(folds != fold), np.concatenate([held, new]), held_out=True)
            decided = decide(split.x_train, split.y_train, split.x_eval, k)
            predicted[held] = decided[: len(held)]
            recalls = (decided[len(held) :].reshape(k, -1) == np.arange(k)[:, None]).mean(1)
            truth += float(np.mean(recalls * np.bincount(y[held], minlength=k) / clips.sum(0)))
        hits = np.bincount(speaker * k + y, predicted == y, minlength=clips.size).reshape(clips.shape)
        yield hits.astype(int), clips, {"models": truth}


WORLDS = {"skills": skill_corpora, "features": feature_corpora}


def pooled_uar(hits: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """UAR of hits and clips, shape (..., k), over the emotions that have clips."""
    recalls = np.divide(hits, clips, where=clips > 0, out=np.zeros(hits.shape))
    return recalls.sum(-1) / (clips > 0).sum(-1)


def intervals(hits: np.ndarray, clips: np.ndarray, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Low and high end of each of `INTERVALS`, shape (6, 2).

    Parameters
    ----------
    hits, clips : array of int, shape (speakers, k)
    drawn : array of int, shape (resamples, speakers)
        How often each speaker is in each resample.
    """
    n = len(hits)
    score = float(pooled_uar(hits.sum(0), clips.sum(0)))
    without = pooled_uar(hits.sum(0) - hits, clips.sum(0) - clips)
    error = standard_error(without, np.ones(n))
    counts = confusions(hits, clips)
    all_hits, all_clips = drawn @ hits, drawn @ clips
    resampled = pooled_uar(all_hits, all_clips)
    resampled_errors = standard_error(pooled_uar(all_hits[:, None] - hits, all_clips[:, None] - clips), drawn)
    several = resampled_errors > 1e-9
    studentised = np.quantile((resampled[several] - score) / resampled_errors[several], [0.975, 0.025])
    found = [
        *(jackknife_of(counts, inflation=inflation)[1:] for inflation in (1.0, overlap_bound(n))),
        np.quantile(resampled, [0.025, 0.975]),
        np.quantile(resampled, bca_levels(resampled, score, without)),
        score - studentised * error,
        clip_percentile(hits, clips, len(drawn), rng),
    ]
    return np.clip(found, 0, 1)


def standard_error(without: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Jackknife standard error, each speaker being there so many times; both of shape (..., speakers)."""
    n = without.shape[-1]
    mean = (times * without).sum(-1, keepdims=True) / n
    return np.sqrt((n - 1) / n * (times * (without - mean) ** 2).sum(-1))


def bca_levels(resampled: np.ndarray, score: float, without: np.ndarray) -> np.ndarray:
    """The two quantiles at which the bias-corrected and accelerated bootstrap looks."""
    below = (resampled < score - 1e-12).mean() + (np.abs(resampled - score) <= 1e-12).mean() / 2
    bias = ndtri(np.clip(below, 1 / len(resampled), 1 - 1 / len(resampled)))
    pulls = without.mean() - without
    spread = np.sum(pulls**2) ** 1.5
    acceleration = np.sum(pulls**3) / (6 * spread) if spread > 0 else 0.0
    shifted = bias + ndtri([0.025, 0.975])
    return ndtr(bias + shifted / (1 - acceleration * shifted))


def clip_percentile(hits: np.ndarray, clips: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Percentile bootstrap over clips: as the UAR asks only for hits and misses an emotion, these are resampled at once."""
    right, wrong = hits.sum(0), clips.sum(0) - hits.sum(0)
    cells = np.concatenate([right, wrong])
    drawn = rng.multinomial(cells.sum(), cells / cells.sum(), size=resamples)
    right, wrong = np.split(drawn, 2, axis=1)
    return np.quantile(pooled_uar(right, right + wrong), [0.025, 0.975])


def confusions(hits: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """Counts of shape (speakers, k, k); every miss goes to the next emotion."""
    k = hits.shape[1]
    counts = np.zeros((*hits.shape, k), int)
    counts[:, np.arange(k), np.arange(k)] = hits
    counts[:, np.arange(k), (np.arange(k) + 1) % k] = clips - hits
    return counts


def measure(world: str, design: str, speakers: int, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Intervals of all repetitions, shape (repetitions, 6, 2), and the truths, each of shape (repetitions,)."""
    rng = np.random.default_rng([list(WORLDS).index(world), list(DESIGNS).index(design), speakers])
    found, truths = [], []
    for number, (hits, clips, truth) in enumerate(WORLDS[world](DESIGNS[design], speakers, options, rng)):
        if number % BLOCK == 0:
            drawn = rng.multinomial(speakers, np.full(speakers, 1 / speakers), size=options.resamples)
        found.append(intervals(hits, clips, drawn, rng))
        truths.append(truth)
    by_name = {name: np.array([truth[name] for truth in truths]) for name in truths[0]}
    if world == "features":
        by_name["training"] = np.full(len(truths), by_name["models"].mean())
    return np.array(found), by_name


def table(world: str, options: argparse.Namespace) -> Iterator[list[str]]:
    """A row a design, number of speakers and truth: coverage of each interval with its mean width."""
    for design, speakers in product(options.designs, options.speakers):
        found, truths = measure(world, design, speakers, options)
        widths = (found[..., 1] - found[..., 0]).mean(0)
        for name, truth in truths.items():
            covered = ((found[..., 0] <= truth[:, None]) & (truth[:, None] <= found[..., 1])).mean(0)
            cells = [f"{decimals(c)} ({decimals(w)})" for c, w in zip(covered, widths, strict=True)]
            yield [design, str(speakers), name, decimals(float(truth.mean())), *cells]


def main() -> None:
    """Print the table of one world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", choices=list(WORLDS))
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=list(DESIGNS))
    parser.add_argument("--speakers", type=int, nargs="+", default=list(SPEAKERS))
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=999)
    parser.add_argument("--columns", type=int, default=8, help="of world features")
    parser.add_argument("--voices", type=float, default=1.0, help="of world features: how strong speakers' shifts are")
    options = parser.parse_args()
    error = share_error(0.95, options.repetitions)
    print(f"World `{options.world}`, {options.repetitions:,} repetitions, {options.resamples} resamples: coverage (mean width).")
    print(f"The standard error of a coverage of .95 is {decimals(error)}.\n")
    with threadpool_limits(1):
        print_table(["design", "speakers", "truth", "UAR", *INTERVALS], table(options.world, options))


if __name__ == "__main__":
    main()
