"""Figures in README and docs are those of the kept results, from which commands write tables and on which sentences are based."""

from __future__ import annotations

import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"
SPLIT = ["split", "parameters", "scaling"]


@cache
def kept(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / name, keep_default_na=False, na_values={"uar": "", "p_vs_best": ""})


def two(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def gap(corpus: str, split: str) -> str:
    """The UAR of `audioemotion26` with `svm`, speaker-independently or in a random split."""
    return two(kept(f"{corpus}/gap.csv").set_index(SPLIT).loc[(split, "nested", "train"), "uar"])


def best(corpus: str) -> pd.Series:
    """What the best of a corpus is worth, as it was chosen on these speakers."""
    return kept(f"{corpus}/resolution.csv").query("track == 'train'").iloc[0]


def corrected(corpus: str) -> str:
    return two(best(corpus)["best"])


def crossed(train: str, test: str) -> str:
    table = kept("cross/cross.csv").query("features == 'egemaps' and model == 'svm' and track == 'train'")
    return two(table.set_index(["train", "test"]).loc[(train, test), "uar"])


def indistinguishable(corpus: str) -> int:
    """Systems not significantly worse than the best, which is one of them."""
    board = kept(f"{corpus}/leaderboard.csv").query("track == 'train'")
    return int((board["p_vs_best"].iloc[1:] >= 0.05).sum()) + 1


def largest_p(corpus: str) -> str:
    p = kept(f"{corpus}/leaderboard.csv").query("track == 'train'")["p_vs_best"]
    return f"{p.max():.3f}".removeprefix("0")


RANDOM, APART = gap("ravdess", "random"), gap("ravdess", "speaker")
CLAIMS = [
    ("README.md", f"vector scores {RANDOM} UAR on RAVDESS with a random split, and {APART} on unseen speakers"),
    ("docs/guide.md", f"# {APART} on unseen speakers, {RANDOM} with a random split"),
    ("docs/guide.md", f"{APART} speaker-independently, {RANDOM} with a random split](gap.png)"),
    ("docs/guide.md", f"# {crossed('emodb', 'emodb')} within EMO-DB, {crossed('ravdess', 'emodb')} across corpora"),
    ("docs/results.md", f"reach {corrected('ravdess')} UAR on RAVDESS (8 classes), {corrected('emodb')} on EMO-DB (4 classes) and"),
    ("docs/results.md", f"and {corrected('emovo')} on EMOVO (7 classes)"),
    ("docs/results.md", f"(p up to {largest_p('ravdess')} among 25 rows)"),
    ("docs/results.md", f"on EMOVO it takes these 26 values from {gap('emovo', 'speaker')} to {gap('emovo', 'random')}"),
]


@pytest.mark.parametrize(("page", "sentence"), CLAIMS, ids=lambda value: value[:60])
def test_a_sentence_has_the_figures_of_the_kept_results(page: str, sentence: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert sentence in text


def test_sentences_about_the_best_hold_in_the_kept_results() -> None:
    assert [indistinguishable(corpus) for corpus in ("emodb", "emovo", "ravdess")] == [25, 25, 1]


@pytest.fixture(scope="module")
def pages() -> Any:
    return runpy.run_path(str(ROOT / "benchmarks" / "pages.py"))


def between(page: str, marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{page} has no place for {marker}"
    return found[1]


def test_the_results_at_a_glance_are_the_kept_ones(pages: Any) -> None:
    assert between("README.md", "glance") == pages["at_a_glance"]()


def test_published_systems_stand_side_by_side_as_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    recipes = runpy.run_path(str(ROOT / "benchmarks" / "recipes.py"))
    for marker, made in ((recipes["SIDE_BY_SIDE"], recipes["side_by_side"]), (recipes["MEASURED"], recipes["measured"])):
        assert between("docs/recipes.md", marker) == made(recipes["REFERENCE"] / "recipes")


def test_a_figure_changed_by_hand_is_noticed(pages: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- glance -->\nold\n<!-- /glance -->\nrest", encoding="utf-8")
    pages["put"](page, "glance", "new\n")
    assert page.read_text(encoding="utf-8") == "<!-- glance -->\nnew\n<!-- /glance -->\nrest"


def test_the_tables_of_results_hold_every_row_that_is_kept() -> None:
    text = between("docs/results.md", "reference")
    for corpus in ("emodb", "emovo", "ravdess"):
        for row in kept(f"{corpus}/leaderboard.csv").query("track == 'train'").itertuples():
            assert f"| {row.rank} | {row.features} | {row.model} | {row.uar:.3f} ±".replace("| 0.", "| .") in text
