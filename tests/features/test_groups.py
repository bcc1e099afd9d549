"""The page of groups tells what the code has."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ser_bench.features import known_extractors

PAGE = Path(__file__).parents[2] / "docs" / "groups.md"
ROW = re.compile(r"^\| `(?P<group>\w+)` \| (?P<words>[^|]+) \| (?P<sets>`[^|]+) \|$", re.MULTILINE)


def on_the_page() -> dict[str, dict[str, int]]:
    """Columns of each set by group, as the page counts them."""
    rows = ROW.finditer(PAGE.read_text())
    return {row["group"]: {name: int(n) for name, n in re.findall(r"`(\w+)` (\d+)", row["sets"])} for row in rows}


@pytest.mark.parametrize("name", known_extractors())
def test_the_page_counts_every_column_of_a_set(name):
    counted = {group: sets[name] for group, sets in on_the_page().items() if name in sets}
    assert counted == Counter(known_extractors()[name]().groups)


def test_the_page_names_no_set_that_is_not_known():
    assert {name for sets in on_the_page().values() for name in sets} == set(known_extractors())
