"""What a package of one's own calls by a former name still works, with a warning that says the present one."""

from __future__ import annotations

import numpy as np
import pytest

import ser_bench.corpora
import ser_bench.models
from ser_bench.corpora import FileNameReader
from ser_bench.models import Fitted, Model


def test_a_model_written_with_former_names_predicts_and_selects_columns():
    with pytest.warns(FutureWarning) as said:
        old = type("Old", (Fitted,), {"judge": lambda self, x: x + 1, "rests_on": lambda self: np.ones(1)})
    with pytest.warns(FutureWarning, match="'most_columns' is called 'max_features' now"):
        few = type("Few", (Model,), {"most_columns": 7})
    assert old().predict(1) == 2
    assert old().feature_importances().tolist() == [1.0]
    assert few.max_features == 7
    assert sorted(str(one.message).split(": ")[1] for one in said) == [
        "'judge' is called 'predict' now",
        "'rests_on' is called 'feature_importances' now",
    ]


def test_a_reader_written_with_former_names_has_its_constants_and_columns():
    with pytest.warns(FutureWarning):
        old = type("Old", (FileNameReader,), {"always": {"language": "de"}, "complete": lambda self, clips, folder: clips})
    assert old.constants == {"language": "de"}
    assert old.derive_columns is old.complete


@pytest.mark.parametrize(
    ("package", "old", "new"), [("models", "Verdict", "Prediction"), ("models", "Plan", "PreparedFit"), ("corpora", "Facts", "CorpusInfo")]
)
def test_a_class_that_was_renamed_is_found_under_its_former_name(package, old, new):
    with pytest.warns(FutureWarning, match=f"is called {new} now"):
        assert getattr(getattr(ser_bench, package), old) is getattr(getattr(ser_bench, package), new)
    assert not hasattr(getattr(ser_bench, package), "nothing")
