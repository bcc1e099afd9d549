"""A recipe's page: what was claimed, reproduced and honest, side by side on any screen and in what is copied."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.reports import fabricate
from tests.reports.conftest import show, visible
from tests.reports.test_accessibility import looking
from tests.reports.test_copy import KEPT, copied


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fabricate.write_recipe(tmp_path_factory.mktemp("recipe") / "recipe")


@pytest.fixture
def page(browser: Any, recipe: Path) -> Any:
    show(browser, recipe)
    browser.execute_script(KEPT)
    return browser


def test_on_a_phone_no_number_is_beside_the_screen(page, recipe):
    with looking(page, "light", 390):
        show(page, recipe)
        right = [cell.rect["x"] + cell.rect["width"] for cell in visible(page, "table.reproduced tbody td")]
        first = page.find_element("css selector", "#all ~ .scroll tbody tr")
        assert len(visible(first, "td")) == 4
        assert max(right) <= 390


def test_all_experiments_are_copied_with_their_intervals_and_leaks(page):
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    first = {"experiment": "first", "system": "svm", "metric": "accuracy", "claimed": ".80", "as published": "LEAKY"}
    first |= {"reproduced": ".600", "reproduced 95% CI low": ".500", "reproduced 95% CI high": ".700"}
    assert rows[0] == first | {"honest": ".600", "honest 95% CI low": ".400", "honest 95% CI high": ".700"}
    assert [row["claimed"] for row in rows] == [".80", "", "", ""] * 2


def test_scores_switch_to_per_cent(page):
    page.find_element("css selector", "#percent").click()
    assert page.find_element("css selector", "#all ~ .scroll tbody td.leaky").text.split() == ["60.0", "[50.0,", "70.0]"]


def test_what_a_single_experiment_came_to_is_said_once_and_before_all_else(tmp_path):
    head, _, rest = fabricate.write_recipe(tmp_path / "recipe", names=("first",)).read_text(encoding="utf-8").partition("</header>")
    assert head.index("<h1>") < head.index('<p class="verdict" data-score>Anger. fear</p>') < head.index('class="warn"')
    assert "Anger. fear" not in rest
