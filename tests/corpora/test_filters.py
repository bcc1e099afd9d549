"""Filters keep what they say: the same clips as masks written by hand, no code run, and nothing kept or left out without a word."""

import contextlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ser_bench
from ser_bench.corpora import filter_clips
from ser_bench.corpora.filters import LONGEST
from ser_bench.errors import WrongCall

CLIPS = pd.DataFrame(
    {
        "emotion": ["anger", "fear", "anger", "calm", "fear", "calm"],
        "speaker": ["01", "02", "03", "03", "10", "01"],
        "gender": ["female", "male", "", "female", None, "male"],
        "age": ["20", "30", "", "40.5", "30", "7"],
        "start": [0.0, 1.5, float("nan"), 3.0, 1.5, 2.0],
        "odd `name`": ["it's", 'a "b"', "", "a b", "=1", "x"],
    },
    index=pd.Index([f"{letter}.wav" for letter in "abcdef"], name="clip"),
)
TEXTS = {"emotion": CLIPS["emotion"], "gender": CLIPS["gender"].replace("", None), "odd `name`": CLIPS["odd `name`"].replace("", None)}
NUMBERS = {"start": CLIPS["start"].astype("Float64"), "age": pd.to_numeric(CLIPS["age"]).astype("Float64")}
ORDERS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def keep(where: str) -> str:
    return "".join(clip[0] for clip in filter_clips(CLIPS, where, "corpus")[0].index)


def told(where: str) -> str:
    return "\n".join(filter_clips(CLIPS, where, "corpus")[1])


def written(name: str) -> str:
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def comparisons(draw):
    """An expression, and what pandas' own nullable columns make of it."""
    kind = draw(st.sampled_from(["text", "order", "missing", "in"]))
    if kind == "order":
        name, sign, number = (
            draw(st.sampled_from(sorted(NUMBERS))),
            draw(st.sampled_from(sorted(ORDERS))),
            draw(st.sampled_from([1.5, 30, 2])),
        )
        return f"{name} {sign} {number}", getattr(NUMBERS[name], ORDERS[sign])(number).astype("boolean")
    name = draw(st.sampled_from(sorted(TEXTS)))
    column = TEXTS[name].astype("string")
    if kind == "missing":
        turned = draw(st.booleans())
        mask = column.isna().astype("boolean")
        return f"{written(name)} is {'not ' * turned}missing", ~mask if turned else mask
    values = draw(st.lists(st.sampled_from([*TEXTS[name].dropna(), "nobody"]), min_size=1, max_size=3))
    if kind == "text":
        turned = draw(st.booleans())
        mask = (column == values[0]).astype("boolean")
        return f"{written(name)} {'!=' if turned else '=='} {quoted(values[0])}", ~mask if turned else mask
    turned = draw(st.booleans())
    mask = column.isin(values).astype("boolean").mask(column.isna())
    return f"{written(name)} {'not ' * turned}in [{', '.join(map(quoted, values))}]", ~mask if turned else mask


def joined(parts):
    def both(pair):
        (mine, a), (other, b) = pair
        return st.sampled_from([(f"({mine}) and ({other})", a & b), (f"({mine}) or ({other})", a | b)])

    return st.tuples(parts, parts).flatmap(both) | parts.map(lambda part: (f"not ({part[0]})", ~part[1]))


@given(st.recursive(comparisons(), joined, max_leaves=8))
@settings(deadline=None)
def test_a_filter_keeps_what_pandas_masks_keep(case):
    where, mask = case
    expected = CLIPS[mask.fillna(False).to_numpy(bool)]
    if expected.empty:
        with pytest.raises(WrongCall, match="keeps none"):
            filter_clips(CLIPS, where, "corpus")
    else:
        assert filter_clips(CLIPS, where, "corpus")[0].index.tolist() == expected.index.tolist()


PIECES = [
    *CLIPS.columns,
    "(",
    ")",
    "[",
    "]",
    ",",
    "and",
    "or",
    "not",
    "in",
    "is",
    "missing",
    "==",
    "!=",
    "<",
    "'",
    '"',
    "`",
    "'anger'",
    "3",
    "1e999",
]


@given(st.text(max_size=40) | st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=15).map(" ".join))
@settings(deadline=None, max_examples=400)
def test_nothing_written_raises_anything_else(where):
    with contextlib.suppress(WrongCall):
        filter_clips(CLIPS, where, "corpus")


def test_and_binds_more_than_or():
    assert keep("emotion == 'fear' or emotion == 'anger' and speaker == '01'") == keep(
        "(emotion == 'fear') or (emotion == 'anger' and speaker == '01')"
    )


@pytest.mark.parametrize(
    "where",
    [
        "@tempfile._os.system('touch {file}') == 0",
        "emotion.map(@tempfile._os.system) == 0",
        "emotion.to_csv('{file}') == 0",
        "__import__('os').system('touch {file}') == 0",
        "emotion == open('{file}', 'w')",
    ],
)
def test_no_filter_runs_code(tmp_path, where):
    file = tmp_path / "made"
    with pytest.raises(WrongCall, match="at character"):
        ser_bench.splits("tones(speakers=4,emotions=2,takes=1)", where=where.format(file=file), cache=str(tmp_path / "store"))
    assert not file.exists()


@pytest.mark.parametrize("where", ["(" * 10_000, "not " * 2_000, "(" * 49 + "age > 3", "emotion == 'a' or " * 2_000, "age" * LONGEST])
def test_a_filter_too_deep_or_too_long_is_refused(where):
    with pytest.raises(WrongCall):
        filter_clips(CLIPS, where, "corpus")


def test_a_value_that_no_clip_has_is_told_with_the_nearest():
    assert "no clip has 'angry' as emotion: did you mean 'anger'?" in told("emotion != 'angry' and age > 8")
    assert "no clip has 'joy' as emotion: there are 'anger', 'calm', 'fear'" in told("emotion != 'joy'")
    assert "no clip has 1.6 as start; the nearest is 1.5" in told("start == 1.6 or start == 3")


def test_a_filter_that_keeps_all_or_none_says_so():
    assert "it keeps all 6 clips of corpus" in told("emotion != 'angry'")
    with pytest.raises(WrongCall, match="keeps none of the 6 clips of corpus; no clip has 'ANGRY' as emotion: did you mean 'anger'"):
        filter_clips(CLIPS, "emotion == 'ANGRY'", "corpus")


def test_missing_values_match_nothing_and_are_counted():
    assert (keep("gender != 'male'"), keep("not gender == 'male'"), keep("gender == 'male'")) == ("ad", "ad", "bf")
    assert keep("gender != 'male' or gender is missing") == "acde"
    assert keep("gender is not missing") == "abdf"
    assert "2 clips are left out as gender is missing" in told("gender != 'male'")
    assert not told("gender != 'male' and emotion == 'anger' and gender is not missing")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("speaker != 3", "'speaker' holds text: write '03', in quotes"),
        ("speaker not in [1, 2]", "'speaker' holds text: write '01', in quotes"),
        ("emotion < 3", "'emotion' holds text, such as 'anger', which < cannot compare with a number"),
        ("age > '3'", "> compares with a number, and '3' is text"),
        ("start == '3'", "'start' holds numbers: write them without quotes"),
        ("emotoin == 'fear'", "unknown column 'emotoin': did you mean 'emotion'"),
        ("emotion = 'fear'", "at character 9, cannot read '=': write =="),
        ("emotion == fear", "at character 12, 'fear' is neither a number nor quoted text"),
        ("emotion == 'fear' & age > 3", "cannot read '&': write and"),
        ("gender == ''", "write `gender is missing`"),
        ("emotion == 'fear", "at character 12, ' is opened and not closed"),
        ("emotion in 'fear'", r"a list such as"),
        ("emotion == 'fear')", "where 'and' or 'or' is expected"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(where, said):
    with pytest.raises(WrongCall) as caught:
        filter_clips(CLIPS, where, "corpus")
    assert said in str(caught.value)


def test_letters_that_can_be_written_in_two_ways_are_one():
    clips = CLIPS.assign(speaker=["Mu\u0308ller", "a", "b", "c", "d", "e"])
    assert filter_clips(clips, "speaker == 'M\u00fcller'", "corpus")[0].index.tolist() == ["a.wav"]


def test_a_long_cell_is_quoted_by_its_beginning():
    with pytest.raises(WrongCall) as caught:
        filter_clips(CLIPS.assign(audio="x" * 3_000_000), "audio > 3", "corpus")
    assert len(str(caught.value)) < 300
