"""One corpus in the formats in which corpora are distributed: the same leaderboard, byte for byte, but for its name and seconds."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import audformat
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ser_bench
from tests.small import SMALL, WITHOUT_CURVES

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
REAL = {**SMALL, "models": "svm", "learning_curves": False}


def as_audformat(clips: pd.DataFrame, folder: Path) -> Path:
    """Emotions in one table, speakers in another; gender is a label of the speakers' scheme."""
    genders = dict(zip(clips["speaker"], clips["gender"], strict=True))
    db = audformat.Database("database")
    db.schemes["emotion"] = audformat.Scheme("str", labels=sorted(set(clips["emotion"])))
    db.schemes["speaker"] = audformat.Scheme("str", labels={speaker: {"gender": gender} for speaker, gender in genders.items()})
    names = [f"wav/{clip}" for clip in clips.index]
    for table, column in (("labels", "emotion"), ("files", "speaker")):
        db[table] = audformat.Table(audformat.filewise_index(names))
        db[table][column] = audformat.Column(scheme_id=column)
        db[table][column].set(clips[column].tolist())
    for name, path in zip(names, clips["path"], strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    db.save(folder)
    return folder


def as_shards(clips: pd.DataFrame, folder: Path) -> Path:
    """Two shards with bytes, names of classes, and columns of other names."""
    (folder / "data").mkdir(parents=True)
    emotions = sorted(set(clips["emotion"]), reverse=True)
    info = {"info": {"features": {"audio": {"_type": "Audio"}, "label": {"_type": "ClassLabel", "names": emotions}}}}
    for number, part in enumerate((clips[: len(clips) // 2], clips[len(clips) // 2 :])):
        audio = [{"bytes": Path(path).read_bytes(), "path": Path(path).name} for path in part["path"]]
        columns = {"label": [emotions.index(word) for word in part["emotion"]], "speaker_id": part["speaker"].tolist()}
        table = pa.table({"audio": pa.array(audio, AUDIO), **columns, "sex": part["gender"].tolist()})
        pq.write_table(
            table.replace_schema_metadata({"huggingface": json.dumps(info)}), folder / f"data/train-0000{number}-of-00002.parquet"
        )
    return folder


def as_semicolons(clips: pd.DataFrame, folder: Path) -> Path:
    """A CSV of German Excel: a byte-order mark, semicolons, Windows line ends, names of columns in any case."""
    folder.mkdir()
    table = clips.rename(columns={"path": "File", "emotion": "Label", "speaker": "SPK", "gender": "Sex"})[["SPK", "Sex", "Label", "File"]]
    table.to_csv(folder / "clips.csv", sep=";", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    return folder / "clips.csv"


def as_tabs(clips: pd.DataFrame, folder: Path) -> Path:
    """A TSV with times from the beginning, as pandas writes time deltas, and no ends."""
    folder.mkdir()
    table = clips[["path", "emotion", "speaker", "gender"]].assign(start=pd.Timedelta(0), end=pd.Timedelta("NaT"))
    table.to_csv(folder / "table.tsv", sep="\t", index=False)
    return folder / "table.tsv"


FORMATS: dict[str, Callable[[pd.DataFrame, Path], Path]] = {
    "audformat": as_audformat,
    "shards": as_shards,
    "semicolons": as_semicolons,
    "tabs": as_tabs,
}


def board(source: Path, out: Path, cache: Path, options: dict[str, object]) -> list[str]:
    """The lines of a leaderboard but for the corpus's name and seconds."""
    folder = ser_bench.run(source, out=str(out), cache=str(cache), **options).folder
    table = pd.read_csv(folder / "leaderboard.csv", dtype=str, keep_default_na=False)
    return table.drop(columns=["corpus", "seconds"]).to_csv().splitlines()


def boards(clips: pd.DataFrame, folder: Path, cache: Path, options: dict[str, object]) -> dict[str, list[str]]:
    return {name: board(make(clips, folder / name), folder / f"out-{name}", cache, options) for name, make in FORMATS.items()}


def test_one_corpus_in_four_formats_has_one_leaderboard(speech, tmp_path):
    clips = ser_bench.load_corpus(speech / "corpus" / "clips.csv").clips
    found = boards(clips, tmp_path, speech / "store", WITHOUT_CURVES)
    plain = board(speech / "corpus" / "clips.csv", tmp_path / "out", speech / "store", WITHOUT_CURVES)
    assert len(plain) > 1
    assert all(lines == plain for lines in found.values())


@pytest.mark.thorough
def test_emovo_in_four_formats_has_one_leaderboard(real_corpora, tmp_path):
    if not (real_corpora / "emovo").is_dir():
        pytest.skip(f"no emovo/ in {real_corpora}")
    clips = ser_bench.load_corpus(real_corpora / "emovo").clips
    few = clips[clips["speaker"].isin(sorted(set(clips["speaker"]))[:3]) & clips["sentence"].isin(["b1", "l1", "n1"])]
    found = boards(few, tmp_path, tmp_path / "store", REAL)
    assert len(few) == 63
    assert len({tuple(lines) for lines in found.values()}) == 1
