"""What moved a decision: values that sum to its change, against their definition."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.bundle.explaining import EXACT, explain
from tests.bundle.systems import FEATURES, RATE, system, vector, voice


def machine(seed, n_columns, n_classes=3):
    """Probabilities that depend on columns together."""
    draw = np.random.default_rng(seed)
    first, second = draw.standard_normal((n_columns, 5)), draw.standard_normal((5, n_classes))

    def probability(x):
        scores = np.tanh(x @ first) @ second
        e = np.exp(scores - scores.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    return probability


def by_definition(x, average, groups, probability, code):
    """The mean, over all orders, of what each group changes where it joins those before it."""
    names = list(dict.fromkeys(groups))
    found = dict.fromkeys(names, 0.0)

    def score(joined):
        row = np.where([group in joined for group in groups], x, average)[None]
        return math.log(probability(row)[0, code])

    orders = list(permutations(names))
    for order in orders:
        for place, name in enumerate(order):
            found[name] += (score(order[: place + 1]) - score(order[:place])) / len(orders)
    return found


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_changes_are_shapley_s_values_and_sum_to_the_change_of_the_score(seed, n):
    draw = np.random.default_rng(seed)
    groups = [f"g{number}" for number in draw.permutation(np.concatenate([np.arange(n), draw.integers(0, n, n)]))]
    x, average = draw.standard_normal((2, len(groups))).astype(np.float32)
    probability = machine(seed, len(groups))
    found = explain(x, average, groups, probability, 1)
    assert found.changes == pytest.approx(by_definition(x, average, groups, probability, 1), abs=1e-5)
    assert sum(found.changes.values()) == pytest.approx(math.log(found.reached / found.average), abs=1e-9)


def test_of_many_groups_the_sum_is_as_exact_and_the_values_are_near():
    n = EXACT + 3
    groups = [f"g{number}" for number in range(n)]
    draw = np.random.default_rng(1)
    x, average = draw.standard_normal((2, n)).astype(np.float32)
    probability = machine(1, n)
    found = explain(x, average, groups, probability, 0)
    again = explain(x, average, groups, probability, 0)
    assert found == again
    assert sum(found.changes.values()) == pytest.approx(math.log(found.reached / found.average), abs=1e-9)
    assert_near(found.changes, x, average, groups, probability)


def assert_near(changes, x, average, groups, probability):
    """Compare with the mean over many orders drawn otherwise."""
    draw = np.random.default_rng(99)
    total = np.zeros(len(groups))
    for _ in range(1000):
        order = draw.permutation(len(groups))
        joined = np.zeros((len(groups) + 1, len(groups)), bool)
        for step, group in enumerate(order, start=1):
            joined[step:, group] = True
        total[order] += np.diff(np.log(probability(np.where(joined, x, average))[:, 0]))
    np.testing.assert_allclose(list(changes.values()), total / 1000, atol=0.1 * np.abs(total / 1000).max())


def test_a_group_that_changes_nothing_has_no_part():
    def probability(x):
        first = 1 / (1 + np.exp(-x[:, 0].astype(float)))
        return np.stack([first, 1 - first], axis=1)

    found = explain(np.ones(3, np.float32), np.zeros(3, np.float32), ["a", "b", "b"], probability, 0)
    assert found.changes["b"] == 0
    assert found.changes["a"] == pytest.approx(math.log(found.reached / found.average))


def test_a_bundle_explains_its_decision_from_the_average_training_clip():
    bundle = system()
    samples = voice(600)
    table = bundle.explain(samples, rate=RATE)
    x = np.stack([vector(samples), bundle.mean])
    reached, average = bundle.decide(x).scores[:, bundle.classes.index("fear")]
    assert set(table["emotion"]) == {"fear"}
    assert table["group"].tolist() == sorted(set(bundle.groups), key=lambda group: -abs(table.set_index("group")["change"][group]))
    assert table["change"].sum() == pytest.approx(math.log(reached / average), abs=1e-6)
    assert bundle.features == FEATURES
    row = bundle.predict(samples, rate=RATE, explain=True).iloc[0]
    assert [row[f"change.{group}"] for group in table["group"]] == table["change"].tolist()


def test_what_cannot_be_heard_is_not_explained_and_said():
    table = system().explain(np.zeros(RATE), rate=RATE)
    assert table.empty
    assert table.attrs["reasons"] == {"array": "constant"}
