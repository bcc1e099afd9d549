"""The page, in a real browser: it loads from disk, asks nobody for anything, sorts, filters and opens cells."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.board_text import to_markdown
from ser_bench.reports.details import held_out
from tests.reports import fabricate
from tests.reports.conftest import show, visible


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "report.html")
    return browser


def test_it_loads_without_a_word_on_the_console_or_to_the_network(page):
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_every_row_stands_there_with_its_interval_drawn(page):
    assert len(visible(page, "table.board tbody tr")) == 6
    assert len(visible(page, "table.board tbody svg.bar")) == 5


def test_leaky_failed_and_transductive_are_unmistakable(page):
    text = page.find_element("css selector", "body").text
    assert all(word in text for word in ("LEAKY", "FAILED", "TRANSDUCTIVE"))


def test_a_click_sorts(page):
    def uars() -> list[str]:
        return [row.find_elements("css selector", "td")[3].text for row in visible(page, "table[aria-labelledby=block-1] tbody tr")]

    head = visible(page, "table[aria-labelledby=block-1] th button")[3]
    head.click()
    *down, failed = uars()
    head.click()
    assert sorted(down, reverse=True) == down
    assert uars() == [*down[::-1], failed]


def test_the_first_click_puts_the_best_first_and_an_arrow_tells_the_order(page):
    heads = visible(page, "table[aria-labelledby=block-1] th")
    orders = []
    for name in ("UAR", "CPU time (s)", "features"):
        (head,) = [one for one in heads if one.text.startswith(name)]
        head.find_element("css selector", "button").click()
        orders.append(head.get_attribute("aria-sort"))
    assert orders == ["descending", "ascending", "ascending"]
    assert len(page.find_elements("css selector", "table[aria-labelledby=block-1] th[aria-sort]")) == 1


def test_filters_hide_rows_and_cells(page):
    page.find_element("css selector", 'select[data-by="features"]').send_keys("spectral+mfcc")
    assert len(visible(page, "table.board tbody tr")) == 1
    assert len(visible(page, "details[data-features]")) == 1


def test_a_link_opens_its_cell_with_confusions_speakers_and_parameters(page):
    from selenium.common.exceptions import NoSuchElementException
    from selenium.webdriver.support.wait import WebDriverWait

    visible(page, "table.board tbody a")[0].click()
    wait = WebDriverWait(page, 10, ignored_exceptions=[NoSuchElementException])
    opened = wait.until(lambda page: page.find_element("css selector", "details[open]").text)
    assert "Confusion matrix" in opened
    assert "s7" in opened
    assert "kernel rbf" in opened


def test_folds_are_named_by_the_speakers_whom_they_hold_out(page):
    cell = page.find_element("css selector", "#cells ~ details")
    page.execute_script("arguments[0].open = true", cell)
    assert [head.text for head in visible(cell, "table.chosen tbody th")] == [f"s{number}" for number in range(8)]


def test_of_many_speakers_of_a_fold_the_first_are_named():
    rows = pd.DataFrame({"seed": 0, "fold": [0] * 10 + [1], "speaker": [f"{number:02}" for number in range(11)]})
    assert held_out(rows) == {(0, 0): "00, 01, 02, 03, 04, 05, 06, 07 and 2 more", (0, 1): "10"}


def test_details_fill_a_wide_screen(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    try:
        cell = page.find_element("css selector", "#cells ~ details")
        page.execute_script("arguments[0].open = true", cell)
        left, right = (half.rect for half in cell.find_elements("css selector", ".halves > div"))
        assert left["y"] == right["y"]
        assert left["x"] + left["width"] < right["x"]
        assert right["x"] + right["width"] > 1200
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_an_opened_cell_draws_its_curves_and_tells_them_in_words(page):
    cell = page.find_element("css selector", "#cells ~ details")
    page.execute_script("arguments[0].open = true", cell)
    told = [drawn.get_attribute("aria-label") for drawn in visible(page, "svg.curve")]
    assert [words.partition(":")[0] for words in told] == [*(f"ROC curve of {e}" for e in fabricate.EMOTIONS), "Calibration"]
    assert "at a false positive rate of 10%" in told[0]
    assert "confidence .60, accuracy" in told[-1]
    assert all(len(line.get_attribute("points").split()) <= 50 for line in cell.find_elements("css selector", "polyline"))


def test_a_learning_curve_rises_as_its_points_do_and_is_told_in_words(page):
    cell = page.find_element("css selector", "#cell-made_up-egemaps-svm-train")
    page.execute_script("arguments[0].open = true", cell)
    (curve,) = visible(cell, "svg.learning")
    assert "2 speakers .500 [.400, .600]; 3 speakers .600 [.500, .700]; 7 speakers .850" in curve.get_attribute("aria-label")
    heights = [float(dot.get_attribute("cy")) for dot in curve.find_elements("css selector", "circle")]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= height <= 200 for height in heights)
    assert len(page.find_elements("css selector", "svg.learning")) == 1


def test_a_flat_curve_at_chance_is_drawn(tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    curve = pd.read_csv(tmp_path / "learning.csv")
    # The run's emotions are three, and a tenth is the picture's grid.
    curve[["uar", "uar_low", "uar_high"]] = 0.3
    curve.to_csv(tmp_path / "learning.csv", index=False)
    fabricate.publish(RunFolder(tmp_path), cells, found, baselines)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Learning curve" in text
    assert "nan" not in text.partition('svg class="learning"')[2].partition("</svg>")[0]


def test_systems_and_corpora_called_by_numbers_keep_their_names(tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    named = {"corpus": "2023", "features": "007"}
    ranked = cells["status"] == "ok"
    fabricate.publish(
        RunFolder(tmp_path),
        cells[ranked].assign(**named).drop_duplicates(["model", "track"]),
        _once(found.assign(**named)),
        baselines.assign(corpus="2023"),
    )
    assert "cell-2023-007-svm-train" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_single_ranked_row_is_compared_with_no_best(tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    for ranked, said in ((1, False), (2, True)):
        kept = pd.concat([cells[(cells["status"] == "ok") & (cells["track"] == "train")][:ranked], cells[cells["status"] != "ok"]])
        shown = fabricate.publish(RunFolder(tmp_path), kept, found.merge(kept[["features", "model", "track"]]), baselines)
        markdown = to_markdown(shown.leaderboard, baselines, shown.resolutions)
        page = (tmp_path / "report.html").read_text(encoding="utf-8").partition("<script")[0]
        board = page.partition('aria-labelledby="board"')[2].partition("</section>")[0]
        assert ["not significantly different from the best" in text for text in (board, markdown)] == [said, said]
        assert ('class="ok like-best"' in board) == said


def _once(found):
    """The first system of each model and track."""
    return found.drop_duplicates(["model", "track", "clip", "seed"])


def test_recall_stands_with_its_interval(page):
    from ser_bench import scores

    cell = page.find_element("css selector", "#cells ~ details")
    page.execute_script("arguments[0].open = true", cell)
    rows = fabricate.predictions(fabricate.clips(), "egemaps", "svm", 0.8)
    known = scores.recall_intervals(
        rows["emotion"], rows["predicted"], rows["speaker"], inflation=scores.overlap_bound(rows["speaker"].nunique())
    )["fear"]
    row = next(row.text for row in visible(cell, "table.recall tbody tr") if row.text.startswith("fear"))
    assert "[{:.3f}, {:.3f}]".format(*known[1:]).replace("0.", ".") in row


def test_a_cell_without_probabilities_has_no_curves(tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    found[[column for column in found if column.startswith("p.")]] = float("nan")
    found.to_parquet(tmp_path / "predictions.parquet", index=False)
    fabricate.publish(RunFolder(tmp_path), cells, found, baselines)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "ROC by class" not in text
    assert "By class" in text


def test_names_are_text_never_markup(page):
    assert page.find_elements("css selector", "td b b, a > b") == []
    assert "<b>odd</b>" in page.find_element("css selector", "body").text


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_but_tables_needs_sideways_scrolling(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    )
    page.execute_script("for (const cell of document.querySelectorAll('details')) cell.open = true")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_paper_tables_fit_and_nothing_is_to_be_pressed(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 718, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.execute_script("return document.documentElement.scrollWidth") <= 718
    assert not visible(page, ".copy, .filters, nav")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_paper_what_is_closed_takes_no_room_and_the_corrected_best_stands_once(page):
    page.execute_script("document.querySelector('#cells ~ details').open = true")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert len(visible(page, "section[aria-labelledby=cells] > details")) == 1
        page.execute_script("document.querySelector('#cells ~ details').open = false")
        assert not visible(page, "details, #cells")
        assert visible(page, "#board, #method-text, #rests")
        feet = page.find_elements("css selector", "tfoot")
        assert {foot.value_of_css_property("display") for foot in feet} <= {"table-row-group"}  # else on every sheet
        heads = page.find_elements("css selector", "thead th button")
        assert {head.value_of_css_property("display") for head in heads} == {"contents"}  # else on the first sheet alone
        assert page.find_element("css selector", "tr.like-best").value_of_css_property("print-color-adjust") == "exact"
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.usefixtures("pages", "every_kind_of_picture")
def test_the_same_run_makes_the_same_bytes(tmp_path):
    for place in ("one", "other"):
        fabricate.scored.cache_clear()
        fabricate.publish(RunFolder(tmp_path / place), *fabricate.write_run(tmp_path / place))
    for name in ("report.html", "figures/leaderboard.png", "figures/leaderboard.svg", "leaderboard.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_it_names_no_address_to_fetch_from(folder):
    assert "http" not in (folder / "report.html").read_text(encoding="utf-8")
