"""Test conditions: the same fitted systems on changed held-out clips, and nothing of a run is moved by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench import scores
from ser_bench.evaluation.nested_cv import fit_held
from ser_bench.evaluation.run_folder import CONDITION_PREDICTIONS, UNCHANGED, RunFolder
from ser_bench.evaluation.scaling import column_statistics, scaled_split, standardised_beforehand
from ser_bench.models import known_models
from ser_bench.results import Results
from tests.calling import call
from tests.evaluation.test_nested_cv import make_unit
from tests.small import SMALL, WITHOUT_CURVES, but_seconds, evaluate, with_pages

NOISE, NOTHING = "noise(snr=0.0)", "gain(high=0.0,low=0.0)"


@pytest.fixture(scope="module")
def robust(speech: Path, finished: Results, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The run `finished`, and then the same under conditions."""
    out = tmp_path_factory.mktemp("conditions")
    evaluate(speech, out)
    with with_pages():
        return evaluate(speech, out, test_variant=["noise(snr=0)", NOTHING])


def units_of(run: Results) -> set[str]:
    return {path.name for path in (run.folder.parent / "units").iterdir()}


def test_what_is_changed_stands_for_held_out_clips_alone():
    data = make_unit(columns=4)
    other = replace(data, changed=data.x + 7)
    plain, changed = (scaled_split(d, standardised_beforehand(d), d.train, ~d.train, held_out=True) for d in (data, other))
    np.testing.assert_array_equal(plain.x_train, changed.x_train)
    mean, scale = column_statistics(data.x[data.train])
    np.testing.assert_array_equal(changed.x_eval, (data.x[~data.train] + 7 - mean) * scale)
    inner = scaled_split(other, standardised_beforehand(other), np.arange(8), np.arange(8, 16))
    np.testing.assert_array_equal(inner.x_eval, scaled_split(data, data.x, np.arange(8), np.arange(8, 16)).x_eval)


def test_who_is_only_heard_in_a_condition_is_standardised_by_that():
    data = make_unit(columns=4, track="speaker")
    other = replace(data, changed=(3 * data.x + 7).astype(np.float32))
    plain, changed = (scaled_split(d, standardised_beforehand(d), d.train, ~d.train, held_out=True) for d in (data, other))
    np.testing.assert_array_equal(plain.x_train, changed.x_train)
    np.testing.assert_allclose(plain.x_eval, changed.x_eval, atol=1e-4)


@pytest.mark.parametrize("name", ["svm", "logreg"])
def test_a_condition_that_changes_nothing_decides_as_the_fitted_system_does(name):
    data, model = make_unit(columns=4), known_models()[name]()
    held = {"params": dict(model.defaults), "rounds": None, "seed": 3}
    one, two = (fit_held(d, model, **held) for d in (data, replace(data, changed=data.x.copy())))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_conditions_are_scored_against_unchanged_clips(robust):
    table = robust.conditions.set_index("condition")
    assert table.index.tolist() == [UNCHANGED, NOISE, NOTHING]
    row = robust.leaderboard.iloc[0]
    assert table.loc[UNCHANGED, ["uar", "uar_low", "uar_high"]].tolist() == pytest.approx(row[["uar", "uar_low", "uar_high"]].tolist())
    assert table.loc[NOTHING, "uar"] == table.loc[UNCHANGED, "uar"]
    assert table.loc[NOISE, "uar"] < table.loc[UNCHANGED, "uar"]
    noisy = pd.read_parquet(robust.folder / CONDITION_PREDICTIONS.name).query("condition == @NOISE").sort_values("clip")
    clean = robust.predictions.sort_values("clip")
    assert noisy["clip"].tolist() == clean["clip"].tolist()
    truth, voices = clean["emotion"].to_numpy(str), clean["voice"].to_numpy(str)
    decided = noisy["predicted"].to_numpy(str), clean["predicted"].to_numpy(str)
    bound = scores.overlap_bound(len(set(voices)))
    # Corrected for two conditions, an interval is no narrower than that of one.
    alone = scores.difference_interval(truth, *decided, voices, inflation=bound)
    assert table.loc[NOISE, "diff"] == pytest.approx(alone.score, abs=1e-4)
    assert table.loc[NOISE, "diff_low"] <= alone.low + 1e-4


def test_nothing_of_the_run_is_fitted_again_or_moved(robust, finished):
    assert (robust.fitted, robust.reused) == (0, 2)
    assert but_seconds(robust) == but_seconds(finished)
    pd.testing.assert_frame_equal(robust.predictions, finished.predictions)
    assert units_of(finished) < units_of(robust)


def test_a_condition_that_is_added_later_repeats_no_search_and_no_other_condition(robust, speech, monkeypatch):
    from ser_bench.evaluation import nested_cv

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a search was repeated")

    before = units_of(robust)
    monkeypatch.setattr(nested_cv, "tune_unit", refused)
    more = evaluate(speech, robust.folder.parent, test_variant=["noise(snr=0)", "gain(low=20,high=20)"])
    assert len(units_of(more) - before) == 2
    both = [run.conditions.set_index("condition") for run in (robust, more)]
    assert both[0].loc[NOISE, "uar"] == both[1].loc[NOISE, "uar"]
    assert more.folder != robust.folder


def test_conditions_stand_on_the_page_and_in_the_folder(robust):
    page = (robust.folder / "report.html").read_text()
    assert "Robustness: changed test clips" in page
    assert page.count(NOISE) >= 2
    assert (robust.folder / "figures" / "conditions.svg").is_file()
    assert NOISE in (robust.folder / "conditions.md").read_text()


def test_a_page_without_conditions_has_no_such_section(finished):
    assert "Robustness" not in (finished.folder / "report.html").read_text()
    assert finished.conditions is None
    assert RunFolder(finished.folder).read_conditions().empty


def test_a_merged_leaderboard_takes_a_row_once_with_and_without_conditions(robust, finished, tmp_path):
    merged = ser_bench.leaderboard([robust.folder, finished.folder], to=tmp_path / "merged").leaderboard
    assert len(merged) == 1


def test_the_command_line_prints_conditions_and_says_what_they_would_cost(robust, speech, tmp_path):
    options = ["-f", "spectral", "-m", "logreg", "--trials", "2", "--inner", "2", "--seeds", "1", "--jobs", "1", "--no-learning-curves"]
    where = ["--cv", "group:2", "--out", str(robust.folder.parent), "--cache", str(speech / "store")]
    manifest = str(speech / "corpus" / "clips.csv")
    done = call("run", manifest, *options, *where, "--test-variant", "noise(snr=0)", "--test-variant", NOTHING, cwd=tmp_path)
    assert "robustness: the same systems on changed held-out clips" in done.stdout
    assert "ΔUAR from unchanged" in done.stdout
    dry = call("run", manifest, *options, *where, "--test-variant", "noise(snr=0)", "--dry-run", cwd=tmp_path)
    assert "0 fits in 0 units remaining" in dry.stdout
    dry = call("run", manifest, *options, *where, "--test-variant", "shift", "--dry-run", cwd=tmp_path)
    assert "plus feature extraction for 48 clips" in dry.stdout


def test_a_fixed_split_is_evaluated_in_conditions_on_its_test_part(speech, tmp_path):
    clips = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "fixed_conditions.csv"
    clips.assign(fold=clips["speaker"].map({"01": "train", "02": "dev", "03": "test", "04": "test"})).to_csv(manifest, index=False)
    where = {"out": str(tmp_path), "cache": str(speech / "store"), "cv": "predefined"}
    found = ser_bench.run(manifest, **{**WITHOUT_CURVES, **where}, test_variant="gain", augment="noise")
    told = pd.read_parquet(found.folder / CONDITION_PREDICTIONS.name)
    assert set(told["speaker"]) == {"03", "04"}
    assert len(told) == 24
    assert "24 changed copies of 24 clips" in " ".join(found.leaderboard["notes"].iloc[0])


def test_only_a_run_takes_conditions():
    for command in ("ablate", "audit", "splits"):
        with pytest.raises(ser_bench.WrongArgument, match="it says on which changed held-out clips systems are evaluated, too"):
            getattr(ser_bench, command)("tones", test_variant="noise", **({} if command == "splits" else {"models": SMALL["models"]}))
