"""Former names of classes and methods, which other packages may still use.

In:   a class derived from one of ours, or a name asked of a package; and what was renamed.
Out:  the same under its present name, with a `FutureWarning` that says it.
Rule: a former name means what the present one does, and nothing else.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any


def carry_over(cls: type, renamed: Mapping[str, str]) -> None:
    """Give what a class defines under former names the present ones.

    >>> class Old: judge = 1
    >>> carry_over(Old, {"rests_on": "feature_importances"})
    >>> hasattr(Old, "feature_importances")
    False
    """
    for old in renamed.keys() & vars(cls).keys():
        warnings.warn(f"{cls.__module__}.{cls.__qualname__}: '{old}' is called '{renamed[old]}' now", FutureWarning, stacklevel=3)
        setattr(cls, renamed[old], vars(cls)[old])


def former(package: str, name: str, renamed: Mapping[str, str]) -> Any:
    """What a package calls otherwise now; an AttributeError for a name that it never had."""
    if name not in renamed:
        raise AttributeError(f"module '{package}' has no attribute '{name}'")
    warnings.warn(f"{package}.{name} is called {renamed[name]} now", FutureWarning, stacklevel=3)
    return getattr(sys.modules[package], renamed[name])
