"""A fitted system is a unit of a run: the same search, the same machine, the same bits."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.bundle import fitting
from ser_bench.bundle.about import corpus_of
from ser_bench.config import RunConfig
from ser_bench.corpora.emodb import EmoDB
from ser_bench.errors import WrongCall
from ser_bench.evaluation.plan import make_plan
from ser_bench.evaluation.runner import unit_data
from ser_bench.evaluation.scaling import scaled_split
from ser_bench.evaluation.search import folds_inside
from ser_bench.evaluation.splits import derive_seed
from ser_bench.models import Fitted, known_models, prepare_split
from ser_bench.models.calibration import fit_calibrator
from ser_bench.models.logreg import LogisticRegression
from ser_bench.utils.progress import Silent
from tests.small import SMALL, WITHOUT_CURVES

SMALL_NETWORKS = {"dense": "dense(epochs=2,layers=8,patience=0)", "cnn": "cnn(epochs=2,layers=c4x3,patience=0)"}
MODELS = ["svm(kernel=linear)", *(SMALL_NETWORKS.get(name, name) for name, model in known_models().items() if not model.lacks())]
QUICK = {"trials": 2, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def manifest(speech):
    return speech / "corpus" / "clips.csv"


@pytest.fixture(scope="module")
def store(speech):
    return speech / "store"


@pytest.fixture(scope="module")
def every_model(manifest, store, tmp_path_factory):
    """A run of every family of models."""
    how = {**WITHOUT_CURVES, "models": MODELS, "cv": "group:2", "cache": store, "out": tmp_path_factory.mktemp("every")}
    return ser_bench.run(manifest, **how)


def in_order(folder, store):
    """Features of the clips of a run, in the order in which units have them."""
    clips = pd.read_parquet(folder / "clips.parquet").rename_axis("clip").sort_values(["key", "emotion", "clip"])
    source = RunConfig(corpus=ser_bench.config.read_config(folder / "run.toml")["corpus"]).corpus[0]
    return ser_bench.extract(source, "spectral", cache=store, jobs=1).loc[clips.index]


def predictions_of(run, model, fold):
    rows = run.predictions[(run.predictions["model"] == model) & (run.predictions["fold"] == fold)].set_index("clip")
    assert len(rows)
    return rows


def check_predictions(bundle, expected, x):
    """Decisions and probabilities of the clips that a run held out, bit for bit."""
    x = x[x.index.isin(expected.index)]
    found = bundle.decide(x.to_numpy())
    assert np.array(bundle.classes)[found.predicted].tolist() == expected.loc[x.index, "predicted"].tolist()
    assert np.array_equal(found.scores, expected.loc[x.index, [f"p.{name}" for name in bundle.classes]].to_numpy())


@pytest.mark.filterwarnings("ignore:the effective number")
@pytest.mark.parametrize("model", MODELS)
def test_a_fold_fitted_again_predicts_its_held_out_clips_as_the_run_did(model, every_model, store, tmp_path):
    made = ser_bench.fit(from_run=every_model, models=model, fold=1, to=tmp_path / "m.serb", jobs=1)
    expected = predictions_of(every_model, model, 1)
    x = in_order(every_model.folder, store)
    assert made.about["search"]["fold"] == 1
    assert set(made.about["search"]["held_out"]) == set(expected["speaker"])
    for bundle in (made, ser_bench.load(tmp_path / "m.serb")):
        check_predictions(bundle, expected, x)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_speech_that_a_run_held_out_is_predicted_as_the_run_did(real_corpora, tmp_path):
    some = "speaker in ['03', '08', '09'] and sentence in ['a01', 'b01']"
    how = {**WITHOUT_CURVES, "models": "svm", "where": some, "cv": "loso", "cache": tmp_path / "store", "out": tmp_path / "out"}
    run = ser_bench.run(real_corpora / "emodb", **how)
    x = in_order(run.folder, tmp_path / "store")
    check_predictions(ser_bench.fit(from_run=run, fold=2, jobs=1), predictions_of(run, "svm", 2), x)


@pytest.fixture(scope="module")
def planned(manifest, store):
    config = RunConfig(**{**SMALL, "corpus": manifest, "models": "svm", "cv": "group:2", "cache": store, "trials": 3})
    return make_plan(config.for_corpus(manifest), Silent(), keeping=False)


def test_every_clip_is_trained_on_whatever_the_split(planned):
    found = fitting.fit_system(planned, Silent(), seed=0)
    assert found.trained.all()
    x = planned.features["spectral"].values
    assert np.array_equal(found.mean, x.mean(0, dtype=np.float64).astype(np.float32))
    loso = dataclasses.replace(planned, data=dataclasses.replace(planned.data, eval_set=fitting.everyone(planned.eval_set, 0)))
    unit, everybody = fitting.system_unit(planned, 0, None)
    again, _ = fitting.system_unit(dataclasses.replace(loso, units=planned.units), 0, None)
    assert (unit.search_seed, unit.fold_seed) == (again.search_seed, again.fold_seed)
    assert everybody.training(0, None).all()


def test_a_corpus_is_called_as_its_owners_call_it(planned):
    known = dataclasses.replace(planned.data.corpus, facts=EmoDB.facts)
    assert corpus_of(dataclasses.replace(planned.data, corpus=known), planned.config)["title"] == "EMO-DB"


@pytest.mark.filterwarnings("ignore:the effective number")
def test_clips_that_are_not_standardised_are_decided_about_as_they_are(manifest, store):
    where = {"features": "spectral", "models": "logreg", "track": "none", "evaluate": False, "cache": store, **QUICK}
    bundle = ser_bench.fit(manifest, augment="gain", augment_only="anger", **where)
    assert [note for note in bundle.about["notes"] if "changed copies of 8 clips were trained on" in note]
    x = ser_bench.extract(manifest, "spectral", cache=store, jobs=1).to_numpy()
    assert np.array_equal(bundle.standardised(x), x)
    assert bundle.average == pytest.approx(x.mean(0), rel=1e-5)


def test_probabilities_are_calibrated_on_clips_whose_speakers_no_inner_machine_heard(planned):
    found = fitting.fit_system(planned, Silent(), seed=0)
    unit, everybody = fitting.system_unit(planned, 0, None)
    data = unit_data(everybody, planned.features["spectral"], unit)
    folds = folds_inside(data, planned.config.inner, unit.fold_seed)
    model, scores = planned.models["svm"], np.empty((len(data.y), len(data.classes)))
    for number in range(folds.max() + 1):
        assert not set(data.voices[folds == number]) & set(data.voices[folds != number])
        split = scaled_split(data, data.x, np.flatnonzero(folds != number), np.flatnonzero(folds == number))
        seed = derive_seed(unit.search_seed, "model", number)
        scores[folds == number] = prepare_split(model, split).run(found.chosen.params, seed).scores
    expected = fit_calibrator(scores, data.y)
    assert found.calibrator.sharpness == expected.sharpness
    assert np.array_equal(found.calibrator.offsets, expected.offsets)


def test_held_hyperparameters_come_to_what_their_search_came_to(planned):
    searched = fitting.fit_system(planned, Silent(), seed=0)
    held = fitting.fit_system(planned, Silent(), seed=0, params=json.loads(json.dumps(searched.chosen.params)))
    assert held.chosen.best.score == searched.chosen.best.score
    assert held.chosen.rounds == searched.chosen.rounds
    x = planned.features["spectral"].values
    assert np.array_equal(held.fitted.predict(x).scores, searched.fitted.predict(x).scores)


@pytest.mark.filterwarnings("ignore:the effective number")
def test_the_same_clips_elsewhere_give_the_same_bytes(manifest, store, tmp_path):
    moved = tmp_path / "elsewhere" / "again"
    shutil.copytree(manifest.parent, moved)
    how = {"features": "spectral", "models": "svm", "cv": "group:2", "seeds": 1, **QUICK}
    ser_bench.fit(manifest, to=tmp_path / "a.serb", card=tmp_path / "a.md", cache=store, out=tmp_path / "a", **how)
    ser_bench.fit(moved / "clips.csv", to=tmp_path / "b.serb", cache=store, out=tmp_path / "b", **how)
    assert (tmp_path / "a.serb").read_bytes() == (tmp_path / "b.serb").read_bytes()
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == ser_bench.load(tmp_path / "b.serb").card
    assert str(tmp_path) not in (tmp_path / "a.md").read_text(encoding="utf-8")


def test_a_model_that_cannot_be_written_down_is_refused_before_anything_is_evaluated():
    class Unwritten(Fitted):
        def predict(self, x):
            raise AssertionError("never asked")

    class Own(LogisticRegression):
        name = "own"

        def fit(self, split, params, seed, rounds=None):
            return Unwritten()

    with pytest.raises(WrongCall, match=r"^fit: -m own: Unwritten cannot be written to a file"):
        fitting.check_packs(Own())
