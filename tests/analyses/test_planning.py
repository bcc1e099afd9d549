"""What a study needs follows from what a run shows: intervals are those of its leaderboard, sentences count wherever they are known."""

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench import scores
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.reports.planning import summaries
from tests.calling import call
from tests.reports import fabricate

A, B, C = ("egemaps", "svm"), ("egemaps", "rf"), ("spectral+mfcc", "svm")
SKILLS = {A: 0.8, B: 0.7, C: 0.5}


def with_sentences(count: int) -> pd.DataFrame:
    """A clip table in which every speaker says every sentence in every emotion."""
    table = fabricate.clips(speakers=8, each=12 * count)
    return table.assign(sentence=[f"t{number // 3 % count}" for number in range(12 * count)] * 8)


def write_run(folder, table=None, skills=SKILLS, **changes):
    return fabricate.write_ranked_run(folder / "run", skills, table=table, **changes)


def test_the_interval_now_is_that_of_the_leaderboard(tmp_path):
    run = write_run(tmp_path, skills={C: 0.4})
    predictions = pd.read_parquet(run / "predictions.parquet")
    easy = predictions["speaker"].isin(["s0", "s1", "s2"])
    predictions.loc[easy, "predicted"] = predictions.loc[easy, "emotion"]
    predictions.to_parquet(run / "predictions.parquet")
    shown = ser_bench.plan_study(run)
    counts = scores.speaker_counts(*(predictions[name] for name in ("emotion", "predicted", "speaker")))
    ((_, low, high),) = scores.combinations_of([counts], [[1.0]], inflation=shown["variance_ratio"].iloc[0])
    assert 0 < low < high < 1
    assert shown["half_width"].iloc[0] == pytest.approx((high - low) / 2)


def test_every_row_and_every_pair_is_planned_for_each_target(tmp_path):
    table = ser_bench.plan_study(write_run(tmp_path), width=0.04, difference=[0.01, 0.03])
    assert (table["goal"] == "interval").sum() == 3 * 2
    assert (table["goal"] == "difference").sum() == 3 * 2 * 2
    assert set(table.loc[table["goal"] == "difference", "target"]) == {0.01, 0.03}


def test_the_number_needed_lies_in_its_confidence_interval_and_twice_the_clips_need_no_more(tmp_path):
    table = ser_bench.plan_study(write_run(tmp_path, with_sentences(4)), sentences=12)
    assert (table["needed_low"] <= table["speakers_needed"]).all()
    assert (table["speakers_needed"] <= table["needed_high"]).all()
    fixed = table[(table["covers"] == "speakers") & (table["goal"] == "interval")]
    once, twice = (part["speakers_needed"].to_numpy() for _, part in fixed.groupby("clips_per_speaker"))
    assert (twice <= once).all()


def test_planning_with_the_sentences_there_are_adds_nothing(tmp_path):
    run = write_run(tmp_path, with_sentences(4))
    pd.testing.assert_frame_equal(ser_bench.plan_study(run, sentences=4), ser_bench.plan_study(run))


def test_voices_that_are_one_person_count_once(tmp_path):
    table = fabricate.clips()
    run = write_run(tmp_path, table.assign(voice=table["speaker"].replace("s1", "s0")))
    assert set(ser_bench.plan_study(run)["speakers"]) == {7}


def test_sentences_that_differ_bound_the_interval_whatever_the_number_of_speakers(tmp_path):
    table = with_sentences(2)
    run = write_run(tmp_path, table)
    predictions = pd.read_parquet(run / "predictions.parquet")
    easy = predictions["clip"].map(table["sentence"]) == "t0"
    predictions.loc[easy, "predicted"] = predictions.loc[easy, "emotion"]
    predictions.to_parquet(run / "predictions.parquet")
    found = ser_bench.plan_study(run, width=0.02)
    crossed = found[(found["covers"] == "speakers and sentences") & (found["goal"] == "interval")]
    assert np.isinf(crossed["speakers_needed"]).all()
    assert (crossed["least"] > 0.02).all()
    alone = found[(found["covers"] == "speakers") & (found["goal"] == "interval")]
    assert np.isfinite(alone["speakers_needed"]).all()
    assert any("With 2 sentences, no number of speakers narrows" in note for note in found.attrs["notes"])
    shown = [row for summary in summaries(found) for row in summary.rows]
    assert any("never" in row for row in shown)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [(None, "does not say which sentence"), ("", "96 clips have no sentence"), ("t", "all clips say 't'")],
)
def test_unknown_sentences_are_named_and_not_guessed(tmp_path, sentence, said):
    table = fabricate.clips() if sentence is None else fabricate.clips().assign(sentence=sentence)
    found = ser_bench.plan_study(write_run(tmp_path, table))
    assert set(found["covers"]) == {"speakers"}
    assert said in found.attrs["notes"][-1]


def test_sentences_of_one_speaker_each_are_not_crossed(tmp_path):
    table = fabricate.clips()
    found = ser_bench.plan_study(write_run(tmp_path, table.assign(sentence="said by " + table["speaker"])))
    assert "no sentence is spoken by two speakers" in found.attrs["notes"][-1]


def test_a_leaky_row_is_left_out_by_name_and_a_run_of_nothing_else_is_refused(tmp_path):
    with pytest.raises(WrongCall, match=r"no ranked row to plan from: left out: egemaps svm \(leaky\)"):
        ser_bench.plan_study(write_run(tmp_path, cv="random:8", status="leaky"))


def test_the_components_are_those_of_the_differences_between_two_rows(tmp_path):
    table = with_sentences(4)
    run = write_run(tmp_path, table, {A: 0.8, C: 0.5})
    found = ser_bench.plan_study(run)
    predictions = pd.read_parquet(run / "predictions.parquet")
    right = (predictions["predicted"] == predictions["emotion"]).astype(float)
    one, other = (right[predictions["features"] == name].to_numpy() for name in ("egemaps", "spectral+mfcc"))
    spread = scores.crossed_spread(one - other, table["emotion"], table["speaker"], table["sentence"])
    row = found[(found["goal"] == "difference") & (found["covers"] == "speakers and sentences")].iloc[0]
    for name in ("speaker", "sentence", "cell", "clip"):
        assert row[f"sd_{name}"] * abs(row[f"sd_{name}"]) == pytest.approx(getattr(spread, name))


@pytest.mark.usefixtures("every_kind_of_picture")
def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = write_run(tmp_path, with_sentences(2))
    names = ("planning.csv", "figures/planning.png", "figures/planning.svg", "figures/planning.pdf")
    written = []
    for place in ("a", "b"):
        ser_bench.plan_study(run, to=tmp_path / place)
        written.append([(tmp_path / place / name).read_bytes() for name in names])
    assert written[0] == written[1]
    assert not (run / "planning.csv").exists()


def test_predictions_that_lack_clips_are_refused(tmp_path):
    run = write_run(tmp_path)
    predictions = pd.read_parquet(run / "predictions.parquet")
    predictions[predictions["clip"] != "s0/0.wav"].to_parquet(run / "predictions.parquet")
    with pytest.raises(WorkFailed, match=r"lack 1 clip, such as s0/0.wav"):
        ser_bench.plan_study(run)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"width": 0}, "width"), ({"difference": (0.02, 2)}, "difference"), ({"power": 0.01}, "power"), ({"sentences": 1}, "sentences")],
)
def test_what_cannot_be_planned_for_is_refused(tmp_path, options, said):
    with pytest.raises(WrongCall, match=f"^{said}"):
        ser_bench.plan_study(tmp_path, **options)


def test_the_command_prints_what_is_needed_and_where_it_is_written(tmp_path):
    run = write_run(tmp_path, with_sentences(2))
    done = call("plan", run, "--width", 0.05, "--difference", 0.1)
    assert done.returncode == 0, done.stderr
    for text in ("UAR \u00b1.05", "difference .10", "speakers and sentences", "With 2 sentences", str(run / "planning.csv")):
        assert text in done.stdout
    assert (run / "figures" / "planning.svg").is_file()


def test_a_folder_that_is_no_run_is_a_wrong_call(tmp_path):
    done = call("plan", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no finished run: it has no leaderboard.csv" in done.stderr


def test_one_folder_for_several_runs_is_refused(tmp_path):
    done = call("plan", tmp_path, tmp_path / "b", "-o", tmp_path / "c")
    assert done.returncode == 2
    assert "one folder for 2 runs" in done.stderr
