"""Predictions as a page: what the files of the same call hold, in a folder of results that lists it; whatever names hold is text."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ser_bench.bundle.page import MOST_ROWS, Predicted, folder_above, make_page, publish_predictions
from ser_bench.bundle.prediction import PredictionOptions
from ser_bench.bundle.rows import PredictionRow
from ser_bench.bundle.shown import write_card
from ser_bench.bundle.windows import Windows
from ser_bench.reports.index_page import make_index
from tests.bundle.systems import RATE, system, voice
from tests.calling import call
from tests.reports.conftest import looking, show
from tests.reports.test_accessibility import violations

CLASSES = ("anger", "calm", "fear")
QUALITY = {"uar": 0.583, "uar_low": 0.541, "uar_high": 0.625, "chance": 1 / 3, "cv": "loso", "corrected": None}
ABOUT = {"corpus": {"title": "MADE UP"}, "quality": QUALITY}
CARD = "---\nlicense: other\n---\n# A card\n\n## Results\n\n| class | recall | 95% CI |\n|---|---|---|\n| anger | .72 | [.60, .80] |\n"


def made_up(
    folder: Path, classes: Sequence[str] = CLASSES, clips: Sequence[str] = ("a.wav", "b.wav"), note: str = "far off", title: str = "MADE UP"
) -> Predicted:
    """Two windows of each clip by a small system, one of them warned of; of the last clip none can be predicted."""
    bundle = replace(system(classes, **ABOUT | {"corpus": {"title": title}}), card=CARD)
    p = np.array([0.7, 0.2, 0.1])
    rows = [
        PredictionRow(clip, start, start + 1.5, classes[start], np.roll(p, start), warnings=[note] * start)
        for clip in clips
        for start in (0, 1)
    ]
    rows += [PredictionRow("silent.wav", 0, 1, "", np.full(3, np.nan), reason="constant")]
    return Predicted(bundle, bundle.save(folder / "model.serb"), rows, PredictionOptions(Windows(1.5, 1)))


def published(folder: Path, **names: Any) -> Path:
    """The page of what was made up, in a folder of results."""
    folder.mkdir(exist_ok=True)
    return publish_predictions(made_up(folder, **names), str(folder / "results"))


def test_a_call_leaves_its_page_and_rows_in_a_folder_of_results_that_lists_them(tmp_path):
    model = system(**ABOUT).save(tmp_path / "model.serb")
    for pitch in (150, 300):
        soundfile.write(tmp_path / f"{pitch}.wav", voice(pitch), RATE)
    (tmp_path / "empty.wav").touch()
    clips = [f"{name}.wav" for name in (150, 300, "empty")]
    done = call("predict", model, *clips, "--out", "results", cwd=tmp_path)
    assert done.returncode == 0
    page = tmp_path / done.stderr.split()[-1]
    assert (page.parent / "predictions.csv").read_text() == done.stdout
    text, index = page.read_text(encoding="utf-8"), make_index(tmp_path / "results")
    assert "2 of 3 clips predicted: anger 1, calm 1." in text
    assert "not predicted: empty file" in text
    assert "Trained on MADE UP. Expected on unseen speakers: UAR\u00a0.583" in text
    assert f'href="{page.parent.name}/predictions.html">MADE UP</a>' in index == (tmp_path / "results" / "index.html").read_text()
    assert "2 of 3 clips predicted; most often anger (1)" in index
    again = call("predict", model, *clips, "--out", "results", cwd=tmp_path)
    assert again.stderr == done.stderr
    others = call("predict", model, *clips[1:], "--out", "results", cwd=tmp_path)
    assert others.stderr != done.stderr


def test_a_page_has_what_the_file_beside_it_has(browser, tmp_path):
    page = published(tmp_path)
    show(browser, page)
    rows = browser.execute_script(
        "return [...document.querySelectorAll('table.predictions tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    with (page.parent / "predictions.csv").open() as opened:
        kept = list(csv.DictReader(opened))
    assert [row[0] for row in rows] == [row["clip"] for row in kept] == ["a.wav", "a.wav", "b.wav", "b.wav", "silent.wav"]
    assert rows[0][1:] == ["0:00\u20130:01.5", "anger", ".70", ".70", ".20", ".10", ""]
    assert [rows[1][-1]] == json.loads(kept[1]["warnings"]) == ["far off"]
    assert rows[-1][2:] == ["", "", "", "", "", "not predicted: constant"]
    assert browser.find_element("css selector", "p.verdict").text == (
        "4 of 5 windows of 3 recordings predicted: anger 2, calm 2. 2 have a warning."
    )
    browser.find_element("css selector", "#percent").click()
    assert browser.find_element("css selector", "table.predictions tbody b").text == "70"
    browser.find_element("css selector", "nav a.back").click()
    assert browser.current_url == (page.parent.parent / "index.html").as_uri()
    assert browser.get_log("browser") == []


def test_a_card_is_on_the_page_and_an_empty_one_has_no_section(tmp_path):
    found = made_up(tmp_path)
    about = json.loads((published(tmp_path).parent / "environment.json").read_text())
    assert "<h3>A card</h3>" in make_page(found, about)
    assert "Model card" not in make_page(replace(found, bundle=replace(found.bundle, card="")), about)


def test_a_card_in_a_file_is_a_page_or_the_markdown_that_it_is(browser, tmp_path):
    bundle = made_up(tmp_path).bundle
    for name in ("card.md", "card.html"):
        write_card(bundle, tmp_path / name)
    assert (tmp_path / "card.md").read_text() == CARD
    with looking(browser, "light", 390):
        show(browser, tmp_path / "card.html")
        assert browser.find_element("css selector", "h1").text == "A card"
        browser.find_element("css selector", "#percent").click()
        assert browser.find_element("css selector", "tbody tr").text == "anger 72 [60, 80]"
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert violations(browser) == []
    assert browser.get_log("browser") == []


def test_a_page_says_how_many_rows_it_does_not_show(tmp_path):
    page = published(tmp_path, clips=[f"{n}.wav" for n in range(MOST_ROWS // 2 + 1)])
    text = page.read_text(encoding="utf-8")
    assert "The first 2,000 of 2,003 rows; all of them are in" in text
    assert text.count("<tr data-track") == MOST_ROWS
    assert len((page.parent / "predictions.csv").read_text().splitlines()) == 2_004


@pytest.mark.parametrize(
    ("clips", "above"),
    [
        (["/x/y/a.wav", "/x/y/z/b.wav"], "/x/y/"),
        (["x/a.wav", "x/b.wav"], "x/"),
        (["./x/a.wav", "./x/b.wav"], ""),
        (["/x/a.wav", "a.wav"], ""),
        (["a.wav", "x/b.wav"], ""),
        (["-"], ""),
        ([], ""),
    ],
)
def test_only_a_folder_that_every_clip_lies_below_is_left_out_of_rows(clips, above):
    assert folder_above([PredictionRow(clip, 0, 1, "", np.zeros(3)) for clip in clips]) == above
