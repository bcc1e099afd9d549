"""Systems compared across corpora.

In:   rows of a merged leaderboard, and the chance level of each corpus.
Out:  a comparison per group of rows of one track and one search: mean ranks, tests, and in words what they show.
Rule: a corpus counts once, also where its audio stands under two names. Only systems that were evaluated on every corpus of a
      comparison take part, by their ranks within each; a corpus or system that is missing somewhere is left out and named. What so
      few corpora cannot show is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ser_bench import scores
from ser_bench.evaluation.leaderboard import ALPHA
from ser_bench.evaluation.splits import TRACKS, parse_cv
from ser_bench.utils.formatting import format_score, listed, number_of, records

if TYPE_CHECKING:
    import pandas as pd

ROPE = 0.01
GROUP = ["track", "budget", "trials", "seeds", "settings", "aside"]
"""What the rows of a comparison share; `aside` is what a protocol asks besides: other sentences, fewer speakers."""

SYSTEM = ["features", "model"]


@dataclass(frozen=True)
class Comparison:
    """Systems compared over the corpora of one group.

    Parameters
    ----------
    track, search : str
        What the rows of the group share.
    corpora, titles : tuple of str
        Names of corpora, and how their owners write them.
    blocks : tuple of int
        Of each corpus the block of the leaderboard that its rows are from.
    systems : DataFrame
        The best first: `features`, `model`, `mean_rank`, `mean_uar`, `uar.<corpus>...`; with three corpora or more `best_better`,
        `equivalent`, `better`: the Bayesian signed-rank test against the first system; where it can tell anything `p`:
        Wilcoxon's test against the first, Holm's correction over all pairs.
    cliques : list of tuple of int
        Rows of `systems` that are neighbours and not significantly different.
    said : list of str
        What it all means, in sentences.
    """

    track: str
    search: str
    corpora: tuple[str, ...]
    titles: tuple[str, ...]
    blocks: tuple[int, ...]
    systems: pd.DataFrame
    cliques: list[tuple[int, ...]]
    said: list[str]

    @property
    def title(self) -> str:
        """What is compared."""
        return f"Across corpora, {TRACKS[self.track]}; {self.search}"

    @property
    def drawable(self) -> bool:
        """Whether there are systems to rank, and corpora enough for a diagram."""
        return len(self.corpora) > 2 and len(self.systems) > 1


def compare(
    rows: pd.DataFrame, same_audio: Sequence[frozenset[str]] = (), titles: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[Comparison], list[str]]:
    """Compare systems over corpora, group by group; the second list names what is in no comparison, and says why.

    Parameters
    ----------
    rows : DataFrame
        The columns of a run's leaderboard, `settings` as in a merged one, `block` (a number for each set of rows ranked together) and
        `chance` (a guess's UAR there).
    same_audio : sequence of frozenset of str
        Names of corpora that hold the same audio: one corpus, compared once.
    titles : mapping of str to str
        How corpora are written in sentences, where that is not their name.
    """
    compared, unsaid = [], []
    rows = rows.assign(title=rows["corpus"].map(lambda name: titles.get(name, name)))
    ranked = rows[rows["status"] == "ok"]
    groups = list(_groups(ranked.assign(aside=[parse_cv(cv).suffix for cv in ranked["cv"]])))
    for whole in groups:
        group, said = _once_each(whole, same_audio)
        uars = _complete(group.pivot(index=SYSTEM, columns="corpus", values="uar"))
        if uars.shape[1] > 1:
            compared.append(_comparison(group, uars, [*said, *_left_out(group, uars)]))
        else:
            about = f"{TRACKS[whole['track'].iloc[0]]}; {search(whole.iloc[0])}"
            if group["corpus"].nunique() > 1:
                said.append(f"no system was evaluated on two of {listed(_titles(group).values())}.")
            unsaid += [f"Not compared ({about}): {line}" for line in said]
    return compared, unsaid + _in_no_group(rows, ranked, groups)


def _in_no_group(rows: pd.DataFrame, ranked: pd.DataFrame, groups: Sequence[pd.DataFrame]) -> list[str]:
    """Which corpora share no track and search with another, or have nothing that could be compared."""
    if not groups:
        return ["No cross-corpus comparison: no two corpora share a track and a search budget."]
    titles = _titles(rows)
    without = [titles[name] for name in sorted(set(rows["corpus"]) - set(ranked["corpus"]))]
    alone = [titles[name] for name in sorted(set(ranked["corpus"]) - {name for group in groups for name in group["corpus"]})]
    said = [f"Compared with no other corpus, as no row is ranked (leaky or failed): {listed(without)}."] if without else []
    return [*said, *([f"Compared with no other corpus, as none shares track and search: {listed(alone)}."] if alone else [])]


def _titles(rows: pd.DataFrame) -> dict[str, str]:
    """The corpora of rows, in the order of their names, as they are written."""
    return dict(rows[["corpus", "title"]].drop_duplicates().sort_values("corpus").itertuples(index=False, name=None))


def _once_each(group: pd.DataFrame, same_audio: Sequence[frozenset[str]]) -> tuple[pd.DataFrame, list[str]]:
    """The rows of corpora that stand in a group once, and what is said of the others."""
    said, titles = [], _titles(group)
    blocks = group.groupby("corpus")["block"].nunique()
    for name in blocks.index[blocks > 1]:
        group = group[group["corpus"] != name]
        said.append(f"{titles[name]} is left out, as it stands there with several splits or sets of clips; name runs of one.")
    for names in same_audio:
        rows = group.loc[group["corpus"].isin(names), "corpus"].value_counts()
        if len(rows) > 1:
            kept = min(rows.index, key=lambda name: (-rows[name], name))
            others = sorted(set(rows.index) - {kept})
            group = group[~group["corpus"].isin(others)]
            named = listed(titles[name] for name in sorted(rows.index))
            said.append(f"{named} hold the same audio: they are one corpus, compared once, as {titles[kept]}.")
    return group, said


def _complete(uars: pd.DataFrame) -> pd.DataFrame:
    """The part of a table of systems and corpora that lacks nothing: as many corpora as two systems share, with all systems that have them.

    Where no two systems share two corpora, it is the single system with the most corpora; without one, nothing.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"a": [0.8, 0.6], "b": [0.7, 0.5], "c": [0.9, None]}, index=["svm", "rf"])
    >>> _complete(table).to_dict("list")
    {'a': [0.8, 0.6], 'b': [0.7, 0.5]}
    """
    patterns, counts = np.unique(uars.notna().to_numpy(), axis=0, return_counts=True)
    pairs = [one & other for one, other in combinations(patterns, 2)]
    for shared in ([*patterns[counts > 1], *pairs], [*patterns]):
        parts = [uars.loc[:, pattern].dropna() for pattern in np.unique(shared, axis=0) if pattern.sum() > 1] if len(shared) else []
        if parts:
            return min(parts, key=lambda part: (-part.shape[1], -part.shape[0], tuple(part.columns)))
    return uars.iloc[:0, :0]


def search(row: pd.Series) -> str:
    """How the systems of a row's block were made, in words: ``budget smoke, 5 trials, 1 seed, inner 3``."""
    made = [f"budget {row['budget']}", number_of(row["trials"], "trial"), number_of(row["seeds"], "seed")]
    return ", ".join([*made, row["settings"]] if row["settings"] else made)


def _groups(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of one track and search on two corpora or more; by label scheme where a corpus was evaluated on several."""
    for _, group in rows.groupby(GROUP, sort=False):
        several = (group.groupby("corpus")["labels"].nunique() > 1).any()
        for _, part in group.groupby("labels", sort=False) if several else [("", group)]:
            if part["corpus"].nunique() > 1:
                yield part


def _comparison(group: pd.DataFrame, uars: pd.DataFrame, left_out: list[str]) -> Comparison:
    """Compare the systems of a table of UARs, a row per system and a column per corpus."""
    group = group[group["corpus"].isin(uars.columns)]
    if len(uars) == 1:
        return _one_system(group, uars, left_out)
    systems = uars.assign(mean_rank=scores.mean_ranks(uars), mean_uar=uars.mean(axis=1)).reset_index()
    systems = systems.sort_values(["mean_rank", "mean_uar", *SYSTEM], ascending=[True, False, True, True], ignore_index=True)
    corpora = tuple(uars.columns)
    systems = systems[[*SYSTEM, "mean_rank", "mean_uar", *corpora]].rename(columns={name: f"uar.{name}" for name in corpora})
    values = systems[[f"uar.{name}" for name in corpora]].to_numpy(float)
    tested = scores.wilcoxon_holm(values)
    if len(corpora) > 2:
        against = [scores.bayesian_signed_rank(values[0], other, rope=ROPE) for other in values]
        systems[["best_better", "equivalent", "better"]] = [(np.nan,) * 3, *against[1:]]
    if scores.smallest_signed_rank_p(len(corpora), n_systems=len(systems)) < ALPHA:
        systems["p"] = tested[0]
    cliques = scores.cliques(systems["mean_rank"], tested, level=ALPHA)
    said = [_what_ranks_are(group), *left_out, *_what_tests_say(values, systems, cliques)]
    return _of_group(group, corpora, systems, cliques, said)


def _one_system(group: pd.DataFrame, uars: pd.DataFrame, left_out: list[str]) -> Comparison:
    """What there is to say of a single system: its UARs, and how far each is above chance."""
    chances = group.drop_duplicates("corpus").set_index("corpus")["chance"]
    titles = _titles(group)
    told = [
        f"{titles[name]} {format_score((uars[name].iloc[0] - chances[name]) / (1 - chances[name]))} (chance {format_score(chances[name])})"
        for name in uars.columns
    ]
    systems = uars.assign(mean_rank=1.0, mean_uar=uars.mean(axis=1)).reset_index()
    systems = systems[[*SYSTEM, "mean_rank", "mean_uar", *uars.columns]].rename(columns={name: f"uar.{name}" for name in uars.columns})
    said = (
        f"One system was evaluated on all of {listed(titles[name] for name in uars.columns)}, so nothing is ranked. "
        "UARs of these corpora are not of one scale; "
        f"UAR above chance, as a share of what is possible above it: {', '.join(told)}."
    )
    return _of_group(group, tuple(uars.columns), systems, [], [said, *left_out])


def _of_group(
    group: pd.DataFrame, corpora: tuple[str, ...], systems: pd.DataFrame, cliques: list[tuple[int, ...]], said: list[str]
) -> Comparison:
    """The comparison of a group's rows, in which each corpus has one block."""
    of, titles = group.drop_duplicates("corpus").set_index("corpus")["block"], _titles(group)
    blocks, written = tuple(int(of[name]) for name in corpora), tuple(titles[name] for name in corpora)
    return Comparison(group["track"].iloc[0], search(group.iloc[0]), corpora, written, blocks, systems, cliques, said)


def _what_ranks_are(group: pd.DataFrame) -> str:
    corpora = group.drop_duplicates("corpus").sort_values("corpus")
    described = [f"labels '{r['labels']}', chance {format_score(r['chance'])}" for r in records(corpora)]
    named = [f"{name} ({how})" for name, how in zip(corpora["title"], described, strict=True)]
    over = listed(named) if len(set(described)) > 1 else f"{listed(corpora['title'])} ({described[0]} on all)"
    return (
        f"Mean rank: within each corpus the best system has rank 1, and ranks are averaged over {over}. "
        "The mean UAR averages what is not of one scale, as chance and difficulty differ between corpora: it orders only equal mean ranks."
    )


def _left_out(group: pd.DataFrame, uars: pd.DataFrame) -> list[str]:
    """Which corpora and systems of a group are missing in its complete table."""
    corpora, titles = sorted(set(group["corpus"]) - set(uars.columns)), _titles(group)
    told = []
    for name in corpora:
        lacking = len(uars.index.difference(group[group["corpus"] == name].set_index(SYSTEM).index))
        told.append(f"{titles[name]} (without {lacking} of {len(uars)} systems)")
    said = [f"Corpora left out: {', '.join(told)}."] if told else []
    known = group[group["corpus"].isin(uars.columns)].set_index(SYSTEM).index.unique()
    systems = [" ".join(system) for system in known.difference(uars.index)]
    return [*said, *([f"Left out, as not evaluated on all of these corpora: {', '.join(systems)}."] if systems else [])]


def _what_tests_say(values: np.ndarray, systems: pd.DataFrame, cliques: list[tuple[int, ...]]) -> list[str]:
    """What can be told over so many corpora, and what cannot."""
    n_systems, n_corpora = values.shape
    if n_corpora < 3:
        return ["With two corpora no test over corpora can tell anything: the mean ranks describe these two, and say nothing of others."]
    bayes = (
        f"Against the first row, the Bayesian signed-rank test (Benavoli et al. 2017; UARs within {_brief(ROPE)} of each other count as "
        "equal) gives the probabilities that the first is better, that the two are equal, that the other is better, on corpora like these."
    )
    return [_friedman(values), _wilcoxon(n_systems, n_corpora, systems, cliques), bayes]


def _friedman(values: np.ndarray) -> str:
    if len(values) < 3:
        return "Friedman's test needs three systems, and here are two."
    statistic, p = scores.friedman(values)
    agreed = (
        "more than luck would have them" if p < ALPHA else "no more than luck may have them: no system is shown to be better than another"
    )
    told = "p < .001" if p < 0.001 else f"p = {format_score(p)}"
    return f"Friedman's test (chi-square {statistic:.1f}, {told} by 10,000 random orders): the corpora agree on an order {agreed}."


def _wilcoxon(n_systems: int, n_corpora: int, systems: pd.DataFrame, cliques: list[tuple[int, ...]]) -> str:
    pairs = n_systems * (n_systems - 1) // 2
    corrected = f"Holm's correction for {pairs} pairs" if pairs > 1 else "one pair"
    least = scores.smallest_signed_rank_p(n_corpora, n_systems=n_systems)
    if least >= ALPHA:
        enough = next(n for n in count(n_corpora) if scores.smallest_signed_rank_p(n, n_systems=n_systems) < ALPHA)
        return (
            "Too few corpora to tell any two of these systems apart: whatever the scores, Wilcoxon's signed-rank test over "
            f"{n_corpora} gives p = {format_score(least)} at best ({corrected}). It takes {enough} corpora for these {n_systems} systems."
        )
    names = [" ".join(system) for system in systems[SYSTEM].to_numpy()]
    groups = "; ".join(", ".join(names[place] for place in clique) for clique in cliques)
    found = f"no pair differs significantly within {groups}" if cliques else "every system differs significantly from the next"
    return f"Wilcoxon's signed-rank test ({corrected}, p < {_brief(ALPHA)}): {found}."


def _brief(value: float) -> str:
    """As few digits as it has, without the zero before the point."""
    return f"{value:g}".removeprefix("0")
