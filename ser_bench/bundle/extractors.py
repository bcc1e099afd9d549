"""Whether what computes a system's columns is still what it was when the system was fitted.

In:   a feature set, and what a file says of the one that training clips were measured by.
Out:  nothing, one warning per library of another version, or a refusal.
Rule: columns that mean something else are never shown to a model.
"""

from __future__ import annotations

from typing import Any

from ser_bench.errors import WrongCall, quoted
from ser_bench.features.base import Extractor
from ser_bench.features.sets import FeatureSet
from ser_bench.models.packing import Packed, Unfit
from ser_bench.utils.plugins import provider
from ser_bench.utils.spec import describe

SAME = ("name", "version", "parameters", "provider")
"""What has to be as it was."""


def described(features: FeatureSet) -> tuple[dict[str, Any], ...]:
    """What values depend on, one mapping per extractor: name, version, parameters, who brings it, versions of libraries."""
    return tuple(describe(part) | {"provider": provider(type(part))} for part in features.parts if isinstance(part, Extractor))


def extractors_in(packed: Packed) -> tuple[dict[str, Any], ...]:
    """What `described` gave, as a file has it; errors as `Packed.array`."""
    found = packed.values.get("extractors")
    if not isinstance(found, list) or not all(_is_described(one) for one in found):
        raise Unfit("its value 'extractors' is not of the form that it has")
    return tuple(found)


def check_extractors(before: tuple[dict[str, Any], ...], features: FeatureSet) -> list[str]:
    """What has changed since a system was fitted.

    Parameters
    ----------
    before : tuple of dict
        As `described` gave it then.
    features : FeatureSet

    Returns
    -------
    list of str
        One warning per library whose version is another.

    Raises
    ------
    WrongCall
        Where an extractor's version or parameters are others: its columns mean something else.
    """
    now = described(features)
    if len(now) != len(before):
        raise WrongCall(f"the model was fitted on {len(before)} feature sets and names {len(now)} ({quoted(features.name)}): fit it again")
    changed: dict[str, str] = {}
    for part, old, new in zip(features.parts, before, now, strict=True):
        if any(old[key] != new[key] for key in SAME):
            raise WrongCall(
                f"the model was fitted on {part.label} in version {quoted(old['version'])}, which is {new['version']} here: fit it again, "
                "or install the version of ser-bench that its card names"
            )
        for library, version in new["libraries"].items():
            then = old["libraries"].get(library, "absent")
            if version != then:
                said = f"{library} is {version or 'not installed'} here and was {quoted(then)} when the model was fitted"
                changed[library] = f"{said}: features may differ in their last digits"
    return list(changed.values())


def _is_described(one: object) -> bool:
    return isinstance(one, dict) and set(SAME) <= set(one) and isinstance(one.get("libraries"), dict)
