"""Ablations: subsets are judged as rows of a leaderboard are, forward steps see inner scores alone, and a planted cue is found."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ser_bench
from ser_bench import scores
from ser_bench.analyses import ablation, importance
from ser_bench.config import RunConfig
from ser_bench.errors import SerBenchError, WrongCall
from ser_bench.evaluation.plan import choose_models
from ser_bench.features import Features
from ser_bench.models import base as contract
from ser_bench.models.base import Prediction
from ser_bench.results import Ablated
from ser_bench.utils.progress import Lines, Silent
from tests.calling import call
from tests.small import SMALL, evaluate, with_pages

GROUPS = ["f0", "loudness", "temporal", "voice_quality", "voicing"]


def ablate(speech: Path, out: Path, **options: object) -> Ablated:
    given = {**SMALL, "features": "prosody", **options}
    return ser_bench.ablate(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), **given)


@pytest.fixture(scope="module")
def found(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Ablated:
    with with_pages():
        return ablate(speech, tmp_path_factory.mktemp("ablation"), cv="group:2")


def rows(found: Ablated, mode: str) -> pd.DataFrame:
    return found.table[found.table["mode"] == mode]


def test_every_group_stands_alone_is_left_out_and_is_taken_in(found):
    assert sorted(rows(found, "alone")["group"]) == GROUPS
    assert sorted(rows(found, "without")["group"]) == GROUPS
    assert [group.partition(":")[0] for group in rows(found, "forward")["group"]] == ["1", "2", "3", "4"]


def test_all_groups_together_are_the_row_of_a_run(found, speech, tmp_path):
    row = evaluate(speech, tmp_path, features="prosody").leaderboard.iloc[0]
    (whole,) = rows(found, "all").to_dict("records")
    assert [whole[name] for name in ("uar", "uar_low", "uar_high", "dims")] == [
        row[name] for name in ("uar", "uar_low", "uar_high", "dims")
    ]
    assert whole["diff"] == 0


def test_a_group_alone_is_the_row_of_a_run_of_its_columns(speech, tmp_path):
    whole = ser_bench.extract(ser_bench.load_corpus(speech / "corpus" / "clips.csv"), "prosody", cache=speech / "store")
    mine = [column for column, group in whole.attrs["groups"].items() if group == "f0"]
    whole[mine].to_parquet(tmp_path / "pitch.parquet")
    row = evaluate(speech, tmp_path, features=str(tmp_path / "pitch.parquet"), trials=1, cv="group:2").leaderboard.iloc[0]
    found = ablate(speech, tmp_path, modes="alone", importance=False, trials=1, cv="group:2")
    alone = rows(found, "alone").set_index("group").loc["f0"]
    assert (alone["uar"], alone["dims"]) == (row["uar"], row["dims"])


def test_differences_are_paired_by_speaker(found):
    assert (found.table["diff"] - (found.table["uar"] - found.table["uar"].iloc[0])).abs().max() < 2e-4
    assert (found.table["diff_low"] <= found.table["diff"]).all()
    assert (found.table["diff"] <= found.table["diff_high"]).all()


def test_the_strongest_stand_first(found):
    assert rows(found, "alone")["uar"].is_monotonic_decreasing
    assert rows(found, "without")["uar"].is_monotonic_increasing


@pytest.mark.usefixtures("pages")
def test_again_fits_nothing_and_gives_the_same_bytes(found, speech, tmp_path, capsys):
    shutil.copytree(found.folder.parent, tmp_path / "out")
    other = ablate(speech, tmp_path / "out", cv="group:2", progress=Lines())
    assert "evaluating" not in capsys.readouterr().err
    for name in ("ablation.csv", "ablation.md", "ablation.html", "figures/ablation.svg"):
        assert (other.folder / name).read_bytes() == (found.folder / name).read_bytes()


def bench(speech: Path, out: Path, *, hold: bool = False) -> ablation.SubsetEvaluator:
    given = {**SMALL, "features": ("prosody",), "models": ("logreg",), "out": str(out), "cache": str(speech / "store")}
    config = RunConfig(corpus=(str(speech / "corpus" / "clips.csv"),), **given).for_corpus(str(speech / "corpus" / "clips.csv"))
    prepared = ablation.prepare_data(config, config.features, Silent())
    return ablation.SubsetEvaluator(
        prepared, next(iter(prepared.features.values())), choose_models(config)["logreg"], config, Silent(), hold=hold
    )


def test_forward_takes_what_inner_scores_like_best_at_every_fold(speech, tmp_path):
    mine = bench(speech, tmp_path)
    first = next(iter(ablation.select_forward(mine)))
    for place, kept in first.kept.items():
        inner = {group: ablation.inner_score(mine.found[place, (group,)]) for group in mine.groups}
        assert inner[kept[0]] == max(inner.values())


def test_parameters_that_are_held_are_those_chosen_for_all_groups(speech, tmp_path):
    mine = bench(speech, tmp_path, hold=True)
    place = mine.places[0]
    mine.evaluate([(place, ("f0",))])
    held = mine.found[place, ("f0",)]
    assert ablation.chosen(held) == ablation.chosen(mine.found[place, mine.groups])
    assert len(held.metadata["trials"]) == 1


def test_columns_of_groups_are_those_of_the_set():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    whole = Features("mine", "abc", ("a.1", "b.1", "a.2", "c.1"), ("a", "b", "a", "c"), values)
    part = whole.of_groups(["c", "a"])
    assert (part.name, part.columns) == ("mine [a, c]", ("a.1", "a.2", "c.1"))
    np.testing.assert_array_equal(part.values, values[:, [0, 2, 3]])
    assert part.fingerprint not in (whole.fingerprint, whole.of_groups(["b"]).fingerprint)
    assert whole.of_groups(["a", "b", "c"]) is whole


def test_a_set_of_one_group_is_refused(speech, tmp_path):
    with pytest.raises(WrongCall, match="nothing to leave out"):
        ablate(speech, tmp_path, features="modulation")


def test_several_tracks_and_unknown_modes_are_refused(speech, tmp_path):
    with pytest.raises(WrongCall, match="an ablation takes one"):
        ablate(speech, tmp_path, track=["train", "speaker"])
    with pytest.raises(SerBenchError, match="did you mean 'alone'"):
        ablate(speech, tmp_path, modes="alnoe")


def test_the_command_line_prints_the_table(speech, tmp_path):
    small = ["-f", "prosody", "-m", "logreg", "--trials", 1, "--inner", 2, "--seeds", 1, "--jobs", 1]
    where = ["--out", tmp_path, "--cache", speech / "store"]
    done = call("ablate", speech / "corpus" / "clips.csv", "--mode", "alone", "--no-importance", "--cv", "group:2", *small, *where)
    assert done.returncode == 0, done.stderr
    assert "\nOnly one group\n" in done.stdout
    assert "Leave one group out" not in done.stdout


def test_holm_multiplies_by_how_many_are_left():
    p = np.array([0.04, 0.01, 0.03, 0.2])
    assert scores.holm(p) == pytest.approx([0.09, 0.04, 0.09, 0.2])
    assert np.isnan(scores.holm([np.nan, 0.5])[0])


def test_a_subset_with_everything_is_the_unit_s_own_decision(speech, tmp_path):
    mine = bench(speech, tmp_path)
    subsets = importance.subsets_of(len(mine.groups))
    asked = importance.ShuffledColumns(mine.features.groups, mine.groups, subsets, [0, 3])
    for place, explained in importance._explain_all(mine, asked):
        own = mine.found[place, mine.groups].predicted
        for repeat in explained["subsets"][subsets.index(tuple(range(len(mine.groups))))]:
            np.testing.assert_array_equal(repeat, own)


def test_shapley_values_share_out_what_is_above_a_shuffled_system(found):
    leaned = found.importance
    total = leaned.loc[leaned["kind"] == "shapley", "value"].sum()
    whole = rows(found, "all")["uar"].item()
    assert 0 < whole - total < 0.5
    assert set(leaned.loc[leaned["kind"] == "shapley", "name"]) == set(GROUPS)
    assert leaned[leaned["kind"] == "column"].groupby("shuffled").size().to_dict() == {"across speakers": 42, "within speakers": 42}


voices = st.lists(st.integers(0, 4), min_size=2, max_size=30).filter(lambda who: len(set(who)) > 1)


@given(voices, st.integers(0, 99))
def test_donors_are_others_across_speakers_and_a_permutation_of_each_speaker_within(who: Sequence[int], seed: int):
    names = np.array(who).astype(str)
    across, within = importance.donors_of(names, seed)
    assert (names[across] != names).all()
    assert (names[within] == names).all()
    assert (np.sort(within, axis=1) == np.arange(len(who))).all()


@given(voices, st.permutations("vwxyz"), st.integers(0, 99))
def test_no_speaker_s_name_moves_a_donor(who: Sequence[int], names: Sequence[str], seed: int):
    plain, renamed = (importance.donors_of(np.array(of)[list(who)], seed) for of in (list("abcde"), list(names)))
    np.testing.assert_array_equal(plain, renamed)


def test_each_repeat_and_seed_shuffles_another_way():
    names = np.repeat(list("abcd"), 10)
    shuffles = np.concatenate([importance.donors_of(names, seed) for seed in (0, 1)], axis=1)
    for way in shuffles:
        assert len(np.unique(way, axis=0)) == 2 * importance.REPEATS


def planted(speech: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Features of two groups: what alone tells whether a clip is angry, and a number that each speaker has."""
    clips = ser_bench.load_corpus(speech / "corpus" / "clips.csv").clips
    angry = (clips["emotion"] == "anger").to_numpy(float)
    who = np.unique(clips["speaker"], return_inverse=True)[1].astype(float)
    table = pd.DataFrame({"cue.mean": angry + rng.normal(0, 0.3, len(clips)), "cue.noise": rng.normal(size=len(clips)), "who.number": who})
    table.set_axis(clips.index).to_parquet(folder / "mine.parquet")
    return folder / "mine.parquet"


class Rule(contract.Fitted):
    """A system that is the same whatever it is trained on: what is above its speaker's mean in the first column is angry."""

    def predict(self, x: np.ndarray) -> Prediction:
        return Prediction(np.where(x[:, 0] > 0.3, 0, 1), np.zeros((len(x), 2)))

    def feature_importances(self) -> None:
        return None


def test_one_system_leans_on_the_same_whatever_the_folds(speech, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "fit_split", lambda *given: Rule())
    features = str(planted(speech, tmp_path, np.random.default_rng(0)))
    options = {"features": features, "modes": "alone", "track": "speaker", "trials": 1}
    leaned = [ablate(speech, tmp_path / cv.replace(":", ""), cv=cv, **options).importance for cv in ("loso", "group:2", "group:3")]
    for other in leaned[1:]:
        pd.testing.assert_frame_equal(other, leaned[0])
    assert leaned[0].set_index(["kind", "shuffled", "name"]).loc[("group", "across speakers", "cue"), "value"] > 0.05


def test_within_speakers_nothing_is_lost_of_what_only_names_the_speaker(speech, tmp_path):
    features = str(planted(speech, tmp_path, np.random.default_rng(0)))
    leaned = ablate(speech, tmp_path, features=features, modes="alone", trials=1).importance
    lost = leaned[leaned["kind"] == "group"].set_index(["shuffled", "name"])["value"]
    assert lost["within speakers", "who"] == 0
    assert lost["within speakers", "cue"] > 0.05
    assert lost["across speakers", "cue"] > 0.05


def test_the_folds_of_sentences_too_take_values_from_all_clips(speech, tmp_path):
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    manifest = speech / "corpus" / "said.csv"
    table.assign(sentence=np.tile(["one", "two"], len(table))[: len(table)]).to_csv(manifest, index=False)
    options = {**SMALL, "features": "prosody", "modes": "alone", "trials": 1, "cv": "group:2+sentence", "track": "speaker"}
    leaned = ser_bench.ablate(manifest, out=str(tmp_path), cache=str(speech / "store"), **options).importance
    assert leaned.loc[leaned["kind"] == "group", "value"].notna().all()


@pytest.mark.parametrize("n", [1, 3, 5])
def test_shapley_weights_are_the_formula_s(n):
    rng = np.random.default_rng(n)
    subsets = importance.subsets_of(n)
    worth = {subset: rng.normal() for subset in subsets}
    for player in range(n):
        orders = list(permutations(range(n)))
        gains = [worth[tuple(sorted(o[: o.index(player) + 1]))] - worth[tuple(sorted(o[: o.index(player)]))] for o in orders]
        weights = importance.shapley_weights(subsets, n, player)
        assert sum(weights[subset] * worth[subset] for subset in subsets) == pytest.approx(np.mean(gains))


def test_many_groups_go_by_random_orders_that_hold_the_ends():
    subsets = importance.subsets_of(12)
    assert len(subsets) < 2**12
    assert {(), tuple(range(12))} <= set(subsets)
    assert sum(importance.shapley_weights(subsets, 12, 3).values()) == pytest.approx(0)


def test_without_importance_none_is_measured(speech, tmp_path):
    plain = ablate(speech, tmp_path, modes="alone", importance=False, cv="group:2")
    assert plain.importance is None
    assert not (plain.folder / "importance.csv").exists()
    assert not list((tmp_path / "units").glob("*.npz"))


@pytest.mark.parametrize(
    ("cue", "features", "found_by"),
    [
        ("pitch", "prosody", {"f0"}),
        ("tempo", "prosody", {"temporal"}),
        pytest.param("pitch", "egemaps", {"f0"}, marks=pytest.mark.thorough),
        pytest.param("tempo", "egemaps", {"temporal"}, marks=pytest.mark.thorough),
        pytest.param("loudness", "prosody+spectral", {"loudness", "energy"}, marks=pytest.mark.thorough),
        ("timbre", "prosody+spectral", {"shape", "contrast", "zero_crossing"}),
    ],
)
def test_a_planted_cue_s_own_group_does_most_alone(cue, features, found_by, tmp_path_factory):
    store = tmp_path_factory.getbasetemp() / "cues"
    options = {
        "features": features,
        "models": "logreg",
        "trials": 1,
        "inner": 2,
        "cv": "group:2",
        "modes": "alone",
        "importance": False,
        "jobs": 1,
    }
    found = ser_bench.ablate(f"tones(cue={cue},speakers=4,takes=2)", out=str(store / "out"), cache=str(store), **options)
    assert rows(found, "alone")["group"].iloc[0] in found_by


@pytest.mark.parametrize(("model", "says"), [("logreg", True), ("xgb", True), ("rf", True), ("svm", False)])
def test_a_model_s_own_measure_stands_beside_where_it_has_one(model, says, speech, tmp_path):
    features = str(planted(speech, tmp_path, np.random.default_rng(0)))
    leaned = ablate(speech, tmp_path, features=features, models=model, trials=1, modes="alone", cv="group:2").importance
    own = leaned[leaned["kind"] == "model"]
    assert own["name"].tolist() == (["cue", "who"] if says else [])
    assert not says or own["value"].sum() == pytest.approx(1, abs=1e-3)


def own_table(speech: Path, names: tuple[str, ...], path: Path) -> Path:
    """A column that tells emotions, and two of noise, under these names."""
    clips = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str).set_index("path")
    rng = np.random.default_rng(0)
    codes = clips["emotion"].astype("category").cat.codes.to_numpy(float)
    values = np.column_stack([codes + rng.normal(0, 0.3, len(clips)), rng.normal(size=(len(clips), 2))])
    pd.DataFrame(values, index=clips.index, columns=list(names)).to_parquet(path)
    return path


@pytest.mark.parametrize("names", [("b.1", "a.1", "a.2"), ("a.1", "a.2", "b.1"), ("plain", "a.1", "a.2")])
def test_columns_under_other_groups_are_evaluated_as_if_nothing_were_kept(names, speech, tmp_path):
    path = tmp_path / "mine.parquet"
    how = {"trials": 1, "modes": "alone", "cv": "group:2", "features": str(path)}
    own_table(speech, ("a.1", "b.1", "b.2"), path)
    before = ablate(speech, tmp_path / "kept", **how)
    own_table(speech, names, path)
    again, afresh = (ablate(speech, tmp_path / out, **how) for out in ("kept", "fresh"))
    pd.testing.assert_frame_equal(again.table, afresh.table)
    pd.testing.assert_frame_equal(again.importance, afresh.importance)
    assert again.folder.name != before.folder.name
