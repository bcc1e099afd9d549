"""The layers of a network, written as one text: `c256x5-c128x5-d.1-p8`.

In:   layers from input to output, joined by ``-``; the softmax over the emotions that ends every network is not written.
Out:  a tuple of `Layer`.
Rule: a text means one network, or is refused in one line.

======== ============================================================================================
layer    what it is
======== ============================================================================================
``cKxW`` convolution along the columns: K kernels of W, one column at a time, as many columns out as in
         (Keras's ``padding='same'``), then ReLU
``cKxWv`` the same inside the columns only (``padding='valid'``): W - 1 columns less
``pW``   the greatest of W columns, then of the next W; columns left over at the end are dropped
         (``padding='valid'``, Keras's default)
``pWs``  the same, and what is left over at the end is a group, too (``padding='same'``)
``dR``   dropout at the rate R, such as ``d.5`` or ``d0.25``
``d``    dropout at the model's hyperparameter `dropout`
``b``    batch normalisation of what comes here
``N``    dense: N units, then ReLU; what comes here is laid side by side, column by column (Keras's ``Flatten``)
======== ============================================================================================

A ``b`` behind a convolution or a number (``c256x8b``, ``c256x8vb``, ``128b``) puts a batch normalisation before its ReLU; a layer ``b`` of
its own comes after it. No convolution or pooling follows a number. `dense` has numbers alone: its hyperparameters `batch_norm`
and `dropout` put a batch normalisation before, and dropout after, each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ser_bench.errors import WrongCall, quoted

MOST_LAYERS = 64
MOST_UNITS = 4096
"""Of kernels, and of units."""
WIDEST = 1024
"""Of a kernel and a pool, in columns."""
LAYER = re.compile(
    r"c(?P<kernels>[1-9][0-9]*)x(?P<width>[1-9][0-9]*)(?P<valid>v?)(?P<inside>b?)"
    r"|p(?P<pool>[1-9][0-9]*)(?P<same>s?)"
    r"|(?P<dropout>d)(?P<rate>[0-9]*\.?[0-9]*)"
    r"|(?P<norm>b)"
    r"|(?P<units>[1-9][0-9]*)(?P<within>b?)"
)


@dataclass(frozen=True)
class Layer:
    """One layer.

    Parameters
    ----------
    kind : {'conv', 'pool', 'dropout', 'norm', 'dense'}
    size : int
        Kernels, or units.
    width : int
        Columns of a kernel, or of a pool.
    same : bool
        Whether columns are added at the ends, as Keras's ``padding='same'`` does.
    norm : bool
        Whether a batch normalisation comes before the ReLU.
    rate : float or None
        Of dropout; None is the model's hyperparameter.
    """

    kind: str
    size: int = 0
    width: int = 0
    same: bool = False
    norm: bool = False
    rate: float | None = None


def parse_layers(text: str, where: str = "layers") -> tuple[Layer, ...]:
    """The layers that a text names.

    Parameters
    ----------
    text : str
    where : str
        What errors begin with.

    Raises
    ------
    WrongCall
        Naming the layer at fault.

    >>> [layer.kind for layer in parse_layers("c32x5-d.5-p8-32")]
    ['conv', 'dropout', 'pool', 'dense']
    """
    words = text.split("-")
    if len(words) > MOST_LAYERS:
        raise WrongCall(f"{where}: {len(words)} layers are more than {MOST_LAYERS}")
    layers = tuple(_layer(word, text, where) for word in words)
    first = next((place for place, layer in enumerate(layers) if layer.kind == "dense"), len(layers))
    for word, layer in list(zip(words, layers, strict=True))[first:]:
        if layer.kind in {"conv", "pool"}:
            raise WrongCall(f"{where}: '{word}' comes after '{words[first]}', behind which there are no columns any more")
    return layers


def dense_layers(text: str, *, batch_norm: bool, where: str = "layers") -> tuple[Layer, ...]:
    """The layers of a dense network: numbers of units alone, with dropout after each and, where wanted, batch normalisation before.

    Raises
    ------
    WrongCall
        Naming the layer at fault.

    >>> [layer.kind for layer in dense_layers("64-32", batch_norm=True)]
    ['norm', 'dense', 'dropout', 'norm', 'dense', 'dropout']
    """
    plain = parse_layers(text, where)
    for word, layer in zip(text.split("-"), plain, strict=True):
        if layer.kind != "dense" or layer.norm:
            raise WrongCall(f"{where}: '{word}' is no number of units; write numbers alone, such as 256-128")
    before = (Layer("norm"),) if batch_norm else ()
    return tuple(part for layer in plain for part in (*before, layer, Layer("dropout")))


def _layer(word: str, text: str, where: str) -> Layer:
    found = LAYER.fullmatch(word)
    if not found:
        raise WrongCall(
            f"{where}: cannot read '{quoted(word)}' in '{quoted(text)}': write c64x5 (64 kernels of 5), p4 (pooling), d.2 (dropout), "
            "b (batch normalisation), 128 (units) or others of such, joined by -"
        )
    if found["kernels"]:
        size, width = _number(found["kernels"], MOST_UNITS, word, where), _number(found["width"], WIDEST, word, where)
        return Layer("conv", size, width, same=not found["valid"], norm=bool(found["inside"]))
    if found["pool"]:
        return Layer("pool", width=_number(found["pool"], WIDEST, word, where), same=bool(found["same"]))
    if found["dropout"]:
        return Layer("dropout", rate=_rate(found["rate"], word, where))
    if found["norm"]:
        return Layer("norm")
    return Layer("dense", _number(found["units"], MOST_UNITS, word, where), norm=bool(found["within"]))


def _number(digits: str, most: int, word: str, where: str) -> int:
    if len(digits) > len(str(most)) or int(digits) > most:
        raise WrongCall(f"{where}: '{quoted(word)}' holds a number above {most:,}")
    return int(digits)


def _rate(text: str, word: str, where: str) -> float | None:
    if not text:
        return None
    if text == "." or not float(text) < 1:
        raise WrongCall(f"{where}: '{quoted(word)}' is no dropout: write a share below 1, such as d.25")
    return float(text)
