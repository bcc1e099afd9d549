"""A run's page shows what audits and ablations found out beside it."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.related import ablations, audited, gaps, runs_beside
from ser_bench.reports.run_page import remake_page
from tests.calling import call
from tests.reports.conftest import visible

RUN = {"features": "prosody", "models": "logreg", "trials": 1, "inner": 2, "seeds": 1, "cv": "group:2", "jobs": 1}


@pytest.fixture(scope="module")
def ablated(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What is ablated: features of one's own, two groups of a column each."""
    paths = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)["path"]
    values = np.random.default_rng(0).normal(size=(len(paths), 2))
    table = tmp_path_factory.mktemp("own") / "mine.parquet"
    pd.DataFrame(values, index=paths, columns=["a.1", "b.1"]).to_parquet(table)
    return {"features": str(table), "modes": "alone", "importance": False}


@pytest.fixture(scope="module")
def out(speech: Path, ablated: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, an audit with its gap and an ablation of the same clips, one after the other."""
    out = tmp_path_factory.mktemp("out")
    how = {**RUN, "out": str(out), "cache": str(speech / "store")}
    ser_bench.run(speech / "corpus" / "clips.csv", learning_curves=False, **how)
    audit = ser_bench.audit(speech / "corpus" / "clips.csv", gap=True, **how)
    ablation = ser_bench.ablate(speech / "corpus" / "clips.csv", **{**how, **ablated})
    assert audit.shown_in == ablation.shown_in == [next(out.glob("*/report.html")).resolve()]
    return out


@pytest.fixture(scope="module")
def run(out: Path) -> Path:
    return next(out.glob("*/report.html")).parent


def test_the_page_has_findings_the_gap_and_groups_and_leads_to_their_own_pages(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    for words in ("Evaluation leaks: effect on UAR", "Which feature groups matter", "Only: one group by itself"):
        assert words in page
    for name in ("audit", "ablation"):
        (address,) = [part.split('"')[0] for part in page.split('href="') if part.startswith("../") and f"/{name}.html" in part]
        assert (run / address).is_file()


def test_without_an_audit_a_run_says_what_it_found_and_that_it_did_not_listen(speech, tmp_path):
    how = {**RUN, "out": str(tmp_path), "cache": str(speech / "store")}
    found = ser_bench.run(speech / "corpus" / "clips.csv", learning_curves=False, **how)
    known = audited(RunFolder(found.folder))
    assert known["address"] == ""
    assert {"listening", "official facts"} <= {finding["check"] for finding in known["findings"]}
    assert "ser-bench audit" in (found.folder / "report.html").read_text(encoding="utf-8")
    assert gaps(RunFolder(found.folder)) == ablations(RunFolder(found.folder)) == []


def test_what_an_audit_heard_takes_the_place_of_what_a_run_could_not(run):
    checks = {finding["check"] for finding in audited(RunFolder(run))["findings"]}
    assert "recording" in checks
    assert "listening" not in checks


@pytest.mark.parametrize(
    ("changed", "kept"), [({"protocol": "loso"}, 1), ({"folds": {"0": "others"}}, 1), ({"corpus": {"name": "another"}}, 0)]
)
def test_another_split_has_no_gap_or_ablation_for_a_run_and_other_clips_not_even_findings(run, changed, kept):
    file = run / "environment.json"
    before = file.read_text(encoding="utf-8")
    file.write_text(json.dumps(json.loads(before) | changed), encoding="utf-8")
    try:
        assert gaps(RunFolder(run)) == ablations(RunFolder(run)) == []
        assert bool(audited(RunFolder(run))["address"]) == bool(kept)
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_corrected_label_parts_an_ablation_from_a_run(run, ablated, speech):
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    values = pd.read_parquet(str(ablated["features"]))
    for name, change in {"emotion": ("emotion", 1), "speaker": ("speaker", 7)}.items():
        # Rotated: as many clips of each emotion and speaker as before.
        column, by = change
        other = speech / "corpus" / f"other-{name}" / "clips.csv"
        other.parent.mkdir()
        rotated = table.assign(**{column: np.roll(table[column], by)}, path=[str(speech / "corpus" / path) for path in table["path"]])
        rotated.to_csv(other, index=False)
        own = other.parent / "mine.parquet"
        values.set_axis(rotated["path"]).to_parquet(own)
        how = {**RUN, **ablated, "features": str(own), "out": str(run.parent), "cache": str(speech / "store")}
        found = ser_bench.ablate(other, **how)
        assert found.shown_in == []


def test_a_torn_neighbour_stops_nobody(run, tmp_path):
    torn = run.parent / "torn-audit"
    torn.mkdir()
    (torn / "audit.html").write_text("", encoding="utf-8")
    (torn / "environment.json").write_text('{"corpus": ', encoding="utf-8")
    assert "recording" in {finding["check"] for finding in audited(RunFolder(run))["findings"]}
    shutil.rmtree(torn)


def test_a_run_is_looked_for_where_it_stands_and_not_where_a_link_leads(run, tmp_path):
    (tmp_path / "linked").symlink_to(run, target_is_directory=True)
    assert audited(RunFolder(tmp_path / "linked"))["address"] == ""
    assert gaps(RunFolder(tmp_path / "linked")) == []


def test_a_page_with_players_is_not_replaced_by_one_without(run):
    page = run / "report.html"
    before = page.read_text(encoding="utf-8")
    assert "<audio" in before
    terms = (run / "run.toml").read_text(encoding="utf-8")
    (run / "run.toml").write_text(terms.replace('corpus = ["', 'corpus = ["/gone'), encoding="utf-8")
    with pytest.warns(UserWarning, match="its audio is not found from here"):
        assert not remake_page(RunFolder(run))
    assert page.read_text(encoding="utf-8") == before
    (run / "run.toml").write_text(terms, encoding="utf-8")
    assert remake_page(RunFolder(run))


def test_an_audit_as_a_run_advises_it_is_of_the_same_clips(speech, tmp_path):
    how = {**RUN, "out": str(tmp_path), "cache": str(speech / "store"), "where": "speaker != '03'", "seed": 3}
    found = ser_bench.run(speech / "corpus" / "clips.csv", learning_curves=False, **how)
    (advice,) = [finding["what"] for finding in audited(RunFolder(found.folder))["findings"] if finding["check"] == "listening"]
    done = call(*shlex.split(advice.partition(": ser-bench ")[2]), "--jobs", 1, cwd=tmp_path)
    assert f"also shown in: {found.folder / 'report.html'}" in done.stdout, done.stderr


def test_thousands_of_columns_sort_as_numbers(run, browser):
    (file,) = [path for path in run.parent.glob("*-ablation-*/ablation.csv") if runs_beside(RunFolder(path.parent))]
    before = file.read_text(encoding="utf-8")
    table = pd.read_csv(file)
    table.assign(dims=[1234 + n if n % 2 else 20 + n for n in range(len(table))]).to_csv(file, index=False)
    assert remake_page(RunFolder(run))
    browser.get((run / "report.html").as_uri())
    browser.execute_script("document.querySelector('#groups ~ details').open = true")
    heads = [head for head in visible(browser, "#groups ~ details th button") if head.text == "columns"]
    heads[0].click()
    groups = [
        [cell.text for cell in group.find_elements("css selector", "td:nth-child(3)")]
        for group in visible(browser, "#groups ~ details table.board tbody")
    ]
    assert groups == [sorted(group, key=lambda text: -int(text.replace(",", ""))) for group in groups]
    assert any("1,2" in group[0] and "," not in group[-1] for group in groups), "thousands and less in one group"
    file.write_text(before, encoding="utf-8")
    assert remake_page(RunFolder(run))


def test_a_merged_leaderboard_makes_pages_again(out, run):
    before = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").write_text("old", encoding="utf-8")
    ser_bench.leaderboard([run], to=out / "merged")
    assert (run / "report.html").read_text(encoding="utf-8") == before


def test_a_run_that_lacks_a_table_keeps_its_page_and_stops_nobody(run, speech, out):
    resolution = (run / "resolution.csv").rename(run / "aside")
    (run / "report.html").write_text("as it was", encoding="utf-8")
    how = {"jobs": 1, "out": str(out), "cache": str(speech / "store")}
    with pytest.warns(UserWarning, match=r"report.html stays as it is: .*resolution\.csv"):
        assert ser_bench.audit(speech / "corpus" / "clips.csv", **how).shown_in == []
    assert (run / "report.html").read_text(encoding="utf-8") == "as it was"
    resolution.rename(run / "resolution.csv")
    assert [RunFolder(run.absolute())] in [runs_beside(RunFolder(folder)) for folder in out.glob("*-ablation-*")]
