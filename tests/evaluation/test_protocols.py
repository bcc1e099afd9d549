"""Protocols: read and written by their names, chosen for a corpus, and refused where they cannot be meant."""

import re
from itertools import pairwise

import numpy as np
import pytest

from ser_bench.errors import WrongCall
from ser_bench.evaluation.splits import (
    CV_FORMS,
    Protocol,
    parse_cv,
    resolve_cv,
)


@pytest.mark.parametrize("text", ["group", "group:1", "random:0", "kfold:5", "loso:3", ""])
def test_a_protocol_nobody_knows_is_refused(text):
    with pytest.raises(WrongCall):
        parse_cv(text)


def test_auto_is_the_custom_else_loso_for_few_and_groups_for_many():
    few, many = np.array(list("abc")), np.array([str(i) for i in range(13)])
    assert str(resolve_cv(parse_cv("auto"), "group:2", few)) == "group:2"
    assert str(resolve_cv(parse_cv("auto"), None, few)) == "loso"
    assert str(resolve_cv(parse_cv("auto"), None, many)) == "group:6"


def test_more_groups_than_speakers_is_an_error():
    with pytest.raises(WrongCall, match="there are 3"):
        resolve_cv(parse_cv("group:6"), None, np.array(list("abc")))


def test_a_random_split_holds_no_sentence_out():
    with pytest.raises(WrongCall):
        parse_cv("random:4+sentence")
    assert str(resolve_cv(parse_cv("auto+sentence"), "group:2", np.array(list("abc")))) == "group:2+sentence"


@pytest.mark.parametrize("cv", ["loso@1", "random:3@4", "loso@", "autonomous", "loso@3"])
def test_a_number_of_speakers_that_cannot_be_meant_is_refused(cv):
    with pytest.raises(WrongCall):
        resolve_cv(parse_cv(cv), None, np.array(list("abc")))


@pytest.mark.parametrize(
    ("text", "most"),
    [("random:999999999", "1,000"), ("group:" + "9" * 5000, "1,000"), ("loso@999999999", "100,000"), ("random:1", "1,000")],
)
def test_numbers_have_bounds_that_are_said(text, most):
    with pytest.raises(WrongCall, match=f"it takes 2 to {most} ") as caught:
        parse_cv(text)
    assert len(str(caught.value)) < 200


def test_more_random_folds_than_clips_are_refused():
    with pytest.raises(WrongCall, match="20 folds need as many clips, and there are 6"):
        resolve_cv(parse_cv("random:20"), None, np.array(list("aabbcc")))


PROTOCOLS = {
    "loso": Protocol("loso"),
    "predefined": Protocol("predefined"),
    "group:2": Protocol("group", 2),
    "group:1000": Protocol("group", 1000),
    "random:4": Protocol("random", 4),
    "loso+sentence": Protocol("loso", text=True),
    "loso@2": Protocol("loso", max_speakers=2),
    "loso@100000": Protocol("loso", max_speakers=100_000),
    "group:6+sentence@8": Protocol("group", 6, text=True, max_speakers=8),
}


@pytest.mark.parametrize("text", PROTOCOLS)
def test_a_protocol_is_read_and_written_by_its_name(text):
    assert parse_cv(text) == PROTOCOLS[text]
    assert str(PROTOCOLS[text]) == text
    assert PROTOCOLS[text].leaky == text.startswith("random")


def test_leading_zeros_of_a_number_and_later_draws_have_their_words():
    assert parse_cv("group:0000000010@00000000002") == Protocol("group", 10, max_speakers=2)
    assert str(Protocol("loso", max_speakers=3, draw=1)) == "loso@3, draw 2"


@pytest.mark.parametrize("text", ["group:6 ", "GROUP:6", "loso@3@4", "loso+sentences", "random:4@2", "xloso"])
def test_what_is_no_protocol_is_shown_with_those_that_are(text):
    with pytest.raises(WrongCall, match=f"^--cv cannot be '{re.escape(text)}': use {re.escape(CV_FORMS)}$"):
        parse_cv(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("group:1001", "2 to 1,000 folds"),
        ("random:0", "2 to 1,000 folds"),
        ("loso@100001", "2 to 100,000 training speakers"),
        ("loso@01", "2 to 100,000 training speakers"),
    ],
)
def test_what_a_number_counts_is_said(text, what):
    with pytest.raises(WrongCall, match=f"^--cv {text}: it takes {what}$"):
        parse_cv(text)


def voices(n: int) -> np.ndarray:
    return np.array([str(i) for i in range(n)])


@pytest.mark.parametrize(
    ("cv", "customary", "n", "meant"),
    [
        ("auto", None, 12, "loso"),
        ("auto", "", 13, "group:6"),
        ("auto", "predefined", 3, "predefined"),
        ("auto", "group:4", 4, "group:4"),
        ("auto", "group:5", 4, "loso"),
        ("auto@2", "group:4+sentence", 4, "group:4+sentence@2"),
        ("auto", "group:14", 13, "group:6"),
        ("auto+sentence@2", None, 3, "loso+sentence@2"),
        ("group:3", "group:2", 3, "group:3"),
        ("loso", "group:2", 3, "loso"),
        ("loso@2", None, 3, "loso@2"),
    ],
)
def test_auto_is_what_the_corpus_is_used_with_where_it_has_the_speakers_for_it(cv, customary, n, meant):
    assert str(resolve_cv(parse_cv(cv), customary, voices(n))) == meant


@pytest.mark.parametrize(
    ("cv", "why"),
    [
        ("group:4", "--cv group:4: 4 speaker groups need as many speakers, and there are 3; use --cv loso"),
        ("random:7", "--cv random:7: 7 folds need as many clips, and there are 6; use fewer"),
        ("loso@3", "--cv loso@3: there are only 3 speakers, of whom some are held out; train on fewer"),
    ],
)
def test_what_a_protocol_lacks_is_counted(cv, why):
    with pytest.raises(WrongCall, match=f"^{re.escape(why)}$"):
        resolve_cv(parse_cv(cv), None, np.array(list("aabbcc")))
    assert str(resolve_cv(parse_cv("random:6"), None, np.array(list("aabbcc")))) == "random:6"


def test_protocols_have_words():
    words = [parse_cv(cv).words for cv in ("loso", "group:6", "predefined", "random:4", "loso+sentence@8", "group:2@3")]
    assert all(before != after for before, after in pairwise(words))
    assert words[3].startswith("LEAKY")
    assert words[4] == f"{words[0]}, and what they say is said in no training clip, 8 of the others for training"
    assert words[5] == f"{words[1]}, 3 of the others for training"
