"""Merged runs are one leaderboard: ranked anew, the incomparable kept apart, and no more said across corpora than they can tell."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ser_bench
from ser_bench.errors import WrongCall
from ser_bench.evaluation.comparison import _complete
from ser_bench.evaluation.merge import Merged
from ser_bench.reports.merged_page import merged_tables
from tests.reports import fabricate

A, B, C = ("egemaps", "svm"), ("egemaps", "rf"), ("spectral+mfcc", "svm")


@pytest.fixture(scope="module", autouse=True)
def looked_at() -> None:
    """Most of these read tables; who looks at a page or a diagram asks for `pages`."""


def merge(tmp_path: Path, *runs: Path) -> Merged:
    return ser_bench.leaderboard(runs, to=tmp_path / "merged")


def text(merged: Merged) -> str:
    return (merged.folder / "LEADERBOARD.md").read_text(encoding="utf-8")


def over_corpora(tmp_path: Path, corpora: int, systems: int = 3, **options: object) -> Merged:
    """Systems whose skills lie far apart, judged on so many corpora."""
    names = [A, B, C, ("compare", "mlp")][:systems]
    runs = []
    for c in range(corpora):
        skills = {name: round(0.9 - 0.2 * place - 0.011 * c * (place + 1), 3) for place, name in enumerate(names)}
        runs.append(fabricate.write_ranked_run(tmp_path / f"run{c}", skills, corpus=f"c{c}", **options))
    return merge(tmp_path, *runs)


def test_rows_of_two_runs_are_ranked_together_as_one_run_would_rank_them(tmp_path):
    first = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, C: 0.3})
    second = fabricate.write_ranked_run(tmp_path / "b", {B: 0.75})
    table = fabricate.clips()
    cells = pd.DataFrame([fabricate.cell(*system, table) for system in (A, C, B)])
    found = pd.concat([fabricate.predictions(table, *system, skill) for system, skill in ((A, 0.8), (C, 0.3), (B, 0.75))])
    expected = fabricate.rank(found, cells, fabricate.refits(found))
    merged = merge(tmp_path, first, second).leaderboard
    pd.testing.assert_frame_equal(merged[expected.columns], expected)
    assert merged["runs"].tolist() == [str(tmp_path / run) for run in "aba"]


def test_the_order_of_runs_changes_no_byte(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / name, {system: 0.8}, corpus=name) for name, system in (("a", A), ("b", A), ("c", A))]
    runs.append(fabricate.write_ranked_run(tmp_path / "d", {B: 0.6}, corpus="a"))
    written = [merge(tmp_path / str(i), *order).folder for i, order in enumerate((runs, runs[::-1]))]
    for name in ("leaderboard.csv", "LEADERBOARD.md"):
        assert (written[0] / name).read_bytes() == (written[1] / name).read_bytes()


def test_a_row_of_two_runs_is_one_row_that_names_both(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.5}), fabricate.write_ranked_run(tmp_path / "b", {A: 0.8})]
    board = merge(tmp_path, *runs).leaderboard
    assert board["rank"].tolist() == [1, 2]
    assert board["runs"].tolist() == [f"{runs[0]}, {runs[1]}", str(runs[0])]


def test_a_row_with_other_scores_in_another_run_is_refused_by_name(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.5}), fabricate.write_ranked_run(tmp_path / "b", {A: 0.6})]
    with pytest.raises(WrongCall, match=r"made up egemaps svm train has several scores .* in .*a and UAR .* in .*b"):
        merge(tmp_path, *runs)


def test_a_row_that_failed_gives_way_to_one_that_did_not(tmp_path):
    failed = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8}, status="failed", notes="MemoryError: no room")
    board = merge(tmp_path, failed, fabricate.write_ranked_run(tmp_path / "b", {A: 0.8})).leaderboard
    assert board[["status", "runs"]].to_numpy().tolist() == [["ok", str(tmp_path / "b")]]


@pytest.mark.parametrize(
    "other",
    [
        {"budget": "standard"},
        {"trials": 6},
        {"seeds": 2},
        {"labels": "big4"},
        {"cv": "group:4"},
        {"configuration": "inner = 5\n"},
        {"configuration": 'class_weights = "none"\n'},
        {"configuration": 'variant = "noise(snr=10)"\n'},
        {"table": fabricate.clips(speakers=7)},
        {"table": fabricate.clips().assign(fold_0=lambda clips: clips["fold_0"] % 4)},
        {"table": fabricate.clips().rename(index=lambda clip: f"other/{clip}")},
    ],
    ids=[
        "budget",
        "trials",
        "seeds",
        "labels",
        "cv",
        "inner folds",
        "class weights",
        "variant",
        "fewer clips",
        "folds",
        "as many other clips",
    ],
)
def test_what_is_not_comparable_is_kept_apart_and_each_title_says_so(tmp_path, other):
    one = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8})
    merged = merge(tmp_path, one, fabricate.write_ranked_run(tmp_path / "b", {B: 0.5}, **other))
    assert merged.leaderboard["rank"].tolist() == [1, 1]
    assert merged.leaderboard["p_vs_best"].isna().all()
    assert merged.leaderboard["block"].tolist() == [1, 2]
    titles = [line for line in text(merged).splitlines() if line.startswith("**made up")]
    assert len(set(titles)) == 2
    assert len(merged_tables(merged)) == 2


def test_tracks_are_kept_apart_and_the_headline_stands_first(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / track, {A: 0.8}, track=track) for track in ("speaker", "train")]
    assert merge(tmp_path, *runs).leaderboard["track"].tolist() == ["train", "speaker"]


def test_leaky_rows_have_no_rank_and_no_part_across_corpora(tmp_path):
    merged = over_corpora(tmp_path, 3, cv="random:8", status="leaky")
    assert merged.leaderboard["rank"].isna().all()
    assert merged.across == []


@pytest.mark.parametrize("name", ["null", "NA"])
def test_a_corpus_and_a_system_keep_names_that_look_missing(tmp_path, name):
    merged = merge(tmp_path, fabricate.write_ranked_run(tmp_path / "a", {(name, "svm"): 0.8}, corpus=name))
    assert merged.leaderboard.loc[0, ["corpus", "features"]].tolist() == [name, name]
    assert "chance 0.333" in text(merged)


@pytest.mark.parametrize("lost", ["run.toml", "leaderboard.csv", "references.csv", "clips.parquet", "predictions.parquet"])
def test_a_run_without_one_of_its_files_is_refused_by_name(tmp_path, lost):
    run = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8})
    (run / lost).unlink()
    with pytest.raises(WrongCall, match=f"{run} cannot be merged: it has no {lost}"):
        merge(tmp_path, run)


def test_no_run_is_written_over(tmp_path):
    run = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8})
    with pytest.raises(WrongCall, match="a is a run"):
        ser_bench.leaderboard([run], to=run)


def test_without_runs_the_finished_ones_right_below_out_are_merged_again_and_again(tmp_path):
    for name in "ab":
        fabricate.write_ranked_run(tmp_path / name, {A: 0.8}, corpus=name)
    (fabricate.write_ranked_run(tmp_path / "unfinished", {A: 0.8}) / "leaderboard.csv").unlink()
    fabricate.write_ranked_run(tmp_path / "reference" / "c", {A: 0.8}, corpus="c")
    for _ in range(2):
        merged = ser_bench.leaderboard(out=tmp_path)
        assert merged.leaderboard["corpus"].tolist() == ["a", "b"]
        assert merged.folder == tmp_path / "leaderboard"


def test_without_any_run_one_is_asked_for(tmp_path):
    with pytest.raises(WrongCall, match="no finished run"):
        ser_bench.leaderboard(out=tmp_path)


def test_of_one_corpus_nothing_is_compared_and_that_is_said(tmp_path):
    merged = merge(tmp_path, fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.5}))
    assert merged.across == []
    assert "No cross-corpus comparison" in text(merged)


@pytest.mark.usefixtures("pages")
def test_two_corpora_give_mean_ranks_and_no_test(tmp_path):
    merged = over_corpora(tmp_path, 2)
    (comparison,) = merged.across
    assert comparison.systems["mean_rank"].tolist() == [1, 2, 3]
    assert not {"p", "best_better"} & set(comparison.systems)
    assert "With two corpora no test over corpora can tell anything" in text(merged)
    assert "Friedman" not in text(merged)
    assert not (merged.folder / "figures").exists()


def test_mean_uars_never_stand_without_a_word_on_chance(tmp_path):
    said = text(over_corpora(tmp_path, 2))
    assert "The mean UAR averages what is not of one scale" in said
    assert "chance .333" in said


def test_between_three_and_too_few_corpora_pairs_are_not_tested_and_it_is_said_how_many_it_takes(tmp_path):
    merged = over_corpora(tmp_path, 4)
    (comparison,) = merged.across
    assert "p" not in comparison.systems
    assert "over 4 gives p = .375 at best (Holm's correction for 3 pairs). It takes 7 corpora for these 3 systems." in text(merged)
    assert "Friedman's test (chi-square 8.00, p = .00" in text(merged)
    assert comparison.systems.loc[1:, ["best_better", "equivalent", "better"]].sum(axis=1).to_numpy() == pytest.approx([1, 1])


def test_corpora_enough_tell_systems_apart(tmp_path):
    (comparison,) = over_corpora(tmp_path, 7).across
    assert comparison.systems["p"].to_numpy()[1:] == pytest.approx([6 / 2**7] * 2)
    assert comparison.cliques == []
    assert "every system differs significantly from the next" in " ".join(comparison.said)


def test_two_systems_are_no_case_for_friedman(tmp_path):
    assert "Friedman's test needs three systems" in text(over_corpora(tmp_path, 6, systems=2))


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
    runs = [
        fabricate.write_ranked_run(tmp_path / name, skills[name], corpus=name, table=fabricate.clips().assign(digest=digests[name]))
        for name in "abc"
    ]
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


def test_the_terminal_shows_every_comparison(tmp_path):
    *within, across = merged_tables(over_corpora(tmp_path, 2))
    tables = [*within, across.renderables[1]]
    assert [table.row_count for table in tables] == [4, 4, 3]  # the best row, corrected, below those of each corpus
    assert np.all([len(table.columns) > 3 for table in tables])


def test_a_system_from_elsewhere_is_ranked_with_those_on_its_clips_and_folds(tmp_path):
    own = [fabricate.write_ranked_run(tmp_path / name, {A: 0.6}, trials=trials) for name, trials in (("a", 5), ("b", 30))]
    network = ("my network", "external")
    outside = fabricate.write_ranked_run(tmp_path / "c", {network: 0.9}, budget="external", trials=0)
    board = merge(tmp_path, *own, outside).leaderboard
    assert board[["block", "rank", "features"]].to_numpy().tolist() == [
        [1, 1, "my network"],
        [1, 2, "egemaps"],
        [2, 1, "my network"],
        [2, 2, "egemaps"],
    ]


NETWORK = ("my network", "external")


def with_a_guest(tmp_path: Path, skill: float, **how: bool) -> Merged:
    """Own rows and a system from elsewhere, merged."""
    own, guest = tmp_path / "own", tmp_path / f"guest{skill}"
    if not own.exists():
        fabricate.write_ranked_run(own, {A: 0.8, B: 0.75, C: 0.3})
    if not guest.exists():
        fabricate.write_ranked_run(guest, {NETWORK: skill}, budget="external", trials=0, notes="external: by word")
    return ser_bench.leaderboard([own, guest], to=tmp_path / f"merged{skill}{how}", **how)


def own_p(merged: Merged) -> pd.Series:
    rows = merged.leaderboard[merged.leaderboard["model"] != "external"]
    return rows.set_index(["features", "model"])["p_vs_best"].sort_index()


@pytest.mark.parametrize("skill", [0.98, 0.77, 0.1])
def test_a_system_from_elsewhere_changes_no_p_of_other_rows_unless_asked(tmp_path, skill):
    merged = with_a_guest(tmp_path, skill)
    alone = merge(tmp_path, tmp_path / "own")
    pd.testing.assert_series_equal(own_p(merged), own_p(alone))
    assert merged.blocks[0].resolutions.equals(alone.blocks[0].resolutions)
    included = with_a_guest(tmp_path, skill, with_external=True)
    columns = ["features", "model", "uar", "rank"]
    pd.testing.assert_frame_equal(included.leaderboard[columns], merged.leaderboard[columns])
    of_guest = [board.leaderboard.set_index("model").loc["external", "p_vs_best"] for board in (merged, included)]
    assert of_guest[0] == of_guest[1] or np.isnan(of_guest).all()


def test_asked_for_a_system_from_elsewhere_enters_every_comparison(tmp_path):
    merged = with_a_guest(tmp_path, 0.98, with_external=True)
    table = fabricate.clips()
    found = pd.concat([fabricate.predictions(table, *s, k) for s, k in ((A, 0.8), (B, 0.75), (C, 0.3), (NETWORK, 0.98))])
    cells = pd.DataFrame([fabricate.cell(*s, table) for s in (A, B, C, NETWORK)])
    expected = fabricate.rank(found, cells, fabricate.refits(found), with_external=True)
    assert merged.leaderboard["p_vs_best"].tolist() == pytest.approx(expected["p_vs_best"].tolist(), nan_ok=True)
    assert merged.leaderboard["p_vs_best"].isna().sum() == 1
    assert "compared without this one" not in text(merged)


@pytest.mark.usefixtures("pages")
def test_it_is_said_which_rows_a_p_is_against(tmp_path):
    merged = with_a_guest(tmp_path, 0.98)
    assert "other rows are compared without this one (--with-external includes it) (my network external)." in text(merged)
    assert "compared without this one" in (merged.folder / "leaderboard.html").read_text(encoding="utf-8")
    alone = ser_bench.leaderboard([tmp_path / "guest0.98"], to=tmp_path / "alone")
    assert "compared without this one" not in text(alone)


def test_beside_a_single_row_of_one_s_own_no_smallest_difference_is_claimed(tmp_path):
    own = fabricate.write_ranked_run(tmp_path / "a", {A: 0.6})
    guest = fabricate.write_ranked_run(tmp_path / "b", {NETWORK: 0.9}, budget="external", trials=0)
    merged = merge(tmp_path, own, guest)
    assert "could have shown" not in text(merged)
    assert merged.leaderboard["p_vs_best"].isna().all()


def computed_on(run: Path, *kernels: str) -> Path:
    """Have a run say on which kernels it was computed."""
    about = {"machine": {"blas": [{"library": "openblas", "version": "0", "kernel": kernel} for kernel in kernels]}}
    (run / "environment.json").write_text(json.dumps(about), encoding="utf-8")
    return run


@pytest.mark.usefixtures("pages")
def test_runs_of_different_kernels_are_named_in_one_line(tmp_path):
    runs = [computed_on(fabricate.write_ranked_run(tmp_path / "a", {A: 0.8}), "Haswell", "Haswell")]
    runs.append(computed_on(fabricate.write_ranked_run(tmp_path / "b", {B: 0.5}), "SkylakeX", "SkylakeX"))
    line = f"openblas Haswell: {runs[0]}; openblas SkylakeX: {runs[1]}"
    with pytest.warns(UserWarning, match=r"different BLAS kernels") as said:
        merged = merge(tmp_path, *runs)
    assert len(said) == 1
    assert line in str(said[0].message)
    assert text(merged).count(line) == 1
    assert (merged.folder / "leaderboard.html").read_text(encoding="utf-8").count(line) == 1


@pytest.mark.parametrize("other", [{"kernels": ["Haswell"]}, {"kernels": []}, {"kernels": ["SkylakeX"], "system": ("mine", "external")}])
def test_runs_of_one_kernel_of_none_said_or_from_elsewhere_are_not_warned_of(tmp_path, other, recwarn):
    first = computed_on(fabricate.write_ranked_run(tmp_path / "a", {A: 0.8}), "Haswell")
    second = fabricate.write_ranked_run(tmp_path / "b", {other.get("system", B): 0.5})
    merged = merge(tmp_path, first, computed_on(second, *other["kernels"]))
    assert merged.kernels == ""
    assert "BLAS" not in text(merged)
    assert not recwarn.list
