"""The page of merged runs, in a real browser: all corpora, rows that lead to their runs, and what can be told across them."""

from pathlib import Path
from typing import Any

import pytest

from tests.reports import fabricate, test_merge
from tests.reports.conftest import show, visible


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return test_merge.over_corpora(tmp_path_factory.mktemp("merged"), 3).folder


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "leaderboard.html")
    return browser


def test_it_loads_without_a_word_on_the_console_or_to_the_network(page):
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_every_corpus_has_its_block_and_lines_that_are_the_same_for_all_stand_once(page):
    assert len(visible(page, "table.board")) == 3
    assert page.find_element("css selector", "body").text.count("Reference levels:") == 1


def test_a_corpus_can_be_looked_at_alone(page):
    page.find_element("css selector", 'select[data-by="corpus"]').send_keys("c1")
    assert len(visible(page, "table.board")) == 1


def test_mean_ranks_and_their_diagram_stand_there(page):
    text = page.find_element("css selector", "body").text
    assert "mean rank" in text
    assert "Too few corpora to tell any two" in text
    assert len(visible(page, "figure.diagram svg")) == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_but_tables_needs_sideways_scrolling(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    )
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.filterwarnings("ignore:.*stays as it is")
def test_rows_lead_to_the_pages_of_their_runs_where_these_are(tmp_path):
    run = fabricate.write_ranked_run(tmp_path / "a", {test_merge.A: 0.8, test_merge.B: 0.4})
    without = test_merge.merge(tmp_path / "without", run).folder / "leaderboard.html"
    assert "report.html" not in without.read_text(encoding="utf-8")
    (run / "report.html").write_text("a page", encoding="utf-8")
    linked = test_merge.merge(tmp_path / "linked", run).folder / "leaderboard.html"
    assert 'href="../../a/report.html#cell-' in linked.read_text(encoding="utf-8")


def test_the_same_runs_make_the_same_bytes(folder, tmp_path):
    again = test_merge.over_corpora(tmp_path, 3).folder
    texts = [(one / "leaderboard.html").read_text(encoding="utf-8") for one in (folder, again)]
    assert texts[0] == texts[1]
