"""What a package index and a citation take from the repository: licences, pictures, the version."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ser_bench

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
    menu = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.stem for kind in ("*.md", "*.ipynb") for page in (ROOT / "docs").glob(kind)}
    assert set(re.findall(r"^([a-z]+)$", menu, re.M)) == pages - {"index"}


@pytest.fixture
def site() -> Any:
    """What docs/conf.py does to sources."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "conf.py")))


def test_links_of_the_readme_hold_on_the_site(site):
    read = ["menu"]
    site.read_source(None, "index", read)
    linked = [target for target in re.findall(r"\]\(([^)#\s]+)", read[0]) if not target.startswith("http")]
    assert {"protocol.md", "report.png"} <= set(linked)
    assert all((ROOT / "docs" / target).is_file() for target in linked)


def test_a_notebook_is_a_page_with_its_outputs(site):
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda page: f"docs/{page}.ipynb"))
    read = [(ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8")]
    site.read_source(app, "quickstart", read)
    assert all(part in read[0] for part in ("# From a folder", "```python\nimport ser_bench", "<table", "data:image/png;base64,"))


def test_the_interface_names_all_that_is_public(site):
    read = [""]
    site.read_source(None, "api", read)
    assert set(re.findall(r":: ser_bench\.(\w+)\n", read[0])) == set(ser_bench.__all__)


def test_a_workflow_tries_every_python_that_is_claimed():
    claimed = [said.rpartition(" ")[2] for said in PROJECT["classifiers"] if "Python :: 3." in said]
    tried = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert tried
    assert re.findall(r"[\d.]+", tried[1]) == claimed
