"""Every kind of folder owns its files: what is written is read again, and nobody else names them."""

import re
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from ser_bench.evaluation.analysis_folders import (
    GAP,
    IMPORTANCE,
    TABLES,
    AblationFolder,
    AuditFolder,
    CrossFolder,
    MergedFolder,
    PlanningFolder,
    PredictionsFolder,
    RecipeFolder,
)
from ser_bench.evaluation.result_folder import CONFIGURATION, ENVIRONMENT, MADE, ResultFolder
from ser_bench.evaluation.run_folder import TABLES as OF_RUNS
from ser_bench.evaluation.run_folder import RunFolder
from tests.reports import test_ablation, test_audit

KINDS = (RunFolder, AuditFolder, AblationFolder, CrossFolder, RecipeFolder, MergedFolder, PredictionsFolder)


def test_no_other_module_names_the_files_of_a_folder():
    own = {Path("evaluation", f"{name}.py") for name in ("analysis_folders", "result_folder", "run_folder")}
    markdown = ("leaderboard.md", "conditions.md", "LEADERBOARD.md", "ablation.md", "cross.md", "recipe.md")
    told = {*(table.name for table in (*OF_RUNS, *TABLES)), *(kind.PAGE for kind in KINDS), *(kind.MARK for kind in KINDS), *markdown}
    names = "|".join(map(re.escape, (*told, CONFIGURATION, ENVIRONMENT, MADE)))
    package = Path(ser_bench.__file__).parent
    naming = {
        file.relative_to(package)
        for file in package.rglob("*.py")
        if re.search(rf"""(["']|\*/)({names})["']""", file.read_text(encoding="utf-8"))
    }
    assert naming == own


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_finds_the_folders_of_its_own(tmp_path, kind):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / kind.MARK).touch()
    assert kind.all_in(tmp_path) == [kind(tmp_path / "a"), kind(tmp_path / "b")]
    assert [other for other in KINDS if other(tmp_path / "a").known] == [kind]


def test_what_was_not_measured_is_none(tmp_path):
    audit, ablation = AuditFolder(tmp_path / "audit"), AblationFolder(tmp_path / "ablation")
    ablation.write_tables(test_ablation.table(), None)
    assert audit.read_gap() is None
    assert ablation.read_tables().importance is None
    assert audit.read_findings().empty


def test_tables_are_read_as_they_were_written(tmp_path):
    audit, ablation, recipe = AuditFolder(tmp_path), AblationFolder(tmp_path), RecipeFolder(tmp_path)
    gap = test_audit.gap().assign(overlap="none")
    audit.write_gap(gap)
    assert tuple(gap) == GAP.columns
    pd.testing.assert_frame_equal(audit.read_gap(), gap, check_dtype=False)
    table, importance = test_ablation.table().assign(group="NA"), test_ablation.importance()
    ablation.write_tables(table, importance)
    for read, written in zip(ablation.read_tables(), (table, importance), strict=True):
        pd.testing.assert_frame_equal(read, written, check_dtype=False)
    predictions = pd.DataFrame({"clip": ["a"], "run": ["honest"]})
    recipe.write_predictions(predictions)
    pd.testing.assert_frame_equal(recipe.read_predictions(), predictions)


def test_an_importance_of_an_earlier_version_says_how_values_were_shuffled(tmp_path):
    AblationFolder(tmp_path).write_tables(test_ablation.table(), test_ablation.importance().drop(columns="shuffled"))
    assert set(AblationFolder(tmp_path).read_tables().importance["shuffled"]) == {IMPORTANCE.added["shuffled"]}


def test_a_plan_lies_where_it_is_asked_for(tmp_path):
    folder = PlanningFolder(tmp_path / "mine")
    folder.write_table(pd.DataFrame({"speakers_needed": [float("inf"), 12.3456789]}))
    assert folder.table.read_text() == "speakers_needed\ninf\n12.3457\n"


def test_hidden_files_and_the_record_of_reports_are_none_of_a_folder_s_own(tmp_path):
    for name in ("b.csv", "a.csv", ".a.csv.part", MADE):
        (tmp_path / name).touch()
    assert [path.name for path in ResultFolder(tmp_path).files] == ["a.csv", "b.csv"]
