"""The matrices across corpora say each note once, with the rows that it is about."""

import pandas as pd

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_cross
from ser_bench.reports.cross import matrices
from tests.reports import test_index_page
from tests.reports.conftest import show


def test_a_note_about_all_rows_of_a_corpus_names_the_corpus_alone():
    rows = [
        {"train": train, "test": test, "features": "egemaps", "model": model, "track": "train", "status": "ok", "uar": 0.5}
        | {"uar_low": 0.4, "uar_high": 0.6, "loss": 0.1, "loss_low": 0.0, "loss_high": 0.2, "notes": "reduced" if test == "b" else ""}
        for train in "ab"
        for test in "ab"
        for model in ("svm", "rf")
    ]
    rows[0]["notes"] = "late"
    rows[-1]["notes"] = "reduced; late"
    rows[1] |= {"status": "failed", "notes": "no memory; at all"}
    (matrix,) = matrices(pd.DataFrame(rows))
    assert matrix.notes == [
        "a -> a, egemaps svm: late",
        "a -> a, egemaps rf: no memory; at all",
        "on b: reduced",
        "b -> b, egemaps rf: late",
    ]


def test_the_page_frames_what_was_trained_within_and_says_what_is_lost_elsewhere(browser, tmp_path):
    table = test_index_page.crossed()
    publish_cross(RunFolder(tmp_path), table, table[["train"]], ["anger", "fear"], ["1 clip was left out"])
    show(browser, tmp_path / "cross.html")
    assert browser.get_log("browser") == []
    row = browser.find_elements("css selector", "table.cross tbody tr")[0].find_elements("css selector", "td")
    assert [cell.text for cell in row[2:]] == ["one", ".700\n[.400, .800]", "within", ".500\n[.400, .800]", ".200 [.100, .300]"]
    assert ["own" in cell.get_attribute("class") for cell in row[3::2]] == [True, False]
    verdict = browser.find_element("css selector", ".verdict").text
    assert verdict.startswith(
        "On <i>two, the best of those trained on another corpus: egemaps with svm from one, UAR .500 [.400, .800]; loss"
    )
