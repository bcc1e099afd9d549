"""Clips that are evaluated: which are trained on, what is standardised together, and how predictions of folds become those of all clips."""

import numpy as np
import pandas as pd

from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet

CLIPS = pd.DataFrame(
    {
        "key": list("abcdef"),
        "emotion": ["anger", "fear"] * 3,
        "speaker": ["1", "1b", "2", "2", "3", "3"],
        "voice": ["1", "1", "2", "2", "3", "3"],
        "corpus": ["x"] * 4 + ["y"] * 2,
    },
    index=pd.Index(list("klmnop"), name="clip"),
)
FOLDS = {4: np.array([0, 0, 1, 1, 2, 2]), 7: np.array([1, 1, 0, 0, 0, 0])}
EVALUATED = EvaluationSet("made", "all", CLIPS, Protocol("group", 3), FOLDS)


def test_predictions_of_folds_stand_where_their_clips_are():
    decided = {(4, 0): np.array([5, 6]), (4, 2): np.array([7, 8]), (7, None): np.arange(6)}
    assert EVALUATED.joined(decided).tolist() == [[5, 6, -1, -1, 7, 8], [0, 1, 2, 3, 4, 5]]
    several = {(7, 1): np.array([[1, 2], [3, 4], [5, 6]])}
    assert EVALUATED.joined(several)[1].tolist() == [[1, 2, -1, -1, -1, -1], [3, 4, -1, -1, -1, -1], [5, 6, -1, -1, -1, -1]]
    assert (EVALUATED.joined(several)[0] == -1).all()


def test_what_is_trained_on_is_neither_held_out_nor_left_out_besides():
    assert EVALUATED.held_out(4, 1).tolist() == [False, False, True, True, False, False]
    assert not EVALUATED.held_out(4, None).any()
    assert EVALUATED.training(4, 1).tolist() == [True, True, False, False, True, True]
    assert EVALUATED.training(4, 1, 2).tolist() == [True, True, False, False, False, False]
    assert EVALUATED.training(7, 0).tolist() == [True, True, False, False, False, False]
    assert EVALUATED.training(4, None).all()
    assert EVALUATED.training(4, None, 0).tolist() == [False, False, True, True, True, True]


def test_the_fewest_voices_are_those_of_the_fold_that_trains_on_fewest():
    assert EVALUATED.fewest_voices() == 1
    assert EvaluationSet("made", "all", CLIPS, Protocol("group", 3), {4: FOLDS[4]}).fewest_voices() == 2


def test_each_track_standardises_its_own_clips_together():
    across = EvaluationSet("made", "all", CLIPS, Protocol("cross"), FOLDS)
    assert EVALUATED.standardised_together("train") is None
    assert EVALUATED.standardised_together("speaker").tolist() == ["1", "1", "2", "2", "3", "3"]
    assert EVALUATED.standardised_together("corpus").tolist() == [0] * 6
    assert across.standardised_together("corpus").tolist() == ["x"] * 4 + ["y"] * 2
    assert EVALUATED.voice_notes == ["4 speaker ids of 3 people"]
