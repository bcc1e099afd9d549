"""A text of layers means one network, or is refused in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.errors import WrongCall
from ser_bench.models.layers import Layer, dense_layers, parse_layers


def test_every_kind_of_layer_is_read() -> None:
    assert parse_layers("b-c256x5-c8x3vb-d.1-d-d0.25-p8-p4s-128-64b") == (
        Layer("norm"),
        Layer("conv", 256, 5, same=True),
        Layer("conv", 8, 3, norm=True),
        Layer("dropout", rate=0.1),
        Layer("dropout"),
        Layer("dropout", rate=0.25),
        Layer("pool", width=8),
        Layer("pool", width=4, same=True),
        Layer("dense", 128),
        Layer("dense", 64, norm=True),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot read ''"),
        ("64-", "cannot read ''"),
        ("c64", "cannot read 'c64' in 'c64'"),
        ("c0x5", "cannot read 'c0x5'"),
        ("c64x5-q", "cannot read 'q' in 'c64x5-q'"),
        ("c64x5sb", "cannot read 'c64x5sb'"),
        ("d1", "'d1' is no dropout"),
        ("d.", "'d.' is no dropout"),
        ("c5000x5", "'c5000x5' holds a number above 4,096"),
        ("p" + "9" * 5000, "holds a number above 1,024"),
        ("64-c32x5", "'c32x5' comes after '64'"),
        ("64-d-p4", "'p4' comes after '64'"),
        ("-".join(["8"] * 65), "65 layers are more than 64"),
    ],
)
def test_other_texts_are_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(WrongCall) as refused:
        parse_layers(text, "model cnn: 'layers'")
    message = str(refused.value)
    assert message.startswith("model cnn: 'layers': ")
    assert told in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("text", ["c64x5", "64-d.5", "b-64", "64b"])
def test_a_dense_network_has_numbers_alone(text: str) -> None:
    with pytest.raises(WrongCall, match="numbers alone"):
        dense_layers(text, batch_norm=False)


@given(st.text(alphabet="cxpdbsv.-0123456789\n ", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        n_layers, told = len(parse_layers(text)), ""
    except WrongCall as refused:
        n_layers, told = text.count("-") + 1, str(refused)
    assert n_layers == text.count("-") + 1
    assert "\n" not in told
