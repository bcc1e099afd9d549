"""The leak gap: every shortcut is really taken, the honest row really is a run's, and nothing else can take one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import ser_bench
from ser_bench import scores
from ser_bench.analyses.leakage import HONEST
from ser_bench.config import RunConfig
from ser_bench.errors import SerBenchError, WrongCall
from ser_bench.evaluation.nested_cv import UnitResult
from ser_bench.evaluation.scaling import UnitData, column_statistics, standardised_beforehand
from ser_bench.evaluation.test_tuned import tune_on_test
from ser_bench.models import known_models
from ser_bench.results import Audited
from tests.calling import call
from tests.evaluation.test_nested_cv import make_unit
from tests.small import SMALL, WITHOUT_CURVES


@pytest.fixture(scope="module")
def sayings(speech: Path) -> Path:
    """The clips of `speech`, with what is said in them: two sentences each."""
    manifest = speech / "corpus" / "sayings.csv"
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    table.assign(sentence=np.tile(["one", "two"], len(table))[: len(table)]).to_csv(manifest, index=False)
    return manifest


def measure(manifest: Path, speech: Path, out: Path, **options: object) -> Audited:
    return ser_bench.audit(manifest, gap=True, out=str(out), cache=str(speech / "store"), **{**SMALL, **options})


@pytest.fixture(scope="module")
def measured(sayings: Path, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return measure(sayings, speech, tmp_path_factory.mktemp("gap"))


def row(measured: Audited, *way: str) -> pd.Series:
    return measured.gap.set_index(["split", "parameters", "scaling"]).loc[way]


def test_every_way_has_a_row_and_the_honest_one_comes_first_with_nothing_added(measured):
    ways = [tuple(way) for way in measured.gap[["split", "parameters", "scaling"]].to_numpy()]
    assert len(ways) == len(set(ways)) == 2 * 2 * 3 + 1
    assert ways[0] == HONEST
    assert measured.gap.loc[0, ["gap", "gap_low", "gap_high"]].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("way", "options"),
    [
        (("speaker", "nested", "train"), {}),
        (("speaker", "nested", "speaker"), {"track": "speaker"}),
        (("random", "nested", "train"), {"cv": "random:2"}),
        (("speaker+sentence", "nested", "train"), {"cv": "group:2+sentence"}),
    ],
)
def test_nested_ways_are_the_rows_of_a_run(measured, sayings, speech, tmp_path, way, options):
    found = ser_bench.run(sayings, out=str(tmp_path), cache=str(speech / "store"), **{**WITHOUT_CURVES, **options})
    own, mine = found.leaderboard.loc[0], row(measured, *way)
    assert own["uar"] == pytest.approx(mine["uar"], abs=1e-4)
    # A gap is measured without refits, so that overlapping training sets count with the most that they can bring.
    assert mine["uar_low"] <= own["uar_low"] + 1e-4
    assert mine["uar_high"] >= own["uar_high"] - 1e-4


def test_intervals_have_the_bound_and_say_so(measured):
    assert set(measured.gap["overlap"]) == {"bound"}
    page = (measured.folder / "audit.html").read_text()
    assert "95% CI (bound)" in page
    assert "widened by the bound of what overlapping training sets can add, as nothing is refitted here" in page


def test_what_is_measured_once_is_not_fitted_again(sayings, speech, tmp_path, capsys):
    from ser_bench.utils.progress import Lines

    how = {"trials": 1, "progress": Lines()}
    first = measure(sayings, speech, tmp_path, **how)
    assert "evaluating" in capsys.readouterr().err
    again = measure(sayings, speech, tmp_path, **how)
    assert "evaluating" not in capsys.readouterr().err
    assert again.gap.equals(first.gap)
    assert (again.folder / "gap.csv").read_text() == again.gap.to_csv(index=False, float_format="%.4f")


def test_a_random_split_pays_on_tones(measured):
    assert row(measured, "random", "nested", "train")["gap"] > 0.1


def on_test(model: str) -> tuple[UnitData, UnitResult]:
    data = make_unit(speakers=6)
    data = replace(data, train=np.ones(len(data.y), bool), outer=np.repeat(np.arange(3), 2 * 16))
    return data, tune_on_test(data, known_models()[model](), trials=4, seed=0)


def test_parameters_by_the_test_score_report_the_very_score_that_chose_them():
    data, result = on_test("svm")
    complete = result.trials[result.trials["state"] == "complete"]
    assert scores.uar(data.y, result.predicted) == pytest.approx(complete["score"].max())


@pytest.mark.parametrize("model", ["rf", "xgb", "mlp"])
def test_what_is_judged_is_as_large_as_a_unit_s_final_model(model, monkeypatch):
    searching = []
    build = known_models()[model].plan
    monkeypatch.setattr(known_models()[model], "plan", lambda self, split: (searching.append(split.searching), build(self, split))[1])
    _, result = on_test(model)
    assert searching == [True] * 3 + [False] * 3
    assert result.trials.loc[result.trials["chosen"], "score"].item() == result.trials["score"].max()


def test_scaling_by_all_clips_takes_the_held_out_ones_in():
    data = make_unit()
    data = replace(data, scaling_groups=np.zeros(len(data.y)))
    mean, scale = column_statistics(data.x)
    assert_array_equal(standardised_beforehand(data), (data.x - mean) * scale)


def test_no_configuration_can_ask_for_a_leaking_track():
    with pytest.raises(SerBenchError, match="unknown track 'all'"):
        RunConfig(track=("all",))


@pytest.mark.parametrize("cv", ["random:2", "auto+sentence", "auto@2"])
def test_the_gap_is_measured_from_an_honest_and_whole_split(sayings, speech, tmp_path, cv):
    with pytest.raises(WrongCall, match="honest and whole split"):
        measure(sayings, speech, tmp_path, cv=cv)


def test_a_blank_sentence_leaves_the_text_independent_row_out(sayings, speech, tmp_path):
    table = pd.read_csv(sayings, dtype=str)
    table.loc[3, "sentence"] = ""
    manifest = speech / "corpus" / "half-said.csv"
    table.to_csv(manifest, index=False)
    assert set(measure(manifest, speech, tmp_path, trials=1).gap["split"]) == {"speaker", "random"}


def test_several_models_at_once_are_refused(sayings, speech, tmp_path):
    with pytest.raises(WrongCall, match="models: the gap is measured for one, and svm, rf are named"):
        measure(sayings, speech, tmp_path, models=["svm", "rf"])


def test_options_of_the_gap_without_it_are_refused(tmp_path):
    done = call("audit", "tones(speakers=2,takes=1)", "-m", "svm", cwd=tmp_path)
    assert done.returncode == 2
    assert "without --gap" in done.stderr


def test_without_sentences_there_is_no_text_independent_row(finished, speech, tmp_path):
    found = measure(speech / "corpus" / "clips.csv", speech, tmp_path)
    assert set(found.gap["split"]) == {"speaker", "random"}
    assert finished.leaderboard.loc[0, "uar"] == found.gap.loc[0, "uar"]
