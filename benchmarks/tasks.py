"""What a newcomer does on a run's page, done in Chromium with real clicks: five questions, each from opening the page to its answer.

    python benchmarks/tasks.py docs/sample/report.html results/emodb-5e6f7a8b/report.html

Which system is best and by how much; is it better than the second; which emotions are confused; is the corpus sound; the table as LaTeX.
For each: the milliseconds from opening to where the answer is on the screen, clicks, the words of the answer, and the answer itself.
Reading takes longer than that: whoever reads four words per second has forty in ten seconds. An answer that is not on the screen is an
error. What this does not measure is whether somebody who has never seen such a page knows where to look.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from page import browser

from ser_bench.utils.formatting import number_of

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
SEEN = (
    "const r = arguments[0].getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.top < innerHeight && r.left >= 0 && "
    "r.left < innerWidth"
)
KEPT = "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.kept = text; }}})"
PASTED = "LaTeX, copied"


class Task(NamedTuple):
    """A question, where its answer stands, and what is clicked to see more."""

    question: str
    answer: str
    click: str = ""


TASKS = (
    Task("which system is best, and by how much", ".verdict > :nth-child(1)"),
    Task("is it better than the second", ".verdict > :nth-child(2)"),
    Task("which emotions are confused", ".answers [href^='#cell-']"),
    Task("... and how often each", "details[open] table.confusion", ".answers a[href^='#cell-']"),
    Task("is the corpus sound", ".answers [href='#audit']"),
    Task("... and what was found", "#audit ~ .scroll .findings tbody tr", ".answers a[href='#audit']"),
    Task(PASTED, "p.copy [role=status]", "[data-copy=latex]"),
)


def perform(driver: Any, page: Path, task: Task) -> tuple[float, str]:
    """Open the page and do it; returns the milliseconds that took, and the answer.

    Raises
    ------
    RuntimeError
        Where the answer is not on the screen then.
    """
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.support.wait import WebDriverWait

    driver.get("about:blank")
    began = time.perf_counter()
    driver.get(page.resolve().as_uri())
    if task.click:
        driver.execute_script(KEPT)
        ActionChains(driver).click(driver.find_element("css selector", task.click)).perform()
    found = WebDriverWait(driver, 10).until(lambda driver: driver.find_element("css selector", task.answer))
    WebDriverWait(driver, 10).until(lambda driver: found.text)
    taken = 1000 * (time.perf_counter() - began)
    if not driver.execute_script(SEEN, found):
        raise RuntimeError(f"{page}: {task.question}: the answer is not on the screen")
    text = driver.execute_script("return window.kept") if task.question == PASTED else found.text
    return taken, " ".join(text.split())


def lines(driver: Any, page: Path) -> Iterator[str]:
    """What each task took on a page, at each size."""
    for name, (width, height) in SIZES.items():
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for task in TASKS:
            taken, answer = perform(driver, page, task)
            words = "" if task.click else f", {len(answer.split())} words"
            yield f"{name}: {task.question}: {taken:.0f} ms, {number_of(int(bool(task.click)), 'click')}{words}: {answer[:120]}"


def main() -> None:
    """Print a line per page, size and task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile, browser(profile) as driver:
        if driver is None:
            parser.error("no browser here: install chromium and chromedriver")
        for page in options.pages:
            print(page)
            for line in lines(driver, page):
                print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
