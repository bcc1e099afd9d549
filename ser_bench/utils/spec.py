"""Names with parameters in brackets, as the command line and TOML write them: ``mfcc(n_mfcc=13, rate=8000)``."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from ser_bench.errors import WrongCall, quoted, unknown

T = TypeVar("T")
LONGEST = 1000
"""Characters of a name with its parameters."""


class ValueKind(NamedTuple):
    """What a value may be, in words and as a test."""

    words: str
    fits: Callable[[Any], bool]


KINDS = {
    bool: ValueKind("true or false", lambda value: isinstance(value, bool)),
    int: ValueKind("a whole number", lambda value: isinstance(value, Integral) and not isinstance(value, bool)),
    float: ValueKind("a number", lambda value: isinstance(value, Real) and not isinstance(value, bool)),
    str: ValueKind("text", lambda value: isinstance(value, str)),
    list: ValueKind("a list", lambda value: isinstance(value, list)),
    tuple: ValueKind("a list", lambda value: isinstance(value, tuple)),
    dict: ValueKind("a table", lambda value: isinstance(value, dict)),
}
"""Types of defaults, and of arguments; NumPy's numbers are numbers, too."""
LARGEST = 2**53
"""The largest whole number: up to it, all are exact as floating-point numbers."""


def split_sum(text: str) -> list[str]:
    """The terms of a sum, leaving alone a plus inside brackets.

    >>> split_sum("egemaps+mfcc(rate=8000)")
    ['egemaps', 'mfcc(rate=8000)']
    """
    return [term.strip() for term in re.split(r"\+(?![^(]*\))", text)]


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters of one term; a value is a number, true, false, or a bare or quoted word.

    >>> parse("tones(cue=pitch, speakers=4)")
    ('tones', {'cue': 'pitch', 'speakers': 4})
    """
    match = re.fullmatch(r"([^()]+)(?:\((.*)\))?", text.strip())
    if not match or len(text) > LONGEST:
        raise WrongCall(f"cannot read '{quoted(text)}': write name or name(parameter=value, ...)")
    name, inside = match.group(1).strip(), match.group(2)
    parameters = {}
    for item in filter(None, (part.strip() for part in (inside or "").split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (equals and key and value):
            raise WrongCall(f"cannot read '{quoted(item)}' in '{quoted(text)}': write name(parameter=value, ...)")
        parameters[key] = _value(value)
    return name, parameters


def build(kind: str, cls: type[T], name: str, parameters: dict[str, Any]) -> T:
    """Make a dataclass plug-in from its parameters, refusing those that it does not have or of another type."""
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in parameters:
        if key not in fields:
            raise unknown(f"parameter of {kind} '{name}'", key, fields)
    where = f"{kind} {name}"
    return cls(**{key: typed(key, value, fields[key].default, where) for key, value in parameters.items()})


def typed(key: str, value: Any, default: Any, where: str) -> Any:
    """The value if it is of the default's type (a whole number may stand for a float), else an error that says so."""
    if default is None:
        return value
    own = type(default)
    kind = KINDS.get(own, ValueKind(f"a {own.__name__}", lambda value: type(value) is own))
    if not kind.fits(value):
        raise WrongCall(f"{where}: '{key}' takes {kind.words}, not {quoted(plainly(value))}")
    if own not in (int, float):
        return value
    if isinstance(value, Integral):
        within(f"{where}: '{key}'", int(value), -LARGEST, LARGEST)
    return own(value)


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number that is outside of a range, or none.

    >>> within("seed", -1, 0, 2**32 - 1)
    Traceback (most recent call last):
    ser_bench.errors.WrongCall: seed: -1 is not in the range from 0 to 4,294,967,295
    """
    if not low <= value <= high:
        raise WrongCall(f"{name}: {quoted(plainly(value))} is not in the range from {low:,} to {high:,}")


def plainly(value: object) -> str:
    """A value as Python writes it; whole numbers that are too long for that, and tables, are named by kind.

    >>> plainly(True), plainly([1]), plainly(10**5000)
    ('True', '[1]', 'a number of more than 4,300 digits')
    >>> import pandas as pd
    >>> plainly(pd.DataFrame({"f0": [1.0, 2.0]})), plainly(["egemaps", pd.DataFrame()])
    ('a DataFrame', "['egemaps', a DataFrame]")
    """
    try:
        text = repr(value)
    except ValueError:
        return "a number of more than 4,300 digits"
    if "\n" not in text:
        return text
    return f"[{', '.join(map(plainly, value))}]" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def pairs(key: str, value: Any, source: str) -> dict[str, str]:
    """Names and what stands for them, in the order of the names; words ``path=file,emotion=label`` as the command line has them, too."""
    words = [value] if isinstance(value, str) else value
    if isinstance(words, list | tuple) and all(isinstance(word, str) for word in words):
        items = [item.partition("=") for word in words for item in word.split(",")]
        if twice := [ours.strip() for at, (ours, *_) in enumerate(items) if ours.strip() in {other.strip() for other, *_ in items[:at]}]:
            raise WrongCall(f"{source}: '{key}' names '{quoted(twice[0])}' twice")
        value = {ours.strip(): theirs.strip() for ours, _, theirs in items}
    if not isinstance(value, Mapping) or not all(isinstance(word, str) and word.strip() for pair in value.items() for word in pair):
        raise WrongCall(
            f"{source}: '{key}' takes pairs of our name and the table's, such as path=file,emotion=label, not {quoted(plainly(value))}"
        )
    return dict(sorted(value.items()))


def canonical(name: str, thing: Any) -> str:
    """How a plug-in is written: its name, with the parameters that are not at their defaults, in alphabetical order."""
    changed = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing) if getattr(thing, f.name) != f.default}
    inside = ",".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in sorted(changed.items()))
    return f"{name}({inside})" if inside else name


def describe(thing: Any) -> dict[str, Any]:
    """What a plug-in's results depend on beside its input: name, version, parameters, and the versions of its libraries."""
    return {
        "name": thing.name,
        "version": thing.version,
        "parameters": dataclasses.asdict(thing),
        "libraries": versions(thing.libraries),
    }


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """The installed version of each library; nothing for one that is not installed."""
    return {library: _installed(library) for library in libraries}


@cache
def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        pass
    try:
        # The same library without what it brings for other machines.
        return version(f"{library}-cpu")
    except PackageNotFoundError:
        return ""


def _value(text: str) -> Any:
    """A number, true or false, or a word; nothing is run to read it.

    >>> [_value(text) for text in ("12", "-1e3", "True", "'a b'", "pitch", "1e999")]
    [12, -1000.0, True, 'a b', 'pitch', '1e999']
    """
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    finite = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) and math.isfinite(float(text))
    return float(text) if finite else text
