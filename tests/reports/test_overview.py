"""A block at a glance: every UAR in its place, and the front is what nothing beats for its time."""

import numpy as np
import pandas as pd
import pytest

from ser_bench.reports.overview import LETTER, LINE, cost_map, heat_map


def link(row: dict[str, object]) -> str:
    return f"#{row['features']}"


def board(seed: int = 0, n: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    named = {"corpus": "made up", "features": [f"set{i // 4}" for i in range(n)], "model": [f"model{i % 4}" for i in range(n)]}
    scored = {"track": "train", "status": "ok", "uar": rng.uniform(0.3, 0.7, n).round(4), "seconds": (10 ** rng.uniform(0, 3, n)).round(1)}
    return pd.DataFrame({**named, **scored, "rank": 1})


def test_the_heat_map_holds_each_uar_where_its_names_meet():
    block = board()
    heat = heat_map(block, link)
    assert heat["models"][0] == block.loc[block["uar"].idxmax(), "model"]
    for features, row in heat["rows"]:
        for model, cell in zip(heat["models"], row, strict=True):
            (known,) = block.loc[(block["features"] == features) & (block["model"] == model), "uar"]
            assert cell["uar"] == f"{known:.3f}".removeprefix("0")
    shades = [cell["shade"] for _, row in heat["rows"] for cell in row]
    assert (min(shades), max(shades)) == (0, 1)


def test_a_pair_that_was_not_judged_leaves_its_place_empty():
    block = board(n=8)[:-1]
    assert sum(cell is None for _, row in heat_map(block, link)["rows"] for cell in row) == 1


def test_a_single_model_has_no_heat_map():
    block = board()
    assert heat_map(block[block["model"] == "model0"], link) is None


@pytest.mark.parametrize("seed", range(5))
def test_nothing_beats_the_front_for_its_time_and_only_the_front(seed):
    block = board(seed)
    beaten = {
        f"{a.features} {a.model}"
        for a in block.itertuples()
        for b in block.itertuples()
        if b.seconds <= a.seconds and b.uar >= a.uar and (b.seconds, b.uar) != (a.seconds, a.uar)
    }
    points = cost_map(block)["points"]
    assert {point["name"] for point in points if not point["front"]} == beaten


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_the_front_lie_on_no_label_and_no_point(seed):
    drawn = cost_map(board(seed))
    for place, label in enumerate(drawn["front"]):
        begin = label["x"] - LETTER * len(label["name"])
        assert begin >= drawn["left"] - 0.1
        for other in drawn["front"][:place]:
            assert other["x"] <= begin or other["line"] - label["line"] >= LINE
        for point in drawn["points"]:
            assert not (begin < point["x"] < label["x"] and label["line"] - 10 < point["y"] < label["line"])


def test_what_took_no_time_has_no_cost():
    assert cost_map(board().assign(seconds=0.0)) is None


def test_equal_scores_and_times_are_drawn():
    drawn = cost_map(board(n=4).assign(uar=0.64, seconds=2.0))
    assert len({(point["x"], point["y"]) for point in drawn["points"]}) == 1
    assert [point["front"] for point in drawn["points"]].count(True) == 1
