"""Scores of a recipe's systems, from predictions made by hand."""

import numpy as np
import pandas as pd
import pytest

from ser_bench.corpora.label_schemes import LabelScheme
from ser_bench.evaluation.reproduction import metrics_in
from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet

FEAR = {"fear": "fear", "anger": "anger"}
SCHEME = LabelScheme("mine", "", {"gender": {"f": "not male", "m": "not female"}, "emotion": FEAR})


def test_the_first_of_two_steps_is_by_the_column_s_words_however_many_there_are():
    """Every clip is taken for a fearful woman; half are women's, half fearful."""
    labels = [f"{gender} {emotion}" for gender in ("not male", "not female") for emotion in FEAR] * 2
    clips = pd.DataFrame({"emotion": labels, "voice": list("aabbccdd")}, index=pd.Index(list("klmnopqr"), name="clip"))
    p = {f"p.{label}": 0.7 if label == "not male fear" else 0.1 for label in sorted(set(labels))}
    rows = clips.reset_index().assign(seed=0, fold=[0] * 4 + [1] * 4, predicted="not male fear", **p)
    folds = {0: np.repeat([0, 1], 4)}
    eval_set = EvaluationSet("made", "mine", clips, Protocol("group", 2), folds, SCHEME.made_of, SCHEME.parts)
    found = dict(metrics_in(rows, eval_set, 1.0))
    assert found["two_steps.gender"][0] == pytest.approx(0.5)
    assert found["two_steps.accuracy"][0] == pytest.approx(0.25)
