"""A corpus, a label scheme, an extractor or a model is one file: those of CONTRIBUTING, written into a copy of the package and used."""

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
FILE = re.compile(r"`(?P<path>ser_bench/[\w/]+\.(?:py|toml))`:\n\n```\w+\n(?P<text>.*?)```", re.DOTALL)
FILES = {Path(found["path"]).stem: found for found in FILE.finditer((HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8"))}
SMALL = ["--budget", "smoke", "--trials", "1", "--inner", "2", "--seeds", "1", "--jobs", "1"]


def adding(name: str, folder: Path) -> Path:
    """A copy of the package and its pages, with that file of CONTRIBUTING's and no other edit."""
    unneeded = shutil.ignore_patterns("__pycache__", "*.png")
    for part in ("ser_bench", "docs", "tests/features"):
        shutil.copytree(HOUSE / part, folder / part, ignore=unneeded)
    shutil.copy(HOUSE / "README.md", folder)
    (folder / FILES[name]["path"]).write_text(FILES[name]["text"], encoding="utf-8")
    return folder


def call(copy: Path, *words: object, code: int = 0) -> str:
    """What a Python command says in that copy."""
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def row(copy: Path, corpus: Path, *options: str) -> pd.Series:
    """The one row of a small run."""
    call(copy, "-m", "ser_bench", "run", corpus, *options, *SMALL, "--out", "out", "--cache", "store")
    (table,) = (copy / "out").glob("*/leaderboard.csv")
    return pd.read_csv(table).iloc[0]


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
def listed(duo: Path) -> Path:
    """The same as a manifest, for what is not about the corpus."""
    rows = [(path.name, *path.stem.split("_")[1:3]) for path in sorted(duo.glob("*.wav"))]
    table = pd.DataFrame(rows, columns=["path", "speaker", "emotion"])
    table["emotion"] = table["emotion"].map({"W": "anger", "F": "happiness", "N": "neutral"})
    table.to_csv(duo / "clips.csv", index=False)
    return duo / "clips.csv"


def test_contributing_shows_one_file_of_each_kind() -> None:
    assert list(FILES) == ["duo", "angry2", "loud", "nearest"]


def test_the_tables_of_the_pages_are_those_that_the_command_writes() -> None:
    assert call(HOUSE, "docs/catalogues.py", "--check") == ""


@pytest.mark.parametrize(
    ("name", "catalogue", "page"),
    [
        ("duo", "corpora", "docs/corpora.md"),
        ("angry2", "labels", "docs/corpora.md"),
        ("loud", "features", "README.md"),
        ("nearest", "models", "README.md"),
    ],
)
def test_its_row_is_in_the_catalogue_and_is_written_into_the_pages(name: str, catalogue: str, page: str, tmp_path: Path) -> None:
    copy = adding(name, tmp_path)
    assert f"{name}\n" in call(copy, "-m", "ser_bench", catalogue)
    assert "run python docs/catalogues.py" in call(copy, "docs/catalogues.py", "--check", code=1)
    call(copy, "docs/catalogues.py")
    call(copy, "docs/catalogues.py", "--check")
    assert f"\n| `{name}` | " in (copy / page).read_text(encoding="utf-8")


def test_a_corpus_of_one_file_is_recognised_and_run(duo: Path, tmp_path: Path) -> None:
    found = row(adding("duo", tmp_path), duo, "-f", "recording", "-m", "logreg")
    assert found[["corpus", "speakers", "clips", "cv", "status"]].tolist() == ["duo", 3, 36, "loso", "ok"]


def test_a_label_scheme_of_one_file_is_run(listed: Path, tmp_path: Path) -> None:
    found = row(adding("angry2", tmp_path), listed, "-f", "recording", "-m", "logreg", "--labels", "angry2")
    assert found[["labels", "clips", "status"]].tolist() == ["angry2", 36, "ok"]


def test_an_extractor_of_one_file_is_run_and_its_values_are_recorded(listed: Path, tmp_path: Path) -> None:
    copy = adding("loud", tmp_path)
    found = row(copy, listed, "-f", "loud", "-m", "logreg")
    assert found[["features", "dims", "status"]].tolist() == ["loud", 2, "ok"]
    call(copy, "-m", "tests.features.record", "loud")
    assert '"columns": 2' in (copy / "tests" / "features" / "recorded" / "loud.json").read_text()
    call(
        copy,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/features/test_sets.py",
        "-k",
        "size or (changes and loud) or (finite and loud)",
    )


def test_a_model_of_one_file_is_run_and_notes_that_it_weighs_no_classes(listed: Path, tmp_path: Path) -> None:
    found = row(adding("nearest", tmp_path), listed, "-f", "recording", "-m", "nearest")
    assert found[["model", "status"]].tolist() == ["nearest", "ok"]
    assert "class weights not heeded: nearest does not weigh classes" in found["notes"]
