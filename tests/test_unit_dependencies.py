"""What results of units, and of shuffled columns, depend on, and what they do not: docs/hashes.md, each line tried by changing it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.analyses import importance
from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet, Refit, Tune, TuneOnTest, UnderCondition, Unit, make_unit, result_path
from ser_bench.features import Copies, Features
from ser_bench.models import known_models

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
    fewer = replace(
        case, protocol=dataclasses.replace(case.protocol, max_speakers=2 if case.protocol.max_speakers == 0 else case.protocol.max_speakers)
    )
    return nested(fewer, task=Refit({"C": case.c}, None))


def tuned_on_test(case: Case) -> Unit:
    return nested(case, fold=None, task=TuneOnTest(case.trials, case.inner))


def of_a_subset(case: Case) -> Unit:
    return nested(replace(case, features=case.features.of_groups(["a"])))


def across(case: Case) -> Unit:
    return nested(replace(case, protocol=Protocol("cross"), folds=tuple(int(fold == 0) for fold in case.folds)))


def in_a_condition(case: Case) -> Unit:
    return nested(case, task=Refit({"C": case.c}, None, UnderCondition(case.condition, f"features of {case.condition}")))


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
    "training speakers": values(protocol=Protocol("loso", max_speakers=1)),
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
