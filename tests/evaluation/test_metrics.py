"""Every metric has its interval, and each is what leaving one speaker out after the other gives."""

import numpy as np
import pandas as pd
import pytest

from ser_bench import scores
from ser_bench.evaluation.leaderboard import evidence_of
from ser_bench.evaluation.metrics import metric_table
from ser_bench.evaluation.run_folder import RunFolder
from tests.reports import fabricate
from tests.small import with_pages

CLIPS = fabricate.clips().assign(gender=lambda clips: np.where(clips["speaker"] < "s4", "female", "male"))
METRICS = {
    "uar": lambda rows, p, folds: scores.uar(rows["emotion"], rows["predicted"]),
    "war": lambda rows, p, folds: scores.war(rows["emotion"], rows["predicted"]),
    "macro_f1": lambda rows, p, folds: scores.macro_f1(rows["emotion"], rows["predicted"]),
    "uar.fold": lambda rows, p, folds: np.mean(list(scores.uar_by(rows["emotion"], rows["predicted"], folds).values())),
    "auc": lambda rows, p, folds: scores.auc(rows["emotion"], p, folds),
    "micro_auc": lambda rows, p, folds: scores.micro_auc(rows["emotion"], p, folds),
    "log_loss": lambda rows, p, folds: scores.log_loss(rows["emotion"], p),
    "calibration_error": lambda rows, p, folds: scores.calibration_error(rows["emotion"], rows["predicted"], p),
    "precision.fear": lambda rows, p, folds: scores.precisions(rows["emotion"], rows["predicted"])["fear"],
    "f1.fear": lambda rows, p, folds: scores.f1s(rows["emotion"], rows["predicted"])["fear"],
    "recall.fear": lambda rows, p, folds: scores.recalls(rows["emotion"], rows["predicted"])["fear"],
    "auc.fear": lambda rows, p, folds: scores.aucs(rows["emotion"], p, folds)["fear"],
}


def table(predictions: pd.DataFrame) -> pd.DataFrame:
    """The metrics of rows whose variance ratios are the most that there can be."""
    cells = predictions[["corpus", "features", "model", "track"]].drop_duplicates()
    board = cells.assign(status="ok", variance_ratio=scores.overlap_bound(predictions["speaker"].nunique()))
    return metric_table(evidence_of(predictions, board, None), CLIPS, board)


@pytest.fixture(scope="module")
def predictions() -> pd.DataFrame:
    """Of one system with probabilities that differ from clip to clip, two speakers in each of four folds."""
    rows = fabricate.predictions(CLIPS, "egemaps", "svm", 0.7)
    columns = [f"p.{emotion}" for emotion in fabricate.EMOTIONS]
    p = rows[columns].to_numpy() + np.random.default_rng(0).random((len(rows), 3))
    rows[columns] = p / p.sum(1, keepdims=True)
    return rows.assign(fold=rows["fold"] // 2)


@pytest.fixture(scope="module")
def metrics(predictions) -> pd.DataFrame:
    return table(predictions).set_index("metric")


def value(name, rows):
    p = rows[[f"p.{emotion}" for emotion in fabricate.EMOTIONS]].to_numpy()
    return METRICS[name](rows.astype({"emotion": str, "predicted": str}), p, rows["fold"].to_numpy())


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_and_its_interval_are_those_of_scoring_without_each_speaker(name, predictions, metrics):
    speakers = sorted(set(predictions["speaker"]))
    without = np.array([value(name, predictions[predictions["speaker"] != who]) for who in speakers])
    whole, inflation = value(name, predictions), scores.overlap_bound(8)
    if name in ("log_loss", "calibration_error"):
        known = scores.loss_interval(whole, without, np.full(8, 12), 1 / 96, inflation=inflation)
    else:
        # Variances of these speakers are above those of independent clips: how many clips there are at most is never decisive.
        known = scores.statistic_interval(whole, without, np.full(8, 12), 1e9, inflation=inflation)
    assert metrics.loc[name, "value"] == pytest.approx(whole, abs=5e-5)
    low, high = metrics.loc[name, ["low", "high"]]
    assert low <= known.low + 1e-4
    assert high >= known.high - 1e-4
    assert high - low <= 1.6 * (known.high - known.low)


def test_no_metric_is_without_an_interval(metrics):
    scored = metrics[~metrics.index.str.startswith("sd.")]
    assert (scored["high"] - scored["low"] > 0.01).all()
    assert (scored["low"] <= scored["value"]).all()
    assert (scored["value"] <= scored["high"]).all()


def test_the_leaderboard_has_the_same_intervals(predictions, metrics):
    (row,) = fabricate.rank(predictions, pd.DataFrame([fabricate.cell("egemaps", "svm", CLIPS)])).to_dict("records")
    for name, format_score in (("uar", "uar"), ("war", "war"), ("macro_f1", "f1"), ("auc", "auc")):
        assert metrics.loc[name, ["value", "low", "high"]].tolist() == [row[name], row[f"{format_score}_low"], row[f"{format_score}_high"]]


def test_genders_are_compared_without_pairing(predictions, metrics):
    female = predictions["speaker"] < "s4"
    uars = [
        scores.uar(rows["emotion"].to_numpy(str), rows["predicted"].to_numpy(str)) for rows in (predictions[female], predictions[~female])
    ]
    above = metrics.loc["uar.female-male"]
    assert above["value"] == pytest.approx(uars[0] - uars[1], abs=1e-4)
    assert metrics.loc[["uar.female", "uar.male"], "value"].tolist() == pytest.approx(uars, abs=5e-5)
    assert above["high"] - above["value"] == pytest.approx(above["value"] - above["low"], abs=2e-4)


def test_genders_are_named_as_they_are(tmp_path):
    """A gender may be called what a difference between two others would be."""
    cells, found, baselines = fabricate.write_run(tmp_path)
    speakers = RunFolder(tmp_path).read_clips()["speaker"]
    genders = {speaker: ("non", "binary", "non-binary", "fold")[at % 4] for at, speaker in enumerate(sorted(set(speakers)))}
    clips = RunFolder(tmp_path).read_clips().assign(gender=speakers.map(genders))
    clips.to_parquet(tmp_path / "clips.parquet")
    with with_pages(figures=False):
        fabricate.publish(RunFolder(tmp_path), cells, found, baselines)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "UAR, non-binary" in page
    assert "UAR, fold" in page
    assert "UAR, binary minus non-binary" in page
    assert "UAR, non minus binary" not in page


def test_the_worst_speaker_s_interval_is_that_of_having_been_picked(predictions, metrics):
    by_speaker = scores.uar_by(
        predictions["emotion"].to_numpy(str), predictions["predicted"].to_numpy(str), predictions["speaker"].to_numpy(str)
    )
    worst = metrics.loc["uar.worst_speaker"]
    assert worst["value"] == pytest.approx(min(by_speaker.values()), abs=5e-5)
    p, n, z2 = worst["value"], 12, 7.48  # z of .95 for eight speakers at once: 2.734
    middle, reach = (p + z2 / 2 / n) / (1 + z2 / n), np.sqrt(z2 / n * p * (1 - p) + (z2 / n) ** 2 / 4) / (1 + z2 / n)
    assert (worst["low"], worst["high"]) == pytest.approx((middle - reach, middle + reach), abs=0.05)


def test_the_order_of_predictions_changes_no_metric(predictions):
    shuffled = predictions.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(table(shuffled), table(predictions))


def test_seeds_are_no_more_clips(predictions, metrics):
    """Where every seed predicts the same, intervals are those of one."""
    again = table(pd.concat([predictions, predictions.assign(seed=1)])).set_index("metric")
    again, metrics = (table[~table.index.str.startswith("sd.")] for table in (again, metrics))
    pd.testing.assert_frame_equal(again, metrics, atol=1.01e-4)


@pytest.mark.usefixtures("pages")
def test_a_run_folder_and_its_page_hold_them(tmp_path):
    cells, found, baselines = fabricate.write_run(tmp_path)
    fabricate.publish(RunFolder(tmp_path), cells, found, baselines)
    written = pd.read_csv(tmp_path / "metrics.csv")
    assert list(written.columns) == ["corpus", "features", "model", "track", "metric", "gender", "minus", "value", "low", "high"]
    assert len(written.drop_duplicates(["features", "model", "track"])) == 5
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    row = (
        written[(written["model"] == "svm") & (written["track"] == "train")].set_index(["features", "metric"]).loc[("egemaps", "log_loss")]
    )
    told = "[{:.3f}, {:.3f}]".format(row["low"], row["high"]).replace("0.", ".")
    assert told in page
    assert "UAR, worst speaker" in page
    assert 'effective number of speakers</th><td class="num">7.9' in page
