"""What is to be known of the clips is said by every command that evaluates them, and what an audit finds cheaply by a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.analyses.cross_corpus import prepare_corpora
from ser_bench.config import RunConfig
from ser_bench.evaluation import plan
from ser_bench.utils.progress import Silent
from tests.calling import call
from tests.reports import fabricate
from tests.small import SMALL, WITHOUT_CURVES, with_pages

FEW = "the effective number of speakers is "
THIN = "'contempt' has 2 clips of 2 speakers: its recall, a part of the UAR, says little"


@pytest.fixture(scope="module")
def corpus(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of four speakers, of which two show contempt once, and one emotion was recorded with another device."""
    folder = Path(shutil.copytree(speech / "corpus", tmp_path_factory.mktemp("warned") / "corpus"))
    clips = pd.read_csv(folder / "clips.csv", dtype=str)
    clips["device"] = np.where(clips["emotion"] == clips["emotion"].iloc[0], "phone", "studio")
    spared = clips[clips["emotion"] == clips["emotion"].iloc[-1]].drop_duplicates("speaker").index[:2]
    clips.loc[spared, "emotion"] = "contempt"
    clips.to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv"


@pytest.fixture(scope="module")
def results(corpus: Path, speech: Path, tmp_path_factory: pytest.TempPathFactory):
    with with_pages():
        return ser_bench.run(corpus, out=str(tmp_path_factory.mktemp("out")), cache=str(speech / "store"), **WITHOUT_CURVES)


def said(lines: list[str], begin: str) -> int:
    return sum(line.startswith(begin) for line in lines)


def test_a_run_names_thin_classes_and_few_speakers_once(results):
    assert said(results.warnings, FEW) == 1
    assert said(results.warnings, THIN) == 1
    assert not any(FEW in line for line in results.found)


def test_a_run_says_what_an_audit_finds_without_listening(results):
    (line,) = (line for line in results.found if "device" in line)
    assert line.startswith("columns: emotion is associated with 'device'")
    page = (results.folder / "report.html").read_text()
    assert "emotion is associated with &#39;device&#39;" in page
    assert THIN.replace("'", "&#39;") in page


def test_the_command_line_says_both(results, corpus, speech, tmp_path):
    line = ["run", corpus, "-f", "spectral", "-m", "logreg", "--jobs", 1, "--trials", 2, "--inner", 2, "--seeds", 1]
    done = call(*line, "--no-learning-curves", "--out", results.folder.parent, "--cache", speech / "store")
    assert f"warning: {THIN}" in done.stderr
    assert "warning: columns: emotion is associated with 'device'" in done.stderr


def test_splits_say_the_same(corpus, speech):
    warnings = ser_bench.splits(corpus, cache=str(speech / "store"), jobs=1).attrs["warnings"]
    assert said(warnings, FEW) == 1
    assert said(warnings, THIN) == 1


def test_cross_says_it_of_the_emotions_that_are_shared(corpus, speech):
    clips = pd.read_csv(corpus, dtype=str)
    speakers = sorted(set(clips["speaker"]))
    paths = [corpus.parent / "one.csv", corpus.parent / "other.csv"]
    clips[clips["speaker"].isin(speakers[:2])].to_csv(paths[0], index=False)
    clips[clips["speaker"].isin(speakers[2:]) & (clips["emotion"] != "contempt")].to_csv(paths[1], index=False)
    config = RunConfig(corpus=(str(paths[0]),), features=("spectral",), cache=str(speech / "store"), jobs=1, budget="smoke")
    by_source = prepare_corpora([str(path) for path in paths], config.for_corpus(str(paths[0])), Silent())
    for prepared in by_source.values():
        assert said(prepared.warnings, FEW) == 1
        assert not any("contempt" in line and "says little" in line for line in prepared.warnings)


def test_an_ablation_says_the_same(corpus, speech, tmp_path):
    how = {**SMALL, "modes": "alone", "importance": False, "trials": 1, "hold": True, "cv": "group:2"}
    found = ser_bench.ablate(corpus, out=str(tmp_path), cache=str(speech / "store"), **how)
    assert said(found.warnings, FEW) == 1
    assert said(found.warnings, THIN) == 1


def test_a_plan_says_what_its_run_was_warned_of(tmp_path):
    folder = fabricate.write_ranked_run(tmp_path / "run", {("egemaps", "svm"): 0.7})
    (folder / "environment.json").write_text(json.dumps({"warnings": [THIN]}))
    assert ser_bench.plan_study(folder).attrs["warnings"] == [THIN]


def test_a_table_of_ones_own_is_looked_at_by_every_command_that_reads_it(corpus, speech, tmp_path):
    clips = ser_bench.load_corpus(corpus).clips
    values = np.random.default_rng(0).normal(size=(len(clips), 3))
    table = pd.DataFrame(values, index=clips.index, columns=["a", "b", "c"]).assign(number=np.arange(len(clips)) + 0.5)
    table.to_parquet(tmp_path / "own.parquet")
    config = RunConfig(corpus=(str(corpus),), cache=str(speech / "store"), jobs=1, budget="smoke")
    prepared = plan.prepare_data(config.for_corpus(str(corpus)), [str(tmp_path / "own.parquet")], Silent())
    assert any(line.startswith("own: 1 column follows the order of the clips") for line in prepared.warnings)
