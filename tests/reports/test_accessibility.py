"""Nothing on the pages that axe-core calls serious or critical, in light and in dark, on a desk and on a phone."""

from importlib.resources import files
from itertools import product
from typing import Any

import pytest

from tests.reports.conftest import looking, show

OPENED = """
for (const part of document.querySelectorAll('details')) part.open = true
for (const rows of document.querySelectorAll('tbody')) {
    const looks = new Set()
    for (const row of [...rows.children]) {
        const told = ({name, value}) => name === 'class' || name === 'style' ? value : name
        const look = [row, ...row.querySelectorAll('*')].map(part => [part.tagName, ...[...part.attributes].map(told)]).join()
        if (looks.has(look)) row.remove()
        looks.add(look)
    }
}
"""
"""All of a page, but of a table's rows that are alike in their elements' classes, styles and names of attributes only the first.

axe-core takes its time per text.
"""


def violations(browser: Any) -> list[str]:
    """What axe-core finds on the page that the browser shows, all of it opened."""
    browser.execute_script(OPENED)
    browser.execute_script(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(result => done(result.violations))"
    )
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


# Each page in the light or in the dark, on a desk or on a phone; the report, which has most of what pages are made of, in two ways.
LOOKS = [("report", "light", 1280), ("report", "dark", 390), ("audit", "light", 390), ("merged", "dark", 1280), ("ablation", "light", 1280)]
LOOKS += [
    ("cross", "dark", 390),
    ("index", "light", 390),
    ("ablation", "dark", 390),
    ("recipe", "dark", 1280),
    ("predictions", "light", 390),
]
OTHERS = [
    (name, *look)
    for name in ("report", "audit", "merged", "ablation", "cross", "index", "recipe", "predictions")
    for look in product(("light", "dark"), (390, 1280))
]
LOOKS += [pytest.param(*look, marks=pytest.mark.thorough) for look in OTHERS if look not in LOOKS]


@pytest.mark.parametrize(("name", "scheme", "width"), LOOKS)
def test_axe_finds_nothing_serious(browser, every_kind_of_page, name, scheme, width):
    with looking(browser, scheme, width):
        show(browser, every_kind_of_page[name])
        assert name != "report" or (browser.find_elements("css selector", "#gap-1") and browser.find_elements("css selector", "#groups"))
        found = violations(browser)
    assert found == []
