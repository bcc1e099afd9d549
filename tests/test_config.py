"""Configurations: the same words in TOML, in Python and on the command line; nothing unknown gets through."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.config import BOUNDS, RunConfig, check_keys, read_config, read_file, to_toml
from ser_bench.errors import WrongCall

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
WORDS = st.lists(TEXT.filter(str.strip), min_size=1, max_size=3, unique=True)
ODD = st.sampled_from(["'", '"', "\\", '"""', "\\u0041", "\r\n", "\x7f", "\x1b[31m", "\u2028", "# no", "a = 1", "\U0001f600", "\ufeff"])


@given(WORDS, TEXT | ODD, TEXT | ODD, st.integers(0, 2**32 - 10), st.floats(0, 1), st.floats(0, 525_600), st.booleans())
def test_toml_repeats_the_configuration(tmp_path_factory, corpus, where, labels, seed, share, limit, conflicts):
    given = {"where": where, "labels": labels, "seed": seed, "max_skipped": share, "time_limit": limit, "allow_conflicts": conflicts}
    config = RunConfig(corpus=tuple(corpus), class_weights="none", **given)
    path = tmp_path_factory.mktemp("config") / "run.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert RunConfig(**read_config(path)) == config


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e308, -1, 10**20, 10**5000], ids=list("abcdefg"))
@pytest.mark.parametrize("key", sorted(BOUNDS))
def test_a_number_beyond_its_bounds_is_refused_with_the_range(key, number):
    with pytest.raises(WrongCall, match=f"run\\(\\): '{key}': .* is not in the range from [01] to [0-9,]+$"):
        check_keys({key: number}, source="run()")
    with pytest.raises(WrongCall, match=f"^RunConfig\\(\\): '{key}': .* is not in the range from [01] to [0-9,]+$"):
        RunConfig(**{key: number})


def test_seeds_that_count_beyond_the_last_are_refused():
    assert RunConfig(seed=2**32 - 3, seeds=3).seeds == 3
    with pytest.raises(WrongCall, match="3 seeds from 4294967294 on count beyond 4,294,967,295"):
        RunConfig(seed=2**32 - 2, budget="full").for_corpus("emodb")


@pytest.mark.parametrize("values", [{"out": ""}, {"cache": " "}, {"corpus": ("",)}, {"models": ("svm", "")}])
def test_an_empty_name_is_refused(values):
    with pytest.raises(WrongCall, match=f"{next(iter(values))}: is empty"):
        RunConfig(**values)


@pytest.mark.parametrize("text", ["a\0b", "a\udcffb"])
def test_a_name_that_no_file_can_hold_is_refused(text):
    for values in ({"out": text}, {"corpus": (text,)}, {"where": text}):
        with pytest.raises(WrongCall, match="is no Unicode text"):
            RunConfig(**values)


def test_an_empty_file_name_is_no_missing_option():
    with pytest.raises(WrongCall, match="--config: is empty"):
        read_config("")


@pytest.mark.parametrize("text", ["trials = " + "9" * 5000, "corpus = " + "[" * 100_000, "a\0", "seed = 1979-05-27"])
def test_a_file_that_says_nothing_sensible_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(WrongCall) as caught:
        read_config(tmp_path / "x.toml")
    assert len(str(caught.value)) < 300


def test_no_message_and_no_repr_shows_a_storage():
    assert "secret" not in repr(RunConfig(storage="mysql://me:secret@host/db"))
    with pytest.raises(WrongCall) as caught:
        check_keys({"storage": ["mysql://me:secret@host/db"]}, source="x.toml")
    assert "secret" not in str(caught.value)


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(WrongCall, match=r"key in run.toml: 'budgett': did you mean 'budget'\?"):
        check_keys({"budgett": "smoke"}, source="run.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [("trials", "many"), ("features", 3), ("jobs", True), ("max_skipped", "x"), ("allow_conflicts", 1), ("rope", None), ("where", ["x"])],
)
def test_a_value_of_another_type_is_refused(key, value):
    for make in (lambda given: check_keys(given, source="RunConfig()"), lambda given: RunConfig(**given)):
        with pytest.raises(WrongCall, match=rf"^RunConfig\(\): '{key}' takes (a|text|true or false).*, not {re.escape(repr(value))}$"):
            make({key: value})


def test_a_number_of_numpy_s_is_one():
    assert to_toml(RunConfig(rope=np.float32(0.5), trials=np.int64(3), time_limit=2)) == to_toml(
        RunConfig(rope=0.5, trials=3, time_limit=2.0)
    )


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
    assert RunConfig(jobs=1, out="a", cache="b").result_keys() == RunConfig(jobs=2).result_keys()


def test_a_configuration_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "x.toml").write_text('budget = "smoke"', encoding="utf-8-sig")
    assert read_config(tmp_path / "x.toml") == read_file(tmp_path / "x.toml") == {"budget": "smoke"}


def test_a_configuration_that_is_not_toml_says_so(tmp_path):
    (tmp_path / "x.toml").write_text("features = [")
    with pytest.raises(WrongCall, match="not TOML"):
        read_config(tmp_path / "x.toml")
    with pytest.raises(WrongCall, match="No such file"):
        read_config(tmp_path / "y.toml")
