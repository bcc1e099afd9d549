"""TOML files named by the user, and values written as TOML.

In:   a configuration, a label scheme or a recipe, by its file or, where the package has it, by its name; values of a configuration.
Out:  what the file holds; the values as text that reads as the same values.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.regular_files import check_regular

T = TypeVar("T")
LARGEST = 1 << 20
"""Bytes of a file."""
UNWRITABLE = re.compile(r'["\\\x00-\x1f\x7f]')
"""What stands escaped in a quoted text of TOML."""


def read_toml(path: str | Path, option: str) -> tuple[str, dict[str, Any]]:
    """The text of a file that an option names, and what it holds.

    Raises
    ------
    WrongCall
        Naming the file and why it cannot be read.
    """
    if not str(path):
        raise WrongCall(f"{option}: is empty; name a TOML file, such as results/emodb-1a2b3c4d/run.toml")
    try:
        check_regular(path, LARGEST)
        text = Path(path).read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise WrongCall(f"{option} {path}: {error.strerror or error}") from None
    except RecursionError:
        raise WrongCall(f"{option} {path} is not read: its brackets are nested too deeply") from None
    except ValueError as error:
        raise WrongCall(f"{option} {path} is not TOML: {quoted(error)}") from None


def named_or_read(what: str, name: str, known: Callable[[], dict[str, T]], read: Callable[[Path], T]) -> T:
    """What of the package has that name, or what is in the file, where the name ends in ``.toml``.

    Raises
    ------
    WrongCall
        With the nearest known name, or with what is wrong with the file.
    """
    if name.lower().endswith(".toml"):
        return read(Path(name).expanduser())
    if name not in known():
        raise unknown(what, name, known())
    return known()[name]


def in_toml(value: Any) -> str:
    r"""A value as TOML 1.0 writes it.

    >>> print(in_toml(("a\\b", 'say "x"', "new\nline")), in_toml(1e-07), in_toml(True))
    ["a\\b", "say \"x\"", "new\u000Aline"] 1e-07 true
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return '"' + UNWRITABLE.sub(_escape, value) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_toml(key)} = {in_toml(word)}" for key, word in value.items()) + "}"
    return f"[{', '.join(map(in_toml, value))}]"


def _escape(match: re.Match[str]) -> str:
    letter = match.group()
    return f"\\{letter}" if letter in '"\\' else f"\\u{ord(letter):04X}"
