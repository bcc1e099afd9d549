"""Every figure names what it shows, beside its axes: on the page as in the figures for papers."""

from pathlib import Path
from typing import Any

import pytest

from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder
from ser_bench.reports import publish_ablation, publish_audit
from tests.evaluation import test_merge
from tests.reports import fabricate, test_ablation, test_audit
from tests.reports.conftest import show, visible
from tests.reports.test_players import spoken
from tests.reports.test_spectrograms import page_of


def texts(browser: Any, drawn: Any) -> list[str]:
    """What is written in an SVG, the parts that it takes from elsewhere on the page included."""
    script = """
        const used = [...arguments[0].querySelectorAll('use')].map(use => document.querySelector(use.getAttribute('href')));
        return [arguments[0], ...used].flatMap(part => [...part.querySelectorAll('text')].map(text => text.textContent))"""
    return browser.execute_script(script, drawn)


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "report.html")
    browser.execute_script("for (const cell of document.querySelectorAll('details')) cell.open = true")
    return browser


@pytest.mark.parametrize(
    ("css", "names"),
    [
        ("svg.curve:not(.wide)", {"false positive rate", "true positive rate", "0", ".5", "1"}),
        ("svg.curve.wide", {"predicted probability (confidence)", "share correct (accuracy)", "0", ".5", "1"}),
        ("svg.learning", {"number of training speakers (log scale)", "UAR (95% CI)", "2", "3", "7", ".4", "1.0"}),
        ("svg.strip", {"UAR", "0", ".5", "1"}),
        ("table.board svg.scale", {"UAR (95% CI)", ".80", "1.00"}),
        (".cost svg", {"CPU time (s), search and fits (log scale)", "UAR"}),
    ],
)
def test_a_plot_of_the_page_names_both_axes_and_their_ticks(page, css, names):
    drawn = visible(page, css)
    assert drawn
    assert all(names <= set(texts(page, plot)) for plot in drawn)


def test_a_confusion_matrix_says_which_side_is_true_and_which_predicted(page):
    heads = page.find_element("css selector", "table.confusion thead").text.split()
    assert heads == ["predicted", "true", *fabricate.EMOTIONS]


def test_a_spectrogram_has_seconds_and_kilohertz(browser, tmp_path):
    spoken(tmp_path / "corpus", "s0/0.wav")
    page = page_of(browser, tmp_path / "run", tmp_path / "corpus")
    assert {"8 kHz", "1", "0", "0.1 s"} <= set(texts(page, page.find_element("css selector", ".look svg")))


def test_the_axis_of_an_ablation_has_a_zero_and_a_sign(browser, tmp_path):
    publish_ablation(AblationFolder(tmp_path), test_ablation.table(), test_ablation.importance(), test_ablation.ABOUT)
    show(browser, tmp_path / "ablation.html")
    said = texts(browser, visible(browser, "svg.scale")[0])
    assert {"ΔUAR (95% CI)", "0"} <= set(said)
    assert any(text.startswith(("+", "-")) for text in said)


def test_the_tables_of_a_run_fit_a_desk(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    wide = page.execute_script("return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == 0


def drawn(folder: Path, name: str) -> str:
    return (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")


def test_figures_for_papers_name_both_axes(folder, tmp_path):
    assert all(said in drawn(folder, "leaderboard") for said in ("UAR (95% CI over speakers)", "feature set, model"))
    publish_audit(AuditFolder(tmp_path), "made up", {}, test_audit.FINDINGS, test_audit.gap(), test_audit.ABOUT)
    assert all(said in drawn(tmp_path, "gap") for said in ("split, hyperparameters, standardised with", "UAR (95% CI over speakers)"))
    publish_ablation(AblationFolder(tmp_path), test_ablation.table(), None, test_ablation.ABOUT)
    assert all(said in drawn(tmp_path, "ablation") for said in ("ΔUAR vs. all groups", "features evaluated"))


def test_a_diagram_of_ranks_names_its_axis(tmp_path):
    assert ">mean rank<" in drawn(test_merge.over_corpora(tmp_path, 3).folder, "critical-difference")
