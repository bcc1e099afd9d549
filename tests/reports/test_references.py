"""A published figure is read against on the track that it was measured on, and nowhere else."""

import re
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from ser_bench.corpora import Corpus, CorpusInfo, known_readers
from ser_bench.corpora.base import PublishedResult
from ser_bench.errors import WrongCall
from ser_bench.evaluation.leaderboard import references
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.figures import STYLES, TITLES, boards
from tests.reports import fabricate

NESTED = PublishedResult("theirs", "nested", uar=0.59)
SCALED = PublishedResult("theirs", "by speaker", uar=0.69, track="speaker")


@pytest.fixture
def told() -> pd.DataFrame:
    table = fabricate.clips()
    facts = CorpusInfo(len(table), 8, 16_000, "", "", "", human=0.9, human_source="asked", published=(NESTED, SCALED))
    return references(Corpus("made up", table, Path(), facts=facts), "all", table)


@pytest.fixture
def folder(tmp_path: Path, told: pd.DataFrame) -> Path:
    """A published run with a block of each track and a LEAKY one."""
    cells, found, _ = fabricate.write_run(tmp_path)
    fabricate.publish(RunFolder(tmp_path), cells, found, told)
    return tmp_path


def test_only_published_lines_belong_to_a_track(told):
    tracks = told.groupby("track")["name"].agg(list).to_dict()
    assert tracks == {"": ["chance", "majority", "human"], "train": ["published: theirs"], "speaker": ["published: theirs"]}


def test_the_page_and_the_table_name_a_line_beside_the_rows_of_its_track_alone(folder):
    markdown = (folder / "leaderboard.md").read_text(encoding="utf-8")
    train, *_, speaker = (part for part in re.split(r"^\*\*made up", markdown, flags=re.M) if "Reference levels" in part)
    assert ("theirs .590 (nested)" in train, "theirs .690" in train) == (True, False)
    assert ("theirs .590" in speaker, "theirs .690 (by speaker)" in speaker) == (False, True)
    page = (folder / "report.html").read_text(encoding="utf-8")
    boards = {track: part for part in page.split('<div class="board">')[1:] for track in re.findall(r'data-track="(\w+)"', part)[:1]}
    assert ("theirs .590 (nested)" in boards["train"], "theirs .690" in boards["train"]) == (True, False)
    assert ("theirs .590" in boards["speaker"], "theirs .690 (by speaker)" in boards["speaker"]) == (False, True)


def test_a_figure_draws_a_line_in_the_panel_of_its_track_alone(told, monkeypatch):
    drawn = []
    monkeypatch.setattr(boards, "draw_intervals", lambda panels, *_: drawn.extend(panels))
    cells, found = fabricate.run_tables(fabricate.clips())
    boards.draw_leaderboard(fabricate.rank(found, cells), told, STYLES["column"])
    by_heading = {panel.heading: panel.lines for panel in drawn}
    assert by_heading[TITLES["train"]]["published"] == 0.59
    assert by_heading[TITLES["speaker"]]["published"] == 0.69
    assert {panel.lines["human"] for panel in drawn} == {0.9}


def test_a_merged_leaderboard_keeps_lines_of_one_name_and_two_tracks(tmp_path, told):
    for track in ("train", "speaker"):
        fabricate.write_ranked_run(tmp_path / track, {("egemaps", "svm"): 0.8}, track=track)
        told.to_csv(tmp_path / track / "references.csv", index=False)
    text = (ser_bench.leaderboard([tmp_path / "train", tmp_path / "speaker"], to=tmp_path / "m").folder / "LEADERBOARD.md").read_text()
    train, speaker = re.split(r"^\*\*made up", text, flags=re.M)[1:]
    assert ("theirs .590" in train, "theirs .690" in train) == (True, False)
    assert ("theirs .590" in speaker, "theirs .690" in speaker) == (False, True)


def test_a_line_is_drawn_by_its_kind_whatever_its_name(told, monkeypatch):
    drawn = []
    monkeypatch.setattr(boards, "draw_intervals", lambda panels, *_: drawn.extend(panels))
    cells, found = fabricate.run_tables(fabricate.clips())
    named = told.assign(name=["by guessing", "the commonest", "published: of listeners", "theirs: nested", "theirs"])
    boards.draw_leaderboard(fabricate.rank(found, cells), named, STYLES["column"])
    assert {panel.lines["human"] for panel in drawn} == {0.9}
    assert {panel.lines["published"] for panel in drawn} == {0.59, 0.69}
    assert {name for panel in drawn for name in panel.lines} == {"chance", "human", "published"}


def test_lines_written_before_they_had_a_kind_have_it_from_their_names(tmp_path, told):
    told.drop(columns="kind").to_csv(tmp_path / "references.csv", index=False)
    pd.testing.assert_frame_equal(RunFolder(tmp_path).read_references()[list(told)], told, check_dtype=False)


def test_lines_written_before_they_had_a_track_are_for_all(tmp_path, told):
    told.drop(columns="track").to_csv(tmp_path / "references.csv", index=False)
    assert (RunFolder(tmp_path).read_references()["track"] == "").all()


def test_a_published_figure_of_no_known_track_is_refused():
    with pytest.raises(WrongCall, match="did you mean 'speaker'"):
        PublishedResult("theirs", "somewhere", uar=0.5, track="speakers")


@pytest.mark.parametrize(("corpus", "nested", "scaled"), [("ravdess", 0.59, 0.69), ("emodb", 0.75, 0.87), ("cremad", 0.61, 0.71)])
def test_what_was_scaled_by_speaker_is_read_against_on_that_track_alone(corpus, nested, scaled):
    facts = known_readers()[corpus].facts
    assert facts is not None
    found = {p.track: p.uar for p in facts.published if p.name == "ComParE"}
    assert found == {"train": nested, "speaker": scaled}
