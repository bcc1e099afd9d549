"""Headers of databases and data sets that others made: YAML and JSON, read as plain values.

In:   a file.
Out:  mappings, lists, texts, numbers.
Rule: no tag of a file makes an object: YAML is read by its safe loader, whatever library wrote it, and what is no plain value is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.regular_files import check_regular

LARGEST_HEADER = 1 << 26
"""Bytes of a header that is read."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises
    ------
    WrongCall
        Where it cannot be read, or holds something else.
    """
    return parse_yaml(_text(path), path)


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """`read_yaml` for text that was read from `path`."""
    import yaml

    # The loader in C is the same, twenty times as fast; not every wheel has it.
    safe_loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _mapping(yaml.load(text, Loader=safe_loader), path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise WrongCall(f"cannot read {path}: {quoted(getattr(error, 'problem', None) or 'no YAML')}{place}") from None
    except (ValueError, RecursionError, TypeError) as error:
        raise WrongCall(f"cannot read {path}: {quoted(type(error).__name__)}; it is no plain YAML") from None


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a JSON file holds; errors as `read_yaml`."""
    return parse_json(_text(path), path)


def parse_json(text: str | bytes, path: Path) -> dict[str, Any]:
    """`read_json` for text that was read from `path`."""
    try:
        return _mapping(json.loads(text), path)
    except (ValueError, RecursionError) as error:
        raise WrongCall(f"cannot read {path}: {quoted(str(error) if isinstance(error, ValueError) else 'nested too deep')}") from None


def entry(holder: Any, *names: str) -> Any:
    """What stands under names within names; None where any of them is missing, or is no mapping.

    >>> entry({"info": {"features": [1]}}, "info", "features"), entry({"info": 3}, "info", "features")
    ([1], None)
    """
    for name in names:
        if not isinstance(holder, dict):
            return None
        holder = holder.get(name)
    return holder


def _text(path: Path) -> str:
    try:
        check_regular(path, LARGEST_HEADER)
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongCall(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongCall(f"cannot read {path}: it is not UTF-8") from None


def _mapping(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongCall(f"cannot read {path}: it is no mapping of names to values")
    return value
