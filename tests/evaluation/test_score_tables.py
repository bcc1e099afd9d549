"""Lists in tables of scores, a row's notes and the runs that it is from, are lists again where a file is read, whatever they hold."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ser_bench.errors import Damaged
from ser_bench.evaluation.analysis_folders import CROSS, REPRODUCTION, CrossFolder, RecipeFolder
from ser_bench.evaluation.run_folder import LEADERBOARD, RunFolder
from ser_bench.evaluation.score_tables import typed, write_scores
from ser_bench.reports import to_markdown
from ser_bench.utils.atomic import read_csv, write_csv
from tests.reports import fabricate

AWKWARD = [
    "2 of 5 trials failed: no room; none",
    "; =1+1",
    "=1+1",
    "'=1",
    '"quoted", \\ [and] more',
    "two\nlines\r\nand a tab\t.",
    "Zürich",
    "",
    "null",
]
READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    LEADERBOARD.name: lambda path: RunFolder(path).read_leaderboard(),
    CROSS.name: lambda path: CrossFolder(path).read_table(),
    REPRODUCTION.name: lambda path: RecipeFolder(path).read_reproduction(),
}


def a_table(**columns: list[object]) -> pd.DataFrame:
    """Two rows; the second failed."""
    return pd.DataFrame({"model": ["svm", "rf"], "uar": [0.5, None], "status": ["ok", "failed"], "over": [True, False], **columns})


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("notes", [[AWKWARD, []], [[], []], [["a note"], ["[]"]]])
def test_notes_are_read_as_they_were_whatever_they_hold(tmp_path: Path, name: str, notes: list[object]) -> None:
    write_scores(a_table(reason=["", AWKWARD[0]], notes=notes, runs=[["a, b", "c"], ["=d"]]), tmp_path / name)
    read = READERS[name](tmp_path)
    assert read["notes"].tolist() == notes
    assert read["runs"].tolist() == [["a, b", "c"], ["=d"]]
    assert read["reason"].tolist() == ["", AWKWARD[0]]


def test_a_cell_is_json_for_whoever_opens_the_file(tmp_path: Path) -> None:
    write_scores(a_table(notes=[["no room; none", "Zürich"], []]), tmp_path / "a.csv")
    cells = pd.read_csv(tmp_path / "a.csv")["notes"]
    assert cells.tolist() == ['["no room; none", "Zürich"]', "[]"]
    assert cells.map(json.loads).tolist() == [["no room; none", "Zürich"], []]


def test_tables_of_earlier_versions_are_read_as_the_present_one_has_them(tmp_path: Path) -> None:
    table = a_table(notes=["'=a copy; TIME LIMIT", "[Errno 28] no room; none"], runs=["one, two", "one"]).drop(columns="over")
    failed = {LEADERBOARD.name: ([], "[Errno 28] no room; none"), CROSS.name: (["[Errno 28] no room"], "none")}
    for name, (notes, reason) in failed.items():
        write_csv(table, tmp_path / name)
        read = READERS[name](tmp_path)
        assert read["notes"].tolist() == [["'=a copy", "TIME LIMIT"], notes]
        assert read["reason"].tolist() == ["", reason]
        assert read["runs"].tolist() == [["one", "two"], ["one"]]
    claims = {"experiment": "", "system": "svm", "run": "claimed", "part": "test", "metric": "uar", "value": 0.5, "status": ""}
    shared = {**claims, "low": None, "high": None, "clips": 0, "speakers": 0}
    write_csv(pd.DataFrame([{**shared, "notes": "over"}, {**shared, "notes": "a copy; no songs"}]), tmp_path / REPRODUCTION.name)
    read = RecipeFolder(tmp_path).read_reproduction()
    assert read["over"].tolist() == [True, False]
    assert read["notes"].tolist() == [[], ["a copy", "no songs"]]


def test_a_list_that_breaks_off_is_damage_and_no_note(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('model,notes\nsvm,"[""a copy"", ""an"\n', encoding="utf-8")
    with pytest.raises(Damaged):
        read_csv(tmp_path / "a.csv", **typed(()))


def test_a_note_of_two_parts_stands_once_and_whole_below_the_leaderboard(tmp_path: Path) -> None:
    table, note = fabricate.clips(), "2 of 5 trials failed: no room; none"
    cells = pd.DataFrame([fabricate.cell("egemaps", "svm", table, notes=[note, note])])
    RunFolder(tmp_path).write_leaderboard(fabricate.rank(fabricate.predictions(table, "egemaps", "svm", 0.8), cells))
    board = RunFolder(tmp_path).read_leaderboard()
    assert board.loc[0, "notes"] == [note]
    assert f"{note} (egemaps svm)." in to_markdown(board, fabricate.references(table), fabricate.resolutions())
