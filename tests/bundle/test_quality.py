"""What a bundle claims is what its run measured on unseen speakers, and no more."""

import json

import numpy as np
import pytest
from sklearn.metrics import recall_score

from ser_bench.bundle.quality import quality_of
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.utils.formatting import records


@pytest.fixture(scope="module")
def quality(finished):
    (row,) = records(finished.leaderboard)
    return quality_of(RunFolder(finished.folder), row)


def test_the_score_is_that_of_the_leaderboard(quality, finished):
    row = finished.leaderboard.iloc[0]
    for name in ("uar", "uar_low", "uar_high", "war", "macro_f1", "auc"):
        assert quality[name] == row[name]
    assert (quality["clips"], quality["speakers"], quality["cv"]) == (row["clips"], row["speakers"], row["cv"])
    assert quality["chance"] == pytest.approx(1 / len(quality["by_class"]), abs=1e-4)
    json.dumps(quality, allow_nan=False)


def test_speakers_and_classes_are_scored_as_scikit_learn_scores_them(quality, finished):
    rows = finished.predictions
    by_speaker = [
        recall_score(mine["emotion"], mine["predicted"], average="macro", labels=sorted(set(mine["emotion"])))
        for _, mine in rows.groupby("voice")
    ]
    expected = {"lowest": min(by_speaker), "median": np.median(by_speaker), "highest": max(by_speaker)}
    assert quality["speaker_range"] == pytest.approx(expected, abs=1e-4)
    names = sorted(quality["by_class"])
    recalls = recall_score(rows["emotion"], rows["predicted"], average=None, labels=names)
    assert [quality["by_class"][name]["recall"] for name in names] == pytest.approx(recalls.tolist(), abs=1e-4)
    assert sum(found["clips"] for found in quality["by_class"].values()) == len(rows)
    assert set(quality["by_gender"]) == {"female", "male"}


def test_a_system_that_was_not_picked_from_several_is_not_corrected(quality):
    assert (quality["chosen_from"], quality["corrected"]) == (1, None)
