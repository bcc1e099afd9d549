"""Simulation with trained systems: leaderboards of rows that are equally good by construction.

In:   a `Setting`: which classifier, how many columns, rows, speakers and folds.
Out:  one `Board` per repetition, with what a run of the project knows of it: hits by speaker and emotion, refits without pairs of folds,
      inner scores.

Clips are vectors: emotion + speaker's shift + speaker's shift in this emotion + noise (balanced, eight emotions, 60 clips per speaker).
Every row has columns of its own, drawn from the same distribution, so rows differ by chance alone; `shared`
columns are the same for all rows. `weaker` scales the emotions of the last row down. In `fresh` worlds each fold's model is trained on
other speakers than those that other folds hold out: no held-out speaker trains another fold's model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from simulate import DESIGNS

from ser_bench.evaluation.refits import PAIRS
from ser_bench.evaluation.splits import fold_pairs, voice_folds

CLIPS = np.array(DESIGNS["balanced"].clips, int)
EMOTION = np.repeat(np.arange(len(CLIPS)), CLIPS)
INNER = 4


@dataclass(frozen=True)
class Setting:
    """A kind of leaderboard.

    Parameters
    ----------
    learner : {'LDA', 'SVM', 'logreg'}
    columns, shared : int
        Columns of each row, and how many of them all rows have in common.
    voices : float
        Standard deviation of speakers' shifts, relative to that of the noise.
    rows, speakers : int
    folds : int
        Groups of speakers held out in turn; 0 leaves one speaker out.
    seeds : int
        Ways to put speakers into groups, over which scores are averaged.
    fresh : bool
        Whether each fold is trained on speakers of its own.
    weaker : float
        By what proportion the last row's emotions are closer together.
    """

    learner: str = "LDA"
    columns: int = 20
    shared: int = 0
    voices: float = 0.7
    rows: int = 8
    speakers: int = 10
    folds: int = 0
    seeds: int = 1
    fresh: bool = False
    weaker: float = 0.0

    @property
    def name(self) -> str:
        """Its columns, for a table."""
        columns = f"{self.columns} columns" + (f", {self.shared} shared" if self.shared else "")
        split = (f"group:{self.folds}" if self.folds else "loso") + (f", {self.seeds} seeds" if self.seeds > 1 else "")
        return (
            f"{self.learner}, {columns}, voices {self.voices:g} | {self.rows} | {self.speakers}, {split}{', fresh' if self.fresh else ''}"
        )


SETTINGS = (
    Setting(),
    Setting(speakers=24, folds=6),
    Setting(columns=60, voices=1.2),
    Setting(columns=60, voices=1.2, speakers=24, folds=6),
    Setting(columns=60, voices=1.2, shared=40),
    Setting(rows=25),
    Setting(rows=25, speakers=24, folds=6),
    Setting(speakers=24, folds=6, seeds=3),
    Setting(speakers=60, folds=6),
    Setting(columns=60, voices=1.2, speakers=60, folds=6),
    Setting(speakers=24),
    Setting("logreg"),
    Setting("logreg", speakers=24, folds=6),
    Setting("SVM"),
    Setting("SVM", speakers=24, folds=6),
    Setting(fresh=True),
    Setting(columns=60, voices=1.2, speakers=24, folds=6, fresh=True),
)


@dataclass(frozen=True)
class Board:
    """One simulated leaderboard.

    Parameters
    ----------
    hits : array of int, shape (rows, seeds, speakers, k)
    losses : array of float, shape (rows, seeds, folds, folds)
        As `scores.training_covariance` takes them.
    inner : array of float, shape (rows, seeds, folds)
        UAR over inner folds of each fold's training speakers.
    folds : array of int, shape (seeds, speakers)
    """

    hits: np.ndarray
    losses: np.ndarray
    inner: np.ndarray
    folds: np.ndarray


class World:
    """Emotions, speakers and clips of a setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        rng = np.random.default_rng(len(CLIPS))
        self.emotions = rng.normal(0, 0.825, (len(CLIPS), setting.columns)) * np.sqrt(8 / setting.columns)
        self.shift = setting.voices * np.linspace(0.2, 1.2, setting.columns)

    def say(self, speakers: int, rng: np.random.Generator) -> np.ndarray:
        """Features of every row, shape (rows, speakers, clips, columns)."""
        shared = self.setting.shared
        common = self._draw(1, speakers, slice(0, shared), rng)
        own = self._draw(self.setting.rows, speakers, slice(shared, None), rng)
        x = np.concatenate([np.broadcast_to(common, (*own.shape[:-1], shared)), own], -1)
        if self.setting.weaker:
            x[-1] -= self.setting.weaker * self.emotions[EMOTION]
        return x.astype(np.float32)

    def _draw(self, rows: int, speakers: int, columns: slice, rng: np.random.Generator) -> np.ndarray:
        shift, emotions = self.shift[columns], self.emotions[:, columns]
        shape = (rows, speakers, 1, len(shift))
        x = emotions[EMOTION] + shift * rng.standard_normal(shape)
        x += (0.7 * self.setting.voices * rng.standard_normal((rows, speakers, len(CLIPS), len(shift))))[:, :, EMOTION]
        return x + rng.standard_normal(x.shape)


class Trained:
    """Models of one corpus, all rows at once, from any of its speakers: what fits share is summed per speaker beforehand."""

    def __init__(self, learner: str, x: np.ndarray) -> None:
        self.learner, self.x = learner, x
        if learner == "LDA":
            self.sums = np.stack([x[:, :, c == EMOTION].sum(2, dtype=float) for c in range(len(CLIPS))], 2)
            self.products = np.matmul(np.swapaxes(x, -1, -2), x).astype(float)

    def hits(self, train: np.ndarray, test: np.ndarray, x: np.ndarray | None = None) -> np.ndarray:
        """Hits by row, test speaker and emotion, of models trained on some speakers (masks, or positions of test speakers)."""
        new = (self.x if x is None else x)[:, test]
        decided = self._discriminant(train, new) if self.learner == "LDA" else self._library(train, new)
        right = decided == EMOTION
        return np.stack([right[..., c == EMOTION].sum(-1) for c in range(len(CLIPS))], -1)

    def _discriminant(self, train: np.ndarray, new: np.ndarray) -> np.ndarray:
        """Linear discriminants with a pooled covariance."""
        counts = CLIPS * np.count_nonzero(train)
        means = self.sums[:, train].sum(1) / counts[:, None]
        within = self.products[:, train].sum(1) - np.einsum("rkd,rke,k->rde", means, means, counts)
        within = within / counts.sum() + 1e-6 * np.eye(new.shape[-1])
        slopes = np.linalg.solve(within, np.swapaxes(means, 1, 2))
        offsets = -0.5 * np.einsum("rkd,rdk->rk", means, slopes)
        scores = np.matmul(new.reshape(len(new), -1, new.shape[-1]), slopes.astype(np.float32)) + offsets[:, None].astype(np.float32)
        return scores.argmax(-1).reshape(new.shape[:-1])

    def _library(self, train: np.ndarray, new: np.ndarray) -> np.ndarray:
        """scikit-learn's models on standardised columns."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        decided = np.empty(new.shape[:-1], int)
        for row, mine in enumerate(new):
            x, y = self.x[row, train].reshape(-1, mine.shape[-1]), np.tile(EMOTION, np.count_nonzero(train))
            scaler = StandardScaler().fit(x)
            model: Any = SVC() if self.learner == "SVM" else LogisticRegression(C=0.1, max_iter=200, tol=1e-3)
            model.fit(scaler.transform(x), y)
            decided[row] = model.predict(scaler.transform(mine.reshape(-1, mine.shape[-1]))).reshape(mine.shape[:-1])
        return decided


def boards(setting: Setting, repetitions: int, *, inner: bool = True, first: int = 0) -> Iterator[Board]:
    """Simulated leaderboards; `inner` scores only where they are asked for, as they cost most fits."""
    world = World(setting)
    for number in range(first, first + repetitions):
        rng = np.random.default_rng([number, setting.columns, setting.speakers, setting.rows])
        x = world.say(setting.speakers, rng)
        corpus = Trained(setting.learner, x)
        by_seed = [_one_seed(setting, world, corpus, seed, number, rng, inner=inner) for seed in range(setting.seeds)]
        yield Board(*(np.stack(parts, axis) for parts, axis in zip(zip(*by_seed, strict=True), (1, 1, 1, 0), strict=True)))


def _one_seed(
    setting: Setting, world: World, corpus: Trained, seed: int, number: int, rng: np.random.Generator, *, inner: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hits, losses, inner scores and folds of one way to split."""
    n, k = setting.speakers, len(CLIPS)
    folds = speaker_folds(n, setting.folds, 1000 * number + seed)
    count = folds.max() + 1
    hits, losses = np.empty((setting.rows, n, k), int), np.full((setting.rows, count, count), np.nan)
    scores = np.full((setting.rows, count), np.nan)
    for fold in range(count):
        held = np.flatnonzero(folds == fold)
        if setting.fresh:
            other = Trained(setting.learner, world.say(n - len(held), rng))
            hits[:, held] = other.hits(np.ones(n - len(held), bool), held, corpus.x)
        else:
            hits[:, held] = corpus.hits(folds != fold, held)
        if inner and not setting.fresh:
            scores[:, fold] = inner_scores(corpus, folds != fold, rng)
    worth = 1 / (k * n * CLIPS)
    for a, b in [] if setting.fresh else fold_pairs(count, PAIRS // setting.seeds, seed):
        held = np.flatnonzero((folds == a) | (folds == b))
        lost = (hits[:, held] - corpus.hits((folds != a) & (folds != b), held)) @ worth
        for one, other_fold in ((a, b), (b, a)):
            losses[:, one, other_fold] = lost[:, folds[held] == one].sum(1)
    return hits, losses, scores, folds


def inner_scores(corpus: Trained, train: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """UAR over inner folds of the training speakers, shape (rows,)."""
    speakers = np.flatnonzero(train)
    inside = rng.permutation(len(speakers)) % INNER
    hits = np.zeros((len(corpus.x), len(CLIPS)), int)
    for fold in range(INNER):
        learnt = np.zeros(len(train), bool)
        learnt[speakers[inside != fold]] = True
        hits += corpus.hits(learnt, speakers[inside == fold]).sum(1)
    return (hits / (len(speakers) * CLIPS)).mean(-1)


def speaker_folds(speakers: int, folds: int, seed: int) -> np.ndarray:
    """The fold of each speaker, by the project's own rule."""
    if not folds:
        return np.arange(speakers)
    names = np.repeat([f"{speaker:03d}" for speaker in range(speakers)], len(CLIPS))
    return voice_folds(names, np.tile(np.arange(len(CLIPS)), speakers), folds, seed)[:: len(CLIPS)]


def counts_of(hits: np.ndarray) -> np.ndarray:
    """Confusion counts, shape (..., k, k), every miss going to the next emotion."""
    k = hits.shape[-1]
    counts = np.zeros((*hits.shape, k), int)
    counts[..., np.arange(k), np.arange(k)] = hits
    counts[..., np.arange(k), (np.arange(k) + 1) % k] = CLIPS - hits
    return counts
