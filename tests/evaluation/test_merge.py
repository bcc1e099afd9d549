"""Merged runs are one leaderboard: ranked again, the incomparable kept apart, a system from elsewhere beside them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.errors import WrongCall
from ser_bench.evaluation.merge import Merged
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.merged_page import merged_tables
from tests.reports import fabricate

A, B, C = ("egemaps", "svm"), ("egemaps", "rf"), ("spectral+mfcc", "svm")


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
    assert merged["runs"].tolist() == [[str(tmp_path / run)] for run in "aba"]


def test_the_order_of_runs_changes_no_byte(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / name, {system: 0.8}, corpus=name) for name, system in (("a", A), ("b", A), ("c", A))]
    runs.append(fabricate.write_ranked_run(tmp_path / "d", {B: 0.6}, corpus="a"))
    written = [merge(tmp_path / str(i), *order).folder for i, order in enumerate((runs, runs[::-1]))]
    for name in ("leaderboard.csv", "LEADERBOARD.md"):
        assert (written[0] / name).read_bytes() == (written[1] / name).read_bytes()


@pytest.mark.filterwarnings("ignore:.*stays as it is")
@pytest.mark.usefixtures("pages")
def test_a_row_of_two_runs_is_one_row_that_names_both_whatever_their_folders_are_called(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / name, skills) for name, skills in (("a, b", {A: 0.8, B: 0.5}), ('b; "c"', {A: 0.8}))]
    (runs[0] / "environment.json").write_text(json.dumps({"corpus": {"name": "made up", "title": "MADE-UP"}}), encoding="utf-8")
    (runs[0] / "report.html").write_text("a page", encoding="utf-8")
    merged = merge(tmp_path, *runs)
    assert merged.leaderboard["rank"].tolist() == [1, 2]
    assert merged.leaderboard["runs"].tolist() == [[str(run) for run in runs], [str(runs[0])]]
    kept = RunFolder(merged.folder).read_leaderboard()
    assert kept["runs"].tolist() == merged.leaderboard["runs"].tolist()
    page = (merged.folder / "leaderboard.html").read_text(encoding="utf-8")
    assert "../a, b/report.html#cell-" in page
    assert '<h3 id="block-1">MADE-UP, ' in page


def test_a_row_with_other_scores_in_another_run_is_refused_by_name(tmp_path):
    runs = [fabricate.write_ranked_run(tmp_path / "a", {A: 0.8, B: 0.5}), fabricate.write_ranked_run(tmp_path / "b", {A: 0.6})]
    with pytest.raises(WrongCall, match=r"made up egemaps svm train has several scores .* in .*a and UAR .* in .*b"):
        merge(tmp_path, *runs)


def test_a_row_that_failed_gives_way_to_one_that_did_not(tmp_path):
    failed = fabricate.write_ranked_run(tmp_path / "a", {A: 0.8}, status="failed", reason="MemoryError: no room")
    board = merge(tmp_path, failed, fabricate.write_ranked_run(tmp_path / "b", {A: 0.8})).leaderboard
    assert board[["status", "runs"]].to_numpy().tolist() == [["ok", [str(tmp_path / "b")]]]


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
    assert "chance .333" in text(merged)


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
