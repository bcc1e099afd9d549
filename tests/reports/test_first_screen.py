"""What a reader sees first: the answer in a sentence, the heat map, the board, and how it is searched, read in per cent and passed on."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.support.wait import WebDriverWait

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.board import zoomed
from ser_bench.reports.board_text import NAMED, blocks, classes_words, selection_rows, verdict
from tests.reports import fabricate
from tests.reports.conftest import looking, show, visible
from tests.reports.test_copy import KEPT

REACHED = """
const part = document.querySelector(arguments[0])
return part && 0 <= part.getBoundingClientRect().top && part.getBoundingClientRect().top < innerHeight
"""
"""Whether a part is on the screen: the page opens it, and scrolls there, a moment after it is asked for."""


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "report.html")
    return browser


def test_the_answer_stands_before_everything_else_and_the_method_is_a_click_away(page):
    sections = [part.get_attribute("aria-labelledby") for part in page.find_elements("css selector", "main > section")]
    assert sections[0] == "board"
    assert sections[-2:] == ["method", "rests"]
    told = page.find_element("css selector", "header .verdict").text
    assert told.startswith("Best of 3 systems: egemaps with ")
    assert "Chance .333, human listeners .900." in told
    assert "#method" in [link.get_attribute("href").partition("report.html")[2] for link in visible(page, "nav a")]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """The page of a run whose corpus was looked at, its leaderboard, and its predictions."""
    folder = tmp_path_factory.mktemp("checked")
    run = fabricate.write_run(folder)
    found = pd.DataFrame([("warning", "delivery", "loud"), ("note", "a", "b")], columns=["kind", "check", "what"])
    RunFolder(folder).write_findings(found)
    board = fabricate.publish(RunFolder(folder), *run).leaderboard
    return folder / "report.html", board, run[1]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_five_questions_have_their_answers_on_the_first_screen(browser, checked, width, height):
    answers = {
        "which system is best, and by how much": (
            ".verdict > :nth-child(1)",
            r"Best of 3 systems: egemaps with \w+, UAR \.\d{3} \(95% CI \[",
        ),
        "is it better than the second": (".verdict > :nth-child(2)", r"Second: .* lower by \.\d{3} .* not significantly different\."),
        "which emotions are confused": (".answers a[href^='#cell-']", r"\w+ as \w+ \d+%"),
        "is the corpus sound": (".answers a[href='#audit']", r"no errors and 1 warning \(delivery\)"),
        "paste the table into LaTeX": ("[data-copy=latex]", "LaTeX"),
    }
    seen = (
        "const r = arguments[0].getBoundingClientRect(); "
        "return r.height > 0 && r.top >= 0 && r.left >= 0 && r.bottom <= innerHeight && r.right <= innerWidth"
    )
    with looking(browser, "light", width, height):
        show(browser, checked[0])
        assert browser.execute_script("return [innerWidth, innerHeight, scrollY]") == [width, height, 0]
        for question, (css, answer) in answers.items():
            part = browser.find_element("css selector", css)
            assert re.match(answer, part.text), question
            assert browser.execute_script(seen, part), f"{question}: not on the first screen"
        starts = [
            browser.find_element("css selector", css).rect["x"]
            for css in (".verdict > :nth-child(2)", ".answers b", ".answers span + span")
        ]
        assert len(set(starts)) == 1  # each answer begins a line
        browser.execute_script(KEPT)
        browser.find_element("css selector", "[data-copy=latex]").click()
        assert "\\begin{tabular}" in browser.execute_script("return window.kept")
        for css, more in (("[href^='#cell-']", "details[open] table.confusion"), ("[href='#audit']", "#audit ~ .scroll tbody tr")):
            browser.execute_script("scrollTo(0, 0)")
            browser.find_element("css selector", f".answers {css}").click()
            WebDriverWait(browser, 10).until(lambda page, more=more: page.execute_script(REACHED, more))


def test_the_first_screen_says_how_far_the_second_is_what_is_confused_and_whether_the_corpus_is_sound(checked):
    page, board, predictions = checked
    head = page.read_text(encoding="utf-8").partition("<header>")[2].partition("</header>")[0]
    best, second = (row for _, row in board.iloc[:2].iterrows())
    below = (
        f"lower by {second['behind']:.3f} (95% CI [{second['behind_low']:.3f}, {second['behind_high']:.3f}]), p = {second['p_vs_best']:.3f}"
    )
    assert f"Second: egemaps with {second['model']}, {below}, not significantly different.".replace("0.", ".") in head
    assert '<a href="#audit">no errors and 1 warning (delivery)</a>' in head
    assert '<a href="#rests">1 warning</a>' in head
    rows = predictions[(predictions[["features", "model", "track"]] == list(best[["features", "model", "track"]])).all(axis=1)]
    shares = pd.crosstab(rows["emotion"], rows["predicted"], normalize="index").stack()
    wrong = shares[[meant != said for meant, said in shares.index]]
    (meant, said), share = wrong.idxmax(), wrong.max()
    assert f'<a href="#cell-made_up-egemaps-{best["model"]}-train">{meant} as {said} {100 * share:.0f}%, ' in head


def test_rows_like_the_best_are_shaded_and_said_to_be(page):
    rows = visible(page, "table[aria-labelledby=block-1] tbody tr")
    shaded = [row for row in rows if "like-best" in row.get_attribute("class")]
    assert [row.get_attribute("textContent").count("not significantly different from the best") for row in shaded] == [1] * len(shaded)
    assert len(shaded) == 3
    colours = {row in shaded: row.value_of_css_property("background-color") for row in rows}
    assert colours[True] != colours[False]


def test_what_the_shade_means_stands_right_above_the_rows_with_the_shade_itself(page):
    key, table = (page.find_element("css selector", f"div.board {part}") for part in (".key", "table.board"))
    assert "not significantly different from the best (p \u2265 .05)" in key.text
    assert 0 <= table.location["y"] - key.location["y"] - key.size["height"] < 20
    shade, row = (page.find_element("css selector", f"div.board {part}.like-best") for part in (".swatch", "tr"))
    assert shade.value_of_css_property("background-color") == row.value_of_css_property("background-color")
    assert shade.size["width"] * shade.size["height"] > 200


def test_what_scores_are_read_against_says_its_source_above_the_rows(page):
    marks = [
        part.text.strip() for part in visible(page, "div.board:has(#block-1) .key > span") if part.find_elements("css selector", "svg")
    ]
    assert marks == ["chance .333 (3 emotions)", "human .900 (asked)"]
    assert {line.get_attribute("class") for line in page.find_elements("css selector", ".key line")} == {"ref chance", "ref human"}


def test_a_row_that_is_no_system_says_what_it_is(page, block):
    (best,) = visible(page, "table[aria-labelledby=block-1] tfoot .name")
    assert best.text.split("\n") == ["best of 3, corrected", "to be expected of the best on new speakers"]
    known = dict.fromkeys(("best", "best_low", "best_high", "selected", "selected_low", "selected_high"), 0.5)
    said = [(row["name"], row["about"]) for row in selection_rows(block, fabricate.resolutions().assign(**known))]
    assert said[1:] == [("selected per fold", "in each fold, the system with the best inner score")]


def test_a_search_keeps_what_has_every_word_and_the_address_keeps_the_search(page):
    page.find_element("css selector", "#search").send_keys("EGE rf")
    (row,) = visible(page, "table.board tbody tr")
    assert (row.get_attribute("data-features"), row.get_attribute("data-model")) == ("egemaps", "rf")
    page.refresh()
    assert len(visible(page, "table.board tbody tr")) == 1
    assert page.find_element("css selector", "#search").get_attribute("value") == "EGE rf"


def test_per_cent_is_a_hundredfold_everywhere_and_back_again(page):
    def read() -> list[str]:
        return [part.get_attribute("textContent") for part in page.find_elements("css selector", "td[data-score] b")]

    fractions = read()
    switch = page.find_element("css selector", "#percent")
    switch.click()
    shown = read()
    for before, after in zip(fractions, shown, strict=True):
        assert (
            [float(number) for number in after.split("\u00b1")] == pytest.approx([100 * float(number) for number in before.split("\u00b1")])
            if before
            else not after
        )
    assert "UAR 0." not in page.find_element("css selector", ".verdict").text
    regions = [found for note in visible(page, ".notes li") for found in re.findall(r"\u00b1(\S+?)(?= UAR| \()", note.text)]
    assert regions
    assert all(float(region) >= 1 for region in regions), regions
    switch.click()
    assert read() == fractions


@pytest.mark.parametrize("width", [390, 1024])
def test_rank_system_and_uar_with_its_interval_are_on_every_screen(page, width):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    try:
        heads = [head for head in visible(page, "table[aria-labelledby=block-1] th") if head.text]
        assert [head.text.split("\u2009")[0] for head in heads[:5]] == ["rank", "features", "model", "UAR", "95% CI"]
        last = heads[4]
        assert last.location["x"] + last.size["width"] <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_copying_stands_at_the_head_of_the_board_and_paragraphs_are_another_thing_than_the_table(page):
    title, bar = (page.find_element("css selector", f"div.board {part}") for part in ("h3", ".copy"))
    assert 0 <= bar.location["y"] - title.location["y"] - title.size["height"] < 20
    named = [button.text for button in visible(page, ".copy button")[:5]]
    assert named == ["LaTeX", "Markdown", "CSV", "save CSV file", "copy paragraphs"]
    page.execute_script(KEPT)
    visible(page, ".copy button")[4].click()
    text = WebDriverWait(page, 10).until(lambda page: page.execute_script("return window.kept"))
    assert text.startswith(page.find_element("css selector", "#method-text").text)
    assert "tabular" not in text


def test_on_a_phone_search_is_folded_and_its_button_says_what_is_filtered(page):
    with looking(page, "light", 390):
        fold = page.find_element("css selector", "[aria-controls=filters]")
        assert not visible(page, "#search, table.heat")
        copying = visible(page, ".copy button")[0].location["y"]
        assert copying < visible(page, "table.board")[0].location["y"] < copying + 250
        fold.click()
        assert fold.get_attribute("aria-expanded") == "true"
        page.find_element("css selector", "#search").send_keys("EGE rf")
        page.find_element("css selector", 'select[data-by="track"]').send_keys("train")
        fold.click()
        assert not visible(page, "#search")
        assert fold.text.strip("\u25b8\u2002 ") == "Filtered: track train, \u201cege\u201d, \u201crf\u201d"
        page.refresh()
        assert page.find_element("css selector", "[aria-controls=filters]").text.endswith(
            "Filtered: track train, \u201cege\u201d, \u201crf\u201d"
        )
    assert visible(page, "#search")
    assert not visible(page, ".fold")


def test_paper_is_light_where_the_screen_is_dark(page):
    shades = {}
    for medium in ("screen", "print"):
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": dark})
        shades[medium] = page.execute_script("return getComputedStyle(document.body).color")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    assert shades == {"screen": "rgb(232, 234, 237)", "print": "rgb(27, 31, 36)"}


def test_an_axis_reaches_as_far_as_the_intervals_and_names_what_lies_beyond():
    lines = [{"name": name, "uar": uar, "drawn": name} for name, uar in (("chance", 0.125), ("human", 0.93))]
    axis = zoomed([{"uar_low": 0.31, "uar_high": 0.52}, {"uar_low": np.nan, "uar_high": np.nan}], lines)
    assert axis["span"] == pytest.approx((0.3, 0.55))
    assert [text for _, text in axis["ticks"]] == [".30", ".35", ".40", ".45", ".50", ".55"]
    assert axis["beyond"] == ("chance .125", "human .930")


@pytest.fixture(scope="module")
def block() -> pd.DataFrame:
    cells, predictions = fabricate.run_tables(fabricate.clips())
    board = fabricate.rank(predictions, cells, fabricate.refits(predictions))
    return board[board["track"] == "train"]


def test_a_block_in_which_nothing_is_ranked_has_no_answer(block):
    assert verdict(block.assign(status="failed"), fabricate.references(fabricate.clips()), fabricate.resolutions()) == []


def test_a_title_names_what_is_predicted_and_the_scheme_where_that_is_not_all_there_is(folder, block):
    named = "made up, 3 emotions (anger, fear, neutral), 96 clips of 8 speakers: leave-one-speaker-out"
    assert f'<h3 id="block-1">{named}' in (folder / "report.html").read_text(encoding="utf-8")
    assert f"**{named}" in (folder / "leaderboard.md").read_text(encoding="utf-8")
    about = {"corpus": {"name": "made up", "title": "MADE-UP", "emotions": ["anger", "happiness", "neutral", "sadness"]}}
    (title, _), *_ = blocks(block.assign(labels="big4"), about)
    assert title.startswith("MADE-UP, 4 emotions (anger, happiness, neutral, sadness), labels 'big4', 96 clips")
    (unsaid, _), *_ = blocks(block)
    assert unsaid.startswith("made up, labels 'all', 96 clips")


def test_of_many_classes_a_title_names_the_first():
    names = [f"emotion {number}" for number in range(40)]
    words = classes_words({"corpus": {"emotions": dict.fromkeys(names, 1)}})
    shown = words.partition("(")[2].partition(" and ")[0].split(", ")
    assert words == f"40 emotions ({', '.join(shown)} and {40 - len(shown)} more)"
    assert shown == names[: len(shown)]
    assert NAMED - 15 < len(", ".join(shown)) <= NAMED


def test_a_single_row_is_no_best_of_several(block):
    said, *_ = verdict(block.iloc[:1], fabricate.references(fabricate.clips()), fabricate.resolutions())
    assert re.match(r"Single system: \S+ with \S+, UAR \.\d{3} \(95% CI ", said)


@pytest.mark.parametrize(("lower", "cited"), [(0.02, True), (0.0, False)])
def test_of_two_scores_of_the_best_the_answer_says_which_to_cite(block, lower, cited):
    uar = block.loc[block["rank"] == 1, "uar"].item()
    shown = fabricate.resolutions().assign(best=uar - lower, best_low=0.4, best_high=0.9)
    first, *_, last = verdict(block, fabricate.references(fabricate.clips()), shown)
    assert f"UAR {uar:.3f} (95% CI [".replace("0.", ".") in first
    assert first.endswith(f"; corrected for having been chosen as the best, {uar - lower:.3f} (95% CI [.400, .900]).".replace(" 0.", " ."))
    assert last.startswith("Cite the corrected UAR for the best") == cited


def test_what_is_the_same_corrected_is_said_once_and_where_all_others_are_worse_they_are_all_named_so(block):
    best = block[block["rank"] == 1].iloc[0]
    same = dict(zip(("best", "best_low", "best_high"), best[["uar", "uar_low", "uar_high"]], strict=True))
    worse = block.assign(p_vs_best=block["p_vs_best"].where(block["p_vs_best"].isna(), 0.01))
    first, _, others, *_ = verdict(worse, fabricate.references(fabricate.clips()), fabricate.resolutions().assign(**same))
    assert first.endswith("]); the same when corrected for having been chosen as the best.")
    assert others == f"All {block['p_vs_best'].notna().sum()} others are significantly worse."


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two seeds whose names are long."""
    folder = tmp_path_factory.mktemp("crowded")
    fabricate.write_run(folder)
    table = fabricate.clips()
    systems = [
        ("audioemotion26", "logreg"),
        ("w" * 40, "svm"),
        ("contour(offset=0.5)", "cnn(batch=16,layers=c256x5-c128x5-d.1,optimiser=rmsprop,watch=accuracy)"),
    ]
    cells = pd.DataFrame([fabricate.cell(features, model, table, seeds=2) for features, model in systems])
    found = [fabricate.predictions(table, *system, 0.8 - 0.1 * seed, seed=seed) for system in systems for seed in (0, 1)]
    found = pd.concat(found, ignore_index=True)
    RunFolder(folder).write_predictions(found)
    fabricate.publish(RunFolder(folder), cells, found, fabricate.references(table))
    return folder / "report.html"


@pytest.mark.parametrize("width", [390, 1024])
def test_however_long_a_model_is_its_uar_is_on_the_screen_and_no_set_is_broken_within_its_name(browser, crowded, width):
    with looking(browser, "light", width):
        show(browser, crowded)
        rows = visible(browser, "table.board tbody tr")
        assert len(rows) == 3
        for row in rows:
            uar, interval = row.find_elements("css selector", "td")[3:5]
            assert re.match(r"\.\d{3}", uar.text)
            assert interval.rect["x"] + interval.rect["width"] <= width
        beyond = browser.execute_script(
            "const part = document.querySelector('.scroll:has(table.board)'); return part.scrollWidth - part.clientWidth"
        )
        assert beyond <= 2
        lines = "const r = document.createRange(); r.selectNodeContents(arguments[0]); return r.getClientRects().length"
        (name,) = [link for link in visible(browser, "table.board td.name a") if link.text == "audioemotion26"]
        assert browser.execute_script(lines, name) == 1
        (sections,) = visible(browser, "nav")
        assert ("goes-on" in sections.get_attribute("class")) == (width < 500)  # they fade where they go on
        told = [part.text for part in visible(browser, ".key .spread")]
        assert told == (["UAR: mean of 2 seeds \u00b1 standard deviation between them"] if width > 500 else [])
