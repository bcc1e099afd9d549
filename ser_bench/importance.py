"""What a system that was trained on all groups leans on.

In:   a feature set and a model on common ground, their units finished.
Out:  a row a group or column: what the UAR on held-out speakers loses when its values are shuffled among their clips; and each group's
      share of what the system is above chance (Shapley).
Rule: the very models that predicted the held-out clips are fitted again with the parameters that their searches chose, and never see
      anything but what they saw then. To be leaned on is not to be needed: what an ablation tells is another question.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.ablation import Bench, Place, chosen
from ser_bench.errors import WorkFailed
from ser_bench.files import write_whole
from ser_bench.models.columns import telling_columns
from ser_bench.parallel import Died, in_parallel
from ser_bench.protocol import derive_seed
from ser_bench.runner import DIED, UNSEEN, unit_data

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.models.model import Fitted, Model
    from ser_bench.tuning import UnitData

VERSION = 4
REPEATS = 5
"""How often values are shuffled."""

EXACT_GROUPS = 8
"""Up to so many groups Shapley values go through all subsets; above, through random orders."""

ORDERS = 64
MOST_COLUMNS = 100
"""So many single columns are gone through: those that training clips' emotions most often tell by, over folds (ANOVA)."""

COLUMNS = ("corpus", "features", "model", "kind", "name", "value", "low", "high")


def importances(bench: Bench) -> pd.DataFrame:
    """What a system leans on.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`: kind ``shapley`` (a group's share of the UAR above that of a system whose columns are all shuffled),
        ``group`` and ``column`` (what is lost with it shuffled), each with a 95 % interval over speakers, the largest first; and
        ``model``, a group's share by the model's own measure, the mean over folds, where it has one.

    Raises
    ------
    WorkFailed
        Where the process of a fold died.
    """
    import pandas as pd

    subsets, single = subsets_of(len(bench.groups)), telling(bench)
    explained = dict(_explain_all(bench, subsets, single))
    judged, held = bench.ground.judged, bench.ground.judged.evaluated
    truth, speakers = judged.codes[held], judged.clips["speaker"].to_numpy(str)[held]

    def counts(kind: str, which: int) -> np.ndarray:
        """Confusions by shuffle and speaker, over all places: shape (repeats * seeds, n_speakers, k, k)."""
        codes = judged.joined({place: found[kind][which] for place, found in explained.items()})[..., held].reshape(-1, len(truth))
        return scores.speaker_counts(truth, codes, speakers, classes=range(len(judged.emotions)))

    whole = counts("subsets", subsets.index(tuple(range(len(bench.groups)))))
    columns = [bench.features.columns[column] for column in single]
    shuffled = [("group", "groups", bench.groups), ("column", "columns", columns)]
    rows = [
        (kind, name, *scores.difference_of(whole, counts(which, at), cross_validated=True))
        for kind, which, names in shuffled
        for at, name in enumerate(names)
    ]
    by_subset = {subset: counts("subsets", at) for at, subset in enumerate(subsets)}
    rows += [("shapley", name, *interval) for name, interval in zip(bench.groups, shapley(by_subset, len(bench.groups)), strict=True)]
    own = [shares for found in explained.values() if len(shares := found["own"])]
    rows += [("model", name, value, np.nan, np.nan) for name, value in zip(bench.groups, np.mean(own, axis=0), strict=True)] if own else []
    (model,) = bench.models
    found = pd.DataFrame([(judged.corpus, bench.features.name, model, *row) for row in rows], columns=list(COLUMNS)).round(4)
    keys = found.assign(kind=found["kind"].map({"shapley": 0, "group": 1, "column": 2, "model": 3}), value=-found["value"])
    return found.loc[keys.sort_values(["kind", "value"], kind="stable").index].reset_index(drop=True)


def telling(bench: Bench) -> list[int]:
    """The columns that are gone through one by one."""
    judged, x = bench.ground.judged, bench.features.values
    votes: Counter[int] = Counter()
    for place in bench.places:
        train = judged.training(place.seed, place.fold)
        votes.update(telling_columns(x[train], judged.codes[train], min(MOST_COLUMNS, x.shape[1])).tolist())
    return sorted(sorted(votes, key=lambda column: (-votes[column], column))[:MOST_COLUMNS])


def subsets_of(n: int) -> list[tuple[int, ...]]:
    """The subsets of n groups that Shapley values are taken from: all, or those on the way of random orders."""
    if n <= EXACT_GROUPS:
        return [subset for size in range(n + 1) for subset in combinations(range(n), size)]
    return sorted({tuple(sorted(order[:size])) for order in _orders(n) for size in range(n + 1)})


def _orders(n: int) -> list[list[int]]:
    return [np.random.default_rng(number).permutation(n).tolist() for number in range(ORDERS)]


def shapley(counts: dict[tuple[int, ...], np.ndarray], n: int) -> list[scores.Interval]:
    """Each group's Shapley value of the UAR, with a 95 % interval over speakers.

    ``phi_i = sum_S |S|! (n - |S| - 1)! / n! * (UAR(S + i) - UAR(S))`` over subsets S without i; above `EXACT_GROUPS` groups the mean,
    over `ORDERS` random orders of the groups, of what i adds to those before it. As it is linear in UARs, its jackknife is that of the
    UARs.

    References
    ----------
    Shapley (1953), A value for n-person games; Štrumbelj & Kononenko (2014), Explaining prediction models and individual predictions with
    feature contributions, *Knowledge and Information Systems* 41(3).
    """
    weights = [list(shapley_weights(list(counts), n, player).values()) for player in range(n)]
    return scores.combinations_of(list(counts.values()), weights, cross_validated=True)


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


def _explain_all(bench: Bench, subsets: list[tuple[int, ...]], single: list[int]) -> Iterator[tuple[Place, dict[str, np.ndarray]]]:
    """What each place's model decides with values shuffled; kept beside the units."""
    store = Path(bench.config.out).resolve() / "units"
    hashes = {place: bench.units[place, bench.groups].hash for place in bench.places}
    paths = {place: store / f"{unit}-{_digest(bench, place, single)}.npz" for place, unit in hashes.items()}
    known = {place: codes for place, path in paths.items() if (codes := _read(path))}
    todo = [place for place in bench.places if place not in known]
    if todo:
        bench.progress.start(f"shuffling {bench.features.name}", len(todo))
        calls = (_call(bench, place, paths[place], subsets, single) for place in todo)
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


def _call(bench: Bench, place: Place, path: Path, subsets: list[tuple[int, ...]], single: list[int]) -> tuple[Any, ...]:
    """What `explain` is to be called with."""
    unit, kept = bench.units[place, bench.groups], bench.found[place, bench.groups]
    data = unit_data(bench.ground.judged, bench.features, unit)
    seeds = derive_seed(unit.search_seed, "refit"), derive_seed(unit.search_seed, "shuffle")
    (model,) = bench.models.values()
    return path, data, model, chosen(kept), kept.about["rounds"], bench.features.groups, bench.groups, subsets, single, seeds


def _digest(bench: Bench, place: Place, single: list[int]) -> str:
    """What a unit's hash does not cover: a search that was cut short may have chosen other parameters."""
    about = bench.found[place, bench.groups].about
    covered = json.dumps([VERSION, about["params"], about["rounds"], single], sort_keys=True)
    return hashlib.blake2b(covered.encode(), digest_size=6).hexdigest()


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """What was kept, or None where there is nothing that can be read."""
    try:
        with np.load(path) as kept:
            return dict(kept)
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def explain(
    path: Path,
    data: UnitData,
    model: Model,
    params: dict[str, Any],
    rounds: int | None,
    of: tuple[str, ...],
    groups: tuple[str, ...],
    subsets: list[tuple[int, ...]],
    single: list[int],
    seeds: tuple[int, int],
) -> Path:
    """Fit a unit's final model again and keep what it decides about held-out clips with values shuffled among them.

    Three arrays of codes: ``groups`` and ``columns``, what is shuffled, and ``subsets``, what is *not*; shape (n, repeats, n_held_out).
    And ``own``: the groups' shares by the model's own measure, empty where it has none.
    """
    from threadpoolctl import threadpool_limits

    from ser_bench.models.model import fit_split
    from ser_bench.tuning import prepared, scaled_split

    refit, shuffle = seeds
    with threadpool_limits(1):
        split = scaled_split(data, prepared(data), data.train, ~data.train, held_out=True)
        fitted = fit_split(model, split, params, refit, rounds)
        member = np.array([[group == name for group in of] for name in groups])
        rng = np.random.default_rng(shuffle)
        orders = [rng.permutation(len(split.x_eval)) for _ in range(REPEATS)]
        kept = {
            "own": np.zeros(0) if (own := fitted.rests_on()) is None else member @ own,
            "groups": _decide(fitted, split.x_eval, list(member), orders),
            "columns": _decide(fitted, split.x_eval, [np.array([column]) for column in single], orders[:1]),
            "subsets": _decide(fitted, split.x_eval, [np.asarray(~member[list(subset)].any(0)) for subset in subsets], orders[:2]),
        }
    write_whole(path, lambda part: _save(part, kept))
    return path


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _decide(fitted: Fitted, x: np.ndarray, shuffled: list[np.ndarray], orders: list[np.ndarray]) -> np.ndarray:
    """Codes decided with each set of columns (a mask, or places) in each order."""
    codes = np.empty((len(shuffled), len(orders), len(x)), np.int16)
    for at, mine in enumerate(shuffled):
        for number, order in enumerate(orders):
            changed = x.copy()
            changed[:, mine] = x[order][:, mine]
            codes[at, number] = fitted.judge(changed).predicted
    return codes
