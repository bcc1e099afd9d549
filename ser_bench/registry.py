"""Plug-ins by name: what the files of a room define, and what other packages bring through entry points.

A plug-in is a concrete subclass of the room's base class with a `name`. Adding one is adding one file.
"""

import importlib
import inspect
import pkgutil
from importlib.metadata import entry_points
from typing import TypeVar

from ser_bench.errors import unknown

T = TypeVar("T")


def discover(room: str, base: type[T]) -> dict[str, type[T]]:
    """All plug-ins of a room, by name.

    Parameters
    ----------
    room : str
        ``corpora``, ``extractors`` or ``models``: the entry-point group is ``ser_bench.<room>``.
    base : type
        The room's base class; the package it lives in is searched.
    """
    package = importlib.import_module(base.__module__.rpartition(".")[0])
    modules = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    found = [thing for module in modules for thing in vars(module).values()]
    found += [entry.load() for entry in entry_points(group=f"ser_bench.{room}")]
    plugins = [p for p in found if inspect.isclass(p) and issubclass(p, base) and not inspect.isabstract(p) and hasattr(p, "name")]
    by_name = {plugin.name: plugin for plugin in plugins}  # type: ignore[attr-defined]
    return dict(sorted(by_name.items()))


def find(kind: str, name: str, known: dict[str, type[T]]) -> type[T]:
    """The plug-in of that name, or an error that suggests the nearest one."""
    if name not in known:
        raise unknown(kind, name, known)
    return known[name]
