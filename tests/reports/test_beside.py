"""A run's page shows what audits and ablations found out beside it."""

import json
from pathlib import Path

import pytest

import ser_bench
from ser_bench.reports.beside import ablations, audited, gaps, runs_beside

RUN = {"features": "spectral", "models": "logreg", "trials": 1, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def out(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, an audit with its gap and an ablation of the same clips, one after the other."""
    out = tmp_path_factory.mktemp("out")
    how = {**RUN, "out": str(out), "cache": str(speech / "store")}
    ser_bench.run(speech / "corpus" / "clips.csv", **how)
    audit = ser_bench.audit(speech / "corpus" / "clips.csv", gap=True, **how)
    ablation = ser_bench.ablate(speech / "corpus" / "clips.csv", modes="alone", **how)
    assert audit.shown_in == ablation.shown_in == [next(out.glob("*/report.html")).resolve()]
    return out


@pytest.fixture(scope="module")
def run(out: Path) -> Path:
    return next(out.glob("*/report.html")).parent


def test_the_page_has_findings_the_gap_and_groups_and_leads_to_their_own_pages(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    for words in ("What each shortcut adds", "Which feature groups matter", "One alone: what a group can do"):
        assert words in page
    for name in ("audit", "ablation"):
        (address,) = [part.split('"')[0] for part in page.split('href="') if part.startswith("../") and f"/{name}.html" in part]
        assert (run / address).is_file()


def test_without_an_audit_a_run_says_what_it_found_and_that_it_did_not_listen(speech, tmp_path):
    found = ser_bench.run(speech / "corpus" / "clips.csv", **{**RUN, "out": str(tmp_path), "cache": str(speech / "store")})
    known = audited(found.folder)
    assert known["address"] == ""
    assert {"listening", "official facts"} <= {finding["check"] for finding in known["findings"]}
    assert "ser-bench audit" in (found.folder / "report.html").read_text(encoding="utf-8")
    assert gaps(found.folder) == ablations(found.folder) == []


def test_what_an_audit_heard_takes_the_place_of_what_a_run_could_not(run):
    checks = {finding["check"] for finding in audited(run)["findings"]}
    assert "recording" in checks
    assert "listening" not in checks


@pytest.mark.parametrize(("changed", "kept"), [({"protocol": "group:2"}, 1), ({"corpus": {"name": "another"}}, 0)])
def test_another_split_has_no_gap_or_ablation_for_a_run_and_other_clips_not_even_findings(run, changed, kept):
    file = run / "environment.json"
    before = file.read_text(encoding="utf-8")
    file.write_text(json.dumps(json.loads(before) | changed), encoding="utf-8")
    try:
        assert gaps(run) == ablations(run) == []
        assert bool(audited(run)["address"]) == bool(kept)
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_merged_leaderboard_makes_pages_again(out, run):
    before = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").write_text("old", encoding="utf-8")
    ser_bench.leaderboard([run], to=out / "merged")
    assert (run / "report.html").read_text(encoding="utf-8") == before


def test_a_run_that_lacks_a_table_keeps_its_page_and_stops_nobody(run, speech, out):
    resolution = (run / "resolution.csv").rename(run / "aside")
    (run / "report.html").write_text("as it was", encoding="utf-8")
    how = {**RUN, "out": str(out), "cache": str(speech / "store")}
    assert ser_bench.audit(speech / "corpus" / "clips.csv", **how).shown_in == []
    assert (run / "report.html").read_text(encoding="utf-8") == "as it was"
    resolution.rename(run / "resolution.csv")
    assert len(runs_beside(next(out.glob("*-ablation-*")))) == 1
