"""What systems get wrong together: which clips, in which order, and which classes are taken for which."""

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.misclassified import always_misclassified, confused


def rows(*said: str, system: str = "svm", seed: int = 0, p: float = 0.5) -> pd.DataFrame:
    """Predictions of one system on clips that all mean anger."""
    clips = [f"{place}.wav" for place in range(len(said))]
    table = pd.DataFrame({"clip": clips, "speaker": "s1", "emotion": "anger", "predicted": said, "p.anger": p})
    return table.assign(corpus="made up", features="egemaps", model=system, track="train", seed=seed, fold=0)


def test_only_clips_that_no_system_and_no_seed_gets_right_are_told_of():
    found = always_misclassified(
        pd.concat(
            [
                rows("fear", "fear", "anger", "fear"),
                rows("fear", "anger", "fear", "fear", seed=1),
                rows("neutral", "fear", "fear", "fear", system="rf"),
            ]
        )
    )
    assert sorted(found.index) == ["0.wav", "3.wav"]
    assert found.loc["0.wav", ["said", "share"]].tolist() == ["fear", pytest.approx(2 / 3)]


def test_what_was_thought_least_probable_comes_first():
    table = rows("fear", "fear", "fear")
    table["p.anger"] = [0.3, 0.1, 0.2]
    assert always_misclassified(table).index.tolist() == ["1.wav", "2.wav", "0.wav"]


def test_without_probabilities_what_most_agree_on_comes_first():
    found = always_misclassified(pd.concat([rows("fear", "fear", p=np.nan), rows("calm", "fear", system="rf", p=np.nan)]))
    assert found.index.tolist() == ["1.wav", "0.wav"]
    assert found["p"].isna().all()


def test_confusions_are_shares_of_what_was_meant():
    pairs = confused(pd.concat([rows("fear", "fear", "anger", "calm"), rows("anger").assign(emotion="fear")]))
    assert pairs.to_dict("records") == [
        {"meant": "fear", "said": "anger", "n": 1, "share": 1.0},
        {"meant": "anger", "said": "fear", "n": 2, "share": 0.5},
        {"meant": "anger", "said": "calm", "n": 1, "share": 0.25},
    ]
