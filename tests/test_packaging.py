"""What a package index and a citation take from the repository: licences, pictures, the version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")
RAW = "https://raw.githubusercontent.com/ser-bench/ser-bench/main/"


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_a_wheel_holds_licence_and_notice(name: str):
    assert name in PROJECT["license-files"]
    assert (ROOT / name).is_file()


def test_pictures_of_the_readme_show_on_a_package_index():
    found = [first or second for first, second in PICTURE.findall((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert found
    for picture in found:
        assert picture.startswith(RAW)
        assert (ROOT / picture.removeprefix(RAW)).is_file()


def test_a_citation_names_this_version_and_home():
    cited = dict(re.findall(r"^([a-z-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M))
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert cited["repository-code"] == PROJECT["urls"]["Homepage"]


def test_every_page_of_docs_is_in_the_sites_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert set(re.findall(r"([\w-]+\.md)", menu)) >= {page.name for page in (ROOT / "docs").glob("*.md")}


def test_a_workflow_tries_every_python_that_is_claimed():
    claimed = [said.rpartition(" ")[2] for said in PROJECT["classifiers"] if "Python :: 3." in said]
    tried = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert tried
    assert re.findall(r"[\d.]+", tried[1]) == claimed
