"""Configuration files: TOML read, and values written as TOML.

In:   a file that somebody names; values of a configuration.
Out:  what the file holds; the values as text that reads as the same values.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from ser_bench.errors import WrongCall
from ser_bench.utils.regular_files import check_regular

UNWRITABLE = re.compile(r'["\\\x00-\x1f\x7f]')
"""What stands escaped in a quoted text of TOML."""


def read_toml(path: str | Path) -> dict[str, Any]:
    """What a file that ``--config`` names holds.

    Raises
    ------
    WrongCall
        Naming the file and why it cannot be read.
    """
    if not str(path):
        raise WrongCall("--config: is empty; name a TOML file, such as results/emodb-1a2b3c4d/run.toml")
    try:
        check_regular(path)
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongCall(f"--config {path}: {error.strerror or error}") from None
    except RecursionError:
        raise WrongCall(f"--config {path} is not read: its brackets are nested too deeply") from None
    except ValueError as error:
        raise WrongCall(f"--config {path} is not TOML: {error}") from None


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
