"""Predictions as pictures: what they show, for two emotions and for twelve."""

import re

import numpy as np
import pytest

from ser_bench.bundle import pictures
from ser_bench.bundle.pictures import draw_clips, draw_windows, edges_of
from ser_bench.bundle.rows import Layout, PredictionRow

EMOTIONS = (
    "anger",
    "boredom",
    "calm",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "love",
    "female pride",
)


def row(name, classes, at=0, start=0.0, end=1.0, **more):
    p = np.full(len(classes), 0.4 / (len(classes) - 1))
    p[at] = 0.6
    return PredictionRow(name, start, end, classes[at], p, **more)


def words(path):
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


def outlines(path):
    """The polygons of a picture in the colour of probabilities, as points."""
    paths = re.findall(r'<path d="([^"]*)"[^>]*style="fill: #0072b2; opacity: 0.25"', path.read_text())
    return [np.array(re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", one), float) for one in paths]


@pytest.mark.parametrize("n", [3, 12])
def test_a_radar_has_an_axis_per_emotion_and_the_same_scale_for_every_clip(n, tmp_path):
    classes = EMOTIONS[:n]
    draw_clips(
        tmp_path / "a.svg",
        [row("one.wav", classes), row("two.wav", classes, 1), row("3.wav", classes, reason="empty file")],
        Layout(classes),
    )
    said = words(tmp_path / "a.svg")
    assert all(said.count(word) == 2 for emotion in classes for word in emotion.split(" "))
    assert {"one.wav", "two.wav"} <= set(said)
    assert "3.wav" not in said
    first, second = outlines(tmp_path / "a.svg")
    assert len(first) == len(second) == n
    # From the middle of the picture to its corner .6 is as long in both.
    reach = [np.linalg.norm(points - points.mean(0), axis=1).max() for points in (first, second)]
    assert reach[0] == pytest.approx(reach[1], rel=0.02)


def test_two_classes_are_bars_and_no_radar(tmp_path):
    draw_clips(tmp_path / "a.svg", [row("one.wav", ("calm", "stressed"))], Layout(("calm", "stressed")))
    assert not outlines(tmp_path / "a.svg")
    assert {"calm", "stressed", "probability"} <= set(words(tmp_path / "a.svg"))


def test_what_moved_a_decision_is_drawn_beside_it(tmp_path):
    explained = {"f0": 0.75, "mfcc": -0.5}
    classes = EMOTIONS[:4]
    draw_clips(tmp_path / "a.svg", [row("one.wav", classes, explained=explained, average=0.3)], Layout(classes, groups=("f0", "mfcc")))
    assert {"f0", "mfcc", "+.75", "-.50", "change of log p(anger)"} <= set(words(tmp_path / "a.svg"))


def test_a_picture_of_too_many_clips_says_which_it_shows(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_CLIPS", 1)
    classes = EMOTIONS[:2]
    rows = [row(f"{number}.wav", classes) for number in range(2)]
    assert draw_clips(tmp_path / "a.svg", rows, Layout(classes)) == f"{tmp_path / 'a.svg'} shows the first 1 of 2 clips"
    assert draw_clips(tmp_path / "a.svg", rows[:1], Layout(classes)) == ""


def test_a_picture_over_time_has_a_strip_per_emotion_and_marks_gaps(tmp_path):
    classes = EMOTIONS[:3]
    rows = [row("=$x$.wav", classes, number % 3, number, number + 3) for number in range(5)]
    rows[2] = PredictionRow("=$x$.wav", 2.0, 5.0, "", np.full(3, np.nan), reason="constant")
    for name in ("a.svg", "b.svg"):
        draw_windows(tmp_path / name, rows, Layout(classes))
    assert {*classes, "=$x$.wav", "time (min:s)"} <= set(words(tmp_path / "a.svg"))
    assert "hatch" in (tmp_path / "a.svg").read_text() or "pattern" in (tmp_path / "a.svg").read_text()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert edges_of(rows).tolist() == [0.0, 2.0, 3.0, 4.0, 5.0, 7.0]
