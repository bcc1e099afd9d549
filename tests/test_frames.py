"""A DataFrame goes wherever a table's file does, comes to the same numbers, and is kept where a run is to be repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.config import RunConfig, read_config
from ser_bench.corpora import audio_folder
from ser_bench.errors import WrongCall
from ser_bench.features import parse_features
from ser_bench.reports.players import sounds
from ser_bench.utils.named_tables import NamedTable
from tests.calling import call
from tests.small import WITHOUT_CURVES, but_seconds


@pytest.fixture
def how(speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run that takes a second, from the folder that the clips' paths begin in."""
    monkeypatch.chdir(speech / "corpus")
    return {**WITHOUT_CURVES, "out": tmp_path / "out", "cache": speech / "store"}


@pytest.fixture
def clips(how: dict[str, Any]) -> pd.DataFrame:
    return pd.read_csv("clips.csv", dtype=str)


@pytest.fixture
def vectors(clips: pd.DataFrame) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({f"f{column}": random.normal(size=len(clips)) for column in range(4)}, index=clips["path"].rename("clip"))


def test_files_and_frames_of_the_same_data_are_one_run_that_can_be_repeated(how, clips, vectors, tmp_path):
    vectors.to_parquet(tmp_path / "mine.parquet")
    filed = ser_bench.run("clips.csv", **{**how, "features": tmp_path / "mine.parquet"})
    given = ser_bench.run({"clips": clips}, **{**how, "features": {"mine": vectors}})
    assert (given.fitted, given.reused, given.folder) == (0, filed.fitted, filed.folder)
    assert but_seconds(given) == but_seconds(filed)
    assert given.skipped.equals(filed.skipped)
    configuration = given.folder / "run.toml"
    assert 'features = ["dataframes/mine.parquet"]' in configuration.read_text()
    text = configuration.read_bytes()
    assert ser_bench.run_config(RunConfig(**read_config(configuration)))[0].fitted == 0
    again = call("run", "--config", configuration, cwd=Path.cwd())
    assert (again.returncode, configuration.read_bytes()) == (0, text), again.stderr
    assert len(sounds(text.decode(), given.folder, clips.set_index("path"))) == len(clips)


def test_a_table_without_a_name_is_called_after_what_it_holds(vectors):
    names = [NamedTable.of(table).name for table in (vectors, vectors.copy(), vectors + 1, vectors.rename(columns={"f0": "g0"}))]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert parse_features(NamedTable.of(vectors)).name == names[0]


def test_a_kept_table_is_the_one_that_was_handed_in(tmp_path):
    odd = pd.DataFrame({"path": [Path("a.wav"), Path("b.wav")], "n": [1, 2], "mixed": [3.0, "x"], "gaps": [None, "q"], "x": [0.5, np.nan]})
    times = pd.to_timedelta([0.5, np.nan], unit="s")
    for table in (odd, odd.set_index("path"), odd.set_index([odd["path"].map(str).rename("file"), times.rename("end")])):
        given = NamedTable.of(table, "odd")
        given.keep(tmp_path)
        kept = NamedTable.kept(tmp_path / given.file)
        assert kept == given
        assert kept.frame.attrs == given.frame.attrs


def test_every_function_takes_frames(how, clips, vectors):
    features = {"mine": vectors}
    reading = {"cache": how["cache"], "jobs": 1}
    extracted = ser_bench.extract(clips, [features, "spectral"], **reading)
    assert extracted.columns[0] == "mine:f0"
    folds = ser_bench.splits(clips, features=features, cv="group:2", **reading)
    pd.testing.assert_frame_equal(folds, ser_bench.splits("clips.csv", cv="group:2", **reading))
    where = {**reading, "out": how["out"], "cv": "group:2"}
    scored = ser_bench.score({"chance": folds[["clip", "emotion"]].assign(predicted="anger")}, clips, **where)
    assert scored.leaderboard["features"].tolist() == ["chance"]
    small = {key: value for key, value in how.items() if key != "learning_curves"} | {"features": features}
    first = clips["speaker"].isin(sorted(clips["speaker"].unique())[:2])
    crossed = ser_bench.cross({"some": clips[first], "others": clips[~first]}, **small)
    assert set(crossed.table["train"]) == {"some", "others"}


@pytest.mark.parametrize("named", ["clip", "file", "index", "opensmile"])
def test_rows_of_features_are_named_by_index_or_column(how, clips, vectors, named):
    files = [str(Path(path).absolute()) for path in clips["path"]]
    times = (pd.to_timedelta([seconds] * len(files), unit="s") for seconds in (0.0, 1.0))
    tables = {
        "clip": vectors.reset_index(),
        "file": vectors.rename_axis("file").reset_index(),
        "index": vectors.rename_axis(None),
        "opensmile": vectors.set_index(pd.MultiIndex.from_arrays([files, *times], names=["file", "start", "end"])),
    }
    found = ser_bench.extract(clips, {"mine": tables[named]}, cache=how["cache"], jobs=1)
    pd.testing.assert_frame_equal(found, vectors.astype("float32").sort_index(), check_index_type=False)
    assert found.attrs["skipped"] == {}


def test_relative_paths_begin_in_the_current_folder(how, clips, monkeypatch, tmp_path):
    assert ser_bench.load_corpus(clips).folder == Path.cwd() == audio_folder("clips.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongCall, match=r"none of its files is there.*relative paths begin in the current folder$"):
        ser_bench.splits(clips)


WRONG = [
    (lambda clips, vectors: ser_bench.run({"a": clips, "b": clips}), r"run\(\): 'corpus' takes one, and 2 are given"),
    (lambda clips, vectors: ser_bench.load_corpus({"a": clips, "b": clips}), "one corpus is loaded, and 2 tables are given: a, b"),
    (lambda clips, vectors: ser_bench.run({"a": clips}, features={"a": vectors}), "two DataFrames are called 'a' and differ"),
    (lambda clips, vectors: ser_bench.run(clips, features={"a/b": vectors}), "'a/b' cannot name a DataFrame"),
    (lambda clips, vectors: ser_bench.run(clips, features={"mfcc": vectors}), "'mfcc' is the name of a built-in set; rename the table"),
    (lambda clips, vectors: ser_bench.run(clips, features=[{"a": vectors}, "mfcc+a"]), r"'mfcc\+a' joins a DataFrame .* extract\("),
    (lambda clips, vectors: ser_bench.run(clips, features=[["mfcc", {"a": vectors}]]), r"joins a DataFrame .* extract\("),
    (lambda clips, vectors: ser_bench.run(clips.iloc[:0]), "corpus: the DataFrame has no rows"),
    (lambda clips, vectors: ser_bench.run({"a": clips.drop(columns="speaker")}), "DataFrame 'a': no column 'speaker'.*say which are meant"),
    (
        lambda clips, vectors: ser_bench.extract(clips, {"a": vectors.assign(f0="x")}),
        "DataFrame 'a': the column 'f0' is not numeric; leave",
    ),
    (
        lambda clips, vectors: ser_bench.extract(clips, vectors.assign(clip="x")),
        "features: .* index and a column are both called 'clip'; drop",
    ),
    (lambda clips, vectors: ser_bench.extract(clips, vectors.reset_index(drop=True)), "matched with clips by name: index them by clip"),
    (
        lambda clips, vectors: ser_bench.extract(clips, vectors.assign(f0=[[1]] * len(vectors))),
        "the column 'f0' holds bytes, lists, arrays or records; give each number a column of its own",
    ),
    (
        lambda clips, vectors: ser_bench.load_corpus(clips.assign(emb=[np.zeros(8)] * len(clips))),
        "the column 'emb' holds bytes, lists, arrays",
    ),
    (
        lambda clips, vectors: ser_bench.extract(clips, vectors.rename_axis(None).assign(clip="x")),
        "index and a column are both called 'clip'",
    ),
    (lambda clips, vectors: ser_bench.extract(clips, pd.concat({"lld": vectors}, axis=1)), "its columns have 2 levels; join the names"),
    (
        lambda clips, vectors: ser_bench.load_corpus(clips.assign(odd=1j)),
        r"the column 'odd' holds values that Parquet cannot \(complex128\)",
    ),
    (
        lambda clips, vectors: ser_bench.load_corpus(clips.assign(odd=pd.Series(["\udc80"] * len(clips), dtype=object))),
        "'odd' holds a character that no file of text can",
    ),
    (
        lambda clips, vectors: ser_bench.load_corpus(clips.set_axis(pd.Index([*clips.columns[:3], "\udc80"], dtype=object), axis=1)),
        "the name of column .* holds a character",
    ),
    (lambda clips, vectors: ser_bench.run(clips, features={"😀" * 60: vectors}), "cannot name a DataFrame: take up to 200 bytes"),
    (
        lambda clips, vectors: ser_bench.run(clips, features={"a": vectors, "b": vectors["f0"]}),
        "takes DataFrames by name; 'b' is not the name of one",
    ),
    (lambda clips, vectors: ser_bench.score({"a": clips, "b": clips}, clips), "one system is scored, and 2 tables are given"),
]


@pytest.mark.parametrize("values", [pd.arrays.SparseArray([0.0, 1.0]), pd.Categorical([1, "x"])], ids=["sparse", "categories of two types"])
def test_what_only_pandas_knows_is_kept_as_a_file_has_it(values, tmp_path):
    given = NamedTable.of(pd.DataFrame({"clip": ["a", "b"], "odd": values}), "given")
    given.keep(tmp_path)
    assert NamedTable.kept(tmp_path / given.file) == given


@pytest.mark.parametrize(("wrong", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_frame_that_cannot_be_meant_is_refused_in_one_line(clips, vectors, wrong, said):
    with pytest.raises(WrongCall, match=said) as caught:
        wrong(clips, vectors)
    assert "\n" not in str(caught.value)
