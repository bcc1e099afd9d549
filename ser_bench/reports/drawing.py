"""matplotlib as it is by itself, for every picture of ours.

In:   nothing: a context, or a decorator, inside which pictures are made.
Out:  matplotlib's own defaults there, and the user's settings as they were outside.
Rule: neither somebody's matplotlibrc nor a backend that is not there changes a byte of a picture or stops one; no name is read as a
      formula; letters that the font lacks are told of in one line.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ser_bench.errors import quoted
from ser_bench.utils.formatting import number_of
from ser_bench.utils.partial_imports import import_alone

SETTINGS = {"text.parse_math": False, "svg.hashsalt": "ser-bench", "svg.fonttype": "none", "pdf.fonttype": 42}
"""Beside the defaults: names are no formulas; the same bytes for the same picture; TrueType fonts, as publishers refuse Type 3."""
LONGEST_LABEL = 160


@contextlib.contextmanager
def own_settings(more: Mapping[str, Any] = MappingProxyType({})) -> Iterator[None]:
    """The defaults of matplotlib and `SETTINGS`, and `more` of one picture, until it is left."""
    matplotlib = load_matplotlib()
    defaults = {name: value for name, value in dict(matplotlib.rcParamsDefault).items() if name != "backend"}
    with matplotlib.rc_context({**defaults, **SETTINGS, **more}), _one_word_of_glyphs():
        yield


def load_matplotlib() -> Any:
    """The library, whatever the user's settings of it are worth."""
    there = set(sys.modules)
    try:
        return importlib.import_module("matplotlib")
    except Exception:
        for half in [name for name in set(sys.modules) - there if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[half]
        found = importlib.util.find_spec("matplotlib")
        if found is None or found.origin is None:
            raise
        return _without_settings(Path(found.origin).parent / "mpl-data")


def import_all() -> None:
    """Import what is slowest of what a page and its figures alone are made with, while there is time: it takes as long as making them."""
    load_matplotlib()
    import jinja2  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import optuna  # noqa: F401
    import PIL.Image  # noqa: F401
    import rich.console  # noqa: F401

    import_alone("scipy.linalg")
    import_alone("scipy.special")


def _without_settings(its_own: Path) -> Any:
    """Import it in the folder of its own defaults: a file of settings in the working folder comes before all others."""
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        with contextlib.chdir(its_own):
            return importlib.import_module("matplotlib")
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    """A name as a picture shows it: one line, of a long one the beginning and the end."""
    half = longest // 2
    return quoted(text if len(text) <= longest else f"{text[:half]}…{text[1 - half :]}", longest)


@contextlib.contextmanager
def _one_word_of_glyphs() -> Iterator[None]:
    """What matplotlib warns of, its many words of letters that the font lacks as one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    lacking = {str(w.message) for w in caught if re.match(r"Glyph \d+", str(w.message))}
    for other in (w for w in caught if str(w.message) not in lacking):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    if lacking:
        told = number_of(len(lacking), "character of names is drawn as a box", "characters of names are drawn as boxes")
        said = f"{told} in PNG and PDF pictures, as the font lacks them; SVG has them"
        warnings.warn(said, stacklevel=4)
