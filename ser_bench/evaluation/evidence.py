"""What predictions say about systems that are compared: confusions by seed and voice, and how sure they make us of differences.

In:   the predictions of rows of one block of the leaderboard, and what their refits without pairs of folds lost.
Out:  a `Block`: contributions to the UAR, variance ratios, comparisons with the best, and what the best is worth.
Rule: one inference. Whatever is said of a row or of a difference, interval or p-value, has the variance ratio that stands here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.errors import WorkFailed
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd

EXTERNAL = "external"
"""What stands as the model of rows whose predictions were made elsewhere."""

SYSTEM = ["features", "model", "track"]
"""What names a system within a corpus: the columns that tables have for it."""
ROW_KEY = ["corpus", *SYSTEM]
"""What names a row of a leaderboard of several corpora."""


def rows_of(row: Mapping[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table, such as predictions, that are of a row of the leaderboard."""
    return table[np.logical_and.reduce([(table[name] == row[name]).to_numpy(bool) for name in ROW_KEY])]


@dataclass(frozen=True)
class Evidence(scores.System):
    """What one system predicted, beside what is known of its UAR.

    Parameters
    ----------
    name : tuple of str
        Corpus, feature set, model and track.
    clips : tuple of str
        The clips evaluated.
    rows : list of DataFrame
        Predictions in the order of `clips`, one per seed.
    inner : array of float, shape (n_seeds, n_folds)
        The best inner score of each outer fold's search; NaN where there was none.
    """

    name: tuple[str, ...]
    clips: tuple[str, ...]
    rows: list[pd.DataFrame]
    inner: np.ndarray


Found = Mapping[tuple[str, ...], Evidence]
"""The evidence of a run's cells, by their names."""


class Best(NamedTuple):
    """What the best of a block is worth on new voices, and what choosing by inner scores is."""

    corrected: scores.Interval
    selected: scores.Interval
    chosen: str


def gather(rows: pd.DataFrame, refits: pd.DataFrame) -> Evidence:
    """The evidence of one cell.

    Parameters
    ----------
    rows : DataFrame
        Its predictions over all seeds.
    refits : DataFrame
        ``seed, fold, without, loss``: of this cell; empty where there are none.

    Raises
    ------
    WorkFailed
        Where seeds evaluated different clips, or one twice.
    """
    name = tuple(map(str, rows.iloc[0][ROW_KEY]))
    by_seed = [seed.sort_values("clip") for _, seed in rows.groupby("seed")]
    clips = tuple(by_seed[0]["clip"].tolist())
    if not by_seed[0]["clip"].is_unique or any(tuple(seed["clip"].tolist()) != clips for seed in by_seed[1:]):
        raise WorkFailed(f"predictions of {' '.join(name)}: every seed must evaluate the same clips, each once")
    n_folds = max(int(seed["fold"].max()) for seed in by_seed) + 1
    return Evidence(
        counts=_counts_of(by_seed),
        losses=_by_place(refits, by_seed, ["fold", "without"], "loss", (n_folds, n_folds)),
        name=name,
        clips=clips,
        rows=by_seed,
        inner=_by_place(rows, by_seed, ["fold"], "inner", (n_folds,)),
    )


def _counts_of(by_seed: list[pd.DataFrame]) -> np.ndarray:
    """Confusions of predictions on the same clips in the same order, shape (n_seeds, n_voices, k, k)."""
    (truth, *predicted), emotions = coded(by_seed[0]["emotion"], *(seed["predicted"] for seed in by_seed))
    (voices,), _ = coded(by_seed[0]["voice"])
    return scores.speaker_counts(truth, np.stack(predicted), voices, classes=range(len(emotions)))


def coded(*columns: pd.Series) -> tuple[list[np.ndarray], list[str]]:
    """Columns of labels as places in their sorted names, and these names: numbers score as text does, ten times as fast.

    Examples
    --------
    >>> import pandas as pd
    >>> (meant, said), names = coded(pd.Series(["fear", "anger"]), pd.Series(["fear", "joy"]))
    >>> meant.tolist(), said.tolist(), names
    ([1, 0], [1, 2], ['anger', 'fear', 'joy'])
    """
    import pandas as pd

    found = [pd.factorize(column, use_na_sentinel=False) for column in columns]
    names = sorted({str(name) for _, named in found for name in named})
    return [np.searchsorted(names, np.array(named, dtype=str))[places] for places, named in found], names


def folds_of(rows: pd.DataFrame) -> pd.Series:
    """The seed and fold of each prediction, as one name."""
    return rows["seed"].astype(str) + "/" + rows["fold"].astype(str)


def _by_place(table: pd.DataFrame, by_seed: list[pd.DataFrame], keys: list[str], value: str, shape: tuple[int, ...]) -> np.ndarray:
    """A column as an array by seed and fold, NaN where nothing stands."""
    found = np.full((len(by_seed), *shape), np.nan)
    if len(table) and value in table:
        order = {seed["seed"].iloc[0]: number for number, seed in enumerate(by_seed)}
        known = table[table["seed"].isin(list(order))]
        found[(known["seed"].map(order).to_numpy(int), *(known[key].to_numpy(int) for key in keys))] = known[value].to_numpy(float)
    return found


@dataclass(frozen=True)
class Block:
    """Systems evaluated on the same clips and folds.

    Parameters
    ----------
    systems : sequence of Evidence
    known_ratios : array of float, shape (n_systems, n_systems), or None
        The variance ratios, where they are known: those of some systems of a block are the ones that they have there.
    """

    systems: Sequence[Evidence]
    known_ratios: np.ndarray | None = None

    @cached_property
    def shares(self) -> np.ndarray:
        """Contributions to the UAR, means over seeds, shape (n_systems, n_voices)."""
        return np.stack([system.shares.mean(0) for system in self.systems])

    @cached_property
    def ratios(self) -> np.ndarray:
        """Variance ratios of UARs and of their differences."""
        return scores.ratios_of(self.systems) if self.known_ratios is None else self.known_ratios

    @property
    def between(self) -> np.ndarray:
        """The variance ratios of differences alone, each pair twice."""
        return self.ratios[~np.eye(len(self.systems), dtype=bool)]

    def of(self, places: Sequence[int]) -> Block:
        """Some of the systems, with the ratios that they have here."""
        return Block([self.systems[place] for place in places], self.ratios[np.ix_(places, places)])

    def versus_best(self) -> scores.VersusBest:
        """Each system against the best."""
        return scores.versus_best(self.shares, self.ratios)

    @property
    def place_of_best(self) -> int:
        """The place of the system with the highest UAR, the first of several."""
        return int(np.argmax(self.shares.sum(1).round(12)))

    def not_significantly_worse(self, rope: float) -> scores.LikeBest:
        """Whether each system is as good as the best for practical purposes, as `scores.equivalent_to_best`."""
        return scores.equivalent_to_best([system.counts for system in self.systems], self.place_of_best, self.ratios, rope=rope)

    def smallest_p(self) -> float:
        """The least p that could have come out, as `scores.smallest_p`."""
        return scores.smallest_p(self.shares.shape[1], float(self.between.min()) if len(self.systems) > 1 else 1.0)

    def smallest_difference(self) -> float:
        """The difference that could have been shown, as `scores.smallest_difference`."""
        return scores.smallest_difference(self.shares, self.ratios)

    def interval(self, place: int) -> scores.Interval:
        """The UAR of a system with its interval."""
        return scores.jackknife_of(self.systems[place].counts, inflation=float(self.ratios[place, place]))

    def best(self) -> Best | None:
        """What the best is worth; None for a single system, which nothing was chosen from."""
        if len(self.systems) < 2:
            return None
        selected = select(self.systems)
        if selected is None:
            return Best(self.corrected(), scores.Interval(np.nan, np.nan, np.nan), "")
        return Best(self.corrected(), selected_interval(selected[0]), selected[1])

    def corrected(self) -> scores.Interval:
        """The best system's UAR, corrected for its having been chosen here; its interval is as wide as that of the best as it stands."""
        hits = np.stack([np.diagonal(system.counts, axis1=-2, axis2=-1).mean(0) for system in self.systems])
        estimate = scores.corrected_best(hits, self.systems[0].counts[0].sum(-1), ratio=float(self.between.mean()))
        score, low, high = self.interval(self.place_of_best)
        return scores.Interval(estimate, max(0.0, estimate - (score - low)), min(1.0, estimate + (high - score)))


def swaps_of(n_voices: int) -> int:
    """How many swaps of predictions the test of `Block.versus_best` goes through, as `scores.n_swaps`."""
    return scores.n_swaps(n_voices)


def selected_interval(counts: np.ndarray) -> scores.Interval:
    """The UAR of the system that `select` gives, with its interval.

    Which system that is depends on training speakers, too, and cannot be chosen again without a pair of folds: so overlap counts
    with the most that it can bring.

    Parameters
    ----------
    counts : array of int, shape (n_seeds, n_voices, k, k)
    """
    return scores.jackknife_of(counts, inflation=scores.overlap_bound(counts.shape[-3]))


def select(systems: Sequence[Evidence]) -> tuple[np.ndarray, str] | None:
    """The system that in each fold is the one with the best inner score.

    No model is fitted for it, and held-out voices have no say: so its UAR is that of choosing and then using a system. Of equal scores
    the one with the higher mean over all folds is taken.

    Returns
    -------
    counts : array of int, shape (n_seeds, n_voices, k, k)
        Confusions.
    chosen : str
        Which systems those were, in words; None for both where fewer than two have inner scores.
    """
    import pandas as pd

    candidates = [system for system in systems if len(system.inner) == len(systems[0].inner) and not np.isnan(system.inner).all()]
    if len(candidates) < 2:
        return None
    inner = np.stack([system.inner for system in candidates])
    order = np.argsort(-np.nanmean(inner, axis=(1, 2)), kind="stable")
    candidates, inner = [candidates[place] for place in order], inner[order]
    chosen = np.nan_to_num(inner, nan=-1.0).argmax(0)
    rows = []
    for seed, by_fold in enumerate(chosen):
        folds = candidates[0].rows[seed]["fold"].to_numpy(int)
        parts = [candidates[place].rows[seed][by_fold[folds] == place] for place in np.unique(by_fold)]
        rows.append(pd.concat(parts).sort_values("clip"))
    return _counts_of(rows), _words(candidates, chosen)


def _words(candidates: list[Evidence], chosen: np.ndarray) -> str:
    """Which systems were chosen how often, the most often first."""
    taken = Counter(" ".join(candidates[place].name[1:3]) for place in chosen.ravel())
    (first, times), *others = sorted(taken.items(), key=lambda item: (-item[1], item[0]))
    rest = f", {number_of(len(others), 'other system')} in the rest" if others else ""
    return f"{first} in {times} of {chosen.size} folds{rest}"
