"""Which row of a run is fitted, with what was chosen for it; and which cannot be."""

import json
import re
import shutil

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ser_bench
from ser_bench.bundle.run_rows import row_of, typical_choice, why_not
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.run_folder import RunFolder


def searches(*chosen):
    rows = [(0, fold, score, json.dumps(params)) for fold, (score, params) in enumerate(chosen)]
    return pd.DataFrame(rows, columns=["seed", "fold", "score", "params"])


def test_what_most_searches_agree_on_is_taken_though_another_scored_higher():
    found = typical_choice(searches((0.5, {"C": 1}), (0.9, {"C": 2}), (0.4, {"C": 1})))
    assert found.params == {"C": 1}
    assert found.how == "chosen by 2 of the row's 3 searches (one per outer fold and seed), more than any other"


def test_of_sets_that_no_two_searches_agree_on_the_one_in_the_middle_is_taken():
    found = typical_choice(searches((0.9, {"C": 1}), (0.1, {"C": 2}), (0.5, {"C": 3}), (0.6, {"C": 4})))
    assert (found.params, found.score) == ({"C": 3}, 0.5)
    assert "of 4 sets, each chosen only once" in found.how
    assert "(seed 0, outer fold 2)" in found.how


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_choice_is_one_of_the_commonest_whatever_the_order(chosen, random):
    table = searches(*((score, {"C": number}) for score, number in chosen))
    found = typical_choice(table)
    numbers = [number for _, number in chosen]
    assert numbers.count(found.params["C"]) == max(map(numbers.count, numbers))
    shuffled = table.sample(frac=1, random_state=random.randrange(1000))
    assert typical_choice(shuffled) == found


ROW = {"features": "spectral", "model": "svm", "track": "train", "status": "ok", "reason": "", "notes": []}


@pytest.mark.parametrize(
    ("row", "config", "why"),
    [
        ({"model": "external"}, {}, "made elsewhere"),
        ({"status": "failed", "reason": "no room"}, {}, r"it failed \(no room\)"),
        ({"status": "leaky"}, {}, "LEAKY: nothing is known of it on unseen speakers"),
        ({"track": "speaker"}, {}, "standardises by all clips of a speaker"),
        ({}, {"variant": "noise(snr=10)"}, "evaluated on changed clips"),
    ],
)
def test_a_row_that_is_of_no_use_on_a_new_speaker_is_refused_with_the_reason(row, config, why):
    assert re.search(why, why_not({**ROW, **row}, RunConfig(**config)))
    assert why_not(ROW, RunConfig()) == ""


def test_a_row_is_named_by_its_rank_or_by_its_system(finished):
    folder = RunFolder(finished.folder)
    first = row_of(folder)
    assert first.row["rank"] == 1
    assert repr(row_of(folder, features="spectral", model="logreg").row) == repr(row_of(folder, rank=1).row) == repr(first.row)
    assert len(first.chosen) == len(finished.trials[finished.trials["chosen"]])
    with pytest.raises(WrongCall, match=r"such rows? on track train, none of rank 7"):
        row_of(folder, rank=7)
    with pytest.raises(WrongCall, match=r"unknown model of .*: 'logrek': did you mean 'logreg'"):
        row_of(folder, model="logrek")
    with pytest.raises(WrongCall, match=r"--fold 9: .* has folds 0 to"):
        first.choice(0, 9)
    with pytest.raises(WrongCall, match=r"--seed 5: .* has seeds 0 to 0"):
        first.choice(5)


def test_a_folder_that_is_no_run_and_one_whose_clips_have_changed_are_refused(first, speech, tmp_path):
    with pytest.raises(WrongCall, match=r"^--from .* is no finished run: it has no run.toml$"):
        ser_bench.fit(from_run=tmp_path / "nothing")
    corpus = tmp_path / "corpus"
    shutil.copytree(speech / "corpus", corpus)
    table = pd.read_csv(corpus / "clips.csv")
    table.loc[0, "emotion"] = next(emotion for emotion in table["emotion"] if emotion != table.loc[0, "emotion"])
    table.to_csv(corpus / "clips.csv", index=False)
    with pytest.raises(WrongCall, match="are not those of the run any more"):
        ser_bench.fit(corpus / "clips.csv", from_run=first.folder, models="logreg", cache=speech / "store", jobs=1)
