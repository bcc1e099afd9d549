"""Names with parameters in brackets."""

import contextlib
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.errors import WrongCall
from ser_bench.utils.spec import build, canonical, parse, typed


@dataclass(frozen=True)
class Voice:
    count: int = 12
    cue: str = "all"
    level: float = 1.0
    loud: bool = False


def test_words_may_be_quoted_or_bare():
    assert parse("tones(cue=pitch)") == parse('tones(cue="pitch")') == ("tones", {"cue": "pitch"})


def test_what_is_written_is_built_and_written_again():
    voice = build("corpus", Voice, "voice", parse("voice(loud=true, level=2, count=3)")[1])
    assert voice == Voice(3, "all", 2.0, True)
    assert canonical("voice", voice) == "voice(count=3,level=2.0,loud=true)"


def test_defaults_are_not_written():
    assert canonical("voice", Voice()) == "voice"


@pytest.mark.parametrize("text", ["mfcc(13)", "mfcc(n=", "(n=1)", "", "mfcc(=3)"])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(WrongCall):
        parse(text)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"cout": 1}, "did you mean 'count'"), ({"count": "a"}, "takes a whole number"), ({"count": True}, "takes a whole number")],
)
def test_a_wrong_parameter_is_named(parameters, said):
    with pytest.raises(WrongCall, match=said):
        build("corpus", Voice, "voice", parameters)


def test_a_default_of_a_type_of_a_plug_in_s_own_is_named_by_that_type():
    with pytest.raises(WrongCall, match="'share' takes a Fraction, not 'half'"):
        typed("share", "half", Fraction(1, 2), "voice")


@pytest.mark.parametrize(
    "text", ["a(b=__import__('os').system('x'))", "a(b=[1])", "a(b={1:2})", "a(b=b'x')", "a(b=1j)", "a(b=" + "(" * 900]
)
def test_a_value_is_a_number_or_a_word_and_nothing_else(text):
    with contextlib.suppress(WrongCall):
        assert all(isinstance(value, int | float | str | bool) for value in parse(text)[1].values())


@pytest.mark.parametrize("value", [10**400, -(10**20), 10**5000], ids=["many", "below", "more"])
def test_a_number_without_end_is_refused(value):
    for key in ("count", "level"):
        with pytest.raises(WrongCall, match=f"'{key}': .* is not in the range from"):
            build("corpus", Voice, "voice", {key: value})


@given(st.text(max_size=60))
def test_nothing_written_raises_anything_else(text):
    with contextlib.suppress(WrongCall):
        parse(text)


def test_a_name_of_many_spaces_is_read_at_once():
    with pytest.raises(WrongCall, match="cannot read"):
        parse("a" + " " * 100_000 + "(")
