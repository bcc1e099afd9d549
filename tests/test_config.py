"""Configurations: the same words in TOML, in Python and on the command line; nothing unknown gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.config import RunConfig, check_keys, read_config, to_toml
from ser_bench.errors import WrongCall

WORDS = st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12), min_size=1, max_size=3, unique=True)


@given(WORDS, st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20), st.integers(0, 10**9), st.floats(0, 1))
def test_toml_repeats_the_configuration(tmp_path_factory, corpus, where, seed, share):
    config = RunConfig(corpus=tuple(corpus), where=where, seed=seed, max_skipped=share, class_weights="none")
    path = tmp_path_factory.mktemp("config") / "run.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert RunConfig(**read_config(path)) == config


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(WrongCall, match=r"key in run.toml: 'budgett': did you mean 'budget'\?"):
        check_keys({"budgett": "smoke"}, source="run.toml")


@pytest.mark.parametrize(
    ("key", "value"), [("trials", "many"), ("features", 3), ("jobs", True), ("max_skipped", "x"), ("allow_conflicts", 1)]
)
def test_a_value_of_another_type_is_refused(key, value):
    with pytest.raises(WrongCall, match=f"'{key}' takes a"):
        check_keys({key: value}, source="run()")


@pytest.mark.parametrize(
    "values", [{"track": ("test",)}, {"budget": "huge"}, {"jobs": -1}, {"max_skipped": 2.0}, {"inner": 1}, {"models": ()}]
)
def test_a_value_that_cannot_be_meant_is_refused(values):
    with pytest.raises(WrongCall):
        RunConfig(**values)


def test_class_weights_that_nobody_knows_are_refused_with_the_nearest():
    with pytest.raises(WrongCall, match=r"class_weights 'balance': did you mean 'balanced'\?"):
        RunConfig(class_weights="balance")


def test_tones_get_the_smoke_budget_and_real_corpora_the_standard_one():
    config = RunConfig(corpus=("tones(speakers=4)", "emodb"))
    assert [(c.budget, c.trials, c.inner, c.seeds) for c in map(config.for_corpus, config.corpus)] == [
        ("smoke", 5, 3, 1),
        ("standard", 8, 4, 3),
    ]


def test_what_is_given_goes_before_the_budget():
    assert RunConfig(trials=7).for_corpus("emodb").trials == 7


def test_how_to_work_decides_no_result():
    assert RunConfig(jobs=1, out="a", cache="b").what() == RunConfig(jobs=2).what()


def test_a_configuration_that_is_not_toml_says_so(tmp_path):
    (tmp_path / "x.toml").write_text("features = [")
    with pytest.raises(WrongCall, match="not TOML"):
        read_config(tmp_path / "x.toml")
    with pytest.raises(WrongCall, match="No such file"):
        read_config(tmp_path / "y.toml")
