"""The matrices across corpora say each note once, with the rows that it is about."""

import re
from types import SimpleNamespace

import pandas as pd

from ser_bench.analyses.cross_corpus import own_rates
from ser_bench.evaluation.analysis_folders import CrossFolder
from ser_bench.reports import publish_cross
from ser_bench.reports.cross import LEGEND, matrices
from tests.reports import test_index_page
from tests.reports.conftest import looking, show, visible


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
    with looking(browser, "light", 1280):
        show(browser, tmp_path / "cross.html")
        assert browser.get_log("browser") == []
        row = browser.find_elements("css selector", "table.cross tbody tr")[0].find_elements("css selector", "td")
        shown = [cell.text for cell in row[2:]]
    assert shown == ["one", ".700\n[.400, .800]", "within", ".500\n[.400, .800]", ".200 [.100, .300]"]
    assert ["own" in cell.get_attribute("class") for cell in row[3::2]] == [True, False]
    verdict = browser.find_element("css selector", ".verdict").text
    assert verdict.startswith(
        "On <i>two, the best of those trained on another corpus: egemaps with svm from one, UAR .500 [.400, .800]; loss"
    )


SAID_BELOW = "return getComputedStyle(arguments[0], '::after').content"


def test_on_a_phone_losses_stand_below_the_scores_and_no_corpus_is_beside_the_screen(browser, tmp_path):
    table = test_index_page.crossed()
    publish_cross(CrossFolder(tmp_path), table, table[["train"]], ["anger", "fear"])
    with looking(browser, "light", 390):
        show(browser, tmp_path / "cross.html")
        name, within, across = visible(browser, "table.cross tbody tr:first-child td")[:3]
        assert browser.execute_script(SAID_BELOW, name) == '"svm, trained on one"'
        assert browser.execute_script(SAID_BELOW, within) == "none"
        assert browser.execute_script(SAID_BELOW, across) == '"loss .200 [.100, .300]"'
        browser.find_element("css selector", "#percent").click()
        assert browser.execute_script(SAID_BELOW, across) == '"loss 20.0 [10.0, 30.0]"'
        assert max(cell.rect["x"] + cell.rect["width"] for cell in visible(browser, "table.cross td")) <= 390
    with looking(browser, "light", 1280):
        assert browser.execute_script(SAID_BELOW, across) == "none"


def test_a_rate_that_differs_is_said_of_corpora_as_their_owners_write_them():
    def at(name: str, rate: int) -> SimpleNamespace:
        clips = pd.DataFrame({"rate": [rate]})
        return SimpleNamespace(corpus=SimpleNamespace(name=name), eval_set=SimpleNamespace(clips=clips))

    prepared = {"a": at("emodb", 16_000), "b": at("mine", 48_000)}
    (said,) = own_rates(prepared, ["audioemotion26", "egemaps"], {"emodb": "EMO-DB", "mine": "mine"})
    assert "(EMO-DB: 16,000 Hz; mine: 48,000 Hz)" in said
