"""What everything that is kept depends on, and what it does not: docs/hashes.md, each line tried by changing it."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ser_bench
from ser_bench.analyses import importance
from ser_bench.analyses.cross_corpus import _both, prepare_corpora
from ser_bench.audio.augmentation import Noise
from ser_bench.audio.clip import key_of
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.config import EXECUTION_KEYS, NO_CHANGES, RunConfig, check_keys
from ser_bench.evaluation import external
from ser_bench.evaluation.plan import make_plan, prepare_data
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet, Refit, Tune, TuneOnTest, Unit, make_unit, result_path
from ser_bench.features import Copies, Features, parse_features
from ser_bench.features.base import fingerprint_of
from ser_bench.features.extractors.mfcc import Mfcc
from ser_bench.features.store import feature_store as shelves
from ser_bench.features.store import table as stores
from ser_bench.features.store.feature_store import FeatureStore
from ser_bench.models import known_models
from ser_bench.utils import spec
from ser_bench.utils.progress import Silent
from tests.small import SMALL

CLIPS = pd.DataFrame(
    {
        "key": list("abcdef"),
        "emotion": ["anger", "fear"] * 3,
        "speaker": list("112233"),
        "voice": list("112233"),
        "sentence": list("xyxyxy"),
        "path": list("uvwxyz"),
    },
    index=pd.Index(list("klmnop"), name="clip"),
)
MATRIX = Features("set", "12345678", ("a.1", "a.2", "b.1"), ("a", "a", "b"), np.zeros((6, 3), np.float32))

LOSO = Protocol("loso")
COPIES = Copies("noise", ("abcdef01",), np.arange(6), np.ones((6, 3), np.float32))


@dataclass(frozen=True)
class Case:
    """All that a unit is made from."""

    clips: pd.DataFrame = field(default_factory=lambda: CLIPS)
    folds: tuple[int, ...] = (0, 0, 1, 1, 2, 2)
    protocol: Protocol = LOSO
    features: Features = MATRIX
    model: str = "svm"
    weights: str = "balanced"
    track: str = "train"
    seed: int = 0
    fold: int = 0
    trials: int = 5
    inner: int = 2
    c: float = 1.0
    condition: str = "noise"


def nested(case: Case, **how: Any) -> Unit:
    eval_set = EvaluationSet("corpus", "all", case.clips, case.protocol, {case.seed: np.array(case.folds)})
    model = known_models()[case.model](case.weights)
    asked = {"fold": case.fold, "task": Tune(case.trials, case.inner), **how}
    return make_unit(eval_set, case.features, model, case.track, case.seed, **asked)


def held(case: Case) -> Unit:
    return nested(case, task=Tune(1, case.inner, {"C": case.c}))


def of_a_learning_curve(case: Case) -> Unit:
    fewer = replace(case, protocol=dataclasses.replace(case.protocol, most=2 if case.protocol.most == 0 else case.protocol.most))
    return nested(fewer, task=Refit({"C": case.c}, None))


def tuned_on_test(case: Case) -> Unit:
    return nested(case, fold=None, task=TuneOnTest(case.trials, case.inner))


def of_a_subset(case: Case) -> Unit:
    return nested(replace(case, features=case.features.of_groups(["a"])))


def across(case: Case) -> Unit:
    return nested(replace(case, protocol=Protocol("cross"), folds=tuple(int(fold == 0) for fold in case.folds)))


def in_a_condition(case: Case) -> Unit:
    return nested(case, task=Refit({"C": case.c}, None, condition=case.condition, heard=f"features of {case.condition}"))


KINDS = {unit.__name__: unit for unit in (nested, held, of_a_learning_curve, tuned_on_test, of_a_subset, across, in_a_condition)}


def clips(**columns: list[str]) -> Callable[[Case], Case]:
    return lambda case: replace(case, clips=case.clips.assign(**columns))


def values(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, **changes)


CHANGES = {
    "a clip's bytes": clips(key=list("abcdeg")),
    "a label": clips(emotion=["fear", "fear", "anger", "fear", "anger", "fear"]),
    "a speaker": clips(speaker=list("112234")),
    "a voice": clips(voice=list("112222")),
    "an outer fold": values(folds=(0, 0, 1, 1, 2, 0)),
    "the features": values(features=replace(MATRIX, fingerprint="87654321")),
    "the model": values(model="logreg"),
    "class weights": values(weights="none"),
    "the track": values(track="speaker"),
    "the seed": values(seed=1),
    "the fold": values(fold=1),
    "trials": values(trials=6),
    "inner folds": values(inner=3),
    "the protocol": values(protocol=Protocol("group", 3)),
    "training speakers": values(protocol=Protocol("loso", most=1)),
    "held parameters": values(c=2.0),
    "training with copies": values(features=replace(MATRIX, copies=COPIES)),
    "the test condition": values(condition="gain"),
    "which columns a group has": values(features=replace(MATRIX, groups=("a", "b", "a"))),
}
ONLY: dict[str, set[str]] = {
    "held parameters": {"held", "of_a_learning_curve", "in_a_condition"},
    "the test condition": {"in_a_condition"},
    "which columns a group has": {"of_a_subset"},
    "the fold": {"nested", "held", "of_a_learning_curve", "of_a_subset", "across", "in_a_condition"},
    "trials": {"nested", "tuned_on_test", "of_a_subset", "across"},
    "inner folds": {"nested", "held", "of_a_subset", "across"},
    "the protocol": {"nested", "held", "of_a_learning_curve", "tuned_on_test", "of_a_subset", "in_a_condition"},
    "training speakers": {"nested", "held", "of_a_learning_curve", "of_a_subset", "in_a_condition"},
}
"""The kinds that a change is about, where it is not about all."""


@pytest.mark.parametrize(("kind", "change"), [(kind, change) for change in CHANGES for kind in sorted(ONLY.get(change, KINDS))])
def test_a_unit_depends_on(kind, change):
    assert KINDS[kind](CHANGES[change](Case())).hash != KINDS[kind](Case()).hash


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"across"}))
def test_a_unit_depends_on_sentences_where_these_are_held_out(kind):
    case = Case(protocol=Protocol("loso", text=True))
    other = clips(sentence=list("xyxyxz"))(case)
    assert KINDS[kind](other).hash != KINDS[kind](case).hash
    assert KINDS[kind](clips(sentence=list("xyxyxz"))(Case())).hash == KINDS[kind](Case()).hash


@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_depends_on_versions_of_code_and_libraries(kind, monkeypatch):
    made = [KINDS[kind](Case()).hash, KINDS[kind](Case(model="rf")).hash]
    monkeypatch.setattr("ser_bench.evaluation.nested_cv.TUNING_VERSION", 99)
    made.append(KINDS[kind](Case()).hash)
    monkeypatch.setattr(type(known_models()["svm"]()), "version", 99)
    made.append(KINDS[kind](Case()).hash)
    for library in ("numpy", "scipy", "scikit-learn", "xgboost", "optuna"):
        monkeypatch.setattr("ser_bench.evaluation.units.versions", lambda names, mine=library: {name: str(name == mine) for name in names})
        made.append(KINDS[kind](Case()).hash)
    monkeypatch.setattr("ser_bench.evaluation.units.versions", lambda names: {name: str(name == "numba") for name in names})
    made.append(KINDS[kind](Case(model="rf")).hash)
    assert len(set(made)) == len(made)


def test_a_unit_depends_on_how_copies_are_made_and_on_which_clips_have_one():
    ways = [COPIES, replace(COPIES, fingerprints=("abcdef02",)), replace(COPIES, of=np.arange(6)[::-1]), replace(COPIES, of=np.arange(5))]
    hashes = {nested(replace(Case(), features=replace(MATRIX, copies=copies))).hash for copies in ways}
    assert len(hashes) == len(ways)
    renamed = replace(COPIES, label="another name")
    assert nested(replace(Case(), features=replace(MATRIX, copies=renamed))).hash in hashes


def test_only_a_unit_tuned_on_test_depends_on_that_shortcut_s_version(monkeypatch):
    before = {kind: make(Case()).hash for kind, make in KINDS.items()}
    monkeypatch.setattr("ser_bench.evaluation.units.ON_TEST_VERSION", 99)
    assert {kind for kind, make in KINDS.items() if make(Case()).hash != before[kind]} == {"tuned_on_test"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_depends_on_no_path_and_no_clip_s_name(kind):
    moved = CLIPS.assign(path=list("123456")).set_index(pd.Index(list("qrstuv"), name="clip"))
    assert KINDS[kind](replace(Case(), clips=moved)) == KINDS[kind](Case())


def test_kinds_of_units_are_told_apart():
    assert len({make(Case()).hash for make in KINDS.values()}) == len(KINDS)


def test_a_search_cut_short_is_kept_by_its_limit(tmp_path):
    unit = nested(Case())
    assert len({result_path(tmp_path, unit, minutes).name for minutes in (0.0, 5.0, 10.0)}) == 3
    assert all(result_path(tmp_path, unit, minutes).name.startswith(unit.hash) for minutes in (0.0, 5.0))


# Subsets of columns.


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=7), st.lists(st.sampled_from("abc"), min_size=2, max_size=7))
def test_subsets_share_a_fingerprint_exactly_where_they_have_the_same_columns(one, other):
    size = min(len(one), len(other))
    found = []
    for groups in (one[:size], other[:size]):
        whole = Features("set", "12345678", tuple(map(str, range(size))), tuple(groups), np.zeros((1, size), np.float32))
        found.append({whole.of_groups([group]).fingerprint: np.flatnonzero([g == group for g in groups]).tolist() for group in groups})
    for fingerprint, columns in found[0].items():
        assert found[1].get(fingerprint, columns) == columns
        assert all(mine == fingerprint for mine, theirs in found[1].items() if theirs == columns)


def test_a_subset_s_fingerprint_depends_on_the_whole_and_on_no_name_of_a_group():
    subset = MATRIX.of_groups(["a"])
    assert replace(MATRIX, fingerprint="87654321").of_groups(["a"]).fingerprint != subset.fingerprint
    assert replace(MATRIX, groups=("z", "z", "b")).of_groups(["z"]).fingerprint == subset.fingerprint


# Importances.


def leaned_on(**changes: Any) -> str:
    given = {"params": {"C": 1.0}, "rounds": None, "single": [0, 2], "groups": ("a", "a", "b"), **changes}
    groups = tuple(sorted(set(given["groups"])))
    found = {("place", groups): SimpleNamespace(metadata={name: given[name] for name in ("params", "rounds")})}
    bench = SimpleNamespace(groups=groups, features=replace(MATRIX, groups=given["groups"]), found=found)
    return importance._digest(bench, "place", given["single"])


@pytest.mark.parametrize(
    "change", [{"params": {"C": 2.0}}, {"rounds": 9}, {"single": [0, 1]}, {"groups": ("a", "b", "a")}, {"groups": ("b", "b", "a")}]
)
def test_what_is_kept_of_shuffled_columns_depends_on(change):
    assert leaned_on(**change) != leaned_on()


def test_what_is_kept_of_shuffled_columns_depends_on_its_version_and_on_no_name(monkeypatch):
    before = leaned_on()
    assert leaned_on(groups=("y", "y", "z")) == before
    monkeypatch.setattr(importance, "VERSION", 99)
    assert leaned_on() != before


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


# The store.


def fingerprint(extractor: str = "mfcc", **heard: Any) -> str:
    (part,) = parse_features(extractor).parts
    return FeatureStore(Path("nowhere"), {part.label: part}, Preprocessing(**heard)).fingerprint(part.label)


HEARD = [{"offset": 0.1}, {"duration": 1.0}, {"trim": 30.0}, {"variant": "gain"}, {"variant": "noise(snr=10)"}, {"variant": "noise(snr=5)"}]


def test_a_table_of_the_store_depends_on_the_extractor_and_how_clips_are_heard():
    made = [fingerprint(), fingerprint("mfcc(n_mfcc=13)"), fingerprint("mfcc(rate=8000)"), fingerprint("spectral")]
    made += [fingerprint(**heard) for heard in HEARD]
    assert len(set(made)) == len(made)


def test_a_table_of_the_store_depends_on_versions_of_code_and_libraries(monkeypatch):
    made = [fingerprint(), fingerprint(variant="noise")]
    monkeypatch.setattr(Noise, "version", 99)
    made.append(fingerprint(variant="noise"))
    monkeypatch.setattr(Mfcc, "version", 99)
    made.append(fingerprint())
    monkeypatch.setattr(stores, "STORE_VERSION", 99)
    made.append(fingerprint())
    for library in Mfcc.libraries:
        monkeypatch.setattr(spec, "_installed", lambda name, mine=library: "9" if name == mine else "0")
        made.append(fingerprint())
    assert len(set(made)) == len(made)


def heard_table(**heard: Any) -> str:
    return FeatureStore(Path("nowhere"), {}, Preprocessing(**heard)).audio.folder.name


def test_what_is_known_of_a_clip_s_audio_depends_on_the_window_alone(monkeypatch):
    made = [heard_table(), *(heard_table(**heard) for heard in HEARD[:3])]
    assert heard_table(variant="gain") == made[0]
    monkeypatch.setattr(shelves, "AUDIO_VERSION", 99)
    made.append(heard_table())
    for library in ("soundfile", "numpy"):
        monkeypatch.setattr(spec, "_installed", lambda name, mine=library: "9" if name == mine else "0")
        made.append(heard_table())
    assert len(set(made)) == len(made)


def test_a_row_of_the_store_depends_on_a_file_s_bytes_and_the_segment():
    made = [key_of(b"one"), key_of(b"other"), key_of(b"one", 0.5), key_of(b"one", 0.5, 1.0), key_of(b"one", None, 1.0)]
    assert len(set(made)) == len(made)


def test_a_part_of_the_store_depends_on_no_place(speech, folder):
    names = []
    for store in ("one", "other/deeper"):
        ser_bench.extract(ser_bench.load_corpus(folder / "corpus" / "clips.csv"), "spectral", cache=folder / store, jobs=1)
        names.append({path.relative_to(folder / store) for path in (folder / store).rglob("spectral-*/part-*.parquet")})
    assert names[0] == names[1] != set()


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


def test_the_order_of_what_a_fingerprint_covers_does_not_count():
    assert fingerprint_of({"a": 1, "b": [1, 2]}) == fingerprint_of({"b": [1, 2], "a": 1}) != fingerprint_of({"a": 1, "b": [2, 1]})
