"""Several speaker ids of one person are one voice: whatever is inferred is as if that person had a single id."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from tests.small import SMALL, THOROUGH

QUICK = {**SMALL, "trials": 1}
WAYS = ("one", "column", "shared")
"""How the same clips are told of, as `corpora` has them."""


def told(way: str) -> tuple[str, ...]:
    """One id per person, and two in one way: by what a run finds with either; in both with `make test-thorough`."""
    return WAYS if THOROUGH else ("one", way)


@pytest.fixture(scope="module")
def corpora(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same clips, with one id per person and, in two ways, with two.

    By the `column` of the manifest, and by the audio that the two ids `share`: every person's second id has a copy of a clip of the first,
    which is not used.
    """
    folder = tmp_path_factory.mktemp("voices")
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str).assign(place=lambda clips: clips.groupby("speaker").cumcount())
    copies = table[table["place"] == 0].assign(place=1)
    for path in copies["path"]:
        shutil.copy(speech / "corpus" / path, folder / f"copy-{Path(path).name}")
    table["path"] = [str(speech / "corpus" / path) for path in table["path"]]
    copies["path"] = [str(folder / f"copy-{Path(path).name}") for path in copies["path"]]
    table, shared = (
        clips.assign(id=clips["speaker"] + clips["place"].mod(2).map({0: "", 1: "b"})) for clips in (table, pd.concat([table, copies]))
    )
    tables = {
        "one": table,
        "column": table.assign(voice=table["speaker"], speaker=table["id"]),
        "shared": shared.assign(speaker=shared["id"]),
    }
    manifests = {}
    for name, mine in tables.items():
        manifests[name] = folder / name / "clips.csv"
        manifests[name].parent.mkdir()
        mine.drop(columns=["place", "id"]).to_csv(manifests[name], index=False)
    return manifests


def where(speech: Path, corpora: dict[str, Path]) -> dict[str, str]:
    """Where features and units are kept."""
    return {"cache": str(speech / "store"), "out": str(corpora["one"].parents[1] / "out")}


def test_several_ids_of_one_person_are_one_voice_in_a_run(corpora, speech):
    options = {**QUICK, "models": ["logreg", "svm"], "cv": "group:3", **where(speech, corpora)}
    one, *others = (ser_bench.run(corpora[name], **options) for name in WAYS)
    columns = [column for column in one.leaderboard if column not in {"seconds", "notes"}]
    for several in others:
        pd.testing.assert_frame_equal(several.leaderboard[columns], one.leaderboard[columns])
        pd.testing.assert_frame_equal(several.resolutions, one.resolutions)
        pd.testing.assert_frame_equal(several.learning, one.learning)
        assert several.leaderboard["speakers"].tolist() == [4, 4]
        assert all("8 speaker ids of 4 people" in notes for notes in several.leaderboard["notes"])
        assert not any("people" in note for notes in one.leaderboard["notes"] for note in notes)
        assert several.predictions["speaker"].nunique() == 8
        assert several.predictions["voice"].nunique() == 4


def test_several_ids_of_one_person_are_standardised_as_one_voice(corpora, speech):
    options = {**QUICK, "track": ["speaker"], "learning_curves": False, **where(speech, corpora)}
    one, *others = (ser_bench.run(corpora[name], **options) for name in told("column"))
    columns = [column for column in one.leaderboard if column not in {"seconds", "notes"}]
    emotions = [column for column in one.predictions if column.startswith("p.")]
    for several in others:
        pd.testing.assert_frame_equal(several.leaderboard[columns], one.leaderboard[columns])
        pd.testing.assert_frame_equal(several.predictions[["clip", *emotions]], one.predictions[["clip", *emotions]])


def test_several_ids_of_one_person_are_one_voice_in_an_ablation(corpora, speech):
    options = {**QUICK, "features": "prosody", "modes": "without", **where(speech, corpora)}
    one, *others = (ser_bench.ablate(corpora[name], **options) for name in told("column"))
    for several in others:
        pd.testing.assert_frame_equal(several.table, one.table)
        pd.testing.assert_frame_equal(several.importance, one.importance)


def test_several_ids_of_one_person_are_one_voice_in_the_leak_gap(corpora, speech):
    options = {**QUICK, **where(speech, corpora)}
    one, *others = (ser_bench.audit(corpora[name], gap=True, **options).gap for name in told("shared"))
    for several in others:
        pd.testing.assert_frame_equal(several, one)


def test_several_ids_of_one_person_are_one_voice_across_corpora(corpora, speech):
    options = {**QUICK, "track": "train", **where(speech, corpora)}
    one, *others = (ser_bench.cross("tones(speakers=3,takes=1,seed=9)", corpora[name], **options) for name in told("column"))
    columns = [column for column in one.table if column not in {"seconds", "notes"}]
    for several in others:
        pd.testing.assert_frame_equal(several.table[columns], one.table[columns])
        assert all("8 speaker ids of 4 people" in notes for notes in several.table["notes"])
        assert several.predictions["voice"].nunique() == 4


def test_several_ids_of_one_person_are_one_voice_for_a_system_from_elsewhere(corpora, speech, tmp_path):
    options = {"cv": "group:3", **where(speech, corpora)}
    guesses = ser_bench.splits(corpora["one"], cv="group:3", cache=options["cache"]).assign(predicted="anger")
    guesses.loc[::2, "predicted"] = guesses.loc[::2, "emotion"]
    guesses[["clip", "predicted"]].to_csv(tmp_path / "guesses.csv", index=False)
    one, *others = (ser_bench.score(tmp_path / "guesses.csv", corpora[name], **options).leaderboard.iloc[0] for name in told("shared"))
    names = ["speakers", "uar", "uar_low", "uar_high"]
    for several in others:
        assert several[names].tolist() == one[names].tolist()
        assert several["notes"][0] == "8 speaker ids of 4 people"


def test_a_run_says_which_ids_its_manifest_makes_one_person(corpora, speech):
    several = ser_bench.run(corpora["column"], **{**QUICK, "cv": "group:3", "learning_curves": False}, **where(speech, corpora))
    assert "speaker ids that are one person by the column 'voice': 01 = 01b; 02 = 02b; 03 = 03b and 1 more" in several.warnings


def test_the_report_lists_ids_but_its_intervals_are_over_voices(corpora, speech):
    from ser_bench.evaluation.run_folder import RunFolder
    from ser_bench.reports.details import open_cell
    from ser_bench.utils.formatting import records

    one, several = (
        RunFolder(
            ser_bench.run(corpora[name], **{**QUICK, "cv": "group:3", "learning_curves": False}, **where(speech, corpora)).folder
        ).read()
        for name in ("one", "column")
    )
    mine, theirs = (open_cell(records(run.leaderboard)[0], run) for run in (one, several))
    assert theirs["classes"] == mine["classes"]
    assert len(theirs["speakers"]) == 8


def test_predictions_without_voices_have_those_of_the_run_s_clips(corpora, speech, tmp_path):
    from ser_bench.evaluation.run_folder import RunFolder

    run = ser_bench.run(corpora["shared"], **{**QUICK, "cv": "group:3", "learning_curves": False}, **where(speech, corpora))
    shutil.copy(run.folder / "clips.parquet", tmp_path)
    run.predictions.drop(columns="voice").to_parquet(tmp_path / "predictions.parquet")
    assert RunFolder(tmp_path).read_predictions()["voice"].tolist() == run.predictions["voice"].tolist()
