"""The index of a folder of results: all that is in it and readable is listed, linked and found again; what is not ours stays untouched."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from selenium.webdriver.support.wait import WebDriverWait

import ser_bench
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_ablation, publish_audit, publish_cross
from ser_bench.reports.index_page import indexed, make_index, write_index
from ser_bench.reports.rendering import way_back
from tests.evaluation import test_merge
from tests.reports import fabricate, test_ablation, test_audit
from tests.reports.conftest import looking, show, visible

WRITTEN = 1_700_000_000


def crossed() -> pd.DataFrame:
    rows = [
        {
            "train": train,
            "test": test,
            "features": "egemaps",
            "model": model,
            "track": track,
            "status": "ok",
            "uar": 0.7 if train == test else 0.5,
        }
        | {"uar_low": 0.4, "uar_high": 0.8, "loss": float("nan") if train == test else 0.2, "loss_low": 0.1, "loss_high": 0.3}
        | {"speakers": 8, "reason": "", "notes": []}
        for track in ("train", "corpus")
        for train in ("one", "<i>two")
        for test in ("one", "<i>two")
        for model in ("svm", "rf")
    ]
    return pd.DataFrame(rows)


def results(out: Path) -> Path:
    """A folder with one of each, two runs, a torn one and somebody else's folder."""
    out.mkdir(exist_ok=True)
    with indexed(out):
        for name in ("run", "other run"):
            tables = fabricate.write_run(out / name)
            fabricate.publish(RunFolder(out / name), *tables)
        AuditFolder(out / "audit").write_environment(dict(test_audit.ABOUT, corpus={**test_audit.ABOUT["corpus"], "name": "made up"}))
        publish_audit(AuditFolder(out / "audit"), "made up", {"clips": "12"}, test_audit.FINDINGS, test_audit.gap(), test_audit.ABOUT)
        AblationFolder(out / "ablation").write_environment(dict(test_ablation.ABOUT, corpus={"name": "made up", "title": "MADE UP"}))
        publish_ablation(AblationFolder(out / "ablation"), test_ablation.table(), test_ablation.importance(), test_ablation.ABOUT)
        CrossFolder(out / "cross").write_environment({"ser_bench": "0", "python": "3", "command": "ser-bench cross"})
        table = crossed()
        publish_cross(CrossFolder(out / "cross"), table, table[["train"]], ["anger", "fear"])
        (out / "torn").mkdir()
        (out / "torn" / "run.toml").write_text("")
        (out / "units").mkdir()
        (out / "somebody's").mkdir()
    others = fabricate.write_ranked_run(out / "runs of others" / "x", {test_merge.A: 0.8, test_merge.B: 0.4})
    ser_bench.leaderboard([others], out=out)
    for file in out.rglob("*"):
        os.utime(file, (WRITTEN, WRITTEN))
    write_index(out)
    return out


@pytest.fixture
def out(folder_of_results: Path) -> Path:
    return folder_of_results


@pytest.fixture
def page(browser: Any, out: Path) -> Any:
    show(browser, out / "index.html")
    return browser


def test_it_lists_one_of_each_with_date_corpus_and_best_row(page):
    heads = [head.text for head in page.find_elements("css selector", "h2")]
    assert heads == ["Merged leaderboards", "Runs", "Cross-corpus evaluations", "Audits", "Ablations", "Could not be read"]
    rows = [[cell.text for cell in row.find_elements("css selector", "td")] for row in visible(page, "table.results tbody tr")]
    assert {row[4] for row in rows} == {"2023-11-14 22:13"}
    run, cross, audit, ablation = rows[1], rows[3], rows[4], rows[5]
    best = RunFolder(Path(page.current_url.removeprefix("file://")).parent / "run").read_leaderboard().iloc[0]
    assert run[:2] == ["made up", "egemaps with svm"]
    assert run[2].split("\n")[0] == f"{best['uar']:.3f}".removeprefix("0")
    assert run[2].split("\n")[1].startswith("[")
    assert run[3] == "6 systems, 96 clips, 8 speakers; loso; budget smoke"
    assert cross[3] == "trained on one, evaluated on <i>two; .200 below training within"
    assert audit[3] == "1 error, 0 warnings, 1 note; leaks add up to +.300 UAR"
    assert ablation[:2] == ["MADE UP", "egemaps with svm"]
    assert ablation[3] == "leaving out f0: -.050 UAR"


def test_a_run_has_the_date_that_it_was_computed_at(tmp_path):
    tables = fabricate.write_run(tmp_path / "run")
    fabricate.publish(RunFolder(tmp_path / "run"), *tables)
    about = RunFolder(tmp_path / "run").read_environment() | {"computed": {"at": "2026-01-02T03:04:05+00:00"}}
    RunFolder(tmp_path / "run").write_environment(about)
    assert "2026-01-02 03:04" in make_index(tmp_path)


def test_what_is_torn_or_not_ours_is_counted_and_stops_nobody(page):
    said = page.find_element("css selector", "header p").text
    assert "1 folder could not be read" in said
    assert "2 other folders hold nothing of ser-bench" in said
    assert [line.text.partition(":")[0] for line in page.find_elements("css selector", "#torn ~ ul li")] == ["torn"]


def test_each_row_leads_to_its_page_and_each_page_back(page, out):
    for place in range(len(visible(page, "table.results a"))):
        visible(page, "table.results a")[place].click()
        WebDriverWait(page, 10).until(lambda page: not page.current_url.endswith("index.html"))
        assert page.get_log("browser") == []
        page.find_element("css selector", "nav a.back").click()
        WebDriverWait(page, 10).until(lambda page: page.current_url == (out / "index.html").as_uri())


def test_a_search_leaves_the_rows_that_have_the_words(page):
    page.find_element("css selector", "#search").send_keys("ablation f0")
    assert [row.text.split()[:2] for row in visible(page, "table.results tbody tr")] == [["MADE", "UP"]]


def test_the_same_folder_makes_the_same_bytes_and_is_not_written_again(out):
    before = (out / "index.html").stat()
    assert make_index(out) == make_index(out) == (out / "index.html").read_text(encoding="utf-8")
    write_index(out)
    assert (out / "index.html").stat() == before


def test_a_page_without_an_index_beside_it_leads_nowhere(tmp_path):
    tables = fabricate.write_run(tmp_path / "run")
    fabricate.publish(RunFolder(tmp_path / "run"), *tables)
    assert way_back(tmp_path / "run") == ""
    assert 'class="back"' not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_an_index_that_is_not_ours_stays_as_it_is_and_is_no_way_back(tmp_path):
    (tmp_path / "index.html").write_text("<html>my homepage</html>")
    with pytest.warns(UserWarning, match="is not of ser-bench and stays as it is"):
        write_index(tmp_path)
    assert (tmp_path / "index.html").read_text() == "<html>my homepage</html>"
    assert way_back(tmp_path / "run") == ""


def test_a_command_that_writes_results_writes_the_index(finished):
    folder = finished.folder
    assert f'href="{folder.name}/report.html"' in (folder.parent / "index.html").read_text(encoding="utf-8")


def test_an_environment_that_is_no_json_is_a_torn_folder(tmp_path):
    fabricate.publish(RunFolder(tmp_path / "run"), *fabricate.write_run(tmp_path / "run"))
    (tmp_path / "run" / "environment.json").write_text(json.dumps({})[:1])
    assert "1 folder could not be read" in make_index(tmp_path)


def test_on_a_phone_no_corpus_is_broken_within_its_name(browser, out):
    lines = "const words = document.createRange(); words.selectNodeContents(arguments[0]); return words.getClientRects().length"
    with looking(browser, "light", 390):
        show(browser, out / "index.html")
        first = visible(browser, "table.results td:first-child")
        browser.execute_script("arguments[0].firstElementChild.textContent = 'RAVDESS'", first[1])
        assert {browser.execute_script(lines, cell.find_element("css selector", "a")) for cell in first if "," not in cell.text} == {1}
        assert max(cell.rect["x"] + cell.rect["width"] for cell in visible(browser, "table.results td")) <= 390
