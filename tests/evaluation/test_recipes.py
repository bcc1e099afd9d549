"""A recipe is one TOML file, read as it says or refused in one line; those of the package state their systems completely."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_bench.corpora import known_readers, known_schemes
from ser_bench.errors import WrongCall
from ser_bench.evaluation.recipes import FOLDER, known_recipes, read_recipe, recipe_named, with_experiments
from ser_bench.evaluation.reproduction import cut_epochs
from ser_bench.features import parse_features
from ser_bench.models import known_models, parse_model
from ser_bench.utils.spec import parse

LEAST = """
title = "a system"
source = "https://example.org"
corpus = "tones"
features = "spectral"
model = "svm"
split = {test = 0.2}
"""


def read(tmp_path: Path, text: str):
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return read_recipe(file)


def test_what_stands_before_experiments_holds_for_those_that_do_not_say_otherwise(tmp_path):
    recipe = read(tmp_path, LEAST + '[[experiment]]\nname = "a"\n[[experiment]]\nname = "b"\nmodel = "mlp"\nsplit = {folds = 3}\n')
    one, other = recipe.experiments
    assert (one.model, one.split.test, other.model, other.split.folds, other.split.test) == ("svm", 0.2, "mlp", 3, 0.0)
    assert with_experiments(recipe, ("b",)).experiments == (other,)
    with pytest.raises(WrongCall, match=r"unknown experiment of the recipe mine 'bb': did you mean 'b'"):
        with_experiments(recipe, ("bb",))


WRONG = [
    ("titel = 1", "unknown key of the recipe .*'titel': did you mean 'title'"),
    ('[[experiment]]\nmodle = "svm"', "'modle': did you mean 'model'"),
    ("[[claimed]]\nvalu = 0.7", "'valu': did you mean 'value'"),
    ('[[claimed]]\nmetric = "accurancy"', "'accurancy': did you mean 'accuracy'"),
    ('[[claimed]]\nmetric = "uar"\nvalue = 70.0', "70.0 is not in the range from 0 to 1"),
    ('[[experiment]]\nscaling = "trian"', "'trian': did you mean 'train'"),
    ("[[experiment]]\nsplit = {test = 0.2, folds = 3}", "takes one of test, test_speakers, test_drawn and folds, not test and folds"),
    ("[[experiment]]\nsplit = {validation = 0.2}", "takes one of .*, not none"),
    ('[[experiment]]\nsplit = {test = 0.2, selection = "validation"}', "nothing is left for selection"),
    ("[[experiment]]\nsplit = {test_speakers = [21]}", "test_speakers takes a list of words in quotes"),
    ("[[experiment]]\nmodel = 3", "'model' takes text, not 3"),
    ("experiment = 3", "'experiment' takes a list, not 3"),
    ('[[experiment]]\nname = "a"\n[[experiment]]\nname = "a"', "two experiments have one name"),
    ("[[experiment]]\nmodel = ''", "experiment '' lacks its model"),
]


@pytest.mark.parametrize(("more", "said"), WRONG, ids=[more.splitlines()[-1] for more, _ in WRONG])
def test_what_is_wrong_with_a_recipe_is_said_in_one_line(tmp_path, more, said):
    with pytest.raises(WrongCall, match=said) as caught:
        read(tmp_path, LEAST + more)
    assert "\n" not in str(caught.value)


def test_a_recipe_without_its_title_and_one_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(WrongCall, match="lacks its title"):
        read(tmp_path, LEAST.replace("title", "needs"))
    with pytest.raises(WrongCall, match=r"gone\.toml: No such file"):
        recipe_named(str(tmp_path / "gone.toml"))
    with pytest.raises(WrongCall, match=r"--recipe .*mine\.toml: a file of 1\.1 MB, where at most 1 MB are read"):
        read(tmp_path, LEAST + "#" * 1_200_000)
    with pytest.raises(WrongCall, match="did you mean 'audioemotion-2019'"):
        recipe_named("audioemotion2019")


def test_the_files_of_the_package_are_its_recipes():
    assert set(known_recipes()) == {file.stem for file in FOLDER.glob("*.toml")}
    assert all(file.suffix == ".toml" for file in FOLDER.iterdir())


@pytest.mark.parametrize("name", sorted(known_recipes()))
def test_a_recipe_names_corpus_labels_features_and_model_that_there_are(name):
    recipe = known_recipes()[name]
    if lacking := [why for one in recipe.experiments if (why := known_models()[parse(one.model)[0]].lacks())]:
        pytest.skip(lacking[0])
    assert recipe.corpus in known_readers()
    for one in recipe.experiments:
        assert one.labels in known_schemes()
        parse_features(one.features)
        assert parse(one.model)[0] in known_models()
        assert parse_model(one.model, one.class_weights).trials(9) == 1, "every hyperparameter is stated"


def test_epochs_are_cut_only_where_there_are_more():
    assert cut_epochs("mlp", 5) == ("mlp", "")
    assert cut_epochs("dense(epochs=5)", 5) == ("dense(epochs=5)", "")
    assert cut_epochs("dense(batch=2,epochs=1000)", 5) == ("dense(batch=2,epochs=5)", "epochs cut from 1,000 to 5")
