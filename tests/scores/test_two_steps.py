"""Decisions in two steps, against loops over clips, groups and classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.scores import two_steps

GROUPS = ["m", "f", "f", "m", "f"]


def by_hand(p: np.ndarray) -> tuple[str, int]:
    sums = {group: sum(p[place] for place, other in enumerate(GROUPS) if other == group) for group in sorted(GROUPS)}
    group = max(sums, key=lambda name: sums[name])
    return group, max((place for place, other in enumerate(GROUPS) if other == group), key=lambda place: (p[place], -place))


@given(st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=1, max_size=6))
def test_the_group_is_decided_for_before_the_class(rows):
    found = two_steps(rows, GROUPS)
    assert [(["f", "m"][group], place) for group, place in zip(*found, strict=True)] == [by_hand(np.array(row)) for row in rows]


def test_the_class_may_be_less_probable_than_one_of_another_group():
    found = two_steps([[0.4, 0.3, 0.3]], ["a", "b", "b"])
    assert (found.groups.tolist(), found.classes.tolist()) == ([1], [1])


def test_one_group_is_needed_per_class():
    with pytest.raises(ValueError, match="one is needed per class"):
        two_steps([[0.5, 0.5]], ["a"])
