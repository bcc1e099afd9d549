"""Across corpora, no more is said of systems than the corpora can tell."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.evaluation.comparison import _complete
from ser_bench.evaluation.merge import Merged
from ser_bench.reports.merged_page import merged_tables
from tests.evaluation.test_merge import A, B, C, merge, over_corpora, text
from tests.reports import fabricate
from tests.small import with_pages


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    """Three systems on two corpora, with pages and pictures, to be looked at."""
    with with_pages():
        return over_corpora(tmp_path_factory.mktemp("two"), 2)


def test_of_one_corpus_nothing_is_compared_and_that_is_said(tmp_path):
    merged = merge(tmp_path, fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.5}))
    assert merged.across == []
    assert "No cross-corpus comparison" in text(merged)


def test_two_corpora_give_mean_ranks_and_no_test(of_two):
    (comparison,) = of_two.across
    assert comparison.systems["mean_rank"].tolist() == [1, 2, 3]
    assert not {"p", "best_better"} & set(comparison.systems)
    assert "With two corpora no test over corpora can tell anything" in text(of_two)
    assert "Friedman" not in text(of_two)
    assert not (of_two.folder / "figures").exists()


def test_mean_uars_never_stand_without_a_word_on_chance(of_two):
    said = text(of_two)
    assert "The mean UAR averages what is not of one scale" in said
    assert "chance .333" in said


def test_between_three_and_too_few_corpora_pairs_are_not_tested_and_it_is_said_how_many_it_takes(tmp_path):
    merged = over_corpora(tmp_path, 4)
    (comparison,) = merged.across
    assert "p" not in comparison.systems
    assert "over 4 gives p = .375 at best (Holm's correction for 3 pairs). It takes 7 corpora for these 3 systems." in text(merged)
    assert "Friedman's test (chi-square 8.0, p = .00" in text(merged)
    assert comparison.systems.loc[1:, ["best_better", "equivalent", "better"]].sum(axis=1).to_numpy() == pytest.approx([1, 1])


def test_corpora_enough_tell_systems_apart(tmp_path):
    (comparison,) = over_corpora(tmp_path, 7).across
    assert comparison.systems["p"].to_numpy()[1:] == pytest.approx([6 / 2**7] * 2)
    assert comparison.cliques == []
    assert "every system differs significantly from the next" in " ".join(comparison.said)


def test_two_systems_are_no_case_for_friedman(tmp_path):
    assert "Friedman's test needs three systems" in text(over_corpora(tmp_path, 3, systems=2))


def test_only_systems_judged_on_all_corpora_are_compared(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.6, C: 0.3}, corpus="a")]
    runs.append(fabricate.write_ranked_run(tmp_path / "b", {A: 0.7, B: 0.5}, corpus="b"))
    merged = merge(tmp_path, *runs)
    assert merged.across[0].systems[["features", "model"]].to_numpy().tolist() == [list(A), list(B)]
    assert "Left out, as not evaluated on all of these corpora: spectral+mfcc svm." in text(merged)


def told(merged: Merged) -> str:
    """What is said across corpora."""
    return " ".join([*(sentence for comparison in merged.across for sentence in comparison.said), *merged.not_compared_because])


def runs_of(tmp_path: Path, **systems: dict[tuple[str, str], float]) -> list[Path]:
    """A run of each corpus, of systems of some skill."""
    return [fabricate.write_ranked_run(tmp_path / corpus, skills, corpus=corpus) for corpus, skills in systems.items()]


def test_one_run_with_one_system_leaves_the_comparison_of_others_and_is_named(tmp_path):
    three = {A: 0.8, B: 0.6, C: 0.5}
    (comparison,) = (merged := merge(tmp_path, *runs_of(tmp_path, a=three, b=three, c={A: 0.7}))).across
    assert comparison.corpora == ("a", "b")
    assert len(comparison.systems) == 3
    assert "Corpora left out: c (without 2 of 3 systems)." in told(merged)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=5))
def test_what_is_compared_lacks_nothing_and_is_as_many_corpora_as_two_systems_share(there):
    table = pd.DataFrame(np.where(there, 0.5, np.nan), columns=list("abcd"))
    part = _complete(table)
    assert part.notna().all(axis=None)
    several, held = [of for c in range(5) for of in combinations(range(4), c)], np.array(there)
    most = {least: max(len(of) for of in several if not of or held[:, of].all(axis=1).sum() >= least) for least in (1, 2)}
    assert part.shape[1] == next((most[least] for least in (2, 1) if most[least] > 1 and len(table) >= least), 0)
    assert part.shape[1] == 0 or len(part) == len(table[[*part.columns]].dropna())


def test_one_shared_system_is_shown_beside_chance_and_not_ranked(tmp_path):
    merged = merge(tmp_path, *runs_of(tmp_path, a={A: 0.8, B: 0.6}, b={A: 0.7, C: 0.6}))
    (comparison,) = merged.across
    assert comparison.systems[["features", "model"]].to_numpy().tolist() == [list(A)]
    board = merged.leaderboard.set_index(["corpus", "features", "model"])["uar"]
    above = [(board[(name, *A)] - 1 / 3) / (2 / 3) for name in "ab"]
    assert [f"{name} {value:.3f}".replace(" 0.", " .") in told(merged) for name, value in zip("ab", above, strict=True)] == [True, True]
    assert "Left out, as not evaluated on all of these corpora: egemaps rf, spectral+mfcc svm." in told(merged)
    assert "mean rank" not in text(merged).partition("## Across corpora")[2]


def test_with_no_shared_system_it_is_said_that_nothing_is_compared(tmp_path):
    merged = merge(tmp_path, *runs_of(tmp_path, a={A: 0.8}, b={B: 0.7}))
    assert merged.across == []
    assert "no system was evaluated on two of a and b" in text(merged)


def test_a_corpus_that_shares_no_search_or_is_leaky_is_named(tmp_path):
    runs = runs_of(tmp_path, a={A: 0.8, B: 0.6}, b={A: 0.7, B: 0.5})
    runs.append(fabricate.write_ranked_run(tmp_path / "c", {A: 0.8}, corpus="c", budget="full"))
    runs.append(fabricate.write_ranked_run(tmp_path / "d", {A: 0.8}, corpus="d", cv="random:8", status="leaky"))
    merged = merge(tmp_path, *runs)
    assert [comparison.corpora for comparison in merged.across] == [("a", "b")]
    assert "as none shares track and search: c." in told(merged)
    assert "as no row is ranked (leaky or failed): d." in told(merged)


@pytest.mark.parametrize(("shared", "corpora"), [(96, ("b", "c")), (49, ("b", "c")), (40, ("a", "b", "c"))])
def test_the_same_audio_under_two_names_is_one_corpus(tmp_path, shared, corpora):
    digests = {name: [f"{name}{i}" for i in range(96)] for name in "abc"}
    digests["a"][:shared] = digests["b"][:shared]
    skills = {"a": {A: 0.8, B: 0.6}, "b": {A: 0.8, B: 0.6, C: 0.4}, "c": {A: 0.7, B: 0.5}}
    runs = runs_of(tmp_path, **skills)
    for name, run in zip("abc", runs, strict=True):
        fabricate.clips().assign(digest=digests[name]).to_parquet(run / "clips.parquet")
    merged = merge(tmp_path, *runs)
    assert merged.across[0].corpora == corpora
    assert ("a and b hold the same audio: they are one corpus, compared once, as b." in told(merged)) == (len(corpora) == 2)


def test_other_searches_are_not_compared_across_corpora(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / b, {A: 0.8, B: 0.6}, corpus=b, budget=b) for b in ("smoke", "standard")]
    assert merge(tmp_path, *runs).across == []


def test_a_corpus_judged_by_several_label_schemes_counts_once_in_each(tmp_path):
    runs = [
        fabricate.write_ranked_run(tmp_path / f"{corpus}-{labels}", {A: 0.8, B: 0.6}, corpus=corpus, labels=labels)
        for corpus, labels in (("a", "all"), ("b", "all"), ("a", "big4"), ("b", "big4"), ("c", "big4"))
    ]
    assert [comparison.corpora for comparison in merge(tmp_path, *runs).across] == [("a", "b"), ("a", "b", "c")]


def test_a_corpus_with_several_splits_is_not_counted_twice(tmp_path):
    runs = [
        fabricate.write_ranked_run(tmp_path / f"{corpus}-{cv}", {A: 0.8, B: 0.6}, corpus=corpus, cv=cv)
        for corpus, cv in (("a", "loso"), ("a", "group:4"), ("b", "loso"))
    ]
    merged = merge(tmp_path, *runs)
    assert merged.across == []
    assert "a is left out, as it stands there with several splits" in text(merged)


def test_a_corpus_with_several_splits_leaves_the_others_compared(tmp_path):
    runs = runs_of(tmp_path, b={A: 0.8, B: 0.6}, c={A: 0.7, B: 0.5})
    runs += [fabricate.write_ranked_run(tmp_path / cv, {A: 0.8, B: 0.6}, corpus="a", cv=cv) for cv in ("loso", "group:4")]
    merged = merge(tmp_path, *runs)
    assert merged.across[0].corpora == ("b", "c")
    assert "a is left out, as it stands there with several splits" in told(merged)


def test_label_schemes_may_differ_between_corpora_and_are_named(tmp_path):
    runs = [
        fabricate.write_ranked_run(tmp_path / corpus, {A: 0.8, B: 0.6}, corpus=corpus, labels=labels)
        for corpus, labels in (("a", "all"), ("b", "big4"))
    ]
    assert "a (labels 'all', chance .333) and b (labels 'big4', chance .333)" in text(merge(tmp_path, *runs))


@pytest.mark.usefixtures("pages", "every_kind_of_picture")
def test_the_diagram_is_the_same_bytes_each_time_and_goes_when_it_no_longer_holds(tmp_path):
    figures = over_corpora(tmp_path, 3).folder / "figures"
    first = {path.name: path.read_bytes() for path in figures.iterdir()}
    assert set(first) == {"critical-difference.png", "critical-difference.svg"}
    runs = [tmp_path / f"run{c}" for c in range(3)]
    assert "figures/critical-difference.svg" in text(merge(tmp_path, *runs))
    assert {path.name: path.read_bytes() for path in figures.iterdir()} == first
    assert "figures/" not in text(merge(tmp_path, *runs[:2]))
    assert list(figures.iterdir()) == []


@pytest.mark.usefixtures("pages")
def test_every_system_stands_in_the_diagram_by_its_name(tmp_path):
    drawn = (over_corpora(tmp_path, 3, systems=4).folder / "figures" / "critical-difference.svg").read_text(encoding="utf-8")
    assert all(f"{features}  {model}" in drawn for features, model in (A, B, C, ("compare", "mlp")))
    assert "3 corpora: too few to show a difference" in drawn


def test_the_terminal_shows_every_comparison(of_two):
    tables = merged_tables(of_two)
    assert [table.row_count for table in tables] == [6, 6, 3]  # below those of each corpus the best, corrected, chance and listeners
    assert all(len(table.head) > 3 for table in tables)
