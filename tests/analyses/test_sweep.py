"""Sweeps: each value is judged as a run with it would be, and read against the configuration as it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.analyses.sweep import points
from ser_bench.config import RunConfig
from ser_bench.corpora import loading
from ser_bench.errors import SerBenchError, WrongCall
from ser_bench.results import Ablated
from tests.calling import call
from tests.small import SMALL, evaluate

USUAL = RunConfig(features=("mfcc+prosody", "egemaps"))


def sweep(speech: Path, out: Path, values: dict[str, list[object]], **options: object) -> Ablated:
    how = {"features": "mfcc", "modes": "alone", "importance": False, "trials": 1, "cv": "group:2"}
    given = {**SMALL, **how, "sweep": values, **options}
    return ser_bench.ablate(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **given)


def swept(found: Ablated) -> pd.DataFrame:
    return found.table[found.table["mode"] == "sweep"].set_index("group")


def test_each_value_is_a_run_with_it(speech, tmp_path):
    found = swept(sweep(speech, tmp_path, {"track": ["speaker"], "cv": ["auto@2", "group:3"], "trim": [40.0], "class_weights": ["none"]}))
    assert list(found.index) == ["track = speaker (transductive)", "cv = auto@2", "cv = group:3", "trim = 40.0", "class_weights = none"]
    for group, options in {
        "track = speaker (transductive)": {"track": "speaker"},
        "cv = auto@2": {"cv": "auto@2"},
        "trim = 40.0": {"trim": 40.0},
        "class_weights = none": {"class_weights": "none"},
    }.items():
        row = evaluate(speech, tmp_path, **{"features": "mfcc", "trials": 1, "cv": "group:2", **options}).leaderboard.iloc[0]
        assert found.loc[group, "uar"] == row["uar"]


def test_differences_are_to_the_configuration_as_it_is(speech, tmp_path):
    table = sweep(speech, tmp_path, {"track": ["train", "speaker"]}).table
    found = table[table["mode"] == "sweep"].set_index("group")
    whole = table.loc[table["mode"] == "all", "uar"].item()
    assert found.loc["track = train", ["uar", "diff"]].tolist() == [whole, 0]
    assert found.loc["track = speaker (transductive)", "diff"] == pytest.approx(
        found.loc["track = speaker (transductive)", "uar"] - whole, abs=2e-4
    )


def test_other_clips_have_no_difference_and_the_corpus_is_read_once(speech, tmp_path, monkeypatch):
    sources, read = [], loading._read
    monkeypatch.setattr(loading, "_read", lambda source, *how: sources.append(source) or read(source, *how))
    found = swept(sweep(speech, tmp_path, {"where": ["speaker != '01'"]}))
    assert len(sources) == 1
    assert np.isnan(found["diff"].item())
    assert not np.isnan(found["uar"].item())


def test_a_parameter_changes_the_sets_that_have_it():
    ((name, changed, usual),) = points({"features.mfcc.n_mfcc": [13]}, USUAL)
    assert usual == {"mfcc(n_mfcc=13)+prosody": ["mfcc+prosody"]}
    assert (name, changed.features) == ("features.mfcc.n_mfcc = 13", ("mfcc(n_mfcc=13)+prosody",))


def test_a_parameter_without_a_name_changes_every_part_that_has_it():
    config = RunConfig(features=("spectral+mfcc(n_mfcc=13)+prosody", "egemaps"))
    found = [changed.features for _, changed, _ in points({"features.functionals": ["mean"], "features.hop": [256]}, config)]
    assert found == [
        ("spectral(functionals=mean)+mfcc(functionals=mean,n_mfcc=13)+prosody",),
        ("spectral(hop=256)+mfcc(hop=256,n_mfcc=13)+prosody",),
    ]


def test_two_sets_that_become_one_are_both_read_against_it():
    config = RunConfig(features=("mfcc", "mfcc(functionals=mean)", "egemaps"))
    ((_, changed, usual),) = points({"features.functionals": ["std"]}, config)
    assert usual == {"mfcc(functionals=std)": ["mfcc", "mfcc(functionals=mean)"]}
    assert changed.features == ("mfcc(functionals=std)",)


def test_a_value_that_changes_nothing_counts_for_no_correction(speech, tmp_path):
    one = swept(sweep(speech, tmp_path, {"trim": [40.0]}))
    both = swept(sweep(speech, tmp_path, {"trim": [40.0, 0.0]}))
    assert both.loc["trim = 0.0", "diff"] == 0
    assert np.isnan(both.loc["trim = 0.0", "p"])
    assert both.loc["trim = 40.0", "p"] == one["p"].item()


def test_each_of_two_like_sets_is_read_against_itself(speech, tmp_path):
    table = sweep(speech, tmp_path, {"seed": [0]}, features=["mfcc(n_mfcc=13)", "mfcc(n_mfcc=14)"]).table
    assert table.loc[table["mode"] == "sweep", "diff"].tolist() == [0, 0]
    assert table.loc[table["mode"] == "sweep", "features"].nunique() == 2


def test_a_budget_of_none_is_the_budget_s():
    ((_, changed, _),) = points({"trials": [0]}, USUAL.for_corpus("tones"))
    assert changed.trials == 5


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"trimm": [1]}, "did you mean 'trim'"),
        ({"trim": 30.0}, "takes a list of values"),
        ({"trim": ["much"]}, "takes a number"),
        ({"features.spectral.bands": [3]}, "has a part 'spectral'"),
        ({"features.mfcc": [3]}, "with a parameter 'mfcc'"),
        ({"features.mfcc.nope": [3]}, "nope"),
        ({"cv": ["bogus"]}, "bogus"),
        ({"cv": ["random:3"]}, "unseen speakers"),
        ({"labels": ["nosuch"]}, "nosuch"),
        ({"class_weights": ["nnoe"]}, "did you mean 'none'"),
    ],
)
def test_what_cannot_be_swept_is_refused(values, why, tmp_path):
    small = dataclasses.replace(USUAL, corpus=("tones(speakers=2,takes=1)",), cache=str(tmp_path))
    with pytest.raises(SerBenchError, match=why):
        list(points(values, small))


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ({"trim": ["x"]}, "takes a number"),
        ({"cv": ["auto@4"]}, "only 4 speakers"),
        ({"where": ["emotion == 'no such emotion'"]}, "no such emotion"),
    ],
)
def test_the_last_mistake_is_told_before_anything_is_done(speech, tmp_path, last, why):
    with pytest.raises(WrongCall, match=why):
        sweep(speech, tmp_path, {"track": ["speaker"], **last})
    assert not list(tmp_path.glob("units/*"))


def test_a_file_s_table_is_swept(speech, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'features = "mfcc"\nmodels = "logreg"\ntrials = 2\ninner = 2\nseeds = 1\ncv = "group:2"\n[sweep]\n"features.mfcc.n_mfcc" = [13]\n',
        encoding="utf-8",
    )
    options = ["--config", file, "--mode", "alone", "--no-importance", "--jobs", 1, "--out", tmp_path, "--cache", speech / "store"]
    done = call("ablate", speech / "corpus" / "clips.csv", *options)
    assert done.returncode == 0, done.stderr
    assert "features.mfcc.n_mfcc = 13" in done.stdout
    run = call("run", speech / "corpus" / "clips.csv", "--config", file, "--dry-run", "--cache", speech / "store", "--out", tmp_path)
    assert run.returncode == 0
    assert "1 key has no effect on run: sweep" in run.stderr
