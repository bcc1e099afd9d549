"""The audit's page and picture: findings and the gap stand there, in a real browser, from disk alone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ser_bench.evaluation.analysis_folders import AuditFolder
from ser_bench.reports import gap_rows, publish_audit
from tests.reports.conftest import show, visible

ABOUT = {
    "corpus": {"emotions": {"anger": 6, "fear": 6}, "citation": "Nobody (2000)", "licence": "none"},
    "cell": "egemaps with svm",
    "ser_bench": "0",
    "python": "3",
    "versions": {"numpy": "2"},
    "command": "ser-bench audit <b>odd</b> --gap",
}
FINDINGS = pd.DataFrame([("error", "copies", "a <b>bad</b> one"), ("note", "rates", "fine")], columns=["kind", "check", "what"])


def gap() -> pd.DataFrame:
    rows = [
        ("speaker", "nested", "train", 0.4, 0.35, 0.45, 0, 0, 0),
        ("speaker", "nested", "speaker", 0.5, 0.45, 0.55, 0.1, 0.05, 0.15),
        ("random", "test", "all", 0.7, 0.65, 0.75, 0.3, 0.25, 0.35),
    ]
    names = ["split", "parameters", "scaling", "uar", "uar_low", "uar_high", "gap", "gap_low", "gap_high"]
    return pd.DataFrame(rows, columns=names)


def publish(folder: Path, measured: pd.DataFrame | None) -> Path:
    publish_audit(AuditFolder(folder), "made up", {"clips": "12"}, FINDINGS, measured, ABOUT)
    return folder


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    show(browser, publish(tmp_path, gap()) / "audit.html")
    return browser


def test_it_loads_without_a_word_on_the_console_or_to_the_network(page):
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_shortcuts_are_marked_and_the_honest_row_is_not(page):
    rows = visible(page, "table.board tbody tr")
    assert [row.get_attribute("class") for row in rows] == ["ok", "ok", "leaky"]
    assert "+.300 [.250, .350]" in rows[2].text
    assert "transductive" in rows[1].text


def test_findings_are_text_never_markup(page):
    text = page.find_element("css selector", "body").text
    assert "a <b>bad</b> one" in text
    assert "<b>odd</b>" in text


def test_only_ways_without_leak_pass_for_fair():
    assert [row["status"] for row in gap_rows(gap())] == ["ok", "ok", "leaky"]


def test_without_a_gap_there_is_no_word_of_it(tmp_path):
    publish(tmp_path, None)
    assert "shortcut" not in (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert not (tmp_path / "gap.csv").exists()


@pytest.mark.usefixtures("every_kind_of_picture")
def test_the_same_audit_makes_the_same_bytes(tmp_path):
    one, other = publish(tmp_path / "one", gap()), publish(tmp_path / "other", gap())
    for name in ("audit.html", "gap.csv", "findings.csv", "figures/gap.png", "figures/gap.svg"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_what_a_leak_adds_is_on_a_phone_s_screen_with_its_uar(browser, tmp_path):
    folder = publish(tmp_path, gap())
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    show(browser, folder / "audit.html")
    cells = visible(browser, "#gap-1 ~ div table tbody tr:last-child td")
    ends = [cell.rect["x"] + cell.rect["width"] for cell in cells]
    said = [cell.text.split() for cell in cells]
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [words[0] for words in said[1:]] == [".700", "+.300"]
    assert max(ends) <= 390
