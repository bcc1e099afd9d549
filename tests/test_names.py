"""No name moves a result: a corpus, scheme, feature set or speaker may be called anything."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ser_bench
from ser_bench.api import run
from ser_bench.evaluation.splits import Protocol, numbered, parse_cv, speaker_folds, training_clips, voice_folds
from ser_bench.evaluation.units import make_unit
from ser_bench.results import Results
from tests.evaluation.test_units import CLIPS, FEATURES, JUDGED, LOGREG, PLAIN
from tests.small import SMALL, WITHOUT_CURVES

NAMES = ["corpus", "features", "speaker", "voice"]
WAYS = {"models": ["rf", "mlp"], "cv": "group:2@2", "seeds": 2, "track": ["train", "speaker"], "learning_curves": False}


def called_anew(speech: Path, folder: Path, name: str, speakers: dict[str, str] | None = None) -> Path:
    """The clips of the fixture `speech`, as a manifest of that name, with other names of speakers."""
    shutil.copytree(speech / "corpus", folder)
    table = pd.read_csv(folder / "clips.csv", dtype=str)
    (folder / "clips.csv").unlink()
    table.assign(speaker=table["speaker"].replace(speakers or {})).to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def nameless(results: Results) -> bytes:
    """Predictions and trials but for what names and times may change."""
    return (
        results.predictions.drop(columns=NAMES).to_csv().encode()
        + results.trials.drop(columns=["corpus", "features", "seconds"]).to_csv().encode()
    )


@pytest.fixture(scope="module")
def usual(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("usual")
    return run(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **{**SMALL, **WAYS})


def test_a_renamed_corpus_and_renamed_speakers_are_predicted_alike(speech, tmp_path, usual):
    """Two of them take each other's names, one stands first now, and one last."""
    speakers = {"01": "04", "04": "01", "02": "z", "03": "00"}
    manifest = called_anew(speech, tmp_path / "folder of another name", "zebra", speakers)
    renamed = run(manifest, out=str(tmp_path / "out"), cache=str(speech / "store"), **{**SMALL, **WAYS})
    assert nameless(renamed) == nameless(usual)


def test_a_renamed_corpus_refits_nothing(speech, tmp_path, usual):
    manifest = called_anew(speech, tmp_path / "moved", "zebra", {"01": "z"})
    out = usual.folder.parent
    assert run(manifest, out=str(out), cache=str(speech / "store"), **{**SMALL, **WAYS}).fitted == 0


def test_the_same_features_under_another_name_are_the_same_units(speech, tmp_path):
    vectors = ser_bench.extract(ser_bench.load_corpus(speech / "corpus" / "clips.csv"), "spectral", cache=speech / "store")
    for name in ("mine", "yours"):
        vectors.to_parquet(tmp_path / f"{name}.parquet")
    options = {
        "out": str(tmp_path),
        "cache": str(speech / "store"),
        **WITHOUT_CURVES,
        "features": [str(tmp_path / f"{n}.parquet") for n in ("mine", "yours")],
    }
    results = run(speech / "corpus" / "clips.csv", **options)
    assert results.fitted == 2
    mine, yours = (results.predictions[results.predictions["features"] == name] for name in ("mine", "yours"))
    assert mine.drop(columns="features").reset_index(drop=True).equals(yours.drop(columns="features").reset_index(drop=True))
    assert results.leaderboard["uar"].nunique() == 1


@pytest.mark.parametrize("fold", [0, 1, None])
def test_names_of_corpus_scheme_and_features_are_in_no_seed_and_no_hash(fold):
    named = make_unit(JUDGED, FEATURES, LOGREG, **{**PLAIN, "fold": fold})
    eval_set = dataclasses.replace(JUDGED, corpus="other", labels="big4", clips=CLIPS.assign(speaker=list("bbaa"), voice=list("bbaa")))
    assert (
        dataclasses.replace(
            make_unit(eval_set, dataclasses.replace(FEATURES, name="own"), LOGREG, **{**PLAIN, "fold": fold}), features="set"
        )
        == named
    )


def test_a_fold_s_number_reaches_no_seed():
    swapped = dataclasses.replace(JUDGED, protocol=Protocol("predefined"), folds={0: np.array([1, 1, 0, 0])})
    before = [JUDGED.contents[0, fold] for fold in (0, 1)]
    assert [swapped.contents[0, fold] for fold in (1, 0)] == before
    assert before[0] != before[1]


def test_a_held_out_emotion_moves_no_seed_and_one_that_is_learnt_from_does():
    eval_set = dataclasses.replace(JUDGED, clips=CLIPS.assign(emotion=["fear", "anger", "anger", "fear"]))
    held, learnt = (make_unit(eval_set, FEATURES, LOGREG, **{**PLAIN, "fold": fold}) for fold in (0, 1))
    before = [make_unit(JUDGED, FEATURES, LOGREG, **{**PLAIN, "fold": fold}) for fold in (0, 1)]
    assert (held.search_seed, held.fold_seed) == (before[0].search_seed, before[0].fold_seed)
    assert learnt.search_seed != before[1].search_seed
    assert learnt.fold_seed != before[1].fold_seed
    assert held.hash != before[0].hash


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("xyz")), min_size=10, max_size=60),
    st.permutations(list("abcdefg")),
    st.sampled_from(["loso", "group:2", "group:2@2"]),
    st.integers(0, 5),
)
def test_how_voices_are_called_moves_no_fold(rows, names, cv, seed):
    who, labels = (np.array(column) for column in zip(*rows, strict=True))
    if len(np.unique(who)) < 3:
        return
    tables = [pd.DataFrame({"voice": np.array(called)[who], "emotion": labels}) for called in (list("abcdefg"), names)]
    protocol = parse_cv(cv)
    folds = [speaker_folds(table, protocol, seed) for table in tables]
    assert (folds[0] == folds[1]).all()
    learnt = [training_clips(table, protocol, folds[0], 0, seed) for table in tables]
    assert (learnt[0] == learnt[1]).all()


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30))
def test_names_are_numbered_as_they_appear(names):
    order = list(dict.fromkeys(names))
    assert numbered(np.array(names)).tolist() == [order.index(name) for name in names]
    assert (voice_folds(np.array(names), np.full(len(names), "x"), 1, 0) == 0).all()
