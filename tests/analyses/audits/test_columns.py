"""Every column of a manifest is asked whether it goes with the emotion, and nothing is claimed of one that is unrelated."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.analyses.audits.columns import columns
from ser_bench.analyses.audits.finding import Finding
from ser_bench.analyses.audits.links import Cells, across_speakers, link, within_speakers
from ser_bench.config import RunConfig
from tests.analyses.audits.made import prepared, table
from tests.small import THOROUGH


def told(clips: pd.DataFrame, best: float | None = None) -> dict[str, list[str]]:
    found: list[Finding] = list(columns(prepared(clips), RunConfig(), best))
    return {kind: [finding.what for finding in found if finding.kind == kind] for kind in ("error", "warning", "note")}


def loud(clips: pd.DataFrame) -> np.ndarray:
    return (clips["emotion"] == "anger").to_numpy()


@pytest.mark.parametrize("column", ["device", "microphone", "session", "sentence", "language", "date", "anything"])
def test_a_column_that_goes_with_the_emotion_is_a_warning_whatever_it_is_called(column):
    clips = table()
    (warning,) = told(clips.assign(**{column: np.where(loud(clips), "phone", "studio")}))["warning"]
    assert f"emotion is associated with '{column}' ('anger' has only 'phone'" in warning
    assert "UAR .50 of other speakers" in warning
    assert "chance .25" in warning
    assert "p = .00" in warning


def test_a_date_of_its_own_for_every_speaker_and_emotion_is_found_within_speakers():
    clips = table()
    days = clips.groupby(["speaker", "emotion"], sort=False).ngroup()
    (warning,) = told(clips.assign(date=[f"2021-03-{1 + day}" for day in days]))["warning"]
    assert "emotion is associated with 'date'" in warning
    assert "of the same speaker's other clips" in warning


def test_times_that_are_all_different_are_asked_by_level():
    clips = table()
    seconds = clips["emotion"].map({"anger": 0, "fear": 50, "neutral": 100, "sadness": 150}) + np.arange(len(clips)) % 24
    dates = pd.Timestamp("2021-03-01 10:00") + pd.to_timedelta(seconds + 0.001 * np.arange(len(clips)), unit="s")
    (warning,) = told(clips.assign(recorded=dates.astype(str)))["warning"]
    assert "emotion is associated with 'recorded'" in warning


def test_blank_cells_are_a_value():
    clips = table()
    (warning,) = told(clips.assign(device=np.where(loud(clips), "phone", "")))["warning"]
    assert "'anger' has only 'phone'" in warning


def test_an_emotion_of_one_intensity_is_named_as_such():
    clips = table()
    intensity = np.where((np.arange(len(clips)) % 2 == 0) | (clips["emotion"] == "neutral"), "normal", "strong")
    (warning,) = told(clips.assign(intensity=intensity))["warning"]
    assert "'neutral' has only 'normal'" in warning


def test_columns_that_are_the_speakers_own_show_nothing_and_none_is_said_to_be_unrelated():
    clips = table()
    said = told(
        clips.assign(gender=np.where(clips["speaker"] < "s3", "f", "m"), age=clips["speaker"].map(lambda who: f"{20 + int(who[1])}"))
    )
    assert said["warning"] == []
    (note,) = said["note"]
    assert "could not be shown" in note
    assert "gender (.25, p = 1)" in note


def test_a_column_with_one_value_per_speaker_is_found_where_speakers_differ_in_emotion():
    clips = table(speakers=16)
    half = clips["speaker"].map(lambda who: int(who[1:]) % 2 == 0)
    clips = clips[half == clips["emotion"].isin(["anger", "fear"])]
    (warning,) = told(clips.assign(device=np.where(clips["emotion"].isin(["anger", "fear"]), "a", "b")))["warning"]
    assert "emotion is associated with 'device'" in warning
    assert "permuted among speakers" in warning


def test_text_of_which_none_comes_twice_is_said_to_be_not_asked():
    clips = table()
    assert told(clips.assign(transcript=[f"text {n}" for n in range(len(clips))]))["note"] == [
        "no value comes twice, so that nothing can be asked: transcript"
    ]


def test_length_is_a_note_and_a_warning_where_it_rivals_the_board():
    clips = table()
    clips["seconds"] = clips["emotion"].map({"anger": 1.0, "fear": 1.5, "neutral": 2.0, "sadness": 2.5}) + np.arange(len(clips)) % 6 / 100
    (note,) = told(clips)["note"]
    assert "no run of these clips" in note
    assert told(clips, best=0.95)["warning"][0].startswith("emotion is predicted by the duration of a clip")
    weak = clips.assign(seconds=clips["seconds"].where(loud(clips), 2 + np.arange(len(clips)) % 7 / 10))
    assert told(weak, best=0.95)["warning"] == []


def test_a_measured_peak_is_loudness_and_no_column_of_the_manifest():
    clips = table()
    clips["peak"] = clips["emotion"].map({"anger": 0.9, "fear": 0.5, "neutral": 0.3, "sadness": 0.2})
    assert not any("'peak'" in what or "peak (" in what for found in told(clips).values() for what in found)


def test_unrelated_columns_raise_few_false_alarms():
    """Of 8 or 20 tables with 5 unrelated columns each, no more than 1 or 3 are warned of (a level of .05 would give .4 or 1 on average)."""
    clips, rng = table(takes=4), np.random.default_rng(0)
    alarms, tables = 0, 20 if THOROUGH else 8
    for _ in range(tables):
        unrelated = {f"c{n}": rng.choice(list("abcd"), len(clips)) for n in range(5)}
        alarms += bool(told(clips.assign(**unrelated))["warning"])
    assert alarms <= tables // 6


def test_differences_between_speakers_are_no_link():
    """A speaker's own microphone and own emotions: within speakers nothing goes with anything."""
    rng = np.random.default_rng(0)
    voices = np.repeat(np.arange(8), 40)
    codes = np.where(rng.random(320) < 0.7, voices % 4, rng.integers(0, 4, 320))
    values = np.where(rng.random(320) < 0.7, voices % 4, rng.integers(0, 4, 320))
    assert min(link(Cells.of(voices, values), codes, how).p for how in ("across", "within")) > 0.05


@given(st.integers(0, 10_000))
def test_both_scores_agree_with_a_plain_count(seed):
    rng = np.random.default_rng(seed)
    voices, values, codes = rng.integers(0, 3, 30), rng.integers(0, 4, 30), rng.integers(0, 3, 30)
    codes[:3] = range(3)
    for score, same in ((across_speakers, False), (within_speakers, True)):
        assert score(Cells.of(voices, values), codes) == pytest.approx(plainly(voices, values, codes, same))


def plainly(voices: np.ndarray, values: np.ndarray, codes: np.ndarray, same: bool) -> float:
    """The UAR, clip by clip."""
    hits = np.zeros(len(codes))
    for clip in range(len(codes)):
        seen = (voices == voices[clip]) == same
        seen[clip] = False
        rates = [np.sum(seen & (codes == e) & (values == values[clip])) / max(np.sum(seen & (codes == e)), 1) for e in range(3)]
        best = np.flatnonzero(np.array(rates) >= max(rates) - 1e-12)
        hits[clip] = (codes[clip] in best) / len(best)
    return float(np.mean([hits[codes == e].mean() for e in range(3)]))


def test_what_else_a_corpus_says_of_the_emotion_is_no_confound():
    clips = table().assign(sentiment=lambda rows: np.where(loud(rows), "negative", "positive"))
    assert told(clips)["warning"]
    made = prepared(clips)
    meld = SimpleNamespace(eval_set=dataclasses.replace(made.eval_set, corpus="meld"))
    assert not [finding for finding in columns(meld, RunConfig(), None) if "sentiment" in finding.what]
