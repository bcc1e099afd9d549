"""The page of merged runs, in a real browser: all corpora, rows that lead to their runs, and what can be told across them."""

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from selenium.webdriver.support.wait import WebDriverWait

from ser_bench.evaluation.comparison import Comparison
from ser_bench.reports.critical_difference import LETTER, view_diagram
from ser_bench.reports.merged_page import _verdicts
from tests.evaluation import test_merge
from tests.reports import fabricate, test_copy
from tests.reports.conftest import looking, show, visible

WITHIN = "table.board:not(.corpora)"


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


def test_every_corpus_has_its_block_with_a_key_of_its_own(page):
    assert len(visible(page, WITHIN)) == 3
    keys = [key.text for key in visible(page, "section[aria-labelledby=board] .key")]
    assert len(keys) == 3
    assert all("chance .333 (3 emotions)" in key and "human .900 (asked)" in key for key in keys)


def test_a_corpus_can_be_looked_at_alone(page):
    page.find_element("css selector", 'select[data-by="corpus"]').send_keys("c1")
    assert len(visible(page, WITHIN)) == 1


def test_mean_ranks_and_their_diagram_stand_there(page):
    text = page.find_element("css selector", "body").text
    assert "mean rank" in text
    assert "Too few corpora to tell any two" in text
    assert len(visible(page, "figure.diagram svg")) == 1


def test_systems_by_corpora_come_first_below_a_verdict_that_names_the_search(page):
    verdict, first = page.find_element("css selector", ".verdict").text, page.find_elements("css selector", "table")[0]
    assert verdict.startswith("Budget smoke, 5 trials, 1 seed; best of 3 systems over 3 corpora: egemaps with svm, mean rank 1.0 (UAR: c0 ")
    assert verdict.endswith("3 corpora are too few to show a difference between these systems.")
    heads = [head.text for head in first.find_elements("css selector", "thead th")]
    assert heads[1:6] == ["features", "model", "c0\nUAR", "c1\nUAR", "c2\nUAR"]
    cells = first.find_elements("css selector", "tbody tr:first-child td.shade")
    assert all(cell.text.split("\n")[1].startswith("[") for cell in cells), "every UAR has its interval"
    assert page.execute_script("return arguments[0].compareDocumentPosition(document.querySelector(arguments[1])) & 4", first, WITHIN)


def test_systems_by_corpora_are_copied_with_intervals_as_columns(page):
    page.execute_script(test_copy.KEPT)
    first, *rows = csv.DictReader(io.StringIO(test_copy.copied(page, "csv")))
    assert list(first)[:6] == ["mean rank", "features", "model", "c0 UAR", "c0 UAR 95% CI low", "c0 UAR 95% CI high"]
    assert float(first["c0 UAR 95% CI low"]) < float(first["c0 UAR"]) < float(first["c0 UAR 95% CI high"])
    assert len(rows) == 2


@pytest.mark.filterwarnings("ignore:.*stays as it is")
def test_searches_of_two_budgets_share_no_verdict_and_no_table(tmp_path):
    runs = [
        fabricate.write_ranked_run(tmp_path / f"{corpus}-{budget}", {test_merge.A: 0.8, test_merge.B: skill}, corpus=corpus, budget=budget)
        for corpus in ("a", "b")
        for budget, skill in (("smoke", 0.5), ("standard", 0.6))
    ]
    merged = test_merge.merge(tmp_path / "two", *runs)
    heads = [one["said"].partition(",")[0] for one in _verdicts(merged, [])]
    assert heads == ["Budget smoke", "Budget standard"]
    assert [set(merged.leaderboard.loc[merged.leaderboard["block"].isin(one.blocks), "budget"]) for one in merged.across] == [
        {"smoke"},
        {"standard"},
    ]
    alone = test_merge.merge(tmp_path / "one", runs[0], runs[3])
    page = (alone.folder / "leaderboard.html").read_text(encoding="utf-8")
    assert not alone.across
    assert [name in page for name in ('<a href="#block-1">a, budget smoke', '<a href="#block-2">b, budget standard')] == [True, True]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_diagram_is_drawn_in_the_colours_of_the_page(page, scheme):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    ink, text = page.execute_script(style, "body", "color"), page.execute_script(style, ".diagram text.name", "fill")
    assert text == ink
    assert page.execute_script(style, ".diagram text.name", "fontSize") == "12px"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_phone_shows_the_whole_diagram_each_name_at_its_rank(page):
    with looking(page, "light", 390):
        (drawn,) = visible(page, "figure.diagram svg")
        names = drawn.find_elements("css selector", "text.name")
        boxes = [
            page.execute_script("const r = arguments[0].getBoundingClientRect(); return [r.left, r.right, r.top]", one) for one in names
        ]
        assert [one.text.rsplit(" ", 1)[0] for one in names] == ["egemaps svm", "egemaps rf", "spectral+mfcc svm"]
        assert all(left >= 0 and right <= 390 for left, right, _ in boxes)
        assert len({top for *_, top in boxes}) == 3, "each on a line of its own"
        dots = [float(dot.get_attribute("cx")) for dot in drawn.find_elements("css selector", "circle")]
        assert dots == sorted(dots)


@pytest.mark.parametrize("rank", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("model", ["svm", "cnn(" + "layers=c256x5-" * 9 + ")"])
def test_a_name_of_the_diagram_is_on_a_phone_wherever_its_rank_lies(rank, model):
    systems = pd.DataFrame({"features": "egemaps+mfcc+spectral", "model": model, "mean_rank": [1.0, 2.0, rank, 4.0, 5.0]})
    drawn = view_diagram(Comparison("train", "", ("a", "b", "c"), ("a", "b", "c"), (0, 1, 2), systems, [], []))["narrow"]
    for one in drawn["systems"]:
        width = LETTER * len(one["text"])
        left = one["edge"] + 5 if one["anchor"] == "start" else one["edge"] - 5 - width
        assert left >= 0
        assert left + width <= drawn["width"]


def test_what_goes_on_beside_a_phone_fades_until_its_end_is_reached(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    show(page, Path(page.current_url.removeprefix("file://")))
    first = page.find_element("css selector", "table.corpora td.shade")
    assert first.rect["x"] + first.rect["width"] <= 390, "the first UAR is on a phone's screen"
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 160, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    part = page.find_element("css selector", ".scroll:has(table.corpora)")
    WebDriverWait(page, 10).until(lambda _: "goes-on" in part.get_attribute("class"))
    page.execute_script("arguments[0].scrollLeft = 10000", part)
    WebDriverWait(page, 10).until(lambda _: "goes-on" not in part.get_attribute("class"))
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


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
