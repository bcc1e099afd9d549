"""Tables as people have them: other names of columns, other delimiters, durations; what is understood by itself is reported."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.corpora import Corpus, load_corpus
from ser_bench.corpora.columns import OTHER_NAMES
from ser_bench.errors import WrongCall

ROWS = [("a.wav", "Angry", "03", "f"), ("b.wav", "fear", "4", "m")]


def load(folder: Path, header: str, *lines: str, **options: object) -> Corpus:
    (folder / "mine.csv").write_text("\n".join([header, *(lines or (",".join(row) for row in ROWS))]) + "\n", encoding="utf-8")
    return load_corpus(folder / "mine.csv", **options)


def refusal(folder: Path, *lines: str, **options: object) -> str:
    with pytest.raises(WrongCall) as caught:
        load(folder, *lines, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def told(corpus: Corpus) -> str:
    return " | ".join(line for line in corpus.warnings if "understood" in line)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return load(tmp_path_factory.mktemp("plain"), "path,emotion,speaker,gender").clips.drop(columns="path")


@pytest.mark.parametrize("ours", OTHER_NAMES)
def test_every_usual_name_of_a_column_is_understood_and_reported(ours, plain, tmp_path):
    for other in OTHER_NAMES[ours]:
        for spelt in (other, other.upper(), other.replace("_", " ").title()):
            corpus = load(tmp_path, "path,emotion,speaker,gender".replace(ours, spelt))
            pd.testing.assert_frame_equal(corpus.clips.drop(columns="path"), plain)
            assert told(corpus) == f"columns are understood by other names: '{spelt}' as {ours}"


def test_our_names_need_no_word(plain, tmp_path):
    assert told(load(tmp_path, "path,emotion,speaker,gender")) == ""


def test_columns_that_are_named_are_those_that_are_meant(plain, tmp_path):
    columns = {"path": "Datei", "emotion": "GEFÜHL", "speaker": "wer", "gender": "g"}
    corpus = load(tmp_path, "datei,Gefühl,wer,g", columns=columns)
    pd.testing.assert_frame_equal(corpus.clips.drop(columns="path"), plain)
    assert told(corpus) == ""
    assert corpus.reading == {"columns": columns, "table": None, "target": "emotion"}


def test_a_column_that_has_one_of_our_names_gives_way_to_the_one_that_is_meant(tmp_path):
    corpus = load(tmp_path, "path,emotion,speaker,rated", "a.wav,x,1,fear", "b.wav,y,2,anger", columns={"emotion": "rated"})
    assert corpus.clips["emotion"].tolist() == ["fear", "anger"]
    assert corpus.clips["emotion_in_table"].tolist() == ["x", "y"]
    assert "the table's own column 'emotion' is kept as 'emotion_in_table'" in corpus.warnings


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("file,label,category,spk", {}, "'label' and 'category' could be meant as emotion; say which, such as --columns emotion=label"),
        ("file,wav,emotion,speaker", {}, "'file' and 'wav' could be meant as path"),
        ("path,Emotion,emotion,speaker", {}, "'Emotion' and 'emotion' could be meant as emotion"),
        ("a,b,c,d", {}, "no column 'path' and no column 'emotion' and no column 'speaker' (found: a, b, c, d)"),
        ("path,emotion,who,d", {}, "no column 'speaker' (found: path, emotion, who, d); say which are meant, such as --columns"),
        ("a,b,c,d", {"columns": {"path": "e"}}, "--columns path=e: no such column (found: a, b, c, d)"),
        ("a,A,c,d", {"columns": {"path": "a", "emotion": "a"}}, "--columns takes 'a' as two columns"),
        ("x y,X_Y,c,d", {"columns": {"path": "X-Y"}}, "--columns path=X-Y: 'x y' and 'X_Y' could be meant"),
        ("path,emotion,speaker,d", {"table": "train"}, "--table train: "),
    ],
)
def test_what_could_be_meant_in_two_ways_or_none_is_refused(header, options, said, tmp_path):
    assert said in refusal(tmp_path, header, "a.wav,fear,1,2", "b.wav,anger,2,1", **options)


def test_two_names_of_a_column_that_nobody_needs_are_both_kept(tmp_path):
    clips = load(tmp_path, "path,emotion,speaker,Session,SESSION", "a.wav,fear,1,x,y", "b.wav,anger,2,x,y").clips
    assert {"Session", "SESSION"} <= set(clips)


@pytest.mark.parametrize("source", ["tones(speakers=2,takes=1)", "folder"])
def test_what_has_no_columns_refuses_to_be_told_which(source, speech, tmp_path):
    source = source if source != "folder" else next((speech / "made").glob("tones-*"))
    for options in ({"columns": {"path": "file"}}, {"table": "train"}):
        with pytest.raises(WrongCall, match=f"--{next(iter(options))} has no effect on .* the names of its files"):
            load_corpus(source, cache=tmp_path, **options)


SEGMENTS = [("a.wav", "fear", "1", 0.0, 1.5), ("a.wav", "anger", "2", 1.5, 90.25)]


def written(folder: Path, kind: str) -> Path:
    table = pd.DataFrame(SEGMENTS, columns=["path", "emotion", "speaker", "start", "end"])
    spans = table.assign(start=pd.to_timedelta(table["start"], unit="s"), end=pd.to_timedelta(table["end"], unit="s"))
    path = folder / f"mine.{kind.partition(' ')[2]}"
    if kind == "deltas parquet":
        spans.to_parquet(path)
    elif kind.endswith("parquet"):
        table.to_parquet(path)
    elif kind.endswith("jsonl"):
        (table if kind.startswith("seconds") else spans).to_json(path, orient="records", lines=True, date_format="iso")
    else:
        (table if kind.startswith("seconds") else spans).to_csv(path, index=False, sep="\t" if kind.endswith("tsv") else ";")
    return path


@pytest.mark.parametrize("kind", [f"{how} {suffix}" for how in ("seconds", "deltas") for suffix in ("csv", "tsv", "jsonl", "parquet")])
def test_one_table_is_one_corpus_in_every_format(kind, tmp_path):
    clips = load_corpus(written(tmp_path, kind)).clips
    assert list(clips.index) == ["a.wav#0-1.5", "a.wav#1.5-90.25"]
    assert clips[["emotion", "speaker"]].to_numpy().tolist() == [["fear", "1"], ["anger", "2"]]
    assert clips[["start", "end"]].to_numpy().tolist() == [[0, 1.5], [1.5, 90.25]]


def test_marks_line_ends_quotes_and_spaces_change_nothing(plain, tmp_path):
    lines = ['"path" ; emotion;"speaker";gender ', *(f' "{path}" ;{emotion} ; "{who}";{g}' for path, emotion, who, g in ROWS)]
    (tmp_path / "mine.csv").write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    pd.testing.assert_frame_equal(load_corpus(tmp_path / "mine.csv").clips.drop(columns="path"), plain)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"path": "a.wav"', "line 1 is not JSON"),
        ("[1, 2]", "line 1 is no JSON object"),
        ('{"path": "a.wav", "path": "b.wav"}', "line 1 has a key twice"),
        ('\n{"path": 3}\nnull', "line 3 is no JSON object"),
        ("[" * 100_000, "line 1"),
        ("", "it is empty"),
    ],
)
def test_lines_that_are_no_records_are_named(text, said, tmp_path):
    (tmp_path / "mine.jsonl").write_text(text)
    with pytest.raises(WrongCall, match=said) as caught:
        load_corpus(tmp_path / "mine.jsonl")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


@given(st.lists(st.tuples(st.text(min_size=1).filter(str.isalnum), st.integers(), st.floats(allow_nan=False)), min_size=1, max_size=4))
def test_numbers_of_json_are_as_they_are_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    path.write_text("".join(json.dumps({"name": a, "n": b, "x": c, "left": [1], "none": None}) + "\n" for a, b, c in rows))
    from ser_bench.utils.tables import read_table

    table = read_table(path)
    assert list(table) == ["name", "n", "x", "none"]
    assert table.to_numpy().tolist() == [[a, str(b), json.dumps(c), ""] for a, b, c in rows]
    assert table.attrs["left_out"] == {"left": "nested"}
