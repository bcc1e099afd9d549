"""The ablation's page, tables and picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.analysis_folders import ABLATION, IMPORTANCE, AblationFolder
from ser_bench.reports import ablation_rows, publish_ablation
from ser_bench.reports.ablation import columns_table, importance_table, to_markdown
from tests.reports.conftest import show

ABOUT = {
    "warnings": ["1 clip skipped, such as a.wav: missing file"],
    "corpus": {"clips": 12, "speakers": 3, "citation": "Nobody (2000)"},
    "protocol": "loso",
    "tuned": "Tuned anew.",
    "ser_bench": "0",
    "python": "3",
    "command": "ser-bench ablate <b>odd</b>",
}


def table(track: str = "train") -> pd.DataFrame:
    rows = [
        ("all", "", 0.5, 0, 0, 0, np.nan),
        ("alone", "f0", 0.4, -0.1, -0.15, -0.05, 0.01),
        ("without", "f0", 0.45, -0.05, -0.1, 0.01, 0.2),
        ("forward", "1: + f0 (3 of 3 folds)", 0.4, -0.1, -0.15, -0.05, 0.0001),
        ("sweep", "where = a | b", 0.3, np.nan, np.nan, np.nan, np.nan),
    ]
    named = [("made up", "egemaps", "svm", *row, 0.3, 0.6, 10, track, "loso") for row in rows]
    return pd.DataFrame(named, columns=list(ABLATION.columns))


def importance() -> pd.DataFrame:
    rows = [
        ("shapley", "across speakers", "f0", 0.2, 0.1, 0.3),
        ("group", "across speakers", "f0", 0.3, 0.2, 0.4),
        ("group", "within speakers", "f0", 0.25, 0.15, 0.35),
        ("column", "across speakers", "f0.mean", 0.1, 0.0, 0.2),
        ("column", "within speakers", "f0.mean", 0.05, 0.0, 0.15),
        ("model", "", "f0", 1.0, np.nan, np.nan),
    ]
    return pd.DataFrame([("made up", "egemaps", "svm", *row) for row in rows], columns=list(IMPORTANCE.columns))


@pytest.mark.usefixtures("every_kind_of_picture")
def test_everything_stands_in_the_folder_and_twice_the_same(tmp_path: Path):
    for name in ("one", "other"):
        publish_ablation(AblationFolder(tmp_path / name), table(), importance(), ABOUT)
    files = ("ablation.csv", "ablation.md", "ablation.html", "importance.csv", "figures/ablation.png", "figures/ablation.svg")
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_names_are_text_never_markup_and_break_no_table(tmp_path: Path):
    publish_ablation(AblationFolder(tmp_path), table(), None, ABOUT)
    assert "<b>odd</b>" not in (tmp_path / "ablation.html").read_text(encoding="utf-8")
    lines = [line.replace("\\|", "") for line in to_markdown(table(), None, "").splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1


def test_what_cannot_be_compared_has_no_difference():
    reads = [row["read"] for row in ablation_rows(table())]
    assert reads[1][5] == "-.100 [-.150, -.050]"
    assert reads[3][6] == "<.001"
    assert reads[4][5:] == ["", ""]


def test_a_transductive_ablation_says_so():
    assert "TRANSDUCTIVE" in to_markdown(table("speaker"), None, "")
    assert "TRANSDUCTIVE" not in to_markdown(table(), None, "")


def test_a_measure_of_its_own_has_a_column_only_where_there_is_one():
    whole = importance()
    (head, rows), (lesser_head, lesser_rows) = importance_table(whole), importance_table(whole[whole["kind"] != "model"])
    assert head[-1] == "built-in importance"
    assert "built-in importance" not in lesser_head
    assert [row[:-1] for row in rows] == lesser_rows
    assert {len(row) for row in lesser_rows} == {len(lesser_head)}


def test_tables_say_how_values_were_shuffled_across_speakers_first(tmp_path: Path):
    shuffled = ["permutation importance across speakers", "95% CI", "permutation importance within speakers", "95% CI"]
    head, ((_, _, _, *lost, _),) = importance_table(importance())
    assert list(head[3:-1]) == shuffled
    assert lost == ["+.300", "[.200, .400]", "+.250", "[.150, .350]"]
    assert columns_table(importance()) == (("column", *shuffled), [["f0.mean", "+.100", "[.000, .200]", "+.050", "[.000, .150]"]])
    publish_ablation(AblationFolder(tmp_path), table(), importance(), ABOUT)
    page = (tmp_path / "ablation.html").read_text(encoding="utf-8")
    assert page.count('<th scope="col">permutation importance within speakers</th>') == 2
    pd.testing.assert_frame_equal(AblationFolder(tmp_path).read_tables()[1], importance())


def test_an_importance_of_values_shuffled_inside_folds_is_shown_as_that(tmp_path: Path):
    publish_ablation(AblationFolder(tmp_path), table(), importance(), ABOUT)
    old = importance()[lambda rows: rows["shuffled"] != "within speakers"].drop(columns="shuffled")
    old.to_csv(tmp_path / "importance.csv", index=False)
    head, _ = importance_table(AblationFolder(tmp_path).read_tables()[1])
    assert head[3] == "permutation importance among a fold's held-out clips"


def test_the_forest_groups_modes_and_fills_the_dots_that_differ_significantly(browser: Any, tmp_path: Path):
    publish_ablation(AblationFolder(tmp_path), table(), importance(), ABOUT)
    show(browser, tmp_path / "ablation.html")
    groups = {
        group.find_element("css selector", "th").text: [dot.get_attribute("class") for dot in group.find_elements("css selector", "circle")]
        for group in browser.find_elements("css selector", "table.forest tbody")
    }
    assert groups == {
        "All groups": [],
        "Only one group": ["dot"],
        "Leave one group out": ["dot hollow"],
        "Forward selection: one group after the other": ["dot"],
        "Other settings": [],
    }
    assert len(browser.find_elements("css selector", "table.forest tbody:nth-of-type(2) .grid")) > 2, "the axis has its ticks in each row"
    said = browser.find_element("css selector", "section p[data-score]").text
    assert said.startswith(
        "All groups: UAR .500 [.300, .600]. Missed most when left out: f0, -.050 [-.100, .010], p = .200. None of 1 groups"
    )
