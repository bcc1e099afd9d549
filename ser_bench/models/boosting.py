"""Gradient-boosted trees (XGBoost, histograms).

In:   a split, hyperparameters, a seed, and of a final fit its number of rounds.
Out:  trees as flat arrays, which predict without XGBoost.
Rule: the inner validation clips alone say when to stop; one thread, so that the same clips give the same trees.

The plan bins the training clips once per split. The number of rounds is not searched for: boosting stops early on
the inner validation clips, and the final fit is as long as the median over the inner folds says. Trials are compared
on few columns, with steps as large as can be, and on trees that `compiled.boosting` grows by XGBoost's rules: on so few clips most of
XGBoost's time is not spent on arithmetic. The final fit, which is one among dozens, is XGBoost's. It sees all columns that the model is
given, and takes more and smaller steps: `FINE`, and on more than `LARGE_CLIPS` training clips `COARSE`, whose fewer but deeper trees
reach the same UAR there in less time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.models.base import (
    Fitted,
    Model,
    Params,
    Prediction,
    PreparedFit,
    PreparedNarrowed,
    Split,
    argmax_prediction,
    balanced_weights,
)
from ser_bench.models.feature_selection import select_k_best
from ser_bench.models.nodes import LEAF, Trees, leaves, read_trees
from ser_bench.models.packing import LARGEST, Packed, Unfit
from ser_bench.utils.c_library import expf

if TYPE_CHECKING:
    import optuna
    import xgboost

BINS = 12
MOST_ROUNDS = 100
ROUNDS_UNTUNED = 7
"""Rounds of the search where no inner fold could tell."""
LARGE_CLIPS = 20_000
"""Training clips of a final fit up to which it is `FINE`."""
SEARCH_COLUMNS = 250
"""Columns on which trials are compared, those with the highest ANOVA F: histograms, which take most of the time, grow with them."""


class Refinement(NamedTuple):
    """How a final fit differs from trials.

    Parameters
    ----------
    finer : int
        Rounds for one of the search.
    smaller : float
        How many times smaller a step is.
    deeper : int
        Levels that trees have beyond the `max_depth` chosen.
    """

    finer: int
    smaller: float
    deeper: int = 0


FINE = Refinement(16, 8.0)
"""Steps less smaller than there are more of them, as small ones go farther before they overfit."""
COARSE = Refinement(3, 3.0, deeper=2)
"""Where clips are too many to be overfitted by trees of that depth, which on fewer reach a lower UAR."""


class Boosting(Model):
    """Small trees added one after the other, each an emotion's.

    Final fits on more than `LARGE_CLIPS` clips have fewer and deeper trees, which the row's notes and units' hashes say, unless
    `max_depth` is fixed. Those on fewer clips are what they were before there was that rule, hashes included.
    """

    name = "xgb"
    version = 4
    libraries = ("numba",)
    max_features = 1000
    description = "gradient-boosted trees, stopped early on inner validation speakers, classes balanced by default"
    defaults = {"max_depth": 3, "subsample": 0.8, "colsample_bynode": 0.15, "lambda": 1.0}
    settings = {"eta": 1.0, "min_child_weight": 1.0}
    bounds = {
        "max_depth": (1, 12),
        "eta": (1e-3, 1.0),
        "subsample": (0.01, 1.0),
        "colsample_bynode": (1e-3, 1.0),
        "lambda": (0.0, 1e6),
        "min_child_weight": (0.0, 1e6),
    }

    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw the trees' depth, the share of clips a tree and of columns a node, and a restraint."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 3),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bynode": trial.suggest_float("colsample_bynode", 0.05, 0.3, log=True),
            "lambda": trial.suggest_float("lambda", 0.1, 10.0, log=True),
        }

    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Boost on bins of one's own."""
        return self.plan(split).train(params, seed, rounds)

    def plan(self, split: Split) -> PreparedFit:
        """Share the bins; while trials are compared, of fewer columns."""
        if split.searching and split.x_train.shape[1] > SEARCH_COLUMNS:
            return PreparedNarrowed(self, split, select_k_best(split.x_train, split.y_train, SEARCH_COLUMNS))
        return TrialPlan(self, split) if split.searching else FinalPlan(self, split)

    def refinement(self, n_train: int) -> Refinement:
        """Of a final fit on that many clips; a depth that is fixed is kept."""
        return COARSE if n_train > LARGE_CLIPS and "max_depth" not in self.fixed else FINE

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Grows with clips and columns."""
        return n_train * (1e-5 + 7e-8 * n_columns)

    def notes(self, n_train: int, n_columns: int) -> list[str]:
        """Columns selected, and that final trees are deeper than the hyperparameters say."""
        final = self.refinement(n_train)
        deeper = f"xgb: final trees {final.deeper} levels deeper than max_depth (more than {LARGE_CLIPS:,} training clips)"
        return [*super().notes(n_train, n_columns), *([deeper] if final.deeper else [])]

    def covered(self, n_clips: int) -> list[Any]:
        """How the final fit differs, where it may be a `COARSE` one."""
        final = self.refinement(n_clips)
        return [] if final == FINE else [{"final": list(final)}]


class BoostingPlan(PreparedFit):
    """Runs on one split: emotions without gaps, clips weighted."""

    def __init__(self, model: Boosting, split: Split) -> None:
        super().__init__(model, split)
        self.present, self.y = np.unique(split.y_train, return_inverse=True)
        self.weights = model.weights(split.y_train)


class TrialPlan(BoostingPlan):
    """Trials on one binned inner split, whose validation clips say when to stop."""

    @cached_property
    def binned(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes and cuts of the training clips, which alone decide the bins."""
        from ser_bench.models.compiled.trees import cut_columns

        return cut_columns(self.split.x_train, BINS)

    @cached_property
    def watched(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inner validation clips, balanced as the UAR is; those of an emotion absent from training weigh nothing."""
        y_eval = self.split.y_eval
        assert y_eval is not None
        known = np.isin(y_eval, self.present)
        y = np.where(known, np.searchsorted(self.present, y_eval), 0)
        weights = np.zeros(len(y))
        weights[known] = balanced_weights(y[known])
        return np.ascontiguousarray(self.split.x_eval), y, weights

    @cached_property
    def start(self) -> np.ndarray:
        """Margins before the first tree: as XGBoost has them since version 3.1, logarithms of the emotions' shares with mean zero."""
        logs = np.log(np.bincount(self.y, self.weights))
        return (logs - logs.mean()).astype(np.float32)

    def boost(self, params: Params, seed: int, rounds: int | None) -> tuple[Trees, np.ndarray, int]:
        """Trees, margins of validation clips, and rounds: as many as are given, or as long as these clips gain."""
        from ser_bench.models.compiled.boosting import boost

        most, stopping = MOST_ROUNDS if rounds is None else rounds, rounds is None
        settings = self.model.setting(params)
        *trees, margins, done = boost(
            self.binned, self.y, self.weights, self.watched, self.start, settings, np.uint64(seed), most, stopping=stopping
        )
        return Trees(*trees), margins, done

    def train(self, params: Params, seed: int, rounds: int | None = None) -> BoostedTrees:
        """Boost on the shared bins."""
        trees, _, done = self.boost(params, seed, rounds)
        of_class = np.tile(np.arange(len(self.present)), done)
        return BoostedTrees(trees, of_class, self.start, self.present, self.split.n_classes, done, None)

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Decide by the margins with which validation clips were watched."""
        _, margins, done = self.boost(params, seed, rounds)
        return argmax_prediction(softmax_of(margins), self.present, self.split.n_classes, done)


class FinalPlan(BoostingPlan):
    """XGBoost's own fits on one split."""

    def __init__(self, model: Boosting, split: Split) -> None:
        super().__init__(model, split)
        self.refinement = model.refinement(len(split.y_train))

    @cached_property
    def matrix(self) -> xgboost.DMatrix:
        """Training clips, which alone decide the bins; XGBoost keeps these with the matrix from its first round on.

        Its `QuantileDMatrix` gives the same bins and takes longer.
        """
        import xgboost

        return xgboost.DMatrix(self.split.x_train, self.y, weight=self.weights, nthread=1)

    def train(self, params: Params, seed: int, rounds: int | None = None) -> FittedBoosting:
        """Boost as far as that many rounds of the search go.

        `xgboost.train` gives the same trees, and copies them in the end, which takes as long as several rounds.
        """
        import xgboost

        settings, final = self.model.setting(params), self.refinement
        settings |= {
            "eta": settings["eta"] / final.smaller,
            "max_depth": settings["max_depth"] + final.deeper,
            "objective": "multi:softprob",
            "num_class": len(self.present),
            "tree_method": "hist",
            "max_bin": BINS,
            "nthread": 1,
            "seed": seed,
            "verbosity": 0,
        }
        rounds = rounds or ROUNDS_UNTUNED
        booster = xgboost.Booster(settings, [self.matrix])
        for done in range(final.finer * rounds):
            booster.update(self.matrix, done)
        return FittedBoosting(booster, self.present, self.split.n_classes, rounds)


class FittedBoosting(Fitted):
    """Trained trees, which go as far as `rounds` of the search do."""

    def __init__(self, booster: xgboost.Booster, present: np.ndarray, n_classes: int, rounds: int) -> None:
        self.booster, self.present, self.n_classes, self.rounds = booster, present, n_classes, rounds

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        probabilities = self.booster.inplace_predict(x) if len(x) else np.zeros((0, len(self.present)))
        return argmax_prediction(probabilities, self.present, self.n_classes, self.rounds)

    def feature_importances(self) -> np.ndarray | None:
        """A column's share of what all splits gained."""
        gains = np.zeros(self.booster.num_features())
        for name, gain in self.booster.get_score(importance_type="total_gain").items():
            gains[int(name.removeprefix("f"))] = gain
        return gains / gains.sum() if gains.any() else None

    def pack(self) -> Packed:
        """The trees that decide, as arrays."""
        return self.as_arrays().pack()

    def as_arrays(self) -> BoostedTrees:
        """The trees that decide, read from XGBoost's own JSON."""
        learner = json.loads(self.booster.save_raw("json"))["learner"]
        model, k = learner["gradient_booster"]["model"], len(self.present)
        laid = [laid_out(tree) for tree in model["trees"]]
        firsts = np.cumsum([0, *(len(column) for column, _, _ in laid[:-1])])
        column, cut = (np.concatenate([part[place] for part in laid]) for place in (0, 1))
        right = np.concatenate([np.where(right >= 0, right + first, -1) for (_, _, right), first in zip(laid, firsts, strict=True)])
        base = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32)
        return BoostedTrees(
            Trees(firsts.astype(np.int64), column, cut, right),
            np.array(model["tree_info"], np.int64),
            np.broadcast_to(base, k).copy(),
            self.present,
            self.n_classes,
            self.rounds,
            self.feature_importances(),
        )


@dataclass(frozen=True)
class BoostedTrees(Fitted):
    """Trained trees as plain arrays, which decide as XGBoost does, bit for bit, without it.

    Parameters
    ----------
    trees : Trees
        A leaf's `cut` is what it adds to its tree's class. A clip goes left where its value is below a node's `cut`.
    of_class : array of int, shape (n_trees,)
        The place in `present` of the class that a tree adds to.
    base : array of float32, shape (n_present,)
        What there is before the first tree.
    present : array of int, shape (n_present,)
    n_classes, rounds : int
    importances : array of float64, shape (n_columns,), or None
    """

    kind = "xgb"
    trees: Trees
    of_class: np.ndarray
    base: np.ndarray
    present: np.ndarray
    n_classes: int
    rounds: int
    importances: np.ndarray | None

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        margins = np.tile(self.base, (len(x), 1))
        for of_class, of_tree in zip(self.of_class, leaves(self.trees, x, below=True).T, strict=True):
            margins[:, of_class] += self.trees.cut[of_tree]
        return argmax_prediction(softmax_of(margins), self.present, self.n_classes, self.rounds)

    def feature_importances(self) -> np.ndarray | None:
        """A column's share of what all splits gained."""
        return self.importances

    def pack(self) -> Packed:
        """All arrays."""
        arrays = {**self.trees._asdict(), "of_class": self.of_class, "base": self.base, "present": self.present.astype(np.int64)}
        if self.importances is not None:
            arrays["importances"] = self.importances
        return Packed(self.kind, arrays, {"rounds": int(self.rounds)})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> BoostedTrees:
        """Trees over so many columns."""
        trees, present = read_trees(packed, n_columns), packed.present(n_classes)
        if not np.isfinite(trees.cut[trees.column == LEAF]).all():
            raise Unfit("its leaves hold values that are no numbers")
        return cls(
            trees,
            packed.array("of_class", np.int64, (len(trees.roots),), (0, len(present) - 1)),
            packed.array("base", np.float32, (len(present),), (-LARGEST, LARGEST)),
            present,
            n_classes,
            packed.rounds(),
            packed.array("importances", np.float64, (n_columns,), (0, 1)) if "importances" in packed.arrays else None,
        )


def laid_out(tree: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tree of XGBoost's JSON with every left child behind its node: columns, cuts (of a leaf its value), and right children."""
    left, right = tree["left_children"], tree["right_children"]
    order: list[int] = []
    rights: list[int] = []
    waiting = [(0, -1)]
    while waiting:
        node, parent = waiting.pop()
        if parent >= 0:
            rights[parent] = len(order)
        if left[node] >= 0:
            waiting += [(right[node], len(order)), (left[node], -1)]
        order.append(node)
        rights.append(-1)
    column = np.where(np.array(left)[order] >= 0, np.array(tree["split_indices"])[order], LEAF).astype(np.int32)
    return column, np.array(tree["split_conditions"], np.float32)[order], np.array(rights, np.int64)


def softmax_of(margins: np.ndarray) -> np.ndarray:
    """Probabilities of margins, float32, shape (n_clips, n_present), as XGBoost has them to the last bit."""
    # Its terms are the C library's in single precision, and their sum is taken in double.
    terms = expf(margins - margins.max(1, keepdims=True))
    return terms / np.add.accumulate(terms, 1, np.float64)[:, -1:].astype(np.float32)
