"""A run's page, and a real browser to look at it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ser_bench.evaluation.run_folder import RunFolder
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
