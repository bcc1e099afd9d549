"""Splits: no voice on both sides, folds alike, and the same folds whenever the same is asked."""

import hashlib
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation.splits import (
    Protocol,
    SpeakerLeak,
    check_apart,
    derive_seed,
    fold_pairs,
    halvings,
    inner_folds,
    numbered,
    outer_folds,
    random_folds,
    voice_folds,
)


def table(voices: list[str], emotions: list[str], **more: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"voice": voices, "emotion": emotions, **more})


def test_loso_makes_one_fold_a_voice():
    clips = table(list("aabbcc"), list("xyxyxy"))
    assert outer_folds(clips, Protocol("loso"), 0).tolist() == [0, 0, 1, 1, 2, 2]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), min_size=8, max_size=80), st.integers(2, 5), st.integers(0, 9)
)
def test_group_folds_never_part_a_voice_and_leave_no_fold_empty(rows, k, seed):
    voices, labels = (np.array(column) for column in zip(*rows, strict=True))
    k = min(k, len(np.unique(voices)))
    folds = voice_folds(voices, labels, k, seed)
    assert all(len(np.unique(folds[voices == voice])) == 1 for voice in voices)
    assert set(folds) == set(range(k))


def test_group_folds_are_alike_in_speakers_and_genders():
    voices = np.repeat([f"{i:02}" for i in range(24)], 60)
    genders = np.repeat(["male", "female"] * 12, 60)
    labels = np.tile(list("abcdef"), 240)
    folds = voice_folds(voices, labels, 6, 0, genders=genders)
    assert np.bincount(folds).tolist() == [240] * 6
    assert all((genders[folds == fold] == "male").sum() == 120 for fold in range(6))


def test_group_folds_balance_unequal_speakers():
    sizes = [90, 10, 50, 50, 70, 30, 60, 40]
    voices = np.repeat([str(i) for i in range(8)], sizes)
    assert np.bincount(voice_folds(voices, np.full(len(voices), "x"), 4, 0)).tolist() == [100] * 4


def test_another_seed_groups_speakers_otherwise():
    voices = np.repeat([f"{i:02}" for i in range(24)], 4)
    labels = np.tile(list("abcd"), 24)
    assert (voice_folds(voices, labels, 6, 0) != voice_folds(voices, labels, 6, 1)).any()


def test_inner_folds_are_no_more_than_training_voices():
    assert set(inner_folds(np.array(list("aabb")), np.array(list("xyxy")), 4, 0)) == {0, 1}


def test_random_folds_spread_each_label_and_part_speakers():
    labels = np.array(list("x" * 60 + "y" * 30))
    folds = random_folds(labels, 6, 0)
    assert all(np.bincount(folds[labels == label]).tolist() == [n] * 6 for label, n in (("x", 10), ("y", 5)))


def test_a_voice_on_both_sides_stops_everything():
    with pytest.raises(WorkFailed, match="both sides of a split: b"):
        check_apart(np.array(["a", "b"]), np.array(["b", "c"]))


def test_a_predefined_split_that_parts_a_speaker_is_refused():
    clips = table(list("aabb"), list("xyxy"), fold=["1", "2", "1", "2"])
    with pytest.raises(WorkFailed, match="both sides"):
        outer_folds(clips, Protocol("predefined"), 0)


def test_predefined_folds_are_the_table_s():
    clips = table(list("aabb"), list("xyxy"), fold=["dev", "dev", "test", "test"])
    assert outer_folds(clips, Protocol("predefined"), 0).tolist() == [0, 0, 1, 1]


def test_predefined_needs_the_column():
    with pytest.raises(WrongCall, match="no column 'fold'"):
        outer_folds(table(list("ab"), list("xy")), Protocol("predefined"), 0)


def test_seeds_depend_on_their_parts_alone():
    assert derive_seed(0, "emodb", 1) == derive_seed(0, "emodb", 1) != derive_seed(0, "emodb", 2)


def numbered_by_hand(names) -> list[int]:
    seen: list[str] = []
    return [seen.index(name) if name in seen else (seen.append(name), len(seen) - 1)[1] for name in names]


@given(st.lists(st.sampled_from(["b", "a", "d", "c", "10", "9"]), min_size=1, max_size=12))
def test_names_are_numbered_as_they_come(names):
    assert numbered(np.array(names)).tolist() == numbered_by_hand(names)


def dealt_by_hand(who: list[int], traits: list[list[str]], k: int, seed: int) -> list[int]:
    """`voice_folds` as it is described, voice by voice and trait by trait."""
    n = max(who) + 1
    kinds = [("clip", "")] + [(place, value) for place, trait in enumerate(traits) for value in sorted(set(trait))]

    def count(voice: int, kind) -> int:
        return sum(v == voice and (kind[0] == "clip" or traits[kind[0]][i] == kind[1]) for i, v in enumerate(who))

    shares = [[count(voice, kind) / sum(count(v, kind) for v in range(n)) for kind in kinds] for voice in range(n)]
    order = sorted(np.random.default_rng(seed).permutation(n).tolist(), key=lambda voice: -count(voice, ("clip", "")))
    held = [[0.0] * len(kinds) for _ in range(k)]
    fold_of = {}
    for voice in order:
        # A fold's sum of squares grows by twice this, and by the same for all folds.
        more = [round(sum(h * s for h, s in zip(fold, shares[voice], strict=True)), 9) for fold in held]
        fold_of[voice] = more.index(min(more))
        held[fold_of[voice]] = [h + s for h, s in zip(held[fold_of[voice]], shares[voice], strict=True)]
    return [fold_of[voice] for voice in who]


ROWS = st.lists(st.tuples(st.sampled_from("fbecda"), st.sampled_from("xyz"), st.sampled_from("mw")), min_size=6, max_size=24)


@settings(max_examples=40)
@given(ROWS, st.integers(2, 4), st.integers(0, 3))
def test_voices_go_largest_first_where_they_make_folds_least_alike(rows, k, seed):
    voices, labels, genders = (list(column) for column in zip(*rows, strict=True))
    who = numbered_by_hand(voices)
    arrays = np.array(voices), np.array(labels)
    assert voice_folds(*arrays, k, seed).tolist() == dealt_by_hand(who, [labels], k, seed)
    assert voice_folds(*arrays, k, seed, genders=np.array(genders)).tolist() == dealt_by_hand(who, [labels, genders], k, seed)
    clips = pd.DataFrame({"voice": voices, "emotion": labels, "gender": genders})
    assert outer_folds(clips, Protocol("group", k), seed).tolist() == dealt_by_hand(who, [labels, genders], k, seed)
    assert outer_folds(clips.drop(columns="gender"), Protocol("group", k), seed).tolist() == dealt_by_hand(who, [labels], k, seed)
    fewer = min(k, max(who) + 1)
    assert inner_folds(*arrays, k, seed).tolist() == dealt_by_hand(who, [labels], fewer, seed)


@settings(max_examples=30)
@given(st.lists(st.sampled_from("xyz"), min_size=4, max_size=30), st.integers(2, 4), st.integers(0, 3))
def test_a_random_split_deals_the_clips_of_each_label_in_random_order(labels, k, seed):
    drawn = np.random.default_rng(seed).random(len(labels))
    dealt = sorted(range(len(labels)), key=lambda i: (labels[i], drawn[i]))
    expected = [dealt.index(i) % k for i in range(len(labels))]
    assert random_folds(np.array(labels), k, seed).tolist() == expected
    same = np.array(["v"] * len(labels))
    assert inner_folds(same, np.array(labels), k, seed, random=True).tolist() == expected
    assert outer_folds(table(list(same), labels), Protocol("random", k), seed).tolist() == expected


@pytest.mark.parametrize("n", range(2, 40))
def test_speakers_are_halved_while_two_are_left(n):
    expected = []
    while n // 2 >= 2:
        n //= 2
        expected.append(n)
    assert halvings(expected[0] * 2 + 1 if expected else 3) == expected


@pytest.mark.parametrize("n", range(2, 10))
def test_pairs_of_folds_come_in_rounds_in_which_each_fold_is_once(n):
    every = list(combinations(range(n), 2))
    found = fold_pairs(n, 10_000)
    assert sorted(found) == every
    for start in range(0, len(found), n // 2):
        assert len({fold for pair in found[start : start + n // 2] for fold in pair}) == n // 2 * 2
    most = max(1, len(every) - 1)
    assert fold_pairs(n, most) == found[:most]
    assert fold_pairs(n, most, 0) + fold_pairs(n, most, 1) == (found + found)[: 2 * most]
    assert fold_pairs(n, len(every) + 1, 3) == found


def test_voices_on_both_sides_are_named_and_those_after_three_counted():
    for shared, said in (("abc", "a, b, c"), ("abcd", "a, b, c and 1 more"), ("abcdef", "a, b, c and 3 more")):
        why = f"^speaker on both sides of a split: {said}. Results from this split would not hold for unseen speakers$"
        with pytest.raises(SpeakerLeak, match=why):
            check_apart(np.array([*shared, "x"]), np.array(["y", *reversed(shared)]))
    check_apart(np.array(["a"]), np.array(["b"]))


def test_a_seed_is_eight_bytes_of_a_hash_of_its_parts():
    digest = hashlib.blake2b(b'[0, "emodb", 1, null]', digest_size=8).hexdigest()
    assert derive_seed(0, "emodb", 1, None) == int(digest, 16) % 2**31
