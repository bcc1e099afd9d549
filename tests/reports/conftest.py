"""A run's page, and a real browser to look at it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_ablation, publish_audit
from tests.reports import fabricate
from tests.small import with_pages


@pytest.fixture(scope="module", autouse=True)
def looked_at() -> Iterator[None]:
    """Reports are what these tests are about; who looks at figures of a run asks for `pages`."""
    with with_pages(figures=False):
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, its leaderboard and page written, to be looked at."""
    folder = tmp_path_factory.mktemp("run")
    with with_pages():
        fabricate.publish(RunFolder(folder), *fabricate.write_run(folder))
    return folder


@pytest.fixture(scope="session")
def folder_of_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each kind of result, to be looked at."""
    from tests.reports import test_index_page

    with with_pages(figures=False):
        return test_index_page.results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def every_kind_of_page(folder_of_results: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, the report with all that can lie beside it."""
    from tests.evaluation import test_merge
    from tests.reports import test_ablation, test_audit, test_predictions_page
    from tests.reports.test_players import spoken

    folder = tmp_path_factory.mktemp("pages")
    with with_pages(figures=False):
        run = fabricate.write_run(folder / "run")
        spoken(folder / "corpus", *fabricate.clips().index)
        (folder / "run" / "run.toml").write_text(f'corpus = ["{(folder / "corpus").as_posix()}"]\n')
        publish_audit(AuditFolder(folder / "audit"), "made up", {"clips": "12"}, test_audit.FINDINGS, test_audit.gap(), test_audit.ABOUT)
        publish_ablation(AblationFolder(folder / "ablation"), test_ablation.table(), test_ablation.importance(), test_ablation.ABOUT)
        same = {"corpus": json.loads((folder / "run" / "environment.json").read_text())["corpus"], "protocol": None}
        for name, about in (("audit", test_audit.ABOUT), ("ablation", test_ablation.ABOUT)):
            RunFolder(folder / name).write_environment(about | same)
        fabricate.publish(RunFolder(folder / "run"), *run)
        merged = test_merge.over_corpora(folder / "merging", 3).folder
        return {
            "report": folder / "run" / "report.html",
            "audit": folder / "audit" / "audit.html",
            "merged": merged / "leaderboard.html",
            "ablation": folder / "ablation" / "ablation.html",
            "cross": folder_of_results / "cross" / "cross.html",
            "index": folder_of_results / "index.html",
            "recipe": fabricate.write_recipe(folder / "recipe"),
            "predictions": test_predictions_page.published(folder / "predicted"),
        }


@contextmanager
def chromium(profile: Path, *more: str) -> Iterator[Any]:
    """A headless Chromium that keeps its console, with more flags; a skip where there is none."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("no browser here: install chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    flags = (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
    )
    for flag in (*flags, "disable-sync", "disable-dev-shm-usage", f"user-data-dir={profile}", *more):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser for all pages of runs."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@contextmanager
def looking(browser: Any, scheme: str, width: int, height: int = 800) -> Iterator[None]:
    """A browser of a size, on a desk or, where it is narrow, a phone, whose user wants pages light or dark."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def show(browser: Any, file: Path) -> None:
    """Load a page afresh, also where it is the one that the browser shows."""
    browser.get("about:blank")
    browser.get(file.as_uri())


def visible(page: Any, css: str) -> list[Any]:
    return [element for element in page.find_elements("css selector", css) if element.is_displayed()]
