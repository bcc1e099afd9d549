"""Names with parameters in brackets."""

from dataclasses import dataclass

import pytest

from ser_bench.errors import WrongCall
from ser_bench.spec import build, canonical, parse


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
    ("parameters", "said"), [({"cout": 1}, "did you mean 'count'"), ({"count": "a"}, "takes a int"), ({"count": True}, "takes a int")]
)
def test_a_wrong_parameter_is_named(parameters, said):
    with pytest.raises(WrongCall, match=said):
        build("corpus", Voice, "voice", parameters)
