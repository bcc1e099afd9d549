"""Calls from Python, held to what a function's signature says.

In:   a public function, the names that it takes as ``**options``, and names that only other functions take.
Out:  the same function, which refuses an unknown name by naming the nearest one, or what the name is for elsewhere; and a value of
      the wrong kind by saying what it takes.
Rule: a wrong call is one line that says what to do, never a TypeError from inside. The values of options are the configuration's to check.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from ser_bench.errors import WrongArgument, quoted, unknown
from ser_bench.utils import spec
from ser_bench.utils.named_tables import is_given
from ser_bench.utils.spec import ValueKind, plainly

P = ParamSpec("P")
R = TypeVar("R")


KINDS = {
    "None": ValueKind("None", lambda value: value is None),
    **{kind.__name__: spec.KINDS[kind] for kind in (bool, int, float, str)},
    "Path": ValueKind("a path", lambda value: isinstance(value, PathLike)),
    "Source": ValueKind(
        "a path, a name, a DataFrame or a Corpus",
        lambda value: isinstance(value, str | PathLike) or is_given(value) or hasattr(value, "clips"),
    ),
    "Loaded": ValueKind("a Corpus", lambda value: hasattr(value, "clips")),
    "Frames": ValueKind("a DataFrame", is_given),
    "dict": ValueKind("a dictionary", lambda value: isinstance(value, dict)),
    "Mapping": ValueKind("a dictionary", lambda value: isinstance(value, Mapping)),
    "Progress": ValueKind("an object with start, advance and stop", lambda value: hasattr(value, "advance")),
}
"""What names in annotations of public functions stand for, told without importing a heavy library; rooms above add their own classes."""
NONE_MORE: Mapping[str, ValueKind] = MappingProxyType({})


def named_arguments(
    options: Iterable[str] = (), elsewhere: Mapping[str, str] | None = None, kinds: Mapping[str, ValueKind] = NONE_MORE
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse calls that a function's signature does not allow.

    Parameters
    ----------
    options : iterable of str
        The names that it takes as ``**options``.
    elsewhere : dict of str to str, optional
        Names that other functions take and this one does not, and what they are for there.
    kinds : dict of str to ValueKind, optional
        What names in its annotations stand for, beside `KINDS`.

    Returns
    -------
    callable
        A decorator; calls of what it returns raise `WrongArgument`.

    >>> @named_arguments(["model"], {"track": "it says how clips are scaled"})
    ... def fit(rounds: int = 1, **options: str) -> int: return rounds
    >>> fit(2, model="svm")
    2
    >>> fit(modle="svm")
    Traceback (most recent call last):
    ser_bench.errors.WrongArgument: unknown argument of fit() 'modle': did you mean 'model'? (known: model, rounds)
    >>> fit(track="train")
    Traceback (most recent call last):
    ser_bench.errors.WrongArgument: fit(): 'track' has no effect here: it says how clips are scaled
    >>> fit(rounds="two")
    Traceback (most recent call last):
    ser_bench.errors.WrongArgument: fit(): 'rounds' takes a whole number, not 'two'
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        allowed = {name: _kind(p.annotation, {**KINDS, **kinds}) for name, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD}
        known, unheeded = {*allowed, *options}, elsewhere or {}

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for key in kwargs:
                if key in unheeded:
                    raise WrongArgument(f"{function.__name__}(): '{key}' has no effect here: {unheeded[key]}")
                if key not in known:
                    raise WrongArgument(str(unknown(f"argument of {function.__name__}()", key, known)))
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise WrongArgument(f"{function.__name__}(): {error}") from None
            for key in allowed.keys() & given.keys():
                if not allowed[key].fits(given[key]):
                    raise WrongArgument(f"{function.__name__}(): '{key}' takes {allowed[key].words}, not {quoted(plainly(given[key]))}")
            return function(*args, **kwargs)

        return call

    return decorate


def _kind(annotation: str, kinds: Mapping[str, ValueKind]) -> ValueKind:
    """What an annotation allows: alternatives, of which one may be several of a kind.

    >>> kind = _kind("str | Sequence[str] | None", KINDS)
    >>> kind.words, kind.fits(["a"]), kind.fits([1]), kind.fits(None)
    ('text or a list of such', True, False, True)
    """
    alternatives = [_alternative(part, kinds) for part in re.split(r" \| (?![^\[]*\])", annotation)]
    words = " or ".join(dict.fromkeys(kind.words for kind in alternatives if kind.words != "None"))
    return ValueKind(words, lambda value: any(kind.fits(value) for kind in alternatives))


def _alternative(text: str, kinds: Mapping[str, ValueKind]) -> ValueKind:
    if several := re.fullmatch(r"Sequence\[(.+)]", text):
        each = _kind(several[1], kinds)
        return ValueKind("a list of such", lambda value: isinstance(value, list | tuple) and all(map(each.fits, value)))
    return kinds[text.partition("[")[0]]
