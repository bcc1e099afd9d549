"""Tables are read by one set of rules, whoever wrote them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.errors import LONGEST_QUOTE as LONGEST
from ser_bench.errors import WrongCall
from ser_bench.utils.tables import as_counts, as_numbers, as_text, check_columns, is_missing, read_table, to_numbers

ROWS = [["path", "speaker", "note"], ["a.wav", "03", "x, y"], ["b.wav", "3", ""]]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_line_ends_and_encoding_are_found_out(tmp_path, delimiter, end, encoding):
    lines = [delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in ROWS]
    table = read_table(written(tmp_path / "t.csv", end.join([*lines, ""]), encoding))
    assert [list(table.columns), *table.to_numpy().tolist()] == ROWS


def test_a_first_line_that_names_the_separator_is_no_header(tmp_path):
    assert list(read_table(written(tmp_path / "t.csv", "sep=;\r\npath;speaker\r\na.wav;1\r\n")).columns) == ["path", "speaker"]


def test_row_numbers_that_were_written_out_are_no_column(tmp_path):
    frame = pd.DataFrame({"path": ["a.wav", "b.wav", "c.wav"], "speaker": list("123")})[1:]
    frame.to_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name).astype(object), frame.reset_index(drop=True).astype(object))


def test_an_index_that_names_rows_is_a_column(tmp_path):
    frame = pd.DataFrame({"x": [1.0]}, index=["a.wav"])
    frame.to_parquet(tmp_path / "unnamed.parquet")
    frame.rename_axis("file").to_parquet(tmp_path / "named.parquet")
    assert read_table(tmp_path / "unnamed.parquet")["clip"].tolist() == ["a.wav"]
    assert read_table(tmp_path / "named.parquet")["file"].tolist() == ["a.wav"]


def test_bytes_and_lists_are_not_read(tmp_path):
    audio = [{"bytes": b"\0" * 1000, "path": "a.wav"}]
    frame = pd.DataFrame({"audio": audio, "raw": [b"\0" * 1000], "tokens": [[1, 2]], "speaker": ["1"]})
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table.columns) == ["speaker"]
    assert table.attrs["left_out"] == {"audio": "struct", "raw": "binary", "tokens": "list"}
    with pytest.raises(WrongCall, match=r"no column 'path'.*not read: audio \(struct\)"):
        check_columns(table, ["path"], tmp_path / "t.parquet")


def test_all_missing_columns_are_named_at_once_beside_what_was_found(tmp_path):
    table = pd.DataFrame(columns=["Emotion", "who"])
    with pytest.raises(WrongCall) as caught:
        check_columns(table, ["path", "emotion", "speaker"], tmp_path / "t.csv")
    said = str(caught.value)
    assert "no column 'path' and no column 'emotion' and no column 'speaker': did you mean 'Emotion'? (found: Emotion, who)" in said


@pytest.mark.parametrize("word", ["", "nan", "NaN", "NA", "N/A", "<NA>", "NaT", "null", "None", " none ", "-"])
def test_one_list_of_words_means_missing(word):
    assert is_missing(word)
    assert as_text(pd.Series([word, "x"])).tolist() == ["", "x"]
    assert np.isnan(as_numbers(pd.Series([word, "1"]), Path("t.csv"))[0])


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([3.0, None], ["3", ""]),
        ([1, 2], ["1", "2"]),
        (["3.0", ""], ["3", ""]),
        (["03", "3"], ["03", "3"]),
        (["1.0", "1.5"], ["1.0", "1.5"]),
        (["3.0", "Anna"], ["3.0", "Anna"]),
        ([True, False], ["True", "False"]),
        (["Müller ", "\ta"], ["Müller", "a"]),
    ],
)
def test_text_stays_text_and_whole_numbers_have_no_point(cells, text):
    assert as_text(pd.Series(cells)).tolist() == text


def test_categories_and_durations_are_text_like_any_other():
    assert as_text(pd.Series(["03", None], dtype="category")).tolist() == ["03", ""]
    assert as_text(pd.Series(pd.to_timedelta([1.5, 2], unit="s"))).tolist() == ["1.5", "2"]


def test_seconds_come_as_numbers_durations_and_clock_times():
    cells = ["0 days 00:00:01.5", "00:01:02", "1 day, 0:00:00", "2", "2,5", ""]
    assert as_numbers(pd.Series(cells), Path("t.csv")).tolist()[:5] == [1.5, 62, 86_400, 2, 2.5]
    assert to_numbers(pd.Series(pd.to_timedelta([1.5, None], unit="s"))).tolist()[0] == 1.5


@pytest.mark.parametrize("cell", ["2", "2.0", "02", 2, 2.0])
def test_a_whole_number_is_one_however_it_is_written(cell):
    assert as_counts(pd.Series([cell]), Path("t.csv")).tolist() == [2]


@pytest.mark.parametrize("cell", ["", "2.5", "two", "-1"])
def test_what_is_no_whole_number_is_refused_by_row(cell):
    with pytest.raises(WrongCall, match="in row 2"):
        as_counts(pd.Series(["1", cell]), Path("t.csv"))


def test_no_message_repeats_a_long_cell(tmp_path):
    long = "x" * 10_000
    for text in (f"path,start\na.wav,{long}\n", f'path\n"{long}'):
        with pytest.raises(WrongCall) as caught:
            as_numbers(read_table(written(tmp_path / "t.csv", text))["start"], Path("t.csv"))
        assert "x" * (LONGEST + 1) not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"path\na\xe9.wav\n", "line 2 is not UTF-8"),
        (b"path,x\na.wav,1,2\n", "row 1 has more cells than its 2 columns"),
        (b"path,x,x\na.wav,1,2\n", "two columns are called 'x'"),
        (b"path,x\n", "has no rows"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, data, said):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(WrongCall, match=said) as caught:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


CELLS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    .map(lambda text: text.replace("\0", ""))
    .filter(lambda text: text == text.strip() and not set(text) & set("\r\n\x1c\x1d\x1e\x85\u2028\u2029\x0b\x0c") and not is_missing(text))
)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_what_pandas_writes_is_what_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    frame = pd.DataFrame(rows, columns=["path", "speaker"], dtype=object)
    frame.to_csv(path, index=False)
    table = read_table(path)
    assert table.to_numpy().tolist() == frame.to_numpy().tolist()
    assert as_text(table["path"], keep_words=True).map(lambda text: unicodedata.normalize("NFC", text)).notna().all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names there")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_pipe_is_refused_by_name_and_not_waited_for(tmp_path, suffix):
    os.mkfifo(tmp_path / f"m.{suffix}")
    with pytest.raises(WrongCall, match=rf"m\.{suffix}: a pipe, not a regular file"):
        read_table(tmp_path / f"m.{suffix}")


def test_bytes_of_audio_are_neither_read_nor_shown(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    audio = [b"RIFF" * 10_000] * 3
    columns = {"audio": pa.array([{"bytes": cell, "path": "a.wav"} for cell in audio]), "raw": pa.array(audio)}
    columns |= {"coded": pa.array(audio).dictionary_encode(), "label": pa.array(["x", "y", "z"])}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table.columns) == ["label"]
    with pytest.raises(WrongCall) as caught:
        check_columns(table, ["path", "emotion"], tmp_path / "t.parquet")
    assert "RIFF" not in str(caught.value)
    assert "audio (struct)" in str(caught.value)
