"""A corpus, a label scheme, an extractor, a model or a recipe is one file: those of CONTRIBUTING, in a copy of the package, used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

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


def call(copy: Path, *words: object, code: int = 0) -> str:
    """What a Python command says in that copy."""
    environment = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def duo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers whose emotions differ in loudness."""
    folder, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    for speaker in ("anna", "ben", "cleo"):
        for emotion, level in {"W": 0.6, "F": 0.3, "N": 0.1}.items():
            for take in range(4):
                soundfile.write(folder / f"duo_{speaker}_{emotion}_{take}.wav", rng.normal(0, level / 4, 8_000).clip(-1, 1), 16_000)
    return folder


@pytest.fixture(scope="module")
def found(copy: Path, duo: Path) -> pd.Series:
    """The one row of a run with the first four."""
    four = [duo, "--labels", "angry2", "-f", "loud", "-m", "nearest"]
    call(copy, "-m", "ser_bench", "run", *four, *SMALL, "--out", "out", "--cache", "store")
    (table,) = (copy / "out").glob("*/leaderboard.csv")
    return pd.read_csv(table).iloc[0]


@pytest.fixture(scope="module")
def written(copy: Path) -> Path:
    """The copy, once the command has written the tables of its pages."""
    assert "run python docs/catalogues.py" in call(copy, "docs/catalogues.py", "--check", code=1)
    call(copy, "docs/catalogues.py")
    call(copy, "docs/catalogues.py", "--check")
    return copy


def test_contributing_shows_one_file_of_each_kind() -> None:
    assert list(FILES) == ["duo", "angry2", "loud", "nearest", "loud-2020"]


def test_the_tables_of_the_pages_are_those_that_the_command_writes() -> None:
    assert call(HOUSE, "docs/catalogues.py", "--check") == ""


def has_its_rows(written: Path, name: str, catalogue: str, page: str) -> bool:
    """Whether the catalogue on the command line and the page's table both list it."""
    listed = call(written, "-m", "ser_bench", catalogue).splitlines()
    return name in listed and f"\n| `{name}` | " in (written / page).read_text(encoding="utf-8")


def test_a_corpus_is_one_file(written: Path, found: pd.Series) -> None:
    assert has_its_rows(written, "duo", "corpora", "docs/corpora.md")
    assert found[["corpus", "speakers", "clips", "cv", "status"]].tolist() == ["duo", 3, 36, "loso", "ok"]


def test_a_label_scheme_is_one_file(written: Path, found: pd.Series) -> None:
    assert has_its_rows(written, "angry2", "labels", "docs/corpora.md")
    assert found["labels"] == "angry2"


def test_an_extractor_is_one_file_and_a_command_records_its_values(written: Path, found: pd.Series) -> None:
    assert has_its_rows(written, "loud", "features", "README.md")
    assert "| `amplitude` | peak and mean of the absolute samples | `loud` 2 |" in (written / "docs" / "groups.md").read_text(
        encoding="utf-8"
    )
    assert found[["features", "dims"]].tolist() == ["loud", 2]
    call(written, "-m", "tests.features.record", "loud")
    own = ["tests/features/test_sets.py", "-k", "size or (change and loud) or (finite and loud)"]
    assert "6 passed" in call(written, "-m", "pytest", "-p", "no:cacheprovider", *own)


def test_a_model_is_one_file_and_may_weigh_no_classes(written: Path, found: pd.Series) -> None:
    assert has_its_rows(written, "nearest", "models", "README.md")
    assert found["model"] == "nearest"
    assert "class weights not heeded: nearest does not weigh classes" in found["notes"]


def test_a_recipe_is_one_file_of_what_the_others_add(written: Path, duo: Path) -> None:
    (row,) = [line for line in call(written, "-m", "ser_bench", "recipes").splitlines() if line.startswith("loud-2020 ")]
    assert "loud with nearest" in row
    assert "accuracy over 0.90" in row
    assert "\n| `loud-2020` | " in (written / "docs" / "recipes.md").read_text(encoding="utf-8")
    told = call(written, "-m", "ser_bench", "run", duo, "--recipe", "loud-2020", *SMALL[2:], "--out", "out", "--cache", "store")
    assert "nearest(neighbours=3)  accuracy  over .90" in told
