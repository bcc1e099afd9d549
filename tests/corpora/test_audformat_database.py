"""Databases in audformat: which tables are read, what is known of a clip, and that nothing in them is run."""

import json
import os
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path

import audformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.corpora import Corpus, load_corpus
from ser_bench.corpora.loading import audio_folder
from ser_bench.errors import WrongCall

FILES = ["wav/a.wav", "wav/b.wav", "wav/c.wav", "wav/d.wav"]
EMOTIONS = ["anger", "fear", "anger", "fear"]


def database(**about: object) -> audformat.Database:
    """A database with schemes of emotions and speakers, and no tables."""
    db = audformat.Database("made", languages=["deu"], **about)
    db.schemes["emotion"] = audformat.Scheme("str", labels=["anger", "fear", "pride"])
    db.schemes["speaker"] = audformat.Scheme("int", labels={3: {"gender": "female", "age": 31}, 8: {"gender": "male"}})
    for split in ("train", "dev", "test"):
        db.splits[split] = audformat.Split(type=split)
    return db


def add(db: audformat.Database, name: str, index: pd.Index | list[str], split: str | None = None, **columns: Iterable[object]) -> None:
    """A table of these columns, each of the scheme of its name where there is one; ``label__emotion`` is one of another name."""
    db[name] = audformat.Table(audformat.filewise_index(index) if isinstance(index, list) else index, split_id=split)
    for column, values in columns.items():
        called, _, scheme = column.partition("__")
        scheme = scheme or called
        db[name][called] = audformat.Column(scheme_id=scheme if scheme in db.schemes else None)
        db[name][called].set(list(values))


def usual() -> audformat.Database:
    """Emotions in one table, speakers in another."""
    db = database()
    add(db, "emotion", FILES, emotion=EMOTIONS)
    add(db, "files", FILES, speaker=[3, 3, 8, 8])
    return db


def saved(db: audformat.Database, folder: Path, kind: str = "csv") -> Path:
    db.save(folder, storage_format=kind)
    return folder


def refusal(folder: Path, **how: object) -> str:
    with pytest.raises(WrongCall) as caught:
        load_corpus(folder, **how)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
    return str(caught.value)


def told(corpus: Corpus, column: str) -> list[str]:
    return corpus.clips[column].tolist()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("source", [".", "db.yaml"])
def test_a_database_is_a_corpus_with_what_its_other_tables_and_schemes_know(tmp_path, kind, source):
    corpus = load_corpus(saved(usual(), tmp_path, kind) / source)
    assert (corpus.name, corpus.folder) == ("made", tmp_path)
    assert audio_folder(tmp_path / source) == tmp_path
    assert list(corpus.clips.index) == FILES
    assert told(corpus, "path") == [str(tmp_path / file) for file in FILES]
    assert told(corpus, "emotion") == EMOTIONS
    assert told(corpus, "speaker") == ["3", "3", "8", "8"]
    assert told(corpus, "gender") == ["female", "female", "male", "male"]
    assert told(corpus, "age") == ["31", "31", "", ""]
    assert set(told(corpus, "language")) == {"de"}
    assert "start" not in corpus.clips
    assert not corpus.warnings


def test_labels_in_a_misc_table_are_known_of_each_speaker(tmp_path):
    db = database()
    db["people"] = audformat.MiscTable(pd.Index(["A", "B"], name="who", dtype="string"))
    db["people"]["gender"] = audformat.Column()
    db["people"]["gender"].set(["female", "male"])
    db.schemes["person"] = audformat.Scheme("str", labels="people")
    add(db, "emotion", FILES, emotion=EMOTIONS, who__person=["A", "B", "A", "B"])
    corpus = load_corpus(saved(db, tmp_path), columns={"speaker": "who"})
    assert told(corpus, "gender") == ["female", "male", "female", "male"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_segments_are_clips(tmp_path, kind):
    db = database()
    index = audformat.segmented_index(["a.wav", "a.wav", "b.wav"], ["0s", "1.5s", "0s"], ["1.5s", "3.25s", pd.NaT])
    add(db, "emotion", index, emotion=["anger", "fear", "fear"])
    add(db, "files", ["a.wav", "b.wav"], speaker=[3, 8])
    corpus = load_corpus(saved(db, tmp_path, kind))
    assert list(corpus.clips.index) == ["a.wav#0-1.5", "a.wav#1.5-3.25", "b.wav"]
    assert told(corpus, "speaker") == ["3", "3", "8"]
    assert corpus.clips["end"].tolist()[:2] == [1.5, 3.25]


def test_tables_of_one_split_are_one_corpus(tmp_path):
    db = database()
    for split, part in (("train", FILES[:2]), ("test", FILES[2:])):
        add(db, f"emotion.{split}", part, split, emotion=EMOTIONS[:2], speaker=[3, 8])
    assert told(load_corpus(saved(db, tmp_path)), "fold") == ["train", "train", "test", "test"]


def test_a_table_of_all_clips_is_read_and_tables_of_its_parts_say_the_fold(tmp_path):
    db = usual()
    for split, part in (("train", slice(0, 2)), ("dev", slice(2, 4))):
        add(db, f"emotion.{split}", FILES[part], split, emotion=EMOTIONS[part])
    corpus = load_corpus(saved(db, tmp_path))
    assert list(corpus.clips.index) == FILES
    assert told(corpus, "fold") == ["train", "train", "dev", "dev"]


def test_one_split_is_no_fold(tmp_path):
    db = database()
    add(db, "emotion", FILES, "train", emotion=EMOTIONS, speaker=[3, 3, 8, 8])
    assert "fold" not in load_corpus(saved(db, tmp_path)).clips


def test_tables_that_would_give_other_labels_are_named_and_one_is_chosen(tmp_path):
    db = usual()
    add(db, "felt", FILES, emotion=["fear", "fear", "anger", "anger"])
    folder = saved(db, tmp_path)
    said = refusal(folder)
    assert "several tables could be meant: emotion (emotion: 4 clips), felt (emotion: 4 clips); choose with --table NAME" in said
    assert told(load_corpus(folder, table="felt"), "emotion") == ["fear", "fear", "anger", "anger"]
    assert told(load_corpus(folder, table="em*"), "emotion") == EMOTIONS
    assert "clips have two labels in emotion, felt" in refusal(folder, table="emotion,felt")
    assert "did you mean 'felt'?" in refusal(folder, table="flet")


def test_columns_of_one_scheme_are_named_and_one_is_chosen(tmp_path):
    db = database()
    add(db, "votes", FILES, r1__emotion=EMOTIONS, r2__emotion=EMOTIONS[::-1], speaker=[3, 3, 8, 8])
    folder = saved(db, tmp_path)
    assert "several columns of the scheme 'emotion': r1, r2; choose with --columns emotion=COLUMN" in refusal(folder)
    assert told(load_corpus(folder, columns={"emotion": "r2"}), "emotion") == EMOTIONS[::-1]


def test_tables_that_disagree_on_a_speaker_are_named_and_one_is_chosen(tmp_path):
    db = usual()
    add(db, "again", FILES, speaker=[3, 8, 8, 8])
    folder = saved(db, tmp_path)
    assert "'again' and 'files' disagree on the speaker of 1 clip, such as 'wav/b.wav'" in refusal(folder)
    assert told(load_corpus(folder, columns={"speaker": "again.speaker"}), "speaker") == ["3", "8", "8", "8"]


def test_what_is_missing_is_named_beside_what_there_is(tmp_path):
    db = database()
    add(db, "emotion", FILES, emotion=EMOTIONS, mood=["x"] * 4)
    folder = saved(db, tmp_path)
    assert "no table has a column or scheme 'speaker' for these clips" in refusal(folder)
    assert "unknown column of" in refusal(folder, columns={"speaker": "who"})
    assert "name files and segments themselves" in refusal(folder, columns={"path": "mood"})
    db = database()
    add(db, "files", FILES, mood=["x"] * 4)
    assert "no column or scheme is called 'emotion' in files (mood)" in refusal(saved(db, tmp_path / "other"))


def test_classes_that_are_numbers_are_called_by_their_labels(tmp_path):
    db = database()
    db.schemes["coded"] = audformat.Scheme("int", labels={0: "angry", 1: "fearful"})
    add(db, "emotion", FILES, emotion__coded=[0, 1, 0, 1], speaker=[3, 3, 8, 8])
    corpus = load_corpus(saved(db, tmp_path))
    assert told(corpus, "emotion") == EMOTIONS
    assert told(corpus, "original") == ["angry", "fearful", "angry", "fearful"]


def test_clips_without_a_label_are_left_out_and_counted(tmp_path):
    db = database()
    add(db, "emotion", FILES, emotion=["anger", None, "fear", "fear"], speaker=[3, 3, 8, 8])
    corpus = load_corpus(saved(db, tmp_path))
    assert list(corpus.clips.index) == [FILES[0], *FILES[2:]]
    assert corpus.warnings == ("1 row without 'emotion' is left out, such as 'wav/b.wav'",)


def test_values_that_a_scheme_does_not_list_are_counted(tmp_path):
    folder = saved(usual(), tmp_path)
    table = folder / "db.emotion.csv"
    table.write_text(table.read_text().replace("d.wav,fear", "d.wav,angst"))
    assert "emotion: 1 clip has a value that the scheme 'emotion' does not list: 'angst' (1)" in load_corpus(folder).warnings


def test_another_target_is_a_column_or_a_fact_of_speakers(tmp_path):
    db = usual()
    add(db, "stress", FILES, stress=["low", "high", "low", "high"])
    folder = saved(db, tmp_path)
    corpus = load_corpus(folder, target="stress")
    assert (corpus.target, told(corpus, "emotion")) == ("stress", ["low", "high", "low", "high"])
    assert told(corpus, "corpus_emotion") == EMOTIONS
    assert told(load_corpus(folder, target="gender"), "emotion") == ["female", "female", "male", "male"]
    assert "'nothing'" in refusal(folder, target="nothing")


class Runs:
    """What leaves a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.trace),)


def test_a_pickled_table_is_never_read(tmp_path):
    folder = saved(usual(), tmp_path)
    (folder / "db.emotion.pkl").write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    corpus = load_corpus(folder)
    assert corpus.warnings == ("1 pickled table beside the header is not read, such as db.emotion.pkl",)
    (folder / "db.emotion.csv").unlink()
    assert "is there only pickled (db.emotion.pkl), which could run anything and is not read" in refusal(folder)
    assert not (tmp_path / "ran").exists()


def test_a_tag_in_a_header_makes_no_object(tmp_path):
    folder = saved(usual(), tmp_path)
    header = folder / "db.yaml"
    header.write_text(header.read_text() + f"author: !!python/object/apply:os.mkdir ['{tmp_path / 'ran'}']\n")
    assert "db.yaml: could not determine a constructor for the tag" in refusal(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["../b.wav", "/etc/passwd", "wav/../../b.wav", r"..\b.wav", r"C:\b.wav", "a\0.wav"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, path):
    folder = saved(usual(), tmp_path, "parquet")
    for table in ("emotion", "files"):
        there = pd.read_parquet(folder / f"db.{table}.parquet").replace(FILES[1], path)
        there.to_parquet(folder / f"db.{table}.parquet")
    assert "audio outside of its folder is not read: row 2 (" in refusal(folder)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("- a", "it is no mapping"),
        ("a: [", "db.yaml: "),
        ("tables: [x]", "'tables' is no mapping"),
        ("tables: {../x: {columns: {emotion: }}}\nname: n", "a table cannot be called '../x'"),
        ("tables: {x: {columns: {emotion: }}}\nname: n", "the table 'x' is not there"),
        ("tables: {x: {columns: [emotion]}}\nname: n", "no mapping of names"),
        ("tables: {x: }\nname: n", "no column or scheme is called 'emotion' in x (no columns)"),
        ("name: n", "'emotion' in any table"),
        ("a: " + "[" * 5000, "db.yaml: "),
        ("name: " + "n" * 5000 + "\ntables: {" + "t" * 1000 + ": {columns: {c: }}}", "no column or scheme"),
    ],
)
def test_a_header_that_cannot_be_meant_is_one_line(tmp_path, header, said):
    (tmp_path / "db.yaml").write_text(header)
    assert said in refusal(tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab.*/\0é", max_size=4) | st.sampled_from(["emotion", "speaker", "files", "train"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["emotion", "speaker", "x"]), inner, max_size=3),
    max_leaves=8,
)
PLACES = ["name", "languages", "schemes", "tables", "misc_tables", "splits"]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose header a test writes again; `header.json` has what was in it."""
    folder = saved(usual(), tmp_path_factory.mktemp("changed"))
    (folder / "header.json").write_text(json.dumps(usual().to_dict()))
    return folder


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from(PLACES), VALUES), st.booleans())
def test_no_header_ends_in_anything_but_a_corpus_or_one_line(changed, changes, at_a_table):
    header = json.loads((changed / "header.json").read_text())
    if at_a_table:
        header["tables"]["emotion"] |= {"columns": changes.get("tables"), "split_id": changes.get("splits")}
        header["schemes"]["speaker"] |= {"labels": changes.get("schemes")}
    else:
        header |= changes
    (changed / "db.yaml").write_text(json.dumps(header))
    said = ""
    try:
        load_corpus(changed)
    except WrongCall as error:
        said = str(error)
    assert len(said) <= 300
