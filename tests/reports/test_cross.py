"""The matrices across corpora say each note once, with the rows that it is about."""

import re

import pandas as pd

from ser_bench.evaluation.analysis_folders import CrossFolder
from ser_bench.reports import publish_cross
from ser_bench.reports.cross import LEGEND, matrices
from tests.reports import test_index_page
from tests.reports.conftest import show


def test_a_note_stands_once_and_one_about_all_rows_of_a_corpus_names_the_corpus_alone():
    rows = [
        {"train": train, "test": test, "features": "egemaps", "model": model, "track": "train", "status": "ok", "uar": 0.5}
        | {"uar_low": 0.4, "uar_high": 0.6, "loss": 0.1, "loss_low": 0.0, "loss_high": 0.2}
        | {"reason": "", "notes": ["reduced"] if test == "b" else []}
        for train in "ab"
        for test in "ab"
        for model in ("svm", "rf")
    ]
    rows[0]["notes"] = ["late"]
    rows[-1]["notes"] = ["reduced", "late"]
    rows[1] |= {"status": "failed", "reason": "no memory; at all"}
    (matrix,) = matrices(pd.DataFrame(rows))
    assert matrix.notes == [
        "late (a -> a, egemaps svm; b -> b, egemaps rf).",
        "no memory; at all (a -> a, egemaps rf).",
        "reduced (on b).",
    ]
    (matrix,) = matrices(pd.DataFrame([row | {"status": "ok", "reason": "", "notes": ["copied"]} for row in rows]))
    assert matrix.notes == ["copied (all rows)."]


def test_corpora_are_written_as_their_owners_do_but_in_the_table(tmp_path):
    folder = CrossFolder(tmp_path)
    described = {"title": "EMO-DB", "clips": 9, "speakers": 2, "citation": "somebody"}
    folder.write_environment({"corpora": [{"name": "one", **described}]})
    table = test_index_page.crossed()
    publish_cross(folder, table, table[["train"]], ["anger", "fear"])
    assert folder.read_table()["train"].unique().tolist() == table["train"].unique().tolist()
    for shown in ((tmp_path / name).read_text(encoding="utf-8") for name in ("cross.md", "cross.html")):
        words = shown.partition("<body>")[2].partition("<script>")[0] or shown
        assert "EMO-DB" in words
        assert not re.search(r"\bone\b", words.replace(LEGEND, "").replace("the other", ""))


def test_the_page_frames_what_was_trained_within_and_says_what_is_lost_elsewhere(browser, tmp_path):
    table = test_index_page.crossed()
    publish_cross(CrossFolder(tmp_path), table, table[["train"]], ["anger", "fear"], ["1 clip was left out"])
    show(browser, tmp_path / "cross.html")
    assert browser.get_log("browser") == []
    row = browser.find_elements("css selector", "table.cross tbody tr")[0].find_elements("css selector", "td")
    assert [cell.text for cell in row[2:]] == ["one", ".700\n[.400, .800]", "within", ".500\n[.400, .800]", ".200 [.100, .300]"]
    assert ["own" in cell.get_attribute("class") for cell in row[3::2]] == [True, False]
    verdict = browser.find_element("css selector", ".verdict").text
    assert verdict.startswith(
        "On <i>two, the best of those trained on another corpus: egemaps with svm from one, UAR .500 [.400, .800]; loss"
    )
