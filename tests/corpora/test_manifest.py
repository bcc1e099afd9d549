"""A table of one's own becomes a corpus, or one line that says what is wrong in it."""

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from ser_bench.corpora import Corpus, load_corpus
from ser_bench.errors import WrongCall
from tests.corpora.trees import make_tree

HEADER = "path,emotion,speaker"


def manifest(folder: Path, *lines: str) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(folder: Path, *lines: str) -> Corpus:
    return load_corpus(manifest(folder, *lines))


def refusal(folder: Path, *lines: str) -> str:
    with pytest.raises(WrongCall) as caught:
        load(folder, *lines)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_are_relative_to_the_manifest(tmp_path: Path) -> None:
    corpus = load(tmp_path, HEADER, "wav/b.wav,fear,2", "./a.wav,anger,1", f"{tmp_path}/c.wav,anger,3", "/elsewhere/d.wav,fear,3")
    assert list(corpus.clips.index) == ["/elsewhere/d.wav", "a.wav", "c.wav", "wav/b.wav"]
    assert corpus.clips.loc["wav/b.wav", "path"] == str(tmp_path / "wav/b.wav")
    assert (corpus.name, corpus.folder, corpus.protocol, corpus.facts) == ("mine", tmp_path, None, None)


def test_what_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    corpus = load(tmp_path, f"{HEADER},session,NA", "a.wav,anger,03,01,NA", "b.wav,fear,3,2,")
    assert corpus.clips["speaker"].tolist() == ["03", "3"]
    assert corpus.clips["session"].tolist() == ["01", "2"]
    assert corpus.clips["NA"].tolist() == ["", ""]


def test_parquet_numbers_become_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"path": ["a.wav", "b.wav"], "emotion": ["anger", "fear"], "speaker": [3, 12], "age": [30.0, None]})
    table.to_parquet(tmp_path / "mine.parquet")
    clips = load_corpus(tmp_path / "mine.parquet").clips
    assert clips["speaker"].tolist() == ["3", "12"]
    assert clips["age"].tolist() == ["30", ""]


def test_a_runs_own_clip_table_reads_as_a_manifest(tmp_path: Path) -> None:
    first = load(tmp_path, f"{HEADER},start,end", "a.wav,angry,03,0.5,2", "a.wav,fear,04,2,")
    first.clips.to_parquet(tmp_path / "clips.parquet")
    again = load_corpus(tmp_path / "clips.parquet").clips
    pd.testing.assert_frame_equal(again[first.clips.columns], first.clips)


def test_what_listeners_heard_is_a_number(tmp_path: Path) -> None:
    clips = load(tmp_path, f"{HEADER},recognised", "a.wav,fear,1,0.5", "b.wav,anger,2,").clips
    assert clips["recognised"].tolist()[0] == 0.5
    assert clips["recognised"].isna().tolist() == [False, True]


def test_synonyms_become_the_vocabularys_nouns_and_the_original_stays(tmp_path: Path) -> None:
    clips = load(tmp_path, HEADER, "a.wav,Happy,1", "b.wav,fearful,2", "c.wav,pride,2").clips
    assert clips["emotion"].tolist() == ["happiness", "fear", "pride"]
    assert clips["original"].tolist() == ["Happy", "fearful", "pride"]


def test_segments_name_their_clips(tmp_path: Path) -> None:
    clips = load(tmp_path, f"{HEADER},start,end", "a.wav,fear,1,0,1.5", "a.wav,fear,2,1.5,", "a.wav,anger,2,,0.25", "b.wav,anger,1,,").clips
    assert list(clips.index) == ["a.wav#0-0.25", "a.wav#0-1.5", "a.wav#1.5-", "b.wav"]
    assert clips.loc["a.wav#1.5-", "start"] == 1.5
    assert clips[["start", "end"]].dtypes.tolist() == [float, float]


def test_without_segments_there_are_no_segment_columns(tmp_path: Path) -> None:
    assert not {"start", "end"} & set(load(tmp_path, HEADER, "a.wav,fear,1", "b.wav,anger,2").clips.columns)


def test_a_manifest_named_manifest_takes_its_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "my corpus"
    folder.mkdir()
    manifest(folder, HEADER, "a.wav,fear,1", "b.wav,anger,2").rename(folder / "manifest.csv")
    assert load_corpus(folder / "manifest.csv").name == "my-corpus"


def test_a_byte_order_mark_and_spaces_do_no_harm(tmp_path: Path) -> None:
    assert load(tmp_path, "﻿path, emotion ,speaker", "a.wav, fear,1", "b.wav,anger ,2").clips["emotion"].tolist() == ["fear", "anger"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["path,Emotions,speaker", "a.wav,fear,1"], "no column 'emotion': did you mean 'Emotions'? (found: path, Emotions, speaker)"),
        (["path|emotion|speaker", "a.wav|fear|1"], "no column 'path' and no column 'emotion' and no column 'speaker'"),
        ([f"{HEADER},recognised", "a.wav,fear,1,87"], "'recognised' is a share of listeners, from 0 to 1, and is above 1 in row 1 ('87')"),
        ([f"{HEADER},channel", "a.wav,fear,1,0", "a.wav,anger,2,1"], "(column 'channel': a file's channels are mixed into one"),
        ([f"{HEADER},start,duration", "a.wav,fear,1,0,1"], "replace 'duration' by 'end'"),
        ([HEADER, "a.wav,fear,1", "b.wav,,2"], "no emotion in row 2"),
        ([HEADER, *[f"{n}.wav,fear," for n in range(5)]], "no speaker in row 1, 2, 3 and 2 more"),
        ([HEADER, "a.wav,fear,1", "./a.wav,anger,2"], "a clip that an earlier row names already in row 2"),
        ([f"{HEADER},start", "a.wav,fear,1,soon"], "'start' is not a number from 0 up in row 1"),
        ([f"{HEADER},start", "a.wav,fear,1,inf"], "'start' is not a number from 0 up in row 1"),
        ([f"{HEADER},start", "a.wav,fear,1,-1"], "'start' is not a number from 0 up in row 1"),
        ([f"{HEADER},start,end", "a.wav,fear,1,2,1"], "'end' does not come after 'start' in row 1"),
        ([HEADER], "has no rows"),
        ([HEADER, "a.wav,fear,1,2,3,4,5"], "more cells than its 3 columns"),
        ([HEADER, "a.wav,fear,1", "b.wav,fear,1,2,3,4,5"], "cannot read"),
        ([HEADER, "a.wav,fear,1", "b.wav,fear"], "no speaker in row 2"),
        ([HEADER, "a.wav,fear,1", "b.wav,fear,2"], "'fear' is the only emotion"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    assert said in refusal(tmp_path, *lines)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.csv", b""), ("b.csv", b"\xff\xfe\x00bad"), ("c.parquet", b"no parquet")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WrongCall, match=name):
            load_corpus(tmp_path / name)


def test_speakers_of_one_voice_are_one_person_and_a_blank_voice_is_the_speaker(tmp_path: Path) -> None:
    rows = ("a.wav,anger,01,", "b.wav,fear,01b,01", "c.wav,fear,01b,", "d.wav,fear,02,", "e.wav,anger,x,guest")
    clips = load(tmp_path, f"{HEADER},voice", *rows).clips
    assert clips["voice"].tolist() == ["01", "01", "01", "02", "guest"]
    assert clips["speaker"].tolist() == ["01", "01b", "01b", "02", "x"]


def test_a_column_that_makes_all_speakers_one_voice_is_left_out_and_named(tmp_path: Path) -> None:
    corpus = load(tmp_path, f"{HEADER},voice", "a.wav,anger,01,mine", "b.wav,fear,02,mine")
    assert "voice" not in corpus.clips
    (said,) = (line for line in corpus.warnings if "'voice'" in line)
    assert "makes all 2 speakers one person (mine)" in said


def test_a_speaker_of_two_voices_is_refused_by_row(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{HEADER},voice", "a.wav,anger,01,A", "b.wav,fear,02,", "c.wav,fear,01,B")
    assert said.endswith("mine.csv: another 'voice' than an earlier row gives this speaker in row 3")


def test_a_recording_in_a_cell_is_never_made_text(tmp_path):
    heard = [{"bytes": b"\x00\xff" * 100_000, "path": name} for name in "ab"]
    table = pd.DataFrame({"path": ["a.wav", "b.wav"], "emotion": ["fear", "calm"], "speaker": ["1", "2"], "audio": heard})
    table.to_parquet(tmp_path / "kept.parquet")
    corpus = load_corpus(tmp_path / "kept.parquet")
    assert "audio" not in corpus.clips
    assert corpus.warnings[0] == "columns that are not read: audio (struct)"
    for column in ("path", "emotion", "speaker"):
        table.assign(**{column: heard}).to_parquet(tmp_path / "held.parquet")
        with pytest.raises(WrongCall, match=f"no column '{column}'.*; not read: .*{column} \\(struct\\)"):
            load_corpus(tmp_path / "held.parquet")


@pytest.mark.parametrize("shape", ["index", "timedelta", "text"])
def test_segments_as_audformat_has_them_are_clips(tmp_path: Path, shape: str) -> None:
    table = pd.DataFrame(
        {"file": ["a.wav", "a.wav"], "start": [0.0, 1.5], "end": [1.5, 3], "emotion": ["fear", "anger"], "speaker": ["1", "2"]}
    )
    times = table.assign(**{side: pd.to_timedelta(table[side], unit="s") for side in ("start", "end")})
    if shape == "text":
        times.astype(str).to_csv(tmp_path / "m.csv", index=False)
    else:
        (times.set_index(["file", "start", "end"]) if shape == "index" else times).to_parquet(tmp_path / "m.parquet")
    clips = load_corpus(next(tmp_path.glob("m.*"))).clips
    assert list(clips.index) == ["a.wav#0-1.5", "a.wav#1.5-3"]
    assert clips["end"].tolist() == [1.5, 3.0]


def test_what_does_not_count_is_told(tmp_path: Path) -> None:
    corpus = load(tmp_path, f"{HEADER},channel", "a.wav,fear,1,0", "b.wav,anger,2,0")
    assert "the column 'channel' (1 value) does not count" in corpus.warnings[0]


def test_paths_written_on_windows_and_decomposed_names_are_found(tmp_path: Path) -> None:
    make_tree(tmp_path, ["wav/a.wav", "wav/" + unicodedata.normalize("NFD", "ü.wav")])
    corpus = load(tmp_path, HEADER, r"wav\a.wav,fear,1", unicodedata.normalize("NFC", "wav/ü.wav") + ",anger,2")
    assert list(corpus.clips.index) == ["wav/a.wav", unicodedata.normalize("NFC", "wav/ü.wav")]
    assert all(Path(path).exists() for path in corpus.clips["path"])
    assert [line[:7] for line in corpus.warnings] == ["1 file ", "1 path "]
