"""Colour, marker and dash of each model, feature set and emotion: the same in every figure, whatever else is in it.

In:   names.
Out:  a `Look` for each: those of this package have a fixed one, all others one by a hash of their name.
Rule: colours are Okabe and Ito's, which every kind of colour vision distinguishes; in grey, markers and dashes do. Only where two looks of
      one figure would be the same, the name that comes later in the alphabet takes the next free one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Dash = Literal["-", "--", "-.", ":"]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES: tuple[Dash, ...] = ("-", "--", "-.", ":")


class Look(NamedTuple):
    """How something is drawn: a colour, a marker, a dash of its lines."""

    colour: str
    marker: str = ""
    dash: Dash = "-"


LOOKS = tuple(Look(COLOURS[n % 7], MARKERS[n % 10], DASHES[n % 10 % 4]) for n in range(70))
"""All pairs of a colour and a marker, those that are alike in neither first."""

MODELS = ("svm", "rf", "xgb", "mlp", "logreg", "dense", "cnn")
FEATURES = (
    *("egemaps", "spectral+mfcc", "compare", "mfcc", "gemaps", "spectral", "prosody", "is09", "is10", "is13"),
    *("emobase", "modulation", "contour", "recording", "audioemotion26", "vggish", "outline"),
)
EMOTIONS = ("anger", "happiness", "sadness", "fear", "disgust", "surprise", "neutral", "calm", "boredom", "contempt")
"""Names whose looks are fixed by their places."""


def looks_of(names: Iterable[str], fixed: Sequence[str] = ()) -> dict[str, Look]:
    """A look for each name, those of `fixed` by their places there.

    >>> looks_of(["rf", "svm"], MODELS) == {"svm": LOOKS[0], "rf": LOOKS[1]}
    True
    """
    names = sorted(set(names))
    looks = {name: LOOKS[fixed.index(name)] for name in names if name in fixed}
    for name in names:
        if name not in looks:
            looks[name] = _free(name, list(looks.values()))
    return looks


def looks_of_systems(systems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Look]:
    """A look for each feature set and model: the colour and dash of the model, the marker of the feature set."""
    systems = list(systems)
    sets, models = looks_of((features for features, _ in systems), FEATURES), looks_of((model for _, model in systems), MODELS)
    return {(features, model): models[model]._replace(marker=sets[features].marker) for features, model in systems}


def _free(name: str, taken: Sequence[Look]) -> Look:
    """The look of a name's hash, or the next whose colour and marker are both free; where there is none, the next that is not taken."""
    first = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest()) % len(LOOKS)
    inorder = [*LOOKS[first:], *LOOKS[:first]]
    colours, markers = {look.colour for look in taken}, {look.marker for look in taken}
    alone = (look for look in inorder if look.colour not in colours and look.marker not in markers)
    return next(alone, next((look for look in inorder if look not in taken), inorder[0]))
