"""What the units and the folder of a run depend on, and what they do not: docs/hashes.md, each line tried by changing it."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ser_bench.analyses.cross_corpus import _both, prepare_corpora
from ser_bench.config import EXECUTION_KEYS, NO_CHANGES, RunConfig, check_keys
from ser_bench.evaluation import external
from ser_bench.evaluation.plan import make_plan, prepare_data
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.units import Tune, make_unit
from ser_bench.models import known_models
from ser_bench.utils.progress import Silent
from tests.small import SMALL

# Plans: from files and a configuration to units. Sweep rows are units of a changed configuration.


@pytest.fixture
def folder(speech: Path, tmp_path: Path) -> Path:
    """A copy of the clips, and a table of one's own."""
    shutil.copytree(speech / "corpus", tmp_path / "corpus")
    mine(tmp_path).to_parquet(tmp_path / "mine.parquet")
    return tmp_path


def mine(folder: Path) -> pd.DataFrame:
    """A table of one's own of these clips."""
    paths = pd.read_csv(folder / "corpus" / "clips.csv", dtype=str)["path"]
    return pd.DataFrame(np.random.default_rng(0).normal(size=(len(paths), 3)), index=paths, columns=["a.1", "a.2", "b.1"])


def configuration(folder: Path, speech: Path, **options: Any) -> RunConfig:
    source = options.pop("corpus", folder / "corpus" / "clips.csv")
    given = {**SMALL, "cv": "auto", "cache": str(speech / "store"), "out": str(folder / "out"), **options, "corpus": str(source)}
    return RunConfig(**check_keys(given, source="here")).for_corpus(str(source))


def planned(folder: Path, speech: Path, **options: Any) -> list[str]:
    return sorted(unit.hash for unit in make_plan(configuration(folder, speech, **options), Silent()).units)


@pytest.fixture(scope="module")
def usual(speech: Path) -> list[str]:
    """The hashes without any option, which depend on no place."""
    return planned(speech, speech)


ASKED = [
    {"features": "mfcc"},
    {"features": "spectral(rate=22050)"},
    {"features": "spectral+mfcc"},
    {"models": "svm"},
    {"models": "logreg(C=1)"},
    {"labels": "big4"},
    {"where": "gender == 'female'"},
    {"cv": "group:2"},
    {"cv": "auto@2"},
    {"cv": "random:3"},
    {"track": "speaker"},
    {"trials": 3},
    {"inner": 3},
    {"budget": "full", "trials": 0, "inner": 0},
    {"seed": 1},
    {"seeds": 2},
    {"class_weights": "none"},
    {"duration": 0.5},
    {"offset": 0.1},
    {"trim": 30.0},
    {"variant": "gain"},
]


@pytest.mark.parametrize("options", ASKED, ids=lambda options: " ".join(map(str, options.values())))
def test_a_run_s_units_depend_on_what_is_asked(speech, usual, options):
    assert planned(speech, speech, **options) != usual


@pytest.mark.parametrize(
    "options",
    [{"jobs": 2}, {"out": "elsewhere"}, {"cache": "elsewhere"}, {"learning_curves": False}, {"time_limit": 5.0}, {"max_skipped": 0.5}],
    ids=lambda options: next(iter(options)),
)
def test_a_run_s_units_depend_on_no_way_of_working(speech, folder, usual, options):
    elsewhere = {key: str(folder / "elsewhere") if value == "elsewhere" else value for key, value in options.items()}
    assert planned(folder, speech, **elsewhere) == usual


def change_table(folder: Path, column: str, value: str) -> None:
    table = pd.read_csv(folder / "corpus" / "clips.csv", dtype=str)
    table.loc[0, column] = value
    table.to_csv(folder / "corpus" / "clips.csv", index=False)


def change_bytes(folder: Path) -> None:
    first = folder / "corpus" / pd.read_csv(folder / "corpus" / "clips.csv", dtype=str)["path"][0]
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [lambda folder: change_table(folder, "emotion", "sadness"), lambda folder: change_table(folder, "speaker", "02"), change_bytes],
    ids=["a label", "a speaker", "a clip's bytes"],
)
def test_a_run_s_units_depend_on_what_the_corpus_holds(speech, folder, usual, change):
    change(folder)
    assert planned(folder, speech) != usual


def test_a_run_s_units_depend_on_no_path_of_its_corpus_and_no_file_s_name(speech, folder, usual):
    assert planned(folder, speech) == usual
    table = pd.read_csv(folder / "corpus" / "clips.csv", dtype=str)
    (folder / "moved").mkdir()
    names = [hashlib.blake2b(path.encode(), digest_size=4).hexdigest() + ".wav" for path in table["path"]]
    for path, name in zip(table["path"], names, strict=True):
        shutil.copy(folder / "corpus" / path, folder / "moved" / name)
    table.assign(path=names).to_csv(folder / "moved" / "clips.csv", index=False)
    assert planned(folder, speech, corpus=folder / "moved" / "clips.csv") == usual


OWN = {
    "a value": lambda table: table + np.eye(len(table), 3),
    "which row is which clip's": lambda table: table.set_index(np.roll(table.index, 1)),
    "a column's name": lambda table: table.rename(columns={"a.1": "a.0"}),
    "a column's group": lambda table: table.rename(columns={"a.2": "b.2"}),
    "two groups swapped": lambda table: table.set_axis(["b.1", "a.2", "a.1"], axis=1),
    "the order of columns": lambda table: table[["a.2", "a.1", "b.1"]],
    "a column less": lambda table: table[["a.1", "a.2"]],
}


WITH_OWN = ("{}", "spectral+{}")


@pytest.fixture(scope="module")
def with_own(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The hashes of units with the table as it is, which depend on no place."""
    path = tmp_path_factory.mktemp("own") / "mine.parquet"
    mine(speech).to_parquet(path)
    return {features: planned(speech, speech, features=features.format(path)) for features in WITH_OWN}


@pytest.mark.parametrize("change", OWN)
@pytest.mark.parametrize("features", WITH_OWN)
def test_units_of_a_table_of_one_s_own_depend_on(speech, tmp_path, with_own, change, features):
    path = tmp_path / "mine.parquet"
    OWN[change](mine(speech)).to_parquet(path)
    assert planned(speech, speech, features=features.format(path)) != with_own[features]


def test_units_and_folder_of_a_table_of_one_s_own_depend_on_neither_its_path_nor_the_order_of_its_rows(speech, folder, with_own):
    (folder / "else+where").mkdir()
    mine(folder).sample(frac=1, random_state=0).to_parquet(folder / "else+where" / "mine.parquet")
    paths = [str(folder / "mine.parquet"), str(folder / "else+where" / "mine.parquet")]
    assert planned(folder, speech, features=paths[0]) == planned(folder, speech, features=paths[1]) == with_own["{}"]
    folders = {RunFolder.named("x", configuration(folder, speech, features=f"spectral+{paths[0]}"), [])}
    folders.add(RunFolder.named("x", configuration(folder, speech, features=f"spectral+{folder / 'corpus' / '..' / 'mine.parquet'}"), []))
    assert len(folders) == 1
    assert len({RunFolder.named("x", configuration(folder, speech, features=path), []) for path in paths}) == 1


# Across corpora.


def test_units_across_corpora_depend_on_both(speech, folder):
    other = folder / "other.csv"
    table = pd.read_csv(folder / "corpus" / "clips.csv", dtype=str)
    half = table["speaker"].isin(["01", "02"])
    table[half].to_csv(folder / "corpus" / "one.csv", index=False)
    table[~half].assign(path="corpus/" + table["path"]).to_csv(other, index=False)

    def hashed() -> str:
        by_source = prepare_corpora([str(folder / "corpus" / "one.csv"), str(other)], configuration(folder, speech), Silent())
        both = _both(*by_source.values())
        return make_unit(both.eval_set, *both.features.values(), known_models()["logreg"](), "train", 0, 0, Tune(2, 2)).hash

    made = [hashed()]
    for path in (folder / "corpus" / "one.csv", other):
        changed = pd.read_csv(path, dtype=str)
        changed.loc[0, "emotion"] = "sadness"
        changed.to_csv(path, index=False)
        made.append(hashed())
    assert len(set(made)) == 3


# Systems from elsewhere.


def external_folder(speech: Path, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame], **options: Any) -> str:
    path, name = Path(options.pop("path", folder / "theirs.csv")), options.pop("name", "theirs")
    config = configuration(folder, speech, **options)
    prepared = prepare_data(config, (), Silent())
    table = prepared.eval_set.clips.reset_index()[["clip"]].assign(predicted="anger")
    emotions = prepared.eval_set.emotions
    table = change(table.assign(**{f"p.{emotion}": 1 / len(emotions) for emotion in emotions}))
    (table.to_parquet if path.suffix == ".parquet" else table.to_csv)(path, index=False)
    return external.score_predictions(prepared, path, name, config).folder.name


def same(table: pd.DataFrame) -> pd.DataFrame:
    return table


@pytest.fixture(scope="module")
def usual_external(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder with nothing changed, whose name depends on no place."""
    folder = tmp_path_factory.mktemp("external")
    shutil.copytree(speech / "corpus", folder / "corpus")
    return external_folder(speech, folder, same)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda table: table.assign(predicted=["fear", *table["predicted"][1:]], **{"p.fear": table["p.anger"]}), {}),
        (lambda table: table.assign(**{"p.anger": 1.0} | dict.fromkeys((c for c in table if c[:2] == "p." and c != "p.anger"), 0.0)), {}),
        (same, {"name": "another"}),
        (same, {"cv": "group:2"}),
        (same, {"track": "speaker"}),
    ],
    ids=["a prediction", "probabilities", "the system's name", "the protocol", "the track"],
)
def test_the_folder_of_a_system_from_elsewhere_depends_on(speech, folder, usual_external, change, options):
    assert external_folder(speech, folder, change, **options) != usual_external


def test_the_folder_of_a_system_from_elsewhere_depends_on_labels_too(speech, folder, usual_external):
    change_table(folder, "emotion", "sadness")
    assert external_folder(speech, folder, same) != usual_external


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda table: table.sample(frac=1, random_state=0), {}),
        (lambda table: table.assign(remark="mine"), {}),
        (same, {"path": "elsewhere.parquet"}),
        (same, {"jobs": 2}),
        (same, {"out": "elsewhere"}),
    ],
    ids=["the order of rows", "a column that is not read", "path and format", "jobs", "out"],
)
def test_the_folder_of_a_system_from_elsewhere_does_not_depend_on(speech, folder, usual_external, change, options):
    there = {key: str(folder / value) if key in {"path", "out"} else value for key, value in options.items()}
    assert external_folder(speech, folder, change, **there) == usual_external


# Run folders.

DEFAULTS = RunConfig()
OTHER: dict[str, Any] = (
    {
        "columns": {"path": "file"},
        "table": "train",
        "target": "stress",
        "corpus": ("elsewhere",),
        "features": ("mfcc",),
        "models": ("svm",),
        "labels": "big4",
        "where": "speaker == '1'",
        "cv": "loso",
        "track": ("speaker",),
        "budget": "full",
        "class_weights": "none",
        "variant": "gain",
        "augment": ("gain",),
        "augment_times": 2,
        "augment_only": ("anger",),
        "test_variant": ("gain",),
        "learning_curves": False,
        "allow_conflicts": True,
        "allow_similar_names": True,
        "storage": "sqlite:///x.db",
        "cache": "elsewhere",
        "jobs": 3,
        "max_skipped": 0.2,
        "rope": 0.05,
        "figure_style": "column",
    }
    | dict.fromkeys(("trials", "inner", "seeds", "seed"), 7)
    | dict.fromkeys(("time_limit", "offset", "duration", "trim"), 1.5)
)


@pytest.mark.parametrize("key", [f.name for f in dataclasses.fields(RunConfig) if f.name not in {"backend", "scheduler", "out"}])
def test_the_name_of_a_run_s_folder_depends_on_what_is_asked_and_not_on_how_it_is_done(key):
    usual = replace(DEFAULTS, augment="noise") if key in {"augment_times", "augment_only"} else DEFAULTS
    changed = replace(usual, **{key: OTHER[key]})
    assert (RunFolder.named("x", changed, ["unit"]) != RunFolder.named("x", usual, ["unit"])) == (key not in EXECUTION_KEYS)


def test_the_name_of_a_run_s_folder_has_no_word_of_changed_clips_where_there_are_none():
    assert not set(NO_CHANGES) & set(RunConfig().result_keys())


def test_the_name_of_a_run_s_folder_depends_on_its_units_and_on_no_place(tmp_path):
    assert RunFolder.named("x", DEFAULTS, ["unit"]).path.name != RunFolder.named("x", DEFAULTS, ["another"]).path.name
    assert (
        RunFolder.named("x", replace(DEFAULTS, out=str(tmp_path)), ["unit"]).path.name == RunFolder.named("x", DEFAULTS, ["unit"]).path.name
    )
    cluster = replace(DEFAULTS, backend="dask", scheduler="tcp://there:8786")
    assert RunFolder.named("x", cluster, ["unit"]) == RunFolder.named("x", DEFAULTS, ["unit"])
