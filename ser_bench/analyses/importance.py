"""What a system that was trained on all groups depends on.

In:   a feature set and a model of prepared data, their units finished.
Out:  a row per group or column: what the UAR on held-out speakers loses when its values are replaced by another clip's; and each
      group's share of the system's UAR above chance (Shapley).
Rule: the models that predicted the held-out clips are fitted again with the hyperparameters that their searches chose, on the same
      training clips. Which clip another's values are taken from depends on the corpus and the seed alone, so that losses are comparable
      whatever the folds. A group that a model depends on need not be necessary: that is what an ablation asks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.analyses.ablation import FoldRef, SubsetEvaluator, chosen
from ser_bench.errors import Damaged, WorkFailed
from ser_bench.evaluation.analysis_folders import IMPORTANCE
from ser_bench.evaluation.runner import DIED, UNSEEN, unit_data
from ser_bench.evaluation.splits import derive_seed
from ser_bench.models.feature_selection import select_k_best
from ser_bench.utils.atomic import read_arrays, set_aside, write_arrays
from ser_bench.utils.parallel import Died, in_parallel, on_one_thread

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.scaling import UnitData
    from ser_bench.models.base import Fitted, Model

VERSION = 5
SHUFFLED = ACROSS, WITHIN = ("across speakers", "within speakers")
"""Where a clip's values are taken from: a clip of another speaker (the headline), which takes away all that they say; or another clip of
the same speaker, which leaves what they say of the speaker."""

REPEATS, FEWER_REPEATS = 5, 2
"""How often values are shuffled: those of groups; those of single columns, and of sets of groups for Shapley values."""

EXACT_GROUPS = 8
"""Up to so many groups Shapley values go through all subsets; above, through random orders."""

ORDERS = 64
MOST_COLUMNS = 100
"""So many single columns are gone through: those that training clips' emotions most often tell by, over folds (ANOVA)."""

VALUES_AT_ONCE = 2**20
"""Of clips with values shuffled, that are decided about together."""

KINDS = ("shapley", "group", "column", "model")


class ShuffledColumns(NamedTuple):
    """What is shuffled: groups of columns (`of` names the group of each), sets of groups, by place, that are *not*, single columns."""

    of: tuple[str, ...]
    groups: tuple[str, ...]
    subsets: list[tuple[int, ...]]
    single: list[int]


class Values(NamedTuple):
    """Values to replace others by: all clips of the corpus, and which of them stands in for each held-out one.

    The latter by way and repeat, shape (2, REPEATS, n_held_out).
    """

    everyone: UnitData
    donors: np.ndarray


def importances(bench: SubsetEvaluator) -> pd.DataFrame:
    """What a system depends on.

    Returns
    -------
    DataFrame
        The columns of `IMPORTANCE`: kind ``shapley`` (a group's share of the UAR above that of a system whose columns are all shuffled),
        ``group`` and ``column`` (what is lost with it shuffled), each with a 95% confidence interval over speakers, the largest first; and
        ``model``, a group's share by the model's own measure, the mean over folds, where it has one. `shuffled` is one of `SHUFFLED`,
        blank for the model's own measure; Shapley values are across speakers.

    Raises
    ------
    WorkFailed
        Where the process of a fold died.
    """
    import pandas as pd

    asked = ShuffledColumns(bench.features.groups, bench.groups, subsets_of(len(bench.groups)), telling(bench))
    explained = dict(_explain_all(bench, asked))
    eval_set, held = bench.prepared.eval_set, bench.prepared.eval_set.evaluated
    truth, voices = eval_set.codes[held], eval_set.voices[held]

    def counts(kind: str, *which: int) -> np.ndarray:
        """Confusions by shuffle and voice, over all places: shape (repeats * seeds, n_voices, k, k)."""
        codes = eval_set.joined({place: found[kind][which] for place, found in explained.items()})[..., held].reshape(-1, len(truth))
        return scores.speaker_counts(truth, codes, voices, classes=range(len(eval_set.emotions)))

    by_subset = {subset: counts("subsets", at) for at, subset in enumerate(asked.subsets)}
    whole = by_subset[tuple(range(len(bench.groups)))]
    inflation = scores.overlap_bound(whole.shape[-3])
    names = {"group": bench.groups, "column": [bench.features.columns[column] for column in asked.single]}
    rows = [
        (kind, how, name, *scores.difference_of(whole, counts(kind, way, at), inflation=inflation))
        for kind, mine in names.items()
        for way, how in enumerate(SHUFFLED)
        for at, name in enumerate(mine)
    ]
    shares = zip(bench.groups, shapley(by_subset, len(bench.groups)), strict=True)
    rows += [("shapley", ACROSS, name, *interval) for name, interval in shares]
    if own := [mine for found in explained.values() if len(mine := found["own"])]:
        rows += [("model", "", name, value, np.nan, np.nan) for name, value in zip(bench.groups, np.mean(own, axis=0), strict=True)]
    (model,) = bench.models
    found = pd.DataFrame([(eval_set.corpus, bench.features.label, model, *row) for row in rows], columns=list(IMPORTANCE.columns)).round(4)
    keys = found.assign(kind=found["kind"].map(KINDS.index), value=-found["value"])
    return found.loc[keys.sort_values(["kind", "shuffled", "value"], kind="stable").index].reset_index(drop=True)


def donors_of(voices: np.ndarray, seed: int) -> np.ndarray:
    """Whose values stand in for each clip's: by way of `SHUFFLED` and repeat, places of clips, shape (2, REPEATS, n_clips).

    Across speakers any clip of another voice, each as likely; within speakers a permutation of each voice's clips. No name has a part in
    it: clips stand in the order of their contents, and voices only say which clips are of one person.

    Parameters
    ----------
    voices : array of str, shape (n_clips,)
        Of at least two people.
    seed : int
    """
    donors = np.empty((len(SHUFFLED), REPEATS, len(voices)), int)
    across, within = donors
    for repeat in range(REPEATS):
        drawn = np.random.default_rng(derive_seed(seed, "shuffled", repeat)).random((2, len(voices)))
        for voice in np.unique(voices):
            mine, others = np.flatnonzero(voices == voice), np.flatnonzero(voices != voice)
            across[repeat, mine] = others[(drawn[0, mine] * len(others)).astype(int)]
            within[repeat, mine] = mine[np.argsort(drawn[1, mine], kind="stable")]
    return donors


def telling(bench: SubsetEvaluator) -> list[int]:
    """The columns that are gone through one by one."""
    eval_set, x = bench.prepared.eval_set, bench.features.values
    votes: Counter[int] = Counter()
    for place in bench.places:
        train = eval_set.training(place.seed, place.fold)
        votes.update(select_k_best(x[train], eval_set.codes[train], min(MOST_COLUMNS, x.shape[1])).tolist())
    return sorted(sorted(votes, key=lambda column: (-votes[column], column))[:MOST_COLUMNS])


def subsets_of(n: int) -> list[tuple[int, ...]]:
    """The subsets of n groups that Shapley values are taken from: all, or those on the way of random orders."""
    if n <= EXACT_GROUPS:
        return [subset for size in range(n + 1) for subset in combinations(range(n), size)]
    return sorted({tuple(sorted(order[:size])) for order in _orders(n) for size in range(n + 1)})


def _orders(n: int) -> list[list[int]]:
    return [np.random.default_rng(number).permutation(n).tolist() for number in range(ORDERS)]


def shapley(counts: dict[tuple[int, ...], np.ndarray], n: int) -> list[scores.Interval]:
    """Each group's Shapley value of the UAR, with a 95% confidence interval over speakers.

    ``phi_i = sum_S |S|! (n - |S| - 1)! / n! * (UAR(S + i) - UAR(S))`` over subsets S without i; above `EXACT_GROUPS` groups the mean,
    over `ORDERS` random orders of the groups, of what i adds to those before it. As it is linear in UARs, its jackknife is that of the
    UARs.

    References
    ----------
    Shapley (1953), A value for n-person games; Štrumbelj & Kononenko (2014), Explaining prediction models and individual predictions with
    feature contributions, *Knowledge and Information Systems* 41(3).
    """
    weights = [list(shapley_weights(list(counts), n, player).values()) for player in range(n)]
    systems = list(counts.values())
    return scores.combinations_of(systems, weights, inflation=scores.overlap_bound(systems[0].shape[-3]))


def shapley_weights(subsets: list[tuple[int, ...]], n: int, player: int) -> dict[tuple[int, ...], float]:
    """How much the UAR of each subset counts in a group's Shapley value.

    >>> {subset: round(weight, 2) for subset, weight in shapley_weights(subsets_of(2), 2, 0).items()}
    {(): -0.5, (0,): 0.5, (1,): -0.5, (0, 1): 0.5}
    """
    weights = dict.fromkeys(subsets, 0.0)
    if n > EXACT_GROUPS:
        for order in _orders(n):
            at = order.index(player)
            weights[tuple(sorted(order[: at + 1]))] += 1 / ORDERS
            weights[tuple(sorted(order[:at]))] -= 1 / ORDERS
        return weights
    for subset in subsets:
        if player not in subset:
            share = 1 / (n * comb(n - 1, len(subset)))
            weights[tuple(sorted((*subset, player)))] += share
            weights[subset] -= share
    return weights


def _explain_all(bench: SubsetEvaluator, asked: ShuffledColumns) -> Iterator[tuple[FoldRef, dict[str, np.ndarray]]]:
    """What each place's model decides with values shuffled; kept beside the units."""
    store = Path(bench.config.out).resolve() / "units"
    hashes = {place: bench.units[place, bench.groups].hash for place in bench.places}
    paths = {place: store / f"{unit}-{_digest(bench, place, asked.single)}.npz" for place, unit in hashes.items()}
    known = {place: codes for place, path in paths.items() if (codes := _read(path))}
    todo = [place for place in bench.places if place not in known]
    if todo:
        bench.progress.start(f"shuffling {bench.features.label}", len(todo))
        donors = {seed: donors_of(bench.prepared.eval_set.voices, seed) for seed in bench.prepared.eval_set.folds}
        calls = (_call(bench, place, paths[place], asked, donors[place.seed]) for place in todo)
        try:
            for done in in_parallel(explain, calls, bench.config.workers):
                if isinstance(done, Died):
                    raise WorkFailed(DIED)
                bench.progress.advance()
        finally:
            bench.progress.stop()
    for place, path in paths.items():
        codes = known.get(place) or _read(path)
        if not codes:
            raise WorkFailed(f"{path}: {UNSEEN}")
        yield place, codes


def _call(bench: SubsetEvaluator, place: FoldRef, path: Path, asked: ShuffledColumns, donors: np.ndarray) -> tuple[Any, ...]:
    """What `explain` is to be called with."""
    unit, kept, eval_set = bench.units[place, bench.groups], bench.found[place, bench.groups], bench.prepared.eval_set
    held = eval_set.folds[place.seed] == place.fold
    values = Values(unit_data(eval_set, bench.features, unit, everyone=True), donors[..., held])
    (model,) = bench.models.values()
    refit = derive_seed(unit.search_seed, "refit")
    return path, unit_data(eval_set, bench.features, unit), values, model, chosen(kept), kept.metadata["rounds"], asked, refit


def _digest(bench: SubsetEvaluator, place: FoldRef, single: list[int]) -> str:
    """What a unit's hash does not cover.

    Which columns are shuffled together, and a search that was cut short may have chosen other parameters.
    """
    metadata = bench.found[place, bench.groups].metadata
    members = [bench.groups.index(group) for group in bench.features.groups]
    covered = json.dumps([VERSION, metadata["params"], metadata["rounds"], single, members], sort_keys=True)
    return hashlib.blake2b(covered.encode(), digest_size=6).hexdigest()


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """What was kept, or None where there is nothing; what is damaged is set aside."""
    try:
        return read_arrays(path)
    except OSError:
        return None
    except Damaged as damaged:
        set_aside(path, damaged.why, "it is computed again")
        return None


def explain(
    path: Path,
    data: UnitData,
    values: Values,
    model: Model,
    params: dict[str, Any],
    rounds: int | None,
    asked: ShuffledColumns,
    seed: int,
) -> Path:
    """Fit a unit's final model again and keep what it decides about held-out clips with values replaced by other clips'.

    Codes: ``group`` and ``column``, what is shuffled, shape (2, n, repeats, n_held_out), by way of `SHUFFLED`; ``subsets``, what is *not*
    shuffled across speakers, shape (n, repeats, n_held_out). And ``own``: the groups' shares by the model's own measure, empty where it
    has none.
    """
    from ser_bench.evaluation.scaling import scaled_by, scaled_split, standardised_beforehand
    from ser_bench.models.base import fit_split

    with on_one_thread():
        split = scaled_split(data, standardised_beforehand(data), data.train, ~data.train, held_out=True)
        fitted = fit_split(model, split, params, seed, rounds)
        everyone = values.everyone
        scaled = scaled_by(everyone, standardised_beforehand(everyone), everyone.train)
        member = np.array([[group == name for group in asked.of] for name in asked.groups])
        single = np.arange(len(asked.of)) == np.array(asked.single)[:, None]
        others = np.array([~member[list(subset)].any(0) for subset in asked.subsets])
        by_way = scaled[values.donors]
        across, few = by_way[SHUFFLED.index(ACROSS)], slice(FEWER_REPEATS)
        kept = {
            "own": np.zeros(0) if (own := fitted.feature_importances()) is None else member @ own,
            "group": np.stack([_decide(fitted, split.x_eval, member, stand_ins) for stand_ins in by_way]),
            "column": np.stack([_decide(fitted, split.x_eval, single, stand_ins[few]) for stand_ins in by_way]),
            "subsets": _decide(fitted, split.x_eval, others, across[few]),
        }
    write_arrays(path, kept)
    return path


def _decide(fitted: Fitted, x: np.ndarray, shuffled: np.ndarray, stand_ins: np.ndarray) -> np.ndarray:
    """Codes decided with each set of columns (a mask, a row each) replaced by those of each of the `stand_ins`, of the shape of x."""
    codes = np.empty((len(shuffled), *stand_ins.shape[:2]), np.int16)
    at_once = max(1, VALUES_AT_ONCE // stand_ins.size)
    for start in range(0, len(shuffled), at_once):
        here = slice(start, start + at_once)
        changed = np.where(shuffled[here, None, None, :], stand_ins, x)
        codes[here] = fitted.decide_all(changed.reshape(-1, *x.shape)).reshape(changed.shape[:-1])
    return codes
