"""One module of a library without running the packages that it lies in, where these take longer to import than the work to be done.

In:   the name of a module that needs little of its library, and the packages that need not be run, of other libraries that it needs, too.
Out:  the module, as any import gives it.
      Of numpy, what scipy takes along without using it is left out in any case.
Rule: nothing else stays: whoever imports the library later gets all of it. A package that is there already is used as it is; where a
      version of the library needs what was left out, the module is imported as usual; and so in any but the main thread, as others may be
      importing the library meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from types import ModuleType

UNUSED = ("f2py", "testing")
"""Packages of numpy that are imported with its names: a compiler of Fortran and test tools."""


def import_alone(name: str, *packages: str) -> ModuleType:
    """Import a module without running these packages, each before those in it."""
    if name not in sys.modules and threading.current_thread() is threading.main_thread():
        absent = [package for package in packages if package not in sys.modules]
        # What a module misses of its packages is an ImportError, or an AttributeError; so it is where the library is not installed.
        with contextlib.suppress(ImportError, AttributeError), _unused_left_out(), _not_run(absent):
            return importlib.import_module(name)
    return importlib.import_module(name)


@contextlib.contextmanager
def _unused_left_out() -> Iterator[None]:
    """Have whoever copies all names of numpy, as scipy does, copy None for packages that numpy imports only when they are asked for."""
    import numpy as np

    left_out = [name for name in UNUSED if f"numpy.{name}" not in sys.modules]
    for name in left_out:
        setattr(np, name, None)
    try:
        yield
    finally:
        for name in left_out:
            if vars(np).get(name, name) is None:
                delattr(np, name)


@contextlib.contextmanager
def _not_run(packages: Sequence[str]) -> Iterator[None]:
    """Have packages be no more than folders of modules for a while, and have nothing of them be there afterwards."""
    try:
        for package in packages:
            spec = find_spec(package)
            if spec is None or spec.submodule_search_locations is None:
                raise ImportError(f"no package {package}")
            folder = ModuleType(package)
            folder.__path__ = list(spec.submodule_search_locations)
            sys.modules[package] = folder
        yield
    finally:
        below = tuple(f"{package}." for package in packages)
        for name in [name for name in sys.modules if name in packages or name.startswith(below)]:
            del sys.modules[name]
