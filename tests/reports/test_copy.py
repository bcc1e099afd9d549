"""The page's leaderboard, taken elsewhere: what is copied is what is shown, as Markdown, CSV and LaTeX."""

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ser_bench.evaluation.run_folder import RunFolder
from tests.reports import fabricate
from tests.reports.conftest import show, visible

KEPT = "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.kept = text; }}})"
REFUSED = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "report.html")
    browser.execute_script(KEPT)
    return browser


def copied(page: Any, kind: str, block: int = 0) -> str:
    from selenium.webdriver.support.wait import WebDriverWait

    page.execute_script("window.kept = null")
    visible(page, f"button[data-copy={kind}]")[block].click()
    return WebDriverWait(page, 10).until(lambda page: page.execute_script("return window.kept"))


def test_csv_is_the_rows_shown_in_the_order_shown(page):
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "FAILED"]
    named = ["rank", "features", "model", "UAR", "95% CI low", "95% CI high", "WAR", "macro F1", "AUC"]
    assert list(rows[0]) == [*named, "p (vs. best)", "dims", "CPU time (s)", "like the best"]
    assert all(float(row["95% CI low"]) < float(row["UAR"].split()[0]) < float(row["95% CI high"]) for row in rows if row["UAR"])
    assert [row["like the best"] for row in rows] == ["yes", "yes", "yes", "no"]
    visible(page, "table[aria-labelledby=block-1] th button")[3].click()
    visible(page, "table[aria-labelledby=block-1] th button")[3].click()
    upwards = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    uars = [float(row["UAR"]) for row in upwards if row["UAR"]]
    assert uars == sorted(uars)


def test_what_a_filter_hides_is_not_copied(page):
    page.find_element("css selector", 'select[data-by="model"]').send_keys("rf")
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    assert [(row["features"], row["model"]) for row in rows] == [("egemaps", "rf")]
    assert "1 row copied" in [status.text for status in visible(page, ".copy [role=status]")]


def test_markdown_is_a_table_below_its_title(page):
    title, blank, head, rule, *rows = copied(page, "markdown").splitlines()
    assert title.startswith("**made up, 3 emotions (anger, fear, neutral), 96 clips")
    assert title.endswith("** (=: not significantly different from the best)")
    assert not blank
    assert head.split(" | ")[1:4] == ["features", "model", "UAR"]
    assert rule.startswith("|---:|---|---|---:|")
    assert rows[0].startswith("| 1 = | egemaps |")
    assert "| **." in rows[0]
    assert "**" not in "".join(rows[1:])
    assert all(row.count("|") == head.count("|") for row in rows)


def test_latex_is_a_booktabs_table_without_a_bare_special(page):
    _, opened, centred, caption, *lines, closed = copied(page, "latex").splitlines()
    # Eleven columns in the usual type and distance are wider than most pages.
    assert [opened, centred, closed] == [r"\begin{table}", r"\centering\small\setlength{\tabcolsep}{4pt}", r"\end{table}"]
    assert caption.startswith(r"\caption{made up, 3 emotions (anger, fear, neutral), 96 clips")
    assert lines[0] == r"\begin{tabular}{rllrlrrrrrr}"
    assert [lines[i] for i in (1, 3, -2, -1)] == [r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}"]
    assert r"95\% CI" in lines[2]
    assert all(line.count(" & ") == 10 and line.endswith(r" \\") for line in lines[4:-2])
    assert [r"\textbf{" in line for line in lines[4:-2]] == [True, *[False] * (len(lines) - 7)]


def test_every_special_of_every_form_is_escaped(page):
    odd = 'a\\b ~^<>|& %$#_{} "x", ±1 `*'
    page.execute_script("document.querySelector('table.board tbody a').textContent = arguments[0]", odd)
    row = next(csv.DictReader(io.StringIO(copied(page, "csv"))))
    assert row["features"] == odd
    tex = (
        r"a\textbackslash{}b \textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}\& \%\$\#\_\{\} "
        + '"x", $\\pm$1 \\textasciigrave{}*'
    )
    assert f" & {tex} & " in copied(page, "latex")
    assert r"| a\\b \~^<>\|& %\$#\_{} " + '"x", ±1 ' + r"\`\* |" in copied(page, "markdown")


@pytest.mark.parametrize(("name", "written"), [("=1+1", "'=1+1"), ("@a", "'@a"), ("'=1", "''=1"), ("-.250", "-.250"), ("'s", "'s")])
def test_csv_that_is_copied_holds_no_formula(page, name, written):
    page.execute_script("document.querySelector('table.board tbody a').textContent = arguments[0]", name)
    assert next(csv.DictReader(io.StringIO(copied(page, "csv"))))["features"] == written


def test_a_browser_that_refuses_the_clipboard_shows_the_text_selected(browser, folder):
    show(browser, folder / "report.html")
    browser.execute_script(REFUSED)
    visible(browser, "button[data-copy=csv]")[0].click()
    (area,) = visible(browser, "dialog textarea")
    assert area.get_attribute("value").startswith("rank,features,model,UAR")
    taken = "const a = document.activeElement; return a.value.slice(a.selectionStart, a.selectionEnd)"
    assert browser.execute_script(taken) == browser.execute_script("return document.querySelector('dialog textarea').value")
    visible(browser, "dialog button")[0].click()
    assert not visible(browser, "dialog")


def test_buttons_and_filters_are_reached_and_pressed_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    first = page.find_element("css selector", 'select[data-by="features"]')
    reached = []
    while first.get_attribute("data-copy") != "markdown" and len(reached) < 20:
        first.send_keys(Keys.TAB)
        first = page.switch_to.active_element
        reached.append(first.get_attribute("id"))
    assert {"search", "percent"} <= set(reached)
    first.send_keys(Keys.ENTER)
    assert page.execute_script("return window.kept").startswith("**made up")


def test_a_page_of_several_corpora_can_be_narrowed_to_one(browser, tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    both = [pd.concat([table, table.assign(corpus="another")], ignore_index=True) for table in (cells, found, baselines)]
    both[1].to_parquet(tmp_path / "predictions.parquet", index=False)
    fabricate.publish(RunFolder(tmp_path), *both)
    show(browser, tmp_path / "report.html")
    browser.find_element("css selector", 'select[data-by="corpus"]').send_keys("another")
    titles = [title.text for title in visible(browser, "div.board h3")]
    assert titles
    assert all(title.startswith("another") for title in titles)
    assert {cell.get_attribute("data-corpus") for cell in visible(browser, "[data-track]")} == {"another"}


def test_a_page_of_one_corpus_offers_no_choice_of_corpora(page):
    assert not page.find_elements("css selector", 'select[data-by="corpus"]')
