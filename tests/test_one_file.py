"""A corpus, a label scheme, an extractor, a model or a recipe is one file: those of CONTRIBUTING, in a copy of the package, used."""

from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from tests import warm

HOUSE = Path(__file__).parents[1]
FILE = re.compile(r"`(?P<path>ser_bench/[\w/-]+\.(?:py|toml))`:\n\n```\w+\n(?P<text>.*?)```", re.DOTALL)
FILES = {Path(found["path"]).stem: found for found in FILE.finditer((HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8"))}
SMALL = ["--budget", "smoke", "--trials", "1", "--inner", "2", "--seeds", "1", "--jobs", "1"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its pages, with CONTRIBUTING's five files and no other edit."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("ser_bench", "docs", "tests/features"):
        shutil.copytree(HOUSE / part, folder / part, ignore=shutil.ignore_patterns("*.png"))
    for file in ("README.md", "tests/__init__.py"):
        shutil.copy(HOUSE / file, folder / file)
    for found in FILES.values():
        (folder / found["path"]).write_text(found["text"], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def duo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers whose emotions differ in loudness."""
    folder, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    for speaker in ("anna", "ben", "cleo"):
        for emotion, level in {"W": 0.6, "F": 0.3, "N": 0.1}.items():
            for take in range(4):
                soundfile.write(folder / f"duo_{speaker}_{emotion}_{take}.wav", rng.normal(0, level / 4, 8_000).clip(-1, 1), 16_000)
    return folder


ASKED = """
import runpy, sys
import pytest
from ser_bench.__main__ import main

given = sys.argv[1:]

def ended(command, *words):
    sys.argv = ["asked", *words]
    try:
        command()
    except SystemExit as end:
        return end.code or 0
    return 0

def pages():
    runpy.run_path("docs/catalogues.py", run_name="__main__")

assert [ended(pages, "--check"), ended(pages), ended(pages, "--check")] == [1, 0, 0]
for catalogue in ("corpora", "labels", "features", "models", "recipes"):
    print("CATALOGUE", catalogue)
    assert ended(main, catalogue) == 0
print("CATALOGUE end")
assert ended(main, "run", *given) == 0
print("RECIPE")
assert ended(main, "run", given[0], "--recipe", "loud-2020", *given[given.index("--trials"):], "--out", "reproduced") == 0
print("RECIPE end")
assert ended(lambda: runpy.run_module("tests.features.record", run_name="__main__"), "loud") == 0
own = ["tests/features/test_sets.py", "-k", "size or (change and loud) or (finite and loud)"]
assert pytest.main(["-p", "no:cacheprovider", *own]) == 0
"""
"""What is asked of the copy, in one process, so that libraries are imported once."""


@pytest.fixture(scope="module")
def said(copy: Path, duo: Path) -> str:
    """What the copy says: of tables that it writes, its catalogues, a run with all four, and values that it records and tests."""
    four = [duo, "--labels", "angry2", "-f", "loud", "-m", "nearest"]
    told = [copy / name for name in ("stdout", "stderr")]
    environment = {"PYTHONPATH": str(copy)}
    process = warm.start(
        *four, *SMALL, "--out", "out", "--cache", "store", code=ASKED, cwd=copy, env=environment, stdout=told[0], stderr=told[1]
    )
    ended, (stdout, stderr) = process.wait(), [file.read_text() for file in told]
    assert ended == 0, stderr
    return stdout + stderr


@pytest.fixture(scope="module")
def found(copy: Path, said: str) -> pd.Series:
    """The one row of the run."""
    (table,) = (copy / "out").glob("*/leaderboard.csv")
    return pd.read_csv(table).iloc[0]


def test_contributing_shows_one_file_of_each_kind() -> None:
    assert list(FILES) == ["duo", "angry2", "loud", "nearest", "loud-2020"]


def test_the_tables_of_the_pages_are_those_that_the_command_writes(said: str) -> None:
    assert runpy.run_path(str(HOUSE / "docs" / "catalogues.py"))["main"](["--check"]) == 0
    assert "run python docs/catalogues.py" in said


@pytest.fixture
def has_its_rows(copy: Path, said: str) -> Callable[[str, str, str], bool]:
    """Whether the catalogue on the command line and the page's table both list it."""

    def found(name: str, catalogue: str, page: str) -> bool:
        listed = said.partition(f"CATALOGUE {catalogue}\n")[2].partition("CATALOGUE ")[0]
        return name in listed.splitlines() and f"\n| `{name}` | " in (copy / page).read_text(encoding="utf-8")

    return found


def test_a_corpus_is_one_file(has_its_rows: Callable[[str, str, str], bool], found: pd.Series) -> None:
    assert has_its_rows("duo", "corpora", "docs/corpora.md")
    assert found[["corpus", "speakers", "clips", "cv", "status"]].tolist() == ["duo", 3, 36, "loso", "ok"]


def test_a_label_scheme_is_one_file(has_its_rows: Callable[[str, str, str], bool], found: pd.Series) -> None:
    assert has_its_rows("angry2", "labels", "docs/corpora.md")
    assert found["labels"] == "angry2"


def test_an_extractor_is_one_file_and_a_command_records_its_values(
    copy: Path, said: str, has_its_rows: Callable[[str, str, str], bool], found: pd.Series
) -> None:
    assert has_its_rows("loud", "features", "README.md")
    assert "| `amplitude` | peak and mean of the absolute samples | `loud` 2 |" in (copy / "docs" / "groups.md").read_text(encoding="utf-8")
    assert found[["features", "dims"]].tolist() == ["loud", 2]
    assert "6 passed" in said


def test_a_model_is_one_file_and_may_weigh_no_classes(has_its_rows: Callable[[str, str, str], bool], found: pd.Series) -> None:
    assert has_its_rows("nearest", "models", "README.md")
    assert found["model"] == "nearest"
    assert "class weights not heeded: nearest does not weigh classes" in found["notes"]


def test_a_recipe_is_one_file_of_what_the_others_add(copy: Path, said: str) -> None:
    listed = said.partition("CATALOGUE recipes\n")[2].partition("CATALOGUE ")[0]
    (row,) = [line for line in listed.splitlines() if line.startswith("loud-2020 ")]
    assert "loud with nearest" in row
    assert "accuracy over .90" in row
    assert "\n| `loud-2020` | " in (copy / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert "nearest  accuracy  over .90" in said.partition("RECIPE\n")[2].partition("RECIPE ")[0]
